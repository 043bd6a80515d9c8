"""DuckDB: a private connection in memory, a user's own relations, and tables in files.

The only file that imports duckdb.
"""

import contextlib
import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import duckdb
import pandas as pd
import pyarrow as pa

from predclv.data.sql import DUCKDB
from predclv.errors import DataError, PredclvError, StoreError

RELATION_NAME = "__predclv_log__"
"""What a statement calls a relation after FROM."""


class Reader(Protocol):
    """What runs a SELECT where the log lies."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""

    def record(self, sql: str) -> dict[str, Any]:
        """The only row of an answer, by column name."""

    def answer(self, sql: str) -> duckdb.DuckDBPyRelation:
        """The answer, not yet fetched."""


class Engine:
    """A private DuckDB database in memory, with settings of its own.

    It spills into the system's temporary folder, shows no progress bar, downloads no extension and
    reads instants as UTC, whatever the machine's zone is.
    """

    def __init__(self) -> None:
        spill = os.path.join(tempfile.gettempdir(), f"predclv-{uuid.uuid4().hex}")
        self._connection = duckdb.connect(":memory:", config={"temp_directory": spill})
        for setting in ("autoinstall_known_extensions = false", "TimeZone = 'UTC'"):
            self._connection.execute(f"SET {setting}")
        # In a notebook without ipywidgets there is no bar, and to switch it off is an error.
        if self.rows("SELECT current_setting('enable_progress_bar')")[0][0]:
            self._connection.execute("SET enable_progress_bar = false")
        weakref.finalize(self, shutil.rmtree, spill, ignore_errors=True)

    def register(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Let statements read an Arrow table by this name, where it lies."""
        with explained("the table"):
            self._connection.register(name, table)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        with explained("the log"):
            return self._connection.execute(sql).fetchall()

    def record(self, sql: str) -> dict[str, Any]:
        """The only row of an answer, by column name."""
        with explained("the log"):
            answer = self.answer(sql)
            return dict(zip(answer.columns, answer.fetchall()[0], strict=True))

    def answer(self, sql: str) -> duckdb.DuckDBPyRelation:
        """The answer, not yet fetched."""
        with explained("the log"):
            return self._connection.sql(sql)

    def frame(self, sql: str) -> pd.DataFrame:
        """The answer as a pandas frame; UUIDs come as ``uuid.UUID``."""
        with explained("the summary"):
            return self._connection.execute(sql).df()

    def types(self, table: str) -> dict[str, str]:
        """The columns of a table expression and their SQL types."""
        return {row[0]: row[1] for row in self.rows(f"DESCRIBE SELECT * FROM {table}")}

    def store(self, name: str, sql: str, reader: Reader | None = None) -> None:
        """Keep the answer as a temporary table; ``reader`` runs the statement elsewhere."""
        if reader is None or reader is self:
            self.rows(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
            return
        answer, arriving = reader.answer(sql), f"{name}_arriving"
        # Arrow brings UUIDs as text, so every column is told its type again.
        columns = ", ".join(
            f"CAST({DUCKDB.quote(column)} AS {kind}) AS {DUCKDB.quote(column)}"
            for column, kind in zip(answer.columns, answer.types, strict=True)
        )
        with explained("the DuckDB relation"):
            self.register(arriving, answer.to_arrow_reader())
        self.rows(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {columns} FROM {arriving}")
        self._connection.unregister(arriving)


class RelationReader:
    """A relation of the user's own connection; it is only ever selected from."""

    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        self._relation = relation

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        with explained("the DuckDB relation"):
            return self.answer(sql).fetchall()

    def record(self, sql: str) -> dict[str, Any]:
        """The only row of an answer, by column name."""
        with explained("the DuckDB relation"):
            answer = self.answer(sql)
            return dict(zip(answer.columns, answer.fetchall()[0], strict=True))

    def answer(self, sql: str) -> duckdb.DuckDBPyRelation:
        """The answer, not yet fetched."""
        with explained("the DuckDB relation"):
            answer = self._relation.query(RELATION_NAME, sql)
        assert answer is not None  # a SELECT has an answer
        return answer

    def types(self) -> dict[str, str]:
        """The columns and their SQL types."""
        with explained("the DuckDB relation"):
            types = map(str, self._relation.types)
            return dict(zip(self._relation.columns, types, strict=True))


def is_relation(value: object) -> TypeGuard[duckdb.DuckDBPyRelation]:
    """Whether this is a DuckDB relation."""
    return isinstance(value, duckdb.DuckDBPyRelation)


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn DuckDB's errors into a DataError that says what could not be read."""
    try:
        yield
    except duckdb.Error as error:
        said = " ".join(str(error).split("\n\n")[0].split())[:400]
        raise DataError(
            f"DuckDB could not read {what}: {said} "
            "Is a file cut short, still being written or not what its name says?"
        ) from error


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str], table: str) -> None:
    """Write a frame as a table of a DuckDB file, in one transaction.

    The file is created where there is none; a table of that name is replaced, all others stay.

    Parameters
    ----------
    frame : pandas.DataFrame
        The index is not written.
    path : path-like
        The DuckDB database file.
    table : str
        Any text; it is quoted, so ``"my table"`` is one table.

    Raises
    ------
    StoreError
        If the file is no DuckDB database, is in use by another process, or its folder is missing.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise StoreError(f"There is no folder {path.parent} to write {path.name} into.")
    if not table:
        raise StoreError("The table needs a name.")
    try:
        with duckdb.connect(str(path)) as connection:
            connection.register(RELATION_NAME, pa.Table.from_pandas(frame, preserve_index=False))
            connection.execute("BEGIN")
            connection.execute(
                f"CREATE OR REPLACE TABLE {DUCKDB.quote(table)} AS SELECT * FROM {RELATION_NAME}"
            )
            connection.execute("COMMIT")
    except PredclvError:
        raise
    except duckdb.Error as error:
        said = " ".join(str(error).split("\n\n")[0].split())[:300]
        raise StoreError(f"The table {table!r} could not be written to {path}: {said}") from error
