"""What is kept of one refresh: its fit, its forecast of everybody, and the numbers taken then.

The forecast is kept once for each cell, and customers with their states and groups; reading it
joins the two.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from predclv.base.scores import Scores
from predclv.errors import DataError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.recalled import key_of
from predclv.frozen import Frozen
from predclv.io.files import write_parquet
from predclv.samples.paths import Paths
from predclv.samples.patterns import Patterns
from predclv.store import load
from predclv.summaries.memory import MEMORY
from predclv.summaries.patterned import Described
from predclv.summaries.rfm import RFM
from predclv.summaries.stored import StoredSummary
from predclv.units import day_number
from predclv.warehouse.base import fresh
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

STATE = ("frequency", "recency_days", "age_days")
_PATHS = "paths.parquet"


class Customers(NamedTuple):
    """Customers of a refresh, in an engine.

    Attributes
    ----------
    rfm : RFM
        As they were on its day.
    table : str
        The table they lie in: customer_id, the state, the groups.
    """

    rfm: RFM
    table: str


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
    def people(self) -> str:
        """Customers with their states and groups, as SQL after FROM."""
        return self._file("customers")

    @property
    def customers(self) -> str:
        """The same with the kept forecast."""
        if "scores" not in self.document:  # of format version 1: the file has the forecast too
            return self.people
        return f"({self.scored(self.people)})"

    def scored(self, people: str, carried: Sequence[str] = ()) -> str:
        """A SELECT of customers who may be others, as this forecast values them.

        Parameters
        ----------
        people : str
            A table with the columns of ``people``.
        carried : sequence of str
            More columns of it.
        """
        scores = Scores(**self.document["scores"])
        return scores.carrying(carried).sql(people, self._file("cells"))

    def _file(self, name: str) -> str:
        return f"read_parquet({DUCKDB.literal(str(self.folder / f'{name}.parquet'))})"

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
        columns = engine.types(self.people)
        spend = [name for name in ("repeat_units", "largest_units") if name in columns]
        known = Described("", tuple(c for c in ("pattern", "path") if c in columns))
        extra = (MEMORY,) if MEMORY in columns else ()
        groups = [DUCKDB.quote(group) for group in self.groupings]
        wanted = ["customer_id", *STATE, *spend, *known.keys, *extra, *groups]
        name, sql = fresh("kept"), f"SELECT {', '.join(wanted)} FROM {self.people}"
        if where is None:
            engine.rows(f"CREATE VIEW {name} AS {sql}")
        else:
            engine.store(name, f"{sql} WHERE {where}")
        customers, repeats = engine.rows(
            f"SELECT count(*), CAST(coalesce(sum(frequency), 0) AS BIGINT) FROM {name}"
        )[0]
        if not customers:
            raise DataError("There are no customers in this group.")
        if known.keys:
            known = replace(known, table=name, patterns=self.patterns(), paths=self.paths())
        summary = StoredSummary(
            engine, name, self.terms["unit"], bool(spend), day_number(self.date),
            known=known if known.keys else None, extra=extra,
            recalls=key_of(self.fitted().purchases) if extra else None,
        )  # fmt: skip
        counts = Frozen({"rows": customers, "customers": customers, "repeat_purchases": repeats})
        return Customers(RFM(self.terms["unit"], self.date, counts, None, summary), name)

    def patterns(self) -> Patterns | None:
        """What was known of its customers."""
        found = self.document.get("patterns")
        return None if found is None else Patterns.from_document(found)

    def paths(self) -> Paths | None:
        """How that had changed."""
        file = self.folder / _PATHS
        if not file.exists():
            return None
        found = pd.read_parquet(file)
        return Paths.from_document({str(name): found[name].to_numpy() for name in found})

    def keep_known(self, rfm: RFM) -> dict[str, Any]:
        """Write what is known of customers into the folder; what the document has of it."""
        if rfm.patterns is None:
            return {}
        paths = rfm.cells().paths
        if paths is not None:
            write_parquet(paths.frame, self.folder / _PATHS, {})
        return {"patterns": rfm.patterns.document()}
