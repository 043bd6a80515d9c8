"""The numbers below the pictures: tracking, calibration tables, gains, histories, gaps."""

import datetime

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError, OptionError
from predclv.validation.deciles import calibration_table, mean_gap, outcomes, within
from predclv.validation.gains import gains_curve
from predclv.validation.histories import customer_history
from predclv.validation.interpurchase import interpurchase_times
from predclv.validation.metrics import gini, top_decile_capture
from predclv.validation.spread import value_histogram
from predclv.validation.tables import holdout_by_recency
from predclv.validation.tracking import tracking


@pytest.fixture(scope="module")
def tracked(bgnbd, cdnow_split):
    return tracking({"BG/NBD": bgnbd}, cdnow_split.rfm, cdnow_split.holdout_end)


@pytest.fixture(scope="module")
def as_btyd(bgnbd, cdnow_split):
    end = cdnow_split.holdout_end
    return tracking({"BG/NBD": bgnbd}, cdnow_split.rfm, end, count_first_day=True)


@pytest.fixture(scope="module")
def forecast(bgnbd, cdnow_split):
    fitted = pc.CLVModel(spend=None).fit(cdnow_split.rfm)
    return fitted.forecast(horizon=39, level=None, discount_rate=0.0)


# Tracking -----------------------------------------------------------------------------------------


def test_purchases_per_week_are_those_that_btyd_prints(as_btyd):
    # BTYD's walkthrough of CDNOW, weeks 20 to 25, at its own estimates to three digits.
    weeks = as_btyd.frame.iloc[19:25]
    assert weeks["actual"].tolist() == [73, 55, 70, 33, 56, 99]
    printed = [76.865, 74.888, 73.046, 71.322, 69.704, 68.182]
    np.testing.assert_allclose(weeks["BG/NBD"], printed, atol=1e-3)


def test_purchases_so_far_are_those_that_btyd_prints(as_btyd):
    total = as_btyd.cumulative
    assert total["actual"].iloc[[19, 24, 77]].tolist() == [1359, 1672, 4339]
    # Printed at other digits of the estimates, which moves the fifth digit.
    np.testing.assert_allclose(total["BG/NBD"].iloc[[19, 24]], [1312.458, 1669.6], rtol=2e-6)


def test_the_errors_of_tracking_are_those_of_jerath_fader_and_hardie(tracked):
    # Jerath, Fader & Hardie (2011), table 3, weeks 40 to 78: 2.6% and 19.4%.
    errors = tracked.errors().loc["BG/NBD"]
    assert errors["cumulative_mape"] == pytest.approx(0.026, abs=0.0005)
    assert errors["incremental_mape"] == pytest.approx(0.194, abs=0.0005)


def test_one_fit_has_an_error_of_tracking_and_four_times_that_of_its_forecast(tracked, forecast):
    # Fader, Hardie & Lee (2005): BG/NBD is 4% below the 4,339 at week 78. The forecast of the
    # holdout is 12% too low: the two are not the same thing, and both are right.
    assert tracked.errors().at["BG/NBD", "cumulative_at_end"] == pytest.approx(-0.04, abs=0.005)
    assert forecast.total()["purchases"] / 1882 - 1 == pytest.approx(-0.12146, abs=1e-4)


def test_the_errors_are_what_they_say(tracked):
    table, errors = tracked.frame, tracked.errors().loc["BG/NBD"]
    late = table.iloc[39:]
    total = table.cumsum().iloc[39:]
    assert len(late) == 39
    apart = abs(late["BG/NBD"] - late["actual"]) / late["actual"]
    assert errors["incremental_mape"] == pytest.approx(apart.mean())
    assert errors["cumulative_mape"] == pytest.approx(
        abs(total["BG/NBD"] / total["actual"] - 1).mean()
    )
    assert errors["incremental_bias"] == pytest.approx(
        late["BG/NBD"].sum() / late["actual"].sum() - 1
    )


def test_at_the_end_of_calibration_both_curves_are_what_the_fit_saw(tracked, bgnbd, cdnow):
    at_end = tracked.cumulative.loc["1997-09-30"]
    assert at_end["actual"] == cdnow.counts["repeat_purchases"]
    expected = bgnbd.model.expected_purchases(cdnow.frame["T"].to_numpy()).sum()
    assert at_end["BG/NBD"] == pytest.approx(expected)


