"""What the refreshes of a base say side by side: worth, change, and tiers from date to date."""

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd

from predclv.base.change import PARTS
from predclv.base.groupings import TIERS
from predclv.base.kept import Kept
from predclv.money import UNITS
from predclv.warehouse.duckdb import DuckDBWarehouse

_PLACES = {name: place for place, name in enumerate(("(new)", *reversed(TIERS), "(gone)"))}


def history(kept: Sequence[Kept]) -> pd.DataFrame:
    """One row per refresh, grouping and group."""
    rows = [
        {"date": pd.Timestamp(one.date), **row} for one in kept for row in one.document["measures"]
    ]
    frame = pd.DataFrame(rows)
    if len(frame):
        frame["customers"] = frame["customers"].astype("int64")
    return frame


def changes(kept: Sequence[Kept]) -> pd.DataFrame:
    """The parts of each change, in money."""
    rows = [
        {"date": pd.Timestamp(one.date), "before": pd.Timestamp(one.document["before"]), **row}
        for one in kept
        for row in one.document.get("change", ())
    ]
    columns = ["equity_before", *PARTS, "equity_after"]
    frame = pd.DataFrame(rows, columns=["date", "before", "grouping", "group", *columns])
    frame[columns] = frame[columns].astype("int64") / UNITS
    return frame


def movement(engine: DuckDBWarehouse, kept: Sequence[Kept]) -> pd.DataFrame:
    """Tiers from each refresh to the next."""
    found = []
    for before, after in pairwise(kept):
        frame = engine.frame(
            "SELECT coalesce(o.tier, '(new)') AS tier_before, coalesce(n.tier, '(gone)') AS tier,"
            f" count(*) AS customers, coalesce(sum(o.{before.value}), 0) AS clv_before,"
            f" coalesce(sum(n.{after.value}), 0) AS clv"
            f" FROM {before.customers} o FULL JOIN {after.customers} n"
            " ON n.customer_id = o.customer_id GROUP BY 1, 2"
        )
        frame = frame.sort_values(
            ["tier_before", "tier"], key=lambda names: names.map(_PLACES), ignore_index=True
        )
        frame.insert(0, "before", pd.Timestamp(before.date))
        frame.insert(0, "date", pd.Timestamp(after.date))
        found.append(frame)
    columns = ["date", "before", "tier_before", "tier", "customers", "clv_before", "clv"]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)
