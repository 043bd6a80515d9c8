"""The predictive distribution of the number of purchases, per history: exact, no simulation."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from predclv.forecast.histories import Histories
from predclv.models.base import PurchaseModel

ONE_BY_ONE = 64  # counts up to here are taken singly, beyond in classes 4% wide
_NEGLIGIBLE = 1e-5  # probability of a count beyond which the distribution is cut


@dataclass(frozen=True, slots=True, eq=False)
class CountTails:
    """P(at least n purchases) for some cells, averaged over draws of the parameters.

    Attributes
    ----------
    counts : ndarray of int, shape (k,)
        1, 2, ..., 64, then growing by 4%.
    tails : ndarray, shape (n_cells, k)
        P(Y >= counts).
    """

    counts: NDArray
    tails: NDArray

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


def count_tails(piece: Histories, model: PurchaseModel, t: float) -> CountTails:
    """The tails of a piece's cells over the horizon ``t``, to where all are negligible."""
    alive = piece.p_alive(model)
    living = piece.living(model)
    counts: list[int] = []
    tails: list[NDArray] = []
    one_by_one = islice(living.p_at_least_each(t), ONE_BY_ONE)
    beyond = ((n, living.p_at_least(n, t)) for n in _classes())
    for n, per_state in chain(enumerate(one_by_one, start=1), beyond):
        counts.append(n)
        tails.append(piece.averaged(alive, per_state))
        if tails[-1].max(initial=0.0) < _NEGLIGIBLE:
            break
    return CountTails(np.array(counts), np.column_stack(tails))


def _classes() -> Iterator[int]:
    """Counts beyond those taken singly, each 4% above the last."""
    n = ONE_BY_ONE
    while True:
        n = int(np.ceil(n * 1.04))
        yield n


def count_quantile(
    found: CountTails, piece: Histories, model: PurchaseModel, t: float, probability: float
) -> NDArray:
    """The smallest n with P(Y <= n) >= probability, per cell, shape (n_cells,), int64."""
    beyond = 1.0 - probability
    above = (found.tails > beyond).sum(axis=1)  # P(Y >= counts[above - 1]) is still too large
    low = np.where(above > 0, found.counts[np.maximum(above, 1) - 1], 0)
    high = found.counts[np.minimum(above, len(found.counts) - 1)]
    for cell in np.flatnonzero(high - low > 1).tolist():
        low[cell] = _bisected(piece, model, t, beyond, cell, int(low[cell]), int(high[cell]))
    return low.astype(np.int64)


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
    alive = model.p_alive(piece.x[one], piece.t_x[one], piece.T[one])
    living = model.given_alive(piece.x[one], piece.T[one])
    while high - low > 1:
        middle = (low + high) // 2
        if np.mean(alive * living.p_at_least(middle, t)) > beyond:
            low = middle
        else:
            high = middle
    return low
