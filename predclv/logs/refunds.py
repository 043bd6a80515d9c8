"""Negative amounts: netted into their day, dropped or refused, and always counted."""

from typing import Any

from predclv.errors import DataError, RefundWarning, some
from predclv.logs.sources import Table
from predclv.logs.statements import Statements
from predclv.money import UNITS
from predclv.notices import counted, warn
from predclv.warehouse.base import Warehouse

REFUNDS = ("net", "drop", "error")
"""What may be done with negative amounts."""

_FACTS = """
    SELECT
        count(*) FILTER (WHERE refund_units < 0) AS customers,
        sum(refund_units) AS units,
        sum(refund_only_days) AS only_days,
        sum(refund_only_units) AS only_units,
        count(*) FILTER (WHERE frequency < 0) AS only_customers,
        sum(refund_rows) AS rows,
        sum(net_negative_days) AS negative_days,
        sum(net_negative_units) AS negative_units
    FROM {table}"""


def report_refunds(
    warehouse: Warehouse, table: str, refunds: str, tells: bool = True
) -> dict[str, int]:
    """Leave customers with refunds alone out of a summary, warn, and count.

    Parameters
    ----------
    warehouse : Warehouse
        Keeps the summary.
    table : str
        Its name there.
    refunds : str
        What was done with them, "net" or "drop".
    tells : bool
        Whether to warn; a log that is summarised to many days tells once.

    Returns
    -------
    dict
        refund_rows, refund_only_days, refund_only_customers and net_negative_days.
    """
    facts: dict[str, Any] = {
        name: int(value or 0)
        for name, value in warehouse.record(_FACTS.format(table=table)).items()
    }
    warehouse.keep_where(table, "frequency >= 0")
    counts = {
        "refund_rows": facts["rows"],
        "refund_only_days": facts["only_days"],
        "refund_only_customers": facts["only_customers"],
        "net_negative_days": facts["negative_days"],
    }
    if not facts["rows"]:
        return counts
    whose = f"{counted(facts['rows'], 'refund row')} of {counted(facts['customers'], 'customer')}"
    money = f"({_money(facts['units'])} in all)"
    if refunds == "net":
        parts = [f"{whose} {money} were netted into the purchases of their day."]
        if facts["only_days"]:
            parts.append(
                f"{counted(facts['only_days'], 'day had', 'days had')} refunds alone: no purchase, "
                f"and their {_money(facts['only_units'])} are left out of spend."
            )
    else:
        parts = [f"{whose} {money} were left out."]
    if facts["only_customers"]:
        parts.append(
            f"{counted(facts['only_customers'], 'customer')} with refunds alone "
            f"{'was' if facts['only_customers'] == 1 else 'were'} left out."
        )
    if facts["negative_days"]:
        parts.append(
            f"{counted(facts['negative_days'], 'net-negative day')} (a purchase and a larger "
            f"refund, {_money(facts['negative_units'])} in all) stayed a purchase with that spend."
        )
    if tells:
        warn(" ".join(parts), RefundWarning)
    return counts


def refuse_refunds(table: Table, sql: Statements, until: int | None) -> None:
    """Raise the error for a log that should have no refunds, naming the first of them.

    Those after the day ``until`` are nobody's concern.
    """
    assert sql.amounts is not None
    kept = "" if until is None else f"AND {sql.day} <= {until}"
    refunds = f"FROM {table.sql} WHERE {sql.amounts.value} < 0 {kept}"
    rows = table.reader.rows(f"SELECT count(*) {refunds}")[0][0]
    if not rows:
        return
    found = table.reader.rows(
        f"SELECT customer_id, DATE '1970-01-01' + {sql.day} AS day {refunds}"
        " ORDER BY day, customer_id LIMIT 6"
    )
    shown = some((f"customer {customer} on {str(day)[:10]}" for customer, day in found), 3, rows)
    raise DataError(
        f"{counted(rows, 'amount is', 'amounts are')} negative ({shown}). Say refunds='net' to net "
        "them into the purchases of their day, or refunds='drop' to leave them out."
    )


def _money(units: int) -> str:
    return f"{units / UNITS:,.2f}"
