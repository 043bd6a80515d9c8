"""Covariates of a log in Spark: what DuckDB finds, wherever the tables of covariates lie."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from test_covariates_dynamic_in import START, mailings
from test_covariates_in import END, shop

import predclv as pc
from predclv.errors import DataError, DataWarning
from predclv.summaries.looking_ahead import looking_ahead


def as_spark(spark, frame):
    import pyarrow as pa

    return spark.createDataFrame(pa.Table.from_pandas(frame, preserve_index=False))


@pytest.fixture(scope="module")
def tables():
    log, known = shop(120, ids="text")
    log = log.sample(frac=1.0, random_state=2)
    known["channel"] = known["channel"].where(known["customer_id"] != "c1003", None)
    log["date"] = log["date"].dt.date
    rows = mailings(known)
    rows["date"] = rows["date"].dt.date
    return log, known, rows


def summary(log, static, dynamic):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return pc.rfm_summary(
            log,
            observation_end=END,
            static_covariates=pc.CovariateTable(
                static, fill={"channel": "unknown"}, bins={"age": 2}, rare=0.05
            ),
            dynamic_covariates=pc.CovariateTable(dynamic, fill=START),
        )


def test_a_log_in_spark_has_the_paths_and_patterns_of_duckdb(spark, tables):
    log, known, rows = tables
    ours = summary(log, known, rows)
    assert ours.counts["customers_with_filled_covariates"] == 1
    later = rows.assign(date=rows["date"] + datetime.timedelta(days=300))
    later = later[later["customer_id"].isin(ours.frame["customer_id"])]
    in_spark = [as_spark(spark, table) for table in tables]
    for theirs in (summary(*in_spark), summary(in_spark[0], known, rows)):
        assert dict(theirs.counts) == dict(ours.counts)
        assert theirs.patterns.equals(ours.patterns)
        assert_frame_equal(theirs.frame, ours.frame, check_exact=True)
        assert_frame_equal(theirs.keyed_cells(), ours.keyed_cells(), check_exact=True)
        assert_frame_equal(theirs.spend_cells().frame, ours.spend_cells().frame, check_exact=True)
        assert_frame_equal(theirs.cells().paths.frame, ours.cells().paths.frame)
        assert_frame_equal(theirs.repeats_by_day_and_pattern(), ours.repeats_by_day_and_pattern())
    # Of the last, whose covariates were brought to Spark: the others' are the same tables there.
    future, expected = (looking_ahead(r, later, 60).cells() for r in (theirs, ours))
    assert_frame_equal(future.frame, expected.frame, check_exact=True)
    assert_frame_equal(future.ahead.frame, expected.ahead.frame)
    assert future.patterns.equals(expected.patterns)


def test_a_table_in_spark_comes_to_a_log_that_lies_elsewhere(spark, tables):
    log, known, rows = tables
    ours = summary(log, known, rows)
    theirs = summary(log, as_spark(spark, known), as_spark(spark, rows))
    assert_frame_equal(theirs.frame, ours.frame)
    assert_frame_equal(theirs.cells().paths.frame, ours.cells().paths.frame)


def test_scores_are_joined_by_pattern_on_the_cluster(spark, tables, tmp_path):
    log, known, _ = tables
    static = pc.CovariateTable(known, columns=["age", "member"])
    ours = pc.rfm_summary(log, observation_end=END, static_covariates=static)
    theirs = pc.rfm_summary(as_spark(spark, log), observation_end=END, static_covariates=static)
    cells = ours.keyed_cells()
    cells["score"] = cells["pattern"] * 1000.0 + np.arange(len(cells))
    ours.write_scored(cells, {"score": "c.score"}, tmp_path / "ours.parquet")
    theirs.write_scored(cells, {"score": "c.score"}, tmp_path / "theirs")
    found = pd.read_parquet(tmp_path / "theirs").sort_values("customer_id", ignore_index=True)
    assert_frame_equal(found, pd.read_parquet(tmp_path / "ours.parquet"))
    assert (found["score"] // 1000 == ours.frame["pattern"]).all()


def test_customers_without_a_row_are_named_in_spark_too(spark, tables):
    log, known, _ = tables
    fewer = known[known["customer_id"] > "c1001"].drop(columns="channel")
    with pytest.raises(DataError, match=r"2 customers have no row .* c1000, c1001"):
        pc.rfm_summary(as_spark(spark, log), static_covariates=as_spark(spark, fewer))
