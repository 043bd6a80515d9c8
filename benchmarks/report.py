"""``results/suite.csv`` as a plot and as the site's table; `run.py` calls it after measuring.

``uv run python benchmarks/report.py`` makes both again without measuring.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

HERE = Path(__file__).parent
BEGIN = "<!-- speed table: made by benchmarks/run.py -->"
END = "<!-- end of speed table -->"
# Okabe & Ito's colours, told apart with any colour vision; markers tell them apart without.
LOOKS = {
    "predclv": ("predclv", "#0072B2", "o"),
    "duckdb": ("DuckDB, plain SQL counting alone", "#E69F00", "s"),
    "duckdb_spend": ("DuckDB, plain SQL", "#D55E00", "P"),
    "polars": ("polars, streaming", "#009E73", "D"),
    "pandas": ("pandas", "#CC79A7", "^"),
    "lifetimes": ("lifetimes", "#56B4E9", "v"),
    "pymc_marketing": ("pymc-marketing", "#000000", "X"),
}
TITLES = {
    "import": "import",
    "first_fit": "import and fit CDNOW",
    "cells": "log to cells, with spend",
    "counted": "log to cells, purchases alone",
    "fit_bgnbd": "fit BG/NBD",
    "fit_mbgnbd": "fit MBG/NBD",
    "fit_pareto": "fit Pareto/NBD",
    "fit_spend": "fit Gamma-Gamma",
    "point": "12-month forecast",
    "intervals": "the same with intervals, to Parquet",
    "limited": "log to such a file, with DuckDB held to 1 GB",
    "summary": "posterior of BG/NBD, 1,000 draws × 4 chains",
    "clv": "posterior and 12-month CLV",
}
COLUMNS = ("cells", "fit_bgnbd", "point", "clv")  # of the plot
DASHED = {"point": "intervals", "clv": "summary"}  # drawn into the same panel
FITTED = 3  # largest sizes that the exponent of growth is fitted to


def growth(table: pd.DataFrame, case: str, what: str, package: str = "predclv") -> float | None:
    """Times more of ``what`` when customers double, least squares on logs of the largest sizes."""
    own = table[(table["case"] == case) & (table["package"] == package)]
    own = own[own[what].notna()].sort_values("customers").tail(FITTED)
    if len(own) < FITTED:
        return None
    slope, _ = np.polyfit(np.log(own["customers"]), np.log(own[what]), 1)
    return float(2**slope)


# The site's table ------------------------------------------------------------------------------


def markdown(table: pd.DataFrame) -> str:
    """the site's table: of each case the largest size of ours and of every peer."""
    lines = ["| what | size | predclv | beside it |", "|---|--:|--:|---|"]
    for case, title in TITLES.items():
        rows = table[table["case"] == case]
        done = rows[rows["seconds"].notna()]
        sizes = set(done.groupby("package")["size"].max()) | set(rows[rows["note"].notna()]["size"])
        for size in sorted(sizes):
            here = rows[rows["size"] == size].set_index("package")
            ours = _cost(here.loc["predclv"]) if "predclv" in here.index else ""
            peers = [
                f"{LOOKS[name][0]} {_cost(here.loc[name])}" for name in LOOKS if name in here.index
            ]
            unit = f"{size:,} {rows['unit'].iloc[0]}" if size else ""
            beside = "; ".join(peers[1:] if ours else peers)
            lines.append(f"| {title} | {unit} | {ours} | {beside} |")
    return "\n".join([*lines, "", *_growth_lines(table), "", *_circumstances(table)])


def _cost(row: pd.Series) -> str:
    if pd.isna(row["seconds"]):
        return str(row["note"])
    return f"{_digits(row['seconds'])} s, {row['peak_mb']:,.0f} MB"


