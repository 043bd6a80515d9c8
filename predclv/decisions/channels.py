"""Channels: what their customers are worth, against each other and against what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from predclv.decisions.as_html import as_html
from predclv.decisions.channel_tables import (
    ALONE,
    NO_DIFFERENCE,
    NONE,
    check_channels,
    checked_costs,
    means,
    pair_differences,
    standing,
    with_ratios,
    with_unknown,
)
from predclv.decisions.inputs import (
    basis,
    currency_of,
    forecast_frame,
    horizon_years,
    per_customer,
    warn_of_few,
)
from predclv.errors import OptionError, did_you_mean
from predclv.forecast.result import Forecast
from predclv.money import in_currency
from predclv.notices import counted
from predclv.streams import generator
from predclv.units import probability

_NOTE = (
    "The clv of existing customers is what they will still bring; what they brought already "
    "counts only where it was given as earned."
)
_COST_IS = ("per customer", "total")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Channels:
    """Channels of acquisition compared: what their customers are worth, over what they cost.

    Attributes
    ----------
    frame : DataFrame
        One row per channel, the best ratio first (without costs, the highest mean), and last a row
        ``(no channel)`` where customers have none:

        - ``channel``, ``customers``;
        - ``mean_clv``: mean per customer, of clv plus what was earned where that was given;
        - ``mean_clv_lower``, ``mean_clv_upper``: confidence interval of that mean at ``level``,
          customers taken as a sample of those the channel brings (Student's t). It does not hold
          what is unknown of the model's parameters, which all channels share;
        - ``cac``: cost of acquiring a customer;
        - ``ratio``, ``ratio_lower``, ``ratio_upper``: the three above over ``cac``;
        - ``payback_months``: ``cac`` over the forecast's mean profit per month, which is taken to
          go on beyond the horizon, and without what was earned already, which ``ratio`` has where
          it was given; left out of a forecast of the whole lifetime, which has no profit per month;
        - ``verdict``: the ratio in words; without costs, which channels it is really worth more
          or less than.

        Without costs there are no cac, ratios and payback. Where there is no channel there is no
        cost: they are NaN, and the verdict says why.
    differences : DataFrame
        One row per pair of channels: channel, other (in the order of ``frame``), ``difference`` of
        their mean clv, ``difference_lower``, ``difference_upper`` and ``verdict``. The intervals
        hold all together at ``difference_level``, however many channels there are: of channels
        that mean nothing, all differences come out as "no difference" in that share of cases.
    level : float
        Of the intervals of means and ratios.
    basis : str
        The horizon, in words.
    difference_level : float
    currency : str or None
        What amounts are shown in.

    See Also
    --------
    predclv.economics.by_channel : value and cost by channel.
    predclv.plots.clv_to_cac : value over cost by channel.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> forecast = fitted.forecast("2 years", margin=0.3, seed=1)
    >>> channel = {i: "search" if i % 3 else "partner" for i in range(1, 2358)}
    >>> found = pc.economics.by_channel(forecast, channel, {"search": 3.0, "partner": 9.0})
    >>> print(found.headline())
    2 channels, 2,357 customers, clv over 2 years after 1998-06-30; intervals at 90% are of
    the mean over customers; no difference between channels that chance would not make (at
    99%, all pairs compared at once)
    """

    frame: pd.DataFrame
    level: float
    basis: str
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    difference_level: float = 0.99
    currency: str | None = None

    @property
    def has_costs(self) -> bool:
        """Whether there are costs, and so ratios."""
        return "ratio" in self.frame

    def headline(self) -> str:
        """The comparison in a sentence."""
        known = self.frame[self.frame["channel"] != NONE]
        customers = int(known["customers"].sum())
        return (
            f"{counted(len(known), 'channel')}, {counted(customers, 'customer')}, "
            f"{in_currency('clv', self.currency)} over "
            f"{self.basis}; intervals at {self.level:.0%} are of the mean over customers"
            f"{self._differences_told()}"
        )

    def _differences_told(self) -> str:
        """How many of the differences are more than chance."""
        pairs = len(self.differences)
        if not pairs:
            return ""
        real = int((~self.differences["verdict"].isin([NO_DIFFERENCE, ALONE])).sum())
        sure = f"at {self.difference_level:.0%}, all pairs compared at once"
        if not real:
            return f"; no difference between channels that chance would not make ({sure})"
        return f"; {real:,} of {counted(pairs, 'difference')} between channels real ({sure})"

    def __repr__(self) -> str:
        parts = [self.headline(), self.frame.round(2).to_string(index=False)]
        if not self.has_costs and len(self.differences):
            parts.append(self.differences.round(2).to_string(index=False, max_rows=20))
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        tables = [self.frame]
        if not self.has_costs and len(self.differences):
            tables.append(self.differences)
        shown = as_html(
            self.headline(), *tables, na_rep="-", float_format="{:,.2f}".format, max_rows=20,
            formatters={"customers": "{:,}".format},
        )  # fmt: skip
        return f"{shown}<p>{_NOTE}</p>"


def by_channel(
    forecast: Forecast | pd.DataFrame,
    channels: Any,
    costs: Mapping[Any, float] | pd.Series | None = None,
    cost_is: str = "per customer",
    earned: Any = None,
    level: float = 0.9,
    difference_level: float = 0.99,
    seed: int | None = 0,
) -> Channels:
    """Compare channels by what their customers are worth, and over what they cost.

    Are the customers of one channel worth more than those of another, or would chance alone make
    such a difference? That is answered without costs. With costs each channel has a ratio of value
    to cost besides.

    The clv of a forecast is what *existing* customers will still bring. Held against the cost of
    acquiring them it understates old customers, whose best time is past: give what they brought so
    far as ``earned``, or value new customers with `new_customer` and divide with `clv_to_cac`. A
    model fitted to all customers draws those of every channel towards the mean of all, so real
    differences come out smaller than they are.

    Parameters
    ----------
    forecast : Forecast or DataFrame
        With spend, and with ``margin`` set: costs are paid out of profit. Of a forecast's frame
        alone the horizon is not known, so there is no payback.
    channels : Series, mapping or DataFrame
        Channel by customer_id; a frame has columns customer_id and channel.
    costs : mapping or Series, optional
        Cost by channel, of every channel and no other; positive. Without them the channels are
        compared with each other.
    cost_is : str
        ``"per customer"``, or ``"total"``: what was spent on a channel, divided by its customers
        in the forecast.
    earned : Series, mapping or DataFrame, optional
        Profit so far by customer_id; a frame has columns customer_id and profit, as
        ``pc.historical.observed``. Customers who are not in it have earned nothing.
    level : float
        Of the intervals of mean value, each for itself.
    difference_level : float
        Of the intervals of all differences together. A difference is called real where its own
        does not hold 0: with the default of 0.99, channels drawn by lot come out with a real
        difference anywhere among them once in a hundred times.
    seed : int or None
        Of the deals that show what chance makes; see
        :func:`predclv.decisions.differences.differences`.

    Returns
    -------
    Channels

    Raises
    ------
    DataError
        If a channel has no cost or a cost no channel, a cost is zero, negative or not finite, or
        no customer of ``channels`` is in the forecast; the message names them.
    OptionError
        If ``cost_is`` or a level makes no sense.

    Warns
    -----
    DataWarning
        If customers have no channel, or customers with one are not in the forecast.
    AssumptionWarning
        If a channel has fewer than 100 customers.

    See Also
    --------
    predclv.economics.Channels : channels compared.
    predclv.economics.budget : what each channel may cost.

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
    >>> found.differences[["channel", "other", "difference", "verdict"]].round(2)
      channel    other  difference        verdict
    0  search  partner       -0.62  no difference
    """
    frame = forecast_frame(forecast, "by_channel", "clv")
    level = probability(level, "level")
    difference_level = probability(difference_level, "difference_level")
    if cost_is not in _COST_IS:
        raise OptionError(
            f"cost_is must be {' or '.join(map(repr, _COST_IS))}; got {cost_is!r}."
            f"{did_you_mean(cost_is, _COST_IS)}"
        )
    if costs is None and cost_is != _COST_IS[0]:
        raise OptionError("cost_is belongs to costs, and there are none.")
    ids = frame["customer_id"]
    channel = per_customer(channels, ids, "channels", "channel")
    check_channels(channel)
    cost = None if costs is None else checked_costs(costs, channel.dropna().unique())
    clv = frame["clv"].to_numpy(float)
    value = clv.copy()
    if earned is not None:
        value += per_customer(earned, ids, "earned", "profit", absent=0.0).to_numpy()
    table = means(channel, clv, value, level)
    if cost is not None:
        table = with_ratios(table, cost, cost_is, horizon_years(forecast))
    by = "mean_clv" if cost is None else "ratio"
    table = table.drop(columns="clv").sort_values(by, ascending=False, kind="stable")
    warn_of_few(dict(table["customers"]), "Channels")
    rng = generator(seed)
    pairs = pair_differences(channel, value, list(table.index), difference_level, rng)
    if cost is None:
        table["verdict"] = [standing(name, pairs) for name in table.index]
    found = table.rename_axis("channel").reset_index()
    why = "no channel known" if cost is None else "no channel known, so no cost to compare with"
    found = with_unknown(found, channel, clv, value, level, why)
    return Channels(found, level, basis(forecast), pairs, difference_level, currency_of(forecast))
