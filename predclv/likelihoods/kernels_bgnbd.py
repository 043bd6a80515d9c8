"""BG/NBD's likelihood and slope compiled by Numba: one pass over the cells per evaluation."""

from functools import partial
from math import exp, log, log1p

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.likelihoods.kernels import Kernel
from predclv.likelihoods.kernels_clocked import moving
from predclv.likelihoods.kernels_special import FAST, digamma_rising, log_rising
from predclv.maths.levels import Levels
from predclv.models.base import Columns


@njit(**FAST)
def bgnbd(
    log_parameters: NDArray,
    frequency: NDArray,
    recency: NDArray,
    T: NDArray,
    by_frequency: NDArray,
    by_T: NDArray,
    purchases_by_T: NDArray,
    cells: NDArray,
    weight: NDArray,
) -> NDArray:
    """BG/NBD: value and gradient of ``BGNBD.objective``, shape (5,).

    ``frequency``, ``recency`` and ``T`` hold distinct values; ``by_frequency``, ``by_T`` and
    ``purchases_by_T`` the customers, and their repeat purchases, at each. ``cells`` (n_cells, 3)
    tells where among them each cell of repeat buyers stands, sorted by frequency.
    """
    r, alpha = exp(log_parameters[0]), exp(log_parameters[1])
    a, b = exp(log_parameters[2]), exp(log_parameters[3])
    value = g_r = g_alpha = g_a = g_b = 0.0
    for j in range(frequency.size):
        x, w = frequency[j], by_frequency[j]
        total = digamma_rising(a + b, x)
        value += w * (log_rising(r, x) + log_rising(b, x) - log_rising(a + b, x))
        g_r += w * digamma_rising(r, x)
        g_a -= w * total
        g_b += w * (digamma_rising(b, x) - total)
    # Columns: log1p(t / alpha), 1 / (alpha + t), and a power of 1 + t / alpha, set for each x.
    at_T, at_last = np.empty((T.size, 3)), np.empty((recency.size, 3))
    for j in range(T.size):
        at_T[j, 0], at_T[j, 1] = log1p(T[j] / alpha), 1.0 / (alpha + T[j])
        value -= r * by_T[j] * at_T[j, 0] + purchases_by_T[j] * log(alpha + T[j])
        g_r -= by_T[j] * at_T[j, 0]
        g_alpha += (r * by_T[j] * T[j] / alpha - purchases_by_T[j]) * at_T[j, 1]
    for j in range(recency.size):
        at_last[j, 0], at_last[j, 1] = log1p(recency[j] / alpha), 1.0 / (alpha + recency[j])

    end = 0
    while end < weight.size:
        start, level = end, cells[end, 0]
        while end < weight.size and cells[end, 0] == level:
            end += 1
        x = frequency[level]
        power, before = r + x, b + (x - 1.0)
        odds_at_start = a / before
        # Many cells: powers once per time, then a product per cell. Else, or where a power or the
        # odds would overflow, an exponential per cell.
        tabled = (
            end - start > T.size + recency.size
            and power * at_T[T.size - 1, 0] < 300.0
            and 1e-100 < odds_at_start < 1e100
        )
        if tabled:
            for j in range(T.size):
                at_T[j, 2] = odds_at_start * exp(power * at_T[j, 0])
            for j in range(recency.size):
                at_last[j, 2] = exp(-power * at_last[j, 0])
        product, left, g_silence, g_sooner = 1.0, 0.0, 0.0, 0.0
        for i in range(start, end):
            here, last, w = at_T[cells[i, 2]], at_last[cells[i, 1]], weight[i]
            silence = here[0] - last[0]
            excess = 0.0
            if tabled:
                odds = here[2] * last[2]
                share = odds / (1.0 + odds)
            else:
                excess = log(odds_at_start) + power * silence
                odds = exp(-abs(excess))
                share = (1.0 if excess > 0 else odds) / (1.0 + odds)
                value += w * max(excess, 0.0)
            # Logarithms of single customers are taken of their product, a few hundred at a time.
            if w == 1.0 and odds < 1e10:
                product *= 1.0 + odds
                if product > 1e280:
                    value += log(product)
                    product = 1.0
            else:
                value += w * log1p(odds)
            gone = w * share
            left += gone
            g_silence += gone * silence
            g_sooner += gone * (here[1] - last[1])
        value += log(product)
        g_r += g_silence
        g_alpha += power * g_sooner
        g_a += left / a
        g_b -= left / before
    return np.array([value, g_r * r, g_alpha * alpha, g_a * a, g_b * b])


def by_levels(columns: Columns) -> dict[str, NDArray]:
    """The distinct values of each column, and repeat buyers' cells as places among them."""
    x, t_x, T, weight = columns
    counts, lasts, times = Levels(x), Levels(t_x), Levels(T)
    order = np.argsort(counts.codes, kind="stable")
    order = order[x[order] > 0]
    codes = np.column_stack([counts.codes, lasts.codes, times.codes])
    return {
        "frequency": counts.values,
        "recency": lasts.values,
        "T": times.values,
        "by_frequency": counts.collect(weight),
        "by_T": times.collect(weight),
        "purchases_by_T": times.collect(weight * x),
        "cells": np.ascontiguousarray(codes[order], dtype=np.int32),
        "weight": weight[order],
    }


KERNEL = Kernel(bgnbd, by_levels)

MOVING = partial(moving, 0)
"""The same on a clock, by which times change."""
