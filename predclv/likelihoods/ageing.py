"""The likelihood of customers who slow down with age: their own time runs ever more slowly."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.ageing import MOST, log_slowness, time_and_slope
from predclv.clocks.recall import AGEING, DRIFT, Recall, newness, priors_of, space_of
from predclv.likelihoods.drifting import FARTHEST
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.levels import Levels
from predclv.models.base import Coordinate, Objective, Prior, Space
from predclv.once import once
from predclv.samples.cells import Cells
from predclv.samples.grouping import distinct

NOBODY_SLOWS = "nobody slows down with age"
"""The limit in which there is no ageing, in words."""


@dataclass(frozen=True, eq=False, kw_only=True)
class AgeingLikelihood(Likelihood):
    r"""Log-likelihood in a time by which customers slow down as a power of their age.

    On the v-th day after the first purchase a customer's time runs at :math:`(1 + v/28)^{-\delta}`
    of its pace, :math:`0 \le \delta`: nobody speeds up. With :math:`G_\delta(v)` the time by then,
    and a drift as in :class:`predclv.likelihoods.drifting.DriftingLikelihood`, it is

    .. math::
        \sum_{cells} w \left[ l(x, G(t_x) e^{-\gamma z_f}, G(T) e^{-\gamma z_f})
        - x \gamma z_f \right] - \delta \sum_v n(v) \log(1 + v / 28),

    n(v) repeat purchases at the age v. An age is what cells have, so they stay sufficient.

    Attributes
    ----------
    recency_days, age_days : ndarray of int, shape (n_cells,)
    slowed : float
        The sum of ``log(1 + v / 28)`` over repeat purchases.
    first_day : int
        The log's first day, since 1970-01-01.
    oldest : int
        The age in days of who came then.
    has_drift : bool
    """

    recency_days: NDArray
    age_days: NDArray
    slowed: float
    first_day: int
    oldest: int
    has_drift: bool

    @classmethod
    def over(
        cls, likelihood: Likelihood, cells: Cells, repeats: NDArray, drift: bool
    ) -> "AgeingLikelihood":
        """Of a likelihood without a clock; ``repeats`` are repeat purchases at each age, from 0."""
        own = {name: getattr(likelihood, name) for name in Likelihood.__dataclass_fields__}
        return cls(
            **own,
            recency_days=cells.recency_days,
            age_days=cells.age_days,
            slowed=float(repeats @ log_slowness(np.arange(repeats.size))),
            first_day=cells.known_last_day - int(cells.age_days.max()),
            oldest=int(cells.age_days.max()),
            has_drift=drift,
        )

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"{self.model.title} with ageing{' and drift' if self.has_drift else ''}"

    @once
    def space(self) -> Space:
        """The free parameters of the model, ageing, and the drift."""
        return self.model.space().and_more(self._own_space)

    @property
    def _own_space(self) -> Space:
        return space_of(self.has_drift, False, ageing=True)

    @once
    def _function(self) -> Objective:
        own, k, unit = self.model.space(), self.size, self.unit
        x, weight = Levels(self.columns[0]), self.columns[-1]
        most = self.oldest
        first, pair = distinct(self.recency_days, self.age_days)
        recency, age = self.recency_days[first], self.age_days[first]
        ages, of_age = np.unique(self.age_days, return_inverse=True)
        new = newness(most - np.arange(most + 1))  # by age: the oldest came on the first day
        bought = float((weight * self.columns[0]) @ new[self.age_days]) if self.has_drift else 0.0

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            parameters, ageing = own.parameters_at(free[:k]), float(free[k])
            drift = float(free[k + 1]) if self.has_drift else 0.0
            if not own.holds(parameters):
                return np.nan, np.full(free.size, np.nan)
            until, by_ageing = time_and_slope(most, ageing, unit)
            slower = np.exp(-drift * new)
            t_x = Levels.coded(until[recency] * slower[age], pair)
            T = Levels.coded(until[ages] * slower[ages], of_age)
            found = self.model(*parameters.tolist()).slopes(x, t_x, T, weight)
            assert found.by_t_x is not None
            assert found.by_T is not None
            pull_t_x = np.bincount(pair, found.by_t_x, first.size)
            pull_T = np.bincount(of_age, found.by_T, ages.size)
            slope = [found.by_parameter * own.slope_at(parameters)]
            slope.append(
                [
                    (pull_t_x * slower[age]) @ by_ageing[recency]
                    + (pull_T * slower[ages]) @ by_ageing[ages]
                    - self.slowed
                ]
            )
            if self.has_drift:
                away = (pull_t_x * new[age]) @ t_x.values + (pull_T * new[ages]) @ T.values
                slope.append([-away - bought])
            value = found.value - drift * bought - ageing * self.slowed
            return float(value), np.concatenate(slope)

        return value_and_slope

    def of_cells(self, rows: NDArray, first: bool) -> Self:
        """That of some of the cells; what all purchases add is in that of the first alone."""
        return replace(
            super().of_cells(rows, first),
            recency_days=self.recency_days[rows],
            age_days=self.age_days[rows],
            slowed=self.slowed if first else 0.0,
        )

    def recall_at(self, free: NDArray) -> Recall:
        """Ageing and drift at free parameters (k,)."""
        drift = float(free[self.size + 1]) if self.has_drift else None
        return Recall(self.first_day, self.unit, drift, ageing=float(free[self.size]))

    def held(self) -> dict[str, Prior]:
        """Ageing and drift."""
        return priors_of(self._own_space, self.unit)

    def starts(self) -> list[NDArray]:
        """Those of the model, with some ageing and with hardly any."""
        more = [0.0] * self.has_drift
        return [np.append(s, [at, *more]) for s in super().starts() for at in (0.3, 0.01)]

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those of the model, ageing from none on, and the drift."""
        ageing = Coordinate({AGEING: 1.0}, 0.0, MOST, NOBODY_SLOWS, "customers stop within weeks")
        drift = (Coordinate({DRIFT: 1.0}, -FARTHEST, FARTHEST),) if self.has_drift else ()
        return (*super().coordinates(), ageing, *drift)
