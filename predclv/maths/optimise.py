"""Maximum of a smooth function of a few variables in a box, exact to rounding, or its limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Function = Callable[[NDArray], tuple[float, NDArray]]

_STEP = 1e-4  # of the central differences of the gradient
_CERTAIN = 0.25  # a curvature of at least this, in log units, needs no look at the limits
_MARGIN = 1e-6  # how near a bound counts as on it


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where a function is largest within its box.

    Attributes
    ----------
    point : ndarray, shape (k,)
    value : float
    gradient : ndarray, shape (k,)
    hessian : ndarray, shape (k, k)
        Second derivatives; rows and columns of pinned variables are zero.
    pinned : ndarray of int, shape (k,)
        -1 where a variable lies on its lower bound, +1 on its upper, 0 inside.
    evaluations : int
        How often the function was called.
    """

    point: NDArray
    value: float
    gradient: NDArray
    hessian: NDArray
    pinned: NDArray
    evaluations: int

    @property
    def free_gradient(self) -> NDArray:
        """The gradient in the variables that are not pinned, 0 in the others, shape (k,)."""
        return np.where(self.pinned != 0, 0.0, self.gradient)


class _Counted:
    """The negated function, scaled to an average, counting its calls."""

    def __init__(self, function: Function, scale: float) -> None:
        self.function, self.scale, self.calls = function, scale, 0

    def __call__(self, point: NDArray) -> tuple[float, NDArray]:
        self.calls += 1
        value, gradient = self.function(point)
        if not (np.isfinite(value) and np.all(np.isfinite(gradient))):
            return 1e300, np.zeros_like(gradient)
        return -value / self.scale, -gradient / self.scale


def maximum(
    function: Function,
    starts: Sequence[NDArray],
    lower: NDArray,
    upper: NDArray,
    has_limit: NDArray,
    scale: float,
) -> Maximum:
    """The largest value of ``function`` found from ``starts`` in the box.

    A quasi-Newton search, then Newton steps until the gradient is rounding noise. Where the
    maximum is not sharply curved in every direction, the other starts are tried and so is every
    bound that ``has_limit``: a ridge that rises for ever has its maximum there.

    Parameters
    ----------
    function : callable
        Point (k,) to value and gradient (k,), to be maximised.
    starts : sequence of ndarray, each (k,)
        The most promising first; points outside the box are moved to its edge. One alone is taken
        to be near the maximum: Newton steps are tried first.
    lower, upper : ndarray, shape (k,)
    has_limit : ndarray of bool, shape (2, k)
        Whether the lower, and the upper, bound of a variable stands for a limit worth trying.
    scale : float
        Number of customers: the search runs on the average, so tolerances do not depend on it.
    """
    counted = _Counted(function, scale)
    nobody = np.zeros(lower.size, dtype=int)
    best = _nearby(counted, starts, lower, upper, nobody, scale)
    if best is None:
        best = _climb(counted, starts[0], lower, upper, nobody)
    if best.pinned.any() or not _is_sharp(best, scale):
        others = [_climb(counted, start, lower, upper, nobody) for start in starts[1:]]
        best = max([best, *others], key=lambda found: found.value)
    while not _is_sharp(best, scale):
        limit = _best_limit(counted, best, lower, upper, has_limit)
        # A first limit that ties with a point inside wins, for there the ridge is flat to rounding;
        # beside one limit, another must be better.
        margin = 1e-6 if best.pinned.any() else -1e-9
        if limit is None or limit.value <= best.value + margin / scale:
            break
        best = limit
    return Maximum(
        best.point,
        best.value * scale,
        best.gradient * scale,
        best.hessian * scale,
        best.pinned,
        counted.calls,
    )


def _nearby(
    counted: _Counted,
    starts: Sequence[NDArray],
    lower: NDArray,
    upper: NDArray,
    nobody: NDArray,
    scale: float,
) -> Maximum | None:
    """The sharp maximum that Newton steps reach from a single start, or None."""
    if len(starts) > 1:
        return None
    found = _polished(counted, np.clip(starts[0], lower, upper), lower, upper, nobody)
    inside = np.all((found.point > lower + _MARGIN) & (found.point < upper - _MARGIN))
    still = np.max(np.abs(found.gradient)) < 1e-9
    return found if inside and still and _is_sharp(found, scale) else None


