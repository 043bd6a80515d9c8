"""What is asked of a warehouse that holds a log: DuckDB or Spark."""

import os
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from predclv.errors import DataError
from predclv.warehouse.dialects import Dialect


class Reader(Protocol):
    """What runs a SELECT where the log lies."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""

    def record(self, sql: str) -> dict[str, Any]:
        """The only row of an answer, by column name."""


class Warehouse(Reader, Protocol):
    """What also keeps tables of its own and writes them."""

    dialect: Dialect

    def frame(self, sql: str) -> pd.DataFrame:
        """The answer as a pandas frame."""

    def table(self, sql: str) -> pa.Table:
        """The answer as an Arrow table that can be registered elsewhere."""

    def register(self, name: str, table: pa.Table) -> None:
        """Let statements read an Arrow table by this name."""

    def store(self, name: str, sql: str, reader: Any = None) -> None:
        """Keep the answer as a table of a new name; ``reader`` runs the statement elsewhere."""

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


class LeftBehind:
    """What a log has for a warehouse in another process: whatever is asked, it says what to do.

    Parameters
    ----------
    dialect : Dialect
        Of the warehouse that stayed where it was.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise DataError(
            "The log of purchases did not come along: an RFM that is pickled (joblib, "
            "multiprocessing) travels as its customers, without their purchases. What needs the "
            "log is to be asked where the summary was made; or pass the log itself, such as the "
            "path of its file, and make the summary in the process that uses it: "
            "pc.rfm_summary(log)."
        )


def fresh(name: str) -> str:
    """A name for a table that no other thread, or other use, takes."""
    return f"{name}_{uuid.uuid4().hex}"
