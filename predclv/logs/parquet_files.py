"""The Parquet files of a log: whether all of them mean the same by a column.

DuckDB takes the types of the first file and casts the others to them, which rounds 1.5 to 2 and
makes 7 of '007'; so the footers are compared first. It also lets a folder ``date=2024-05-01``
replace the dates in its files, which is never asked for here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from predclv.errors import DataError, DataWarning, did_you_mean, some
from predclv.notices import counted, warn


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """Parquet files that can be read as one table.

    Attributes
    ----------
    paths : list of str
        The files with rows, or one without where none has any.
    options : str
        What `read_parquet` has to be told.
    """

    paths: list[str]
    options: str
    _footers: Mapping[str, "_Footer"]

    @classmethod
    def of(cls, files: list[str], wanted: Mapping[str, str]) -> "ParquetFiles":
        """Compare the wanted columns, a mapping of role to name, over the files.

        Raises
        ------
        DataError
            If a file cannot be read, lacks a column that others have, or means another thing by
            it; the message names both files and types.

        Warns
        -----
        DataWarning
            If folders such as ``date=2024-05-01`` name a column that their files hold too.
        """
        footers = {file: _footer(file) for file in files}
        footers = {file: it for file, it in footers.items() if it.rows} or {
            files[0]: footers[files[0]]
        }
        in_files = {
            role: name
            for role, name in wanted.items()
            if any(name in footer.schema.names for footer in footers.values())
        }
        differ = [_differ(footers, role, name) for role, name in in_files.items()]
        options = [_hive(footers, wanted.values(), in_files.values())]
        options += ["union_by_name=true"] if any(differ) else []
        return cls(list(footers), ", ".join(options), footers)

    def zone(self, column: str) -> str | None:
        """The time zone recorded for a column, None where only instants are.

        Parquet itself knows instants alone; pandas, polars and Arrow record the zone beside them.

        Raises
        ------
        DataError
            If the files name different zones.
        """
        zones: dict[str | None, str] = {}
        for file, footer in self._footers.items():
            kind = footer.schema.field(column).type
            if pa.types.is_timestamp(kind):
                zones.setdefault(kind.tz if footer.has_arrow_schema else None, file)
        if len(zones) > 1:
            shown = some((f"{zone or 'none'} in {file}" for zone, file in zones.items()), 3)
            raise DataError(f"The files' dates have mixed time zones: {shown}. Summarise one kind.")
        return next(iter(zones))


@dataclass(frozen=True, slots=True)
class _Footer:
    rows: int
    schema: pa.Schema
    has_arrow_schema: bool


def _footer(file: str) -> _Footer:
    try:
        metadata = pyarrow.parquet.read_metadata(file)
        schema = metadata.schema.to_arrow_schema()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"{file} could not be read as Parquet: {error} "
            "Is it cut short, still being written or not what its name says?"
        ) from error
    return _Footer(metadata.num_rows, schema, b"ARROW:schema" in (metadata.metadata or {}))


def _differ(footers: Mapping[str, _Footer], role: str, name: str) -> bool:
    """Whether the types of a column differ, though they mean the same."""
    types: dict[pa.DataType, str] = {}
    for file, footer in footers.items():
        if footer.schema.names.count(name) != 1:
            raise DataError(
                f"{file} has {footer.schema.names.count(name) or 'no'} column {name!r} ({role}), "
                f"which other files have once.{did_you_mean(name, footer.schema.names)}"
            )
        types.setdefault(footer.schema.field(name).type, file)
    meanings = {_meaning(kind, role): kind for kind in types if not pa.types.is_null(kind)}
    if len(meanings) > 1:
        shown = some((f"{kind} in {types[kind]}" for kind in meanings.values()), 4)
        raise DataError(
            f"Column {name!r} ({role}) has different types in the files: {shown}. Read together "
            "they would be cast into each other, which can change their meaning. Write all files "
            "with one type."
        )
    return len(types) > 1


def _meaning(kind: pa.DataType, role: str) -> str:
    """What types have in common that can be read together without changing a value."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "text"
    if pa.types.is_date(kind) or (pa.types.is_timestamp(kind) and kind.tz is None):
        return "dates"
    if pa.types.is_timestamp(kind):
        return "instants"
    if role == "amount" and (pa.types.is_integer(kind) or pa.types.is_float64(kind)):
        return "numbers"  # whole ones are exact as doubles as far as amounts can be added up
    if pa.types.is_integer(kind):
        return "64 bits unsigned" if pa.types.is_uint64(kind) else "whole numbers"
    return "decimals" if pa.types.is_decimal(kind) else str(kind)


def _hive(footers: Mapping[str, _Footer], wanted: Iterable[str], in_files: Iterable[str]) -> str:
    """Whether columns are to be taken from folders such as ``date=2024-05-01``."""
    named = [
        {part.partition("=")[0] for part in Path(file).parent.parts if "=" in part}
        for file in footers
    ]
    everywhere, somewhere = set.intersection(*named), set.union(*named)
    twice = sorted(somewhere & set(in_files))
    if everywhere & set(wanted) - set(in_files):
        if twice:
            raise DataError(
                f"Column {some(map(repr, twice))} is in the files and in the names of their "
                f"folders, and {some(everywhere & set(wanted) - set(in_files))} is in the names "
                "alone. Write all of these columns into the files."
            )
        return "hive_partitioning=true, hive_types_autocast=false"
    if twice:
        warn(
            f"{counted(len(footers), 'file')}: folders are named after column "
            f"{some(map(repr, twice))}, which the files hold too. The values in the files were "
            "taken, and the names of the folders ignored.",
            DataWarning,
        )
    return "hive_partitioning=false"
