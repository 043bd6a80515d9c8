"""Amounts: exact to four decimals, refused where they cannot be summed; refunds are netted."""

import datetime as dt
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from handmade_logs import every_source, log_of

from predclv.errors import DataError, DataWarning, OptionError, RefundWarning
from predclv.summaries.splits import holdout_split
from predclv.summaries.summarise import rfm_summary

# --- amounts -------------------------------------------------------------------------------------


def test_a_log_without_amounts_has_no_spend(small):
    rfm = rfm_summary(small[["customer_id", "date"]], amount=None)
    assert list(rfm.frame) == ["customer_id", "frequency", "recency", "T"]
    assert not rfm.has_spend
    with pytest.raises(DataError, match="no spend"):
        rfm.spend_cells()
    split = holdout_split(small, amount=None, calibration_end="2024-01-15")
    assert list(split.frame)[-2:] == ["frequency_holdout", "duration_holdout"]


def test_an_empty_amount_column_is_a_log_without_amounts(tmp_path, small):
    for empty in (np.nan, None):
        for name, source in every_source(small.assign(amount=empty), tmp_path).items():
            with pytest.warns(DataWarning, match="'amount' is empty"):
                rfm = rfm_summary(source)
            assert not rfm.has_spend, name


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ([1.0, np.nan], r"1 row has no amount \(column 'amount', customers 2\)"),
        ([1.0, np.inf], r"1 row has an infinite amount \(column 'amount', customers 2\)"),
        ([-np.inf, 1.0], "infinite amount"),
        (["1,50", "2.00"], r"holds text \('1,50'\).*pd.to_numeric"),
        (["29,33", "7,5"], r"decimal commas.*column\.str\.replace\(',', '\.'\)"),
        (["1.234,50 €", "2"], r"decimal commas.*replace\('\.', ''\)\.str\.replace\(',', '\.'\)"),
        (["1,234", "$5"], r"holds text \('1,234', '\$5'\)\. .*thousands separators"),
        (["1", "2"], r"holds text \('1', '2'\)"),
        ([1e15, 1.0], "too large .*9e\\+14"),
        ([10**18, 1], "too large"),
        ([True, False], "type BOOLEAN"),
    ],
)
def test_amounts_that_cannot_be_summed_are_refused(amounts, said):
    log = pd.DataFrame(
        {"customer_id": [1, 2], "date": pd.to_datetime(["2024-01-01"] * 2), "amount": amounts}
    )
    with pytest.raises(DataError, match=said):
        rfm_summary(log)


