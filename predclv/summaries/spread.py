"""Customers joined with numbers of their cells inside DuckDB, and written from there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.errors import DataError
from predclv.notices import counted
from predclv.samples.cells import Cells
from predclv.warehouse.base import Warehouse, fresh
from predclv.warehouse.dialects import Dialect


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
        The warehouse's. The hint that the cells go to every machine is Spark's; to DuckDB it is a
        comment.
    """
    chosen = "".join(f", {sql} AS {dialect.quote(name)}" for name, sql in expressions.items())
    same = " AND ".join(f"s.{dialect.quote(key)} = c.{dialect.quote(key)}" for key in keys)
    return (
        f"SELECT /*+ BROADCAST(c) */ s.customer_id{chosen} FROM ({customers}) s"
        f" JOIN {cells} c ON {same}"
    )


def assert_covered(cells: pd.DataFrame, own: Cells) -> None:
    """A table of cells has the keys, no cell twice, and one for every customer.

    Parameters
    ----------
    cells : DataFrame
        One row per cell, with the keys.
    own : Cells
        The cells that customers are in.

    Raises
    ------
    DataError
        If not.
    """
    names, customers = list(own.keys), own.keyed
    missing = [key for key in names if key not in cells]
    if missing:
        raise DataError(
            f"The table of cells has no column {missing[0]!r}; it needs {', '.join(names)}, as "
            "rfm.keyed_cells() gives them."
        )
    if len(cells) == len(customers) and all(
        np.array_equal(cells[key].to_numpy(), customers[key].to_numpy()) for key in names
    ):
        return
    twice = int(cells.duplicated(names).sum())
    if twice:
        raise DataError(f"The table of cells has {counted(twice, 'cell')} more than once.")
    found = customers.merge(cells[names], "left", names, indicator=True)
    lost = int(found["weight"][found["_merge"] == "left_only"].sum())
    if lost:
        raise DataError(
            f"{counted(lost, 'customer has', 'customers have')} no cell in the table of cells: it "
            "was made of other customers. Nothing was written."
        )


def write_scored(
    warehouse: Warehouse,
    customers: str,
    cells: pd.DataFrame,
    keys: Sequence[str],
    expressions: Mapping[str, str],
    path: str | Path,
    metadata: Mapping[str, str],
) -> None:
    """Write one row per customer as Parquet; a customer without a cell gets none.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    name = fresh("cells")
    warehouse.register(name, pa.Table.from_pandas(cells, preserve_index=False))
    try:
        sql = scored_sql(customers, name, keys, expressions, warehouse.dialect)
        warehouse.write_parquet(sql, "s.customer_id", path, metadata)
    finally:
        warehouse.drop(name)
