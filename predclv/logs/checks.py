"""What a log's survey may not show, each with a message that says where."""

import math
from collections.abc import Mapping
from typing import Any

from predclv.errors import DataError, DataWarning, some
from predclv.logs.columns import text_amounts
from predclv.logs.sources import Table
from predclv.logs.statements import Statements
from predclv.money import LARGEST_SPEND, UNITS
from predclv.notices import counted, warn


def _places(table: Table, where: str, number: int) -> str:
    """The positions of the first rows that meet a condition."""
    if not table.is_ordered:
        return ""
    numbered = f"SELECT *, row_number() OVER () - 1 AS place FROM {table.sql}"
    sql = f"SELECT place FROM ({numbered}) WHERE {where} ORDER BY place LIMIT 6"
    return f", first at row position {some((row[0] for row in table.reader.rows(sql)), of=number)}"


def _customers(table: Table, where: str) -> str:
    """The first ids of the rows that meet a condition."""
    sql = f"SELECT DISTINCT customer_id FROM {table.sql} WHERE {where} ORDER BY 1 LIMIT 6"
    return some((row[0] for row in table.reader.rows(sql)), of=math.inf)


def check_ids_and_days(table: Table, sql: Statements, facts: Mapping[str, Any]) -> None:
    """Every row has an id and a day.

    Raises
    ------
    DataError
        If one has not; the message counts them.
    """
    for fact, role, condition in (
        ("null_ids", "customer_id", "customer_id IS NULL"),
        ("null_days", "date", "date IS NULL"),
    ):
        if facts[fact]:
            places = _places(table, condition, facts[fact])
            raise DataError(
                f"{counted(facts[fact], 'row has', 'rows have')} no {role} (column "
                f"{table.names[role]!r}{places}). Fill them in or leave them "
                "out before summarising."
            )
    if facts["bad_ids"]:
        raise DataError(
            f"customer_id column {table.names['customer_id']!r} holds decimal numbers, and "
            f"{counted(facts['bad_ids'], 'row', 'rows')} of it no exact whole number (such as "
            f"{_customers(table, sql.id_is_bad)}). Read ids as integers or as text."
        )


def check_amounts(table: Table, sql: Statements, facts: Mapping[str, Any]) -> None:
    """Every row has a finite amount, and all of them can be summed as 64-bit integers.

    Raises
    ------
    DataError
        If not; the message counts the rows.

    Warns
    -----
    DataWarning
        Amounts were rounded to 0.0001.
    """
    assert sql.amounts is not None
    name, value = table.names["amount"], sql.amounts.value
    if facts["text_amounts"]:
        raise text_amounts(table)
    for fact, condition, problem in (
        ("null_amounts", f"amount IS NULL OR isnan({value})", "no amount"),
        ("infinite_amounts", f"abs({value}) = CAST('Infinity' AS DOUBLE)", "an infinite amount"),
    ):
        if facts[fact]:
            raise DataError(
                f"{counted(facts[fact], 'row has', 'rows have')} {problem} (column {name!r}, "
                f"customers {_customers(table, condition)}). Correct them, leave them out, or say "
                "amount=None for a summary without spend."
            )
    if facts["all_amounts"] >= LARGEST_SPEND:
        raise DataError(
            f"The amounts of column {name!r} are too large to be summed exactly: the largest is "
            f"{facts['largest_amount']:.3g}, and all of them together {facts['all_amounts']:.3g} "
            f"where {LARGEST_SPEND:.0e} is the limit. Divide them by 1,000."
        )
    if facts["rounded_rows"]:
        _warn_of_rounding(table, sql, facts["rounded_rows"])


def _warn_of_rounding(table: Table, sql: Statements, rows: int) -> None:
    """Say how much rounding to 1e-4 changes what customers spent."""
    assert sql.amounts is not None
    exact, kept = f"sum({sql.amounts.value})", f"sum({sql.amounts.units}) / {UNITS}.0"
    effect = f"abs({exact} - {kept}) / nullif(abs({exact}), 0)"
    largest = table.reader.rows(
        f"SELECT max(effect) FROM (SELECT {effect} AS effect FROM {table.sql} GROUP BY customer_id)"
    )[0][0]
    total = table.reader.rows(f"SELECT {effect} FROM {table.sql}")[0][0]
    warn(
        f"{counted(rows, 'amount has', 'amounts have')} more than 4 decimals and were rounded to "
        f"0.0001. That changes the total spend by {total or 0:.1g} of itself, and a customer's by "
        f"{largest or 0:.1g} at most. Scale the amounts up if that matters.",
        DataWarning,
    )
