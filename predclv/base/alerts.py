"""What somebody should look at after a refresh: each alert with its number and its rule.

The thresholds are rules of thumb, each said in the alert itself. What came is held against a 98%
interval, so of a hundred groups that behave as expected about two stand outside by chance; the
second condition, a tenth of what was expected, keeps large bases from alarms over nothing.
"""

import math
from typing import Any

import numpy as np
import pandas as pd

from predclv.base.kept import Kept
from predclv.base.measures import days_between
from predclv.money import UNITS
from predclv.units import day_number, day_of
from predclv.warehouse.duckdb import DuckDBWarehouse

COLUMNS = (
    "date", "kind", "grouping", "group", "measure", "number", "expected", "lower", "upper", "said",
    "rule",
)  # fmt: skip

LEAST_OFF = 0.10
SIGMAS = 3.0
WEEKS = 8
FEWEST_ORDERS, FEWEST_FOR_AMOUNTS = 10.0, 30
FACTOR, MADS = 1.6, 6.0


def alerts(engine: DuckDBWarehouse, kept: list[Kept], refunds: str) -> pd.DataFrame:
    """The alerts of the last of some refreshes, its base attached to ``engine``."""
    now, last = kept[-1], kept[-2] if len(kept) > 1 else None
    rows = [*_outside(now), *_jumped(now, last), *_quiet(now), *_broken(engine, now, last, refunds)]
    frame = pd.DataFrame([{"date": pd.Timestamp(now.date), **row} for row in rows])
    numbers = dict.fromkeys(("number", "expected", "lower", "upper"), "float64")
    return frame.reindex(columns=list(COLUMNS)).astype({"date": "datetime64[us]", **numbers})


def _outside(now: Kept) -> list[dict[str, Any]]:
    """Groups whose purchases or revenue since the last refresh are not what it expected."""
    rows = []
    for row in now.document.get("since", ()):
        is_out = not row["lower"] <= row["came"] <= row["upper"]
        if not is_out or abs(row["came"] - row["expected"]) < LEAST_OFF * row["expected"]:
            continue
        off = row["came"] / row["expected"] - 1 if row["expected"] else math.inf
        rows.append(
            {
                "kind": "outside what was expected",
                "grouping": row["grouping"],
                "group": row["group"],
                "measure": row["measure"],
                "number": row["came"],
                "expected": row["expected"],
                "lower": row["lower"],
                "upper": row["upper"],
                "said": f"{row['group']}: {row['measure']} {row['came']:,.0f}, {off:+.0%} of the "
                f"{row['expected']:,.0f} expected since {now.document['before']}",
                "rule": f"outside the 98% interval and at least {LEAST_OFF:.0%} off",
            }
        )
    return rows


def _jumped(now: Kept, last: Kept | None) -> list[dict[str, Any]]:
    """Parameters further from the last fit than its standard errors allow."""
    if last is None:
        return []
    earlier = {(r["model"], r["parameter"]): r for r in last.document["parameters"]}
    rows = []
    for row in now.document["parameters"]:
        was = earlier.get((row["model"], row["parameter"]))
        if was is None or not was["std_error"] or min(was["estimate"], row["estimate"]) <= 0:
            continue
        sigma = was["std_error"] / was["estimate"]
        z = (math.log(row["estimate"]) - math.log(was["estimate"])) / sigma
        if abs(z) >= SIGMAS:
            rows.append(
                {
                    "kind": "parameter jumped",
                    "grouping": row["model"],
                    "group": row["parameter"],
                    "measure": "estimate",
                    "number": row["estimate"],
                    "expected": was["estimate"],
                    "lower": was["estimate"] * math.exp(-SIGMAS * sigma),
                    "upper": was["estimate"] * math.exp(SIGMAS * sigma),
                    "said": f"{row['parameter']} of {row['model']} went from "
                    f"{was['estimate']:.4g} to {row['estimate']:.4g}",
                    "rule": f"{SIGMAS:g} standard errors of the last fit, in logs",
                }
            )
    return rows


