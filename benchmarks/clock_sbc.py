"""Simulation-based calibration of engine="pymc" with a clock.

Model and clock are drawn from their priors - season, trend, an event and its like, the season's own
size with them -, shops simulated from them, and the posterior sampled. The rank of each true
parameter among the draws is then uniform (Talts et al. 2018, arXiv:1804.06788), which a chi-square
tests. Purchases stand on whole days, each counted, two of a customer on one day as two: a log's
merging of them is no part of the likelihood (see `benchmarks/clock_recovery.py`). The priors of the
model are narrower than the default ones, under which most shops are of no size. Shops in which
nobody buys again are left out.

    uv run python benchmarks/clock_sbc.py --fits 200 --customers 300

Writes ``benchmarks/results/clock_sbc.csv``.
"""

import argparse
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from clock_recovery import FIRST, LAST, shop
from scipy.stats import chi2, kstest

import predclv as pc
from predclv.clocks.recipe import Clock
from predclv.engines.pymc import run
from predclv.likelihoods.clocked import SEASON, SEASON_SIZE, ClockedLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.base import LogNormalPrior

PRIORS = {
    "r": LogNormalPrior(0.8, 0.5),
    "alpha": LogNormalPrior(12.0, 0.5),
    "a": LogNormalPrior(0.6, 0.5),
    "b": LogNormalPrior(3.0, 0.5),
}
EVENTS = pd.DataFrame(
    {
        "name": ["sale", "sale", "sale", "fair", "fair"],
        "start": ["2020-07-01", "2021-01-02", "2021-07-01", "2020-10-03", "2021-10-02"],
        "end": ["2020-07-14", "2021-01-16", "2021-07-14", "2020-10-20", "2021-10-19"],
    }
)
CALENDAR = Clock(season=2, trend="damped", weekday=True, events=EVENTS).calendar(
    "week", FIRST, LAST
)
NAMES = (*pc.MBGNBD.names(), *CALENDAR.names)


def one(task: tuple[int, int, int]) -> tuple[list[int], list[str]]:
    """Ranks of the true parameters of one shop among thinned draws; what was warned of."""
    seed, customers, draws = task
    rng = np.random.default_rng([7, seed])
    data = None
    while data is None:
        truth = pc.MBGNBD(**{n: rng.lognormal(p.centre, p.sigma) for n, p in PRIORS.items()})
        spread = CALENDAR.spread.copy()
        size = rng.lognormal(0.0, 0.7)
        spread[[name.startswith(SEASON) for name in CALENDAR.names]] *= size
        effects = spread * rng.standard_normal(spread.size)
        found = shop(truth, CALENDAR.at(effects), customers, False, rng)
        data = found if found.x.any() else None
    columns = (found.x, found.recency / 7.0, found.age / 7.0, found.weight)
    likelihood = ClockedLikelihood.on(
        Likelihood(pc.MBGNBD, columns, "week", 0), CALENDAR, found.exposure
    )
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit = run(likelihood, PRIORS, draws=500, tune=500, chains=2, seed=seed, progress=False)
    doubts = [str(w.message) for w in told if issubclass(w.category, pc.errors.SamplingWarning)]
    thinned = fit.draws(draws, seed=seed)
    true = [*(getattr(truth, name) for name in pc.MBGNBD.names()), *effects]
    ranks = [int(np.sum(thinned[n] < value)) for n, value in zip(NAMES, true, strict=True)]
    return ranks, doubts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--draws", type=int, default=99, help="posterior draws ranked among")
    parser.add_argument("--bins", type=int, default=10)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    assert SEASON_SIZE.startswith(SEASON)
    start = time.perf_counter()
    tasks = [(seed, options.customers, options.draws) for seed in range(options.fits)]
    with ProcessPoolExecutor(options.processes) as pool:
        found = list(pool.map(one, tasks))
    ranks = np.array([rank for rank, _ in found])
    doubtful = sum(bool(doubts) for _, doubts in found)
    rows = []
    for name, column in zip(NAMES, ranks.T, strict=True):
        counts, _ = np.histogram(column, options.bins, range=(0, options.draws + 1))
        expected = options.fits / options.bins
        statistic = float(np.sum((counts - expected) ** 2 / expected))
        share = (column + 0.5) / (options.draws + 1)
        rows.append(
            {
                "parameter": name,
                "fits": options.fits,
                "customers": options.customers,
                "doubtful": doubtful,
                "mean_rank": share.mean(),
                "within_90": np.mean((share > 0.05) & (share < 0.95)),
                "chi_square": statistic,
                "p": float(chi2.sf(statistic, options.bins - 1)),
                "p_ks": float(kstest(share, "uniform").pvalue),
                **{f"bin_{i}": n for i, n in enumerate(counts)},
            }
        )
    table = pd.DataFrame(rows).round(4)
    table.to_csv(Path(__file__).parent / "results" / "clock_sbc.csv", index=False)
    print(table.to_string(index=False))
    print(*[doubt for _, doubts in found for doubt in doubts], sep="\n")
    print(f"{options.fits} fits in {time.perf_counter() - start:.0f} s; {doubtful} doubtful")


if __name__ == "__main__":
    main()
