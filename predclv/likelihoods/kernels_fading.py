"""Purchases one after the other, old ones counting less, compiled by Numba: one pass over them.

The formula is :func:`predclv.likelihoods.fading_sums.fading`; a test holds the two together.
"""

from math import exp, expm1, lgamma, log, log1p

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.likelihoods.kernels_special import FAST


@njit(**FAST)
def _window(rho: float, tau: float) -> tuple[float, float]:
    """``V = (1 - exp(-rho tau)) / rho``, and its slope in rho."""
    s = rho * tau
    V = -expm1(-s) / rho
    if s < 1e-2:
        return V, -tau * tau * (0.5 - s * (1 / 3 - s * (1 / 8 - s * (1 / 30 - s / 144))))
    return V, (tau * exp(-s) - V) / rho


@njit(**FAST)
def fading(
    k: int,
    r: float,
    alpha: float,
    drift: float,
    rho: float,
    frequency: NDArray,
    tau: NDArray,
    T: NDArray,
    first: NDArray,
    weight: NDArray,
) -> tuple[float, NDArray, NDArray, NDArray]:
    """Value, slopes (4,), log probability of silence (n,) and its slopes (n, 4).

    ``frequency``, ``T``, ``first`` and ``weight`` of customers; ``tau`` the times of their repeat
    purchases, one customer's after the other's.
    """
    n = frequency.size
    value, slopes = 0.0, np.zeros(4)
    log_silent, of_silent = np.empty(n), np.empty((n, 4))
    log_k, at = lgamma(float(k)), 0
    for i in range(n):
        own = alpha * exp(drift * first[i])
        u = du = last = 0.0
        V = dV = 0.0
        g_r = g_own = g_rho = total = 0.0
        for _ in range(frequency[i]):
            gap = tau[at] - last
            R, A = r + k * u, own + V
            past = log1p(gap / A)
            total += (k - 1) * log(gap) - R * past - k * log(A + gap) - log_k
            by_R, by_A = -past, R / A - (R + k) / (A + gap)
            for j in range(k):
                total += log(R + j)
                by_R += 1.0 / (R + j)
            g_r += by_R
            g_own += by_A
            g_rho += k * du * by_R + dV * by_A
            kept = exp(-rho * gap)
            du = kept * (du - gap * u)
            u = 1.0 + kept * u
            last = tau[at]
            V, dV = _window(rho, last)
            at += 1
        value += weight[i] * total
        slopes[0] += weight[i] * g_r
        slopes[1] += weight[i] * g_own * own / alpha
        slopes[2] += weight[i] * g_own * own * first[i]
        slopes[3] += weight[i] * g_rho
        silent = T[i] - last
        R, A = r + k * u, own + V
        z = silent / (A + silent)
        term, S, S_R, S_z, of_R = 1.0, 1.0, 0.0, 0.0, 0.0
        for j in range(1, k):
            S_z += term * (R + (j - 1))
            term *= z * (R + (j - 1)) / j
            of_R += 1.0 / (R + (j - 1))
            S += term
            S_R += term * of_R
        past = log1p(silent / A)
        by_R = S_R / S - past
        by_A = R * z / A - S_z / S * z / (A + silent)
        log_silent[i] = log(S) - R * past
        of_silent[i, 0] = by_R
        of_silent[i, 1] = by_A * own / alpha
        of_silent[i, 2] = by_A * own * first[i]
        of_silent[i, 3] = k * du * by_R + dV * by_A
    return value, slopes, log_silent, of_silent
