"""Customers by history: what depends on the history alone is taken once and spread over them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.forecast.ahead import Ahead
from predclv.forecast.patterns import ByPattern, model_for
from predclv.models.drawn_clocks import OnDrawnClocks
from predclv.models.personal import Personal
from predclv.models.purchases import PurchaseModel
from predclv.samples.grouping import distinct

_ELEMENTS = 1 << 16  # draws x cells that are held at once


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """The distinct histories of customers, and the distinct states a living customer can be in.

    Attributes
    ----------
    x, t_x, T : ndarray, shape (n_cells,)
        Distinct histories: repeat purchases, recency and age in one unit of time. Sorted so that
        cells of one state are neighbours.
    state_x, state_T : ndarray, shape (n_states,)
        Distinct (x, T), sorted: the future of a living customer in a known stage does not depend
        on recency.
    state_of_cell : ndarray of int, shape (n_cells,)
        Ascending.
    cell_of_customer : ndarray of int, shape (n_customers,)
    lost, haste : ndarray, shape (n_cells,), or None
        Purchases that have faded, and what drift adds to the logarithm of alpha; None where
        histories are taken as they stand. See :class:`predclv.models.personal.Personal`.
    state_lost, state_haste : ndarray, shape (n_states,), or None
        The same of states, which differ in them too.
    pattern, state_pattern : ndarray of int, shape (n_cells,) and (n_states,), or None
        What is known of the customers of each; None where nothing is that the model asks for.
        It tells histories, and states, apart.
    way, state_way : ndarray of int, shape (n_cells,) and (n_states,), or None
        The way in which time runs on for them, as `Ahead.along` takes it; None where it is one. It
        tells histories, and states, apart.
    """

    x: NDArray
    t_x: NDArray
    T: NDArray
    state_x: NDArray
    state_T: NDArray
    state_of_cell: NDArray
    cell_of_customer: NDArray
    lost: NDArray | None = None
    haste: NDArray | None = None
    state_lost: NDArray | None = None
    state_haste: NDArray | None = None
    pattern: NDArray | None = None
    state_pattern: NDArray | None = None
    way: NDArray | None = None
    state_way: NDArray | None = None

    @classmethod
    def of(
        cls,
        x: NDArray,
        t_x: NDArray,
        T: NDArray,
        lost: NDArray | None = None,
        haste: NDArray | None = None,
        pattern: NDArray | None = None,
        path: NDArray | None = None,
        way: NDArray | None = None,
    ) -> "Histories":
        """Histories of customers given as columns, each of shape (n_customers,).

        A ``path`` tells apart those whose times differ with other effects of covariates.
        """
        own = [column for column in (pattern, way, path, lost, haste) if column is not None]
        first, cell_of_customer = distinct(x, t_x, T, *own)
        x, t_x, T = x[first], t_x[first], T[first]
        lost, haste, pattern, path, way = (_of(c, first) for c in (lost, haste, pattern, path, way))
        own = [column for column in (pattern, way, path, lost, haste) if column is not None]
        first, state_of_cell = distinct(x, T, *own)
        within = tuple(column[first] for column in (way, pattern) if column is not None)
        states = np.lexsort((T[first], *within, x[first]))
        state_of_cell = _inverse(states)[state_of_cell]
        cells = np.argsort(state_of_cell, kind="stable")
        first = first[states]
        return cls(
            x[cells],
            t_x[cells],
            T[cells],
            x[first],
            T[first],
            state_of_cell[cells],
            _inverse(cells)[cell_of_customer],
            _of(lost, cells),
            _of(haste, cells),
            _of(lost, first),
            _of(haste, first),
            _of(pattern, cells),
            _of(pattern, first),
            _of(way, cells),
            _of(way, first),
        )

    def seen_by(self, model: PurchaseModel, cells: Any = slice(None)) -> Any:
        """A model as it is for customers with the histories of some cells."""
        known = model_for(model, _of(self.pattern, cells))
        return Personal.of(known, _of(self.lost, cells), _of(self.haste, cells))

    @property
    def n_cells(self) -> int:
        """Number of distinct histories."""
        return self.x.size

    def with_customers(self, cell_of_customer: NDArray) -> "Histories":
        """The same histories, with other customers in them."""
        return replace(self, cell_of_customer=cell_of_customer)

    def occupied(self) -> "Histories":
        """The histories that its customers have, where these are few beside them."""
        cells, customer = np.unique(self.cell_of_customer, return_inverse=True)
        states, state_of_cell = np.unique(self.state_of_cell[cells], return_inverse=True)
        return self._taken(cells, states, state_of_cell, customer)

    def by_frequency(self, alike: float = 0.0) -> Iterator[tuple[slice, "Histories"]]:
        """The histories in pieces of one frequency each, as `parts` gives pieces.

        Rare frequencies within ``1 + alike`` times the first of a piece are taken together.
        """
        frequencies = np.unique(self.x)
        ends = np.searchsorted(self.x, frequencies, side="right")
        begin = at = 0
        while at < frequencies.size:
            few = np.searchsorted(ends, begin + _ELEMENTS, side="right")
            near = np.searchsorted(frequencies, frequencies[at] * (1.0 + alike), side="right")
            at = max(at + 1, int(min(few, near)))
            end = int(ends[at - 1])
            yield slice(begin, end), self.piece(slice(begin, end))
            begin = end

    def piece(self, cells: slice) -> "Histories":
        """Some of the cells, all of each state; its customers are the cells themselves."""
        states = slice(
            int(self.state_of_cell[cells.start]), int(self.state_of_cell[cells.stop - 1]) + 1
        )
        state_of_cell = self.state_of_cell[cells] - states.start
        return self._taken(cells, states, state_of_cell, np.arange(cells.stop - cells.start))

    def _taken(
        self,
        cells: slice | NDArray,
        states: slice | NDArray,
        state_of_cell: NDArray,
        cell_of_customer: NDArray,
    ) -> "Histories":
        """Some cells and states of these, with places of their own among them."""
        return Histories(
            self.x[cells],
            self.t_x[cells],
            self.T[cells],
            self.state_x[states],
            self.state_T[states],
            state_of_cell,
            cell_of_customer,
            _of(self.lost, cells),
            _of(self.haste, cells),
            _of(self.state_lost, states),
            _of(self.state_haste, states),
            _of(self.pattern, cells),
            _of(self.state_pattern, states),
            _of(self.way, cells),
            _of(self.state_way, states),
        )

    def by_frequency_and_pattern(self) -> Iterator[tuple[slice, "Histories"]]:
        """The histories in pieces of one frequency, one pattern and one way each."""
        for cells, piece in self.by_frequency():
            if piece.pattern is None:
                yield cells, piece
                continue
            apart = [each for each in (piece.x, piece.pattern, piece.way) if each is not None]
            new = np.flatnonzero(np.any([np.diff(each) != 0 for each in apart], axis=0)) + 1
            for begin, end in pairwise([0, *new.tolist(), piece.n_cells]):
                here = slice(cells.start + begin, cells.start + end)
                yield here, self.piece(here)

    def parts(self, draws: int) -> Iterator[tuple[slice, "Histories"]]:
        """The histories in pieces small enough to hold a number for each draw and cell.

        Yields
        ------
        cells : slice
            Where the piece's cells stand among all.
        piece : Histories
            Of these cells; its customers are the cells themselves.
        """
        ends = np.searchsorted(self.state_of_cell, np.arange(self.state_x.size), side="right")
        most = max(1, _ELEMENTS // draws)
        state = 0
        while state < self.state_x.size:
            begin = ends[state - 1] if state else 0
            last = max(state + 1, int(np.searchsorted(ends, begin + most, side="right")))
            cells = slice(int(begin), int(ends[last - 1]))
            yield cells, self.piece(cells)
            state = last

    def expectations(
        self, model: PurchaseModel, ahead: Ahead, undiscounted: bool
    ) -> dict[str, NDArray]:
        """What is expected of each cell, averaged over draws of the parameters, (n_cells,) each.

        Parameters
        ----------
        model : PurchaseModel
            With parameters that are numbers, or draws of shape (draws, 1).
        ahead : Ahead
            The horizon.
        undiscounted : bool
            Whether to give ``expected_purchases`` too; it may be infinite where t is.
        """
        pieces: dict[str, list[NDArray]] = {}
        for _, piece in self.parts(n_draws(model)):
            found, own = (
                {"p_alive": piece.p_alive(model).mean(axis=0)},
                ahead.along(piece.state_way),
            )
            for chance, living in piece.stages(model):
                of_living = {"p_active": living.p_active(own.t)}
                if undiscounted:
                    of_living["expected_purchases"] = living.expected_purchases(own.t)
                of_living["discounted_purchases"] = (
                    of_living["expected_purchases"]
                    if undiscounted and ahead.delta == 0
                    else own.discounted_purchases(living)
                )
                for name, per_state in of_living.items():
                    found[name] = found.get(name, 0.0) + piece.averaged(chance, per_state)
            for name, values in found.items():
                pieces.setdefault(name, []).append(values)
        return {name: np.concatenate(values) for name, values in pieces.items()}

    def p_alive(self, model: PurchaseModel, cells: NDArray | slice = slice(None)) -> NDArray:
        """Probability of each of the cells to be alive, for each draw, shape (draws, n_cells)."""
        own = self.seen_by(model, cells)
        return np.atleast_2d(own.p_alive(self.x[cells], self.t_x[cells], self.T[cells]))

    def living(self, model: PurchaseModel, cells: NDArray | slice) -> Any:
        """The future of living customers in these cells, one row each."""
        own = self.seen_by(model, cells)
        return own.living(self.x[cells], self.t_x[cells], self.T[cells])

    def stages(self, model: PurchaseModel) -> list[tuple[NDArray, Any]]:
        """The stages a living customer may be in: the chance of each, and the future in it.

        Returns
        -------
        list of (chance, living)
            The chance of being alive and in the stage, per draw and cell, (draws, n_cells); the
            future of who is, one per state.
        """
        chances = self.seen_by(model).stage_chances(self.x, self.t_x, self.T)
        of_states = model_for(model, self.state_pattern)
        living = Personal.of(of_states, self.state_lost, self.state_haste)
        return [
            (np.atleast_2d(chance), living.given_stage(stage, self.state_x, self.state_T))
            for stage, chance in enumerate(chances)
        ]

    def averaged(self, alive: NDArray, per_state: NDArray) -> NDArray:
        """A number of living customers, times P(alive), averaged over draws, shape (n_cells,)."""
        per_state = np.broadcast_to(np.atleast_2d(per_state), (alive.shape[0], self.state_x.size))
        # Six times as fast as per_state[:, state_of_cell].
        of_cells = np.take(per_state, self.state_of_cell, axis=1, mode="clip")
        return np.einsum("dc,dc->c", alive, of_cells) / alive.shape[0]


def n_draws(model: PurchaseModel) -> int:
    """How many draws of the parameters a model holds; 1 where they are numbers."""
    if isinstance(model, (ByPattern, OnDrawnClocks)):
        return model.n_draws
    return max(np.shape(getattr(model, name))[0] if np.ndim(getattr(model, name)) else 1
               for name in model.names())  # fmt: skip


def _of(column: Any, rows: Any) -> Any:
    """These rows of a column; None where there is none."""
    return None if column is None else column[rows]


def _inverse(order: NDArray) -> NDArray:
    """The permutation that undoes ``order``."""
    inverse = np.empty_like(order)
    inverse[order] = np.arange(order.size)
    return inverse
