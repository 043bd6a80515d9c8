"""Calibration: predicted against actual means, in groups of customers of similar forecast."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from predclv.errors import DataError, OptionError, did_you_mean
from predclv.forecast.result import Forecast
from predclv.summaries.splits import HoldoutSplit
from predclv.units import probability

_COLUMNS = {
    "purchases": ("expected_purchases", "frequency_holdout"),
    "spend": ("expected_revenue", "spend_holdout"),
}


def calibration_table(
    predicted: ArrayLike, actual: ArrayLike, groups: int = 10, level: float = 0.9
) -> pd.DataFrame:
    """Mean of what was predicted and of what came, by groups of customers of similar forecast.

    Customers are ranked by forecast and cut into groups of equal size. Those of equal forecast
    stay together, in the group where their middle falls, so there may be fewer groups than asked
    for, and of unequal size; a group then says what came of just these forecasts. (The table of
    :func:`predclv.validation.ranking.decile_table` shares them out instead, to keep the groups'
    sizes equal.)

    Parameters
    ----------
    predicted, actual : array, shape (n,)
    groups : int
        At most; 10 are deciles.
    level : float
        Of the interval of the actual mean.

    Returns
    -------
    DataFrame
        Index ``group``, 1 for the lowest forecasts; columns customers, predicted, actual, lower and
        upper: a normal interval of the actual mean, within which the predicted mean should lie.
        NaN for a single customer. Where nothing came, ``upper`` is the largest mean that as many
        customers would hide with chance ``1 - level``.

    Examples
    --------
    >>> calibration_table([0, 0, 0, 2, 2, 5], [0, 1, 0, 1, 3, 6], groups=6)[["predicted", "actual"]]
           predicted    actual
    group
    1            0.0  0.333333
    2            2.0  2.000000
    3            5.0  6.000000
    """
    predicted, actual = (np.asarray(each, np.float64) for each in (predicted, actual))
    level = probability(level, "level")
    if groups < 1:
        raise OptionError(f"groups must be at least 1; got {groups}.")
    if predicted.shape != actual.shape or predicted.ndim != 1 or not predicted.size:
        raise DataError(
            f"Predicted and actual must be of one shape (n,); got {predicted.shape} and "
            f"{actual.shape}."
        )
    middle = rankdata(predicted, "average") - 0.5
    place = (middle * groups // predicted.size).astype(np.int64)
    code = np.unique(place, return_inverse=True)[1]
    n = np.bincount(code)
    means = np.bincount(code, actual) / n
    spread = np.bincount(code, (actual - means[code]) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = ndtri(0.5 + level / 2) * np.sqrt(spread / (n - 1) / n)
    lower, upper = means - reach, means + reach
    nothing = np.bincount(code, actual != 0) == 0
    lower = np.where(nothing, 0.0, np.where((actual >= 0).all(), np.maximum(lower, 0.0), lower))
    upper = np.where(nothing, -np.log1p(-level) / n, upper)
    return pd.DataFrame(
        {
            "customers": n,
            "predicted": np.bincount(code, predicted) / n,
            "actual": means,
            "lower": lower,
            "upper": upper,
        },
        index=pd.Index(range(1, n.size + 1), name="group"),
    )


def within(table: pd.DataFrame) -> int:
    """In how many groups the predicted mean lies within the interval of the actual one."""
    inside = (table["lower"] <= table["predicted"]) & (table["predicted"] <= table["upper"])
    return int(inside.sum())


def mean_gap(table: pd.DataFrame) -> float:
    """How far predicted and actual means lie apart, averaged over customers; 0 is best.

    A forecaster that says one number for all has one group, and a gap of its bias alone: only
    forecasters that tell customers apart can be compared by it.
    """
    apart = (table["predicted"] - table["actual"]).abs()
    return float(np.average(apart, weights=table["customers"]))


def outcomes(
    forecasts: Mapping[str, Forecast], split: HoldoutSplit, value: str
) -> tuple[dict[str, NDArray], NDArray]:
    """What each forecaster predicted of each customer, and what came, each of shape (n,).

    Forecasters without spend are left out where ``value`` is ``"spend"``.

    Raises
    ------
    OptionError
        If ``value`` is neither ``"purchases"`` nor ``"spend"``.
    DataError
        If the holdout, or every forecaster, is without spend.
    """
    if value not in _COLUMNS:
        raise OptionError(
            f"value must be purchases or spend; got {value!r}.{did_you_mean(value, _COLUMNS)}"
        )
    column, came = _COLUMNS[value]
    actual = split.frame
    if came not in actual:
        raise DataError("The holdout has no spend: its log has no amounts. Show value='purchases'.")
    predicted = {
        name: forecast.frame[column].to_numpy(float)
        for name, forecast in forecasts.items()
        if column in forecast.frame
    }
    if not predicted:
        raise DataError("No forecaster forecasts spend. Show value='purchases'.")
    return predicted, actual[came].to_numpy(float)
