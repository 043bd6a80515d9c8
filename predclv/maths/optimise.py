"""Maximum of a smooth function of a few variables in a box, exact to rounding, or its limit."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from predclv.maths.newton import MARGIN, Counted, Function, Maximum, in_full, is_sharp, polished

# When a search for something better than the best is given up. Missing is in log units.
_LOOK_BACK = 3  # iterations whose gain is looked at
_FAR_BELOW = 50.0  # missing more than this, and
_PATIENCE = 30.0  # so many times what was gained, is hopeless
_WORTH_POLISHING = 1.0  # missing so little at the end of a search, Newton steps may find it
_STOPPED = 99  # SciPy's status of a search that was given up


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
    counted = Counted(function, scale)
    nobody = np.zeros(lower.size, dtype=int)
    best = _nearby(counted, starts, lower, upper, nobody, scale)
    if best is None:
        best = _climb(counted, starts[0], lower, upper, nobody)
    if best.pinned.any() or not is_sharp(best, scale):
        for start in starts[1:]:
            rival = _rival(counted, start, lower, upper, nobody, best, scale)
            if rival is not None and rival.value > best.value:
                best = rival
    while not is_sharp(best, scale):
        limit = _best_limit(counted, best, starts[0], lower, upper, has_limit, scale)
        # A first limit that ties with a point inside wins, for there the ridge is flat to rounding;
        # beside one limit, another must be better.
        margin = 1e-6 if best.pinned.any() else -1e-9
        if limit is None or limit.value <= best.value + margin / scale:
            break
        best = limit
    return in_full(replace(best, evaluations=counted.calls), scale)


def _nearby(
    counted: Counted,
    starts: Sequence[NDArray],
    lower: NDArray,
    upper: NDArray,
    nobody: NDArray,
    scale: float,
) -> Maximum | None:
    """The sharp maximum that Newton steps reach from a single start, or None."""
    if len(starts) > 1:
        return None
    found = polished(counted, np.clip(starts[0], lower, upper), lower, upper, nobody)
    inside = np.all((found.point > lower + MARGIN) & (found.point < upper - MARGIN))
    still = np.max(np.abs(found.gradient)) < 1e-9
    return found if inside and still and is_sharp(found, scale) else None


def _best_limit(
    counted: Counted,
    best: Maximum,
    first: NDArray,
    lower: NDArray,
    upper: NDArray,
    has_limit: NDArray,
    scale: float,
) -> Maximum | None:
    """The best of the maxima with one more variable held on a bound that stands for a limit."""
    found: list[Maximum] = []
    for side, bound in ((0, lower), (1, upper)):
        for i in np.flatnonzero(has_limit[side] & (best.pinned == 0)):
            here = np.arange(lower.size) == i
            # From the best, which may have wandered far off on its ridge, and from the beginning.
            for start, others in ((best.point, best.pinned), (first, np.zeros_like(best.pinned))):
                to_beat = max([best, *found], key=lambda limit: limit.value)
                pinned = np.where(here, 2 * side - 1, others)
                start = np.where(here, bound, start)
                limit = _rival(counted, start, lower, upper, pinned, to_beat, scale)
                if limit is not None:
                    found.append(limit)
    return max(found, key=lambda limit: limit.value, default=None)


def _climb(
    counted: Counted, start: NDArray, lower: NDArray, upper: NDArray, pinned: NDArray
) -> Maximum:
    """A local maximum from ``start``, with the variables in ``pinned`` held on their bounds."""
    return _finished(counted, _searched(counted, start, lower, upper, pinned), lower, upper)


def _rival(
    counted: Counted,
    start: NDArray,
    lower: NDArray,
    upper: NDArray,
    pinned: NDArray,
    best: Maximum,
    scale: float,
) -> Maximum | None:
    """The local maximum from ``start``, or None where ``best`` is plainly better.

    A search is given up where far more is missing than its last steps have gained.
    """
    values: list[float] = []

    def assess(intermediate_result: OptimizeResult) -> None:
        values.append(-float(intermediate_result.fun))
        missing = best.value - values[-1]
        if len(values) <= _LOOK_BACK or missing * scale < _FAR_BELOW:
            return
        if missing > _PATIENCE * (values[-1] - values[-1 - _LOOK_BACK]):
            raise StopIteration

    found = _searched(counted, start, lower, upper, pinned, assess)
    if found.status == _STOPPED or best.value + found.fun > _WORTH_POLISHING / scale:
        return None
    return _finished(counted, found, lower, upper)


def _searched(
    counted: Counted,
    start: NDArray,
    lower: NDArray,
    upper: NDArray,
    pinned: NDArray,
    callback: Any = None,
) -> OptimizeResult:
    """Quasi-Newton search in the box, with the variables in ``pinned`` held on their bounds."""
    low = np.where(pinned > 0, upper, lower)
    high = np.where(pinned < 0, lower, upper)
    return minimize(
        counted,
        np.clip(start, low, high),
        jac=True,
        method="L-BFGS-B",
        bounds=np.column_stack([low, high]),
        callback=callback,
        options={"maxiter": 500, "maxcor": 20, "ftol": 1e-13, "gtol": 1e-7},
    )


def _finished(counted: Counted, found: OptimizeResult, lower: NDArray, upper: NDArray) -> Maximum:
    """What was searched, polished; variables that ended on a bound are held there."""
    point = found.x
    on_bound = np.where(point <= lower + MARGIN, -1, np.where(point >= upper - MARGIN, 1, 0))
    return polished(counted, point, lower, upper, on_bound)
