"""Histories on a calendar: times by any rates, and their adjoint, against sums day by day."""

import numpy as np
import pytest

import predclv as pc
from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.terms import Events, Season, Trend, Weekday
from predclv.errors import DataError
from predclv.maths.differences import central_slope
from predclv.samples.exposures import CalendarExposure

FIRST, LAST = 15_000, 15_500
N_DAYS = LAST - FIRST
UNITS = ("day", "week", "month", "year")


def histories(seed, n=60):
    """x, recency_days, age_days and weight, ends of the range and one-time buyers among them."""
    rng = np.random.default_rng(seed)
    age = np.r_[N_DAYS, N_DAYS, 0, 1, rng.integers(0, N_DAYS + 1, n - 4)]
    recency = rng.integers(0, age + 1) * (rng.random(n) < 0.7)
    recency[1], recency[3] = N_DAYS, 1
    x = np.where(recency > 0, rng.integers(1, 9, n), 0)
    return x.astype(float), recency, age, rng.integers(1, 5, n).astype(float)


def exposure_of(seed, unit="week"):
    rng = np.random.default_rng(seed + 1)
    x, recency, age, weight = histories(seed)
    n = rng.poisson(0.5, N_DAYS)
    return CalendarExposure.of(recency, age, LAST, FIRST, n, unit), (x, recency, age, weight, n)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("seed", range(5))
def test_times_are_the_sums_of_rates_day_by_day_and_customer_by_customer(unit, seed):
    exposure, (_, recency, age, *_) = exposure_of(seed, unit)
    rate = np.random.default_rng(seed).lognormal(0, 0.7, N_DAYS)
    by_day = {FIRST + 1 + i: value for i, value in enumerate(rate)}
    t_x, T = exposure.elapsed(rate)
    for i, (days, old) in enumerate(zip(recency, age, strict=True)):
        born = LAST - old
        until_last = sum(by_day[day] for day in range(born + 1, born + days + 1))
        until_end = sum(by_day[day] for day in range(born + 1, LAST + 1))
        assert t_x[i] == pytest.approx(until_last / pc.units.days_per(unit), abs=1e-10)
        assert T[i] == pytest.approx(until_end / pc.units.days_per(unit), abs=1e-10)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("seed", range(5))
def test_pulled_is_the_adjoint_of_elapsed(unit, seed):
    exposure, (x, *_) = exposure_of(seed, unit)
    rng = np.random.default_rng(seed)
    rate = rng.lognormal(0, 0.7, N_DAYS)
    by_t_x, by_T = rng.normal(size=(2, x.size))
    t_x, T = exposure.elapsed(rate)
    there, back = by_t_x @ t_x + by_T @ T, exposure.pulled(by_t_x, by_T) @ rate
    assert there == pytest.approx(back, rel=1e-12)


def test_a_flat_rate_gives_the_times_of_the_steady_clock():
    exposure, (_, recency, age, *_) = exposure_of(0)
    t_x, T = exposure.elapsed(np.ones(N_DAYS))
    steady = Steady("week")
    np.testing.assert_allclose(t_x, steady.elapsed(recency), rtol=0, atol=1e-12)
    np.testing.assert_allclose(T, steady.elapsed(age), rtol=0, atol=1e-12)


def test_times_know_which_of_them_are_equal():
    exposure, (_, recency, age, *_) = exposure_of(4)
    rate = np.random.default_rng(4).lognormal(0, 0.7, N_DAYS)
    for times, keys in zip(exposure.elapsed(rate), (recency * 1_000 + age, age), strict=True):
        weights = np.arange(1.0, times.size + 1)
        sums = dict(zip(times.codes, times.spread(times.collect(weights)), strict=True))
        for code, key in zip(times.codes, keys, strict=True):
            assert sums[code] == weights[keys == key].sum()
        np.testing.assert_array_equal(times.each(np.sqrt), np.sqrt(np.asarray(times)))


@pytest.mark.parametrize("model", [pc.BGNBD(0.6, 5.0, 0.8, 2.5), pc.MBGNBD(0.6, 5.0, 0.8, 2.5)])
def test_slopes_in_effects_are_those_of_the_likelihood(model):
    """One pass over cells and days, against differences in each effect: 1e-8."""
    exposure, (x, _, _, weight, n) = exposure_of(3)
    sales = Events(("a", "b"), (((FIRST + 50, FIRST + 60),), ((FIRST + 55, FIRST + 300),)))
    terms = (Season(2), Trend(LAST), Weekday(), sales)
    clock = Calendar("week", FIRST, LAST, terms, np.zeros(14))
    effects = np.random.default_rng(1).normal(0, 0.3, 14)

    def value_at(effects):
        log_rate = clock.observed_log_rate(effects)
        t_x, T = exposure.elapsed(np.exp(log_rate))
        return weight @ model.log_likelihood(x, t_x, T) + n @ log_rate

    log_rate = clock.observed_log_rate(effects)
    rate = np.exp(log_rate)
    slopes = model.slopes(x, *exposure.elapsed(rate), weight)
    by_log_rate = rate * exposure.pulled(slopes.by_t_x, slopes.by_T) + exposure.purchases
    found = clock.slopes(by_log_rate, log_rate)
    for i, name in enumerate(clock.names):
        step = np.eye(14)[i]
        slope = central_slope(lambda by, step=step: value_at(effects + by * step), 0.02)
        assert found[i] == pytest.approx(slope, abs=1e-8 * abs(value_at(effects))), name


def test_cells_and_days_that_do_not_fit_the_log_are_named():
    with pytest.raises(DataError, match=r"500 days after 2011-01-26 up to 2012-06-09.*of 3"):
        CalendarExposure.of([0], [1], LAST, FIRST, [0, 0, 0], "week")
    with pytest.raises(DataError, match="before 2011-01-26, the log's first day: 2011-01-25"):
        CalendarExposure.of([0], [N_DAYS + 1], LAST, FIRST, np.zeros(N_DAYS), "week")
    with pytest.raises(DataError, match="between the first one and the end"):
        CalendarExposure.of([3], [2], LAST, FIRST, np.zeros(N_DAYS), "week")
