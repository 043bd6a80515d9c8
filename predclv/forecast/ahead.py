"""How far a forecast looks ahead, in the time of the clock that its model runs on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.days import date_of
from predclv.errors import DataError
from predclv.likelihoods.effects import Effects
from predclv.models.futures import Future
from predclv.notices import counted
from predclv.once import FieldsAlone, once
from predclv.samples.cells import Cells
from predclv.samples.path_exposures import PathExposure

_NODES = 24  # times at which expectations are taken, between which they are interpolated
_STEPS = 20_000  # of the integral over days
SETTLED_DAYS = 10 * 365.2425
"""After so many a clock has no days of its own, and is steady."""

WORTHLESS = 1e-4
"""A purchase discounted below this ends an infinite horizon: 1e-4 of what would follow is missed,
and of a customer who buys on at one rate 1e-4 of all."""


@dataclass(frozen=True, eq=False)
class Ahead(FieldsAlone):
    """The horizon of a forecast on a steady clock, on which time is time.

    Attributes
    ----------
    t : float
        The horizon in the model's time; inf is the whole remaining lifetime.
    delta : float
        Continuous discount rate per unit of real time.
    """

    t: float
    delta: float

    def along(self, way: NDArray | None) -> "Ahead":
        """The horizon of customers one by one, on each of whose ways ahead time may run otherwise.

        Every number of it then is one per customer. Where all go one way it is as it is.
        """
        return self

    def some(self, rows: NDArray) -> "Ahead":
        """The horizon of some of these customers, or of each as often as named."""
        return self

    @property
    def is_endless(self) -> bool:
        """Whether the horizon is the whole remaining lifetime."""
        return bool(np.isinf(self.t))

    def times_at(self, shares: NDArray) -> NDArray:
        """The model's time when such shares of the horizon's real time have passed.

        Along the first axis.
        """
        return self.t * shares

    def period_of(self, when: NDArray, shares: NDArray) -> NDArray:
        """The period that each purchase falls in, which end when such shares have passed."""
        return np.searchsorted(self.times_at(shares)[:-1], when)

    @property
    def until_worthless(self) -> float:
        """The model's time after which a purchase is worth less than 1e-4 of one today."""
        return float(-np.log(WORTHLESS) / self.delta)

    def discounted_purchases(self, future: Future) -> NDArray:
        """Expected purchases within the horizon, one after s worth ``exp(-delta s)``."""
        return future.discounted_purchases(self.t, self.delta)

    def discount(self, when: NDArray) -> NDArray:
        """What a purchase after so much of the model's time is worth today."""
        return np.exp(-self.delta * when)

    @property
    def rate(self) -> float:
        """How fast the clock runs on average, in the long run."""
        return 1.0


