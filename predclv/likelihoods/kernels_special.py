"""The special functions of ``maths/special.py`` compiled by Numba, for one number at a time."""

from math import lgamma, log, log1p
from typing import Any

from numba import njit

from predclv.maths.special import DIGAMMA_TAIL, HALF_LOG_2PI, LARGE, LOG_GAMMA_TAIL

FAST: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
"""How every kernel is compiled."""


@njit(**FAST)
def _log_gamma_tail(z: float) -> float:
    inverse_square = 1.0 / (z * z)
    total = 0.0
    for i in range(len(LOG_GAMMA_TAIL)):
        total = total * inverse_square + LOG_GAMMA_TAIL[len(LOG_GAMMA_TAIL) - 1 - i]
    return total / z


@njit(**FAST)
def _digamma_tail(z: float) -> float:
    inverse_square = 1.0 / (z * z)
    total = 0.0
    for i in range(len(DIGAMMA_TAIL)):
        total = total * inverse_square + DIGAMMA_TAIL[len(DIGAMMA_TAIL) - 1 - i]
    return total * inverse_square


@njit(**FAST)
def _digamma(z: float) -> float:
    below = 0.0
    while z < LARGE:
        below += 1.0 / z
        z += 1.0
    return log(z) - 0.5 / z + _digamma_tail(z) - below


@njit(**FAST)
def log_rising(z: float, n: float) -> float:
    """``log(Gamma(z + n) / Gamma(z))``."""
    if z < LARGE:
        return lgamma(z + n) - lgamma(z)
    return (
        n * log(z)
        + ((z + n - 0.5) * log1p(n / z) - n)
        + (_log_gamma_tail(z + n) - _log_gamma_tail(z))
    )


@njit(**FAST)
def digamma_rising(z: float, n: float) -> float:
    """``digamma(z + n) - digamma(z)``."""
    if z < LARGE:
        return _digamma(z + n) - _digamma(z)
    return log1p(n / z) + 0.5 * n / (z * (z + n)) + (_digamma_tail(z + n) - _digamma_tail(z))


@njit(**FAST)
def log_beta(a: float, b: float) -> float:
    """``log B(a, b)``."""
    p, q = min(a, b), max(a, b)
    if p < LARGE:
        return lgamma(p) - log_rising(q, p)
    return (
        HALF_LOG_2PI
        - (p - 0.5) * log1p(q / p)
        - q * log1p(p / q)
        - 0.5 * log(q)
        + (_log_gamma_tail(p) + _log_gamma_tail(q) - _log_gamma_tail(p + q))
    )
