"""Did earlier forecasts come true: what was said at a date, held against what came since."""

import datetime
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from predclv.base.kept import Kept
from predclv.base.measures import came, days_between, since
from predclv.base.refreshes import score
from predclv.base.totals import groups_of
from predclv.units import DAYS
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
        if _number(one.date) < last and one.terms["level"] is not None
    ]
    frame = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    return frame.reindex(columns=list(COLUMNS))


def _number(date: datetime.date) -> int:
    return (date - datetime.date(1970, 1, 1)).days


def _held(engine: DuckDBWarehouse, kept: Kept, last: int, refunds: str) -> pd.DataFrame:
    first, level = _number(kept.date), float(kept.terms["level"])
    horizon = kept.terms["horizon"]
    ends = np.inf if horizon is None else first + round(horizon * DAYS[kept.terms["unit"]])
    is_over, until = ends <= last, int(min(ends, last))
    days = days_between(first, until, refunds)
    if is_over:
        rows = _as_said(engine, kept, days, first, until)
        covered = _covered(engine, kept, kept.customers, days)
    else:
        seed = int(kept.document["seed"])
        rows = since(engine, days, kept, first, until, level, seed)
        with tempfile.TemporaryDirectory(prefix="predclv-") as folder:
            file = Path(folder) / "scores.parquet"
            part = kept.rfm(engine)
            asked = kept.document["asked"] | {"horizon": f"{until - first} days"}
            score(kept.fitted(), part, asked, seed, file)
            scores = f"read_parquet({DUCKDB.literal(str(file))})"
            covered = _covered(engine, kept, scores, days)
    frame = pd.DataFrame(rows).rename(columns={"expected": "forecast"})
    frame["error"] = frame["came"] / frame["forecast"].where(frame["forecast"] != 0) - 1
    frame["is_inside"] = frame["came"].between(frame["lower"], frame["upper"])
    keys = list(zip(frame["grouping"], frame["group"], strict=True))
    frame["customers_covered"] = [
        covered[key] if measure == "purchases" else np.nan
        for key, measure in zip(keys, frame["measure"], strict=True)
    ]
    return frame.assign(
        date=pd.Timestamp(kept.date),
        until=pd.Timestamp("1970-01-01") + pd.Timedelta(until, "D"),
        is_over=is_over,
        level=level,
    )


def _as_said(
    engine: DuckDBWarehouse, kept: Kept, days: str, first: int, until: int
) -> list[dict[str, Any]]:
    """The numbers that were kept, beside what came."""
    said = {(row["grouping"], row["group"]): row for row in kept.document["measures"]}
    rows = []
    for grouping, group, where in groups_of(engine, kept.customers, kept.groupings):
        actual = came(engine, days, kept, first, until, where)
        row = said[grouping, group]
        rows += [
            {
                "grouping": grouping,
                "group": group,
                "measure": measure,
                "expected": row[measure],
                "lower": row[f"{measure}_lower"],
                "upper": row[f"{measure}_upper"],
                "came": actual[measure],
            }
            for measure in ("purchases", "revenue")
            if f"{measure}_lower" in row
        ]
    return rows


def _covered(
    engine: DuckDBWarehouse, kept: Kept, scores: str, days: str
) -> dict[tuple[str, str], float]:
    """By group the share of customers whose purchases fell into their own interval."""
    found = {}
    for grouping, group, where in groups_of(engine, kept.customers, kept.groupings):
        share = engine.rows(
            "SELECT avg(CAST(coalesce(a.purchases, 0) BETWEEN f.purchases_lower AND"
            f" f.purchases_upper AS INTEGER)) FROM (SELECT customer_id FROM {kept.customers}"
            f" WHERE {where}) k JOIN {scores} f ON f.customer_id = k.customer_id LEFT JOIN"
            f" (SELECT customer_id, count(*) AS purchases FROM {days} WHERE bought GROUP BY 1) a"
            " ON a.customer_id = k.customer_id"
        )[0][0]
        found[grouping, group] = float(share)
    return found
