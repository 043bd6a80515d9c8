"""Frames in memory: their columns as Arrow, and other frames as pandas."""

import contextlib
import datetime
import re
from collections.abc import Hashable, Iterable
from difflib import get_close_matches
from typing import Any

import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, some


def arrow_column(column: pd.Series, name: str, role: str) -> pa.Array:
    """A column as Arrow.

    Raises
    ------
    DataError
        If Arrow has no type for its values; the message says what to convert.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    advice = "Turn ids into text, for instance with .astype(str)." if role == "customer_id" else ""
    if isinstance(column.dtype, pd.PeriodDtype):
        advice = advice or "Say .dt.to_timestamp() to make them dates."
        raise DataError(f"Column {name!r} holds periods. {advice}")
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        examples: dict[str, object] = {}
        for value in column[column.notna()]:
            examples.setdefault(type(value).__name__, value)
        shown = some((f"{kind} ({value!r:.40})" for kind, value in examples.items()), 3)
        if len(examples) > 1:
            raise DataError(
                f"Column {name!r} mixes types: {shown}. Turn all of its values into one type, "
                f"for instance with .astype(str)."
            ) from error
        raise DataError(
            f"Column {name!r} could not be read: {str(error).rstrip('.')} ({shown}). {advice}"
        ) from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def check_zones(column: pd.Series, name: str, allow_zones: bool) -> None:
    """A column of Python datetimes has one zone, or none, or several that are to be converted."""
    zones = {
        str(value.tzinfo) if value.tzinfo else "no zone"
        for value in column[column.notna()]
        if isinstance(value, datetime.datetime)
    }
    if len(zones) > 1 and ("no zone" in zones or not allow_zones):
        raise DataError(
            f"Column {name!r} has mixed time zones ({some(sorted(zones), 3)}). Say in which zone a "
            "day begins, for instance timezone='Europe/Berlin', after giving every value a zone."
        )


def as_pandas(frame: Any, what: str) -> pd.DataFrame:
    """A pandas or polars frame or an Arrow table as pandas.

    Raises
    ------
    DataError
        If it is none of them.
    """
    if isinstance(frame, pd.DataFrame):
        return frame
    if type(frame).__module__.partition(".")[0] == "polars":
        frame = frame.collect() if type(frame).__name__ == "LazyFrame" else frame
        frame = frame.to_arrow() if type(frame).__name__ == "DataFrame" else frame
    if isinstance(frame, pa.Table | pa.RecordBatch):
        return frame.to_pandas()
    if hasattr(frame, "__arrow_c_stream__"):
        with contextlib.suppress(pa.ArrowInvalid):  # a column alone
            return pa.table(frame).to_pandas()
    raise DataError(
        f"{what} must be a pandas DataFrame, a polars one or an Arrow table; got "
        f"{type(frame).__name__}."
    )


def near_column(
    name: str, columns: Iterable[Hashable], words: Iterable[str] = ()
) -> Hashable | None:
    """The column that was probably meant: of a similar name, or else with one of the words in it.

    Examples
    --------
    >>> near_column("customer_id", ["Customer ID", "Price"])
    'Customer ID'
    >>> near_column("date", ["Customer ID", "InvoiceDate"], ["date", "day"])
    'InvoiceDate'
    """
    plain = {column: re.sub(r"[\W_]", "", str(column)).casefold() for column in columns}
    near = get_close_matches(re.sub(r"[\W_]", "", name).casefold(), plain.values(), n=1)
    usual = (text for word in words for text in plain.values() if word in text)
    text = near[0] if near else next(usual, None)
    return next((column for column in plain if plain[column] == text), None)
