"""Parquet and CSV files whose types differ are read exactly or refused, whatever their order."""

import datetime as dt
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import predclv as pc
from predclv.errors import DataError, DataWarning

DAY = dt.date(2024, 1, 1)
TOKYO, UTC = pa.timestamp("us", "Asia/Tokyo"), pa.timestamp("us", "UTC")


def write(path, customer_id=(1, 2), date=(DAY, DAY), amount=(1.0, 2.0)):
    """A file of two rows; plain tuples are made into Arrow."""
    columns = {"customer_id": customer_id, "date": date, "amount": amount}
    path.parent.mkdir(parents=True, exist_ok=True)
    table = {name: it if isinstance(it, pa.Array) else pa.array(it) for name, it in columns.items()}
    pq.write_table(pa.table(table), path)
    return path


def both_orders(tmp_path, one, other):
    """Two files under names in either order."""
    for first, second, folder in ((one, other, "x"), (other, one, "y")):
        write(tmp_path / folder / "1.parquet", **first)
        write(tmp_path / folder / "2.parquet", **second)
        yield str(tmp_path / folder / "*.parquet")


NOON = dt.datetime(2024, 1, 1, 12)
DIFFERENT = {
    "numbers and text": ("customer_id", pa.array([7, 8]), pa.array(["007", "8"])),
    "whole and decimal numbers": ("customer_id", pa.array([1, 2]), pa.array([1.5, 2.0])),
    "dates and instants": (
        "date",
        pa.array([NOON, NOON], pa.timestamp("us")),
        pa.array([NOON, NOON], TOKYO),
    ),
    "dates and text": ("date", pa.array([DAY, DAY]), pa.array(["2024-01-01", "2024-01-02"])),
    "zones": ("date", pa.array([NOON, NOON], UTC), pa.array([NOON, NOON], TOKYO)),
    "numbers and decimals": ("amount", pa.array([1, 2]), pa.array([Decimal("1.5"), Decimal("2")])),
    "amounts in text": ("amount", pa.array([1.0, 2.0]), pa.array(["1", "2"])),
    "ids of bytes": ("customer_id", pa.array(["a", "b"]), pa.array([b"a", b"b"])),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_types_that_mean_different_things_are_refused_by_file_and_type(tmp_path, name):
    column, one, other = DIFFERENT[name]
    for files in both_orders(tmp_path, {column: one}, {column: other}):
        with pytest.raises(DataError, match=r"different types|mixed time zones") as refused:
            pc.rfm_summary(files)
        said = str(refused.value)
        assert "1.parquet" in said
        assert "2.parquet" in said


def numbers(*values, kind):
    return pa.array(values, kind)


SAME = {
    "narrow ids": (
        {"customer_id": numbers(1, 200, kind=pa.uint8())},
        {"customer_id": numbers(2**40, -1, kind=pa.int64())},
        {1, 200, 2**40, -1},
    ),
    "kinds of text": (
        {"customer_id": pa.array(["007", "7"]).dictionary_encode()},
        {"customer_id": pa.array(["a", "07"], pa.large_string())},
        {"007", "7", "a", "07"},
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_ids_of_one_kind_are_read_exactly(tmp_path, name):
    one, other, expected = SAME[name]
    for files in both_orders(tmp_path, one, other):
        assert set(pc.rfm_summary(files).frame["customer_id"]) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array([1, 2]), pa.array([1.25, 2.0])),
        (numbers(1, 2, kind=pa.int32()), pa.array([1.25, 2.0])),
        (
            pa.array([Decimal("1.0"), Decimal("2.0")]),
            pa.array([Decimal("1.2500"), Decimal("2.0000")], pa.decimal128(20, 4)),
        ),
    ],
    ids=["bigint", "int", "decimals"],
)
def test_amounts_of_one_kind_are_added_exactly(tmp_path, one, other):
    later = dt.date(2024, 1, 8)
    for files in both_orders(tmp_path, {"amount": one}, {"amount": other, "date": (later, later)}):
        assert pc.rfm_summary(files).frame["monetary_value"].tolist() == [1.25, 2.0]


def test_dates_and_timestamps_without_zone_are_days_alike(tmp_path):
    last = pa.array([dt.datetime(2024, 1, 8, 23, 59, 59, 999_999)] * 2, pa.timestamp("ns"))
    for files in both_orders(tmp_path, {}, {"date": last}):
        rfm = pc.rfm_summary(files, unit="day")
        assert rfm.frame["recency"].tolist() == [7, 7]
        assert rfm.observation_end == dt.date(2024, 1, 8)


