"""Mixtures of distributions of purchases: customers alike to all members are taken once."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from predclv.baselines.negative_binomial import NegativeBinomialCounts
from predclv.forecast.counts import (
    NEGLIGIBLE,
    CountTails,
    bracket,
    by_customer,
    checked_counts,
    count_classes,
)
from predclv.forecast.distribution import CountDistribution, HistoryCounts
from predclv.once import FieldsAlone, once
from predclv.samples.grouping import distinct

_ROWS = 4096  # customers at once

type Counts = CountDistribution | NegativeBinomialCounts
"""What a member knows of purchases: ``mass``, ``below`` and ``quantile``, of each customer."""


def of_rows(counts: Any, rows: NDArray) -> Any:
    """The distribution of some of the customers."""
    if isinstance(counts, CountDistribution):
        return CountDistribution(counts.per_history, counts.cell_of_customer[rows])
    return counts.of(rows)


def codes(counts: Any) -> NDArray:
    """Which customers a member cannot tell apart: whole numbers, equal where they are alike."""
    if isinstance(counts, CountDistribution):
        return counts.cell_of_customer
    _, code = distinct(counts.mean, counts.size)
    return code


class HistoryTails:
    """P(at least n purchases) of a model's histories, by the pieces in which they are calculated.

    Parameters
    ----------
    per_history : HistoryCounts
    """

    def __init__(self, per_history: HistoryCounts) -> None:
        parts = list(per_history.parts())
        self._starts = np.array([cells.start for cells, _, _ in parts])
        self._tails = [tails for _, _, tails in parts]

    def of(self, cells: NDArray) -> NDArray:
        """The tails of these histories at the classes of counts, to where all are negligible."""
        piece = np.searchsorted(self._starts, cells, side="right") - 1
        wanted = np.unique(piece)
        widest = max((self._tails[i].counts.size for i in wanted), default=1)
        found = np.zeros((cells.size, widest))
        for i in wanted:
            rows, tails = np.flatnonzero(piece == i), self._tails[i].tails
            found[rows, : tails.shape[1]] = tails[cells[rows] - self._starts[i]]
        return found


def tails_of(counts: Any) -> Callable[[NDArray], NDArray]:
    """What gives the tails of customers at the classes of counts, (m, k), as far as needed."""
    if isinstance(counts, CountDistribution):
        of_history = HistoryTails(counts.per_history)
        return lambda rows: of_history.of(counts.cell_of_customer[rows])
    return lambda rows: _binomial_tails(counts.of(rows))


def _binomial_tails(counts: NegativeBinomialCounts) -> NDArray:
    chance = counts.mean / (counts.size + counts.mean)
    found = []
    for n in count_classes():
        found.append(betainc(float(n), counts.size, chance))
        if found[-1].max(initial=0.0) < NEGLIGIBLE:
            break
    return np.column_stack(found)


@dataclass(frozen=True, eq=False)
class JointCounts(FieldsAlone):
    """How often customers will buy, by several members, of those whom some member tells apart.

    Attributes
    ----------
    weights : ndarray, shape (members,)
    members : tuple
        The distribution of each, all of the same n customers, in ascending order of ``frequency``.
    frequency : ndarray, shape (n,)
        Repeat purchases so far.
    """

    weights: NDArray
    members: Sequence[Any]
    frequency: NDArray

    def __len__(self) -> int:
        return self.frequency.size

    @once
    def _tails(self) -> list[Callable[[NDArray], NDArray]]:
        return [tails_of(member) for member in self.members]

    def tails(self, rows: NDArray) -> CountTails:
        """The mixture's tails of some, to where they are negligible."""
        each = [of(rows) for of in self._tails]
        width = max(tails.shape[1] for tails in each)
        found = np.zeros((rows.size, width))
        for weight, tails in zip(self.weights, each, strict=True):
            found[:, : tails.shape[1]] += weight * tails
        needed = 1 + int((found.max(axis=0, initial=0.0) >= NEGLIGIBLE).sum())
        return CountTails(np.array(list(islice(count_classes(), needed))), found[:, :needed])

    def by_frequency(self) -> Iterator[list[tuple[NDArray, CountTails]]]:
        """Places and their tails, some at a time; those of one frequency together."""
        ends = np.flatnonzero(np.diff(self.frequency, append=np.inf)) + 1
        for start, end in pairwise([0, *ends.tolist()]):
            steps = (np.arange(at, min(at + _ROWS, end)) for at in range(start, end, _ROWS))
            yield [(rows, self.tails(rows)) for rows in steps]

    def parts(self) -> Iterator[tuple[NDArray, CountTails]]:
        """Places and their tails, some at a time."""
        for group in self.by_frequency():
            yield from group

    def quantile(self, brackets: NDArray, probability: float) -> NDArray:
        """The smallest n with P(Y <= n) >= probability, shape (n,), int64.

        ``brackets`` (n, 2) are those of `bracket`. Between classes of counts the answer is looked
        for, of all customers together.
        """
        low, high = brackets.T.copy()
        wide = np.flatnonzero(high - low > 1)
        if wide.size:
            members = [of_rows(member, wide) for member in self.members]
            at, top = low[wide], high[wide]
            while np.any(top - at > 1):
                middle = (at + top) // 2
                below = sum(
                    weight * member.below(middle)
                    for weight, member in zip(self.weights, members, strict=True)
                )
                is_above = 1.0 - below > 1.0 - probability
                at, top = np.where(is_above, middle, at), np.where(is_above, top, middle)
            low[wide] = at
        return low


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MixtureCounts:
    """How often each customer will buy, by a mixture of members; asked as `CountDistribution`.

    Attributes
    ----------
    joint : JointCounts
    place : ndarray of int, shape (n,)
        Which of those told apart each customer is.
    """

    joint: JointCounts
    place: NDArray

    def __len__(self) -> int:
        return self.place.size

    def quantile(self, probability: float) -> NDArray:
        """The smallest k with P(Y <= k) >= probability, shape (n,), int64."""
        brackets = np.empty((len(self.joint), 2), np.int64)
        for rows, tails in self.joint.parts():
            brackets[rows] = bracket(tails, probability)
        return self.joint.quantile(brackets, probability)[self.place]

    def mass(self, counts: ArrayLike) -> NDArray:
        """P(Y = counts), one count per customer, shape (n,); exact given the members."""
        return self._mixed("mass", counts)

    def below(self, counts: ArrayLike) -> NDArray:
        """P(Y < counts), one count per customer, shape (n,); exact given the members."""
        return self._mixed("below", counts)

    def _mixed(self, what: str, counts: ArrayLike) -> NDArray:
        counts = checked_counts(counts, len(self))
        first, code = distinct(self.place, counts)
        rows, n = self.place[first], counts[first]
        found = np.zeros(first.size)
        for weight, member in zip(self.joint.weights, self.joint.members, strict=True):
            found += weight * getattr(of_rows(member, rows), what)(n)
        return found[code]

    def parts(self) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
        """The whole distribution, some customers at a time; as of `CountDistribution`."""
        pieces = ((int(places[0]), tails) for places, tails in self.joint.parts())
        return by_customer(self.place, len(self.joint), pieces)


def joined(
    weights: NDArray, members: Sequence[Any], frequency: NDArray
) -> tuple[JointCounts, NDArray, NDArray]:
    """Customers whom no member tells apart, taken once.

    Parameters
    ----------
    weights : ndarray, shape (members,)
    members : sequence
        Distributions of the same n customers.
    frequency : ndarray, shape (n,)

    Returns
    -------
    joint : JointCounts
    first : ndarray of int
        A customer of each.
    place : ndarray of int, shape (n,)
        Which of them each customer is.
    """
    first, place = distinct(frequency, *(codes(member) for member in members))
    order = np.argsort(frequency[first], kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(order.size)
    first = first[order]
    joint = JointCounts(weights, [of_rows(m, first) for m in members], frequency[first])
    return joint, first, back[place]
