"""Totals of a customer base: where they may fall."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.draws import fixed_draws
from predclv.forecast.histories import Histories
from predclv.forecast.simulation import futures
from predclv.progress import progress, stage

_WORK = 20_000_000  # customers x simulated futures behind the interval of a total
_MOST, _MOST_ENDLESS = 1000, 500  # a future without end takes longer
SIMULATED = 100_000
"""Bases up to here are simulated whole; of larger ones, a sample of this many."""

_FEWEST_DRAWS = 40  # of the parameters, behind the interval of a number of buyers
_EACH = 20_000  # histories up to which buyers are drawn for each
_SAMPLE_FUTURES = 60
_NORMAL_DRAWS = 4000
_STEP = 1e-3  # of log parameters, in a derivative


def simulated_totals(
    histories: Histories,
    mean: NDArray | None,
    purchases: Fit,
    spend: Fit | None,
    t: float,
    delta: float,
    seed: int,
) -> dict[str, NDArray]:
    """Totals over customers of `simulation.futures`, each of shape (futures,).

    In each future all customers share one draw of the parameters: what is not known of the
    parameters does not average out over customers.
    """
    rng = np.random.default_rng([seed, 2])
    most = _MOST if np.isfinite(t) else _MOST_ENDLESS
    n = int(min(_WORK // histories.cell_of_customer.size, most))
    models = fixed_draws(purchases, n, rng)
    spends = [None] * n if spend is None else fixed_draws(spend, n, rng)
    found: dict[str, list[float]] = {}
    customers = histories.cell_of_customer.size
    with progress(f"Simulating {customers:,} customers", n) as step:
        for i, (model, spend_model) in enumerate(zip(models, spends, strict=True)):
            step(f"future {i + 1} of {n}")
            future = futures(histories, model, spend_model, mean, t, delta, rng)
            for name, values in future.items():
                found.setdefault(name, []).append(float(values.sum()))
    return {name: np.array(values) for name, values in found.items()}


def simulated_buyers(
    histories: Histories, weight: NDArray, purchases: Fit, t: float, seed: int
) -> NDArray:
    """Numbers of customers who buy at least once within ``t``, shape (futures,).

    Each future has a draw of the parameters that all customers share; given it, those of one
    history who buy are binomial.

    Parameters
    ----------
    histories : Histories
        The distinct ones.
    weight : ndarray of int64, shape (n_cells,)
        Customers of each.
    """
    rng = np.random.default_rng([seed, 4])
    draws = int(np.clip(_WORK // histories.n_cells, _FEWEST_DRAWS, _MOST))
    futures_per_draw = -(-_MOST // draws)
    totals = []
    for model in fixed_draws(purchases, draws, rng):
        active = histories.p_alive(model)[0] * np.take(
            np.broadcast_to(histories.living(model).p_active(t), histories.state_x.shape),
            histories.state_of_cell,
        )
        p = np.clip(active, 0.0, 1.0)
        if weight.size > _EACH:  # a sum over so many histories is normal
            sd = np.sqrt(np.sum(weight * p * (1.0 - p)))
            totals.append(weight @ p + sd * rng.standard_normal(futures_per_draw))
        else:
            totals.append(rng.binomial(weight, p, (futures_per_draw, p.size)).sum(axis=1))
    return np.clip(np.concatenate(totals), 0.0, float(weight.sum()))


def normal_totals(
    sample: pd.DataFrame,
    to_fit_unit: float,
    n_customers: int,
    expected: dict[str, float],
    purchases: Fit,
    spend: Fit | None,
    t: float,
    delta: float,
    seed: int,
) -> dict[str, NDArray]:
    """Draws of the totals of a large base, each of shape (4000,), from a sample of its customers.

    Over so many customers chance is normal: its variance is that of simulated futures of the
    sample, scaled up. To it comes what is not known of the parameters, by how the expectations of
    the sample change with them.

    Parameters
    ----------
    sample : DataFrame
        Customers as in ``RFM.frame``.
    to_fit_unit : float
        Units of the fits per unit of the sample.
    n_customers : int
        Of the whole base.
    expected : dict
        The base's expected totals of purchases, discounted_purchases, revenue and worth, as far
        as there are such.
    """
    rng = np.random.default_rng([seed, 2])
    histories = Histories.of(
        sample["frequency"].to_numpy(float),
        sample["recency"].to_numpy(float) * to_fit_unit,
        sample["T"].to_numpy(float) * to_fit_unit,
    )
    mean = None
    if spend is not None:
        mean = np.maximum(sample["monetary_value"].to_numpy(float), 0.0)
    with stage(f"Simulating a sample of {len(sample):,} customers"):
        chance = _chance(histories, mean, purchases, spend, t, delta, rng)
        shift = _parameter_shifts(histories, mean, purchases, spend, t, delta, rng)
    totals = {}
    for name, value in expected.items():
        noise = np.sqrt(n_customers * chance[name]) * rng.standard_normal(_NORMAL_DRAWS)
        totals[name] = np.maximum(value * np.exp(shift[name]) + noise, 0.0)
    return totals


def _chance(
    histories: Histories,
    mean: NDArray | None,
    purchases: Fit,
    spend: Fit | None,
    t: float,
    delta: float,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Variance of one customer's future around its expectation, averaged over customers."""
    model: Any = purchases.model
    spend_model: Any = None if spend is None else spend.model
    runs = [
        futures(histories, model, spend_model, mean, t, delta, rng) for _ in range(_SAMPLE_FUTURES)
    ]
    return {
        name: float(np.mean(np.var([run[name] for run in runs], axis=0, ddof=1)))
        for name in runs[0]
    }


