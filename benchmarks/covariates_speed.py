"""What covariates cost: ``uv run python benchmarks/covariates_speed.py [customers]``.

A million simulated customers with four covariates in 48 patterns, fitted with all of them on rate
and on leaving, beside the plain fit of the same customers, by turns in one process; 100,000
customers with ten mailings each, a covariate that changes; and, where ../shared/data is, CLVTools'
clothing retailer with gender, channel and high season on the rate. The least of three, in seconds
of the processor, which on a machine with nothing else to do is as long at most. Writes
``benchmarks/results/covariates_speed.csv``.
"""

import resource
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from covariates_holdout import season

import predclv as pc
from predclv.samples.patterns import Patterns

LEVELS = {
    "channel": ("shop", "web", "app", "phone"),
    "region": ("north", "south", "east"),
    "gift": ("no", "yes"),
    "card": ("no", "yes"),
}


def least(action: Callable[[], object], times: int = 3) -> float:
    """Seconds of the processor of the quickest run."""
    found = []
    for _ in range(times):
        start = process_time()
        action()
        found.append(process_time() - start)
    return min(found)


def base(n: int, rng: np.random.Generator) -> tuple[pc.Cells, pc.Cells]:
    """Cells of customers with their patterns, and the same without."""
    frame = pd.MultiIndex.from_product(LEVELS.values(), names=LEVELS).to_frame(index=False)
    pattern = rng.integers(0, len(frame), n)
    faster = rng.normal(0.0, 0.3, len(frame))[pattern]
    readier = rng.normal(0.0, 0.3, len(frame))[pattern]
    days = rng.integers(30, 730, n)
    model = pc.BGNBD(
        0.8, 40.0 * np.exp(-faster), 0.6 * np.exp(readier / 2), 2.5 * np.exp(-readier / 2)
    )
    x, t_x = model.simulate(days.astype(float), rng)
    table = pd.DataFrame({"x": x, "recency": np.ceil(t_x), "days": days, "pattern": pattern})

    def cells(by: list[str]) -> pd.DataFrame:
        return table.groupby(by).size().reset_index(name="weight")

    found, plain = cells(["x", "recency", "days", "pattern"]), cells(["x", "recency", "days"])
    made = [
        pc.Cells(
            each["x"].to_numpy(float),
            each["recency"].to_numpy(float) / 7,
            each["days"].to_numpy(float) / 7,
            each["weight"].to_numpy(),
            "week",
            **extra,
        )
        for each, extra in (
            (found, {"extra": {"pattern": found["pattern"].to_numpy()},
                     "patterns": Patterns(frame, LEVELS)}),
            (plain, {}),
        )
    ]  # fmt: skip
    return made[0], made[1]


def mailed(n: int, rng: np.random.Generator) -> pc.RFM:
    """The summary of customers with ten mailings each."""
    end = pd.Timestamp("2023-12-31")
    born = rng.integers(0, 600, n)
    paths = pc.MBGNBD(1.0, 60.0, 0.6, 2.0).paths((729.0 - born), rng)
    owner, when = paths.times(rng)
    day = np.concatenate([born, np.minimum(born[owner] + np.ceil(when), 729)])
    start = pd.Timestamp("2022-01-01")
    log = pd.DataFrame(
        {
            "customer_id": np.concatenate([np.arange(n), owner]),
            "date": start + pd.to_timedelta(day, "D"),
        }
    )
    who = np.repeat(np.arange(n), 10)
    on = start + pd.to_timedelta(rng.integers(0, 720, who.size), "D")
    rows = [
        pd.DataFrame({"customer_id": np.arange(n), "date": start, "mailed": 0}),
        pd.DataFrame({"customer_id": who, "date": on, "mailed": 1}),
        pd.DataFrame({"customer_id": who, "date": on + pd.Timedelta("7D"), "mailed": 0}),
    ]
    table = pd.concat(rows).drop_duplicates(["customer_id", "date"])
    return pc.rfm_summary(log, amount=None, observation_end=end.date(), dynamic_covariates=table)


def main(customers: int) -> None:
    """Measure, print and write."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(16)
    rows = []

    def told(what: str, n: int, cells: int, seconds: float) -> None:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        rows.append({"what": what, "customers": n, "cells": cells, "seconds": seconds,
                     "peak_gb": memory})  # fmt: skip
        print(rows[-1])

    known, plain = base(customers, rng)
    asked = {"rate": list(LEVELS), "leaving": list(LEVELS)}
    for model in (pc.BGNBD, pc.MBGNBD):
        pc.fit(model, plain)  # compiled before it is measured
        told(f"{model.title} plain", customers, len(plain),
             least(lambda model=model: pc.fit(model, plain)))  # fmt: skip
        told(f"{model.title}, 48 patterns", customers, len(known),
             least(lambda model=model: pc.fit(model, known, covariates=asked)))  # fmt: skip
    n = customers // 10
    start = process_time()
    rfm = mailed(n, rng)
    cells = rfm.cells()
    rfm.repeats_by_day_and_pattern()
    told("ten mailings each: summary", n, len(cells), process_time() - start)
    told("MBG/NBD, ten mailings each", n, len(cells),
         least(lambda: pc.fit(pc.MBGNBD, rfm, covariates={"rate": ["mailed"]}), 1))  # fmt: skip
    data = Path(__file__).parents[2] / "shared" / "data"
    if (data / "apparel.csv").exists():
        log = pd.read_csv(data / "apparel.csv", parse_dates=["date"]).query("date <= '2006-12-31'")
        rfm = pc.rfm_summary(
            log, observation_end="2006-12-31", static_covariates=data / "apparel_static.csv",
            dynamic_covariates=season(log),
        )  # fmt: skip
        n, cells = len(rfm), rfm.cells()
        asked = {"rate": ["gender", "channel", "season"]}
        for model in (pc.BGNBD, pc.MBGNBD):
            told(f"{model.title}, apparel with three", n, len(cells),
                 least(lambda model=model: pc.fit(model, rfm, covariates=asked)))  # fmt: skip
    results = Path(__file__).parent / "results" / "covariates_speed.csv"
    pd.DataFrame(rows).round(3).to_csv(results, index=False)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
