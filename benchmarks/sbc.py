"""Simulation-based calibration of engine="pymc".

If parameters are drawn from the prior, customers simulated from them and the posterior sampled,
then the rank of the true parameter among the posterior's draws is uniform: too many ranks in the
middle would mean intervals too wide, at both ends too narrow, at one end a bias. (Talts et al.
2018, arXiv:1804.06788.) Customer bases in which nobody buys again cannot be fitted and are left
out; that leaves the ranks uniform, since they are so for each data set by itself.

    python benchmarks/sbc.py --fits 200 --customers 300
"""

import argparse
import time
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import chi2

import predclv as pc
from predclv.models.base import LogNormalPrior

GAMMA_GAMMA = {  # the default prior of v looks at the data; here it must not
    "p": LogNormalPrior(4.0, 1.5),
    "q": LogNormalPrior(4.0, 1.0),
    "v": LogNormalPrior(20.0, 1.5),
}


def purchases(model, n, rng):
    """Cells of customers observed for 13 to 52 weeks, or None where nobody buys again."""
    T = rng.uniform(13.0, 52.0, n)
    x, t_x = model.simulate(T, rng)
    if not x.any():
        return None
    order = np.lexsort((T, t_x, x))
    return pc.Cells(x[order].astype(float), t_x[order], T[order], np.ones(n, np.int64), "week")


def spends(model, n, rng):
    """Cells of repeat buyers with 1 to 10 purchases."""
    x = np.sort(rng.integers(1, 11, n))
    spent = model.simulate(x, rng)
    mean = np.add.reduceat(spent, np.concatenate([[0], np.cumsum(x)[:-1]])) / x
    if not np.all(np.isfinite(mean) & (mean > 0)):
        return None
    return pc.SpendCells(x.astype(float), mean, np.ones(n, np.int64), 0)


def ranks(model, priors, simulate, fits, customers, draws, rng):
    """Rank of each true parameter among `draws` posterior draws, (fits, k), and doubtful fits."""
    found, doubtful = [], 0
    while len(found) < fits:
        truth = model(*(rng.lognormal(np.log(p.median), p.sigma) for p in priors.values()))
        cells = simulate(truth, customers, rng)
        if cells is None:
            continue
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            fit = pc.fit(
                model, cells, "pymc", priors=priors, draws=500, tune=500, chains=2,
                seed=int(rng.integers(2**31)), progress=False,
            )  # fmt: skip
        doubtful += any(issubclass(w.category, pc.errors.SamplingWarning) for w in told)
        thinned = fit.draws(draws, seed=0)
        found.append([np.sum(thinned[name] < getattr(truth, name)) for name in model.names()])
    return np.array(found), doubtful


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--draws", type=int, default=199, help="posterior draws ranked among")
    parser.add_argument("--bins", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", default=str(Path(__file__).parent / "results" / "sbc.png"))
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    rows, panels = [], []
    for model, priors, simulate in (
        (pc.BGNBD, pc.BGNBD.priors("week"), purchases),
        (pc.GammaGamma, GAMMA_GAMMA, spends),
    ):
        start = time.perf_counter()
        rank, doubtful = ranks(
            model, priors, simulate, options.fits, options.customers, options.draws, rng
        )
        print(
            f"{model.title}: {options.fits} fits to {options.customers} customers in "
            f"{time.perf_counter() - start:.0f} s, {doubtful} with a SamplingWarning"
        )
        for name, column in zip(model.names(), rank.T, strict=True):
            counts, _ = np.histogram(column, options.bins, range=(0, options.draws + 1))
            expected = options.fits / options.bins
            statistic = float(np.sum((counts - expected) ** 2 / expected))
            p_value = float(chi2.sf(statistic, options.bins - 1))
            rows.append((model.title, name, statistic, options.bins - 1, p_value))
            panels.append((f"{model.title}: {name}", counts, p_value))
    columns = ["model", "parameter", "chi-square", "df", "p"]
    print(pd.DataFrame(rows, columns=columns).round(3).to_string(index=False))

    figure, axes = plt.subplots(2, 4, figsize=(11, 5), sharey=True, layout="constrained")
    expected = options.fits / options.bins
    reach = 1.645 * np.sqrt(expected * (1 - 1 / options.bins))
    for ax, (title, counts, p_value) in zip(axes.flat, panels, strict=False):
        ax.axhspan(expected - reach, expected + reach, color="0.9")
        ax.axhline(expected, color="0.6", linewidth=0.8)
        ax.bar(np.arange(options.bins), counts, width=0.9)
        ax.set(title=f"{title}  (p = {p_value:.2f})", xticks=[])
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    figure.supxlabel("rank of the true parameter among posterior draws (band: 90% of a bin)")
    Path(options.output).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.output, dpi=120)
    print(f"picture: {options.output}")


if __name__ == "__main__":
    main()
