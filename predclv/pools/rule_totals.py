"""Futures of a rule that gives a distribution of purchases: totals of the base, simulated."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.draws import fixed_draws
from predclv.forecast.totals import SIMULATED

_RUNS = 60  # of a large base, whose totals are then normal with their mean and variance


def rule_totals(
    source: Any,
    spend: Fit | None,
    customers: pd.DataFrame,
    margin: float,
    futures: int,
    rng: np.random.Generator,
    shares: NDArray | None = None,
) -> dict[str, NDArray]:
    """Totals of the base, (futures,), or of each period, (futures, periods).

    Customers buy by the rule's negative binomial, independently given the rule, at moments spread
    evenly over the horizon; each purchase costs what the model of spend draws.

    Parameters
    ----------
    source : Point
        Its ``counts()`` is `NegativeBinomialCounts`.
    spend : Fit or None
    customers : DataFrame
        frequency and monetary_value.
    margin : float
    futures : int
    rng : numpy.random.Generator
    shares : ndarray, shape (periods,), optional
        Of the horizon, at the periods' ends.
    """
    ends = np.ones(1) if shares is None else shares
    runs = futures if len(customers) <= SIMULATED else _RUNS
    spends: list[Any] = [None] * runs if spend is None else fixed_draws(spend, runs, rng)
    found: dict[str, list[NDArray]] = {}
    for model in spends:
        for name, values in _future(source, model, customers, margin, ends, rng).items():
            found.setdefault(name, []).append(values)
    totals = {name: np.array(values) for name, values in found.items()}
    if runs != futures:
        totals = {
            name: np.maximum(rng.normal(v.mean(axis=0), v.std(axis=0), (futures, ends.size)), 0.0)
            for name, v in totals.items()
        }
    return totals if shares is not None else {name: v[:, 0] for name, v in totals.items()}


def _future(
    source: Any,
    spend: Any,
    customers: pd.DataFrame,
    margin: float,
    ends: NDArray,
    rng: np.random.Generator,
) -> dict[str, NDArray]:
    counts = source.counts()
    n = rng.negative_binomial(counts.size, counts.size / (counts.size + counts.mean))
    moment = rng.random(int(n.sum()))
    period = np.searchsorted(ends[:-1], moment)
    discount = np.exp(-source.shrinkage * moment)

    def by_period(values: NDArray | None) -> NDArray:
        return np.bincount(period, values, ends.size).astype(np.float64)

    found = {"purchases": by_period(None), "discounted_purchases": by_period(discount)}
    if spend is not None:
        x, mean = (customers[name].to_numpy(float) for name in ("frequency", "monetary_value"))
        value = spend.given(x, np.maximum(mean, 0.0)).simulate(n, rng)
        found |= {"revenue": by_period(value), "clv": margin * by_period(value * discount)}
    return found


def rule_buyers(source: Any, futures: int, rng: np.random.Generator) -> NDArray:
    """Numbers of customers who buy, (futures,): a sum over many, each by their own chance."""
    p = source.frame["p_active"].to_numpy(np.float64)
    spread = np.sqrt(np.sum(p * (1.0 - p)))
    return np.clip(p.sum() + spread * rng.standard_normal(futures), 0.0, float(p.size))
