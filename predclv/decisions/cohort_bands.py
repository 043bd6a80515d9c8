"""Bands of cohorts to come: what their customers may bring if the models are right."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.spans import time_between
from predclv.forecast.ahead import times_of_customers
from predclv.forecast.draws import clocked_draws, fixed_draws
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.patterns import model_for, patterns_for
from predclv.forecast.recalled import assert_as_they_stand
from predclv.streams import Stream, stream
from predclv.summaries.rfm import RFM
from predclv.units import DAYS

_WORK = 2_000_000  # customers x simulated futures
_FEWEST, _MOST = 200, 400  # futures: an end of a 90% band is known to 0.1 standard deviations
_SAMPLE = 10_000  # customers simulated; the chance in the mean of more is scaled from them


def simulated_revenue(
    fitted: FittedCLV, rfm: RFM, cohort: NDArray, days: NDArray, seed: int
) -> tuple[NDArray, NDArray]:
    """Pairs of futures of the revenue of each cohort in each period, of a sample of customers.

    Within a pair, all customers share one draw of the parameters, and every customer has their own
    chance of still being one, of buying, and of what they spend.

    Parameters
    ----------
    fitted : FittedCLV
        With spend.
    rfm : RFM
        The customers.
    cohort : ndarray of int, shape (n_customers,)
        The place of each customer's cohort, from 0 on.
    days : ndarray of int, shape (n_periods,)
        The end of each period, in days from the end of observation.
    seed : int

    Returns
    -------
    futures : ndarray, shape (pairs, 2, n_cohorts, n_periods)
    shares : ndarray, shape (n_cohorts,)
        Of each cohort's customers in the sample; 1 where all are.
    """
    assert fitted.spend is not None
    assert_as_they_stand(fitted.purchases, "The interval of cohorts")
    rng = stream(seed, Stream.GROUPS)
    sizes = np.bincount(cohort)
    chosen = _sample(cohort, rng)
    frame, to_fit = rfm.frame.iloc[chosen], DAYS[rfm.unit] / DAYS[fitted.unit]
    x, cells = frame["frequency"].to_numpy(float), rfm.cells()
    mean = np.maximum(frame["monetary_value"].to_numpy(float), 0.0)
    place, last_day = cohort[chosen] * days.size, cells.last_day or 0
    known = [patterns_for(fit, cells) for fit in (fitted.purchases, fitted.spend)]
    patterns = next((each for each in known if each is not None), None)
    pattern = None if patterns is None else cells.extra["pattern"][cells.places(frame)]
    pairs = int(np.clip(_WORK // chosen.size, _FEWEST, _MOST)) // 2
    found = np.empty((pairs, 2, sizes.size * days.size))
    of_purchases = clocked_draws(fitted.purchases, pairs, rng, patterns)
    of_spend = fixed_draws(fitted.spend, pairs, rng, patterns)
    for pair, (model, clock), spend in zip(found, of_purchases, of_spend, strict=True):
        t_x, T = times_of_customers(clock, cells, frame, to_fit, fitted.purchases.covariates)
        ends = time_between(clock, last_day, last_day + days)
        own = model_for(model, pattern)
        p_alive = own.p_alive(x, t_x, T)
        for future in pair:
            who = np.flatnonzero(rng.random(x.size) < p_alive)
            some = None if pattern is None else pattern[who]
            living = model_for(model, some).living(x[who], t_x[who], T[who])
            paths = living.paths(np.full(who.size, ends[-1]), rng)
            owner, when = paths.times(rng)
            value = model_for(spend, some).given(x[who], mean[who]).simulate(paths.purchases, rng)
            at = place[who][owner] + np.minimum(np.searchsorted(ends, when), days.size - 1)
            future[:] = np.bincount(at, value, found.shape[2])
    shares = np.bincount(cohort[chosen], minlength=sizes.size) / sizes
    return found.reshape(pairs, 2, sizes.size, days.size), shares


def _sample(cohort: NDArray, rng: np.random.Generator) -> NDArray:
    """Customers to simulate, ascending: all, or as many of each large cohort."""
    if cohort.size <= _SAMPLE:
        return np.arange(cohort.size)
    most = max(_SAMPLE // int(cohort.max() + 1), 1)
    shuffled = rng.permutation(cohort.size)
    by_cohort = shuffled[np.argsort(cohort[shuffled], kind="stable")]
    first = np.searchsorted(cohort[by_cohort], cohort[by_cohort])
    return np.sort(by_cohort[np.arange(cohort.size) - first < most])


def _bounds(found: NDArray, shares: NDArray, expected: NDArray, level: float) -> NDArray:
    """Bounds of the sums over whole cohorts, (2, n_cohorts, n_periods), from pairs over a sample.

    What is not known of the parameters is the same for a sample and for all; chance averages out.
    The two of a pair share their parameters, so their difference is chance alone. Where customers
    are left out, the middle is what is expected of all, (n_cohorts, n_periods).
    """
    share, total = shares[:, None], found.var(axis=(0, 1))
    chance = 0.5 * np.square(found[:, 0] - found[:, 1]).mean(axis=0)
    kept = np.maximum(total - chance, 0.0) + share * chance
    kept = np.sqrt(np.minimum(np.divide(kept, total, out=np.ones_like(total), where=total > 0), 1))
    centre, ends = found.mean(axis=(0, 1)), [0.5 * (1 - level), 0.5 * (1 + level)]
    quantiles = np.quantile(found.reshape(-1, *found.shape[2:]), ends, axis=0)
    middle = np.where(share < 1, expected, centre)
    factor = np.divide(middle, centre, out=np.ones_like(centre), where=centre > 0)
    return np.maximum(middle + kept * factor * (quantiles - centre), 0.0)


def revenue_bands(
    fitted: FittedCLV,
    rfm: RFM,
    cohort: NDArray,
    days: NDArray,
    level: float,
    seed: int,
    came: tuple[pd.Series, pd.Series],
    expected: NDArray,
) -> pd.DataFrame:
    """Bounds of revenue by cohort and period, sorted as the rows of a cohort forecast.

    Parameters
    ----------
    fitted, rfm, cohort, days, seed
        As in :func:`simulated_revenue`.
    level : float
    came : tuple of Series, each of shape (n_cohorts,)
        Revenue of each cohort so far, and of it what fell into the period that has begun.
    expected : ndarray, shape (n_cohorts, n_periods)
        Revenue of each period, what came of it included.

    Returns
    -------
    DataFrame
        Columns revenue_lower, revenue_upper, cumulative_lower, cumulative_upper: sums.
    """
    futures, shares = simulated_revenue(fitted, rfm, cohort, days, seed)
    so_far, begun = (part.to_numpy()[:, None] for part in came)
    ahead = expected.copy()
    ahead[:, :1] -= begun
    within = _bounds(futures, shares, ahead, level)
    within[:, :, :1] += begun
    cumulative = _bounds(futures.cumsum(axis=3), shares, ahead.cumsum(axis=1), level) + so_far
    names = ("revenue_lower", "revenue_upper", "cumulative_lower", "cumulative_upper")
    values = np.concatenate([within, cumulative])
    return pd.DataFrame({name: part.ravel() for name, part in zip(names, values, strict=True)})
