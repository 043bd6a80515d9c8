"""A result as a folder that is whole at every moment, and can be told from any other folder.

The folder holds ``predclv.json``, which says what the result is and names its tables, one Parquet
file each, with their checksums. A table's file carries the beginning of its checksum in its name,
so a new result never overwrites what an earlier one is read from. To replace a result, its tables
are put beside the earlier ones, then ``predclv.json`` is replaced in one step, and only then the
earlier tables go: before that step the folder is the earlier result, after it the new one,
wherever the writer is killed. What a killed writer left the next one removes.

Writers of one folder wait for each other (a lock on the folder, which ends with its process). A
reader needs no lock: where a table has gone and ``predclv.json`` is another one by then, it begins
again.
"""

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from predclv.errors import StoreError
from predclv.io.files import write_json, write_parquet
from predclv.io.places import (
    assert_parent,
    explained,
    is_workshop,
    locked,
    move,
    place,
    workshop,
)
from predclv.io.strict_json import from_json, to_json

FORMAT_VERSION = 1
"""Raised whenever an older version could misread what a newer one writes."""

MANIFEST = "predclv.json"
_OF_TABLE = re.compile(r"[\w-]+-[0-9a-f]{16}\.parquet")  # what `write_folder` calls a table's file
_OF_DESKTOPS = {".DS_Store", "Thumbs.db", "desktop.ini"}  # lie in folders that look empty
_READINGS = 100  # each further one means that a writer has finished meanwhile


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
        Where nothing is yet, an empty folder, or a folder written by this function, whose result
        is replaced; files of others in it stay. ``~`` and symbolic links are followed.
    kind : str
        What it is, for instance ``"FittedCLV"``.
    document : mapping
        What JSON can hold.
    tables : mapping of str to pandas.DataFrame
        By name: letters, digits, ``_`` and ``-``.

    Raises
    ------
    StoreError
        If something else is in the way, the folder cannot be written, or another process writes to
        it for longer than a minute. An earlier result is then as it was.
    """
    for name in tables:
        if not _is_name(name):
            raise StoreError(f"A table cannot be called {name!r}.")
    folder = place(path)
    with explained(folder):
        assert_parent(folder)
        if folder.exists() and not folder.is_dir():
            raise StoreError(
                f"{folder} is a file, which predclv did not write; choose another name."
            )
        with locked(folder) as is_new:
            try:
                _replace(folder, kind, document, tables)
            except BaseException:
                if is_new:
                    with contextlib.suppress(OSError):
                        folder.rmdir()
                raise


def read_folder(
    path: str | os.PathLike[str],
) -> tuple[str, dict[str, Any], dict[str, pd.DataFrame]]:
    """Read what `write_folder` wrote, whole even while another process replaces it.

    Parameters
    ----------
    path : path-like
        The folder, or the ``predclv.json`` in it. No symbolic link inside the folder is followed.

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
    named = place(path, follow=False)
    try:
        if not named.exists():
            raise StoreError(f"There is nothing at {named}.{_cut_short(named)}")
        folder, name = (named, MANIFEST) if named.is_dir() else (named.parent, named.name)
        file = folder.resolve() / name
        text = _content(file)
        for _ in range(_READINGS):
            try:
                return _read(file, text)
            except StoreError:
                again = _content(file)
                if again == text:
                    raise
                text = again
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{named} could not be read: {error}.") from error
    raise StoreError(f"{named} was replaced {_READINGS} times while it was read. Try again.")


def _replace(
    folder: Path, kind: str, document: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]
) -> None:
    """Put a result in the place of the earlier one, in a folder that is locked."""
    earlier = _earlier(folder)
    entries: dict[str, dict[str, str]] = {}
    try:
        with workshop(folder) as made:
            for name, frame in tables.items():
                write_parquet(frame, made / "table")
                checksum = _checksum((made / "table").read_bytes())
                entries[name] = {"file": f"{name}-{checksum[:16]}.parquet", "sha256": checksum}
                move(made / "table", folder / entries[name]["file"])
            manifest = {
                "format": "predclv",
                "format_version": FORMAT_VERSION,
                "kind": kind,
                "predclv_version": _version(),
                "content": document,
                "content_sha256": _content_checksum(document),
                "tables": entries,
            }
            write_json(manifest, made / MANIFEST)
            move(made / MANIFEST, folder / MANIFEST)
    finally:
        # An interrupt can come just after the step, so the folder itself is asked what it is.
        current = _named_by(folder) if (folder / MANIFEST).exists() else set()
        for file in (earlier | {entry["file"] for entry in entries.values()}) - current:
            with contextlib.suppress(OSError):
                (folder / file).unlink(missing_ok=True)


