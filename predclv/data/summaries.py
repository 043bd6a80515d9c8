"""The two things an RFM summary can rest on: a table inside DuckDB, or a frame from elsewhere."""

from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from predclv.data.cells import Cells, SpendCells
from predclv.data.duckdb import Engine
from predclv.data.grouping import distinct
from predclv.data.notices import counted, warn
from predclv.data.sql import UNITS
from predclv.errors import DataError, DataWarning, did_you_mean, some
from predclv.units import days_per


class Summary(Protocol):
    """What an `RFM` asks."""

    has_spend: bool

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by customer_id."""

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``."""

    def cells(self) -> Cells:
        """Customers by history."""

    def spend_cells(self) -> SpendCells:
        """Repeat customers by spending."""


class StoredSummary:
    """A summary in whole days and 1e-4 units that stays in DuckDB until it is asked for."""

    def __init__(self, engine: Engine, table: str, unit: str, has_spend: bool) -> None:
        self._engine = engine
        self._table = table
        self._unit = unit
        self.has_spend = has_spend

    @property
    def columns(self) -> str:
        """The columns of the frame in SQL.

        A whole number of days over the days in a unit is the same double in SQL and in NumPy.
        """
        days = f"CAST({days_per(self._unit)!r} AS DOUBLE)"
        spend = (
            f", CASE WHEN frequency > 0 THEN CAST(repeat_units AS DOUBLE) / {UNITS} / frequency"
            " ELSE 0.0 END AS monetary_value"
        )
        return (
            "customer_id, CAST(frequency AS BIGINT) AS frequency,"
            f" CAST(recency_days AS DOUBLE) / {days} AS recency,"
            f' CAST(age_days AS DOUBLE) / {days} AS "T"{spend if self.has_spend else ""}'
        )

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by customer_id."""
        return self._engine.frame(f"SELECT {self.columns} FROM {self._table} ORDER BY customer_id")

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``, without fetching the others."""
        sql = f"SELECT {self.columns} FROM {self._table} ORDER BY customer_id LIMIT {rows}"
        return self._engine.frame(sql)

    def cells(self) -> Cells:
        """Customers by history."""
        found = self._engine.frame(
            "SELECT frequency, recency_days, age_days, count(*) AS weight"
            f" FROM {self._table} GROUP BY ALL ORDER BY ALL"
        )
        days = days_per(self._unit)
        return Cells(
            frequency=found["frequency"].to_numpy(np.float64),
            recency=found["recency_days"].to_numpy(np.float64) / days,
            T=found["age_days"].to_numpy(np.float64) / days,
            weight=found["weight"].to_numpy(np.int64),
            unit=self._unit,
        )

    def spend_cells(self) -> SpendCells:
        """Repeat customers by spending."""
        found = self._engine.frame(
            f"SELECT frequency, repeat_units, count(*) AS weight FROM {self._table}"
            " WHERE frequency > 0 AND repeat_units > 0 GROUP BY ALL ORDER BY ALL"
        )
        sql = f"SELECT count(*) FROM {self._table} WHERE frequency > 0 AND repeat_units <= 0"
        frequency = found["frequency"].to_numpy(np.float64)
        return SpendCells(
            frequency=frequency,
            monetary_value=found["repeat_units"].to_numpy(np.float64) / UNITS / frequency,
            weight=found["weight"].to_numpy(np.int64),
            left_out=self._engine.rows(sql)[0][0],
        )


class FrameSummary:
    """A summary made elsewhere, its values taken as they are."""

    def __init__(self, frame: pd.DataFrame, unit: str) -> None:
        self.frame = frame
        self.has_spend = "monetary_value" in frame
        self._unit = unit

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``."""
        return self.frame.head(rows)

    def cells(self) -> Cells:
        """Customers by history."""
        columns = [self.frame[name].to_numpy() for name in ("frequency", "recency", "T")]
        first, code = distinct(*columns)
        frequency, recency, T = (column[first].astype(np.float64) for column in columns)
        order = np.lexsort((T, recency, frequency))
        return Cells(
            frequency=frequency[order],
            recency=recency[order],
            T=T[order],
            weight=np.bincount(code, minlength=order.size)[order],
            unit=self._unit,
        )

    def spend_cells(self) -> SpendCells:
        """Repeat customers by spending."""
        repeaters = self.frame[self.frame["frequency"] > 0]
        spenders = repeaters[repeaters["monetary_value"] > 0]
        found = spenders.groupby(["frequency", "monetary_value"]).size()
        return SpendCells(
            frequency=found.index.get_level_values(0).to_numpy(np.float64),
            monetary_value=found.index.get_level_values(1).to_numpy(np.float64),
            weight=found.to_numpy(np.int64),
            left_out=len(repeaters) - len(spenders),
        )


def checked_summary(frame: pd.DataFrame, customer_id: str) -> pd.DataFrame:
    """A summary made elsewhere, checked, in the package's columns and sorted by customer_id.

    Raises
    ------
    DataError
        If a column is missing or customers are impossible; the message names their ids.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"A summary must be a pandas DataFrame; got {type(frame).__name__}.")
    for name in ("frequency", "recency", "T"):
        if name not in frame:
            raise DataError(
                f"The summary has no column {name!r}. Its columns are {some(frame.columns, 20)}."
                f"{did_you_mean(name, frame.columns)} For a log of purchases use rfm_summary."
            )
    if frame.empty:
        raise DataError("The summary is empty: it has its columns, but no customer.")
    ids = _ids(frame, customer_id)
    columns = {"customer_id": ids} | {
        name: _numbers(frame[name], ids)
        for name in ("frequency", "recency", "T", "monetary_value")
        if name in frame
    }
    checked = pd.DataFrame(columns)
    _check_histories(checked)
    if "monetary_value" in checked:
        _check_spend(checked)
    checked["frequency"] = checked["frequency"].astype(np.int64)
    return checked.sort_values("customer_id", ignore_index=True)


