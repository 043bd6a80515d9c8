"""Tables in a DuckDB file: written whole or not at all, beside those that are there."""

import os
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from predclv.errors import PredclvError, StoreError
from predclv.io.files import arrow_table
from predclv.io.places import assert_parent, explained, move, place, workshop
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import RELATION_NAME, first_words


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str], table: str) -> None:
    """Write a frame as a table of a DuckDB file, in one transaction.

    The file is created, whole or not at all, where there is none; a table of that name is
    replaced, all others stay. Periods are written as their text, such as ``2024-01``, for DuckDB
    has no type for them.

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
        If the file is no DuckDB database, is in use by another process, its folder is missing, or
        a column's values have no type in DuckDB.
    """
    file = place(path)
    assert_parent(file)
    if not table:
        raise StoreError("The table needs a name.")
    periods = [name for name in frame if isinstance(frame[name].dtype, pd.PeriodDtype)]
    content = arrow_table(frame.astype(dict.fromkeys(periods, "str")))
    if file.exists():
        _write_into(file, content, table)
        return
    with explained(file), workshop(file.parent) as folder:
        _write_into(folder / file.name, content, table)
        # What a killed writer left of a database that was deleted since; it would spoil a new one.
        Path(f"{file}.wal").unlink(missing_ok=True)
        try:
            os.link(folder / file.name, file)  # unlike a rename it never replaces another writer's
        except FileExistsError:
            _write_into(file, content, table)
        except OSError:  # no links in this file system
            move(folder / file.name, file)


def _write_into(file: Path, content: pa.Table, table: str) -> None:
    """Write a table into a database file, in one transaction."""
    try:
        with duckdb.connect(str(file)) as connection:
            connection.register(RELATION_NAME, content)
            connection.execute("BEGIN")
            connection.execute(
                f"CREATE OR REPLACE TABLE {DUCKDB.quote(table)} AS SELECT * FROM {RELATION_NAME}"
            )
            connection.execute("COMMIT")
    except PredclvError:
        raise
    except duckdb.Error as error:
        raise StoreError(
            f"The table {table!r} could not be written to {file}: {first_words(error)}"
        ) from error
