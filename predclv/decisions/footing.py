"""What tiers look at: forecasts and observed customers, on one footing."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from predclv.decisions.inputs import (
    ADVICE,
    basis,
    checked_customers,
    currency_of,
    finite_column,
    forecast_frame,
    horizon_years,
    is_forecast,
    value_column,
)
from predclv.decisions.rules import CRITERIA
from predclv.errors import DataError, did_you_mean, some
from predclv.forecast.result import Forecast

_OF_FORECAST = (
    "p_alive", "p_active", "expected_purchases", "discounted_purchases", "expected_spend",
    "expected_revenue", "clv",
)  # fmt: skip
_MEANS_OF_FORECAST = ("expected_purchases", "expected_revenue", "clv", "p_alive")
_MEANS_OF_PAST = (
    "orders", "purchases_per_year", "average_order_value", "annual_spend", "revenue", "profit",
)  # fmt: skip
_VALUES_OF_PAST = ("profit", "revenue", "annual_spend")


@dataclass(frozen=True, slots=True, eq=False)
class Footing:
    """Customers and their numbers.

    Attributes
    ----------
    frame : DataFrame
        One row per customer: customer_id and numbers.
    means : tuple of str
        The columns that a profile averages.
    value : str
        The column that says what a customer is worth.
    basis : str
        What the numbers are of, in words.
    currency : str or None
        What amounts are shown in.
    """

    frame: pd.DataFrame
    means: tuple[str, ...]
    value: str
    basis: str
    currency: str | None = None


def footing(customers: Any) -> Footing:
    """The numbers of a forecast, or of customers as observed.

    Raises
    ------
    DataError
        If it is neither, has no customer or no value, or a customer twice.
    """
    given = customers.frame if isinstance(customers, Forecast) else customers
    if isinstance(given, pd.DataFrame) and is_forecast(given):
        frame = forecast_frame(customers, "tiers")
        means = [name for name in _MEANS_OF_FORECAST if name in frame]
        if "expected_purchases" not in frame:
            means.insert(0, "discounted_purchases")
        kept = ["customer_id", *(name for name in _OF_FORECAST if name in frame)]
        words = f"forecast over {basis(customers)}"
        return Footing(
            frame[kept], tuple(means), value_column(frame), words, currency_of(customers)
        )
    frame = _checked(customers)
    means = [name for name in _MEANS_OF_PAST if name in frame]
    values = [name for name in _VALUES_OF_PAST if name in frame]
    return Footing(frame, tuple(means), values[0] if values else "annual_spend", "as observed")


def _checked(customers: Any) -> pd.DataFrame:
    frame = getattr(customers, "frame", customers)
    if not isinstance(frame, pd.DataFrame):
        raise DataError(
            f"tiers wants a Forecast or a frame of observed customers; got "
            f"{type(customers).__name__}."
        )
    if "customer_id" in frame and not {*_MEANS_OF_PAST, *_VALUES_OF_PAST} & set(frame.columns):
        raise DataError(
            "tiers wants a forecast, pc.CLVModel().fit(pc.rfm_summary(log)).forecast(), or "
            "customers as observed; this frame looks like something else: its columns are "
            f"{some(frame.columns, 10)}."
        )
    return checked_customers(frame)


def with_criteria(ground: Footing, customers: Any) -> Footing:
    """The same customers with the three numbers that rules look at, each finite.

    Of a forecast they are what is expected of a year: the forecast over the years of its horizon.
    """
    frame = ground.frame
    if is_forecast(frame) and not isinstance(customers, Forecast):
        raise DataError(
            "Rules look at a year, and a forecast's frame does not say how long its horizon is. "
            "Give the Forecast itself: tiers(forecast, rules=...)."
        )
    if isinstance(customers, Forecast):
        for name in ("expected_purchases", "expected_revenue", "expected_spend"):
            if name not in frame:
                raise DataError(f"Rules need {name}, and this forecast has none. {ADVICE[name]}")
        years = horizon_years(customers)
        assert years is not None
        frame = frame.assign(
            annual_spend=frame["expected_revenue"] / years,
            purchases_per_year=frame["expected_purchases"] / years,
            average_order_value=frame["expected_spend"],
        )
    else:
        both = ["purchases_per_year", "average_order_value"]
        if "annual_spend" not in frame and all(name in frame for name in both):
            frame = frame.assign(annual_spend=frame[both].prod(axis=1, skipna=False))
            ground = replace(ground, means=(*ground.means, "annual_spend"))
    for name in CRITERIA:
        if name not in frame:
            raise DataError(
                f"Rules need {name}, and these customers have {some(frame.columns, 20)}."
                f"{did_you_mean(name, frame.columns)}"
            )
        finite_column(frame, name)
    return replace(ground, frame=frame)
