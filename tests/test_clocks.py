"""The calendar's clock: its terms, its mean, its inverse; and a steady one where it is flat."""

import datetime
import pickle

import numpy as np
import pandas as pd
import pytest

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.days import day_numbers
from predclv.clocks.terms import (
    HALF_LIFE,
    YEAR,
    Events,
    Regressors,
    Season,
    Trend,
    Weekday,
    as_reported,
    basis,
)  # fmt: skip
from predclv.errors import DataError, OptionError
from predclv.maths.differences import central_slope

FIRST, LAST = 15_000, 16_100  # 2011-01-26 to 2014-01-30
OBSERVED = np.arange(FIRST + 1, LAST + 1)
SALES = Events(("a", "b"), (((15_100, 15_103), (16_200, 16_230)), ((15_900, 15_900),)))
TERMS = (Season(2), Trend(LAST), Weekday(), SALES)
EFFECTS = np.r_[0.4, -0.2, 0.1, 0.05, 0.25, np.linspace(-0.2, 0.3, 7), 0.8, -0.4]


def regressors(until=LAST + 400, seed=0):
    values = np.random.default_rng(seed).normal(3, 2, (until - FIRST, 1))
    return Regressors(("spend",), FIRST + 1, values, values.mean(0), values.std(0))


def calendar(unit="week", terms=TERMS, effects=EFFECTS):
    return Calendar(unit, FIRST, LAST, terms, np.asarray(effects, float))


def brute(clock, first, last):
    """Time elapsed by a sum over days, from the formula of each term written out."""
    shown = clock.effects

    def eta(day):
        at = 2 * np.pi * day / YEAR
        value = shown[0] * np.sin(at) + shown[1] * np.cos(at)
        value += shown[2] * np.sin(2 * at) + shown[3] * np.cos(2 * at)
        past = day - LAST
        fade = HALF_LIFE / np.log(2) * (1 - 2 ** (-past / HALF_LIFE))
        value += shown[4] / YEAR * (past if past <= 0 else fade)
        value += shown[5 + datetime.date.fromordinal(719_163 + int(day)).weekday()]
        value += shown[12] * (15_100 <= day <= 15_103 or 16_200 <= day <= 16_230)
        return value + shown[13] * (day == 15_900)

    mean = np.mean([np.exp(eta(day)) for day in OBSERVED])
    return sum(np.exp(eta(day)) for day in range(first + 1, last + 1)) / mean


@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
@pytest.mark.parametrize(
    ("first", "last"), [(FIRST, LAST), (FIRST, FIRST + 1), (15_050, 15_950), (LAST, LAST + 800)]
)
def test_time_elapsed_is_the_sum_of_every_days_rate(unit, first, last):
    clock = calendar(unit)
    expected = brute(clock, first, last) / Steady(unit).days_per_unit
    assert clock.elapsed(first, last) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("seed", range(10))
def test_the_rate_has_mean_one_over_the_days_observed(seed):
    effects = np.random.default_rng(seed).normal(0, 1, EFFECTS.size + 1)
    clock = calendar(terms=(*TERMS, regressors()), effects=effects)
    assert clock.rate(OBSERVED).mean() == pytest.approx(1, rel=1e-12)
    assert clock.elapsed(FIRST, LAST) == pytest.approx((LAST - FIRST) / 7, rel=1e-12)
    np.testing.assert_allclose(
        clock.observed_log_rate(effects), clock.log_rate(OBSERVED), rtol=0, atol=1e-12
    )