@pytest.mark.parametrize(("period", "rows", "left"), [("4 weeks", 19, 21), ("30 days", 19, 3)])
def test_longer_periods_hold_the_sums_of_shorter_ones(bgnbd, cdnow_split, period, rows, left):
    args = ({"m": bgnbd}, cdnow_split.rfm, cdnow_split.holdout_end)
    days, longer = tracking(*args, period="1 day"), tracking(*args, period=period)
    assert (len(longer.frame), longer.left_out) == (rows, left)
    ends = longer.frame.index
    # Periods are counted from the end of calibration, so the first may begin before the log does.
    pd.testing.assert_frame_equal(
        longer.cumulative, days.cumulative.loc[ends], check_dtype=False, check_freq=False
    )


def test_customers_who_come_after_calibration_are_not_tracked(bgnbd):
    log = pc.datasets.load_cdnow()
    split = pc.holdout_split(log, calibration_end="1997-02-28")
    found = tracking({"m": bgnbd}, split.rfm, split.holdout_end, period="1 day")
    cohort = log[log["customer_id"].isin(split.rfm.frame["customer_id"])]
    days = cohort.drop_duplicates(["customer_id", "date"])
    assert found.customers == len(split.rfm) < 2357
    assert found.frame["actual"].sum() == len(days) - found.customers


def test_a_fit_in_days_is_tracked_like_one_in_weeks(cdnow_split, cdnow_log):
    known = cdnow_log[cdnow_log["date"] <= "1997-09-30"]
    fits = {
        unit: pc.fit(pc.BGNBD, pc.rfm_summary(known, observation_end="1997-09-30", unit=unit))
        for unit in ("day", "week")
    }
    table = tracking(fits, cdnow_split.rfm, cdnow_split.holdout_end).cumulative
    # Two fits agree as far as their stopping rule holds them.
    np.testing.assert_allclose(table["day"], table["week"], rtol=1e-5)


def test_what_cannot_be_tracked_is_refused(bgnbd, gamma_gamma, cdnow_split):
    rfm, end = cdnow_split.rfm, cdnow_split.holdout_end
    with pytest.raises(DataError, match="wants a fit of purchases"):
        tracking({"spend": gamma_gamma}, rfm, end)
    with pytest.raises(DataError, match="has no log"):
        tracking({"m": bgnbd}, pc.RFM.from_frame(rfm.frame, unit="week"))
    with pytest.raises(OptionError, match="whole days"):
        tracking({"m": bgnbd}, rfm, end, period="1 month")
    with pytest.raises(OptionError, match="until must lie between 1997-09-30 and 1998-06-30"):
        tracking({"m": bgnbd}, rfm, datetime.date(1999, 1, 1))
    with pytest.raises(OptionError, match="no fitted model"):
        tracking({}, rfm, end)
    with pytest.raises(DataError, match="No whole week lies after 1997-09-30"):
        tracking({"m": bgnbd}, rfm).errors()


# Calibration --------------------------------------------------------------------------------------


def test_groups_are_of_equal_size_and_add_up():
    rng = np.random.default_rng(0)
    predicted = rng.gamma(0.3, 2.0, 1000)
    actual = rng.poisson(predicted)
    table = calibration_table(predicted, actual)
    assert table["customers"].tolist() == [100] * 10
    assert table["customers"] @ table["predicted"] == pytest.approx(predicted.sum())
    assert table["customers"] @ table["actual"] == pytest.approx(actual.sum())
    assert table["predicted"].is_monotonic_increasing


def test_a_right_forecast_lies_within_its_intervals_as_often_as_they_say():
    rng = np.random.default_rng(1)
    predicted = rng.gamma(2.0, 1.0, (200, 500))
    tables = [calibration_table(row, rng.poisson(row), 5) for row in predicted]
    share = np.mean([within(table) / 5 for table in tables])
    # 1,000 groups: a standard error of 0.01; the normal interval is a little short at n = 100.
    assert share == pytest.approx(0.9, abs=0.03)


def test_customers_of_equal_forecast_are_never_torn_apart():
    predicted = np.repeat([0.0, 1.0, 2.0], [70, 25, 5])
    table = calibration_table(predicted, predicted)
    assert table["customers"].tolist() == [70, 25, 5]
    assert table["predicted"].tolist() == table["actual"].tolist() == [0, 1, 2]
    shuffled = np.random.default_rng(0).permutation(predicted)
    pd.testing.assert_frame_equal(table, calibration_table(shuffled, shuffled))


