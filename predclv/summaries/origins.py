"""Rolling origins: the days at which a log is cut, again and again, to learn and to look ahead."""

import datetime
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np

from predclv.errors import OptionError, some
from predclv.logs.log import Log, civil_date
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit, split_of
from predclv.units import days_per, horizon_in

Cutoffs = int | Iterable[str | datetime.date]


def whole_days(horizon: str | float | datetime.timedelta | np.timedelta64, unit: str) -> int:
    """The length of a horizon to the nearest whole day, at least one.

    Examples
    --------
    >>> whole_days("26 weeks", "week"), whole_days("12 months", "week")
    (182, 365)
    """
    return max(1, round(horizon_in(horizon, unit) * days_per(unit)))


def origins(
    log: Log, cutoffs: Cutoffs, days: int, until: datetime.date | None = None
) -> tuple[datetime.date, ...]:
    """The days at which to cut a log so that ``days`` follow each, in their order.

    Parameters
    ----------
    log : Log
    cutoffs : int or iterable of dates
        The cutoffs themselves, or their number: the last is then ``days`` before the end, and
        each other ``days`` before the next, so that no two holdouts overlap.
    days : int
        Length of each holdout.
    until : datetime.date, optional
        Nothing after this day is looked at. Default: the log's last day.

    Raises
    ------
    OptionError
        If a cutoff is no day of the log with ``days`` after it; the message names it.
    """
    end = log.last_day if until is None else min(until, log.last_day)
    length = datetime.timedelta(days=days)
    if isinstance(cutoffs, (int, np.integer)) and not isinstance(cutoffs, bool):
        if cutoffs < 1:
            raise OptionError(f"cutoffs must be at least 1, or dates; got {cutoffs}.")
        chosen = [end - length * back for back in range(int(cutoffs), 0, -1)]
        room = (end - log.first_day).days // days
        advice = f" There is room for {room}: try cutoffs={room}." if 0 < room < cutoffs else ""
    elif isinstance(cutoffs, Iterable) and not isinstance(cutoffs, str):
        chosen = sorted(civil_date(day, "A cutoff") for day in cutoffs)
        advice = ""
    else:
        raise OptionError(
            f"cutoffs must be a number of origins or a list of dates such as ['1997-09-30']; got "
            f"{cutoffs!r}."
        )
    if not chosen:
        raise OptionError("cutoffs is empty: give dates such as ['1997-09-30'], or a number.")
    twice = sorted({str(day) for day, following in pairwise(chosen) if day == following})
    if twice:
        raise OptionError(f"A cutoff may be given once; {some(twice)} is there more often.")
    early = [day for day in chosen if day < log.first_day]
    late = [day for day in chosen if day + length > end]
    for found, why in ((early, "before the first purchase"), (late, f"less than {days} days from")):
        if found:
            raise OptionError(
                f"Cutoff {some(found)} is {why}{' the end' if found is late else ''}: with a "
                f"holdout of {days} days, cutoffs may lie from {log.first_day} to {end - length}, "
                f"for the log runs from {log.first_day} to {end}."
                f"{advice or ' Shorten the horizon, or choose other cutoffs.'}"
            )
    return tuple(chosen)


def splits_of(
    log: Log, cutoffs: Iterable[datetime.date], days: int, unit: str
) -> Iterator[HoldoutSplit]:
    """The log cut at each of :func:`origins`, one split at a time."""
    for cutoff in cutoffs:
        yield split_of(log, cutoff, cutoff + datetime.timedelta(days=days), unit)


def log_of(rfm: RFM) -> tuple[Log, str, datetime.date]:
    """The log behind a summary, its unit, and the day it is summarised to.

    Raises
    ------
    DataError
        If it was made without one.
    """
    log, end = rfm.log_for("A cut at another day needs", " Or give the log itself.")
    return log, rfm.unit, end
