"""Simulation-based calibration of engine="pymc" with covariates that do not change.

As benchmarks/sbc.py: parameters and effects are drawn from the prior, customers of two channels
simulated from them, the posterior sampled, and the true ones ranked among its draws; ranks are
uniform where the posterior is right. Writes ``benchmarks/results/sbc_covariates.csv``: a row per
model and parameter with the chi-square of the ranks and its p-value. Shops in which nobody buys
again are left out, which leaves the ranks of the others uniform. Models that are not run again
keep their rows.

    python benchmarks/sbc_covariates.py --fits 200 --customers 300 --models mbg pareto
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import chi2

import predclv as pc
from predclv.models.base import NormalPrior
from predclv.samples.patterns import Patterns

ASKED = {"rate": ["channel"], "leaving": ["channel"]}
KINDS = {"bg": pc.BGNBD, "mbg": pc.MBGNBD, "pareto": pc.ParetoNBD}
EFFECTS = {f"{target}.channel[web]": NormalPrior(0.0, 1.0) for target in ASKED}
KNOWN = Patterns(pd.DataFrame({"channel": ["shop", "web"]}), {"channel": ("shop", "web")})


def shop(kind, values, n, rng):
    """Cells of customers observed for 13 to 52 weeks, or None where nobody buys again."""
    web = np.arange(n) % 3 == 0
    faster, readier = (np.exp(values[name] * web) for name in EFFECTS)
    own = {name: np.full(n, values[name]) for name in kind.names()}
    own["alpha"] = own["alpha"] / faster
    if kind is pc.ParetoNBD:
        own["beta"] = own["beta"] / readier
    else:
        own["a"], own["b"] = own["a"] * np.sqrt(readier), own["b"] / np.sqrt(readier)
    T = rng.uniform(13.0, 52.0, n)
    x, t_x = kind(**own).simulate(T, rng)
    if not x.any():
        return None
    ones = np.ones(n, np.int64)
    extra = {"pattern": web.astype(np.int64)}
    return pc.Cells(x.astype(float), t_x, T, ones, "week", extra=extra, patterns=KNOWN)


def ranks(kind, fits, customers, draws, rng):
    """Rank of each true value among ``draws`` posterior draws, (fits, k), and doubtful fits."""
    priors = kind.priors("week") | EFFECTS
    found, doubtful = [], 0
    while len(found) < fits:
        values = {name: float(prior.draws(1, rng)[0]) for name, prior in priors.items()}
        cells = shop(kind, values, customers, rng)
        if cells is None:
            continue
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            fit = pc.fit(
                kind, cells, "pymc", covariates=ASKED, draws=500, tune=500, chains=2,
                seed=int(rng.integers(2**31)), progress=False,
            )  # fmt: skip
        doubtful += any(issubclass(w.category, pc.errors.SamplingWarning) for w in told)
        thinned = fit.draws(draws, seed=0)
        found.append([np.sum(thinned[name] < values[name]) for name in priors])
    return list(priors), np.array(found), doubtful


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--draws", type=int, default=199, help="posterior draws ranked among")
    parser.add_argument("--bins", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", nargs="+", choices=list(KINDS), default=list(KINDS))
    options = parser.parse_args()
    results = Path(__file__).parent / "results" / "sbc_covariates.csv"
    rows = []
    if results.exists():  # those of the models that are not run again stay
        before = pd.read_csv(results)
        titles = [KINDS[name].title for name in options.models]
        rows = before[~before["model"].isin(titles)].to_dict("records")
    for name in options.models:
        kind, start = KINDS[name], time.process_time()
        rng = np.random.default_rng([options.seed, list(KINDS).index(name)])
        names, rank, doubtful = ranks(kind, options.fits, options.customers, options.draws, rng)
        spent = time.process_time() - start
        print(f"{kind.title}: {options.fits} fits, {spent:.0f} s, {doubtful} doubtful", flush=True)
        expected = options.fits / options.bins
        for name, column in zip(names, rank.T, strict=True):
            counts, _ = np.histogram(column, options.bins, range=(0, options.draws + 1))
            statistic = float(np.sum((counts - expected) ** 2 / expected))
            rows.append(
                {
                    "model": kind.title,
                    "parameter": name,
                    "fits": options.fits,
                    "customers": options.customers,
                    "doubtful_fits": doubtful,
                    "mean_rank": float(column.mean() / options.draws),
                    "chi_square": statistic,
                    "degrees_of_freedom": options.bins - 1,
                    "p_value": float(chi2.sf(statistic, options.bins - 1)),
                }
            )
        pd.DataFrame(rows).round(4).to_csv(results, index=False)
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
