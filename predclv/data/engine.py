"""What is asked of an engine that holds a log: DuckDB or Spark."""

import os
from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from predclv.data.sql import Dialect


class Reader(Protocol):
    """What runs a SELECT where the log lies."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""

    def record(self, sql: str) -> dict[str, Any]:
        """The only row of an answer, by column name."""


class Keeper(Reader, Protocol):
    """What also keeps tables of its own and writes them."""

    dialect: Dialect

    def frame(self, sql: str) -> pd.DataFrame:
        """The answer as a pandas frame."""

    def register(self, name: str, table: pa.Table) -> None:
        """Let statements read an Arrow table by this name."""

    def store(self, name: str, sql: str, reader: Any = None) -> None:
        """Keep the answer as a table; ``reader`` runs the statement elsewhere."""

    def keep_where(self, name: str, condition: str) -> None:
        """Keep only the rows of a stored table that meet a condition."""

    def drop(self, name: str) -> None:
        """Forget a stored or registered table."""

    def write_parquet(
        self,
        sql: str,
        order: str,
        path: str | os.PathLike[str],
        metadata: Mapping[str, str],
    ) -> None:
        """Write the answer as Parquet, whole or not at all."""
