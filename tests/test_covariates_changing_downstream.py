"""Covariates that change, in everything that comes after a fit."""

import numpy as np
import pandas as pd
import pytest
from test_covariates_dynamic import CHANNELS, LOG, MAILINGS

import predclv as pc
from predclv.errors import OptionError
from predclv.validation.histories import customer_history
from predclv.validation.tracking import tracking

pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.PredclvWarning")
SOME = 500
COVARIATES = {"rate": ["channel", "mailed"], "leaving": ["channel"]}
RECIPE = pc.CLVModel("MBGNBD", spend=None, covariates=COVARIATES)


def some(table):
    return table[table["customer_id"] < SOME].reset_index(drop=True)


@pytest.fixture(scope="module")
def split():
    return pc.holdout_split(
        some(LOG), amount=None, calibration_end="2022-01-31",
        static_covariates=some(CHANNELS), dynamic_covariates=some(MAILINGS),
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted(split):
    return RECIPE.fit(split.rfm)


@pytest.fixture(scope="module")
def told(fitted):
    return fitted.forecast("26 weeks", level=None, dynamic_covariates=some(MAILINGS))


def test_tracking_adds_up_customers_day_by_day(fitted, split):
    found = tracking({"ours": fitted.purchases}, split.rfm, split.holdout_end, "4 weeks",
                     level=0.9, seed=1, dynamic_covariates=some(MAILINGS))  # fmt: skip
    params, end = fitted.purchases.params, found.frame.index[-1]
    born = some(LOG).groupby("customer_id")["date"].min()
    rows = some(MAILINGS).sort_values("date").groupby("customer_id")
    total = 0.0
    for who in born.index[born <= pd.Timestamp(split.calibration_end)]:
        own, days = rows.get_group(who), pd.date_range(born[who] + pd.Timedelta("1D"), end)
        on = own["mailed"].to_numpy()[own["date"].searchsorted(days, side="right") - 1] == "yes"
        web = CHANNELS.loc[CHANNELS["customer_id"] == who, "channel"].iloc[0] == "web"
        time = np.exp(params["rate.mailed[yes]"] * on).sum() / 7
        lean = params["leaving.channel[web]"] * web / 2
        model = pc.MBGNBD(
            params["r"], params["alpha"] * np.exp(-params["rate.channel[web]"] * web),
            params["a"] * np.exp(lean), params["b"] * np.exp(-lean),
        )  # fmt: skip
        total += float(model.expected_purchases(time))
    assert found.frame["ours"].sum() == pytest.approx(total, rel=1e-7)
    band = found.bands["ours"].iloc[3:]
    assert (band["lower"] <= found.frame["ours"].iloc[3:]).all()
    assert (found.frame["ours"].iloc[3:] <= band["upper"]).all()


def test_a_history_ends_with_the_forecasts_p_alive(fitted, split):
    now = fitted.forecast("26 weeks", level=None).frame.set_index("customer_id")["p_alive"]
    for who in now.index[[3, 50, 200]]:
        history = customer_history(fitted.purchases, split.rfm, who)
        assert history.frame["p_alive"].iloc[-1] == pytest.approx(now[who], rel=1e-10)


def test_what_is_at_stake_mixes_to_the_forecast(fitted, told):
    stakes = pc.segments.at_stake(told, within="30 days")
    p = stakes["p_back"]
    mixed = p * stakes["value_if_back"] + (1 - p) * stakes["value_if_silent"]
    np.testing.assert_allclose(mixed, told.frame["discounted_purchases"], rtol=1e-9)
    assert (stakes["value_if_back"] > stakes["value_if_silent"]).all()
    window = fitted.forecast("30 days", level=None, dynamic_covariates=some(MAILINGS)).frame
    np.testing.assert_allclose(p, window["p_active"], rtol=1e-12)


def test_validate_lets_forecasters_look_at_the_holdouts_rows_on_request(split, told):
    rows = {}
    for ahead in (False, True):
        validation = pc.validate({"ours": RECIPE}, split, seed=1, covariates_ahead=ahead)
        rows[ahead] = validation.forecasts["ours"].total()["purchases"]
    horizon = f"{split.duration!r} weeks"
    by_hand = RECIPE.fit(split.rfm).forecast(horizon, dynamic_covariates=some(MAILINGS), seed=1)
    assert rows[True] == pytest.approx(by_hand.total()["purchases"], rel=1e-10)
    assert abs(rows[True] / rows[False] - 1) > 0.005
    plain = pc.holdout_split(some(LOG), amount=None, calibration_end="2022-01-31")
    with pytest.raises(OptionError, match="the split was cut with"):
        pc.validate("BGNBD", plain, covariates_ahead=True)


def test_a_pool_tells_its_members(split, told):
    pool = pc.Pool({"ours": RECIPE, "plain": pc.CLVModel("MBGNBD", spend=None)}, "equal", 0)
    plain = pc.CLVModel("MBGNBD", spend=None).fit(split.rfm).forecast("26 weeks", level=None)
    found = pool.fit(split.rfm).forecast("26 weeks", level=None, dynamic_covariates=some(MAILINGS))
    mean = 0.5 * (told.frame["expected_purchases"] + plain.frame["expected_purchases"])
    np.testing.assert_allclose(found.frame["expected_purchases"], mean, rtol=1e-9)


def test_a_picture_of_histories_is_of_the_customer_who_is_named(fitted):
    of_web = pc.plots.frequency_recency(fitted, covariates={"channel": "web", "mailed": "no"})
    assert of_web.get_title(loc="left").endswith("of channel web, mailed no")
    shown = of_web.collections[0].get_array()
    typical = pc.plots.frequency_recency(fitted).collections[0].get_array()
    assert np.abs(shown / np.maximum(typical, 1e-12) - 1).max() > 0.05
