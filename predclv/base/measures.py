"""What a base and its groups are worth, with intervals; and what they did since a date."""

from typing import Any

from predclv.base.by_group import EVERYBODY, Group, by_group
from predclv.base.kept import Kept
from predclv.base.states import rooted
from predclv.base.totals import totals_by_group
from predclv.forecast.fitted import FittedCLV
from predclv.money import UNITS
from predclv.warehouse.base import fresh
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse


def measures(
    engine: DuckDBWarehouse, kept: Kept, fitted: FittedCLV, asked: dict[str, Any], seed: int
) -> list[dict[str, Any]]:
    """A row per group of a refresh: customers, alive, active, and totals with intervals."""
    facts = {"alive": "sum(p_alive)", "active": "sum(p_active)"}
    totals = totals_by_group(engine, kept, fitted, asked, seed, also=facts)
    return [{"grouping": group[0], "group": group[1]} | row for group, row in totals.items()]


def came(
    engine: DuckDBWarehouse, days: str, kept: Kept, first: int, last: int
) -> dict[Group, dict[str, float]]:
    """What a refresh's customers bought from the day after ``first`` to ``last``, by group.

    Customers who are one person by now count once in each of their groups.

    Parameters
    ----------
    days : str
        SQL of days whose ids are those of today: customer_id, day, bought, units.

    Returns
    -------
    dict
        By group purchases, revenue and buyers; a group without any is not there.
    """
    columns = "".join(f", {DUCKDB.quote(name)}" for name in kept.groupings)
    bought = fresh("bought")
    engine.store(
        bought,
        f"SELECT k.* EXCLUDE (old), b.purchases, b.units FROM (SELECT k.customer_id AS old,"
        f" coalesce(r.root, k.customer_id) AS customer_id{columns} FROM {kept.people} k"
        " LEFT JOIN base.roots r ON r.customer_id = k.customer_id) k JOIN"
        f" (SELECT customer_id, count(*) AS purchases, sum(units) AS units FROM {days}"
        f" WHERE bought AND day > {first} AND day <= {last} GROUP BY 1) b"
        " ON b.customer_id = k.customer_id",
    )
    sums = {"purchases": "sum(purchases)", "units": "sum(units)", "buyers": "count(*)"}
    found: dict[Group, dict[str, float]] = {}
    for name in ("all", *kept.groupings):
        own = "" if name == "all" else f", {DUCKDB.quote(name)}"
        source = f"(SELECT DISTINCT customer_id, purchases, units{own} FROM {bought})"
        for group, row in by_group(engine, source, [name] if own else [], sums).items():
            if (group == EVERYBODY) is not bool(own):
                found[group] = {
                    "purchases": float(row["purchases"] or 0),
                    "revenue": float(row["units"] or 0) / UNITS,
                    "buyers": float(row["buyers"]),
                }
    engine.drop(bought)
    return found


NOTHING = {"purchases": 0.0, "revenue": 0.0, "buyers": 0.0}
"""What a group bought that is not in `came`."""


def since(
    engine: DuckDBWarehouse, days: str, kept: Kept, first: int, last: int, level: float, seed: int
) -> list[dict[str, Any]]:
    """By group of a refresh: what its model expected up to a later day, and what came.

    Returns
    -------
    list of dict
        grouping, group, measure (purchases or revenue), expected, lower, upper, came.
    """
    asked = kept.document["asked"] | {"horizon": f"{last - first} days", "level": level}
    totals = totals_by_group(engine, kept, kept.fitted(), asked, seed)
    return beside(totals, came(engine, days, kept, first, last))


def beside(
    totals: dict[Group, dict[str, float]], came: dict[Group, dict[str, float]]
) -> list[dict[str, Any]]:
    """A row for each group and measure: what was expected and what came."""
    return [
        {
            "grouping": group[0],
            "group": group[1],
            "measure": measure,
            "expected": total[measure],
            "lower": total[f"{measure}_lower"],
            "upper": total[f"{measure}_upper"],
            "came": came.get(group, NOTHING)[measure],
        }
        for group, total in totals.items()
        for measure in ("purchases", "revenue")
        if f"{measure}_lower" in total
    ]


def days_between(first: int, last: int, refunds: str) -> str:
    """SQL of customers' days after ``first`` up to ``last``, one row each, merged ids as one."""
    units = "units" if refunds == "net" else "units - refund_units"
    return (
        "(SELECT customer_id, day, bool_or(bought) AS bought,"
        f" CAST(sum({units}) AS BIGINT) AS units, CAST(sum(row_count) AS BIGINT) AS row_count"
        f" FROM {rooted(f'(SELECT * FROM base.days WHERE day > {first} AND day <= {last})')}"
        " GROUP BY 1, 2)"
    )
