"""Several streams of income from one customer: a device once, a subscription, consumables."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from predclv.errors import OptionError, some
from predclv.historical import inputs
from predclv.units import days_per, force_of_interest

_MOST_PAYMENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of income: what is paid, how often, from when on, and who drops out.

    The first payment falls at ``start``, the next ones every ``1 / per_year`` years after it.

    Attributes
    ----------
    amount : float
        Spend per payment, in money; at least 0.
    per_year : float or None
        Payments a year, above 0; None is a single payment at ``start``, such as a device sold.
    churn : float
        *Annual* share of customers who give this stream up: a payment y years after ``start`` is
        still made with probability ``(1 - churn) ** y``. From 0, the default, where everybody
        stays to the horizon, to 1, where only the first payment is sure. For 2% a month write
        ``1 - 0.98 ** 12``.
    margin : float
        Share of the amount that is profit.
    start : float
        Years from now to the first payment; at least 0.

    Raises
    ------
    DataError, OptionError
        If a value makes no sense.

    See Also
    --------
    predclv.historical.hybrid_clv : streams added up.

    Examples
    --------
    >>> Stream(amount=9.99, per_year=12, churn=0.2, margin=0.8)
    Stream(amount=9.99, per_year=12, churn=0.2, margin=0.8, start=0.0)
    """

    amount: float
    per_year: float | None = None
    churn: float = 0.0
    margin: float = 1.0
    start: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if (value is not None or field.name != "per_year") and np.ndim(value):
                raise OptionError(f"{field.name} of a stream must be a number; got {value!r:.80}.")
        inputs.not_negative("amount", self.amount)
        inputs.not_negative("start", self.start)
        inputs.margin(self.margin)
        if self.per_year is not None and not inputs.finite("per_year", self.per_year) > 0:
            raise OptionError(
                f"per_year must be above 0, or None for a single payment; got {self.per_year:g}."
            )
        if self.churn != 0:
            inputs.churn("churn", self.churn)

    def payments(self, horizon_years: float) -> np.ndarray:
        """When payments fall, in years from now and before the horizon, shape (n_payments,)."""
        length = horizon_years - self.start
        if length <= 0:
            return np.empty(0)
        if self.per_year is None:
            return np.array([float(self.start)])
        number = length * self.per_year
        if number > _MOST_PAYMENTS:
            raise OptionError(
                f"{self.per_year:g} payments a year over {length:g} years are too many to add up. "
                "Is the amount one per year?"
            )
        # 1/12 + ... + 1/12 may be a little less than 1: the payment at the horizon is not counted.
        return self.start + np.arange(math.ceil(number - 1e-9)) / self.per_year

    def value(self, horizon_years: float, delta: float) -> float:
        """Expected profit before the horizon, discounted at the continuous annual rate ``delta``.

        Parameters
        ----------
        horizon_years : float
        delta : float

        Returns
        -------
        float
            Money of today.
        """
        when = self.payments(horizon_years)
        stays = (1.0 - self.churn) ** (when - self.start)
        return float(self.amount * self.margin * (stays * np.exp(-delta * when)).sum())


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class HybridCLV:
    """What a customer with several streams is worth.

    Attributes
    ----------
    total : float
        Money of today.
    parts : Series
        Each stream's part of it, in money, by name.
    horizon_years, discount_rate : float
        What it was asked for with; the rate is annual and effective.
    lower, upper, level : float or None
        Where the average customer's value lies, at the level of the forecasts among the streams:
        chance and parameters of each, the streams independent of each other. None without forecast.

    See Also
    --------
    predclv.historical.hybrid_clv : streams added up.
    predclv.historical.Stream : one stream of income.

    Examples
    --------
    >>> import predclv as pc
    >>> device = pc.historical.Stream(amount=60, margin=0.2)
    >>> refills = pc.historical.Stream(9, per_year=12, churn=0.3, margin=0.5)
    >>> streams = {"device": device, "refills": refills}
    >>> worth = pc.historical.hybrid_clv(streams, 3, discount_rate=0.1)
    >>> round(worth.total, 2)
    102.37
    """

    total: float
    parts: pd.Series
    horizon_years: float
    discount_rate: float
    lower: float | None = None
    upper: float | None = None
    level: float | None = None

    def __repr__(self) -> str:
        parts = ", ".join(f"{name} {value:,.2f}" for name, value in self.parts.items())
        between = ""
        if self.level is not None:
            between = f" ({self.level:.0%}: {self.lower:,.2f} to {self.upper:,.2f})"
        return (
            f"HybridCLV: {self.total:,.2f}{between} over {self.horizon_years:g} years at "
            f"{self.discount_rate:.0%} a year ({parts})"
        )

    def _repr_html_(self) -> str:
        share = self.parts / self.total if self.total else self.parts * 0.0
        table = pd.DataFrame({"value": self.parts.map("{:,.2f}".format), "share": share})
        shown = table.to_html(border=0, formatters={"share": "{:.0%}".format})
        return f"<p><b>{escape(repr(self).partition(' (')[0])}</b></p>{shown}"


