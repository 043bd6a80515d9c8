"""The orders of a base as a log: what needs every purchase finds them where they are kept.

A summary of a base is added up from states. What a state does not hold (times between purchases,
what they still count, the days of a clock, another day to cut at) is counted from the orders
themselves when it is asked for: the base is attached for that statement, and let go again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from predclv.base.states import rooted
from predclv.base.vault import About, Vault
from predclv.errors import DataError
from predclv.frozen import Frozen
from predclv.logs.log import Log
from predclv.logs.sources import Table
from predclv.logs.statements import Amounts, Statements
from predclv.money import UNITS
from predclv.units import day_of
from predclv.warehouse.base import fresh
from predclv.warehouse.duckdb import DuckDBWarehouse

_AS_NOW = "SELECT CAST(sum(hash(b)) AS VARCHAR) FROM base.batches b"


class BaseWarehouse(DuckDBWarehouse):
    """A private DuckDB that has a base at hand while a statement reads its orders.

    Parameters
    ----------
    vault : Vault
        The base's folder.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.orders = fresh("orders")
        self._known: str | None = None
        super().__init__()

    def as_it_is(self) -> None:
        """Take note of what the attached base holds: later statements are of that."""
        self._known = self.rows(_AS_NOW)[0][0]

    @contextmanager
    def _cursor(self, sql: str = "") -> Iterator[Any]:
        if self.orders not in sql:
            with super()._cursor(sql) as cursor:
                yield cursor
            return
        with self._vault.reading(self):
            if self.rows(_AS_NOW)[0][0] != self._known:
                raise DataError(
                    f"The base {self._vault.folder} has changed since this summary was made, and "
                    "what is asked needs its orders. Make the summary again: base.rfm()."
                )
            with super()._cursor(sql) as cursor:
                yield cursor


def log_of(engine: BaseWarehouse, about: About) -> Log:
    """The orders of a base that is attached to ``engine``, ids that are one person as one."""
    engine.as_it_is()
    facts = engine.record(
        "SELECT CAST(sum(row_count) AS BIGINT) AS row_count, min(first_day) AS first_day,"
        " max(last_day) AS last_day, CAST(sum(rounded_rows) AS BIGINT) AS rounded_rows,"
        " CAST(sum(refund_rows) AS BIGINT) AS refund_rows, sum(units) AS units"
        " FROM base.batches WHERE kind = 'orders'"
    )
    columns, amounts = {"customer_id": about.ids, "date": "INTEGER"}, None
    if about.has_spend:
        columns["amount"] = "BIGINT"
        amounts = Amounts(f"(CAST(amount AS DOUBLE) / {UNITS})", "amount", "FALSE")
    sql = _rows(bool(facts["refund_rows"])).format(name=engine.orders)
    names = {name: name for name in columns}
    return Log(
        first_day=day_of(facts["first_day"]),
        last_day=day_of(facts["last_day"]),
        rows=int(facts["row_count"]),
        has_spend=about.has_spend,
        refunds=about.refunds,
        _facts=Frozen(
            {
                "refund_rows": int(facts["refund_rows"]),
                "rounded_rows": int(facts["rounded_rows"]),
                "all_amounts": float(facts["units"]) / UNITS,
            }
        ),
        _table=Table(engine, engine, sql, columns, names, is_ordered=False),
        _statements=Statements(sql, "customer_id", "date", amounts, rows="sum(row_count)"),
    )


def _rows(has_refunds: bool) -> str:
    """The days of all batches as rows of a log, purchases and refunds of a day apart."""
    days = rooted("base.days")
    row = "SELECT customer_id, day AS date, {} AS amount, {} AS row_count FROM " + days
    sql = row.format("units", "row_count")
    if has_refunds:
        bought = row.format("units - refund_units", "row_count - refund_rows")
        refunded = row.format("refund_units", "refund_rows")
        sql = f"{bought} WHERE bought UNION ALL {refunded} WHERE refund_rows > 0"
    return f"(SELECT * FROM ({sql}) AS {{name}})"
