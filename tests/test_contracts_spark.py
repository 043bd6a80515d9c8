"""Contracts and opportunities in Spark: the very integers that DuckDB counts."""

import warnings

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import predclv as pc
from predclv.errors import DataError

pytestmark = pytest.mark.slow


def in_spark(spark, frame, dates):
    """A table in Spark; days as dates, none as null."""
    own = frame.astype(object).where(frame.notna(), None)
    for name in dates:
        own[name] = [None if day is None else pd.Timestamp(day).date() for day in own[name]]
    types = {"customer_id": "bigint", "plan": "string", "region": "string"}
    schema = ", ".join(f"{n} {'date' if n in dates else types[n]}" for n in own)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spark.createDataFrame([tuple(row) for row in own.itertuples(index=False)], schema)


@pytest.fixture(scope="module")
def contracts():
    """Contracts that begin on any day, month ends and 29 February among them."""
    rng, n = np.random.default_rng(8), 1500
    start = pd.Timestamp("2019-12-25") + pd.to_timedelta(rng.integers(0, 800, n), unit="D")
    end = start + pd.to_timedelta(rng.integers(0, 900, n), unit="D")
    frame = pd.DataFrame({"customer_id": np.arange(n), "start": start, "end": end})
    frame["end"] = frame["end"].where(rng.random(n) < 0.7)
    frame["plan"] = rng.choice(["basic", "pro"], n)
    return frame


@pytest.mark.parametrize("period", ["month", "year"])
@pytest.mark.filterwarnings("ignore:.*in the middle of a")
def test_contracts_count_alike(spark, contracts, period):
    known = contracts[["customer_id"]].assign(
        region=np.where(contracts["customer_id"] % 3 == 0, "north", "south")
    )
    asked = {"period": period, "by": "plan", "observation_end": "2022-01-31"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*after observation_end")
        warnings.filterwarnings("ignore", ".*are of people without a contract")
        ours = pc.renewals(contracts, static_covariates=known, **asked)
        own = in_spark(spark, contracts, ["start", "end"])
        theirs = pc.renewals(own, static_covariates=in_spark(spark, known, []), **asked)
    order = list(ours.histories)
    assert_frame_equal(
        theirs.histories.sort_values(order).reset_index(drop=True),
        ours.histories.sort_values(order).reset_index(drop=True),
        check_dtype=False,
    )
    assert theirs.patterns.equals(ours.patterns)
    assert (theirs.n_running, theirs.observation_end) == (ours.n_running, ours.observation_end)
    assert_frame_equal(theirs.subscribers.frame(), ours.subscribers.frame(), check_dtype=False)


def test_wrong_contracts_are_named_in_spark_too(spark, contracts):
    swapped = contracts.head(50).rename(columns={"start": "end", "end": "start"}).dropna()
    with pytest.raises(DataError, match="wrong way round"):
        pc.renewals(in_spark(spark, swapped, ["start", "end"]))
    twice = pd.concat([contracts.head(30), contracts.head(5)])
    with pytest.raises(DataError, match="overlap an earlier one"):
        pc.renewals(in_spark(spark, twice, ["start", "end"]))
    text = in_spark(spark, contracts.head(9), ["start", "end"]).selectExpr(
        "customer_id", "start", "CAST(end AS STRING) AS end"
    )
    with pytest.raises(DataError, match="to_date"):
        pc.renewals(text)


def test_opportunities_count_alike(spark):
    rng, n = np.random.default_rng(2), 4000
    log = pd.DataFrame({"customer_id": rng.integers(0, 500, n)})
    log["date"] = pd.Timestamp("2014-03-01") + pd.to_timedelta(rng.integers(0, 2500, n), unit="D")
    log["region"] = np.where(log["customer_id"] % 2, "north", "south")
    asked = {"period": "week", "by": "region", "observation_end": "2020-12-31"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is not over")
        ours = pc.opportunities(log, **asked)
        theirs = pc.opportunities(in_spark(spark, log, ["date"]), **asked)
    assert_frame_equal(theirs.histories, ours.histories, check_dtype=False)
    one, two = ours.split(3), theirs.split(3)
    assert_frame_equal(one.came, two.came, check_dtype=False)
    assert one.by_period.tolist() == two.by_period.tolist()
    assert_frame_equal(ours.subscribers.frame(), theirs.subscribers.frame(), check_dtype=False)
