"""The SQL of whether a log contains its rows more than once."""

from predclv.logs.statements import Statements


def doubled_days(sql: Statements, step: int) -> str:
    """Of about every ``step``-th customer: days, and those with every row more than once.

    Without amounts all rows of a day look alike, and what is asked is whether there is an even
    number of them.
    """
    units = "0" if sql.amounts is None else sql.amounts.units
    is_doubled = "least % 2 = 0" if sql.amounts is None else "least > 1"
    return f"""
        SELECT
            count(*) AS days,
            count(*) FILTER (WHERE {is_doubled}) AS doubled_days,
            min(CASE WHEN {is_doubled} THEN customer_id END) AS example
        FROM (
            SELECT customer_id, day, min(times) AS least
            FROM (
                SELECT {sql.customer_id} AS customer_id, {sql.day} AS day, {units} AS units,
                    count(*) AS times
                FROM {sql.log} WHERE hash(customer_id) % {step} = 0
                GROUP BY 1, 2, 3
            )
            GROUP BY 1, 2
        )"""
