"""What past purchases still count, summed where the log lies: DuckDB, a relation, Spark."""

import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.forecast.recalled import as_recalled
from predclv.summaries import memory

END = "1997-12-31"


@pytest.fixture(scope="module")
def log():
    """CDNOW with refunds: on days of their own no purchase, on others one all the same."""
    cdnow = pc.datasets.load_cdnow()
    cdnow = cdnow.assign(date=pd.to_datetime(cdnow["date"]))
    refunds = cdnow.head(400).assign(amount=-1.0)
    refunds["date"] += pd.Timedelta(days=1)
    return pd.concat([cdnow, refunds], ignore_index=True)


@pytest.fixture(scope="module")
def here(log):
    return summary(log)


@pytest.fixture(scope="module")
def fit(here):
    return pc.fit(pc.MBGNBD, here, memory=True)


def summary(log):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pc.rfm_summary(log, observation_end=END)


def by_hand(log, rho, end):
    """Customers' sums of exp(-rho d), d weeks before the last purchase, in pandas."""
    bought = log[(log["amount"] >= 0) & (log["date"] <= end)].drop_duplicates(
        ["customer_id", "date"]
    )
    by = bought.groupby("customer_id")["date"]
    weeks = (by.transform("max") - bought["date"]).dt.days / 7
    kept = np.exp(-rho * weeks).where(bought["date"] > by.transform("min"), 0.0)
    return kept.groupby(bought["customer_id"]).sum()


def test_the_sums_are_those_of_pandas(log, here, fit):
    frame = as_recalled(fit, here).frame
    expected = by_hand(log, fit.params["rho"], END)
    assert frame["customer_id"].tolist() == expected.index.tolist()
    np.testing.assert_allclose(frame["memory"] / 2**30, expected, atol=1e-7)


def test_bins_are_narrow_and_centred(here, fit, monkeypatch):
    exact = as_recalled(fit, here)
    monkeypatch.setattr(memory, "BINNED_FROM", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fresh = summary(log=here_log(here))
    binned = as_recalled(fit, fresh)
    ours, theirs = (rfm.frame["memory"].to_numpy() / 2**30 for rfm in (binned, exact))
    assert np.unique(ours).size < 0.5 * np.unique(theirs).size
    few = here.frame["frequency"].to_numpy() < 2
    assert np.array_equal(ours[few], theirs[few])
    away = np.abs(np.sqrt(ours[~few]) - np.sqrt(theirs[~few]))
    assert away.max() < 1 / 128 + 1e-6


def here_log(rfm):
    days = rfm.log.purchase_days()
    return days.rename(columns={"day": "date", "spend": "amount"})


def test_a_relation_of_ones_own_gives_the_same(log, here, fit):
    connection = duckdb.connect()
    connection.register("orders", log)
    there = summary(connection.sql("SELECT customer_id, date::DATE AS date, amount FROM orders"))
    assert as_recalled(fit, there).frame.equals(as_recalled(fit, here).frame)
    assert pc.fit(pc.MBGNBD, there, memory=True).params == fit.params


@pytest.mark.slow
def test_spark_gives_the_same(spark, log, here, fit):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = summary(spark.createDataFrame(log.assign(date=log["date"].dt.date)))
        found = as_recalled(fit, there).frame
    assert found["memory"].tolist() == as_recalled(fit, here).frame["memory"].tolist()
    assert pc.fit(pc.MBGNBD, there, memory=True).params == pytest.approx(fit.params, rel=1e-9)
    model = pc.CLVModel(pc.MBGNBD, memory=True)
    ours, theirs = (model.fit(rfm).forecast("26 weeks", level=None).frame for rfm in (there, here))
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)
