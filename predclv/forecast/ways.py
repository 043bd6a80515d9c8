"""How covariates of customers change day by day, and time on each of these ways."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.likelihoods.effects import Effects
from predclv.once import FieldsAlone, once
from predclv.samples.cells import Cells


@dataclass(frozen=True, eq=False)
class Ways(FieldsAlone):
    """How covariates of customers change: what holds from when on, way by way.

    Attributes
    ----------
    first : ndarray of int, shape (n_ways,)
        Where each way begins.
    way : ndarray of int, shape (n_steps,)
        The way that each step is of, ascending.
    starts : ndarray, shape (n_steps,)
        Ends of days, since 1970-01-01, after which another rate holds; time on a way counts from
        the first. The last step goes on for ever.
    apart : ndarray, shape (n_steps, effects)
        The columns of the rate's effects from then on, less those at the end of observation.
    of_cell : ndarray of int, shape (n_cells,)
        Of each history.
    """

    first: NDArray
    way: NDArray
    starts: NDArray
    apart: NDArray
    of_cell: NDArray

    @classmethod
    def ahead(cls, cells: Cells, effects: Effects) -> "Ways | None":
        """From the end of observation on; None where nothing that acts on the rate changes."""
        if cells.ahead is None or cells.patterns is None:
            return None
        columns = effects.matrix(cells.patterns) * effects.acts("rate")
        kind, pairs, row, from_day, pattern = days_ahead(cells)
        apart = columns[pattern] - columns[pairs[row, 1]] + 0.0
        return cls._of(row, from_day - 1.0, apart, kind) if apart.any() else None

    @classmethod
    def since_birth(cls, cells: Cells, effects: Effects) -> "Ways":
        """From first purchases on, and as far ahead as is known."""
        assert cells.patterns is not None
        columns = effects.matrix(cells.patterns) * effects.acts("rate")
        pattern = np.asarray(cells.extra["pattern"], np.int64)
        by = [pattern, cells.known_last_day - cells.age_days]
        by += [np.asarray(cells.extra[n], np.int64) for n in ("path", "ahead") if n in cells.extra]
        kinds, kind = np.unique(np.column_stack(by), axis=0, return_inverse=True)
        rows = []
        if cells.paths is None:
            rows.append((np.arange(len(kinds)), kinds[:, 1] + 1.0, kinds[:, 0]))
        for paths, column in ((cells.paths, 2), (cells.ahead, len(by) - 1)):
            if paths is not None:
                row, place = rows_of(paths.first_row, paths.path.size, kinds[:, column])
                rows.append((row, paths.from_day[place].astype(float), paths.pattern[place]))
        row, from_day, held = (np.concatenate(part) for part in zip(*rows, strict=True))
        order = np.lexsort((from_day, row))
        row, from_day, held = row[order], from_day[order], held[order]
        starts = from_day - 1.0
        starts[np.searchsorted(row, np.arange(len(kinds)))] = kinds[:, 1]
        apart = columns[held] - columns[kinds[row, 0]] + 0.0
        return cls._of(row, starts, apart, kind.ravel())

    @classmethod
    def _of(cls, row: NDArray, starts: NDArray, apart: NDArray, kind: NDArray) -> "Ways":
        """Those of kinds of customers, ascending, of whom some may be alike."""
        number: dict[tuple[bytes, bytes], int] = {}
        found: list[tuple[NDArray, NDArray]] = []
        ends = np.flatnonzero(np.diff(row)) + 1
        way_of = np.empty(ends.size + 1, np.int64)
        for of, (own, here) in enumerate(
            zip(np.split(starts, ends), np.split(apart, ends), strict=True)
        ):
            new = np.append(True, (here[1:] != here[:-1]).any(axis=1))
            key = own[new].tobytes(), here[new].tobytes()
            way_of[of] = number.setdefault(key, len(found))
            if way_of[of] == len(found):
                found.append((own[new], here[new]))
        lengths = [len(own) for own, _ in found]
        return cls(
            np.cumsum([0, *lengths[:-1]]),
            np.repeat(np.arange(len(found)), lengths),
            np.concatenate([own for own, _ in found]),
            np.concatenate([here for _, here in found]),
            way_of[kind],
        )

    def __len__(self) -> int:
        return self.first.size

    @property
    def last(self) -> NDArray:
        """The last step of each way, shape (n_ways,)."""
        return np.append(self.first[1:], self.way.size) - 1

    def time(self, clock: Any, unit: str, effects: Effects) -> "StepTime":
        """Time on them, by a fit's clock and effects."""
        below = clock if isinstance(clock, Calendar) else None
        return StepTime(self, np.exp(self.apart @ effects.coefficients), below, unit)


