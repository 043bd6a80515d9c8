"""The predictive distribution of how often each customer buys, for whoever scores a forecast."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.forecast.ahead import Ahead
from predclv.forecast.counts import (
    ELEMENTS,
    ONE_BY_ONE,
    CountTails,
    by_customer,
    checked_counts,
    count_quantile,
    count_tails,
)
from predclv.forecast.histories import Histories, n_draws
from predclv.models.purchases import PurchaseModel
from predclv.once import FieldsAlone, once
from predclv.samples.grouping import distinct

_KEPT = 200_000  # histories of which the distribution is kept once calculated
_ALIKE = 0.2  # how much more often customers may have bought and still be calculated together
_SMALL = 1e-6  # a probability below this is not a difference of tails but calculated by itself

Part = tuple[slice, Histories, CountTails]


@dataclass(frozen=True, eq=False, repr=False)
class HistoryCounts(FieldsAlone):
    """How often customers of each history will buy, averaged over draws of the parameters.

    Attributes
    ----------
    histories : Histories
    model : PurchaseModel
        Its parameters draws, (draws, 1).
    ahead : Ahead
        The horizon, finite.
    """

    histories: Histories
    model: PurchaseModel
    ahead: Ahead

    def quantile(self, tails: CountTails, piece: Histories, probability: float) -> NDArray:
        """The smallest n with P(Y <= n) >= probability, of a piece with its tails, (n_cells,)."""
        return count_quantile(tails, piece, self.model, self.ahead.along(piece.way).t, probability)

    def by_frequency(self) -> Iterable[list[Part]]:
        """The tails in pieces of cells, those of one frequency together, in the cells' order."""
        return self._kept if self.histories.n_cells <= _KEPT else self._calculated()

    def parts(self) -> Iterator[Part]:
        """The tails in pieces of cells."""
        for group in self.by_frequency():
            yield from group

    @once
    def _kept(self) -> list[list[Part]]:
        return list(self._calculated())

    def _calculated(self) -> Iterator[list[Part]]:
        for of_group, group in self.histories.by_frequency(_ALIKE):
            parts: list[Part] = []
            for cells, piece in group.parts(n_draws(self.model)):
                t, begin = self.ahead.along(piece.state_way).t, of_group.start + cells.start
                found = count_tails(piece, self.model, t)
                for rows, of_frequency in piece.by_frequency():
                    if parts and parts[-1][1].x[0] < of_frequency.x[0]:
                        yield parts
                        parts = []
                    here = slice(begin + rows.start, begin + rows.stop)
                    parts.append((here, of_frequency, found.of(rows)))
            yield parts


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CountDistribution:
    """How often each customer will buy within the horizon, averaged over draws of the parameters.

    Customers are in the order of ``Forecast.frame``.

    Attributes
    ----------
    per_history : HistoryCounts
    cell_of_customer : ndarray of int, shape (n,)
        Which of its histories each customer has.
    """

    per_history: HistoryCounts
    cell_of_customer: NDArray

    def __len__(self) -> int:
        return self.cell_of_customer.size

    def quantile(self, probability: float) -> NDArray:
        """The smallest k with P(Y <= k) >= probability, shape (n,), int64."""
        of = self.per_history
        found = np.empty(of.histories.n_cells, dtype=np.int64)
        for cells, piece, tails in of.parts():
            found[cells] = of.quantile(tails, piece, probability)
        return found[self.cell_of_customer]

    def mass(self, counts: ArrayLike) -> NDArray:
        """P(Y = counts), one count per customer, shape (n,); exact given the draws."""
        return self._per_customer(counts, exactly=True)

    def below(self, counts: ArrayLike) -> NDArray:
        """P(Y < counts), one count per customer, shape (n,); exact given the draws."""
        return 1.0 - self._per_customer(counts, exactly=False)

    def _per_customer(self, counts: ArrayLike, exactly: bool) -> NDArray:
        """P(Y = count), or P(Y >= count), of each customer, shape (n,).

        Taken once per distinct history and count, from the tails where these are exact enough.
        """
        counts = checked_counts(counts, len(self))
        first, code = distinct(self.cell_of_customer, counts)
        cell, n = self.cell_of_customer[first], counts[first].astype(np.int64)
        found = self._from_tails(cell, n, exactly)
        rest = np.flatnonzero(np.isnan(found))
        step = max(1, ELEMENTS // n_draws(self.per_history.model))
        for start in range(0, rest.size, step):
            rows = rest[start : start + step]
            found[rows] = self._by_itself(cell[rows], n[rows].astype(float), exactly)
        return found[code]

    def _from_tails(self, cell: NDArray, n: NDArray, exactly: bool) -> NDArray:
        """What the tails know of these cells and counts, shape (m,); NaN where not enough."""
        found = np.full(cell.size, np.nan)
        if not np.any(n <= ONE_BY_ONE):
            return found  # of many histories tails are not kept: none is calculated for nothing
        order = np.argsort(cell, kind="stable")
        for cells, _, tails in self.per_history.parts():
            begin, end = np.searchsorted(cell[order], [cells.start, cells.stop])
            rows = order[begin:end]
            single = tails.tails[:, :ONE_BY_ONE]
            at_least = np.column_stack([np.ones(len(single)), single])
            place, most = cell[rows] - cells.start, at_least.shape[1] - 1
            this = np.where(n[rows] <= most, at_least[place, np.minimum(n[rows], most)], np.nan)
            if exactly:
                following = np.minimum(n[rows] + 1, most)
                this = np.where(n[rows] < most, this - at_least[place, following], np.nan)
            found[rows] = np.where(this > _SMALL, this, np.nan)
        return found

    def _by_itself(self, cell: NDArray, n: NDArray, exactly: bool) -> NDArray:
        """P(Y = n), or P(Y >= n), of these cells by the model's own formula, shape (m,)."""
        known, model = self.per_history.histories, self.per_history.model
        t = self.per_history.ahead.along(None if known.way is None else known.way[cell]).t
        alive, living = known.p_alive(model, cell), known.living(model, cell)
        if exactly:
            of_living = living.pmf(n, t)
        else:
            of_living = living.p_at_least(np.maximum(n, 1.0), t)
            of_living = np.where(n > 0, of_living, 1.0)
        gone = np.where(n == 0, 1.0 - alive, 0.0)  # who is gone buys nothing
        return np.mean(gone + alive * of_living, axis=0)

    def parts(self) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
        """The whole distribution, some customers at a time; as `by_customer` yields it."""
        pieces = ((cells.start, tails) for cells, _, tails in self.per_history.parts())
        return by_customer(self.cell_of_customer, self.per_history.histories.n_cells, pieces)
