"""What is known of customers besides their purchases: distinct combinations, numbered."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


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

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates."""
        return tuple(self.frame.columns)
