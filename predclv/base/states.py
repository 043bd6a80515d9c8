"""States of customers in SQL: from days to states, and how a batch changes them.

A state is what the days of a customer add up to: first and last day with a purchase, number of
such days, spend in 1e-4 units, what the first and the largest day brought, and the refunds. Where
all days of a batch are later than everything known of a customer, the new state is the old one and
the batch's added up. Any other customer of the batch (late orders, or the day of their last order
again) is counted anew from all their days, and nobody else is.
"""

SUMS = (
    "days", "units", "refund_only_days", "refund_only_units", "net_negative_days",
    "net_negative_units", "refund_units", "refund_rows", "row_count",
)  # fmt: skip
"""The columns of a state that add up over days."""

COLUMNS = (
    "customer_id", "first_day", "last_day", "seen_day", "days", "units", "first_units",
    "largest_units", "refund_only_days", "refund_only_units", "net_negative_days",
    "net_negative_units", "refund_units", "refund_rows", "row_count",
)  # fmt: skip
"""The columns of a state, in the order of their table."""

_LISTED = ", ".join(COLUMNS)


def rooted(days: str) -> str:
    """Rows of days, their ids replaced by those they were merged into."""
    return (
        "(SELECT coalesce(r.root, d.customer_id) AS customer_id, d.* EXCLUDE (customer_id)"
        f" FROM {days} d LEFT JOIN base.roots r ON r.customer_id = d.customer_id)"
    )


def states_of(days: str, refunds: str, several: bool = True) -> str:
    """A SELECT of states from rows of days.

    ``several`` says that a customer may have several of one day, from logs or merged ids.
    """
    units = "units" if refunds == "net" else "units - refund_units"
    rows = f"SELECT * REPLACE ({units} AS units) FROM {days}"
    if several:
        rows = f"""
            SELECT customer_id, day, bool_or(bought) AS bought,
                CAST(sum({units}) AS BIGINT) AS units,
                CAST(sum(refund_units) AS BIGINT) AS refund_units,
                sum(refund_rows) AS refund_rows, sum(row_count) AS row_count
            FROM {days} GROUP BY 1, 2"""
    return f"""
        SELECT
            customer_id,
            min(day) FILTER (WHERE bought) AS first_day,
            max(day) FILTER (WHERE bought) AS last_day,
            max(day) AS seen_day,
            CAST(count(*) FILTER (WHERE bought) AS INTEGER) AS days,
            CAST(coalesce(sum(units) FILTER (WHERE bought), 0) AS BIGINT) AS units,
            min_by(units, day) FILTER (WHERE bought) AS first_units,
            max(units) FILTER (WHERE bought) AS largest_units,
            CAST(count(*) FILTER (WHERE NOT bought) AS INTEGER) AS refund_only_days,
            CAST(coalesce(sum(units) FILTER (WHERE NOT bought), 0) AS BIGINT)
                AS refund_only_units,
            CAST(count(*) FILTER (WHERE bought AND units < 0) AS INTEGER) AS net_negative_days,
            CAST(coalesce(sum(units) FILTER (WHERE bought AND units < 0), 0) AS BIGINT)
                AS net_negative_units,
            CAST(sum(refund_units) AS BIGINT) AS refund_units,
            CAST(sum(refund_rows) AS BIGINT) AS refund_rows,
            CAST(sum(row_count) AS BIGINT) AS row_count
        FROM ({rows})
        GROUP BY customer_id"""


def added_up(old: str, new: str) -> str:
    """A SELECT of the states ``old`` and the later ones ``new``, a customer in each, added up."""
    parts = {
        "customer_id": "n.customer_id",
        "first_day": "coalesce(o.first_day, n.first_day)",
        "last_day": "coalesce(n.last_day, o.last_day)",
        "seen_day": "n.seen_day",
        "first_units": "CASE WHEN o.first_day IS NULL THEN n.first_units ELSE o.first_units END",
        "largest_units": "greatest(o.largest_units, n.largest_units)",
        **{name: f"o.{name} + n.{name}" for name in SUMS},
    }
    columns = ", ".join(f"{parts[name]} AS {name}" for name in COLUMNS)
    return f"SELECT {columns} FROM {old} o JOIN {new} n ON n.customer_id = o.customer_id"


