"""Dates and instants: the day that each one names, in which time zone, and what is no date."""

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from handmade_logs import every_source
from pandas.testing import assert_frame_equal

from predclv.clocks.days import civil_days
from predclv.errors import DataError, DataWarning, OptionError
from predclv.summaries.summarise import rfm_summary

# --- dates ---------------------------------------------------------------------------------------


def dated(dates, **options):
    frame = pd.DataFrame({"customer_id": 1, "date": dates})
    return rfm_summary(frame, amount=None, unit="day", **options)


@pytest.mark.parametrize(
    "dates",
    [
        ["2024-01-01", "2024-01-31"],
        ["2024-01-01 23:59:59", "2024-01-31T00:00:00.000001"],
        ["2024/1/1", "2024/01/31"],
        ["2024-01-01T23:30:00+02:00", "2024-01-31T00:30:00+02:00"],
        ["2024-01-01T00:00:00Z", "2024-01-31 23:59:59+00:00"],
        [dt.date(2024, 1, 1), dt.date(2024, 1, 31)],
        [dt.datetime(2024, 1, 1, 23), dt.datetime(2024, 1, 31)],
        np.array(["2024-01-01T23:59:59.999999999", "2024-01-31"], "datetime64[ns]"),
        pd.Categorical(["2024-01-01", "2024-01-31"]),
    ],
    ids=[
        "iso",
        "times",
        "slashes",
        "offset",
        "utc",
        "dates",
        "datetimes",
        "nanoseconds",
        "category",
    ],
)
def test_a_date_is_the_day_it_names(dates):
    rfm = dated(dates)
    assert rfm.frame["recency"].tolist() == [30.0]
    assert rfm.observation_end == dt.date(2024, 1, 31)


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (
            ["2024-01-01", "last week"],
            r"1 value of date column 'date' .*'last week'.*pd.to_datetime",
        ),
        (["31/12/2024", "01/12/2024"], "2 values of date column"),
        (["20240101", "20240102"], "could not be read as an ISO date"),
        (["2024-02-30", "2024-01-01"], "'2024-02-30'"),
        ([20240101, 20240102], r"holds numbers \(20240101, 20240102\).*format='%Y%m%d'"),
        ([1.7e9, 1.7e9], "holds numbers"),
        (["2024-01-01", None], "1 row has no date .*row position 1"),
        ([pd.Timestamp("2024-01-01"), pd.NaT], "1 row has no date"),
        ([True, False], "no date"),
        (["infinity", "2024-01-01"], "infinite or absurd"),
        (pd.period_range("2024-01", periods=2, freq="M"), "to_timestamp"),
        (pd.Series(["2024-01-01", dt.datetime(2024, 1, 1)], dtype=object), "mixes types"),
    ],
)
def test_dates_that_cannot_be_read_are_refused(dates, said):
    with pytest.raises(DataError, match=said):
        dated(dates)


@pytest.mark.parametrize("source", ["frame", "csv", "parquet"])
def test_a_few_bad_dates_are_named_with_their_customers(small, tmp_path, source):
    log = small.astype({"date": str})
    log.loc[1, "date"], log.loc[3, "date"] = "1997-02-30", "20x9-12-18"
    given = {"frame": log, "csv": tmp_path / "log.csv", "parquet": tmp_path / "log.parquet"}[source]
    if source != "frame":
        getattr(log, f"to_{source}")(given, index=False)
    with pytest.raises(DataError) as refused:
        rfm_summary(given)
    for row in (1, 3):
        of = f"'{log['date'][row]}' of customer {log['customer_id'][row]}"
        assert of in str(refused.value)
        assert source != "frame" or f"{of} at row position {row}" in str(refused.value)
    assert "%d/%m/%Y" not in str(refused.value)
    assert f"The other {len(log) - 2} could" in str(refused.value)


def test_a_bad_date_among_days_is_named_by_its_row():
    with pytest.raises(DataError, match=r"'2024-02-30' in row 1\. Correct"):
        civil_days(["2024-01-01", "2024-02-30", "2024-03-01"], "days")


def test_the_end_may_be_said_in_any_form(small):
    expected = rfm_summary(small, observation_end="2024-02-01").frame
    for end in (
        dt.date(2024, 2, 1),
        dt.datetime(2024, 2, 1, 23, 59),
        pd.Timestamp("2024-02-01 12:00", tz="Asia/Tokyo"),
        np.datetime64("2024-02-01"),
        "2024-02-01T10:00",
    ):
        assert_frame_equal(rfm_summary(small, observation_end=end).frame, expected)
    for wrong in ("01/02/2024", "soon", 20240201, pd.NaT, np.datetime64("NaT", "D")):
        with pytest.raises(OptionError, match="observation_end must be a date"):
            rfm_summary(small, observation_end=wrong)
    with pytest.raises(DataError, match="observation_end 2023-12-31 is before every purchase"):
        rfm_summary(small, observation_end="2023-12-31")


# --- time zones ----------------------------------------------------------------------------------


