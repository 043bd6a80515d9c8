"""A log that lies in Spark: the integers that DuckDB finds, and a session left as it was found."""

import gc
import importlib.util
import json
import os
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal
from spark_sessions import SESSION_ZONE

import predclv as pc
from predclv.errors import (
    DataError,
    DataWarning,
    DuplicateWarning,
    LargeOrderWarning,
    ObservationEndWarning,
    RefundWarning,
    SharedAccountWarning,
    StoreError,
)

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"]
BROKEN = {DuplicateWarning, LargeOrderWarning, ObservationEndWarning, SharedAccountWarning}


def orders(seed=1, n=3000):
    """A log with refunds, same-day purchases, and instants on both sides of every midnight."""
    rng = np.random.default_rng(seed)
    amount = np.round(rng.gamma(2.0, 15.0, n), 2)
    amount[rng.random(n) < 0.1] *= -1
    day = np.datetime64("2023-01-01", "us") + rng.integers(0, 500, n) * np.timedelta64(1, "D")
    minute = rng.integers(0, 24 * 4, n) * 15 * 60 * 1_000_000 - rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(1, 700, n),
            "date": day + minute.astype("timedelta64[us]"),
            "amount": amount,
        }
    )


@pytest.fixture(scope="module")
def log_file(tmp_path_factory):
    """The log as a Parquet file, its dates instants."""
    path = tmp_path_factory.mktemp("log") / "instants.parquet"
    frame = orders()
    frame.loc[:5, "date"] -= pd.Timedelta(days=60 * 365)  # before 1970
    pq.write_table(
        pa.Table.from_pandas(frame.assign(date=frame["date"].dt.tz_localize("UTC"))), path
    )
    return str(path)


@pytest.fixture(scope="module")
def local_file(tmp_path_factory):
    """The log as a Parquet file, its dates without zone."""
    path = tmp_path_factory.mktemp("log") / "local.parquet"
    pq.write_table(pa.Table.from_pandas(orders(2)), path)
    return str(path)


def both(spark, source, **options):
    """The summaries of DuckDB and of Spark, of a file or of a table."""
    if isinstance(source, pa.Table):
        frame = spark.createDataFrame(source)
    else:
        frame = spark.read.parquet(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefundWarning)
        return pc.rfm_summary(source, **options), pc.rfm_summary(frame, **options)


def assert_same(ours, theirs):
    assert dict(theirs.counts) == dict(ours.counts)
    assert theirs.observation_end == ours.observation_end
    assert_frame_equal(theirs.keyed_cells(), ours.keyed_cells(), check_exact=True)
    if ours.has_spend:
        assert_frame_equal(theirs.spend_cells().frame, ours.spend_cells().frame, check_exact=True)
        assert theirs.spend_cells().left_out == ours.spend_cells().left_out


@pytest.mark.parametrize("zone", [*ZONES, "-05:30"])
def test_cells_are_those_of_duckdb_in_every_zone_whatever_the_sessions_is(spark, log_file, zone):
    ours, theirs = both(spark, log_file, timezone=zone)
    assert_same(ours, theirs)
    assert spark.conf.get("spark.sql.session.timeZone") == SESSION_ZONE


