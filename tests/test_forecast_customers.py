"""Which customers are forecast: some, shuffled, in other units, with other ids, without spend."""

import numpy as np
import pandas as pd
import pytest
from forecasting import PURCHASES, SPEND, calibration, point, quietly, simulated

import predclv as pc
from predclv.errors import DataError


@pytest.fixture(scope="module")
def fitted(cdnow_split):
    return pc.CLVModel().fit(cdnow_split.rfm)


# Which customers ---------------------------------------------------------------------------


def test_a_forecast_of_some_customers_is_their_part_of_the_whole(cdnow_split, fitted):
    whole = point(fitted).frame[PURCHASES + SPEND]
    some = whole["customer_id"] % 7 == 3
    subset = pc.RFM.from_frame(cdnow_split.rfm.frame[some], unit="week")
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


def test_shuffled_customers_get_the_same_answers(cdnow_split, fitted):
    shuffled = cdnow_split.rfm.frame.sample(frac=1, random_state=5)
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


def test_forecasting_leaves_the_summary_as_it_is(cdnow_split, fitted):
    before = cdnow_split.rfm.frame.copy()
    forecast = point(fitted, horizon="1 year")
    frame = forecast.frame
    frame["customer_id"] = -1
    assert (forecast.frame["customer_id"] == before["customer_id"]).all()
    pd.testing.assert_frame_equal(cdnow_split.rfm.frame, before)


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