def _quiet(now: Kept) -> list[dict[str, Any]]:
    """How many customers of the highest tier are silent beyond their own rhythm."""
    listed = now.document["quiet"]
    if not listed:
        return []
    stake = sum(row["value_at_stake"] for row in listed)
    found = now.document.get("all_quiet", {"customers": len(listed), "value_at_stake": stake})
    return [
        {
            "kind": "valuable customers gone quiet",
            "grouping": "tier",
            "group": "top 5%",
            "measure": "customers",
            "number": float(found["customers"]),
            "said": f"{found['customers']:,} customers of the top 5% are overdue by their own "
            f"rhythm; {found['value_at_stake']:,.0f} of value at stake. base.quiet() lists "
            + ("them" if len(listed) == found["customers"] else f"the first {len(listed):,}"),
            "rule": "silent for longer than 95% of customers with their history would be",
        }
    ]


def daily(engine: DuckDBWarehouse, first: int, last: int, refunds: str) -> pd.DataFrame:
    """Each day after ``first`` up to ``last``: purchases, median amount, rows per purchase."""
    found = engine.frame(
        "SELECT day, count(*) AS purchases, median(units) AS amount,"
        " CAST(sum(row_count) AS DOUBLE) / count(*) AS rows_each"
        f" FROM {days_between(first, last, refunds)} WHERE bought GROUP BY day"
    ).set_index("day")
    found = found.reindex(range(first + 1, last + 1))
    found["purchases"] = found["purchases"].fillna(0)
    found["amount"] /= UNITS
    return found


def _broken(
    engine: DuckDBWarehouse, now: Kept, last: Kept | None, refunds: str
) -> list[dict[str, Any]]:
    """Days since the last refresh that look as if their data were broken."""
    until = day_number(now.date)
    before = until - 31 if last is None else day_number(last.date)
    days = daily(engine, before - 7 * WEEKS, until, refunds)
    rows = []
    for day in range(before + 1, until + 1):
        usual = days["purchases"].reindex([day - 7 * week for week in range(1, WEEKS + 1)])
        if days.at[day, "purchases"] == 0 and usual.mean() >= FEWEST_ORDERS and usual.min() > 0:
            rows.append(
                {
                    "kind": "a day without orders",
                    "grouping": "day",
                    "group": str(day_of(day)),
                    "measure": "purchases",
                    "number": 0.0,
                    "expected": float(usual.mean()),
                    "said": f"No orders on {day_of(day)}; the same weekday had "
                    f"{usual.mean():,.0f} on average",
                    "rule": f"none, where each of the {WEEKS} weeks before had some on that "
                    f"weekday and at least {FEWEST_ORDERS:g} on average",
                }
            )
    for measure, what in (("amount", "amounts"), ("rows_each", "rows per purchase")):
        rows += _odd_days(days, before, measure, what)
    return rows


def _odd_days(days: pd.DataFrame, before: int, measure: str, what: str) -> list[dict[str, Any]]:
    """Days on which a measure is far from that of the weeks before, such as doubled amounts."""
    busy = days[(days["purchases"] >= FEWEST_FOR_AMOUNTS) & (days[measure] > 0)]
    logs = pd.Series(np.log(busy[measure]), index=busy.index)
    known = logs[logs.index <= before]
    if len(known) < 2 * WEEKS:
        return []
    middle = float(known.median())
    spread = max(1.4826 * float((known - middle).abs().median()), 0.02)
    least = max(math.log(FACTOR), MADS * spread)
    odd = logs[(logs.index > before) & ((logs - middle).abs() >= least)]
    return [
        {
            "kind": f"{what} look wrong",
            "grouping": "day",
            "group": str(day_of(day)),
            "measure": measure,
            "number": math.exp(value),
            "expected": math.exp(middle),
            "lower": math.exp(middle - least),
            "upper": math.exp(middle + least),
            "said": f"{what.capitalize()} of {day_of(day)} are {math.exp(value - middle):.2f} "
            "times those of the weeks before",
            "rule": f"the day's value is {FACTOR:g} times, and {MADS:g} spreads, from the "
            f"{WEEKS} weeks before; days with {FEWEST_FOR_AMOUNTS} purchases or more",
        }
        for day, value in zip(map(int, odd.index), odd, strict=True)
    ]
