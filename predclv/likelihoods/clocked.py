"""The likelihood of a purchase model on a calendar's clock that all customers share."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.errors import FitError
from predclv.likelihoods.kernels import moving_kernel_of
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.levels import Levels
from predclv.models.base import (
    Coordinate,
    LogNormalPrior,
    NormalPrior,
    Objective,
    Prior,
    Space,
)
from predclv.once import once
from predclv.samples.exposures import CalendarExposure, consecutive

SEASON = "season["
"""How the names of season effects begin."""

SEASON_SIZE = "season[size]"
"""The parameter of a posterior that scales all of the season."""

_TRIES = 1000  # customer bases that are drawn until one has somebody who comes back
_FARTHEST = 30.0  # an effect that multiplies a day's purchases by exp(30) is none


@dataclass(frozen=True, eq=False, kw_only=True)
class ClockedLikelihood(Likelihood):
    r"""Log-likelihood of model and clock together: free parameters of the one, then the other.

    .. math::
        \sum_{cells} w \, l(x, t_x(\theta), T(\theta)) + \sum_u n(u) \log s_\theta(u)

    with the model's log-likelihood l of a history in the clock's own time, and n(u) repeat
    purchases on day u, on which the shop runs at the rate s(u). Slopes in the two times go back
    to each day's rate, and from there to the effects: one pass over the cells and one over the
    days. Regular buyers' gaps are in the clock's time too: they add ``k - 1`` times their logs.

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
        if exposure.gaps is not None:  # which are counted by the clock, then, and vary with it
            own["constant"] = 0.0
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
    def order(self) -> int:
        """Events per purchase: k of a model of regular buyers, else 1."""
        model: Any = self.model
        return model.order or 1

    @once
    def _function(self) -> Objective:
        if self.exposure.gaps is None:
            return self._at_random
        at_random, k, more = self._at_random, self.size, self.order - 1
        of_clock = slice(k, k + len(self.calendar.names))

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            value, slope = at_random(free)
            log_rate = self.calendar.observed_log_rate(free[of_clock])
            rate = np.exp(log_rate)
            log_gaps, by_rate = self.exposure.log_gaps(rate)
            slope[of_clock] += more * self.calendar.slopes(by_rate * rate, log_rate)
            return value + more * log_gaps, slope

        return value_and_slope

    @once
    def _at_random(self) -> Objective:
        if self.columns[-1].size >= self.compile_from:
            moving = moving_kernel_of(self.model)
            if moving is not None:
                return moving(
                    self.columns[0], self.columns[-1], self.exposure, self.calendar.observed_basis
                )
        own, k = self.model.space(), self.size
        x, weight = Levels(self.columns[0]), self.columns[-1]
        purchases = self.exposure.purchases

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            parameters, effects = own.parameters_at(free[:k]), free[k:]
            if not own.holds(parameters):
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

    def clock_at(self, free: NDArray) -> Calendar:
        """The clock at free parameters (k,)."""
        return self.calendar.at(free[self.size :])

    def _calendar_at(self, free: NDArray) -> Calendar:
        """The calendar at free parameters (k,), though it be one on which all days are alike."""
        return self.clock_at(free)

    def _met_on(self, model: Any, free: NDArray, born: NDArray) -> Any:
        """The model of new customers, first seen on these days."""
        return model

    def held(self) -> dict[str, Prior]:
        """The effects: a season of twelve harmonics would fit the noise."""
        names, spread = self.calendar.names, self.calendar.spread.tolist()
        return {name: NormalPrior(0.0, sd) for name, sd in zip(names, spread, strict=True)}

    def starts(self) -> list[NDArray]:
        """Those of the model, on a clock on which all days are alike."""
        return [np.append(s, [0.0] * len(self.calendar.names)) for s in super().starts()]

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those of the model, and each effect by itself."""
        own = tuple(Coordinate({n: 1.0}, -_FARTHEST, _FARTHEST) for n in self.calendar.names)
        return (*super().coordinates(), *own)

    def sampled(self, priors: Mapping[str, Any] | None = None) -> "Likelihood":
        """With the size of the season a parameter of its own: few data, little season.

        Not where somebody states priors of season effects: those are then the belief.
        """
        seasonal = [name for name in self.calendar.names if name.startswith(SEASON)]
        if not seasonal or set(seasonal) & set(priors or {}):
            return self
        own = {name: getattr(self, name) for name in ClockedLikelihood.__dataclass_fields__}
        return ScaledSeason(**own)

    def thinned(self) -> "ClockedLikelihood | None":
        """That of about 40,000 cells where there are four times as many, with greater weights.

        The days of purchases are those of all, in proportion.
        """
        kept, columns = self.fewer()
        if kept is None:
            return None
        exposure = self.exposure
        share = float(columns[0] @ columns[-1]) / float(self.columns[0] @ self.columns[-1])
        gaps = exposure.gaps
        if gaps is not None:
            gaps = np.stack([gaps[0], gaps[1], share * gaps[2]])
        fewer = replace(
            exposure,
            born=exposure.born[kept],
            latest=exposure.latest[kept],
            purchases=share * exposure.purchases,
            gaps=gaps,
        )
        return replace(self, columns=columns, exposure=fewer)

    def assert_by_customer(self) -> None:
        """Refused: on which days a customer bought is in no cell.

        Raises
        ------
        FitError
        """
        raise FitError(
            f"{self.title} has no log-likelihood by customer: it depends on every day of purchase, "
            "and cells hold the first and the last. Compare clocks by pc.backtest, or by aic."
        )

    def of_cells(self, rows: NDArray, first: bool) -> Self:
        """That of some of the cells; purchases per day count in that of the first alone."""
        return replace(super().of_cells(rows, first), exposure=self.exposure.of_cells(rows, first))

    def simulated_as(
        self, model: Any, free: NDArray, rng: np.random.Generator
    ) -> "ClockedLikelihood":
        """The same by whole days as a log has them: a customer's purchases of one count once."""
        n_days, weight = self.exposure.purchases.size, self.columns[-1].astype(np.int64)
        clock = self._calendar_at(free)
        born = np.repeat(self.exposure.born, weight) + clock.first_day
        model = self._met_on(model, free, born)
        for _ in range(_TRIES):
            paths = model.paths(clock.elapsed(born, clock.last_day), rng)
            owner, when = paths.times(rng)
            day = born[owner] + np.ceil(clock.days_until(born[owner], when)).astype(np.int64)
            day = np.minimum(day, clock.last_day)
            kept = day > born[owner]  # what falls on the first day is part of the first purchase
            pairs = np.unique(np.stack([owner[kept], day[kept]]), axis=1)
            if pairs.size:
                break
        else:
            raise FitError(
                f"In {_TRIES:,} customer bases simulated from {model!r} nobody buys again, so "
                "there is nothing to fit again. Leave the bootstrap out: bootstrap=None."
            )
        x = np.bincount(pairs[0], minlength=born.size)
        latest = born.copy()
        np.maximum.at(latest, pairs[0], pairs[1])
        repeats = np.bincount(pairs[1] - clock.first_day - 1, minlength=n_days)
        exposure = CalendarExposure.of(
            latest - born,
            clock.last_day - born,
            clock.last_day,
            clock.first_day,
            repeats,
            self.unit,
            None if self.exposure.gaps is None else consecutive(pairs[0], pairs[1], born),
        )
        days = Steady(self.unit)
        columns = (
            x.astype(float),
            days.elapsed(latest - born),
            days.elapsed(clock.last_day - born),
            np.ones(born.size),
        )
        return replace(self, columns=columns, exposure=exposure)


