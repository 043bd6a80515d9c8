"""What is kept of one refresh: its fit, its forecast of everybody, and the numbers taken then."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from predclv.errors import DataError
from predclv.forecast.fitted import FittedCLV
from predclv.frozen import Frozen
from predclv.logs.log import EPOCH
from predclv.store import load
from predclv.summaries.rfm import RFM
from predclv.summaries.stored import StoredSummary
from predclv.warehouse.base import fresh
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

STATE = ("frequency", "recency_days", "age_days")


class Customers(NamedTuple):
    """Customers of a refresh, in an engine.

    Attributes
    ----------
    rfm : RFM
        As they were on its day.
    table : str
        The table they lie in: customer_id, the state, the groups.
    select : str
        A SELECT of them as a forecast in SQL asks for them, with their groups.
    """

    rfm: RFM
    table: str
    select: str


@dataclass(frozen=True, slots=True)
class Kept:
    """One refresh.

    Attributes
    ----------
    date : datetime.date
        The last day it knew.
    folder : Path
    document : mapping
        Its terms, and the tables of numbers taken then.
    """

    date: datetime.date
    folder: Path
    document: Mapping[str, Any]

    @property
    def customers(self) -> str:
        """The kept forecast as SQL after FROM."""
        return f"read_parquet({DUCKDB.literal(str(self.folder / 'customers.parquet'))})"

    @property
    def terms(self) -> Mapping[str, Any]:
        """What was asked of the forecast."""
        return self.document["terms"]

    @property
    def has_spend(self) -> bool:
        """Whether it has clv."""
        return bool(self.document["has_spend"])

    @property
    def value(self) -> str:
        """The column that says what a customer is worth."""
        return "clv" if self.has_spend else "discounted_purchases"

    @property
    def groupings(self) -> list[str]:
        """The columns of groups, tier among them."""
        return list(self.document["groupings"])

    def fitted(self) -> FittedCLV:
        """Its fit, without customers."""
        return load(self.folder / "fit")

    def of(self, engine: DuckDBWarehouse, where: str | None = None) -> Customers:
        """Its customers as they were: all, which stay in their file, or some."""
        columns = engine.types(self.customers)
        spend = [name for name in ("repeat_units", "largest_units") if name in columns]
        wanted = ["customer_id", *STATE, *spend, *map(DUCKDB.quote, self.groupings)]
        name, sql = fresh("kept"), f"SELECT {', '.join(wanted)} FROM {self.customers}"
        if where is None:
            engine.rows(f"CREATE VIEW {name} AS {sql}")
        else:
            engine.store(name, f"{sql} WHERE {where}")
        rfm, summary = some_of(engine, name, self.terms["unit"], self.date, bool(spend))
        groups = "".join(f", {DUCKDB.quote(group)}" for group in self.groupings)
        select = f"SELECT {summary.columns}, recency_days, age_days{groups} FROM {name}"
        return Customers(rfm, name, select)


def some_of(
    engine: DuckDBWarehouse, table: str, unit: str, end: datetime.date, has_spend: bool
) -> tuple[RFM, StoredSummary]:
    """A summary, and the table of states that it rests on."""
    customers, repeats = engine.rows(
        f"SELECT count(*), CAST(coalesce(sum(frequency), 0) AS BIGINT) FROM {table}"
    )[0]
    if not customers:
        raise DataError("There are no customers in this group.")
    counts = Frozen({"rows": customers, "customers": customers, "repeat_purchases": repeats})
    summary = StoredSummary(engine, table, unit, has_spend, (end - EPOCH).days)
    return RFM(unit, end, counts, None, summary), summary
