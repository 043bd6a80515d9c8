"""Times between purchases: how regular they are, and what a fitted model expects of them."""

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.clocks.spans import days_after, time_between
from predclv.engines.result import Fit
from predclv.errors import DataError
from predclv.forecast.patterns import Known
from predclv.forecast.recalled import assert_as_they_stand
from predclv.forecast.ways import Ways
from predclv.samples.cells import Cells
from predclv.streams import generator
from predclv.summaries.rfm import RFM
from predclv.units import days_per
from predclv.validation.regularity import wheat_morrison

_SIMULATED = 50_000  # customers


@dataclass(frozen=True, slots=True, eq=False)
class InterpurchaseTimes:
    """Times between consecutive purchases of the same customer.

    Attributes
    ----------
    times : ndarray, shape (n,)
        In ``unit``. Long ones are rarer than they are in truth: observation ends.
    unit : str
        Unit of time.
    customers : int
        Customers with at least one.
    regularity : float
        Wheat and Morrison's k: 1 where purchases come at random, as BG/NBD and Pareto/NBD assume;
        above 1 where they come at regular intervals, below 1 in bursts. NaN without customers who
        have two times.
    regularity_error : float
        Its standard error.
    pairs : int
        Customers with two times or more, on whom it rests.
    simulated : ndarray, shape (m,), or None
        Times that the fitted model makes of customers observed for as long.
    """

    times: NDArray
    unit: str
    customers: int
    regularity: float
    regularity_error: float
    pairs: int
    simulated: NDArray | None

    def verdict(self) -> str:
        """Regularity in words."""
        if not np.isfinite(self.regularity):
            return "too few purchases to tell how regular they are"
        off = self.regularity - 1
        if abs(off) <= max(2 * self.regularity_error, 0.1):
            return "purchases come at random, as the models assume"
        if off > 0:
            return "purchases are more regular than the models assume"
        return "purchases come in bursts, more than the models assume"


def interpurchase_times(
    rfm: RFM,
    fit: Fit | None = None,
    until: datetime.date | None = None,
    seed: int | None = None,
) -> InterpurchaseTimes:
    """Times between purchases in the log behind a summary.

    Regularity is estimated from each customer's last two times: under random purchasing the share
    of one in their sum is uniform, whatever the customer's rate, and the narrower it lies around
    one half, the more regular the purchases.

    Parameters
    ----------
    rfm : RFM
        Made from a log.
    fit : Fit, optional
        Of purchases: simulates 50,000 customers, each observed as long as a real one, with
        their purchases counted in whole days as a log does.
    until : datetime.date, optional
        Default: ``rfm.observation_end``.
    seed : int, optional
        Of the simulation; None simulates afresh.

    Raises
    ------
    DataError
        If the summary has no log, or nobody bought twice.

    References
    ----------
    Wheat, R. D. & Morrison, D. G. (1990). Estimating purchase regularity with two interpurchase
    times. Journal of Marketing Research 27(1), 87-93.

    Examples
    --------
    >>> import predclv as pc
    >>> found = interpurchase_times(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> len(found.times), round(float(np.median(found.times)), 1), found.pairs
    (4339, 4.9, 736)
    """
    log, end = rfm.log_for("Times between purchases need")
    bought = log.purchase_days(until or end)
    customer = pd.factorize(bought["customer_id"])[0]
    days = bought["day"].to_numpy("datetime64[D]").astype(np.int64)
    same = customer[1:] == customer[:-1]
    if not same.any():
        raise DataError("Nobody bought twice: there is no time between purchases.")
    gaps, of = np.diff(days)[same], customer[1:][same]
    k, error, pairs = _regularity(gaps, of)
    simulated = None
    if fit is not None:
        fit.assert_purchases("A simulation of times between purchases")
        assert_as_they_stand(fit, "interpurchase_times")
        rng = generator(seed)
        simulated = _simulated(fit, rfm.cells(), rng, days_per(rfm.unit))
    unit = days_per(rfm.unit)
    return InterpurchaseTimes(
        gaps / unit, rfm.unit, int(np.unique(of).size), k, error, pairs, simulated
    )


def _regularity(gaps: NDArray, of: NDArray) -> tuple[float, float, int]:
    """Wheat and Morrison's k, its standard error, and the number of customers behind it."""
    last = np.append(of[1:] != of[:-1], True)
    second = np.flatnonzero(last)
    second = second[(second > 0) & (of[np.maximum(second - 1, 0)] == of[second])]
    share = gaps[second] / (gaps[second] + gaps[second - 1])
    if share.size < 2 or np.ptp(share) == 0:
        return float("nan"), float("nan"), int(share.size)
    return *wheat_morrison(share, np.ones(share.size)), int(share.size)


def _simulated(fit: Fit, cells: Cells, rng: np.random.Generator, days: float) -> NDArray:
    """Times between purchases of simulated customers observed for as long as the real ones."""
    weight, last_day = cells.weight, 0
    chosen = rng.choice(len(cells), _SIMULATED, p=weight / weight.sum())
    ages = (cells.T * days)[chosen]
    if isinstance(fit.clock, Calendar):
        last_day, ages = cells.known_last_day, np.rint(ages)
    born = last_day - ages
    traits = Known.of(fit, cells).at(chosen).traits(ages.shape, rng)
    if fit.covariates is not None and fit.covariates.changing(cells):
        ways = Ways.since_birth(cells, fit.covariates)
        time, way = ways.time(fit.clock, fit.unit, fit.covariates), ways.of_cell[chosen]
        of, at = traits.purchases(time.until(way, cells.known_last_day), rng).times(rng)
        after = time.day_at(way[of], at) - time.begin[way[of]]
    else:
        observed = time_between(fit.clock, born, last_day)
        of, at = traits.purchases(observed, rng).times(rng)
        after = days_after(fit.clock, born[of], at)
    # As a log counts them: whole days since that of the first purchase, one purchase a day.
    hour = rng.random(ages.size)
    later = np.floor(hour[of] + after)
    day = np.append(np.zeros(ages.size), later)
    of = np.append(np.arange(ages.size), of)
    order = np.lexsort((day, of))
    gaps = np.diff(day[order])[np.diff(of[order]) == 0]
    return gaps[gaps > 0] / days