@dataclass(frozen=True, eq=False)
class StepTime(FieldsAlone):
    r"""Time of customers whose covariates change, each on a way of theirs.

    It is that of the clock below times how many times as fast customers buy as they do at the end
    of observation, :math:`\sum_{u} s(u) e^{\gamma'(z(u) - z(end))}`.

    Attributes
    ----------
    ways : Ways
    times : ndarray, shape (n_steps,)
        How many times as fast it is from each step on.
    below : Calendar or None
        None is the steady clock.
    unit : str
    """

    ways: Ways
    times: NDArray
    below: Calendar | None
    unit: str

    def _below(self, first: NDArray, last: NDArray) -> NDArray:
        if self.below is None:
            return (last - first) / Steady(self.unit).days_per_unit
        return self.below.elapsed(first, last)

    @property
    def begin(self) -> NDArray:
        """The day from the end of which time counts, shape (n_ways,)."""
        return self.ways.starts[self.ways.first]

    @once
    def _sums(self) -> NDArray:
        """Time from the beginning of each way to each of its steps, shape (n_steps,)."""
        starts, first = self.ways.starts, self.ways.first
        within = np.ones(starts.size, bool)
        within[first] = False
        steps = np.zeros(starts.size)
        at = np.flatnonzero(within)
        steps[at] = self.times[at - 1] * self._below(starts[at - 1], starts[at])
        long = steps.astype(np.longdouble)  # set back at each beginning, as in `PathExposure`
        if first.size > 1:
            long[first[1:]] -= np.add.reduceat(long, first)[:-1]
        return np.cumsum(long).astype(float)

    def _step(self, way: NDArray, value: NDArray, of_steps: NDArray) -> NDArray:
        """The last step of each way at which ``of_steps``, which rises from 0, is not above."""
        apart = 2.0 * max(float(of_steps.max()), float(np.max(value, initial=0.0)), 1.0)
        at = np.searchsorted(self.ways.way * apart + of_steps, way * apart + value, side="right")
        return np.clip(at - 1, self.ways.first[way], self.ways.last[way])

    def until(self, way: ArrayLike, day: ArrayLike) -> NDArray:
        """Time to the end of a day on each of these ways; of the shape of both."""
        way, day = np.broadcast_arrays(way, np.asarray(day, float))
        begin = self.begin
        at = self._step(way, day - begin[way], self.ways.starts - begin[self.ways.way])
        return self._sums[at] + self.times[at] * self._below(self.ways.starts[at], day)

    def day_at(self, way: ArrayLike, elapsed: ArrayLike) -> NDArray:
        """The day, with fractions, when so much time has passed on each way: the inverse."""
        way, elapsed = np.broadcast_arrays(way, np.asarray(elapsed, float))
        at = self._step(way, elapsed, self._sums)
        rest, start = (elapsed - self._sums[at]) / self.times[at], self.ways.starts[at]
        if self.below is None:
            return start + rest * Steady(self.unit).days_per_unit
        return start + self.below.days_until(start, rest)


def days_ahead(cells: Cells) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Days ahead of each kind of customer: kinds by path ahead and pattern at the end.

    Returns
    -------
    kind : ndarray of int, shape (n_cells,)
    pairs : ndarray, shape (kinds, 2)
        Path ahead, and pattern at the end.
    row : ndarray of int, shape (n_rows,)
        The kind that each row of days ahead is of, ascending.
    from_day, pattern : ndarray of int, shape (n_rows,)
    """
    paths = cells.ahead
    assert paths is not None
    columns = [np.asarray(cells.extra[name], np.int64) for name in ("ahead", "pattern")]
    pairs, kind = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    row, place = rows_of(paths.first_row, paths.path.size, pairs[:, 0])
    return kind.ravel(), pairs, row, paths.from_day[place], paths.pattern[place]


def rows_of(first_row: NDArray, size: int, of: NDArray) -> tuple[NDArray, NDArray]:
    """The rows of these paths, one path after the other: whose it is, and its place, (n,) each."""
    length = np.diff(np.append(first_row, size))[of]
    row = np.repeat(np.arange(of.size), length)
    return row, first_row[of[row]] + np.arange(row.size) - (np.cumsum(length) - length)[row]
