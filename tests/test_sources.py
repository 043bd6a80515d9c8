"""Every kind of thing that may hold a log: read alike, or refused with what is wrong."""

import warnings

import duckdb
import pandas as pd
import polars as pl
import pytest
from handmade_logs import every_source, simulated_log
from pandas.testing import assert_frame_equal

from predclv.errors import DataError, OptionError, RefundWarning
from predclv.summaries.splits import holdout_split
from predclv.summaries.summarise import rfm_summary


@pytest.mark.parametrize("refunds", [False, True])
def test_every_kind_of_source_gives_the_same_summary(tmp_path, refunds):
    log = simulated_log(refunds=refunds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RefundWarning)
        expected = rfm_summary(log)
        for name, source in every_source(log, tmp_path).items():
            rfm = rfm_summary(source)
            assert_frame_equal(rfm.frame, expected.frame, check_exact=True, obj=name)
            assert rfm.counts == expected.counts, name
            assert_frame_equal(rfm.cells().frame, expected.cells().frame, obj=name)
            assert_frame_equal(rfm.log.purchases(), expected.log.purchases(), obj=name)
            split = holdout_split(source, calibration_end="2023-06-30")
            assert len(split.frame) == len(split.rfm), name


def test_anything_else_is_refused_with_a_list_of_what_is_accepted(small):
    for wrong in (3, None, small.to_dict("list"), small["amount"], pl.Series([1])):
        with pytest.raises(DataError, match="a pandas or polars DataFrame"):
            rfm_summary(wrong)


def test_columns_may_have_any_name(tmp_path, small):
    names = {"customer_id": 'the "id", or so', "date": "day of order", "amount": "umsatz.€'; --"}
    strange = small.rename(columns=names).assign(other=1)
    expected = rfm_summary(small).frame
    for name, source in every_source(strange, tmp_path).items():
        assert_frame_equal(rfm_summary(source, *names.values()).frame, expected, obj=name)


def test_file_names_may_hold_quotes_and_brackets(tmp_path, small):
    for name in ("o'brien [1].parquet", 'a "b" *.parquet'):
        small.to_parquet(tmp_path / name)
        assert len(rfm_summary(tmp_path / name)) == 3


def test_a_missing_column_is_named_with_the_near_one(tmp_path, small):
    wrong = small.rename(columns={"customer_id": "custmer_id"})
    for name, source in every_source(wrong, tmp_path).items():
        with pytest.raises(DataError, match=r"no column 'customer_id'.* Did you mean 'custmer_id'"):
            rfm_summary(source)
        assert name
    with pytest.raises(DataError, match=r"Did you mean 'amounts'\? .*say amount=None"):
        rfm_summary(small.rename(columns={"amount": "amounts"}))
    with pytest.raises(DataError, match="reset_index"):
        rfm_summary(small.set_index("customer_id"))
    with pytest.raises(DataError, match="2 columns called 'date'"):
        rfm_summary(pd.concat([small, small[["date"]]], axis="columns"))
    with pytest.raises(OptionError, match="one role"):
        rfm_summary(small, "date", "date")


def test_columns_that_differ_in_capitals_alone_are_not_confused(tmp_path, small):
    twins = small.assign(Date=pd.Timestamp("1999-01-01"))
    for name, source in every_source(twins, tmp_path).items():
        assert_frame_equal(rfm_summary(source).frame, rfm_summary(small).frame, obj=name)
    late = twins[["Date", "customer_id", "date", "amount"]]
    assert rfm_summary(late, date="date").frame["T"].max() > 0
    late.to_parquet(tmp_path / "late.parquet")
    with pytest.raises(DataError, match="no column 'date'"):  # SQL calls the second one date_1
        rfm_summary(tmp_path / "late.parquet")


def test_a_missing_file_is_named_with_the_near_one(tmp_path, small):
    small.to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(
        DataError, match=r"no file .*order\.parquet\. Did you mean 'orders.parquet'"
    ):
        rfm_summary(tmp_path / "order.parquet")
    with pytest.raises(DataError, match="no file"):
        rfm_summary(str(tmp_path / "none" / "*.csv"))
    with pytest.raises(DataError, match=r"is a folder; .*\*\.parquet"):
        rfm_summary(tmp_path)
    (tmp_path / "orders.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"read from \.parquet or \.csv files; got .*orders.xlsx"):
        rfm_summary(tmp_path / "orders.xlsx")
    small.to_csv(tmp_path / "orders.csv")
    with pytest.raises(DataError, match=r"partly \.parquet and partly \.csv"):
        rfm_summary([tmp_path / "orders.csv", tmp_path / "orders.parquet"])
    with pytest.raises(DataError, match="empty"):
        rfm_summary([])


def test_a_file_cut_short_is_an_error(tmp_path, small):
    small.to_parquet(tmp_path / "log.parquet")
    content = (tmp_path / "log.parquet").read_bytes()
    for length in (0, 3, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.parquet").write_bytes(content[:length])
        with pytest.raises(DataError, match="cut short"):
            rfm_summary(tmp_path / "cut.parquet")
    for text, said in (
        ("customer_id,date,amount\na,2024-01-01,1\nb,2024-0", "cut short"),
        ('customer_id,date,amount\na,2024-01-01,1\n"b,2024-01-02,3', "cut short"),
        ("", "empty"),
        ("customer_id,date,amount\n", "log is empty"),
    ):
        (tmp_path / "cut.csv").write_text(text)
        with pytest.raises(DataError, match=said):
            rfm_summary(tmp_path / "cut.csv")
    (tmp_path / "latin.csv").write_bytes(
        "customer_id,date,amount\nä,2024-01-01,1\n".encode("latin1")
    )
    with pytest.raises(DataError, match=r"(?i)utf-8"):
        rfm_summary(tmp_path / "latin.csv")


def test_a_relation_is_only_selected_from(small):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    connection.execute("CREATE TABLE orders AS SELECT * FROM small")
    settings = "SELECT name, value FROM duckdb_settings() ORDER BY name"
    objects = "SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views()"
    before = connection.execute(settings).fetchall(), set(connection.execute(objects).fetchall())
    rfm = rfm_summary(connection.table("orders").filter("amount > 6"))
    assert len(rfm) == len(rfm.frame) == 3
    assert rfm.frame.loc[0, "monetary_value"] == 20.0
    after = connection.execute(settings).fetchall(), set(connection.execute(objects).fetchall())
    assert after == before
