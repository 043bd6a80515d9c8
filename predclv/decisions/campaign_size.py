"""How large a campaign must be: the smallest effect that it can show, known before it starts."""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from predclv.decisions.adjusted import adjusted_difference, detectable, power_of
from predclv.decisions.as_html import as_html
from predclv.decisions.campaign_numbers import KNOWN, days_of, fitted_before, numbers_of
from predclv.errors import DataError, OptionError, did_you_mean
from predclv.historical.intake import opened
from predclv.logs.options import LogOptions
from predclv.summaries.rfm import RFM
from predclv.summaries.summarise import summary_of
from predclv.units import days_per, horizon_in, probability


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CampaignSize:
    """The smallest effect that a campaign can show.

    Attributes
    ----------
    frame : DataFrame
        One row per number of customers: customers (both groups), treated, control, ``detectable``
        (the smallest true difference per customer that is found with probability ``power``),
        ``detectable_share`` (of the mean without a campaign), ``plain`` (the same without the
        forecast as covariate).
    measure : str
    mean : float
        Per customer within the length, without a campaign.
    sd, sd_left : float
        Of a customer, and what the forecast leaves of it.
    customers : int
        With a history at the end of the log.
    share, level, power : float
    days : int
        Length of the campaign.

    See Also
    --------
    predclv.campaign_size : the smallest effect that can be seen.
    predclv.plots.campaign_size : effects that can be seen.

    Examples
    --------
    >>> import predclv as pc
    >>> size = pc.campaign_size(pc.datasets.load_cdnow(), "4 weeks")
    >>> print(size.headline())
    With 2,357 customers, 50% of them treated, a campaign of 28 days finds a change of 1.1
    revenue per customer (49% of 2.23) with probability 80% at 90%; the forecast takes 14% off
    the variance
    """

    frame: pd.DataFrame
    measure: str
    mean: float
    sd: float
    sd_left: float
    customers: int
    share: float
    level: float
    power: float
    days: int

    def detectable(self, customers: int | None = None) -> float:
        """The smallest effect found with probability ``power``, with so many customers."""
        return detectable(self._error(customers), self.level, self.power)

    def power_for(self, effect: float, customers: int | None = None) -> float:
        """Probability that a true effect, per customer, is found."""
        return power_of(_effect(effect), self._error(customers), self.level)

    def needed(self, effect: float) -> int:
        """Customers needed, both groups, to find an effect with probability ``power``."""
        one = detectable(self._error(1), self.level, self.power)
        return int(np.ceil((one / abs(_effect(effect))) ** 2))

    def _error(self, customers: int | None) -> float:
        n = self.customers if customers is None else customers
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise OptionError(f"customers must be a whole number from 1 up; got {customers!r}.")
        return _error(self.sd_left, int(n), self.share)

    def headline(self) -> str:
        """The smallest effect in a sentence."""
        last = self.frame.iloc[-1]
        saved = 1.0 - (self.sd_left / self.sd) ** 2 if self.sd > 0 else 0.0
        return (
            f"With {last['customers']:,.0f} customers, {self.share:.0%} of them treated, a "
            f"campaign of {self.days} days finds a change of {last['detectable']:,.3g} "
            f"{self.measure} per customer ({last['detectable_share']:.0%} of {self.mean:,.3g}) "
            f"with probability {self.power:.0%} at {self.level:.0%}; the forecast takes "
            f"{saved:.0%} off the variance"
        )

    def __repr__(self) -> str:
        return f"{self.headline()}.\n{self.frame.round(4).to_string(index=False)}"

    def _repr_html_(self) -> str:
        return as_html(f"{self.headline()}.", self.frame, float_format="{:,.4g}".format)


