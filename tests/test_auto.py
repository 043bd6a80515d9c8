"""``CLVModel("auto")``: which members the pool has, and what stands in where they cannot be."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import FitError, OptionError, OptionWarning
from predclv.pools import auto
from predclv.pools.inner import Origin


def shop_of(model, customers=250, weeks=110, seed=5, spread=1):
    """A log of customers who follow a model and come over the first ``spread`` weeks."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, 7 * spread, customers) if spread > 1 else np.zeros(customers, int)
    owner, when = model.paths(weeks - born / 7.0, rng).times(rng)
    day = np.concatenate([born, born[owner] + 1 + np.floor(7 * when)])
    return pd.DataFrame(
        {
            "customer_id": np.concatenate([np.arange(customers), owner]),
            "date": pd.Timestamp("2022-01-03") + pd.to_timedelta(day, unit="D"),
        }
    )


MBG = pc.MBGNBD(r=0.8, alpha=6.0, a=0.6, b=2.0)


@pytest.fixture(scope="module")
def rfm():
    return pc.rfm_summary(shop_of(MBG, spread=60), amount=None)


@pytest.fixture(scope="module")
def fitted(rfm):
    return pc.CLVModel("auto").fit(rfm)


@pytest.fixture(scope="module")
def forecast(fitted):
    return fitted.forecast("26 weeks", seed=1)


def test_all_members_take_part_in_a_log_of_two_years(fitted, forecast):
    assert list(fitted.fits) == list(auto.MEMBERS)
    assert sum(fitted.weights.values()) == pytest.approx(1.0, abs=1e-12)
    assert len([name for name in fitted.choice.frame if name.startswith("20")]) == 3


def test_frames_add_up(forecast):
    total = forecast.total()
    assert total["purchases"] == pytest.approx(forecast.frame["expected_purchases"].sum(), rel=1e-9)
    assert total["purchases_budget_lower"] < total["purchases_lower"]
    assert total["purchases_budget_upper"] > total["purchases_upper"]
    months = forecast.schedule("month")
    assert months["purchases"].sum() == pytest.approx(total["purchases"], rel=1e-9)


@pytest.mark.slow
def test_it_is_the_same_each_time(rfm, forecast):
    again = pc.CLVModel("auto").fit(rfm).forecast("26 weeks", seed=1)
    pd.testing.assert_frame_equal(again.frame, forecast.frame)


@pytest.mark.slow
def test_where_customers_buy_by_mbg_it_is_as_good(rfm, fitted):
    log = shop_of(MBG, customers=600, spread=60, weeks=136)
    split = pc.holdout_split(log, amount=None, calibration_end=rfm.observation_end)
    found = pc.validate(
        {"auto": pc.CLVModel("auto"), "MBG": pc.CLVModel(pc.MBGNBD)}, split, seed=1
    ).frame["crps"]
    assert found["auto"] < 1.02 * found["MBG"]


def test_under_a_year_there_is_no_season(fitted):
    rfm = pc.rfm_summary(shop_of(MBG, weeks=45), amount=None)
    young = pc.CLVModel("auto").fit(rfm)
    seasonal = [name for name in auto.MEMBERS if getattr(auto.MEMBERS[name], "season", 0)]
    assert seasonal
    for name in seasonal:
        assert name in fitted.fits
        member = auto.MEMBERS[name].for_span(350)
        assert member.season == 0
    same = [d for d in young.doubts if "it is the same as" in d]
    assert any(d.startswith("MBG/NBD with memory and season") for d in same)
    for found in young.fits.values():
        if isinstance(found, pc.FittedCLV):
            assert not any("season" in n for n in found.purchases.params)


def test_an_earlier_day_under_a_year_takes_the_twin_without_season():
    rfm = pc.rfm_summary(shop_of(MBG, weeks=60), amount=None)  # 420 days: origins before 364
    fitted = pc.CLVModel("auto").fit(rfm)
    origins = fitted._learned(91).origins
    names = fitted._learned(91).names
    season, plain = (
        names.index("MBG/NBD with memory and season"),
        names.index("MBG/NBD with memory"),
    )
    for origin in origins:
        assert isinstance(origin, Origin)
        assert (origin.cutoff - rfm.log.first_day).days < 364
        assert origin.losses[season, season] == pytest.approx(origin.losses[plain, plain])
        assert origin.expected[season] == origin.expected[plain]
    assert "MBG/NBD with memory and season" in fitted.fits


