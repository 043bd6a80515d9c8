"""Horizons on which covariates change: the ways ahead of customers, and time on each of them."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.engines.result import Fit
from predclv.errors import OptionError
from predclv.forecast.ahead import SETTLED_DAYS, Ahead, expectation_rule
from predclv.forecast.members import Members
from predclv.forecast.ways import StepTime, Ways, days_ahead
from predclv.likelihoods.effects import Effects
from predclv.models.futures import Future
from predclv.once import once
from predclv.samples.cells import Cells

_LEAST = 30.0  # days that are followed one by one
_MOST = 5000  # days, or equal parts of a longer horizon
_AT_ONCE = 1 << 15  # ways x days that are integrated at once
_INSIDE = 0.5 + np.array([-0.5, 0.5]) / np.sqrt(3.0)  # Gauss's two points of a day


@dataclass(frozen=True, eq=False)
class AheadOnWays(Ahead):
    """The horizon of customers whose covariates change on the days ahead, each on a way of theirs.

    As of `AheadOnCalendar`, purchases count by the time of `StepTime`, in which the customers' past
    is counted too, and discounts by days.

    Attributes
    ----------
    days : float
        Real days ahead; inf is the whole remaining lifetime.
    time : StepTime
        From the end of observation on.
    which : ndarray of int, shape (n,)
        The way of each customer who is asked about; at first, each way once.
    """

    days: float
    time: StepTime
    which: NDArray
    _shared: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def made(cls, time: StepTime, days: float, delta: float) -> "AheadOnWays":
        """So many days ahead, each way once."""
        each = np.arange(len(time.ways))
        ends = np.full(each.size, np.inf)
        if np.isfinite(days):
            ends = time.until(each, time.begin + days)
        return cls(ends, delta, days, time, each, {"ends": ends})  # type: ignore[arg-type]

    def along(self, way: NDArray | None) -> "AheadOnWays":
        """The horizon of customers on these ways."""
        assert way is not None  # customers on ways have each one
        return replace(self, t=self._shared["ends"][way], which=way)

    def some(self, rows: NDArray) -> "AheadOnWays":
        """The horizon of some of these customers, or of each as often as named."""
        return self if self.which.size == 1 else self.along(self.which[rows])

    def after(self, t: float) -> "AheadOnWays":
        """What is left of the horizon after so much real time."""
        days, ways = t * self._days_per_unit, self.time.ways
        ways = replace(ways, starts=np.maximum(ways.starts, self._end + days))
        return AheadOnWays.made(replace(self.time, ways=ways), self.days - days, self.delta)

    @property
    def is_endless(self) -> bool:
        """Whether the horizon is the whole remaining lifetime."""
        return bool(np.isinf(self.days))

    @property
    def _end(self) -> float:
        return float(self.time.begin[0])

    @property
    def _days_per_unit(self) -> float:
        return Steady(self.time.unit).days_per_unit

    @property
    def _delta_per_day(self) -> float:
        return self.delta / self._days_per_unit

    def times_at(self, shares: NDArray) -> NDArray:
        """The time of each customer when such shares of the horizon have passed, (shares, n)."""
        days = self.days * np.asarray(shares, float)[:, None]
        return self.time.until(self.which, self._end + days)

    def period_of(self, when: NDArray, shares: NDArray) -> NDArray:
        """The period that each purchase falls in, which end when such shares have passed."""
        found = np.zeros(when.size, np.int64)
        for share in shares[:-1]:
            found += when > self.time.until(self.which, self._end + self.days * share)
        return found

    @property
    def until_worthless(self) -> Any:
        """The time after which a purchase is worth less than 1e-4 of one today, (n,)."""
        days = super().until_worthless * self._days_per_unit
        return self.time.until(self.which, self._end + days)

    def discount(self, when: NDArray) -> NDArray:
        """What a purchase after so much of each customer's time is worth today."""
        return np.exp(-self._delta_per_day * (self.time.day_at(self.which, when) - self._end))

    @property
    def rate(self) -> Any:
        """How fast time runs on average, in the long run, (n,)."""
        long, below = 1.0, self.time.below
        if below is not None:
            last = self._end + SETTLED_DAYS
            year = Steady(self.time.unit).elapsed(365.2425)
            long = float(below.elapsed(last, last + 365.2425) / year)
        return long * self.time.times[self.time.ways.last[self.which]]

    @property
    def _followed(self) -> float:
        """Days that are followed one by one; after them, without an end, time is steady."""
        if not self.is_endless:
            return self.days
        if self.time.below is not None:
            return SETTLED_DAYS
        return max(float(self.time.ways.starts.max()) - self._end, _LEAST)

    def discounted_purchases(self, future: Future) -> NDArray:
        """Expected purchases within the horizon, each discounted by the days until then."""
        if self.delta == 0:
            return future.expected_purchases(self.t)
        nodes, weights = self._rule
        nodes, weights = nodes[self.which].T, weights[self.which].T
        end = nodes[-1]
        alike = self.delta * self._followed / self._days_per_unit / end
        total: Any = future.discounted_purchases(end, alike)
        if weights.any():
            unlike = future.expected_purchases(nodes[:, None, :])
            total = total + np.einsum("kn,kdn->dn", weights, unlike)
        if not self.is_endless:
            return total
        delta = self.delta / self.rate
        rest = future.discounted_purchases(np.inf, delta) - future.discounted_purchases(end, delta)
        worth = np.exp(delta * end - self._delta_per_day * self._followed)
        return total + worth * rest

    @property
    def _rule(self) -> tuple[NDArray, NDArray]:
        """As of `AheadOnCalendar.rule`, of each way: nodes and weights, (n_ways, nodes) each."""
        if "rule" not in self._shared:
            days, per_day = self._followed, self._delta_per_day
            edges = np.append(np.arange(np.ceil(days)), days)
            if edges.size > _MOST:
                edges = np.linspace(0.0, days, _MOST)
            length = np.diff(edges)
            s = (edges[:-1, None] + length[:, None] * _INSIDE).ravel()
            worth = 0.5 * per_day * np.exp(-per_day * s) * np.repeat(length, 2)
            many, step = len(self.time.ways), max(1, _AT_ONCE // s.size)
            parts = []
            for begin in range(0, many, step):
                way = np.arange(begin, min(begin + step, many))
                at = self.time.until(way[:, None], self._end + s)
                end = self.time.until(way, self._end + days)
                parts.append(expectation_rule(at, end, s / days, worth))
            nodes, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
            self._shared["rule"] = nodes, weights
        return self._shared["rule"]


@dataclass(frozen=True, eq=False)
class MembersOnWays(Members):
    """Members of customers whose covariates change on the days ahead.

    Attributes
    ----------
    ways : Ways
    """

    ways: Ways | None = None

    def _read(self, clock: Any, recall: Any, effects: Effects | None) -> dict[str, Any]:
        assert self.ways is not None
        return super()._read(clock, recall, effects) | {"way": self.ways.of_cell}

    @once
    def _spans(self) -> None:
        """Nothing: each way has another length at other effects, and models know of one."""
        return None

    def _ahead_on(self, clock: Steady | Calendar | None, effects: Effects | None) -> Ahead:
        assert self.ways is not None
        assert effects is not None
        days = self.t * Steady(self.fit.unit).days_per_unit
        time = self.ways.time(clock, self.fit.unit, effects)
        return AheadOnWays.made(time, days, self.delta)


def members_of(
    fit: Fit, cells: Cells, to_fit_unit: float, t: float, delta: float, by_pattern: bool
) -> Members:
    """What a fit says of cells, on the ways ahead that they know of."""
    own = (fit, cells, to_fit_unit, t, delta)
    ways = None if fit.covariates is None else Ways.ahead(cells, fit.covariates)
    if ways is None:
        return Members(*own, by_pattern=by_pattern)
    return MembersOnWays(*own, by_pattern=by_pattern, ways=ways)


def changing_ahead(cells: Cells) -> tuple[str, ...]:
    """The covariates that differ, on some day ahead, from what they were at the end."""
    _, pairs, row, _, pattern = days_ahead(cells)
    assert cells.patterns is not None
    frame, before = cells.patterns.frame, pairs[row, 1]
    return tuple(
        str(name)
        for name in frame
        if (frame[name].to_numpy()[pattern] != frame[name].to_numpy()[before]).any()
    )


def refuse_on_spend(effects: Effects | None, changing: tuple[str, ...]) -> None:
    """What changes ahead acts on the rate alone, not on spend.

    Raises
    ------
    OptionError
    """
    on_spend = () if effects is None else [n for g in effects.groups for n in g.coding.covariates]
    both = [name for name in changing if name in on_spend]
    if both:
        raise OptionError(
            f"{', '.join(map(repr, both))} changes on the days ahead and acts on spend, and what "
            "changes acts on 'rate' alone. Leave it out of the table, or of covariates['spend']."
        )
