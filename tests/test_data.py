"""From a log to a summary: every source, every convention, every kind of bad input."""

import dataclasses
import datetime as dt
import json
import math
import shutil
import uuid
import warnings
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from predclv.errors import DataError, DataWarning, OptionError, RefundWarning, StoreError
from predclv.io.files import read_json, write_csv, write_json, write_parquet
from predclv.io.folders import read_folder, write_folder
from predclv.logs.datasets import load_cdnow
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import holdout_split
from predclv.summaries.summarise import rfm_summary, summary_of
from predclv.warehouse.duckdb_files import write_table

CALIBRATION_END = "1997-09-30"


@pytest.fixture(scope="module")
def cdnow():
    return load_cdnow()


@pytest.fixture(scope="module")
def calibration(cdnow):
    return cdnow[cdnow["date"] <= CALIBRATION_END]


def log_of(rows, columns=("customer_id", "date", "amount")):
    """A small log; text dates become datetimes."""
    frame = pd.DataFrame(rows, columns=list(columns))
    if "date" in frame:
        frame["date"] = pd.to_datetime(frame["date"])
    return frame


@pytest.fixture
def small():
    return log_of(
        [
            (1, "2024-01-01", 10.0),
            (1, "2024-01-15", 20.0),
            (1, "2024-01-15", 5.5),
            (2, "2024-01-08", 12.25),
            (3, "2024-01-02", 7.0),
            (3, "2024-01-30", 8.0),
        ]
    )


def simulated_log(seed=1, n=4000, refunds=True):
    rng = np.random.default_rng(seed)
    amounts = np.round(rng.gamma(2.0, 15.0, n), 2)
    if refunds:
        amounts[rng.random(n) < 0.1] *= -1
    day = np.datetime64("2023-01-01") + rng.integers(0, 300, n)
    return pd.DataFrame(
        {
            "customer_id": rng.integers(1, 900, n),
            "date": day.astype("datetime64[s]") + rng.integers(0, 86_400, n),
            "amount": amounts,
        }
    )


def recomputed(log, end, refunds):
    """The summary once more, in plain pandas and exact decimals of the cent."""
    log = log.assign(
        day=log["date"].dt.normalize(), cents=(log["amount"] * 100).round().astype(int)
    )
    log["bought"] = log["cents"] >= 0
    if refunds == "drop":
        log = log[log["bought"]]
    days = log.groupby(["customer_id", "day"]).agg(cents=("cents", "sum"), bought=("bought", "any"))
    days = days[days["bought"]].reset_index()
    rows = []
    for customer, own in days.groupby("customer_id"):
        first, repeat = own["day"].min(), own.sort_values("day")["cents"].iloc[1:]
        rows.append(
            {
                "customer_id": customer,
                "frequency": len(repeat),
                "recency": (own["day"].max() - first).days / 7,
                "T": (pd.Timestamp(end) - first).days / 7,
                "monetary_value": repeat.sum() / 100 / len(repeat) if len(repeat) else 0.0,
            }
        )
    return pd.DataFrame(rows)


# --- the convention ------------------------------------------------------------------------------


def test_cdnow_calibration_has_the_papers_counts(calibration):
    # Fader, Hardie and Lee (2005), Marketing Science 24(2), section 4.
    rfm = rfm_summary(calibration, observation_end=CALIBRATION_END)
    frame = rfm.frame
    assert len(rfm) == len(frame) == 2357
    assert frame["frequency"].sum() == rfm.counts["repeat_purchases"] == 2457
    assert (frame["frequency"] > 0).sum() == 946
    assert round(frame["T"].min(), 3) == 27.000
    assert round(frame["T"].max(), 3) == 38.857
    assert rfm.observation_end == dt.date(1997, 9, 30)


def test_rows_after_the_end_are_left_out_with_a_count(cdnow, calibration):
    with pytest.warns(DataWarning, match=r"1,959 rows are after observation_end 1997-09-30") as got:
        whole = rfm_summary(cdnow, observation_end=CALIBRATION_END)
    assert got[0].filename == __file__
    assert_frame_equal(whole.frame, rfm_summary(calibration, observation_end=CALIBRATION_END).frame)
    assert whole.counts["rows_after_end"] == len(cdnow) - len(calibration)
    assert whole.counts["customers_after_end"] == 0


