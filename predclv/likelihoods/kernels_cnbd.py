"""BG/CNBD-k's and MBG/CNBD-k's likelihood and slope compiled by Numba: one pass over the cells."""

from functools import partial
from math import exp, lgamma, log, log1p
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.likelihoods.kernels import Kernel
from predclv.likelihoods.kernels_special import FAST, digamma_rising, log_rising
from predclv.maths.levels import Levels
from predclv.models.base import Columns

_MOST = 500.0  # exponents up to here neither overflow nor leave a sum with S


@njit(**FAST)
def cnbd(
    log_parameters: NDArray,
    order: NDArray,
    frequency: NDArray,
    recency: NDArray,
    T: NDArray,
    by_frequency: NDArray,
    cells: NDArray,
    weight: NDArray,
) -> NDArray:
    """Value and gradient of the models' ``objective``, shape (5,).

    ``order`` holds k and the chances to leave before the first repeat purchase; ``frequency``,
    ``recency`` and ``T`` distinct values, ``by_frequency`` the customers at each of the first.
    ``cells`` (n_cells, 3) tells where among them each cell stands, sorted by frequency.
    """
    r, alpha = exp(log_parameters[0]), exp(log_parameters[1])
    a, b = exp(log_parameters[2]), exp(log_parameters[3])
    k, before = int(order[0]), order[1]
    value = g_r = g_alpha = g_a = g_b = 0.0
    log_alpha, log_k = log_parameters[1], lgamma(float(k))
    # Columns: log1p(t / alpha), 1 / (alpha + t).
    at_T, at_last = np.empty((T.size, 2)), np.empty((recency.size, 2))
    for j in range(T.size):
        at_T[j, 0], at_T[j, 1] = log1p(T[j] / alpha), 1.0 / (alpha + T[j])
    for j in range(recency.size):
        at_last[j, 0], at_last[j, 1] = log1p(recency[j] / alpha), 1.0 / (alpha + recency[j])
    end = 0
    while end < weight.size:
        start, level = end, cells[end, 0]
        while end < weight.size and cells[end, 0] == level:
            end += 1
        x, w_x = frequency[level], by_frequency[level]
        events, chances = k * x, x + before
        power = r + events
        total = digamma_rising(a + b, chances)
        value += w_x * (
            log_rising(r, events)
            + log_rising(b, chances)
            - log_rising(a + b, chances)
            - x * log_k
            - events * log_alpha
        )
        g_r += w_x * digamma_rising(r, events)
        g_a -= w_x * total
        g_b += w_x * (digamma_rising(b, chances) - total)
        log_odds = log(a / (b + chances - 1.0)) if chances > 0 else 0.0
        all_gone, product = 0.0, 1.0
        for i in range(start, end):
            here_T, here_last, w = at_T[cells[i, 2]], at_last[cells[i, 1]], weight[i]
            age, last = T[cells[i, 2]], recency[cells[i, 1]]
            z = (age - last) * here_T[1]
            term, S, S_R, S_z, sum_of = 1.0, 1.0, 0.0, 0.0, 0.0
            for j in range(1, k):
                S_z += term * (power + (j - 1))
                term *= z * ((power + (j - 1)) / j)
                sum_of += 1.0 / (power + (j - 1))
                S += term
                S_R += term * sum_of
            # Still here or gone, S + exp(excess), and the share of each.
            excess = log_odds + power * (here_T[0] - here_last[0])
            value -= w * power * here_T[0]
            if chances == 0:
                either, gone = S, 0.0
            elif excess < _MOST:
                odds = exp(excess)
                either = S + odds
                gone = odds / either
            else:
                value += w * excess
                either, gone = 1.0, 1.0
            # Logarithms of single customers are taken of their product, a few at a time.
            if w == 1.0 and 1e-30 < either < 1e30:
                product *= either
                if not 1e-250 < product < 1e250:
                    value += log(product)
                    product = 1.0
            else:
                value += w * log(either)
            alive = w * (1.0 - gone)
            gone *= w
            all_gone += gone
            g_r += alive * (S_R / S - here_T[0]) - gone * here_last[0]
            g_alpha += alive * (((r * age / alpha - events) - z * S_z / S) * here_T[1]) + gone * (
                (r * last / alpha - events) * here_last[1]
            )
        value += log(product)
        if chances > 0:
            g_a += all_gone / a
            g_b -= all_gone / (b + chances - 1.0)
    return np.array([value, g_r * r, g_alpha * alpha, g_a * a, g_b * b])


def _laid_out(model: Any, columns: Columns) -> dict[str, NDArray]:
    """The distinct values of each column, and the cells as places among them."""
    x, t_x, T, weight = columns
    counts, lasts, times = Levels(x), Levels(t_x), Levels(T)
    order = np.argsort(counts.codes, kind="stable")
    codes = np.column_stack([counts.codes, lasts.codes, times.codes])
    return {
        "order": np.array([model.order, model.chances_before], float),
        "frequency": counts.values,
        "recency": lasts.values,
        "T": times.values,
        "by_frequency": counts.collect(weight),
        "cells": np.ascontiguousarray(codes[order], dtype=np.int32),
        "weight": weight[order],
    }


def kernel_for(model: Any) -> Kernel:
    """The kernel of a model of regular buyers with a given k."""
    return Kernel(cnbd, partial(_laid_out, model))
