"""Horizons however they are written, and what later purchases are worth today."""

import datetime

import numpy as np
import pandas as pd
import pytest
from forecasting import PURCHASES, SPEND, point

import predclv as pc


@pytest.fixture(scope="module")
def fitted(cdnow_split):
    return pc.CLVModel().fit(cdnow_split.rfm)


@pytest.mark.parametrize(
    "horizon",
    [
        52, 52.0, np.int64(52), np.float64(52), "52 weeks", "52w", " 52 Weeks ", "364 days",
        pd.Timedelta(days=364), datetime.timedelta(weeks=52), np.timedelta64(52, "W"),
    ],
)  # fmt: skip
def test_one_length_of_time_gives_one_forecast_however_it_is_written(fitted, horizon):
    same, found = point(fitted, horizon=52), point(fitted, horizon=horizon)
    pd.testing.assert_frame_equal(found.frame[PURCHASES + SPEND], same.frame[PURCHASES + SPEND])


def test_months_asked_of_a_fit_in_weeks_are_converted(fitted):
    year = point(fitted, horizon="12 months").frame
    same = point(fitted, horizon=12 * 30.4375 / 7).frame
    np.testing.assert_allclose(year["clv"], same["clv"], rtol=1e-12)
    confused = point(fitted, horizon=12).frame
    assert year["clv"].sum() > 3 * confused["clv"].sum()


def test_without_a_discount_rate_nothing_is_discounted(fitted):
    frame = point(fitted, discount_rate=0).frame
    assert frame["discounted_purchases"].equals(frame["expected_purchases"])
    np.testing.assert_allclose(frame["clv"], frame["expected_revenue"])


def test_a_tiny_discount_rate_hardly_discounts(fitted):
    frame = point(fitted, discount_rate=1e-9).frame
    np.testing.assert_allclose(
        frame["discounted_purchases"], frame["expected_purchases"], rtol=1e-8
    )


def test_discounting_agrees_with_a_sum_over_months(fitted):
    rate = 0.15
    until = [point(fitted, horizon=f"{month} months") for month in range(1, 25)]
    purchases = np.diff(
        [np.zeros(len(until[0])), *(f.frame["expected_purchases"] for f in until)], axis=0
    )
    middle_of_month = (np.arange(24) + 0.5) / 12
    by_month = (1 + rate) ** -middle_of_month @ purchases
    found = point(fitted, horizon="2 years", discount_rate=rate).frame["discounted_purchases"]
    # The midpoint's error is delta**2 / 24 with delta 0.0116 per month, and what it misses of
    # the slope within a month.
    np.testing.assert_allclose(found, by_month, rtol=2e-4)
    assert (found < until[-1].frame["expected_purchases"]).all()


def test_a_year_from_now_is_worth_one_over_one_plus_the_rate(fitted):
    """Purchases of one far-off day, so that the discount of that day can be read off."""
    rate, day = 0.2, 1 / 7
    forecasts = {
        (t, r): point(fitted, horizon=t, discount_rate=r).frame["discounted_purchases"]
        for t in (365.25 / 7, 365.25 / 7 + day)
        for r in (0.0, rate)
    }
    (a, b) = sorted({t for t, _ in forecasts})
    share = (forecasts[b, rate] - forecasts[a, rate]) / (forecasts[b, 0.0] - forecasts[a, 0.0])
    np.testing.assert_allclose(share, 1.2 ** -(1 + 0.5 / 365.25), rtol=1e-6)


def test_longer_horizons_bring_more_of_everything(fitted):
    before = point(fitted, horizon="1 day").frame
    for horizon in ("1 week", "1 year", "10 years"):
        after = point(fitted, horizon=horizon).frame
        for column in ("p_active", "expected_purchases", "discounted_purchases", "clv"):
            assert (after[column] > before[column]).all()
        assert after["p_alive"].equals(before["p_alive"])
        before = after