def _earlier(folder: Path) -> set[str]:
    """The tables of the earlier result, and those that a killed writer left.

    Raises
    ------
    StoreError
        If the folder holds something else and no result.
    """
    found = {entry.name for entry in folder.iterdir()}
    left = {name for name in found if _OF_TABLE.fullmatch(name)}
    if MANIFEST in found:
        with contextlib.suppress(StoreError):
            return left | _named_by(folder)
    elif all(name in left | _OF_DESKTOPS or is_workshop(name) for name in found):
        return left
    raise StoreError(f"{folder} holds something that predclv did not write; choose another name.")


def _named_by(folder: Path) -> set[str]:
    """The files that a folder's manifest names."""
    _, _, entries = _checked(folder / MANIFEST, _content(folder / MANIFEST))
    return {_file_of(folder, name, entry) for name, entry in entries.items()}


def _content(file: Path) -> bytes:
    """What a file of a result's folder holds; it is no symbolic link.

    Raises
    ------
    StoreError
        If it is missing, or no ordinary file.
    """
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            raise StoreError(f"{file} is a symbolic link or no file; it is not followed.")
        return file.read_bytes()
    except FileNotFoundError as error:
        what = (
            f"{file.parent} was not saved by predclv: it holds no {MANIFEST}, or its first save "
            "was cut short."
            if file.name == MANIFEST
            else f"There is no file {file}."
        )
        raise StoreError(what) from error
    except OSError as error:
        raise StoreError(f"{file} could not be read: {error}.") from error


def _read(file: Path, text: bytes) -> tuple[str, dict[str, Any], dict[str, pd.DataFrame]]:
    """The result whose manifest holds ``text``."""
    kind, document, entries = _checked(file, text)
    return kind, document, {name: _table(file, name, entry) for name, entry in entries.items()}


def _checked(file: Path, text: bytes) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Kind, document and tables' entries of a manifest."""
    try:
        manifest = from_json(text.decode("utf-8"))
    except ValueError as error:
        raise StoreError(f"{file} is no JSON, or is damaged: {error}.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != "predclv":
        raise StoreError(f"{file} was not saved by predclv.")
    version = manifest.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise StoreError(
            f"{file.parent} has format version {version}, written by predclv "
            f"{manifest.get('predclv_version')}; this is predclv {_version()}, which reads up to "
            f"{FORMAT_VERSION}. Install a newer predclv."
        )
    kind, document = manifest.get("kind"), manifest.get("content")
    entries = manifest.get("tables")
    if not (isinstance(kind, str) and isinstance(document, dict) and isinstance(entries, dict)):
        raise StoreError(f"{file} is damaged: its kind, content or tables are missing.")
    try:
        is_as_saved = manifest.get("content_sha256") == _content_checksum(document)
    except (ValueError, RecursionError):
        is_as_saved = False
    if not is_as_saved:
        raise StoreError(f"{file} is damaged, or was edited: its content is not what was saved.")
    return kind, document, entries


def _file_of(folder: Path, name: str, entry: Any) -> str:
    """The file that a manifest names for a table, which is one of the folder's own."""
    file = entry.get("file") if isinstance(entry, dict) else None
    if (
        not isinstance(file, str)
        or not file.endswith(".parquet")
        or not _is_name(file.removesuffix(".parquet"))
    ):
        raise StoreError(f"{folder / MANIFEST} is damaged: it names no file for table {name!r}.")
    return file


def _table(manifest: Path, name: str, entry: Any) -> pd.DataFrame:
    file = manifest.parent / _file_of(manifest.parent, name, entry)
    try:
        content = _content(file)
    except StoreError as error:
        raise StoreError(f"The table {name!r} is missing: {error}") from error
    if _checksum(content) != entry.get("sha256"):
        raise StoreError(f"The table {name!r} is damaged: {file} is not what was saved.")
    try:
        # pandas' own metadata says nothing that is needed, and anybody could have written it.
        table = pyarrow.parquet.ParquetFile(pa.BufferReader(content)).read()
        return table.replace_schema_metadata(None).to_pandas()
    except Exception as error:  # whatever a decoder raises over bytes that were tampered with
        raise StoreError(f"The table {name!r} is damaged: {file} is no Parquet.") from error


def _cut_short(path: Path) -> str:
    """Where an earlier version, killed while it replaced a model, has left it."""
    pattern = re.compile(rf"\.{re.escape(path.name)}-[0-9a-f]{{32}}")
    left = sorted(
        str(beside)
        for beside in (path.parent.iterdir() if path.parent.is_dir() else ())
        if pattern.fullmatch(beside.name) and (beside / MANIFEST).is_file()
    )
    if not left:
        return ""
    return (
        f" A save by an earlier version was cut short there; its whole models are "
        f"{' and '.join(left)}: rename one."
    )


def _is_name(name: str) -> bool:
    return name.replace("_", "").replace("-", "").isalnum()


def _content_checksum(document: Mapping[str, Any]) -> str:
    return _checksum(to_json(document).encode())


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _version() -> str:
    try:
        return metadata.version("predclv")
    except metadata.PackageNotFoundError:
        return "unknown"
