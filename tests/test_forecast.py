"""Forecasts: columns, horizons, discounting, other customers, odd customers, wrong options."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import (
    AssumptionWarning,
    BoundaryWarning,
    DataError,
    DataWarning,
    FitError,
    InfiniteMeanWarning,
    OptionError,
    OptionWarning,
)

PURCHASES = ["customer_id", "p_alive", "p_active", "expected_purchases", "discounted_purchases"]
SPEND = ["expected_spend", "expected_revenue", "clv"]
UNDISCOUNTED = ["expected_purchases", "expected_revenue"]
INTERVALS = ["purchases", "revenue", "clv"]


@pytest.fixture(scope="module")
def split():
    return pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")


@pytest.fixture(scope="module")
def fitted(split):
    return pc.CLVModel().fit(split.rfm)


def simulated(n=200, seed=7, purchases=None, spend=None, T=40.0):
    """A summary of customers drawn from the models, in weeks, as a frame."""
    rng = np.random.default_rng(seed)
    x, t_x = (purchases or pc.BGNBD(0.6, 5.0, 0.8, 2.4)).simulate(np.full(n, T), rng)
    g = spend or pc.GammaGamma(6.0, 4.0, 15.0)
    nu = rng.gamma(g.q, 1.0, n) / g.v
    total = rng.gamma(g.p * np.maximum(x, 1), 1.0) / nu
    mean = np.where(x > 0, total / np.maximum(x, 1), 0.0)
    return pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "frequency": x,
            "recency": t_x,
            "T": T,
            "monetary_value": mean,
        }
    )


def calibration():
    """CDNOW's log up to the end of the calibration period."""
    log = pc.datasets.load_cdnow()
    return log[log["date"] <= "1997-09-30"]


