"""Horizons on which covariates change: customers whose days ahead are alike, and their clock."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.errors import OptionError
from predclv.forecast.ahead import Ahead, AheadOnCalendar
from predclv.forecast.members import Member, Members
from predclv.likelihoods.effects import Effects
from predclv.once import FieldsAlone, once
from predclv.samples.cells import Cells
from predclv.samples.paths import Paths

_LEAST = 30.0  # days that are followed one by one


@dataclass(frozen=True, eq=False)
class ClockOnPath(FieldsAlone):
    r"""A clock of customers whose covariates change on the days ahead.

    Time by it is that of the clock below times how many times as fast customers then buy as they do
    at the end of observation, :math:`\sum_{u} s(u) e^{\gamma'(z(u) - z(end))}`: the time in which
    their past is counted too.

    Attributes
    ----------
    below : Calendar or None
        None is the steady clock.
    unit : str
    starts : ndarray, shape (k,)
        Ends of days, since 1970-01-01, after which another rate holds; the first is the end of
        observation, before which this clock knows nothing.
    times : ndarray, shape (k,)
        How many times as fast from then on.
    """

    below: Calendar | None
    unit: str
    starts: NDArray
    times: NDArray

    def _elapsed_below(self, first: NDArray, last: NDArray) -> NDArray:
        if self.below is None:
            return (last - first) / Steady(self.unit).days_per_unit
        return self.below.elapsed(first, last)

    @once
    def _sums(self) -> NDArray:
        """Time from the end of observation to each of ``starts``, shape (k,)."""
        steps = self.times[:-1] * self._elapsed_below(self.starts[:-1], self.starts[1:])
        return np.append(0.0, np.cumsum(steps))

    def _until(self, day: ArrayLike) -> NDArray:
        day = np.asarray(day, float)
        at = np.searchsorted(self.starts, day, side="right") - 1
        return self._sums[at] + self.times[at] * self._elapsed_below(self.starts[at], day)

    def elapsed(self, first: ArrayLike, last: ArrayLike) -> NDArray:
        """Time from the end of day ``first`` to that of ``last``, as of `Calendar.elapsed`."""
        return self._until(last) - self._until(first)

    def days_until(self, first: ArrayLike, elapsed: ArrayLike) -> NDArray:
        """Days after day ``first`` until so much time has elapsed: the inverse, (n,)."""
        goal = self._until(first) + np.asarray(elapsed, float)
        at = np.searchsorted(self._sums, goal, side="right") - 1
        rest, start = (goal - self._sums[at]) / self.times[at], self.starts[at]
        if self.below is None:
            days = rest * Steady(self.unit).days_per_unit
        else:
            days = self.below.days_until(start, rest)
        return start + days - np.asarray(first, float)


@dataclass(frozen=True, eq=False)
class AheadOnPath(AheadOnCalendar):
    """The horizon by such a clock, which is steady after the last change where no calendar is."""

    @property
    def settled(self) -> float:
        """Days after which the clock is steady."""
        clock: Any = self.clock
        if clock.below is not None:
            return super().settled
        return max(float(clock.starts[-1] - clock.starts[0]), _LEAST)


@dataclass(frozen=True, eq=False)
class MembersAhead(Members):
    """Members of customers whose covariates change alike on the days ahead.

    Attributes
    ----------
    starts : ndarray, shape (k,)
        As of `ClockOnPath`.
    apart : ndarray, shape (k, effects)
        The columns of the rate's effects from then on, less those at the end of observation.
    """

    starts: NDArray | None = None
    apart: NDArray | None = None

    def _ahead_on(self, clock: Steady | Calendar | None) -> Ahead:
        return self._on_path(clock, self.fit.covariates)

    def _on_path(self, clock: Steady | Calendar | None, effects: Effects | None) -> Ahead:
        assert self.starts is not None
        assert self.apart is not None
        assert effects is not None
        below = clock if isinstance(clock, Calendar) else None
        times = np.exp(self.apart @ effects.coefficients)
        on_path: Any = ClockOnPath(below, self.fit.unit, self.starts, times)
        days = self.t * Steady(self.fit.unit).days_per_unit
        return AheadOnPath.of(on_path, self.cells.known_last_day, days, self.delta)

    def at(self, free: NDArray) -> Member:
        """The member at free parameters (k,), those of clock, recall and covariates included."""
        member = super().at(free)
        own, clock, effects = len(self.fit.model.names()), self.fit.clock, self.fit.covariates
        assert effects is not None
        if isinstance(clock, Calendar):
            clock = clock.at(free[own : own + len(clock.names)])
        effects = effects.at(free[free.size - len(effects.names) :])
        return replace(member, ahead=self._on_path(clock, effects))


def changing_ahead(cells: Cells) -> tuple[str, ...]:
    """The covariates that differ, on some day ahead, from what they were at the end."""
    _, pairs, row, pattern = _days_ahead(cells)
    assert cells.patterns is not None
    frame, before = cells.patterns.frame, pairs[row, 1]
    return tuple(
        str(name)
        for name in frame
        if (frame[name].to_numpy()[pattern] != frame[name].to_numpy()[before]).any()
    )


def _days_ahead(cells: Cells) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Days ahead of each kind of customer: kinds by path ahead and pattern at the end.

    Returns
    -------
    kind : ndarray of int, shape (n_cells,)
    pairs : ndarray, shape (kinds, 2)
        Path ahead, and pattern at the end.
    row : ndarray of int, shape (n_rows,)
        The kind that each row of days ahead is of, ascending.
    pattern : ndarray of int, shape (n_rows,)
    """
    paths = cells.ahead
    assert paths is not None
    columns = [np.asarray(cells.extra[name], np.int64) for name in ("ahead", "pattern")]
    pairs, kind = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    length = np.diff(np.append(paths.first_row, paths.path.size))[pairs[:, 0]]
    row = np.repeat(np.arange(len(pairs)), length)
    within = np.arange(row.size) - np.repeat(np.cumsum(length) - length, length)
    return kind.ravel(), pairs, row, paths.pattern[paths.first_row[pairs[row, 0]] + within]


