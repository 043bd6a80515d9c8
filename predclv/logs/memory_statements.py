"""The SQL of what customers' past purchases still count, and of their days one by one.

As in `predclv.logs.statements`, the answers are integers: a purchase that counts ``exp(-rho d)``
is rounded to the 2^30th part of one, so that sums depend on no order. The weights come as a table
by day, and a quotient of doubles is the same everywhere: DuckDB and Spark agree to the last bit.
"""

ONE = 1 << 30
"""What one purchase counts for, when it is the last one."""

BINS = 64
"""Bins of what purchases count for, from 0 to 1; from 1 to 4 as many more, and so on."""


def memory_sums(
    days: str, summary: str, weights: str, end: int, binned: bool, by_age: bool = False
) -> str:
    """The summary with one more column, ``memory``: what repeat purchases count beside the last.

    Parameters
    ----------
    days, summary, weights : str
        Tables: customer_id and day; the summary; day and weight, of each day up to ``end``.
    end : int
        The day on which observation ended.
    binned : bool
        Whether only the middle of a bin is kept, which makes fewer histories.
    by_age : bool
        Whether the days of ``weights`` are those since a customer's first purchase.
    """
    share = f"p.weight / l.weight * CAST({ONE} AS DOUBLE) + CAST(0.5 AS DOUBLE)"
    kept = "coalesce(m.memory, 0)"
    born = f"{end} - c.age_days"
    own, last = "d.day", f"{born} + c.recency_days"
    if by_age:
        own, last = f"d.day - ({born})", "c.recency_days"
    if binned:
        # Roots are exact to rounding everywhere; with c bins the k-th ends at ((k + 1) / c)^2.
        unit = round(ONE**0.5 / BINS)
        place = f"CAST(floor(sqrt(CAST(m.memory AS DOUBLE)) / CAST({unit} AS DOUBLE)) AS BIGINT)"
        middle = f"(2 * {place} + 1) * (2 * {place} + 1) * {ONE // (4 * BINS * BINS)}"
        kept = f"CASE WHEN s.frequency > 1 THEN {middle} ELSE {kept} END"
    return f"""
        SELECT s.*, CAST({kept} AS BIGINT) AS memory
        FROM {summary} s LEFT JOIN (
            SELECT d.customer_id, CAST(sum(CAST(floor({share}) AS BIGINT)) AS BIGINT) AS memory
            FROM {days} d
                JOIN {summary} c ON c.customer_id = d.customer_id
                JOIN {weights} p ON p.day = {own}
                JOIN {weights} l ON l.day = {last}
            WHERE d.day > {born} AND d.day <= {end}
            GROUP BY d.customer_id
        ) m ON m.customer_id = s.customer_id"""


def repeats_at_ages(days: str, summary: str, end: int) -> str:
    """Repeat purchases at each age, days since the first one, in the integers age and purchases."""
    age = f"d.day - ({end} - s.age_days)"
    return f"""
        SELECT {age} AS age, CAST(count(*) AS BIGINT) AS purchases
        FROM {days} d JOIN {summary} s ON s.customer_id = d.customer_id
        WHERE d.day > {end} - s.age_days AND d.day <= {end}
        GROUP BY {age} ORDER BY age"""


def days_of_some(
    days: str, summary: str, end: int, most: int | None, known: tuple[str, ...] = ()
) -> str:
    """Every day of purchase of customers, in their order: age_days, frequency and day.

    Parameters
    ----------
    most : int or None
        So many customers, always the same; None takes all.
    known : tuple of str
        More columns of the summary.
    """
    more = "".join(f", s.{name}" for name in known)
    some = "" if most is None else f" ORDER BY hash(customer_id) LIMIT {most}"
    return f"""
        SELECT s.age_days, s.frequency, d.day{more}
        FROM {days} d JOIN (SELECT * FROM {summary}{some}) s ON s.customer_id = d.customer_id
        WHERE d.day <= {end}
        ORDER BY d.customer_id, d.day"""
