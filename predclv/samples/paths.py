"""How what is known of customers changed: paths through patterns, each counted once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_SHIFT = 1 << 32  # a day and a pattern in one whole number


@dataclass(frozen=True, eq=False)
class Paths:
    """Distinct paths of customers through `Patterns`, from the first purchase on.

    On a day the pattern of the last row with ``from_day`` up to that day is in force. Customers who
    first bought on the same day and changed patterns on the same days are on one path.

    Attributes
    ----------
    path : ndarray of int64, shape (n_rows,)
        Number of the path, 0, 1, 2 and so on, ascending.
    from_day : ndarray of int64, shape (n_rows,)
        Since 1970-01-01, ascending within a path; its first is the day of the first purchase, its
        others are later and up to the end of observation.
    pattern : ndarray of int64, shape (n_rows,)
        Number of the pattern from then on; never that of the row before.
    """

    path: NDArray
    from_day: NDArray
    pattern: NDArray

    def __len__(self) -> int:
        return int(self.path[-1]) + 1 if self.path.size else 0

    def __repr__(self) -> str:
        return f"Paths({len(self):,} with {self.path.size:,} rows)"

    @property
    def frame(self) -> pd.DataFrame:
        """The columns as a frame."""
        columns = {"path": self.path, "from_day": self.from_day, "pattern": self.pattern}
        return pd.DataFrame(columns)

    @property
    def first_row(self) -> NDArray:
        """Where each path begins, shape (n_paths,)."""
        return np.searchsorted(self.path, np.arange(len(self)))

    @property
    def last_pattern(self) -> NDArray:
        """The pattern at the end of each path, shape (n_paths,)."""
        return self.pattern[np.append(self.first_row[1:], self.path.size) - 1]

    @classmethod
    def of_steps(cls, steps: NDArray, lengths: NDArray) -> Self:
        """Of days and patterns, packed as `packed` does, one path after the other.

        Parameters
        ----------
        steps : ndarray of int64, shape (n_rows,)
        lengths : ndarray of int64, shape (n_paths,)
        """
        day, pattern = np.divmod(np.asarray(steps, np.int64), _SHIFT)
        return cls(np.repeat(np.arange(lengths.size), lengths), day, pattern)

    @property
    def steps(self) -> NDArray:
        """Days and patterns as one whole number each, shape (n_rows,)."""
        return self.from_day * _SHIFT + self.pattern

    def renumbered(self, place: NDArray) -> "Paths":
        """The same paths, pattern i being called ``place[i]``."""
        return Paths(self.path, self.from_day, place[self.pattern])

    def document(self) -> dict[str, list[int]]:
        """The columns as lists."""
        return {str(name): column.tolist() for name, column in self.frame.items()}

    @classmethod
    def from_document(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        names = ("path", "from_day", "pattern")
        return cls(*(np.asarray(content[name], np.int64) for name in names))


def packed(day: str, pattern: str) -> str:
    """SQL of a day and a pattern in one whole number, which sorts like the pair."""
    return f"CAST({day} AS BIGINT) * {_SHIFT} + {pattern}"


def joined(one: Paths, two: Paths) -> tuple[Paths, NDArray, NDArray]:
    """The distinct paths of both, in order, and what the paths of each are called among them."""
    listed = [tuple(part) for paths in (one, two) for part in _parts(paths)]
    number = {steps: place for place, steps in enumerate(sorted(set(listed)))}
    place = np.array([number[steps] for steps in listed], np.int64)
    lengths = np.array([len(steps) for steps in number], np.int64)
    steps = np.fromiter((step for steps in number for step in steps), np.int64, int(lengths.sum()))
    return Paths.of_steps(steps, lengths), place[: len(one)], place[len(one) :]


def _parts(paths: Paths) -> list[list[int]]:
    return [part.tolist() for part in np.split(paths.steps, paths.first_row[1:])]
