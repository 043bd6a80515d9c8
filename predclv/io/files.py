"""Results as files of one table, text or document, written whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from predclv.errors import DataWarning, StoreError
from predclv.io.places import replacing
from predclv.io.strict_json import to_json
from predclv.notices import counted, warn

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how text begins that a spreadsheet executes


def write_parquet(
    table: pd.DataFrame | pa.Table,
    path: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write a frame or an Arrow table as one Parquet file.

    Parameters
    ----------
    table : pandas.DataFrame or pyarrow.Table
        The index of a frame is not written.
    path : path-like
        The file; an earlier one is replaced.
    metadata : mapping of str to str, optional
        Added to the file's key-value metadata.

    Raises
    ------
    StoreError
        If the folder is missing, a folder is in the way, or a column is of no one type.
    """
    if isinstance(table, pd.DataFrame):
        table = arrow_table(table)
    said = {key.encode(): value.encode() for key, value in (metadata or {}).items()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **said})
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    """A frame as an Arrow table, without its index.

    Raises
    ------
    StoreError
        If a column mixes kinds of values; the message names it.
    """
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise StoreError(
            f"The table cannot be written as it is: {error}. Make the column text first: "
            ".astype(str)."
        ) from error


def write_csv(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a frame as CSV in UTF-8, numbers in full; the values are never altered.

    Warns
    -----
    DataWarning
        If texts begin with ``=``, ``+``, ``-`` or ``@``: a spreadsheet would execute them.
    """
    executable = 0
    for name in frame.columns:
        column = frame[name]
        if not _is_of_numbers(column.dtype):
            executable += int(column.astype("str").str.startswith(_FORMULA).sum())
    if executable:
        warn(
            f"{counted(executable, 'value begins', 'values begin')} with =, +, - or @, which a "
            f"spreadsheet may execute on opening {Path(path).name}. They were written as they are: "
            "import the column as text, or hand on Parquet.",
            DataWarning,
        )
    with replacing(path) as temporary:
        try:
            frame.to_csv(temporary, index=False, lineterminator="\n")
        except UnicodeEncodeError as error:
            raise StoreError(
                f"{path} could not be written: {error.object!r} is no text that UTF-8 can hold."
            ) from error


def write_text(text: str, path: str | os.PathLike[str]) -> None:
    """Write text, such as an HTML page, in UTF-8.

    Raises
    ------
    StoreError
        If the folder is missing or read-only, or the disk is full.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(document: Any, path: str | os.PathLike[str]) -> None:
    """Write a document as strict JSON from which `from_json` makes the same floats.

    Raises
    ------
    StoreError
        If the document holds what JSON cannot hold, or the folder is missing.
    """
    try:
        text = to_json(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"This cannot be written as JSON: {error}.") from error
    write_text(text + "\n", path)


def _is_of_numbers(dtype: Any) -> bool:
    """Whether a column holds numbers, instants or truth, and so no text that could be executed."""
    of = pd.api.types
    return (
        of.is_numeric_dtype(dtype)
        or of.is_datetime64_any_dtype(dtype)
        or of.is_timedelta64_dtype(dtype)
    )
