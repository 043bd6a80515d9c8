"""What decisions are made from, checked: forecasts, and values given by customer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import AssumptionWarning, DataError, DataWarning, did_you_mean, plainly, some
from predclv.forecast.result import Forecast
from predclv.notices import counted, warn
from predclv.units import DAYS

FEW = 100
"""Customers in a group below which its shares and means are warned about."""

ADVICE = {
    "clv": "Summarise a log with amounts and fit a model of spend.",
    "expected_spend": "Summarise a log with amounts and fit a model of spend.",
    "expected_revenue": "Summarise a log with amounts, and forecast a finite horizon.",
    "expected_purchases": "Forecast a finite horizon, such as horizon='1 year'.",
    "p_alive": "Forecast with a model that says who is still a customer, such as BG/NBD.",
}


def forecast_frame(forecast: Any, what: str, *needs: str) -> pd.DataFrame:
    """The frame of a forecast, or it itself, checked to have the columns that ``what`` needs."""
    frame = forecast.frame if isinstance(forecast, Forecast) else forecast
    if not isinstance(frame, pd.DataFrame):
        raise DataError(
            f"{what} wants a Forecast (fitted.forecast(...)) or its frame; got "
            f"{type(forecast).__name__}."
        )
    if not isinstance(forecast, Forecast):
        frame = checked_customers(frame)
        if not is_forecast(frame):
            raise DataError(
                f"{what} wants a Forecast or its frame, and this frame is of something else: it "
                "has no discounted_purchases."
            )
    for name in needs:
        if name not in frame:
            raise DataError(f"{what} needs {name}, and this forecast has none. {ADVICE[name]}")
        finite_column(frame, name)
    return frame


def is_forecast(frame: pd.DataFrame) -> bool:
    """Whether a frame is that of a forecast: observed customers have nothing discounted."""
    return "discounted_purchases" in frame


def checked_customers(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of customers, checked to have some, each with an id and one row."""
    if "customer_id" not in frame:
        raise DataError(
            f"The customers have no column 'customer_id'; they have {some(frame.columns, 20)}."
            f"{did_you_mean('customer_id', frame.columns)}"
        )
    if frame.empty:
        raise DataError("There are no customers in the frame.")
    ids = frame["customer_id"]
    odd = ids.isna() | ids.duplicated()
    if odd.any():
        raise DataError(
            f"Every customer must have an id and one row; not so with {some(ids[odd].unique())}."
        )
    return frame.reset_index(drop=True)


def finite_column(frame: pd.DataFrame, name: str) -> NDArray:
    """A column as finite floats, shape (n_customers,)."""
    try:
        values = frame[name].to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"Column {name!r} is no number: {error}.") from error
    odd = ~np.isfinite(values)
    if odd.any():
        raise DataError(
            f"{counted(int(odd.sum()), 'customer has', 'customers have')} a missing or infinite "
            f"{name} (customer_id {some(frame['customer_id'][odd])}). Correct them or leave them "
            "out."
        )
    return values


def value_column(frame: pd.DataFrame) -> str:
    """What a forecast measures value in: clv, or discounted purchases where there is no spend."""
    return "clv" if "clv" in frame else "discounted_purchases"


def horizon_years(forecast: Forecast | pd.DataFrame) -> float | None:
    """Length of a forecast in years; None for the whole remaining lifetime, or of a frame alone."""
    if not isinstance(forecast, Forecast):
        return None
    terms = forecast.terms
    return None if terms.horizon is None else terms.horizon * DAYS[terms.unit] / DAYS["year"]


def basis(forecast: Forecast | pd.DataFrame) -> str:
    """What a forecast looks at, in words."""
    if not isinstance(forecast, Forecast):
        return "the horizon it was made for"
    terms = forecast.terms
    end = f" after {terms.observation_end}" if terms.observation_end else ""
    if terms.horizon is None or terms.asked is not None:
        return f"{terms.length}{end}"
    length, unit, years = terms.horizon, terms.unit, horizon_years(forecast)
    if years is not None and abs(years - round(years)) < 1e-9:
        length, unit = round(years), "year"
    return f"{length:.4g} {unit}{'' if length == 1 else 's'}{end}"


