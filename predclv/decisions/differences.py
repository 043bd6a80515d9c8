"""Differences between groups: which of them are more than chance, all compared at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_DEALS = 1000  # what is meant to happen once in a hundred times happens 0.7 to 1.3 times
_LARGE = 5000  # customers of a group whose mean is taken as normal instead of dealt


class Differences(NamedTuple):
    """Every pair of groups, each array of shape (n_pairs,).

    ``first`` and ``second`` are numbers of groups, ``difference`` is the mean of the first less
    that of the second, and ``reach`` what it may be off by in either direction. It is NaN where a
    group has one customer: nobody knows how far customers like them differ.
    """

    first: NDArray
    second: NDArray
    difference: NDArray
    reach: NDArray


def differences(
    group: NDArray, value: NDArray, level: float, rng: np.random.Generator
) -> Differences:
    """Differences of the means of groups, with intervals that hold all together.

    A difference is measured in its own standard error (Welch's). How many of those chance makes is
    seen by dealing the customers to groups of these sizes at random, many times: the largest
    difference of a deal stays below the intervals' reach in the share ``level`` of them. So of
    groups that mean nothing none is told apart in that share of cases, however many there are and
    however skewed the values.

    Parameters
    ----------
    group : ndarray of int, shape (n_customers,)
        The group of each customer, from 0 up; none is empty.
    value : ndarray, shape (n_customers,)
    level : float
    rng : numpy.random.Generator
        Of the deals.

    References
    ----------
    Chung, E. & Romano, J. P. (2013). Exact and asymptotically robust permutation tests. Annals of
    Statistics 41(2), 484-507: in standard errors, the test holds for means, whatever the spreads.
    Westfall, P. H. & Young, S. S. (1993). Resampling-Based Multiple Testing: on the largest of
    many.
    """
    n = np.bincount(group).astype(float)
    first, second = np.triu_indices(n.size, 1)
    off = value - value.mean()
    mean = np.bincount(group, weights=off) / n
    variance = _variance(np.bincount(group, weights=off**2), mean, n)
    difference = mean[first] - mean[second]
    reach = np.full(first.size, np.nan)
    several = np.flatnonzero(n > 1)
    if several.size > 1:
        known = (n > 1)[first] & (n > 1)[second]
        error = np.sqrt((variance / n)[first] + (variance / n)[second])[known]
        most = _largest_by_chance(off[(n > 1)[group]], n[several].astype(np.int64), level, rng)
        reach[known] = most * error if np.isfinite(most) else np.inf
    return Differences(first, second, difference, reach)


def _largest_by_chance(
    value: NDArray, sizes: NDArray, level: float, rng: np.random.Generator
) -> float:
    """The largest difference of a deal, in standard errors, that ``level`` of deals stay below."""
    dealt_out = sizes <= _LARGE
    dealt = int(sizes[dealt_out].sum())
    starts = np.cumsum(sizes[dealt_out]) - sizes[dealt_out]
    first, second = np.triu_indices(sizes.size, 1)
    centre, spread = value.mean(), value.std()
    largest = np.empty(_DEALS)
    mean = np.empty(sizes.size)
    variance = np.full(sizes.size, spread**2)
    for deal in range(_DEALS):
        mean[~dealt_out] = rng.normal(centre, spread / np.sqrt(sizes[~dealt_out]))
        if dealt:
            hand = (
                rng.permutation(value)
                if value.size < 2 * dealt
                else value[rng.integers(value.size, size=dealt)]
            )[:dealt]
            n = sizes[dealt_out]
            mean[dealt_out] = np.add.reduceat(hand, starts) / n
            variance[dealt_out] = _variance(np.add.reduceat(hand**2, starts), mean[dealt_out], n)
        difference = np.abs(mean[first] - mean[second])
        error = np.sqrt((variance / sizes)[first] + (variance / sizes)[second])
        with np.errstate(divide="ignore"):
            largest[deal] = np.divide(
                difference, error, out=np.zeros_like(error), where=difference > 0
            ).max()
    return float(np.quantile(largest, level, method="higher"))


def _variance(squares: NDArray, mean: NDArray, n: NDArray) -> NDArray:
    """Sample variances, of sums of squares; 0 of a single value."""
    return np.maximum(squares - n * mean**2, 0.0) / np.maximum(n - 1, 1)