def test_a_flat_clock_is_the_steady_one():
    clock = calendar(effects=np.zeros(EFFECTS.size))
    last = LAST + np.array([0, 1, 30, 365, 3_000, 9_000])
    steady = Steady("week").elapsed(last - FIRST)
    np.testing.assert_allclose(clock.elapsed(FIRST, last), steady, rtol=1e-12)
    np.testing.assert_allclose(clock.days_until(FIRST, steady), last - FIRST, rtol=1e-12)
    empty = calendar(terms=(), effects=[])
    np.testing.assert_allclose(empty.elapsed(FIRST, last), steady, rtol=1e-12)
    np.testing.assert_array_equal(empty.rate(last), 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_days_until_is_the_inverse_of_time_elapsed(seed):
    rng = np.random.default_rng(seed)
    clock = calendar(effects=rng.normal(0, 0.5, EFFECTS.size))
    first = rng.integers(FIRST, LAST + 900, 200)
    days = np.r_[0.0, rng.uniform(0, 7_000, 199)]
    elapsed = clock.elapsed(first, first + days)
    np.testing.assert_allclose(clock.days_until(first, elapsed), days, atol=1e-8)
    assert np.all(np.diff(clock.elapsed(FIRST, FIRST + np.arange(6_000))) > 0)


def test_slopes_keep_the_mean_in_mind():
    clock = calendar(terms=(*TERMS, regressors()), effects=np.r_[EFFECTS, 0.2])
    by_log_rate = np.random.default_rng(0).normal(size=OBSERVED.size)
    found = clock.slopes(by_log_rate, clock.observed_log_rate(clock.effects))
    for i, step in enumerate(np.eye(clock.effects.size)):

        def value(by, step=step):
            return float(by_log_rate @ clock.observed_log_rate(clock.effects + by * step))

        assert found[i] == pytest.approx(central_slope(value, 0.02), abs=1e-8)


def test_draws_are_clocks_side_by_side():
    draws = np.random.default_rng(2).normal(0, 0.3, (3, EFFECTS.size))
    clock = calendar(effects=draws)
    first, last = np.array([LAST, FIRST]), np.array([LAST + 90.5, LAST + 9_000])
    elapsed, rate = clock.elapsed(first, last), clock.rate(OBSERVED[:4])
    assert elapsed.shape == (3, 2)
    assert rate.shape == (3, 4)
    for i in range(3):
        alone = clock.at(draws[i])
        np.testing.assert_allclose(elapsed[i], alone.elapsed(first, last), rtol=1e-12)
        np.testing.assert_allclose(rate[i], alone.rate(OBSERVED[:4]), rtol=1e-12)
    np.testing.assert_allclose(first + clock.days_until(first, elapsed), [last] * 3, rtol=1e-9)
    month = clock.elapsed(LAST, LAST + 30)
    assert month.shape == (3,)
    median = clock.days_until(LAST, month[0])
    assert median.shape == (3,)
    assert median[0] == pytest.approx(30)
    assert clock.days_until(LAST, month[:, None]).shape == (3, 1)
    np.testing.assert_allclose(clock.days_until([LAST, LAST], month[:, None]), 30)


def test_a_clock_travels():
    clock = calendar()
    elapsed = clock.elapsed(LAST, LAST + 30)
    assert pickle.loads(pickle.dumps(clock)).elapsed(LAST, LAST + 30) == elapsed


def test_far_ahead_every_day_has_the_mean_rate_of_years_and_weekdays():
    """The bound of the docstring, and the mean itself against sums over 40 years."""
    clock = calendar()
    horizon = np.arange(3_000, 15_000, 123)
    days = np.arange(LAST + 1, LAST + 15_001)
    exact = np.cumsum(clock.rate(days))[horizon - 1] / 7
    found = clock.elapsed(LAST, LAST + horizon)
    amplitude = np.ptp(clock.rate(days[-366:])) / 2
    assert np.max(np.abs(found - exact)) < amplitude * 122 / 7
    assert found[-1] == pytest.approx(exact[-1], rel=1e-2)
    assert clock.elapsed(LAST, np.inf) == np.inf
    assert clock.days_until(LAST, np.inf) == np.inf
    rounds = np.arange(10_227) + clock._last_tabulated + 1
    assert clock._tail == pytest.approx(clock.rate(rounds + 10_227).mean(), rel=1e-5)


def test_events_far_ahead_are_not_lost():
    far = Events(("a",), (((15_100, 15_103), (LAST + 5_000, LAST + 5_009)),))
    clock, without = (calendar(terms=(far,), effects=[at]) for at in (1.0, 0.0))
    usual = float(clock.rate(LAST + 1))
    gained = clock.elapsed(LAST + 4_990, LAST + 5_020) * 7 - 30 * usual
    assert gained == pytest.approx(10 * usual * (np.e - 1), rel=1e-9)
    assert clock.elapsed(LAST + 5_010, LAST + 5_020) * 7 == pytest.approx(10 * usual)
    assert without.elapsed(LAST, LAST + 7_000) == pytest.approx(1_000)


def test_a_trend_fades_by_half_in_half_a_year_and_stays_bounded():
    clock = calendar(terms=(Trend(LAST),), effects=[0.5])
    growth = np.diff(clock.log_rate(LAST + np.arange(-400, 2_000)))
    np.testing.assert_allclose(growth[:400], 0.5 / YEAR, rtol=1e-9)
    np.testing.assert_allclose(growth[400 + 182], growth[400] / 2, rtol=1e-9)
    gained = clock.log_rate(LAST + 100_000) - clock.log_rate(LAST)
    assert gained == pytest.approx(0.5 * HALF_LIFE / np.log(2) / YEAR, rel=1e-9)
    assert gained < 0.5 * 0.72


def test_weekdays_are_the_calendars_and_only_their_differences_count():
    columns = Weekday().columns(day_numbers(["2026-11-23", "2026-11-29"]))
    assert columns.argmax(axis=1).tolist() == [0, 6]  # a Monday and a Sunday
    clock = calendar()
    shifted = EFFECTS + 0.7 * np.array([name.startswith("weekday") for name in clock.names])
    np.testing.assert_allclose(clock.at(shifted).rate(OBSERVED), clock.rate(OBSERVED), rtol=1e-12)
    reported = as_reported(TERMS) @ shifted
    assert reported[5:12].sum() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(np.delete(reported, range(5, 12)), np.delete(EFFECTS, range(5, 12)))
    np.testing.assert_allclose(clock.at(reported).rate(OBSERVED), clock.rate(OBSERVED), rtol=1e-12)


def test_regressors_are_reported_for_one_more_of_what_they_count():
    days = np.arange(FIRST - 10, LAST + 10)
    high = (days % 9 < 3).astype(float)
    seen = high[(days > FIRST) & (days <= LAST)]
    term = Regressors(
        ("high",), int(days[0]), high[:, None], seen.mean(keepdims=True), seen.std(keepdims=True)
    )
    clock = calendar(terms=(term,), effects=[0.3])
    low, busy = clock.rate([days[high == 0][20], days[high == 1][20]])
    assert clock.summary()["multiplier"].item() == pytest.approx(busy / low, rel=1e-12)


def test_terms_have_a_name_and_a_spread_for_every_column():
    for term in (*TERMS, regressors()):
        assert term.columns(OBSERVED).shape == (OBSERVED.size, len(term.names))
        assert term.spread.shape == (len(term.names),)
        assert np.all(term.spread > 0)
    assert basis((), OBSERVED).shape == (OBSERVED.size, 0)
    assert Season(3).spread.round(3).tolist() == [0.3, 0.3, 0.15, 0.15, 0.1, 0.1]
    assert len(set(calendar().names)) == EFFECTS.size


def test_regressors_say_the_first_day_that_has_no_value():
    clock = calendar(terms=(regressors(LAST + 400),), effects=[0.3])
    assert np.isfinite(clock.elapsed(LAST, LAST + 400))
    first = "no value on 2015-03-07"  # 401 days after 2014-01-30
    for ask in (
        lambda: clock.elapsed(LAST, LAST + 401),
        lambda: clock.elapsed(LAST, np.inf),
        lambda: clock.days_until(LAST, 100),
        lambda: clock.days_until(LAST, np.inf),
        lambda: clock.rate(["2015-03-08", "2015-03-07"]),
    ):
        with pytest.raises(DataError, match=first):
            ask()
    with pytest.raises(DataError, match="no value on 2011-01-26"):
        clock.rate("2011-01-26")


def test_rates_are_asked_by_date_or_by_day():
    clock = calendar()
    days = np.array([[14_000, LAST], [LAST + 1, 20_000]])
    dates = days.astype("datetime64[D]")
    expected = np.exp(basis(TERMS, days.ravel()) @ EFFECTS - clock._level).reshape(2, 2)
    np.testing.assert_allclose(clock.rate(days), expected, rtol=1e-12)
    np.testing.assert_array_equal(clock.rate(dates), clock.rate(days))
    flat = dates.ravel()
    for asked in (
        flat.astype(str),
        list(flat.astype(object)),
        pd.DatetimeIndex(flat),
        pd.Series(flat),
    ):
        np.testing.assert_array_equal(clock.rate(asked), clock.rate(days.ravel()))
    assert clock.rate("2014-01-30") == clock.rate(LAST) == clock.rate(datetime.date(2014, 1, 30))


def test_what_cannot_be_answered_is_an_error():
    clock = calendar()
    with pytest.raises(DataError, match=r"begins on 2011-01-26.*asked for 2011-01-25"):
        clock.elapsed(FIRST - 1, LAST)
    with pytest.raises(DataError, match="begins on 2011-01-26"):
        clock.days_until(FIRST - 1, 3.0)
    with pytest.raises(DataError, match="more than one day"):
        Calendar("week", FIRST, FIRST, (), np.zeros(0))
    with pytest.raises(OptionError, match="14 effects; got an array of the shape"):
        clock.at(np.zeros(3))
    with pytest.raises(DataError, match="numbers"):
        clock.rate([1.5])
    with pytest.raises(DataError, match="'soon'"):
        clock.rate(["soon"])


@pytest.mark.parametrize("unit", ["day", "week", "month", "year"])
def test_steady_days_become_time_and_days_again(unit):
    steady, days = Steady(unit), np.arange(40_000)
    np.testing.assert_array_equal(steady.days(steady.elapsed(days)), days)
    with pytest.raises(OptionError, match="unit"):
        Steady("fortnight")


def test_steady_time_in_sql_is_the_same_float():
    import duckdb

    for unit in ("week", "month"):
        steady = Steady(unit)
        found = duckdb.sql(f"SELECT {steady.sql('range')} AS t FROM range(3000)").fetchnumpy()["t"]
        np.testing.assert_array_equal(found, steady.elapsed(np.arange(3_000)))
