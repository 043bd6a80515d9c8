"""The two things an RFM summary can rest on: a table inside DuckDB, or a frame from elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.money import UNITS
from predclv.notices import counted
from predclv.once import once
from predclv.progress import stage
from predclv.samples.cells import Cells, SpendCells
from predclv.samples.grouping import distinct
from predclv.summaries.spread import assert_covered, write_scored
from predclv.units import days_per
from predclv.warehouse.base import Warehouse, fresh
from predclv.warehouse.duckdb import DuckDBWarehouse


class Summary(Protocol):
    """What an `RFM` asks."""

    has_spend: bool
    cell_keys: tuple[str, ...]

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by customer_id."""

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``."""

    def cells(self) -> Cells:
        """Customers by history."""

    def keyed_cells(self) -> pd.DataFrame:
        """The columns ``cell_keys`` and weight, one row per cell, in the order of ``cells()``."""

    def spend_of_cells(self) -> np.ndarray:
        """The sum of customers' mean spends, none below zero, per cell of ``cells()``."""

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


class StoredSummary:
    """A summary in whole days and 1e-4 units that stays in its warehouse until it is asked for.

    It never changes, so a copy is the same one. To another process it goes as all of its rows, in
    these integers: every answer there is the same to the last bit.
    """

    cell_keys: tuple[str, ...] = ("frequency", "recency_days", "age_days")

    def __init__(self, warehouse: Warehouse, table: str, unit: str, has_spend: bool) -> None:
        self._warehouse = warehouse
        self._table = table
        self._unit = unit
        self.has_spend = has_spend

    def __copy__(self) -> "StoredSummary":
        return self

    def __deepcopy__(self, memo: object) -> "StoredSummary":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        customers = self._warehouse.table(f"SELECT * FROM {self._table}")
        return _arrived, (customers, self._unit, self.has_spend)

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
            f" CAST(age_days AS DOUBLE) / {days} AS T{spend if self.has_spend else ''}"
        )

    @once
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by customer_id."""
        sql = f"SELECT {self.columns} FROM {self._table} ORDER BY customer_id"
        with stage("Fetching customers"):
            return self._warehouse.frame(sql)

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``, without fetching the others."""
        sql = f"SELECT {self.columns} FROM {self._table} ORDER BY customer_id LIMIT {rows}"
        return self._warehouse.frame(sql)

    def keyed_cells(self) -> pd.DataFrame:
        """The columns ``cell_keys`` and weight, one row per cell, in the order of ``cells()``."""
        return self._keyed_cells.copy(deep=False)

    @once
    def _keyed_cells(self) -> pd.DataFrame:
        with stage("Counting cells"):
            return self._warehouse.frame(
                "SELECT frequency, recency_days, age_days, count(*) AS weight"
                f" FROM {self._table} GROUP BY ALL ORDER BY ALL"
            )

    def cells(self) -> Cells:
        """Customers by history."""
        found, days = self._keyed_cells, days_per(self._unit)
        return Cells(
            frequency=found["frequency"].to_numpy(np.float64),
            recency=found["recency_days"].to_numpy(np.float64) / days,
            T=found["age_days"].to_numpy(np.float64) / days,
            weight=found["weight"].to_numpy(np.int64),
            unit=self._unit,
        )

    def spend_of_cells(self) -> np.ndarray:
        """The sum of customers' mean spends, none below zero, per cell of ``cells()``."""
        found = self._warehouse.frame(
            "SELECT frequency, recency_days, age_days,"
            " CAST(sum(greatest(repeat_units, 0)) AS BIGINT) AS units"
            f" FROM {self._table} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        frequency = found["frequency"].to_numpy(np.float64)
        return found["units"].to_numpy(np.float64) / UNITS / np.maximum(frequency, 1.0)

    def sample(self, rows: int) -> pd.DataFrame:
        """Rows of ``frame``: the same at every call, and no more related than by chance."""
        return self._warehouse.frame(
            f"SELECT {self.columns} FROM {self._table} ORDER BY hash(customer_id) LIMIT {rows}"
        )

    def spend_cells(self) -> SpendCells:
        """Repeat customers by spending."""
        with stage("Counting cells of spend"):
            all_repeaters = self._warehouse.frame(
                "SELECT frequency, greatest(repeat_units, 0) AS repeat_units, count(*) AS weight"
                f" FROM {self._table} WHERE frequency > 0 GROUP BY ALL ORDER BY ALL"
            )
        spends = all_repeaters["repeat_units"] > 0
        found = all_repeaters[spends]
        frequency = found["frequency"].to_numpy(np.float64)
        return SpendCells(
            frequency=frequency,
            monetary_value=found["repeat_units"].to_numpy(np.float64) / UNITS / frequency,
            weight=found["weight"].to_numpy(np.int64),
            left_out=int(all_repeaters["weight"][~spends].sum()),
        )

    def write_scored(
        self,
        cells: pd.DataFrame,
        expressions: Mapping[str, str],
        path: str | Path,
        metadata: Mapping[str, str],
    ) -> int:
        """Join the customers with a table of their cells, write that, and count the rows."""
        keys, warehouse = self.cell_keys, self._warehouse
        customers = f"SELECT {self.columns}, recency_days, age_days FROM {self._table}"
        assert_covered(cells, self._keyed_cells, keys)
        number = int(self._keyed_cells["weight"].sum())
        with stage(f"Writing {counted(number, 'customer')}"):
            write_scored(warehouse, customers, cells, keys, expressions, path, metadata)
        return number


def _arrived(customers: pa.Table, unit: str, has_spend: bool) -> StoredSummary:
    """A summary that came from another process, in a warehouse of this one."""
    warehouse, name = DuckDBWarehouse(), fresh("summary")
    warehouse.register(name, customers)
    return StoredSummary(warehouse, name, unit, has_spend)


class FrameSummary:
    """A summary made elsewhere, its values taken as they are."""

    cell_keys: tuple[str, ...] = ("frequency", "recency", "T")

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

    def keyed_cells(self) -> pd.DataFrame:
        """The columns ``cell_keys`` and weight, one row per cell, in the order of ``cells()``."""
        return self.cells().frame

    def spend_of_cells(self) -> np.ndarray:
        """The sum of customers' mean spends, none below zero, per cell of ``cells()``."""
        spend = self.frame.assign(spend=self.frame["monetary_value"].clip(lower=0.0))
        by_cell = spend.groupby(["frequency", "recency", "T"])["spend"].sum()
        return by_cell.to_numpy(np.float64)

    def sample(self, rows: int) -> pd.DataFrame:
        """Rows of ``frame``: the same at every call, and no more related than by chance."""
        return self.frame.sample(min(rows, len(self.frame)), random_state=0)

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

    def write_scored(
        self,
        cells: pd.DataFrame,
        expressions: Mapping[str, str],
        path: str | Path,
        metadata: Mapping[str, str],
    ) -> int:
        """Join the customers with a table of their cells, write that, and count the rows."""
        keys, warehouse, customers = self.cell_keys, DuckDBWarehouse(), "SELECT * FROM customers"
        warehouse.register("customers", pa.Table.from_pandas(self.frame, preserve_index=False))
        assert_covered(cells, self.keyed_cells(), keys)
        with stage(f"Writing {counted(len(self.frame), 'customer')}"):
            write_scored(warehouse, customers, cells, keys, expressions, path, metadata)
        return len(self.frame)
