"""The SQL of paths: which values of dynamic covariates are in force from when on.

As in `predclv.logs.statements`, the answers are integers and everything is common to DuckDB and
Spark, but for the list of a group's values, which a `Dialect` knows.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PathSQL:
    """The statements over a summary and a table of values by customer and day.

    Attributes
    ----------
    summary : str
        The table of customers, with age_days.
    known : str
        The table of values: customer_id, day and combo, each customer and day once.
    rows : str
        The table that `of_customers` is kept as; the other statements read it.
    end : int
        The last day observed.
    before : int or None
        The combo in force before a customer's first row, and of customers without one; None: the
        first row counts back to the first purchase.
    """

    summary: str
    known: str
    rows: str
    end: int
    before: int | None

    @property
    def _customers(self) -> str:
        return f"SELECT customer_id, {self.end} - age_days AS first_day FROM {self.summary}"

    def of_customers(self) -> str:
        """Values up to the end with first_day, of the first purchase, and what stands beside.

        next_day is the day of the customer's next row, is_first says that there is none before.
        """
        by_day = "OVER (PARTITION BY k.customer_id ORDER BY k.day)"
        return f"""
            SELECT k.customer_id, k.day, k.combo, s.first_day, lead(k.day) {by_day} AS next_day,
                lag(k.day) {by_day} IS NULL AS is_first
            FROM {self.known} k JOIN ({self._customers}) s ON k.customer_id = s.customer_id
            WHERE k.day <= {self.end}"""

    def facts(self) -> str:
        """One row: rows before those in force at first, and customers whose first one is late."""
        return f"""
            SELECT count(*) FILTER (WHERE next_day <= first_day) AS rows_before,
                count(*) FILTER (WHERE is_first AND day > first_day) AS late
            FROM {self.rows}"""

    def late(self) -> str:
        """The customers whose first row comes after their first purchase."""
        return f"SELECT customer_id FROM {self.rows} WHERE is_first AND day > first_day"

    def without(self) -> str:
        """The customers without a row up to the end, with the day of the first purchase."""
        return f"""
            SELECT customer_id, first_day FROM ({self._customers})
            ANTI JOIN {self.rows} USING (customer_id)"""

    def after(self) -> str:
        """The number of rows after the end, of customers in the summary."""
        return f"""
            SELECT count(*) FROM {self.known} k JOIN {self.summary} s
                ON k.customer_id = s.customer_id WHERE k.day > {self.end}"""

    def segments(self) -> str:
        """customer_id, from_day, combo: what is in force from the first purchase to the end."""
        at_once = "FALSE" if self.before is not None else "is_first"
        found = f"""
            SELECT customer_id, combo,
                CASE WHEN {at_once} THEN first_day ELSE greatest(day, first_day) END AS from_day
            FROM {self.rows} WHERE next_day IS NULL OR next_day > first_day"""
        if self.before is None:
            return found
        before = f"CAST({self.before} AS BIGINT) AS combo, first_day AS from_day"
        return f"""
            {found}
            UNION ALL
            SELECT customer_id, {before} FROM {self.rows} WHERE is_first AND day > first_day
            UNION ALL
            SELECT customer_id, {before} FROM ({self.without()})"""


def lasting(segments: str, end: int) -> str:
    """Segments with to_day, the day before which they end."""
    next_day = "lead(from_day) OVER (PARTITION BY customer_id ORDER BY from_day)"
    return f"SELECT *, coalesce({next_day}, {end + 1}) AS to_day FROM ({segments})"


def changes(segments: str) -> str:
    """Segments of customer_id, from_day and pattern, without those that change nothing."""
    before = "lag(pattern) OVER (PARTITION BY customer_id ORDER BY from_day)"
    return f"""
        SELECT customer_id, from_day, pattern
        FROM (SELECT *, {before} AS pattern_before FROM ({segments}))
        WHERE pattern_before IS NULL OR pattern_before <> pattern"""


def repeats_by_segment(days: str, segments: str) -> str:
    """Repeat purchases by day and pattern: day, pattern, purchases.

    Parameters
    ----------
    days : str
        A table of purchases: customer_id and day.
    segments : str
        One of what held from when to when: customer_id, first_day, from_day, to_day and pattern.
    """
    return f"""
        SELECT CAST(p.day AS BIGINT) AS day, g.pattern AS pattern,
            CAST(count(*) AS BIGINT) AS purchases
        FROM {days} p JOIN {segments} g ON p.customer_id = g.customer_id
            AND p.day >= g.from_day AND p.day < g.to_day AND p.day > g.first_day
        GROUP BY 1, 2"""


def segments_ahead(customers: str, known: str, end: int, days: int, nothing: int) -> str:
    """customer_id, from_day, combo and pattern on so many days after the end.

    Parameters
    ----------
    customers : str
        A table with customer_id and pattern, the one in force at the end.
    known : str
        The table of values: customer_id, day and combo, each customer and day once.
    end, days : int
        The last day observed, and how many follow.
    nothing : int
        The combo of customers until their first row after the end.
    """
    rows = f"SELECT customer_id, day, combo FROM {known} WHERE day > {end} AND day <= {end + days}"
    return f"""
        SELECT r.customer_id, CAST(r.day AS BIGINT) AS from_day, r.combo, s.pattern
        FROM ({rows}) r JOIN {customers} s ON r.customer_id = s.customer_id
        UNION ALL
        SELECT customer_id, CAST({end + 1} AS BIGINT) AS from_day,
            CAST({nothing} AS BIGINT) AS combo, pattern
        FROM {customers} ANTI JOIN (SELECT customer_id FROM ({rows}) WHERE day = {end + 1})
            USING (customer_id)"""
