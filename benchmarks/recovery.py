"""Known parameters found again: ``uv run python benchmarks/recovery.py [fits] [customers]``.

Simulates customer bases from each model at CDNOW's parameters, fits them by maximum likelihood and
counts how often the truth lies within the 90% interval of each parameter. Writes
``benchmarks/results/recovery.csv``.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import predclv as pc
from predclv.errors import BoundaryWarning

TRUTHS = (
    pc.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    pc.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614),
    pc.ParetoNBD(r=0.553, alpha=10.58, s=0.606, beta=11.67),
)


def base(truth, customers: int, rng: np.random.Generator) -> pc.RFM:
    """Customers observed for 27 to 39 weeks, in continuous time as the likelihood has it."""
    T = rng.integers(189, 273, customers) / 7
    x, t_x = truth.simulate(T, rng)
    columns = {"customer_id": np.arange(customers), "frequency": x, "recency": t_x, "T": T}
    return pc.RFM.from_frame(pd.DataFrame(columns), unit="week")


def covered(truth, fits: int, customers: int) -> pd.DataFrame:
    """How often the 90% intervals hold the truth, one row per parameter."""
    rng = np.random.default_rng(20261)
    true = pd.Series({name: getattr(truth, name) for name in truth.names()})
    inside, limits, ratios = [], 0, []
    for _ in range(fits):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BoundaryWarning)
            fit = pc.fit(type(truth), base(truth, customers, rng))
        summary = fit.summary(level=0.9)
        limits += bool(fit.limits)
        inside.append((summary["lower"] < true) & (true < summary["upper"]))
        ratios.append(np.log(summary["estimate"] / true))
    table = pd.DataFrame({"truth": true, "covered": pd.concat(inside, axis=1).mean(axis=1)})
    table["median_of_estimates"] = true * np.exp(pd.concat(ratios, axis=1).median(axis=1))
    table["fits"], table["customers"], table["at_a_limit"] = fits, customers, limits
    table.insert(0, "model", truth.title)
    return table.rename_axis("parameter").reset_index()


def main() -> None:
    fits = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    customers = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    table = pd.concat([covered(truth, fits, customers) for truth in TRUTHS], ignore_index=True)
    table.to_csv(Path(__file__).parent / "results" / "recovery.csv", index=False)
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
