"""predclv beside its peers, in one run, from ten thousand orders to a hundred million.

``uv run --group benchmarks python benchmarks/run.py [--peers] [--largest 100000000]
[--only intake,fit,forecast,posterior,import]``. It takes an hour; every measurement is a fresh
process on the same simulated log: the median of three, or one where it takes more than five
seconds. ``--peers`` adds the posteriors of pymc-marketing, which take minutes. Writes
``benchmarks/results/suite.csv``, where rows that were not measured again are kept, then from it
``suite.png`` and the site's table.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from cases import summary_of
from report import write_report
from simulate import log

HERE = Path(__file__).parent
PARTS = ("import", "intake", "fit", "forecast", "posterior")
PACKAGES = (
    "predclv", "duckdb", "polars", "pandas", "pyarrow", "numpy", "scipy", "numba", "lifetimes",
    "pymc", "nutpie", "pymc-marketing",
)  # fmt: skip
SIZES = (10**4, 10**5, 10**6, 10**7, 10**8)
EVERY = SIZES[-1]
LONG_ENOUGH = 5  # seconds: told from noise by one run
KEY = ["case", "size", "package"]
RUN = "cases.py"


class Work(NamedTuple):
    """A case, who does it and up to which size; a limit is a choice of ours, and noted."""

    part: str
    case: str
    unit: str
    packages: dict[str, int]
    sizes: tuple[int, ...] = SIZES
    script: str = RUN
    peer_only: bool = False


WORK = (
    Work("import", "import", "", {"predclv": 0, "lifetimes": 0, "pymc_marketing": 0}, (0,)),
    Work("import", "first_fit", "", {"predclv": 0, "lifetimes": 0}, (0,)),
    Work("intake", "cells", "orders", {
        "predclv": EVERY, "duckdb": EVERY, "duckdb_spend": EVERY, "polars": EVERY,
        "pandas": 10**7, "lifetimes": 10**5,
    }),
    Work("intake", "counted", "orders", {"predclv": EVERY, "duckdb": EVERY}, (10**7, EVERY)),
    Work("fit", "fit_bgnbd", "orders", {"predclv": EVERY, "lifetimes": 10**6}),
    Work("fit", "fit_mbgnbd", "orders", {"predclv": EVERY, "lifetimes": 10**6}),
    Work("fit", "fit_pareto", "orders", {"predclv": 10**7, "lifetimes": 10**5}),
    Work("fit", "fit_spend", "orders", {"predclv": EVERY, "lifetimes": 10**6}),
    Work("forecast", "point", "orders", {"predclv": EVERY, "lifetimes": 10**6}),
    Work("forecast", "intervals", "orders", {"predclv": EVERY}),
    Work("forecast", "limited", "orders", {"predclv": EVERY}, (10**7, EVERY)),
    Work("posterior", "summary", "customers", {"predclv": 10**5}, (10**5,), "posterior.py"),
    Work("posterior", "clv", "customers", {"predclv": 10**5}, (10**4, 10**5), "posterior.py"),
    Work("posterior", "summary", "customers", {"pymc_marketing": 10**5}, (10**5,),
         "posterior.py", peer_only=True),
    Work("posterior", "clv", "customers", {"pymc_marketing": 10**4}, (10**4,),
         "posterior.py", peer_only=True),
)  # fmt: skip


def measured(command: list[str], runs: int, limit: float) -> dict[str, object]:
    """Medians over fresh processes; a ``note`` says what kept it from finishing."""
    found: list[dict[str, float]] = []
    # As on most machines, bytecode is kept from one process to the next.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(runs):
        try:
            done = subprocess.run(
                [sys.executable, *command],
                capture_output=True,
                text=True,
                timeout=limit,
                env=environment,
            )
        except subprocess.TimeoutExpired:
            return {"note": f"not done after {limit:g} s"}
        if done.returncode < 0:
            return {"note": f"killed by signal {-done.returncode}"}
        if done.returncode:
            print(done.stderr[-1500:], file=sys.stderr)
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return {"note": f"failed: {last.split(':')[0].strip()}"}  # the rest may hold a path
        found.append(json.loads(done.stdout.splitlines()[-1]))
        if found[-1]["seconds"] > LONG_ENOUGH:
            break
    names = ("seconds", "peak_mb", "peak_mb_before")
    medians = {k: statistics.median(one[k] for one in found) for k in names if k in found[0]}
    return medians | {"runs": len(found)}


def prepared(size: int, with_customers: bool) -> tuple[Path, int]:
    """The log of so many orders and how many customers it has; their summary where asked."""
    import duckdb

    import predclv as pc

    path = log(size)
    if with_customers and not Path(summary_of(str(path))).exists():
        pc.rfm_summary(path).frame.to_parquet(summary_of(str(path)), index=False)
    counted = duckdb.sql(f"SELECT count(DISTINCT customer_id) FROM read_parquet('{path}')")
    return path, counted.fetchall()[0][0]


def rows_of(work: Work, options: argparse.Namespace) -> list[dict[str, object]]:
    """Every size and package of one case, measured."""
    rows = []
    for size in (s for s in work.sizes if s <= options.largest):
        packages = [name for name, largest in work.packages.items() if size <= largest]
        path, customers = None, size
        if work.unit == "orders":
            path, customers = prepared(size, work.part != "intake" and "lifetimes" in packages)
            with path.open("rb") as file:  # nobody is the first to fetch it from the disk
                while file.read(1 << 24):
                    pass
        for package in packages:
            row = {
                "part": work.part, "case": work.case, "size": size, "unit": work.unit,
                "customers": customers, "package": package,
            }  # fmt: skip
            if find_spec(package.removesuffix("_spend")) is None:
                row["note"] = "not installed"
            else:
                what = str(path) if path else str(size)
                command = [str(HERE / work.script), work.case, package]
                command += [] if path is None and not size else [what]
                if work.part == "import":
                    measured(command, 1, options.limit)  # compiles to bytecode
                row |= measured(command, options.runs, options.limit)
            print({k: row.get(k) for k in (*KEY, "seconds", "peak_mb", "note")}, flush=True)
            rows.append(row | provenance())
    return rows


def provenance() -> dict[str, str]:
    """Where, with what and when: of the machine only what bears on the figures."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"Python {platform.python_version()}",
        "versions": "; ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "measured": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def merged(path: Path, rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows on disk and the new ones, which replace those of the same case."""
    new = pd.DataFrame(rows)
    table = pd.concat([pd.read_csv(path), new]) if path.exists() else new
    return table.drop_duplicates(KEY, keep="last")


