"""MBG/NBD's likelihood and slope compiled by Numba: BG/NBD's of those who came again, and more."""

from functools import partial
from math import exp, log1p

from numba import njit
from numpy.typing import NDArray

from predclv.likelihoods.kernels import Kernel
from predclv.likelihoods.kernels_bgnbd import bgnbd, by_levels
from predclv.likelihoods.kernels_clocked import moving
from predclv.likelihoods.kernels_special import FAST
from predclv.maths.levels import Levels
from predclv.models.base import Columns


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


def _apart(columns: Columns) -> dict[str, NDArray]:
    """Those who never came again by the distinct values of T, and the others as above."""
    x, _, T, weight = columns
    times = Levels(T[x == 0])
    others = tuple(column[x > 0] for column in columns)
    return {
        "T_once": times.values,
        "once": times.collect(weight[x == 0]),
        "customers": weight.sum(keepdims=True),
        **by_levels(others),
    }


KERNEL = Kernel(mbgnbd, _apart)

MOVING = partial(moving, 1)
"""The same on a clock, by which times change."""
