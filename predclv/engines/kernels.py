"""The models' likelihoods and gradients compiled by Numba: one pass over the cells per evaluation.

Each kernel is the compiled form of its model's ``objective``, which is the formula; a test holds
the two together to 1e-10. A kernel takes log parameters (k,) and the arrays that its ``layout``
makes of cells, and returns the value followed by the gradient, shape (k + 1,). Compiled code is
kept on disk beside this file (or in ``NUMBA_CACHE_DIR``), so that only the first use on a machine
waits for the compiler.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import exp, log, log1p

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.engines.kernels_pareto import pareto_nbd
from predclv.engines.kernels_special import FAST, digamma_rising, log_beta, log_rising
from predclv.models.base import Columns, Levels, Model, Objective


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


@njit(**FAST)
def mbgnbd(
    log_parameters: NDArray,
    T_once: NDArray,
    once: NDArray,
    customers: NDArray,
    frequency: NDArray,
    recency: NDArray,
    T: NDArray,
    by_frequency: NDArray,
    by_T: NDArray,
    purchases_by_T: NDArray,
    cells: NDArray,
    weight: NDArray,
) -> NDArray:
    """MBG/NBD: value and gradient of ``MBGNBD.objective``, shape (5,).

    BG/NBD of repeat buyers at ``b + 1``; ``once`` (k,) customers with no repeat purchase by each of
    ``T_once``; ``customers`` (1,) in all.
    """
    r, alpha = exp(log_parameters[0]), exp(log_parameters[1])
    a, b = exp(log_parameters[2]), exp(log_parameters[3])
    at = log_parameters.copy()
    at[3] = log1p(b)
    both = bgnbd(at, frequency, recency, T, by_frequency, by_T, purchases_by_T, cells, weight)
    both[4] *= b / (1.0 + b)
    both[0] -= customers[0] * log1p(a / b)
    leaves = customers[0] * a / (a + b)
    for j in range(T_once.size):
        silent = r * log1p(T_once[j] / alpha)
        excess = log_parameters[2] - log_parameters[3] + silent
        odds = exp(-abs(excess))
        gone = (1.0 if excess > 0 else odds) / (1.0 + odds)
        both[0] += once[j] * (max(excess, 0.0) + log1p(odds) - silent)
        here = once[j] * (odds if excess > 0 else 1.0) / (1.0 + odds)
        both[1] -= here * silent
        both[2] += here * r * T_once[j] / (alpha + T_once[j])
        leaves -= once[j] * gone
    both[3] -= leaves
    both[4] += leaves
    return both


@njit(**FAST)
def gamma_gamma(
    log_parameters: NDArray, frequency: NDArray, monetary_value: NDArray, weight: NDArray
) -> NDArray:
    """Gamma-Gamma: value and gradient of ``GammaGamma.objective``, shape (4,).

    Gamma functions are taken anew only where the frequency differs from the cell before: cells are
    sorted by it.
    """
    p, q, v = exp(log_parameters[0]), exp(log_parameters[1]), exp(log_parameters[2])
    value = g_p = g_q = g_v = 0.0
    last = -1.0
    beta = d_p = d_q = 0.0
    for i in range(weight.size):
        x, w = frequency[i], weight[i]
        if x != last:
            last = x
            beta = log_beta(p * x, q)
            d_p = x * digamma_rising(p * x, q)
            d_q = digamma_rising(q, p * x)
        total = x * monetary_value[i]
        above, below = log1p(total / v), log1p(v / total)
        value -= w * (beta + log(monetary_value[i]) + q * above + p * x * below)
        g_p += w * (d_p - x * below)
        g_q += w * (d_q - above)
        g_v += w * (q * total / v - p * x) / (total + v)
    return np.array([value, g_p * p, g_q * q, g_v * v])


@dataclass(frozen=True, slots=True)
class Kernel:
    """A compiled likelihood, and how cells are laid out for it.

    Attributes
    ----------
    function : callable
        Log parameters and the laid-out arrays to value and gradient, (k + 1,).
    layout : callable
        Columns of cells to the arrays by name.
    """

    function: Callable[..., NDArray]
    layout: Callable[[Columns], dict[str, NDArray]]


def _by_levels(columns: Columns) -> dict[str, NDArray]:
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


def _apart(columns: Columns) -> dict[str, NDArray]:
    """Those who never came again by the distinct values of T, and the others as above."""
    x, _, T, weight = columns
    times = Levels(T[x == 0])
    others = tuple(column[x > 0] for column in columns)
    return {
        "T_once": times.values,
        "once": times.collect(weight[x == 0]),
        "customers": weight.sum(keepdims=True),
        **_by_levels(others),
    }


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


def _as_they_are(columns: Columns) -> dict[str, NDArray]:
    of_spend = ("frequency", "monetary_value", "weight")
    names = of_spend if len(columns) == 3 else ("frequency", "recency", "T", "weight")
    return dict(zip(names, columns, strict=True))


KERNELS = {
    "BGNBD": Kernel(bgnbd, _by_levels),
    "MBGNBD": Kernel(mbgnbd, _apart),
    "ParetoNBD": Kernel(pareto_nbd, _on_a_grid),
    "GammaGamma": Kernel(gamma_gamma, _as_they_are),
}
"""The compiled kernels, by the model's name; a model without one does with its own objective."""


def _uncompiled(model: type[Model], log_parameters: NDArray, *columns: NDArray) -> NDArray:
    value, gradient = model.objective(columns)(np.asarray(log_parameters))
    return np.append(value, gradient)


def kernel_of(model: type[Model]) -> Kernel:
    """The model's compiled kernel, or its ``objective`` in the shape of one."""
    return KERNELS.get(model.__name__) or Kernel(partial(_uncompiled, model), _as_they_are)


def objective(model: type[Model], arrays: Columns) -> Objective:
    """The model's ``objective`` of cells: compiled where there is a kernel, else its own."""
    if model.__name__ not in KERNELS:
        return model.objective(arrays)
    kernel = KERNELS[model.__name__]
    data = tuple(kernel.layout(arrays).values())

    def value_and_gradient(log_parameters: NDArray) -> tuple[float, NDArray]:
        both = kernel.function(log_parameters, *data)
        return both[0], both[1:]

    return value_and_gradient
