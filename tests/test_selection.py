"""Choosing a model of purchases by what it would have forecast within the known data."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import OptionError, PredclvError


def shop_of(model, customers=1500, weeks=104, seed=5):
    """A log of customers who follow a model, all from the first day on."""
    rng = np.random.default_rng(seed)
    n, window, arrivals = model.traits((customers,), rng).purchases(
        np.full(customers, float(weeks)), rng
    )
    owner = np.repeat(np.arange(customers), n)
    cut = (n > 0) & (n < arrivals)
    last = np.where(cut, rng.beta(np.where(cut, n, 1), np.where(cut, arrivals - n, 0) + 1), 1.0)
    when = (window * last)[owner] * rng.random(owner.size)
    day = np.concatenate([np.zeros(customers), 1 + np.floor(7 * when)])
    return pd.DataFrame(
        {
            "customer_id": np.concatenate([np.arange(customers), owner]),
            "date": pd.Timestamp("2022-01-03") + pd.to_timedelta(day, unit="D"),
        }
    )


@pytest.fixture(scope="module")
def cdnow():
    split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    return split.rfm


@pytest.fixture(scope="module")
def fitted(cdnow):
    return pc.CLVModel(purchases="auto").fit(cdnow)


def test_the_pick_is_the_best_log_score_of_the_backtest(cdnow, fitted):
    choice = fitted.choice
    assert choice.frame["log_score"].is_monotonic_increasing
    assert choice.model == choice.frame.index[0]
    assert type(fitted.purchases.model).__name__ == choice.model
    assert set(choice.frame.index) == {"BGNBD", "MBGNBD", "ParetoNBD"}


def test_the_log_score_is_that_of_a_backtest_inside_the_data(cdnow, fitted):
    cutoffs = [name for name in fitted.choice.frame.columns if name[:2] == "19"]
    rounds = pc.backtest(
        {"BGNBD": pc.CLVModel(spend=None)}, cdnow, cutoffs=cutoffs, horizon="68 days", seed=1
    )
    for cutoff in cutoffs:
        ours = fitted.choice.frame.loc["BGNBD", cutoff]
        theirs = rounds.frame.xs("BGNBD", level="forecaster")
        theirs = theirs.loc[pd.Timestamp(cutoff).date() if cutoff not in theirs.index else cutoff]
        # The backtest averages over draws of the parameters, the choice takes the estimate.
        assert ours == pytest.approx(float(theirs["log_score"]), rel=0.01)


def test_it_says_what_it_picked_and_why(fitted):
    assert fitted.choice.reason in repr(fitted)
    assert "best log score" in fitted.choice.reason
    assert "standard error" in fitted.choice.reason


def test_a_choice_is_saved_and_loaded(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    again = pc.load(tmp_path / "m")
    assert again.choice.reason == fitted.choice.reason
    pd.testing.assert_frame_equal(again.choice.frame, fitted.choice.frame)


def test_customers_who_may_leave_after_the_first_purchase_are_seen():
    log = shop_of(pc.MBGNBD(r=1.2, alpha=6.0, a=1.5, b=2.0))
    rfm = pc.rfm_summary(log, amount=None)
    fitted = pc.CLVModel(purchases="auto").fit(rfm)
    assert fitted.choice.model != "BGNBD"
    behind = fitted.choice.frame.loc["BGNBD"]
    assert behind["difference"] > 2 * behind["std_error"]


def test_nothing_after_the_end_of_observation_is_looked_at(cdnow, fitted):
    log = pc.datasets.load_cdnow()
    early = log[log["date"] <= "1997-09-30"]
    again = pc.CLVModel(purchases="auto").fit(pc.rfm_summary(early, observation_end="1997-09-30"))
    pd.testing.assert_frame_equal(again.choice.frame, fitted.choice.frame)


def test_a_summary_without_its_log_is_refused(cdnow):
    with pytest.raises(OptionError, match="has none: make it with"):
        pc.CLVModel(purchases="auto").fit(pc.RFM.from_frame(cdnow.frame, unit="week"))


def test_a_log_of_days_is_refused():
    log = pd.DataFrame(
        {"customer_id": [1, 1, 2], "date": ["2024-01-01", "2024-01-09"] * 1 + ["2024-01-02"]}
    )
    with pytest.raises(PredclvError, match="four weeks"):
        pc.CLVModel(purchases="auto").fit(pc.rfm_summary(log, amount=None))


def test_another_word_than_auto_is_no_model():
    with pytest.raises(OptionError, match="no model 'automatic'"):
        pc.CLVModel(purchases="automatic")
