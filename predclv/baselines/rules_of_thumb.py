"""Rules of thumb: last period, the same period last year, a customer's own rate, everybody's."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from predclv.baselines.base import Baseline, averages
from predclv.baselines.hiatus import best_gap
from predclv.baselines.point import Expected
from predclv.errors import OptionError
from predclv.logs.log import Log
from predclv.summaries.origins import whole_days
from predclv.summaries.rfm import RFM
from predclv.units import DAYS, horizon_in


@dataclass(frozen=True, slots=True)
class LastPeriod(Baseline):
    """The same again: what each customer did in the last period as long as the horizon.

    Days with a purchase and their spend in the last ``horizon`` (to the nearest whole day) before
    ``observation_end``, the first purchase included: a manager's "the same as last year". Hard to
    beat on a mature base; on a young one it takes every first purchase for a habit. p_active is
    1 for those who bought, else 0; expected_spend is the mean per purchase of that period, 0.0
    where there was none.

    Needs the log, so an RFM made by :func:`predclv.rfm_summary` or
    :func:`predclv.holdout_split`, and one that goes back as far as the horizon looks ahead.

    See Also
    --------
    predclv.baselines.SamePeriodLastYear : the same days of last year.
    predclv.baselines.PastRate : everybody goes on at their own rate.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> forecast = pc.baselines.LastPeriod().fit(rfm).forecast("26 weeks")
    >>> float(forecast.total()["purchases"])
    1156.0
    """

    title: ClassVar[str] = "last period"

    def _learned(self, rfm: RFM) -> dict[str, float]:
        _log_of(rfm, self)
        return {}

    def _expected(self, rfm: RFM, t: float, learned: Mapping[str, float]) -> Expected:
        log, end = _log_of(rfm, self)
        days = whole_days(t, rfm.unit)
        start = end - datetime.timedelta(days=days)
        seen = (end - log.first_day).days + 1
        if days > seen:
            raise OptionError(
                f"LastPeriod looks back as far as the horizon looks ahead, {days:,} days, but the "
                f"log covers {seen:,} days up to {end}. Shorten the horizon to "
                f"{seen / DAYS[rfm.unit]:.4g} {rfm.unit}s, or use PastRate."
            )
        return _as_between(rfm, log, start, end)


@dataclass(frozen=True, slots=True)
class SamePeriodLastYear(Baseline):
    """What each customer did in the same days of the calendar one year before.

    Days with a purchase and their spend from a year before the forecast's first day to a year
    before its last, the first purchase included: a season that comes back every year is in it,
    growth is not, and whoever joined since is forecast to buy nothing. The 29th of February
    counts as the 28th of the year before. p_active and expected_spend as of `LastPeriod`.

    Needs the log, so an RFM made by :func:`predclv.rfm_summary` or
    :func:`predclv.holdout_split`, one that goes back a year, and a horizon of a year at most.

    See Also
    --------
    predclv.baselines.LastPeriod : the same again.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> forecast = pc.baselines.SamePeriodLastYear().fit(rfm).forecast("26 weeks")
    >>> float(forecast.total()["purchases"])  # July to December 1997
    1443.0
    """

    title: ClassVar[str] = "same period last year"

    def _learned(self, rfm: RFM) -> dict[str, float]:
        _log_of(rfm, self)
        return {}

    def _expected(self, rfm: RFM, t: float, learned: Mapping[str, float]) -> Expected:
        log, end = _log_of(rfm, self)
        days = whole_days(t, rfm.unit)
        after, until = _year_before(end), _year_before(end + datetime.timedelta(days=days))
        first = after + datetime.timedelta(days=1)
        if until > end:
            raise OptionError(
                f"SamePeriodLastYear looks at {first} to {until}, a year before the days to "
                f"forecast, and nothing is known after {end}. Shorten the horizon from "
                f"{days:,} days to a year, or use PastRate."
            )
        if first < log.first_day:
            raise OptionError(
                f"SamePeriodLastYear needs the purchases from {first} to {until}, a year before "
                f"the days to forecast, but the log begins on {log.first_day}. Use a longer log, "
                "or LastPeriod or PastRate."
            )
        return _as_between(rfm, log, after, until)


@dataclass(frozen=True, slots=True)
class PastRate(Baseline):
    """Everyone goes on at their own rate: repeat purchases over T, times the horizon.

    Spend per purchase is the customer's own mean; of those without a repeat purchase, who are
    forecast to buy nothing, the mean over all repeat purchases. p_active is ``1 - exp(-expected
    purchases)``, as if they came at random. Nobody ever leaves, so on customers of whom many
    have left, it forecasts far too much.

    See Also
    --------
    predclv.baselines.HiatusRate : those who bought lately go on.
    predclv.baselines.MeanRate : everybody is the average.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> forecast = pc.baselines.PastRate().fit(rfm).forecast("26 weeks")
    >>> float(forecast.frame["expected_purchases"][0].round(3))
    1.002
    """

    title: ClassVar[str] = "past rate"

    def _expected(self, rfm: RFM, t: float, learned: Mapping[str, float]) -> Expected:
        purchases = _own_rate(rfm) * t
        return Expected(purchases, -np.expm1(-purchases), _own_spend(rfm, learned))


@dataclass(frozen=True, slots=True)
class HiatusRate(Baseline):
    """Those who bought lately go on at their own rate, the others are gone.

    Active is who has bought within the last ``gap`` of time. Without a gap given, it is tuned on
    the calibration period alone: its first half is known, its second to be forecast, and the gap
    is the one that best tells those who buy in the second half from those who do not (the mean of
    the two shares told rightly; of equally good gaps the shortest). Active customers are
    forecast as by `PastRate`, except that p_active is 1, and 0 for the others.

    Parameters
    ----------
    gap : str, timedelta, number or None
        Such as ``"12 weeks"``; a number is in the summary's unit. None tunes it, which needs the
        log: an RFM made by :func:`predclv.rfm_summary` or :func:`predclv.holdout_split`.

    See Also
    --------
    predclv.baselines.PastRate : everybody goes on at their own rate.
    predclv.baselines.LastPeriod : the same again.

    References
    ----------
    Wübben & von Wangenheim (2008), Journal of Marketing 72(3): managers' hiatus rule tells active
    from inactive customers about as well as Pareto/NBD does.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> fitted = pc.baselines.HiatusRate().fit(rfm)
    >>> round(fitted.learned["gap"], 1)
    25.4
    """

    gap: str | float | datetime.timedelta | None = None
    title: ClassVar[str] = "hiatus rate"

    def _learned(self, rfm: RFM) -> dict[str, float]:
        if self.gap is not None:
            return {**averages(rfm), "gap": horizon_in(self.gap, rfm.unit, "gap")}
        log, end = _log_of(rfm, self, " Or give a gap, such as HiatusRate('12 weeks').")
        return {**averages(rfm), "gap": best_gap(log, end, rfm.unit)}

    def _expected(self, rfm: RFM, t: float, learned: Mapping[str, float]) -> Expected:
        frame = rfm.frame
        since = (frame["T"] - frame["recency"]).to_numpy(np.float64)
        active = (since <= learned["gap"] * (1 + 1e-9)).astype(np.float64)
        return Expected(active * _own_rate(rfm) * t, active, _own_spend(rfm, learned))


@dataclass(frozen=True, slots=True)
class MeanRate(Baseline):
    """Everyone is the average: all repeat purchases over the time all were observed.

    Spend per purchase is the mean over all repeat purchases. p_active is ``1 - exp(-expected
    purchases)``. It ranks nobody; a model that ranks no better than this has learnt nothing of
    its customers.

    See Also
    --------
    predclv.baselines.PastRate : everybody goes on at their own rate.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> fitted = pc.baselines.MeanRate().fit(rfm)
    >>> round(fitted.learned["purchases_per_unit"] * 52, 2)
    1.33
    """

    title: ClassVar[str] = "mean rate"

    def _expected(self, rfm: RFM, t: float, learned: Mapping[str, float]) -> Expected:
        purchases = np.full(len(rfm), learned["purchases_per_unit"] * t)
        spend = np.full(len(rfm), learned["spend_per_purchase"]) if rfm.has_spend else None
        return Expected(purchases, -np.expm1(-purchases), spend)


def _as_between(rfm: RFM, log: Log, after: datetime.date, until: datetime.date) -> Expected:
    """What each customer did on the days after one and up to another."""
    found = log.purchases(after=after, until=until).set_index("customer_id")
    then = found.reindex(rfm.frame["customer_id"]).fillna(0.0)
    purchases = then["purchases"].to_numpy(np.float64)
    spend = None
    if rfm.has_spend:
        spend = then["spend"].to_numpy(np.float64) / np.maximum(purchases, 1.0)
    return Expected(purchases, (purchases > 0).astype(np.float64), spend)


def _year_before(day: datetime.date) -> datetime.date:
    """The same day of the year before; of the 29th of February the 28th."""
    if (day.month, day.day) == (2, 29):
        day -= datetime.timedelta(days=1)
    return day.replace(year=day.year - 1)


def _own_rate(rfm: RFM) -> NDArray:
    """Repeat purchases per unit of time; 0 for those who joined on the last day."""
    x, T = (rfm.frame[name].to_numpy(np.float64) for name in ("frequency", "T"))
    return np.divide(x, T, out=np.zeros_like(x), where=T > 0)


def _own_spend(rfm: RFM, learned: Mapping[str, float]) -> NDArray | None:
    if not rfm.has_spend:
        return None
    x, mean = (rfm.frame[name].to_numpy(np.float64) for name in ("frequency", "monetary_value"))
    # Fitted to customers without spend and asked about some with it: there is no average to use.
    return np.where(x > 0, mean, learned.get("spend_per_purchase", 0.0))


def _log_of(rfm: RFM, baseline: Baseline, otherwise: str = "") -> tuple[Log, datetime.date]:
    """The log of a summary and the day it is summarised to."""
    return rfm.log_for(f"{type(baseline).__name__} needs", otherwise)
