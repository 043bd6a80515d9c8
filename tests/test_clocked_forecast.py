"""Forecasts on a clock: those without where all days are alike, and right where they are not."""

import datetime
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.clocks.calendar import Calendar
from predclv.clocks.recipe import Clock
from predclv.clocks.terms import Season, Trend, Weekday
from predclv.decisions.cohort_forecast import cohort_forecast
from predclv.forecast.ahead import Ahead, AheadOnCalendar
from predclv.validation.histories import customer_history
from predclv.validation.interpurchase import interpurchase_times
from predclv.validation.tables import repeat_histogram
from predclv.validation.tracking import tracking

EPOCH = datetime.date(1970, 1, 1)
TERMS = (Season(2), Weekday())
EFFECTS = np.r_[0.4, -0.3, 0.1, 0.2, np.linspace(-0.2, 0.2, 7)]


def number(day):
    return (pd.Timestamp(day).date() - EPOCH).days


@pytest.fixture(scope="module")
def split():
    log = pc.datasets.load_cdnow()
    few = log[log["customer_id"] % 5 == 1]
    return pc.holdout_split(few, calibration_end="1997-12-31")


def on(fitted, clock):
    """The same parameters on a clock, whose effects are known exactly."""
    k, own = len(clock.names), fitted.purchases.log_covariance
    covariance = np.zeros((len(own) + k,) * 2)
    covariance[: len(own), : len(own)] = own
    fit = replace(fitted.purchases, clock=clock, log_covariance=covariance)
    return replace(fitted, purchases=fit)


@pytest.fixture(scope="module")
def plain(split):
    return pc.CLVModel().fit(split.rfm)


@pytest.fixture(scope="module")
def days(split):
    return number(split.rfm.log.first_day), number(split.rfm.observation_end)


@pytest.fixture(scope="module")
def flat(plain, days):
    return on(plain, Clock(season=0).calendar("week", *days))


@pytest.fixture(scope="module")
def seasonal(plain, days):
    return on(plain, Calendar("week", *days, TERMS, EFFECTS))


DOWNSTREAM = {
    "forecast": lambda f, s: f.forecast(seed=1).frame,
    "lifetime": lambda f, s: f.forecast(None, seed=1, level=None).frame,
    "total": lambda f, s: f.forecast("26 weeks", seed=1).total().to_frame(),
    "table": lambda f, s: f.table("26 weeks", level=None).frame,
    "counts": lambda f, s: pd.DataFrame(
        {"p": f.forecast("26 weeks", seed=1)._source.counts().mass(np.ones(len(f.rfm)))}
    ),
    "due_soon": lambda f, s: pc.segments.due_soon(f),
    "at_risk": lambda f, s: pc.segments.at_risk(f, overdue=0.5),
    "win_back": lambda f, s: pc.segments.win_back(f.forecast(level=None)),
    "new_customer": lambda f, s: pc.economics.new_customer(f, horizon="1 year").curve,
    "tracking": lambda f, s: tracking({"m": f.purchases}, s.rfm, s.holdout_end).frame,
    "tracking from the whole first day": lambda f, s: tracking(
        {"m": f.purchases}, s.rfm, s.holdout_end, count_first_day=True
    ).frame,
    "customer_history": lambda f, s: customer_history(
        f.purchases, s.rfm, 1, silent_for="20 weeks"
    ).frame,
    "interpurchase_times": lambda f, s: pd.DataFrame(
        {"t": interpurchase_times(s.rfm, f.purchases, seed=2).simulated}
    ),
    "repeat_histogram": lambda f, s: repeat_histogram(f.purchases, s.rfm),
    "cohort_forecast": lambda f, s: cohort_forecast(
        pc.historical.cohorts(s.rfm), f, periods=2
    ).frame,
}  # fmt: skip


@pytest.mark.parametrize("name", DOWNSTREAM)
def test_where_all_days_are_alike_nothing_changes(name, plain, flat, split):
    expected, found = (DOWNSTREAM[name](fitted, split) for fitted in (plain, flat))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-10, atol=1e-10, check_exact=False)


