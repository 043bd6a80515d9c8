"""Covariates that change, in everything that comes after a fit."""

import numpy as np
import pandas as pd
import pytest
from test_covariates_dynamic import CHANNELS, LOG, MAILINGS

import predclv as pc
from predclv import cli
from predclv.decisions.campaign_numbers import days_of, numbers_of
from predclv.decisions.newcomers import newcomers_of
from predclv.errors import OptionError
from predclv.forecast.patterns import Known, model_for
from predclv.summaries.summarise import summary_of
from predclv.validation.histories import customer_history
from predclv.validation.interpurchase import interpurchase_times
from predclv.validation.tracking import tracking

pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.PredclvWarning")
SOME = 200
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


def repeats_by_hand(params, customers, end):
    """Expected repeat purchases of each customer to a day, from what held on each of their days."""
    born = some(LOG).groupby("customer_id")["date"].min()
    rows, found = some(MAILINGS).sort_values("date").groupby("customer_id"), []
    for who in customers:
        own, days = rows.get_group(who), pd.date_range(born[who] + pd.Timedelta("1D"), end)
        on = own["mailed"].to_numpy()[own["date"].searchsorted(days, side="right") - 1] == "yes"
        web = CHANNELS.loc[CHANNELS["customer_id"] == who, "channel"].iloc[0] == "web"
        time = np.exp(params["rate.mailed[yes]"] * on).sum() / 7
        lean = params["leaving.channel[web]"] * web / 2
        model = pc.MBGNBD(
            params["r"], params["alpha"] * np.exp(-params["rate.channel[web]"] * web),
            params["a"] * np.exp(lean), params["b"] * np.exp(-lean),
        )  # fmt: skip
        found.append(float(model.expected_purchases(time)))
    return np.array(found)


def test_tracking_adds_up_customers_day_by_day(fitted, split):
    found = tracking({"ours": fitted.purchases}, split.rfm, split.holdout_end, "4 weeks",
                     level=0.9, seed=1, dynamic_covariates=some(MAILINGS))  # fmt: skip
    customers, end = split.rfm.frame["customer_id"], found.frame.index[-1]
    total = repeats_by_hand(fitted.purchases.params, customers, end).sum()
    assert found.frame["ours"].sum() == pytest.approx(total, rel=1e-7)
    band = found.bands["ours"].iloc[3:]
    assert (band["lower"] <= found.frame["ours"].iloc[3:]).all()
    assert (found.frame["ours"].iloc[3:] <= band["upper"]).all()


def test_a_history_ends_with_the_forecasts_p_alive(fitted, split):
    now = fitted.forecast("26 weeks", level=None).frame.set_index("customer_id")["p_alive"]
    for who in now.index[[3, 50, 120]]:
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
    # Who stays silent through the window is a customer whose log says so, 30 days later.
    known = some(LOG)[some(LOG)["date"] <= "2022-01-31"]
    later = pc.rfm_summary(
        known, amount=None, observation_end="2022-03-02",
        static_covariates=some(CHANNELS), dynamic_covariates=some(MAILINGS),
    )  # fmt: skip
    rest = fitted.forecast(
        f"{26 * 7 - 30} days", level=None, rfm=later, dynamic_covariates=some(MAILINGS)
    ).frame.set_index("customer_id")["discounted_purchases"]
    discount = 1.1 ** (-30 / 365.2425)
    silent = discount * rest.loc[stakes["customer_id"]].to_numpy()
    # Discounts along a way are integrated to 1e-6.
    np.testing.assert_allclose(stakes["value_if_silent"], silent, rtol=1e-5)


def test_validate_lets_forecasters_look_at_the_holdouts_rows_on_request(split):
    validation = pc.validate({"ours": RECIPE}, split, seed=1, covariates_ahead=True)
    found = validation.forecasts["ours"].total()["purchases"]
    fitted, horizon = RECIPE.fit(split.rfm), f"{split.duration!r} weeks"
    by_hand = fitted.forecast(horizon, dynamic_covariates=some(MAILINGS), seed=1)
    assert found == pytest.approx(by_hand.total()["purchases"], rel=1e-10)
    carried = fitted.forecast(horizon, level=None).frame["expected_purchases"].sum()
    assert abs(found / carried - 1) > 0.005
    plain = pc.holdout_split(some(LOG), amount=None, calibration_end="2022-01-31")
    with pytest.raises(OptionError, match="the split was cut with"):
        pc.validate("BGNBD", plain, covariates_ahead=True)
    with pytest.raises(OptionError, match="none has covariates"):
        pc.validate(pc.baselines.MeanRate(), split, covariates_ahead=True)


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


