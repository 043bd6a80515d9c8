"""The likelihood of a purchase model on a calendar's clock that all customers share."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.levels import Levels
from predclv.models.base import Coordinate, Model, NormalPrior, Objective, Prior, Space
from predclv.once import once
from predclv.samples.exposures import CalendarExposure

_FARTHEST = 30.0  # an effect that multiplies a day's purchases by exp(30) is none


@dataclass(frozen=True, eq=False)
class ClockedLikelihood(Likelihood):
    r"""Log-likelihood of model and clock together: free parameters of the one, then the other.

    .. math::
        \sum_{cells} w \, l(x, t_x(\theta), T(\theta)) + \sum_u n(u) \log s_\theta(u)

    with the model's log-likelihood l of a history in the clock's own time, and n(u) repeat
    purchases on day u, on which the shop runs at the rate s(u). Slopes in the two times go back
    through the sums over days to each day's rate, and from there to the effects: one pass over the
    cells and one over the days.

    Attributes
    ----------
    calendar : Calendar
        The clock; its own effects say nothing here.
    exposure : CalendarExposure
        Which days each cell spans, and repeat purchases per day.
    """

    calendar: Calendar
    exposure: CalendarExposure

    @classmethod
    def on(
        cls, likelihood: Likelihood, calendar: Calendar, exposure: CalendarExposure
    ) -> "ClockedLikelihood":
        """A likelihood of histories in steady time, on a clock."""
        own = {name: getattr(likelihood, name) for name in Likelihood.__dataclass_fields__}
        return cls(**own, calendar=calendar, exposure=exposure)

    def with_calendar(self, calendar: Calendar) -> Self:
        """The same data on another clock."""
        return replace(self, calendar=calendar)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"{self.model.title} on a clock"

    @once
    def space(self) -> Space:
        """The free parameters of the model, then the effects of the clock."""
        return self.model.space().and_numbers(self.calendar.names)

    @property
    def size(self) -> int:
        """Parameters of the model alone."""
        return len(self.model.names())

    @once
    def _function(self) -> Objective:
        own, k = self.model.space(), self.size
        x, weight = Levels(self.columns[0]), self.columns[-1]
        purchases = self.exposure.purchases

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            parameters, effects = own.parameters_at(free[:k]), free[k:]
            if not np.all(np.isfinite(parameters) & (~own.is_log | (parameters > 0))):
                return np.nan, np.full(free.size, np.nan)
            log_rate = self.calendar.observed_log_rate(effects)
            rate = np.exp(log_rate)
            times = self.exposure.elapsed(rate)
            found = self.model(*parameters.tolist()).slopes(x, *times, weight)
            assert found.by_t_x is not None
            assert found.by_T is not None
            by_log_rate = rate * self.exposure.pulled(found.by_t_x, found.by_T) + purchases
            return found.value + purchases @ log_rate, np.concatenate(
                [
                    found.by_parameter * own.slope_at(parameters),
                    self.calendar.slopes(by_log_rate, log_rate),
                ]
            )

        return value_and_slope

    def at(self, free: NDArray) -> Model:
        """The model at free parameters (k,)."""
        return self.model.at(free[: self.size])

    def clock_at(self, free: NDArray) -> Calendar:
        """The clock at free parameters (k,)."""
        return self.calendar.at(free[self.size :])

    def shrinkage(self, free: NDArray) -> tuple[float, NDArray]:
        """Log prior density of the effects, without its constant, and its slope (k,).

        Maximum likelihood holds effects back too: there are as many of them as one likes, and a
        season of twelve harmonics would fit the noise.
        """
        away = free[self.size :] / self.calendar.spread
        slope = np.zeros(free.size)
        slope[self.size :] = -away / self.calendar.spread
        return float(-0.5 * (away @ away)), slope

    def starts(self) -> list[NDArray]:
        """Those of the model, on a clock on which all days are alike."""
        still = np.zeros(len(self.calendar.names))
        return [np.concatenate([start, still]) for start in super().starts()]

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those of the model, and each effect by itself."""
        own = tuple(Coordinate({n: 1.0}, -_FARTHEST, _FARTHEST) for n in self.calendar.names)
        return (*super().coordinates(), *own)

    def _believed(self) -> dict[str, Prior | Any]:
        spread = self.calendar.spread
        effects = {
            name: NormalPrior(0.0, float(sd))
            for name, sd in zip(self.calendar.names, spread, strict=True)
        }
        return super()._believed() | effects

    def simulated(self, free: NDArray, rng: np.random.Generator) -> "ClockedLikelihood":
        """That of as many customers drawn from model and clock, on whole days as a log has them."""
        raise NotImplementedError
