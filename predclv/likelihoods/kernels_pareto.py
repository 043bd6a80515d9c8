"""Pareto/NBD's likelihood and gradient compiled by Numba.

The integral over the leaving time has an integrand that depends on a customer's frequency alone,
and ends that are whole days: where many customers share a frequency it is taken once from day to
day, and a customer's is the difference of two sums. A step of the grid too long for that, such as
the first after a leaving at once, is integrated as in ``maths/race.py``, and so is each cell where
few customers share a frequency.
"""

from math import ceil, exp, expm1, log, log1p

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.likelihoods.kernels import Kernel
from predclv.likelihoods.kernels_special import FAST, digamma_rising, log_rising
from predclv.maths.levels import Levels
from predclv.maths.race import FAR, LENGTHS, PANEL, POINTS
from predclv.models.base import Columns

_STEP_POINTS, _STEP_LENGTHS = np.polynomial.legendre.leggauss(5)
_STEP_POINTS, _STEP_LENGTHS = 0.5 * (_STEP_POINTS + 1.0), 0.5 * _STEP_LENGTHS
# With five points a step may fall by so much, and last so long against its distance from the
# nearest singularity, for a relative error below 1e-13. Half of the fall may be of those who leave.
_STEP_FALL, _STEP_REACH = 0.75, 0.2
_MOST = 300.0  # exponents up to here neither overflow nor leave the products of powers


@njit(**FAST)
def _one(k: float, alpha: float, s: float, beta: float, start: float, end: float) -> NDArray:
    """``race_and_slopes`` of one customer: log total and the four means."""
    found = np.zeros(5)
    second_is_low = beta <= alpha
    low, high = (beta, alpha) if second_is_low else (alpha, beta)
    w = (low + start) / (high + start)
    p = s if second_is_low else k - 1.0
    q = k if second_is_low else s + 1.0
    steep = FAR / (q + min(p, 0.0))
    last = (end - start) / (low + start)
    length = log1p(last)
    length = min(length, steep - log(w) if steep > FAR else log1p(expm1(steep) / w))
    if p > 0:
        length = min(length, FAR / p)
    panels = max(1, ceil(length / PANEL))
    for panel in range(panels):
        for i in range(POINTS.size):
            z = length * ((panel + POINTS[i]) / panels)
            rise = expm1(z)
            second = log1p(w * rise)
            weight = length * (LENGTHS[i] / panels) * exp(-p * z - q * second)
            found[0] += weight
            found[1] += weight * z
            found[2] += weight * second
            found[3] += weight * (last - rise) / (1.0 + rise)
            found[4] += weight * (last - rise) / (1.0 + w * rise)
    if found[0] > 0:
        found[1:] /= found[0]
    found[4] *= w
    if second_is_low:
        found[1], found[2], found[3], found[4] = found[2], found[1], found[4], found[3]
    found[0] = log(found[0]) + (0.0 if second_is_low else log(w))
    return found


@njit(**FAST)
def pareto_nbd(
    log_parameters: NDArray,
    frequency: NDArray,
    grid: NDArray,
    T: NDArray,
    by_frequency: NDArray,
    by_T: NDArray,
    purchases_by_T: NDArray,
    cells: NDArray,
    weight: NDArray,
) -> NDArray:
    """Pareto/NBD: value and gradient of ``ParetoNBD.objective``, shape (5,).

    ``frequency`` and ``T`` hold distinct values, ``grid`` those of recency and T together;
    ``by_frequency``, ``by_T`` and ``purchases_by_T`` the customers, and their repeat purchases, at
    each. ``cells`` (n_cells, 3) tells each cell's place in frequency and, for recency and T, in the
    grid; sorted by frequency.
    """
    r, alpha = exp(log_parameters[0]), exp(log_parameters[1])
    s, beta = exp(log_parameters[2]), exp(log_parameters[3])
    result = _still_here(r, alpha, s, beta, frequency, T, by_frequency, by_T, purchases_by_T)
    days = grid.size
    # Columns: logarithms of (alpha + t)/alpha and (beta + t)/beta, their steps, and powers.
    at = np.empty((days, 6))
    nodes = np.empty((max(days - 1, 1), POINTS_A_STEP, 5))
    is_long = np.zeros(days, dtype=np.bool_)
    longest = _lay_out(grid, alpha, s, beta, at, nodes, is_long)
    tails = np.zeros((days, 5))
    fewest = days * POINTS_A_STEP / 60.0 + is_long.sum()

    end = 0
    while end < weight.size:
        start, level = end, cells[end, 0]
        while end < weight.size and cells[end, 0] == level:
            end += 1
        k = r + frequency[level]
        tabled = (
            end - start > fewest
            and k * longest[0] + (s + 1.0) * longest[1] < _STEP_FALL
            and k * at[days - 1, 0] + s * at[days - 1, 1] < _MOST
        )
        if tabled:
            _sum_backwards(k, alpha, s, beta, grid, at, nodes, is_long, tails)
            _add_tabled(
                k, alpha, s, beta, grid, at, tails, cells[start:end], weight[start:end], result
            )
        else:
            _add_singly(k, alpha, s, beta, grid, cells[start:end], weight[start:end], result)
    result[1:] *= np.array([r, alpha, s, beta])
    return result


