"""Known effects found again: ``uv run python benchmarks/covariates.py [shops] [customers]``.

Simulates shops whose customers differ by channel (three levels) and age in how fast they buy, and
by channel in how readily they leave, fits each by maximum likelihood, and counts how often 90%
intervals hold the truth. Writes ``benchmarks/results/covariates.csv``: mean of the estimates, their
spread, the mean standard error and the coverage, whose own standard error over 200 shops is 0.021.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import predclv as pc
from predclv.samples.patterns import Patterns

TRUTH = {
    "rate.channel[web]": 0.5,
    "rate.channel[app]": -0.3,
    "rate.age": 0.02,
    "leaving.channel[web]": 0.6,
    "leaving.channel[app]": -0.4,
}
SHARES = (0.5, 0.3, 0.2)
LEVELS = ("shop", "web", "app")


def shop(model: str, n: int, rng: np.random.Generator) -> pc.Cells:
    """Customers of one shop, observed for 20 weeks to two years."""
    channel, age = rng.choice(3, n, p=SHARES), rng.choice([-15.0, -5.0, 5.0, 15.0], n)
    faster = np.array([0.0, 0.5, -0.3])[channel] + 0.02 * age
    readier = np.array([0.0, 0.6, -0.4])[channel]
    T = rng.integers(140, 730, n) / 7
    alpha = 8.0 * np.exp(-faster)
    kind = getattr(pc, model)
    if model == "ParetoNBD":
        truth = kind(np.full(n, 1.0), alpha, np.full(n, 0.8), 25.0 * np.exp(-readier))
    else:
        truth = kind(np.full(n, 1.0), alpha, 0.7 * np.exp(readier / 2), 2.5 * np.exp(-readier / 2))
    x, t_x = truth.simulate(T, rng)
    frame, pattern = np.unique(np.column_stack([channel, age]), axis=0, return_inverse=True)
    known = pd.DataFrame({"channel": np.array(LEVELS)[frame[:, 0].astype(int)], "age": frame[:, 1]})
    return pc.Cells(
        x.astype(float),
        t_x,
        T,
        np.ones(n, np.int64),
        "week",
        extra={"pattern": pattern.ravel()},
        patterns=Patterns(known, {"channel": LEVELS}),
    )


def main(shops: int, customers: int) -> None:
    """Simulate, fit, count and write."""
    warnings.simplefilter("ignore")
    rows = []
    for model in ("BGNBD", "MBGNBD", "ParetoNBD"):
        rng = np.random.default_rng(16)
        found = []
        for _ in range(shops):
            cells = shop(model, customers, rng)
            asked = {"rate": ["channel", "age"], "leaving": ["channel"]}
            shown = pc.fit(model, cells, covariates=asked).summary(0.9).loc[list(TRUTH)]
            found.append(shown.assign(truth=TRUTH.values()))
        all_of_them = pd.concat(found)
        holds = all_of_them["truth"].between(all_of_them["lower"], all_of_them["upper"])
        by = all_of_them.assign(holds=holds).groupby(level=0, sort=False)
        table = pd.DataFrame(
            {
                "model": model,
                "shops": shops,
                "customers": customers,
                "truth": by["truth"].first(),
                "mean": by["estimate"].mean(),
                "sd": by["estimate"].std(),
                "mean_std_error": by["std_error"].mean(),
                "coverage_90": by["holds"].mean(),
            }
        )
        print(table.round(3).to_string())
        rows.append(table.reset_index())
    results = Path(__file__).parent / "results" / "covariates.csv"
    pd.concat(rows).round(4).to_csv(results, index=False)


if __name__ == "__main__":
    main(*(int(n) for n in (sys.argv[1:] + ["200", "2000"][len(sys.argv) - 1 :])))
