"""The likelihood of customers whose first ones in a log buy at another rate than later ones."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.recall import DRIFT, Recall, newness, priors_of, space_of
from predclv.likelihoods.clocked import ClockedLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.levels import Levels
from predclv.models.base import Coordinate, Objective, Prior, Space
from predclv.once import once
from predclv.samples.cells import Cells
from predclv.samples.exposures import CalendarExposure

FARTHEST = 4.0
"""A drift beyond which the first customers would buy exp(4) times as fast as later ones."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DriftingLikelihood(ClockedLikelihood):
    r"""Log-likelihood with a drift of acquisition, on a clock or without one.

    ``alpha exp(g)`` at the times t is ``alpha`` at the times ``t exp(-g)``, but for the unit that
    gaps are counted in. With :math:`z_f = e^{-f / 91}` for customers first seen f days after the
    log's first day, it is

    .. math::
        \sum_{cells} w \left[ l(x, t_x e^{-\gamma z_f}, T e^{-\gamma z_f}) - k x \gamma z_f \right]
        + \sum_u n(u) \log s_\theta(u),

    k events to a purchase. Observation ends on one day, so the age of a customer is the day of the
    first purchase: cells stay sufficient, and the slope in drift is one more sum over them.

    Attributes
    ----------
    is_steady : bool
        Whether there is no clock; its calendar is then one on which all days are alike.
    """

    is_steady: bool

    @classmethod
    def over(cls, likelihood: Likelihood, cells: Cells) -> "DriftingLikelihood":
        """A likelihood, on a clock or not, with a drift.

        Raises
        ------
        DataError
            If the cells do not know their days.
        """
        if isinstance(likelihood, ClockedLikelihood):
            own = {n: getattr(likelihood, n) for n in ClockedLikelihood.__dataclass_fields__}
            return cls(**own, is_steady=False)
        last_day = cells.known_last_day
        age = cells.age_days
        first_day = min(last_day - int(age.max()), last_day - 1)
        none = np.zeros(last_day - first_day)
        exposure = CalendarExposure.of(
            cells.recency_days, age, last_day, first_day, none, cells.unit
        )
        own = {n: getattr(likelihood, n) for n in Likelihood.__dataclass_fields__}
        calendar = Calendar(cells.unit, first_day, last_day, (), np.zeros(0))
        return cls(**own, calendar=calendar, exposure=exposure, is_steady=True)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"{self.model.title} with drift{'' if self.is_steady else ' on a clock'}"

    @once
    def space(self) -> Space:
        """The free parameters of the model, the effects of the clock, and the drift."""
        return super().space.and_numbers((DRIFT,))

    @once
    def _at_random(self) -> Objective:
        own, k = self.model.space(), self.size
        x, weight, exposure = Levels(self.columns[0]), self.columns[-1], self.exposure
        first = newness(np.arange(exposure.purchases.size + 1))
        of_levels, of_cells = first[exposure.born_of_levels], first[exposure.born]
        bought = self.order * float((weight * self.columns[0]) @ of_cells)

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            parameters, effects, drift = own.parameters_at(free[:k]), free[k:-1], free[-1]
            if not own.holds(parameters):
                return np.nan, np.full(free.size, np.nan)
            log_rate = self.calendar.observed_log_rate(effects)
            rate = np.exp(log_rate)
            t_x, T = (Levels(time) for time in exposure.elapsed(rate))
            t_x = Levels.coded(t_x.values * np.exp(-drift * of_levels), t_x.codes)
            T = Levels.coded(T.values * np.exp(-drift * first), T.codes)
            found = self.model(*parameters.tolist()).slopes(x, t_x, T, weight)
            assert found.by_t_x is not None
            assert found.by_T is not None
            slower = np.exp(-drift * of_cells)
            pulled = exposure.pulled(slower * found.by_t_x, slower * found.by_T)
            by_log_rate = rate * pulled + exposure.purchases
            by_drift = of_cells @ (np.asarray(t_x) * found.by_t_x + np.asarray(T) * found.by_T)
            return found.value - drift * bought + exposure.purchases @ log_rate, np.concatenate(
                [
                    found.by_parameter * own.slope_at(parameters),
                    self.calendar.slopes(by_log_rate, log_rate),
                    [-by_drift - bought],
                ]
            )

        return value_and_slope

    def _calendar_at(self, free: NDArray) -> Calendar:
        return self.calendar.at(free[self.size : -1])

    def clock_at(self, free: NDArray) -> Any:
        """The clock at free parameters (k,)."""
        return Steady(self.unit) if self.is_steady else self._calendar_at(free)

    def recall_at(self, free: NDArray) -> Recall:
        """The drift at free parameters (k,)."""
        return Recall(self.calendar.first_day, self.unit, float(free[-1]))

    def _met_on(self, model: Any, free: NDArray, born: NDArray) -> Any:
        return replace(model, alpha=model.alpha * np.exp(self.recall_at(free).haste_of(born)))

    def held(self) -> dict[str, Prior]:
        """The effects and the drift."""
        return super().held() | priors_of(space_of(True, False), self.unit)

    def starts(self) -> list[NDArray]:
        """Those of model and clock, without a drift."""
        return [np.append(start, 0.0) for start in super().starts()]

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those of model and clock, and the drift."""
        return (*super().coordinates(), Coordinate({DRIFT: 1.0}, -FARTHEST, FARTHEST))
