"""Lists to act on: who is due, who is overdue, who is worth winning back - against known truth."""

import warnings

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.decisions.waiting import chance_of_silence, waiting_time
from predclv.errors import DataError, DataWarning, OptionError
from predclv.units import DAYS

TRUTH = pc.BGNBD(r=0.8, alpha=6.0, a=0.6, b=2.5)  # in weeks
WEEKS, WINDOW = 40.0, 30 / 7


def known(model=TRUTH, unit="week"):
    """A fit whose estimate is the truth."""
    return pc.Fit(model, "known", unit, 1, 0.0, True, np.zeros((4, 4)))


def lives(n, seed):
    """Customers of the truth, purchase by purchase: their history and their next purchase.

    Not by the model's own simulation, so that one cannot hide an error of the other.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(TRUTH.r, 1 / TRUTH.alpha, n)
    leaves = rng.beta(TRUTH.a, TRUTH.b, n)
    x, t_x, now = np.zeros(n), np.zeros(n), np.zeros(n)
    upcoming = np.full(n, np.inf)
    active = np.arange(n)
    while active.size:
        now[active] += rng.exponential(1 / rate[active])
        observed = now[active] <= WEEKS
        upcoming[active[~observed]] = now[active[~observed]] - WEEKS
        active = active[observed]
        x[active] += 1
        t_x[active] = now[active]
        active = active[rng.random(active.size) >= leaves[active]]
    frame = pd.DataFrame({"customer_id": np.arange(n), "frequency": x, "recency": t_x, "T": WEEKS})
    return pc.RFM.from_frame(frame, unit="week"), upcoming


@pytest.fixture(scope="module")
def world():
    return lives(60_000, seed=11)


@pytest.fixture(scope="module")
def fitted(cdnow, bgnbd, gamma_gamma):
    return pc.FittedCLV(bgnbd, gamma_gamma, cdnow)


# Due soon ----------------------------------------------------------------------------------


def test_of_customers_due_with_a_chance_that_share_does_buy(world):
    rfm, upcoming = world
    due = pc.segments.due_soon(known(), rfm, within="30 days")
    came = upcoming[due["customer_id"]] <= WINDOW
    tenths = np.digitize(due["p_active"], np.arange(0.1, 1.0, 0.1))
    assert np.unique(tenths).size >= 9
    for tenth in np.unique(tenths):
        p = due["p_active"].to_numpy()[tenths == tenth]
        error = came[tenths == tenth].sum() - p.sum()
        # Sums of independent coins: four standard errors, exceeded once in 1,500 tests of ten.
        assert abs(error) < 4 * np.sqrt((p * (1 - p)).sum()), (tenth, p.size, error)


def test_half_of_the_customers_buy_before_their_median_day(world):
    rfm, upcoming = world
    due = pc.segments.due_soon(known(), rfm)
    finite = np.isfinite(due["median_days"])
    before = 7 * upcoming[due["customer_id"]] <= due["median_days"]
    n = finite.sum()
    assert n > 10_000
    assert abs(before[finite].sum() - n / 2) < 4 * np.sqrt(n) / 2  # four standard errors
    for _, part in before[finite].groupby(pd.qcut(due.loc[finite, "median_days"], 5)):
        assert abs(part.sum() - part.size / 2) < 4 * np.sqrt(part.size) / 2


def test_the_median_is_infinite_exactly_where_buying_again_is_less_likely_than_not(world):
    rfm, upcoming = world
    due = pc.segments.due_soon(known(), rfm)
    x, t_x = (rfm.frame[n].to_numpy(float)[due["customer_id"]] for n in ("frequency", "recency"))
    century = 100 * DAYS["year"] / 7
    ever = TRUTH.p_active_after(century, x, t_x, WEEKS)
    assert (np.isinf(due["median_days"]) == (ever < 0.5)).all()
    never = np.isinf(due["median_days"])
    came = np.isfinite(upcoming[due["customer_id"]])
    assert came[never].mean() < 0.5 < came[~never].mean()


def test_the_chance_by_the_median_day_is_one_half(world):
    rfm, _ = world
    due = pc.segments.due_soon(known(), rfm)
    due = due[np.isfinite(due["median_days"])]
    x, t_x = (rfm.frame[n].to_numpy(float)[due["customer_id"]] for n in ("frequency", "recency"))
    half = TRUTH.p_active_after(due["median_days"].to_numpy() / 7, x, t_x, WEEKS)
    np.testing.assert_allclose(half, 0.5, rtol=1e-9)


def test_being_due_is_being_active_in_a_forecast_of_the_window(fitted):
    due = pc.segments.due_soon(fitted, within="30 days").set_index("customer_id").sort_index()
    forecast = fitted.forecast("30 days", discount_rate=0.0, level=None).frame
    forecast = forecast.set_index("customer_id")
    for name in ("p_active", "p_alive", "expected_purchases", "expected_revenue"):
        np.testing.assert_array_equal(due[name], forecast[name])


def test_customers_are_sorted_and_none_is_missing(fitted, cdnow):
    due = pc.segments.due_soon(fitted)
    assert due["p_active"].is_monotonic_decreasing
    assert sorted(due["customer_id"]) == cdnow.frame["customer_id"].tolist()
    assert not due.isna().any(axis=None)


def test_units_of_fit_and_summary_may_differ(cdnow_log, fitted):
    log = cdnow_log[cdnow_log["date"] <= "1997-09-30"]
    days = pc.rfm_summary(log, unit="day", observation_end="1997-09-30")
    for within in ("30 days", 30):  # a number is in the summary's unit
        there = pc.segments.due_soon(fitted, days, within=within)
        here = pc.segments.due_soon(fitted, within="30 days")
        pd.testing.assert_frame_equal(
            there.sort_values("customer_id", ignore_index=True),
            here.sort_values("customer_id", ignore_index=True),
            rtol=1e-9,
        )
    overdue = [pc.segments.at_risk(fitted, rfm) for rfm in (days, fitted.rfm)]
    pd.testing.assert_frame_equal(*overdue, rtol=1e-9)


def test_a_fit_and_a_fitted_model_say_the_same(fitted, cdnow):
    alone = pc.segments.due_soon(fitted.purchases, cdnow)
    both = pc.segments.due_soon(fitted)
    pd.testing.assert_frame_equal(alone, both[alone.columns])


def test_an_unreadable_window_is_refused(fitted):
    for within in ("soon", -3, 0, None, np.inf):
        with pytest.raises(OptionError, match="within"):
            pc.segments.due_soon(fitted, within=within)


# At risk -----------------------------------------------------------------------------------


def test_the_chance_of_silence_is_that_of_the_rhythm(fitted):
    late = pc.segments.at_risk(fitted, overdue=0.9, least_repeats=3)
    assert len(late) > 20
    rows = fitted.rfm.frame.set_index("customer_id").loc[late["customer_id"]]
    m = fitted.purchases.model
    x, t_x, T = (rows[name].to_numpy() for name in ("frequency", "recency", "T"))
    p = ((m.alpha + t_x) / (m.alpha + T)) ** (m.r + x)
    np.testing.assert_allclose(late["p_silent"], p, rtol=1e-10)
    np.testing.assert_allclose(late["silent_days"], 7 * (T - t_x), rtol=1e-12)
    for column, chance in (("usual_gap_days", 0.5), ("overdue_after_days", 0.9)):
        gap = (m.alpha + t_x) * ((1 - chance) ** (-1 / (m.r + x)) - 1)
        np.testing.assert_allclose(late[column], 7 * gap, rtol=1e-9)
    assert (late["silent_days"] > late["overdue_after_days"]).all()
    assert (x >= 3).all()


def test_everybody_who_is_overdue_is_listed(fitted):
    late = set(pc.segments.at_risk(fitted, overdue=0.8, least_repeats=2)["customer_id"])
    frame, m = fitted.rfm.frame, fitted.purchases.model
    p = ((m.alpha + frame["recency"]) / (m.alpha + frame["T"])) ** (m.r + frame["frequency"])
    assert late == set(frame.loc[(p < 0.2) & (frame["frequency"] >= 2), "customer_id"])


def test_nine_of_ten_customers_who_stay_buy_before_they_count_as_overdue():
    rng = np.random.default_rng(3)
    n = 40_000
    rate = rng.gamma(TRUTH.r, 1 / TRUTH.alpha, n)
    for x in (3, 8):
        t_x = rng.gamma(x, 1 / rate)  # when the x-th purchase comes
        gap = rng.exponential(1 / rate)
        silence = chance_of_silence(TRUTH, np.full(n, float(x)), t_x)
        for p in (0.5, 0.9):
            came = (gap <= waiting_time(silence, p, n, "week")).mean()
            assert came == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / n))


def test_a_model_without_a_rate_answers_for_itself():
    class Other:
        def living(self, x, t_x, T):
            return TRUTH.given_alive(x, T)

    x, t_x, s = np.array([3.0, 8.0]), np.array([10.0, 30.0]), np.array([5.0, 5.0])
    np.testing.assert_allclose(
        chance_of_silence(Other(), x, t_x)(s), chance_of_silence(TRUTH, x, t_x)(s), rtol=1e-12
    )


def test_the_overdue_are_sorted_by_what_is_at_stake(fitted):
    late = pc.segments.at_risk(fitted)
    assert late["value_at_stake"].is_monotonic_decreasing
    clv = fitted.forecast(level=None).frame.set_index("customer_id")["clv"]
    np.testing.assert_allclose(late["value_at_stake"], clv[late["customer_id"]])
    assert not late.isna().any(axis=None)
    other = fitted.forecast("1 year", margin=0.25, level=None)
    thrice = pc.segments.at_risk(fitted, forecast=other)
    clv = other.frame.set_index("customer_id")["clv"]
    np.testing.assert_allclose(thrice["value_at_stake"], clv[thrice["customer_id"]])


def test_without_spend_purchases_are_at_stake(bgnbd, cdnow):
    late = pc.segments.at_risk(bgnbd, cdnow)
    forecast = pc.FittedCLV(bgnbd, None, cdnow).forecast(level=None).frame
    worth = forecast.set_index("customer_id")["discounted_purchases"]
    np.testing.assert_allclose(late["value_at_stake"], worth[late["customer_id"]])


def test_nobody_overdue_is_an_empty_list_with_its_columns(fitted):
    late = pc.segments.at_risk(fitted, least_repeats=1000)
    assert len(late) == 0
    assert list(late) == list(pc.segments.at_risk(fitted))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"overdue": 90}, "write 0.9"),
        ({"overdue": 0.0}, "between 0 and 1"),
        ({"least_repeats": 0}, "at least 1"),
        ({"least_repeats": 2.5}, "whole number"),
    ],
)
def test_options_that_mean_nothing_are_refused(fitted, options, message):
    with pytest.raises(OptionError, match=message):
        pc.segments.at_risk(fitted, **options)


@pytest.mark.parametrize("question", [pc.segments.at_risk, pc.segments.due_soon])
def test_what_has_no_customers_or_no_purchases_is_refused(question, fitted, cdnow):
    with pytest.raises(DataError, match="does not remember its customers"):
        question(fitted.purchases)
    with pytest.raises(DataError, match="wants a fit of purchases"):
        question(fitted.spend, cdnow)
    with pytest.raises(DataError, match="wants a Fit or a FittedCLV"):
        question(fitted.forecast(level=None))
    with pytest.raises(DataError, match="rfm must be an RFM"):
        question(fitted, cdnow.frame)
    with pytest.raises(DataError, match="wants a Fit or a FittedCLV"):
        question(fitted.purchases, cdnow.frame)


def test_a_forecast_of_other_customers_is_refused(fitted, cdnow_log):
    log = cdnow_log[cdnow_log["customer_id"] <= 500]
    others = fitted.forecast(level=None, rfm=pc.rfm_summary(log))
    with pytest.raises(DataError, match="of other customers"):
        pc.segments.at_risk(fitted, forecast=others)


# Win back ----------------------------------------------------------------------------------


def test_the_value_if_alive_is_that_of_a_living_customer(fitted):
    """Also where p_alive is next to nothing: the division is exact."""
    listed = pc.segments.win_back(
        fitted.forecast("1 year", discount_rate=0.1, margin=0.4, level=None),
        gone_below=0.999,
        top_share=0.99,
    )
    rows = fitted.rfm.frame.set_index("customer_id").loc[listed["customer_id"]]
    living = fitted.purchases.model.given_alive(rows["frequency"], rows["T"])
    delta = np.log(1.1) * 7 / DAYS["year"]
    purchases = living.discounted_purchases(DAYS["year"] / 7, delta)
    spend = fitted.spend.model.expected_spend(rows["frequency"], rows["monetary_value"])
    np.testing.assert_allclose(listed["value_if_alive"], 0.4 * purchases * spend, rtol=1e-9)
    np.testing.assert_allclose(
        listed["lost_value"], (1 - listed["p_alive"]) * listed["value_if_alive"], rtol=1e-9
    )
    assert listed["p_alive"].min() < 1e-4


def test_only_those_likely_gone_and_worth_much_are_listed(fitted):
    forecast = fitted.forecast(level=None)
    frame = forecast.frame
    worth = frame["clv"] / frame["p_alive"]
    listed = pc.segments.win_back(forecast, gone_below=0.4, top_share=0.1)
    floor = worth.sort_values(ascending=False).iloc[int(0.1 * len(frame)) - 1]
    expected = frame.loc[(frame["p_alive"] < 0.4) & (worth >= floor), "customer_id"]
    assert set(listed["customer_id"]) == set(expected)
    assert listed["value_if_alive"].is_monotonic_decreasing


def test_a_win_back_list_without_spend_counts_purchases(bgnbd, cdnow):
    listed = pc.segments.win_back(pc.FittedCLV(bgnbd, None, cdnow).forecast(level=None))
    assert len(listed)
    assert "discounted_purchases" in listed
    assert "clv" not in listed


def test_customers_who_are_gone_for_certain_are_counted_not_divided_by():
    """A silence of a thousand years: p_alive is zero in floating point."""
    frame = pd.DataFrame(
        {
            "customer_id": range(4),
            "frequency": [300, 2, 1, 0],
            "recency": [5.0, 30.0, 2.0, 0.0],
            "T": [5e4, 40.0, 40.0, 40.0],
        }
    )
    with pytest.warns(pc.errors.OptionWarning, match="958 years"):
        rfm = pc.RFM.from_frame(frame, unit="week")
    forecast = pc.FittedCLV(known(), None, rfm).forecast(level=None)
    assert forecast.frame["p_alive"].iloc[0] == 0
    with pytest.warns(DataWarning, match="1 customer has a p_alive of exactly 0.*customer_id 0"):
        listed = pc.segments.win_back(forecast, gone_below=0.9, top_share=0.9)
    assert 0 not in listed["customer_id"].to_numpy()
    assert np.isfinite(listed).all(axis=None)


def test_shares_that_mean_nothing_are_refused(fitted):
    forecast = fitted.forecast(level=None)
    for options in ({"gone_below": 50}, {"top_share": 0.0}, {"top_share": "much"}):
        with pytest.raises(OptionError):
            pc.segments.win_back(forecast, **options)
    with pytest.raises(DataError, match="wants a Forecast"):
        pc.segments.win_back(["not", "a", "forecast"])


def test_no_list_warns_on_ordinary_customers(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pc.segments.win_back(fitted.forecast(level=None))
        pc.segments.at_risk(fitted)
        pc.segments.due_soon(fitted)
