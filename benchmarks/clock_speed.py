"""What a clock costs: ``uv run python benchmarks/clock_speed.py [orders [count]]``.

A simulated log with season, trend, weekdays and three events in the recipe, fitted with and without
the clock by turns in one process; and the log counted with and without repeat purchases per day.
The least of three of each (two of the counts), in seconds of the clock on the wall and of processor
time; with ``count`` the counts alone, by turns. Writes ``benchmarks/results/clock_speed.csv``.
"""

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from simulate import log

import predclv as pc

RECIPE = pc.Clock(
    season=2,
    trend="damped",
    weekday=True,
    events=pd.DataFrame(
        {
            "name": ["sale", "sale", "Black Friday", "fair"],
            "start": ["2023-06-01", "2024-06-01", "2023-11-24", "2024-03-04"],
            "end": ["2023-06-14", "2024-06-14", "2023-11-27", "2024-03-10"],
        }
    ),
)


def least(action: Callable[[], object], times: int = 3) -> tuple[float, float]:
    """Wall and processor seconds of the quickest run."""
    found = []
    for _ in range(times):
        before = os.times()
        action()
        after = os.times()
        processor = after.user + after.system - before.user - before.system
        found.append((after.elapsed - before.elapsed, processor))
    return min(found)


def write(rows: list[dict], orders: int) -> None:
    """Put the rows in the place of earlier ones of so many orders."""
    results = Path(__file__).parent / "results" / "clock_speed.csv"
    earlier = pd.read_csv(results).query("orders != @orders")
    pd.concat([earlier, pd.DataFrame(rows)]).round(3).to_csv(results, index=False)


def count(orders: int) -> None:
    """Measure the counts alone."""
    warnings.simplefilter("ignore")
    file, rows = str(log(orders)), []
    for what in ("count", "count with days", "count", "count with days"):
        begun = os.times()
        rfm = pc.rfm_summary(file)
        rfm.cells()
        if what == "count with days":
            rfm.repeats_by_day()
        done = os.times()
        wall = done.elapsed - begun.elapsed
        processor = done.user + done.system - begun.user - begun.system
        rows.append({"orders": orders, "customers": len(rfm), "what": what, "wall": wall,
                     "processor": processor})  # fmt: skip
        print(rows[-1], flush=True)
        del rfm
    write(rows, orders)


def main(orders: int) -> None:
    """Measure, print and write."""
    warnings.simplefilter("ignore")
    file = str(log(orders))
    rfm = pc.rfm_summary(file)
    rows = []

    def measured(what: str, action: Callable[[], object], times: int = 3) -> None:
        wall, processor = least(action, times)
        rows.append({"orders": orders, "customers": len(rfm), "what": what, "wall": wall,
                     "processor": processor})  # fmt: skip
        print(rows[-1])

    measured("count", lambda: pc.rfm_summary(file).cells(), 2)

    def with_days() -> None:
        found = pc.rfm_summary(file)
        found.cells()
        found.repeats_by_day()

    measured("count with days", with_days, 2)
    rfm.repeats_by_day()
    for model in (pc.BGNBD, pc.MBGNBD):
        pc.fit(model, rfm), pc.fit(model, rfm, clock=RECIPE)  # compiled before it is measured
        measured(f"{model.title} plain", lambda model=model: pc.fit(model, rfm))
        measured(f"{model.title} on a clock", lambda model=model: pc.fit(model, rfm, clock=RECIPE))
    write(rows, orders)


if __name__ == "__main__":
    measure = count if "count" in sys.argv else main
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000)
