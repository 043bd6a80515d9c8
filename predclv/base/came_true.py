"""Did earlier forecasts come true: what was said at a date, held against what came since."""

import numpy as np
import pandas as pd

from predclv.base.by_group import Group, by_group
from predclv.base.kept import Kept
from predclv.base.measures import beside, came, days_between, since
from predclv.base.totals import scored
from predclv.units import DAYS, day_number
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse

COLUMNS = (
    "date", "until", "is_over", "grouping", "group", "measure", "forecast", "lower", "upper",
    "came", "error", "is_inside", "customers_covered", "level",
)  # fmt: skip


def forecasts_kept(
    engine: DuckDBWarehouse, kept: list[Kept], last: int, refunds: str
) -> pd.DataFrame:
    """Every refresh with days after it, by group; the base is attached to ``engine``."""
    found = [
        _held(engine, one, last, refunds)
        for one in kept
        if day_number(one.date) < last and one.terms["level"] is not None
    ]
    frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    return frame.reindex(columns=list(COLUMNS))


def _held(engine: DuckDBWarehouse, kept: Kept, last: int, refunds: str) -> pd.DataFrame:
    first, level = day_number(kept.date), float(kept.terms["level"])
    horizon = kept.terms["horizon"]
    ends = np.inf if horizon is None else first + round(horizon * DAYS[kept.terms["unit"]])
    is_over, until = ends <= last, int(min(ends, last))
    days = days_between(first, until, refunds)
    if is_over:
        said = {(row["grouping"], row["group"]): row for row in kept.document["measures"]}
        rows = beside(said, came(engine, days, kept, first, until))
        forecast = kept.customers
    else:
        seed = int(kept.document["seed"])
        rows = since(engine, days, kept, first, until, level, seed)
        asked = kept.document["asked"] | {"horizon": f"{until - first} days"}
        part = scored(engine, kept.of(engine), kept.fitted(), asked, kept.groupings, seed)
        forecast = f"({part})"
    covered = _covered(engine, kept, forecast, days)
    frame = pd.DataFrame(rows).rename(columns={"expected": "forecast"})
    frame["error"] = frame["came"] / frame["forecast"].where(frame["forecast"] != 0) - 1
    frame["is_inside"] = frame["came"].between(frame["lower"], frame["upper"])
    keys = list(zip(frame["grouping"], frame["group"], strict=True))
    frame["customers_covered"] = [
        covered[key]["share"] if measure == "purchases" else np.nan
        for key, measure in zip(keys, frame["measure"], strict=True)
    ]
    return frame.assign(
        date=pd.Timestamp(kept.date),
        until=pd.Timestamp("1970-01-01") + pd.Timedelta(until, "D"),
        is_over=is_over,
        level=level,
    )


def _covered(
    engine: DuckDBWarehouse, kept: Kept, forecast: str, days: str
) -> dict[Group, dict[str, float]]:
    """By group the share of customers whose purchases fell into their own interval."""
    bought = f"(SELECT customer_id, count(*) AS purchases FROM {days} WHERE bought GROUP BY 1)"
    columns = "".join(f", f.{DUCKDB.quote(name)}" for name in kept.groupings)
    source = (
        "(SELECT CAST(coalesce(a.purchases, 0) BETWEEN f.purchases_lower AND f.purchases_upper"
        f" AS INTEGER) AS is_inside{columns} FROM {forecast} f"
        f" LEFT JOIN {bought} a ON a.customer_id = f.customer_id)"
    )
    return by_group(engine, source, kept.groupings, {"share": "avg(is_inside)"})
