"""What the three columns of a log mean: usable ids, civil days, exact amounts.

A column's SQL type decides how it is read. What cannot be read without guessing is an error that
says how to convert it.
"""

import math
import re
import zoneinfo

from predclv.errors import DataError, DataWarning, OptionError, did_you_mean, some
from predclv.logs.ids import EXACT_IDS, refusal
from predclv.logs.sources import Table, is_instant
from predclv.logs.statements import Amounts, Statements
from predclv.money import UNITS
from predclv.notices import counted, warn
from predclv.warehouse.dialects import offset_seconds

_INTEGERS = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
}
_FLOATS = {"FLOAT": 1e-6, "DOUBLE": 1e-12}  # relative noise that is no fifth decimal
_DECIMAL_COMMA = re.compile(r"[^\d.,]*[\d.]*\d,\d{1,2}[^\d.,]*")  # 29,33 or 1.234,5, not 1,234
_NULL = "NULL"  # the type of a column without any value
_OFFSET_OF_TEXT = (
    r"CASE WHEN length(date) > 11 THEN"
    r" nullif(regexp_extract(date, ':\d{2}.*?([Zz]|[+-]\d{2}(:?\d{2})?)$', 1), '') END"
)


def statements(table: Table, timezone: str | None) -> Statements:
    """The SQL over a log, once its columns are understood.

    Raises
    ------
    DataError
        If a column has a type that cannot be used; the message names examples.
    OptionError
        If ``timezone`` is unknown, or given for dates that have no zone.
    """
    customer_id, id_is_bad = ids_of(table)
    day = days_of(table, timezone)
    return Statements(table.sql, customer_id, day, _amounts(table), id_is_bad)


def type_name(table: Table, role: str) -> str:
    """The type without its parameters: DECIMAL, ENUM, TIMESTAMP_NS; LIST for INTEGER[] too."""
    if table.types[role].endswith("]"):
        return "LIST"
    return re.split(r"[(\[]", table.types[role])[0].strip(' "')


def _first(table: Table, role: str, where: str, most: int) -> list:
    """The first distinct values of a column, in the order of the rows where they have one."""
    if table.is_ordered:
        inner = f"SELECT {role}, row_number() OVER () AS place FROM {table.sql}"
        sql = f"SELECT {role} FROM ({inner}) WHERE {where} GROUP BY 1 ORDER BY min(place)"
    else:
        sql = f"SELECT DISTINCT {role} FROM {table.sql} WHERE {where} ORDER BY 1"
    return [row[0] for row in table.reader.rows(f"{sql} LIMIT {most}")]


def _examples(table: Table, role: str, where: str, most: int = 5) -> str:
    """The first of them, in words."""
    return some(map(repr, _first(table, role, where, most + 1)), most, math.inf)


def ids_of(table: Table) -> tuple[str, str]:
    """SQL of the id, and of whether it is unusable."""
    kind, name = type_name(table, "customer_id"), table.names["customer_id"]
    if table.is_text:
        sql = (
            "SELECT bool_and(CAST(TRY_CAST(customer_id AS BIGINT) AS VARCHAR) = customer_id)"
            f" IS TRUE AND count(customer_id) = count(TRY_CAST(customer_id AS BIGINT)) FROM "
            f"{table.sql}"
        )
        are_integers = table.reader.rows(sql)[0][0]
        return ("CAST(customer_id AS BIGINT)" if are_integers else "customer_id"), "FALSE"
    if kind in _INTEGERS or kind in {"VARCHAR", "UUID", _NULL}:
        return "customer_id", "FALSE"
    if kind == "ENUM":
        return "CAST(customer_id AS VARCHAR)", "FALSE"
    if kind in _FLOATS:
        is_whole = f"customer_id = floor(customer_id) AND abs(customer_id) <= {EXACT_IDS}"
        return "CAST(customer_id AS BIGINT)", f"NOT ({is_whole})"
    raise refusal(name, kind)