@dataclass(frozen=True, eq=False)
class AheadOnCalendar(Ahead):
    r"""The horizon of a forecast on a calendar's clock: purchases by its time, discounts by days.

    With expected purchases E by the clock's time :math:`\Lambda(s)` after s days,

    .. math::
        \int_0^h e^{-\delta s} dE(\Lambda(s))
        = e^{-\delta h} E(\Lambda(h)) + \delta \int_0^h e^{-\delta s} E(\Lambda(s)) ds

    The same on a steady clock of the rate :math:`\rho = \Lambda(h) / h` has a closed form, so that
    only the difference is integrated,

    .. math:: \delta \int_0^h e^{-\delta s} \left[ E(\Lambda(s)) - E(\rho s) \right] ds

    which is 0 where all days are alike. E is smooth in the clock's time: it is taken at 24
    Chebyshev points of its logarithm and interpolated, so the integral over days is one weighted
    sum of 24 expectations, the same for all customers (relative error 1e-6 or less). Without an
    end, from ten years on the clock has no days of its own and is steady, and the closed form takes
    over, with no further error.

    Attributes
    ----------
    clock : Calendar
    start : int
        The day that observation ended, since 1970-01-01.
    days : float
        Real days ahead; inf is the whole remaining lifetime.
    """

    clock: Calendar
    start: int
    days: float

    @classmethod
    def of(cls, clock: Calendar, start: int, days: float, delta: float) -> "AheadOnCalendar":
        """So many days after a day; ``delta`` per unit of the clock."""
        return cls(float(clock.elapsed(start, start + days)), delta, clock, start, days)

    def times_at(self, shares: NDArray) -> NDArray:
        """The model's time when such shares of the horizon's real time have passed."""
        return self.clock.elapsed(self.start, self.start + self.days * shares)

    @property
    def _delta_per_day(self) -> float:
        return self.delta / Steady(self.clock.unit).days_per_unit

    @property
    def until_worthless(self) -> float:
        """The model's time after which a purchase is worth less than 1e-4 of one today."""
        days = -np.log(WORTHLESS) / self._delta_per_day
        return float(self.clock.elapsed(self.start, self.start + days))

    def discount(self, when: NDArray) -> NDArray:
        """What a purchase after so much of the model's time is worth today."""
        days = self.clock.days_until(self.start, np.ravel(when)).reshape(np.shape(when))
        return np.exp(-self._delta_per_day * days)

    @once
    def rate(self) -> float:
        """How fast the clock runs on average, in the long run."""
        last = self.start + SETTLED_DAYS
        year = Steady(self.clock.unit).elapsed(365.2425)
        return float(self.clock.elapsed(last, last + 365.2425) / year)

    def discounted_purchases(self, future: Future) -> NDArray:
        """Expected purchases within the horizon, each discounted by the days until then."""
        if self.delta == 0:
            return future.expected_purchases(self.t)
        nodes, weights = self.rule
        end = float(nodes[-1])
        total: Any = future.discounted_purchases(end, self.delta_alike)
        for t, weight in zip(nodes, weights, strict=True):
            if weight:
                total = total + weight * future.expected_purchases(t)
        if not self.is_endless:
            return total
        delta = self.delta / self.rate
        rest = future.discounted_purchases(np.inf, delta) - future.discounted_purchases(end, delta)
        return total + self._settled_discount * np.exp(delta * end) * rest

    @property
    def _settled_discount(self) -> float:
        return float(np.exp(-self._delta_per_day * self.settled))

    @property
    def settled(self) -> float:
        """Days after which the clock is steady."""
        return SETTLED_DAYS

    @property
    def _integrated(self) -> float:
        """Days over which the clock is followed day by day."""
        return self.settled if self.is_endless else self.days

    @property
    def delta_alike(self) -> float:
        """The discount rate per unit of the clock's time, were all days integrated alike."""
        real = float(Steady(self.clock.unit).elapsed(self._integrated))
        return self.delta * real / float(self.rule[0][-1])

    @once
    def rule(self) -> tuple[NDArray, NDArray]:
        """Times of the clock, and weights of the expectations by then, each shape (nodes,).

        Their sum is what a clock's days being unlike adds to the closed form with `delta_alike`.
        """
        days = self._integrated
        end = float(self.clock.elapsed(self.start, self.start + days))
        # Midpoints of equal steps of days; the clock runs evenly within a day.
        s = (np.arange(_STEPS) + 0.5) * days / _STEPS
        worth = self._delta_per_day * (days / _STEPS) * np.exp(-self._delta_per_day * s)
        at = self.clock.elapsed(self.start, self.start + s)
        nodes, weights = expectation_rule(at[None], np.array([end]), s / days, worth)
        return nodes[0], weights[0]


def expectation_rule(
    at: NDArray, end: NDArray, share: NDArray, worth: NDArray
) -> tuple[NDArray, NDArray]:
    """Times, and weights of the expectations by then, for several clocks.

    Parameters
    ----------
    at : ndarray, shape (clocks, m)
        A clock's time at some moments.
    end : ndarray, shape (clocks,)
        At the last.
    share : ndarray, shape (m,)
        Of the real time, at these moments.
    worth : ndarray, shape (m,)
        What expectations at these moments count in the integral.

    Returns
    -------
    nodes, weights : ndarray, shape (clocks, nodes)
        As of `AheadOnCalendar.rule`.
    """
    points = 0.5 - 0.5 * np.cos(np.pi * np.arange(_NODES) / (_NODES - 1))
    scale = end[:, None] / 50.0
    nodes = scale * np.expm1(points * np.log1p(end[:, None] / scale))
    nodes[:, -1] = end
    steady = end[:, None] * share
    weights = np.zeros(nodes.shape)
    unlike = ~np.isclose(at, steady, rtol=1e-11, atol=0).all(axis=1)  # by more than rounding
    if unlike.any():

        def polynomials(times: NDArray) -> NDArray:
            place = np.log1p(times[unlike] / scale[unlike]) / np.log1p(50.0)
            return _lagrange(points, place.ravel()).reshape(*place.shape, _NODES)

        weights[unlike] = np.einsum("m,wmk->wk", worth, polynomials(at) - polynomials(steady))
    return nodes, weights


