"""The numbers behind the pictures of contracts: survival of cohorts and retention by age."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from predclv.contracts.fitted import FittedContracts
from predclv.contracts.outlook import simulated_payments
from predclv.contracts.prospects import central, mean_of_draws

_FUTURES = 400


def survival_table(
    fitted: FittedContracts, ahead: int, plan: Any = None, level: float = 0.9, seed: int = 0
) -> pd.DataFrame:
    """Share of each cohort left at each age: as observed, and ahead by the model.

    Returns
    -------
    DataFrame
        ``cohort``, its ``size``, ``age``; ``observed`` up to the last age observed; from there on
        ``expected``, ``lower`` and ``upper``: where the share will really fall.
    """
    renewals = fitted.renewals.group(plan) if plan is not None else fitted.renewals
    table = renewals.frame
    parts = []
    k = np.arange(1.0, ahead + 1.0)
    found = fitted.fit_of(plan)
    model = central(found)
    for i, (cohort, part) in enumerate(table.groupby("cohort", sort=True, observed=True)):
        share = (part["renewed"] / part["at_risk"].clip(lower=1)).cumprod().to_numpy()
        size, last = int(part["renewed"].iloc[0]), int(part["age"].iloc[-1])
        seen = pd.DataFrame({"age": part["age"].to_numpy(), "observed": share})
        left = float(share[-1])
        running = round(size * left)
        stays = mean_of_draws(model.survival_after(k, float(last)), k.size)
        drawn = simulated_payments(
            found, {"renewals": np.array([float(last)])}, np.array([running]), ahead, _FUTURES,
            seed, np.random.default_rng([seed, i]),
        )[:, 0]  # fmt: skip
        ends = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0) / size
        coming = pd.DataFrame(
            {
                "age": np.append(last, last + k).astype(int),
                "expected": left * np.append(1.0, stays),
                "lower": np.append(left, ends[0]),
                "upper": np.append(left, ends[1]),
            }
        )
        both = seen.merge(coming, on="age", how="outer")
        both.insert(0, "cohort", cohort)
        both.insert(1, "size", size)
        parts.append(both)
    return pd.concat(parts, ignore_index=True)


def retention_table(fitted: FittedContracts, plan: Any = None, level: float = 0.9) -> pd.DataFrame:
    """Share that renews at each age, all cohorts together: observed, model and constant churn.

    Returns
    -------
    DataFrame
        ``age``, ``at_risk``, ``observed`` with ``lower`` and ``upper`` (Clopper and Pearson's),
        ``model``, and ``constant``, one churn for all ages.
    """
    renewals = fitted.renewals.group(plan) if plan is not None else fitted.renewals
    table = renewals.together().curve[1:]
    n, made = table["at_risk"].to_numpy(float), table["renewed"].to_numpy(float)
    tail = 0.5 - level / 2
    model = central(fitted.fit_of(plan))
    ages = table["age"].to_numpy(float)
    lower = np.where(made > 0, betaincinv(np.maximum(made, 1e-9), n - made + 1, tail), 0.0)
    upper = np.where(made < n, betaincinv(made + 1, np.maximum(n - made, 1e-9), 1 - tail), 1.0)
    return pd.DataFrame(
        {
            "age": ages.astype(int),
            "at_risk": n.astype(int),
            "observed": np.where(n > 0, made / np.maximum(n, 1.0), np.nan),
            "lower": lower,
            "upper": upper,
            "model": mean_of_draws(model.retention(ages), ages.size),
            "constant": made.sum() / n.sum(),
        }
    )
