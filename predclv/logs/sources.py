"""Where a log may lie: frames in memory, DuckDB relations, Parquet and CSV files.

Whatever it is, what comes out is a `Table`: a thing to SELECT from whose columns are called
``customer_id``, ``date`` and ``amount``, with their SQL types and the recorded time zone.
"""

import glob
import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, OptionError, some
from predclv.logs.files import csv_columns, log_files
from predclv.logs.frames import arrow_column, check_zones, near_column
from predclv.logs.parquet_files import ParquetFiles
from predclv.warehouse.base import Reader, Warehouse
from predclv.warehouse.dialects import DUCKDB, SPARK, Dialect
from predclv.warehouse.duckdb import RELATION_NAME, DuckDBWarehouse, RelationReader, is_relation
from predclv.warehouse.spark import SparkWarehouse, is_spark, spark_types

ACCEPTED = (
    "a pandas or polars DataFrame, a polars LazyFrame, an Arrow table, a DuckDB relation, a "
    "PySpark DataFrame, or the path or glob of .parquet or .csv files (or a list of paths)"
)
_USUAL = {
    "customer_id": ("customer", "client", "member", "user"),
    "date": ("date", "timestamp", "day"),
    "amount": ("amount", "revenue", "spend", "sales", "total"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A log to select from.

    Attributes
    ----------
    warehouse : Warehouse
        What keeps the results: a private connection, or the log's own Spark session.
    reader : Reader
        What runs a statement over the log: the warehouse, or the user's own connection.
    sql : str
        What stands after FROM; its columns are ``customer_id``, ``date`` and, maybe, ``amount``.
    types : dict
        SQL type by column.
    names : dict
        The user's column names, for messages.
    zone : str or None
        The time zone of the dates, None where they have none.
    zone_doubt : str
        Why the zone is a guess, empty where it is known.
    is_ordered : bool
        Whether rows have positions worth telling.
    is_text : bool
        Whether every column is text because the file has no types (CSV).
    alive : object
        What must not be garbage collected while statements read it.
    """

    warehouse: Warehouse
    reader: Reader
    sql: str
    types: Mapping[str, str]
    names: Mapping[str, str]
    zone: str | None = None
    zone_doubt: str = ""
    is_ordered: bool = True
    is_text: bool = False
    alive: object = field(default=None, repr=False)

    @property
    def dialect(self) -> Dialect:
        """The SQL that ``reader`` speaks, which is that of the warehouse."""
        return self.warehouse.dialect


def is_instant(sql_type: str) -> bool:
    """Whether a SQL type is a timestamp with time zone."""
    return sql_type.startswith(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"))


def open_table(
    transactions: Any,
    names: Mapping[str, str | None],
    timezone: str | None = None,
    needed: Sequence[str] = ("customer_id", "date"),
) -> Table:
    """Find the log's three columns wherever it lies.

    Parameters
    ----------
    transactions : object
        Anything in ``ACCEPTED``.
    names : mapping
        The user's column name for each of customer_id, date and amount; None: there is none.
    timezone : str, optional
        With it, Python datetimes of several zones in one column are welcome.
    needed : sequence of str
        What has to be named.

    Raises
    ------
    DataError
        If it is of another kind, a column is missing, or a file cannot be read.
    """
    wanted = {role: name for role, name in names.items() if name is not None}
    for role in needed:
        if role not in wanted:
            raise OptionError(f"{role} must name a column of the log; got None.")
    if len(set(wanted.values())) < len(wanted):
        raise OptionError(f"Each column can have one role; got {some(wanted.values())}.")
    if is_spark(transactions):
        return _from_spark(transactions, wanted)
    warehouse = DuckDBWarehouse()
    if isinstance(transactions, pd.DataFrame):
        table = _from_pandas(transactions, wanted, allow_zones=timezone is not None)
        return _in_memory(warehouse, table, wanted, transactions)
    if type(transactions).__module__.partition(".")[0] == "polars":
        return _in_memory(warehouse, _from_polars(transactions, wanted), wanted)
    if is_relation(transactions):
        return _from_relation(warehouse, RelationReader(transactions), wanted)
    if hasattr(transactions, "__arrow_c_stream__") and not isinstance(transactions, pd.Series):
        return _in_memory(warehouse, _from_arrow(pa.table(transactions), wanted), wanted)
    if isinstance(transactions, (str, os.PathLike, list, tuple)):
        return _from_files(warehouse, transactions, wanted)
    raise DataError(
        f"transactions must be {ACCEPTED}; got {type(transactions).__name__}."
        + (" Select the columns into a DataFrame first." if _is_frame_like(transactions) else "")
    )


def _is_frame_like(value: object) -> bool:
    return isinstance(value, (pd.Series, Mapping))


def _check_columns(
    wanted: Mapping[str, str], available: Iterable[Hashable], hint: str = ""
) -> None:
    """Every wanted column is there, once."""
    present = list(available)
    for name in wanted.values():
        if present.count(name) > 1:
            raise DataError(f"The log has {present.count(name)} columns called {name!r}.")
    missing = {role: name for role, name in wanted.items() if name not in present}
    if not missing:
        return
    taken = [name for name in present if name in wanted.values()]
    meant = {}
    for role, name in missing.items():
        free = [column for column in present if column not in taken]
        found = near_column(name, free, _USUAL.get(role, ()))
        if found is not None:
            meant[role] = found
            taken.append(found)
    advice = f" Did you mean {some(map(repr, meant.values()))}?" if meant else ""
    said = ", ".join(f"{role}={meant.get(role, '...')!r}" for role in missing)
    advice += hint or f" Say {said}."
    if missing.get("amount") == "amount":
        advice += " For a log without amounts say amount=None."
    absent = " and ".join(f"no column {name!r} ({role})" for role, name in missing.items())
    raise DataError(
        f"The log has {absent}. Its columns are {some(map(repr, present), 20)}.{advice}"
    )


def _in_memory(
    warehouse: DuckDBWarehouse, table: pa.Table, wanted: Mapping[str, str], alive: object = None
) -> Table:
    """Register an Arrow table whose columns already have the roles' names."""
    warehouse.register("log", table)
    kind = table.schema.field("date").type if "date" in wanted else None
    zone = kind.tz if kind is not None and pa.types.is_timestamp(kind) else None
    # A shallow copy makes pandas copy before it lets anyone write into the shared memory.
    kept = alive.copy(deep=False) if isinstance(alive, pd.DataFrame) else None
    return Table(warehouse, warehouse, "log", warehouse.types("log"), wanted, zone, alive=kept)


def _from_pandas(frame: pd.DataFrame, wanted: Mapping[str, str], allow_zones: bool) -> pa.Table:
    in_index = [name for name in wanted.values() if name in frame.index.names]
    hint = f" {in_index[0]!r} is the index: say transactions.reset_index()." if in_index else ""
    _check_columns(wanted, frame.columns, hint)
    if "date" in wanted and frame[wanted["date"]].dtype == object:
        check_zones(frame[wanted["date"]], wanted["date"], allow_zones)
    return pa.table({role: arrow_column(frame[name], name, role) for role, name in wanted.items()})


def _from_polars(frame: Any, wanted: Mapping[str, str]) -> pa.Table:
    is_lazy = type(frame).__name__ == "LazyFrame"
    if not is_lazy and type(frame).__name__ != "DataFrame":
        raise DataError(f"transactions must be {ACCEPTED}; got a polars {type(frame).__name__}.")
    _check_columns(wanted, frame.collect_schema().names() if is_lazy else frame.columns)
    columns = frame.select(list(wanted.values()))
    return _from_arrow((columns.collect() if is_lazy else columns).to_arrow(), wanted)


def _from_arrow(table: pa.Table, wanted: Mapping[str, str]) -> pa.Table:
    _check_columns(wanted, table.column_names)
    return pa.table({role: table.column(name) for role, name in wanted.items()})


def _renamed(
    wanted: Mapping[str, str],
    log: str,
    present: Mapping[str, str] | None = None,
    dialect: Dialect = DUCKDB,
) -> str:
    """A table expression with the roles as column names."""
    present = present or wanted
    columns = ", ".join(f"{dialect.quote(present[role])} AS {role}" for role in wanted)
    return f"(SELECT {columns} FROM {log})"


def _from_relation(
    warehouse: DuckDBWarehouse, reader: RelationReader, wanted: Mapping[str, str]
) -> Table:
    available = reader.types()
    _check_columns(wanted, available)
    types = {role: available[name] for role, name in wanted.items()}
    zone, doubt = None, ""
    if is_instant(types.get("date", "")):
        zone = reader.rows("SELECT current_setting('TimeZone')")[0][0]
        doubt = f"in {zone}, the TimeZone setting of the relation's connection"
    log = _renamed(wanted, RELATION_NAME)
    return Table(warehouse, reader, log, types, wanted, zone, doubt, is_ordered=False)


def _from_spark(frame: Any, wanted: Mapping[str, str]) -> Table:
    available = spark_types(frame)
    _check_columns(wanted, available)
    warehouse = SparkWarehouse(frame.sparkSession)
    warehouse.register(RELATION_NAME, frame)
    types = {role: available[name] for role, name in wanted.items()}
    if types.get("date") == "VARCHAR":
        raise DataError(
            f"date column {wanted['date']!r} holds text. Make it a date where it lies: "
            f"pyspark.sql.functions.to_date({wanted['date']!r}, 'yyyy-MM-dd'), with the format it "
            "really has."
        )
    zone, doubt = None, ""
    if is_instant(types.get("date", "")):
        zone = warehouse.zone
        doubt = f"in {zone}, the time zone of the Spark session"
    log = _renamed(wanted, RELATION_NAME, dialect=SPARK)
    return Table(warehouse, warehouse, log, types, wanted, zone, doubt, is_ordered=False)


def _listed(files: Iterable[str]) -> str:
    return ", ".join(DUCKDB.literal(glob.escape(file)) for file in files)


def _from_parquet(
    warehouse: DuckDBWarehouse, files: ParquetFiles, wanted: Mapping[str, str]
) -> Table:
    log = f"read_parquet([{_listed(files.paths)}], {files.options})"
    available = warehouse.types(log)
    _check_columns(wanted, available)
    types = {role: available[name] for role, name in wanted.items()}
    zone, doubt = None, ""
    if is_instant(types.get("date", "")):
        zone = files.zone(wanted["date"])
        if zone is None:
            zone, doubt = "UTC", "in UTC: the file holds instants but no zone"
    return Table(warehouse, warehouse, _renamed(wanted, log), types, wanted, zone, doubt)


def _from_files(warehouse: DuckDBWarehouse, paths: Any, wanted: Mapping[str, str]) -> Table:
    files, suffix = log_files(paths)
    if suffix == ".parquet":
        return _from_parquet(warehouse, ParquetFiles.of(files, wanted), wanted)
    header, delimiter = csv_columns(files)
    _check_columns(wanted, header)
    declared = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(header)))
    log = (
        f"read_csv([{_listed(files)}], columns={{{declared}}}, auto_detect=false, header=true,"
        f" delim={DUCKDB.literal(delimiter)}, quote='\"', escape='\"', hive_partitioning=false)"
    )
    places = {role: f"c{header.index(name)}" for role, name in wanted.items()}
    warehouse.store("log", f"SELECT * FROM {_renamed(wanted, log, places)}")
    return Table(warehouse, warehouse, "log", warehouse.types("log"), wanted, is_text=True)
