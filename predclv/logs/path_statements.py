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
    end : int
        The last day observed.
    before : int or None
        The combo in force before a customer's first row, and of customers without one; None: the
        first row counts back to the first purchase.
    """

    summary: str
    known: str
    end: int
    before: int | None

    @property
    def customers(self) -> str:
        """customer_id and first_day."""
        return f"SELECT customer_id, {self.end} - age_days AS first_day FROM {self.summary}"

    @property
    def _rows(self) -> str:
        """Rows up to the end with the day of the customer's next one."""
        return f"""
            SELECT k.customer_id, k.day, k.combo, s.first_day,
                lead(k.day) OVER (PARTITION BY k.customer_id ORDER BY k.day) AS next_day
            FROM {self.known} k JOIN ({self.customers}) s ON k.customer_id = s.customer_id
            WHERE k.day <= {self.end}"""

    @property
    def _in_force(self) -> str:
        """Rows whose values are in force after the first purchase; earliest is the first's day."""
        return f"""
            SELECT *, min(day) OVER (PARTITION BY customer_id) AS earliest
            FROM ({self._rows}) WHERE next_day IS NULL OR next_day > first_day"""

    def facts(self) -> str:
        """One row: rows before those in force at first, late customers, customers without a row."""
        return f"""
            SELECT
                (SELECT count(*) FROM ({self._rows}) WHERE next_day <= first_day) AS rows_before,
                (SELECT count(*) FROM ({self._in_force})
                    WHERE day = earliest AND day > first_day) AS late,
                (SELECT count(*) FROM {self.summary} ANTI JOIN ({self._rows}) USING (customer_id))
                    AS without"""

    def late(self) -> str:
        """The customers whose first row comes after their first purchase."""
        return (
            f"SELECT customer_id FROM ({self._in_force}) WHERE day = earliest AND day > first_day"
        )

    def without(self) -> str:
        """The customers without a row up to the end."""
        return (
            f"SELECT customer_id FROM {self.summary} ANTI JOIN ({self._rows}) USING (customer_id)"
        )

    def after(self) -> str:
        """The number of rows after the end, of customers in the summary."""
        return f"""
            SELECT count(*) FROM {self.known} k JOIN {self.summary} s
                ON k.customer_id = s.customer_id WHERE k.day > {self.end}"""

    def segments(self) -> str:
        """customer_id, from_day, combo: what is in force from the first purchase to the end."""
        if self.before is None:
            return f"""
                SELECT customer_id, combo,
                    CASE WHEN day = earliest THEN first_day ELSE day END AS from_day
                FROM ({self._in_force})"""
        return f"""
            SELECT customer_id, combo, greatest(day, first_day) AS from_day
            FROM ({self._in_force})
            UNION ALL
            SELECT s.customer_id, CAST({self.before} AS BIGINT) AS combo, s.first_day AS from_day
            FROM ({self.customers}) s ANTI JOIN
                (SELECT customer_id FROM ({self._in_force}) WHERE day <= first_day)
                USING (customer_id)"""


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
