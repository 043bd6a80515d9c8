"""A checked log of purchases: what may be counted, and a count of what was left out."""

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, OptionError
from predclv.logs.cohort_statements import cohort_cells, customer_totals, first_orders
from predclv.logs.copies import doubled_days
from predclv.logs.covariates import Covariates
from predclv.logs.refunds import report_refunds
from predclv.logs.sources import Table
from predclv.logs.statements import Packing, Statements
from predclv.money import UNITS
from predclv.progress import stage
from predclv.warehouse.base import LeftBehind, Warehouse, fresh

EPOCH = datetime.date(1970, 1, 1)
"""The day that days are counted from."""
FIRST, LAST = (day - EPOCH for day in (datetime.date.min, datetime.date.max))
"""The days that a date can be, counted from then."""
_NO_COVARIATES: dict[str, Any] = {"static_covariates": None, "dynamic_covariates": None}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Log:
    """A log of purchases that passed its checks; its rows stay where they lie.

    Forecasters that need more than the summary ask it. Files and relations are read again when
    they do.

    Attributes
    ----------
    first_day, last_day : datetime.date
        The dates of the earliest and the latest row.
    rows : int
        All rows of the log.
    has_spend : bool
        Whether it has amounts.
    refunds : str
        What is done with negative amounts: net or drop.
    currency : str or None
        What amounts are shown in.
    static_covariates, dynamic_covariates : Covariates or None
        What is known of customers; every summary of the log takes it along.
    """

    first_day: datetime.date
    last_day: datetime.date
    rows: int
    has_spend: bool
    refunds: str
    _facts: Mapping[str, Any]
    _table: Table
    _statements: Statements
    currency: str | None = None
    static_covariates: Covariates | None = None
    dynamic_covariates: Covariates | None = None

    def __repr__(self) -> str:
        return f"Log({self.rows:,} rows, {self.first_day} to {self.last_day})"

    def __copy__(self) -> "Log":
        return self

    def __deepcopy__(self, memo: object) -> "Log":
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process a log has its dates and counts; asked for its rows, it says so."""
        left: Any = LeftBehind(self._table.dialect)
        table = replace(self._table, warehouse=left, reader=left, alive=None)
        values = {part.name: getattr(self, part.name) for part in fields(self)} | {"_table": table}
        return Log, tuple((values | _NO_COVARIATES).values())

    @property
    def without_covariates(self) -> "Log":
        """The same purchases, for a summary that only counts customers."""
        return replace(self, **_NO_COVARIATES)

    def purchases(
        self, after: datetime.date | None = None, until: datetime.date | None = None
    ) -> pd.DataFrame:
        """Who bought in a window of time, how often, and what they spent.

        Parameters
        ----------
        after : datetime.date, optional
            The window opens the day after; default: with the log.
        until : datetime.date, optional
            The last day of the window; default: the end of the log.

        Returns
        -------
        pandas.DataFrame
            One row per customer with a purchase: customer_id, purchases (days with one) and, where
            the log has amounts, spend (their net total); sorted by customer_id.
        """
        self.keep_purchases(name := fresh("purchases"), after, until)
        spend = f", CAST(units AS DOUBLE) / {UNITS} AS spend" if self.has_spend else ""
        frame = self.warehouse.frame(
            f"SELECT customer_id, purchases{spend} FROM {name} ORDER BY customer_id"
        )
        self.warehouse.drop(name)
        return frame

    def purchase_days(
        self, until: datetime.date | None = None, of: pa.Table | None = None
    ) -> pd.DataFrame:
        """Every day with a purchase: customer_id, day (datetime64) and, maybe, spend; sorted.

        Of the customers in the column customer_id of ``of``, or of all.
        """
        last = None if until is None else (until - EPOCH).days
        sql = self._statements.purchase_days(None, last, **self._refund_options)
        name = fresh("days")
        self.warehouse.store(name, sql, self._table.reader)
        spend = f", CAST(units AS DOUBLE) / {UNITS} AS spend" if self.has_spend else ""
        wanted, bought = fresh("wanted"), "bought" if self._facts["refund_rows"] else "true"
        if of is not None:
            self.warehouse.register(wanted, of)
            bought += f" AND customer_id IN (SELECT customer_id FROM {wanted})"
        frame = self.warehouse.frame(
            f"SELECT customer_id, DATE '1970-01-01' + day AS day{spend} FROM {name} WHERE {bought}"
            " ORDER BY customer_id, day"
        )
        self.warehouse.drop(name)
        self.warehouse.drop(wanted)
        return frame

    @contextmanager
    def days_until(self, end: datetime.date) -> Iterator[str]:
        """A table of every day with a purchase up to ``end``, customer_id and day, for a statement.

        It stands after FROM, in the warehouse of the summary, for as long as the ``with``.
        """
        sql = self._statements.purchase_days(None, (end - EPOCH).days, **self._refund_options)
        if self._facts["refund_rows"]:
            sql = f"SELECT customer_id, day FROM ({sql}) WHERE bought"
        if self._table.reader is self.warehouse:
            yield f"({sql})"
            return
        name = fresh("days")
        self.warehouse.store(name, sql, self._table.reader)
        try:
            yield name
        finally:
            self.warehouse.drop(name)

    def keep_days(self, name: str) -> dict[str, int]:
        """Keep every customer's days, of refunds alone too, as a table; facts about the rows.

        Beside customer_id, day and row_count it has ``units`` where there are amounts, net, and
        ``bought``, ``refund_units`` and ``refund_rows`` where the log has refunds.
        """
        options: _RefundOptions = {**self._refund_options, "refunds_count": True}
        also = f", {self._statements.rows} AS row_count"
        days = self._statements.purchase_days(None, None, **options, also=also)
        self.warehouse.store(name, days, self._table.reader)
        facts = {name: int(self._facts.get(name, 0)) for name in ("refund_rows", "rounded_rows")}
        return facts | {"is_text": int(self._table.is_text)}

    def keep_purchases(
        self, name: str, after: datetime.date | None, until: datetime.date | None
    ) -> None:
        """Keep `purchases` as the temporary table ``name``, its spend in 1e-4 units."""
        first, last = (None if day is None else (day - EPOCH).days for day in (after, until))
        sql = self._statements.window(first, last, **self._refund_options)
        self.warehouse.store(name, sql, self._table.reader)

    def totals(self, end: datetime.date) -> pd.DataFrame:
        """Each customer up to ``end``, in the integers of `customer_totals`; sorted by id."""
        return self.table_of(customer_totals, end, "customer_id")

    def first_orders(self, end: datetime.date) -> pd.DataFrame:
        """What first orders up to ``end`` brought: amount, and customers with that amount; sorted.

        A day is one order, net of its refunds, as in monetary_value.
        """
        found = self.table_of(first_orders, end, "units")
        return pd.DataFrame({"amount": found["units"] / UNITS, "customers": found["customers"]})

    def cohort_cells(self, end: datetime.date, period: str) -> pd.DataFrame:
        """Cohorts by age up to ``end``, in the integers of `sql_historical.cohort_cells`."""
        sql = cohort_cells(
            self._statements,
            (end - EPOCH).days,
            period,
            "segment" in self._table.types,
            **self._refund_options,
        )
        return self._fetched(sql, "cohort, age")

    def purchases_by_day(self, end: datetime.date) -> pd.DataFrame:
        """Customers who bought on each day up to ``end``: day and purchases."""
        days = self._statements.purchase_days(None, (end - EPOCH).days, **self._refund_options)
        if self.has_refunds:
            days = f"SELECT * FROM ({days}) WHERE bought"
        sql = f"SELECT day, CAST(count(*) AS BIGINT) AS purchases FROM ({days}) GROUP BY day"
        return self._fetched(sql, "day")

    def table_of(
        self, statement: Any, end: datetime.date, order: str, *more: int, wanted: str = ""
    ) -> pd.DataFrame:
        """What a statement of its own file counts up to ``end``, sorted.

        A log that lies in the warehouse is read for ``wanted`` customers alone, SQL of their ids.
        """
        of = self._statements
        if wanted and self._table.reader is self.warehouse:
            of = of.of_customers(wanted)
        sql = statement(of, *more, (end - EPOCH).days, **self._refund_options)
        return self._fetched(sql, order)

    def keep_table_of(self, name: str, statement: Any, end: datetime.date, *more: float) -> None:
        """Keep what a statement of its own file says of each customer up to ``end``."""
        sql = statement(self._statements, *more, (end - EPOCH).days, **self._refund_options)
        self.warehouse.store(name, sql, self._table.reader)

    def rows_after(self, end: datetime.date) -> int:
        """Rows later than ``end``."""
        if end >= self.last_day:
            return 0
        later = self._statements.rows_where(f"{self._statements.day} > {(end - EPOCH).days}")
        return int(self._table.reader.rows(f"SELECT {later} FROM {self._table.sql}")[0][0])

    def doubled_days(self, most_rows: int) -> dict[str, Any]:
        """The facts of `sql_copies.doubled_days` over customers with about so many rows."""
        step = max(1, self.rows // most_rows)
        return self._table.reader.record(doubled_days(self._statements, step))

    def _fetched(self, sql: str, order: str) -> pd.DataFrame:
        self.warehouse.store(name := fresh("answer"), sql, self._table.reader)
        frame = self.warehouse.frame(f"SELECT * FROM {name} ORDER BY {order}")
        self.warehouse.drop(name)
        return frame

    def keep_summary(
        self, end: datetime.date, tells: bool = True
    ) -> tuple[str, dict[str, int], pd.DataFrame]:
        """Keep the summary to ``end`` as a temporary table; its name, what was left out, days.

        The table has customer_id, frequency, recency_days, age_days and, where the log has
        amounts, repeat_units. Days are those of `purchases_by_day`. ``tells``: whether what became
        of refunds is warned of; not where a log is summarised to one day after the other.
        """
        name, warehouse, last = fresh("summary"), self.warehouse, (end - EPOCH).days
        until = last if end < self.last_day else None
        sql = self._statements.summary(last, until, **self._refund_options, pack=self._packing)
        with stage(f"Adding up {self.rows:,} rows by customer"):
            warehouse.store(name, sql, self._table.reader)
        days = warehouse.frame(
            f"SELECT {last} - age_days AS day, CAST(recency_days AS BIGINT) AS purchases"
            f" FROM {name} WHERE customer_id IS NULL AND recency_days > 0 ORDER BY day"
        )
        warehouse.keep_where(name, "customer_id IS NOT NULL")
        told = report_refunds(warehouse, name, self.refunds, tells) if self.has_refunds else {}
        customers, repeats = warehouse.rows(f"SELECT count(*), sum(frequency) FROM {name}")[0]
        if not customers:
            raise DataError(
                f"Every amount up to {end} is negative: refunds alone make no customers."
            )
        return name, self._counts(end, customers, int(repeats), told), days

    def _counts(
        self, end: datetime.date, customers: int, repeats: int, refunds: Mapping[str, int]
    ) -> dict[str, int]:
        """What was counted, merged and left out."""
        rows_after = customers_after = 0
        if end < self.last_day:
            later = self._statements.rows_where(f"{self._statements.day} > {(end - EPOCH).days}")
            rows_after, seen = self._table.reader.rows(
                f"SELECT {later}, count(DISTINCT customer_id) FROM {self._table.sql}"
            )[0]
            customers_after = seen - customers - refunds.get("refund_only_customers", 0)
        purchase_rows = self.rows - rows_after - refunds.get("refund_rows", 0)
        return {
            "rows": self.rows,
            "customers": customers,
            "repeat_purchases": repeats,
            "same_day_rows_merged": int(purchase_rows - customers - repeats),
            "rows_after_end": int(rows_after),
            "customers_after_end": int(customers_after),
            "rounded_rows": int(self._facts.get("rounded_rows", 0)),
            **refunds,
        }

    @property
    def has_refunds(self) -> bool:
        """Whether any amount is negative."""
        return bool(self._facts["refund_rows"])

    @property
    def _packing(self) -> Packing | None:
        if not self.has_spend or self._facts["refund_rows"]:
            return None
        # Rounding adds up to half a unit per row.
        most = self._facts["all_amounts"] * UNITS + self.rows
        return Packing.of((self.first_day - EPOCH).days, (self.last_day - EPOCH).days, most)

    @property
    def _refund_options(self) -> "_RefundOptions":
        return {"with_refunds": self.has_refunds, "refunds_count": self.refunds == "net"}

    @property
    def warehouse(self) -> Warehouse:
        """What keeps the results: a private DuckDB, or the log's own Spark session."""
        return self._table.warehouse


class _RefundOptions(TypedDict):
    with_refunds: bool
    refunds_count: bool


def civil_date(value: object, what: str) -> datetime.date:
    """The civil date of a date, a timestamp or ISO text.

    Raises
    ------
    OptionError
        If it cannot be read without guessing.

    Examples
    --------
    >>> civil_date("1997-09-30", "observation_end")
    datetime.date(1997, 9, 30)
    """
    if isinstance(value, str):
        try:
            value = datetime.datetime.fromisoformat(value)
        except ValueError as error:
            raise OptionError(
                f"{what} must be a date such as '1997-09-30' (year, month, day); got {value!r}."
            ) from error
    if isinstance(value, np.datetime64):
        value = None if np.isnat(value) else pd.Timestamp(value)
    if isinstance(value, datetime.datetime):
        value = None if value is pd.NaT else value.date()
    if isinstance(value, datetime.date) and value is not pd.NaT:
        return value
    raise OptionError(f"{what} must be a date such as '1997-09-30'; got {value!r}.")