def test_customers_whose_rows_are_all_after_the_end_are_counted(small):
    with pytest.warns(DataWarning, match="3 rows are after .* and with them 1 customer altogether"):
        rfm = rfm_summary(small.iloc[[0, 1, 2, 3]], observation_end="2024-01-07")
    assert rfm.counts["customers_after_end"] == 1
    assert rfm.frame["customer_id"].tolist() == [1]


def test_unmerged_same_day_rows_would_be_146_more_repeat_purchases(calibration):
    rfm = rfm_summary(calibration, observation_end=CALIBRATION_END)
    assert rfm.counts["same_day_rows_merged"] == 2603 - 2457
    assert len(calibration) - 2357 == 2603


def test_cdnow_over_78_weeks_has_4339_repeat_purchases(cdnow):
    assert rfm_summary(cdnow).frame["frequency"].sum() == 4339


def test_cdnow_holdout_has_1882_repeat_purchases(cdnow):
    split = holdout_split(cdnow, calibration_end=CALIBRATION_END)
    assert split.frame["frequency_holdout"].sum() == 1882
    assert split.duration == 39
    assert (split.frame["duration_holdout"] == 39).all()
    assert split.new_customers == 0
    assert len(split) == 2357


def test_all_of_cdnow_has_23570_customers():
    master = load_cdnow("master")
    assert master["customer_id"].nunique() == 23_570
    assert (rfm_summary(master).frame["frequency"] == 0).sum() == 12_054
    with pytest.raises(OptionError, match="Did you mean 'master'"):
        load_cdnow("mastre")


@pytest.mark.parametrize("refunds", ["net", "drop"])
def test_a_plain_pandas_loop_gives_the_same_summary(refunds):
    log = simulated_log()
    with pytest.warns(RefundWarning):
        rfm = rfm_summary(log, observation_end="2023-12-31", refunds=refunds)
    expected = recomputed(log, "2023-12-31", refunds)
    # the loop divides cents, ours 1e-4 units: one rounding apart
    assert_frame_equal(rfm.frame, expected, check_dtype=False, rtol=1e-15)
    assert rfm.counts["refund_rows"] == (log["amount"] < 0).sum()


def test_a_plain_pandas_loop_gives_the_same_holdout():
    log = simulated_log(refunds=False)
    split = holdout_split(log, calibration_end="2023-04-30", holdout_end="2023-08-31", unit="day")
    assert_frame_equal(
        split.frame[["customer_id", "frequency", "recency", "T", "monetary_value"]],
        recomputed(log[log["date"] < "2023-05-01"], "2023-04-30", "net").assign(
            recency=lambda f: (f["recency"] * 7).round(), T=lambda f: (f["T"] * 7).round()
        ),
        check_dtype=False,
    )
    later = log[(log["date"] >= "2023-05-01") & (log["date"] < "2023-09-01")]
    spent = later.groupby("customer_id")["amount"].sum().round(2)
    bought = later.assign(day=later["date"].dt.normalize()).groupby("customer_id")["day"].nunique()
    known = split.frame.set_index("customer_id")
    wanted = bought.reindex(known.index, fill_value=0)
    assert (known["frequency_holdout"] == wanted).all()
    assert known["spend_holdout"].to_numpy() == pytest.approx(
        spent.reindex(known.index, fill_value=0).to_numpy(), abs=1e-9
    )
    assert split.new_customers == len(set(later["customer_id"]) - set(known.index))
    assert (known["duration_holdout"] == 123).all()


def test_days_are_seven_times_weeks(small):
    weeks, days = rfm_summary(small).frame, rfm_summary(small, unit="day").frame
    assert (weeks["T"] == days["T"] / 7).all()
    assert (weeks["recency"] == days["recency"] / 7).all()
    assert (rfm_summary(small, unit="month").frame["T"] == days["T"] / 30.4375).all()
    assert days["T"].tolist() == [29.0, 22.0, 28.0]