def days_of(table: Table, timezone: str | None) -> str:
    """SQL of the civil day."""
    timezone = None if timezone is None else _known_zone(timezone)
    kind, name = type_name(table, "date"), table.names["date"]
    if kind == "VARCHAR":
        return _days_of_text(table, timezone)
    if kind == _NULL:
        return "CAST(NULL AS INTEGER)"
    date = "date"
    if kind.endswith("_NS"):  # DuckDB rounds nanoseconds, which can make it the next day
        nanoseconds = "epoch_ns(date)"
        whole = f"({nanoseconds} - ({nanoseconds} % 1000 + 1000) % 1000) // 1000"
        date = f"make_timestamp{'tz' if is_instant(kind) else ''}({whole})"
    if is_instant(kind):
        if timezone is None and table.zone_doubt:
            warn(
                f"Column {name!r} holds instants. Their days were taken {table.zone_doubt}. Say "
                "timezone='Europe/Berlin', or whichever zone your customers' days are in.",
                DataWarning,
            )
        return table.dialect.civil_day(date, timezone or table.zone or "UTC")
    if kind in {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}:
        if timezone is not None:
            raise _naive_with_zone(name, timezone)
        return table.dialect.civil_day(date, None)
    if kind in _INTEGERS or kind in _FLOATS or kind in {"HUGEINT", "UHUGEINT", "DECIMAL"}:
        raise DataError(
            f"date column {name!r} holds numbers ({_examples(table, 'date', 'TRUE', 2)}), not "
            "dates. Convert it: pd.to_datetime(column.astype(str), format='%Y%m%d') for 19970101, "
            "pd.to_datetime(column, unit='s') for seconds since 1970."
        )
    raise DataError(
        f"date column {name!r} has the type {table.types['date']}, which is no date. "
        "Convert it with pd.to_datetime."
    )


def _naive_with_zone(name: str, timezone: str) -> OptionError:
    return OptionError(
        f"timezone={timezone!r} is for instants, but the dates of column {name!r} have no zone: "
        "they were taken down as somebody's local days already. Leave timezone out, or say "
        "dt.tz_localize first if they are UTC times."
    )


def _days_of_text(table: Table, timezone: str | None) -> str:
    """SQL of the civil day of ISO text; an offset in it is the writer's local time."""
    name = table.names["date"]
    plain = f"replace(replace(upper({_OFFSET_OF_TEXT}), 'Z', '+00:00'), ':', '')"
    unreadable = "date IS NOT NULL AND TRY_CAST(date AS DATE) IS NULL"
    found = table.reader.record(
        f"SELECT count(date) AS dates, count(*) FILTER (WHERE {unreadable}) AS unreadable,"
        f" count(written) AS with_offset, min(written) AS least, max(written) AS most"
        f" FROM (SELECT date, rpad({plain}, 5, '0') AS written FROM {table.sql})"
    )
    if found["unreadable"]:
        raise _unreadable(table, unreadable, found["unreadable"], found["dates"])
    if timezone is not None and not found["with_offset"]:
        raise _naive_with_zone(name, timezone)
    is_mixed = found["with_offset"] and (
        found["with_offset"] < found["dates"]
        or (found["least"] != found["most"] and timezone is None)
    )
    if is_mixed:
        raise DataError(
            f"Column {name!r} has mixed time zones: {found['dates']:,} dates, "
            f"{found['with_offset']:,} of them with an offset between {found['least']} and "
            f"{found['most']}. Say in which zone a day begins, for instance "
            "timezone='Europe/Berlin'; every date needs its offset then."
        )
    if timezone is not None:
        return table.dialect.civil_day("date", timezone)
    return table.dialect.civil_day("TRY_CAST(date AS DATE)", None)


