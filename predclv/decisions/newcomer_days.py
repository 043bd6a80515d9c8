"""Discounted purchases of a newcomer on a clock, as a sum over days."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.units import DAYS


def discounted_by_days(
    model: Any, clock: Calendar, day: int, ends: NDArray, delta: float
) -> NDArray:
    """Discounted purchases by ``ends`` as a sum over days.

    Off by some 1e-5, which a derivative in the clock can bear.
    """
    until = np.append(np.arange(np.floor(ends[-1]) + 1), ends[-1])
    expected = model.expected_purchases(clock.elapsed(day, day + until))
    discount = np.exp(-delta / DAYS[clock.unit] * 0.5 * (until[1:] + until[:-1]))
    total = np.append(0.0, np.cumsum(discount * np.diff(expected)))
    return np.interp(ends, until, total)