def with_batch(batch: int, refunds: str, any_merged: bool) -> list[str]:
    """Statements that bring the states up to date after a batch's days were put in."""
    news = f"(SELECT * FROM base.days WHERE batch = {batch})"
    if any_merged:
        news = rooted(news)
    late = "(SELECT customer_id FROM late_customers)"
    return [
        f"CREATE TEMP TABLE new_states AS {states_of(news, refunds, any_merged)}",
        "CREATE TEMP TABLE old_states AS SELECT s.* FROM base.states s"
        " SEMI JOIN new_states n ON n.customer_id = s.customer_id",
        "CREATE TEMP TABLE late_customers AS"
        " SELECT o.customer_id FROM old_states o JOIN new_states n"
        " ON n.customer_id = o.customer_id JOIN"
        f" (SELECT customer_id, min(day) AS earliest FROM {news} GROUP BY 1) e"
        " ON e.customer_id = o.customer_id WHERE e.earliest <= o.seen_day",
        *replaced(
            f"SELECT {_LISTED} FROM ({added_up('old_states', 'new_states')})"
            f" WHERE customer_id NOT IN {late}"
            f" UNION ALL SELECT {_LISTED} FROM new_states WHERE customer_id NOT IN"
            " (SELECT customer_id FROM old_states)"
            f" UNION ALL SELECT {_LISTED} FROM ({states_of(of_customers(late), refunds)})",
            "(SELECT customer_id FROM old_states)",
        ),
        f"UPDATE base.batches SET customers = (SELECT count(*) FROM new_states),"
        f" late_customers = (SELECT count(*) FROM late_customers) WHERE number = {batch}",
        *(f"DROP TABLE {name}" for name in ("new_states", "old_states", "late_customers")),
    ]


def recounted(customers: str, refunds: str) -> list[str]:
    """Statements that count some customers anew from all their days.

    Parameters
    ----------
    customers : str
        A SELECT of their ids, in parentheses; ids merged into others count as those.
    refunds : str
    """
    concerned = (
        "(SELECT coalesce(r.root, c.customer_id) AS customer_id FROM concerned c"
        " LEFT JOIN base.roots r ON r.customer_id = c.customer_id)"
    )
    days = of_customers(concerned)
    gone = f"(SELECT customer_id FROM concerned UNION SELECT customer_id FROM {concerned})"
    return [
        f"CREATE TEMP TABLE concerned AS SELECT DISTINCT customer_id FROM {customers}",
        *replaced(f"SELECT {_LISTED} FROM ({states_of(days, refunds)})", gone),
        "DROP TABLE concerned",
    ]


def replaced(states: str, gone: str) -> list[str]:
    """Statements that take the states of some customers out and put others in."""
    return [
        f"CREATE TEMP TABLE changed AS {states}",
        f"DELETE FROM base.states WHERE customer_id IN {gone}",
        "INSERT INTO base.states SELECT * FROM changed",
        "DROP TABLE changed",
    ]


def of_customers(customers: str, until: int | None = None) -> str:
    """Rows of all days of some customers, those of ids merged into them included.

    The days are picked by the ids they came with, so only their blocks are read.
    """
    where = "" if until is None else f"WHERE d.day <= {until}"
    return rooted(
        f"(SELECT d.* FROM base.days d SEMI JOIN (SELECT customer_id FROM {customers} UNION"
        f" SELECT r.customer_id FROM base.roots r SEMI JOIN {customers} c"
        f" ON c.customer_id = r.root) k ON k.customer_id = d.customer_id {where})"
    )


def summary(day: int, is_past: bool, has_spend: bool, refunds: str) -> str:
    """A SELECT of the summary to a day, in the columns that an RFM rests on.

    ``is_past`` says that rows after that day are there: customers seen since are then counted anew
    from their days up to it, all others have their states.
    """
    states = "base.states"
    if is_past:
        later = f"(SELECT customer_id FROM base.states WHERE seen_day > {day})"
        days = of_customers(later, day)
        states = (
            f"(SELECT {_LISTED} FROM base.states WHERE seen_day <= {day} UNION ALL"
            f" SELECT {_LISTED} FROM ({states_of(days, refunds)}))"
        )
    spend = (
        ", units - first_units AS repeat_units,"
        " CAST(CASE WHEN largest_units > first_units THEN largest_units ELSE 0 END AS BIGINT)"
        " AS largest_units"
    )
    return f"""
        SELECT customer_id, CAST(days - 1 AS INTEGER) AS frequency,
            last_day - first_day AS recency_days, {day} - first_day AS age_days
            {spend if has_spend else ""},
            refund_only_days, refund_only_units, net_negative_days, net_negative_units,
            refund_units, refund_rows, row_count
        FROM {states}"""
