"""Where DuckDB and Spark write SQL differently.

Spark quotes names with backticks, escapes backslashes in a text literal, and knows another way from
an instant to a civil day. That way counts microseconds, for CAST(instant AS DATE) would ask the
session's own time zone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_MICROSECONDS = 86_400_000_000  # in a day
_LONG_AGO = 4_000_000  # days
_UTC = {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Z", "Zulu"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one warehouse writes the few things that warehouses write differently.

    Attributes
    ----------
    name : str
        The warehouse.
    quote : callable
        A column or table name, whatever characters it holds, as an identifier.
    literal : callable
        A text as a string literal.
    civil_day : callable
        ``(expression, zone)`` to days since 1970-01-01; a zone of None means that the expression
        is a date or a timestamp without zone, otherwise it is an instant.
    sorted_list : callable
        The aggregate that lists a group's values in ascending order.
    """

    name: str
    quote: Callable[[str], str]
    literal: Callable[[str], str]
    civil_day: Callable[[str, str | None], str]
    sorted_list: Callable[[str], str]


def offset_seconds(zone: str) -> int | None:
    """Seconds east of UTC of a fixed zone, None for a zone with a history.

    Examples
    --------
    >>> offset_seconds("UTC"), offset_seconds("-05:30"), offset_seconds("Europe/Berlin")
    (0, -19800, None)
    """
    if zone in _UTC:
        return 0
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return None
    seconds = int(match[2]) * 3600 + int(match[3]) * 60
    return -seconds if match[1] == "-" else seconds


def _duckdb_quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _duckdb_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _duckdb_civil_day(expression: str, zone: str | None) -> str:
    if zone is not None:
        instant = f"CAST({expression} AS TIMESTAMPTZ)"
        seconds = offset_seconds(zone)
        if seconds is None:
            expression = f"{instant} AT TIME ZONE {_duckdb_literal(zone)}"
        else:  # ten times as fast as AT TIME ZONE
            expression = f"make_timestamp(epoch_us({instant}) + {seconds * 1_000_000})"
    return f"CAST(CAST({expression} AS DATE) - DATE '1970-01-01' AS INTEGER)"


def _duckdb_sorted_list(values: str) -> str:
    return f"list_sort(list({values}))"


DUCKDB = Dialect("duckdb", _duckdb_quote, _duckdb_literal, _duckdb_civil_day, _duckdb_sorted_list)


def _spark_quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _spark_literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _spark_civil_day(expression: str, zone: str | None) -> str:
    if zone is None:
        return f"unix_date(CAST({expression} AS DATE))"
    seconds = offset_seconds(zone)
    if seconds is None:
        local = f"unix_micros(from_utc_timestamp({expression}, {_spark_literal(zone)}))"
    else:
        local = f"unix_micros({expression}) + {seconds * 1_000_000}"
    # div rounds towards zero, so days are counted from long before the first timestamp.
    return f"CAST(({local} + {_LONG_AGO * _MICROSECONDS}) div {_MICROSECONDS} - {_LONG_AGO} AS INT)"


def _spark_sorted_list(values: str) -> str:
    return f"sort_array(collect_list({values}))"


SPARK = Dialect("spark", _spark_quote, _spark_literal, _spark_civil_day, _spark_sorted_list)
