"""Covariates beside a log: read where they lie, and brought to where the log is, in whole numbers.

Every different row of values is a *combo* and has a number. What customers have of them is a table
of integers in the log's warehouse; what the values are is a small frame here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, DataWarning, some
from predclv.logs.columns import days_of, ids_of, type_name
from predclv.logs.covariate_table import CovariateTable
from predclv.logs.sources import Table, is_instant, open_table
from predclv.notices import counted, warn
from predclv.progress import stage
from predclv.samples.coding import CodingRules
from predclv.warehouse.base import Warehouse, fresh
from predclv.warehouse.duckdb import RELATION_NAME

_NUMBERS = {
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"),
    *("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"),
}
_TEXT = {"VARCHAR", "ENUM", "UUID"}
_MISSING = ("NA", "N/A", "NaN", "nan", "null", "NULL")  # among the numbers of a CSV file


@dataclass(frozen=True, slots=True, eq=False)
class Covariates:
    """One table of covariates, in the warehouse of its log.

    Attributes
    ----------
    what : str
        static_covariates or dynamic_covariates.
    name : str
        The stored table: customer_id, combo and, of dynamic ones, day; each customer, or customer
        and day, once.
    combos : DataFrame
        Row i is the values of combo i, by covariate: float64 or text, missing ones as such, those
        that ``fill`` names filled.
    filled : ndarray of bool
        Which combos had a value filled.
    absent : int or None
        The combo of customers without a row; None where that is an error.
    rules : CodingRules
    rows, repeated : int
        Rows of the table, and how many of them said again what another did.
    asked : CovariateTable
        The table as it was given.
    """

    what: str
    name: str
    combos: pd.DataFrame
    filled: np.ndarray
    absent: int | None
    rules: CodingRules
    rows: int
    repeated: int
    asked: CovariateTable


def open_covariates(
    given: Any, log: Table, log_id: str, timezone: str | None, what: str
) -> Covariates:
    """Read a table of covariates and bring it to the log.

    Parameters
    ----------
    given : table or CovariateTable
    log : Table
        Where the log lies.
    log_id : str
        SQL of the log's ids.
    timezone : str or None
        As of the log; for dates that are instants.
    what : str
        static_covariates or dynamic_covariates.

    Raises
    ------
    DataError
        If the table cannot be used; the message names rows, values or columns.
    """
    asked, is_dynamic = CovariateTable.of(given), what == "dynamic_covariates"
    roles = asked.roles(what, log.names["customer_id"], is_dynamic)
    columns = {role: name for role, name in roles.items() if role not in ("customer_id", "date")}
    rules = asked.rules(list(columns.values()))
    needed = ("customer_id", "date") if is_dynamic else ("customer_id",)
    names: dict[str, str | None] = {**roles}
    with stage(f"Reading {what}"):
        table = open_table(asked.readable(roles), names, timezone, needed)
        keys = {"customer_id": _id(table, log, log_id, what)}
        if is_dynamic:
            zone = timezone if is_instant(table.types["date"]) else None
            keys["day"] = days_of(table, zone)
        values = {role: _value(table, role, name, what) for role, name in columns.items()}
        raw = _brought(table, asked.table, log, keys | values)
        warehouse = log.warehouse
        rows = _checked_keys(warehouse, raw, keys, what)
        listed = ", ".join(columns)
        distinct = warehouse.table(f"SELECT {listed} FROM {raw} GROUP BY {listed}")
        name = _coded(warehouse, raw, distinct, keys, list(columns))
        warehouse.drop(raw)
        kept = warehouse.rows(f"SELECT count(*) FROM {name}")[0][0]
        _refuse_contradictions(warehouse, name, list(keys), what)
    combos = distinct.to_pandas().rename(columns=columns)
    combos = pd.DataFrame({n: _typed(combos[n], n, table.is_text, asked) for n in combos})
    if rows > kept:
        warn(
            f"{counted(rows - kept, 'row')} of {what} {'says' if rows - kept == 1 else 'say'} "
            "again what another row of that customer"
            f"{' and date' if is_dynamic else ''} does, and counted once.",
            DataWarning,
        )
    absent = None
    if set(asked.fill) >= set(combos):
        absent = len(combos)
        combos.loc[absent] = {n: np.nan if combos[n].dtype == np.float64 else None for n in combos}
    filled = np.zeros(len(combos), bool)
    for column, value in asked.fill.items():
        is_missing = combos[column].isna()
        filled |= is_missing.to_numpy()
        combos[column] = combos[column].where(~is_missing, _filling(combos[column], value, what))
    asked = replace(asked, customer_id=roles["customer_id"])
    return Covariates(what, name, combos, filled, absent, rules, rows, rows - kept, asked)


def _filling(column: pd.Series, value: Any, what: str) -> Any:
    if column.dtype == np.float64:
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = np.nan
        if np.isfinite(number):
            return number
        raise DataError(
            f"fill: column {column.name!r} of {what} holds numbers, so that {value!r} cannot stand "
            "for a missing one. Give a number, or make the column one of levels: categories=[...]."
        )
    return str(value)


def id_kind(table: Table, customer_id: str) -> str:
    """What ids are: text, UUIDs or whole numbers."""
    kind = type_name(table, "customer_id")
    if "BIGINT" in customer_id:
        return "whole numbers"
    return "UUIDs" if kind == "UUID" else "text" if kind in _TEXT else "whole numbers"


def _id(table: Table, log: Table, log_id: str, what: str) -> str:
    """SQL of the ids, of the kind that the log's are."""
    sql, is_bad = ids_of(table)
    bad = table.reader.rows(f"SELECT count(*) FROM {table.sql} WHERE {is_bad}")[0][0]
    if bad:
        raise DataError(
            f"{counted(bad, 'row')} of {what} {'has' if bad == 1 else 'have'} an id that is no "
            "exact whole number. Read ids as integers or as text."
        )
    own, wanted = id_kind(table, sql), id_kind(log, log_id)
    if own == wanted or type_name(table, "customer_id") == "NULL":
        return sql
    if table.is_text and wanted in ("text", "UUIDs"):
        return "customer_id" if wanted == "text" else "CAST(customer_id AS UUID)"
    advice = {
        "whole numbers": ".astype('int64') in pandas, CAST(x AS BIGINT) in SQL",
        "text": ".astype(str) in pandas, CAST(x AS VARCHAR) in SQL",
        "UUIDs": "CAST(x AS UUID) in SQL",
    }[wanted]
    raise DataError(
        f"The ids of {what} are {own} (column {table.names['customer_id']!r}) and those of the log "
        f"are {wanted}: no customer would be found. Turn them into {wanted}: {advice}."
    )


