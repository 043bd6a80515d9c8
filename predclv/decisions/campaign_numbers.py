"""The numbers of a campaign, one per customer: what was known before, and what they did since."""

import datetime
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.decisions.campaign_remaining import Histories
from predclv.errors import DataError, OptionError
from predclv.forecast.ahead import Ahead, AheadOnCalendar, times_of_customers
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.patterns import Known
from predclv.forecast.recalled import assert_as_they_stand
from predclv.logs.log import Log, civil_date
from predclv.pools.fitted import single
from predclv.summaries.rfm import RFM
from predclv.summaries.summarise import summary_of
from predclv.units import DAYS, day_number, force_of_interest, horizon_in

KNOWN = {"purchases": "expected_purchases", "revenue": "expected_revenue", "active": "p_active"}
"""What customers do in a campaign, each with the column of its forecast from before."""


@dataclass(frozen=True, slots=True)
class Days:
    """The days of a campaign: ``start`` and ``end`` inclusive, and the last day observed."""

    start: datetime.date
    end: datetime.date
    observed: datetime.date

    @property
    def before(self) -> datetime.date:
        """The last day before the campaign."""
        return self.start - datetime.timedelta(days=1)

    @property
    def lengths(self) -> tuple[int, int]:
        """Days from the start to the end of the campaign, and to the end of observation."""
        return (self.end - self.before).days, (self.observed - self.before).days


def days_of(log: Log, observed: datetime.date, start: Any, end: Any) -> Days:
    """The days of a campaign, checked to lie within the log.

    Raises
    ------
    OptionError
        If there is no history before the start, or nothing observed after it.
    """
    first = civil_date(start, "start")
    last = observed if end is None else civil_date(end, "end")
    span = f"the log runs from {log.first_day} to {observed}"
    if first <= log.first_day:
        raise OptionError(
            f"The campaign starts on {first}, and {span}: without purchases before the start there "
            "is no forecast to hold the groups against."
        )
    if first > observed:
        raise OptionError(f"The campaign starts on {first}, and {span}: nothing is known of it.")
    if last < first:
        raise OptionError(f"The campaign ends on {last}, before it starts ({first}).")
    if last > observed:
        raise OptionError(
            f"The campaign ends on {last}, and {span}. Say end='{observed}' for what is known so "
            "far, or observation_end='...' where the log is complete to a later day."
        )
    return Days(first, last, observed)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Customers of both groups; each array has shape (n,).

    Attributes
    ----------
    frame : DataFrame
        customer_id; purchases, active and, with spend, revenue in the campaign; purchases_to_date
        and revenue_to_date, to the end of observation.
    forecast : DataFrame
        The forecast from the day before the start over the campaign's length.
    histories : Histories
        In the time of the fit's clock.
    lengths : tuple of float
        From the start to the end of the campaign and of observation, in that time.
    """

    frame: pd.DataFrame
    forecast: pd.DataFrame
    histories: Histories
    lengths: tuple[float, float]


def numbers_of(log: Log, rfm: RFM, fitted: FittedCLV, days: Days, place: NDArray) -> Numbers:
    """What the customers at ``place`` in ``rfm`` did, and what was forecast of them."""
    before = rfm.frame.iloc[place].reset_index(drop=True)
    ids = before["customer_id"]
    found = pd.DataFrame({"customer_id": ids})
    for name, until in (("", days.end), ("_to_date", days.observed)):
        came = log.purchases(days.before, until).set_index("customer_id").reindex(ids)
        found[f"purchases{name}"] = came["purchases"].fillna(0).to_numpy(float)
        if log.has_spend:
            found[f"revenue{name}"] = came["spend"].fillna(0.0).to_numpy(float)
        if not name:
            found["active"] = (found["purchases"] > 0).astype(float)
    forecast = fitted.forecast(f"{days.lengths[0]} days", 0.0, level=None, rfm=rfm, seed=0).frame
    histories, lengths = _histories(log, rfm, fitted, found, days, place)
    return Numbers(found, forecast.iloc[place].reset_index(drop=True), histories, lengths)


def _histories(
    log: Log, rfm: RFM, fitted: FittedCLV, found: pd.DataFrame, days: Days, place: NDArray
) -> tuple[Histories, tuple[float, float]]:
    """Histories as the model takes them, by its clock, and the campaign's lengths by it.

    Covariates that change stay what they were before the start.
    """
    before, fit = rfm.frame.iloc[place].reset_index(drop=True), fitted.purchases
    assert_as_they_stand(fit, "campaign_effect")
    summary, _ = summary_of(log.without_covariates, days.observed, rfm.unit)
    now = summary.frame.set_index("customer_id")
    silent = (now["T"] - now["recency"]).reindex(before["customer_id"]).to_numpy(float)
    since = np.maximum(days.lengths[1] - silent * DAYS[rfm.unit], 0.0)
    to_fit = DAYS[rfm.unit] / DAYS[fit.unit]
    cells = rfm.cells()
    known = Known.of(fit, cells)
    t_x, T = times_of_customers(fit.clock, cells, before, to_fit, fit.covariates)
    pattern = None if known.pattern is None else known.pattern[cells.places(before)]

    def elapsed(several: Any) -> Any:
        """Time of the clock within so many days after the last one before the start."""
        if not isinstance(fit.clock, Calendar):
            return np.asarray(several, float) / DAYS[fit.unit]
        first = day_number(days.before)
        return fit.clock.elapsed(first, first + np.asarray(several, float))

    histories = Histories(
        before["frequency"].to_numpy(float), t_x, T, found["purchases"].to_numpy(float),
        found["purchases_to_date"].to_numpy(float), elapsed(since), pattern,
    )  # fmt: skip
    return histories, tuple(float(each) for each in elapsed(days.lengths))  # type: ignore[return-value]


def horizon_after(fitted: FittedCLV, days: Days, horizon: Any, discount_rate: float) -> Ahead:
    """The horizon from the end of observation on, in the time of the fit's clock."""
    fit = fitted.purchases
    delta = force_of_interest(discount_rate, fit.unit)
    t = horizon_in(horizon, fit.unit)
    if not isinstance(fit.clock, Calendar):
        return Ahead(t, delta)
    last = day_number(days.observed)
    return AheadOnCalendar.of(fit.clock, last, t * DAYS[fit.unit], delta)


def fitted_before(model: Any, rfm: RFM, has_spend: bool) -> FittedCLV:
    """What is forecast from before the campaign: by a recipe, or by what was fitted."""
    from predclv.recipe import CLVModel

    if model is None:
        model = CLVModel() if has_spend else CLVModel(spend=None)
    fitted = single(model.fit(rfm) if isinstance(model, CLVModel) else model)
    if not isinstance(fitted, FittedCLV):
        raise DataError(
            "model must be a CLVModel, such as pc.CLVModel(pc.MBGNBD), or what its fit returned; "
            f"got {getattr(model, '__name__', type(model).__name__)}."
        )
    end = fitted.rfm.observation_end
    if end is not None and rfm.observation_end is not None and end > rfm.observation_end:
        raise OptionError(
            f"The model was fitted to purchases until {end}, and the campaign starts on the day "
            f"after {rfm.observation_end}: it has seen the campaign. Fit it to what was known "
            "before, or hand over the recipe: model=pc.CLVModel()."
        )
    return fitted