def hybrid_clv(streams: Any, horizon_years: float, discount_rate: float = 0.10) -> HybridCLV:
    """Present value of all that a customer pays, stream by stream.

    *Assumes* that streams are given up independently of each other, each at one annual churn.
    *Misleads* where they go together: who gives up the subscription buys no consumables either.
    Give such streams the same churn, or a horizon of the shorter.

    Parameters
    ----------
    streams : mapping of str to Stream or forecast, or sequence of Stream
        A sequence is numbered from 1. A forecast, such as a ``ContractModel``'s of subscriptions or
        a ``CLVModel``'s of consumables, counts with the clv of its average customer; it must be of
        the same horizon and discount rate, its margin is its own.
    horizon_years : float
        Payments at the horizon or later are not counted; positive and finite.
    discount_rate : float
        Annual and effective; a payment y years from now is worth ``(1 + rate) ** -y``. 0.10 is
        10%.

    Returns
    -------
    HybridCLV
        ``.total`` and ``.parts``, a Series.

    Raises
    ------
    OptionError
        If there is no stream, something is none, or horizon or rate make no sense.

    See Also
    --------
    predclv.historical.Stream : one stream of income.
    predclv.historical.HybridCLV : several streams' value.

    References
    ----------
    Each stream is case 1 of Berger & Nasr (1998), Journal of Interactive Marketing 12(1), with
    payments in advance.

    Examples
    --------
    >>> razor = {
    ...     "device": Stream(200, margin=0.25),
    ...     "subscription": Stream(100, per_year=1, churn=0.2, margin=0.5),
    ... }
    >>> hybrid_clv(razor, horizon_years=2, discount_rate=0.10)
    HybridCLV: 136.36 over 2 years at 10% a year (device 50.00, subscription 86.36)
    """
    if isinstance(streams, Stream):
        streams = [streams]
    if not isinstance(streams, Mapping):
        streams = {f"stream {place}": stream for place, stream in enumerate(streams, start=1)}
    if not streams:
        raise OptionError("There is no stream: give a mapping such as {'device': Stream(200)}.")
    foreign = [
        name
        for name, stream in streams.items()
        if not isinstance(stream, Stream) and not _is_forecast(stream)
    ]
    if foreign:
        raise OptionError(
            "Streams must be of the class Stream, or forecasts with spend; these are not: "
            f"{some(foreign)}."
        )
    if np.ndim(horizon_years):
        raise OptionError(f"horizon_years must be a number; got {horizon_years!r:.60}.")
    years = float(inputs.finite("horizon_years", horizon_years))
    if years <= 0:
        raise OptionError(f"horizon_years must be positive; got {years:g}.")
    delta = force_of_interest(discount_rate, "year")
    values, below, above, levels = {}, 0.0, 0.0, set()
    for name, stream in streams.items():
        if isinstance(stream, Stream):
            values[name] = stream.value(years, delta)
            continue
        value, lower, upper = _average(name, stream, years, float(discount_rate))
        values[name] = value
        if stream.terms.level is not None:
            below, above = below + (value - lower) ** 2, above + (upper - value) ** 2
            levels.add(stream.terms.level)
    parts = pd.Series(values, name="value", dtype=float)
    total = float(parts.sum())
    if len(levels) > 1:
        raise OptionError(f"The forecasts have several levels: {some(sorted(levels))}.")
    if not levels:
        return HybridCLV(total, parts, years, float(discount_rate))
    lower, upper = total - math.sqrt(below), total + math.sqrt(above)
    return HybridCLV(total, parts, years, float(discount_rate), lower, upper, levels.pop())


def _is_forecast(stream: Any) -> bool:
    """Whether it has totals and terms, as forecasts of every kind have."""
    return hasattr(stream, "terms") and callable(getattr(stream, "total", None))


def _average(name: object, forecast: Any, years: float, rate: float) -> tuple[float, float, float]:
    """The clv of a forecast's average customer, with its bounds."""
    terms = forecast.terms
    ahead = math.inf if terms.horizon is None else terms.horizon * days_per(terms.unit)
    if abs(ahead - years * days_per("year")) > 0.02 * years * days_per("year"):
        raise OptionError(
            f"The forecast {name!r} looks {terms.length} ahead, and horizon_years={years:g}: "
            "forecast both over the same time."
        )
    if abs(terms.discount_rate - rate) > 1e-9:
        raise OptionError(
            f"The forecast {name!r} is discounted at {terms.discount_rate:.2%} a year, and "
            f"discount_rate={rate:.2%}."
        )
    total = forecast.total()
    if "clv" not in total:
        raise OptionError(f"The forecast {name!r} has no clv: it was made without spend or price.")
    bounds = [total.get(column, math.nan) for column in ("clv", "clv_lower", "clv_upper")]
    value, lower, upper = (float(bound) / len(forecast) for bound in bounds)
    return value, lower, upper
