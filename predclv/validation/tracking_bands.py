"""Bands of tracking: where a cohort's purchases may fall if the model is right."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import fftconvolve

from predclv.engines.result import Fit
from predclv.forecast.draws import fixed_draws
from predclv.forecast.paths import purchase_times
from predclv.models.purchases import PurchaseModel
from predclv.units import days_per

_DRAWS = 120  # of the parameters
_STEP = 7  # days of age between which a spline stands in: off by 1e-4 in the first weeks, then less
_WORK = 1_000_000  # customers x simulated futures
_FEWEST, _MOST = 120, 400  # futures: an end of a 90% band is known to 0.2 standard deviations
_SAMPLE = 10_000  # customers simulated; chance in the sum of more is scaled from them


def tracking_band(
    fit: Fit, births: NDArray, days: NDArray, extra: int, level: float, rng: np.random.Generator
) -> pd.DataFrame:
    """Where the repeat purchases of a cohort fall with probability ``level``, period by period.

    A future is one draw of the parameters, shared by all customers, plus each customer's own
    chance around what it makes expected. Nothing else is in it: no season, no campaign, no doubt
    of the model.

    Parameters
    ----------
    fit : Fit
        Of purchases.
    births : ndarray of int, shape (n_days,)
        Customers who first bought on each day from the cohort's first on.
    days : ndarray of int, shape (n_periods,)
        The end of each period, in days since the cohort's first.
    extra : int
        Days by which each customer is older than their first purchase says.
    level : float
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame
        One row per period: lower and upper of the purchases within the period,
        cumulative_lower and cumulative_upper of those so far.
    """
    models = fixed_draws(fit, _DRAWS, rng)
    expected = np.array([expected_by(days, m, births, extra, fit.unit, _STEP) for m in models])
    chance = _chance(fit, births, days, extra, rng)
    so_far = expected[np.arange(len(chance)) % _DRAWS] + chance
    within = np.diff(so_far, axis=1, prepend=0.0)
    ends = [0.5 * (1 - level), 0.5 * (1 + level)]
    bounds = [np.maximum(np.quantile(paths, ends, axis=0), 0.0) for paths in (within, so_far)]
    names = ("lower", "upper", "cumulative_lower", "cumulative_upper")
    return pd.DataFrame(dict(zip(names, np.concatenate(bounds), strict=True)))


def expected_by(
    days: NDArray, model: PurchaseModel, births: NDArray, extra: int, unit: str, step: int = 1
) -> NDArray:
    """Expected repeat purchases of the cohort by the end of each period, (n_periods,).

    With a ``step`` the model is asked at every so many days of age, and a cubic spline in between.
    """
    ages = np.arange(days[-1] + 1 + extra)
    if step == 1 or ages.size <= 4 * step:
        by_age = model.expected_purchases(ages / days_per(unit))
    else:
        asked = np.union1d(ages[::step], ages[-1:])
        by_age = CubicSpline(asked, model.expected_purchases(asked / days_per(unit)))(ages)
    by_age[0] = 0.0
    return np.maximum(fftconvolve(births, by_age[extra:])[days], 0.0)


def _chance(
    fit: Fit, births: NDArray, days: NDArray, extra: int, rng: np.random.Generator
) -> NDArray:
    """How far simulated futures lie from what is expected, (futures, n_periods)."""
    model = fit.model
    assert isinstance(model, PurchaseModel)
    born = np.repeat(np.arange(births.size), births)
    everybody = born.size
    if everybody > _SAMPLE:
        born = rng.choice(born, _SAMPLE, replace=False)
    expected = expected_by(days, model, np.bincount(born), extra, fit.unit)
    observed = np.maximum(days[-1] - born + extra, 0) / days_per(fit.unit)
    futures = int(np.clip(_WORK // born.size, _FEWEST, _MOST))
    found = np.empty((futures, days.size))
    for row in found:
        traits = model.traits(born.shape, rng)
        _, owner, when = purchase_times(traits, observed, rng)
        day = born[owner] + when * days_per(fit.unit) - extra
        period = np.searchsorted(days, day)
        row[:] = np.cumsum(np.bincount(period, minlength=days.size + 1)[: days.size])
    return (found - expected) * np.sqrt(everybody / born.size)
