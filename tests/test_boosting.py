"""Gradient boosting as a rival: what it is told, that it sees no future, and its distribution."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nbinom

import predclv as pc
from predclv.baselines.boosting_features import PurchaseDays
from predclv.baselines.negative_binomial import NegativeBinomialCounts, fitted_sizes, sizes_at
from predclv.errors import DataError, FitError, OptionError
from predclv.validation.metrics import crps_of_each


@pytest.fixture(scope="module")
def shop():
    """Two years of steady buyers whose rates differ, and nobody leaves."""
    rng = np.random.default_rng(2)
    rates = rng.gamma(0.8, 1 / 40.0, 800)
    bought = rng.random((800, 730)) < rates[:, None]
    bought[np.arange(800), rng.integers(0, 200, 800)] = True
    customer, day = np.nonzero(bought)
    date = pd.Timestamp("2020-01-01") + pd.to_timedelta(day, unit="D")
    amount = 10.0 + customer % 7
    log = pd.DataFrame({"customer_id": customer, "date": date, "amount": amount})
    return pc.holdout_split(log, calibration_end="2021-06-30")


@pytest.fixture(scope="module")
def fitted(shop):
    return pc.baselines.Boosting().fit(shop.rfm)


@pytest.fixture(scope="module")
def forecast(shop, fitted):
    return fitted.forecast(shop.duration)


def test_features_are_counts_of_windows_and_times_since():
    log = pd.DataFrame(
        {
            "customer_id": [7, 7, 7, 9],
            "date": ["2020-01-01", "2020-01-31", "2020-02-20", "2020-02-25"],
            "amount": [10.0, 20.0, 30.0, 5.0],
        }
    )
    rfm = pc.rfm_summary(log)
    seen = PurchaseDays.of(rfm.log, rfm.observation_end)
    assert seen.known(40).tolist() == [0]
    assert seen.counts(np.array([0, 1]), 30, 55).tolist() == [1, 1]
    row = seen.features(np.array([0]), 52, 20)[0]
    windows, rest = row[:8], row[8:]
    assert windows.tolist() == [1, 1, 2, 3, 3, 3, 3, 3]  # 14, 20, 28, 56, ... days before day 52
    assert np.isnan(rest[0])  # no year before
    assert rest[1:7].tolist() == [3, 2, 52, 25, 20, 2 / 25]
    assert rest[9:].tolist() == [20.0, 30.0]  # mean spend; of the last 20 days
    assert seen.mean_spend(np.array([1]), 55) == pytest.approx((5 + 65 / 4) / 2)


def test_steady_buyers_are_forecast_better_than_by_everybodys_mean(shop, forecast):
    came = shop.frame["frequency_holdout"].to_numpy(float)
    said = forecast.frame["expected_purchases"].to_numpy()
    assert np.mean((said - came) ** 2) < 0.5 * np.var(came)
    assert said.sum() == pytest.approx(came.sum(), rel=0.1)
    found = pc.validate({"boosting": forecast, "mean": pc.baselines.MeanRate()}, shop, seed=1).frame
    assert found.loc["boosting", "crps"] < 0.8 * found.loc["mean", "crps"]
    assert found.loc["boosting", "coverage"] > 0.87
    assert np.isfinite(found.loc["boosting", "log_score"])
    assert found.loc["boosting", "spend_rmse"] < found.loc["mean", "spend_rmse"]


def test_nothing_after_the_end_of_calibration_is_seen(shop, forecast):
    log = shop.rfm.log.purchase_days(shop.rfm.observation_end).rename(columns={"day": "date"})
    alone = pc.rfm_summary(log, amount="spend", observation_end=shop.rfm.observation_end)
    again = pc.baselines.Boosting().fit(alone).forecast(shop.duration)
    pd.testing.assert_frame_equal(again.frame, forecast.frame)


def test_the_same_seed_is_the_same_forecast_and_what_was_learnt_is_kept(shop, fitted, forecast):
    assert fitted.forecast(shop.duration).frame.equals(forecast.frame)
    assert len(fitted._learned) == 1


def test_what_comes_late_in_the_horizon_is_discounted_more(forecast):
    months = forecast.schedule("month")
    assert np.all(np.diff(months["discounted_purchases"] / months["purchases"]) < -0.001)


def test_it_takes_part_in_a_backtest_and_on_the_command_line(shop):
    from predclv.cli_options import forecasters_named

    log = shop.rfm.log.purchase_days().rename(columns={"day": "date", "spend": "amount"})
    rival = forecasters_named("none", "Boosting")
    assert rival == [pc.baselines.Boosting()]
    found = pc.backtest(rival, log, cutoffs=["2021-03-31", "2021-06-30"], horizon="26 weeks")
    assert found.frame.index.get_level_values("forecaster").unique().tolist() == ["boosting"]
    assert found.frame["crps"].notna().all()


def test_counts_are_negative_binomial_and_add_up():
    rng = np.random.default_rng(1)
    mean, size = rng.gamma(0.5, 3.0, 300) + 1e-3, rng.gamma(2.0, 1.0, 300) + 0.05
    counts = NegativeBinomialCounts(mean, size)
    reference = nbinom(size, size / (size + mean))
    n = rng.integers(0, 9, 300)
    np.testing.assert_allclose(counts.mass(n), reference.pmf(n), rtol=1e-9)
    np.testing.assert_allclose(counts.below(n), reference.cdf(n - 1), rtol=1e-9)
    assert np.array_equal(counts.quantile(0.9), reference.ppf(0.9))
    seen, said = np.zeros(300, int), np.zeros(300)
    for rows, values, table in counts.parts():
        seen[rows] += 1
        said[rows] = table @ values
        np.testing.assert_allclose(table.sum(axis=1), 1.0, rtol=1e-12)
    assert (seen == 1).all()
    np.testing.assert_allclose(said, mean, rtol=1e-5)
    # CRPS by its definition, from the distribution function.
    grid = np.arange(400)[:, None]
    by_hand = ((reference.cdf(grid) - (grid >= n)) ** 2).sum(axis=0)
    np.testing.assert_allclose(crps_of_each(counts, n), by_hand, atol=1e-6)


def test_sizes_come_back_from_draws():
    rng = np.random.default_rng(3)
    mean = rng.gamma(1.0, 2.0, 40_000)
    size = sizes_at((-0.5, 0.7), mean)
    found = fitted_sizes(mean, rng.poisson(rng.gamma(size) * mean / size).astype(float))
    assert found == pytest.approx((-0.5, 0.7), abs=0.08)


def test_what_it_cannot_do_is_said(shop, fitted):
    with pytest.raises(DataError, match="Boosting needs the day of every purchase"):
        pc.baselines.Boosting().fit(pc.RFM.from_frame(shop.rfm.frame, unit="week"))
    with pytest.raises(OptionError, match="finite horizon"):
        fitted.forecast(None)
    with pytest.raises(OptionError, match="origins must be a whole number from 1"):
        pc.baselines.Boosting(origins=0)
    few = pd.DataFrame(
        {"customer_id": [1, 1, 2], "date": ["2020-01-01", "2020-03-01", "2020-04-01"]}
    )
    rival = pc.baselines.Boosting().fit(pc.rfm_summary(few, amount=None))
    with pytest.raises(FitError, match="it wants 50 of each"):
        rival.forecast("4 weeks")