@dataclass(frozen=True, eq=False, kw_only=True)
class ScaledSeason(ClockedLikelihood):
    r"""The same with one more free parameter: how large the season is, times what is believed.

    Given the size s a season's effect of prior sd :math:`\sigma` is believed to be of sd
    :math:`s \sigma`. The value holds what that adds to the independent priors that `priors` states,

    .. math::
        -\sum_j \log s - \frac{1}{2} \frac{\theta_j^2}{\sigma_j^2} \left(\frac{1}{s^2} - 1\right)

    so that together they are the hierarchical one.
    """

    @once
    def space(self) -> Space:
        """The free parameters of model and clock, and the season's size."""
        return super().space.and_more(Space((SEASON_SIZE,), ("log",)))

    @once
    def _seasonal(self) -> NDArray:
        effects = [name.startswith(SEASON) for name in self.calendar.names]
        return np.flatnonzero([*[False] * self.size, *effects, False])

    @once
    def _function(self) -> Objective:
        inner, seasonal = super()._function, self._seasonal
        spread = self.calendar.spread[seasonal - self.size]

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            value, slope = inner(free[:-1])
            away, narrower = free[seasonal] / spread, np.exp(-2.0 * free[-1])
            squares = away @ away
            slope = np.append(slope, narrower * squares - seasonal.size)
            slope[seasonal] -= (narrower - 1.0) * away / spread
            return value - seasonal.size * free[-1] - 0.5 * (narrower - 1.0) * squares, slope

        return value_and_slope

    def reported(self, parameters: NDArray) -> NDArray:
        """The parameters without the season's size."""
        return parameters[..., :-1]

    def believed(self, parameters: NDArray) -> NDArray:
        """Draws from the hierarchical prior, from such of the independent ones."""
        found = parameters[..., :-1].copy()
        found[..., self._seasonal] *= parameters[..., -1:]
        return found

    def starts(self) -> list[NDArray]:
        """Those of the clock, at the season's usual size."""
        return [np.append(start, 0.0) for start in super().starts()]

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those of the clock, and the season's size."""
        return (*super().coordinates(), Coordinate({SEASON_SIZE: 1.0}, -10.0, 10.0))

    def _believed(self) -> dict[str, Prior | Any]:
        return super()._believed() | {SEASON_SIZE: LogNormalPrior(1.0, 0.7)}