@pytest.mark.parametrize("last", ["2010-06-30", "2023-06-30"], ids=["packed", "not packed"])
@pytest.mark.parametrize("first", [0.0, 9.99, 3.7e11, 7e11])
def test_the_first_days_spend_is_left_out_to_the_unit_however_large_it_is(first, last):
    rows = [
        (1, last, 0.0001),
        (1, "2010-01-01", first),
        (1, "2010-03-01", 12.34),
        (1, "2010-01-01", 0.01),
        (2, last, 1.0),
        (3, "2010-03-01", 2.5),
        (3, last, 3.25),
        (3, last, 0.5),
    ]
    spend = rfm_summary(log_of(rows)).frame["monetary_value"]
    assert spend.tolist() == [123401 / 10_000 / 2, 0.0, 3.75]


def test_shuffled_rows_give_bit_identical_answers():
    log = simulated_log(refunds=False)
    shuffled = log.sample(frac=1, random_state=3)
    first, second = rfm_summary(log), rfm_summary(shuffled)
    assert_frame_equal(first.frame, second.frame, check_exact=True)
    for one, other in (
        (first.cells(), second.cells()),
        (first.spend_cells(), second.spend_cells()),
    ):
        assert_frame_equal(one.frame, other.frame, check_exact=True)


def test_cells_hold_every_customer_once():
    rfm = rfm_summary(simulated_log(refunds=False))
    cells, spend = rfm.cells(), rfm.spend_cells()
    history = rfm.frame.groupby(["frequency", "recency", "T"]).size()
    assert cells.n_customers == len(rfm)
    assert len(cells) == len(history) < len(rfm)
    assert cells.weight.dtype == np.int64
    assert cells.frame["recency"].tolist() == history.index.get_level_values(1).tolist()
    repeaters = rfm.frame[rfm.frame["frequency"] > 0]
    assert spend.n_customers + spend.left_out == len(repeaters)
    assert (spend.weight * spend.monetary_value * spend.frequency).sum() == pytest.approx(
        (repeaters["monetary_value"] * repeaters["frequency"]).sum()
    )


def test_cells_of_a_frame_are_those_of_the_log():
    rfm = rfm_summary(simulated_log(refunds=False))
    again = RFM.from_frame(rfm.frame, unit="week")
    assert_frame_equal(again.frame, rfm.frame)
    assert_frame_equal(again.cells().frame, rfm.cells().frame, check_exact=True)
    assert_frame_equal(again.spend_cells().frame, rfm.spend_cells().frame, check_exact=True)
    assert again.log is None


def test_a_summary_cannot_be_changed(small):
    rfm = rfm_summary(small)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rfm.unit = "day"
    with pytest.raises(TypeError):
        rfm.counts["rows"] = 0
    frame = rfm.frame
    frame.loc[0, "T"] = -1.0
    assert rfm.frame.loc[0, "T"] > 0


def test_the_log_stays_as_it_was_when_its_frame_changes(small):
    rfm = rfm_summary(small)
    small.loc[:, "amount"] = -1.0
    assert rfm.log.purchases()["spend"].tolist() == [35.5, 12.25, 15.0]


def test_the_log_answers_for_a_window_and_for_days(small):
    log = rfm_summary(small).log
    late = log.purchases(after=dt.date(2024, 1, 8))
    assert late["customer_id"].tolist() == [1, 3]
    assert late["purchases"].tolist() == [1, 1]
    assert late["spend"].tolist() == [25.5, 8.0]
    days = log.purchase_days(until=dt.date(2024, 1, 15))
    assert days["day"].dt.strftime("%d").tolist() == ["01", "15", "08", "02"]
    assert days["spend"].tolist() == [10.0, 25.5, 12.25, 7.0]


def test_summaries_of_one_log_leave_each_other_alone(small):
    first = rfm_summary(small)
    second, _ = summary_of(first.log, dt.date(2024, 1, 10), "day")
    assert second.frame["T"].tolist() == [9.0, 2.0, 8.0]
    assert first.frame["T"].tolist() == [29 / 7, 22 / 7, 4.0]


def test_a_summary_shows_itself(small):
    rfm = rfm_summary(small)
    assert repr(rfm) == "RFM: 3 customers, 2 repeat purchases, in weeks, observed to 2024-01-30"
    assert "<table" in rfm._repr_html_()
    assert "same day rows merged 1" in rfm._repr_html_()
    assert "3 customers" in repr(rfm.cells())
    assert "6 rows" in repr(rfm.log)


