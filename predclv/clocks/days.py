"""Days as whole numbers since 1970-01-01, from whatever dates are written in."""

import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import DataError, some


def date_of(day: int) -> str:
    """The date of a day as text.

    Examples
    --------
    >>> date_of(20784)
    '2026-11-27'
    """
    return str(np.datetime64(int(day), "D"))


def day_numbers(days: Any) -> NDArray:
    """Days as int64 since 1970-01-01, from such numbers or from dates; same shape.

    Examples
    --------
    >>> day_numbers(["1970-01-02", "2026-11-27"]).tolist()
    [1, 20784]
    """
    if isinstance(days, (str, datetime.date)):
        return civil_days([days], "days")[0]
    given = np.asarray(days)
    if given.dtype.kind in "iu":
        return given.astype(np.int64)
    if given.ndim != 1:
        return civil_days(given.ravel(), "days").reshape(given.shape)
    return civil_days(days, "days")


def civil_days(values: Any, what: str) -> NDArray:
    """The days of a column of dates, as int64 since 1970-01-01, shape (n,).

    A timestamp with a zone counts as its own zone's day. The time of day is left aside.

    Parameters
    ----------
    values : array_like, shape (n,)
        Dates, timestamps, daily periods or ISO text.
    what : str
        What the column is called in error messages.

    Raises
    ------
    DataError
        If a value is missing or no date; the message names rows and values.
    """
    column = pd.Series(values).reset_index(drop=True)
    if isinstance(column.dtype, pd.PeriodDtype):
        if column.dtype != "period[D]":
            raise DataError(f"{what} holds periods longer than a day. Say one date per row.")
        column = pd.Series(pd.PeriodIndex(column).to_timestamp())
    if isinstance(column.dtype, pd.ArrowDtype):
        column = column.astype(object)
    if column.dtype.kind in "iufcb":
        raise DataError(
            f"{what} holds numbers ({some(column.head(6).tolist(), 3)}), not dates. Convert them "
            "with pd.to_datetime."
        )
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise DataError(f"{what} has no date in {some_rows(missing)}.")
    if column.dtype.kind != "M":
        column = _parsed(column, what)
    if column.dt.tz is not None:
        column = column.dt.tz_localize(None)
    return column.to_numpy().astype("datetime64[D]").astype(np.int64)


def _parsed(column: pd.Series, what: str) -> pd.Series:
    """Text, dates and timestamps as timestamps without zone, each its own zone's civil time."""
    parsed, unreadable = [], []
    for row, value in enumerate(column):
        try:
            read = _timestamp(value)
        except (TypeError, ValueError):
            unreadable.append(f"{value!r} in row {row}")
        else:
            parsed.append(read.tz_localize(None))
    if unreadable:
        advice = "Correct these or leave their rows out."
        if len(unreadable) >= len(parsed):
            advice = (
                "Convert the column first, in the format it really has: pd.to_datetime(column, "
                "format='%d/%m/%Y')."
            )
        raise DataError(f"{what} could not be read as ISO dates: {some(unreadable, 3)}. {advice}")
    return pd.Series(parsed, dtype="datetime64[us]")


def _timestamp(value: object) -> pd.Timestamp:
    if isinstance(value, str):
        return pd.Timestamp(datetime.datetime.fromisoformat(value.strip()))
    if isinstance(value, (datetime.date, np.datetime64)):
        return pd.Timestamp(value)
    raise TypeError(f"{type(value).__name__} is no date")


def some_rows(rows: NDArray) -> str:
    """``row 3``, or ``rows 3, 5 and 2 more``, for an error message; counted from 0."""
    return f"row{'s' if len(rows) > 1 else ''} {some(rows.tolist())}"
