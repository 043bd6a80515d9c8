"""A log that can be summarised but looks broken: each suspicion is a warning with its numbers.

They ask the summary of customers and days, not the log: 2% of what it took to add it up. The log is
read again only where many rows share their day, for a sample of customers, and where customers
spent as much as a large order takes, for those. Accounts are judged by days with a purchase, which
the summary has; an account with many rows on few days is not found.
The thresholds were chosen so that CDNOW and five other real logs (a gift wholesaler, an online
grocer, a clothing retailer, a supermarket and R's rfm orders) stay below them, but for the orders
that really are odd; the numbers of those logs stand beside each.
"""

import datetime
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from predclv.errors import (
    DataWarning,
    DuplicateWarning,
    LargeOrderWarning,
    SharedAccountWarning,
    some,
)
from predclv.logs.log import Log
from predclv.logs.spend_statements import large_days
from predclv.logs.stray_days import check_end, check_stray_days
from predclv.logs.twin_ids import warn_of_twin_ids
from predclv.money import UNITS
from predclv.notices import counted, warn
from predclv.warehouse.base import Warehouse

DOUBLED_SHARE = 0.2
"""Of customers' days with a purchase; real logs: 0.3% at most, simulated baskets of seven articles
at five prices: 11%. A log that contains itself: 100%.
"""

DOUBLED_SHARE_WITHOUT_AMOUNTS = 0.9
"""With an even number of rows; a log of baskets has about one half, real logs 11% at most."""

FEWEST_DOUBLED_DAYS = 20
"""Fewer are nobody's mistake en masse."""

_SAMPLED_ROWS = 500_000

LARGE_RATIO, LARGE_SIGMAS = 100.0, 7.0
"""How far an order is from the typical one, as a factor and on the scale of logarithms.

Orders that are more than half of what their customer spent: clothing 48-fold, CDNOW 46-fold, the
supermarket 120-fold but 5 sigmas, and once 672-fold but 7 sigmas. Beyond are two of the
wholesaler's (255- and 557-fold), both cancelled on their day in the log with returns.
"""

FEWEST_REPEATERS = 20
"""Fewer customers do not show what is typical."""

SHARED_RATIO, SHARED_DAYS = 4.0, 0.5
"""An account's days of purchase over those of the 99th of 100 repeat customers, and their share.

The supermarket's busiest has 3.1 and 72%, the wholesaler's 5.4 and 35%, CDNOW's 7.1 and 31%.
"""

SHARED_PURCHASES, SHARED_PURCHASES_RATIO = 0.05, 10.0
"""Or of all purchases (real logs: 1.7% at most), and then so many times the others' days."""

FEWEST_CUSTOMERS, FEWEST_DAYS = 100, 20


def warn_of_suspicions(
    log: Log,
    table: str,
    counts: Mapping[str, int],
    end: datetime.date,
    what: str,
    until: datetime.date,
    days: pd.DataFrame | None = None,
) -> None:
    """Warn of all that looks broken in a log and its summary.

    Parameters
    ----------
    log : Log
    table : str
        The summary's name in the log's warehouse.
    counts : mapping
        What was counted for the summary.
    end : datetime.date
        The last day observed.
    what : str
        What the user calls that day.
    until : datetime.date
        The day that the summary is made to.
    days : DataFrame, optional
        The log's `purchases_by_day` to ``end``, where they are counted already.

    Warns
    -----
    DataWarning, ObservationEndWarning, DuplicateWarning, SharedAccountWarning, LargeOrderWarning
    """
    check_end(log, end, what)
    check_stray_days(log, table, end, what, until, days)
    warn_of_twin_ids(log, table, counts["customers"])
    check_copies(log, counts, _SAMPLED_ROWS)
    repeaters = repeaters_in(log.warehouse, table, log.has_spend)
    check_accounts(log.warehouse, table, counts, repeaters)
    limit = large_from(repeaters)
    if limit is not None:
        _check_orders(log, table, limit, until)


def warn_of_broken_log(log: Log, end: datetime.date, what: str, tells: bool = False) -> None:
    """The same warnings for a log that is used without a summary of it, or with many."""
    table, counts, days = log.keep_summary(end, tells)
    warn_of_suspicions(log, table, counts, end, what, end, days)
    log.warehouse.drop(table)


