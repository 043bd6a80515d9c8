"""Fading memory and drift: recovery and coverage in 600 simulated shops, and a sample of a shop.

    uv run python benchmarks/memory.py [shops]

Customers follow the law of `predclv.likelihoods.fading` in whole days: 1,500 of them, won over the
first half of twelve years, a fifth in the first week, who buy at a rate of their own (drift 0.5).
The law is one of continuous time, and purchases of one day count once: it is shown too for
customers and years ten times as slow, where hardly two purchases share a day (but rho lies far from
what its prior, log-normal around exp(-4) per week, expects). In a fourth as many shops two in five
customers buy exp(0.5) times as fast, and the fit is told who.

Written to `results/memory.csv`: per parameter the mean error and standard error of the log (of
drift and of the effect itself), the standard deviation of estimates, and how often the 90% interval
holds the truth; and to `results/memory_sample.csv` a fit of a fifth of 20,000 customers beside that
of all.
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import predclv as pc
from predclv.engines.recalling import with_memory
from predclv.likelihoods.drifting import DriftingLikelihood
from predclv.likelihoods.likelihood import Likelihood

RESULTS = Path(__file__).parent / "results"
TRUTH = {"r": 0.6, "alpha": 36.0, "a": 0.6, "b": 1.8, "drift": 0.5, "rho": 0.005}
EFFECT = "rate.channel[web]"
DAYS = 12 * 365
BEGIN = pd.Timestamp("1900-01-01")


def truth(slower, known=False):
    own = TRUTH | {"alpha": TRUTH["alpha"] * slower, "rho": TRUTH["rho"] / slower}
    return own | {EFFECT: 0.5} if known else own


def known_of(customers):
    """What is known of customers: two in five came by the web."""
    ids = np.arange(customers)
    channel = np.where(ids % 5 < 2, "web", "shop")
    return pd.DataFrame({"customer_id": ids, "channel": channel})


def shop(customers, rng, slower=1, known=False):
    """A log of customers who forget, one row per purchase; ``known``: the web's buy faster."""
    r, alpha, a, b, drift, rho, *effect = truth(slower, known).values()
    last = DAYS * slower
    born = np.where(
        rng.random(customers) < 0.2,
        rng.integers(0, 7, customers),
        rng.integers(0, last // 2, customers),
    )
    own = alpha * np.exp(drift * np.exp(-(born - born.min()) / 91))
    if known:
        own = own * np.exp(-effect[0] * (known_of(customers)["channel"] == "web"))
    p = rng.beta(a, b, customers)
    tau, counts = np.zeros(customers), np.zeros(customers)
    ids, days = [np.arange(customers)], [born]
    who = np.flatnonzero(rng.random(customers) >= p)
    while who.size:
        shape = r + counts[who]
        scale = own[who] - np.expm1(-rho * tau[who]) / rho
        gap = rng.exponential(size=who.size) / np.maximum(rng.gamma(shape) / scale, 1e-12)
        tau[who] += gap
        counts[who] = 1.0 + np.exp(-rho * gap) * counts[who]
        day = born[who] + np.ceil(7 * np.minimum(tau[who], 50_000)).astype(int)
        seen = day < last
        ids.append(who[seen])
        days.append(day[seen])
        who = who[seen]
        who = who[rng.random(who.size) >= p[who]]
    day = np.concatenate(days)
    dates = BEGIN + pd.to_timedelta(day, "D")
    return pd.DataFrame({"customer_id": np.concatenate(ids), "date": dates})


def summary(log, slower=1, table=None):
    end = str((BEGIN + pd.Timedelta(days=DAYS * slower - 1)).date())
    return pc.rfm_summary(log, amount=None, observation_end=end, static_covariates=table)


def recovery(shops, slower, known=False):
    rows, true_values = [], truth(slower, known)
    told = known_of(1500) if known else None
    covariates = {"rate": ["channel"]} if known else None
    for seed in range(shops):
        log = shop(1500, np.random.default_rng(seed), slower, known)
        rfm = summary(log, slower, told)
        fit = pc.fit(pc.MBGNBD, rfm, memory=True, drift=True, covariates=covariates)
        table = fit.summary(0.9)
        for name, true in true_values.items():
            row = table.loc[name]
            is_number = name in ("drift", EFFECT)
            logged = (lambda v: v) if is_number else np.log
            rows.append(
                {
                    "parameter": name,
                    "error": logged(row["estimate"]) - logged(true),
                    "std_error": row["std_error"] / (1.0 if is_number else row["estimate"]),
                    "held": row["lower"] <= true <= row["upper"],
                }
            )
        if seed % 20 == 19:
            print(f"{seed + 1} shops")
    frame = pd.DataFrame(rows)
    by = frame.groupby("parameter", sort=False)
    return pd.DataFrame(
        {
            "slower": slower,
            "covariates": int(known),
            "truth": pd.Series(true_values),
            "mean_error": by["error"].mean(),
            "sd_of_estimates": by["error"].std(),
            "mean_std_error": by["std_error"].mean(),
            "coverage_90": by["held"].mean(),
            "shops": by.size(),
        }
    )


def sample_beside_all():
    rfm = summary(shop(20_000, np.random.default_rng(1)))
    likelihood = DriftingLikelihood.over(Likelihood.of(pc.MBGNBD, rfm.cells(), "week"), rfm.cells())
    first = pc.fit(pc.MBGNBD, rfm, drift=True)
    found = {}
    for name, most in (("all", 20_000), ("sample", 4_000)):
        begin = time.perf_counter()
        fit = with_memory(first, likelihood, rfm, most=most)
        table = fit.summary()
        found |= {name: table["estimate"], f"{name}_std_error": table["std_error"]}
        print(f"{name}: {fit.n_customers:,} customers, {time.perf_counter() - begin:.1f} s")
    return pd.DataFrame(found)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    shops = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    parts = recovery(shops, 1), recovery(shops // 2, 10), recovery(shops // 4, 1, known=True)
    table = pd.concat(parts)
    print(table.round(4))
    table.round(5).to_csv(RESULTS / "memory.csv", index_label="parameter")
    table = sample_beside_all()
    print(table.round(4))
    table.round(5).to_csv(RESULTS / "memory_sample.csv")
