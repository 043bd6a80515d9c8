"""Metrics of a forecast, each one number from arrays; the only file that imports scikit-learn.

What is predicted and what came are arrays of shape (n,), one element per customer. No metric alone
says which forecast is best: a forecast of zero for everybody has a fine absolute error.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata, spearmanr

from predclv.errors import DataError

if TYPE_CHECKING:
    from predclv.forecast.distribution import CountDistribution


def mean_absolute_error(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Mean of ``|predicted - actual|``; smaller is better.

    Good for saying how far off a customer's forecast is, in purchases. It misleads when means are
    compared by it: what it rewards is the *median*, which for most customer bases is near 0, so
    that forecasting nothing can win. Hence ``mae`` of the mean beside ``mae_median``.

    Examples
    --------
    >>> mean_absolute_error([1.0, 2.0], [0, 4])
    1.5
    """
    from sklearn.metrics import mean_absolute_error as library

    predicted, actual = _pair(predicted, actual)
    return float(library(actual, predicted)) if np.isfinite(predicted).all() else float("inf")


def root_mean_squared_error(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Root of the mean squared difference; smaller is better.

    Rewards the mean, so it is the right one for expectations; a handful of the biggest customers
    make most of it.

    Examples
    --------
    >>> root_mean_squared_error([1.0, 2.0], [2, 3])
    1.0
    """
    from sklearn.metrics import root_mean_squared_error as library

    predicted, actual = _pair(predicted, actual)
    return float(library(actual, predicted)) if np.isfinite(predicted).all() else float("inf")


def bias(predicted: ArrayLike, actual: ArrayLike) -> float:
    """``sum(predicted) / sum(actual) - 1``; 0 is best, -0.12 is 12% too low.

    What a budget is held against. It says nothing of who: errors of customers cancel. NaN where
    nothing came.

    Examples
    --------
    >>> bias([1.0, 2.0], [2, 2])
    -0.25
    """
    predicted, actual = _pair(predicted, actual)
    total = actual.sum()
    return float(predicted.sum() / total - 1.0) if total != 0 else float("nan")


def spearman(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Rank correlation; 1 is best, 0 is none, -1 the reverse.

    Indifferent to the level and the scale of a forecast. Where most customers buy nothing, most
    of the ranking it judges is among them. NaN where either is the same for all.

    Examples
    --------
    >>> round(spearman([0.1, 0.3, 0.2, 5.0], [0, 1, 2, 3]), 6)
    0.8
    """
    predicted, actual = _pair(predicted, actual)
    if _constant(predicted) or _constant(actual):
        return float("nan")
    return float(spearmanr(predicted, actual).statistic)


def gini(predicted: ArrayLike, actual: ArrayLike) -> float:
    """Normalised Gini: how much of the ranking that could be had by value is in the forecast.

    The Gini coefficient of what came with customers in the order of the forecast, over that with
    customers in their true order: 1 is the best order, 0 a random one, -1 the reverse. It weighs
    customers by what they were worth, as `spearman` does not. Equal predictions share their
    ranks, which is the mean over all orders of them. NaN where what came is the same for all.

    Examples
    --------
    >>> gini([3.0, 2.0, 1.0], [6, 4, 2]), gini([1.0, 2.0, 3.0], [6, 4, 2])
    (1.0, -1.0)
    """
    predicted, actual = _pair(predicted, actual)
    if _constant(actual):
        return float("nan")
    centred = actual - actual.mean()
    ranks = rankdata(predicted)
    return float(centred @ (ranks - ranks.mean()) / (centred @ rankdata(actual)))


def top_decile_capture(predicted: ArrayLike, actual: ArrayLike, share: float = 0.1) -> float:
    """The share of all that came from the tenth of customers with the highest forecast.

    What a campaign for the best tenth would have reached; a random tenth gets 0.1. The best that
    could be had is below 1 and depends on the data, so compare forecasters, not data sets.
    Customers of equal forecast at the edge count in part, as if drawn at random; so does the last
    customer where a tenth is no whole number. NaN where nothing came.

    Examples
    --------
    >>> top_decile_capture(range(10), [0, 0, 0, 0, 0, 0, 0, 0, 1, 3])
    0.75
    """
    predicted, actual = _pair(predicted, actual)
    total = actual.sum()
    if total == 0:
        return float("nan")
    return float(in_top(predicted, share * predicted.size) @ actual / total)


def in_top(values: NDArray, places: float) -> NDArray:
    """The chance of each to be among the ``places`` highest, equals drawn at random, shape (n,)."""
    levels, code = np.unique(values, return_inverse=True)
    size = np.bincount(code, minlength=levels.size)
    above = values.size - np.cumsum(size)
    return np.clip((places - above) / size, 0.0, 1.0)[code]


def brier(p_active: ArrayLike, active: ArrayLike) -> float:
    """Mean squared difference of a probability and what came, 0 or 1; smaller is better.

    Forecasting the true share of active customers for everybody scores share x (1 - share): beat
    that. It rewards both telling customers apart and getting the level right.

    Examples
    --------
    >>> brier([0.5, 0.5], [1, 0])
    0.25
    """
    from sklearn.metrics import brier_score_loss

    p_active, active = _pair(p_active, active)
    return float(brier_score_loss(active, p_active, pos_label=1))


def auc(p_active: ArrayLike, active: ArrayLike) -> float:
    """Chance that someone who bought had a higher p_active than someone who did not.

    1 is best, 0.5 a coin, 0 the reverse. It sees the order alone: probabilities all far too high
    leave it as it is. NaN where all or none bought.

    Examples
    --------
    >>> auc([0.9, 0.8, 0.1], [1, 0, 0])
    1.0
    """
    from sklearn.metrics import roc_auc_score

    p_active, active = _pair(p_active, active)
    return float("nan") if _constant(active) else float(roc_auc_score(active, p_active))


def crps(counts: "CountDistribution", actual: ArrayLike) -> float:
    """Mean continuous ranked probability score of predictive distributions; smaller is better.

    The squared distance of the predictive distribution function from the step at what came, summed
    over all counts: an absolute error for distributions, in purchases, and just that for a
    forecast of one number, so rules and models can stand in one column. It rewards stating the
    true distribution, sharp and right alike. Exact, but beyond 64 purchases, where counts are taken
    in classes 4% wide.

    References
    ----------
    Gneiting & Raftery (2007), Journal of the American Statistical Association 102, 359-378.
    """
    return float(np.mean(crps_of_each(counts, actual)))


def crps_of_each(counts: "CountDistribution", actual: ArrayLike) -> NDArray:
    """The `crps` of every customer by itself, shape (n,)."""
    actual = np.asarray(actual, np.float64)
    found = np.empty(actual.size)
    for rows, values, probabilities in counts.parts():
        if np.any(probabilities < -1e-12):  # differences of tails round to -1e-16
            raise ValueError("negative probabilities")
        # The distribution function is flat between values: each stretch counts F squared as far as
        # it lies below what came, and (1 - F) squared above.
        at, y = np.asarray(values, np.float64), actual[rows, None]
        F = np.cumsum(probabilities, axis=-1)[..., :-1]
        stretch = np.diff(at)
        below = np.clip(y - at[:-1], 0.0, stretch)
        inside = np.sum(F * F * below + (1.0 - F) ** 2 * (stretch - below), axis=-1)
        beyond = np.maximum(y[:, 0] - at[-1], 0.0) + np.maximum(at[0] - y[:, 0], 0.0)
        found[rows] = inside + beyond
    return found


def log_score(counts: "CountDistribution", actual: ArrayLike) -> float:
    """Mean of ``-log P(Y = actual)``; smaller is better.

    How surprised the forecaster was, in nats per customer. Unlike `crps` it asks nothing but the
    probability of what came: one customer whom a forecaster thought impossible makes it infinite.
    Forecasts of one number have none.

    References
    ----------
    Gneiting & Raftery (2007), section 3.1.
    """
    with np.errstate(divide="ignore"):
        return float(-np.mean(np.log(counts.mass(np.asarray(actual)))))


def coverage(lower: ArrayLike, upper: ArrayLike, actual: ArrayLike) -> float:
    """The share of customers who came to lie within their interval, bounds included.

    Best is the interval's level. Counts are whole numbers, so intervals of counts hold more than
    their level; well above it is no vice where `width` is small. Wide intervals cover anything.

    Examples
    --------
    >>> coverage([0, 0], [1, 1], [1, 3])
    0.5
    """
    lower, upper, actual = (np.asarray(each, np.float64) for each in (lower, upper, actual))
    return float(np.mean((lower <= actual) & (actual <= upper)))


def width(lower: ArrayLike, upper: ArrayLike) -> float:
    """Mean width of the intervals; of two with the right coverage the narrower is better.

    Examples
    --------
    >>> width([0, 0], [1, 3])
    2.0
    """
    return float(np.mean(np.asarray(upper, np.float64) - np.asarray(lower, np.float64)))


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[NDArray, NDArray]:
    """Both as floats of one shape (n,), no NaN; a prediction of an infinite mean stays one."""
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != other.shape or one.ndim != 1 or not one.size:
        raise DataError(
            f"Predicted and actual must be of one shape (n,) with n > 0; got {one.shape} and "
            f"{other.shape}."
        )
    if np.isnan(one).any() or np.isnan(other).any():
        raise DataError("Predicted and actual must be numbers: there is a NaN among them.")
    return one, other


def _constant(values: NDArray) -> bool:
    return bool(np.all(values == values[0]))