def _lagrange(nodes: NDArray, at: NDArray) -> NDArray:
    """Values of the Lagrange polynomials of Chebyshev points, (m, nodes), by barycentric weights.

    References
    ----------
    Berrut, J.-P. & Trefethen, L. N. (2004). Barycentric Lagrange interpolation. SIAM Review 46(3).
    """
    sign = (-1.0) ** np.arange(nodes.size)
    sign[[0, -1]] *= 0.5
    gap = at[:, None] - nodes
    hit = gap == 0
    share = sign / np.where(hit, 1.0, gap)
    found = share / share.sum(axis=1, keepdims=True)
    any_hit = hit.any(axis=1)
    found[any_hit] = hit[any_hit]
    return found


def times_of(
    clock: Steady | Calendar | None,
    cells: Cells,
    to_fit_unit: float,
    effects: Effects | None = None,
) -> tuple[NDArray, NDArray]:
    """Recency and T of cells in the time of a fit's clock, each shape (n_cells,).

    Where covariates that change have made customers buy faster or more slowly, in the time that
    would have passed had all of it been as at the end, which is how the model goes on.

    Raises
    ------
    DataError
        If the clock wants days and the cells have none.
    """
    if effects is not None and effects.changing(cells):
        return _on_paths(clock, cells, to_fit_unit, effects)
    if not isinstance(clock, Calendar):
        return cells.recency * to_fit_unit, cells.T * to_fit_unit
    born = cells.known_last_day - cells.age_days
    _check_born(clock, cells, born)
    t_x = clock.elapsed(born, born + cells.recency_days)
    return t_x, clock.elapsed(born, cells.known_last_day)


def _on_paths(
    clock: Steady | Calendar | None, cells: Cells, to_fit_unit: float, effects: Effects
) -> tuple[NDArray, NDArray]:
    """The same on paths of covariates that change."""
    assert cells.patterns is not None
    last_day = cells.known_last_day
    born = last_day - cells.age_days
    first_day, unit = int(born.min()), to_fit_unit
    days = np.arange(first_day + 1, last_day + 1)
    rate = np.ones(days.size)
    if isinstance(clock, Calendar):
        _check_born(clock, cells, born)
        first_day, unit = clock.first_day, 1.0
        days = np.arange(first_day + 1, last_day + 1)
        until = clock.elapsed(first_day, np.append(first_day, days))
        rate = np.diff(until) * Steady(cells.unit).days_per_unit
    exposure = PathExposure.of(cells, first_day)
    times = np.exp((effects.matrix(cells.patterns) * effects.acts("rate")) @ effects.coefficients)
    t_x, T = exposure.elapsed(rate, times[exposure.pattern])
    now = times[cells.extra["pattern"]]
    return np.minimum(t_x, T) * unit / now, T * unit / now


def _check_born(clock: Calendar, cells: Cells, born: NDArray) -> None:
    """Nobody came before the clock's time begins."""
    early = born < clock.first_day
    if early.any():
        customers = int(cells.weight[early].sum())
        raise DataError(
            f"{counted(customers, 'customer', 'customers')} first bought before the clock's time "
            f"begins, on {date_of(clock.first_day)}, the first day of the log it was fitted to; "
            f"the earliest on {date_of(born.min())}. Fit to a log that has them."
        )


def times_of_customers(
    clock: Steady | Calendar | None,
    cells: Cells,
    customers: pd.DataFrame,
    to_fit_unit: float,
    effects: Effects | None = None,
) -> tuple[NDArray, NDArray]:
    """The same of customers as in ``RFM.frame``, each shape (n_customers,)."""
    moves = effects is not None and bool(effects.changing(cells))
    if not isinstance(clock, Calendar) and not moves:
        recency, T = (customers[name].to_numpy(float) for name in ("recency", "T"))
        return recency * to_fit_unit, T * to_fit_unit
    t_x, T = times_of(clock, cells, to_fit_unit, effects)
    place = cells.places(customers)
    return t_x[place], T[place]
