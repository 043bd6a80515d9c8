"""The SQL that counts contracts: days since 1970 in, cohorts, renewals and numbers out.

It is written for DuckDB and Spark alike; months and years are counted in whole numbers, so that
both give the same ones.
"""

from dataclasses import dataclass

from predclv.warehouse.dialects import DUCKDB, Dialect

FAR = 2_147_483_647
"""The end of a contract that has none."""

_DATE = "(DATE '1970-01-01' + CAST({} AS INTEGER))"


@dataclass(frozen=True, slots=True)
class ContractSQL:
    """Statements over contracts.

    Attributes
    ----------
    contracts : str
        What stands after FROM; columns customer_id, s and e (first day and end, in days since 1970,
        e NULL where there is none) and, maybe, plan and pattern.
    period : str
    has_plans : bool
    dialect : Dialect
    has_patterns : bool
    """

    contracts: str
    period: str
    has_plans: bool
    dialect: Dialect = DUCKDB
    has_patterns: bool = False

    @property
    def _keys(self) -> str:
        return ("plan, " if self.has_plans else "") + ("pattern, " if self.has_patterns else "")

    def survey(self) -> str:
        """Counts of what cannot be used, and the days between which contracts lie."""
        return (
            "SELECT count(*) AS contracts, count(*) - count(customer_id) AS null_ids,"
            " count(*) - count(s) AS null_starts, count(*) FILTER (WHERE e < s) AS backwards,"
            " count(e) AS ended, min(s) AS first_day, greatest(max(s), max(e)) AS last_day"
            f" FROM {self.contracts}"
        )

    def backwards(self) -> str:
        """Some contracts that end before they start."""
        start, end = _DATE.format("s"), _DATE.format("e")
        return (
            f"SELECT customer_id, {start}, {end} FROM {self.contracts} WHERE e < s"
            " ORDER BY 1, 2 LIMIT 6"
        )

    def starting_after(self, last: int) -> str:
        """How many contracts start after the last day."""
        return f"SELECT count(*) FROM {self.contracts} WHERE s > {last}"

    def several(self) -> str:
        """Customers with several contracts."""
        return f"SELECT customer_id FROM {self.contracts} GROUP BY customer_id HAVING count(*) > 1"

    def neighbours(self, several: str, last: int) -> str:
        """Contracts of customers with several, each with the end of the one before."""
        return (
            f"SELECT customer_id, s, max(coalesce(e, {FAR})) OVER (PARTITION BY customer_id"
            f" ORDER BY s, coalesce(e, {FAR}) ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
            f" AS before FROM {self.contracts} WHERE s <= {last}"
            f" AND customer_id IN (SELECT customer_id FROM {several})"
        )

    def histories(self, last: int) -> str:
        """Contracts by cohort, renewals and whether they ended; ``fits`` where on a period's end.

        ``fits`` of contracts that ended tells whether they did so at the end of a whole period,
        give or take the days by which months differ.
        """
        return (
            f"SELECT {self._keys}cohort, renewals, ended, fits,"
            f" count(*) AS contracts FROM ({self._each(last, True)}) GROUP BY ALL"
        )

    def running(self, last: int) -> str:
        """The customers of running contracts, with their cohort and renewals."""
        return (
            f"SELECT customer_id, {self._keys}cohort, renewals"
            f" FROM ({self._each(last, False)}) WHERE NOT ended ORDER BY customer_id, cohort"
        )

    def _each(self, last: int, with_fit: bool) -> str:
        """Every contract with cohort, renewals and ended."""
        # A contract that ends with a period has not been renewed at its end, whether its end is its
        # last day or the first day without it: renewals are the boundaries before its last day.
        until = f"least(coalesce(e - 1, {last}), {last})"
        ended = f"(e IS NOT NULL AND e <= {last})"
        renewals = f"greatest({self._whole('s', until)}, 0)"
        fits = ""
        if with_fit:
            fits = f", (NOT {ended} OR {self._left_over()} <= 3) AS fits"
        cohort = f"CAST(date_trunc('{self.period}', {_DATE.format('s')}) AS DATE)"
        plan = "CAST(plan AS STRING) AS plan, " if self.has_plans else ""
        pattern = "pattern, " if self.has_patterns else ""
        return (
            f"SELECT customer_id, {plan}{pattern}{cohort} AS cohort,"
            f" CAST({renewals} AS INTEGER) AS renewals, {ended} AS ended{fits}"
            f" FROM {self.contracts} WHERE s <= {last}"
        )

    def _whole(self, first: str, last: str) -> str:
        """Whole periods between two days."""
        if self.period in ("day", "week"):
            return f"floor(({last} - {first}) / {7 if self.period == 'week' else 1})"
        a, b = _DATE.format(first), _DATE.format(last)
        if self.dialect is DUCKDB:
            return f"datesub('{self.period}', {a}, {b})"
        # The last day of a shorter month completes it, as DuckDB has it.
        months = (
            f"(12 * (year({b}) - year({a})) + month({b}) - month({a})"
            f" - CASE WHEN day({b}) < least(day({a}), day(last_day({b}))) THEN 1 ELSE 0 END)"
        )
        return months if self.period == "month" else f"floor({months} / 12)"

    def _left_over(self) -> str:
        """Days of a contract that ended beyond its last whole period, counted with one to spare."""
        if self.period == "day":
            return "0"
        if self.period == "week":
            return "((e + 1 - s) % 7)"
        months = f"CAST({self._whole('s', 'e + 1')} AS INTEGER)"
        months += " * 12" if self.period == "year" else ""
        begin = _DATE.format("s")
        duckdb = self.dialect is DUCKDB
        step = f"{begin} + to_months({months})" if duckdb else f"add_months({begin}, {months})"
        return f"(e + 1 - {self.dialect.civil_day(step, None)})"