def test_one_customer_is_a_summary_of_one():
    rfm = rfm_summary(log_of([("a", "2024-01-01", 1.0)]))
    assert len(rfm) == 1
    assert rfm.frame.loc[0, ["frequency", "recency", "T", "monetary_value"]].tolist() == [
        0,
        0,
        0,
        0,
    ]


# --- sources -------------------------------------------------------------------------------------


def every_source(log, folder):
    """The same log in every kind of thing that may hold one."""
    log.to_parquet(folder / "log.parquet")
    log.to_csv(folder / "log.csv", index=False)
    log.to_csv(folder / "semicolon.csv", index=False, sep=";")
    half = len(log) // 2
    for name, part in (("part1", log[:half]), ("part2", log[half:])):
        part.to_parquet(folder / f"{name}.parquet")
        part.to_csv(folder / f"{name}.csv", index=False)
    relations = duckdb.connect()
    relations.register("log", pa.Table.from_pandas(log))
    return {
        "pandas": log,
        "polars": pl.from_pandas(log),
        "lazy": pl.from_pandas(log).lazy(),
        "arrow": pa.Table.from_pandas(log),
        "batch": pa.RecordBatch.from_pandas(log),
        "relation": relations.table("log"),
        "parquet": folder / "log.parquet",
        "text path": str(folder / "log.parquet"),
        "glob": str(folder / "part?.parquet"),
        "list": [folder / "part1.csv", folder / "part2.csv"],
        "csv": folder / "log.csv",
        "semicolon": folder / "semicolon.csv",
    }


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


# --- ids -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ids",
    [
        [2**53 + 1, 2**53 + 2, -(2**62)],
        ["=cmd|' /C'!A0", 'quote " and, comma', "line\nbreak'"],
        ["007", "7", "07"],
        ["b", "é", "a"],
    ],
    ids=["large integers", "dangerous text", "leading zeros", "unicode"],
)
def test_ids_come_back_exactly_as_they_were(tmp_path, ids):
    log = log_of([(i, "2024-01-01", 1.0) for i in ids])
    for name, source in every_source(log, tmp_path).items():
        found = rfm_summary(source).frame["customer_id"]
        assert sorted(found.tolist()) == found.tolist() == sorted(ids), name
        assert found.dtype == log["customer_id"].dtype, name


def test_uuids_come_back_as_uuids(tmp_path):
    ids = [uuid.UUID(int=value) for value in (3, 2**127, 1)]
    log = log_of([(i, "2024-01-01", 1.0) for i in ids])
    assert rfm_summary(log).frame["customer_id"].tolist() == sorted(ids)
    connection = duckdb.connect()
    connection.register("log", pa.Table.from_pandas(log))
    connection.execute(f"COPY (FROM log) TO '{tmp_path / 'log.parquet'}'")
    assert rfm_summary(tmp_path / "log.parquet").frame["customer_id"].tolist() == sorted(ids)
    assert rfm_summary(connection.table("log")).frame["customer_id"].tolist() == sorted(ids)


def test_the_type_of_ids_is_kept():
    for dtype in ("int32", "uint64", "str"):
        log = log_of([(1, "2024-01-01", 1.0)]).astype({"customer_id": dtype})
        assert rfm_summary(log).frame["customer_id"].dtype == dtype
    category = log_of([("a", "2024-01-01", 1.0)]).astype({"customer_id": "category"})
    assert rfm_summary(category).frame["customer_id"].tolist() == ["a"]
    whole = log_of([(1.0, "2024-01-01", 1.0)])
    assert rfm_summary(whole).frame["customer_id"].dtype == "int64"


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([1, "1"], r"mixes types: int \(1\), str \('1'\)"),
        ([uuid.UUID(int=1), "a"], "mixes types: UUID"),
        ([None, None], "2 rows have no customer_id .*row position 0, 1"),
        ([1, None], "1 row has no customer_id .*row position 1"),
        (["a", None], "1 row has no customer_id"),
        ([1.5, 2.0], "decimal numbers, and 1 row of it no exact whole number .*1.5"),
        ([2.0**60, 1.0], "no exact whole number"),
        ([True, False], "type BOOLEAN"),
        ([b"a", b"b"], "type BLOB"),
        ([dt.date(2024, 1, 1)] * 2, "type DATE"),
        ([Decimal("1.5")] * 2, "type DECIMAL"),
        ([2**70, 1], "could not be read"),
    ],
)
def test_ids_that_cannot_be_used_are_refused(ids, said):
    log = pd.DataFrame(
        {
            "customer_id": pd.Series(ids, dtype=object),
            "date": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "amount": 1.0,
        }
    )
    with pytest.raises(DataError, match=said):
        rfm_summary(log)


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


