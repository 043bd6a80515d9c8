"""What somebody should look at after a refresh: each alert with its number and its rule.

The thresholds are rules of thumb, each said in the alert itself. What came is held against a 98%
interval, so of a hundred groups that behave as expected about two stand outside by chance; the
second condition, a tenth of what was expected, keeps large bases from alarms over nothing.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from predclv.base.doubts import large_orders, typical_of
from predclv.base.kept import Kept
from predclv.base.measures import days_between
from predclv.clocks.base import Steady
from predclv.logs.suspicions import order_of
from predclv.money import UNITS
from predclv.units import day_number, day_of
from predclv.warehouse.duckdb import DuckDBWarehouse

LEAST_OFF = 0.10
SIGMAS = 3.0
WEEKS = 8
FEWEST_ORDERS, FEWEST_FOR_AMOUNTS = 10.0, 30
FACTOR, MADS = 1.6, 6.0


class Alert(NamedTuple):
    """What somebody should look at: its number, what it is held against, and the rule."""

    kind: str
    grouping: str
    group: str
    measure: str
    number: float
    expected: float
    lower: float
    upper: float
    said: str
    rule: str


COLUMNS = ("date", *Alert._fields)


def alerts(engine: DuckDBWarehouse, kept: list[Kept], refunds: str) -> pd.DataFrame:
    """The alerts of the last of some refreshes, its base attached to ``engine``."""
    now, last = kept[-1], kept[-2] if len(kept) > 1 else None
    until = day_number(now.date)
    before = until - 31 if last is None else day_number(last.date)
    rows = [
        *_with_season(_outside(now), now, kept),
        *_jumped(now, last),
        *_quiet(now),
        *_broken(engine, before, until, refunds),
        *_large(engine, before, until, now, refunds),
    ]
    frame = pd.DataFrame([(pd.Timestamp(now.date), *row) for row in rows], columns=list(COLUMNS))
    numbers = dict.fromkeys(("number", "expected", "lower", "upper"), "float64")
    return frame.astype({"date": "datetime64[us]", **numbers})


def _outside(now: Kept) -> list[Alert]:
    """Groups whose purchases or revenue since the last refresh are not what it expected."""
    rows = []
    for row in now.document.get("since", ()):
        is_out = not row["lower"] <= row["came"] <= row["upper"]
        if not is_out or abs(row["came"] - row["expected"]) < LEAST_OFF * row["expected"]:
            continue
        off = row["came"] / row["expected"] - 1 if row["expected"] else math.inf
        said = (
            f"{row['group']}: {row['measure']} {row['came']:,.0f}, {off:+.0%} of the "
            f"{row['expected']:,.0f} expected since {now.document['before']}"
        )
        rule = f"outside the 98% interval and at least {LEAST_OFF:.0%} off"
        of = row["grouping"], row["group"], row["measure"]
        against = row["came"], row["expected"], row["lower"], row["upper"]
        rows.append(Alert("outside what was expected", *of, *against, said, rule))
    return rows


def _with_season(rows: list[Alert], now: Kept, kept: Sequence[Kept]) -> list[Alert]:
    """The same, the first saying that a season may be why, where the forecast knew of none."""
    if not rows:
        return []
    expecting = [one for one in kept if str(one.date) == now.document["before"]]
    fitted = (expecting or [now])[-1].fitted()
    if not isinstance(getattr(fitted.purchases, "clock", None), Steady):
        return rows
    hint = (
        ". Is it a season? The forecast knows of none: "
        "base.refresh(model=pc.CLVModel(clock=pc.Clock())) has one"
    )
    return [rows[0]._replace(said=rows[0].said + hint), *rows[1:]]


def _large(
    engine: DuckDBWarehouse, before: int, until: int, now: Kept, refunds: str
) -> list[Alert]:
    """Orders since the last refresh that are most of what their customer spent, far from others."""
    limit = typical_of(engine) if now.has_spend else None
    if limit is None:
        return []
    rule = (
        f"{limit.least / limit.typical:,.0f} times what a typical customer spends a day, and more "
        "than half of this one's repeat purchases"
    )
    against = limit.typical / UNITS, math.nan, limit.least / UNITS
    found = large_orders(engine, days_between(before, until, refunds), limit)
    said = [order_of(row) for row in found.itertuples()]
    return [
        Alert(
            "an order far from all others", "customer", str(customer), "amount",
            largest / UNITS, *against, f"{sentence} ({day_of(day)})", rule,
        )
        for customer, largest, day, sentence in zip(
            found["customer_id"], found["largest"], found["day"], said, strict=True
        )
    ]  # fmt: skip


def _jumped(now: Kept, last: Kept | None) -> list[Alert]:
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
            here, before = row["estimate"], was["estimate"]
            least, most = (before * math.exp(sign * SIGMAS * sigma) for sign in (-1, 1))
            said = f"{row['parameter']} of {row['model']} went from {before:.4g} to {here:.4g}"
            rule = f"{SIGMAS:g} standard errors of the last fit, in logs"
            of = row["model"], row["parameter"], "estimate"
            rows.append(Alert("parameter jumped", *of, here, before, least, most, said, rule))
    return rows


def _quiet(now: Kept) -> list[Alert]:
    """How many customers of the highest tier are silent beyond their own rhythm."""
    listed = now.document["quiet"]
    if not listed:
        return []
    stake = sum(row["value_at_stake"] for row in listed)
    found = now.document.get("all_quiet", {"customers": len(listed), "value_at_stake": stake})
    all_of_them = len(listed) == found["customers"]
    said = (
        f"{found['customers']:,} customers of the top 5% are overdue by their own rhythm; "
        f"{found['value_at_stake']:,.0f} of value at stake. base.quiet() lists "
        f"{'them' if all_of_them else f'the first {len(listed):,}'}"
    )
    of, unknown = ("tier", "top 5%", "customers"), (math.nan, math.nan, math.nan)
    rule = "silent for longer than 95% of customers with their history would be"
    kind, number = "valuable customers gone quiet", float(found["customers"])
    return [Alert(kind, *of, number, *unknown, said, rule)]


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


def _broken(engine: DuckDBWarehouse, before: int, until: int, refunds: str) -> list[Alert]:
    """Days since the last refresh that look as if their data were broken."""
    days = daily(engine, before - 7 * WEEKS, until, refunds)
    rows = []
    for day in range(before + 1, until + 1):
        usual = days["purchases"].reindex([day - 7 * week for week in range(1, WEEKS + 1)])
        if days.at[day, "purchases"] == 0 and usual.mean() >= FEWEST_ORDERS and usual.min() > 0:
            said = (
                f"No orders on {day_of(day)}; the same weekday had {usual.mean():,.0f} on average"
            )
            rule = (
                f"none, where each of the {WEEKS} weeks before had some on that weekday and at "
                f"least {FEWEST_ORDERS:g} on average"
            )
            of, mean = ("day", str(day_of(day)), "purchases"), float(usual.mean())
            rows.append(
                Alert("a day without orders", *of, 0.0, mean, math.nan, math.nan, said, rule)
            )
    for measure, what in (("amount", "amounts"), ("rows_each", "rows per purchase")):
        rows += _odd_days(days, before, measure, what)
    if all(row.measure != "rows_each" for row in rows):
        rows += _repeated_rows(days, before)
    return rows


def _repeated_rows(days: pd.DataFrame, before: int) -> list[Alert]:
    """Rows per purchase of all days since, where no day has enough purchases to be judged alone."""
    rows = days["purchases"] * days["rows_each"].fillna(0.0)
    is_new = days.index > before
    purchases = [float(days["purchases"][which].sum()) for which in (~is_new, is_new)]
    if min(purchases) < FEWEST_FOR_AMOUNTS:
        return []
    usual, here = (
        float(rows[which].sum()) / number
        for which, number in zip((~is_new, is_new), purchases, strict=True)
    )
    if here < FACTOR * usual:
        return []
    days_of = f"{day_of(before + 1)} to {day_of(int(days.index[-1]))}"
    said = (
        f"Rows per purchase of {days_of} are {here / usual:.2f} times those of the weeks before: "
        "rows may be there twice"
    )
    rule = f"{FACTOR:g} times the {WEEKS} weeks before; {FEWEST_FOR_AMOUNTS} purchases or more each"
    of = "days", days_of, "rows_each"
    against = usual, math.nan, FACTOR * usual
    return [Alert("rows per purchase look wrong", *of, here, *against, said, rule)]


def _odd_days(days: pd.DataFrame, before: int, measure: str, what: str) -> list[Alert]:
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
    rule = (
        f"the day's value is {FACTOR:g} times, and {MADS:g} spreads, from the {WEEKS} weeks "
        f"before; days with {FEWEST_FOR_AMOUNTS} purchases or more"
    )
    usual = math.exp(middle), math.exp(middle - least), math.exp(middle + least)
    return [
        Alert(
            f"{what} look wrong", "day", str(day_of(day)), measure, math.exp(value), *usual,
            f"{what.capitalize()} of {day_of(day)} are {math.exp(value - middle):.2f} times those "
            "of the weeks before", rule,
        )
        for day, value in zip(map(int, odd.index), odd, strict=True)
    ]  # fmt: skip
