"""What an RFM summary asks of what it rests on: a table in a warehouse, or a frame."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from predclv.samples.cells import Cells
from predclv.samples.patterns import Patterns
from predclv.samples.spend import SpendCells


class Summary(Protocol):
    """What an `RFM` asks."""

    has_spend: bool
    counts_first: bool  # whether first purchases are in what customers spend on average
    recalls: Any  # what sums of past purchases depend on, where customers are told apart by them
    purchases_by_day: pd.DataFrame | None  # day and purchases, where the log's are counted
    repeats_by_day: tuple[int, np.ndarray] | None  # counted when first wanted

    @property
    def patterns(self) -> Patterns | None:
        """What the numbers of patterns stand for; None without covariates."""

    @property
    def repeats_by_day_and_pattern(self) -> pd.DataFrame | None:
        """Repeat purchases by day and pattern: day, pattern, purchases; None without a log."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by customer_id."""

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``."""

    def cells(self) -> Cells:
        """Customers by history."""

    def spend_of_cells(self) -> np.ndarray:
        """The sum of customers' mean spends, none below zero, per cell of ``cells()``."""

    def gap_days(self) -> pd.DataFrame | None:
        """Days between consecutive purchases, counted: gap_days, gaps; None without a log."""

    def looking_ahead(self, find: Any) -> Any:
        """The same customers by what is to come of their covariates."""

    def sample(self, rows: int) -> pd.DataFrame:
        """Rows of ``frame``: the same at every call, and no more related than by chance."""

    def spend_cells(self) -> SpendCells:
        """Repeat customers by spending."""

    def write_scored(
        self,
        cells: pd.DataFrame,
        expressions: Mapping[str, str],
        path: str | Path,
        metadata: Mapping[str, str],
    ) -> int:
        """Join the customers with a table of their cells, write that, and count the rows."""