POINTS_A_STEP = _STEP_POINTS.size


@njit(**FAST)
def _still_here(
    r: float,
    alpha: float,
    s: float,
    beta: float,
    frequency: NDArray,
    T: NDArray,
    by_frequency: NDArray,
    by_T: NDArray,
    purchases_by_T: NDArray,
) -> NDArray:
    """Value and gradient of everyone's being there until the end."""
    result = np.zeros(5)
    for j in range(frequency.size):
        result[0] += by_frequency[j] * log_rising(r, frequency[j])
        result[1] += by_frequency[j] * digamma_rising(r, frequency[j])
    for j in range(T.size):
        in_alpha, in_beta = log1p(T[j] / alpha), log1p(T[j] / beta)
        result[0] -= by_T[j] * (r * in_alpha + s * in_beta) + purchases_by_T[j] * log(alpha + T[j])
        result[1] -= by_T[j] * in_alpha
        result[2] += (r * by_T[j] * T[j] / alpha - purchases_by_T[j]) / (alpha + T[j])
        result[3] -= by_T[j] * in_beta
        result[4] += s * by_T[j] * T[j] / (beta * (beta + T[j]))
    return result


@njit(**FAST)
def _lay_out(
    grid: NDArray,
    alpha: float,
    s: float,
    beta: float,
    at: NDArray,
    nodes: NDArray,
    is_long: NDArray,
) -> NDArray:
    """Fill what no frequency changes; the longest step, of those not too long, in two measures."""
    low = min(alpha, beta)
    longest = np.zeros(2)
    for j in range(grid.size):
        at[j, 0], at[j, 1] = log1p(grid[j] / alpha), log1p(grid[j] / beta)
    for j in range(grid.size - 1):
        width = grid[j + 1] - grid[j]
        at[j, 2], at[j, 3] = log1p(width / (alpha + grid[j])), log1p(width / (beta + grid[j]))
        is_long[j] = (
            width > _STEP_REACH * (low + grid[j]) or (s + 1.0) * at[j, 3] > 0.5 * _STEP_FALL
        )
        if is_long[j]:
            continue
        longest[0], longest[1] = max(longest[0], at[j, 2]), max(longest[1], at[j, 3])
        for i in range(POINTS_A_STEP):
            tau = width * _STEP_POINTS[i]
            in_alpha, in_beta = log1p(tau / (alpha + grid[j])), log1p(tau / (beta + grid[j]))
            inverse, left = 1.0 / (beta + grid[j] + tau), grid[-1] - (grid[j] + tau)
            nodes[j, i, 0] = in_alpha
            nodes[j, i, 1] = in_beta
            nodes[j, i, 2] = left / (alpha + grid[j] + tau)
            nodes[j, i, 3] = left * inverse
            nodes[j, i, 4] = width * _STEP_LENGTHS[i] * exp(-s * in_beta) * inverse
    return longest


@njit(**FAST)
def _sum_backwards(
    k: float,
    alpha: float,
    s: float,
    beta: float,
    grid: NDArray,
    at: NDArray,
    nodes: NDArray,
    is_long: NDArray,
    tails: NDArray,
) -> None:
    """Integrals from each day to the last, relative to the integrand on the day.

    Of the integrand, and of it times what ``race_and_slopes`` takes means of, to the last day.
    """
    last = at.shape[0] - 1
    tails[last] = 0.0
    for j in range(at.shape[0]):
        exponent = k * at[j, 0] + s * at[j, 1]
        at[j, 4], at[j, 5] = exp(exponent), exp(-exponent)
    for j in range(last - 1, -1, -1):
        total = by_alpha = by_beta = late_alpha = late_beta = 0.0
        if is_long[j]:
            found = _one(k, alpha, s, beta, grid[j], grid[j + 1])
            total = exp(found[0])
            by_alpha, by_beta = total * found[1], total * found[2]
            # Its slopes count to the end of the step, not to the last day.
            later, next_day = grid[last] - grid[j + 1], grid[j + 1]
            late_alpha = total * (found[3] + later * (1.0 + found[3]) / (alpha + next_day))
            late_beta = total * (found[4] + later * (1.0 + found[4]) / (beta + next_day))
        else:
            for i in range(POINTS_A_STEP):
                weight = exp(-k * nodes[j, i, 0]) * nodes[j, i, 4]
                total += weight
                by_alpha += weight * nodes[j, i, 0]
                by_beta += weight * nodes[j, i, 1]
                late_alpha += weight * nodes[j, i, 2]
                late_beta += weight * nodes[j, i, 3]
        falls = exp(-k * at[j, 2] - s * at[j, 3])
        tails[j, 0] = total + falls * tails[j + 1, 0]
        tails[j, 1] = by_alpha + falls * (tails[j + 1, 1] + at[j, 2] * tails[j + 1, 0])
        tails[j, 2] = by_beta + falls * (tails[j + 1, 2] + at[j, 3] * tails[j + 1, 0])
        tails[j, 3] = late_alpha + falls * tails[j + 1, 3]
        tails[j, 4] = late_beta + falls * tails[j + 1, 4]


