"""Slopes of functions that have no formula for them, by finite differences of sixth order."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Weights of f at 1, 2, 3 steps on either side, and at 0, 1, ..., 6 steps on one. Both are exact for
# polynomials up to degree 6; the first term left out has the seventh derivative in it.
_BOTH_SIDES = (3 / 4, -3 / 20, 1 / 60)
_ONE_SIDE = (-49 / 20, 6.0, -15 / 2, 20 / 3, -15 / 4, 6 / 5, -1 / 6)


def central_slope(f: Callable[[float], float], step: float) -> float:
    """Slope of ``f`` at 0 from six values around it.

    Its error is ``step^6 / 140`` times the seventh derivative, and rounding of f over the step.

    Examples
    --------
    >>> float(round(central_slope(np.exp, 0.01), 12))
    1.0
    """
    steps = enumerate(_BOTH_SIDES, 1)
    return sum(weight * (f(k * step) - f(-k * step)) for k, weight in steps) / step


def one_sided_slope(f: Callable[[NDArray], NDArray], step: ArrayLike) -> NDArray:
    """Slopes of elementwise ``f`` at 0, each from values on one side, up to six steps away.

    For functions that end where they are asked. Their error is ``step^6 / 7`` times the seventh
    derivative, and 28 roundings of f over the step. 0 where the step is 0.

    Parameters
    ----------
    f : callable
        Array of distances from the point to as many values.
    step : array_like
        Negative to look back.
    """
    step = np.asarray(step, float)
    total = sum(weight * f(k * step) for k, weight in enumerate(_ONE_SIDE))
    return np.divide(total, step, out=np.zeros(step.shape), where=step != 0)
