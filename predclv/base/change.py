"""Why the value of a base changed between two refreshes, in parts that add up exactly.

A customer known at both dates is valued three times: as forecast then, by the model of then with
what is known now, and as forecast now. The second less the first is what the customer did, the
third less the second the model's own change (and that of the terms, if they changed). What the
customer did is parted into purchases, at the spend expected of them before, and spend. All values
are whole numbers of 1e-4, so the parts' sum is the change to the last digit.
"""

from collections.abc import Sequence

import pandas as pd

from predclv.base.by_group import by_group
from predclv.base.kept import Kept
from predclv.money import UNITS
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

PARTS = (
    "new_customers", "buying_more", "buying_less", "gone_quiet", "spend", "model",
    "no_longer_there",
)  # fmt: skip
"""The parts of a change, in the order of a waterfall."""

IS_NOW = "is_now"
"""The column of a customer's value by today's model."""

_ENDS = {"before": "was", "after": "is_now"}


def change(
    engine: DuckDBWarehouse,
    before: Kept,
    after: str,
    margin: float,
    by: Sequence[str],
) -> pd.DataFrame:
    """The parts of the change, for the base and for each group.

    Parameters
    ----------
    engine : DuckDBWarehouse
    before : Kept
        The earlier refresh.
    after : str
        SQL of today's customers as its model values them, with IS_NOW: what they are worth by
        today's.
    margin : float
        Of the earlier refresh.
    by : sequence of str
        Columns of groups that both have.

    Returns
    -------
    DataFrame
        grouping, group, equity_before, the PARTS, equity_after.
    """
    v = before.value
    spend = before.has_spend
    worth = "o.expected_spend" if spend else "1"
    share = margin if spend else 1.0

    def units(expression: str) -> str:
        return f"CAST(round(coalesce({expression}, 0) * {UNITS}) AS BIGINT)"

    groups = "".join(
        f", coalesce(n.{DUCKDB.quote(g)}, o.{DUCKDB.quote(g)}) AS {DUCKDB.quote(g)}" for g in by
    )
    bought = f"(n.discounted_purchases - o.discounted_purchases) * {worth} * {share!r}"
    purchases = units(bought) if spend else f"{units(f'n.{v}')} - {units(f'o.{v}')}"
    rows = f"""
        SELECT {units(f"o.{v}")} AS was, {units(f"n.{v}")} AS would,
            {units(f"n.{IS_NOW}")} AS is_now,
            CASE WHEN o.customer_id IS NULL OR n.customer_id IS NULL THEN 0
                ELSE {purchases} END AS purchases,
            o.customer_id IS NULL AS is_new, n.customer_id IS NULL AS is_gone,
            coalesce(n.frequency > o.frequency, FALSE) AS came{groups}
        FROM {before.customers} o FULL JOIN {after} n ON n.customer_id = o.customer_id"""
    stayed = "NOT is_new AND NOT is_gone"
    parts = {
        "new_customers": ("is_now", "is_new"),
        "buying_more": ("purchases", f"{stayed} AND came AND purchases > 0"),
        "buying_less": ("purchases", f"{stayed} AND came AND purchases <= 0"),
        "gone_quiet": ("purchases", f"{stayed} AND NOT came"),
        "spend": ("would - was - purchases", stayed),
        "model": ("is_now - would", stayed),
        "no_longer_there": ("-was", "is_gone"),
    }
    sums = {
        name: f"CAST(coalesce(sum({what}) FILTER (WHERE {where}), 0) AS BIGINT)"
        for name, (what, where) in parts.items()
    }
    ends = {f"equity_{end}": f"CAST(sum({column}) AS BIGINT)" for end, column in _ENDS.items()}
    wanted = {"equity_before": ends["equity_before"], **sums, "equity_after": ends["equity_after"]}
    found = by_group(engine, f"({rows})", by, wanted)
    return pd.DataFrame([{"grouping": g, "group": name, **row} for (g, name), row in found.items()])