@pytest.mark.parametrize("name", [name for name in DOWNSTREAM if name != "total"])
def test_where_days_differ_so_does_all(name, plain, seasonal, split):
    """What the test above compares would notice a clock."""
    expected, found = (DOWNSTREAM[name](fitted, split) for fitted in (plain, seasonal))
    with pytest.raises(AssertionError):
        pd.testing.assert_frame_equal(found, expected, rtol=1e-3)


def test_bands_of_tracking_are_alike_too(plain, flat, split):
    """Their splines have nodes of their own; 1e-4 is what those of ages are off by."""
    bands = [
        tracking({"m": f.purchases}, split.rfm, split.holdout_end, level=0.9).bands["m"]
        for f in (plain, flat)
    ]
    pd.testing.assert_frame_equal(*bands, rtol=1e-4)


def test_days_and_weeks_agree(seasonal, split, days):
    weekly = seasonal.purchases
    model = replace(weekly.model, alpha=7 * weekly.model.alpha)
    few = pc.datasets.load_cdnow()
    few = few[(few["customer_id"] % 5 == 1) & (few["date"] <= str(split.rfm.observation_end))]
    rfm = pc.rfm_summary(few, observation_end=split.rfm.observation_end, unit="day")
    daily = on(
        replace(seasonal, purchases=replace(weekly, model=model, unit="day", clock=None,
                                            log_covariance=weekly.log_covariance[:4, :4]),
                rfm=rfm),
        Calendar("day", *days, TERMS, EFFECTS),
    )  # fmt: skip
    for horizon in ("30 weeks", None):
        one, other = (f.forecast(horizon, seed=1, level=None).frame for f in (seasonal, daily))
        pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    one, other = (f.forecast("30 weeks", seed=1).frame for f in (seasonal, daily))
    names = ["purchases_lower", "purchases_upper"]
    assert (one[names] == other[names]).to_numpy().mean() > 0.99
    mixed = seasonal.forecast("30 weeks", level=None, rfm=rfm).frame
    pd.testing.assert_frame_equal(mixed, seasonal.forecast("30 weeks", level=None).frame, rtol=1e-9)
    due = [pc.segments.due_soon(f)["median_days"] for f in (seasonal, daily)]
    np.testing.assert_allclose(*due, rtol=1e-8)


CLOCK = Calendar("week", 10_000, 10_730, (*TERMS, Trend(10_730)), np.append(EFFECTS, 0.4))
FUTURES = {
    "BG/NBD": pc.BGNBD(0.24, 4.4, 0.79, 2.4),
    "MBG/NBD": pc.MBGNBD(0.6, 20.0, 0.5, 2.0),
    "with a history": pc.BGNBD(0.24, 4.4, 0.79, 2.4).future(
        np.array([0, 3, 20]), np.array([0.0, 30.0, 90.0]), np.array([20.0, 60.0, 100.0])
    ),
}


def by_day(future, days, delta):
    """Expected purchases of each tenth of a day, discounted from its middle."""
    grid = np.arange(0, 10 * days + 1) / 10
    times = CLOCK.elapsed(CLOCK.last_day, CLOCK.last_day + grid)
    expected = future.expected_purchases(times[:, None])
    discount = np.exp(-delta / 7 * 0.5 * (grid[1:] + grid[:-1]))
    return np.tensordot(discount, np.diff(expected, axis=0), axes=1)


@pytest.mark.parametrize("name", FUTURES)
@pytest.mark.parametrize("days", [3, 90, 365])
def test_purchases_are_discounted_by_real_days(name, days):
    delta = np.log(1.3) / 52.1775
    ahead = AheadOnCalendar.of(CLOCK, CLOCK.last_day, days, delta)
    found = ahead.discounted_purchases(FUTURES[name])
    np.testing.assert_allclose(found, by_day(FUTURES[name], days, delta), rtol=1e-5)
    steady = Ahead(ahead.t, delta).discounted_purchases(FUTURES[name])
    if days > 3:
        assert np.all(np.abs(found / steady - 1) > 1e-5)


