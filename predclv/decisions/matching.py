"""Groups that were not drawn by lot: control customers weighted to be like the treated."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from predclv.decisions.adjusted import Adjusted
from predclv.decisions.traits import indicators, traits_of
from predclv.errors import DataError

_CLOSE = 1e-4
"""Standard deviations by which the weighted means may still differ."""
_STEEPEST = 30.0
"""Logs of a weight per standard deviation at which the search for weights gives up."""
_FEWEST = 10.0
"""Control customers that the weights must be worth, or the groups hardly overlap."""


def matched_difference(
    value: NDArray,
    is_treated: NDArray,
    forecast: pd.DataFrame,
    ids: pd.Series,
    traits: Any,
    mask: NDArray,
) -> Adjusted:
    """Treated customers against control customers weighted to match them (entropy balancing).

    The weights are those nearest to equal at which the means of forecasts and traits are those of
    the treated; a regression on the same then takes out what is left. It is right if either
    the weights or the regression is, and if nothing else parts the groups.

    References
    ----------
    Hainmueller, J. (2012). Entropy balancing for causal effects. Political Analysis 20(1), 25-46.
    Zhao, Q. & Percival, D. (2017). Entropy balancing is doubly robust. Journal of Causal Inference
    5(1).

    Raises
    ------
    DataError
        If no weights make the groups alike: they hardly overlap.
    """
    z = _known(forecast, ids, traits)[mask]
    y, treated = value[mask], is_treated[mask]
    spread = z.std(axis=0)
    z = (z[:, spread > 1e-12] - z.mean(axis=0)[spread > 1e-12]) / spread[spread > 1e-12]
    weight = balanced(z[~treated], z[treated].mean(axis=0))
    design = np.column_stack([np.ones((~treated).sum()), z[~treated]])
    root = np.sqrt(weight)
    slopes = np.linalg.lstsq(design * root[:, None], y[~treated] * root)[0]
    line = np.column_stack([np.ones(y.size), z]) @ slopes
    left = y - line
    n = int(treated.sum())
    control = left[~treated]
    difference = float(left[treated].mean() - weight @ control)
    variance = float(left[treated].var(ddof=1) / n + weight**2 @ (control - weight @ control) ** 2)
    plain = y[treated].mean() - y[~treated].mean()
    plain_error = np.sqrt(y[treated].var(ddof=1) / n + y[~treated].var(ddof=1) / (~treated).sum())
    effective = 1.0 / float(weight @ weight)
    error = float(np.sqrt(variance))
    return Adjusted(
        float(y[treated].mean()),
        float(y[~treated].mean()),
        float(plain),
        float(plain_error),
        difference,
        error,
        max(min(n, effective) - 1.0, 1.0),
        float((error / plain_error) ** 2) if plain_error > 0 else 1.0,
    )


def balanced(z: NDArray, target: NDArray) -> NDArray:
    """Weights (n,) that add up to 1, with ``weights @ z`` at ``target``, nearest to equal ones."""
    away = z - target

    def dual(slope: NDArray) -> tuple[float, NDArray]:
        log_weight = away @ slope
        weight = np.exp(log_weight - logsumexp(log_weight))
        return float(logsumexp(log_weight)), weight @ away

    found = minimize(
        dual,
        np.zeros(z.shape[1]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_STEEPEST, _STEEPEST)] * z.shape[1],
        options={"gtol": 1e-8, "ftol": 1e-15, "maxiter": 2000},
    )
    log_weight = away @ found.x
    weight = np.exp(log_weight - logsumexp(log_weight))
    worth = 1.0 / float(weight @ weight)
    if not np.abs(weight @ away).max(initial=0.0) < _CLOSE or worth < _FEWEST:
        raise DataError(
            "No weights make the control customers like the treated ones: the groups hardly "
            "overlap in forecast and traits, so there is nobody to compare with. Leave out traits "
            "that decide who was treated, or treated customers whom nobody resembles."
        )
    return weight


def _known(forecast: pd.DataFrame, ids: pd.Series, traits: Any) -> NDArray:
    """What was known before the start, as columns (n, k)."""
    names = [n for n in ("p_alive", "expected_purchases", "expected_revenue") if n in forecast]
    numbers = forecast[names].to_numpy(float)
    columns = [numbers, np.log1p(np.maximum(numbers[:, 1:], 0.0))]
    if traits is not None:
        columns.append(indicators(traits_of(traits, ids)))
    return np.column_stack(columns)
