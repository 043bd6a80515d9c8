"""Sums over the customers of a base and of its groups, in one pass of SQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from predclv.base.groupings import TIERS
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

type Group = tuple[str, str]
"""A grouping and one of its groups, such as ("tier", "top 5%")."""

EVERYBODY: Group = ("all", "all")


def by_group(
    engine: DuckDBWarehouse, source: str, by: Sequence[str], aggregates: Mapping[str, str]
) -> dict[Group, dict[str, Any]]:
    """Aggregates of everybody and of every group: the base first, tiers from the highest down.

    Parameters
    ----------
    engine : DuckDBWarehouse
    source : str
        What stands after FROM, with a column for each grouping.
    by : sequence of str
        The groupings.
    aggregates : mapping of str to str
        SQL by name.
    """
    columns = [DUCKDB.quote(name) for name in by]
    sets = ", ".join(["()", *(f"({column})" for column in columns)])
    keys = "".join(f"{column}, grouping({column}), " for column in columns)
    rows = engine.rows(
        f"SELECT {keys}{', '.join(aggregates.values())} FROM {source}"
        f" GROUP BY GROUPING SETS ({sets})"
    )
    found: dict[Group, dict[str, Any]] = {}
    for row in rows:
        group = EVERYBODY
        for place, name in enumerate(by):
            if not row[2 * place + 1]:
                group = (name, str(row[2 * place]))
        found[group] = dict(zip(aggregates, row[2 * len(by) :], strict=True))
    return {group: found[group] for group in in_order(found, by)}


def in_order(groups: Iterable[Group], by: Sequence[str]) -> list[Group]:
    """The base, then its groups: tiers by value, the highest first, others by name."""
    places = {"all": -1, **{name: place for place, name in enumerate(by)}}
    tiers = {name: place for place, name in enumerate(reversed(TIERS))}

    def key(group: Group) -> tuple[int, int, str]:
        grouping, name = group
        return places[grouping], tiers.get(name, 0) if grouping == "tier" else 0, name

    return sorted(groups, key=key)
