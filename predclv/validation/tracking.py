"""Tracking: repeat purchases of a cohort over time, expected from the day each customer came."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.days import day_numbers
from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError, some
from predclv.forecast.patterns import Known, tell_what_is_carried_on
from predclv.forecast.recalled import assert_as_they_stand
from predclv.forecast.ways import Ways
from predclv.logs.log import Log
from predclv.streams import generator
from predclv.summaries.looking_ahead import looking_ahead
from predclv.summaries.rfm import RFM
from predclv.units import days_per, horizon_in, probability
from predclv.validation.tracking_bands import Cohort, tracking_band
from predclv.validation.tracking_ways import CohortOnWays


@dataclass(frozen=True, slots=True, eq=False)
class Tracking:
    """Repeat purchases per period: what came, and what fitted models expected of the cohort.

    Attributes
    ----------
    frame : DataFrame
        Index ``end``, the last day of each period; column ``actual`` (int64) and one per fitted
        model: repeat purchases *within* the period.
    calibration_end : datetime.date
        The last day that the models saw; periods are counted from it in both directions.
    period : str
        What one row is, in words: ``"week"``, ``"4 weeks"``.
    customers : int
        Size of the cohort: everybody whose first purchase was by ``calibration_end``.
    left_out : int
        Days at the end that made no whole period.
    bands : mapping of str to DataFrame
        By fitted model, where a level was asked for: ``lower`` and ``upper`` of the purchases
        within each period, ``cumulative_lower`` and ``cumulative_upper`` of those so far. They
        hold chance and what is not known of the parameters; no season, no campaign but those of
        the fit's clock.
    """

    frame: pd.DataFrame
    calibration_end: datetime.date
    period: str
    customers: int
    left_out: int
    bands: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def cumulative(self) -> pd.DataFrame:
        """The same, summed from the first period on."""
        return self.frame.cumsum()

    @property
    def is_holdout(self) -> NDArray:
        """Which periods the models have not seen, (n_periods,) of bool."""
        return np.asarray(self.frame.index > pd.Timestamp(self.calibration_end))

    def errors(self) -> pd.DataFrame:
        """How far expected and actual lie apart over the periods after ``calibration_end``.

        Not the error of the forecast. Tracking starts every customer's clock at their first
        purchase and asks nothing of their history; the cumulative error also has the calibration
        period in both its numerator, where errors of opposite sign cancel, and its denominator. On
        CDNOW one and the same BG/NBD fit has a cumulative error of 2.6%, a weekly one of 19.4%, and
        a forecast of the holdout that is 12% too low (``bias`` of :func:`predclv.validate`, which
        is the number to plan with).

        Returns
        -------
        DataFrame
            Index ``forecaster``; columns:

            - ``cumulative_mape``: mean absolute error of the cumulative curve, each period's as a
              share of its actual;
            - ``incremental_mape``: that of the purchases per period, over periods with any;
            - ``cumulative_at_end``: expected over actual less one at the last period;
            - ``incremental_bias``: that of the sum of the periods after ``calibration_end``.

        Raises
        ------
        DataError
            If there is no whole period after ``calibration_end``.

        References
        ----------
        Jerath, Fader & Hardie (2011), Marketing Science 30(5), table 3: BG/NBD on CDNOW, weeks 40
        to 78, 2.6% and 19.4%.
        """
        after = self.is_holdout
        if not after.any():
            raise DataError(
                f"No whole {self.period} lies after {self.calibration_end}: there is nothing to "
                "compare. Track to a later day (until=...) or by a shorter period."
            )
        total, within = self.cumulative[after], self.frame[after]
        bought = within["actual"] > 0
        rows = {}
        for name in self.frame.columns.drop("actual"):
            apart = (within[name] - within["actual"]).abs()[bought] / within["actual"][bought]
            rows[name] = {
                "cumulative_mape": (total[name] / total["actual"] - 1).abs().mean(),
                "incremental_mape": apart.mean(),
                "cumulative_at_end": total[name].iloc[-1] / total["actual"].iloc[-1] - 1,
                "incremental_bias": within[name].sum() / within["actual"].sum() - 1,
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("forecaster")


def tracking(
    fits: Mapping[str, Fit],
    rfm: RFM,
    until: datetime.date | None = None,
    period: str = "1 week",
    count_first_day: bool = False,
    level: float | None = None,
    seed: int | None = 0,
    dynamic_covariates: Any = None,
) -> Tracking:
    """Repeat purchases per period of everybody who had come by ``rfm.observation_end``.

    A customer who first bought on day b is expected to have made ``E[X(d - b)]`` repeat purchases
    by day d; the cohort's curve is the sum. On a clock that is ``E[X]`` of the clock's time from b
    to d, so that the curve has the clock's season in it. Posteriors are tracked at their mean.

    Parameters
    ----------
    fits : mapping of str to Fit
        Of purchases, by name.
    rfm : RFM
        Summary of a log, to which the models were fitted.
    until : datetime.date, optional
        The last day to track to, for instance the end of a holdout; default:
        ``rfm.observation_end``.
    period : str
        Length of a period, in whole days: ``"1 week"``, ``"30 days"``. A rest at the end that
        makes no whole period is left out.
    count_first_day : bool
        Give each customer the whole day of their first purchase, one day more than ``T`` has (on a
        clock an average one). So do the tables of BTYD; the default agrees with what the models
        were fitted to.
    level : float or None
        Of the bands; None leaves them out.
    seed : int or None
        Of the bands.
    dynamic_covariates : table or CovariateTable, optional
        How covariates change after the calibration, as of ``forecast``; None carries each
        customer's last value on.

    Returns
    -------
    Tracking

    Raises
    ------
    DataError
        If the summary has no log, or a fit is not one of purchases.
    OptionError
        If the period or ``until`` makes no sense.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), figures 2 and 3.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> fit = pc.fit(pc.BGNBD, split.rfm)
    >>> tracking({"BG/NBD": fit}, split.rfm, split.holdout_end).errors().round(3).T
    forecaster         BG/NBD
    cumulative_mape     0.026
    incremental_mape    0.194
    cumulative_at_end  -0.041
    incremental_bias   -0.114
    """
    if not fits:
        raise OptionError("There is no fitted model to track.")
    level = None if level is None else probability(level, "level")
    for name, fit in fits.items():
        fit.assert_purchases(f"Tracking of {name}")
    log, end = rfm.log_for("Tracking needs")
    until = until or end
    if not end <= until <= log.last_day:
        raise OptionError(f"until must lie between {end} and {log.last_day}; got {until}.")
    length = _whole_days(period)
    customers, first, repeats = _days_of_purchases(log, end, until)
    before = -(-((pd.Timestamp(end) - first.min()).days + 1) // length)
    after = (until - end).days // length
    ends = pd.DatetimeIndex(
        [pd.Timestamp(end) + pd.Timedelta(days=k * length) for k in range(1 - before, after + 1)],
        name="end",
    )
    came = repeats.value_counts().sort_index().cumsum()
    actual = came.reindex(came.index.union(ends)).ffill().fillna(0).loc[ends].to_numpy(np.int64)
    columns = {"actual": np.diff(actual, prepend=0)}
    cohort = Cohort(
        first_day=int(day_numbers([first.min()])[0]),
        births=np.bincount((first - first.min()).dt.days),
        days=(ends - first.min()).days.to_numpy(),
        extra=int(count_first_day),
    )
    if dynamic_covariates is not None and until > end:
        rfm = looking_ahead(rfm, dynamic_covariates, (until - end).days)
    elif until > end:
        for fit in fits.values():
            tell_what_is_carried_on(fit, None, rfm.cells())
    bands, rng = {}, generator(seed)
    for name, fit in fits.items():
        assert_as_they_stand(fit, f"tracking of {name}")
        clock: Any = fit.clock
        known = Known.of(fit, rfm.cells())
        own: Cohort | CohortOnWays = cohort
        if known.pattern is not None:
            own = _with_covariates(cohort, fit, rfm, customers, first)
        columns[name] = np.diff(own.expected(known.model, clock), prepend=0.0)
        if level is not None:
            patterns = rfm.cells().patterns
            bands[name] = tracking_band(fit, own, level, rng, patterns).set_index(ends)
    days = days_per("week")
    named = "day" if length == 1 else f"{length} days"
    if length % days == 0:
        named = "week" if length == days else f"{length / days:g} weeks"
    return Tracking(
        frame=pd.DataFrame(columns, index=ends),
        calibration_end=end,
        period=named,
        customers=len(first),
        left_out=(until - end).days - after * length,
        bands=bands,
    )


def _days_of_purchases(
    log: Log, end: datetime.date, until: datetime.date
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Who had come by ``end``, the days of their first purchases, and of their repeat purchases."""
    bought = log.purchase_days(until)
    first = bought.groupby("customer_id", sort=False)["day"].transform("min")
    cohort = first <= pd.Timestamp(end)
    is_first = bought["day"] == first
    firsts = bought[cohort & is_first]
    return firsts["customer_id"], firsts["day"], bought.loc[cohort & ~is_first, "day"]