def campaign_size(
    log: Any,
    length: Any = "4 weeks",
    measure: str = "revenue",
    share: float = 0.5,
    power: float = 0.8,
    *,
    level: float = 0.9,
    sizes: Any = None,
    model: Any = None,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    observation_end: str | datetime.date | None = None,
    unit: str = "week",
    refunds: str = "net",
    timezone: str | None = None,
) -> CampaignSize:
    """The smallest effect that a campaign can show, before anybody is treated.

    The last days of the log, as many as the campaign will have, are its rehearsal: they are
    forecast from what was known before, and what customers then did shows how far they differ, and
    how much of that was known. With fewer customers than it takes, a campaign that works looks like
    one that does not.

    Parameters
    ----------
    log : frame, relation, path or RFM
        As in `rfm_summary`.
    length : str, timedelta or number
        Of the campaign.
    measure : str
        purchases, revenue or active.
    share : float
        Of customers who will be treated; one half needs the fewest.
    power : float
        Probability with which the effect is to be found.
    level : float
        Of the interval that must leave out 0.
    sizes : list of int, optional
        Numbers of customers to show. Default: from 500 up to all.
    model : CLVModel, optional
    customer_id, date, amount, observation_end, unit, refunds, timezone
        As in `rfm_summary`.

    Returns
    -------
    CampaignSize

    Raises
    ------
    DataError
        If there are no amounts and revenue is asked for, or nobody has a history.
    OptionError
        If the log is not longer than the campaign, or an option makes no sense.

    See Also
    --------
    predclv.CampaignSize : effects by number of customers.
    predclv.campaign_effect : what a campaign changed.

    Examples
    --------
    >>> import predclv as pc
    >>> size = campaign_size(pc.datasets.load_cdnow(), "13 weeks", measure="purchases")
    >>> round(size.detectable(), 3), size.needed(0.1)
    (0.059, 814)
    """
    if measure not in KNOWN:
        raise OptionError(
            f"measure must be one of {', '.join(KNOWN)}; got {measure!r}."
            f"{did_you_mean(measure, KNOWN)}"
        )
    share, power = probability(share, "share"), probability(power, "power")
    level = probability(level, "level")
    days_per(unit)
    options = LogOptions(
        customer_id=customer_id, date=date, amount=amount, refunds=refunds, timezone=timezone
    )
    source, observed = opened(log, options, observation_end)
    if measure == "revenue" and not source.has_spend:
        raise DataError("The log has no amounts, so there is no revenue: measure='purchases'.")
    unit = log.unit if isinstance(log, RFM) else unit
    several = max(round(horizon_in(length, unit, "length") * days_per(unit)), 1)
    room = (observed - source.first_day).days
    if several > room // 2:
        raise OptionError(
            f"The log has {room} days, too few to rehearse a campaign of {several} with a history "
            f"before it. Try a length of {max(room // 4, 1)} days."
        )
    days = days_of(source, observed, observed - datetime.timedelta(days=several - 1), observed)
    rfm, _ = summary_of(source, days.before, unit)
    if len(rfm) < 4:
        raise DataError(f"Only {len(rfm)} customers bought before {days.start}.")
    fitted = fitted_before(model, rfm, source.has_spend)
    numbers = numbers_of(source, rfm, fitted, days, np.arange(len(rfm)))
    value = numbers.frame[measure].to_numpy(float)
    z = numbers.forecast[KNOWN[measure]].to_numpy(float)
    halves = np.arange(value.size) % 2 == 0
    ratio = adjusted_difference(value, halves, z).variance_ratio
    sd = float(value.std(ddof=1))
    left = sd * float(np.sqrt(ratio))
    everybody = len(summary_of(source.without_covariates, observed, unit)[0])
    mean = float(value.mean())
    rows = []
    for size in _sizes(sizes, everybody):
        found = detectable(_error(left, size, share), level, power)
        rows.append(
            {
                "customers": size,
                "treated": round(size * share),
                "control": size - round(size * share),
                "detectable": found,
                "detectable_share": found / mean if mean > 0 else np.nan,
                "plain": detectable(_error(sd, size, share), level, power),
            }
        )
    table = pd.DataFrame(rows)
    return CampaignSize(table, measure, mean, sd, left, everybody, share, level, power, several)


def _sizes(sizes: Any, everybody: int) -> list[int]:
    if sizes is None:
        steps = [500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 1_000_000]
        return [*(step for step in steps if step < 0.9 * everybody), everybody]
    found = list(sizes)
    if not found or any(
        isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 4 for n in found
    ):
        raise OptionError(f"sizes must be whole numbers from 4 up; got {sizes!r}.")
    return sorted(int(n) for n in found)


def _error(sd: float, customers: int, share: float) -> float:
    return sd / np.sqrt(customers * share * (1.0 - share))


def _effect(effect: float) -> float:
    if isinstance(effect, bool) or not isinstance(effect, (int, float, np.number)):
        raise OptionError(f"effect must be a number, a change per customer; got {effect!r}.")
    if not np.isfinite(effect) or effect == 0:
        raise OptionError(f"effect must be finite and not 0; got {effect!r}.")
    return float(effect)
