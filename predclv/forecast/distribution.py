"""The predictive distribution of how often each customer buys, for whoever scores a forecast."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.data.grouping import distinct
from predclv.errors import DataError
from predclv.forecast.counts import count_quantile, count_tails
from predclv.forecast.histories import Histories, n_draws
from predclv.models.base import PurchaseModel

_ELEMENTS = 1 << 20  # probabilities that are held at once


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CountDistribution:
    """How often each customer will buy within the horizon, averaged over draws of the parameters.

    Customers are in the order of ``Forecast.frame``.

    Attributes
    ----------
    histories : Histories
        Of the customers.
    model : PurchaseModel
        Its parameters draws, (draws, 1).
    t : float
        Horizon in the unit of the histories, finite.
    """

    histories: Histories
    model: PurchaseModel
    t: float

    def __len__(self) -> int:
        return self.histories.cell_of_customer.size

    def quantile(self, probability: float) -> NDArray:
        """The smallest k with P(Y <= k) >= probability, shape (n,), int64."""
        found = np.empty(self.histories.n_cells, dtype=np.int64)
        for cells, piece in self.histories.parts(n_draws(self.model)):
            tails = count_tails(piece, self.model, self.t)
            found[cells] = count_quantile(tails, piece, self.model, self.t, probability)
        return found[self.histories.cell_of_customer]

    def mass(self, counts: ArrayLike) -> NDArray:
        """P(Y = counts), one count per customer, shape (n,); exact given the draws."""
        return self._per_customer(counts, exactly=True)

    def below(self, counts: ArrayLike) -> NDArray:
        """P(Y < counts), one count per customer, shape (n,); exact given the draws."""
        return 1.0 - self._per_customer(counts, exactly=False)

    def _per_customer(self, counts: ArrayLike, exactly: bool) -> NDArray:
        """P(Y = count), or P(Y >= count), of each customer, shape (n,).

        Taken once per distinct history and count. Who is gone buys nothing.
        """
        counts = np.asarray(counts)
        if counts.shape != (len(self),) or np.any(counts < 0) or np.any(counts % 1):
            raise DataError(f"counts must be {len(self):,} whole numbers of at least 0.")
        cell = self.histories.cell_of_customer
        first, code = distinct(cell, counts)
        cell, n = cell[first], counts[first].astype(float)
        found = np.empty(first.size)
        step = max(1, _ELEMENTS // n_draws(self.model))
        for start in range(0, first.size, step):
            rows = slice(start, start + step)
            x, t_x, T = (
                column[cell[rows]]
                for column in (self.histories.x, self.histories.t_x, self.histories.T)
            )
            alive = np.atleast_2d(self.model.p_alive(x, t_x, T))
            living = self.model.given_alive(x, T)
            if exactly:
                of_living = living.pmf(n[rows], self.t)
            else:
                of_living = living.p_at_least(np.maximum(n[rows], 1.0), self.t)
                of_living = np.where(n[rows] > 0, of_living, 1.0)
            gone = np.where(n[rows] == 0, 1.0 - alive, 0.0)
            found[rows] = np.mean(gone + alive * of_living, axis=0)
        return found[code]

    def parts(self) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
        """The whole distribution, some customers at a time.

        Yields
        ------
        rows : ndarray of int, shape (m,)
            Which customers.
        values : ndarray, shape (k,)
            Counts from 0; beyond 64 the middles of classes 4% wide.
        probabilities : ndarray, shape (m, k)
            Rows sum to 1.
        """
        cell = self.histories.cell_of_customer
        order = np.argsort(cell, kind="stable")
        bounds = np.searchsorted(cell[order], np.arange(self.histories.n_cells + 1))
        for cells, piece in self.histories.parts(n_draws(self.model)):
            tails = count_tails(piece, self.model, self.t)
            values = np.append(0.0, tails.representatives)
            table = np.column_stack([1.0 - tails.tails[:, 0], tails.probabilities])
            customers = order[bounds[cells.start] : bounds[cells.stop]]
            step = max(1, _ELEMENTS // values.size)
            for start in range(0, customers.size, step):
                rows = customers[start : start + step]
                yield rows, values, table[cell[rows] - cells.start]
