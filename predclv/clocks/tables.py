"""Tables that a user gives to a clock: events with their days, and numbers per day."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from predclv.clocks.days import civil_days, date_of, some_rows
from predclv.errors import DataError, did_you_mean, some

_EVENT_COLUMNS = ("name", "date", "start", "end")
_LONGEST_EVENT = 3_653  # days: ten years, beyond which an end is more likely mistyped

Span = tuple[int, int]
"""First and last day, both included, since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class EventDays:
    """Events and when they take place, in order of their names' first appearance.

    Attributes
    ----------
    labels : tuple of str
    spans : tuple, one per label, of tuples of (first_day, last_day)
    """

    labels: tuple[str, ...]
    spans: tuple[tuple[Span, ...], ...]

    @classmethod
    def of(cls, table: Any) -> Self:
        """From a table with ``name`` and ``date``, or ``name``, ``start`` and ``end``.

        Raises
        ------
        DataError
            If columns are missing or unknown, a value is missing or unreadable, an end lies before
            its start, or a name has the same day twice.
        """
        frame = _as_pandas(table, "events")
        columns = [str(column) for column in frame.columns]
        unknown = [column for column in columns if column not in _EVENT_COLUMNS]
        kinds = ({"name", "date"}, {"name", "start", "end"})
        if set(columns) not in kinds or len(set(columns)) < len(columns):
            hint = did_you_mean(unknown[0], _EVENT_COLUMNS) if unknown else ""
            raise DataError(
                "events must be a table with the columns name and date, or name, start and end; "
                f"got {', '.join(columns) or 'no columns'}.{hint} Numbers per day are regressors."
            )
        if not len(frame):
            raise DataError("events has no rows. Leave it out, or say events=None.")
        labels = _labels(frame["name"])
        last = "date" if "date" in columns else "end"
        first_days = civil_days(frame["date" if "date" in columns else "start"], "events")
        last_days = civil_days(frame[last], "events")
        wrong = np.flatnonzero((last_days < first_days) | (last_days - first_days > _LONGEST_EVENT))
        if wrong.size:
            raise DataError(
                f"Events must end on their first day or later, within ten years; in "
                f"{some_rows(wrong)} {labels[wrong[0]]!r} lasts from "
                f"{date_of(first_days[wrong[0]])} to {date_of(last_days[wrong[0]])}."
            )
        spans: dict[str, list[Span]] = {}
        for label, first, last_day in zip(labels, first_days, last_days, strict=True):
            spans.setdefault(label, []).append((int(first), int(last_day)))
        for label, its in spans.items():
            its.sort()
            for before, after in pairwise(its):
                if after[0] <= before[1]:
                    raise DataError(
                        f"Event {label!r} has {date_of(after[0])} twice. Each day of an event is "
                        "said once; events that may coincide need names of their own."
                    )
        return cls(tuple(spans), tuple(tuple(its) for its in spans.values()))

    def as_document(self) -> dict[str, Any]:
        """The same in JSON's own types."""
        return {
            label: [[date_of(day) for day in span] for span in its]
            for label, its in zip(self.labels, self.spans, strict=True)
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`as_document` made."""
        spans = tuple(
            tuple((int(first), int(last)) for first, last in map(_day_pair, its))
            for its in document.values()
        )
        return cls(tuple(document), spans)


@dataclass(frozen=True, slots=True, eq=False)
class DailyValues:
    """Numbers for each of consecutive days.

    Attributes
    ----------
    labels : tuple of str
    first_day : int
        Since 1970-01-01.
    values : ndarray, shape (n_days, n_labels)
    """

    labels: tuple[str, ...]
    first_day: int
    values: NDArray

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DailyValues):
            return NotImplemented
        same = self.labels == other.labels and self.first_day == other.first_day
        return same and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        return hash((self.labels, self.first_day, self.values.shape))

    @property
    def last_day(self) -> int:
        """The last day that has values."""
        return self.first_day + len(self.values) - 1

    @classmethod
    def of(cls, table: Any) -> Self:
        """From a table indexed by date, or one with a column ``date``.

        Raises
        ------
        DataError
            If days are missing or there twice, or values are missing or no numbers; the message
            names the first of them.
        """
        if isinstance(table, pd.Series):
            table = table.to_frame("regressor" if table.name is None else str(table.name))
        frame = _as_pandas(table, "regressors")
        if "date" in frame.columns:
            frame = frame.set_index("date")
        if isinstance(frame.index, pd.RangeIndex | pd.MultiIndex):
            raise DataError(
                "regressors must be indexed by date, or have a column date; try .set_index('date')."
            )
        labels = tuple(str(column) for column in frame.columns)
        if not labels or not len(frame):
            raise DataError("regressors has no values. Leave it out, or say regressors=None.")
        if len(set(labels)) < len(labels):
            raise DataError(f"regressors has two columns of one name: {', '.join(labels)}.")
        days = civil_days(frame.index, "The dates of regressors")
        values = np.column_stack([_numbers(frame.iloc[:, i], days) for i in range(len(labels))])
        order = np.argsort(days, kind="stable")
        days, values = days[order], values[order]
        steps = np.diff(days)
        if np.any(steps == 0):
            twice = np.unique(days[1:][steps == 0])
            raise DataError(
                f"regressors has days twice: {some(map(date_of, twice), 3)}. Aggregate "
                "them first, for instance with .groupby('date').sum()."
            )
        if np.any(steps > 1):
            missing = np.setdiff1d(np.arange(days[0], days[-1] + 1), days)
            raise DataError(
                "regressors has no row for days between its first and its last: "
                f"{some(map(date_of, missing), 3)}. Say what their values are, for instance with "
                ".asfreq('D').fillna(0)."
            )
        return cls(labels, int(days[0]), values)

    def as_document(self) -> dict[str, Any]:
        """The same in JSON's own types."""
        columns = zip(self.labels, self.values.T.tolist(), strict=True)
        return {"first_day": date_of(self.first_day), "columns": dict(columns)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`as_document` made."""
        columns = document["columns"]
        values = np.column_stack([np.asarray(column, float) for column in columns.values()])
        if not len(values) or not np.all(np.isfinite(values)):
            raise ValueError("regressors are not finite")
        first_day = civil_days([document["first_day"]], "first_day")[0]
        return cls(tuple(columns), int(first_day), values)


def _day_pair(span: Any) -> NDArray:
    first, last = civil_days(list(span), "span")
    if last < first:
        raise ValueError("an event ends before it begins")
    return np.array([first, last])


def _labels(column: pd.Series) -> list[str]:
    missing = np.flatnonzero(column.isna() | (column.astype(str).str.strip() == ""))
    if missing.size:
        raise DataError(f"events has no name in {some_rows(missing)}.")
    return [str(label) for label in column]


def _numbers(column: pd.Series, days: NDArray) -> NDArray:
    """A column's values as floats, or the error that says which are none."""
    numeric = pd.api.types.is_numeric_dtype(column) and column.dtype.kind != "c"
    if not numeric:
        converted = pd.to_numeric(column, errors="coerce")
        texts = [value for value in column[converted.isna() & column.notna()]]
        if texts or not all(isinstance(v, (int, float, np.number)) for v in column.dropna()):
            shown = some(map(repr, texts or column.dropna().tolist()), 3)
            raise DataError(
                f"Regressor {column.name!r} holds text or other values that are no numbers "
                f"({shown}). Convert it with pd.to_numeric; a column of names is events."
            )
        column = converted
    values = column.to_numpy(float, na_value=np.nan)
    bad = days[~np.isfinite(values)]
    if bad.size:
        raise DataError(
            f"Regressor {column.name!r} has no finite value on "
            f"{some(map(date_of, np.sort(bad)), 3)}. Say what it was, for instance .fillna(0)."
        )
    return values


def _as_pandas(table: Any, what: str) -> pd.DataFrame:
    """A pandas or polars frame or an Arrow table as pandas."""
    if isinstance(table, pd.DataFrame):
        return table
    if type(table).__name__ == "LazyFrame":
        table = table.collect()
    if hasattr(table, "__arrow_c_stream__"):
        try:
            return pa.table(table).to_pandas()
        except pa.ArrowInvalid as error:
            raise DataError(f"{what} must be a table; got a column alone.") from error
    raise DataError(
        f"{what} must be a pandas DataFrame, a polars one or an Arrow table; got "
        f"{type(table).__name__}."
    )