def parts(text: str) -> list[str]:
    """The names in a list with commas, each a part of the suite or a case."""
    named = text.split(",")
    known = [*PARTS, *dict.fromkeys(work.case for work in WORK)]
    if unknown := set(named) - set(known):
        raise argparse.ArgumentTypeError(f"{sorted(unknown)} not among {', '.join(known)}")
    return named


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--largest", type=int, default=SIZES[-1], help="orders; of posteriors, customers"
    )
    parser.add_argument(
        "--only", type=parts, default=list(PARTS), help=f"{', '.join(PARTS)}, or names of cases"
    )
    parser.add_argument("--peers", action="store_true", help="pymc-marketing's posteriors too")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=900, help="seconds before giving up")
    parser.add_argument(
        "--into", type=Path, help="another folder for results; the site's table is left"
    )
    options = parser.parse_args()
    folder = options.into or HERE / "results"
    folder.mkdir(parents=True, exist_ok=True)
    for work in WORK:
        is_asked = work.part in options.only or work.case in options.only
        if not is_asked or (work.peer_only and not options.peers):
            continue
        rows = rows_of(work, options)
        if rows:  # written case by case: an interrupted run keeps what it measured
            table = merged(folder / "suite.csv", rows)
            table.to_csv(folder / "suite.csv", index=False, float_format="%.6g")
    write_report(folder, None if options.into else HERE.parent / "docs" / "speed.md")


if __name__ == "__main__":
    main()