def quietly(function, *arguments, **options):
    """The answer without its warnings, where they are another test's matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments, **options)


def point(fitted, **options):
    """A forecast without intervals: most of these tests are not about them."""
    return fitted.forecast(level=None, **options)


def numbers(forecast):
    return forecast.frame.drop(columns="customer_id").to_numpy(float)


# The numbers of CDNOW ---------------------------------------------------------------------


def test_the_next_39_weeks_of_cdnow_are_forecast_as_the_literature_has_them(split, fitted):
    forecast = point(fitted, horizon=split.duration, discount_rate=0.0)
    # Sum of BG/NBD's conditional expectations to many digits, maximum found in 50 digits.
    assert forecast.total()["purchases"] == pytest.approx(1653.4087, abs=1e-4)
    assert forecast.total()["revenue"] == pytest.approx(59_931.6, abs=0.05)
    assert split.frame["frequency_holdout"].sum() == 1_882
    assert split.frame["spend_holdout"].sum() == pytest.approx(70_976.4, abs=0.05)


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


def test_a_finite_forecast_has_one_row_per_customer_and_the_columns_of_the_design(split, fitted):
    frame = point(fitted, horizon="52 weeks").frame
    assert set(PURCHASES + SPEND) <= set(frame)
    assert frame["customer_id"].equals(split.rfm.frame["customer_id"])
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


# Horizons and discounting ----------------------------------------------------------------


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


# Which customers ---------------------------------------------------------------------------


def test_a_forecast_of_some_customers_is_their_part_of_the_whole(split, fitted):
    whole = point(fitted).frame[PURCHASES + SPEND]
    some = whole["customer_id"] % 7 == 3
    subset = pc.RFM.from_frame(split.rfm.frame[some], unit="week")
    part = point(fitted, rfm=subset).frame[PURCHASES + SPEND]
    pd.testing.assert_frame_equal(part, whole[some].reset_index(drop=True), rtol=1e-12)


@pytest.mark.parametrize("unit", ["day", "month", "year"])
def test_customers_summarised_in_another_unit_get_the_same_forecast(fitted, unit):
    other = pc.rfm_summary(calibration(), unit=unit)
    same = point(fitted, horizon="26 weeks").frame
    found = point(fitted, horizon="26 weeks", rfm=other)
    assert found.unit == unit
    for column in (PURCHASES + SPEND)[1:]:
        np.testing.assert_allclose(found.frame[column], same[column], rtol=1e-9)


def test_a_number_as_horizon_is_in_the_unit_of_the_customers(fitted):
    days = pc.rfm_summary(calibration(), unit="day")
    by_days = point(fitted, horizon=182, rfm=days).total()
    assert by_days["clv"] == pytest.approx(point(fitted, horizon=26).total()["clv"], rel=1e-9)


def test_models_fitted_in_days_and_in_weeks_forecast_alike(fitted):
    days = pc.CLVModel().fit(pc.rfm_summary(calibration(), unit="day"))
    found, same = (point(f, horizon="39 weeks").frame for f in (days, fitted))
    for column in (PURCHASES + SPEND)[1:]:
        # Two searches stop at a gradient per customer below 1e-7.
        np.testing.assert_allclose(found[column], same[column], rtol=1e-6)


def test_shuffled_customers_get_the_same_answers(split, fitted):
    shuffled = split.rfm.frame.sample(frac=1, random_state=5)
    found = point(fitted, rfm=pc.RFM.from_frame(shuffled, unit="week")).frame.set_index(
        "customer_id"
    )
    same = point(fitted).frame.set_index("customer_id")
    pd.testing.assert_frame_equal(
        found.loc[same.index, (PURCHASES + SPEND)[1:]], same[(PURCHASES + SPEND)[1:]]
    )


def test_shuffled_orders_give_the_same_fit_and_the_same_forecast():
    log = pc.datasets.load_cdnow()
    totals = [
        point(pc.CLVModel().fit(pc.rfm_summary(rows))).frame[PURCHASES + SPEND]
        for rows in (log, log.sample(frac=1, random_state=3))
    ]
    pd.testing.assert_frame_equal(*totals, check_exact=True)


@pytest.mark.parametrize("kind", ["text", "huge", "scattered"])
def test_answers_stay_with_their_customer_whatever_the_ids(kind):
    frame = simulated(60)
    plain = point(quietly(pc.CLVModel().fit, pc.RFM.from_frame(frame, unit="week"))).frame
    ids = {
        "text": [f"c{(37 * i) % 60:02d}" for i in range(60)],
        "huge": [2**62 + 977 * ((37 * i) % 60) for i in range(60)],
        "scattered": [(37 * i) % 60 * 1000 + 5 for i in range(60)],
    }[kind]
    renamed = frame.assign(customer_id=ids)
    found = point(quietly(pc.CLVModel().fit, pc.RFM.from_frame(renamed, unit="week"))).frame
    found = found.set_index("customer_id").loc[ids]
    for column in (PURCHASES + SPEND)[1:]:
        np.testing.assert_allclose(found[column], plain[column], rtol=1e-12)


def test_forecasting_leaves_the_summary_as_it_is(split, fitted):
    before = split.rfm.frame.copy()
    forecast = point(fitted, horizon="1 year")
    frame = forecast.frame
    frame["customer_id"] = -1
    assert (forecast.frame["customer_id"] == before["customer_id"]).all()
    pd.testing.assert_frame_equal(split.rfm.frame, before)


def test_a_recipe_can_be_used_again_and_compared():
    recipe = pc.CLVModel()
    rfm = pc.RFM.from_frame(simulated(), unit="week")
    assert recipe == pc.CLVModel()
    assert recipe.fit(rfm).purchases.params == recipe.fit(rfm).purchases.params
    with pytest.raises(AttributeError):
        recipe.engine = "other"


# Logs and summaries without spend ----------------------------------------------------------


@pytest.mark.parametrize("how", ["no amounts", "spend=None"])
def test_without_spend_purchases_alone_are_forecast(how):
    if how == "no amounts":
        rfm = pc.rfm_summary(pc.datasets.load_cdnow().drop(columns="amount"), amount=None)
        fitted = pc.CLVModel().fit(rfm)
    else:
        fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    assert fitted.spend is None
    forecast = point(fitted)
    assert set(PURCHASES) <= set(forecast.frame)
    assert not set(SPEND) & set(forecast.frame)
    assert forecast.total().index.isin(["revenue", "clv"]).sum() == 0
    assert len(forecast.top(3)) == 3
    with_spend = point(pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow())))
    pd.testing.assert_frame_equal(forecast.frame[PURCHASES], with_spend.frame[PURCHASES])


def test_customers_without_spend_cannot_be_valued_by_a_model_with_it(fitted):
    rfm = pc.RFM.from_frame(simulated().drop(columns="monetary_value"), unit="week")
    with pytest.raises(DataError, match=r"no monetary_value.*spend=None"):
        point(fitted, rfm=rfm)


# Odd customers ------------------------------------------------------------------------------


def test_customers_who_spent_nothing_or_less_get_a_finite_forecast():
    frame = simulated()
    repeaters = frame.index[frame["frequency"] > 0]
    frame.loc[repeaters[:4], "monetary_value"] = [0.0, 0.0, -25.0, -1e4]
    with pytest.warns(DataWarning, match="2 customers have a negative monetary_value"):
        rfm = pc.RFM.from_frame(frame, unit="week")
    with pytest.warns(DataWarning, match="without 4 repeat buyers"):
        fitted = pc.CLVModel().fit(rfm)
    forecast = point(fitted)
    assert np.isfinite(numbers(forecast)).all()
    assert (forecast.frame[SPEND] >= 0).all(axis=None)
    # They count as having spent nothing: less than a customer of whom nothing is known.
    typical = float(fitted.spend.model.mean)
    assert (forecast.frame.loc[repeaters[:4], "expected_spend"] < typical).all()


def test_a_net_negative_customer_of_a_log_gets_a_finite_forecast():
    refund = pd.DataFrame(
        {"customer_id": [1], "date": pd.to_datetime(["1997-01-18"]), "amount": [-5000.0]}
    )
    log = pd.concat([calibration(), refund], ignore_index=True)
    with pytest.warns(pc.errors.RefundWarning, match="1 refund row"):
        rfm = pc.rfm_summary(log)
    assert (rfm.frame.loc[rfm.frame["customer_id"] == 1, "monetary_value"] < 0).all()
    with pytest.warns(DataWarning, match="without 1 repeat buyer"):
        fitted = pc.CLVModel().fit(rfm)
    forecast = point(fitted)
    assert np.isfinite(numbers(forecast)).all()
    assert (forecast.frame[SPEND] >= 0).all(axis=None)


def test_a_fit_with_an_infinite_mean_warns_and_never_gives_a_negative_clv():
    frame = simulated(600, seed=3, spend=pc.GammaGamma(2.0, 0.6, 10.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", AssumptionWarning)
        with pytest.warns(InfiniteMeanWarning, match="q = 0"):
            fitted = pc.CLVModel().fit(pc.RFM.from_frame(frame, unit="week"))
    assert fitted.spend.params["q"] <= 1
    assert np.isinf(fitted.spend.model.mean)
    forecast = point(fitted, horizon=None, discount_rate=0.1)
    assert np.isfinite(numbers(forecast)).all()
    assert (forecast.frame[["expected_spend", "clv"]] > 0).all(axis=None)


@pytest.mark.filterwarnings("ignore:T reaches")  # 3,000 weeks, as is meant here
def test_extreme_customers_are_forecast_without_infinities(fitted):
    frame = pd.DataFrame(
        {
            "customer_id": range(6),
            "frequency": [0, 0, 1, 20_000, 500, 1],
            "recency": [0.0, 0.0, 1 / 7, 3000.0, 1.0, 3000.0],
            "T": [0.0, 3000.0, 1 / 7, 3000.0, 3000.0, 3000.0],
            "monetary_value": [0.0, 0.0, 1e-4, 30.0, 1e6, 5.0],
        }
    )
    customers = pc.RFM.from_frame(frame, unit="week")
    for options in ({"horizon": "1 day"}, {"horizon": "50 years"}, {"horizon": None}):
        forecast = point(fitted, rfm=customers, **options)
        assert np.isfinite(numbers(forecast)).all()
        assert (numbers(forecast) >= 0).all()
        assert (forecast.frame["p_active"] <= forecast.frame["p_alive"]).all()


def steady(n=40, seed=1):
    """Customers who all buy at one rate and never leave: nothing for BG/NBD to tell apart."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(8.0, n) + 1
    return pd.DataFrame(
        {
            "customer_id": range(n),
            "frequency": x,
            "recency": 40.0 * x / (x + 0.5),
            "T": 40.0,
            "monetary_value": rng.gamma(5.0, 6.0, n),
        }
    )


