"""predclv beside its peers, in one run: ``uv run python benchmarks/run.py [--quick]``.

Every measurement is a fresh process on the same simulated data; medians of several runs. Writes
``benchmarks/results/main_job.csv`` and prints the table that README shows.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
from simulate import log, summary

HERE = Path(__file__).parent
PACKAGES = ("predclv", "lifetimes", "pandas", "duckdb", "numpy", "scipy")

# case, what it is called, who does it (predclv first), sizes
SUMMARIES = (10**6, 10**7)
CASES = (
    ("fit_bgnbd", "fit BG/NBD, customers", ("predclv", "lifetimes"), (10**4, 10**5, 10**6)),
    ("fit_pareto", "fit Pareto/NBD, customers", ("predclv", "lifetimes"), (10**4, 10**5, 10**6)),
    ("fit_spend", "fit Gamma-Gamma, customers", ("predclv", "lifetimes"), (10**4, 10**5, 10**6)),
    ("clv", "12-month CLV, customers", ("predclv", "lifetimes"), (10**4, 10**5, 10**6)),
    ("clv_with_intervals", "12-month CLV with intervals", ("predclv",), (10**4, 10**5, 10**6)),
    ("summary", "RFM summary, orders", ("predclv", "duckdb", "pandas", "lifetimes"), SUMMARIES),
)  # fmt: skip


def measured(case: str, package: str, path: Path, runs: int, limit: float) -> dict[str, float]:
    """Medians of seconds and peak memory over fresh processes; empty where it did not finish."""
    found = []
    for _ in range(runs):
        try:
            done = subprocess.run(
                [sys.executable, str(HERE / "cases.py"), case, package, str(path)],
                capture_output=True, text=True, timeout=limit, check=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return {}
        except subprocess.CalledProcessError as error:
            print(error.stderr[-500:], file=sys.stderr)
            return {}
        found.append(json.loads(done.stdout.splitlines()[-1]))
        if found[-1]["seconds"] > 5:  # long enough to be told from noise
            break
    return {k: statistics.median(one[k] for one in found) for k in ("seconds", "peak_mb")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smallest sizes, one run each")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--limit", type=float, default=600, help="seconds before giving up")
    options = parser.parse_args()
    rows = []
    for case, title, packages, sizes in CASES:
        for size in sizes[:1] if options.quick else sizes:
            path = log(size) if case == "summary" else summary(size)
            for package in packages:
                runs = 1 if options.quick else options.runs
                one = measured(case, package, path, runs, options.limit)
                rows.append({"case": case, "what": title, "size": size, "package": package, **one})
                print(f"{title} {size:,} {package}: {one}", flush=True)
    table = pd.DataFrame(rows)
    table["machine"] = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    table["versions"] = "; ".join(f"{name} {_version(name)}" for name in PACKAGES)
    (HERE / "results").mkdir(exist_ok=True)
    if not options.quick:
        table.to_csv(HERE / "results" / "main_job.csv", index=False)
    print(markdown(table))


def markdown(table: pd.DataFrame) -> str:
    """The README's table: seconds and peak memory, and each peer's time as a multiple of ours."""
    lines = [
        "| what | size | package | seconds | peak MB | times predclv |",
        "|---|--:|---|--:|--:|--:|",
    ]
    for (what, size), group in table.groupby(["what", "size"], sort=False):
        ours = group.loc[group["package"] == "predclv", "seconds"].iloc[0]
        for _, row in group.iterrows():
            done = pd.notna(row.get("seconds"))
            lines.append(
                f"| {what} | {size:,} | {row['package']} | "
                + (
                    f"{row['seconds']:.2f} | {row['peak_mb']:,.0f} | {row['seconds'] / ours:.1f} |"
                    if done
                    else "did not finish | | |"
                )
            )
    return "\n".join(lines)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


if __name__ == "__main__":
    main()
