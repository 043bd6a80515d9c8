"""The SQL of what a log shows without a model: totals per customer, and cohorts.

As in `predclv.logs.statements`, answers are integers and everything is common to DuckDB and Spark.
The source is always `Statements.purchase_days`; money is net of every refund, those of days without
a purchase too, for what went back was not earned.
"""

from predclv.logs.statements import Statements

PERIODS = {"week": "W-SUN", "month": "M", "quarter": "Q-DEC", "year": "Y-DEC"}
"""The periods that cohorts are made of, and what pandas calls their frequency."""


def period_of(day: str, period: str) -> str:
    """The number of the period that a day since 1970 is in, as pandas counts: 0 holds 1970-01-01.

    Weeks start on Monday; by pandas' count the first one of 1970 is number 1.
    """
    if period == "week":
        return f"CAST(floor(({day} + 3) / 7.0) + 1 AS INTEGER)"
    date = f"(DATE '1970-01-01' + {day})"
    months = f"((year({date}) - 1970) * 12 + month({date}) - 1)"
    per = {"month": 1, "quarter": 3, "year": 12}[period]
    return f"CAST(floor({months} / {per}.0) AS INTEGER)"


def customer_totals(sql: Statements, until: int, with_refunds: bool, refunds_count: bool) -> str:
    """One row per customer: orders (purchase days), first_day, last_day and, maybe, units.

    With refunds, customers with refunds alone have 0 orders, and there are refund_units and
    refund_rows.
    """
    days = sql.purchase_days(None, until, with_refunds, refunds_count)
    bought = " FILTER (WHERE bought)" if with_refunds else ""
    money = ", CAST(sum(units) AS BIGINT) AS units" if sql.amounts is not None else ""
    refunds = ""
    if with_refunds:
        refunds = (
            ", CAST(sum(refund_units) AS BIGINT) AS refund_units,"
            " CAST(sum(refund_rows) AS BIGINT) AS refund_rows"
        )
    return f"""
        SELECT customer_id, CAST(count(*){bought} AS BIGINT) AS orders,
            min(day){bought} AS first_day, max(day){bought} AS last_day{money}{refunds}
        FROM ({days})
        GROUP BY customer_id"""


def first_orders(sql: Statements, until: int, with_refunds: bool, refunds_count: bool) -> str:
    """Customers by what the day of their first purchase brought: units, customers.

    Refunds of that day are taken off it; customers with refunds alone are in none.
    """
    days = sql.purchase_days(None, until, with_refunds, refunds_count)
    bought = " FILTER (WHERE bought)" if with_refunds else ""
    return f"""
        SELECT units, CAST(count(*) AS BIGINT) AS customers
        FROM (
            SELECT CAST(min_by(units, day){bought} AS BIGINT) AS units
            FROM ({days}) GROUP BY customer_id
        )
        WHERE units IS NOT NULL GROUP BY units"""


def cohort_cells(
    sql: Statements,
    until: int,
    period: str,
    with_segment: bool,
    with_refunds: bool,
    refunds_count: bool,
) -> str:
    """One row per cohort, segment and age: active (customers who bought), units and counts.

    A cohort is the number of the period of the first purchase, null for customers with refunds
    alone; age counts periods since. ``segment`` is a customer's on the day of the first purchase,
    the least where that day has several (``ambiguous`` counts them), empty where it has none.
    Refunds from before the first purchase stand at age 0.
    """
    refund = f"{sql.amounts.value} < 0" if with_refunds and sql.amounts is not None else ""
    bought = " FILTER (WHERE bought)" if with_refunds else ""
    also = of_customer = ""
    if with_segment:
        value = "nullif(CAST(segment AS STRING), '')"
        if with_refunds:
            value = f"CASE WHEN NOT ({refund}) THEN {value} END"
        also = f", min({value}) AS least, max({value}) AS most"
        of_customer = (
            f", min_by(coalesce(least, ''), day){bought} AS segment,"
            f" min_by(CASE WHEN least <> most THEN 1 ELSE 0 END, day){bought} AS several"
        )
    days = sql.purchase_days(None, until, with_refunds, refunds_count, also)
    keys = "cohort, segment" if with_segment else "cohort"
    sums = {"units": sql.amounts is not None, "refund_units": with_refunds,
            "refund_rows": with_refunds}  # fmt: skip
    money = "".join(
        f", CAST(sum({n}) AS BIGINT) AS {n}" for n, is_there in sums.items() if is_there
    )
    is_active = "bool_or(bought)" if with_refunds else "true"
    born, now = period_of("first_day", period), period_of("day", period)
    return f"""
        WITH purchase_days AS ({days}),
        customers AS (
            SELECT customer_id, min(day){bought} AS first_day{of_customer}
            FROM purchase_days GROUP BY customer_id
        ),
        ages AS (
            SELECT customer_id, {keys}, {"several, " if with_segment else ""}
                CASE WHEN period > cohort THEN period - cohort ELSE 0 END AS age,
                {is_active} AS is_active{money}
            FROM (
                SELECT purchase_days.*, {born} AS cohort, {now} AS period
                    {", segment, several" if with_segment else ""}
                FROM purchase_days
                JOIN customers ON purchase_days.customer_id = customers.customer_id
            )
            GROUP BY customer_id, {keys}, {"several, " if with_segment else ""}age
        )
        SELECT {keys}, age, CAST(count(*) FILTER (WHERE is_active) AS BIGINT) AS active,
            CAST(count(*) AS BIGINT) AS seen{money}
            {", CAST(sum(several) AS BIGINT) AS ambiguous" if with_segment else ""}
        FROM ages GROUP BY {keys}, age"""