def test_one_number_for_all_is_one_group():
    table = calibration_table(np.ones(50), np.arange(50))
    assert len(table) == 1
    assert table["actual"].item() == 24.5
    assert mean_gap(table) == 23.5


def test_an_interval_is_the_normal_one_and_never_below_zero_for_counts():
    actual = np.array([0, 0, 0, 4])
    table = calibration_table(np.ones(4), actual, level=0.95)
    half = 1.959964 * actual.std(ddof=1) / 2
    assert table["upper"].item() == pytest.approx(1 + half)
    assert table["lower"].item() == 0.0
    assert np.isnan(calibration_table([1.0], [3.0])["upper"].item())


def test_where_nothing_came_the_interval_still_has_a_width():
    table = calibration_table(np.full(30, 0.05), np.zeros(30), level=0.95)
    assert table["upper"].item() == pytest.approx(3 / 30, rel=0.002)  # the rule of three
    assert within(table) == 1


def test_without_spend_there_is_no_calibration_of_spend(cdnow_split, forecast, cdnow_log):
    with pytest.raises(DataError, match="No forecaster forecasts spend"):
        outcomes({"counts": forecast}, cdnow_split, "spend")
    counts = cdnow_log[["customer_id", "date"]]
    split = pc.holdout_split(counts, amount=None, calibration_end="1997-09-30")
    with pytest.raises(DataError, match="holdout has no spend"):
        outcomes({"counts": forecast}, split, "spend")
    with pytest.raises(OptionError, match="must be purchases or spend"):
        outcomes({"counts": forecast}, cdnow_split, "purchase")
    with pytest.raises(OptionError, match="groups must be at least 1"):
        calibration_table([1.0], [1.0], groups=0)
    with pytest.raises(DataError, match="of one shape"):
        calibration_table([1.0, 2.0], [1.0])


# Recency, gains, value ----------------------------------------------------------------------------


def test_means_by_recency_add_up_and_hold_the_right_customers(cdnow_split, forecast):
    table = holdout_by_recency(forecast, cdnow_split)
    assert table.index.tolist() == ["0", *(f"{k}-{k + 5}" for k in range(0, 40, 5))]
    assert table["customers"].iloc[0] == 1411
    assert table["customers"] @ table["actual"] == pytest.approx(1882)
    assert table["customers"] @ table["forecast"] == pytest.approx(1653.4087, abs=1e-3)
    frame = cdnow_split.frame
    fifth = frame[(frame["recency"] > 20) & (frame["recency"] <= 25)]
    assert table.at["20-25", "customers"] == len(fifth)
    assert table.at["20-25", "actual"] == pytest.approx(fifth["frequency_holdout"].mean())


def test_means_by_hiatus_are_grouped_by_the_time_since_the_last_purchase(cdnow_split, forecast):
    table = holdout_by_recency(forecast, cdnow_split, by="hiatus", width=13)
    frame = cdnow_split.frame
    hiatus = ((frame["T"] - frame["recency"]) * 7).round() / 7
    assert table.index.tolist() == ["0-13", "13-26", "26-39"]
    assert table["customers"].tolist() == [
        (hiatus <= 13).sum(), ((hiatus > 13) & (hiatus <= 26)).sum(), (hiatus > 26).sum(),
    ]  # fmt: skip
    for wrong in ({"by": "frequency"}, {"width": 0}):
        with pytest.raises(OptionError):
            holdout_by_recency(forecast, cdnow_split, **wrong)


def test_twice_the_area_of_the_gains_curve_is_the_gini_of_the_order():
    rng = np.random.default_rng(3)
    actual = rng.poisson(rng.gamma(0.4, 2.0, 400)).astype(float)
    for predicted in (rng.random(400), actual + rng.normal(0, 1, 400).round(), actual, -actual):
        curve, perfect = gains_curve(predicted, actual), gains_curve(actual, actual)
        area, best = (2 * np.trapezoid(c["captured"], c["customers"]) - 1 for c in (curve, perfect))
        assert area / best == pytest.approx(gini(predicted, actual), abs=1e-12)
        at = np.interp(0.1, curve["customers"], curve["captured"])
        assert at == pytest.approx(top_decile_capture(predicted, actual))


def test_gains_of_nothing_are_refused():
    with pytest.raises(DataError, match="Nothing came"):
        gains_curve([1.0, 2.0], [0.0, 0.0])


