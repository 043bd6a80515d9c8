"""The predictive distribution of the number of purchases, per history: exact, no simulation."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.errors import DataError
from predclv.forecast.histories import Histories
from predclv.models.purchases import PurchaseModel

ONE_BY_ONE = 64  # counts up to here are taken singly, beyond in classes 4% wide
_BY_RECURRENCE = 1000  # counts up to here are found from those before, which is faster
_FEW = 12  # and where few classes are asked for, up to here, beyond in classes 6% wide
_GROWTH = 1.06
_UNLIKELY = 1e-7  # a class of counts that nobody reaches more often is left out
NEGLIGIBLE = 1e-5
"""Probability of a count beyond which a distribution is cut."""

ELEMENTS = 1 << 20
"""Probabilities that are held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class CountTails:
    """P(at least n purchases) for some cells, averaged over draws of the parameters.

    Attributes
    ----------
    counts : ndarray of int, shape (k,)
        1, 2, ..., 64, then growing by 4%.
    tails : ndarray, shape (n_cells, k)
        P(Y >= counts); the cells of one count are neighbours in memory.
    """

    counts: NDArray
    tails: NDArray

    def of(self, cells: slice) -> "CountTails":
        """Of some of the cells, to where their tails are negligible."""
        if cells == slice(0, len(self.tails)):
            return self
        tails = self.tails[cells]
        needed = 1 + int((tails.max(axis=0) >= NEGLIGIBLE).sum())
        return CountTails(self.counts[:needed], tails[:, :needed])

    @property
    def probabilities(self) -> NDArray:
        """P(counts <= Y < the next of counts), shape (n_cells, k)."""
        following = np.append(self.tails[:, 1:], np.zeros((len(self.tails), 1)), axis=1)
        return np.maximum(self.tails - following, 0.0)  # rounding can leave -1e-16

    @property
    def representatives(self) -> NDArray:
        """The middle of each class of counts, shape (k,)."""
        following = np.append(self.counts[1:], self.counts[-1] + 1)
        return 0.5 * (self.counts + following - 1)


def in_classes(pieces: Sequence[CountTails]) -> tuple[NDArray, NDArray]:
    """The probabilities of a few classes of counts, for the cells of all pieces.

    What many purchases sum to hardly depends on their exact number.

    Returns
    -------
    probabilities : ndarray, shape (n_cells, c)
    counts : ndarray, shape (c,)
        The average count of each class.
    """
    longest = max(pieces, key=lambda found: found.counts.size)
    counts, middles = longest.counts, longest.representatives
    edges = [n for n in counts.tolist() if n <= _FEW]
    while edges[-1] < counts[-1]:
        edges.append(max(edges[-1] + 1, int(edges[-1] * _GROWTH)))
    starts = np.unique(np.searchsorted(counts, edges))
    starts = starts[starts < counts.size]
    together = np.zeros((starts.size, sum(len(found.tails) for found in pieces)))
    each, end = np.zeros(counts.size + 1), 0
    for found in pieces:
        tails = found.tails.T
        known = starts[starts < found.counts.size]
        cells = slice(end, end + tails.shape[1])
        together[: known.size, cells] = tails[known]
        together[: known.size - 1, cells] -= tails[known[1:]]
        each[: found.counts.size] += tails.sum(axis=1)
        end = cells.stop
    np.maximum(together, 0.0, out=together)  # rounding can leave -1e-16
    each = np.maximum(each[:-1] - each[1:], 0.0)
    total, weighted = (np.add.reduceat(w, starts) for w in (each, each * middles))
    average = np.divide(weighted, total, out=middles[starts], where=total > 0)
    likely = together.max(axis=1) > _UNLIKELY
    likely[0] = True
    if not likely.all():
        together = together[likely]
    return together.T, average[likely]