# --- other errors --------------------------------------------------------------------------------


def test_an_empty_log_is_refused(small):
    with pytest.raises(DataError, match="log is empty"):
        rfm_summary(small.iloc[:0])
    with pytest.raises(DataError, match="log is empty"):
        rfm_summary(pd.DataFrame(columns=["customer_id", "date", "amount"]))


def test_an_unknown_unit_is_refused(small):
    for summarise in (
        lambda: rfm_summary(small, unit="weeks"),
        lambda: RFM.from_frame(pd.DataFrame(), unit="weeks"),
        lambda: holdout_split(small, calibration_end="2024-01-08", unit="weeks"),
    ):
        with pytest.raises(OptionError, match="Did you mean 'week'"):
            summarise()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calibration_end": "2024-01-30"}, "within the log"),
        ({"calibration_end": "2023-12-31"}, "within the log"),
        ({"calibration_end": "2024-01-08", "holdout_end": "2024-01-08"}, "must be before"),
        ({"calibration_end": "soon"}, "calibration_end must be a date"),
    ],
)
def test_a_holdout_needs_two_periods(small, options, said):
    with pytest.raises(OptionError, match=said):
        holdout_split(small, **options)


def test_rows_after_the_holdout_are_none_of_it(small):
    split = holdout_split(small, calibration_end="2024-01-05", holdout_end="2024-01-15")
    assert split.frame["frequency_holdout"].tolist() == [1, 0]
    assert split.new_customers == 1
    assert "1 purchase until 2024-01-15" in repr(split)


# --- a summary made elsewhere --------------------------------------------------------------------


def summary_frame(**columns):
    usual = {"frequency": [2, 0, 1], "recency": [5.0, 0.0, 2.5], "T": [9.0, 8.0, 7.0]}
    return pd.DataFrame({"customer_id": [17, 90, 52]} | usual | columns)


def test_a_summary_may_have_its_ids_in_the_index():
    by_index = RFM.from_frame(summary_frame().set_index("customer_id"), unit="week")
    assert_frame_equal(by_index.frame, RFM.from_frame(summary_frame(), unit="week").frame)
    named = summary_frame().rename(columns={"customer_id": "who"})
    assert_frame_equal(RFM.from_frame(named, customer_id="who", unit="week").frame, by_index.frame)
    bare = RFM.from_frame(summary_frame().drop(columns="customer_id"), unit="week")
    assert bare.frame["customer_id"].tolist() == [0, 1, 2]
    assert by_index.frame["customer_id"].tolist() == [17, 52, 90]
    assert by_index.frame["frequency"].dtype == "int64"
    with pytest.raises(DataError, match="no column 'whom', nor is it the index"):
        RFM.from_frame(named.set_index("who"), customer_id="whom", unit="week")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"recency": [9.5, 0.0, 8.0]}, r"2 customers have recency > T \(ids 17, 52\)\. Was obs"),
        ({"frequency": [-1, 0, 1]}, r"1 customer has a negative frequency \(id 17\)"),
        ({"frequency": [1.5, 0, 1]}, "no whole number"),
        ({"recency": [5.0, 0.0, -1.0]}, r"negative recency \(id 52\)"),
        ({"T": [9.0, -1.0, 7.0]}, r"negative T \(id 90\)"),
        ({"recency": [5.0, 1.0, 2.5]}, r"recency > 0 without a repeat purchase \(id 90\)"),
        ({"recency": [0.0, 0.0, 2.5]}, r"repeat purchases but recency 0 \(id 17\)"),
        ({"T": [9.0, np.nan, 7.0]}, r"missing or infinite .*\(id 90\)"),
        ({"T": [np.inf, 8.0, 7.0]}, "missing or infinite"),
        ({"frequency": [2, 0, None]}, "missing or infinite"),
        ({"customer_id": [17, 17, 52]}, r"1 customer has more than one row \(ids 17\)"),
        ({"customer_id": [17, None, 52]}, "1 customer has no id"),
        ({"customer_id": [17, "17", 52]}, "mix numbers and text"),
        ({"T": ["a", "b", "c"]}, "is no number"),
        ({"monetary_value": [np.nan, 0.0, 3.0]}, r"infinite monetary_value \(id 17\)"),
    ],
)
def test_an_impossible_customer_is_named(columns, said):
    with pytest.raises(DataError, match=said):
        RFM.from_frame(summary_frame(**columns), unit="week")


