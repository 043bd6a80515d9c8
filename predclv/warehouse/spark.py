"""Spark: a log that is a PySpark DataFrame, of a classic or a Connect session.

The frame brings its session, so nothing here imports pyspark. No view stays registered and no
setting of the session is read or changed, but for the name of its time zone, which is read.
"""

import contextlib
import os
import re
import uuid
import weakref
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, StoreError, some
from predclv.warehouse.dialects import SPARK

_TYPES = {
    "byte": "TINYINT",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "VARCHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "timestamp_ntz": "TIMESTAMP",
    "void": "NULL",
}
_FOREIGN = ("pyspark", "py4j", "grpc")


def is_spark(value: object) -> bool:
    """Whether this is a PySpark DataFrame, classic or Connect."""
    kind = type(value)
    return kind.__module__.startswith("pyspark.sql.") and kind.__name__ == "DataFrame"


def spark_types(frame: Any) -> dict[str, str]:
    """The columns of a PySpark DataFrame and their types, as DuckDB would call them."""
    with explained("the DataFrame"):
        types = frame.dtypes
    names = [name for name, _ in types]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise DataError(f"The DataFrame has several columns called {some(map(repr, twice))}.")
    return {name: _TYPES.get(kind, kind.upper()) for name, kind in types}


class SparkWarehouse:
    """A Spark session as what holds a log and keeps the results: everything stays on the cluster.

    A stored table is a DataFrame that is cached from its first use until it is dropped or the
    warehouse is forgotten.
    """

    dialect = SPARK

    def __init__(self, session: Any) -> None:
        self._session = session
        self._tables: dict[str, Any] = {}
        self._cached: dict[str, Any] = {}
        weakref.finalize(self, _forget_all, self._cached).atexit = False

    @property
    def zone(self) -> str:
        """The session's time zone."""
        with explained("the session"):
            return self._session.conf.get("spark.sql.session.timeZone")

    def register(self, name: str, table: pa.Table | Any) -> None:
        """Let statements read a DataFrame, or an Arrow table, by this name."""
        with explained("the table"):
            is_arrow = isinstance(table, pa.Table)
            self._tables[name] = self._session.createDataFrame(table) if is_arrow else table

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        with explained("the log"):
            return [tuple(row) for row in self._answer(sql).collect()]

    def record(self, sql: str) -> dict[str, Any]:
        """The only row of an answer, by column name."""
        with explained("the log"):
            return self._answer(sql).collect()[0].asDict()

    def frame(self, sql: str) -> pd.DataFrame:
        """The answer as a pandas frame, fetched by Arrow whatever the session's setting is."""
        frame = self.table(sql).to_pandas(date_as_object=False)
        days = frame.select_dtypes("datetime").columns
        return frame.astype(dict.fromkeys(days, "datetime64[us]"))

    def table(self, sql: str) -> pa.Table:
        """The answer as an Arrow table."""
        with explained("the summary"):
            return self._answer(sql).toArrow()

    def store(self, name: str, sql: str, reader: Any = None) -> None:
        """Keep the answer as a cached DataFrame, computed when it is first asked.

        Spark knows what is cached by its plan, and two summaries of one log would share it, to the
        first of them that is forgotten: a condition that is always true makes the plan their own.
        """
        self.drop(name)
        with explained("the log"):
            own = self._answer(sql).where(f"'{uuid.uuid4().hex}' <> ''")
            self._tables[name] = self._cached[name] = _cached(own)

    def keep_where(self, name: str, condition: str) -> None:
        """Keep only the rows of a stored table that meet a condition."""
        with explained("the summary"):
            self._tables[name] = self._tables[name].where(condition)

    def drop(self, name: str) -> None:
        """Forget a stored or registered table."""
        self._tables.pop(name, None)
        if name in self._cached:
            _forget(self._cached.pop(name))

    def write_parquet(
        self,
        sql: str,
        order: str,
        path: str | os.PathLike[str],
        metadata: Mapping[str, str],
    ) -> None:
        """Write the answer as a folder of Parquet files, as Spark does, from its executors.

        ``_SUCCESS`` in the folder says that it is whole: a job that is killed leaves a folder
        without it. The files are in no order.

        Parameters
        ----------
        sql : str
            A SELECT.
        order : str
            Not used: to sort a table that is spread over machines costs a shuffle of all of it.
        path : path-like
            A folder that is not there yet, in any file system that the cluster knows.
        metadata : mapping of str to str
            Kept with the first column, where Spark keeps what it knows of columns.

        Raises
        ------
        StoreError
            If the folder is there already or cannot be written.
        """
        with explained("the summary"):
            answer = self._answer(sql)
            answer = answer.withMetadata(answer.columns[0], dict(metadata))
        try:
            answer.write.mode("error").parquet(os.fspath(path))
        except Exception as error:
            if not _is_foreign(error):
                raise
            said = _said(error)
            if "PATH_ALREADY_EXISTS" in said:
                said = "it exists already. Spark writes a new folder: remove it or name another."
            raise StoreError(f"Spark could not write {os.fspath(path)}: {said}") from error

    def _answer(self, sql: str) -> Any:
        """The answer as a DataFrame, its tables handed over by name.

        PySpark registers each as a view for a moment. Dropping a view empties the cache of its very
        plan, the user's own cached frame included, so what is handed over is another plan.
        """
        tables = dict(self._tables)  # another thread may add one
        names = [name for name in tables if re.search(rf"\b{name}\b", sql)]
        text = sql.replace("{", "{{").replace("}", "}}")
        for name in names:
            text = re.sub(rf"\b{name}\b", f"{{{name}}}", text)
        return self._session.sql(text, **{name: tables[name].where("true") for name in names})


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn Spark's errors into a DataError that says what could not be read."""
    try:
        yield
    except Exception as error:
        if not _is_foreign(error):
            raise
        raise DataError(f"Spark could not read {what}: {_said(error)}") from error


def _is_foreign(error: Exception) -> bool:
    return any(kind.__module__.partition(".")[0] in _FOREIGN for kind in type(error).__mro__)


def _said(error: Exception) -> str:
    """The first lines of an error, without the plan and the stack that follow."""
    return " ".join(re.split(r"\n\n|;\n|\n\tat |\nJVM stacktrace", str(error))[0].split())[:400]


def _cached(frame: Any) -> Any:
    """The frame, cached where the platform lets one (serverless Spark does not)."""
    try:
        return frame.persist()
    except Exception as error:
        if not _is_foreign(error):
            raise
        return frame


def _forget(frame: Any) -> None:
    """Give back what is cached; a session that was stopped has done so already."""
    with contextlib.suppress(Exception):
        frame.unpersist()


def _forget_all(cached: dict[str, Any]) -> None:
    for frame in cached.values():
        _forget(frame)
