"""Forecast against actual, and fit against data: the tables behind the pictures."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError, OptionError
from predclv.validation.calibration import distance_from_uniform
from predclv.validation.metrics import brier
from predclv.validation.tables import holdout_by_frequency, repeat_histogram

SHARED = Path(__file__).parents[2] / "shared" / "data"
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
    with pytest.raises(DataError, match="A table of frequencies wants a fit of purchases"):
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
    some = pc.RFM.from_frame(split.rfm.frame.iloc[:100], unit="week")
    others = fitted.forecast(level=None, horizon=39, rfm=some)
    with pytest.raises(DataError, match="customers that are not the 2,357 of the holdout"):
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


# Forecasters side by side -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_log():
    """A log of the folder that is not part of the project, by its name."""

    def read(name):
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"{path} is absent")
        return pd.read_csv(path)

    return read


@pytest.fixture(scope="module")
def validation(split):
    forecasters = {
        "BG/NBD": pc.CLVModel(),
        "last period": pc.baselines.LastPeriod(),
        "past rate": pc.baselines.PastRate(),
        "hiatus rate": pc.baselines.HiatusRate(),
        "mean rate": pc.baselines.MeanRate(),
    }
    return pc.validate(forecasters, split, level=0.9, seed=1)


def test_cdnow_is_forecast_as_well_as_the_literature_and_cltools_do(validation, split):
    row = validation.frame.loc["BG/NBD"]
    frame = validation.forecasts["BG/NBD"].frame
    # Point estimates: CLVTools, R, to the digits it prints; sums 1653.4 of 1882 purchases.
    assert row["bias"] == pytest.approx(1653.4087 / 1882 - 1, abs=1e-7)
    assert row["mae"] == pytest.approx(0.785454, abs=1e-6)
    assert row["rmse"] == pytest.approx(1.607982, abs=1e-6)
    came = split.frame["frequency_holdout"]
    # Fader, Hardie & Lee (2005) print a correlation of .626; five digits computed beforehand.
    assert np.corrcoef(frame["expected_purchases"], came)[0, 1] == pytest.approx(0.62564, abs=1e-5)
    assert frame["expected_revenue"].sum() == pytest.approx(59931.6, abs=0.1)
    assert split.frame["spend_holdout"].sum() == pytest.approx(70976.4, abs=0.05)
    assert row["spend_mae"] == pytest.approx(30.408, abs=1e-3)
    assert row["spend_rmse"] == pytest.approx(72.299, abs=1e-3)


def test_activity_is_forecast_by_p_active_and_not_by_p_alive(validation, split):
    frame = validation.forecasts["BG/NBD"].frame
    active = (split.frame["frequency_holdout"] > 0).to_numpy()
    assert active.sum() == 684
    assert frame["p_active"].sum() == pytest.approx(617, abs=0.5)
    assert validation.frame.at["BG/NBD", "brier"] == pytest.approx(0.161, abs=5e-4)
    assert brier(frame["p_alive"], active) == pytest.approx(0.608, abs=5e-4)


def test_on_cdnow_the_model_beats_every_baseline_on_what_rewards_the_truth(validation):
    table = validation.frame
    for metric in ("mae", "mae_median", "rmse", "crps", "spend_rmse", "brier"):
        assert table[metric].idxmin() == "BG/NBD", metric
    assert table["gini"].nlargest(2).index.tolist() == ["past rate", "BG/NBD"]


def test_intervals_hold_their_level_and_the_pit_is_near_uniform(validation):
    row = validation.frame.loc["BG/NBD"]
    assert 0.9 <= row["coverage"] < 0.96
    assert 0.9 <= row["spend_coverage"] < 0.95
    pit = validation.pit("BG/NBD", seed=2)
    # Kolmogorov's 5% point for 2,357 customers.
    assert distance_from_uniform(pit) < 1.36 / np.sqrt(2357)
    np.testing.assert_array_equal(pit, validation.pit("BG/NBD", seed=2))
    assert validation.pit("past rate") is None


def test_rules_without_chance_are_scored_as_the_one_number_they_state(validation):
    rules = validation.frame.drop("BG/NBD")
    pd.testing.assert_series_equal(rules["crps"], rules["mae"], check_names=False)
    pd.testing.assert_series_equal(rules["mae_median"], rules["mae"], check_names=False)
    missing = [
        "log_score", "coverage", "width", "total_coverage",
        "spend_coverage", "spend_total_coverage",
    ]  # fmt: skip
    assert rules[missing].isna().all(axis=None)
    ranked = rules.drop("mean rate").drop(columns=missing)
    assert ranked.notna().all(axis=None)
    assert validation.baselines == tuple(rules.index)


def test_the_holdout_is_scored_undiscounted(split):
    one = pc.validate(pc.CLVModel(), split, seed=1, discount_rate=0.0, margin=1.0)
    other = pc.validate(pc.CLVModel(), split, seed=1, discount_rate=0.5, margin=0.1)
    pd.testing.assert_frame_equal(one.frame, other.frame)
    clv = [v.forecasts["BG/NBD"].frame["clv"].sum() for v in (one, other)]
    assert clv[1] < 0.1 * clv[0]


def test_recipes_fits_and_forecasts_are_scored_alike(split, fitted):
    ready = fitted.forecast(horizon="39 weeks", seed=1)
    every = {"recipe": pc.CLVModel(), "fit": fitted, "forecast": ready}
    found = pc.validate(every, split, seed=1)
    np.testing.assert_array_equal(found.frame.loc["recipe"], found.frame.loc["fit"])
    np.testing.assert_array_equal(found.frame.loc["recipe"], found.frame.loc["forecast"])
    assert set(found.fits) == {"recipe", "fit"}
    assert found.forecasts["forecast"] is ready


def test_a_fit_that_has_seen_the_holdout_is_told_of_at_the_callers_line(cdnow_log, split):
    whole = pc.CLVModel().fit(pc.rfm_summary(cdnow_log))
    said = (
        "'whole' was fitted to purchases until 1998-06-30, and is to forecast those after 1997-09"
    )
    with pytest.warns(pc.errors.AssumptionWarning, match=said) as told:
        pc.validate({"whole": whole}, split)
    assert [one.filename for one in told] == [__file__]


def test_warnings_of_forecasters_point_at_the_callers_line(split):
    clocked = pc.CLVModel(clock=pc.Clock(season=1))
    with pytest.warns(pc.errors.PredclvWarning, match="Forecaster 'clocked': ") as told:
        pc.validate({"clocked": clocked}, split, seed=1)
    assert {one.filename for one in told} == {__file__}


@pytest.mark.parametrize("seed", ["a", 1.5, True])
def test_a_seed_that_is_none_is_refused(fitted, seed):
    for ask in (
        lambda: fitted.forecast("1 year", seed=seed),
        lambda: fitted.purchases.draws(3, seed=seed),
        lambda: pc.economics.new_customer(fitted, "1 year", seed=seed),
        lambda: pc.fit(pc.BGNBD, fitted.rfm, bootstrap=3, seed=seed),
    ):
        with pytest.raises(OptionError, match="seed must be a whole number"):
            ask()


def test_a_forecast_with_another_level_still_has_intervals_of_purchases(split, fitted):
    found = pc.validate(
        {"bare": fitted.forecast(39, level=None, seed=1), "whole": fitted}, split, level=0.8, seed=1
    ).frame
    same = ["coverage", "width", "crps", "log_score"]
    np.testing.assert_allclose(found.loc["bare", same], found.loc["whole", same])
    assert np.isnan(found.at["bare", "spend_coverage"])


def test_forecasters_without_a_name_are_called_by_their_models(split, fitted):
    listed = [fitted, pc.baselines.PastRate(), pc.baselines.MeanRate().fit(split.rfm)]
    assert pc.validate(listed, split).frame.index.tolist() == ["BG/NBD", "past rate", "mean rate"]
    assert pc.validate(pc.baselines.PastRate(), split).frame.index.tolist() == ["past rate"]
    with pytest.raises(OptionError, match="Several forecasters are called past rate"):
        pc.validate([pc.baselines.PastRate()] * 2, split)


@pytest.mark.parametrize("wrong", [{}, [], {"model": pc.CLVModel}, {"x": 3}, "BG/NBD", None])
def test_what_cannot_forecast_is_refused(wrong, split):
    with pytest.raises(OptionError, match=r"no forecaster|cannot forecast"):
        pc.validate(wrong, split)


def test_an_error_says_whose_it_is(split, fitted):
    bare = pc.HoldoutSplit.from_frame(split.frame.rename(columns=RENAMED), unit="week")
    with pytest.raises(DataError, match="Forecaster 'last' could not be fitted: LastPeriod needs"):
        pc.validate({"last": pc.baselines.LastPeriod()}, bare)
    short = fitted.forecast("10 weeks")
    with pytest.raises(DataError, match=r"Forecaster 'short' could not be scored: The holdout la"):
        pc.validate({"short": short}, split)
    with pytest.raises(OptionError, match=r"no forecaster 'BGNBD' here.*Did you mean 'BG/NBD'"):
        pc.validate({"BG/NBD": fitted}, split).pit("BGNBD")


def test_a_validation_shows_its_headline_numbers_and_findings(validation):
    text, page = repr(validation), validation._repr_html_()
    head = "5 forecasters on 2,357 customers over 39 weeks: 1,882 purchases came worth 70,976"
    assert head in text
    assert head in page
    assert "0.785" in text
    assert "0.785" in page
    assert all(finding in text for finding in validation.findings)
    frame = validation.frame
    frame.loc[:, "mae"] = 0
    assert validation.frame.at["BG/NBD", "mae"] > 0


def test_customers_who_joined_later_are_counted(cdnow_log):
    split = pc.holdout_split(cdnow_log, calibration_end="1997-02-28", holdout_end="1997-06-30")
    found = pc.validate(pc.baselines.MeanRate(), split)
    assert split.new_customers > 0
    assert f"{split.new_customers:,} customers who joined later could not be forecast" in repr(
        found
    )


def test_a_log_without_amounts_is_scored_on_purchases_alone(cdnow_log):
    split = pc.holdout_split(cdnow_log, amount=None, calibration_end="1997-09-30")
    frame = pc.validate([pc.CLVModel(), pc.baselines.LastPeriod()], split, seed=1).frame
    assert frame.filter(like="spend_").isna().all(axis=None)
    assert frame.at["BG/NBD", "mae"] == pytest.approx(0.785454, abs=1e-6)


@pytest.mark.filterwarnings("ignore::predclv.errors.AssumptionWarning")
def test_on_a_mature_wholesaler_the_same_as_last_year_wins(shared_log):
    log = shared_log("online_retail_ii.csv")
    split = pc.holdout_split(log, calibration_end="2010-12-09")  # 365 days are left
    found = pc.validate([pc.CLVModel(spend=None), pc.baselines.LastPeriod()], split, seed=1)
    table = found.frame
    assert table.at["BG/NBD", "mae"] == pytest.approx(2.527, abs=5e-4)
    assert table.at["BG/NBD", "bias"] == pytest.approx(0.54, abs=5e-3)
    assert table.at["last period", "mae"] == pytest.approx(2.144, abs=5e-4)
    text = "\n".join(found.findings)
    assert "18,922 purchases forecast, 12,264 came (54% too high, outside its interval" in text
    assert "last period is nearer" in text
    assert "no better beyond chance than last period on root mean square (rmse)" in text


@pytest.mark.filterwarnings("ignore::predclv.errors.DataWarning")
def test_the_grocery_panel_is_forecast_as_by_btydplus(grocery):
    split = pc.holdout_split(grocery, amount=None, calibration_end="2006-12-31")
    frame = pc.validate(pc.CLVModel(), split, seed=1).frame
    came = split.frame["frequency_holdout"].sum()
    assert came == 3389
    # BTYDplus' vignette: 3,996 forecast, absolute error 1.577.
    assert frame.at["BG/NBD", "bias"] == pytest.approx(3996 / 3389 - 1, abs=2e-4)
    assert frame.at["BG/NBD", "mae"] == pytest.approx(1.577, abs=1e-3)


# Holdouts made by other packages ----------------------------------------------------------------


def test_a_frame_of_lifetimes_is_scored_like_our_own(cdnow_log, split, fitted):
    # One row per customer and day: lifetimes' mean of spend is then per day, as its count is.
    days = cdnow_log.groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    with warnings.catch_warnings():  # lifetimes 0.11.3 predates pandas 3
        warnings.simplefilter("ignore")
        from lifetimes.utils import calibration_and_holdout_data

        frame = calibration_and_holdout_data(
            days, "customer_id", "date", "1997-09-30", freq="D", freq_multiplier=7,
            monetary_value_col="amount",
        )  # fmt: skip
    theirs = pc.HoldoutSplit.from_frame(frame, unit="week")
    pd.testing.assert_frame_equal(theirs.frame, split.frame, check_index_type=False)
    found = pc.validate([pc.CLVModel(), pc.baselines.PastRate()], theirs, seed=1)
    ours = pc.validate([pc.CLVModel(), pc.baselines.PastRate()], split, seed=1)
    pd.testing.assert_frame_equal(found.frame, ours.frame, rtol=1e-6)
    assert repr(theirs) == "HoldoutSplit: 2,357 customers, 1,882 purchases in the 39 weeks after"
    assert theirs.new_customers is None
    assert theirs.calibration_end is None


RENAMED = {
    "frequency_holdout": "test_frequency",
    "duration_holdout": "test_T",
    "mean_holdout": "test_monetary_value",
}


def test_a_frame_in_pymc_marketings_layout_is_scored_like_our_own(split):
    frame = split.frame
    count = frame["frequency_holdout"]
    frame["mean_holdout"] = (frame["spend_holdout"] / count.where(count > 0)).fillna(0.0)
    # It gives counts as floats, in any order.
    frame = (
        frame.drop(columns="spend_holdout").rename(columns=RENAMED).sample(frac=1, random_state=1)
    )
    frame["test_frequency"] = frame["test_frequency"].astype(float)
    theirs = pc.HoldoutSplit.from_frame(frame, unit="week")
    pd.testing.assert_frame_equal(theirs.frame, split.frame)
    purchases = frame.drop(columns=["test_monetary_value"])
    alone = pc.HoldoutSplit.from_frame(purchases, unit="week")
    assert not alone.rfm.has_spend
    assert "spend_holdout" not in alone.frame


def test_a_frame_of_another_kind_is_told_what_to_do(split, cdnow_log):
    for frame in (split.frame, split.rfm.frame, cdnow_log):
        with pytest.raises(DataError, match=r"from_frame\(frame, unit='week'\)"):
            pc.validate(pc.baselines.MeanRate(), frame)
    with pytest.raises(DataError, match=r"not the columns .* frequency_cal.* test_frequency"):
        pc.HoldoutSplit.from_frame(cdnow_log)
    with pytest.raises(DataError, match=r"must be a pandas DataFrame, .* Arrow table; got list"):
        pc.HoldoutSplit.from_frame([1, 2])


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("test_T", [39.0, 39.0, 26.0], "equally long.*39.0, 26.0"),
        ("test_T", [0.0, 0.0, 0.0], "longer than 0"),
        ("test_frequency", [1.0, 0.5, -1.0], r"2 customers have a count .* \(ids 8, 9\)"),
        ("test_frequency", [1.0, np.nan, 0.0], r"1 customer has a count .* \(ids 8\)"),
        ("test_monetary_value", [np.nan, 0.0, 0.0], "missing for customers who bought"),
        ("customer_id", [7, 7, 9], "twice|more than once|7"),
    ],
)
def test_impossible_holdouts_are_refused(column, values, said):
    frame = pd.DataFrame(
        {
            "customer_id": [7, 8, 9], "frequency": [1, 0, 2], "recency": [3.0, 0.0, 9.0],
            "T": [20.0, 10.0, 15.0], "monetary_value": [5.0, 0.0, 6.0],
            "test_frequency": [1.0, 0.0, 0.0], "test_monetary_value": [4.0, 0.0, 0.0],
            "test_T": 39.0,
        }
    )  # fmt: skip
    assert len(pc.HoldoutSplit.from_frame(frame, unit="week")) == 3
    with pytest.raises(DataError, match=said):
        pc.HoldoutSplit.from_frame(frame.assign(**{column: values}), unit="week")


# Progress -----------------------------------------------------------------------------------------


def test_whoever_asks_is_told_whose_turn_it_is_and_nobody_else(split, capsys):
    rules = [pc.baselines.PastRate(), pc.baselines.MeanRate()]
    turns = []
    pc.validate(rules, split, progress=turns.append)
    assert turns == ["past rate", "mean rate"]
    pc.validate(rules, split)
    assert capsys.readouterr() == ("", "")  # no terminal, no notebook
