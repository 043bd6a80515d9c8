"""Tracking of customers whose covariates change: each on the days that they have lived through."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from predclv.clocks.base import Steady
from predclv.forecast.ways import StepTime, Ways

_ASKED = 20_000  # expectations from which on a spline stands in
_KNOTS = 1500  # of it, denser where customers are young: off by less than 1e-8
_KINDS = 3000  # kinds of customers of whom drawn parameters are asked; of more, a sample
SAMPLE = 10_000
"""Customers simulated; chance in the sum of more is scaled from them."""
_WORK = 1_000_000  # customers x simulated futures
_FEWEST, _MOST = 120, 400  # futures: an end of a 90% band is known to 0.2 standard deviations


@dataclass(frozen=True, slots=True, eq=False)
class CohortOnWays:
    """Who came when and how their covariates changed, and the ends of the periods.

    Attributes
    ----------
    ways : Ways
        Since birth.
    unit : str
        Of the fit.
    way, pattern, weight : ndarray, shape (n_kinds,)
        Kinds of customers: their way, their pattern at the end of observation, how many they are.
    ends : ndarray of int, shape (n_periods,)
        The last day of each period, since 1970-01-01.
    extra : int
        Days by which each customer is older than their first purchase says.
    """

    ways: Ways
    unit: str
    way: NDArray
    pattern: NDArray
    weight: NDArray
    ends: NDArray
    extra: int

    @classmethod
    def of(
        cls, ways: Ways, unit: str, way: NDArray, pattern: NDArray, ends: NDArray, extra: int
    ) -> "CohortOnWays":
        """Of customers one by one, on these ways and in these patterns."""
        pairs, count = np.unique(np.stack([way, pattern]), axis=1, return_counts=True)
        return cls(ways, unit, pairs[0], pairs[1], count, ends, extra)

    def _some(self, kinds: NDArray, weight: NDArray) -> "CohortOnWays":
        way, pattern = self.way[kinds], self.pattern[kinds]
        return CohortOnWays(self.ways, self.unit, way, pattern, weight, self.ends, self.extra)

    def _ages(self, time: StepTime, way: NDArray, days: NDArray) -> NDArray:
        """Time since first purchases at the ends of days, 0 for who has not come yet."""
        begin, more = time.begin[way], Steady(self.unit).elapsed(self.extra)
        ages = time.until(way, np.maximum(days, begin))
        first = time.times[self.ways.first[way]]
        return np.where(days > begin - (self.extra > 0), ages + more * first, 0.0)

    def expected(self, model: Any, clock: Any) -> NDArray:
        """Expected repeat purchases by the end of each period, (n_periods,).

        Parameters
        ----------
        model : ByPattern
        clock : Steady or Calendar
        """
        time, total = self.ways.time(clock, self.unit, model.effects), np.zeros(self.ends.size)
        for z in np.unique(self.pattern).tolist():
            kinds = np.flatnonzero(self.pattern == z)
            of_kind = model.alone(z).expected_purchases
            ages = self._ages(time, self.way[kinds][:, None], self.ends)
            if ages.size > _ASKED:
                knots = ages.max() * np.linspace(0.0, 1.0, _KNOTS) ** 2
                of_kind = CubicSpline(knots, of_kind(knots))
            total += self.weight[kinds] @ of_kind(ages)
        return np.maximum(total, 0.0)

    def expected_of(self, drawn: list[tuple[Any, Any]], rng: np.random.Generator) -> NDArray:
        """The same by each of several models, with their clocks, shape (draws, n_periods)."""
        sample, scale = self, 1.0
        if self.way.size > _KINDS:
            share = self.weight / self.weight.sum()
            chosen = np.bincount(rng.choice(share.size, _KINDS, p=share), minlength=share.size)
            kinds = np.flatnonzero(chosen)
            sample, scale = self._some(kinds, chosen[kinds]), self.weight.sum() / _KINDS
        return scale * np.array([sample.expected(*member) for member in drawn])

    def chance(self, model: Any, clock: Any, rng: np.random.Generator) -> NDArray:
        """How far simulated futures lie from what is expected, (futures, n_periods)."""
        kind = np.repeat(np.arange(self.way.size), self.weight)
        everybody = kind.size
        if everybody > SAMPLE:
            kind = rng.choice(kind, SAMPLE, replace=False)
        kinds, count = np.unique(kind, return_counts=True)
        expected = self._some(kinds, count).expected(model, clock)
        time, way = self.ways.time(clock, self.unit, model.effects), self.way[kind]
        observed = self._ages(time, way, self.ends[-1])
        first = Steady(self.unit).elapsed(self.extra) * time.times[self.ways.first[way]]

        def day_of(owner: NDArray, when: NDArray) -> NDArray:
            return time.day_at(way[owner], np.maximum(when - first[owner], 0.0))

        found = simulated(model.of(self.pattern[kind]), observed, self.ends, day_of, rng)
        return (found - expected) * np.sqrt(everybody / kind.size)


def simulated(
    customers: Any,
    observed: NDArray,
    ends: NDArray,
    day_of: Callable[[NDArray, NDArray], NDArray],
    rng: np.random.Generator,
) -> NDArray:
    """Repeat purchases of customers by the end of each period, (futures, n_periods).

    ``observed``: how long each is looked at, by the clock; ``day_of(owner, when)``: the day of a
    purchase so long after the first one.
    """
    found = np.empty((int(np.clip(_WORK // observed.size, _FEWEST, _MOST)), ends.size))
    for row in found:
        period = np.searchsorted(ends, day_of(*customers.paths(observed, rng).times(rng)))
        row[:] = np.cumsum(np.bincount(period, minlength=ends.size + 1)[: ends.size])
    return found
