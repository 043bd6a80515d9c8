"""Repeat purchases per day, counted without grouping a log twice: pandas' integers, everywhere."""

import duckdb
import numpy as np
import pandas as pd
import pytest

import predclv as pc


def log_of(rows=4_000, customers=300, days=60, refunds=False):
    """Orders of which many fall on a day that their customer has bought on already."""
    rng = np.random.default_rng(3)
    log = pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, rows) ** 2 // customers,
            "date": np.datetime64("2024-01-01") + rng.integers(0, days, rows),
            "amount": rng.integers(1, 500, rows) / 4.0,
        }
    )
    if refunds:
        log.loc[rng.random(rows) < 0.2, "amount"] *= -1
    return log


def by_pandas(log, end):
    bought = log[(log["amount"] >= 0) & (log["date"] <= end)]
    days = bought[["customer_id", "date"]].drop_duplicates()
    again = days[days.duplicated("customer_id", keep=False)]
    first = again.groupby("customer_id")["date"].transform("min")
    span = pd.date_range(log["date"].min() + pd.Timedelta(days=1), end)
    return again[again["date"] > first]["date"].value_counts().reindex(span, fill_value=0)


@pytest.mark.filterwarnings("ignore::predclv.errors.DataWarning")  # late rows, refunds
@pytest.mark.parametrize("end", ["2024-02-29", "2024-02-10"])
@pytest.mark.parametrize("refunds", [False, True])
def test_days_are_those_that_pandas_counts(refunds, end):
    log = log_of(refunds=refunds)
    rfm = pc.rfm_summary(log, observation_end=end)
    first_day, repeats = rfm.repeats_by_day()
    assert first_day == (log["date"].min() - pd.Timestamp(0)).days
    np.testing.assert_array_equal(repeats, by_pandas(log, end).to_numpy())
    assert repeats.sum() == rfm.counts["repeat_purchases"]


def test_they_are_the_same_wherever_the_log_lies(tmp_path):
    log = log_of()
    expected = by_pandas(log, "2024-02-29").to_numpy()
    log.to_parquet(path := tmp_path / "log.parquet")
    text = log.assign(customer_id="c" + log["customer_id"].astype(str))
    single = log.drop_duplicates(["customer_id", "date"])
    connection = duckdb.connect()
    for each in (str(path), text, single, connection.read_parquet(str(path))):
        rfm = pc.rfm_summary(each, observation_end="2024-02-29")
        np.testing.assert_array_equal(rfm.repeats_by_day()[1], expected)


def test_days_come_with_the_summary_and_the_log_is_not_read_again(tmp_path):
    log = log_of()
    log.to_parquet(path := tmp_path / "log.parquet")
    rfm = pc.rfm_summary(str(path))
    path.unlink()
    expected = by_pandas(log, log["date"].max()).to_numpy()
    np.testing.assert_array_equal(rfm.repeats_by_day()[1], expected)
    assert rfm.frame["customer_id"].tolist() == sorted(log["customer_id"].unique().tolist())