def test_a_summary_without_its_columns_is_refused():
    with pytest.raises(DataError, match=r"no column 'T'.*use rfm_summary"):
        RFM.from_frame(summary_frame().drop(columns="T"), unit="week")
    with pytest.raises(DataError, match="Did you mean 'frequencey'"):
        RFM.from_frame(summary_frame().rename(columns={"frequency": "frequencey"}), unit="week")
    with pytest.raises(DataError, match="empty"):
        RFM.from_frame(summary_frame().iloc[:0], unit="week")
    with pytest.raises(DataError, match="must be a pandas DataFrame"):
        RFM.from_frame({"frequency": [1]}, unit="week")


def test_spend_counts_only_where_there_are_repeat_purchases():
    rfm = RFM.from_frame(summary_frame(monetary_value=[10.0, np.nan, 20.0]), unit="week")
    assert rfm.frame["monetary_value"].tolist() == [10.0, 20.0, 0.0]
    with pytest.warns(DataWarning, match=r"1 customer has a negative monetary_value \(ids 17\)"):
        refunded = RFM.from_frame(summary_frame(monetary_value=[-10.0, 5.0, 20.0]), unit="week")
    assert refunded.spend_cells().left_out == 1
    assert refunded.spend_cells().monetary_value.tolist() == [20.0]


# --- files ---------------------------------------------------------------------------------------


def test_parquet_keeps_values_and_metadata(tmp_path, small):
    write_parquet(small, tmp_path / "a.parquet", {"horizon": "52 weeks"})
    assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), small)
    assert pq.read_metadata(tmp_path / "a.parquet").metadata[b"horizon"] == b"52 weeks"
    write_parquet(pa.table({"x": [1]}), tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet").column_names == ["x"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.parquet"]


def test_a_failed_write_leaves_the_earlier_file(tmp_path):
    write_json({"x": 1}, tmp_path / "a.json")
    with pytest.raises(StoreError, match="cannot be written as JSON"):
        write_json({"x": object()}, tmp_path / "a.json")
    with pytest.raises(StoreError, match="cannot be written as it is"):
        write_parquet(pd.DataFrame({"x": [1, "1"]}), tmp_path / "a.json")
    assert read_json(tmp_path / "a.json") == {"x": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    with pytest.raises(StoreError, match="no folder"):
        write_json({}, tmp_path / "none" / "a.json")
    with pytest.raises(StoreError, match="is a folder"):
        write_json({}, tmp_path)


def test_csv_keeps_text_that_a_spreadsheet_would_execute_and_says_so(tmp_path):
    ids = ["=1+1", "+a", "-b", "@c", "safe", 'q"uote, and\ncomma']
    frame = pd.DataFrame({"customer_id": ids, "clv": [0.1 + 0.2, -1.0, 2.0, 3.0, 4.0, np.nan]})
    with pytest.warns(DataWarning, match="4 values begin with"):
        write_csv(frame, tmp_path / "a.csv")
    assert_frame_equal(pd.read_csv(tmp_path / "a.csv"), frame, check_exact=True)
    write_csv(frame.iloc[4:], tmp_path / "a.csv")


def test_json_gives_back_the_same_floats(tmp_path):
    document = {
        "third": 1 / 3,
        "sum": 0.1 + 0.2,
        "tiny": 5e-324,
        "inf": math.inf,
        "minus": [-math.inf, {"deep": -0.0}],
        "array": np.array([1.5, np.inf]),
        "count": np.int64(7),
        "text": "ü\n",
    }
    write_json(document | {"nan": math.nan}, tmp_path / "a.json")
    found = read_json(tmp_path / "a.json")
    assert math.isnan(found.pop("nan"))
    assert found == document | {"array": [1.5, math.inf]}
    json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)


