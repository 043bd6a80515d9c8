"""The one SQL statement that summarises a log.

The statements read a log whose columns are already called ``customer_id``, ``date`` and ``amount``
and answer in integers alone: days since 1970 and spend in units of 1e-4. Sums of whole numbers
depend neither on the order of the rows nor on the number of threads, so two warehouses and two runs
agree bit for bit.

Everything in the statements is common to DuckDB and Spark but what a `Dialect` says. Division is of
doubles, since a quotient of integers or decimals has another type in each.
"""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Amounts:
    """The amount column as SQL: three expressions over the log.

    Attributes
    ----------
    value : str
        As a double, for the checks.
    whole : str
        As a whole number of 1e-4 units, of any numeric type.
    is_rounded : str
        True where ``whole`` had to round.
    kind : str
        The type that whole numbers are added up in, BIGINT or DOUBLE.
    """

    value: str
    whole: str
    is_rounded: str
    kind: str = "BIGINT"

    @property
    def units(self) -> str:
        """The whole number, in the type to add it up in."""
        return f"CAST({self.whole} AS {self.kind})"

    def total(self, units: str) -> str:
        """The sum of units, itself such units."""
        return f"CAST(sum({units}) AS {self.kind})"


@dataclass(frozen=True, slots=True)
class Packing:
    """A day and its spend in one whole number, whose minimum finds both.

    DuckDB finds the minimum of a number faster than that of one column by another.

    Attributes
    ----------
    first_day : int
        Of the log.
    step : int
        More than what anybody spent, in units; nobody spent less than nothing.
    """

    first_day: int
    step: int

    @classmethod
    def of(cls, first_day: int, last_day: int, most_units: float) -> "Packing | None":
        """Of days in these bounds and spend of at most so many units; None where it is too large.

        Examples
        --------
        >>> Packing.of(19000, 19730, 4e9), Packing.of(19000, 25000, 4e15)
        (Packing(first_day=19000, step=4294967296), None)
        """
        # A sum of doubles is not to the last unit.
        step = 1 << math.ceil(math.log2(1.000001 * most_units + 2))
        return cls(first_day, step) if (last_day - first_day + 1) * step < 2**63 else None

    @property
    def packed(self) -> str:
        """The number, of rows with day and units."""
        return f"CAST(day - {self.first_day} AS BIGINT) * {self.step} + CAST(units AS BIGINT)"

    @property
    def day(self) -> str:
        """The day of ``packed``: a quotient of doubles, exact for there is no remainder."""
        whole = f"(packed - packed % {self.step}) / {self.step}"
        return f"{self.first_day} + CAST({whole} AS INTEGER)"

    @property
    def units(self) -> str:
        """The spend of ``packed``."""
        return f"packed % {self.step}"


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements over one log.

    Attributes
    ----------
    log : str
        What stands after FROM.
    customer_id, day : str
        Expressions of the id and of the civil day as days since 1970.
    amounts : Amounts or None
        None for a log without amounts.
    id_is_bad : str
        True where an id cannot be used, beyond being null.
    rows : str
        The aggregate that counts rows, where one of the log stands for several.
    """

    log: str
    customer_id: str
    day: str
    amounts: Amounts | None
    id_is_bad: str = "FALSE"
    rows: str = "count(*)"

    def rows_where(self, condition: str) -> str:
        """The number of rows that meet a condition."""
        return f"CAST(coalesce({self.rows} FILTER (WHERE {condition}), 0) AS BIGINT)"

    def of_customers(self, wanted: str) -> "Statements":
        """The same of the customers whose ids a SELECT has."""
        kept = f"SELECT * FROM {self.log} WHERE {self.customer_id} IN ({wanted})"
        return replace(self, log=f"({kept})")

    def survey(self) -> str:
        """One row of facts about the whole log, in one scan without grouping.

        DuckDB takes ``count_if`` in two thirds of the time of a count with a filter; of nothing
        but NULL it is NULL.
        """
        amount_columns = amount_facts = ""
        if self.amounts is not None:
            amount_columns = (
                f", amount AS raw, {self.amounts.value} AS amount,"
                f" {self.amounts.is_rounded} AS rounded"
            )
            amount_facts = """,
                count(*) - count(raw) + coalesce(count_if(isnan(amount)), 0) AS null_amounts,
                count(raw) - count(amount) AS text_amounts,
                count_if(abs(amount) = CAST('Infinity' AS DOUBLE)) AS infinite_amounts,
                count_if(amount < 0) AS refund_rows,
                count_if(rounded) AS rounded_rows,
                max(abs(amount)) AS largest_amount,
                sum(abs(amount)) AS all_amounts"""
        return f"""
            SELECT
                count(*) AS row_count,
                count(*) - count(customer_id) AS null_ids,
                count_if(bad_id) AS bad_ids,
                count(*) - count(day) AS null_days,
                min(day) AS first_day,
                max(day) AS last_day{amount_facts}
            FROM (
                SELECT customer_id, {self.id_is_bad} AS bad_id, {self.day} AS day{amount_columns}
                FROM {self.log}
            )"""

    def purchase_days(
        self,
        after: int | None,
        until: int | None,
        with_refunds: bool,
        refunds_count: bool,
        also: str = "",
    ) -> str:
        """One row per customer and day, ``after < day <= until``.

        ``with_refunds`` adds ``bought`` (a row of the day is a purchase), ``refund_units`` and
        ``refund_rows``; ``refunds_count`` says whether refunds lower the day's total; ``also`` is
        more columns, each an aggregate after a comma.
        """
        spend = refunds = ""
        if self.amounts is not None:
            units = self.amounts.units
            if with_refunds:
                is_refund = f"{self.amounts.value} < 0"
                refunds = (
                    f", bool_or(NOT ({is_refund})) AS bought,"
                    f" CAST(sum(CASE WHEN {is_refund} THEN {units} ELSE 0 END) AS BIGINT)"
                    f" AS refund_units, {self.rows_where(is_refund)} AS refund_rows"
                )
                if not refunds_count:
                    units = f"CASE WHEN {is_refund} THEN 0 ELSE {units} END"
            spend = f", {self.amounts.total(units)} AS units"
        bounds = [f"{self.day} > {after}"] if after is not None else []
        bounds += [f"{self.day} <= {until}"] if until is not None else []
        where = f"WHERE {' AND '.join(bounds)}" if bounds else ""
        return f"""
            SELECT {self.customer_id} AS customer_id, {self.day} AS day{spend}{refunds}{also}
            FROM {self.log} {where}
            GROUP BY 1, 2"""

    def summary(
        self,
        end: int,
        until: int | None,
        with_refunds: bool,
        refunds_count: bool,
        pack: Packing | None = None,
    ) -> str:
        """One row per customer, counted in whole days to ``end``; and one per day, of no customer.

        ``until`` is ``end`` where rows after it have to be left out, else None. A customer with
        refunds alone has a frequency of -1. ``pack`` is a faster way to the first day's spend, for
        logs without refunds. Rows of days, whose customer_id is NULL, have those who bought on them
        as ``recency_days``, and as ``age_days`` the days from there to ``end``: as frequencies they
        would make a column of small numbers one of large ones, which is grouped more slowly. They
        take 5% more time here; counted apart the log would be grouped again.
        """
        days = self.purchase_days(None, until, with_refunds, refunds_count)
        bought = " FILTER (WHERE bought)" if with_refunds else ""
        spend, repeat_units, first_day = "", "", "first_day"
        firsts = f", min(day){bought} AS first_day"
        if self.amounts is not None:
            first_units = "first_units"
            spend = f", sum(units){bought} AS units"
            if pack is None:
                firsts += f", min_by(units, day){bought} AS first_units"
            else:
                days = f"SELECT *, {pack.packed} AS packed FROM ({days})"
                firsts, first_day, first_units = ", min(packed) AS packed", pack.day, pack.units
            repeat_units = f", CAST(units - {first_units} AS BIGINT) AS repeat_units"
        refunds = facts = ""
        if with_refunds:
            facts = (
                ", refund_only_days, refund_only_units, net_negative_days, net_negative_units,"
                " refund_units, refund_rows"
            )
            refunds = """,
                count(*) FILTER (WHERE NOT bought) AS refund_only_days,
                coalesce(CAST(sum(units) FILTER (WHERE NOT bought) AS BIGINT), 0)
                    AS refund_only_units,
                count(*) FILTER (WHERE bought AND units < 0) AS net_negative_days,
                coalesce(CAST(sum(units) FILTER (WHERE bought AND units < 0) AS BIGINT), 0)
                    AS net_negative_units,
                CAST(sum(refund_units) AS BIGINT) AS refund_units,
                sum(refund_rows) AS refund_rows"""
        return f"""
            SELECT
                customer_id,
                CASE WHEN customer_id IS NULL THEN 0 ELSE CAST(purchases - 1 AS INTEGER) END
                    AS frequency,
                CASE WHEN customer_id IS NULL THEN CAST(purchases AS INTEGER)
                    ELSE last_day - ({first_day}) END AS recency_days,
                {end} - ({first_day}) AS age_days{repeat_units}{facts}
            FROM (
                SELECT customer_id, count(*){bought} AS purchases, max(day){bought} AS last_day
                    {firsts}{spend}{refunds}
                FROM ({days})
                GROUP BY GROUPING SETS ((customer_id), (day))
            )"""

    def window(
        self, after: int | None, until: int | None, with_refunds: bool, refunds_count: bool
    ) -> str:
        """Purchase days and spend of each customer who bought in ``after < day <= until``."""
        days = self.purchase_days(after, until, with_refunds, refunds_count)
        spend = ", CAST(sum(units) AS BIGINT) AS units" if self.amounts is not None else ""
        return f"""
            SELECT customer_id, CAST(count(*) AS INTEGER) AS purchases{spend}
            FROM ({days}) {"WHERE bought" if with_refunds else ""}
            GROUP BY customer_id"""
