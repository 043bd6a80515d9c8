"""From days to the time of a clock, and back: one pair of questions, for every kind of clock."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar


def time_between(clock: Steady | Calendar | None, first: ArrayLike, last: ArrayLike) -> NDArray:
    """Time by a clock from the end of day ``first`` to the end of day ``last``.

    Parameters
    ----------
    clock : Steady or Calendar
        That of a fit of purchases.
    first, last : array_like, shapes that broadcast to (n,)
        Days since 1970-01-01; on a steady clock their difference is all that counts.

    Examples
    --------
    >>> time_between(Steady("week"), [0, 7], [7, 21]).tolist()
    [1.0, 2.0]
    """
    assert clock is not None, "a model of spend has no times"
    if isinstance(clock, Calendar):
        return clock.elapsed(first, last)
    return clock.elapsed(np.subtract(last, first))


def days_after(clock: Steady | Calendar | None, first: ArrayLike, elapsed: ArrayLike) -> NDArray:
    """Days, with fractions, after day ``first`` until so much time has passed: the inverse.

    Returns
    -------
    ndarray, shape (n,)
        inf where the time is; NaN where it ends on a day of which the clock knows nothing, for its
        regressors have no values there.

    Examples
    --------
    >>> days_after(Steady("week"), [0, 7], [1.0, 2.0]).tolist()
    [7.0, 14.0]
    """
    assert clock is not None, "a model of spend has no times"
    if not isinstance(clock, Calendar):
        return np.asarray(elapsed, float) * clock.days_per_unit
    first, elapsed = np.broadcast_arrays(np.asarray(first, float), np.asarray(elapsed, float))
    finite = np.isfinite(elapsed)
    known = finite & (elapsed <= clock.elapsed(first, np.fmax(clock.known_until, first)))
    days = np.where(finite, np.nan, np.inf)
    days[known] = clock.days_until(first[known], elapsed[known])
    return days