def warn_of_late_rows(counts: Mapping[str, int], end: datetime.date | None) -> None:
    """Say what was left out because it is after observation_end."""
    if not counts["rows_after_end"]:
        return
    lost = counts["customers_after_end"]
    warn(
        f"{counted(counts['rows_after_end'], 'row is', 'rows are')} after observation_end {end} "
        "and were left out"
        + (f", and with them {counted(lost, 'customer')} altogether." if lost else "."),
        DataWarning,
    )


def check_copies(log: Log, counts: Mapping[str, int], most_rows: int) -> None:
    """Warn of a log that has its rows more than once, as a sample of customers shows.

    Parameters
    ----------
    log : Log
    counts : mapping
        customers, repeat_purchases and same_day_rows_merged.
    most_rows : int
        About how many rows are looked at, where many share their day.
    """
    days = counts["customers"] + counts["repeat_purchases"]
    least = DOUBLED_SHARE if log.has_spend else DOUBLED_SHARE_WITHOUT_AMOUNTS
    if counts["same_day_rows_merged"] < least * days:
        return
    found = log.doubled_days(most_rows)
    if found["doubled_days"] < max(FEWEST_DOUBLED_DAYS, least * found["days"]):
        return
    share = found["doubled_days"] / found["days"]
    again, effect = (
        ("every row, amount included, more than once", "what they spent is counted again")
        if log.has_spend
        else (
            "an even number of rows",
            "purchases of one day are one, but nothing else can be told",
        )
    )
    warn(
        f"On {share:.0%} of the days on which somebody bought (of {found['days']:,} looked at) "
        f"they have {again}, customer {found['example']} for one. Does the log contain itself, or "
        f"do its parts overlap? Then {effect}: drop the copies, for instance with "
        ".drop_duplicates() in pandas or SELECT DISTINCT in SQL.",
        DuplicateWarning,
    )


def _quantiles(values: pd.Series, customers: pd.Series, *shares: float) -> list[float]:
    """Of values that so many customers have each."""
    order = np.argsort(values.to_numpy(), kind="stable")
    below = customers.to_numpy()[order].cumsum()
    places = np.searchsorted(below, [share * below[-1] for share in shares])
    return [float(value) for value in values.to_numpy()[order][places]]


def repeaters_in(warehouse: Warehouse, table: str, has_spend: bool) -> pd.DataFrame:
    """Who bought again, counted by frequency and by size of their mean spend, in eighths of log2.

    Parameters
    ----------
    warehouse : Warehouse
    table : str
        SQL of a summary: frequency and, where there is spend, repeat_units.
    has_spend : bool
    """
    size = "CAST(NULL AS INTEGER)"
    if has_spend:
        mean = "CAST(repeat_units AS DOUBLE) / frequency"
        size = f"CASE WHEN repeat_units > 0 THEN CAST(floor(8 * log2({mean})) AS INTEGER) END"
    return warehouse.frame(
        f"SELECT frequency, {size} AS size, count(*) AS customers"
        f" FROM {table} WHERE frequency > 0 GROUP BY 1, 2"
    )


def check_accounts(
    warehouse: Warehouse, table: str, counts: Mapping[str, int], repeaters: pd.DataFrame
) -> None:
    """Warn of ids in a summary that buy like an account that many share."""
    if counts["customers"] < FEWEST_CUSTOMERS or repeaters.empty:
        return
    (usual,) = _quantiles(repeaters["frequency"], repeaters["customers"], 0.99)
    usual += 1  # days, the first included
    purchases = counts["customers"] + counts["repeat_purchases"]
    least = math.ceil(max(FEWEST_DAYS, SHARED_RATIO * usual))
    if repeaters["frequency"].max() + 1 < least:
        return
    of_all = max(SHARED_PURCHASES * purchases, SHARED_PURCHASES_RATIO * usual)
    found = warehouse.frame(
        "SELECT customer_id, frequency + 1 AS days, recency_days + 1 AS out_of, count(*) OVER ()"
        f" AS accounts FROM {table} WHERE frequency >= {least - 1} AND (frequency + 1 >="
        f" {SHARED_DAYS} * (recency_days + 1) OR frequency + 1 >= {of_all})"
        " ORDER BY frequency DESC, customer_id LIMIT 6"
    )
    if found.empty:
        return
    shown = (
        f"customer {row.customer_id} on {row.days:,} of {row.out_of:,} days"
        for row in found.itertuples()
    )
    number = int(found["accounts"].iloc[0])
    warn(
        f"{counted(number, 'id buys', 'ids buy')} like an account that many share: "
        f"{some(shown, 3, number)}; of all repeat customers 99% bought on {usual:,.0f} days at "
        "most. If it stands for guests, a till or unknown customers, leave its rows out: its "
        "forecast means nothing, and it shifts everybody's.",
        SharedAccountWarning,
    )


