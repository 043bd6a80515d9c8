"""Channels: what their customers are worth against what they cost, and what they may cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from predclv.data.notices import counted, warn
from predclv.decisions.inputs import (
    basis,
    forecast_frame,
    horizon_years,
    per_customer,
    warn_of_few,
)
from predclv.decisions.ratios import payback, verdict
from predclv.errors import DataError, DataWarning, OptionError, did_you_mean, some
from predclv.forecast.result import Forecast
from predclv.units import probability

NONE = "(no channel)"
_NOTE = (
    "The clv of existing customers is what they will still bring; what they brought already "
    "counts only where it was given as earned."
)
_COST_IS = ("per customer", "total")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Channels:
    """Channels of acquisition compared.

    Attributes
    ----------
    frame : DataFrame
        One row per channel, the best ratio first, and last a row ``(no channel)`` where customers
        have none:

        - ``channel``, ``customers``;
        - ``mean_clv``: mean per customer, of clv plus what was earned where that was given;
        - ``mean_clv_lower``, ``mean_clv_upper``: confidence interval of that mean at ``level``,
          customers taken as a sample of those the channel brings (Student's t). It does not hold
          what is unknown of the model's parameters, which all channels share;
        - ``cac``: cost of acquiring a customer;
        - ``ratio``, ``ratio_lower``, ``ratio_upper``: the three above over ``cac``;
        - ``payback_months``: ``cac`` over the forecast's mean profit per month, which is taken to
          go on beyond the horizon; left out of a forecast of the whole lifetime, which has no
          profit per month;
        - ``verdict``.

        Where there is no channel there is no cost: cac, ratios and payback are NaN, and the
        verdict says why.
    level : float
        Of the intervals.
    basis : str
        The horizon, in words.
    """

    frame: pd.DataFrame
    level: float
    basis: str

    def headline(self) -> str:
        """The comparison in a sentence."""
        known = self.frame[self.frame["channel"] != NONE]
        customers = int(known["customers"].sum())
        return (
            f"{counted(len(known), 'channel')}, {counted(customers, 'customer')}, clv over "
            f"{self.basis}; intervals at {self.level:.0%} are of the mean over customers"
        )

    def __repr__(self) -> str:
        return f"{self.headline()}\n{self.frame.round(2).to_string(index=False)}"

    def _repr_html_(self) -> str:
        shown = self.frame.to_html(
            index=False, border=0, na_rep="-", float_format="{:,.2f}".format,
            formatters={"customers": "{:,}".format},
        )  # fmt: skip
        return f"<p><b>{escape(self.headline())}</b></p>{shown}<p>{_NOTE}</p>"


def by_channel(
    forecast: Forecast,
    channels: Any,
    costs: Mapping[Any, float] | pd.Series,
    cost_is: str = "per customer",
    earned: Any = None,
    level: float = 0.9,
) -> Channels:
    """Compare channels by what their customers are worth over what they cost.

    The clv of a forecast is what *existing* customers will still bring. Held against the cost of
    acquiring them it understates old customers, whose best time is past: give what they brought so
    far as ``earned``, or value new customers with `new_customer` and divide with `clv_to_cac`.

    Parameters
    ----------
    forecast : Forecast
        With spend, and with ``margin`` set: costs are paid out of profit.
    channels : Series, mapping or DataFrame
        Channel by customer_id; a frame has columns customer_id and channel.
    costs : mapping or Series
        Cost by channel, of every channel and no other; positive.
    cost_is : str
        ``"per customer"``, or ``"total"``: what was spent on a channel, divided by its customers
        in the forecast.
    earned : Series, mapping or DataFrame, optional
        Profit so far by customer_id; a frame has columns customer_id and profit, as
        ``pc.historical.observed``. Customers who are not in it have earned nothing.
    level : float
        Of the intervals of mean value.

    Returns
    -------
    Channels

    Raises
    ------
    DataError
        If a channel has no cost or a cost no channel, a cost is zero, negative or not finite, or
        no customer of ``channels`` is in the forecast; the message names them.
    OptionError
        If ``cost_is`` or ``level`` makes no sense.

    Warns
    -----
    DataWarning
        If customers have no channel, or customers with one are not in the forecast.
    AssumptionWarning
        If a channel has fewer than 100 customers.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> forecast = fitted.forecast("2 years", margin=0.3, level=None)
    >>> channel = {i: "search" if i % 3 else "partner" for i in range(1, 2358)}
    >>> found = by_channel(forecast, channel, {"search": 3.0, "partner": 9.0})
    >>> found.frame[["channel", "customers", "cac", "ratio", "payback_months"]].round(2)
       channel  customers  cac  ratio  payback_months
    0   search       1572  3.0   5.04            4.76
    1  partner        785  9.0   1.75           13.73
    """
    frame = forecast_frame(forecast, "by_channel", "clv")
    level = probability(level, "level")
    if cost_is not in _COST_IS:
        raise OptionError(
            f"cost_is must be {' or '.join(map(repr, _COST_IS))}; got {cost_is!r}."
            f"{did_you_mean(cost_is, _COST_IS)}"
        )
    ids = frame["customer_id"]
    channel = per_customer(channels, ids, "channels", "channel")
    cost = _checked_costs(costs, channel.dropna().unique())
    clv = frame["clv"].to_numpy(float)
    value = clv.copy()
    if earned is not None:
        value += per_customer(earned, ids, "earned", "profit", absent=0.0).to_numpy()
    table = _means(channel, clv, value, level)
    if cost_is == "total":
        cost = cost / table["customers"].reindex(cost.index)
    table["cac"] = cost.reindex(table.index)
    for suffix in ("", "_lower", "_upper"):
        table[f"ratio{suffix}"] = table[f"mean_clv{suffix}"] / table["cac"]
    years = horizon_years(forecast)
    if years is not None:
        monthly = table["clv"] / (12.0 * years)
        table["payback_months"] = payback(table["cac"], monthly)
    table["verdict"] = [
        verdict(*row) for row in table[["ratio", "ratio_lower", "ratio_upper"]].to_numpy()
    ]
    table = table.drop(columns="clv").sort_values("ratio", ascending=False, kind="stable")
    warn_of_few(dict(table["customers"]), "Channels")
    found = table.rename_axis("channel").reset_index()
    return Channels(_with_unknown(found, channel, clv, value, level), level, basis(forecast))


def _checked_costs(costs: Any, channels: Any) -> pd.Series:
    """Positive costs, one for each channel and no other."""
    if not isinstance(costs, (Mapping, pd.Series)):
        raise DataError(
            f"costs must be a mapping or Series from channel to cost; got {type(costs).__name__}."
        )
    if isinstance(costs, pd.Series) and costs.index.has_duplicates:
        twice = costs.index[costs.index.duplicated()].unique()
        raise DataError(f"A channel has more than one cost: {some(twice)}.")
    if not len(channels):
        raise DataError("No customer of the forecast has a channel.")
    if NONE in channels:
        raise DataError(f"{NONE!r} is the row of customers without a channel; name it otherwise.")
    given = dict(costs)
    missing = [name for name in channels if name not in given]
    if missing:
        raise DataError(
            f"{counted(len(missing), 'channel has', 'channels have')} no cost: "
            f"{some(map(repr, missing))}. There are costs of {some(given) or 'none'}."
            f"{did_you_mean(missing[0], given)}"
        )
    strangers = [name for name in given if name not in set(channels)]
    if strangers:
        raise DataError(
            f"{counted(len(strangers), 'cost is', 'costs are')} of a channel that no customer of "
            f"the forecast came by: {some(strangers)}. The channels are {some(channels, 20)}."
            f"{did_you_mean(strangers[0], channels)}"
        )
    try:
        cost = pd.Series(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"A cost is no number: {error}.") from error
    odd = cost[~(np.isfinite(cost) & (cost > 0))]
    if len(odd):
        told = some(f"{name} ({number:g})" for name, number in odd.items())
        raise DataError(
            f"Costs must be positive and finite; these are not: {told}. A channel that costs "
            "nothing has no ratio: leave its customers without a channel, or give what it really "
            "costs."
        )
    return cost


def _means(channel: pd.Series, clv: np.ndarray, value: np.ndarray, level: float) -> pd.DataFrame:
    """Customers and mean values by channel, with the interval of the mean."""
    groups = pd.DataFrame({"clv": clv, "value": value}).groupby(channel, sort=True, observed=True)
    n = groups.size()
    mean = groups["value"].mean()
    reach = np.full(len(n), np.inf)
    several = (n > 1).to_numpy()
    spread = groups["value"].std(ddof=1).to_numpy()[several] / np.sqrt(n.to_numpy()[several])
    reach[several] = stdtrit(n.to_numpy()[several] - 1.0, 0.5 + 0.5 * level) * spread
    return pd.DataFrame(
        {
            "customers": n,
            "clv": groups["clv"].mean(),
            "mean_clv": mean,
            "mean_clv_lower": mean - reach,
            "mean_clv_upper": mean + reach,
        }
    )


def _with_unknown(
    found: pd.DataFrame, channel: pd.Series, clv: np.ndarray, value: np.ndarray, level: float
) -> pd.DataFrame:
    """The table with a last row for customers without a channel, where there are any."""
    without = channel.isna()
    if not without.any():
        return found
    number = int(without.sum())
    warn(
        f"{counted(number, 'customer has', 'customers have')} no channel; they are counted in the "
        f"row {NONE!r}.",
        DataWarning,
    )
    everyone = pd.Series(NONE, index=channel.index).where(without)
    row = _means(everyone, clv, value, level).drop(columns="clv").rename_axis("channel")
    row = row.reset_index().assign(verdict="no channel known, so no cost to compare with")
    return pd.concat([found, row], ignore_index=True)[list(found.columns)]


def budget(channels: Channels, target: float = 3.0) -> pd.DataFrame:
    """What each channel may cost, up to a target ratio of value to cost.

    ``max_cac = mean_clv / target``, and that for as many customers as the channel brought. It takes
    the next customers to be like the last: the more is spent on a channel, the less they are.

    Parameters
    ----------
    channels : Channels
        What `by_channel` returned.
    target : float
        The lowest acceptable ratio, positive; 1 is break-even.

    Returns
    -------
    DataFrame
        One row per channel with a cost, in their order: channel, customers, cac, max_cac, spent
        (``cac * customers``), budget (``max_cac * customers``) and room (the difference; negative
        where the channel costs too much already). Customers without a channel are not in it.

    Raises
    ------
    DataError
        If ``channels`` is something else.
    OptionError
        If the target is not positive and finite.

    Examples
    --------
    >>> frame = pd.DataFrame({"channel": ["search"], "customers": [200], "mean_clv": [90.0],
    ...                       "cac": [20.0]})
    >>> budget(Channels(frame, 0.9, "52 weeks"), target=3)
      channel  customers   cac  max_cac   spent  budget    room
    0  search        200  20.0     30.0  4000.0  6000.0  2000.0
    """
    if not isinstance(channels, Channels):
        raise DataError(f"budget wants what by_channel returned; got {type(channels).__name__}.")
    if isinstance(target, bool) or not isinstance(target, (int, float, np.number)):
        raise OptionError(f"target must be a ratio such as 3.0; got {target!r}.")
    if not 0 < target < np.inf:
        raise OptionError(f"target must be positive and finite; got {target!r}.")
    known = channels.frame[channels.frame["channel"] != NONE].reset_index(drop=True)
    found = known[["channel", "customers", "cac"]].copy()
    found["max_cac"] = known["mean_clv"].clip(lower=0.0) / float(target)
    found["spent"] = found["cac"] * found["customers"]
    found["budget"] = found["max_cac"] * found["customers"]
    found["room"] = found["budget"] - found["spent"]
    return found
