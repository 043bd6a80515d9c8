"""Forecasts of rules: one number per customer, and of some the distribution of purchases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import OptionError
from predclv.forecast.result import Forecast
from predclv.forecast.scoring import ScoreTable
from predclv.forecast.terms import Terms
from predclv.io.files import write_parquet
from predclv.summaries.rfm import RFM
from predclv.units import force_of_interest


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Point:
    """What a forecast is made from where a rule states expectations.

    Totals have no distribution: nothing is known of what customers' errors have in common.

    Attributes
    ----------
    frame : DataFrame
        The columns of ``Forecast.frame`` that the rule states.
    shrinkage : float
        The continuous discount rate times the horizon.
    distribution : NegativeBinomialCounts or None
        Of purchases, where the rule knows chance.
    """

    frame: pd.DataFrame
    shrinkage: float
    distribution: Any = None

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
        """The distribution of each customer's purchases, or None."""
        return self.distribution

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


class Expected(NamedTuple):
    """What a rule says of each customer, all of shape (n,); spend is per purchase."""

    purchases: NDArray
    p_active: NDArray
    spend: NDArray | None


def point_forecast(rfm: RFM, terms: Terms, said: Expected, distribution: Any = None) -> Forecast:
    """A Forecast from one number per customer.

    Purchases count as spread evenly over the horizon where they are discounted.

    Parameters
    ----------
    rfm : RFM
        The customers, in the order of the arrays.
    terms : Terms
        Of a finite horizon, without a level.
    said : Expected
        Within the horizon; without spend, revenue and clv are left out too.
    distribution : NegativeBinomialCounts, optional
        Of purchases, where the rule knows chance.
    """
    assert terms.horizon is not None
    shrinkage = force_of_interest(terms.discount_rate, terms.unit) * terms.horizon
    discount = -np.expm1(-shrinkage) / shrinkage if shrinkage > 0 else 1.0
    columns = {
        "p_active": said.p_active,
        "expected_purchases": said.purchases,
        "discounted_purchases": said.purchases * discount,
    }
    if said.spend is not None:
        revenue = said.purchases * said.spend
        columns |= {
            "expected_spend": said.spend,
            "expected_revenue": revenue,
            "clv": terms.margin * discount * revenue,
        }
    frame = pd.DataFrame({"customer_id": rfm.frame["customer_id"], **columns})
    return Forecast(terms, Point(frame, shrinkage, distribution))
