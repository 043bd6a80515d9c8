"""Forecasts of CDNOW: the numbers, the columns, the terms, and intervals beside them."""

import datetime

import numpy as np
import pandas as pd
import pytest
from forecasting import PURCHASES, SPEND, numbers, point, simulated

import predclv as pc
from predclv.errors import OptionError

UNDISCOUNTED = ["expected_purchases", "expected_revenue"]
INTERVALS = ["purchases", "revenue", "clv"]


@pytest.fixture(scope="module")
def fitted(cdnow_split):
    return pc.CLVModel().fit(cdnow_split.rfm)


# The numbers of CDNOW ---------------------------------------------------------------------


def test_the_next_39_weeks_of_cdnow_are_forecast_as_the_literature_has_them(cdnow_split, fitted):
    forecast = point(fitted, horizon=cdnow_split.duration, discount_rate=0.0)
    # Sum of BG/NBD's conditional expectations to many digits, maximum found in 50 digits.
    assert forecast.total()["purchases"] == pytest.approx(1653.4087, abs=1e-4)
    assert forecast.total()["revenue"] == pytest.approx(59_931.6, abs=0.05)
    assert cdnow_split.frame["frequency_holdout"].sum() == 1_882
    assert cdnow_split.frame["spend_holdout"].sum() == pytest.approx(70_976.4, abs=0.05)


def test_single_customers_of_cdnow_have_the_values_of_an_independent_implementation(fitted):
    frame = point(fitted, horizon=39, discount_rate=0.0).frame.set_index("customer_id")
    expected = {
        1: (0.726620311662374, 1.2259944552873, 24.6539186982206),
        6: (0.641834709510435, 3.3375713580461, 71.4647057227035),
        157: (0.969221268622013, 20.055249265532, 26.3942635019018),
    }
    for customer, values in expected.items():
        found = frame.loc[customer, ["p_alive", "expected_purchases", "expected_spend"]]
        # The optimum itself is known to nine digits or so.
        np.testing.assert_allclose(found.to_numpy(float), values, rtol=1e-8)


# Columns and terms ------------------------------------------------------------------------


def test_a_finite_forecast_has_one_row_per_customer_and_the_columns_of_the_design(
    cdnow_split, fitted
):
    frame = point(fitted, horizon="52 weeks").frame
    assert set(PURCHASES + SPEND) <= set(frame)
    assert frame["customer_id"].equals(cdnow_split.rfm.frame["customer_id"])
    assert isinstance(frame.index, pd.RangeIndex)
    assert (frame.drop(columns="customer_id").dtypes == "float64").all()
    assert np.isfinite(numbers(point(fitted, horizon="52 weeks"))).all()


def test_the_whole_lifetime_leaves_out_what_can_be_infinite(fitted):
    forecast = point(fitted, horizon=None, discount_rate=0.1)
    assert set(PURCHASES + SPEND) - set(UNDISCOUNTED) <= set(forecast.frame)
    assert not set(UNDISCOUNTED) & set(forecast.frame)
    assert np.isfinite(numbers(forecast)).all()
    assert forecast.horizon is None
    assert {"purchases", "revenue"}.isdisjoint(forecast.total().index)


def test_the_whole_lifetime_without_discounting_is_refused(fitted):
    with pytest.raises(OptionError, match=r"needs a discount_rate above 0.*horizon"):
        point(fitted, horizon=None, discount_rate=0.0)


def test_the_whole_lifetime_is_the_limit_of_long_horizons(fitted):
    endless = point(fitted, horizon=None, discount_rate=0.1).frame
    long = point(fitted, horizon="500 years", discount_rate=0.1).frame
    # 1.1**-500 is 2e-21.
    np.testing.assert_allclose(endless["clv"], long["clv"], rtol=1e-9)
    assert endless["p_active"].equals(endless["p_alive"])


def test_a_forecast_knows_its_terms(fitted):
    forecast = point(fitted, horizon="12 months", discount_rate=0.05, margin=0.3)
    terms = forecast.terms
    assert forecast.horizon == terms.horizon == pytest.approx(365.25 / 7)
    assert forecast.unit == terms.unit == "week"
    assert (terms.discount_rate, terms.margin, terms.level) == (0.05, 0.3, None)
    assert terms.observation_end == datetime.date(1997, 9, 30)
    assert len(forecast) == 2_357
    assert "2,357 customers" in repr(forecast)
    assert "<table" in forecast._repr_html_()


def test_revenue_and_clv_are_the_products_they_are_said_to_be(fitted):
    frame = point(fitted, horizon="1 year", discount_rate=0.1, margin=0.25).frame
    spend = frame["expected_spend"]
    np.testing.assert_allclose(frame["expected_revenue"], frame["expected_purchases"] * spend)
    np.testing.assert_allclose(frame["clv"], 0.25 * frame["discounted_purchases"] * spend)