def test_a_folder_gives_back_what_was_written(tmp_path, small):
    path = tmp_path / "fit"
    write_folder(
        path, "Fit", {"r": 0.25, "limit": math.inf}, {"cells": small, "empty-1": small[:0]}
    )
    for read_from in (path, path / "predclv.json", str(path)):
        kind, document, tables = read_folder(read_from)
        assert (kind, document) == ("Fit", {"r": 0.25, "limit": math.inf})
        assert_frame_equal(tables["cells"], small)
        assert_frame_equal(tables["empty-1"], small[:0])
    write_folder(path, "Fit", {"again": True}, {})
    assert read_folder(path) == ("Fit", {"again": True}, {})
    assert sorted(file.name for file in path.iterdir()) == ["predclv.json"]
    assert [file.name for file in tmp_path.iterdir()] == ["fit"]


def test_nothing_foreign_is_overwritten(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine.txt").write_text("mine")
    for name in ("file", "folder"):
        with pytest.raises(StoreError, match="predclv did not write"):
            write_folder(tmp_path / name, "Fit", {}, {})
    with pytest.raises(StoreError, match="no folder"):
        write_folder(tmp_path / "none" / "fit", "Fit", {}, {})
    with pytest.raises(StoreError, match="cannot be called"):
        write_folder(tmp_path / "fit", "Fit", {}, {"../x": pd.DataFrame()})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder"]


def test_a_damaged_or_foreign_folder_is_refused(tmp_path, small):
    saved, tried = tmp_path / "saved", tmp_path / "tried"
    write_folder(saved, "Fit", {}, {"cells": small})

    def refused(said, change):
        shutil.copytree(saved, tried)
        change(tried)
        with pytest.raises(StoreError, match=said):
            read_folder(tried)
        shutil.rmtree(tried)

    def with_manifest(**entries):
        def change(folder):
            manifest = json.loads((folder / "predclv.json").read_text())
            (folder / "predclv.json").write_text(json.dumps(manifest | entries))

        return change

    (table,) = (file.name for file in saved.glob("cells-*.parquet"))
    refused("not saved by predclv", lambda folder: (folder / "predclv.json").unlink())
    refused("not saved by predclv", lambda folder: (folder / "predclv.json").write_text("[1]"))
    refused("damaged", lambda folder: (folder / "predclv.json").write_text('{"format": '))
    refused("format version 99.*Install a newer", with_manifest(format_version=99))
    refused("not saved by predclv", with_manifest(format="other"))
    refused("damaged", with_manifest(tables=None))
    refused("names no file", with_manifest(tables={"x": {"file": "../../secret"}}))
    refused("'cells' is missing", lambda folder: (folder / table).unlink())
    refused("'cells' is damaged", lambda folder: (folder / table).write_bytes(b"PAR1"))
    refused("not what was saved", lambda folder: small[:1].to_parquet(folder / table))
    with pytest.raises(StoreError, match="nothing at"):
        read_folder(tmp_path / "none")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(StoreError, match="not saved by predclv"):
        read_folder(tmp_path / "other.json")


def test_a_table_in_a_duckdb_file_is_replaced_and_others_stay(tmp_path, small):
    path = tmp_path / "shop.duckdb"
    write_table(small, path, "orders")
    name = 'odd "name"; drop table orders'
    write_table(small[:2], path, name)
    write_table(small[:1], path, name)
    with duckdb.connect(str(path)) as connection:
        tables = {row[0] for row in connection.execute("SHOW TABLES").fetchall()}
        assert tables == {"orders", name}
        assert_frame_equal(connection.table("orders").df(), small, check_dtype=False)
        count = connection.execute('SELECT count(*) FROM "odd ""name""; drop table orders"')
        assert count.fetchall() == [(1,)]


def test_a_file_that_is_no_database_is_refused(tmp_path, small):
    (tmp_path / "text.duckdb").write_text("no database, but long enough to be taken for one" * 200)
    with pytest.raises(StoreError, match="could not be written"):
        write_table(small, tmp_path / "text.duckdb", "orders")
    with pytest.raises(StoreError, match="no folder"):
        write_table(small, tmp_path / "none" / "a.duckdb", "orders")
    with pytest.raises(StoreError, match="needs a name"):
        write_table(small, tmp_path / "a.duckdb", "")
