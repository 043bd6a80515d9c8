"""Time: how long a unit is, horizons, and what an annual discount rate means per unit.

The only file that knows a week is 7 days.
"""

import datetime
import math
import re
from numbers import Real
from types import EllipsisType

import numpy as np
import pandas as pd

from predclv.errors import OptionError, OptionWarning, did_you_mean
from predclv.notices import warn

__all__ = ["days_per", "force_of_interest", "horizon_in", "horizon_in_words"]

DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}
"""Days in each unit; a month is a twelfth of a year of 365.25 days."""

EPOCH = datetime.date(1970, 1, 1)
"""The day that days are counted from, wherever they are numbers."""

_SHORT = {"d": "day", "w": "week", "wk": "week", "mo": "month", "y": "year", "yr": "year"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_QUANTITY = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*([a-z]*)\s*", re.IGNORECASE)


def days_per(unit: str) -> float:
    """Days in one ``unit``.

    Raises
    ------
    OptionError
        If the unit is none of day, week, month and year.

    See Also
    --------
    predclv.units.horizon_in : a horizon in a unit.

    Examples
    --------
    >>> days_per("week")
    7.0
    """
    if unit not in DAYS:
        raise OptionError(
            f"unit must be one of {', '.join(DAYS)}; got {unit!r}.{did_you_mean(unit, DAYS)}"
        )
    return DAYS[unit]


def day_number(day: datetime.date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: float) -> datetime.date:
    """The day of a number of days since 1970-01-01."""
    return EPOCH + datetime.timedelta(days=int(number))


def _unit_named(word: str) -> str | None:
    """The unit that a word of a horizon means: ``weeks``, ``Week`` and ``w`` are all week."""
    word = word.casefold()
    for name in (word, word.removesuffix("s")):
        if name in DAYS:
            return name
        if name in _SHORT:
            return _SHORT[name]
    return None


LIFETIME = "lifetime"
"""The text that, like None, asks for the whole remaining lifetime."""


def is_lifetime(horizon: object) -> bool:
    """Whether a horizon is the whole remaining lifetime: None, or ``"lifetime"``."""
    return horizon is None or (isinstance(horizon, str) and horizon.strip().casefold() == LIFETIME)


def horizon_in_words(horizon: object) -> str | None:
    """A horizon as it was asked: ``12 months``, ``90 days``, ``the days to 2027-12-31``.

    None where it carries no unit of its own, such as a bare number.

    See Also
    --------
    predclv.units.horizon_in : a horizon in a unit.

    Examples
    --------
    >>> horizon_in_words("12  months"), horizon_in_words("2027-12-31"), horizon_in_words(26)
    ('12 months', 'the days to 2027-12-31', None)
    """
    if isinstance(horizon, str):
        text = " ".join(horizon.split())
        if _DATE.fullmatch(text):
            return f"the days to {text}"
        match = _QUANTITY.fullmatch(text)
        return text if match and match[2] else None
    if isinstance(horizon, datetime.date):
        return f"the days to {horizon:%Y-%m-%d}"
    if isinstance(horizon, (datetime.timedelta, np.timedelta64)):
        days = pd.Timedelta(horizon) / pd.Timedelta(days=1)
        return f"{days:g} day{'' if days == 1 else 's'}"
    return None


def horizon_in(
    horizon: str | float | datetime.timedelta | np.timedelta64 | datetime.date,
    unit: str,
    what: str = "horizon",
    start: datetime.date | EllipsisType | None = ...,
) -> float:
    """Length of a horizon in ``unit``.

    A bare number is already in ``unit``; text and timedeltas carry their own and are converted, so
    twelve months against a fit in weeks are 52.18 weeks, not 12.

    Parameters
    ----------
    horizon : str, number, timedelta, pandas.Timedelta or numpy.timedelta64
        ``"52 weeks"``, ``"12 months"``, ``"1 year"``, ``pd.Timedelta(days=90)``, ``52`` or
        ``"52"``. Or the last day of the horizon, ``"2027-12-31"`` or a date, where ``start`` is
        known.
    unit : str
        The unit of the answer: day, week, month or year.
    what : str
        What the horizon is called in error messages.
    start : datetime.date, optional
        The day after which the horizon begins, such as the end of observation; None where it is
        not known. Without it a last day is refused.

    Returns
    -------
    float
        Positive and finite.

    Raises
    ------
    OptionError
        If it cannot be read, or is not positive and finite.

    See Also
    --------
    predclv.units.days_per : days in a unit.
    predclv.units.horizon_in_words : a horizon as it was asked.

    Examples
    --------
    >>> horizon_in("12 months", "week")
    52.17857142857143
    >>> horizon_in(26, "week")
    26.0
    """
    per_unit = days_per(unit)
    if isinstance(horizon, str) and is_lifetime(horizon):
        raise OptionError(
            f"{what} {horizon!r}, the whole remaining lifetime, is not allowed here: say a length "
            "such as '52 weeks' or '3 years'."
        )
    if isinstance(horizon, str) and _DATE.fullmatch(horizon.strip()):
        horizon = _date_of(horizon.strip(), what)
    if isinstance(horizon, datetime.date) and horizon is not pd.NaT:
        length = _days_until(horizon, start, what) / per_unit
    elif isinstance(horizon, str):
        match = _QUANTITY.fullmatch(horizon)
        named = (_unit_named(match[2]) if match[2] else unit) if match else None
        if match is None or named is None:
            raise OptionError(
                f"{what} {horizon!r} could not be read. Try '52 weeks', '12 months', '90 days' "
                f"or a plain number of {unit}s."
            )
        if not match[2] and float(match[1]) in range(1900, 2201):
            year = horizon.strip()
            raise OptionError(
                f"{what} {horizon!r} looks like a year. Say a length with its unit, such as '52 "
                f"weeks' ('{year} {unit}s' if it is so many)"
                + (f", or the last day, '{year}-12-31'." if start is not ... else ".")
            )
        length = float(match[1]) * (1.0 if named == unit else DAYS[named] / per_unit)
    elif isinstance(horizon, (datetime.timedelta, np.timedelta64)):
        length = pd.Timedelta(horizon) / pd.Timedelta(days=1) / per_unit
    elif isinstance(horizon, (Real, np.number)) and not isinstance(horizon, bool):
        length = float(horizon)
    else:
        raise OptionError(
            f"{what} must be text such as '52 weeks', a timedelta or a number of {unit}s; "
            f"got {type(horizon).__name__}."
        )
    if not (math.isfinite(length) and length > 0):
        raise OptionError(f"{what} must be positive and finite; got {horizon!r}.")
    return length


def _date_of(text: str, what: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise OptionError(f"{what} {text!r} is no day of the calendar.") from error


def _days_until(day: datetime.date, start: datetime.date | EllipsisType | None, what: str) -> int:
    """Days after ``start`` up to and including a day."""
    day = day.date() if isinstance(day, datetime.datetime) else day
    if isinstance(start, EllipsisType):
        raise OptionError(
            f"{what} {day} is a last day, which is not allowed here: say a length such as '52 "
            "weeks'."
        )
    if start is None:
        raise OptionError(
            f"{what} {day} is a day, and the end of observation from which to count is not known "
            "here: say a length such as '52 weeks', or make the summary with pc.rfm_summary."
        )
    if day <= start:
        raise OptionError(f"{what} {day} is not after the end of observation, {start}.")
    return (day - start).days


def force_of_interest(discount_rate: float, unit: str) -> float:
    """Continuous discount rate ``delta`` per ``unit`` of an annual effective rate.

    A purchase ``s`` units from now is worth ``exp(-delta s)``, which is ``(1 + rate)**-years``.

    Raises
    ------
    OptionError
        If the rate is negative, not finite, or 1 and more: 10 meant as 10% is written 0.10.

    See Also
    --------
    predclv.units.days_per : days in a unit.

    Examples
    --------
    >>> round(force_of_interest(0.10, "year"), 6)
    0.09531
    """
    rate = _number(discount_rate, "discount_rate")
    if not 0 <= rate < 1:
        hint = f" For {rate:g}% a year write {rate / 100:g}." if 1 <= rate <= 100 else ""
        raise OptionError(
            f"discount_rate is annual and effective, at least 0 and below 1; got {rate:g}.{hint}"
        )
    return math.log1p(rate) * days_per(unit) / DAYS["year"]


def share(value: float, what: str) -> float:
    """A share such as a margin: at least 0; above 1 it is doubted, from 2 on refused.

    Examples
    --------
    >>> share(0.3, "margin")
    0.3
    """
    number = _number(value, what)
    if number < 0 or number >= 2:
        hint = f" For {number:g}% write {number / 100:g}." if 2 <= number <= 100 else ""
        raise OptionError(f"{what} is a share of spend between 0 and 1; got {number:g}.{hint}")
    if number > 1:
        warn(
            f"{what} of {number:g} is more than all of the spend; it was taken as given.",
            OptionWarning,
        )
    return number


def probability(value: float, what: str) -> float:
    """A probability strictly between 0 and 1, such as the level of an interval."""
    number = _number(value, what)
    if not 0 < number < 1:
        hint = f" For {number:g}% write {number / 100:g}." if 1 < number < 100 else ""
        raise OptionError(f"{what} must lie between 0 and 1; got {number:g}.{hint}")
    return number


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (Real, np.number)):
        raise OptionError(f"{what} must be a number; got {value!r}.")
    number = float(value)
    if not math.isfinite(number):
        raise OptionError(f"{what} must be finite; got {number}.")
    return number