@pytest.mark.parametrize("name", ["BG/NBD", "with a history"])
def test_a_lifetime_is_discounted_by_real_days(name):
    """At 30% a year 60 years are all that counts; the rest is worth 1e-7."""
    delta = np.log(1.3) / 52.1775
    found = AheadOnCalendar.of(CLOCK, CLOCK.last_day, np.inf, delta).discounted_purchases(
        FUTURES[name]
    )
    grid = np.append(np.arange(3650), np.arange(3650, 60 * 365, 28))
    times = CLOCK.elapsed(CLOCK.last_day, CLOCK.last_day + grid)
    expected = FUTURES[name].expected_purchases(times[:, None])
    discount = np.exp(-delta / 7 * 0.5 * (grid[1:] + grid[:-1]))
    brute = np.tensordot(discount, np.diff(expected, axis=0), axes=1)
    np.testing.assert_allclose(found, brute, rtol=1e-5)


def test_a_simulated_shop_is_forecast_as_it_goes_on():
    """Customers on a known clock, observed to a day and on: totals, buyers and counts come true."""
    rng = np.random.default_rng(11)
    truth, n, ahead = pc.MBGNBD(0.8, 12.0, 0.6, 3.0), 20_000, 120
    first, last = 10_000, 10_600
    clock = Calendar("week", first, last, TERMS, 2 * EFFECTS)
    born = rng.integers(first, last - 20, n)
    until = clock.elapsed(born, last + ahead)
    owner, when = truth.paths(until, rng).times(rng)
    day = born[owner] + np.maximum(np.ceil(clock.days_until(born[owner], when)), 1)
    past, seen = day <= last, np.unique(np.column_stack([owner, day]), axis=0).astype(int)
    past, later = seen[seen[:, 1] <= last], seen[seen[:, 1] > last]
    log = pd.DataFrame(
        {
            "customer_id": np.append(np.arange(n), past[:, 0]),
            "date": pd.to_datetime(np.append(born, past[:, 1]), unit="D"),
        }
    )
    rfm = pc.rfm_summary(log, amount=None, observation_end=EPOCH + datetime.timedelta(days=last))
    fit = pc.Fit(truth, "known", "week", n, 0.0, True, np.zeros((15, 15)), clock=clock)
    forecast = pc.FittedCLV(fit, None, rfm).forecast(f"{ahead} days", seed=1)
    came = np.bincount(later[:, 0], minlength=n)
    frame = forecast.frame.sort_values("customer_id")
    # A log shows one purchase a day: a few per cent fewer than the model's.
    assert came.sum() / frame["expected_purchases"].sum() == pytest.approx(0.985, abs=0.035)
    active = frame["p_active"].to_numpy()
    assert abs((came > 0).sum() - active.sum()) < 4 * np.sqrt((active * (1 - active)).sum()) + 30
    counts = forecast._source.counts()
    for k in (0, 1, 2):
        mass = counts.mass(np.full(n, k))
        assert (came == k).mean() == pytest.approx(mass.mean(), abs=0.008)
    low, high = (frame[f"purchases_{side}"].to_numpy() for side in ("lower", "upper"))
    assert ((came >= low) & (came <= high)).mean() > 0.88
    steady = pc.Fit(truth, "known", "week", n, 0.0, True, np.zeros((4, 4)))
    other = pc.FittedCLV(steady, None, rfm).forecast(f"{ahead} days", level=None).frame
    assert abs(other["expected_purchases"].sum() / came.sum() - 1) > 0.1  # the season matters
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        buyers = forecast._source.buyers()
    assert np.quantile(buyers, 0.001) - 30 < (came > 0).sum() < np.quantile(buyers, 0.999) + 30
