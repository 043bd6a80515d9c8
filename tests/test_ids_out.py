"""Customer ids keep their value on the way out, whatever kind of file it is."""

import datetime
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from predclv.errors import DataWarning, StoreError
from predclv.io.files import write_csv, write_parquet
from predclv.summaries.files import read_rfm, write_rfm
from predclv.summaries.rfm import RFM
from predclv.warehouse.duckdb_files import write_table

MONTHS = pd.period_range("2024-01", periods=2, freq="M")


def rfm_of(ids):
    n = len(ids)
    return RFM.from_frame(
        pd.DataFrame({"customer_id": ids, "frequency": [1] * n, "recency": 2.5, "T": 9.0}), "week"
    )


@pytest.mark.parametrize(
    "ids",
    [
        ["00000", "007", "7"],
        ["", "NA", "nan", "null", "None"],
        [" 7", "7 ", "  "],
        ["1e5", "0x10", "1_000", "01", "1.10"],
        ["True", "inf", "2024-01-01"],
        ["12345678901234567890123", "1"],
        ['say "hi"', "a,b", "two\nlines", "a\rb"],
        [1, 2, 30],
        [2**63 + 1, 5],
    ],
)
def test_ids_survive_a_summary_in_csv(tmp_path, ids):
    write_rfm(rfm_of(ids), tmp_path / "s.csv")
    found = read_rfm(tmp_path / "s.csv", "week").frame["customer_id"]
    assert sorted(found.tolist()) == sorted(ids)


def test_a_missing_number_in_a_summary_is_still_missing(tmp_path):
    (tmp_path / "s.csv").write_text("customer_id,frequency,recency,T\nNA,1,,9\n")
    with pytest.raises(ValueError, match=r"missing or infinite.*NA"):
        read_rfm(tmp_path / "s.csv", "week")


@pytest.mark.parametrize(
    "kind",
    [pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.large_string()), "str", object, "category"],
)
def test_formulas_are_warned_of_in_every_kind_of_text(tmp_path, kind):
    frame = pd.DataFrame({"customer_id": pd.Series(["=1+0", "@a", "b"]).astype(kind)})
    with pytest.warns(DataWarning, match="2 values begin"):
        write_csv(frame, tmp_path / "f.csv")


@pytest.mark.parametrize(
    "ids",
    [
        [Decimal("1.10"), Decimal("12345678901234567890.5")],
        [b"\x00\xff", b"abc"],
        [datetime.date(2024, 1, 1), datetime.date(1, 1, 1)],
        pd.to_datetime(["2024-01-01T00:00:00.123456789", "1700-01-01T00:00:00.000000001"]),
    ],
    ids=["decimal", "bytes", "date", "nanoseconds"],
)
def test_odd_ids_keep_their_value_in_parquet_and_duckdb(tmp_path, ids):
    frame = pd.DataFrame({"customer_id": ids})
    write_parquet(frame, tmp_path / "f.parquet")
    write_table(frame, tmp_path / "f.duckdb", "t")
    assert pd.read_parquet(tmp_path / "f.parquet")["customer_id"].tolist() == list(ids)
    with duckdb.connect(str(tmp_path / "f.duckdb"), read_only=True) as connection:
        found = connection.sql("SELECT customer_id FROM t").df()["customer_id"]
        text = connection.sql("SELECT CAST(customer_id AS VARCHAR) FROM t").fetchall()
    if isinstance(ids, list) and isinstance(ids[0], Decimal):
        assert [Decimal(row[0]) for row in text] == ids
    elif isinstance(ids, list) and isinstance(ids[0], datetime.date):
        assert [row[0][:10] for row in text] == [day.isoformat() for day in ids]
    elif isinstance(ids, list):
        assert [bytes(value) for value in found] == ids
    else:
        assert found.tolist() == list(ids)


def test_periods_are_text_in_duckdb_and_periods_in_parquet(tmp_path):
    frame = pd.DataFrame({"customer_id": MONTHS})
    write_parquet(frame, tmp_path / "f.parquet")
    assert pd.read_parquet(tmp_path / "f.parquet")["customer_id"].tolist() == list(MONTHS)
    write_table(frame, tmp_path / "f.duckdb", "t")
    with duckdb.connect(str(tmp_path / "f.duckdb"), read_only=True) as connection:
        assert connection.sql("FROM t").fetchall() == [("2024-01",), ("2024-02",)]


def test_a_column_of_mixed_kinds_is_refused_by_name(tmp_path):
    frame = pd.DataFrame({"customer_id": [1, "a"]})
    for write in (
        lambda: write_parquet(frame, tmp_path / "f.parquet"),
        lambda: write_table(frame, tmp_path / "f.duckdb", "t"),
    ):
        with pytest.raises(StoreError, match=r"customer_id.*astype\(str\)"):
            write()
    assert not list(tmp_path.iterdir())