def one_repeater(n=30):
    """Nearly everybody bought once."""
    frame = simulated(n).assign(frequency=0, recency=0.0, monetary_value=0.0)
    frame.loc[0, ["frequency", "recency", "monetary_value"]] = [1, 12.0, 20.0]
    return frame


def one_and_gone(n=40):
    """Everybody came back once, the week after, and was not seen again."""
    spend = np.random.default_rng(2).gamma(5.0, 6.0, n)
    return simulated(n).assign(frequency=1, recency=1.0, T=100.0, monetary_value=spend)


@pytest.mark.parametrize("customers", [steady, one_repeater, one_and_gone])
def test_a_fit_at_a_limit_says_so_and_forecasts_finite_numbers(customers):
    rfm = pc.RFM.from_frame(customers(), unit="week")
    with pytest.warns(BoundaryWarning, match="limit"):
        fitted = pc.CLVModel().fit(rfm)
    assert fitted.purchases.limits
    for options in ({"horizon": "52 weeks"}, {"horizon": None, "discount_rate": 0.1}):
        found = numbers(point(fitted, **options))
        assert np.isfinite(found).all()
        assert (found >= 0).all()


@pytest.mark.parametrize(("n", "price"), [(40, 20.0), (60, 9.99)])
def test_one_price_for_everything_is_a_limit_or_is_named_as_the_cause(n, price):
    spend = simulated(n).eval("frequency > 0") * price
    rfm = pc.RFM.from_frame(simulated(n).assign(monetary_value=spend), unit="week")
    try:
        fitted = quietly(pc.CLVModel().fit, rfm)
    except FitError as error:
        assert "same" in str(error)  # noqa: PT017 - a fit is as good as the error
    else:
        spend = point(fitted).frame["expected_spend"]
        np.testing.assert_allclose(spend, price, rtol=1e-3)


