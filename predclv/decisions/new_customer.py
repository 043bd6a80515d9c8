"""What a customer is worth on the day they are acquired: the value to hold against their cost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.decisions.as_html import as_html
from predclv.decisions.first_orders import first_order_of
from predclv.decisions.newcomer_days import discounted_by_days
from predclv.decisions.newcomer_mix import NewcomerMix, day_of
from predclv.engines.result import Fit
from predclv.errors import DataError
from predclv.forecast.ahead import AheadOnCalendar
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.recalled import newcomer_at
from predclv.money import money
from predclv.pools.fitted import single
from predclv.streams import generator
from predclv.units import DAYS, force_of_interest, horizon_in, probability, share

_DRAWS = 4000
_STEP = 1e-3  # of free parameters, in a derivative


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NewCustomer:
    """Expected profit of a customer acquired today, at the point estimate of the parameters.

    Attributes
    ----------
    curve : DataFrame
        One row per month from 0: month, purchases (expected, the first one included, each worth
        ``(1 + discount_rate)**-years``), profit (of these, cumulative), profit_lower and
        profit_upper.
    value : float
        Profit within the horizon.
    lower, upper : float
        Interval of that expectation at ``level``: what is not known of the parameters and of the
        mean first order. One customer's own value varies far more.
    level : float
    first_order, later_order : float
        Spend of the first and expected spend of every later order.
    first_order_lower, first_order_upper : float
        Interval of the mean first order; both are ``first_order`` where it was given.
    first_order_from : str
        Where the first order is from, in words.
    margin, discount_rate : float
    currency : str or None
        What amounts are shown in.

    See Also
    --------
    predclv.economics.new_customer, predclv.economics.payback

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow(), unit="week"))
    >>> round(pc.economics.new_customer(fitted, "1 year", margin=0.3).value, 2)
    25.33
    """

    curve: pd.DataFrame
    value: float
    lower: float
    upper: float
    level: float
    first_order: float
    first_order_lower: float
    first_order_upper: float
    first_order_from: str
    later_order: float
    margin: float
    discount_rate: float
    currency: str | None = None

    def __repr__(self) -> str:
        value, lower, upper, at_once = (
            money(amount, self.currency, digits=2)
            for amount in (self.value, self.lower, self.upper, self.margin * self.first_order)
        )
        return (
            f"A new customer is worth {value} in {len(self.curve) - 1} months "
            f"({self.level:.0%} interval of this expectation {lower} to "
            f"{upper}): {at_once} of it at once, the first "
            f"order {self.first_order_from} (margin {self.margin:g}, {self.discount_rate:.1%} a "
            "year)"
        )

    def _repr_html_(self) -> str:
        shown = self.curve[self.curve["month"] % 6 == 0]
        return as_html(repr(self), shown, float_format="{:,.2f}".format)


def new_customer(
    fitted: FittedCLV,
    horizon: Any = "3 years",
    discount_rate: float = 0.10,
    margin: float = 1.0,
    first_order: float | None = None,
    level: float = 0.9,
    seed: int | None = 0,
    comes_on: Any = None,
    covariates: Mapping[str, Any] | None = None,
) -> NewCustomer:
    """What a customer acquired today is expected to bring, month by month.

    Their first order now, and then ``discounted_purchases`` of a new customer of the fitted model
    at the mean spend of all customers: ``margin * (first_order + spend * purchases)``. First orders
    are often larger or smaller than later ones, so they are taken from the log. This is the
    value to compare with a cost of acquisition. The ``clv`` of a forecast is not: it is what
    *existing* customers will still bring.

    All customers the model was fitted to count alike, unless ``covariates`` say whom is meant. For
    the value by channel of a model without them fit one to each channel's customers.

    Parameters
    ----------
    fitted : FittedCLV
        With spend.
    horizon : str, timedelta or number
        Whole months from now, rounded up; a number is in the summary's unit.
    discount_rate : float
        Annual and effective.
    margin : float
        Share of spend that is profit. With the default of 1.0 the value is revenue, not profit.
    first_order : float, optional
        Spend of the first order. Default: the mean of the first orders in the log behind the
        summary. Without a log, as in a summary made elsewhere or a loaded model, the mean spend of
        repeat purchases stands in, for a summary leaves first purchases out.
    level : float
        Of the intervals.
    seed : int or None
        Of the draws of the parameters.
    comes_on : date or str, optional
        The day of the first purchase, from which months count; default: the day after observation
        ended. On a clock it matters, for who comes before the high season buys again sooner; else
        no day differs from another.
    covariates : mapping, optional
        What is known of the newcomer, such as ``{"channel": "web"}``, where the fits have
        covariates. In what is not said newcomers are like the customers; default orders then are
        the first orders of customers with what is said.

    Returns
    -------
    NewCustomer

    Raises
    ------
    DataError
        If the fit has no spend.
    OptionError
        If the horizon, rate, margin, first order or level makes no sense, or ``comes_on`` lies
        before the clock's first day; if a covariate is none of the fits'.

    Warns
    -----
    AssumptionWarning
        If there is no log, and the first order is taken to be like a repeat order.

    See Also
    --------
    predclv.economics.NewCustomer, predclv.economics.payback

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> pc.economics.new_customer(fitted, horizon="2 years", margin=0.3)
    A new customer is worth 34.04 in 24 months (90% interval of this expectation 32.07 to ...
    """
    fitted = single(fitted)
    if not isinstance(fitted, FittedCLV) or fitted.spend is None:
        raise DataError("new_customer wants a FittedCLV with spend: pc.CLVModel().fit(rfm).")
    margin, level = share(margin, "margin"), probability(level, "level")
    length = horizon_in(horizon, fitted.rfm.unit) * DAYS[fitted.rfm.unit] / DAYS["month"]
    month = np.arange(np.ceil(length - 1e-9) + 1)
    delta = force_of_interest(discount_rate, fitted.unit)
    mix = NewcomerMix.of(fitted, covariates)
    repeats_of = _repeats(fitted.purchases, month[1:], delta, day_of(fitted, comes_on), mix)
    rng = generator(seed)
    of_spend = fitted.spend
    observed = of_spend.checks.get("observed_mean", np.nan)

    def later_of(free: NDArray | None) -> NDArray:
        model = mix.model(of_spend, free)
        # An infinite mean, of which the fit has warned, gives way to the observed one.
        return np.atleast_1d(model.mean if np.isfinite(model.mean) else observed)

    later = float(later_of(None)[0])
    first = first_order_of(fitted, later, first_order, mix)
    repeats = np.zeros(month.size)
    repeats[1:] = repeats_of(None)
    drawn_first = first.mean + first.error * rng.standard_normal((_DRAWS, 1))
    drawn_later = later * np.exp(_shifts(fitted.spend, later_of, rng))
    if first.is_repeat:
        drawn_first = drawn_later
    drawn_repeats = np.zeros((_DRAWS, month.size))
    drawn_repeats[:, 1:] = repeats[1:] * np.exp(_shifts(fitted.purchases, repeats_of, rng))
    ends = [0.5 - 0.5 * level, 0.5 + 0.5 * level]
    lower, upper = np.quantile(margin * (drawn_first + drawn_later * drawn_repeats), ends, axis=0)
    curve = pd.DataFrame(
        {
            "month": month.astype(np.int64),
            "purchases": 1.0 + repeats,
            "profit": margin * (first.mean + later * repeats),
            "profit_lower": lower,
            "profit_upper": upper,
        }
    )
    first_lower, first_upper = np.quantile(drawn_first, ends)
    return NewCustomer(
        curve=curve,
        value=float(curve["profit"].iloc[-1]),
        lower=float(lower[-1]),
        upper=float(upper[-1]),
        level=level,
        first_order=first.mean,
        first_order_lower=float(first_lower),
        first_order_upper=float(first_upper),
        first_order_from=first.source,
        later_order=later,
        margin=margin,
        discount_rate=float(discount_rate),
        currency=fitted.rfm.currency,
    )


def _repeats(
    fit: Fit, months: NDArray, delta: float, day: int, mix: NewcomerMix
) -> Callable[..., NDArray]:
    """Discounted repeat purchases of who comes on a day, by the end of each month after it.

    Returns
    -------
    function
        Of free parameters (k,), those of the clock included; of None, at the estimate itself.
    """
    own, clock = len(fit.model.names()), fit.clock

    def model_of(free: NDArray | None) -> Any:
        if fit.covariates is not None:
            return mix.model(fit, free)
        return newcomer_at(fit, free, day or None)

    if not isinstance(clock, Calendar):
        times = months * (DAYS["month"] / DAYS[fit.unit])
        return lambda free: np.asarray(model_of(free).discounted_purchases(times, delta))
    ends, effects = months * DAYS["month"], clock.effects
    of_clock = slice(own, own + len(clock.names))
    ahead = [AheadOnCalendar.of(clock, day, end, delta) for end in ends]
    times, deltas = (np.array([getattr(a, name) for a in ahead]) for name in ("t", "delta_alike"))
    nodes, weights = np.array([each.rule for each in ahead]).swapaxes(0, 1)

    def by_month(free: NDArray | None) -> NDArray:
        model = model_of(free)
        moved = effects if free is None else free[of_clock]
        if np.array_equal(moved, effects):
            unlike = np.sum(weights * model.expected_purchases(nodes), axis=1)
            return np.asarray(model.discounted_purchases(times, deltas) + unlike)
        return discounted_by_days(model, clock.at(moved), day, ends, delta)

    return by_month


def _shifts(fit: Fit, amounts: Callable[[NDArray], NDArray], rng: np.random.Generator) -> NDArray:
    """How far, in logs, positive amounts lie from those at the estimate, shape (draws, n).

    To first order in the free parameters, at draws of these.
    """
    names, space = list(fit.params), fit.space
    at = space.free_at(np.array([fit.params[name] for name in names]))
    draws = fit.draws(_DRAWS, seed=int(rng.integers(1 << 62)))
    away = space.free_at(np.column_stack([draws[name] for name in names])) - at
    steps = _STEP * np.eye(len(names))
    slopes = [np.log(amounts(at + step) / amounts(at - step)) for step in steps]
    return away @ np.array(slopes) / (2 * _STEP)
