"""Logs that look broken are summarised with a warning in numbers; real logs are not suspected."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED

import predclv as pc
from predclv.errors import (
    DataWarning,
    DuplicateWarning,
    LargeOrderWarning,
    ObservationEndWarning,
    RefundWarning,
    SharedAccountWarning,
)
from predclv.logs import suspicions

SUSPICIONS = (DuplicateWarning, LargeOrderWarning, ObservationEndWarning, SharedAccountWarning)


def suspected(log, **options):
    """The kinds of suspicions that a log raises, with their words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pc.rfm_summary(log, **options)
    assert all(issubclass(it.category, DataWarning) for it in caught)
    return {it.category: str(it.message) for it in caught if issubclass(it.category, SUSPICIONS)}


def shared_log(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path.name} is absent")
    return pd.read_csv(path)


# --- no false alarm ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["sample", "master"])
def test_cdnow_is_not_suspected(size):
    log = pc.datasets.load_cdnow(size)
    assert suspected(log) == {}
    assert suspected(log, amount=None) == {}


@pytest.mark.parametrize(
    "name",
    [
        "apparel.csv",
        "grocery.csv",
        "online_retail_ii_with_returns.csv",
        "rfm_data_orders.csv",
        "ta_feng.csv",
    ],
)
def test_real_logs_are_not_suspected(name):
    assert suspected(shared_log(name)) == {}
    assert suspected(shared_log(name), amount=None) == {}


def test_the_two_orders_that_the_wholesaler_cancelled_the_same_day_are_the_ones_named():
    found = suspected(shared_log("online_retail_ii.csv"))
    assert set(found) == {LargeOrderWarning}
    said = found[LargeOrderWarning]
    assert said.startswith("2 customers owe")
    assert "customer 16446 spent 168,469.60 on one day, their only repeat purchase" in said
    assert "customer 12346 spent 77,183.60 on one day and 47.14 a day on the other 6" in said


# --- the log contains itself ---------------------------------------------------------------------


@pytest.mark.parametrize("times", [2, 3])
def test_a_log_that_contains_itself_is_said_to(cdnow_log, times):
    (said,) = suspected(pd.concat([cdnow_log] * times)).values()
    assert said.startswith("On 100% of the days on which somebody bought (of 6,696 looked at)")
    assert "drop_duplicates" in said


def test_exports_that_overlap_are_said_to(cdnow_log):
    found = suspected(pd.concat([cdnow_log, cdnow_log.iloc[:2000]]))
    share = int(re.search(r"On (\d+)%", found[DuplicateWarning])[1])
    assert 26 <= share <= 32  # 2,000 of 6,919 rows


def test_a_log_without_amounts_that_contains_itself_is_said_to(cdnow_log):
    found = suspected(pd.concat([cdnow_log, cdnow_log]), amount=None)
    assert "an even number of rows" in found[DuplicateWarning]


def test_rows_of_one_basket_are_no_copies():
    rng = np.random.default_rng(3)
    prices = np.array([0.99, 1.49, 1.99, 2.49, 4.99])  # many rows of a basket cost the same
    basket = np.repeat(np.arange(2000), rng.poisson(6.0, 2000) + 1)
    customer, day = rng.integers(0, 400, 2000), rng.integers(0, 300, 2000)
    log = pd.DataFrame(
        {
            "customer_id": customer[basket],
            "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(day[basket], unit="D"),
            "amount": rng.choice(prices, basket.size),
        }
    )
    assert log.duplicated().mean() > 0.2
    assert suspected(log) == {}
    assert suspected(log, amount=None) == {}
    assert set(suspected(pd.concat([log, log]))) == {DuplicateWarning}


def test_a_sample_of_customers_tells_as_much(cdnow_log, monkeypatch):
    monkeypatch.setattr(suspicions, "_SAMPLED_ROWS", 2000)
    said = suspected(pd.concat([cdnow_log, cdnow_log]))[DuplicateWarning]
    assert said.startswith("On 100% of the days")
    looked_at = int(re.search(r"of ([\d,]+) looked", said)[1].replace(",", ""))
    assert 700 < looked_at < 1600  # every sixth customer of 6,696 days


# --- the end -------------------------------------------------------------------------------------


def test_an_end_years_after_the_last_purchase_is_doubted(cdnow_log):
    found = suspected(cdnow_log, observation_end="2027-06-30")
    assert (
        "29.0 years after the last purchase of anybody (1998-06-30)"
        in (found[ObservationEndWarning])
    )
    assert suspected(cdnow_log, observation_end="1999-06-30") == {}  # 365 days
    with pytest.warns(ObservationEndWarning, match="holdout_end 2008-06-30 is 10"):
        pc.holdout_split(cdnow_log, calibration_end="1997-09-30", holdout_end="2008-06-30")


# --- one order -----------------------------------------------------------------------------------


def with_order(log, customer, amount):
    """The log with another amount for a customer's last purchase."""
    row = log.index[log["customer_id"] == customer][-1]
    return log.assign(amount=log["amount"].where(log.index != row, amount))


def test_one_order_that_is_most_of_a_customers_clv_is_named(cdnow_log):
    changed = with_order(cdnow_log, 6, 50_000.0)
    said = suspected(changed)[LargeOrderWarning]
    assert "customer 6 spent 50,000.00 on one day" in said
    assert "A typical customer spends about 27.38 a day" in said
    with pytest.warns(LargeOrderWarning):
        rfm = pc.rfm_summary(changed)
    frame = rfm.frame.set_index("customer_id")
    repeats = cdnow_log[cdnow_log["customer_id"] == 6].groupby("date")["amount"].sum().iloc[1:]
    assert frame.loc[6, "monetary_value"] > 10 * repeats.mean()


def test_the_first_order_and_one_among_many_large_ones_are_nobodys_clv(cdnow_log):
    own = cdnow_log["customer_id"] == 6
    faithful = cdnow_log["amount"].where(~own, 4 * cdnow_log["amount"])  # 4,000 in 14 repeats
    first = cdnow_log.index == cdnow_log.index[own][0]
    assert suspected(cdnow_log.assign(amount=faithful.where(~first, 5_000.0))) == {}
    wholesaler = cdnow_log["amount"].where(cdnow_log["customer_id"] != 6, 50_000.0)
    assert suspected(cdnow_log.assign(amount=wholesaler)) == {}


# --- one account ---------------------------------------------------------------------------------


@pytest.mark.parametrize("amount", ["amount", None])
def test_a_guest_account_is_named(cdnow_log, amount):
    is_guest = np.random.default_rng(1).random(len(cdnow_log)) < 0.2
    ids = cdnow_log["customer_id"].astype(str).where(~is_guest, "guest")
    found = suspected(cdnow_log.assign(customer_id=ids), amount=amount)
    assert set(found) == {SharedAccountWarning}
    assert "customer guest on 454 of 544 days" in found[SharedAccountWarning]


def test_a_holdout_is_suspected_like_a_summary(cdnow_log):
    with pytest.warns(DuplicateWarning):
        pc.holdout_split(pd.concat([cdnow_log] * 2), calibration_end="1997-09-30")


def test_a_suspicion_can_be_silenced_by_its_name(cdnow_log):
    twice = pd.concat([cdnow_log, cdnow_log])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DuplicateWarning)
        pc.rfm_summary(twice)


def test_refunds_alone_raise_no_suspicion(cdnow_log):
    returned = cdnow_log.iloc[:50].assign(amount=lambda frame: -frame["amount"])
    with pytest.warns(RefundWarning):
        pc.rfm_summary(pd.concat([cdnow_log, returned]))