def test_where_nobody_leaves_forecasts_go_on_at_the_observed_rate():
    frame = steady(200)
    with pytest.warns(BoundaryWarning):
        fitted = pc.CLVModel(spend=None).fit(pc.RFM.from_frame(frame, unit="week"))
    total = point(fitted, horizon=40, discount_rate=0).total()["purchases"]
    # At that limit the likelihood is Poisson's: what came in 40 weeks comes again.
    assert total == pytest.approx(frame["frequency"].sum(), rel=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_twenty_customers_are_enough_for_a_finite_forecast(seed):
    cdnow = pc.BGNBD(0.243, 4.414, 0.793, 2.426)
    frame = simulated(20, seed, purchases=cdnow, spend=pc.GammaGamma(6.25, 3.74, 15.44))
    if not (frame["frequency"] > 0).any():
        with pytest.raises(FitError, match="bought a second time"):
            pc.CLVModel().fit(pc.RFM.from_frame(frame, unit="week"))
        return
    fitted = quietly(pc.CLVModel().fit, pc.RFM.from_frame(frame, unit="week"))
    found = numbers(point(fitted))
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_customers_of_whom_nobody_came_back_are_refused_with_the_cause():
    frame = simulated(30).assign(frequency=0, recency=0.0, monetary_value=0.0)
    with pytest.raises(FitError, match=r"None of the 30 customers has bought a second time"):
        pc.CLVModel().fit(pc.RFM.from_frame(frame, unit="week"))


def test_repeat_buyers_who_spent_nothing_leave_no_spend_to_learn_from():
    frame = simulated(50).assign(monetary_value=0.0)
    with pytest.raises(FitError, match=r"positive mean spend; there are none.*spend=None"):
        pc.CLVModel().fit(pc.RFM.from_frame(frame, unit="week"))


# Wrong options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"discount_rate": 10}, r"below 1; got 10\. For 10% a year write 0\.1"),
        ({"discount_rate": -0.1}, "discount_rate .* at least 0"),
        ({"discount_rate": float("nan")}, "discount_rate must be finite"),
        ({"discount_rate": "10%"}, "discount_rate must be a number; got '10%'"),
        ({"discount_rate": None}, "discount_rate must be a number"),
        ({"discount_rate": True}, "discount_rate must be a number"),
        ({"margin": 30}, r"margin is a share .* got 30\. For 30% write 0\.3"),
        ({"margin": -0.1}, "margin is a share"),
        ({"margin": "all"}, "margin must be a number"),
        ({"margin": float("inf")}, "margin must be finite"),
        ({"horizon": "fortnight"}, r"'fortnight' could not be read\. Try '52 weeks'"),
        ({"horizon": "1 fortnight"}, "could not be read"),
        ({"horizon": ""}, "could not be read"),
        ({"horizon": -3}, "must be positive and finite; got -3"),
        ({"horizon": "-3 weeks"}, "could not be read"),
        ({"horizon": 0}, "must be positive"),
        ({"horizon": "0 weeks"}, "must be positive"),
        ({"horizon": float("nan")}, "must be positive and finite; got nan"),
        ({"horizon": float("inf")}, "must be positive and finite; got inf"),
        ({"horizon": pd.Timedelta(days=-3)}, "must be positive"),
        ({"horizon": [52]}, "number of weeks; got list"),
        ({"horizon": True}, "got bool"),
        ({"horizon": pd.NaT}, "got NaTType"),
        ({"level": 90}, r"level must lie between 0 and 1; got 90\. For 90% write 0\.9"),
        ({"level": 0}, "level must lie between 0 and 1"),
        ({"level": "most"}, "level must be a number"),
    ],
)
def test_an_option_that_means_nothing_is_refused_with_a_hint(fitted, options, said):
    with pytest.raises(OptionError, match=said):
        fitted.forecast(**options)


