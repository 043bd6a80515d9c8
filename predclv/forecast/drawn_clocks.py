"""Clocks drawn with the parameters of a model: how long the horizon is, and what histories span."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.forecast.ahead import AheadOnCalendar
from predclv.models.drawn_clocks import OnDrawnClocks

_STEP = 1e-3  # of an effect, in a derivative
_YEARS = 12.0  # over which an endless horizon is followed, as far as it is worth anything
_POINTS = 400  # of it


@dataclass(frozen=True, eq=False)
class ClockSpans:
    r"""What a forecast asks of a clock at other effects than the estimate.

    A finite horizon counts by its length alone. One without an end counts by its discounted length,
    :math:`\int e^{-\delta s} d\Lambda(s)`: when in the year purchases fall is as the estimate says.

    Attributes
    ----------
    clock : Calendar
        At the estimate.
    ahead_on : callable
        From a clock to the horizon on it.
    first_day, last_day : int
        The oldest first purchase and the end of observation, since 1970-01-01.
    days_are_read : bool
        Whether histories are times between days. Where they are not, because covariates changed on
        the way or purchases fade, they stay as long as they are at the estimate.
    """

    clock: Calendar
    ahead_on: Callable[[Calendar], AheadOnCalendar]
    first_day: int
    last_day: int
    days_are_read: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the effects."""
        return self.clock.names

    def log_length(self, effects: NDArray) -> float:
        """Log of the horizon's length at such effects, shape (k,)."""
        ahead = self.ahead_on(self.clock.at(effects))
        if not ahead.is_endless:
            return float(np.log(ahead.t))
        per_day = ahead.delta / Steady(self.clock.unit).days_per_unit
        shares = np.linspace(0.0, 1.0, _POINTS + 1)
        days = _YEARS * 365.2425 * shares
        steps = np.diff(ahead.clock.elapsed(ahead.start, ahead.start + days))
        rest = ahead.rate * np.exp(-per_day * days[-1]) / ahead.delta
        return float(np.log(steps @ np.exp(-per_day * 0.5 * (days[1:] + days[:-1])) + rest))

    def slope(self) -> NDArray:
        """How that changes with each effect, shape (k,)."""
        at, steps = self.clock.effects, _STEP * np.eye(self.clock.effects.size)
        return np.array(
            [(self.log_length(at + s) - self.log_length(at - s)) / (2 * _STEP) for s in steps]
        )

    def faster(self, effects: NDArray) -> NDArray:
        """What times are multiplied with at draws of effects (draws, k), shape (draws, 1).

        With it the horizon is as long as at the estimate.
        """
        own = self.log_length(self.clock.effects)
        return np.exp([[own - self.log_length(row)] for row in effects])

    def over(self, model: Any, effects: NDArray, faster: NDArray) -> OnDrawnClocks:
        """A model in such times, at draws of effects (draws, k)."""
        if not self.days_are_read:
            since = np.array([0.0, 1.0])
            return OnDrawnClocks(model, since, faster * since)
        days = np.arange(self.last_day, self.first_day - 1, -1)
        since, drawn = (
            clock.elapsed(days, np.full(days.shape, self.last_day))
            for clock in (self.clock, self.clock.at(effects))
        )
        return OnDrawnClocks(model, since, faster * drawn)