def _value(table: Table, role: str, name: str, what: str) -> str:
    """SQL of a value: a double or text, null where there is none."""
    kind = type_name(table, role)
    if kind in _NUMBERS:
        return f"nullif(CAST({role} AS DOUBLE), CAST('NaN' AS DOUBLE))"
    if kind == "BOOLEAN":
        return f"CAST(CAST({role} AS INTEGER) AS DOUBLE)"
    if kind in _TEXT:
        return f"nullif(trim(CAST({role} AS STRING)), '')"
    if kind == "NULL":
        raise DataError(f"Column {name!r} of {what} is empty: it has no value in any row.")
    raise DataError(
        f"Column {name!r} of {what} has the type {table.types[role]}; covariates are numbers, "
        "booleans, text or categories. Turn it into one of them, such as years since a date, or "
        "choose others: pc.CovariateTable(table, columns=[...])."
    )


def _brought(table: Table, given: Any, log: Table, columns: Mapping[str, str]) -> str:
    """The columns as a table that the log's warehouse can read; its name."""
    name = fresh("covariates")
    select = f"SELECT {', '.join(f'{sql} AS {role}' for role, sql in columns.items())} FROM "
    if table.dialect.name == "spark" and log.dialect.name == "spark":
        log.warehouse.register(own := fresh("given"), given)
        log.warehouse.store(name, select + table.sql.replace(RELATION_NAME, own))
        return name
    table.warehouse.store(name, select + table.sql, table.reader)
    log.warehouse.register(name, table.warehouse.table(f"SELECT * FROM {name}"))
    return name


