"""What looks broken in a batch that came in, judged as `predclv.rfm_summary` judges a log.

It costs little beside adding the batch: nothing here reads the states of all customers. Of the
first batch they are its own, and all of them are asked; of a later one some of the base's customers
show what is typical. Whether rows are there more than once is told from the batch as it came, and
only where many of them share their day.
"""

import datetime
from typing import Any

import numpy as np
import pandas as pd

from predclv.base.states import rooted
from predclv.base.vault import About
from predclv.logs.log import Log
from predclv.logs.stray_days import (
    FEWEST_OTHER_DAYS,
    SILENT_DAYS,
    is_ahead,
    warn_of_ends_apart,
    warn_of_future,
)
from predclv.logs.suspicions import (
    LargeFrom,
    check_accounts,
    check_copies,
    large_from,
    repeaters_in,
    warn_of_large_orders,
)
from predclv.units import day_of
from predclv.warehouse.duckdb import DuckDBWarehouse

_SUMMARY = (
    "SELECT customer_id, days - 1 AS frequency, last_day - first_day AS recency_days,"
    " units - first_units AS repeat_units FROM base.states WHERE days > {}"
)
_REMEDY = "Correct its rows or leave them out, and add the batch again with replace=True;"
_TYPICAL = 20_000
"""Repeat customers who show what is typical: the ranks of their quartiles are known to 0.3%."""

_SAMPLED_ROWS = 50_000
"""Of a batch, where many rows share their day: of a million in baskets a twentieth is looked at."""


def warn_of_doubts(
    engine: DuckDBWarehouse, about: About, log: Log, facts: dict[str, Any], number: int
) -> None:
    """Warn of all that looks broken in a batch that is in the attached base by now.

    Parameters
    ----------
    engine : DuckDBWarehouse
    about : About
    log : Log
        The batch as it came.
    facts : dict
        Of the batch: row_count, refund_rows, purchase_days, customers, first_day, last_day.
    number : int
        The batch's.

    Warns
    -----
    ObservationEndWarning, DuplicateWarning, SharedAccountWarning, LargeOrderWarning
    """
    own = f"(SELECT * FROM base.days WHERE batch = {number})"
    others = engine.rows(
        "SELECT first_day, last_day FROM base.batches"
        f" WHERE kind = 'orders' AND number <> {number} AND first_day IS NOT NULL"
    )
    _check_days(engine, own, facts["first_day"], facts["last_day"], others)
    bought = int(facts["purchase_days"])
    counts = {
        "customers": int(facts["customers"]),
        "repeat_purchases": bought - int(facts["customers"]),
        "same_day_rows_merged": int(facts["row_count"] - (facts["refund_rows"] or 0)) - bought,
    }
    check_copies(log, counts, _SAMPLED_ROWS)
    if not others:
        summary = f"({_SUMMARY.format(0)})"
        repeaters = repeaters_in(engine, summary, about.has_spend)
        check_accounts(engine, summary, counts, repeaters)
    if about.has_spend:
        units = "units" if about.refunds == "net" else "units - refund_units"
        if engine.rows("SELECT 1 FROM base.roots LIMIT 1"):
            own = rooted(own)
        limit = typical_of(engine)
        if limit is not None:
            days = f"(SELECT customer_id, day, bought, {units} AS units FROM {own})"
            warn_of_large_orders(large_orders(engine, days, limit), limit, about.refunds)


def warn_of_end_ahead(end: datetime.date) -> None:
    """Warn of a base whose last day is to come, where it is taken for the end of observation."""
    if is_ahead(end):
        at_end = ", and observation_end is that day: everybody else looks lost"
        warn_of_future(end, at_end, f"{_REMEDY} or say observation_end=.", "base")


def typical_of(engine: DuckDBWarehouse) -> LargeFrom | None:
    """From where an order is large in the attached base, as some of its repeat customers show."""
    some = f"({_SUMMARY.format(1)} LIMIT {_TYPICAL})"
    return large_from(repeaters_in(engine, some, has_spend=True))


def large_orders(engine: DuckDBWarehouse, days: str, limit: LargeFrom) -> pd.DataFrame:
    """Customers who owe most of their repeat spend to one of these days, as it is in the base now.

    Parameters
    ----------
    engine : DuckDBWarehouse
    days : str
        SQL of days whose ids are those of today: customer_id, day, bought, units.
    limit : LargeFrom

    Returns
    -------
    DataFrame
        customer_id, frequency, spend, largest (both in 1e-4) and the day; the largest first.
    """
    large = f"(SELECT * FROM {days} WHERE bought AND units >= {limit.least})"
    columns = ["customer_id", "frequency", "spend", "largest", "day"]
    if not engine.rows(f"SELECT 1 FROM {large} LIMIT 1"):
        return pd.DataFrame(columns=columns)
    return engine.frame(
        "SELECT s.customer_id, s.days - 1 AS frequency,"
        " CAST(s.units - s.first_units AS DOUBLE) AS spend,"
        " max(d.units) AS largest, CAST(max_by(d.day, d.units) AS INTEGER) AS day"
        f" FROM base.states s JOIN {large} d ON d.customer_id = s.customer_id"
        " WHERE d.day > s.first_day GROUP BY ALL HAVING 2 * max(d.units) > spend"
        " ORDER BY largest DESC, s.customer_id"
    )


def _check_days(
    engine: DuckDBWarehouse, own: str, first: int, last: int, others: list[tuple[int, int]]
) -> None:
    """A last day in the future, or a first or last day a year from all others of the base.

    Other batches stand for each day from their first to their last.
    """
    least, most = (
        min((a for a, _ in others), default=first),
        max((b for _, b in others), default=last),
    )
    at_end = ", and a refresh would be of that day: everybody else looks lost"
    at_end = at_end if last >= most else ""
    remedy = f"{_REMEDY} or say observation_end= in base.refresh: later rows are left out then."
    ahead = is_ahead(day_of(last))
    if ahead:
        warn_of_future(day_of(last), at_end, remedy, "batch")
    widest = last - first if not others else max(last - most, least - first)
    if widest <= SILENT_DAYS:
        return
    found = [day for (day,) in engine.rows(f"SELECT DISTINCT day FROM {own} WHERE bought")]
    known = [np.arange(a, b + 1) for a, b in others]
    days = np.unique(np.concatenate([np.array(found, dtype=np.int64), *known]))
    if days.size > FEWEST_OTHER_DAYS:
        may_last, may_first = not others or last > most, not others or first < least
        warn_of_ends_apart(days, at_end, remedy, may_last and not ahead, may_first)
