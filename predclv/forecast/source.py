"""What a forecast is made from, and how its columns are called when they are summed."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
from numpy.typing import NDArray

from predclv.forecast.scoring import ScoreTable

if TYPE_CHECKING:
    from predclv.forecast.total_interval import Budget

SUMS = {
    "purchases": "expected_purchases",
    "discounted_purchases": "discounted_purchases",
    "revenue": "expected_revenue",
    "clv": "clv",
}
"""The columns of a forecast that add up over customers, by the names of their totals."""


class Source(Protocol):
    """What a forecast is made from: fitted models, or a rule."""

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer, calculated once."""

    def __len__(self) -> int:
        """Number of customers."""

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``."""

    def sums(self) -> Mapping[str, float]:
        """The sums over customers of the frame's columns, as far as they are needed."""

    def totals(self) -> Mapping[str, NDArray] | None:
        """Simulated totals of the customer base, each (futures,); None without a distribution."""

    def budget(self) -> "Budget | None":
        """What is known of how wrong totals were before; None where nothing is."""

    def counts(self) -> Any:
        """The distribution of each customer's purchases, as `CountDistribution`, or None."""

    def buyers(self) -> NDArray | None:
        """Simulated numbers of customers who buy, (futures,); None without a distribution."""

    def until(self, share: float) -> "Source":
        """The same over the first share of the horizon, without intervals."""

    def customer_ids(self) -> pd.Series:
        """Of the customers, in the order of the frame."""

    def rows(self, places: NDArray) -> pd.DataFrame:
        """Rows of the frame at these places."""

    def totals_by(self, shares: NDArray) -> Mapping[str, NDArray] | None:
        """Simulated totals by period, each (futures, periods); None without a distribution."""

    def table(self) -> ScoreTable:
        """The forecast of every history; OptionError where it does not follow from histories."""

    def write(self, path: str | Path, metadata: Mapping[str, str]) -> None:
        """Write ``frame`` as Parquet."""
