"""What "auto" costs where customers are many: processor time and peak memory, step by step.

    uv run python benchmarks/auto_scale.py [CUSTOMERS ...] [--level 0.9] [--weeks 26]

A simulated log of two years (`simulate.log`), a process of its own for each size; without CUSTOMERS
one million. results/auto_scale.csv has a row per size and step: summary, fit, weights from three
earlier days, the forecast's totals and its file, with intervals. Seconds are of the processor, of
all threads; memory is the process' own peak until then.
"""

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import simulate

RESULTS = Path(__file__).parent / "results" / "auto_scale.csv"
ORDERS = 1.75  # a customer, of `simulate.log`


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("customers", type=int, nargs="*", default=[1_000_000])
    ask.add_argument("--level", type=float, default=0.9)
    ask.add_argument("--weeks", type=int, default=26)
    ask.add_argument("--alone", action="store_true", help="in this process; rows are printed")
    asked = ask.parse_args()
    if asked.alone:
        for row in measured(asked.customers[0], asked.level, asked.weeks):
            print("ROW", *row, sep=",", flush=True)
        return
    rows = []
    for customers in asked.customers:
        own = [str(customers), "--level", str(asked.level), "--weeks", str(asked.weeks), "--alone"]
        ran = subprocess.run(
            [sys.executable, __file__, *own], check=True, capture_output=True, text=True
        )
        lines = [line for line in ran.stdout.splitlines() if line.startswith("ROW,")]
        rows += [line.split(",")[1:] for line in lines]
        print("\n".join(lines), flush=True)
    with RESULTS.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["customers", "orders", "step", "cpu_seconds", "peak_gb"], *rows]
        )


def measured(customers: int, level: float, weeks: int) -> list[tuple[object, ...]]:
    """A row per step."""
    import predclv as pc

    warnings.simplefilter("ignore")
    orders = int(customers * ORDERS)
    path = simulate.log(orders)
    rows: list[tuple[object, ...]] = []
    begin = start = time.process_time()

    def done(step: str) -> None:
        nonlocal start
        now = time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        rows.append((len(rfm), orders, step, round(now - start, 1), round(peak, 2)))
        start = now

    rfm = pc.rfm_summary(path)
    done("summary")
    fitted = pc.CLVModel(purchases="auto").fit(rfm)
    done("fit")
    fitted.weights_for(f"{weeks} weeks")
    done("weights")
    forecast = fitted.forecast(f"{weeks} weeks", level=level, seed=1)
    forecast.total()
    done("totals")
    with tempfile.TemporaryDirectory() as folder:
        forecast.to_parquet(Path(folder) / "forecast.parquet")
    done("file")
    now = time.process_time()
    rows.append((len(rfm), orders, "all", round(now - begin, 1), rows[-1][-1]))
    return rows


if __name__ == "__main__":
    main()
