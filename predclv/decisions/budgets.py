"""Budgets: what each channel may cost, as far as that is known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from predclv.decisions.channel_tables import NO_DIFFERENCE, NONE
from predclv.decisions.channels import Channels
from predclv.decisions.new_customer import NewCustomer
from predclv.decisions.newcomer_budget import newcomer_budget
from predclv.errors import DataError, OptionError


def budget(
    channels: Channels | Mapping[Any, NewCustomer],
    target: float = 3.0,
    costs: Any = None,
    customers: Any = None,
) -> pd.DataFrame:
    """What each channel may cost, up to a target ratio of value to cost.

    ``max_cac = mean_clv / target``, and that for as many customers as the channel brought. It takes
    the next customers to be like the last: the more is spent on a channel, the less they are.

    Advice is given only where something is known: a ratio whose interval lies on one side of the
    target, or without costs a real difference between channels.

    Parameters
    ----------
    channels : Channels, or mapping from channel to NewCustomer
        What `by_channel` returned; or what a newcomer of each channel is worth, `new_customer` of
        a fit to each channel's customers, which is what the next customers will be like.
    target : float
        The lowest acceptable ratio, positive; 1 is break-even.

    costs : mapping or Series, optional
        With newcomers: cost of acquiring a customer, by channel.
    customers : mapping or Series, optional
        With newcomers: how many customers each channel can bring.

    Returns
    -------
    DataFrame
        Of newcomers: channel, value, value_lower, value_upper, cac, ratio, ratio_lower,
        ratio_upper, safe_cac and max_cac (the lower bound and the value over the target),
        customers_times (how many times as many customers it takes to know; 1 where it is known)
        and advice: "spend" where the lower bound of the ratio clears the target, "stop" where the
        upper one does not, "test" where nobody knows. With ``customers`` also customers and budget:
        what may be spent where that is known, else 0. The surest channel first.

        Of channels: one row per channel, in their order; customers without a channel are not in it.

        With costs: channel, customers, cac, max_cac, spent (``cac * customers``), budget
        (``max_cac * customers``), room (the difference; negative where the channel costs too much
        already) and advice, which is "not known" where the target lies within the interval of the
        ratio.

        Without: channel, customers, max_cac, budget and advice. Channels with no real difference to
        any other have the max_cac of the mean of all customers with a channel: what seems to part
        them is chance.

    Raises
    ------
    DataError
        If ``channels`` is something else.
    OptionError
        If the target is not positive and finite.

    See Also
    --------
    predclv.economics.by_channel : value and cost by channel.
    predclv.economics.clv_to_cac : value over cost of acquisition.

    Examples
    --------
    >>> frame = pd.DataFrame({"channel": ["search"], "customers": [200], "mean_clv": [90.0],
    ...                       "cac": [20.0], "ratio": 4.5, "ratio_lower": 3.9, "ratio_upper": 5.1})
    >>> budget(Channels(frame, 0.9, "52 weeks"), target=3)
      channel  customers   cac  max_cac   spent  budget    room         advice
    0  search        200  20.0     30.0  4000.0  6000.0  2000.0  may cost more
    """
    if not isinstance(channels, (Channels, Mapping)):
        raise DataError(
            "budget wants what by_channel returned, or newcomers by channel; got "
            f"{type(channels).__name__}."
        )
    if isinstance(target, bool) or not isinstance(target, (int, float, np.number)):
        raise OptionError(f"target must be a ratio such as 3.0; got {target!r}.")
    if not 0 < target < np.inf:
        raise OptionError(f"target must be positive and finite; got {target!r}.")
    if isinstance(channels, Mapping):
        return newcomer_budget(channels, costs, float(target), customers)
    if costs is not None or customers is not None:
        raise OptionError("costs and customers belong to newcomers; channels have theirs already.")
    known = channels.frame[channels.frame["channel"] != NONE].reset_index(drop=True)
    if not channels.has_costs:
        return _by_differences(known, float(target))
    found = known[["channel", "customers", "cac"]].copy()
    found["max_cac"] = known["mean_clv"].clip(lower=0.0) / float(target)
    found["spent"] = found["cac"] * found["customers"]
    found["budget"] = found["max_cac"] * found["customers"]
    found["room"] = found["budget"] - found["spent"]
    found["advice"] = [
        _advice(lower, upper, float(target))
        for lower, upper in known[["ratio_lower", "ratio_upper"]].to_numpy()
    ]
    return found


def _advice(lower: float, upper: float, target: float) -> str:
    """What a ratio's interval says of a target."""
    if lower > target:
        return "may cost more"
    if upper < target:
        return "costs too much"
    return f"not known: the ratio may be {lower:.1f} to {upper:.1f}"


def _by_differences(known: pd.DataFrame, target: float) -> pd.DataFrame:
    """What channels may cost where no costs are known: the same, unless they really differ."""
    found = known[["channel", "customers"]].copy()
    differs = known["verdict"].str.startswith("worth")
    mean_of_all = np.average(known["mean_clv"], weights=known["customers"])
    value = known["mean_clv"].where(differs, mean_of_all)
    found["max_cac"] = value.clip(lower=0.0) / target
    found["budget"] = found["max_cac"] * found["customers"]
    found["advice"] = known["verdict"].where(differs, f"{NO_DIFFERENCE}: the mean of all channels")
    return found
