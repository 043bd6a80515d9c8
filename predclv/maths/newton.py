"""Newton's steps in a box: second derivatives by differences of the gradient, and the maximum."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Function = Callable[[NDArray], tuple[float, NDArray]]

MARGIN = 1e-6  # how near a bound counts as on it
_STEP = 1e-4  # of the central differences of the gradient
_CERTAIN = 0.25  # a curvature of at least this, in log units, needs no look at the limits
_SETTLED = 1e-7  # a step too short to change second derivatives
_NEAR, _NEAR_STEPS = 1e-6, 12  # slope per customer from which one step of Newton's is enough


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


class Counted:
    """The negated function, scaled to an average, counting its calls; asked again, it remembers."""

    def __init__(self, function: Function, scale: float) -> None:
        self.function, self.scale, self.calls = function, scale, 0
        self.last: tuple[NDArray, float, NDArray] | None = None

    def __call__(self, point: NDArray) -> tuple[float, NDArray]:
        """The negated average and its gradient."""
        if self.last is not None and np.array_equal(point, self.last[0]):
            return self.last[1], self.last[2].copy()
        self.calls += 1
        value, gradient = self.function(point)
        if np.isfinite(value) and np.all(np.isfinite(gradient)):
            value, gradient = -value / self.scale, -gradient / self.scale
        else:
            value, gradient = 1e300, np.zeros_like(gradient)
        self.last = point.copy(), value, gradient.copy()
        return value, gradient


def in_full(best: Maximum, scale: float) -> Maximum:
    """A maximum of the average as one of the sum."""
    return replace(
        best,
        value=best.value * scale,
        gradient=best.gradient * scale,
        hessian=best.hessian * scale,
    )


def is_sharp(found: Maximum, scale: float) -> bool:
    """Whether the free variables are well curved, so that no ridge leads away."""
    free = found.pinned == 0
    block = -found.hessian[np.ix_(free, free)] * scale
    return not free.any() or bool(np.linalg.eigvalsh(block)[0] > _CERTAIN)


def maximum_near(
    function: Function, near: Maximum, lower: NDArray, upper: NDArray, scale: float
) -> Maximum | None:
    """The maximum of a function that is nearly one whose maximum is known, or None.

    Steps by the known second derivatives, scaled, leave a tenth of the way or less each; then the
    function's own, by differences on one side (relative error 1e-4), and a step by these. None
    where the known maximum is on a limit or not sharp, or the steps do not come closer quickly.

    Parameters
    ----------
    function : callable
        As of `maximum`.
    near : Maximum
        Of the other function.
    lower, upper : ndarray, shape (k,)
    scale : float
        Number of customers of this function.
    """
    free = np.arange(lower.size)
    sizes = np.linalg.eigvalsh(-near.hessian)
    if near.pinned.any() or sizes[0] <= _CERTAIN:
        return None
    counted = Counted(function, scale)
    guide = -near.hessian / scale
    point, (value, gradient) = near.point, counted(near.point)
    for _ in range(_NEAR_STEPS):
        if np.max(np.abs(gradient)) < _NEAR:
            break
        moved = _moved(counted, point, value, gradient, _newton(guide, gradient, free), free,
                       lower, upper)  # fmt: skip
        if moved is None:
            return None
        point, value, gradient = moved
    else:
        return None
    hessian = _matrix(_gradients(counted, point, free, _STEP) - gradient, free) / _STEP
    step = _newton(hessian, gradient, free)
    moved = _moved(counted, point, value, gradient, step, free, lower, upper)
    if moved is not None:
        point, value, gradient = moved
    found = Maximum(point, -value, -gradient, -hessian, near.pinned, counted.calls)
    inside = np.all((point > lower + MARGIN) & (point < upper - MARGIN))
    return in_full(found, scale) if inside and is_sharp(found, scale) else None


def polished(
    counted: Counted, point: NDArray, lower: NDArray, upper: NDArray, pinned: NDArray
) -> Maximum:
    """Newton steps on the free variables until the value no longer rises.

    On the way differences of the gradient are taken on one side; the other side completes them
    where the steps end, or where a step fails.
    """
    point = np.where(pinned < 0, lower, np.where(pinned > 0, upper, point))
    free = np.flatnonzero(pinned == 0)
    value, gradient = counted(point)
    hessian = np.zeros((point.size, point.size))
    long_steps = 0
    for _ in range(8 if free.size else 0):
        ahead = _gradients(counted, point, free, _STEP)
        step = _newton(_matrix(ahead - gradient, free) / _STEP, gradient, free)
        moved = None
        if np.max(np.abs(step)) > _SETTLED:
            moved = _moved(counted, point, value, gradient, step, free, lower, upper)
        if moved is None:
            behind = _gradients(counted, point, free, -_STEP)
            hessian = _matrix(ahead - behind, free) / (2 * _STEP)
            if np.max(np.abs(gradient[free])) < 1e-12:
                break
            step = _newton(hessian, gradient, free)
            moved = _moved(counted, point, value, gradient, step, free, lower, upper)
            if moved is None:
                break
            if np.max(np.abs(step)) < _SETTLED:
                point, value, gradient = moved
                break
        long_steps = long_steps + 1 if np.max(np.abs(step)) > 0.5 else 0
        while long_steps > 1:
            # A ridge that flattens exponentially: Newton's steps keep their length.
            step = 2.0 * step
            further = _moved(counted, *moved, step, free, lower, upper)
            if further is None:
                break
            moved = further
        point, value, gradient = moved
    else:
        hessian = _hessian(counted, point, free)
    return Maximum(point, -value, -gradient, -hessian, pinned, counted.calls)


def _newton(hessian: NDArray, gradient: NDArray, free: NDArray) -> NDArray:
    """Newton's step downhill in the free variables, of at most 2 in any."""
    sizes, directions = np.linalg.eigh(hessian[np.ix_(free, free)])
    slope = directions.T @ gradient[free]
    step = np.zeros_like(gradient)
    step[free] = -directions @ (slope / np.maximum(np.abs(sizes), 1e-12))
    return step * min(1.0, 2.0 / max(np.max(np.abs(step)), 1e-300))