def test_the_margin_scales_clv_alone(fitted):
    whole, part = point(fitted, margin=1.0).frame, point(fitted, margin=0.3).frame
    np.testing.assert_allclose(part["clv"], 0.3 * whole["clv"])
    for column in set(PURCHASES + SPEND) - {"clv"}:
        assert part[column].equals(whole[column])


def test_a_margin_of_nothing_gives_a_clv_of_nothing(fitted):
    assert (point(fitted, margin=0).frame["clv"] == 0).all()


def test_the_total_is_the_sum_over_customers(fitted):
    forecast = point(fitted, horizon="26 weeks", margin=0.4)
    total = forecast.total()
    for name, column in {
        "purchases": "expected_purchases",
        "discounted_purchases": "discounted_purchases",
        "revenue": "expected_revenue",
        "clv": "clv",
    }.items():
        assert total[name] == pytest.approx(forecast.frame[column].sum(), rel=1e-12)


def test_top_gives_the_customers_of_highest_value_in_order(fitted):
    forecast = point(fitted)
    top = forecast.top(5)
    assert top["clv"].tolist() == sorted(forecast.frame["clv"], reverse=True)[:5]


def test_alive_is_not_active(fitted):
    frame = point(fitted, horizon="13 weeks").frame
    assert (frame["p_active"] < frame["p_alive"]).all()
    assert ((frame["p_active"] > 0) & (frame["p_alive"] <= 1)).all()
    # Markov: an active customer makes at least one purchase.
    assert (frame["p_active"] <= frame["expected_purchases"]).all()


# Intervals -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def few():
    return pc.CLVModel().fit(pc.RFM.from_frame(simulated(100), unit="week"))


def test_intervals_are_columns_of_their_own_and_change_no_other(few):
    with_intervals, without = few.forecast(seed=1).frame, point(few).frame
    bounds = {f"{name}_{side}" for name in INTERVALS for side in ("lower", "upper")}
    assert set(with_intervals) - set(without) == bounds
    pd.testing.assert_frame_equal(with_intervals[list(without)], without)


def test_a_lower_bound_is_below_its_upper_bound_and_neither_is_negative(few):
    for options in ({"horizon": "1 week"}, {"horizon": "10 years"}, {"horizon": None}):
        forecast = few.forecast(seed=1, **options)
        assert np.isfinite(numbers(forecast)).all()
        for name in ["clv"] if options["horizon"] is None else INTERVALS:
            lower, upper = forecast.frame[f"{name}_lower"], forecast.frame[f"{name}_upper"]
            assert ((lower >= 0) & (lower <= upper)).all()
            assert (lower < upper).any()


def test_the_whole_lifetime_has_intervals_of_clv_alone(few):
    frame = few.forecast(horizon=None, seed=1).frame
    assert {name for name in frame if name.endswith("_lower")} == {"clv_lower"}


def test_bounds_of_purchases_are_whole_numbers_of_purchases(few):
    frame = few.forecast(seed=1).frame
    assert frame["purchases_lower"].dtype.kind == frame["purchases_upper"].dtype.kind == "i"


def test_a_seed_repeats_the_intervals(few):
    first, again, other = (few.forecast(seed=seed) for seed in (5, 5, 6))
    pd.testing.assert_frame_equal(first.frame, again.frame, check_exact=True)
    assert not first.frame["clv_upper"].equals(other.frame["clv_upper"])


def test_a_higher_level_gives_wider_intervals(few):
    narrow, wide = few.forecast(level=0.5, seed=1).frame, few.forecast(level=0.95, seed=1).frame
    assert (wide["purchases_upper"] >= narrow["purchases_upper"]).all()
    assert (wide["clv_lower"] <= narrow["clv_lower"] + 1e-9).all()
    assert wide["clv_upper"].sum() > narrow["clv_upper"].sum()


def test_the_margin_scales_the_interval_of_clv(few):
    whole, part = few.forecast(seed=1).frame, few.forecast(seed=1, margin=0.3).frame
    np.testing.assert_allclose(part["clv_upper"], 0.3 * whole["clv_upper"])
    np.testing.assert_allclose(part["revenue_upper"], whole["revenue_upper"])


def test_without_spend_there_are_intervals_of_purchases_alone():
    fitted = pc.CLVModel(spend=None).fit(pc.RFM.from_frame(simulated(100), unit="week"))
    frame = fitted.forecast(seed=1).frame
    assert {name for name in frame if name.endswith("_upper")} == {"purchases_upper"}


def test_a_total_has_an_interval_narrower_than_the_sum_of_the_bounds(few):
    forecast = few.forecast(seed=1)
    total, frame = forecast.total(), forecast.frame
    for name in INTERVALS:
        lower, upper = total[f"{name}_lower"], total[f"{name}_upper"]
        assert lower < total[name] < upper
        assert frame[f"{name}_lower"].sum() < lower
        assert upper < frame[f"{name}_upper"].sum()
