"""What is kept of one refresh: its fit, its forecast of everybody, and the numbers taken then."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

    def rfm(self, engine: DuckDBWarehouse, where: str = "TRUE") -> RFM:
        """The summary that it was made from, of all its customers or of some."""
        name = fresh("kept")
        spend = ", repeat_units, largest_units" if "repeat_units" in self._columns(engine) else ""
        engine.store(
            name,
            f"SELECT customer_id, {', '.join(STATE)}{spend} FROM {self.customers} WHERE {where}",
        )
        return some_of(engine, name, self.terms["unit"], self.date, bool(spend))

    def _columns(self, engine: DuckDBWarehouse) -> Mapping[str, str]:
        return engine.types(self.customers)


def some_of(
    engine: DuckDBWarehouse, table: str, unit: str, end: datetime.date, has_spend: bool
) -> RFM:
    """A summary that rests on a table of states."""
    customers, repeats = engine.rows(
        f"SELECT count(*), CAST(coalesce(sum(frequency), 0) AS BIGINT) FROM {table}"
    )[0]
    if not customers:
        raise DataError("There are no customers in this group.")
    counts = Frozen({"rows": customers, "customers": customers, "repeat_purchases": repeats})
    summary = StoredSummary(engine, table, unit, has_spend, (end - EPOCH).days)
    return RFM(unit, end, counts, None, summary)
