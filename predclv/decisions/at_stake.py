"""What is at stake: will customers come back by themselves, and what are they worth if they do."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.decisions.inputs import checked_customers
from predclv.errors import DataError, OptionError, some
from predclv.forecast.outlook import Outlook
from predclv.forecast.recalled import assert_as_they_stand
from predclv.forecast.result import Forecast
from predclv.models.futures import Remaining
from predclv.units import DAYS, horizon_in


def at_stake(forecast: Forecast, customers: Any = None, within: Any = "90 days") -> pd.DataFrame:
    r"""Who will come back by themselves, and what they are worth if they do, and if they do not.

    For a list of customers to win back or to send a voucher to: who will come anyway needs none,
    and who is worth no more after a purchase than without one is not worth one. With :math:`p` the
    probability of a purchase within the window, and a customer silent through it being again a
    customer of the model, with a longer silence,

    .. math:: clv = p \cdot value\_if\_back + (1 - p) \cdot value\_if\_silent .

    Parameters
    ----------
    forecast : Forecast
        By fitted models; its horizon, discount rate and margin count.
    customers : DataFrame or list of ids, optional
        Such as what `win_back` returned: its columns stay, the new ones are added. Default: all.
    within : str, timedelta or number
        The window from the end of observation, shorter than the horizon.

    Returns
    -------
    DataFrame
        In the order given: customer_id, ``p_back`` (of a purchase within the window, without any
        campaign), ``value_if_back`` and ``value_if_silent`` (clv, from now, if they do and do not;
        without spend discounted purchases), ``at_stake`` (``(1 - p_back) * (value_if_back -
        value_if_silent)``: the most that bringing back those who would not come can be worth).
        Point estimates. Who is made to come is not quite who comes by themselves; what a campaign
        really brings, `campaign_effect` says.

    Raises
    ------
    DataError
        If the forecast is not by fitted models, or customers are not in it.
    OptionError
        If the window is not shorter than the horizon.

    See Also
    --------
    predclv.segments.at_risk : overdue by their own rhythm.
    predclv.plots.at_stake : who comes back by themselves.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> forecast = fitted.forecast("1 year", level=None)
    >>> found = at_stake(forecast, [509, 1901])
    >>> found[["customer_id", "p_back", "value_if_back", "value_if_silent"]].round(3)
       customer_id  p_back  value_if_back  value_if_silent
    0          509   0.028       1017.234            0.636
    1         1901   0.000       3608.361            0.000
    """
    outlook = getattr(forecast, "_source", None)
    if not isinstance(outlook, Outlook):
        raise DataError("at_stake wants a Forecast by a fitted model: fitted.forecast(...).")
    unit = outlook.purchases.unit
    window = horizon_in(within, outlook.rfm.unit, "within") * DAYS[outlook.rfm.unit] / DAYS[unit]
    if not window < outlook.t:
        raise OptionError(
            f"The window, within={within!r}, must be shorter than the forecast's horizon, "
            f"{forecast.terms.length}."
        )
    frame = forecast.frame
    listed = _listed(customers, frame["customer_id"])
    place = pd.Index(frame["customer_id"]).get_indexer(pd.Index(listed["customer_id"]))
    if (place < 0).any():
        raise DataError(
            "Customers on the list are not in the forecast: "
            f"{some(listed['customer_id'][place < 0])}."
        )
    assert_as_they_stand(outlook.purchases, "at_stake")
    which = outlook.history_of_customer[place]
    p, value, silent = (each[which] for each in _of_histories(outlook, window))
    back = np.divide(value - (1.0 - p) * silent, p, out=np.full(p.size, np.nan), where=p > 0)
    per = np.ones(p.size)
    if outlook.spend is not None:
        per = outlook.terms.margin * frame["expected_spend"].to_numpy(float)[place]
    found = {
        "p_back": p,
        "value_if_back": per * back,
        "value_if_silent": per * silent,
        "at_stake": np.where(p > 0, (1.0 - p) * per * (back - silent), 0.0),
    }
    twice = [name for name in found if name in listed]
    return listed.drop(columns=twice).assign(**found)


def _of_histories(outlook: Outlook, window: float) -> tuple[NDArray, NDArray, NDArray]:
    """Each history's chance of a purchase within the window, and its discounted purchases.

    And those, from now, of who stays silent through it.
    """
    members = outlook._members
    own, model = members.distinct, members.model
    seen, ahead = own.seen_by(model), members.ahead
    until = replace(members, t=window).ahead.along(own.way).t

    def future(T: Any) -> Remaining:
        alive = np.asarray(seen.p_alive(own.x, own.t_x, T), float)
        return Remaining(alive, seen.living(own.x, own.t_x, T))

    now, later = future(own.T), future(own.T + until)
    value = ahead.along(own.way).discounted_purchases(now)
    silent = ahead.after(window).along(own.way).discounted_purchases(later)
    silent = np.exp(-outlook.delta * window) * silent
    p, value, silent = (
        np.broadcast_to(np.squeeze(each), own.x.shape)
        for each in (now.p_active(until), value, silent)
    )
    return p, value, silent


def _listed(customers: Any, ids: pd.Series) -> pd.DataFrame:
    if customers is None:
        return pd.DataFrame({"customer_id": ids})
    if isinstance(customers, pd.DataFrame):
        return checked_customers(customers)
    try:
        return checked_customers(pd.DataFrame({"customer_id": list(customers)}))
    except TypeError as error:
        raise DataError(
            f"customers must be a frame with customer_id or a list of ids; got "
            f"{type(customers).__name__}."
        ) from error
