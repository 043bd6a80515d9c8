"""Members of a forecast: a fit's estimate or draws of its parameters, each with its own clock."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.engines.result import Fit
from predclv.forecast.ahead import Ahead, AheadOnCalendar, times_of
from predclv.forecast.histories import Histories
from predclv.forecast.patterns import at_free, estimate_of
from predclv.likelihoods.effects import Effects
from predclv.once import FieldsAlone, once
from predclv.samples.cells import Cells
from predclv.samples.patterns import Patterns


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One model with the customers' histories and the horizon in the time of its clock.

    Attributes
    ----------
    histories : Histories
    model : PurchaseModel
        Its parameters numbers, or draws of shape (draws, 1).
    ahead : Ahead
    """

    histories: Histories
    model: Any
    ahead: Ahead


@dataclass(frozen=True, eq=False)
class Members(FieldsAlone):
    """What a fit of purchases says about customers, at its estimate or at other parameters.

    Attributes
    ----------
    fit : Fit
    cells : Cells
        The customers' histories.
    to_fit_unit : float
        Units of the fit per unit of the cells.
    t : float
        The horizon in the fit's unit of real time; may be inf.
    delta : float
        Continuous discount rate per that unit.
    place : ndarray of int, shape (n_customers,), or None
        Which of the cells each customer is in; None takes the cells for the customers.
    by_pattern : bool
        Whether what is known of customers tells histories apart: where a fit has covariates.
    """

    fit: Fit
    cells: Cells
    to_fit_unit: float
    t: float
    delta: float
    place: NDArray | None = None
    by_pattern: bool = False

    def of(self, place: NDArray) -> "Members":
        """The same of customers in these cells."""
        found = replace(self, place=place)
        found.__dict__["distinct"] = self.distinct
        return found

    @once
    def distinct(self) -> Histories:
        """The distinct histories at the estimate; its customers are the cells, in their order."""
        pattern = path = None
        if self.by_pattern:
            assert self.cells.patterns is not None
            pattern = np.asarray(self.cells.extra["pattern"], np.int64)
        if self._moves:
            path = self.cells.extra["path"]
        times = times_of(self.fit.clock, self.cells, self.to_fit_unit, self.fit.covariates)
        return Histories.of(self.cells.frequency, *times, pattern, path)

    @once
    def _moves(self) -> bool:
        """Whether covariates have changed on the way, so that past times depend on effects."""
        effects = self.fit.covariates
        return effects is not None and bool(effects.changing(self.cells))

    @property
    def patterns(self) -> Patterns | None:
        """What is known of the customers."""
        return self.cells.patterns if self.by_pattern else None

    @once
    def model(self) -> Any:
        """The model at the estimate, by pattern where the fit has covariates."""
        return estimate_of(self.fit, self.patterns)

    @once
    def histories(self) -> Histories:
        """The histories of the customers at the estimate."""
        if self.place is None:
            return self.distinct
        return self.distinct.with_customers(self.distinct.cell_of_customer[self.place])

    @once
    def ahead(self) -> Ahead:
        """The horizon at the estimate."""
        return self._ahead_on(self.fit.clock)

    def _ahead_on(self, clock: Steady | Calendar | None) -> Ahead:
        if not isinstance(clock, Calendar):
            return Ahead(self.t, self.delta)
        assert self.cells.last_day is not None
        days = self.t * Steady(self.fit.unit).days_per_unit
        return AheadOnCalendar.of(clock, self.cells.last_day, days, self.delta)

    @property
    def estimate(self) -> Member:
        """The member at the estimate."""
        return Member(self.histories, self.model, self.ahead)

    def at(self, free: NDArray) -> Member:
        """The member at free parameters (k,), those of clock and covariates included."""
        own = len(self.fit.model.names())
        model, clock = at_free(self.fit, free, self.patterns), self.fit.clock
        if isinstance(clock, Calendar):
            clock = clock.at(free[own : own + len(clock.names)])
        elif not self._moves:
            return Member(self.histories, model, self.ahead)
        effects = self.fit.covariates
        if effects is not None:
            effects = effects.at(free[free.size - len(effects.names) :])
        return Member(self._histories_on(clock, effects), model, self._ahead_on(clock))

    def drawn(self, n: int, rng: np.random.Generator) -> Iterator[Member]:
        """Members at ``n`` draws of the parameters, which are numbers in each."""
        values = self.fit.draws(n, seed=int(rng.integers(1 << 62)))
        space = self.fit.space
        free = space.free_at(np.column_stack([values[name] for name in space.names]))
        return (self.at(row) for row in free)

    def _histories_on(self, clock: Steady | Calendar | None, effects: Effects | None) -> Histories:
        """The histories by another clock: ages that were alike stay alike."""
        own, cell = self.histories, self.distinct.cell_of_customer
        t_x, T, state_T = np.empty(own.n_cells), np.empty(own.n_cells), np.empty(own.state_x.size)
        t_x[cell], T[cell] = times_of(clock, self.cells, self.to_fit_unit, effects)
        state_T[own.state_of_cell] = T
        return replace(own, t_x=t_x, T=T, state_T=state_T)