class LargeFrom(NamedTuple):
    """From where an order is large: a typical customer's spend of a day, and the least; in 1e-4."""

    typical: float
    least: int


def large_from(repeaters: pd.DataFrame) -> LargeFrom | None:
    """From where an order is far from all others; None where too few show what is typical."""
    spenders = repeaters.dropna(subset="size")
    if spenders["customers"].sum() < FEWEST_REPEATERS:
        return None
    low, middle, high = (
        place / 8 for place in _quantiles(spenders["size"], spenders["customers"], 0.25, 0.5, 0.75)
    )
    typical = 2 ** (middle + 1 / 16)  # the middle of its bin
    sigma = (high - low) * math.log(2) / 1.349  # a normal's quartiles are 1.349 sigma apart
    return LargeFrom(typical, round(typical * max(LARGE_RATIO, math.exp(LARGE_SIGMAS * sigma))))


def _check_orders(log: Log, table: str, limit: LargeFrom, until: datetime.date) -> None:
    large = f"repeat_units >= {limit.least}"
    found = log.warehouse.frame(
        "SELECT customer_id, frequency, CAST(repeat_units AS DOUBLE) AS spend"
        f" FROM {table} WHERE {large} ORDER BY customer_id"
    )
    if found.empty:
        return
    wanted = f"SELECT customer_id FROM {table} WHERE {large}"
    days = log.table_of(large_days, until, "customer_id", limit.least, wanted=wanted)
    found = found.merge(days.rename(columns={"largest_units": "largest"}), on="customer_id")
    warn_of_large_orders(found, limit, log.refunds)


def warn_of_large_orders(found: pd.DataFrame, limit: LargeFrom, refunds: str) -> None:
    """Warn of customers who owe most of what they spent to one order.

    Parameters
    ----------
    found : DataFrame
        customer_id, frequency, spend (of repeat purchases) and largest, a large day's.
    limit : LargeFrom
    refunds : str
        What became of them: net or drop.
    """
    found = found[2 * found["largest"] > found["spend"]]
    if found.empty:
        return
    found = found.sort_values("largest", ascending=False, kind="stable")
    shown = (order_of(row) for row in found.head(3).itertuples())
    warn(
        f"{counted(len(found), 'customer owes', 'customers owe')} most of their monetary value, "
        f"and so of their CLV, to one order: {'; '.join(shown)}. A typical customer spends about "
        f"{limit.typical / UNITS:,.2f} a day. If it is a typing error, correct it or leave its row "
        f"out. {_advice_on_cancelled(refunds)}",
        LargeOrderWarning,
    )


def _advice_on_cancelled(refunds: str) -> str:
    """What to do about a cancelled order, given what becomes of this log's refunds."""
    if refunds == "drop":
        return (
            "If it was cancelled, refunds='net' takes it back where the log has the cancellation "
            "as a negative amount of the same day; this log's refunds were left out (refunds="
            "'drop')."
        )
    return (
        "If it was cancelled, keep the cancellation in the log, as a negative amount: "
        "refunds='net' (the default) takes it from what was bought on its day. Of one on a later "
        "day, leave both out."
    )


def order_of(row: Any) -> str:
    """An order in a sentence: who, how much, and beside what."""
    spent = f"customer {row.customer_id} spent {row.largest / UNITS:,.2f} on one day"
    others = int(row.frequency) - 1
    if not others:
        return f"{spent}, their only repeat purchase"
    rest = (row.spend - row.largest) / UNITS / others
    return f"{spent} and {rest:,.2f} a day on the other {others:,}"