def test_a_margin_above_one_is_doubted(fitted):
    with pytest.warns(OptionWarning, match="more than all of the spend"):
        assert point(fitted, margin=1.2).terms.margin == 1.2


def test_a_table_is_no_summary(split, fitted):
    with pytest.raises(DataError, match=r"rfm must be an RFM .* got DataFrame"):
        point(fitted, rfm=split.rfm.frame)
    with pytest.raises(DataError, match=r"wants an RFM .* got DataFrame"):
        pc.CLVModel().fit(split.rfm.frame)
    with pytest.raises(DataError, match=r"RFM\.from_frame"):
        pc.fit(pc.BGNBD, split.rfm.frame)


def test_an_unknown_engine_is_refused_and_the_near_one_named(split):
    with pytest.raises(OptionError, match=r"engine must be one of .*'mel'.*Did you mean 'mle'"):
        pc.CLVModel(engine="mel").fit(split.rfm)


def test_an_unknown_option_of_an_engine_is_refused(split):
    with pytest.raises(OptionError, match="engine 'mle' has no option 'penalizer_coef'"):
        pc.CLVModel(penalizer_coef=0.1).fit(split.rfm)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"purchases": "BGNB"}, "no model 'BGNB'.* Did you mean 'BGNBD'"),
        ({"purchases": None}, "purchases must be a class"),
        ({"purchases": pc.GammaGamma}, "purchases must be a class of PurchaseModel"),
        ({"spend": pc.BGNBD}, "spend must be a class of SpendModel"),
        ({"purchases": pc.BGNBD(0.2, 4.0, 0.8, 2.4)}, "purchases must be a class"),
    ],
)
def test_a_recipe_wants_classes_of_the_right_kind(arguments, said):
    with pytest.raises(OptionError, match=said):
        pc.CLVModel(**arguments)


@pytest.mark.parametrize("model", [pc.BGNBD(0.2, 4.0, 0.8, 2.4), dict, None])
def test_fit_wants_the_class_of_a_model(split, model):
    with pytest.raises(OptionError, match="model's class"):
        pc.fit(model, split.rfm)


def test_an_unknown_unit_is_refused_and_the_near_one_named():
    with pytest.raises(OptionError, match=r"unit must be one of .*Did you mean 'week'"):
        pc.rfm_summary(pc.datasets.load_cdnow(), unit="weeks")
    with pytest.raises(OptionError, match="unit must be one of"):
        pc.RFM.from_frame(simulated(), unit="fortnight")


# Fits ---------------------------------------------------------------------------------------


def test_the_summary_of_a_fit_has_the_columns_of_every_engine(fitted):
    table = fitted.summary()
    assert {"estimate", "std_error", "lower", "upper"} <= set(table)
    assert table.index.names == ["model", "parameter"]
    assert ((table["lower"] < table["estimate"]) & (table["estimate"] < table["upper"])).all()
    with pytest.raises(OptionError, match=r"For 90% write 0\.9"):
        fitted.summary(level=90)


def test_draws_repeat_with_a_seed_and_spread_as_the_summary_says(fitted):
    draws = fitted.purchases.draws(20_000, seed=4)
    assert list(draws) == ["r", "alpha", "a", "b"]
    again = fitted.purchases.draws(20_000, seed=4)
    table = fitted.purchases.summary(level=0.9)
    for name, values in draws.items():
        assert values.shape == (20_000,)
        np.testing.assert_array_equal(values, again[name])
        # 20,000 draws place a 5% quantile within some 2% of the log scale's spread.
        found = np.log(np.quantile(values, [0.05, 0.95]))
        said = np.log(table.loc[name, ["lower", "upper"]].to_numpy(float))
        np.testing.assert_allclose(found, said, atol=0.03 * (said[1] - said[0]))
    with pytest.raises(OptionError, match="positive whole number"):
        fitted.purchases.draws(0)


def test_what_a_limit_holds_fixed_has_no_standard_error_and_does_not_vary():
    with pytest.warns(BoundaryWarning):
        fit = pc.fit(pc.BGNBD, pc.RFM.from_frame(steady(), unit="week"))
    table = fit.summary()
    assert fit.undetermined
    assert table.loc[list(fit.undetermined), "std_error"].isna().all()
    assert np.isfinite(np.array(list(fit.draws(50, seed=1).values()))).all()
    assert "limit" in repr(fit)
    assert "limit" in fit._repr_html_()
