"""BG/NBD and MBG/NBD on a calendar's clock, compiled by Numba: one pass over cells and days.

The formula is `ClockedLikelihood`'s; a test holds the two together. With the sum of rates U up to a
day, a cell of first purchases on day f and last purchases on day l has ``T = U[end] - U[f]`` and
``t_x = U[l] - U[f]``: what depends on T alone is taken once per day, and what depends on the
frequency once for each. What is left, two logarithms and an exponential, is taken of a block of
cells at once. Slopes in the two times are

    dl/dT = -(r + x) / (alpha + T) P(alive),    dl/dt_x = -(r + x) / (alpha + t_x) (1 - P(alive)),

they meet in one vector over days, whose reversed sums are the slopes in each day's rate.
"""

from math import exp, log, log1p
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.likelihoods.kernels_lanes import LANES, lane_exp, lane_log
from predclv.likelihoods.kernels_special import digamma_rising, log_rising
from predclv.maths.levels import Levels
from predclv.models.base import Objective
from predclv.samples.exposures import CalendarExposure

_BLOCK = 512
"""Cells at once: their six numbers stay in the processor's first cache."""

_SINCE, _AT_T, _POWER, _LOG_ODDS, _OVER_BEFORE, _WEIGHT = (row * _BLOCK for row in range(6))
"""Where a block has ``alpha + t_x``, ``alpha + T``, ``r + x``, ``log(a / before)``, ``1 / before``
and customers, with ``before = b + x - 1`` (MBG/NBD: ``b + x``).
"""


@njit(**LANES)
def _of_block(block: NDArray) -> tuple[float, float, float, float]:
    """Sums over a block of cells: value, slope in r, who left, and who left over ``before``.

    The block's first row becomes what its cells add to the slope in t_x, its second
    ``(r + x) (1 - P(alive))``, times customers.
    """
    value = by_r = left = over_before = 0.0
    for i in range(_BLOCK):
        inverse, power, w = 1.0 / block[i], block[i + _POWER], block[i + _WEIGHT]
        silence = lane_log(block[i + _AT_T] * inverse)
        excess = block[i + _LOG_ODDS] + power * silence
        odds = lane_exp(-abs(excess))
        share = (1.0 if excess > 0.0 else odds) / (1.0 + odds)
        value += w * (max(excess, 0.0) + lane_log(1.0 + odds))
        gone = w * share
        by_r += gone * silence
        left += gone
        over_before += gone * block[i + _OVER_BEFORE]
        block[i + _AT_T] = gone * power
        block[i] = gone * power * inverse
    return value, by_r, left, over_before


