"""Formulas of contracts: one churn rate, what it makes a customer worth, and what pays.

Every argument is a number or an array; arrays broadcast, numbers alone give a float.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from predclv.errors import OptionError, some
from predclv.historical import inputs


def subscription_clv(
    revenue_per_period: ArrayLike,
    churn_rate: ArrayLike,
    margin: ArrayLike = 1.0,
    discount_rate: ArrayLike = 0.0,
) -> Any:
    """Revenue per period times margin over churn: ``m R / (c + d)``.

    Discounted, the first payment comes at the end of the first period and is certain, later ones
    are each worth ``(1 - c) / (1 + d)`` of the one before. Where customers pay in advance the
    value is ``1 + d`` times as much.

    *Assumes* one churn rate for all customers at all ages. *Misleads* where customers differ, which
    is always: those who leave easily leave first, so churn falls with age. The mean churn of a
    customer base then makes the value too low; the churn of newcomers makes it far too low.

    Parameters
    ----------
    revenue_per_period : number or array
        Such as average revenue per account (ARPA) and month, in money.
    churn_rate : number or array
        Share of customers lost per period of the same length, above 0 and at most 1.
    margin : number or array
        Share of revenue that is profit.
    discount_rate : number or array
        Per *period*, not a year; the default counts all money alike. For 10% a year and months:
        ``1.10 ** (1 / 12) - 1``.

    Returns
    -------
    float or ndarray
        Money.

    Raises
    ------
    DataError
        If revenue is negative, missing or infinite, or lengths differ.
    OptionError
        If churn is not above 0 and at most 1, or margin or rate is no share; the message names
        the values.

    Warns
    -----
    OptionWarning
        If the margin is above 1.

    See Also
    --------
    predclv.historical.break_even_retention : retention that pays the acquisition.
    predclv.ContractModel : the recipe for subscribers.

    References
    ----------
    Gupta & Lehmann (2003), Customers as assets, Journal of Interactive Marketing 17(1). On what
    one churn rate does: Fader & Hardie (2010), Customer-base valuation in a contractual setting:
    the perils of ignoring heterogeneity, Marketing Science 29(1).

    Examples
    --------
    >>> subscription_clv(1000, churn_rate=0.02, margin=0.8)
    40000.0
    >>> subscription_clv(1000, churn_rate=0.02, margin=0.8, discount_rate=0.01)
    26666.666666666668
    """
    revenue, lost, share, discount = inputs.together(
        revenue_per_period=inputs.not_negative("revenue_per_period", revenue_per_period),
        churn_rate=inputs.churn("churn_rate", churn_rate),
        margin=inputs.margin(margin),
        discount_rate=inputs.rate("discount_rate", discount_rate),
    )
    return inputs.plain(revenue * share / (lost + discount))


def expected_lifespan(churn_rate: ArrayLike) -> Any:
    """Periods that a customer stays, on average: ``1 / churn``.

    *Assumes* one churn rate for all customers at all ages. *Misleads* as `subscription_clv` does;
    and the mean lies far above the median, ``log(1/2) / log(1 - churn)``: at 2% a month 50 months
    against 34.

    Parameters
    ----------
    churn_rate : number or array
        Share of customers lost per period, above 0 and at most 1.

    Returns
    -------
    float or ndarray
        In periods, the one in which a customer leaves included.

    Raises
    ------
    OptionError
        If churn is not above 0 and at most 1.

    See Also
    --------
    predclv.historical.subscription_clv : margin over churn.

    References
    ----------
    The mean of the geometric distribution; Fader & Hardie (2007), How to project customer
    retention, Journal of Interactive Marketing 21(1), on why lives are not geometric.

    Examples
    --------
    >>> expected_lifespan(0.02)
    50.0
    """
    return inputs.plain(1.0 / inputs.churn("churn_rate", churn_rate))


def break_even_retention(
    revenue_per_period: ArrayLike,
    acquisition_cost: ArrayLike,
    margin: ArrayLike = 1.0,
    discount_rate: ArrayLike = 0.0,
) -> Any:
    """The retention per period at which `subscription_clv` is just the acquisition cost.

    ``1 + d - m R / A``; below it a customer does not earn back what they cost. 0 where the first
    payment alone does. *Assumes* and *misleads* as `subscription_clv` does.

    Parameters
    ----------
    revenue_per_period : number or array
        Per customer, in money.
    acquisition_cost : number or array
        Per customer, in money.
    margin : number or array
        Share of revenue that is profit.
    discount_rate : number or array
        Per *period*.

    Returns
    -------
    float or ndarray
        At least 0 and below 1.

    Raises
    ------
    DataError
        If an amount is negative, missing or infinite, or lengths differ.
    OptionError
        If not even a customer who never leaves earns the cost back; the message says what they
        are worth. If margin or rate is no share.

    See Also
    --------
    predclv.historical.subscription_clv : margin over churn.

    References
    ----------
    Solved from `subscription_clv`.

    Examples
    --------
    >>> break_even_retention(10, acquisition_cost=40)
    0.75
    """
    columns = inputs.together(
        revenue_per_period=inputs.not_negative("revenue_per_period", revenue_per_period),
        acquisition_cost=inputs.not_negative("acquisition_cost", acquisition_cost),
        margin=inputs.margin(margin),
        discount_rate=inputs.rate("discount_rate", discount_rate),
    )
    revenue, cost, share, discount = np.broadcast_arrays(*columns)
    profit = revenue * share
    hopeless = (cost > 0) & (profit <= cost * discount)
    if hopeless.any():
        places = np.flatnonzero(hopeless)[:6]
        told = (
            f"{profit.flat[place]:g} a period against {cost.flat[place]:g}, at "
            f"{discount.flat[place]:g} interest a period"
            for place in places
        )
        listed = some(told, 3, int(hopeless.sum()))
        raise OptionError(
            f"No retention breaks even for {hopeless.sum():,} of {hopeless.size:,}: not even a "
            f"customer who never leaves earns back the acquisition cost ({listed})."
        )
    needed = 1.0 + discount - profit / np.where(cost > 0, cost, 1.0)
    return inputs.plain(np.where(cost > 0, np.maximum(needed, 0.0), 0.0))
