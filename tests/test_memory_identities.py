"""Fading memory and drift whatever the data: units, order, travel, starts."""

import pickle

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import OptionError

CUT = "1997-09-30"


@pytest.fixture(scope="module")
def log():
    log = pc.datasets.load_cdnow()
    return log[log["date"] <= CUT]


@pytest.fixture(scope="module")
def em(log):
    return pc.CLVModel(pc.MBGNBD, memory=True, drift=True).fit(
        pc.rfm_summary(log, observation_end=CUT)
    )


def test_days_and_weeks_agree(em, log):
    daily = pc.CLVModel(pc.MBGNBD, memory=True, drift=True).fit(
        pc.rfm_summary(log, observation_end=CUT, unit="day")
    )
    ours, theirs = em.purchases.params, daily.purchases.params
    assert theirs["rho"] == pytest.approx(ours["rho"] / 7, rel=1e-7)
    assert theirs["drift"] == pytest.approx(ours["drift"], rel=1e-7)
    frames = [f.forecast("9 weeks", level=None).frame for f in (em, daily)]
    np.testing.assert_allclose(
        frames[0]["expected_purchases"], frames[1]["expected_purchases"], rtol=1e-6
    )


def test_the_order_of_rows_leaves_no_trace(em, log):
    shuffled = log.sample(frac=1.0, random_state=3)
    other = pc.CLVModel(pc.MBGNBD, memory=True, drift=True).fit(
        pc.rfm_summary(shuffled, observation_end=CUT)
    )
    assert other.purchases.params == em.purchases.params
    frames = [f.forecast("9 weeks", level=None).frame for f in (em, other)]
    pd.testing.assert_frame_equal(*frames)


def test_it_travels_once_it_has_forecast(em):
    here = em.forecast("9 weeks", level=None).frame
    there = pickle.loads(pickle.dumps(em)).forecast("9 weeks", level=None).frame
    pd.testing.assert_frame_equal(here, there)


def test_an_earlier_fit_is_a_start(em):
    again = pc.fit(pc.MBGNBD, em.rfm, memory=True, drift=True, start=em.purchases)
    for name, value in em.purchases.params.items():
        assert again.params[name] == pytest.approx(value, rel=1e-6)


def test_a_drift_has_a_bootstrap(em):
    fit = pc.fit(pc.MBGNBD, em.rfm, drift=True, bootstrap=8, seed=1)
    assert fit.replicates.shape == (1, 8, 5)
    assert fit.summary()["std_error"]["drift"] > 0.05


def test_a_backtest_takes_them(log):
    table = pc.backtest(
        {
            "MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None),
            "em": pc.CLVModel(pc.MBGNBD, spend=None, memory=True, drift=True),
        },
        log,
        cutoffs=["1997-06-30"],
        horizon="12 weeks",
    ).frame
    assert table["rmse"].notna().all()


def test_options_are_true_or_false(em):
    with pytest.raises(OptionError, match="memory must be True or False"):
        pc.fit(pc.MBGNBD, em.rfm, memory=0.5)
