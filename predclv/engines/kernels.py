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
from predclv.models.base import Columns, Levels

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
    cells: NDArray,
    weight: NDArray,
) -> NDArray:
    """BG/NBD: value and gradient of ``BGNBD.objective``, shape (5,).

    ``frequency``, ``recency`` and ``T`` hold distinct values and ``cells`` (n_cells, 3) the place
    of each cell's three among them: gammas and logarithms are taken once per distinct value.
    """
    r, alpha, a, b = exp(log_parameters[0]), exp(log_parameters[1]), 0.0, 0.0
    a, b = exp(log_parameters[2]), exp(log_parameters[3])
    at_T, over_T = np.empty(T.size), np.empty(T.size)
    for j in range(T.size):
        at_T[j], over_T[j] = log1p(T[j] / alpha), 1.0 / (alpha + T[j])
    at_last, over_last = np.empty(recency.size), np.empty(recency.size)
    for j in range(recency.size):
        at_last[j], over_last[j] = log1p(recency[j] / alpha), 1.0 / (alpha + recency[j])
    before = np.zeros(frequency.size)
    for j in range(frequency.size):
        if frequency[j] > 0:
            before[j] = log(a / (b + (frequency[j] - 1.0)))

    w_count, gone_count = np.zeros(frequency.size), np.zeros(frequency.size)
    w_time, x_time = np.zeros(T.size), np.zeros(T.size)
    either = g_r = g_alpha = 0.0
    for i in range(weight.size):
        c, l, j = cells[i, 0], cells[i, 1], cells[i, 2]  # noqa: E741
        x, w = frequency[c], weight[i]
        w_count[c] += w
        w_time[j] += w
        if x > 0:
            x_time[j] += w * x
            silence = at_T[j] - at_last[l]
            excess = before[c] + (r + x) * silence
            small = exp(-abs(excess))
            either += w * (max(excess, 0.0) + log1p(small))
            gone = w * (1.0 if excess > 0 else small) / (1.0 + small)
            gone_count[c] += gone
            g_r += gone * silence
            g_alpha += gone * (r + x) * (over_T[j] - over_last[l])

    value, g_a, g_b = either, 0.0, 0.0
    for j in range(frequency.size):
        x, w = frequency[j], w_count[j]
        total = _digamma_rising(a + b, x)
        value += w * (_log_rising(r, x) + _log_rising(b, x) - _log_rising(a + b, x))
        g_r += w * _digamma_rising(r, x)
        g_a += gone_count[j] / a - w * total
        g_b += w * (_digamma_rising(b, x) - total)
        if x > 0:
            g_b -= gone_count[j] / (b + (x - 1.0))
    for j in range(T.size):
        value -= r * w_time[j] * at_T[j] + x_time[j] * log(alpha + T[j])
        g_r -= w_time[j] * at_T[j]
        g_alpha += r * w_time[j] * T[j] * over_T[j] / alpha - x_time[j] * over_T[j]
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
    *data, weight = columns
    levels = [Levels(column) for column in data]
    return {
        **{
            name: level.values
            for name, level in zip(("frequency", "recency", "T"), levels, strict=True)
        },
        "cells": np.column_stack([level.codes for level in levels]).astype(np.int32),
        "weight": weight,
    }


def _as_they_are(columns: Columns) -> dict[str, NDArray]:
    return dict(zip(("frequency", "monetary_value", "weight"), columns, strict=True))


KERNELS = {
    "BGNBD": Kernel(bgnbd, _by_levels),
    "GammaGamma": Kernel(gamma_gamma, _as_they_are),
}
"""The kernel of each model, by the model's name."""
