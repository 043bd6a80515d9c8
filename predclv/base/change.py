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


def joined(before: Kept, after: str, by: Sequence[str], only: str = "") -> str:
    """A row of `change` for every customer of then or of today, by joining the two.

    Parameters
    ----------
    before : Kept
        The earlier refresh.
    after : str
        SQL of today's customers as its model values them, with IS_NOW: what they are worth by
        today's.
    by : sequence of str
        Columns of groups that both have.
    only : str, optional
        What leaves customers out, as SQL behind either.
    """
    then, now = (f"(SELECT * FROM {each}{only})" for each in (before.customers, after))
    groups = "".join(
        f", coalesce(n.{DUCKDB.quote(g)}, o.{DUCKDB.quote(g)}) AS {DUCKDB.quote(g)}" for g in by
    )
    each = "o.expected_spend" if before.has_spend else "1.0"
    return (
        f"SELECT o.{before.value} AS was, o.discounted_purchases AS bought, {each} AS each,"
        f" n.{before.value} AS would, n.discounted_purchases AS would_buy, n.{IS_NOW},"
        " o.customer_id IS NULL AS is_new, n.customer_id IS NULL AS is_gone,"
        f" coalesce(n.frequency > o.frequency, FALSE) AS came{groups}"
        f" FROM {then} o FULL JOIN {now} n ON n.customer_id = o.customer_id"
    )


def joined_where_moved(before: Kept, after: str, by: Sequence[str], moved: str, days: int) -> str:
    """The same rows, where only customers with news since are joined.

    Of anybody else all but the age is as it was, so what they were worth then follows from what is
    known of them today.

    Parameters
    ----------
    moved : str
        SQL of the ids of customers with rows since, in parentheses.
    days : int
        Between the two refreshes.
    """
    others = (
        f"(SELECT * REPLACE (age_days - {days} AS age_days), {before.value} AS would,"
        f" discounted_purchases AS would_buy FROM {after} ANTI JOIN {moved} USING (customer_id))"
    )
    scored = before.scored(others, ["would", "would_buy", IS_NOW])
    each = "expected_spend" if before.has_spend else "1.0"
    groups = "".join(f", {DUCKDB.quote(g)}" for g in by)
    return (
        f"{joined(before, after, by, f' SEMI JOIN {moved} USING (customer_id)')} UNION ALL SELECT"
        f" {before.value}, discounted_purchases, {each}, would, would_buy, {IS_NOW},"
        f" FALSE, FALSE, FALSE{groups} FROM ({scored})"
    )


def change(
    engine: DuckDBWarehouse, before: Kept, rows: str, margin: float, by: Sequence[str]
) -> pd.DataFrame:
    """The parts of the change, for the base and for each group.

    Parameters
    ----------
    engine : DuckDBWarehouse
    before : Kept
        The earlier refresh.
    rows : str
        SQL of every customer, as of `joined`.
    margin : float
        Of the earlier refresh.
    by : sequence of str
        Columns of groups that both have.

    Returns
    -------
    DataFrame
        grouping, group, equity_before, the PARTS, equity_after.
    """

    def units(expression: str) -> str:
        return f"CAST(round(coalesce({expression}, 0) * {UNITS}) AS BIGINT)"

    purchases = f"{units('would')} - {units('was')}"
    if before.has_spend:
        purchases = units(f"(would_buy - bought) * each * {margin!r}")
    groups = "".join(f", {DUCKDB.quote(g)}" for g in by)
    rows = f"""
        SELECT {units("was")} AS was, {units("would")} AS would, {units(IS_NOW)} AS is_now,
            CASE WHEN is_new OR is_gone THEN 0 ELSE {purchases} END AS purchases,
            is_new, is_gone, came{groups}
        FROM ({rows})"""
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