def test_customers_are_measured_against_newcomers_with_their_very_days(fitted, split):
    found = newcomers_of(fitted.forecast("26 weeks", level=None))
    customers = split.rfm.frame["customer_id"]
    orders = 1.0 + repeats_by_hand(fitted.purchases.params, customers, split.calibration_end)
    scale = found.brought.sum() / orders.sum()
    np.testing.assert_allclose(found.expected, scale * orders, rtol=1e-9)


def test_times_between_purchases_are_simulated_along_each_customers_way(fitted, split):
    found = interpurchase_times(split.rfm, fitted.purchases, seed=1)
    assert found.simulated.mean() == pytest.approx(found.times.mean(), rel=0.1)


def test_a_campaign_is_held_against_the_values_of_the_day_before(split):
    log, start = split.rfm.log, "2022-03-01"
    groups = {who: "treated" if who % 2 else "control" for who in split.rfm.frame["customer_id"]}
    found = pc.campaign_effect(
        split.rfm, groups=groups, start="2021-11-01", end="2021-12-15", measure="purchases",
        model=RECIPE,
    )  # fmt: skip
    assert 0.5 < found.pace["control"].campaign < 2.0
    days = days_of(log, log.last_day, start, "2022-03-31")
    rfm, _ = summary_of(log, days.before, "week")
    before = RECIPE.fit(rfm)
    numbers = numbers_of(log, rfm, before, days, np.arange(len(rfm)))
    known = Known.of(before.purchases, rfm.cells())
    own = numbers.histories
    expected = model_for(known.model, own.pattern).expected_purchases_after(
        numbers.lengths[0], own.x, own.t_x, own.T
    )
    np.testing.assert_allclose(expected, numbers.forecast["expected_purchases"], rtol=1e-9)


def test_a_backtest_lets_forecasters_look_ahead_too():
    asked = {"amount": None, "static_covariates": some(CHANNELS), "cutoffs": ["2022-01-31"],
             "dynamic_covariates": some(MAILINGS), "horizon": "12 weeks", "seed": 1}  # fmt: skip
    found = pc.backtest({"ours": RECIPE}, some(LOG), **asked, covariates_ahead=True)
    (validation,) = found.validations.values()
    split = validation.split
    by_hand = RECIPE.fit(split.rfm).forecast("12 weeks", dynamic_covariates=some(MAILINGS), seed=1)
    total = validation.forecasts["ours"].total()["purchases"]
    assert total == pytest.approx(by_hand.total()["purchases"], rel=1e-10)


def test_the_command_line_looks_ahead(tmp_path, capsys, fitted, told):
    files = {}
    for name, table in (("log", LOG), ("people", CHANNELS), ("mailings", MAILINGS)):
        files[name] = tmp_path / f"{name}.csv"
        some(table).to_csv(files[name], index=False)
    fitted.save(tmp_path / "model")

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(part) for part in arguments])
        out = capsys.readouterr()
        assert not stop.value.code, out.err
        return out.out

    call("forecast", tmp_path / "model", "--out", tmp_path / "f.csv", "--horizon", "26 weeks",
         "--no-intervals", "--covariates-ahead", files["mailings"])  # fmt: skip
    scored = pd.read_csv(tmp_path / "f.csv")
    np.testing.assert_allclose(scored["expected_purchases"], told.frame["expected_purchases"])
    asked = ("--no-amount", "--models", "MBGNBD", "--baselines", "none", "--seed", 1,
             "--static-covariates", files["people"], "--dynamic-covariates", files["mailings"],
             "--covariates", "rate=channel+mailed", "--covariates-ahead")  # fmt: skip
    shown = call("validate", files["log"], "--calibration-end", "2022-01-31", *asked)
    assert "MBG/NBD, covariates" in shown
    shown = call("backtest", files["log"], "--cutoffs", "2022-01-31", "--horizon", "12 weeks",
                 *asked)  # fmt: skip
    assert "MBG/NBD, covariates" in shown