def currency_of(forecast: Any) -> str | None:
    """What a forecast's amounts are shown in; None of a frame alone."""
    return forecast.terms.currency if isinstance(forecast, Forecast) else None


def per_customer(
    values: Any, ids: pd.Series, what: str, column: str, absent: float | None = None
) -> pd.Series:
    """Values given by customer, one for each of ``ids`` in their order.

    Parameters
    ----------
    values : Series, mapping or DataFrame
        A Series indexed by customer_id, a mapping, or a frame with ``customer_id`` and ``column``.
    ids : Series, shape (n_customers,)
    what : str
        What the values are called in messages.
    column : str
    absent : float, optional
        The value of a customer who is not among those given. Without it theirs is missing, and may
        be so among those given as well.

    Raises
    ------
    DataError
        If a column is missing, a customer appears twice, no customer is among ``ids``, or with
        ``absent`` a value is missing or infinite.

    Warns
    -----
    DataWarning
        If there are values for customers who are not among ``ids``.
    """
    series = _as_series(values, what, column)
    if series.index.hasnans or series.index.has_duplicates:
        twice = series.index[series.index.duplicated()].unique()
        problem = f"there are several rows for {some(twice)}"
        if series.index.hasnans:
            problem = "there is a row without customer_id"
        raise DataError(f"{what} must name every customer once; {problem}.")
    known = series.index.isin(ids)
    if not known.any():
        raise DataError(
            f"None of the {len(series):,} customers in {what} is in the forecast: its ids look "
            f"like {some(map(plainly, series.index), 3)}, the forecast's like "
            f"{some(map(plainly, ids), 3)}. {_types(series.index[0], ids.iloc[0])}"
        )
    if not known.all():
        strangers = int((~known).sum())
        warn(
            f"{counted(strangers, 'customer', 'customers')} in {what} "
            f"{'is' if strangers == 1 else 'are'} not in the forecast "
            f"({some(series.index[~known])}) and {'was' if strangers == 1 else 'were'} left out.",
            DataWarning,
        )
    if absent is None:
        return series.reindex(ids).reset_index(drop=True)
    given = pd.DataFrame({"customer_id": series.index, what: series.to_numpy()})
    found = pd.Series(finite_column(given, what), index=series.index)
    return found.reindex(ids, fill_value=absent).reset_index(drop=True)


def _types(one: object, other: object) -> str:
    first, second = (type(value).__name__.removesuffix("64") for value in (one, other))
    if first == second:
        return "Are they the ids of the same customers?"
    return f"They are of type {first} and {second}: give both in one type."


def _as_series(values: Any, what: str, column: str) -> pd.Series:
    if isinstance(values, pd.DataFrame):
        for name in ("customer_id", column):
            if name not in values:
                raise DataError(
                    f"{what} has no column {name!r}; it has {some(values.columns, 20)}."
                    f"{did_you_mean(name, values.columns)}"
                )
        return values.set_index("customer_id")[column]
    if isinstance(values, Mapping):
        return pd.Series(dict(values))
    if isinstance(values, pd.Series):
        return values
    raise DataError(
        f"{what} must be a Series indexed by customer_id, a mapping, or a frame with columns "
        f"customer_id and {column}; got {type(values).__name__}."
    )


def warn_of_few(customers: Mapping[Any, int], kind: str) -> None:
    """Warn of groups with fewer than ``FEW`` customers."""
    few = {name: number for name, number in customers.items() if number < FEW}
    if few:
        named = some((f"{name} ({number:,})" for name, number in few.items()), 10)
        empty = " The means of an empty one are NaN." if 0 in few.values() else ""
        warn(
            f"{kind} with fewer than {FEW} customers: {named}. Their shares and means say little "
            f"about other customers like them.{empty}",
            AssumptionWarning,
        )
