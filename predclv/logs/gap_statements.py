"""The SQL of the times between a customer's consecutive purchases, counted in whole days.

As in `predclv.logs.statements`, the answers are integers and everything is common to DuckDB and
Spark.
"""

from predclv.logs.statements import Statements


def gap_days(sql: Statements, until: int | None, with_refunds: bool, refunds_count: bool) -> str:
    """Gaps between consecutive purchases up to ``until``: gap_days, gaps (how many last so long).

    Days of refunds alone are no purchases.
    """
    days = sql.purchase_days(None, until, with_refunds, refunds_count)
    return f"""
        SELECT gap_days, CAST(count(*) AS BIGINT) AS gaps
        FROM (
            SELECT day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap_days
            FROM ({days}) {"WHERE bought" if with_refunds else ""}
        )
        WHERE gap_days IS NOT NULL GROUP BY gap_days"""


def last_two_gaps(sql: Statements, until: int, with_refunds: bool, refunds_count: bool) -> str:
    """The last two gaps of each customer who has two: last, before, and customers with both."""
    days = sql.purchase_days(None, until, with_refunds, refunds_count)
    of_customer = "OVER (PARTITION BY customer_id ORDER BY day)"
    return f"""
        SELECT last, before, CAST(count(*) AS BIGINT) AS customers
        FROM (
            SELECT day - lag(day) {of_customer} AS last,
                lag(day) {of_customer} - lag(day, 2) {of_customer} AS before,
                lead(day) {of_customer} AS following
            FROM ({days}) {"WHERE bought" if with_refunds else ""}
        )
        WHERE following IS NULL AND before IS NOT NULL GROUP BY last, before"""


def gap_pairs(sql: Statements, until: int, with_refunds: bool, refunds_count: bool) -> str:
    """Consecutive purchases by their days since 1970: from_day, to_day, gaps (how many).

    What a clock needs in the place of `gap_days`: how long a gap is depends on when it was.
    """
    days = sql.purchase_days(None, until, with_refunds, refunds_count)
    return f"""
        SELECT from_day, to_day, CAST(count(*) AS BIGINT) AS gaps
        FROM (
            SELECT lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS from_day, day AS to_day
            FROM ({days}) {"WHERE bought" if with_refunds else ""}
        )
        WHERE from_day IS NOT NULL GROUP BY from_day, to_day"""