def _moved(
    counted: Counted,
    point: NDArray,
    value: float,
    gradient: NDArray,
    step: NDArray,
    free: NDArray,
    lower: NDArray,
    upper: NDArray,
) -> tuple[NDArray, float, NDArray] | None:
    """Where the step leads, within the box, if that is lower or as low and flatter."""
    trial = np.clip(point + step, lower, upper)
    new_value, new_gradient = counted(trial)
    flatter = np.max(np.abs(new_gradient[free])) < np.max(np.abs(gradient[free]))
    if new_value < value or (flatter and new_value <= value + 1e-13 * abs(value)):
        return trial, new_value, new_gradient
    return None


def hessian_at(function: Function, point: NDArray) -> NDArray:
    """Second derivatives (k, k) at ``point``, by central differences of the gradient."""
    counted = Counted(function, 1.0)
    return -_hessian(counted, point, np.arange(point.size))


def _hessian(counted: Counted, point: NDArray, free: NDArray) -> NDArray:
    """Second derivatives in the free variables, by central differences of the gradient."""
    ahead = _gradients(counted, point, free, _STEP)
    return _matrix(ahead - _gradients(counted, point, free, -_STEP), free) / (2 * _STEP)


def _gradients(counted: Counted, point: NDArray, free: NDArray, step: float) -> NDArray:
    """Gradients a step away along each free variable, shape (free, k)."""
    found = np.empty((free.size, point.size))
    for row, i in enumerate(free):
        moved = point.copy()
        moved[i] += step
        found[row] = counted(moved)[1]
    return found


def _matrix(differences: NDArray, free: NDArray) -> NDArray:
    """Differences of gradients along the free variables as a symmetric matrix (k, k)."""
    k = differences.shape[1]
    matrix = np.zeros((k, k))
    matrix[np.ix_(free, free)] = differences[:, free]
    return 0.5 * (matrix + matrix.T)
