"""Cohorts carried on by a model: what each is expected to bring, period by period."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from predclv.baselines.base import FittedBaseline
from predclv.decisions.cohort_bands import revenue_bands
from predclv.errors import DataError, OptionError, some
from predclv.forecast.fitted import FittedCLV
from predclv.historical.cohort_result import Cohorts
from predclv.summaries.rfm import RFM
from predclv.units import days_per, probability


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CohortForecast:
    """What cohorts are expected to bring after the last day observed.

    Attributes
    ----------
    frame : DataFrame
        One row per cohort and age to come, sorted:

        - ``cohort``, ``age``: as in ``cohorts.frame``;
        - ``customers``: size of the cohort;
        - ``end``: the last day of the period;
        - ``revenue``: of the period; where it had begun, what came and what is expected of its
          rest;
        - ``revenue_per_customer``
        - ``cumulative_revenue_per_customer``: since the first purchase, all that came included;
        - each of the last three with ``_lower`` and ``_upper``, where fitted models forecast: they
          hold chance and what is not known of the parameters; no season, no campaign.
    cohorts : Cohorts
        What was observed.
    forecaster : str
        Who says so.
    level : float or None
        Of the bounds; None where there are none.

    See Also
    --------
    predclv.cohort_forecast : what cohorts will bring.
    predclv.plots.cohort_curves : curves over age.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(log))
    >>> ahead = pc.cohort_forecast(pc.historical.cohorts(log, period="quarter"), fitted, periods=2)
    >>> len(ahead.frame)
    2
    """

    frame: pd.DataFrame
    cohorts: Cohorts
    forecaster: str
    level: float | None = None

    def wide(self, value: str = "cumulative_revenue_per_customer") -> pd.DataFrame:
        """A row per cohort and a column per age, NaN where nothing is forecast.

        Parameters
        ----------
        value : str
            revenue, revenue_per_customer or cumulative_revenue_per_customer; with ``_lower`` or
            ``_upper`` its bounds.
        """
        if value not in self.frame or value in ("cohort", "age", "customers", "end"):
            raise OptionError(
                f"A forecast of cohorts is of revenue, revenue_per_customer and "
                f"cumulative_revenue_per_customer; got {value!r}."
            )
        return self.frame.pivot(index="cohort", columns="age", values=value)

    def __repr__(self) -> str:
        return (
            f"CohortForecast by {self.forecaster}: {len(self.cohorts):,} cohorts from "
            f"{self.cohorts.observation_end} to {self.frame['end'].max():%Y-%m-%d}"
        )


def cohort_forecast(
    cohorts: Cohorts,
    fitted: Any,
    periods: int = 12,
    rfm: RFM | None = None,
    seed: int = 0,
    level: float | None = 0.9,
) -> CohortForecast:
    """Carry the curve of each cohort on: the sum of what its customers are expected to bring.

    To the end of each period of the calendar, every customer's expected purchases given their
    history times their expected spend. Nothing is discounted, as nothing observed is. The
    customers are those already there: a cohort does not grow.

    Parameters
    ----------
    cohorts : Cohorts
        Of a log with amounts, without ``by``: forecast segments one by one, with
        ``cohorts.segment(name)`` and a summary of that segment's customers as ``rfm``.
    fitted : FittedCLV, or a fitted baseline
        Anything whose ``forecast`` names expected_revenue.
    periods : int
        How many periods of the calendar; one that has begun is the first of them.
    rfm : RFM, optional
        The customers of the cohorts, if they are not those fitted. It must end on the same day.
    seed : int
        Of a posterior's draws, and of the bounds.
    level : float or None
        Of the bounds; None leaves them out.

    Returns
    -------
    CohortForecast

    Raises
    ------
    DataError
        If customers and cohorts are not of the same log and day, or revenue is not known.
    OptionError
        If ``periods`` is no whole number from 1 on, or cohorts are split.

    See Also
    --------
    predclv.CohortForecast : what cohorts are expected to bring.
    predclv.historical.cohorts : follow groups from their first purchase.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> found = cohort_forecast(pc.historical.cohorts(rfm), pc.CLVModel().fit(rfm), periods=3)
    >>> found.wide().round(2)
    age          16      17      18      19      20
    cohort
    1997-01     NaN     NaN  103.50  105.99  108.35
    1997-02     NaN  109.01  112.14  115.08     NaN
    1997-03  106.71  109.62  112.38     NaN     NaN
    """
    customers = _customers_of(cohorts, fitted, rfm)
    level = None if level is None else probability(level, "level")
    end = pd.Timestamp(cohorts.observation_end)
    frequency = cohorts.frame["cohort"].iloc[0].freq
    born = end - pd.to_timedelta(
        (customers.frame["T"] * days_per(customers.unit)).round().to_numpy(), unit="D"
    )
    cohort = pd.PeriodIndex(born, freq=frequency)
    sizes = cohorts.frame[cohorts.frame["age"] == 0].set_index("cohort")["customers"]
    if not sizes.equals(pd.Series(1, index=cohort).groupby(level=0).sum().astype(sizes.dtype)):
        raise DataError(
            f"The cohorts hold {sizes.sum():,} customers and the summary {len(customers):,}, or "
            "they came on other days. Make both of one log: pc.historical.cohorts(rfm)."
        )
    so_far = cohorts.frame.groupby("cohort")["revenue"].sum()
    begun = cohorts.frame[~cohorts.frame["is_complete"]].set_index("cohort")["revenue"]
    parts, before = [], so_far - begun.reindex(sizes.index).fillna(0.0)
    for period in _next_periods(end, frequency, periods):
        last = period.end_time.normalize()
        forecast = fitted.forecast(
            horizon=(last - end).days / days_per(customers.unit),
            discount_rate=0.0,
            level=None,
            rfm=customers,
            seed=seed,
        ).frame
        if "expected_revenue" not in forecast:
            raise DataError("Cohorts are carried on in revenue, and this model has none of spend.")
        by_then = so_far + forecast["expected_revenue"].groupby(np.asarray(cohort)).sum()
        parts.append(
            pd.DataFrame(
                {
                    "cohort": sizes.index,
                    "age": [period.ordinal - one.ordinal for one in sizes.index],
                    "customers": sizes.to_numpy(),
                    "end": last,
                    "revenue": (by_then - before).to_numpy(),
                    "revenue_per_customer": ((by_then - before) / sizes).to_numpy(),
                    "cumulative_revenue_per_customer": (by_then / sizes).to_numpy(),
                }
            )
        )
        before = by_then
    frame = pd.concat(parts).sort_values(["cohort", "age"], ignore_index=True)
    level = level if isinstance(fitted, FittedCLV) else None
    if level is not None:
        frame = frame.join(
            revenue_bands(
                fitted,
                customers,
                sizes.index.get_indexer(cohort),
                np.array([(part["end"].iloc[0] - end).days for part in parts]),
                level,
                seed,
                (so_far, begun.reindex(sizes.index).fillna(0.0)),
                frame["revenue"].to_numpy().reshape(len(sizes), len(parts)),
            )
        )
        for side in ("lower", "upper"):
            frame[f"revenue_per_customer_{side}"] = frame[f"revenue_{side}"] / frame["customers"]
            by_then = frame.pop(f"cumulative_{side}") / frame["customers"]
            frame[f"cumulative_revenue_per_customer_{side}"] = by_then
    return CohortForecast(frame, cohorts, _name_of(fitted), level)


def _customers_of(cohorts: Any, fitted: Any, rfm: RFM | None) -> RFM:
    """The summary of the cohorts' customers, checked as far as it can be without their days."""
    if not isinstance(cohorts, Cohorts):
        raise DataError(
            f"cohort_forecast wants what pc.historical.cohorts returned; got "
            f"{type(cohorts).__name__}."
        )
    if not hasattr(fitted, "forecast"):
        raise DataError(
            f"cohort_forecast wants a fitted model (CLVModel().fit(rfm)); got "
            f"{type(fitted).__name__}."
        )
    if cohorts.by is not None:
        raise OptionError(
            f"These cohorts are split by {cohorts.by}: forecast them one by one, with "
            f"cohorts.segment(name) of {some(cohorts.segments, 4)} and a summary of that "
            "segment's customers as rfm."
        )
    if not cohorts.has_spend:
        raise DataError("Cohorts are carried on in revenue, and their log has no amounts.")
    customers = fitted.rfm if rfm is None else rfm
    if customers.observation_end != cohorts.observation_end:
        raise DataError(
            f"The cohorts are observed to {cohorts.observation_end}, the customers to "
            f"{customers.observation_end}. Make both of one log: pc.historical.cohorts(rfm)."
        )
    return customers


def _next_periods(end: pd.Timestamp, frequency: Any, periods: int) -> pd.PeriodIndex:
    """The periods that end after ``end``, the first of them begun or the next."""
    if isinstance(periods, bool) or not isinstance(periods, (int, np.integer)) or periods < 1:
        raise OptionError(f"periods must be a whole number from 1 on; got {periods!r}.")
    return pd.period_range(end + pd.Timedelta(days=1), periods=int(periods), freq=frequency)


def _name_of(fitted: Any) -> str:
    if hasattr(fitted, "purchases"):
        return str(fitted.purchases.model.title)
    if isinstance(fitted, FittedBaseline):
        return fitted.baseline.title
    return type(fitted).__name__
