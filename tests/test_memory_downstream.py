"""What follows from a forecast follows with fading memory and a drift, or says that it does not."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import OptionError
from predclv.forecast.recalled import as_recalled, slower
from predclv.summaries.memory import still_counts
from predclv.validation.histories import customer_history

CUT = "1997-09-30"


@pytest.fixture(scope="module")
def rfm():
    log = pc.datasets.load_cdnow()
    return pc.rfm_summary(log[log["date"] <= CUT], observation_end=CUT)


@pytest.fixture(scope="module")
def em(rfm):
    return pc.CLVModel(pc.MBGNBD, memory=True, drift=True).fit(rfm)


@pytest.fixture(scope="module")
def regular(rfm):
    return pc.CLVModel(pc.MBGCNBD, k=2, memory=True, drift=True).fit(rfm)


@pytest.mark.parametrize("which", ["em", "regular"])
def test_columns_agree_with_each_other(which, request):
    fitted = request.getfixturevalue(which)
    forecast = fitted.forecast("26 weeks", 0.1, seed=1)
    frame, counts = forecast.frame, forecast._source.counts()
    assert np.all(frame["p_active"] <= frame["p_alive"] + 1e-12)
    nothing = counts.mass(np.zeros(len(frame), dtype=int))
    assert np.max(np.abs(nothing - (1 - frame["p_active"]))) < 0.03  # averaged over draws
    mean = np.zeros(len(frame))
    for rows, values, probabilities in counts.parts():
        mean[rows] = probabilities @ values
    assert mean.sum() == pytest.approx(frame["expected_purchases"].sum(), rel=0.02)
    months = fitted.forecast("26 weeks", 0.1, level=None).schedule("month")
    assert months["purchases"].sum() == pytest.approx(frame["expected_purchases"].sum(), rel=1e-9)


def test_p_alive_day_by_day_ends_where_the_forecast_begins(em, rfm):
    frame = em.forecast("9 weeks", level=None).frame.set_index("customer_id")
    for customer in rfm.frame.sort_values("frequency")["customer_id"].iloc[[0, -1, -50, -400]]:
        by_day = customer_history(em.purchases, rfm, customer)
        assert by_day.frame["p_alive"].iloc[-1] == pytest.approx(
            frame.loc[customer, "p_alive"], rel=1e-7
        )


def test_the_files_hold_what_the_frame_holds(em, tmp_path):
    forecast = em.forecast("26 weeks", seed=2)
    forecast.to_parquet(tmp_path / "forecast.parquet")
    found = pd.read_parquet(tmp_path / "forecast.parquet")
    pd.testing.assert_frame_equal(found, forecast.frame, check_dtype=False, rtol=1e-9)


def test_lists_and_newcomers_follow(em):
    due = pc.due(em, "4 weeks") if hasattr(pc, "due") else None
    assert due is None or len(due)
    worth = pc.economics.new_customer(em, horizon="2 years")
    plain = pc.economics.new_customer(pc.CLVModel(pc.MBGNBD).fit(em.rfm), horizon="2 years")
    assert worth.value == pytest.approx(plain.value, rel=0.15)
    assert worth.lower < worth.value < worth.upper


def test_what_reads_three_columns_alone_is_refused(em, rfm):
    with pytest.raises(OptionError, match="a drift and memory"):
        pc.plots.tracking(em.purchases, rfm)
    with pytest.raises(OptionError, match="knows customers by frequency"):
        pc.plots.repeat_histogram(em.purchases, rfm)


def test_forgetting_faster_is_nearly_what_the_log_says(em, rfm):
    """What serves draws of rho: exact up to two repeat purchases, else near."""
    fit = em.purchases
    cells = as_recalled(fit, rfm).cells()
    faster = pc.CLVModel(pc.MBGNBD, memory=True, drift=True).fit(rfm)
    recall = faster.purchases.recall
    object.__setattr__(recall, "rho", 1.5 * recall.rho)
    other = as_recalled(faster.purchases, rfm)
    exact = other.frame["memory"].to_numpy() / 2**30
    place = cells.places(as_recalled(fit, rfm).frame)
    near = slower(still_counts(cells), cells.frequency, 1.5)[place]
    x = rfm.frame["frequency"].to_numpy()
    assert np.max(np.abs(near - exact)[x <= 2]) < 1e-7
    assert np.max(np.abs(near - exact)[x > 2] / exact[x > 2]) < 0.2
    moved = exact - still_counts(cells)[place]
    assert np.std((near - exact)[x > 2]) < 0.2 * np.std(moved[x > 2])


def test_memory_on_a_clock_is_the_same_on_a_clock_without_a_season(rfm):
    clocked = pc.CLVModel(
        pc.MBGNBD, spend=None, memory=True, drift=True, clock=pc.Clock(season=0, weekday=False)
    ).fit(rfm)
    plain = pc.CLVModel(pc.MBGNBD, spend=None, memory=True, drift=True).fit(rfm)
    for name, value in plain.purchases.params.items():
        assert clocked.purchases.params[name] == pytest.approx(value, rel=1e-5)
    assert clocked.purchases.log_likelihood == pytest.approx(plain.purchases.log_likelihood)
    ours, theirs = (f.forecast("9 weeks", level=None).frame for f in (clocked, plain))
    np.testing.assert_allclose(ours["expected_purchases"], theirs["expected_purchases"], rtol=1e-4)


def test_a_clock_keeps_its_effects_and_errors(rfm):
    clock = pc.Clock(season=1)
    with pytest.warns(pc.errors.AssumptionWarning):
        fit = pc.fit(pc.MBGNBD, rfm, clock=clock, memory=True, drift=True)
    assert list(fit.params)[4:] == ["season[sin 1]", "season[cos 1]", "drift", "rho"]
    assert np.all(fit.summary()["std_error"] > 0)
    assert fit.clock.summary()["std_error"].to_numpy() == pytest.approx(
        fit.summary()["std_error"].iloc[4:6].to_numpy()
    )


def test_a_lifetime_has_an_interval(em):
    forecast = em.forecast(None, 0.1, seed=1)
    long = em.forecast("40 years", 0.1, level=None).frame
    frame = forecast.frame
    ratio = frame["discounted_purchases"].sum() / long["discounted_purchases"].sum()
    assert 1.0 < ratio < 1.02
    assert (
        np.mean((frame["clv_lower"] <= frame["clv"]) & (frame["clv"] <= frame["clv_upper"])) > 0.9
    )
