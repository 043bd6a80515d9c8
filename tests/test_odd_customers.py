"""Odd customers - refunded, extreme, few, all alike - get a finite forecast or the cause."""

import warnings

import numpy as np
import pandas as pd
import pytest
from forecasting import SPEND, calibration, numbers, point, quietly, simulated, steady

import predclv as pc
from predclv.errors import (
    AssumptionWarning,
    BoundaryWarning,
    DataWarning,
    FitError,
    InfiniteMeanWarning,
)


@pytest.fixture(scope="module")
def fitted(cdnow_split):
    return pc.CLVModel().fit(cdnow_split.rfm)


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
