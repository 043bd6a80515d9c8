"""Spend that does not hold still: of late against before, first purchases against later ones."""

import pickle

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import FirstPurchaseWarning, SpendDriftWarning
from predclv.summaries.spend_facts import spend_facts


def shop(late=1.0, first=1.0):
    """Two years of purchases; the last half-year's cost ``late`` times, first ones ``first``."""
    rng = np.random.default_rng(4)
    customer = np.repeat(np.arange(600), 8)
    day = rng.integers(0, 731, customer.size)
    day[:2] = 0, 730
    log = pd.DataFrame({"customer_id": customer, "day": day}).drop_duplicates()
    log = log.sort_values(["customer_id", "day"], ignore_index=True)
    usual = 1.0 / rng.gamma(5.0, 1 / 80.0, 600)
    log["amount"] = 20 + 1000 * usual[log["customer_id"]] * rng.gamma(4.0, 0.25, len(log))
    log.loc[log["day"] > 730 - 182, "amount"] *= late
    log.loc[~log["customer_id"].duplicated(), "amount"] *= first
    log["amount"] = log["amount"].round(2)
    log["date"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(log["day"], unit="D")
    return log


def by_hand(log, model):
    """Both ratios from the log, customer by customer."""
    log = log.assign(units=log["amount"])
    is_first = ~log["customer_id"].duplicated()
    came = expected = 0.0
    for _, orders in log.groupby("customer_id"):
        before = orders[orders["day"] <= 730 - 182].iloc[1:]
        after = orders[orders["day"] > 730 - 182]
        if orders["day"].iloc[0] > 730 - 182 or before.empty:
            continue
        came += after["units"].sum()
        expected += len(after) * float(model.expected_spend(len(before), before["units"].mean()))
    again = log.groupby("customer_id")["day"].transform("size") > 1
    later = log[~is_first].groupby("customer_id")["units"].mean().mean()
    return came / expected, log.loc[is_first & again, "units"].mean() / later


def test_ratios_are_those_counted_by_hand():
    log = shop(late=1.1, first=0.8)
    fit = pc.fit(pc.GammaGamma, pc.rfm_summary(log))
    recent, first = by_hand(log, fit.model)
    assert fit.checks["recent_ratio"] == pytest.approx(recent, rel=1e-6)
    assert fit.checks["first_ratio"] == pytest.approx(first, rel=1e-9)


def test_spend_that_holds_still_is_not_doubted():
    checks = pc.fit(pc.GammaGamma, pc.rfm_summary(shop())).checks
    for name in ("recent_ratio", "first_ratio"):
        assert abs(checks[name] - 1.0) < 4 * checks[f"{name}_error"], name


@pytest.mark.parametrize(("late", "said"), [(2.0, "too low"), (0.4, "too high")])
def test_spend_that_has_changed_of_late_is_warned_of_by_name(late, said):
    with pytest.warns(SpendDriftWarning, match=said):
        pc.fit(pc.GammaGamma, pc.rfm_summary(shop(late=late)))


def test_first_purchases_unlike_later_ones_are_warned_of_by_name():
    with pytest.warns(FirstPurchaseWarning, match=r"cost 2\.\d\d times their later ones"):
        pc.fit(pc.GammaGamma, pc.rfm_summary(shop(first=2.5)))


def test_known_logs_are_below_what_is_warned_of(gamma_gamma):
    checks = gamma_gamma.checks  # a warning would have been an error
    assert checks["recent_ratio"] == pytest.approx(1.02, abs=0.01)
    assert checks["first_ratio"] == pytest.approx(1.03, abs=0.01)


def test_without_a_log_nothing_is_said_and_a_fit_with_checks_is_saved(tmp_path, cdnow):
    elsewhere = pc.RFM.from_frame(cdnow.frame, unit="week")
    sent = pickle.loads(pickle.dumps(cdnow))
    for rfm in (elsewhere, sent, cdnow.spend_cells()):
        assert spend_facts(rfm) is None
        assert "recent_ratio" not in pc.fit(pc.GammaGamma, rfm).checks
    fitted = pc.CLVModel().fit(cdnow)
    fitted.save(tmp_path / "model")
    assert dict(pc.load(tmp_path / "model").spend.checks) == dict(fitted.spend.checks)


def test_a_file_that_has_gone_since_is_missed_by_no_fit(tmp_path):
    file = tmp_path / "log.parquet"
    shop().to_parquet(file)
    rfm = pc.rfm_summary(file)
    file.unlink()
    assert "recent_ratio" not in pc.fit(pc.GammaGamma, rfm).checks


def test_refunds_are_netted_into_their_day_or_dropped():
    log = shop()
    back = log.head(50).assign(amount=-5.0)
    with pytest.warns(pc.errors.RefundWarning):
        rfm = pc.rfm_summary(pd.concat([log, back]))
    facts = spend_facts(rfm)
    with pytest.warns(pc.errors.RefundWarning):
        dropped = spend_facts(pc.rfm_summary(pd.concat([log, back]), refunds="drop"))
    whole = spend_facts(pc.rfm_summary(log))
    assert dropped.first_spend.sum() == whole.first_spend.sum()
    firsts = int((~log["customer_id"].head(50).duplicated()).sum())
    difference = whole.first_spend.sum() - facts.first_spend.sum()
    assert difference == pytest.approx(5.0 * firsts)


def test_the_error_of_the_mean_says_how_few_repeat_buyers_are():
    many, few = shop(), shop()
    few = few[few["customer_id"] < 60]
    of_many, of_few = (pc.fit(pc.GammaGamma, pc.rfm_summary(log)).checks for log in (many, few))
    frame = pc.rfm_summary(few).frame
    spent = frame.loc[frame["frequency"] > 0, "monetary_value"]
    assert of_few["mean_error"] == pytest.approx(spent.sem() / spent.mean(), rel=1e-9)
    assert of_few["mean_error"] > 2 * of_many["mean_error"]


def test_of_many_purchases_a_sample_of_the_customers_is_looked_at(monkeypatch):
    rfm = pc.rfm_summary(shop(late=1.1, first=0.8))
    whole = pc.fit(pc.GammaGamma, rfm).checks
    monkeypatch.setattr("predclv.summaries.spend_facts._PURCHASES", 1200)  # of 4,700: each fourth
    again = pc.rfm_summary(shop(late=1.1, first=0.8))
    some = pc.fit(pc.GammaGamma, again).checks
    assert 90 < spend_facts(again).first_spend.size < 220 < spend_facts(rfm).first_spend.size
    for name in ("recent_ratio", "first_ratio"):
        assert some[name] != whole[name]
        assert abs(some[name] - whole[name]) < 4 * some[f"{name}_error"], name
        assert 1.3 < some[f"{name}_error"] / whole[f"{name}_error"] < 3.0
