"""Forecast against actual, and fit against data: the tables behind the pictures."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError
from predclv.validation.tables import holdout_by_frequency, repeat_histogram

LABELS = ["0", "1", "2", "3", "4", "5", "6", "7+"]


@pytest.fixture(scope="module")
def split():
    return pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")


@pytest.fixture(scope="module")
def fitted(split):
    return pc.CLVModel().fit(split.rfm)


@pytest.fixture(scope="module")
def forecast(split, fitted):
    return fitted.forecast(level=None, horizon=split.duration, discount_rate=0.0)


# Repeat purchases, observed and expected ------------------------------------------------------


def test_the_goodness_of_fit_is_the_one_that_fader_hardie_and_lee_print(split, fitted):
    # Fader, Hardie & Lee (2005), p. 281: chi-square 4.82, 3 degrees of freedom, p = .19.
    attributes = repeat_histogram(fitted.purchases, split.rfm).attrs
    assert attributes["chi_square"] == pytest.approx(4.82, abs=0.005)
    assert attributes["degrees_of_freedom"] == 3
    assert attributes["p_value"] == pytest.approx(0.19, abs=0.005)


def test_customers_are_counted_by_their_repeat_purchases(split, fitted):
    table = repeat_histogram(fitted.purchases, split.rfm)
    assert table.index.tolist() == LABELS
    assert table["actual"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert table["expected"].sum() == pytest.approx(2357)


def test_expected_counts_are_those_of_customers_observed_each_for_their_own_time(split, fitted):
    table = repeat_histogram(fitted.purchases, split.rfm, most=3)
    model = fitted.purchases.model
    ages = split.rfm.frame["T"].to_numpy()
    for n in range(3):
        assert table["expected"].iloc[n] == pytest.approx(model.pmf(n, ages).sum())


def test_with_few_bins_there_is_no_degree_of_freedom_and_no_p_value(split, fitted):
    attributes = repeat_histogram(fitted.purchases, split.rfm, most=3).attrs
    assert attributes["degrees_of_freedom"] < 0
    assert np.isnan(attributes["p_value"])


def test_a_fit_of_spend_has_no_purchases_to_count(split, fitted):
    with pytest.raises(DataError, match="no purchases to count; pass the fit of purchases"):
        repeat_histogram(fitted.spend, split.rfm)


def test_a_fit_in_weeks_does_not_describe_customers_in_days(fitted):
    log = pc.datasets.load_cdnow()
    days = pc.rfm_summary(log[log["date"] <= "1997-09-30"], unit="day")
    with pytest.raises(DataError, match="weeks"):
        repeat_histogram(fitted.purchases, days)


# The holdout, forecast and actual ---------------------------------------------------------------


def test_means_by_frequency_are_those_that_btyd_prints(split, forecast):
    table = holdout_by_frequency(forecast, split)
    assert table.index.tolist() == LABELS
    assert table["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    # BTYD's walkthrough of CDNOW, conditional expectations by calibration frequency.
    actual = [0.237, 0.697, 1.393, 1.560, 2.532, 2.947, 3.862, 6.359]
    bgnbd = [0.225, 0.523, 1.044, 1.520, 2.164, 2.654, 3.504, 6.157]
    np.testing.assert_allclose(table["actual"], actual, atol=5.1e-4)
    np.testing.assert_allclose(table["forecast"], bgnbd, atol=5.1e-4)


def test_means_by_frequency_add_up_to_the_totals(split, forecast):
    for most in (1, 4, 40):
        table = holdout_by_frequency(forecast, split, most=most)
        assert table["customers"] @ table["actual"] == pytest.approx(1882)
        assert table["customers"] @ table["forecast"] == pytest.approx(1653.4087, abs=1e-4)


def test_a_forecast_of_other_customers_is_refused(split, fitted):
    some = pc.RFM.from_frame(split.rfm.frame.iloc[:100])
    others = fitted.forecast(level=None, horizon=39, rfm=some)
    with pytest.raises(DataError, match="different customers"):
        holdout_by_frequency(others, split)


@pytest.mark.parametrize(("horizon", "said"), [("52 weeks", "52"), (None, "for ever")])
def test_a_forecast_over_another_time_is_refused(split, fitted, horizon, said):
    with pytest.raises(DataError, match=rf"holdout lasts 39 weeks, the forecast {said}"):
        holdout_by_frequency(fitted.forecast(level=None, horizon=horizon), split)


@pytest.mark.parametrize("horizon", ["273 days", "39 weeks", 39])
def test_the_same_time_in_other_words_is_accepted(split, fitted, forecast, horizon):
    found = fitted.forecast(level=None, horizon=horizon, discount_rate=0.0)
    pd.testing.assert_frame_equal(
        holdout_by_frequency(found, split), holdout_by_frequency(forecast, split)
    )