def test_every_customer_of_value_is_in_one_class():
    rng = np.random.default_rng(4)
    values = np.append(rng.lognormal(0, 3, 1000), np.zeros(50))
    table = value_histogram(values, bins=25)
    assert table["customers"].sum() == 1000
    assert table["share_below"].iloc[-1] == pytest.approx(1.0)
    within_class = (values > table["low"].iloc[20]) & (values <= table["high"].iloc[20])
    assert table["customers"].iloc[20] == within_class.sum()
    assert value_histogram([5.0, 5.0], bins=3)["customers"].sum() == 2
    with pytest.raises(DataError, match="No customer has a value"):
        value_histogram([0.0, -1.0])
    with pytest.raises(OptionError, match="bins must be at least 1"):
        value_histogram([1.0], bins=0)


# One customer's history ---------------------------------------------------------------------------


def test_the_chance_to_be_alive_is_the_models_on_every_day(bgnbd, cdnow_split):
    found = customer_history(bgnbd, cdnow_split.rfm, 1516)
    # Customer 1516 of BTYD's walkthrough: 26 repeat purchases, the last at 30.857 of 31 weeks.
    assert len(found.purchases) == 27
    first, last = found.frame.index[[0, -1]]
    assert (str(first.date()), str(last.date())) == ("1997-02-25", "1997-09-30")
    assert found.frame["p_alive"].iloc[-1] == pytest.approx(0.96885, abs=1e-4)  # BTYD: .9688523
    days = (found.purchases - found.purchases[0]).days.to_numpy()
    for age in (0, 1, 40, 100, 217, *days[2:6]):  # days with a purchase count it
        by_then = days[days <= age]
        expected = bgnbd.model.p_alive(len(by_then) - 1, by_then[-1] / 7, age / 7)
        assert found.frame["p_alive"].iloc[age] == pytest.approx(float(expected))


def test_silence_goes_on_from_the_last_observed_day(bgnbd, cdnow_split):
    seen = customer_history(bgnbd, cdnow_split.rfm, 1516)
    longer = customer_history(bgnbd, cdnow_split.rfm, 1516, silent_for="26 weeks")
    assert len(longer.frame) == len(seen.frame) + 182
    assert longer.frame["is_observed"].sum() == len(seen.frame)
    pd.testing.assert_frame_equal(
        longer.frame.iloc[: len(seen.frame)], seen.frame, check_freq=False
    )
    assert longer.frame["p_alive"].iloc[len(seen.frame) - 1 :].is_monotonic_decreasing
    half = longer.day_below(0.5)
    assert longer.frame["p_alive"][half] < 0.5 <= longer.frame["p_alive"][half - pd.Timedelta("1D")]
    assert seen.day_below(0.5) is None


def test_a_later_day_shows_what_the_customer_did_then(bgnbd, cdnow_split):
    found = customer_history(bgnbd, cdnow_split.rfm, 1516, until=cdnow_split.holdout_end)
    came = cdnow_split.frame.set_index("customer_id").at[1516, "frequency_holdout"]
    assert len(found.purchases) == 27 + came


def test_a_history_that_is_not_there_is_refused(bgnbd, gamma_gamma, cdnow_split):
    rfm = cdnow_split.rfm
    with pytest.raises(DataError, match="no customer 'x'"):
        customer_history(bgnbd, rfm, "x")
    with pytest.raises(DataError, match="has no log"):
        customer_history(bgnbd, pc.RFM.from_frame(rfm.frame, unit="week"), 1)
    with pytest.raises(DataError, match="wants a fit of purchases"):
        customer_history(gamma_gamma, rfm, 1)
    with pytest.raises(OptionError, match="until must lie between"):
        customer_history(bgnbd, rfm, 1, until=datetime.date(1999, 1, 1))


# Times between purchases --------------------------------------------------------------------------


def test_times_between_purchases_are_those_of_the_log(cdnow_split, cdnow_log):
    found = interpurchase_times(cdnow_split.rfm)
    known = cdnow_log[cdnow_log["date"] <= "1997-09-30"].drop_duplicates(["customer_id", "date"])
    days = known.sort_values(["customer_id", "date"]).groupby("customer_id")["date"].diff().dropna()
    np.testing.assert_allclose(np.sort(found.times), np.sort(days.dt.days / 7))
    assert (len(found.times), found.customers) == (2457, 946)


