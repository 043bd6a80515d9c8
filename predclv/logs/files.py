"""The files of a log: which they are, and what the headers of CSV files say."""

import csv
import glob
import os
from pathlib import Path
from typing import Any

from predclv.errors import DataError, did_you_mean, some

_DELIMITERS = ",;\t|"


def log_files(paths: Any) -> tuple[list[str], str]:
    """The files that a path, a glob or a list of them names, and their common ending.

    Raises
    ------
    DataError
        If nothing is there, a folder is meant, or the files are neither .parquet nor .csv.
    """
    found: list[str] = []
    for path in paths if isinstance(paths, (list, tuple)) else [paths]:
        if not isinstance(path, (str, os.PathLike)):
            raise DataError(f"A list of paths holds {type(path).__name__}: {path!r:.60}.")
        found += _existing(os.path.expanduser(os.fspath(path)))
    if not found:
        raise DataError("The list of paths is empty.")
    suffixes = {Path(file).suffix.casefold() for file in found}
    if not suffixes <= {".parquet", ".csv"}:
        raise DataError(
            f"A log is read from .parquet or .csv files; got {some(found, 3)}. "
            "Read it into a pandas or polars DataFrame and hand that over."
        )
    if len(suffixes) > 1:
        raise DataError("The files are partly .parquet and partly .csv; summarise one kind.")
    return found, suffixes.pop()


def _existing(path: str) -> list[str]:
    if os.path.isdir(path):
        raise DataError(
            f"{path} is a folder; name its files with a glob such as "
            f"{os.path.join(path, '*.parquet')!r}."
        )
    if os.path.exists(path):
        return [path]
    matches = sorted(file for file in glob.glob(path, recursive=True) if os.path.isfile(file))
    if not matches:
        folder, name = os.path.split(path)
        beside = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
        where = "" if beside or not folder or os.path.isdir(folder) else f" (no folder {folder})"
        raise DataError(f"There is no file {path}{where}.{did_you_mean(name, beside)}")
    return matches


def csv_columns(files: list[str]) -> tuple[list[str], str]:
    """The column names in the header of CSV files and the delimiter between them.

    Raises
    ------
    DataError
        If a file is empty or not UTF-8, or the headers differ.
    """
    headers: dict[tuple[tuple[str, ...], str], str] = {}
    for file in files:
        try:
            with open(file, encoding="utf-8-sig", newline="") as text:
                first = text.readline()
                delimiter = max(_DELIMITERS, key=first.count)
                text.seek(0)
                header = next(csv.reader(text, delimiter=delimiter), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{file} is not CSV text in UTF-8: {error}.") from error
        if not header:
            raise DataError(f"{file} is empty: not even a header with the column names.")
        headers[tuple(header), delimiter] = file
    if len(headers) > 1:
        raise DataError(f"The headers of {some(headers.values(), 2)} differ.")
    names, delimiter = next(iter(headers))
    return list(names), delimiter
