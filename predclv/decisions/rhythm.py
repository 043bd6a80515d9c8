"""Customers by their own rhythm: who is overdue, and who is due."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.clocks.spans import days_after
from predclv.decisions.inputs import forecast_frame, value_column
from predclv.decisions.waiting import LONGEST, chance_of_silence, waiting_time
from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.patterns import Known
from predclv.forecast.recalled import as_recalled, read
from predclv.forecast.result import Forecast
from predclv.models.personal import Personal
from predclv.pools.fitted import single
from predclv.summaries.rfm import RFM
from predclv.units import DAYS, horizon_in, probability


def at_risk(
    fitted: FittedCLV | Fit,
    rfm: RFM | None = None,
    overdue: float = 0.9,
    least_repeats: int = 3,
    forecast: Forecast | None = None,
) -> pd.DataFrame:
    """Customers who bought regularly and are now overdue by their own rhythm.

    Right after their last purchase a customer's rate of purchases, given their history, is
    Gamma(r + x, alpha + t_x), times by the clock of the fit. Had they stayed, they would be silent
    for longer than s with probability ``((alpha + t_x) / (alpha + t_x + s))^(r + x)``. Overdue is
    whose silence is less likely than ``1 - overdue``: somebody who buys weekly after a month,
    somebody who buys once a year not yet. For a purchase model without such a rate the probability
    is its own, of no purchase since the last one.

    Parameters
    ----------
    fitted : FittedCLV or Fit
        Of purchases, with spend or without. Rhythms are taken at the point estimate.
    rfm : RFM, optional
        The customers, in any unit; by default those fitted. A Fit does not remember its own.
    overdue : float
        0.9: silent for longer than nine of ten customers with their history would be.
    least_repeats : int
        Bought regularly: at least so many repeat purchases.
    forecast : Forecast, optional
        Of the same customers, for the value at stake. Default: of 52 weeks at 10% a year and
        margin 1.

    Returns
    -------
    DataFrame
        Sorted by value_at_stake, the highest first: customer_id, value_at_stake (clv: what is
        still expected of them; without spend discounted purchases), p_alive, silent_days, p_silent
        (the probability above), usual_gap_days (the gap they outlast every second time),
        overdue_after_days (the silence from which they are overdue), frequency. Customers who are
        almost surely gone stand at the end; `win_back` is the list for them. On a clock with a
        season, silence in a low one is less of a sign: both gaps are days from the customer's own
        last purchase.

    Raises
    ------
    DataError
        If there are no customers, the fit is not of purchases, or the forecast is of others.
    OptionError
        If ``overdue`` or ``least_repeats`` makes no sense.

    See Also
    --------
    predclv.segments.win_back : likely gone, and worth it.
    predclv.segments.at_stake : who comes back by themselves, and who not.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> late = pc.segments.at_risk(fitted)
    >>> late[["customer_id", "silent_days", "usual_gap_days", "overdue_after_days"]].head(2).round()
       customer_id  silent_days  usual_gap_days  overdue_after_days
    0          841         42.0            11.0                38.0
    1          167         48.0            13.0                43.0
    """
    overdue = probability(overdue, "overdue")
    if isinstance(least_repeats, bool) or not isinstance(least_repeats, (int, np.integer)):
        raise OptionError(f"least_repeats must be a whole number; got {least_repeats!r}.")
    if least_repeats < 1:
        raise OptionError(f"least_repeats must be at least 1; got {least_repeats}.")
    fitted, rfm = _with_customers(fitted, rfm, "at_risk")
    if forecast is None:
        forecast = fitted.forecast(rfm=rfm, level=None, seed=0)
    worth = forecast_frame(forecast, "at_risk", "p_alive")
    if not worth["customer_id"].equals(rfm.frame["customer_id"]):
        raise DataError("The forecast is of other customers than the summary: forecast(rfm=rfm).")
    late = overdue_cells(fitted, rfm, overdue, least_repeats)
    cell = _places(fitted, rfm)
    listed = np.isin(cell, late.index)
    found = pd.DataFrame(
        {
            "customer_id": rfm.frame["customer_id"],
            "value_at_stake": worth[value_column(worth)],
            "p_alive": worth["p_alive"],
            "frequency": rfm.frame["frequency"],
        }
    )[listed]
    own = late.loc[cell[listed]].set_axis(found.index)
    found = pd.concat([found, own], axis="columns")[[*found.columns[:3], *own, "frequency"]]
    return found.sort_values(
        ["value_at_stake", "customer_id"], ascending=[False, True], ignore_index=True
    )


def overdue_cells(fitted: FittedCLV, rfm: RFM, overdue: float, least_repeats: int) -> pd.DataFrame:
    """The cells whose customers are overdue, by their number: `at_risk` without the customers.

    Returns
    -------
    DataFrame
        silent_days, p_silent, usual_gap_days, overdue_after_days; indexed by the row of the cell.
    """
    base, known = _Base.of(fitted, rfm), Known.of(fitted.purchases, rfm.cells())
    x, t_x, T = base.x, base.t_x, base.T
    regular = np.flatnonzero(x >= least_repeats)
    p_silent = chance_of_silence(base.seen_by(known, regular), x[regular], t_x[regular])(
        T[regular] - t_x[regular]
    )
    is_late = p_silent < 1.0 - overdue
    late = regular[is_late]
    gaps = {}
    for name, p in (("usual_gap_days", 0.5), ("overdue_after_days", overdue)):
        silence = chance_of_silence(base.seen_by(known, late), x[late], t_x[late])
        wait = waiting_time(silence, p, late.size, fitted.unit)
        gaps[name] = days_after(base.clock, base.latest[late], wait)
    return pd.DataFrame(
        {"silent_days": base.silent_days[late], "p_silent": p_silent[is_late], **gaps}, index=late
    )


def due_soon(
    fitted: FittedCLV | Fit,
    rfm: RFM | None = None,
    within: Any = "30 days",
    seed: int | None = 0,
) -> pd.DataFrame:
    """Who will buy next, and when: the chance of a purchase within a window, for every customer.

    Parameters
    ----------
    fitted : FittedCLV or Fit
        Of purchases, with spend or without.
    rfm : RFM, optional
        The customers, in any unit; by default those fitted. A Fit does not remember its own.
    within : str, timedelta or number
        The window, from the end of observation: ``"30 days"``, or a number in the summary's unit.
    seed : int or None
        Of the draws a posterior is averaged over; fits at a point estimate need none.

    Returns
    -------
    DataFrame
        Every customer, sorted by p_active, the highest first: customer_id, p_active (probability
        of at least one purchase within the window), median_days (days until the next purchase that
        they stay below with probability one half, at the point estimate), p_alive,
        expected_purchases and, with spend, expected_revenue within the window, silent_days and
        frequency. ``median_days`` is *inf* where the chance of ever buying again, within 100
        years, is below one half: no day is the median of something that more likely never comes.
        It is NaN where it lies beyond the days for which a clock's regressors have values.

    Raises
    ------
    DataError
        If there are no customers, or the fit is not of purchases.
    OptionError
        If the window cannot be read.

    See Also
    --------
    predclv.segments.at_risk : overdue by their own rhythm.
    predclv.segments.win_back : likely gone, and worth it.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> fit = pc.fit(pc.BGNBD, rfm)
    >>> due = pc.segments.due_soon(fit, rfm, within="30 days")
    >>> due[["customer_id", "p_active", "median_days"]].head(2).round(2)
       customer_id  p_active  median_days
    0         1203      0.87         9.63
    1         1981      0.87         9.22
    """
    fitted, rfm = _with_customers(fitted, rfm, "due_soon")
    window = horizon_in(within, rfm.unit, "within")
    frame = fitted.forecast(window, discount_rate=0.0, level=None, rfm=rfm, seed=seed).frame
    base, cell = _Base.of(fitted, rfm), _places(fitted, rfm)
    columns = ["customer_id", "p_active", "p_alive", "expected_purchases", "expected_revenue"]
    found = frame[[name for name in columns if name in frame]].copy()
    known = Known.of(fitted.purchases, rfm.cells())
    found.insert(2, "median_days", _median_days(known, base, fitted.unit)[cell])
    found["silent_days"] = base.silent_days[cell]
    found["frequency"] = rfm.frame["frequency"]
    return found.sort_values(
        ["p_active", "customer_id"], ascending=[False, True], ignore_index=True
    )


def _median_days(known: Known, base: "_Base", unit: str) -> NDArray:
    """Median days to the next purchase of each cell, inf where there may never be one."""
    x, T = base.x, base.T
    alive = np.asarray(base.seen_by(known).p_alive(x, base.t_x, T))
    wait = np.full(x.size, np.inf)
    able = alive > 0.5
    living = base.seen_by(known, able).living(x[able], base.t_x[able], T[able])

    def silent(t: NDArray) -> NDArray:
        return 1.0 - alive[able] * living.p_active(t)

    longest = None
    if isinstance(base.clock, Calendar) and np.isinf(base.clock.known_until):
        longest = float(base.clock.elapsed(base.end, base.end + LONGEST))
    wait[able] = waiting_time(silent, 0.5, int(able.sum()), unit, longest)
    return days_after(base.clock, base.end, wait)


def _with_customers(fitted: FittedCLV | Fit, rfm: RFM | None, what: str) -> tuple[FittedCLV, RFM]:
    """A fit with the customers it is asked about; of a pool its first model."""
    fitted = single(fitted)
    if isinstance(fitted, Fit):
        fitted.assert_purchases(what)
        if rfm is None:
            raise DataError(f"A Fit does not remember its customers: {what}(fit, rfm).")
        if isinstance(rfm, RFM):
            fitted = FittedCLV(fitted, None, rfm)
    if not isinstance(fitted, FittedCLV):
        raise DataError(
            f"{what} wants a Fit or a FittedCLV (pc.fit, or pc.CLVModel().fit); got "
            f"{type(fitted).__name__}."
        )
    rfm = fitted.rfm if rfm is None else rfm
    if not isinstance(rfm, RFM):
        raise DataError(
            f"rfm must be an RFM (pc.rfm_summary or pc.RFM.from_frame); got {type(rfm).__name__}."
        )
    return fitted, rfm


def _places(fitted: FittedCLV, rfm: RFM) -> NDArray:
    """Which of the distinct histories each customer has, shape (n_customers,)."""
    rfm = as_recalled(fitted.purchases, rfm)
    return rfm.cells().places(rfm.frame)


class _Base(NamedTuple):
    """The distinct histories of customers by the clock of a fit, and the days behind them.

    Attributes
    ----------
    x, t_x, T : ndarray, shape (n_cells,)
        Repeat purchases, and recency and age in the time of the clock.
    silent_days : ndarray, shape (n_cells,)
        Days since the last purchase.
    latest : ndarray or float
        The day of the last purchase, since 1970-01-01; on a steady clock no day matters.
    end : float
        The day on which observation ended.
    clock : Steady or Calendar
    lost, haste : ndarray, shape (n_cells,), or None
        As of :class:`predclv.models.personal.Personal`.
    """

    x: NDArray
    t_x: NDArray
    T: NDArray
    silent_days: NDArray
    latest: NDArray
    end: float
    clock: Any
    lost: NDArray | None = None
    haste: NDArray | None = None

    @classmethod
    def of(cls, fitted: FittedCLV, rfm: RFM) -> "_Base":
        """Of the customers that a fit is asked about."""
        fit, rfm = fitted.purchases, as_recalled(fitted.purchases, rfm)
        clock, cells = fit.clock, rfm.cells()
        known: dict[str, Any] = read(
            fit, clock, fit.recall, cells, DAYS[rfm.unit] / DAYS[fitted.unit], fit.covariates
        )
        x, t_x, T = known["x"], known["t_x"], known["T"]
        silent = np.round(DAYS[fitted.unit] * (T - t_x), 6)  # 38, not 38.000000000000014
        if isinstance(clock, Calendar):
            silent = (cells.age_days - cells.recency_days).astype(float)
        end = float(cells.last_day or 0)
        personal = (known.get("lost"), known.get("haste"))
        return cls(x, t_x, T, silent, end - silent, end, clock, *personal)

    def seen_by(self, known: Known, cells: Any = slice(None)) -> Any:
        """The model as it is for customers with some of the histories."""
        own = (None if each is None else each[cells] for each in (self.lost, self.haste))
        return Personal.of(known.at(cells), *own)