@njit(**FAST)
def _add_tabled(
    k: float,
    alpha: float,
    s: float,
    beta: float,
    grid: NDArray,
    at: NDArray,
    tails: NDArray,
    cells: NDArray,
    weight: NDArray,
    result: NDArray,
) -> None:
    """Add the chance of having left, of cells of one frequency, as differences of two tails."""
    product = 1.0
    g_r = g_alpha = g_s = g_beta = 0.0
    for i in range(weight.size):
        begin, end, w = cells[i, 1], cells[i, 2], weight[i]
        rise = at[end, 4] * at[begin, 5]
        total = rise * tails[begin, 0] - tails[end, 0]
        odds = s * total
        # Logarithms of single customers are taken of their product, a few hundred at a time.
        if w == 1.0 and odds < 1e10:
            product *= 1.0 + odds
            if product > 1e280:
                result[0] += log(product)
                product = 1.0
        else:
            result[0] += w * log1p(odds)
        share = w / (1.0 + odds)
        silent, stayed = at[end, 0] - at[begin, 0], at[end, 1] - at[begin, 1]
        g_r += share * (rise * (silent * tails[begin, 0] - tails[begin, 1]) + tails[end, 1])
        g_s += share * (
            total + s * (rise * (stayed * tails[begin, 0] - tails[begin, 2]) + tails[end, 2])
        )
        # The tails count from the last day, the slopes from the customer's.
        T, after = grid[end], (grid[-1] - grid[end]) * total
        late = (rise * tails[begin, 3] - tails[end, 3]) - after / (alpha + T)
        g_alpha += share * late
        late = (rise * tails[begin, 4] - tails[end, 4]) - after / (beta + T)
        g_beta += share * ((s + 1.0) * late / (beta + grid[-1]) + total / (beta + T))
    result[0] += log(product)
    result[1] += s * g_r
    result[2] -= s * k * g_alpha / (alpha + grid[-1])
    result[3] += g_s
    result[4] -= s * g_beta


@njit(**FAST)
def _add_singly(
    k: float,
    alpha: float,
    s: float,
    beta: float,
    grid: NDArray,
    cells: NDArray,
    weight: NDArray,
    result: NDArray,
) -> None:
    """Add the chance of having left, each cell integrated for itself."""
    for i in range(weight.size):
        t_x, T, w = grid[cells[i, 1]], grid[cells[i, 2]], weight[i]
        if t_x >= T:
            continue
        found = _one(k, alpha, s, beta, t_x, T)
        silent, stayed = log1p((T - t_x) / (alpha + t_x)), log1p((T - t_x) / (beta + t_x))
        excess = log(s) + k * silent + s * stayed + found[0]
        odds = exp(-abs(excess))
        result[0] += w * (max(excess, 0.0) + log1p(odds))
        gone = w * (1.0 if excess > 0 else odds) / (1.0 + odds)
        result[1] += gone * (silent - found[1])
        result[2] -= gone * k * found[3] / (alpha + T)
        result[3] += gone * (1.0 / s + stayed - found[2])
        result[4] -= gone * ((s + 1.0) * found[4] + 1.0) / (beta + T)


def _on_a_grid(columns: Columns) -> dict[str, NDArray]:
    """The distinct frequencies and times, and all cells as places among them, by frequency."""
    x, t_x, T, weight = columns
    counts, times = Levels(x), Levels(T)
    grid = np.unique(np.concatenate([t_x, T]))
    order = np.argsort(counts.codes, kind="stable")
    codes = np.column_stack([counts.codes, np.searchsorted(grid, t_x), np.searchsorted(grid, T)])
    return {
        "frequency": counts.values,
        "grid": grid,
        "T": times.values,
        "by_frequency": counts.collect(weight),
        "by_T": times.collect(weight),
        "purchases_by_T": times.collect(weight * x),
        "cells": np.ascontiguousarray(codes[order], dtype=np.int32),
        "weight": weight[order],
    }


KERNEL = Kernel(pareto_nbd, _on_a_grid)
