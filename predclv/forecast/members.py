"""Members of a forecast: a fit's estimate or draws of its parameters, each with its own clock."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.recall import Recall
from predclv.engines.result import Fit
from predclv.forecast.ahead import Ahead, AheadOnCalendar
from predclv.forecast.drawn_clocks import ClockSpans
from predclv.forecast.draws import drawn
from predclv.forecast.histories import Histories
from predclv.forecast.patterns import at_free, estimate_of
from predclv.forecast.recalled import read
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
        return Histories.of(**self._read(self.fit.clock, self.fit.recall, self.fit.covariates))

    def _read(
        self, clock: Steady | Calendar | None, recall: Recall | None, effects: Effects | None
    ) -> dict[str, Any]:
        """The cells as the model takes them, by this clock."""
        found = read(self.fit, clock, recall, self.cells, self.to_fit_unit, effects, self.t)
        if self.by_pattern:
            found["pattern"] = np.asarray(self.cells.extra["pattern"], np.int64)
        if self._moves:
            found["path"] = np.asarray(self.cells.extra["path"], np.int64)
        return found

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
        return self._ahead_on(self.fit.clock, self.fit.covariates)

    def _ahead_on(self, clock: Steady | Calendar | None, effects: Effects | None) -> Ahead:
        if not isinstance(clock, Calendar):
            return Ahead(self.t, self.delta)
        return self._ahead_on_calendar(clock)

    def _ahead_on_calendar(self, clock: Calendar) -> AheadOnCalendar:
        days = self.t * Steady(self.fit.unit).days_per_unit
        return AheadOnCalendar.of(clock, self.cells.known_last_day, days, self.delta)

    @property
    def estimate(self) -> Member:
        """The member at the estimate."""
        return Member(self.histories, self.model, self.ahead)

    def at(self, free: NDArray) -> Member:
        """The member at free parameters (k,), those of clock, recall and covariates included."""
        own = len(self.fit.model.names())
        model = at_free(self.fit, free, self.patterns)
        clock, recall, effects = self.fit.clock, self.fit.recall, self.fit.covariates
        if isinstance(clock, Calendar):
            own, of_clock = own + len(clock.names), free[own : own + len(clock.names)]
            clock = clock.at(of_clock)
        if effects is not None:
            effects = effects.at(free[free.size - len(effects.names) :])
        ahead = self._ahead_on(clock, effects)
        if recall is None and not isinstance(clock, Calendar) and not self._moves:
            return Member(self.histories, model, ahead)
        if recall is not None:
            recall = recall.at(free[own : own + len(recall.space.names)])
        return Member(self._histories_on(clock, recall, effects), model, ahead)

    def drawn(self, n: int, rng: np.random.Generator) -> Iterator[Member]:
        """Members at ``n`` draws of the parameters, which are numbers in each."""
        values = self.fit.draws(n, seed=int(rng.integers(1 << 62)))
        space = self.fit.space
        free = space.free_at(np.column_stack([values[name] for name in space.names]))
        return (self.at(row) for row in free)

    def models(self, n: int, rng: np.random.Generator) -> Any:
        """The model with at most ``n`` draws of its parameters, and of its clock's effects.

        Asked in the time of `histories` and `ahead`, those of the estimate; see `draws.drawn`.
        """
        return drawn(self.fit, n, rng, self.patterns, self._spans)

    @once
    def _spans(self) -> ClockSpans | None:
        clock, recall = self.fit.clock, self.fit.recall
        if not isinstance(clock, Calendar) or not clock.names:
            return None
        end = self.cells.known_last_day
        fades = recall is not None and recall.rho is not None
        return ClockSpans(
            clock,
            self._ahead_on_calendar,
            end - int(self.cells.age_days.max(initial=1)),
            end,
            not (fades or self._moves),
        )

    def _histories_on(
        self, clock: Any, recall: Recall | None, effects: Effects | None
    ) -> Histories:
        """The histories by another clock or recall: those that were alike stay alike."""
        own, cell = self.histories, self.distinct.cell_of_customer
        found: dict[str, Any] = {}
        for name, column in self._read(clock, recall, effects).items():
            if name in ("x", "pattern", "path", "way"):
                continue
            of_cells = np.empty(own.n_cells)
            of_cells[cell] = column
            found[name] = of_cells
            if name != "t_x":
                of_states = np.empty(own.state_x.size)
                of_states[own.state_of_cell] = of_cells
                found[f"state_{name}"] = of_states
        return replace(own, **found)
