"""What is known of customers besides their purchases: distinct combinations, numbered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.frozen import Frozen
from predclv.samples.design import Coding


def with_covariates(customers: pd.DataFrame, patterns: "Patterns | None") -> pd.DataFrame:
    """Customers who have the column ``pattern``, with what it stands for in columns of its own."""
    if patterns is None:
        return customers
    place = customers["pattern"].to_numpy()
    known = patterns.frame.take(place).set_axis(customers.index)
    return pd.concat([customers, known], axis="columns")


@dataclass(frozen=True, eq=False)
class Patterns:
    """The different combinations of covariates among customers, one row each.

    A customer is in a pattern as in a cell: whatever follows from covariates is worked out once per
    pattern. Their numbers, the rows' places, are what ``Cells.extra["pattern"]`` holds.

    Attributes
    ----------
    frame : DataFrame, shape (n_patterns, n_covariates)
        One row per pattern, one column per covariate: numbers as float64, levels as text.
    levels : mapping of str to tuple of str
        The levels of each covariate that has some, the commonest, to which others are compared,
        first. Covariates that are not in it are numbers.
    """

    frame: pd.DataFrame
    levels: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.frame)

    def document(self) -> dict[str, Any]:
        """The patterns as text and numbers."""
        columns = {str(name): self.frame[name].tolist() for name in self.frame}
        return {"columns": columns, "levels": {k: list(v) for k, v in self.levels.items()}}

    @classmethod
    def from_document(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        levels = {str(name): tuple(map(str, found)) for name, found in content["levels"].items()}
        columns = {
            name: pd.array(values, "str") if name in levels else np.array(values, np.float64)
            for name, values in content["columns"].items()
        }
        return cls(pd.DataFrame(columns), Frozen(levels))

    def equals(self, other: "Patterns | None") -> bool:
        """Whether the numbers of both stand for the same, by the same levels."""
        if other is None or len(self) != len(other) or self.names != other.names:
            return False
        same = all(
            (self.frame[n].to_numpy() == other.frame[n].to_numpy()).all() for n in self.names
        )
        return same and dict(self.levels) == dict(other.levels)

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates."""
        return tuple(self.frame.columns)

    def coding(self, terms: tuple[tuple[str, ...], ...], weight: NDArray) -> Coding:
        """How the covariates of these terms become columns of numbers.

        Of the customers per pattern, levels that nobody has get no column: nothing is learnt of
        them, and who has one later is refused.
        """
        seen = self.frame[weight > 0]
        return Coding(
            terms,
            Frozen(
                {
                    name: tuple(level for level in levels if (seen[name] == level).any())
                    for name, levels in self.levels.items()
                }
            ),
        )