@njit(**LANES)
def on_clock(
    free: NDArray,
    at_once: int,
    frequency: NDArray,
    by_frequency: NDArray,
    customers_by_day: NDArray,
    purchases_by_birth: NDArray,
    begins: NDArray,
    latest: NDArray,
    level: NDArray,
    weight: NDArray,
    basis: NDArray,
    purchases: NDArray,
    days_per_unit: float,
) -> NDArray:
    """Value and slope (1 + 4 + k,) in log r, log alpha, log a, log b and the effects.

    ``at_once`` is 1 where customers may leave at their first purchase already (MBG/NBD), else 0.
    ``customers_by_day`` and ``purchases_by_birth`` are customers, and their repeat purchases, by
    the day of the first purchase. Cells are sorted by it: those of a day are at ``begins[day]`` to
    ``begins[day + 1]``, ``latest`` is the day of the last purchase and ``level`` the place of the
    frequency. ``basis`` (k, n_days) has the clock's columns.
    """
    r, alpha, a, b = exp(free[0]), exp(free[1]), exp(free[2]), exp(free[3])
    n_days = purchases.size
    eta = np.zeros(n_days)
    for j in range(basis.shape[0]):  # a library's product would start threads
        effect = free[4 + j]
        for d in range(n_days):
            eta[d] += basis[j, d] * effect
    mean, top = 0.0, eta.max()
    for d in range(n_days):
        mean += exp(eta[d] - top)
    log_mean = top + log(mean / n_days)
    until = np.zeros(n_days + 1)
    value = 0.0
    for d in range(n_days):
        eta[d] -= log_mean
        value += purchases[d] * eta[d]
        until[d + 1] = until[d] + exp(eta[d]) / days_per_unit
    end = until[n_days]

    g_r = g_alpha = g_a = g_b = 0.0
    power, log_odds = np.empty(frequency.size), np.empty(frequency.size)
    over_before = np.empty(frequency.size)
    for j in range(frequency.size):
        x, w = frequency[j], by_frequency[j]
        left = x + at_once
        total = digamma_rising(a + b, left)
        value += w * (log_rising(r, x) + log_rising(b, left) - log_rising(a + b, left))
        g_r += w * digamma_rising(r, x)
        g_a -= w * total
        g_b += w * (digamma_rising(b, left) - total)
        before = b + (x - 1.0 + at_once)
        power[j], log_odds[j], over_before[j] = r + x, log(a / before), 1.0 / before
    by_sum = np.zeros(n_days + 1)
    for d in range(n_days + 1):
        w, xw = customers_by_day[d], purchases_by_birth[d]
        if w > 0.0:
            T = end - until[d]
            grown = log1p(T / alpha)
            value -= r * w * grown + xw * log(alpha + T)
            g_r -= w * grown
            g_alpha += (r * w * T / alpha - xw) / (alpha + T)
            pull = (r * w + xw) / (alpha + T)
            by_sum[d] += pull
            by_sum[n_days] -= pull

    block = np.empty(6 * _BLOCK)
    day = 0
    for start in range(0, weight.size, _BLOCK):
        n, first_day = min(_BLOCK, weight.size - start), day
        done = 0
        while done < n:  # the cells of one day after the other
            while begins[day + 1] <= start + done:
                day += 1
            born, end_of_day = until[day], min(n, begins[day + 1] - start)
            at_T = alpha + (end - born)
            for i in range(done, end_of_day):
                place = level[start + i]
                block[i] = alpha + (until[latest[start + i]] - born)
                block[i + _AT_T] = at_T
                block[i + _POWER] = power[place]
                block[i + _LOG_ODDS] = log_odds[place]
                block[i + _OVER_BEFORE] = over_before[place]
                block[i + _WEIGHT] = weight[start + i]
            done = end_of_day
        for i in range(n, _BLOCK):  # nobody
            block[i] = block[i + _AT_T] = 1.0
            block[i + _POWER] = block[i + _LOG_ODDS] = 0.0
            block[i + _OVER_BEFORE] = block[i + _WEIGHT] = 0.0
        more, by_r, left, left_over_before = _of_block(block)
        value += more
        g_r += by_r
        g_a += left / a
        g_b -= left_over_before
        done, day = 0, first_day
        while done < n:
            while begins[day + 1] <= start + done:
                day += 1
            end_of_day, by_t_x, by_T = min(n, begins[day + 1] - start), 0.0, 0.0
            for i in range(done, end_of_day):
                by_sum[latest[start + i]] -= block[i]
                by_t_x += block[i]
                by_T += block[i + _AT_T]
            by_T /= alpha + (end - until[day])
            g_alpha += by_T - by_t_x
            by_sum[day] += by_t_x - by_T
            by_sum[n_days] += by_T
            done = end_of_day

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
    born, latest = exposure.born[comes_again], exposure.latest[comes_again]
    level = counts.codes[comes_again]
    order = np.lexsort((level, latest, born))
    data: tuple[Any, ...] = (
        at_once,
        np.ascontiguousarray(counts.values, float),
        counts.collect(weight),
        np.bincount(exposure.born, weight, n_days + 1),
        np.bincount(exposure.born, weight * x, n_days + 1),
        np.searchsorted(born[order], np.arange(n_days + 2)),
        latest[order].astype(np.uint32),
        level[order].astype(np.uint32),
        np.ascontiguousarray(weight[comes_again][order], float),
        np.ascontiguousarray(basis.T, float),
        np.ascontiguousarray(exposure.purchases, float),
        exposure.days_per_unit,
    )

    def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
        both = on_clock(np.ascontiguousarray(free, float), *data)
        return both[0], both[1:]

    return value_and_slope