def test_the_grocers_customers_are_as_regular_as_btydplus_says(grocery):
    # BTYDplus' vignette: 1.824447, with the order of each customer's two times drawn at random;
    # without a draw, the answer lies within a hundredth.
    found = interpurchase_times(pc.rfm_summary(grocery, amount=None))
    assert found.regularity == pytest.approx(1.824447, abs=0.01)
    assert "more regular" in found.verdict()


@pytest.mark.parametrize(
    ("shape", "said"), [(1.0, "at random"), (4.0, "more regular"), (0.4, "in bursts")]
)
def test_regularity_is_found_again(shape, said):
    rng = np.random.default_rng(5)
    gaps = np.ceil(rng.gamma(shape, 300 / shape, (1500, 4))).astype(int)
    days = pd.Timestamp("2000-01-01") + pd.to_timedelta(np.cumsum(gaps, axis=1).ravel(), unit="D")
    log = pd.DataFrame({"customer_id": np.repeat(np.arange(1500), 4), "date": days})
    found = interpurchase_times(pc.rfm_summary(log, amount=None))
    assert found.pairs == 1500
    # Three standard errors, and days for what is continuous.
    assert found.regularity == pytest.approx(shape, abs=3 * found.regularity_error + 0.02)
    assert said in found.verdict()


def test_simulated_times_are_those_of_a_log_that_the_model_made():
    model = pc.BGNBD(r=1.5, alpha=8.0, a=0.6, b=2.0)
    rng = np.random.default_rng(6)
    rows = []
    for customer in range(1500):
        day, rate, chance = 0.0, rng.gamma(1.5, 1 / 8.0), rng.beta(0.6, 2.0)
        hour = rng.random()
        rows.append((customer, 0))
        while (day := day + rng.exponential(7 / rate)) < 300:
            rows.append((customer, int(day + hour)))
            if rng.random() < chance:
                break
    log = pd.DataFrame(rows, columns=["customer_id", "day"])
    log["date"] = pd.Timestamp("2000-01-01") + pd.to_timedelta(log["day"], unit="D")
    end = pd.Timestamp("2000-01-01") + pd.Timedelta(days=300)
    log = log[log["date"] <= end]
    rfm = pc.rfm_summary(log, amount=None, observation_end=max(log["date"]))
    fit = pc.fit(pc.BGNBD, rfm)
    known = type(fit)(**{name: getattr(fit, name) for name in fit.__slots__} | {"model": model})
    found = interpurchase_times(rfm, known, seed=1)
    assert found.simulated is not None
    quantiles = np.linspace(0.1, 0.9, 9)
    # Some 4,000 observed times: a standard error of about 3% at the quartiles.
    np.testing.assert_allclose(
        np.quantile(found.times, quantiles), np.quantile(found.simulated, quantiles), rtol=0.12
    )


def test_where_nobody_came_back_there_are_no_times(bgnbd, cdnow_split):
    log = pd.DataFrame({"customer_id": [1, 2], "date": ["2020-01-01", "2020-01-05"]})
    with pytest.raises(DataError, match="Nobody bought twice"):
        interpurchase_times(pc.rfm_summary(log, amount=None))
    with pytest.raises(DataError, match="has no log"):
        interpurchase_times(pc.RFM.from_frame(cdnow_split.rfm.frame, unit="week"))
    one = pd.DataFrame(
        {"customer_id": [1, 1, 2], "date": ["2020-01-01", "2020-01-05", "2020-02-01"]}
    )
    found = interpurchase_times(pc.rfm_summary(one, amount=None))
    assert np.isnan(found.regularity)
    assert "too few" in found.verdict()


def test_a_fit_that_cannot_be_tracked_is_named_and_does_not_keep_others_from_it(cdnow_split):
    forecasters = {
        "plain": pc.CLVModel(pc.MBGNBD, spend=None),
        "late": pc.CLVModel(pc.MBGNBD, spend=None, drift=True),
    }
    found = pc.validate(forecasters, cdnow_split, seed=1)
    ax = pc.plots.tracking(found, level=None)
    assert [line.get_label().split(":")[0] for line in ax.lines if ":" in line.get_label()] == [
        "plain"
    ]
    told = " ".join(text.get_text() for text in ax.findobj(plt.Text))
    assert "No curve over time, so not shown: late" in told
    plt.close(ax.figure)
    with pytest.raises(OptionError, match=r"^tracking of late knows .* has a drift"):
        tracking({"late": found.fits["late"].purchases}, cdnow_split.rfm, cdnow_split.holdout_end)
