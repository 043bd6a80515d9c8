"""How everybody's forecast is read: customers joined with the cells they share, in SQL."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import pyarrow as pa

from predclv.forecast.scoring import ScoreTable
from predclv.summaries.rfm import RFM
from predclv.summaries.spread import scored_sql
from predclv.summaries.stored import StoredSummary
from predclv.warehouse.base import fresh
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse


@dataclass(frozen=True, slots=True)
class Scores:
    """What of a forecast does not change with the table its customers lie in.

    Attributes
    ----------
    columns : list of str
        SQL of what the join reads of a customer.
    keys : list of str
        Columns that say which cell is theirs.
    expressions : dict of str to str
        SQL over a customer ``s`` and a cell ``c``, by the name of the column it makes.
    """

    columns: list[str]
    keys: list[str]
    expressions: dict[str, str]

    @classmethod
    def of(cls, table: ScoreTable, rfm: RFM, carried: Iterable[str] = ()) -> "Scores":
        """Of a forecast of a summary's customers, with some of their own columns."""
        summary = rfm._summary
        assert isinstance(summary, StoredSummary)
        keys = [key for key in table.keys if key not in ("frequency", *summary.extra)]
        scores = cls([summary.columns, *keys], list(table.keys), dict(table.expressions))
        return scores.carrying(carried)

    def carrying(self, names: Iterable[str]) -> "Scores":
        """The same with more columns of customers."""
        quoted = {name: DUCKDB.quote(name) for name in names}
        read = [sql for name, sql in quoted.items() if name not in self.keys]
        shown = {name: f"s.{sql}" for name, sql in quoted.items()}
        return replace(
            self, columns=[*self.columns, *read], expressions={**shown, **self.expressions}
        )

    def sql(self, customers: str, cells: str) -> str:
        """A SELECT of everybody's forecast, from a table of customers and one of cells."""
        chosen = f"SELECT {', '.join(self.columns)} FROM {customers}"
        return scored_sql(chosen, cells, self.keys, self.expressions, DUCKDB)


def registered(engine: DuckDBWarehouse, table: ScoreTable) -> str:
    """The name by which an engine reads a forecast's cells."""
    name = fresh("cells")
    engine.register(name, pa.Table.from_pandas(table.frame, preserve_index=False))
    return name
