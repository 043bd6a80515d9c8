"""A summary that rests on a table in its warehouse, in whole days and 1e-4 units."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.clocks.base import Steady
from predclv.frozen import Frozen
from predclv.money import UNITS
from predclv.notices import counted
from predclv.once import once
from predclv.progress import stage
from predclv.samples.cells import Cells
from predclv.samples.patterns import Patterns, with_covariates
from predclv.samples.spend import SpendCells
from predclv.summaries.pathed import Ahead, finish
from predclv.summaries.patterned import Described
from predclv.summaries.spread import assert_covered, write_scored
from predclv.warehouse.base import Warehouse, fresh
from predclv.warehouse.duckdb import DuckDBWarehouse

MONETARY_VALUE = (
    f"CASE WHEN frequency > 0 THEN CAST(repeat_units AS DOUBLE) / {UNITS} / frequency ELSE 0.0 END"
)
"""SQL of the mean spend per repeat purchase, of a summary's columns."""

_HISTORY = ("frequency", "recency_days", "age_days")


class StoredSummary:
    """A summary in whole days and 1e-4 units that stays in its warehouse until it is asked for.

    What tells histories apart are its ``keys``: every grouping by history follows from these.

    It never changes, so a copy is the same one. To another process it goes as all of its rows, in
    these integers: every answer there is the same to the last bit.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        table: str,
        unit: str,
        has_spend: bool,
        last_day: int,
        gaps: Callable[[], pd.DataFrame] | None = None,
        known: Described | None = None,
        repeats: Callable[[str], pd.DataFrame] | None = None,
        extra: tuple[str, ...] = (),
        recalls: Any = None,
        days: pd.DataFrame | None = None,
        counts_first: bool = False,
    ) -> None:
        self.counts_first = counts_first  # whether the table has spent_units, and spend is of them
        self.purchases_by_day = days
        self._count_repeats = repeats
        self._known = known or Described(table)
        self._more = extra
        self.extra = (*self._known.keys, *extra)
        self.keys = (*_HISTORY, *self.extra)
        self.recalls = recalls
        self._count_gaps = gaps
        self._warehouse = warehouse
        self._table = table
        self._clock = Steady(unit)
        self._last_day = last_day
        self.has_spend = has_spend
        self.repeats_by_day: tuple[int, np.ndarray] | None = None

    def described(self, known: Described) -> "StoredSummary":
        """The same customers, of whom more is known."""
        facts = (self._clock.unit, self.has_spend, self._last_day, self._count_gaps, known)
        more = (self._count_repeats, self._more, self.recalls, self.purchases_by_day)
        return StoredSummary(self._warehouse, known.table, *facts, *more, self.counts_first)

    def looking_ahead(self, find: Callable[[Warehouse, str], Ahead]) -> "StoredSummary":
        """The same customers by what is to come: ``find`` has it of a table with pattern."""
        found = find(self._warehouse, self._table)
        self._warehouse.store(
            name := fresh("summary"),
            f"SELECT s.*, a.path AS ahead FROM {self._table} s"
            f" JOIN {found.table} a ON s.customer_id = a.customer_id",
        )
        finish(self._warehouse, [name], [found.table])
        known = replace(
            self._known,
            table=name,
            keys=(*self._known.keys, "ahead"),
            patterns=found.patterns,
            ahead=found.paths,
        )
        return self.described(known)

    def __copy__(self) -> "StoredSummary":
        return self

    def __deepcopy__(self, memo: object) -> "StoredSummary":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        customers = self._warehouse.table(f"SELECT * FROM {self._table}")
        gaps = self.__dict__.get("_gaps")  # where they have been counted they come along
        known = replace(self._known, table="", segments="")
        repeats = self.__dict__.get("repeats_by_day_and_pattern")
        facts = (self._clock.unit, self.has_spend, self._last_day)
        known_too = (known, repeats, self._more, self.recalls)
        remembered = dict(self.__dict__.get("_remembered", {}))
        return _arrived, (customers, *facts, gaps, *known_too, remembered, self.counts_first)

    @property
    def warehouse(self) -> Warehouse:
        """Where the table lies."""
        return self._warehouse

    @property
    def table(self) -> str:
        """The name of the table."""
        return self._table

    @property
    def patterns(self) -> Patterns | None:
        """What the numbers of patterns stand for; None without covariates."""
        return self._known.patterns

    def on(
        self, table: str, extra: tuple[str, ...], recalls: Any, counts_first: bool = False
    ) -> "StoredSummary":
        """The same customers in a table with more columns, which tell histories apart too.

        ``recalls`` is what those depend on; with ``counts_first`` the table has ``spent_units``,
        of first purchases too, and what customers spend on average is of these.
        """
        facts = (self._clock.unit, self.has_spend, self._last_day, self._count_gaps)
        return StoredSummary(
            self._warehouse,
            table,
            *facts,
            known=self._known,
            repeats=self._count_repeats,
            extra=(*self._more, *extra),
            recalls=recalls,
            days=self.purchases_by_day,
            counts_first=counts_first or self.counts_first,
        )

    @property
    def columns(self) -> str:
        """The columns of the frame in SQL.

        A whole number of days over the days in a unit is the same double in SQL and in NumPy.
        """
        mean = (
            f"CAST(spent_units AS DOUBLE) / {UNITS} / (frequency + 1)"
            if self.counts_first
            else MONETARY_VALUE
        )
        spend = f", {mean} AS monetary_value"
        extra = "".join(f", {name}" for name in self.extra)
        return (
            "customer_id, CAST(frequency AS BIGINT) AS frequency,"
            f" {self._clock.sql('recency_days')} AS recency,"
            f" {self._clock.sql('age_days')} AS T{spend if self.has_spend else ''}{extra}"
        )

    @once
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by customer_id."""
        sql = f"SELECT {self.columns} FROM {self._table} ORDER BY customer_id"
        with stage("Fetching customers"):
            return with_covariates(self._warehouse.frame(sql), self._known.patterns)

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``, without fetching the others."""
        sql = f"SELECT {self.columns} FROM {self._table} ORDER BY customer_id LIMIT {rows}"
        return with_covariates(self._warehouse.frame(sql), self._known.patterns)

    def cells(self) -> Cells:
        """Customers by history."""
        return self._cells

    @once
    def _cells(self) -> Cells:
        with stage("Counting cells"):
            found = self._grouped(self.keys, "count(*) AS weight")
        return Cells(
            frequency=found["frequency"].to_numpy(np.float64),
            recency=self._clock.elapsed(found["recency_days"]),
            T=self._clock.elapsed(found["age_days"]),
            weight=found["weight"].to_numpy(np.int64),
            unit=self._clock.unit,
            last_day=self._last_day,
            extra=Frozen({name: found[name].to_numpy(np.int64) for name in self.extra}),
            patterns=self._known.patterns,
            paths=self._known.paths,
            ahead=self._known.ahead,
        )

    def _grouped(self, keys: tuple[str, ...], aggregate: str, where: str = "") -> pd.DataFrame:
        """A sum or count per group of customers, in the order of the keys."""
        places = ", ".join(str(number + 1) for number in range(len(keys)))
        return self._warehouse.frame(
            f"SELECT {', '.join(keys)}, {aggregate} FROM {self._table} {where}"
            f" GROUP BY {places} ORDER BY {places}"
        )

    def gap_days(self) -> pd.DataFrame | None:
        """Days between consecutive purchases, counted: gap_days, gaps; None without a log."""
        return None if self._gaps is None else self._gaps.copy(deep=False)

    @once
    def repeats_by_day_and_pattern(self) -> pd.DataFrame | None:
        """Repeat purchases by day and pattern: day, pattern, purchases; None without a log."""
        if self._count_repeats is None or self._known.patterns is None:
            return None
        with stage("Counting purchases by day and pattern"):
            if self._known.segments:
                return self._count_repeats(self._known.segments)
            end = self._last_day
            return self._count_repeats(
                f"(SELECT customer_id, pattern, {end} - age_days AS first_day,"
                f" {end} - age_days AS from_day, {end + 1} AS to_day FROM {self._table})"
            )

    @once
    def _gaps(self) -> pd.DataFrame | None:
        if self._count_gaps is None:
            return None
        with stage("Counting times between purchases"):
            return self._count_gaps()

    def spend_of_cells(self) -> np.ndarray:
        """The sum of customers' mean spends, none below zero, per cell of ``cells()``."""
        units = "spent_units" if self.counts_first else "repeat_units"
        found = self._grouped(self.keys, f"CAST(sum(greatest({units}, 0)) AS BIGINT) AS units")
        behind = found["frequency"].to_numpy(np.float64) + self.counts_first
        return found["units"].to_numpy(np.float64) / UNITS / np.maximum(behind, 1.0)

    def sample(self, rows: int) -> pd.DataFrame:
        """Rows of ``frame``: the same at every call, and no more related than by chance."""
        sql = f"SELECT {self.columns} FROM {self._table} ORDER BY hash(customer_id) LIMIT {rows}"
        return with_covariates(self._warehouse.frame(sql), self._known.patterns)

    def spend_cells(self) -> SpendCells:
        """Repeat customers by spending."""
        with stage("Counting cells of spend"):
            all_repeaters = self._grouped(
                ("frequency", "greatest(repeat_units, 0) AS repeat_units", *self._known.keys[:1]),
                "count(*) AS weight",
                "WHERE frequency > 0",
            )
        spends = all_repeaters["repeat_units"] > 0
        found = all_repeaters[spends]
        frequency = found["frequency"].to_numpy(np.float64)
        return SpendCells(
            frequency=frequency,
            monetary_value=found["repeat_units"].to_numpy(np.float64) / UNITS / frequency,
            weight=found["weight"].to_numpy(np.int64),
            left_out=int(all_repeaters["weight"][~spends].sum()),
            extra=Frozen({key: found[key].to_numpy(np.int64) for key in self._known.keys[:1]}),
            patterns=self._known.patterns,
        )

    def write_scored(
        self,
        cells: pd.DataFrame,
        expressions: Mapping[str, str],
        path: str | Path,
        metadata: Mapping[str, str],
    ) -> int:
        """Join the customers with a table of their cells, write that, and count the rows."""
        customers = f"SELECT {self.columns}, recency_days, age_days FROM {self._table}"
        own = self.cells()
        assert_covered(cells, own)
        with stage(f"Writing {counted(own.n_customers, 'customer')}"):
            write_scored(self._warehouse, customers, cells, own.keys, expressions, path, metadata)
        return own.n_customers


def _arrived(
    customers: pa.Table,
    unit: str,
    has_spend: bool,
    last_day: int,
    gaps: pd.DataFrame | None = None,
    known: Described | None = None,
    repeats: pd.DataFrame | None = None,
    extra: tuple[str, ...] = (),
    recalls: Any = None,
    remembered: Mapping[Any, StoredSummary] | None = None,
    counts_first: bool = False,
) -> StoredSummary:
    """A summary that came from another process, in a warehouse of this one."""
    warehouse, name = DuckDBWarehouse(), fresh("summary")
    warehouse.register(name, customers)
    counted_gaps = None if gaps is None else lambda: gaps
    facts = (unit, has_spend, last_day, counted_gaps, known, None)
    found = StoredSummary(warehouse, name, *facts, extra, recalls, None, counts_first)
    if repeats is not None:
        found.__dict__["repeats_by_day_and_pattern"] = repeats
    found.__dict__["_remembered"] = dict(remembered or {})
    return found
