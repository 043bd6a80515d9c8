"""What a log shows of each customer, beside DuckDB's plain group-by over the same file.

``uv run python benchmarks/observed.py [--orders 10000000] [--runs 3]``. Every measurement is a
fresh process on the same simulated log; reading is inside the clock, importing outside. Writes
``benchmarks/results/observed.csv``.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd

warnings.simplefilter("ignore")

HERE = Path(__file__).parent
CASES = {
    "observed": "pc.historical.observed(path)",
    "cohorts": "pc.historical.cohorts(path)",
    "two_levels": "plain DuckDB, customers and days",
    "one_level": "plain DuckDB, customers alone (same-day orders counted apart)",
}
TARGET = 2.0  # times the plain group-by over customers and days


def observed(path: str) -> Callable:
    import predclv as pc

    pc.historical.observed(pc.datasets.load_cdnow())  # imports
    return lambda: pc.historical.observed(path, margin=0.3)


def cohorts(path: str) -> Callable:
    import predclv as pc

    pc.historical.cohorts(pc.datasets.load_cdnow())
    return lambda: pc.historical.cohorts(path)


def two_levels(path: str) -> Callable:
    """The same answer by the plainest SQL, floats and all."""
    import duckdb

    duckdb.sql("SELECT 1").df()  # imports
    sql = f"""
        SELECT customer_id, count(*) AS orders, sum(spend) AS revenue,
               DATE '2024-12-31' - min(day) AS tenure, DATE '2024-12-31' - max(day) AS since
        FROM (SELECT customer_id, date::DATE AS day, sum(amount) AS spend
              FROM read_parquet('{path}') GROUP BY ALL)
        GROUP BY customer_id"""
    return lambda: duckdb.connect().execute(sql).df()


def one_level(path: str) -> Callable:
    import duckdb

    duckdb.sql("SELECT 1").df()
    sql = f"""
        SELECT customer_id, count(*) AS orders, sum(amount) AS revenue, min(date) AS first,
               max(date) AS last
        FROM read_parquet('{path}') GROUP BY customer_id"""
    return lambda: duckdb.connect().execute(sql).df()


def measure(case: str, path: str) -> dict[str, float]:
    """Seconds and peak memory of one call in this process."""
    from cases import peak_mb

    run = globals()[case](path)
    start = time.perf_counter()
    run()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "peak_mb": peak_mb()}


def main() -> None:
    from simulate import log

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    path = str(log(options.orders))
    found: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
    for _ in range(options.runs):  # in turns, so that a busy minute is everybody's
        for case in CASES:
            done = subprocess.run(
                [sys.executable, __file__, "--case", case, path],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            found[case].append(json.loads(done.stdout))
    rows = [
        {
            "case": case,
            "what": CASES[case],
            "orders": options.orders,
            "seconds": statistics.median(one["seconds"] for one in each),
            "peak_mb": statistics.median(one["peak_mb"] for one in each),
        }
        for case, each in found.items()
    ]
    table = pd.DataFrame(rows)
    plain = table.set_index("case").loc["two_levels", "seconds"]
    table["times_two_levels"] = table["seconds"] / plain
    table.round(3).to_csv(HERE / "results" / "observed.csv", index=False)
    print(table.round(2).to_string(index=False))
    ratio = table.set_index("case").loc["observed", "times_two_levels"]
    print(f"observed takes {ratio:.2f} times the plain group-by; the target is {TARGET:g}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        print(json.dumps(measure(*sys.argv[2:4])))
    else:
        main()
