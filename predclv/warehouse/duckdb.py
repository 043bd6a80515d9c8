"""DuckDB: a private connection in memory, and a user's own relations.

With `duckdb_files` the only file that imports duckdb.
"""

import contextlib
import ctypes
import os
import shutil
import uuid
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import duckdb
import pandas as pd
import pyarrow as pa

from predclv.errors import DataError
from predclv.io.places import replacing
from predclv.once import Turn
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.settings import current_settings, everyday_limit

RELATION_NAME = "__predclv_log__"
"""What a statement calls a relation after FROM."""


_HOLDERS: weakref.WeakKeyDictionary[object, object] = weakref.WeakKeyDictionary()
"""Who holds something of DuckDB's, and what."""


class DuckDBWarehouse:
    """A private DuckDB database in memory, with settings of its own.

    It keeps to the limits of `duckdb_settings`, shows no progress bar, downloads no extension and
    reads instants as UTC, whatever the machine's zone is. Every use has a cursor of its own, so any
    number of threads may ask at once: the tables are of the database, not of one connection. It
    does not survive a fork.
    """

    dialect = DUCKDB

    def __init__(self) -> None:
        settings = current_settings()
        spill = os.path.join(settings.spill_folder, f"predclv-{uuid.uuid4().hex}")
        self._process = os.getpid()
        self._registered: dict[str, pa.Table] = {}
        self._shows_bar = False
        with explained("its settings"):
            self._connection = duckdb.connect(
                ":memory:", config={"temp_directory": spill, **settings.config}
            )
        _HOLDERS[self] = self._connection
        for setting in ("autoinstall_known_extensions = false", "TimeZone = 'UTC'"):
            self._connection.execute(f"SET GLOBAL {setting}")
        # In a notebook without ipywidgets there is no bar, and to switch it off is an error.
        self._shows_bar = self.rows("SELECT current_setting('enable_progress_bar')")[0][0]
        self._most: str | None = None
        if settings.memory_limit is None:
            self._most = self.rows("SELECT current_setting('memory_limit')")[0][0]
            self._limit(everyday_limit(self._most))
        weakref.finalize(self, _remove_folder, spill, self._process)

    def _limit(self, memory: str) -> None:
        with self._cursor() as cursor:
            cursor.execute(f"SET GLOBAL memory_limit = {DUCKDB.literal(memory)}")

    @contextlib.contextmanager
    def _cursor(self, sql: str = "") -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor that knows the registered tables of a statement, closed afterwards."""
        refuse_forked(self._process)
        with self._connection.cursor() as cursor:
            if self._shows_bar:
                cursor.execute("SET enable_progress_bar = false")
            for name, table in tuple(self._registered.items()):
                if name in sql:
                    cursor.register(name, table)
            yield cursor

    def register(self, name: str, table: pa.Table) -> None:
        """Let statements read an Arrow table by this name, where it lies."""
        self._registered[name] = table

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        with explained("the log"), self._cursor(sql) as cursor:
            return cursor.execute(sql).fetchall()

    def record(self, sql: str) -> dict[str, Any]:
        """The only row of an answer, by column name."""
        with explained("the log"), self._cursor(sql) as cursor:
            row = cursor.execute(sql).fetchall()[0]
            return dict(zip((column[0] for column in cursor.description or ()), row, strict=True))

    def frame(self, sql: str) -> pd.DataFrame:
        """The answer as a pandas frame; UUIDs come as ``uuid.UUID``."""
        with explained("the summary"), self._cursor(sql) as cursor:
            return cursor.execute(sql).df()

    def table(self, sql: str) -> pa.Table:
        """The answer as an Arrow table that can be registered elsewhere, every type kept."""
        with explained("the summary"), self._cursor(sql) as cursor:
            cursor.execute("SET arrow_lossless_conversion = true")
            return cursor.sql(sql).to_arrow_table()

    def write_parquet(
        self,
        sql: str,
        order: str | None,
        path: str | os.PathLike[str],
        metadata: Mapping[str, str],
    ) -> None:
        """Write the answer as one Parquet file, whole or not at all, without fetching it.

        Parameters
        ----------
        sql : str
            A SELECT.
        order : str, optional
            The column to sort by.
        path : path-like
            The file; an earlier one is replaced.
        metadata : mapping of str to str
            Added to the file's key-value metadata.

        Raises
        ------
        StoreError
            If the folder is missing or read-only, or the disk is full.
        """
        said = ", ".join(
            f"{DUCKDB.quote(key)}: {DUCKDB.literal(value)}" for key, value in metadata.items()
        )
        options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
        options += f", KV_METADATA {{{said}}}" if said else ""
        by = "" if order is None else f" ORDER BY {order}"
        with replacing(path) as temporary:
            try:
                with self._cursor(sql) as cursor:
                    target = DUCKDB.literal(str(temporary))
                    cursor.execute(f"COPY ({sql}{by}) TO {target} ({options})")
            except duckdb.IOException as error:
                raise OSError(first_words(error)) from error
            except duckdb.Error as error:
                raise _explanation("the summary", error) from error

    def types(self, table: str) -> dict[str, str]:
        """The columns of a table expression and their SQL types."""
        return {row[0]: row[1] for row in self.rows(f"DESCRIBE SELECT * FROM {table}")}

    def drop(self, name: str) -> None:
        """Forget a stored or registered table."""
        self._registered.pop(name, None)
        self.rows(f"DROP TABLE IF EXISTS {name}")

    def keep_where(self, name: str, condition: str) -> None:
        """Keep only the rows of a stored table that meet a condition."""
        self.rows(f"DELETE FROM {name} WHERE NOT ({condition})")

    def store(
        self, name: str, sql: str, reader: "DuckDBWarehouse | RelationReader | None" = None
    ) -> None:
        """Keep the answer as a table of a new name; ``reader`` runs the statement elsewhere."""
        if isinstance(reader, RelationReader):
            with reader.reading(sql) as answer, self._cursor() as cursor:
                # Arrow brings UUIDs as text, so every column is told its type again.
                columns = ", ".join(
                    f"CAST({DUCKDB.quote(column)} AS {kind}) AS {DUCKDB.quote(column)}"
                    for column, kind in zip(answer.columns, answer.types, strict=True)
                )
                cursor.register("arriving", answer.to_arrow_reader())
                cursor.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM arriving")
            return
        most = self._most
        sql = f"CREATE TABLE {name} AS {sql}"
        try:
            with self._cursor(sql) as cursor:
                cursor.execute(sql)
        except duckdb.Error as error:
            if most is None or not _lacks_room(error):
                raise _explanation("the log", error) from error
            self._limit(most)
            self._most = None
            self.rows(sql)


def _leave_to_parent() -> None:
    """Never close a connection in a forked process: its threads are not there, and DuckDB crashes.

    Python's own end would close it too, so its count of references is raised for good.
    """
    for held in list(_HOLDERS.values()):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


def _remove_folder(folder: str, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def refuse_forked(process: int) -> None:
    """A connection of another process, of which this one is a fork, cannot be used.

    Raises
    ------
    DataError
        If ``process`` is not this one.
    """
    if os.getpid() != process:
        raise DataError(
            "This summary or log was made before the process was forked, and DuckDB does not "
            "survive a fork. Hand the RFM to the other process as an argument (it travels as its "
            "customers), start processes with multiprocessing.get_context('spawn') or joblib, ask "
            "for rfm.frame before the fork, or make the summary in the process that uses it."
        )


class RelationReader:
    """A relation of the user's own connection; it is only ever selected from.

    A connection answers one thread at a time, and which relations share one cannot be seen: all
    relations are read one after the other. Other uses of that connection are its owner's matter.
    """

    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        self._relation = relation
        self._process = os.getpid()
        _HOLDERS[self] = relation

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        with self.reading(sql) as answer:
            return answer.fetchall()

    def record(self, sql: str) -> dict[str, Any]:
        """The only row of an answer, by column name."""
        with self.reading(sql) as answer:
            return dict(zip(answer.columns, answer.fetchall()[0], strict=True))

    @contextlib.contextmanager
    def reading(self, sql: str) -> Iterator[duckdb.DuckDBPyRelation]:
        """The answer, to be fetched within the ``with``."""
        refuse_forked(self._process)
        with _RELATIONS.taken(), explained("the DuckDB relation"):
            answer = self._relation.query(RELATION_NAME, sql)
            assert answer is not None  # a SELECT has an answer
            yield answer

    def types(self) -> dict[str, str]:
        """The columns and their SQL types."""
        with _RELATIONS.taken(), explained("the DuckDB relation"):
            types = map(str, self._relation.types)
            return dict(zip(self._relation.columns, types, strict=True))


_RELATIONS = Turn()


def is_relation(value: object) -> TypeGuard[duckdb.DuckDBPyRelation]:
    """Whether this is a DuckDB relation."""
    return isinstance(value, duckdb.DuckDBPyRelation)


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn DuckDB's errors into a DataError that says what could not be read."""
    try:
        yield
    except duckdb.Error as error:
        raise _explanation(what, error) from error


def first_words(error: duckdb.Error) -> str:
    """What DuckDB says of an error, without its advice."""
    return " ".join(str(error).split("\n\n")[0].split())[:400]


def _lacks_room(error: duckdb.Error) -> bool:
    """Whether memory, or the disk for what does not fit into it, is full."""
    return isinstance(error, duckdb.OutOfMemoryException) or "No space left" in str(error)


def _explanation(what: str, error: duckdb.Error) -> DataError:
    """The error with what to try: more memory or disk, or a look at the file."""
    said = first_words(error)
    if _lacks_room(error):
        return DataError(
            f"DuckDB ran out of room over {what}: {said} Say pc.duckdb_settings with a larger "
            "memory_limit, fewer threads (each needs its share), or a temp_directory on a disk "
            "with more room."
        )
    return DataError(
        f"DuckDB could not read {what}: {said} "
        "Is a file cut short, still being written or not what its name says?"
    )
