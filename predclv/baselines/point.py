"""Forecasts of rules that name one number per customer, and no chance around it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import OptionError
from predclv.forecast.result import COLUMNS, Forecast
from predclv.forecast.scoring import ScoreTable
from predclv.forecast.terms import Terms
from predclv.io.files import write_parquet
from predclv.summaries.rfm import RFM
from predclv.units import force_of_interest


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Point:
    """What a forecast is made from where a rule states expectations alone.

    Attributes
    ----------
    frame : DataFrame
        The columns of ``Forecast.frame`` that the rule states.
    shrinkage : float
        The continuous discount rate times the horizon.
    """

    frame: pd.DataFrame
    shrinkage: float = 0.0

    def __len__(self) -> int:
        return len(self.frame)

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of the frame."""
        return self.frame.head(rows)

    def sums(self) -> Mapping[str, float]:
        """The sum of every column of numbers."""
        numbers = self.frame.drop(columns="customer_id")
        return {str(name): float(numbers[name].sum()) for name in numbers}

    def until(self, share: float) -> "Point":
        """What falls into the first share of the horizon, purchases spread evenly over it."""
        s = self.shrinkage
        worth = np.expm1(-s * share) / np.expm1(-s) if s > 0 else share
        parts = {"expected_purchases": share, "expected_revenue": share,
                 "discounted_purchases": worth, "clv": worth}  # fmt: skip
        scaled = {name: self.frame[name] * parts[name] for name in parts if name in self.frame}
        return replace(
            self, frame=self.frame[["customer_id"]].assign(**scaled), shrinkage=s * share
        )

    def customer_ids(self) -> pd.Series:
        """Of the customers, in the order of the frame."""
        return self.frame["customer_id"]

    def rows(self, places: NDArray) -> pd.DataFrame:
        """Rows of the frame at these places."""
        return self.frame.iloc[places]

    def totals_by(self, shares: NDArray) -> None:
        """No simulated totals: a rule knows no chance."""

    def totals(self) -> None:
        """No simulated totals: a rule knows no chance."""

    def budget(self) -> None:
        """Nothing: a rule does not know how wrong totals were before."""

    def buyers(self) -> None:
        """No simulated numbers: a rule knows no chance."""

    def counts(self) -> Any:
        """No distribution of purchases: a rule knows no chance."""

    def table(self) -> ScoreTable:
        """Refused: what a rule says of customers is in no table of histories.

        Raises
        ------
        OptionError
        """
        raise OptionError(
            "Rules look at each customer's own days, so their forecast is no table of histories. "
            "Write the customers themselves: forecast.to_parquet(path)."
        )

    def write(self, path: str | Path, metadata: Mapping[str, str]) -> None:
        """Write the frame as Parquet."""
        write_parquet(self.frame, path, metadata)


def point_forecast(
    rfm: RFM,
    terms: Terms,
    *,
    expected_purchases: NDArray,
    expected_spend: NDArray | None = None,
    p_active: NDArray | None = None,
    p_alive: NDArray | None = None,
) -> Forecast:
    """A Forecast from one number per customer.

    Purchases count as spread evenly over the horizon where they are discounted.

    Parameters
    ----------
    rfm : RFM
        The customers, in the order of the arrays.
    terms : Terms
        Its horizon finite; a level is dropped, for there are no intervals.
    expected_purchases : ndarray, shape (n,)
        Within the horizon.
    expected_spend : ndarray, shape (n,), optional
        Per future purchase; without it spend, revenue and clv are left out.
    p_active, p_alive : ndarray, shape (n,), optional
        Left out where the rule has no word on them.

    Raises
    ------
    OptionError
        If the horizon is the whole remaining lifetime.
    """
    if terms.horizon is None:
        raise OptionError(
            "A rule without chance forecasts a finite horizon only, such as horizon='52 weeks'."
        )
    shrinkage = force_of_interest(terms.discount_rate, terms.unit) * terms.horizon
    discount = -np.expm1(-shrinkage) / shrinkage if shrinkage > 0 else 1.0
    columns = {
        "p_alive": p_alive,
        "p_active": p_active,
        "expected_purchases": expected_purchases,
        "discounted_purchases": expected_purchases * discount,
    }
    if expected_spend is not None:
        revenue = expected_purchases * expected_spend
        columns |= {
            "expected_spend": expected_spend,
            "expected_revenue": revenue,
            "clv": terms.margin * discount * revenue,
        }
    stated = {name: columns[name] for name in COLUMNS if columns.get(name) is not None}
    frame = pd.DataFrame({"customer_id": rfm.frame["customer_id"], **stated})
    return Forecast(terms.without_level(), Point(frame, shrinkage))
