"""First purchases as one more that tells what customers spend: an option of Gamma-Gamma."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError, OptionError, StoreError


@pytest.fixture(scope="module")
def log():
    log = pc.datasets.load_cdnow()
    return log[log["customer_id"] % 5 == 0]


@pytest.fixture(scope="module")
def rfm(log):
    return pc.rfm_summary(log)


@pytest.fixture(scope="module")
def fitted(rfm):
    return pc.CLVModel(first_purchase=True).fit(rfm)


@pytest.fixture(scope="module")
def by_hand(log):
    """Repeat purchases, their mean, and what the first one cost; of all customers, by id."""
    days = log.groupby(["customer_id", "date"])["amount"].sum().groupby("customer_id")
    first, x = days.first(), days.size() - 1
    later = ((days.sum() - first) / x.where(x > 0)).fillna(0.0)
    return x.to_numpy(float), later.to_numpy(), first.to_numpy()


def spend_by_hand(fitted, by_hand):
    """Gamma-Gamma of each customer, told of the first purchase."""
    x, later, first = by_hand
    mean = (x * later + first / fitted.spend.first_scale) / (x + 1)
    return fitted.spend.model, x + 1, mean


def test_the_scale_is_first_purchases_over_later_ones(fitted, by_hand):
    x, later, first = by_hand
    again = later > 0
    assert fitted.spend.first_scale == pytest.approx(first[x > 0].mean() / later[again].mean())
    assert fitted.spend.first_scale == pytest.approx(fitted.spend.checks["first_ratio"])


def test_parameters_are_those_of_repeat_purchases(fitted, rfm):
    assert fitted.spend.params == pc.fit(pc.GammaGamma, rfm).params


def test_a_customers_spend_is_that_of_one_more_purchase(fitted, by_hand):
    model, n, mean = spend_by_hand(fitted, by_hand)
    found = fitted.forecast("26 weeks", level=None).frame["expected_spend"]
    # What is left is that a first purchase is rounded to 1e-4 of money once it is rescaled.
    assert np.allclose(found, model.expected_spend(n, mean), atol=1e-4)


def test_bounds_of_revenue_are_those_of_one_more_purchase(fitted, by_hand):
    known = np.zeros_like(fitted.purchases.log_covariance)
    sure = replace(
        fitted,
        purchases=replace(fitted.purchases, log_covariance=known),
        spend=replace(fitted.spend, log_covariance=known[:3, :3]),
    )
    forecast = sure.forecast("26 weeks", level=0.9, seed=1)
    upper, counts = forecast.frame["revenue_upper"].to_numpy(), forecast.counts()
    model, n, mean = spend_by_hand(fitted, by_hand)
    future, beyond = model.given(n, mean), np.zeros(upper.size)
    for k in range(1, 60):
        beyond += counts.mass(np.full(upper.size, k)) * future.p_total_above(upper, k)
    some = upper > 0
    assert some.sum() > 50
    assert np.allclose(beyond[some], 0.05, atol=1e-3)


def test_totals_are_sums_of_customers(fitted):
    forecast = fitted.forecast("26 weeks", seed=1)
    total = forecast.total()
    for name in ("revenue", "clv"):
        column = "expected_revenue" if name == "revenue" else name
        assert total[name] == pytest.approx(forecast.frame[column].sum())
        assert total[f"{name}_lower"] < total[name] < total[f"{name}_upper"]


def test_files_hold_the_frame(fitted, tmp_path):
    forecast = fitted.forecast("26 weeks", seed=1)
    forecast.to_parquet(tmp_path / "forecast.parquet")
    written = pd.read_parquet(tmp_path / "forecast.parquet")
    for name in forecast.frame.columns[1:]:
        assert np.allclose(written[name], forecast.frame[name], rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"purchases": pc.MBGNBD, "memory": True}])
def test_saved_it_forecasts_the_same_without_the_log(rfm, options, tmp_path):
    fitted = pc.CLVModel(first_purchase=True, **options).fit(rfm)
    fitted.save(tmp_path / "model")
    loaded = pc.load(tmp_path / "model")
    ways = {"horizon": "26 weeks", "seed": 1}
    pd.testing.assert_frame_equal(loaded.forecast(**ways).frame, fitted.forecast(**ways).frame)
    assert loaded.spend.first_scale == fitted.spend.first_scale


def test_pickled_after_a_forecast_it_forecasts_the_same(fitted):
    ways = {"horizon": "26 weeks", "level": None}
    frame = fitted.forecast(**ways).frame
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(fitted)).forecast(**ways).frame, frame)


def test_a_pool_takes_it_too(rfm, by_hand, tmp_path):
    members = {
        "BG/NBD": pc.CLVModel(first_purchase=True),
        "last": pc.baselines.LastPeriodNB(),
    }
    pool = pc.Pool(members, {"BG/NBD": 1.0, "last": 1.0}, origins=1).fit(rfm)
    forecast = pool.forecast("26 weeks", seed=1)
    model, n, mean = spend_by_hand(pool, by_hand)
    assert np.allclose(forecast.frame["expected_spend"], model.expected_spend(n, mean), atol=1e-4)
    pool.save(tmp_path / "pool")
    loaded = pc.load(tmp_path / "pool").forecast("26 weeks", rfm=rfm, level=None)
    assert np.allclose(loaded.frame["expected_spend"], forecast.frame["expected_spend"])


def test_a_posterior_takes_it_too(fitted, by_hand):
    draws = fitted.spend.draws(300, seed=1)
    replicates = np.column_stack(list(draws.values()))[None]
    posterior = replace(fitted.spend, method="nuts", replicates=replicates)
    _, n, mean = spend_by_hand(fitted, by_hand)
    drawn = pc.GammaGamma(*(values[:, None] for values in draws.values()))
    found = replace(fitted, spend=posterior).forecast("26 weeks", level=None, seed=1).frame
    # 400 drawn from these 300: the averages of a customer's spend are that much apart.
    expected = drawn.expected_spend(n, mean).mean(axis=0)
    assert np.allclose(found["expected_spend"], expected, rtol=0.01)
    assert not np.allclose(found["expected_spend"], drawn.expected_spend(n - 1, mean).mean(axis=0))


def test_refunds_are_taken_off_their_day(log):
    first = log.groupby("customer_id")["date"].transform("min") == log["date"]
    refunds = log[first].groupby("customer_id").head(1).assign(amount=-1.0)
    with pytest.warns(pc.errors.RefundWarning):
        rfm = pc.rfm_summary(pd.concat([log, refunds]))
    spent = log.groupby(["customer_id", "date"])["amount"].sum().groupby("customer_id").first()
    found = pc.CLVModel(first_purchase=True).fit(rfm).forecast("26 weeks", level=None)
    mean = found._source.rfm.frame["monetary_value"][rfm.frame["frequency"] == 0]
    scale = found._source.spend.first_scale
    alone = spent[rfm.frame.loc[rfm.frame["frequency"] == 0, "customer_id"]] - 1.0
    assert np.allclose(mean, alone / scale, atol=1e-4)


def test_others_are_refused_and_told_why(rfm, fitted, tmp_path):
    frame = pc.RFM.from_frame(rfm.frame, unit="week")
    with pytest.raises(DataError, match="has no log"):
        pc.CLVModel(first_purchase=True).fit(frame)
    with pytest.raises(DataError, match="has no log"):
        fitted.forecast("26 weeks", rfm=frame)
    with pytest.raises(DataError, match="SpendCells leaves them out"):
        pc.fit(pc.GammaGamma, rfm.spend_cells(), first_purchase=True)
    with pytest.raises(OptionError, match="BG/NBD"):
        pc.fit(pc.BGNBD, rfm, first_purchase=True)
    with pytest.raises(OptionError, match="True or False"):
        pc.fit(pc.GammaGamma, rfm, first_purchase="yes")
    document = fitted.spend.document() | {"first_scale": -1.0}
    with pytest.raises(StoreError, match="first_scale"):
        pc.Fit.from_document(document)
