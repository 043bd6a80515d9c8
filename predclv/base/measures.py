"""What a base and its groups are worth, with intervals; and what they did since a date."""

from typing import Any

from predclv.base.kept import Kept
from predclv.base.states import rooted
from predclv.base.totals import groups_of, totals_by_group
from predclv.forecast.fitted import FittedCLV
from predclv.money import UNITS
from predclv.warehouse.duckdb import DuckDBWarehouse


def measures(
    engine: DuckDBWarehouse, kept: Kept, fitted: FittedCLV, asked: dict[str, Any], seed: int
) -> list[dict[str, Any]]:
    """A row per group of a refresh: customers, alive, active, and totals with intervals."""
    totals = totals_by_group(engine, kept, fitted, asked, seed)
    rows = []
    for grouping, group, where in groups_of(engine, kept.customers, kept.groupings):
        facts = engine.record(
            "SELECT count(*) AS customers, sum(p_alive) AS alive, sum(p_active) AS active"
            f" FROM {kept.customers} WHERE {where}"
        )
        row: dict[str, Any] = {"grouping": grouping, "group": group}
        row |= {key: float(value) for key, value in facts.items()}
        rows.append(row | totals[grouping, group])
    return rows


def came(
    engine: DuckDBWarehouse, days: str, kept: Kept, first: int, last: int, where: str = "TRUE"
) -> dict[str, float]:
    """What a refresh's customers bought from the day after ``first`` to ``last``.

    Parameters
    ----------
    days : str
        SQL of days whose ids are those of today: customer_id, day, bought, units.
    where : str
        Which of them, in columns of the kept forecast.
    """
    found = engine.record(
        f"SELECT count(*) AS purchases, coalesce(sum(d.units), 0) AS units,"
        f" count(DISTINCT d.customer_id) AS buyers FROM {days} d"
        f" SEMI JOIN (SELECT coalesce(r.root, k.customer_id) AS customer_id"
        f" FROM (SELECT * FROM {kept.customers} WHERE {where}) k"
        f" LEFT JOIN base.roots r ON r.customer_id = k.customer_id) c"
        f" ON c.customer_id = d.customer_id"
        f" WHERE d.bought AND d.day > {first} AND d.day <= {last}"
    )
    return {
        "purchases": float(found["purchases"]),
        "revenue": float(found["units"]) / UNITS,
        "buyers": float(found["buyers"]),
    }


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
    rows = []
    for grouping, group, where in groups_of(engine, kept.customers, kept.groupings):
        actual, total = came(engine, days, kept, first, last, where), totals[grouping, group]
        rows += [
            {
                "grouping": grouping,
                "group": group,
                "measure": measure,
                "expected": total[measure],
                "lower": total[f"{measure}_lower"],
                "upper": total[f"{measure}_upper"],
                "came": actual[measure],
            }
            for measure in ("purchases", "revenue")
            if measure in total
        ]
    return rows


def days_between(first: int, last: int, refunds: str) -> str:
    """SQL of customers' days after ``first`` up to ``last``, one row each, merged ids as one."""
    units = "units" if refunds == "net" else "units - refund_units"
    return (
        "(SELECT customer_id, day, bool_or(bought) AS bought,"
        f" CAST(sum({units}) AS BIGINT) AS units, CAST(sum(row_count) AS BIGINT) AS row_count"
        f" FROM {rooted(f'(SELECT * FROM base.days WHERE day > {first} AND day <= {last})')}"
        " GROUP BY 1, 2)"
    )