def _best_limit(
    counted: _Counted, best: Maximum, lower: NDArray, upper: NDArray, has_limit: NDArray
) -> Maximum | None:
    """The best of the maxima with one more variable held on a bound that stands for a limit."""
    found = []
    for side, bound in ((0, lower), (1, upper)):
        for i in np.flatnonzero(has_limit[side] & (best.pinned == 0)):
            pinned, start = best.pinned.copy(), best.point.copy()
            pinned[i] = 2 * side - 1
            start[i] = bound[i]
            found.append(_climb(counted, start, lower, upper, pinned))
    return max(found, key=lambda limit: limit.value, default=None)


def _is_sharp(found: Maximum, scale: float) -> bool:
    """Whether the free variables are well curved, so that no ridge leads away."""
    free = found.pinned == 0
    block = -found.hessian[np.ix_(free, free)] * scale
    return not free.any() or bool(np.linalg.eigvalsh(block)[0] > _CERTAIN)


def _climb(
    counted: _Counted, start: NDArray, lower: NDArray, upper: NDArray, pinned: NDArray
) -> Maximum:
    """A local maximum from ``start``, with the variables in ``pinned`` held on their bounds."""
    low = np.where(pinned > 0, upper, lower)
    high = np.where(pinned < 0, lower, upper)
    found = minimize(
        counted,
        np.clip(start, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=np.column_stack([low, high]),
        options={"maxiter": 500, "maxcor": 20, "ftol": 1e-13, "gtol": 1e-7},
    )
    point = found.x
    on_bound = np.where(point <= lower + _MARGIN, -1, np.where(point >= upper - _MARGIN, 1, 0))
    return _polished(counted, point, lower, upper, on_bound)


def _polished(
    counted: _Counted, point: NDArray, lower: NDArray, upper: NDArray, pinned: NDArray
) -> Maximum:
    """Newton steps on the free variables until the value no longer rises."""
    point = np.where(pinned < 0, lower, np.where(pinned > 0, upper, point))
    free = np.flatnonzero(pinned == 0)
    value, gradient = counted(point)
    for _ in range(8):
        hessian = _hessian(counted, point, free)
        if free.size == 0 or np.max(np.abs(gradient[free])) < 1e-12:
            break
        block = hessian[np.ix_(free, free)]
        sizes, directions = np.linalg.eigh(block)
        slope = directions.T @ gradient[free]
        step = -directions @ (slope / np.maximum(np.abs(sizes), 1e-12))
        step *= min(1.0, 2.0 / max(np.max(np.abs(step)), 1e-300))
        trial = point.copy()
        trial[free] = np.clip(point[free] + step, lower[free], upper[free])
        new_value, new_gradient = counted(trial)
        flatter = np.max(np.abs(new_gradient[free])) < np.max(np.abs(gradient[free]))
        if not (new_value < value or (flatter and new_value <= value + 1e-13 * abs(value))):
            break
        point, value, gradient = trial, new_value, new_gradient
    return Maximum(point, -value, -gradient, -hessian, pinned, counted.calls)


def hessian_at(function: Function, point: NDArray) -> NDArray:
    """Second derivatives (k, k) at ``point``, by central differences of the gradient."""
    counted = _Counted(function, 1.0)
    return -_hessian(counted, point, np.arange(point.size))


def _hessian(counted: _Counted, point: NDArray, free: NDArray) -> NDArray:
    """Second derivatives in the free variables, by central differences of the gradient."""
    hessian = np.zeros((point.size, point.size))
    for i in free:
        step = np.zeros_like(point)
        step[i] = _STEP
        hessian[i] = (counted(point + step)[1] - counted(point - step)[1]) / (2 * _STEP)
    hessian[:, np.setdiff1d(np.arange(point.size), free)] = 0.0
    return 0.5 * (hessian + hessian.T)