def _unreadable(table: Table, where: str, number: int, of: int) -> DataError:
    """The error for dates that are none: a few are somebody's mistakes, most are a format."""
    said = f"{counted(number, 'value')} of date column {table.names['date']!r} could not be read"
    said += " as an ISO date"
    if 2 * number >= of:
        return DataError(
            f"{said} ({_examples(table, 'date', where)}). Convert the column first: "
            "pd.to_datetime(column, format='%d/%m/%Y'), with the format it really has."
        )
    inner, shown = f"SELECT date, customer_id FROM {table.sql}", "{!r} of customer {}"
    if table.is_ordered:
        inner = f"SELECT date, customer_id, row_number() OVER () - 1 AS place FROM {table.sql}"
        shown += " at row position {}"
    order = "place" if table.is_ordered else "customer_id, date"
    rows = table.reader.rows(f"SELECT * FROM ({inner}) WHERE {where} ORDER BY {order} LIMIT 4")
    return DataError(
        f"{said}: {some((shown.format(*row) for row in rows), 3, number)}. The other "
        f"{of - number:,} could: correct these or leave their rows out."
    )


def _known_zone(timezone: object) -> str:
    """The name of a zone, checked."""
    name = getattr(timezone, "key", timezone)
    if not isinstance(name, str):
        raise OptionError(f"timezone must be a name such as 'Europe/Berlin'; got {timezone!r}.")
    zones = zoneinfo.available_timezones()
    if offset_seconds(name) is None and name not in zones:
        near = did_you_mean(name, zones) or " Names look like 'Europe/Berlin'."
        raise OptionError(f"There is no time zone {name!r}.{near}")
    return name


def _amounts(table: Table) -> Amounts | None:
    """SQL of the amounts, None where the log has none."""
    if "amount" not in table.types:
        return None
    kind, name = type_name(table, "amount"), table.names["amount"]
    if kind in _INTEGERS:
        return Amounts("CAST(amount AS DOUBLE)", f"CAST(amount AS BIGINT) * {UNITS}", "FALSE")
    if kind in _FLOATS:
        return _of_float("CAST(amount AS DOUBLE)", _FLOATS[kind])
    if kind == "DECIMAL":
        exact = "TRY_CAST(amount AS DECIMAL(19, 4))"
        return Amounts("CAST(amount AS DOUBLE)", f"{exact} * {UNITS}", f"amount <> {exact}")
    if kind == "VARCHAR" and table.is_text:
        return _of_float("TRY_CAST(amount AS DOUBLE)", _FLOATS["DOUBLE"])
    if kind == _NULL:
        return Amounts("CAST(NULL AS DOUBLE)", "NULL", "FALSE")
    if kind == "VARCHAR":
        if not table.reader.rows(f"SELECT count(amount) FROM {table.sql}")[0][0]:
            return Amounts("TRY_CAST(amount AS DOUBLE)", "NULL", "FALSE")
        raise text_amounts(table)
    raise DataError(
        f"amount column {name!r} has the type {table.types['amount']}; amounts are numbers. For a "
        "log without amounts say amount=None."
    )


def text_amounts(table: Table) -> DataError:
    """The error for amounts that are text, with the ones that are no numbers first."""
    name = table.names["amount"]
    no_number = "amount IS NOT NULL AND TRY_CAST(amount AS DOUBLE) IS NULL"
    first = _first(table, "amount", no_number, 4)
    first = first or _first(table, "amount", "amount IS NOT NULL", 4)
    shown = f"amount column {name!r} holds text ({some(map(repr, first), 3, math.inf)})"
    if any(_DECIMAL_COMMA.fullmatch(value) for value in first):
        plain = ".str.replace('.', '')" if any("." in value for value in first) else ""
        return DataError(
            f"{shown}, with decimal commas. Convert it with pd.to_numeric, after "
            f"column{plain}.str.replace(',', '.') and removing currency signs."
        )
    return DataError(
        f"{shown}. Convert it with pd.to_numeric, after removing currency signs and thousands "
        "separators."
    )


def _of_float(value: str, noise: float) -> Amounts:
    scaled = f"({value} * {UNITS})"
    rounded = f"abs({scaled} - round({scaled})) > 1e-6 + {noise} * abs({scaled})"
    return Amounts(value, f"round({scaled})", rounded)
