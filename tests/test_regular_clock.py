"""Regular buyers on a clock: the gaps between purchases are in the clock's time too."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.engines.clocks import on_clock
from predclv.likelihoods.drifting import DriftingLikelihood
from predclv.likelihoods.likelihood import Likelihood


@pytest.fixture(scope="module")
def cdnow():
    log = pc.datasets.load_cdnow()
    return pc.rfm_summary(log[log["date"] <= "1997-09-30"], observation_end="1997-09-30")


@pytest.fixture(scope="module")
def busy_shop():
    """600 customers over three years; each of two events is a step, and summers are busy."""
    rng = np.random.default_rng(5)
    season = 0.7
    n, days = 600, 1095
    rate = np.exp(season * np.sin(2 * np.pi * np.arange(1, days + 1) / 365.25))
    until = np.concatenate([[0.0], np.cumsum(rate / rate.mean())]) / 7
    rows = []
    for customer in range(n):
        born = int(rng.integers(0, 200))
        at, day, speed, leaves = until[born], born, rng.gamma(1.2) / 2.0, rng.beta(0.8, 4.0)
        rows.append((customer, born))
        while rng.random() > leaves:
            at += rng.gamma(2.0) / speed
            day = int(np.searchsorted(until, at))
            if day > days:
                break
            rows.append((customer, day))
    log = pd.DataFrame(rows, columns=["customer_id", "day"])
    log["date"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(log["day"], unit="D")
    return log


CLOCK = pc.Clock(season=0, weekday=True)


def until(log, day):
    return pc.rfm_summary(log[log["date"] <= day], amount=None, observation_end=day)


def likelihood_of(model, rfm, clock=CLOCK):
    cells = rfm.cells()
    return on_clock(Likelihood.of(model, cells, rfm.unit), rfm, clock)


@pytest.mark.parametrize("model", [pc.BGCNBD.of(2), pc.MBGCNBD.of(3)])
def test_the_value_is_the_sum_over_customers_and_their_gaps(cdnow, model):
    likelihood = likelihood_of(model, cdnow)
    free = np.array([-0.8, 0.9, -0.3, 0.8, *np.linspace(-0.2, 0.2, 7)])
    value, _ = likelihood(free)
    calendar = likelihood.clock_at(free)
    log = pc.datasets.load_cdnow()
    log = log[log["date"] <= "1997-09-30"].drop_duplicates(["customer_id", "date"])
    days = (log["date"] - pd.Timestamp("1970-01-01")).dt.days.to_numpy()
    fitted = likelihood.at(free)
    expected = 0.0
    for _, of_customer in pd.Series(days).groupby(log["customer_id"].to_numpy()):
        when = np.sort(of_customer.to_numpy())
        at = calendar.elapsed(np.full(when.size, when[0]), when)
        T = calendar.elapsed(when[:1], np.array([calendar.last_day]))
        gaps = np.log(np.diff(at)).sum()
        expected += float(fitted.log_likelihood(when.size - 1, at[-1], T, gaps).sum())
        expected += float(calendar.log_rate(when[1:]).sum()) if when.size > 1 else 0.0
    assert value == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("model", [pc.BGCNBD.of(2), pc.MBGCNBD.of(3)])
def test_slopes_are_those_of_differences(cdnow, model):
    likelihood = likelihood_of(model, cdnow)
    free = np.array([-0.8, 0.9, -0.3, 0.8, *np.linspace(-0.2, 0.2, 7)])
    _, slope = likelihood(free)
    for place in range(free.size):
        step = np.zeros(free.size)
        step[place] = 1e-5
        by_difference = (likelihood(free + step)[0] - likelihood(free - step)[0]) / 2e-5
        assert slope[place] == pytest.approx(by_difference, rel=1e-6, abs=1e-4)


def test_a_clock_on_which_all_days_are_alike_changes_nothing(cdnow):
    still = likelihood_of(pc.MBGCNBD.of(2), cdnow)
    plain = pc.fit(pc.MBGCNBD.of(2), cdnow)
    free = np.concatenate([plain.space.free_at(np.array([*plain.params.values()])), np.zeros(7)])
    assert still(free)[0] == pytest.approx(plain.log_likelihood, abs=1e-6)


def test_one_event_per_purchase_is_the_model_at_random(cdnow):
    one = pc.fit(pc.MBGCNBD.of(1), cdnow, clock=CLOCK)
    at_random = pc.fit(pc.MBGNBD, cdnow, clock=CLOCK)
    assert one.log_likelihood == pytest.approx(at_random.log_likelihood, abs=1e-5)


def test_season_and_regularity_are_found_together(busy_shop):
    rfm = until(busy_shop, "2022-12-30")
    clocked = pc.fit(pc.MBGCNBD, rfm, k=2, clock=pc.Clock(season=1))
    effects = clocked.clock.summary()
    size = np.hypot(*effects["estimate"])
    assert size == pytest.approx(0.7, abs=0.07)
    at_random = pc.fit(pc.MBGNBD, rfm, clock=pc.Clock(season=1))
    steady = pc.fit(pc.MBGCNBD, rfm, k=2)
    assert clocked.log_likelihood > max(at_random.log_likelihood, steady.log_likelihood) + 100


def test_the_forecast_is_that_of_simulated_customers(busy_shop):
    rfm = until(busy_shop, "2022-06-30")
    model = pc.CLVModel(pc.MBGCNBD.of(2), None, clock=pc.Clock(season=1)).fit(rfm)
    forecast = model.forecast("26 weeks", level=None)
    came = busy_shop[busy_shop["date"] > "2022-06-30"].shape[0]
    total = forecast.frame["expected_purchases"].sum()
    assert total == pytest.approx(came, rel=0.25)
    plain = pc.CLVModel(pc.MBGCNBD.of(2), None).fit(rfm).forecast("26 weeks", level=None)
    missed = abs(plain.frame["expected_purchases"].sum() / came - 1)
    assert abs(total / came - 1) < missed
    by_month = forecast.schedule("month")
    assert by_month["purchases"].sum() == pytest.approx(total, rel=1e-9)


def test_a_bootstrap_draws_regular_buyers_on_the_clock(busy_shop):
    rfm = until(busy_shop, "2022-12-30")
    fit = pc.fit(pc.MBGCNBD, rfm, k=2, clock=pc.Clock(season=1), bootstrap=6, seed=1)
    drawn = fit.draws(6, seed=2)
    sizes = np.hypot(drawn["season[sin 1]"], drawn["season[cos 1]"])
    assert np.all(np.abs(sizes - 0.7) < 0.2)


def test_drift_beside_a_clock_has_the_slopes_of_differences(busy_shop):
    rfm = until(busy_shop, "2022-12-30")
    cells, model = rfm.cells(), pc.MBGCNBD.of(2)
    clocked = on_clock(Likelihood.of(model, cells, rfm.unit), rfm, pc.Clock(season=1))
    likelihood = DriftingLikelihood.over(clocked, cells)
    free = np.array([0.2, 0.9, -0.3, 1.2, 0.3, -0.2, 0.4])
    _, slope = likelihood(free)
    for place in range(free.size):
        step = np.zeros(free.size)
        step[place] = 1e-5
        by_difference = (likelihood(free + step)[0] - likelihood(free - step)[0]) / 2e-5
        assert slope[place] == pytest.approx(by_difference, rel=1e-6, abs=1e-4)