def test_a_file_without_rows_or_values_has_no_say(tmp_path):
    empty = {name: pa.array([], pa.string()) for name in ("customer_id", "date", "amount")}
    for files in both_orders(tmp_path, empty, {}):
        assert len(pc.rfm_summary(files)) == 2
    nothing = {"amount": pa.array([None, None])}
    for number, files in enumerate(both_orders(tmp_path / "n", nothing, {})):
        with pytest.raises(DataError, match="2 rows have no amount"):
            pc.rfm_summary(files)
        assert number < 2


def test_a_file_without_a_column_is_named(tmp_path):
    write(tmp_path / "1.parquet")
    pq.write_table(pa.table({"customer_id": [1], "Date": [DAY]}), tmp_path / "2.parquet")
    with pytest.raises(DataError, match=r"2\.parquet has no column 'date'.*Did you mean 'Date'"):
        pc.rfm_summary(str(tmp_path / "*.parquet"), amount=None)


def test_csv_files_are_text_until_all_are_known(tmp_path):
    for first, second in (("7", "007"), ("007", "7"), ("1", "1.5"), ("1.5", "1")):
        for name, value in (("1", first), ("2", second)):
            (tmp_path / f"{name}.csv").write_text(f"customer_id,date\n{value},2024-01-01\n")
        found = pc.rfm_summary(str(tmp_path / "*.csv"), amount=None).frame["customer_id"]
        assert sorted(found) == sorted([first, second])


# --- folders that name a column ------------------------------------------------------------------


def test_a_folders_name_does_not_replace_the_dates_in_its_files(tmp_path):
    later = dt.date(2024, 1, 8)
    write(tmp_path / "date=2024-05-01" / "log.parquet", date=(DAY, later))
    expected = pc.rfm_summary(tmp_path / write(tmp_path / "plain.parquet", date=(DAY, later)))
    with pytest.warns(DataWarning, match=r"named after column 'date', which the files hold too"):
        found = pc.rfm_summary(str(tmp_path / "*" / "*.parquet"))
    assert found.observation_end == later
    assert_frame_equal(found.frame, expected.frame)


def test_a_folders_name_is_the_date_of_files_without_one(tmp_path):
    for day in ("2024-01-01", "2024-01-08"):
        folder = tmp_path / f"date={day}"
        folder.mkdir()
        pq.write_table(pa.table({"customer_id": ["a"], "amount": [2.5]}), folder / "log.parquet")
    rfm = pc.rfm_summary(str(tmp_path / "*" / "*.parquet"), unit="day")
    assert rfm.frame.loc[0, ["frequency", "recency", "monetary_value"]].tolist() == [1, 7, 2.5]


def test_ids_from_folders_keep_their_zeros(tmp_path):
    for number in ("7", "007"):
        folder = tmp_path / f"customer_id={number}"
        folder.mkdir()
        pq.write_table(pa.table({"date": [DAY]}), folder / "log.parquet")
    rfm = pc.rfm_summary(str(tmp_path / "*" / "*.parquet"), amount=None)
    assert rfm.frame["customer_id"].tolist() == ["007", "7"]


def test_a_date_in_both_beside_an_id_in_the_folders_alone_is_refused(tmp_path):
    folder = tmp_path / "customer_id=a" / "date=2024-05-01"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"date": [DAY]}), folder / "log.parquet")
    with pytest.raises(DataError, match="Write all of these columns into the files"):
        pc.rfm_summary(str(tmp_path / "*" / "*" / "*.parquet"), amount=None)


def test_other_folders_are_left_alone(tmp_path):
    write(tmp_path / "region=north" / "log.parquet")
    write(tmp_path / "region=south" / "log.parquet", customer_id=(3, 4))
    assert len(pc.rfm_summary(str(tmp_path / "*" / "*.parquet"))) == 4


def test_a_column_of_the_log_is_found_in_a_frame_and_in_its_file_alike(tmp_path):
    frame = pd.DataFrame({"customer_id": [1], "date": [pd.Timestamp(DAY)], "amount": [1.0]})
    frame.to_parquet(tmp_path / "1.parquet")
    assert_frame_equal(pc.rfm_summary(frame).frame, pc.rfm_summary(tmp_path / "1.parquet").frame)
