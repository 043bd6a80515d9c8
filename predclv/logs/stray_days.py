"""Days of a log that look like typing errors: in the future, or years away from all others."""

import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import ObservationEndWarning, some
from predclv.logs.log import EPOCH, Log
from predclv.notices import warn

SILENT_DAYS = 365
"""From the last purchase of all to observation_end: longer than any season lasts."""

FEWEST_OTHER_DAYS = 10
"""Days with a purchase beside a stray one; of fewer, a year's gap is nothing odd."""

STRAY_GAPS = 5
"""How many times the longest gap between the other days a stray day is away: where a few customers
buy once in a while, gaps of a year come by chance.

A stray first day lies further from the others than they from each other besides: R's rfm orders
begin with one that is 2.2 years before three years of orders.
"""


def check_end(log: Log, end: datetime.date, what: str) -> None:
    """Warn of an observation that ends long after everybody's last purchase."""
    silent = (end - log.last_day).days
    if silent > SILENT_DAYS:
        warn(
            f"{what} {end} is {silent / 365.25:.1f} years after the last purchase of anybody "
            f"({log.last_day}), so everybody looks lost. Is it the right year? It should be the "
            "day on which the log was drawn.",
            ObservationEndWarning,
        )


def check_stray_days(
    log: Log,
    table: str,
    end: datetime.date,
    what: str,
    until: datetime.date,
    counted_days: pd.DataFrame | None,
) -> None:
    """A last day in the future, or a first or last day a year apart from all others.

    Whether one can be is seen from customers' first and last days, where the log's days are not
    counted; only then they are. ``until`` is the day that the summary is made to.
    """
    at_end = f", and {what} is that day: everybody else looks lost" if end == log.last_day else ""
    remedy = (
        f"Correct or leave out its rows, or say {what}= (the day on which the log was drawn): "
        "later rows are left out then."
    )

    def who_last() -> str:  # of nobody where the summary ends before: it does not know them
        silent = (until - log.last_day).days
        return _customers_of(log, table, f"age_days - recency_days = {silent}")

    ahead = log.last_day <= end and is_ahead(log.last_day)
    if ahead:
        warn_of_future(log.last_day, at_end, remedy, who=who_last())
    may_stray = log.last_day <= end and not ahead
    if counted_days is None:
        if not _ends_apart(log, table, end, may_stray):
            return
        counted_days = log.purchases_by_day(end)
    days = counted_days["day"].to_numpy()
    if days.size <= FEWEST_OTHER_DAYS:
        return
    of_last, of_first = int(days[-1] - days[-2]), int(days[1] - days[0])
    if max(of_last, of_first) <= SILENT_DAYS or not _ends_apart(log, table, end, may_stray):
        return
    who_first = _customers_of(log, table, f"age_days = {(until - log.first_day).days}")
    warn_of_ends_apart(days, at_end, remedy, may_stray, who=(who_first, who_last()))


def is_ahead(day: datetime.date) -> bool:
    """Whether a day has begun nowhere on Earth."""
    return day > datetime.date.today() + datetime.timedelta(days=1)


def warn_of_future(
    last: datetime.date, at_end: str, remedy: str, what: str = "log", who: str = ""
) -> None:
    """Warn of a last day that is to come.

    Parameters
    ----------
    last : datetime.date
    at_end : str
        What it did, where observation was taken to end with it.
    remedy : str
    what : str
        Whose day it is.
    who : str
        The customers who bought on it, in words.
    """
    warn(
        f"The {what}'s last day, {last}{who}, is in the future{at_end}. Is it a typing "
        f"error? {remedy}",
        ObservationEndWarning,
    )


def warn_of_ends_apart(
    days: NDArray[np.integer],
    at_end: str,
    remedy: str,
    may_last: bool,
    may_first: bool = True,
    who: tuple[str, str] = ("", ""),
) -> None:
    """Warn of a first or last day that is years away from all others.

    Parameters
    ----------
    days : ndarray of int
        The days with a purchase since 1970, sorted; more than `FEWEST_OTHER_DAYS`.
    at_end, remedy : str
        As of `warn_of_future`.
    may_last, may_first : bool
        Whether the last and the first day may be such a one.
    who : tuple of str
        The customers who bought on the first and on the last day, in words.
    """
    first, second, previous, last = (
        EPOCH + datetime.timedelta(days=int(days[at])) for at in (0, 1, -2, -1)
    )
    far = max(SILENT_DAYS, STRAY_GAPS * int(np.diff(days[1:-1]).max()))
    if may_last and (last - previous).days > far:
        warn(
            f"The last day with a purchase, {last}{who[1]}, is "
            f"{(last - previous).days / 365.25:.1f} years after the one before it ({previous})"
            f"{at_end}. Is it a typing error? {remedy}",
            ObservationEndWarning,
        )
    if may_first and (second - first).days > max(far, (last - second).days):
        warn(
            f"The first day with a purchase, {first}{who[0]}, is "
            f"{(second - first).days / 365.25:.1f} years before the next ({second}). Is it a "
            "typing error, or a date that was not known? Correct or leave out its rows: they make "
            "the log seem that much older.",
            ObservationEndWarning,
        )


def _ends_apart(log: Log, table: str, end: datetime.date, may_stray: bool) -> bool:
    """Whether customers' first days, or last ones, leave a gap of a year to the log's."""
    silent, age = (end - log.last_day).days, (end - log.first_day).days
    before, after = log.warehouse.rows(
        f"SELECT min(CASE WHEN age_days - recency_days > {silent} THEN age_days - recency_days"
        f" END), max(CASE WHEN age_days < {age} THEN age_days END) FROM {table}"
    )[0]
    is_last = may_stray and before is not None and before - silent > SILENT_DAYS
    return is_last or (after is not None and age - after > SILENT_DAYS)


def _customers_of(log: Log, table: str, where: str) -> str:
    """The first ids of the customers whose day it is."""
    found = log.warehouse.rows(
        f"SELECT customer_id, count(*) OVER () FROM {table} WHERE {where} ORDER BY 1 LIMIT 4"
    )
    return f" (customer_id {some((row[0] for row in found), 3, found[0][1])})" if found else ""
