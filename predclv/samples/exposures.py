"""How customers are exposed to a clock: the days each history spans, and sums over them."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.clocks.base import Steady
from predclv.clocks.days import date_of
from predclv.errors import DataError
from predclv.maths.levels import Levels
from predclv.once import FieldsAlone, once


@dataclass(frozen=True, eq=False)
class CalendarExposure(FieldsAlone):
    r"""Histories on a calendar: which days lie between a customer's purchases.

    Observation ends on one day for everybody, so recency and age in days name calendar days, and
    cells of equal histories stay all that a likelihood needs. With a rate s(u) per day it is

    .. math::
        \sum_{cells} w \, l(x, t_x, T) + \sum_u n(u) \log s(u), \qquad
        t_x = \sum_{u=f+1}^{f+recency} s(u), \quad T = \sum_{u=f+1}^{last} s(u)

    for first purchases on day f and n(u) repeat purchases on day u. Both times are linear in the
    rates: sums of them up to a day, minus one another. T takes one value per day of a first
    purchase and t_x one per pair of days, whatever the rates, so models that take a function once
    per distinct value (:class:`predclv.maths.levels.Levels`) do so on a clock too.

    Attributes
    ----------
    born, latest : ndarray of int, shape (n_cells,)
        Days from the log's first day to the first and to the last purchase.
    purchases : ndarray, shape (n_days,)
        Repeat purchases of all customers on each day after the log's first, up to the end.
    unit : str
        Of the times that have elapsed.
    gaps : ndarray of int, shape (3, n), or None
        Consecutive purchases of regular buyers: the days of both, and how many customers have such
        a pair. Customers who buy at random do not need them.

    Examples
    --------
    >>> exposure = CalendarExposure.of([2, 0], [3, 1], 3, 0, [0, 1, 0], "day")
    >>> for times in exposure.elapsed(np.array([0.5, 1.0, 1.5])):
    ...     print(times.tolist())
    [1.5, 0.0]
    [3.0, 1.5]
    """

    born: NDArray
    latest: NDArray
    purchases: NDArray
    unit: str
    gaps: NDArray | None = None

    @classmethod
    def of(
        cls,
        recency_days: ArrayLike,
        age_days: ArrayLike,
        last_day: int,
        first_day: int,
        purchases_per_day: ArrayLike,
        unit: str,
        gaps: ArrayLike | None = None,
    ) -> Self:
        """Of histories in whole days.

        Parameters
        ----------
        recency_days, age_days : array_like of int, shape (n_cells,)
            Days from the first purchase to the last one and to the end of observation.
        last_day, first_day : int
            The end of observation, and the log's first day, since 1970-01-01.
        purchases_per_day : array_like, shape (last_day - first_day,)
            Repeat purchases on each day after ``first_day``.
        unit : str
            Of time.
        gaps : array_like of int, shape (3, n), optional
            The days of consecutive purchases since 1970-01-01, and how many pairs there are.

        Raises
        ------
        DataError
            If a history began before ``first_day`` or is not in order, or days do not match.
        """
        recency, age = (np.asarray(days, np.int64) for days in (recency_days, age_days))
        n_days = last_day - first_day
        purchases = np.asarray(purchases_per_day, float)
        if purchases.shape != (n_days,):
            raise DataError(
                f"There are {n_days:,} days after {date_of(first_day)} up to {date_of(last_day)}, "
                f"but purchases of {purchases.size:,}."
            )
        if np.any(age > n_days):
            raise DataError(
                f"A customer's first purchase lies before {date_of(first_day)}, the log's first "
                f"day: {date_of(last_day - age.max())}."
            )
        if np.any((recency < 0) | (recency > age)):
            raise DataError("A last purchase must lie between the first one and the end.")
        Steady(unit)
        pairs = None
        if gaps is not None:
            pairs = np.asarray(gaps, np.int64) - np.array([[first_day], [first_day], [0]])
        return cls(n_days - age, n_days - age + recency, purchases, unit, pairs)

    def of_cells(self, rows: NDArray, first: bool) -> Self:
        """That of some of the cells; purchases and gaps, of everybody, in the first's alone."""
        purchases, gaps = np.zeros_like(self.purchases), None
        if first:
            purchases, gaps = self.purchases, self.gaps
        return replace(
            self, born=self.born[rows], latest=self.latest[rows], purchases=purchases, gaps=gaps
        )

    @property
    def days_per_unit(self) -> float:
        """Days in one unit of the times that have elapsed."""
        return Steady(self.unit).days_per_unit

    def elapsed(self, rate: NDArray) -> tuple[NDArray, NDArray]:
        """Times of the last purchase and of observation, t_x and T of each cell, as Levels.

        Parameters
        ----------
        rate : ndarray, shape (n_days,)
            How fast the clock runs on each day after the log's first.

        Returns
        -------
        t_x, T : Levels, shape (n_cells,)
            Arrays that know which of their elements are equal.
        """
        until = self._until(rate)
        (born, latest), codes = self._pairs
        t_x = Levels.coded(until[latest] - until[born], codes)
        return t_x, Levels.coded(until[-1] - until, self.born)

    def _until(self, rate: NDArray) -> NDArray:
        """Time from the log's first day to each day, shape (n_days + 1,)."""
        return np.concatenate([[0.0], np.cumsum(rate)]) / self.days_per_unit

    def log_gaps(self, rate: NDArray) -> tuple[float, NDArray]:
        """The sum of the logarithms of the gaps, and its slopes in each day's rate, (n_days,)."""
        assert self.gaps is not None
        earlier, later = self.gaps[:2].astype(np.int64)
        weight = self.gaps[2]
        until = self._until(rate)
        length = until[later] - until[earlier]
        # A search may try a rate at which days pass in no time at all: that is as bad as can be.
        with np.errstate(divide="ignore", invalid="ignore"):
            by_sum = np.bincount(later, weight / length, until.size)
            by_sum -= np.bincount(earlier, weight / length, until.size)
            return float(weight @ np.log(length)), self._by_rate(by_sum)

    @property
    def born_of_levels(self) -> NDArray:
        """The day of the first purchase for each level of the first time `elapsed` gives.

        As of ``born``. Those of the second time stand for the days themselves, 0, 1, 2, ...
        """
        return self._pairs[0][0]

    @once
    def _pairs(self) -> tuple[NDArray, NDArray]:
        """The different pairs of first and last days, shape (2, n_pairs), and which cell has which.

        A search by one whole number per pair, which a million cells wait 0.1 s for, once.
        """
        days = self.purchases.size + 1
        found, codes = np.unique(self.born * days + self.latest, return_inverse=True)
        return np.stack(np.divmod(found, days)), codes

    def pulled(self, by_t_x: NDArray, by_T: NDArray) -> NDArray:
        """Slopes in each day's rate, from slopes in the two times; the adjoint of `elapsed`.

        Parameters
        ----------
        by_t_x, by_T : ndarray, shape (n_cells,)
            How a value changes with the times of each cell, weights included.

        Returns
        -------
        ndarray, shape (n_days,)
        """
        days = self.purchases.size + 1
        by_sum = np.bincount(self.latest, by_t_x, days)
        by_sum -= np.bincount(self.born, by_t_x + by_T, days)
        by_sum[-1] += by_T.sum()
        return self._by_rate(by_sum)

    def _by_rate(self, by_sum: NDArray) -> NDArray:
        """Slopes in each day's rate, from those in the sums of rates up to a day."""
        return np.cumsum(by_sum[:0:-1])[::-1] / self.days_per_unit


def consecutive(owner: NDArray, day: NDArray, born: NDArray) -> NDArray:
    """The days of each purchase and of the one before it, and 1; (3, n). Sorted by owner, day."""
    before = np.where(np.diff(owner, prepend=-1) > 0, born[owner], np.roll(day, 1))
    return np.stack([before, day, np.ones_like(day)])
