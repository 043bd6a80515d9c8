"""Gamma-Gamma's likelihood and slope compiled by Numba: one pass over the cells per evaluation."""

from functools import partial
from math import exp, log, log1p

import numpy as np
from numba import njit
from numpy.typing import NDArray

from predclv.likelihoods.kernels import Kernel, as_they_are
from predclv.likelihoods.kernels_special import FAST, digamma_rising, log_beta
from predclv.models.gamma_gamma import GammaGamma


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


KERNEL = Kernel(gamma_gamma, partial(as_they_are, GammaGamma))
