"""Customers joined with numbers of their cells inside DuckDB, and written from there."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from predclv.data.engine import Keeper
from predclv.data.notices import counted
from predclv.data.sql import Dialect
from predclv.errors import DataError
from predclv.progress import stage


def scored_sql(
    customers: str,
    cells: str,
    keys: Sequence[str],
    expressions: Mapping[str, str],
    dialect: Dialect,
) -> str:
    """One row per customer: its id and each expression over its cell ``c`` and itself ``s``.

    Parameters
    ----------
    customers : str
        A SELECT of one row per customer, with the keys.
    cells : str
        The table of cells.
    keys : sequence of str
        Columns that both have, which no two cells share.
    expressions : mapping of str to str
        SQL by the name of the column it makes.
    dialect : Dialect
        The engine's. The hint that the cells go to every machine is Spark's; to DuckDB it is a
        comment.
    """
    chosen = "".join(f", {sql} AS {dialect.quote(name)}" for name, sql in expressions.items())
    same = " AND ".join(f"s.{dialect.quote(key)} = c.{dialect.quote(key)}" for key in keys)
    return (
        f"SELECT /*+ BROADCAST(c) */ s.customer_id{chosen} FROM ({customers}) s"
        f" JOIN {cells} c ON {same}"
    )


def checked_cells(cells: pd.DataFrame, keys: Sequence[str]) -> None:
    """A table of cells has the keys, and no cell twice.

    Raises
    ------
    DataError
        If not.
    """
    missing = [key for key in keys if key not in cells]
    if missing:
        raise DataError(
            f"The table of cells has no column {missing[0]!r}; it needs {', '.join(keys)}, as "
            "rfm.keyed_cells() gives them."
        )
    twice = int(cells.duplicated(list(keys)).sum())
    if twice:
        raise DataError(f"The table of cells has {counted(twice, 'cell')} more than once.")


def assert_all_scored(written: int, customers: int) -> None:
    """Every customer found its cell.

    Raises
    ------
    DataError
        If not.
    """
    if written != customers:
        raise DataError(
            f"{counted(customers - written, 'customer has', 'customers have')} no cell in the "
            "table of cells: it was made of other customers. Nothing was written."
        )


def write_scored(
    engine: Keeper,
    customers: str,
    cells: pd.DataFrame,
    keys: Sequence[str],
    expressions: Mapping[str, str],
    path: str | Path,
    metadata: Mapping[str, str],
) -> int:
    """Write one row per customer as Parquet; the number of rows.

    Raises
    ------
    DataError
        If a cell is missing or there twice.
    StoreError
        If the file cannot be written.
    """
    checked_cells(cells, keys)
    name = f"cells_{uuid.uuid4().hex}"
    engine.register(name, pa.Table.from_pandas(cells, preserve_index=False))
    try:
        expected = engine.rows(f"SELECT count(*) FROM ({customers})")[0][0]
        sql = scored_sql(customers, name, keys, expressions, engine.dialect)
        with stage(f"Writing {counted(expected, 'customer')}"):
            engine.write_parquet(
                sql,
                "s.customer_id",
                path,
                metadata,
                lambda written: assert_all_scored(written, expected),
            )
    finally:
        engine.drop(name)
    return expected
