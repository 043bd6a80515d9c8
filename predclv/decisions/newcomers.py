"""What customers brought since their first order, over what is expected of an average newcomer."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from predclv.decisions.second_opinion import SecondOpinion
from predclv.errors import DataError
from predclv.forecast.ahead import times_of_customers
from predclv.forecast.first_purchases import counted_beside
from predclv.forecast.outlook import Outlook
from predclv.forecast.patterns import Known
from predclv.forecast.recalled import newcomer_at
from predclv.forecast.result import Forecast
from predclv.units import DAYS, force_of_interest

_LIFETIME_YEARS = 50.0
"""A lifetime without a discount rate ends here; the expectation may be infinite."""


class Newcomers(NamedTuple):
    """Customers measured against the average newcomer.

    Attributes
    ----------
    brought, expected : ndarray, shape (n,)
        Undiscounted: of the customer to the end of observation, and of an average newcomer within
        the same time. Times margin; without spend, purchases.
    first_year, lifetime : float
        Discounted value of an average newcomer from the first order on, that included.
    second : SecondOpinion or None
        What the fit itself says of newcomers, where it has covariates.
    """

    brought: NDArray
    expected: NDArray
    first_year: float
    lifetime: float
    second: SecondOpinion | None = None


def newcomers_of(forecast: Forecast) -> Newcomers:
    """The customers of a forecast by fitted models, measured against its newcomers.

    The average newcomer's expectation is scaled to what customers brought in all, so that multiples
    have a weighted mean of 1.

    Raises
    ------
    DataError
        If the forecast was not made by fitted models.
    """
    outlook = getattr(forecast, "_source", None)
    if not isinstance(outlook, Outlook):
        raise DataError(
            "A Forecast by a fitted model is needed, fitted.forecast(...): a frame or a rule does "
            "not say what a newcomer is worth."
        )
    frame, terms = outlook.rfm.frame, outlook.terms
    cells, weight = outlook.rfm.cells(), outlook.rfm.cells().weight
    fit = outlook.purchases
    known = Known.of(fit, cells)
    if known.pattern is None:
        known = Known(newcomer_at(outlook.purchases, None, cells.last_day), None)
    cell = cells.places(frame) if known.pattern is not None else slice(None)
    x = frame["frequency"].to_numpy(float)
    _, T = times_of_customers(fit.clock, cells, frame, outlook.to_fit_unit, fit.covariates)
    if known.pattern is None:
        ages, place = np.unique(T, return_inverse=True)
        orders = 1.0 + np.asarray(known.at().expected_purchases(ages), float)[place]
    else:
        orders = 1.0 + np.asarray(known.at(cell).expected_purchases(T), float)
    delta = force_of_interest(terms.discount_rate, outlook.purchases.unit)
    year = DAYS["year"] / DAYS[outlook.purchases.unit]
    long = np.inf if delta > 0 else _LIFETIME_YEARS * year
    worth = [
        1.0
        + float(
            sum(
                share * np.asarray(model.discounted_purchases(t, delta)).ravel()[0]
                for share, model in known.mixture(weight)
            )
        )
        for t in (year, long)
    ]
    if outlook.spend is None:
        brought, per_order = 1.0 + x, 1.0
    else:
        of_spend = Known.of(outlook.spend, outlook.rfm.cells())
        mean = sum(share * np.ravel(spend.mean)[0] for share, spend in of_spend.mixture(weight))
        observed = outlook.spend.checks.get("observed_mean", np.nan)
        per_order = terms.margin * float(mean if np.isfinite(mean) else observed)
        spent = np.maximum(frame["monetary_value"].to_numpy(float), 0.0)
        first = counted_beside(outlook.spend)
        brought = terms.margin * (x + first) * spent
        if not first:
            brought = brought + per_order  # a summary leaves out first orders
    expected = per_order * orders
    scale = brought.sum() / expected.sum()
    first_year, lifetime = (scale * per_order * each for each in worth)
    second = SecondOpinion.of(outlook, delta, (year, long))
    return Newcomers(brought, expected * scale, first_year, lifetime, second)
