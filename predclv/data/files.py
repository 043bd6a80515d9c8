"""Files written whole or not at all, and folders that can be told from any other folder.

A result is written beside its target under a temporary name and then renamed, so a reader never
meets half a file and a failure leaves what was there before.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from predclv.data.notices import counted, warn
from predclv.data.strict_json import from_json, to_json
from predclv.errors import DataWarning, StoreError

FORMAT_VERSION = 1
"""Raised whenever an older version could misread what a newer one writes."""

MANIFEST = "predclv.json"
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
        If the folder is missing or a folder is in the way.
    """
    if isinstance(table, pd.DataFrame):
        table = pa.Table.from_pandas(table, preserve_index=False)
    said = {key.encode(): value.encode() for key, value in (metadata or {}).items()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **said})
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)


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
        if isinstance(column.dtype, pd.StringDtype | pd.CategoricalDtype | np.dtypes.ObjectDType):
            executable += int(column.astype("str").str.startswith(_FORMULA).sum())
    if executable:
        warn(
            f"{counted(executable, 'value begins', 'values begin')} with =, +, - or @, which a "
            f"spreadsheet may execute on opening {Path(path).name}. They were written as they are: "
            "import the column as text, or hand on Parquet.",
            DataWarning,
        )
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def write_json(document: Any, path: str | os.PathLike[str]) -> None:
    """Write a document as strict JSON from which `read_json` makes the same floats.

    Raises
    ------
    StoreError
        If the document holds what JSON cannot hold, or the folder is missing.
    """
    try:
        text = to_json(document)
    except (TypeError, ValueError) as error:
        raise StoreError(f"This cannot be written as JSON: {error}.") from error
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read what `write_json` wrote.

    Raises
    ------
    StoreError
        If there is no such file or it is no JSON.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"There is no file {path}.")
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError) as error:
        raise StoreError(f"{path} is no JSON, or is damaged: {error}.") from error


def write_folder(
    path: str | os.PathLike[str],
    kind: str,
    document: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
) -> None:
    """Write a result as a folder: ``predclv.json`` and one Parquet file per table.

    Parameters
    ----------
    path : path-like
        Where nothing is yet, an empty folder, or a folder written by this function, which is
        replaced.
    kind : str
        What it is, for instance ``"FittedCLV"``.
    document : mapping
        What JSON can hold.
    tables : mapping of str to pandas.DataFrame
        By name: letters, digits, ``_`` and ``-``.

    Raises
    ------
    StoreError
        If something else is in the way.
    """
    path = Path(path).absolute()
    _check_replaceable(path)
    _check_parent(path)
    temporary = _beside(path)
    temporary.mkdir()
    try:
        entries = {}
        for name, frame in tables.items():
            if not name.replace("_", "").replace("-", "").isalnum():
                raise StoreError(f"A table cannot be called {name!r}.")
            file = temporary / f"{name}.parquet"
            write_parquet(frame, file)
            entries[name] = {"file": file.name, "sha256": _checksum(file)}
        manifest = {
            "format": "predclv",
            "format_version": FORMAT_VERSION,
            "kind": kind,
            "predclv_version": _version(),
            "content": document,
            "content_sha256": _content_checksum(document),
            "tables": entries,
        }
        write_json(manifest, temporary / MANIFEST)
        _swap(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def read_folder(
    path: str | os.PathLike[str],
) -> tuple[str, dict[str, Any], dict[str, pd.DataFrame]]:
    """Read what `write_folder` wrote.

    Parameters
    ----------
    path : path-like
        The folder, or the ``predclv.json`` in it.

    Returns
    -------
    kind : str
    document : dict
    tables : dict of str to pandas.DataFrame

    Raises
    ------
    StoreError
        If there is nothing, something foreign, something of a newer version, or something damaged.
    """
    path = Path(path)
    if not path.exists():
        raise StoreError(f"There is nothing at {path}.")
    folder, file = (path, path / MANIFEST) if path.is_dir() else (path.parent, path)
    if not file.is_file():
        raise StoreError(f"{path} was not saved by predclv: it holds no {MANIFEST}.")
    manifest = read_json(file)
    if not _is_manifest(manifest):
        raise StoreError(f"{file} was not saved by predclv.")
    version = manifest.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise StoreError(
            f"{path} has format version {version}, written by predclv "
            f"{manifest.get('predclv_version')}; this is predclv {_version()}, which reads up to "
            f"{FORMAT_VERSION}. Install a newer predclv."
        )
    kind, document = manifest.get("kind"), manifest.get("content")
    entries = manifest.get("tables")
    if not (isinstance(kind, str) and isinstance(document, dict) and isinstance(entries, dict)):
        raise StoreError(f"{file} is damaged: its kind, content or tables are missing.")
    if manifest.get("content_sha256") != _content_checksum(document):
        raise StoreError(f"{file} is damaged, or was edited: its content is not what was saved.")
    return kind, document, {name: _read(folder, name, entry) for name, entry in entries.items()}


def _content_checksum(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(to_json(document).encode()).hexdigest()


def _read(folder: Path, name: str, entry: Any) -> pd.DataFrame:
    if not isinstance(entry, dict) or Path(str(entry.get("file"))).name != entry.get("file"):
        raise StoreError(f"{folder / MANIFEST} is damaged: it names no file for table {name!r}.")
    file = folder / entry["file"]
    if not file.is_file():
        raise StoreError(f"The table {name!r} is missing: there is no file {file}.")
    if _checksum(file) != entry.get("sha256"):
        raise StoreError(f"The table {name!r} is damaged: {file} is not what was saved.")
    try:
        return pyarrow.parquet.ParquetFile(file).read().to_pandas()
    except pa.ArrowException as error:
        raise StoreError(f"The table {name!r} is damaged: {file} is no Parquet.") from error


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary name beside the target that takes the target's place if all goes well."""
    path = Path(path).absolute()
    _check_parent(path)
    if path.is_dir():
        raise StoreError(f"{path} is a folder; name a file.")
    temporary = _beside(path)
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error}. Is the disk full, or the folder read-only? "
            "Nothing was left behind; an earlier file of that name is as it was."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _swap(temporary: Path, path: Path) -> None:
    """Put a folder in another's place; the earlier one goes once the new one is there."""
    if not path.exists():
        temporary.rename(path)
        return
    earlier = _beside(path)
    path.rename(earlier)
    try:
        temporary.rename(path)
    except OSError:
        earlier.rename(path)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _beside(path: Path) -> Path:
    """A name in the same folder that nobody else has."""
    return path.with_name(f".{path.name}-{uuid.uuid4().hex}")


def _check_parent(path: Path) -> None:
    if not path.parent.is_dir():
        raise StoreError(f"There is no folder {path.parent} to write {path.name} into.")


def _check_replaceable(path: Path) -> None:
    """Nothing is lost by writing here but what this package wrote."""
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if path.is_dir() and (path / MANIFEST).is_file():
        with contextlib.suppress(StoreError):
            manifest = read_json(path / MANIFEST)
            tables = manifest["tables"].values() if _is_manifest(manifest) else ()
            if {file.name for file in path.iterdir()} == {MANIFEST, *(t["file"] for t in tables)}:
                return
    raise StoreError(f"{path} holds something that predclv did not write; choose another name.")


def _is_manifest(manifest: Any) -> bool:
    return isinstance(manifest, dict) and manifest.get("format") == "predclv"


def _checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _version() -> str:
    try:
        return metadata.version("predclv")
    except metadata.PackageNotFoundError:
        return "unknown"
