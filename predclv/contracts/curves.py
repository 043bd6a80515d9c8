"""The numbers behind the pictures of contracts: survival of cohorts and retention by age."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaincinv

from predclv.contracts.fitted import FittedContracts
from predclv.contracts.outlook import simulated_payments
from predclv.contracts.parts import parts_of
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
    table, running = renewals.frame, _of_plan(fitted, plan, fitted.renewals.running())
    found = []
    k = np.arange(1.0, ahead + 1.0)
    for i, (cohort, part) in enumerate(table.groupby("cohort", sort=True, observed=True)):
        share = (part["renewed"] / part["at_risk"].clip(lower=1)).cumprod().to_numpy()
        size, last = int(part["renewed"].iloc[0]), int(part["age"].iloc[-1])
        seen = pd.DataFrame({"age": part["age"].to_numpy(), "observed": share})
        left = float(share[-1])
        rows = running[running["cohort"] == cohort].reset_index(drop=True)
        stays, drawn = np.zeros(k.size), np.zeros((_FUTURES, ahead))
        for one in parts_of({plan: fitted.fit_of(plan)}, None, rows, fitted.renewals, []):
            weight = one.total.sum() / rows["customers"].sum()
            model = central(one.fit)
            stays += weight * mean_of_draws(model.survival_after(k, float(last)), k.size)
            drawn += simulated_payments(
                one.fit, {"renewals": np.array([float(last)])},
                np.array([round(size * left * weight)]), ahead, _FUTURES, seed,
                np.random.default_rng([seed, i]),
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
        found.append(both)
    return pd.concat(found, ignore_index=True)


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
    ages = table["age"].to_numpy(float)
    model = _retention(fitted, plan, ages)
    lower = np.where(made > 0, betaincinv(np.maximum(made, 1e-9), n - made + 1, tail), 0.0)
    upper = np.where(made < n, betaincinv(made + 1, np.maximum(n - made, 1e-9), 1 - tail), 1.0)
    return pd.DataFrame(
        {
            "age": ages.astype(int),
            "at_risk": n.astype(int),
            "observed": np.where(n > 0, made / np.maximum(n, 1.0), np.nan),
            "lower": lower,
            "upper": upper,
            "model": model,
            "constant": made.sum() / n.sum(),
        }
    )


def _of_plan(fitted: FittedContracts, plan: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a plan, which stays among their columns; of None all."""
    by = fitted.renewals.by
    return rows if plan is None else rows[rows[by] == plan].reset_index(drop=True)


def _retention(fitted: FittedContracts, plan: Any, ages: NDArray) -> NDArray:
    """The model's retention at ages, of those who came up to them, whatever they differ in."""
    rows = fitted.renewals.histories.rename(columns={"contracts": "customers"})
    rows = _of_plan(fitted, plan, rows)
    rows = rows.assign(came_up=rows["renewals"] + rows["ended"])
    made, up = np.zeros(ages.size), np.zeros(ages.size)
    fits = {plan: fitted.fit_of(plan)}
    for one in parts_of(fits, None, rows, fitted.renewals, ["came_up"]):
        counts = np.bincount(one.state["came_up"].astype(int), one.total, ages.size + 1)
        at_risk = counts[::-1].cumsum()[::-1][1:]
        model = central(one.fit)
        made += at_risk * mean_of_draws(model.retention(ages), ages.size)
        up += at_risk
    return made / up
