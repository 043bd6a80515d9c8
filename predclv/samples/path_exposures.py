"""How customers are exposed to what changes: the days of each pattern on each path, and sums."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.once import FieldsAlone
from predclv.samples.cells import Cells


@dataclass(frozen=True, eq=False)
class PathExposure(FieldsAlone):
    r"""Histories on paths: the days that a customer has spent in each pattern.

    A path is a row of segments, each with one pattern. On day u a customer in the segment i buys
    at the rate :math:`s(u) m_i`, so both times are linear in the days' rates and in the segments'
    multipliers:

    .. math:: T = \sum_i m_i \sum_{u \in i} s(u)

    and t_x is the same sum up to the last purchase.

    Attributes
    ----------
    first_row : ndarray of int, shape (n_paths,)
        Where each path's segments begin.
    path, pattern : ndarray of int, shape (n_segments,)
    begin, end : ndarray of int, shape (n_segments,)
        A segment is the days after ``begin`` up to ``end``, from the log's first day on.
    cell_path, segment, latest : ndarray of int, shape (n_cells,)
        Each cell's path; the segment and the day of the last purchase.
    n_days : int
    unit : str
        Of the times.
    """

    first_row: NDArray
    path: NDArray
    pattern: NDArray
    begin: NDArray
    end: NDArray
    cell_path: NDArray
    segment: NDArray
    latest: NDArray
    n_days: int
    unit: str

    @classmethod
    def of(cls, cells: Cells, first_day: int) -> Self:
        """Of cells with paths; days count from ``first_day``, the log's first or one before it.

        Remembered with the paths for the very same cells: a forecast asks for each of its draws.
        """
        paths, last_day = cells.paths, cells.known_last_day
        assert paths is not None
        sources = (first_day, last_day, cells.extra["path"], cells.recency, cells.T)
        kept = paths.__dict__.get("exposure")
        if (
            kept is not None
            and kept[0][:2] == sources[:2]
            and all(a is b for a, b in zip(kept[0][2:], sources[2:], strict=True))
        ):
            return kept[1]
        first = paths.first_row
        is_first = np.zeros(paths.path.size, bool)
        is_first[first] = True
        begin = np.where(is_first, paths.from_day, paths.from_day - 1) - first_day
        end = np.append(paths.from_day[1:] - 1, last_day) - first_day
        end[np.append(first[1:], paths.path.size) - 1] = last_day - first_day
        of_cell = np.asarray(cells.extra["path"], np.int64)
        latest = last_day - cells.age_days + cells.recency_days - first_day
        # Paths one after the other on one line of days, so that one search finds all segments.
        apart = last_day - first_day + 2
        starts = paths.path * apart + (paths.from_day - first_day)
        segment = np.searchsorted(starts, of_cell * apart + latest, side="right") - 1
        found = cls(
            first, paths.path, paths.pattern, begin, end, of_cell, segment, latest,
            last_day - first_day, cells.unit,
        )  # fmt: skip
        paths.__dict__["exposure"] = sources, found
        return found

    def _until(self, rate: NDArray) -> NDArray:
        """Time from the first day to each, shape (n_days + 1,)."""
        return np.concatenate([[0.0], np.cumsum(rate)]) / Steady(self.unit).days_per_unit

    def elapsed(self, rate: NDArray, times: NDArray) -> tuple[NDArray, NDArray]:
        """Times of the last purchase and of observation, t_x and T of each cell, (n_cells,) each.

        Parameters
        ----------
        rate : ndarray, shape (n_days,)
            Of each day after the first, for all customers.
        times : ndarray, shape (n_segments,)
            How many times as fast it is for customers in each segment.
        """
        until = self._until(rate)
        steps = times * (until[self.end] - until[self.begin])
        before, whole = self._so_far(steps)
        before -= steps
        own = times[self.segment] * (until[self.latest] - until[self.begin[self.segment]])
        return before[self.segment] + own, whole[self.cell_path]

    def _so_far(self, steps: NDArray) -> tuple[NDArray, NDArray]:
        """Sums within each path up to each segment, and of each path.

        In extended precision and set back at each beginning: one sum over the paths of a hundred
        thousand customers would leave a search more noise than its last steps gain.
        """
        long = steps.astype(np.longdouble)
        whole = np.add.reduceat(long, self.first_row)
        long[self.first_row[1:]] -= whole[:-1]
        return np.cumsum(long).astype(float), whole.astype(float)

    def pulled(
        self, by_t_x: NDArray, by_T: NDArray, rate: NDArray, times: NDArray
    ) -> tuple[NDArray, NDArray]:
        """Slopes in each day's rate and in each segment's multiplier; the adjoint of `elapsed`.

        Parameters
        ----------
        by_t_x, by_T : ndarray, shape (n_cells,)
            How a value changes with the times of each cell, weights included.
        rate, times : ndarray
            Where the slopes are taken.

        Returns
        -------
        by_rate : ndarray, shape (n_days,)
        by_times : ndarray, shape (n_segments,)
        """
        until, n = self._until(rate), self.path.size
        here = np.bincount(self.segment, by_t_x, n)
        so_far, of_path = self._so_far(here)
        whole = np.bincount(self.cell_path, by_T, self.first_row.size) + of_path
        full = whole[self.path] - so_far  # of who was in the segment to its end
        partly = by_t_x * (until[self.latest] - until[self.begin[self.segment]])
        by_times = full * (until[self.end] - until[self.begin])
        by_times += np.bincount(self.segment, partly, n)
        days = self.n_days + 1
        by_sum = np.bincount(self.end, times * full, days)
        by_sum -= np.bincount(self.begin, times * (full + here), days)
        by_sum += np.bincount(self.latest, times[self.segment] * by_t_x, days)
        by_rate = np.cumsum(by_sum[:0:-1])[::-1] / Steady(self.unit).days_per_unit
        return by_rate, by_times

    def days_in(self, weight: NDArray, patterns: int) -> NDArray:
        """Days that customers have spent in each pattern, shape (patterns,)."""
        customers = np.bincount(self.cell_path, weight, self.first_row.size)
        return np.bincount(self.pattern, customers[self.path] * (self.end - self.begin), patterns)


def customers_by_pattern(cells: Cells) -> NDArray:
    """Customers of each pattern, (n_patterns,); of who was in several, shares by days."""
    assert cells.patterns is not None
    n, weight = len(cells.patterns), cells.weight.astype(float)
    if cells.paths is None:
        return np.bincount(cells.extra["pattern"], weight, n)
    exposure = PathExposure.of(cells, int(cells.paths.from_day.min()))
    days = exposure.days_in(weight, n)
    return days * (weight.sum() / max(days.sum(), 1.0))