def test_text_amounts_in_a_csv_are_named(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("customer_id,date,amount\n1,2024-01-01,$5\n2,2024-01-02,3\n")
    with pytest.raises(DataError, match=r"holds text \('\$5'\)"):
        rfm_summary(file)


@pytest.mark.parametrize(
    "amounts",
    [
        pd.Series([3, 4], dtype="int8"),
        pd.Series([Decimal("3.00"), Decimal("4.00")], dtype=object),
        pd.Series([3.0, 4.0], dtype="float32"),
        pd.Series([3, 4], dtype="Int64"),
    ],
    ids=["integers", "decimals", "float32", "nullable"],
)
def test_amounts_of_every_numeric_type_are_exact(amounts):
    log = pd.DataFrame(
        {"customer_id": 1, "date": pd.to_datetime(["2024-01-01", "2024-01-02"]), "amount": amounts}
    )
    assert rfm_summary(log).frame["monetary_value"].tolist() == [4.0]


def test_large_decimals_and_integers_are_exact():
    values = [Decimal("123456789012.3456"), Decimal("0.0001")]
    log = log_of([(1, "2024-01-01", 0), (1, "2024-01-02", 0)])
    log["amount"] = pd.Series(values, dtype=object)
    days = rfm_summary(log.assign(customer_id=[1, 2])).log
    spend = days._table.warehouse
    days.keep_purchases("exact", None, None)
    assert spend.rows("SELECT units FROM exact ORDER BY 1") == [(1,), (1234567890123456,)]


def test_ordinary_doubles_need_no_fifth_decimal():
    for amount in (0.1 + 0.2, 12345678.91, 1e9 + 0.01, 19.99, 1 / 3 * 3, sum([0.1] * 1000)):
        rfm_summary(log_of([(1, "2024-01-01", amount)]))


def test_amounts_with_more_decimals_are_rounded_and_counted():
    for amounts in ([0.12345, 5.0], [1000.00005, 5.0]):
        with pytest.warns(DataWarning, match="1 amount has more than 4 decimals"):
            rfm = rfm_summary(log_of(list(zip([1, 2], ["2024-01-01"] * 2, amounts, strict=True))))
        assert rfm.counts["rounded_rows"] == 1
    decimals = log_of([(1, "2024-01-01", 0)])
    decimals["amount"] = pd.Series([Decimal("0.12345")], dtype=object)
    with pytest.warns(DataWarning, match="a customer's by 0.0004 at most"):
        rfm_summary(decimals)


# --- refunds -------------------------------------------------------------------------------------


@pytest.fixture
def refunded():
    return log_of(
        [
            (1, "2024-01-01", 10.0),
            (1, "2024-01-05", 30.0),
            (1, "2024-01-05", -10.0),  # netted
            (1, "2024-01-09", -5.0),  # a day of refunds alone
            (2, "2024-01-02", 10.0),
            (2, "2024-01-06", 10.0),
            (2, "2024-01-06", -40.0),  # a net-negative day
            (3, "2024-01-03", -7.5),  # a customer of refunds alone
        ]
    )


def test_refunds_are_netted_into_their_day_and_counted(refunded):
    with pytest.warns(RefundWarning) as got:
        rfm = rfm_summary(refunded, unit="day")
    said = str(got[0].message)
    assert "4 refund rows of 3 customers (-62.50 in all) were netted" in said
    assert "2 days had refunds alone: no purchase, and their -12.50 are left out of spend" in said
    assert "1 customer with refunds alone was left out" in said
    assert "1 net-negative day (a purchase and a larger refund, -30.00 in all) stayed" in said
    frame = rfm.frame
    assert frame["customer_id"].tolist() == [1, 2]
    assert frame["frequency"].tolist() == [1, 1]
    assert frame["recency"].tolist() == [4.0, 4.0]
    assert frame["monetary_value"].tolist() == [20.0, -30.0]
    assert rfm.observation_end == dt.date(2024, 1, 9)
    assert rfm.spend_cells().left_out == 1
    assert rfm.spend_cells().n_customers == 1
    assert rfm.counts["refund_only_days"] == 2
    assert rfm.counts["net_negative_days"] == 1
    assert rfm.counts["same_day_rows_merged"] == 0


def test_refunds_may_be_dropped(refunded):
    with pytest.warns(RefundWarning, match=r"4 refund rows of 3 customers .* were left out"):
        rfm = rfm_summary(refunded, refunds="drop")
    assert rfm.frame["monetary_value"].tolist() == [30.0, 10.0]
    assert rfm.counts["net_negative_days"] == 0


def test_refunds_may_be_refused(refunded):
    with pytest.raises(DataError, match=r"4 amounts are negative \(customer 3 on 2024-01-03, "):
        rfm_summary(refunded, refunds="error")
    with pytest.warns(DataWarning, match="after observation_end"):
        assert len(rfm_summary(refunded, refunds="error", observation_end="2024-01-02")) == 2
    with pytest.raises(OptionError, match="Did you mean 'drop'"):
        rfm_summary(refunded, refunds="drp")


def test_refunds_after_the_end_are_not_counted(refunded):
    with warnings.catch_warnings(record=True) as got:
        warnings.simplefilter("always")
        rfm = rfm_summary(refunded, observation_end="2024-01-02")
    assert [warning.category for warning in got] == [DataWarning]
    assert rfm.counts["customers_after_end"] == 1


def test_a_log_of_refunds_alone_has_no_customers(refunded):
    with pytest.warns(RefundWarning), pytest.raises(DataError, match="refunds alone make no"):
        rfm_summary(refunded[refunded["amount"] < 0])


def test_a_holdout_nets_refunds_too(refunded):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefundWarning)
        split = holdout_split(refunded, calibration_end="2024-01-02", unit="day")
    assert split.frame["frequency_holdout"].tolist() == [1, 1]
    assert split.frame["spend_holdout"].tolist() == [20.0, -30.0]