def _digits(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def _growth_lines(table: pd.DataFrame) -> list[str]:
    found = []
    for case in ("cells", "fit_bgnbd", "fit_spend", "fit_pareto", "point", "intervals"):
        time, memory = (growth(table, case, what) for what in ("seconds", "peak_mb"))
        if time is not None and memory is not None:
            name = "forecast with intervals" if case == "intervals" else TITLES[case]
            found.append(f"{name} {time:.2f} times the time and {memory:.2f} the memory")
    if not found:
        return ["Too few sizes measured to state growth."]
    line = "; ".join(found)
    return [f"When customers double (fitted to the {FITTED} largest sizes): {line}."]


def _circumstances(table: pd.DataFrame) -> list[str]:
    """Machines, versions and days, as many as the rows have."""
    machines = " and ".join(sorted(set(table["machine"])))
    days = sorted(set(table["measured"].astype(str)))
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    versions = sorted(set(table["versions"]))
    more = "" if len(versions) == 1 else " (some rows by other versions: see the CSV)"
    return [
        f"{machines}; {when}; {versions[-1]}{more}. Fits start from a summary, forecasts from a "
        "fit; compiled kernels are warm; memory is the peak of the whole process. A peer without "
        "a figure at a size was not tried there."
    ]


def replace_table(readme: Path, text: str) -> None:
    """Put ``text`` between the two markers of ``docs/speed.md``, or say that they are missing."""
    page = readme.read_text()
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        print(f"{readme.name} lacks the markers {BEGIN} and {END}: table not placed.")
        return
    head, rest = page.split(BEGIN)
    readme.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


# The plot -------------------------------------------------------------------------------------


def draw(table: pd.DataFrame, path: Path) -> None:
    """Time above, memory below, against customers; a column for each kind of work measured."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    measured = set(table.loc[table["seconds"].notna(), "case"])
    columns = [case for case in COLUMNS if {case, DASHED.get(case)} & measured]
    figure, axes = plt.subplots(
        2, len(columns), figsize=(4.2 * len(columns), 7.6), sharex=True, sharey="row",
        layout="constrained", squeeze=False,
    )  # fmt: skip
    handles: set[str] = set()
    for column, case in enumerate(columns):
        for row, what in enumerate(("seconds", "peak_mb")):
            ax = axes[row, column]
            for each, line in ((case, "-"), (DASHED.get(case), "--")):
                handles |= _lines(ax, table[table["case"] == each], what, line)
            ax.set(xscale="log", yscale="log")
            ax.grid(alpha=0.25)
            ax.set_title(_title(table, case, what), fontsize=10, loc="left")
        axes[1, column].set_xlabel("customers")
    axes[0, 0].set_ylabel("time [s]")
    axes[1, 0].set_ylabel("peak memory of the process [MB]")
    solid = {
        package: Line2D([], [], color=LOOKS[package][1], marker=LOOKS[package][2])
        for package in handles
    }
    names = [LOOKS[package][0] for package in LOOKS if package in handles]
    figure.legend(
        [solid[package] for package in LOOKS if package in handles], names,
        loc="outside lower center", ncols=len(names), frameon=False,
    )  # fmt: skip
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _lines(ax, rows: pd.DataFrame, what: str, line: str) -> set[str]:
    found = set()
    for package, (_, colour, marker) in LOOKS.items():
        own = rows[(rows["package"] == package) & rows[what].notna()].sort_values("customers")
        if len(own):
            ax.plot(own["customers"], own[what], line, color=colour, marker=marker, ms=6)
            found.add(package)
    return found


def _title(table: pd.DataFrame, case: str, what: str) -> str:
    name = TITLES[case][0].upper() + TITLES[case][1:]
    if case in DASHED:
        also = {"point": "with intervals", "clv": "fit alone"}[case]
        name += f" (dashed: {also})"
    times = growth(table, case, what)
    quantity = "time" if what == "seconds" else "memory"
    if times is None:
        return f"{name}:\n{quantity}, too few sizes to state growth"
    return f"{name}:\npredclv's {quantity} × {times:.2f} when customers double"


def write_report(folder: Path, readme: Path | None) -> None:
    """``suite.png`` beside ``suite.csv``, and the table into ``readme`` or on the screen alone."""
    table = pd.read_csv(folder / "suite.csv")
    for column in ("note", "seconds", "peak_mb"):
        if column not in table:
            table[column] = pd.NA
    draw(table, folder / "suite.png")
    text = markdown(table)
    print(text)
    if readme is not None:
        replace_table(readme, text)


if __name__ == "__main__":
    write_report(HERE / "results", HERE.parent / "docs" / "speed.md")
