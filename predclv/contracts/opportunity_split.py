"""Opportunities as they were known some periods ago, and what was taken since."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from predclv.notices import counted


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class OpportunitySplit:
    """Opportunities as they were known some periods ago, and what was taken since.

    Attributes
    ----------
    calibration : Opportunities
        What was known.
    came : DataFrame
        The histories at the cut, the opportunities taken ``later``, and ``customers`` with both.
    by_period : Series
        Opportunities taken in period 1, 2, ... after the cut by those who had begun at it.
    periods : int
        Periods held out.
    """

    calibration: Any
    came: pd.DataFrame
    by_period: pd.Series
    periods: int

    def __repr__(self) -> str:
        return (
            f"OpportunitySplit: {self.calibration!r}; "
            f"{counted(self.periods, self.calibration.period)} held out, in which "
            f"{int(self.by_period.sum()):,} were taken"
        )