def groups_ahead(cells: Cells, effects: Effects) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Cells whose rate changes alike on the days ahead.

    Yields
    ------
    cells : ndarray of int
        Which.
    starts, apart : ndarray
        As of `MembersAhead`.
    """
    assert cells.patterns is not None
    assert cells.ahead is not None
    columns = effects.matrix(cells.patterns) * effects.acts("rate")
    kind, pairs, row, pattern = _days_ahead(cells)
    apart = columns[pattern] - columns[pairs[row, 1]] + 0.0
    first = cells.ahead.first_row[pairs[:, 0]]
    begins = np.searchsorted(row, np.arange(len(pairs) + 1))
    found: dict[tuple[bytes, bytes], tuple[NDArray, NDArray, list[int]]] = {}
    for of, (begin, end) in enumerate(pairwise(begins.tolist())):
        here = apart[begin:end]
        new = np.append(True, (here[1:] != here[:-1]).any(axis=1))
        starts = cells.ahead.from_day[first[of] : first[of] + end - begin][new] - 1.0
        key = starts.tobytes(), here[new].tobytes()
        found.setdefault(key, (starts, here[new], []))[2].append(of)
    group = np.empty(len(pairs), np.int64)
    for number, (_, _, kinds) in enumerate(found.values()):
        group[kinds] = number
    order = np.argsort(group[kind], kind="stable")
    ends = np.searchsorted(group[kind][order], np.arange(len(found)), side="right")
    for (starts, here, _), which in zip(found.values(), np.split(order, ends[:-1]), strict=True):
        yield which, starts, here


def some_of(cells: Cells, which: NDArray) -> Cells:
    """Some of the cells, with the paths that these are on."""
    own: dict[str, Any] = {
        name: getattr(cells, name)[which] for name in ("frequency", "recency", "T", "weight")
    }
    extra: dict[str, Any] = {name: column[which] for name, column in cells.extra.items()}
    paths = cells.paths
    if paths is not None:
        kept, extra["path"] = np.unique(extra["path"], return_inverse=True)
        rows = np.isin(paths.path, kept)
        number = np.searchsorted(kept, paths.path[rows])
        paths = Paths(number, paths.from_day[rows], paths.pattern[rows])
    return replace(cells, **own, extra=extra, paths=paths)


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
