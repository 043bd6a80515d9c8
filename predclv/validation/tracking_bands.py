"""Bands of tracking: where a cohort's purchases may fall if the model is right."""

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import fftconvolve

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.spans import days_after, time_between
from predclv.engines.result import Fit
from predclv.forecast.draws import clocked_draws
from predclv.forecast.patterns import ByPattern, estimate_of, model_for
from predclv.models.purchases import PurchaseModel
from predclv.validation.tracking_ways import SAMPLE, CohortOnWays, simulated

_DRAWS = 120  # of the parameters
_STEP = 7  # days of age between which a spline stands in: off by 1e-4 in the first weeks, then less


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Who came when, and the ends of the periods in which their purchases are counted.

    Attributes
    ----------
    first_day : int
        The day of the first of all first purchases, since 1970-01-01.
    births : ndarray of int, shape (n_days,)
        Customers who first bought on each day from ``first_day`` on.
    days : ndarray of int, shape (n_periods,)
        The end of each period, in days since ``first_day``.
    extra : int
        Days by which each customer is older than their first purchase says.
    of_patterns : tuple of (int, ndarray)
        The births of customers in each pattern of covariates, where a fit has some.
    """

    first_day: int
    births: NDArray
    days: NDArray
    extra: int
    of_patterns: tuple[tuple[int, NDArray], ...] = ()

    def expected(self, model: Any, clock: Steady | Calendar, step: int = 1) -> NDArray:
        """Expected repeat purchases by the end of each period, (n_periods,).

        With a ``step`` the model is asked at every so many days of age, and a cubic spline in
        between.
        """
        if isinstance(model, ByPattern):
            parts = (
                replace(self, births=births).expected(model.alone(pattern), clock, step)
                for pattern, births in self.of_patterns
            )
            return np.asarray(sum(parts))
        if isinstance(clock, Calendar):
            return self._expected_on(clock, model, step)
        ages = np.arange(self.days[-1] + 1 + self.extra)
        if step == 1 or ages.size <= 4 * step:
            by_age = model.expected_purchases(clock.elapsed(ages))
        else:
            asked = np.union1d(ages[::step], ages[-1:])
            by_age = CubicSpline(asked, model.expected_purchases(clock.elapsed(asked)))(ages)
        by_age[0] = 0.0
        return np.maximum(fftconvolve(self.births, by_age[self.extra :])[self.days], 0.0)

    def _expected_on(self, clock: Calendar, model: PurchaseModel, step: int) -> NDArray:
        """The same on a calendar, where an age has a time of its own for each day of birth."""
        born = np.flatnonzero(self.births)
        until = clock.elapsed(self.first_day, self.first_day + np.arange(self.days[-1] + 1))
        total, day = np.zeros(self.days.size), float(Steady(clock.unit).elapsed(1))
        longest, by_age = float(until[-1] + self.extra * day), cast(Any, model.expected_purchases)
        if step > 1 and longest > 4 * step * day:
            asked = np.append(np.arange(0.0, longest, step * day), longest)
            by_age = CubicSpline(asked, model.expected_purchases(asked))
        for period, end in enumerate(self.days):
            here = born[born <= end - (self.extra == 0)]
            ages = until[end] - until[here] + self.extra * day
            total[period] = self.births[here] @ by_age(ages)
        return np.maximum(total, 0.0)


def tracking_band(
    fit: Fit,
    cohort: Cohort | CohortOnWays,
    level: float,
    rng: np.random.Generator,
    patterns: Any = None,
) -> pd.DataFrame:
    """Where the repeat purchases of a cohort fall with probability ``level``, period by period.

    A future is one draw of the parameters, those of a clock included, shared by all customers, plus
    each customer's own chance around what it makes expected. Nothing else is in it: no season or
    campaign that the fit has no clock for, no doubt of the model.

    Returns
    -------
    DataFrame
        One row per period: lower and upper of the purchases within the period,
        cumulative_lower and cumulative_upper of those so far.
    """
    drawn = clocked_draws(fit, _DRAWS, rng, patterns)
    if isinstance(cohort, CohortOnWays):
        expected = cohort.expected_of(drawn, rng)
        chance = cohort.chance(estimate_of(fit, patterns), fit.clock, rng)
    else:
        expected = np.array([cohort.expected(*member, _STEP) for member in drawn])
        chance = _chance(fit, cohort, rng, patterns)
    so_far = expected[np.arange(len(chance)) % _DRAWS] + chance
    within = np.diff(so_far, axis=1, prepend=0.0)
    ends = [0.5 * (1 - level), 0.5 * (1 + level)]
    bounds = [np.maximum(np.quantile(paths, ends, axis=0), 0.0) for paths in (within, so_far)]
    names = ("lower", "upper", "cumulative_lower", "cumulative_upper")
    return pd.DataFrame(dict(zip(names, np.concatenate(bounds), strict=True)))


def _chance(fit: Fit, cohort: Cohort, rng: np.random.Generator, patterns: Any) -> NDArray:
    """How far simulated futures lie from what is expected, (futures, n_periods)."""
    model: Any = estimate_of(fit, patterns)
    clock: Any = fit.clock
    days, extra = cohort.days, cohort.extra
    parts = cohort.of_patterns or ((-1, cohort.births),)
    born = np.concatenate([np.repeat(np.arange(births.size), births) for _, births in parts])
    pattern = np.repeat([z for z, _ in parts], [births.sum() for _, births in parts])
    everybody = born.size
    if everybody > SAMPLE:
        chosen = rng.choice(everybody, SAMPLE, replace=False)
        born, pattern = born[chosen], pattern[chosen]
    of_patterns = tuple((z, np.bincount(born[pattern == z])) for z in np.unique(pattern).tolist())
    sample = Cohort(cohort.first_day, np.bincount(born), days, extra, of_patterns)

    def day_of(owner: NDArray, when: NDArray) -> NDArray:
        return _day_of(clock, cohort, born[owner], when)

    observed = _observed(clock, cohort, born)
    found = simulated(model_for(model, pattern), observed, days, day_of, rng)
    return (found - sample.expected(model, clock)) * np.sqrt(everybody / born.size)


def _observed(clock: Any, cohort: Cohort, born: NDArray) -> NDArray:
    """How long customers who came on these days are looked at, by the clock."""
    if not isinstance(clock, Calendar):
        return clock.elapsed(np.maximum(cohort.days[-1] - born + cohort.extra, 0))
    end = cohort.first_day + np.maximum(cohort.days[-1], born)
    more = Steady(clock.unit).elapsed(cohort.extra)
    return time_between(clock, cohort.first_day + born, end) + more


def _day_of(clock: Any, cohort: Cohort, born: NDArray, when: NDArray) -> NDArray:
    """The day of a purchase so long after the first one, with fractions, since the first of all."""
    if not isinstance(clock, Calendar):
        return born + days_after(clock, 0, when) - cohort.extra
    later = np.maximum(when - Steady(clock.unit).elapsed(cohort.extra), 0.0)
    return born + days_after(clock, cohort.first_day + born, later)
