"""BG/NBD and MBG/NBD on a calendar's clock, compiled by Numba: one pass over cells and days.

The formula is `ClockedLikelihood`'s; a test holds the two together. With the sum of rates U up to a
day, a cell of first purchases on day f and last purchases on day l has ``T = U[end] - U[f]`` and
``t_x = U[l] - U[f]``: what depends on T alone is taken once per day, so that a cell costs one
logarithm and one exponential. Slopes in the two times are

    dl/dT = -(r + x) / (alpha + T) P(alive),    dl/dt_x = -(r + x) / (alpha + t_x) (1 - P(alive)),

they meet in one vector over days, whose reversed sums are the slopes in each day's rate.
"""

from math import exp, log, log1p
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.likelihoods.kernels_special import FAST, digamma_rising, log_rising
from predclv.maths.levels import Levels
from predclv.models.base import Objective
from predclv.samples.exposures import CalendarExposure


@njit(**FAST)
def on_clock(
    free: NDArray,
    at_once: int,
    frequency: NDArray,
    by_frequency: NDArray,
    customers_by_day: NDArray,
    purchases_by_birth: NDArray,
    cells: NDArray,
    weight: NDArray,
    basis: NDArray,
    purchases: NDArray,
    days_per_unit: float,
) -> NDArray:
    """Value and slope (1 + 4 + k,) in log r, log alpha, log a, log b and the effects.

    ``at_once`` is 1 where customers may leave at their first purchase already (MBG/NBD), else 0.
    ``cells`` (n_cells, 3): the place of the frequency, the days of the first and the last purchase;
    ``customers_by_day`` and ``purchases_by_birth`` customers, and their repeat purchases, by the
    day of the first purchase; ``basis`` (k, n_days) the clock's columns.
    """
    r, alpha, a, b = exp(free[0]), exp(free[1]), exp(free[2]), exp(free[3])
    n_days = purchases.size
    eta = np.zeros(n_days)
    for j in range(basis.shape[0]):  # a library's product would start threads
        effect = free[4 + j]
        for d in range(n_days):
            eta[d] += basis[j, d] * effect
    level = 0.0
    top = eta.max()
    for d in range(n_days):
        level += exp(eta[d] - top)
    level = top + log(level / n_days)
    until = np.zeros(n_days + 1)
    value = 0.0
    for d in range(n_days):
        eta[d] -= level
        value += purchases[d] * eta[d]
        until[d + 1] = until[d] + exp(eta[d]) / days_per_unit
    end = until[n_days]

    g_r = g_alpha = g_a = g_b = 0.0
    for j in range(frequency.size):
        x, w = frequency[j], by_frequency[j]
        left = x + at_once
        total = digamma_rising(a + b, left)
        value += w * (log_rising(r, x) + log_rising(b, left) - log_rising(a + b, left))
        g_r += w * digamma_rising(r, x)
        g_a -= w * total
        g_b += w * (digamma_rising(b, left) - total)
    by_sum = np.zeros(n_days + 1)
    log_T, over_T = np.empty(n_days + 1), np.empty(n_days + 1)
    for d in range(n_days + 1):
        T = end - until[d]
        log_T[d], over_T[d] = log(alpha + T), 1.0 / (alpha + T)
        w, xw = customers_by_day[d], purchases_by_birth[d]
        if w > 0.0:
            grown = log1p(T / alpha)
            value -= r * w * grown + xw * log_T[d]
            g_r -= w * grown
            g_alpha += (r * w * T / alpha - xw) * over_T[d]
            pull = (r * w + xw) * over_T[d]
            by_sum[d] += pull
            by_sum[n_days] -= pull

    product = 1.0
    for i in range(weight.size):
        x, born, latest, w = frequency[cells[i, 0]], cells[i, 1], cells[i, 2], weight[i]
        power, before = r + x, b + (x - 1.0 + at_once)
        since = alpha + (until[latest] - until[born])
        silence = log_T[born] - log(since)
        excess = log(a / before) + power * silence
        odds = exp(-abs(excess))
        share = (1.0 if excess > 0.0 else odds) / (1.0 + odds)
        if excess > 0.0:
            value += w * excess
        # Logarithms of single customers are taken of their product, a few hundred at a time.
        if w == 1.0:
            product *= 1.0 + odds
            if product > 1e280:
                value += log(product)
                product = 1.0
        else:
            value += w * log1p(odds)
        gone = w * share
        g_r += gone * silence
        g_alpha += gone * power * (over_T[born] - 1.0 / since)
        g_a += gone / a
        g_b -= gone / before
        by_T, by_t_x = gone * power * over_T[born], gone * power / since
        by_sum[latest] -= by_t_x
        by_sum[born] += by_t_x - by_T
        by_sum[n_days] += by_T
    value += log(product)

    # From sums up to a day to the rate of each day, to its log, less what all days share.
    by_log, pull, lost = np.empty(n_days), 0.0, 0.0
    for d in range(n_days - 1, -1, -1):
        pull += by_sum[d + 1]
        by_log[d] = pull * (until[d + 1] - until[d]) + purchases[d]
        lost += by_log[d]
    for d in range(n_days):
        by_log[d] -= (until[d + 1] - until[d]) / end * lost
    found = np.empty(1 + free.size)
    found[0] = value
    found[1], found[2], found[3], found[4] = g_r * r, g_alpha * alpha, g_a * a, g_b * b
    for j in range(basis.shape[0]):
        total = 0.0
        for d in range(n_days):
            total += basis[j, d] * by_log[d]
        found[5 + j] = total
    return found


def moving(
    at_once: int, x: NDArray, weight: NDArray, exposure: CalendarExposure, basis: NDArray
) -> Objective:
    """The likelihood of cells on a clock, as a function of free parameters.

    Parameters
    ----------
    at_once : int
        1 where customers may leave at their first purchase, else 0.
    x, weight : ndarray, shape (n_cells,)
    exposure : CalendarExposure
    basis : ndarray, shape (n_days, k)
        The clock's columns over the days observed.
    """
    counts, n_days = Levels(x), exposure.purchases.size
    comes_again = x > 0 if not at_once else np.ones(x.size, bool)
    codes = np.column_stack([counts.codes, exposure.born, exposure.latest])[comes_again]
    order = np.lexsort((codes[:, 2], codes[:, 1], codes[:, 0]))
    data: tuple[Any, ...] = (
        at_once,
        np.ascontiguousarray(counts.values, float),
        counts.collect(weight),
        np.bincount(exposure.born, weight, n_days + 1),
        np.bincount(exposure.born, weight * x, n_days + 1),
        np.ascontiguousarray(codes[order], dtype=np.int32),
        np.ascontiguousarray(weight[comes_again][order], float),
        np.ascontiguousarray(basis.T, float),
        np.ascontiguousarray(exposure.purchases, float),
        exposure.days_per_unit,
    )

    def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
        both = on_clock(np.ascontiguousarray(free, float), *data)
        return both[0], both[1:]

    return value_and_slope