def test_zones_matter_on_this_log(log_file):
    """Otherwise the test before would show nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefundWarning)
        found = [pc.rfm_summary(log_file, timezone=zone).cells().frame for zone in ZONES]
    assert all(not found[0].equals(other) for other in found[1:])


@pytest.mark.parametrize("refunds", ["net", "drop"])
def test_dates_without_zone_and_refunds_are_summarised_as_by_duckdb(spark, local_file, refunds):
    ours, theirs = both(spark, local_file, refunds=refunds, unit="day")
    assert_same(ours, theirs)
    assert_frame_equal(theirs.frame, ours.frame, check_exact=True)


def test_ansi_mode_makes_no_difference(spark, local_file):
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"  # as in the tests before
    spark.conf.set("spark.sql.ansi.enabled", "false")
    try:
        assert_same(*both(spark, local_file))
        assert spark.conf.get("spark.sql.ansi.enabled") == "false"
    finally:
        spark.conf.set("spark.sql.ansi.enabled", "true")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("customer_id", pa.array([f"it's {i}" for i in range(40)] * 5)),
        ("customer_id", pa.array([float(i) for i in range(40)] * 5)),
        ("amount", pa.array([pa.scalar(i, pa.decimal128(9, 2)).as_py() for i in range(200)])),
        ("amount", pa.array(range(200), pa.int32())),
        ("amount", pa.array(np.arange(200, dtype=np.float32) / 4)),
    ],
    ids=["text ids", "decimal ids", "decimals", "integers", "float32"],
)
def test_columns_of_other_types_give_the_same(spark, column, values):
    rng = np.random.default_rng(3)
    day = np.datetime64("2024-01-01", "D") + rng.integers(0, 90, 200)
    table = pa.table(
        {"customer_id": pa.array(rng.integers(0, 50, 200)), "date": day, "amount": np.ones(200)}
    )
    place = table.column_names.index(column)
    ours, theirs = both(spark, table.set_column(place, column, values))
    assert_same(ours, theirs)
    assert_frame_equal(theirs.frame, ours.frame, check_exact=True)


def test_amounts_of_five_decimals_are_rounded_alike(spark):
    rng = np.random.default_rng(4)
    table = pa.table(
        {
            "customer_id": rng.integers(0, 30, 300),
            "date": np.datetime64("2024-01-01", "D") + rng.integers(0, 90, 300),
            "amount": rng.integers(0, 10**7, 300) / 100_000,
        }
    )
    told = []
    for source in (table, spark.createDataFrame(table)):
        with pytest.warns(DataWarning, match="more than 4 decimals") as caught:
            told.append((pc.rfm_summary(source), str(caught[0].message)))
    assert_same(told[0][0], told[1][0])
    assert told[0][1] == told[1][1]


def test_instants_without_a_zone_given_are_days_of_the_sessions_zone_and_it_is_said(
    spark, log_file
):
    with pytest.warns(DataWarning, match=f"in {SESSION_ZONE}, the time zone of the Spark session"):
        theirs = pc.rfm_summary(spark.read.parquet(log_file), amount=None)
    assert_same(pc.rfm_summary(log_file, amount=None, timezone=SESSION_ZONE), theirs)


def test_the_session_keeps_its_settings_its_views_and_its_cache(spark, local_file):
    frame = spark.read.parquet(local_file).cache()
    before = (
        dict(spark.sparkContext.getConf().getAll()),
        {row.key: row.value for row in spark.sql("SET").collect()},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefundWarning)
        rfm = pc.rfm_summary(frame)
    rfm.cells()
    kept = spark._jsparkSession.sharedState().cacheManager()
    assert not kept.isEmpty()
    assert frame.storageLevel.useMemory
    assert "InMemory" in frame.where("amount > 0")._jdf.queryExecution().toString()
    assert spark.catalog.listTables() == []
    assert before == (
        dict(spark.sparkContext.getConf().getAll()),
        {row.key: row.value for row in spark.sql("SET").collect()},
    )
    frame.unpersist()
    del rfm
    gc.collect()
    assert kept.isEmpty()


def test_a_summary_is_computed_once_whatever_becomes_of_another(spark, local_file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefundWarning)
        rfm, other = (pc.rfm_summary(spark.read.parquet(local_file)) for _ in range(2))
    other.cells()
    del other
    gc.collect()
    answer = rfm.log.warehouse._answer(f"SELECT count(*) FROM {rfm._summary._table}")
    assert "InMemoryTableScan" in answer._jdf.queryExecution().toString()


def scores(rfm):
    cells = rfm.cells()
    return rfm.keyed_cells().assign(rate=np.sqrt(cells.frequency) + cells.recency / (1 + cells.T))


SCORES = {"p alive": "c.rate", "worth": "c.rate * (10 + s.monetary_value) / (s.T + 1)"}


def test_scores_written_by_spark_are_those_of_duckdb(spark, local_file, tmp_path):
    ours, theirs = both(spark, local_file)
    ours.write_scored(scores(ours), SCORES, tmp_path / "ours.parquet")
    folder = tmp_path / "theirs.parquet"
    rows = theirs.write_scored(scores(theirs), SCORES, folder, {"predclv.unit": "week"})
    assert rows == len(ours)
    assert (folder / "_SUCCESS").is_file()
    written = pd.read_parquet(folder).sort_values("customer_id", ignore_index=True)
    assert_frame_equal(written, pd.read_parquet(tmp_path / "ours.parquet"), rtol=1e-12, atol=0)
    schema = pq.read_metadata(next(folder.glob("*.parquet"))).metadata
    fields = json.loads(schema[b"org.apache.spark.sql.parquet.row.metadata"])["fields"]
    assert fields[0]["metadata"] == {"predclv.unit": "week"}
    with pytest.raises(StoreError, match=r"could not write .*exists already.*name another\.$"):
        theirs.write_scored(scores(theirs), SCORES, folder)


def test_a_table_of_other_cells_is_an_error_and_nothing_is_written(spark, local_file, tmp_path):
    _, theirs = both(spark, local_file)
    with pytest.raises(DataError, match="no cell in the table"):
        theirs.write_scored(scores(theirs).iloc[5:], SCORES, tmp_path / "s.parquet")
    assert list(tmp_path.iterdir()) == []


def test_purchases_days_and_a_holdout_are_those_of_duckdb(spark, local_file):
    ours, theirs = both(spark, local_file)
    assert_frame_equal(theirs.log.purchases(), ours.log.purchases())
    assert_frame_equal(theirs.log.purchase_days(), ours.log.purchase_days())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefundWarning)
        a, b = (
            pc.holdout_split(source, calibration_end="2024-01-01")
            for source in (local_file, spark.read.parquet(local_file))
        )
    assert_frame_equal(a.frame, b.frame)
    assert (a.new_customers, a.duration) == (b.new_customers, b.duration)


def test_a_fit_to_cells_from_spark_is_that_of_duckdb(spark, cdnow_log):
    dated = cdnow_log.assign(date=cdnow_log["date"].dt.date)
    ours, theirs = both(spark, pa.Table.from_pandas(dated, preserve_index=False))
    assert pc.fit(pc.BGNBD, ours).params == pc.fit(pc.BGNBD, theirs).params


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"date": "day"}, "no column 'day'"),
        ({"customer_id": "amount", "amount": None}, "holds decimal numbers"),
    ],
)
def test_a_wrong_column_is_named(spark, local_file, change, message):
    with pytest.raises(DataError, match=message):
        pc.rfm_summary(spark.read.parquet(local_file), **change)


def test_text_dates_missing_values_and_no_rows_are_errors(spark):
    rows = pa.table({"customer_id": [1, None], "date": ["2024-01-01"] * 2, "amount": [1.0, 2.0]})
    frame = spark.createDataFrame(rows)
    with pytest.raises(DataError, match=r"holds text.*to_date\('date'"):
        pc.rfm_summary(frame)
    dated = frame.selectExpr("customer_id", "CAST(date AS DATE) AS date", "amount")
    twice = dated.select("customer_id", "date", "date", "amount")
    with pytest.raises(DataError, match="several columns called 'date'"):
        pc.rfm_summary(twice)
    with pytest.raises(DataError, match="1 row has no customer_id"):
        pc.rfm_summary(dated)
    with pytest.raises(DataError, match="is empty"):
        pc.rfm_summary(dated.where("amount < 0"))
    infinite = dated.selectExpr("7 AS customer_id", "date", "CAST('Infinity' AS DOUBLE) AS amount")
    with pytest.raises(DataError, match=r"an infinite amount .*customers 7\)"):
        pc.rfm_summary(infinite)


def test_a_frame_that_fails_when_it_is_read_says_so_briefly(spark, local_file):
    frame = spark.read.parquet(local_file).selectExpr(
        "customer_id", "date", "CAST(raise_error('no such disk') AS DOUBLE) AS amount"
    )
    with pytest.raises(DataError, match="Spark could not read the log") as caught:
        pc.rfm_summary(frame)
    assert len(str(caught.value)) < 600


@pytest.mark.usefixtures("spark")  # skips where there is none
def test_a_connect_session_gives_the_same(log_file, local_file, tmp_path):
    """In a process of its own, since a classic and a Connect session cannot share one."""
    if importlib.util.find_spec("grpc") is None:
        pytest.skip("grpc is absent: pyspark[connect] brings it")
    script = f"""
        import sys, warnings
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession
        import spark_sessions
        import test_spark as t
        spark = spark_sessions.started(SparkSession.builder.remote("local[2]"))
        assert "connect" in type(spark).__module__
        t.assert_same(*t.both(spark, {log_file!r}, timezone=t.ZONES[1]))
        from pathlib import Path
        folder = Path({str(tmp_path)!r})
        t.test_scores_written_by_spark_are_those_of_duckdb(spark, {local_file!r}, folder)
        t.test_text_dates_missing_values_and_no_rows_are_errors(spark)
        assert spark.catalog.listTables() == []
        assert spark.conf.get("spark.sql.session.timeZone") == t.SESSION_ZONE
        print("the same")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip().endswith("the same"), done.stderr[-3000:]


@pytest.mark.parametrize("amount", ["amount", None])
def test_what_looks_broken_is_said_in_the_words_of_duckdb(spark, cdnow_log, amount):
    log = cdnow_log.assign(customer_id=cdnow_log["customer_id"].astype("int64"))
    log.loc[np.random.default_rng(1).random(len(log)) < 0.2, "customer_id"] = 0
    log.loc[log.index[log["customer_id"] == 6][-1], "amount"] = 50_000.0
    log = pd.concat([log, log])
    said = []
    for source in (log, spark.createDataFrame(pa.Table.from_pandas(log, preserve_index=False))):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pc.rfm_summary(source, amount=amount, observation_end="2007-06-30", timezone=None)
        said.append([(it.category, str(it.message)) for it in caught if it.category in BROKEN])
    assert said[0] == said[1]
    assert {kind for kind, _ in said[0]} == BROKEN - (set() if amount else {LargeOrderWarning})
