"""What goes onto the page of a base: aggregates and short lists, never everybody."""

import datetime
from typing import TYPE_CHECKING

import pandas as pd

from predclv.base.change import PARTS
from predclv.base.groupings import TIERS
from predclv.base.measures import days_between
from predclv.errors import DataError
from predclv.io.pseudonyms import pseudonymise as pseudonymised
from predclv.reports.dashboard import dashboard
from predclv.warehouse.duckdb import DuckDBWarehouse

if TYPE_CHECKING:
    from predclv.base.customer_base import CustomerBase

LISTED = 200
"""Customers in each list on the page."""

_TOP = ("customer_id", "clv", "discounted_purchases", "p_alive", "expected_purchases", "tier")


def page(base: "CustomerBase", title: str, key: str | bytes | None) -> str:
    """The cockpit of a base as HTML."""
    quiet, top = base.quiet().head(LISTED), _top(base)
    if key is not None:
        quiet, top = (pseudonymised(f, key) if len(f) else f for f in (quiet, top))
    try:
        kept = base.forecasts_kept()
    except DataError:
        kept = pd.DataFrame()
    tables = {
        "history": base.history(),
        "changes": base.changes(),
        "movement": base.movement(),
        "alerts": base.alerts(),
        "kept": kept,
        "season": base.season(),
        "quiet": quiet,
        "top": top,
    }
    line = repr(base).partition(": ")[2]
    return dashboard(title, tables, {"base": line, "parts": PARTS, "tiers": TIERS})


def season(engine: DuckDBWarehouse, refunds: str) -> pd.DataFrame:
    """Days with a purchase and what was spent, by week, of the last three years."""
    last = engine.rows("SELECT max(seen_day) FROM base.states")[0][0]
    days = days_between(last - 3 * 364, last, refunds)
    found = engine.frame(
        f"SELECT {last} - 7 * ((({last} - day) // 7) + 1) + 1 AS first_day,"
        " count(*) AS purchases, CAST(sum(units) AS DOUBLE) / 10000 AS revenue"
        f" FROM {days} WHERE bought GROUP BY 1 ORDER BY 1"
    )
    began = pd.Timestamp(datetime.date(1970, 1, 1)) + pd.to_timedelta(found["first_day"], "D")
    found.insert(0, "week", began)
    return found.drop(columns="first_day")


def _top(base: "CustomerBase") -> pd.DataFrame:
    """Who is worth the most."""
    kept = base._last()
    engine = DuckDBWarehouse()
    columns = [name for name in _TOP if name in engine.types(kept.customers)]
    frame = engine.frame(
        f"SELECT {', '.join(columns)} FROM {kept.customers}"
        f" ORDER BY {kept.value} DESC, customer_id LIMIT {LISTED}"
    )
    return frame.astype({"customer_id": str})
