"""Customers by every day of purchase: what a likelihood needs to which days are not alike."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.samples.grouping import distinct


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """The days on which customers bought, customer by customer; equal short ones are counted.

    Days count from the log's first day. Customers stand by falling number of purchases, so that
    those with at least so many of them are the first ones.

    Attributes
    ----------
    born : ndarray of int, shape (n,)
        The day of the first purchase.
    frequency : ndarray of int, shape (n,)
        Repeat purchases, descending.
    days : ndarray of int, shape (n_purchases,)
        The days of repeat purchases: one customer's after the other's, ascending.
    weight : ndarray, shape (n,)
        Customers with this sequence: one where there are two repeat purchases or more.
    end : int
        The day on which observation ended.
    pattern : ndarray of int, shape (n,), or None
        What is known of the customers; None where nobody asked.

    Examples
    --------
    >>> bought = Sequences.of(["a", "a", "b", "c", "d", "d", "d"], [0, 3, 1, 1, 0, 2, 5], end=6)
    >>> bought.frequency.tolist(), bought.born.tolist(), bought.days.tolist()
    ([2, 1, 0], [0, 0, 1], [2, 5, 3])
    >>> bought.weight.tolist()
    [1.0, 1.0, 2.0]
    """

    born: NDArray
    frequency: NDArray
    days: NDArray
    weight: NDArray
    end: int
    pattern: NDArray | None = None

    @classmethod
    def of(cls, customers: ArrayLike, days: ArrayLike, end: int) -> Self:
        """Of purchases in rows, each customer's together and in the order of time.

        Parameters
        ----------
        customers : array_like, shape (n_rows,)
            Whose purchase.
        days : array_like of int, shape (n_rows,)
            When, first purchases included.
        end : int
            The day on which observation ended.
        """
        ids, days = np.asarray(customers), np.asarray(days, np.int64)
        begin = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
        return cls.of_counted(days[begin], np.diff(begin, append=ids.size) - 1, days, end)

    @classmethod
    def of_counted(
        cls,
        born: NDArray,
        frequency: NDArray,
        days: NDArray,
        end: int,
        pattern: NDArray | None = None,
    ) -> Self:
        """The same where each customer's rows are counted already; ``days`` with first ones."""
        begin = np.cumsum(frequency + 1) - frequency - 1
        second = days[np.minimum(begin + 1, days.size - 1)]
        own = np.where(frequency > 1, np.arange(frequency.size), -1)
        known = () if pattern is None else (pattern,)
        once = np.where(frequency == 1, second, -1)
        first, code = distinct(frequency, born, once, own, *known)
        weight = np.bincount(code).astype(float)
        order = np.lexsort((born[first], -frequency[first]))
        chosen = first[order]
        lengths = frequency[chosen]
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = np.repeat(begin[chosen] + 1, lengths) + within
        of_chosen = None if pattern is None else pattern[chosen]
        return cls(born[chosen], lengths, days[places], weight[order], end, of_chosen)

    def of_rows(self, rows: NDArray) -> Self:
        """Some of the sequences, at these places in ascending order."""
        kept = np.zeros(len(self), bool)
        kept[rows] = True
        return replace(
            self,
            born=self.born[rows],
            frequency=self.frequency[rows],
            days=self.days[np.repeat(kept, self.frequency)],
            weight=self.weight[rows],
            pattern=None if self.pattern is None else self.pattern[rows],
        )

    def __len__(self) -> int:
        return self.born.size

    @property
    def last(self) -> NDArray:
        """The day of the last purchase, shape (n,)."""
        ends = np.cumsum(self.frequency) - 1
        return np.where(self.frequency > 0, self.days[np.maximum(ends, 0)], self.born)


def ranked(frequency: NDArray) -> tuple[NDArray, NDArray]:
    """An order of repeat purchases by their number: all second purchases, then all third ones.

    Parameters
    ----------
    frequency : ndarray of int, shape (n,)
        Repeat purchases, descending.

    Returns
    -------
    order : ndarray of int, shape (n_purchases,)
        Places among the purchases, customer by customer.
    counts : ndarray of int, shape (max frequency,)
        Customers with so many purchases at least: the first ones of all.

    Examples
    --------
    >>> order, counts = ranked(np.array([3, 1]))
    >>> order.tolist(), counts.tolist()
    ([0, 3, 1, 2], [2, 1, 1])
    """
    number = np.arange(int(frequency.sum()))
    rank = number - np.repeat(np.cumsum(frequency) - frequency, frequency)
    return np.argsort(rank, kind="stable"), np.bincount(rank)
