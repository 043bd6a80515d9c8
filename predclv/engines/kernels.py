"""The models' likelihoods and gradients compiled by Numba: one pass over the cells per evaluation.

Each kernel is the compiled form of its model's ``objective``, which is the formula; a test holds
the two together to 1e-10. A kernel takes log parameters (k,) and the arrays that its ``layout``
makes of cells, and returns the value followed by the gradient, shape (k + 1,). Compiled code is
kept on disk beside this file (or in ``NUMBA_CACHE_DIR``), so that only the first use on a machine
waits for the compiler.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, lgamma, log, log1p
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.maths.special import DIGAMMA_TAIL, HALF_LOG_2PI, LARGE, LOG_GAMMA_TAIL
from predclv.models.base import Columns, Levels, Model, Objective

_FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}


@njit(**_FAST)
def _log_gamma_tail(z: float) -> float:
    inverse_square = 1.0 / (z * z)
    total = 0.0
    for i in range(len(LOG_GAMMA_TAIL)):
        total = total * inverse_square + LOG_GAMMA_TAIL[len(LOG_GAMMA_TAIL) - 1 - i]
    return total / z


@njit(**_FAST)
def _digamma_tail(z: float) -> float:
    inverse_square = 1.0 / (z * z)
    total = 0.0
    for i in range(len(DIGAMMA_TAIL)):
        total = total * inverse_square + DIGAMMA_TAIL[len(DIGAMMA_TAIL) - 1 - i]
    return total * inverse_square


@njit(**_FAST)
def _digamma(z: float) -> float:
    below = 0.0
    while z < LARGE:
        below += 1.0 / z
        z += 1.0
    return log(z) - 0.5 / z + _digamma_tail(z) - below


@njit(**_FAST)
def _log_rising(z: float, n: float) -> float:
    if z < LARGE:
        return lgamma(z + n) - lgamma(z)
    return (
        n * log(z)
        + ((z + n - 0.5) * log1p(n / z) - n)
        + (_log_gamma_tail(z + n) - _log_gamma_tail(z))
    )


@njit(**_FAST)
def _digamma_rising(z: float, n: float) -> float:
    if z < LARGE:
        return _digamma(z + n) - _digamma(z)
    return log1p(n / z) + 0.5 * n / (z * (z + n)) + (_digamma_tail(z + n) - _digamma_tail(z))


@njit(**_FAST)
def _log_beta(a: float, b: float) -> float:
    p, q = min(a, b), max(a, b)
    if p < LARGE:
        return lgamma(p) - _log_rising(q, p)
    return (
        HALF_LOG_2PI
        - (p - 0.5) * log1p(q / p)
        - q * log1p(p / q)
        - 0.5 * log(q)
        + (_log_gamma_tail(p) + _log_gamma_tail(q) - _log_gamma_tail(p + q))
    )


@njit(**_FAST)
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
        total = _digamma_rising(a + b, x)
        value += w * (_log_rising(r, x) + _log_rising(b, x) - _log_rising(a + b, x))
        g_r += w * _digamma_rising(r, x)
        g_a -= w * total
        g_b += w * (_digamma_rising(b, x) - total)
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


@njit(**_FAST)
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
            beta = _log_beta(p * x, q)
            d_p = x * _digamma_rising(p * x, q)
            d_q = _digamma_rising(q, p * x)
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


def _as_they_are(columns: Columns) -> dict[str, NDArray]:
    return dict(zip(("frequency", "monetary_value", "weight"), columns, strict=True))


KERNELS = {
    "BGNBD": Kernel(bgnbd, _by_levels),
    "GammaGamma": Kernel(gamma_gamma, _as_they_are),
}
"""The kernel of each model, by the model's name."""


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