def _checked_keys(warehouse: Warehouse, raw: str, keys: Mapping[str, str], what: str) -> int:
    """The number of rows, each of which has an id and, maybe, a date."""
    lacking = ", ".join(f"count(*) - count({key}) AS no_{key}" for key in keys)
    facts = warehouse.record(f"SELECT count(*) AS row_count, {lacking} FROM {raw}")
    for key in keys:
        if facts[f"no_{key}"]:
            noun = "customer_id" if key == "customer_id" else "date"
            raise DataError(
                f"{counted(facts[f'no_{key}'], 'row')} of {what} "
                f"{'has' if facts[f'no_{key}'] == 1 else 'have'} no {noun}. Fill them in or leave "
                "them out."
            )
    if not facts["row_count"]:
        raise DataError(f"{what} is empty: it has its columns, but no row.")
    return int(facts["row_count"])


def _coded(
    warehouse: Warehouse, raw: str, distinct: pa.Table, keys: Mapping[str, str], columns: list[str]
) -> str:
    """Keep keys and combos as a table, each pair once; its name."""
    number = pa.array(np.arange(distinct.num_rows, dtype=np.int64))
    warehouse.register(numbers := fresh("combos"), distinct.append_column("combo", number))
    same = " AND ".join(f"r.{column} IS NOT DISTINCT FROM n.{column}" for column in columns)
    listed = ", ".join(f"r.{key}" for key in keys)
    warehouse.store(
        name := fresh("coded"),
        f"SELECT DISTINCT {listed}, n.combo FROM {raw} r JOIN {numbers} n ON {same}",
    )
    warehouse.rows(f"SELECT count(*) FROM {name}")  # Spark computes it while its tables are there
    warehouse.drop(numbers)
    return name


def _refuse_contradictions(warehouse: Warehouse, name: str, keys: list[str], what: str) -> None:
    """No customer, or customer and date, has two different rows."""
    by = ", ".join(keys)
    several = f"SELECT customer_id FROM {name} GROUP BY {by} HAVING count(*) > 1"
    found = warehouse.rows(f"SELECT DISTINCT customer_id FROM ({several}) ORDER BY 1 LIMIT 6")
    if found:
        total = warehouse.rows(f"SELECT count(DISTINCT customer_id) FROM ({several})")[0][0]
        per = "" if len(keys) == 1 else " of one date"
        advice = "Keep one row for each" if not per else "Keep one row per customer and date"
        raise DataError(
            f"{counted(total, 'customer has', 'customers have')} several rows{per} in {what} that "
            f"say different things (ids {some((row[0] for row in found), of=total)}). {advice}."
        )


def _typed(column: pd.Series, name: str, is_text: bool, asked: CovariateTable) -> pd.Series:
    """A column as float64, or as text where it has levels."""
    is_category = name in (asked.categories or ())
    if pd.api.types.is_numeric_dtype(column.dtype):
        numbers = column.astype(np.float64)
        if not is_category:
            return numbers
        return numbers.map(lambda value: f"{value:.17g}", na_action="ignore").astype(object)
    text = column.astype(object).where(column.notna(), None)
    if not is_text or is_category:
        return text
    found = text.where(~text.isin(_MISSING), None)
    known = found.dropna()
    if len(known) and known.str.casefold().isin(("true", "false")).all():
        return found.map(
            lambda value: float(value.casefold() == "true"), na_action="ignore"
        ).astype(np.float64)
    numbers = pd.to_numeric(found, errors="coerce").astype(np.float64)
    is_code = known.str.match(r"0\d").any()
    return text if numbers[known.index].isna().any() or is_code or not len(known) else numbers


def refuse_shared_names(*tables: Covariates) -> None:
    """No covariate is both static and dynamic.

    Raises
    ------
    DataError
        If one is.
    """
    names = [str(name) for table in tables for name in table.combos]
    both = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if both:
        raise DataError(
            f"Column {some(map(repr, both))} is in static_covariates and in dynamic_covariates. "
            "Rename one, or choose: pc.CovariateTable(table, columns=[...])."
        )