def count_tails(piece: Histories, model: PurchaseModel, t: ArrayLike) -> CountTails:
    """The tails of a piece's cells over the horizon ``t``, to where all are negligible.

    It is a number, or one per state.
    """
    stages = piece.stages(model)
    counts: list[int] = []
    tails: list[NDArray] = []
    each, taken = [living.p_at_least_each(t) for _, living in stages], 0
    for n in count_classes():
        total: Any = 0.0
        for (chance, living), tail in zip(stages, each, strict=True):
            if n <= _BY_RECURRENCE:
                per_state = next(islice(tail, n - taken - 1, None))
            else:
                per_state = living.p_at_least(n, t)
            total = total + piece.averaged(chance, per_state)
        taken = n
        counts.append(n)
        tails.append(total)
        if tails[-1].max(initial=0.0) < NEGLIGIBLE:
            break
    return CountTails(np.array(counts), np.array(tails).T)


def checked_counts(counts: ArrayLike, n: int) -> NDArray:
    """Counts of ``n`` customers, if they are some.

    Raises
    ------
    DataError
        If not.
    """
    counts = np.asarray(counts)
    if counts.shape != (n,) or np.any(counts < 0) or np.any(counts % 1):
        raise DataError(f"counts must be {n:,} whole numbers of at least 0.")
    return counts


def by_customer(
    cell: NDArray, n_cells: int, parts: Iterable[tuple[int, CountTails]]
) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """The distribution of customers, some at a time, from the tails of the cells that they are in.

    Parameters
    ----------
    cell : ndarray of int, shape (n_customers,)
    n_cells : int
    parts : iterable of (int, CountTails)
        The first cell of each piece, and the tails of its cells.

    Yields
    ------
    rows : ndarray of int, shape (m,)
        Which customers.
    values : ndarray, shape (k,)
        Counts from 0; beyond 64 the middles of classes 4% wide.
    probabilities : ndarray, shape (m, k)
        Rows sum to 1.
    """
    order = np.argsort(cell, kind="stable")
    bounds = np.searchsorted(cell[order], np.arange(n_cells + 1))
    for first, tails in parts:
        values = np.append(0.0, tails.representatives)
        table = np.column_stack([1.0 - tails.tails[:, 0], tails.probabilities])
        customers = order[bounds[first] : bounds[first + len(table)]]
        step = max(1, ELEMENTS // values.size)
        for start in range(0, customers.size, step):
            rows = customers[start : start + step]
            yield rows, values, table[cell[rows] - first]


def count_classes() -> Iterator[int]:
    """Counts taken singly, and beyond each 4% above the last."""
    yield from range(1, ONE_BY_ONE + 1)
    n = ONE_BY_ONE
    while True:
        n = int(np.ceil(n * 1.04))
        yield n


def count_quantile(
    found: CountTails, piece: Histories, model: PurchaseModel, t: ArrayLike, probability: float
) -> NDArray:
    """The smallest n with P(Y <= n) >= probability, per cell, shape (n_cells,), int64.

    The horizon ``t`` is a number, or one per cell.
    """
    beyond = 1.0 - probability
    low, high = bracket(found, probability).T.copy()
    t = np.broadcast_to(np.asarray(t, float), piece.n_cells)
    for cell in np.flatnonzero(high - low > 1).tolist():
        low[cell] = _bisected(piece, model, t[cell], beyond, cell, int(low[cell]), int(high[cell]))
    return low


def bracket(tails: CountTails, probability: float) -> NDArray:
    """The last class of counts that more than the rest reach, and the next, shape (m, 2), int64."""
    above = (tails.tails > 1.0 - probability).sum(axis=1)
    low = np.where(above > 0, tails.counts[np.maximum(above, 1) - 1], 0)
    high = tails.counts[np.minimum(above, tails.counts.size - 1)]
    return np.column_stack([low, high]).astype(np.int64)


def _bisected(
    piece: Histories,
    model: PurchaseModel,
    t: float,
    beyond: float,
    cell: int,
    low: int,
    high: int,
) -> int:
    """The largest n in [low, high) whose tail is above ``beyond``, for one cell."""
    one = slice(cell, cell + 1)
    alive = piece.p_alive(model, one)
    living = piece.living(model, one)
    while high - low > 1:
        middle = (low + high) // 2
        if np.mean(alive * living.p_at_least(middle, t)) > beyond:
            low = middle
        else:
            high = middle
    return low