@pytest.mark.slow
def test_the_rule_waits_until_a_full_horizon_can_be_learnt(fitted, forecast):
    names = fitted._learned(182).names
    assert "last period" in names  # the last origin knows 580 days of the 364 wanted
    far = fitted.choice_for("52 weeks")
    assert far.weights["last period"] == 0.0
    assert any(d.startswith("last period takes no part") for d in far.doubts)


def test_it_is_saved_and_loaded(fitted, forecast, rfm, tmp_path):
    fitted.save(tmp_path / "auto")
    again = pc.load(tmp_path / "auto")
    same = again.forecast("26 weeks", seed=1, rfm=rfm)
    pd.testing.assert_frame_equal(same.frame, forecast.frame)
    models = {n: f for n, f in again.fits.items() if isinstance(f, pc.FittedCLV)}
    for name, found in models.items():  # what purchases still count came along, without the log
        own = found.forecast("26 weeks", level=None, seed=1).frame["expected_purchases"]
        theirs = fitted.fits[name].forecast("26 weeks", level=None, seed=1).frame
        np.testing.assert_allclose(own, theirs["expected_purchases"], rtol=1e-9)


def test_without_a_log_one_model_stands_alone(rfm):
    no_log = pc.RFM.from_frame(rfm.frame, unit="week")
    fitted = pc.CLVModel("auto").fit(no_log)
    assert list(fitted.fits) == ["MBG/NBD"]
    assert "has no log" in fitted.choice.doubts[0]
    plain = pc.CLVModel(pc.MBGNBD).fit(no_log).forecast("26 weeks", seed=1)
    pd.testing.assert_frame_equal(fitted.forecast("26 weeks", seed=1).frame, plain.frame, rtol=1e-6)


@pytest.mark.parametrize("customers", [20, 60])
def test_few_purchases_leave_one_model(customers):
    rfm = pc.rfm_summary(shop_of(MBG, customers=customers, weeks=40), amount=None)
    assert rfm.counts["repeat_purchases"] < 200
    fitted = pc.CLVModel("auto").fit(rfm)
    few = rfm.counts["repeat_purchases"] < 50
    name = "MBG/NBD" if few else "MBG/NBD with memory"
    assert list(fitted.fits) == [name]
    assert "too few to weigh" in fitted.choice.doubts[0]
    assert fitted.weights == {name: 1.0}


def test_a_lifetime_is_the_first_models(fitted):
    with pytest.warns(OptionWarning, match="MBG/NBD with memory alone"):
        forecast = fitted.forecast(None, level=None)
    assert "expected_purchases" not in forecast.frame


def test_spend_is_one_fit_for_all(cdnow):
    fitted = pc.CLVModel("auto").fit(cdnow)
    own = pc.fit(pc.GammaGamma, cdnow)
    assert fitted.spend.params == own.params
    assert "expected_spend" in fitted.forecast("13 weeks", level=None).frame
    alone = pc.CLVModel("auto", spend=None).fit(cdnow)
    assert alone.spend is None


def test_events_of_the_users_clock_are_in_all_models(rfm):
    sales = pd.DataFrame({"name": "sale", "start": ["2023-01-10"], "end": ["2023-01-20"]})
    fitted = pc.CLVModel("auto", clock=pc.Clock(events=sales)).fit(rfm)
    models = [found for found in fitted.fits.values() if isinstance(found, pc.FittedCLV)]
    for found in models:
        assert any("sale" in name for name in found.purchases.params)


@pytest.mark.parametrize("options", [{"engine": "pymc"}, {"bootstrap": 10}])
def test_engines_and_their_options_are_refused(rfm, options):
    with pytest.raises(OptionError, match="engine='mle' without options"):
        pc.CLVModel("auto", **options).fit(rfm)


@pytest.mark.parametrize("spend", ["GammaGamma", None])
def test_it_is_said_first_that_nobody_bought_again(spend):
    once = pd.DataFrame({"customer_id": range(5), "date": "2024-01-01", "amount": 5.0})
    rfm = pc.rfm_summary(once, observation_end="2024-06-30")
    with pytest.raises(FitError, match=r"^None of the 5 customers has bought a second time"):
        pc.CLVModel("auto", spend=spend).fit(rfm)


def test_another_word_than_auto_is_no_model():
    with pytest.raises(OptionError, match="no model 'automatic'"):
        pc.CLVModel(purchases="automatic")
