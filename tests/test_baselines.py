"""Baselines: rules a manager would use, as forecasters like the others."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.baselines.hiatus import dividing_gap
from predclv.errors import DataError, OptionError, RefundWarning

B = pc.baselines
EVERY = [B.LastPeriod(), B.PastRate(), B.HiatusRate(), B.MeanRate()]

# Days 0 to 40 of 2024, in days. Ann buys steadily, Bob stopped, Cid bought once, Dora came late.
LOG = pd.DataFrame(
    [
        *(("ann", day, 10.0) for day in (0, 10, 20, 30, 40)),
        *(("bob", day, 4.0 + day) for day in (0, 2, 4, 6)),
        ("cid", 5, 7.0),
        *(("dora", day, 20.0) for day in (32, 36)),
        ("dora", 36, 30.0),
    ],
    columns=["customer_id", "day", "amount"],
)
LOG["date"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(LOG["day"], "D")


@pytest.fixture(scope="module")
def rfm():
    return pc.rfm_summary(LOG[["customer_id", "date", "amount"]], unit="day")


def column(forecast, name):
    return dict(zip(forecast.frame["customer_id"], forecast.frame[name], strict=True))


def test_last_period_is_what_each_did_in_a_period_as_long_as_the_horizon(rfm):
    forecast = B.LastPeriod().fit(rfm).forecast("10 days")  # days 31 to 40
    purchases = column(forecast, "expected_purchases")
    assert purchases == {"ann": 1, "bob": 0, "cid": 0, "dora": 2}
    assert column(forecast, "expected_revenue") == {"ann": 10, "bob": 0, "cid": 0, "dora": 70}
    assert column(forecast, "expected_spend")["dora"] == 35
    assert column(forecast, "p_active") == {"ann": 1, "bob": 0, "cid": 0, "dora": 1}
    longer = B.LastPeriod().fit(rfm).forecast("41 days")  # the whole log
    assert column(longer, "expected_purchases") == {"ann": 5, "bob": 4, "cid": 1, "dora": 2}


def test_last_period_looks_at_nothing_after_the_end_of_observation():
    with pytest.warns(pc.errors.DataWarning, match="after observation_end"):
        rfm = pc.rfm_summary(
            LOG[["customer_id", "date", "amount"]], unit="day", observation_end="2024-01-21"
        )
    forecast = B.LastPeriod().fit(rfm).forecast(10)  # days 11 to 20
    assert column(forecast, "expected_purchases") == {"ann": 1, "bob": 0, "cid": 0}


def test_last_period_needs_a_log_as_long_as_the_horizon(rfm):
    with pytest.raises(OptionError, match=r"42 days, but the log covers 41 days up to 2024-02-10"):
        B.LastPeriod().fit(rfm).forecast(42)


def test_past_rate_goes_on_at_each_customers_own_rate(rfm):
    forecast = B.PastRate().fit(rfm).forecast("20 days")
    purchases = column(forecast, "expected_purchases")
    assert purchases["ann"] == pytest.approx(4 / 40 * 20)
    assert purchases["bob"] == pytest.approx(3 / 40 * 20)
    assert purchases["cid"] == 0
    assert purchases["dora"] == pytest.approx(1 / 8 * 20)
    assert column(forecast, "p_active")["ann"] == pytest.approx(1 - np.exp(-2))
    spend = column(forecast, "expected_spend")
    assert spend["bob"] == pytest.approx((6 + 8 + 10) / 3)
    assert spend["cid"] == pytest.approx((40 + 24 + 50) / 8)  # over all repeat purchases


def test_hiatus_rate_forecasts_those_who_bought_within_the_gap(rfm):
    fitted = B.HiatusRate("1 week").fit(rfm)
    assert fitted.learned["gap"] == 7
    past = column(B.PastRate().fit(rfm).forecast("20 days"), "expected_purchases")
    forecast = fitted.forecast("20 days")
    assert column(forecast, "p_active") == {"ann": 1, "bob": 0, "cid": 0, "dora": 1}
    expected = {"ann": past["ann"], "bob": 0, "cid": 0, "dora": past["dora"]}
    assert column(forecast, "expected_purchases") == expected


def test_the_gap_is_tuned_inside_the_calibration_period(rfm):
    # At half-time, day 20: ann has just bought, cid not for 15 days, bob for 14; ann goes on.
    fitted = B.HiatusRate().fit(rfm)
    assert fitted.learned["gap"] == 0
    assert column(fitted.forecast(20), "p_active") == {"ann": 1, "bob": 0, "cid": 0, "dora": 0}


def test_what_comes_after_the_calibration_does_not_move_the_gap(cdnow_log, cdnow, cdnow_split):
    alone = B.HiatusRate().fit(cdnow).learned
    assert B.HiatusRate().fit(cdnow_split.rfm).learned == alone


@pytest.mark.parametrize("seed", range(4))
def test_no_gap_tells_buyers_from_others_better(seed):
    rng = np.random.default_rng(seed)
    since = rng.integers(0, 12, 60).astype(float)
    bought = rng.random(60) < 1 / (1 + since)

    def balanced(gap):
        return np.mean(since[bought] <= gap) + np.mean(since[~bought] > gap)

    found = dividing_gap(since, bought)
    best = max(balanced(gap) for gap in range(-1, 12))
    assert balanced(found) == pytest.approx(best)
    assert all(balanced(gap) < best - 1e-12 for gap in range(int(found)))


def test_a_log_in_which_none_or_all_came_again_cannot_tune_a_gap():
    once = pd.DataFrame(
        {"customer_id": [1, 2, 3], "date": ["2024-01-01", "2024-01-05", "2024-02-01"]}
    )
    rfm = pc.rfm_summary(once, amount=None)
    with pytest.raises(DataError, match=r"cannot be tuned.*HiatusRate\('12 weeks'\)"):
        B.HiatusRate().fit(rfm)


def test_tuning_the_gap_does_not_tell_of_refunds_again():
    log = LOG[["customer_id", "date", "amount"]]
    refund = pd.DataFrame({"customer_id": ["ann"], "date": [log["date"][1]], "amount": [-1.0]})
    with pytest.warns(RefundWarning):
        rfm = pc.rfm_summary(pd.concat([log, refund]), unit="day")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        B.HiatusRate().fit(rfm)


def test_mean_rate_forecasts_the_average_for_everyone(rfm):
    fitted = B.MeanRate().fit(rfm)
    rate, spend = 8 / (40 + 40 + 35 + 8), (40 + 24 + 50) / 8
    assert fitted.learned == pytest.approx(
        {"purchases_per_unit": rate, "spend_per_purchase": spend}
    )
    frame = fitted.forecast("20 days").frame
    np.testing.assert_allclose(frame["expected_purchases"], 20 * rate)
    np.testing.assert_allclose(frame["expected_revenue"], 20 * rate * spend)
    np.testing.assert_allclose(frame["p_active"], 1 - np.exp(-20 * rate))


# True of each of them ----------------------------------------------------------------------------


@pytest.mark.parametrize("baseline", EVERY, ids=lambda baseline: baseline.title)
def test_nothing_a_baseline_states_is_missing(baseline, rfm):
    forecast = baseline.fit(rfm).forecast("20 days", discount_rate=0.1, margin=0.3)
    frame = forecast.frame
    assert not frame.isna().any(axis=None)
    assert np.isfinite(frame.drop(columns="customer_id").to_numpy()).all()
    assert frame["p_active"].between(0, 1).all()
    assert (frame["clv"] <= 0.3 * frame["expected_revenue"] + 1e-12).all()
    assert "purchases_lower" not in frame
    assert forecast.counts() is None
    assert forecast.terms.level is None
    assert forecast.terms.observation_end == datetime.date(2024, 2, 10)


@pytest.mark.parametrize("baseline", EVERY, ids=lambda baseline: baseline.title)
def test_days_and_weeks_agree(baseline):
    log = LOG[["customer_id", "date", "amount"]]
    by_unit = [
        baseline.fit(pc.rfm_summary(log, unit=unit)).forecast("3 weeks").frame
        for unit in ("day", "week")
    ]
    pd.testing.assert_frame_equal(*by_unit)


@pytest.mark.parametrize("baseline", [*EVERY, B.HiatusRate("6 days")], ids=str)
def test_customers_in_another_unit_than_those_fitted_get_the_same(baseline, rfm):
    weeks = pc.rfm_summary(LOG[["customer_id", "date", "amount"]], unit="week")
    own, other = baseline.fit(rfm).forecast(14), baseline.fit(rfm).forecast(2, rfm=weeks)
    pd.testing.assert_frame_equal(own.frame, other.frame)


@pytest.mark.parametrize("baseline", EVERY, ids=lambda baseline: baseline.title)
def test_a_log_without_amounts_is_forecast_without_spend(baseline):
    rfm = pc.rfm_summary(LOG[["customer_id", "date"]], amount=None, unit="day")
    frame = baseline.fit(rfm).forecast(20).frame
    assert "expected_spend" not in frame
    assert frame["expected_purchases"].sum() > 0


@pytest.mark.parametrize("baseline", EVERY, ids=lambda baseline: baseline.title)
def test_customers_who_only_just_came_buy_nothing_or_the_average(baseline, rfm):
    log = LOG[["customer_id", "date", "amount"]]
    new = pd.DataFrame({"customer_id": ["eve"], "date": log["date"].max(), "amount": [1.0]})
    frame = baseline.fit(pc.rfm_summary(pd.concat([log, new]), unit="day")).forecast(20).frame
    assert np.isfinite(frame.loc[frame["customer_id"] == "eve", "expected_revenue"]).all()


@pytest.mark.parametrize("baseline", [B.LastPeriod(), B.HiatusRate()])
def test_a_summary_without_its_log_is_not_enough_for_some(baseline, rfm):
    bare = pc.RFM.from_frame(rfm.frame, unit="day")
    with pytest.raises(DataError, match=r"needs the day of every purchase.*pc.rfm_summary\(log\)"):
        baseline.fit(bare)


def test_a_given_gap_and_rates_need_no_log(rfm):
    bare = pc.RFM.from_frame(rfm.frame, unit="day")
    for baseline in (B.HiatusRate(7), B.PastRate(), B.MeanRate()):
        expected = baseline.fit(rfm).forecast(20).frame
        pd.testing.assert_frame_equal(baseline.fit(bare).forecast(20).frame, expected)


@pytest.mark.parametrize("baseline", EVERY, ids=lambda baseline: baseline.title)
def test_a_lifetime_without_end_and_what_is_no_summary_are_refused(baseline, rfm):
    with pytest.raises(OptionError, match="finite horizon"):
        baseline.fit(rfm).forecast(None)
    with pytest.raises(DataError, match="wants an RFM"):
        baseline.fit(rfm.frame)
    with pytest.raises(DataError, match="must be an RFM"):
        baseline.fit(rfm).forecast(20, rfm=rfm.frame)


def test_recipes_are_frozen_and_compare_by_what_they_say():
    assert B.HiatusRate("12 weeks") == B.HiatusRate("12 weeks") != B.HiatusRate()
    with pytest.raises(AttributeError):
        B.HiatusRate().gap = 3
