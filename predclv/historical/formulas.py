"""The formulas of the textbooks: averages in, one value out.

Every argument is a number or an array; arrays broadcast, numbers alone give a float. None of these
formulas looks at who bought when. They share one weakness: an average lifespan or rate stands for
customers who differ, and most of the difference is in who has already left.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from predclv.errors import OptionError
from predclv.historical import inputs


def simple_clv(
    average_order_value: ArrayLike,
    purchases_per_year: ArrayLike,
    lifespan_years: ArrayLike,
    margin: ArrayLike = 1.0,
    acquisition_cost: ArrayLike = 0.0,
) -> Any:
    """Average order times orders a year times years times margin, less what it cost to win them.

    The commonest formula of all. 'Annual spend x margin x years - acquisition cost' is the same
    with ``purchases_per_year=1`` and the annual spend as the order.

    *Assumes* that everybody buys at the average rate for exactly the average lifespan, and that
    money in ten years is worth as much as today's. *Misleads* wherever the lifespan is a guess,
    as it is in a shop without contracts: the value is proportional to it. The average customer
    is also nobody: a few buy most, and most buy once.

    Parameters
    ----------
    average_order_value : number or array
        Spend per order, in money.
    purchases_per_year : number or array
    lifespan_years : number or array
        From the first purchase to the last.
    margin : number or array
        Share of spend that is profit; the default makes it revenue.
    acquisition_cost : number or array
        Per customer, in money; the default leaves it out.

    Returns
    -------
    float or ndarray
        Money; negative where a customer costs more than they bring.

    Raises
    ------
    DataError
        If an input is negative, missing or infinite, or lengths differ.
    OptionError
        If the margin is no share, such as 30 for 30%.

    Warns
    -----
    OptionWarning
        If the margin is above 1.

    See Also
    --------
    predclv.historical.subscription_clv : margin over churn.
    predclv.CLVModel : the recipe: purchases, spend, and who fits.

    References
    ----------
    Berger & Nasr (1998), Customer lifetime value: marketing models and applications, Journal of
    Interactive Marketing 12(1), of which this is the undiscounted case 1 with full retention.

    Examples
    --------
    >>> simple_clv(50, 4, 3, margin=0.3, acquisition_cost=20)
    160.0
    >>> simple_clv(1200, 1, 5, margin=[0.25, 0.5])
    array([1500., 3000.])
    """
    order, purchases, years, share, cost = inputs.together(
        average_order_value=inputs.not_negative("average_order_value", average_order_value),
        purchases_per_year=inputs.not_negative("purchases_per_year", purchases_per_year),
        lifespan_years=inputs.not_negative("lifespan_years", lifespan_years),
        margin=inputs.margin(margin),
        acquisition_cost=inputs.not_negative("acquisition_cost", acquisition_cost),
    )
    return inputs.plain(order * purchases * years * share - cost)


def project_clv(
    average_deal: ArrayLike, expected_deals: ArrayLike, future_value: ArrayLike = 0.0
) -> Any:
    """Average deal times the deals expected, plus what may follow: for projects and B2B services.

    *Assumes* that somebody knows how many deals will come and what follows them. *Misleads* as
    much as that somebody does: hopes are neither discounted nor multiplied by their chance.

    Parameters
    ----------
    average_deal : number or array
        Money per deal.
    expected_deals : number or array
    future_value : number or array
        Of upgrades, renewals or referrals, in money.

    Returns
    -------
    float or ndarray
        Money.

    Raises
    ------
    DataError
        If an input is negative, missing or infinite, or lengths differ.

    See Also
    --------
    predclv.historical.simple_clv : order times orders times years.

    References
    ----------
    A practitioners' rule without a paper; `discounted_clv` is its cousin with a source.

    Examples
    --------
    >>> project_clv(50, 3, future_value=80)
    230.0
    """
    deal, deals, future = inputs.together(
        average_deal=inputs.not_negative("average_deal", average_deal),
        expected_deals=inputs.not_negative("expected_deals", expected_deals),
        future_value=inputs.not_negative("future_value", future_value),
    )
    return inputs.plain(deal * deals + future)


def discounted_clv(profits: ArrayLike, discount_rate: ArrayLike, first_period: int = 1) -> Any:
    """Present value of profits period by period: ``sum of profit_n / (1 + d)^n``.

    *Assumes* that the profits are known, or are expectations with the chance of having left
    already in them. *Misleads* when they are those of customers who stayed: multiply by the share
    that stays first.

    Parameters
    ----------
    profits : array, shape (..., n_periods)
        One profit per period along the last axis, in money; losses are negative.
    discount_rate : number or array, shape (...)
        Per *period*, at least 0 and below 1.
    first_period : int
        When the first profit comes: 1 is a period from now, 0 is today.

    Returns
    -------
    float or ndarray, shape (...)
        Money of today.

    Raises
    ------
    DataError
        If profits are missing or infinite, or lengths differ.
    OptionError
        If the rate is no share, or the first period no whole number of at least 0.

    See Also
    --------
    predclv.historical.simple_clv : order times orders times years.

    References
    ----------
    Berger & Nasr (1998), Journal of Interactive Marketing 12(1), case 1.

    Examples
    --------
    >>> round(discounted_clv([110, 121], 0.10), 6)
    200.0
    >>> round(discounted_clv([-50, 110], 0.10, first_period=0), 6)
    50.0
    """
    if isinstance(first_period, bool) or not isinstance(first_period, (int, np.integer)):
        raise OptionError(f"first_period must be a whole number, 0 or 1; got {first_period!r}.")
    if first_period < 0:
        raise OptionError(f"first_period must be at least 0; got {first_period}.")
    flow = np.atleast_1d(inputs.finite("profits", profits))
    discount = inputs.rate("discount_rate", discount_rate)
    inputs.together(profits=flow[..., 0] if flow.shape[-1] else flow, discount_rate=discount)
    periods = np.arange(first_period, first_period + flow.shape[-1])
    return inputs.plain((flow * (1.0 + discount[..., None]) ** -periods).sum(axis=-1))
