"""The SQL of what purchases cost: before and after a day, the first ones, the largest.

As in `predclv.logs.statements`, the answers are integers and everything is common to DuckDB and
Spark.
"""

from dataclasses import replace

from predclv.logs.statements import Statements


def spend_around(
    sql: Statements, cut: int, step: int, until: int, with_refunds: bool, refunds_count: bool
) -> str:
    """What about every ``step``-th customer who bought again by ``until`` spent when.

    One row each: first_units; x and units, of repeat purchases by ``cut``; late_purchases and
    late_units, after it. Days of refunds alone are no purchases, and their money is left out.
    """
    some = f"(SELECT * FROM {sql.log} WHERE hash({sql.customer_id}) % {step} = 0)"
    of = sql if step == 1 else replace(sql, log=some)
    days = of.purchase_days(None, until, with_refunds, refunds_count)
    bought = "WHERE bought" if with_refunds else ""
    return f"""
        SELECT CAST(min_by(units, day) AS BIGINT) AS first_units,
            CAST(count(*) FILTER (WHERE day <= {cut}) - 1 AS BIGINT) AS x,
            CAST(coalesce(sum(units) FILTER (WHERE day <= {cut}), 0) - min_by(units, day)
                AS BIGINT) AS units,
            CAST(count(*) FILTER (WHERE day > {cut}) AS BIGINT) AS late_purchases,
            CAST(coalesce(sum(units) FILTER (WHERE day > {cut}), 0) AS BIGINT) AS late_units
        FROM ({days}) {bought} GROUP BY customer_id HAVING count(*) > 1"""


def first_spends(sql: Statements, until: int, with_refunds: bool, refunds_count: bool) -> str:
    """What the first purchase of customers cost who bought again by ``until``: units, customers."""
    days = sql.purchase_days(None, until, with_refunds, refunds_count)
    bought = "WHERE bought" if with_refunds else ""
    return f"""
        SELECT units, CAST(count(*) AS BIGINT) AS customers
        FROM (
            SELECT CAST(min_by(units, day) AS BIGINT) AS units
            FROM ({days}) {bought} GROUP BY customer_id HAVING count(*) > 1
        )
        GROUP BY units"""


def large_days(
    sql: Statements, least: int, until: int, with_refunds: bool, refunds_count: bool
) -> str:
    """The largest of the days up to ``until``: customer_id, largest_units.

    Of customers for whom it is not the first one, and of ``least`` units or more.
    """
    days = sql.purchase_days(None, until, with_refunds, refunds_count)
    bought = "WHERE bought" if with_refunds else ""
    return f"""
        SELECT customer_id, CAST(max(units) AS BIGINT) AS largest_units
        FROM ({days}) {bought} GROUP BY customer_id
        HAVING max(units) >= {least} AND max(units) > min_by(units, day)"""


def first_of_each(
    sql: Statements, scale: float, until: int, with_refunds: bool, refunds_count: bool
) -> str:
    """What each customer's first purchase by ``until`` cost over ``scale``: first_units, rounded.

    A quotient of doubles is the same in DuckDB and Spark.
    """
    days = sql.purchase_days(None, until, with_refunds, refunds_count)
    bought = "WHERE bought" if with_refunds else ""
    scaled = f"CAST(min_by(units, day) AS DOUBLE) / CAST('{scale!r}' AS DOUBLE)"
    return f"""
        SELECT customer_id,
            CAST(floor({scaled} + CAST(0.5 AS DOUBLE)) AS BIGINT) AS first_units
        FROM ({days}) {bought} GROUP BY customer_id"""