def _ids(frame: pd.DataFrame, customer_id: str) -> pd.Series:
    """The ids: a column, or the index where it is the ids' only place."""
    if customer_id in frame:
        ids = frame[customer_id].reset_index(drop=True)
    elif isinstance(frame.index, pd.MultiIndex):
        raise DataError("The summary's index has several levels; customers need one id.")
    elif (
        customer_id in frame.index.names
        or isinstance(frame.index, pd.RangeIndex)
        or (frame.index.name is None and customer_id == "customer_id")
    ):
        ids = frame.index.to_series(index=pd.RangeIndex(len(frame)))
    else:
        raise DataError(
            f"The summary has no column {customer_id!r}, nor is it the index. Its columns are "
            f"{some(frame.columns, 20)}.{did_you_mean(customer_id, frame.columns)}"
        )
    if ids.isna().any():
        raise DataError(
            f"{counted(int(ids.isna().sum()), 'customer has', 'customers have')} no id."
        )
    if pd.api.types.infer_dtype(ids, skipna=True).startswith("mixed-integer"):
        raise DataError("The ids mix numbers and text. Say .astype(str) to make all of them text.")
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].unique()
        raise DataError(
            f"{counted(len(twice), 'customer has', 'customers have')} more than one row "
            f"(ids {some(twice)}). A summary has one row per customer."
        )
    return ids


def _numbers(column: pd.Series, ids: pd.Series) -> np.ndarray:
    try:
        return column.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"Column {column.name!r} of the summary is no number: {error}.") from error


def _check_histories(summary: pd.DataFrame) -> None:
    frequency, recency, T = (summary[name] for name in ("frequency", "recency", "T"))
    for offenders, problem, advice in (
        (
            ~pd.Series(np.isfinite(summary[["frequency", "recency", "T"]]).all(axis=1)),
            "a missing or infinite frequency, recency or T",
            "Leave them out or correct them.",
        ),
        (
            frequency < 0,
            "a negative frequency",
            "It counts purchases after the first: 0 for one purchase.",
        ),
        (frequency % 1 != 0, "a frequency that is no whole number", "It is a count."),
        (recency < 0, "a negative recency", "It runs from the first to the last purchase."),
        (T < 0, "a negative T", "Was observation_end before their first purchase?"),
        (recency > T, "recency > T", "Was observation_end before their last purchase?"),
        (
            (frequency == 0) & (recency > 0),
            "recency > 0 without a repeat purchase",
            "recency runs from the first to the last purchase, not from the last one to today.",
        ),
        (
            (frequency > 0) & (recency == 0),
            "repeat purchases but recency 0",
            "Repeat purchases are on later days; those of one day are one purchase.",
        ),
    ):
        if offenders.any():
            _refuse(summary, offenders, problem, advice)


def _check_spend(summary: pd.DataFrame) -> None:
    repeaters = summary["frequency"] > 0
    summary["monetary_value"] = summary["monetary_value"].where(repeaters, 0.0)
    spend = summary["monetary_value"]
    is_missing = spend.isna() | spend.isin([np.inf, -np.inf])
    if is_missing.any():
        _refuse(
            summary,
            is_missing,
            "repeat purchases but a missing or infinite monetary_value",
            "Correct them, or drop the column for a summary without spend.",
        )
    if (spend < 0).any():
        warn(
            f"{counted(int((spend < 0).sum()), 'customer has', 'customers have')} a negative "
            f"monetary_value (ids {some(summary.loc[spend < 0, 'customer_id'])}), as refunds can "
            "make it. A spend model is fitted without them.",
            DataWarning,
        )


def _refuse(summary: pd.DataFrame, offenders: pd.Series, problem: str, advice: str) -> None:
    ids = summary.loc[offenders, "customer_id"]
    raise DataError(
        f"{counted(len(ids), 'customer has', 'customers have')} {problem} "
        f"({'id' if len(ids) == 1 else 'ids'} {some(ids)}). {advice}"
    )