def _with_covariates(
    cohort: Cohort, fit: Fit, rfm: RFM, customers: pd.Series, first: pd.Series
) -> Cohort | CohortOnWays:
    """The cohort with the births of customers in each pattern of covariates, or their ways.

    Raises
    ------
    DataError
        If the log has customers that the summary has not, of whom nothing is known.
    """
    cells, frame = rfm.cells(), rfm.frame
    place = pd.Index(frame["customer_id"]).get_indexer(pd.Index(customers))
    if np.any(place < 0):
        raise DataError(
            f"The log has customers of whom the summary knows no covariates: "
            f"{some(customers[place < 0])}."
        )
    of_cell = cells.places(frame)[place]
    pattern = cells.extra["pattern"][of_cell]
    assert fit.covariates is not None
    if fit.covariates.changing(cells) or cells.ahead is not None:
        ways, ends = Ways.since_birth(cells, fit.covariates), cohort.first_day + cohort.days
        way = ways.of_cell[of_cell]
        return CohortOnWays.of(ways, fit.unit, way, pattern, ends, cohort.extra)
    day = (first - first.min()).dt.days.to_numpy()
    births = tuple((z, np.bincount(day[pattern == z])) for z in np.unique(pattern).tolist())
    return replace(cohort, of_patterns=births)


def _whole_days(period: str) -> int:
    days = horizon_in(period, "day", "period")
    if days % 1:
        raise OptionError(f"period must be whole days, such as '1 week'; {period!r} is {days:g}.")
    return int(days)
