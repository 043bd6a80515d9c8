"""The groups that a refresh is told by: tiers, cohorts, or a column of a table of customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, OptionError, did_you_mean, some
from predclv.forecast.result import COLUMNS as FORECAST
from predclv.logs.ids import usable_ids
from predclv.warehouse.base import fresh
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

COHORTS = {
    "cohort": "year(d) || '-Q' || quarter(d)",
    "cohort_month": "strftime(d, '%Y-%m')",
    "cohort_year": "CAST(year(d) AS VARCHAR)",
}
"""Groups by first purchase, as SQL of that day."""

CUTS = (0.5, 0.8, 0.95)
TIERS = ("bottom 50%", "50% to 80%", "80% to 95%", "top 5%")
"""Tiers of a refresh, the lowest first: those of `pc.segments.tiers`."""

MOST_GROUPS = 60
"""Each has intervals of its own, from simulated futures."""

_TAKEN = {
    *("customer_id", "tier", "all", "group", "date", "refreshed_on", *COHORTS, *FORECAST),
    *("frequency", "recency_days", "age_days", "repeat_units", "monetary_value", "largest_units"),
    *("pattern", "path", "memory", "static_pattern", "units", "purchases"),
}
"""Columns that a table of customers has already."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way to part customers.

    Attributes
    ----------
    name : str
        Of the column in the kept forecast.
    sql : str
        Its value, of a row ``s`` of the summary or ``g`` of the joined table.
    join : str
        What joins that table.
    """

    name: str
    sql: str
    join: str = ""


def groupings(by: Any, engine: DuckDBWarehouse, day: int) -> list[Grouping]:
    """What ``by`` names: ``"cohort"``, ``"tier"``, tables with an id and one more column.

    Raises
    ------
    OptionError
        If a name is unknown or taken.
    DataError
        If a table is none, or names customers twice.
    """
    is_one = isinstance(by, str) or hasattr(by, "columns")
    asked = [] if by is None else [by] if is_one else list(by)
    found = [
        _named(item, day) if isinstance(item, str) else _joined(item, engine) for item in asked
    ]
    found = [grouping for grouping in found if grouping.name != "tier"]
    names = [grouping.name for grouping in found]
    if len(set(names)) < len(names):
        raise OptionError(f"Groups need names of their own; got {some(names)}.")
    return found


def _named(name: str, day: int) -> Grouping:
    if name == "tier":
        return Grouping("tier", "")
    if name not in COHORTS:
        known = ("tier", *COHORTS)
        raise OptionError(
            f"by must name {', '.join(known)}, or be a table with customer_id and one column of "
            f"groups; got {name!r}.{did_you_mean(name, known)}"
        )
    first = f"(DATE '1970-01-01' + CAST({day} - s.age_days AS INTEGER))"
    return Grouping(name, COHORTS[name].replace("(d", f"({first}"))


def _joined(table: Any, engine: DuckDBWarehouse) -> Grouping:
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(table)
    others = [name for name in frame if name != "customer_id"]
    if "customer_id" not in frame or len(others) != 1:
        raise DataError(
            "A table of groups has customer_id and one more column, which names the groups; this "
            f"has {some(map(repr, frame.columns), 10)}."
        )
    name = str(others[0])
    if name in _TAKEN or not name.isidentifier():
        raise OptionError(f"A column of groups cannot be called {name!r}; choose another name.")
    twice = frame["customer_id"][frame["customer_id"].duplicated()]
    if len(twice):
        raise DataError(f"Customers are in the table of groups twice: {some(twice.unique())}.")
    if frame[name].nunique() > MOST_GROUPS:
        raise OptionError(
            f"{name!r} has {frame[name].nunique():,} groups; at most {MOST_GROUPS} can be told."
        )
    registered = fresh("groups")
    ids = usable_ids(frame["customer_id"], "customer_id")
    texts = frame[name].astype(object).where(frame[name].notna(), None)
    engine.register(
        registered,
        pa.table(
            {
                "customer_id": pa.Array.from_pandas(ids),
                "named": pa.array([None if t is None else str(t) for t in texts], pa.string()),
            }
        ),
    )
    return Grouping(
        name,
        f"coalesce({registered}.named, '(none)')",
        f"LEFT JOIN {registered} ON {registered}.customer_id = s.customer_id",
    )


def customers_sql(
    scored: str,
    state: Sequence[str],
    found: Sequence[Grouping],
    cuts: Sequence[float],
    value: str,
) -> str:
    """A SELECT of what is kept of a customer at a refresh: the state, the groups, the tier.

    Parameters
    ----------
    scored : str
        A SELECT of states and forecasts.
    state : sequence of str
        The columns of the state.
    found : sequence of Grouping
    cuts : sequence of float
        As of `tier_cuts`.
    value : str
        The column that says what a customer is worth.
    """
    above = " + ".join(f"CAST({value} > {cut!r} AS INTEGER)" for cut in cuts)
    names = ", ".join(DUCKDB.literal(tier) for tier in TIERS)
    groups = "".join(f", {g.sql} AS {DUCKDB.quote(g.name)}" for g in found)
    joins = " ".join(g.join for g in found)
    own = ", ".join(f"s.{DUCKDB.quote(name)}" for name in ("customer_id", *state))
    return f"SELECT {own}{groups}, [{names}][1 + {above}] AS tier FROM ({scored}) s {joins}"


def tier_cuts(engine: DuckDBWarehouse, scored: str, value: str) -> list[float]:
    """What customers of each tier but the lowest are worth more than.

    Above a cut is who has at least that share of all customers below them, as in
    `pc.segments.tiers`; customers worth the same are in one tier.
    """
    cuts = ", ".join(map(str, CUTS))
    found = engine.rows(f"SELECT quantile_disc({value}, [{cuts}]) FROM ({scored})")[0][0]
    return [float(cut) for cut in found]
