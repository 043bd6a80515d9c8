"""Who comes back by themselves, and budgets of newcomers: against known truth."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError, OptionError


@pytest.fixture(scope="module")
def forecast(cdnow, bgnbd, gamma_gamma):
    return pc.FittedCLV(bgnbd, gamma_gamma, cdnow).forecast("1 year", level=None)


def test_value_is_that_of_coming_back_and_of_silence_by_their_chances(forecast):
    found = pc.segments.at_stake(forecast)
    clv = forecast.frame["clv"]
    p = found["p_back"]
    mixed = p * found["value_if_back"] + (1 - p) * found["value_if_silent"]
    np.testing.assert_allclose(mixed, clv, rtol=1e-9)
    assert (found["value_if_back"] > found["value_if_silent"]).all()


def test_coming_back_is_being_active_in_a_forecast_of_the_window(forecast, cdnow, bgnbd):
    found = pc.segments.at_stake(forecast, within="60 days")
    window = pc.FittedCLV(bgnbd, None, cdnow).forecast("60 days", level=None).frame
    np.testing.assert_allclose(found["p_back"], window["p_active"], rtol=1e-12)


def test_simulated_customers_who_came_back_were_worth_that(forecast, cdnow, bgnbd):
    """One customer's future, 200,000 times and purchase by purchase, undiscounted."""
    row = cdnow.frame["frequency"].idxmax()
    ident, x, t_x, T = cdnow.frame.loc[row, ["customer_id", "frequency", "recency", "T"]]
    model, rng, n = bgnbd.model, np.random.default_rng(3), 200_000
    p_alive = float(np.ravel(model.p_alive(np.array([x]), np.array([t_x]), np.array([T])))[0])
    alive = rng.random(n) < p_alive
    rate = rng.gamma(model.r + x, 1 / (model.alpha + T), n)
    leaves = rng.beta(model.a, model.b + x, n)
    year, window = 365.25 / 7, 90 / 7
    bought, back, now, active = np.zeros(n), np.zeros(n, bool), np.zeros(n), np.flatnonzero(alive)
    while active.size:
        now[active] += rng.exponential(1 / rate[active])
        active = active[now[active] < year]
        bought[active] += 1
        back[active] |= now[active] < window
        active = active[rng.random(active.size) >= leaves[active]]
    plain = pc.FittedCLV(bgnbd, None, cdnow).forecast("1 year", 0.0, level=None)
    found = pc.segments.at_stake(plain, [ident]).iloc[0]
    assert found["p_back"] == pytest.approx(back.mean(), abs=4 * 0.5 / np.sqrt(n))
    for name, mask in (("value_if_back", back), ("value_if_silent", ~back)):
        error = bought[mask].std() / np.sqrt(mask.sum())
        assert abs(found[name] - bought[mask].mean()) < 4 * error, name


def test_silence_is_a_longer_history_and_a_later_start(forecast, cdnow, bgnbd):
    """91 days of silence: 13 weeks more of T, and 13 weeks less to come, discounted from there."""
    found = pc.segments.at_stake(forecast, within="13 weeks")
    later = pc.RFM.from_frame(cdnow.frame.assign(T=cdnow.frame["T"] + 13), unit="week")
    rest = pc.FittedCLV(bgnbd, None, cdnow).forecast(365.25 / 7 - 13, level=None, rfm=later).frame
    factor = forecast.frame["expected_spend"] * 1.1 ** (-91 / 365.25)
    np.testing.assert_allclose(
        found["value_if_silent"], factor * rest["discounted_purchases"], rtol=1e-9
    )


def test_a_list_keeps_its_columns_and_order(forecast):
    listed = pc.segments.win_back(forecast)
    found = pc.segments.at_stake(forecast, listed)
    pd.testing.assert_frame_equal(found[listed.columns], listed)
    assert (found["at_stake"] >= 0).all()


def test_lists_that_make_no_sense(forecast):
    with pytest.raises(OptionError, match="shorter than the forecast's horizon, 1 year"):
        pc.segments.at_stake(forecast, within="1 year")
    with pytest.raises(DataError, match="not in the forecast: 999999"):
        pc.segments.at_stake(forecast, [1, 999_999])
    with pytest.raises(DataError, match="by a fitted model"):
        pc.segments.at_stake(forecast.frame)
    with pytest.raises(DataError, match="one row"):
        pc.segments.at_stake(forecast, [1, 1])


# Budgets -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def newcomer(cdnow_log):
    fitted = pc.CLVModel().fit(pc.rfm_summary(cdnow_log, observation_end="1998-06-30"))
    return pc.economics.new_customer(fitted, "2 years", margin=0.3)


def test_money_goes_where_the_lower_bound_clears_the_target(newcomer):
    costs = {
        "sure": newcomer.lower / 3 * 0.99,
        "hopeless": newcomer.upper / 3 * 1.01,
        "unknown": newcomer.value / 3 * 0.999,
    }
    channels = dict.fromkeys(costs, newcomer)
    customers = dict.fromkeys(costs, 100)
    found = pc.economics.budget(channels, 3.0, costs, customers).set_index("channel")
    assert found["advice"].to_dict() == {"sure": "spend", "unknown": "test", "hopeless": "stop"}
    assert found.index[0] == "sure"
    assert found.loc["sure", "budget"] == pytest.approx(100 * newcomer.lower / 3)
    assert (found.loc[["unknown", "hopeless"], "budget"] == 0).all()
    assert found.loc["unknown", "customers_times"] > 100
    assert found.loc["sure", "customers_times"] == 1


def test_budgets_of_newcomers_that_make_no_sense(newcomer):
    with pytest.raises(OptionError, match="costs are needed"):
        pc.economics.budget({"search": newcomer})
    with pytest.raises(DataError, match="got float"):
        pc.economics.budget({"search": 3.0}, costs={"search": 1.0})
    with pytest.raises(DataError, match="1 channel has no cost"):
        pc.economics.budget({"search": newcomer}, costs={"serch": 1.0})
    with pytest.raises(DataError, match="got none"):
        pc.economics.budget({}, costs={})