def _parameter_shifts(
    histories: Histories,
    mean: NDArray | None,
    purchases: Fit,
    spend: Fit | None,
    t: float,
    delta: float,
    rng: np.random.Generator,
) -> dict[str, NDArray]:
    """How far, in logs, the sample's expected totals lie from those at the estimate, (draws,)."""
    fits = [purchases] if spend is None else [purchases, spend]
    shift: dict[str, NDArray] = {}
    for which, fit in enumerate(fits):
        names, space = fit.model.names(), fit.model.space()
        at = space.free_at(np.array([float(getattr(fit.model, name)) for name in names]))
        draws = fit.draws(_NORMAL_DRAWS, seed=int(rng.integers(1 << 62)))
        away = space.free_at(np.column_stack([draws[name] for name in names])) - at
        for i in range(len(names)):
            ends = []
            for sign in (1.0, -1.0):
                moved = at.copy()
                moved[i] += sign * _STEP
                models: list[Any] = [other.model for other in fits]
                models[which] = type(fit.model).at(moved)
                ends.append(_expected_totals(histories, mean, models, t, delta))
            for name, above in ends[0].items():
                slope = (np.log(above) - np.log(ends[1][name])) / (2 * _STEP)
                shift[name] = shift.get(name, 0.0) + slope * away[:, i]
    return shift


def _expected_totals(
    histories: Histories, mean: NDArray | None, models: list[Any], t: float, delta: float
) -> dict[str, float]:
    """The sample's expected totals at parameters that are numbers."""
    cell = histories.cell_of_customer
    found = histories.expectations(models[0], t, delta, undiscounted=np.isfinite(t))
    per_customer = {
        name.removeprefix("expected_"): values[cell]
        for name, values in found.items()
        if name.endswith("purchases")
    }
    if mean is not None:
        each = models[1].expected_spend(histories.x[cell], mean)
        each = np.where(np.isfinite(each), each, 0.0)
        if "purchases" in per_customer:
            per_customer["revenue"] = per_customer["purchases"] * each
        per_customer["worth"] = per_customer["discounted_purchases"] * each
    return {name: float(values.sum()) for name, values in per_customer.items()}