@pytest.fixture
def berlin():
    """Half past midnight in Berlin: still the day before in UTC; across the change of clocks."""
    local = ["2024-01-01 00:30", "2024-03-31 00:30", "2024-03-31 23:30", "2024-04-01 00:30"]
    return pd.DataFrame(
        {
            "customer_id": 1,
            "date": pd.to_datetime(local).tz_localize("Europe/Berlin"),
            "amount": 1.0,
        }
    )


def recency_of(source, **options):
    return (
        rfm_summary(source, unit="day", **options).frame.loc[0, ["frequency", "recency"]].tolist()
    )


def test_an_instant_counts_on_the_day_of_its_own_zone(tmp_path, berlin):
    berlin.to_parquet(tmp_path / "pandas.parquet")
    pl.from_pandas(berlin).write_parquet(tmp_path / "polars.parquet")
    nanoseconds = berlin.astype({"date": "datetime64[ns, Europe/Berlin]"})
    python = berlin.assign(date=berlin["date"].astype(object))
    for source in (
        berlin,
        nanoseconds,
        python,
        pl.from_pandas(berlin),
        pa.Table.from_pandas(berlin),
        tmp_path / "pandas.parquet",
        tmp_path / "polars.parquet",
    ):
        rfm = rfm_summary(source, unit="day")
        # Jan 1 to Apr 1; Mar 31 twice is one purchase
        assert rfm.frame.loc[0, ["frequency", "recency"]].tolist() == [2, 91]
        assert rfm.observation_end == dt.date(2024, 4, 1)
        assert rfm_summary(source, timezone="UTC").observation_end == dt.date(2024, 3, 31)
        assert rfm_summary(source, timezone="-11:00").observation_end == dt.date(2024, 3, 31)
        assert rfm_summary(source, timezone="Asia/Tokyo").observation_end == dt.date(2024, 4, 1)


def test_a_fixed_offset_is_a_zone(berlin):
    fixed = pd.DataFrame(
        {"customer_id": 1, "date": pd.to_datetime(["2024-01-01T00:30+05:30"]), "amount": 1.0}
    )
    assert rfm_summary(fixed).observation_end == dt.date(2024, 1, 1)
    assert rfm_summary(fixed, timezone="UTC").observation_end == dt.date(2023, 12, 31)
    early = fixed.assign(date=pd.to_datetime(["1969-12-31T23:30+00:00"]))
    assert rfm_summary(early).observation_end == dt.date(1969, 12, 31)


@pytest.mark.parametrize("session", ["America/New_York", "Asia/Tokyo"])
def test_the_session_has_no_say_but_where_it_is_all_there_is(tmp_path, berlin, session):
    connection = duckdb.connect()
    connection.register("berlin", pa.Table.from_pandas(berlin))
    connection.execute(f"SET TimeZone = '{session}'")
    connection.execute(f"COPY (FROM berlin) TO '{tmp_path / 'instants.parquet'}'")
    with pytest.warns(DataWarning, match="taken in UTC: .*Say timezone="):
        rfm = rfm_summary(tmp_path / "instants.parquet")
    assert rfm.observation_end == dt.date(2024, 3, 31)
    relation = connection.table("berlin")
    assert recency_of(relation, timezone="Europe/Berlin") == [2, 91]
    assert recency_of(tmp_path / "instants.parquet", timezone="Europe/Berlin") == [2, 91]
    with pytest.warns(DataWarning, match=f"taken in {session}, the TimeZone setting"):
        there = rfm_summary(relation)
    assert there.observation_end == berlin["date"].dt.tz_convert(session).max().date()


def test_mixed_zones_need_a_zone(tmp_path, berlin):
    text = ["2024-01-01T00:30+01:00", "2024-06-01T00:30+02:00"]
    python = pd.Series([dt.datetime.fromisoformat(value) for value in text], dtype=object)
    for dates in (text, python):
        with pytest.raises(DataError, match="mixed time zones"):
            dated(dates)
        assert dated(dates, timezone="Europe/Berlin").observation_end == dt.date(2024, 6, 1)
        assert dated(dates, timezone="UTC").observation_end == dt.date(2024, 5, 31)
    for half in (
        ["2024-01-01T00:30+01:00", "2024-06-01T00:30"],
        [python[0], dt.datetime(2024, 1, 1)],
    ):
        dates = pd.Series(half, dtype=object)
        for options in ({}, {"timezone": "UTC"}):
            with pytest.raises(DataError, match="mixed time zones"):
                dated(dates, **options)
    berlin.to_parquet(tmp_path / "1.parquet")
    berlin.assign(date=berlin["date"].dt.tz_convert("Asia/Tokyo")).to_parquet(
        tmp_path / "2.parquet"
    )
    with pytest.raises(DataError, match="mixed time zones"):
        rfm_summary(str(tmp_path / "*.parquet"))


def test_a_zone_for_dates_without_one_is_refused(tmp_path, small):
    for source in every_source(small, tmp_path).values():
        with pytest.raises(OptionError, match="have no zone"):
            rfm_summary(source, timezone="Europe/Berlin")


def test_an_unknown_zone_is_refused_with_the_near_one(berlin):
    with pytest.raises(OptionError, match="Did you mean 'Europe/Berlin'"):
        rfm_summary(berlin, timezone="Europe/Berlim")
    with pytest.raises(OptionError, match="timezone must be a name"):
        rfm_summary(berlin, timezone=1)
