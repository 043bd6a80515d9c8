"""Ids keep their value or are refused on the way in, with the conversion to write; so are columns
that are missing.
"""

import datetime as dt
import uuid
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import predclv as pc
from predclv.errors import DataError

NAMES = ["first", "second"]
REFUSED = {
    "decimals": ([Decimal("1.50"), Decimal("2")], r"type DECIMAL.*\.astype\(str\)"),
    "bytes": ([b"a", b"b"], r"type BLOB.*\.str\.decode\('utf-8'\)"),
    "dates": ([dt.date(2024, 1, 1), dt.date(2024, 1, 2)], r"type DATE.*\.astype\(str\)"),
    "datetimes": (
        [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2)],
        r"type TIMESTAMP.*\.astype\(str\)",
    ),
    "periods": (
        [pd.Period("2024-01"), pd.Period("2024-02")],
        r"could not be read.*Period.*\.astype\(str\)",
    ),
    "truths": ([True, False], r"type BOOLEAN.*\.astype\(str\)"),
    "lists": ([[1], [2]], r"type LIST.*\.str\[0\]"),
    "tuples": ([(1, 2), (3, 4)], r"type LIST.*\.str\[0\]"),
    "huge integers": ([2**70, 1], r"could not be read.*1180591620717411303424.*\.astype\(str\)"),
    "complex numbers": ([1 + 2j, 2 + 0j], r"could not be read.*\(1\+2j\).*\.astype\(str\)"),
    "text and floats": (["a", 1.5], r"mixes types: str \('a'\), float \(1\.5\).*\.astype\(str\)"),
    "fractions": ([1.5, 2.0], r"decimal numbers, and 1.*1\.5"),
    "doubles too large": ([2.0**60, 1.0], "no exact whole number"),
    "infinite": ([np.inf, 1.0], "no exact whole number"),
}


def log_of(ids):
    return pd.DataFrame(
        {"customer_id": ids, "date": pd.to_datetime(["2024-01-01", "2024-01-02"]), "amount": 1.0}
    )


def summary_of(ids):
    return pd.DataFrame({"customer_id": ids, "frequency": 0, "recency": 0.0, "T": [9.0, 8.0]})


@pytest.mark.parametrize("name", REFUSED)
def test_ids_that_would_not_come_back_are_refused_in_a_log(name):
    ids, said = REFUSED[name]
    with pytest.raises(DataError, match=said):
        pc.rfm_summary(log_of(pd.Series(ids, dtype=object)))


@pytest.mark.parametrize("name", REFUSED)
def test_ids_that_would_not_come_back_are_refused_in_a_summary(name):
    ids, said = REFUSED[name]
    with pytest.raises(DataError, match=said):
        pc.RFM.from_frame(summary_of(pd.Series(ids, dtype=object)), unit="week")


@pytest.mark.parametrize(
    "ids",
    [
        pd.Series([1 + 2j, 2 + 0j]),
        pd.Series(pd.period_range("2024-01", periods=2, freq="M")),
        pd.Series(pd.date_range("2024-01-01", periods=2, tz="Asia/Tokyo")),
        pd.Series(pd.to_timedelta([1, 2], unit="h")),
        pd.Series(pd.interval_range(0, 2)),
        pd.Series([Decimal("1"), Decimal("2")], dtype=pd.ArrowDtype(pa.decimal128(38, 0))),
        pd.Series([b"a", b"b"], dtype=pd.ArrowDtype(pa.binary())),
        pd.Series([[1], [2]], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    ],
    ids=["complex", "period", "instant", "duration", "interval", "decimal", "bytes", "list"],
)
def test_columns_of_such_types_are_refused_too(ids):
    with pytest.raises(DataError):
        pc.rfm_summary(log_of(ids))
    with pytest.raises(DataError):
        pc.RFM.from_frame(summary_of(ids), unit="week")


@pytest.mark.parametrize(
    "sql",
    [
        "1.5::DECIMAL(9,2)",
        "'a'::BLOB",
        "[1]",
        "[[1]]",
        "{'a': 1}",
        "2.5::DOUBLE",
        "DATE '2024-01-01'",
    ],
)
def test_ids_of_a_relation_and_of_a_file_are_refused_too(tmp_path, sql):
    connection = duckdb.connect()
    relation = connection.sql(f"SELECT {sql} AS customer_id, DATE '2024-01-01' AS date")
    with pytest.raises(DataError, match=r"customer_id column .*(type|decimal numbers)"):
        pc.rfm_summary(relation, amount=None)
    relation.write_parquet(str(tmp_path / "log.parquet"))
    with pytest.raises(DataError, match=r"customer_id column .*(type|decimal numbers)"):
        pc.rfm_summary(tmp_path / "log.parquet", amount=None)


@pytest.mark.parametrize(
    ("ids", "dtype"),
    [
        ([2**53 + 1, -(2**62)], "int64"),
        ([2**64 - 1, 2**63], "uint64"),
        ([7, 3], "int16"),
        (["007", ""], "str"),
        ([uuid.UUID(int=1), uuid.UUID(int=2**127)], object),
        (["=1+0", "é"], pd.ArrowDtype(pa.string())),
        (["a", "b"], "category"),
        ([1.0, 2.0], "float64"),
    ],
)
def test_all_other_ids_keep_their_value(ids, dtype):
    column = pd.Series(ids, dtype=dtype)
    for frame in (
        pc.rfm_summary(log_of(column)).frame,
        pc.RFM.from_frame(summary_of(column), unit="week").frame,
    ):
        assert sorted(frame["customer_id"].tolist()) == sorted(ids)


# --- missing columns -----------------------------------------------------------------------------


def test_all_missing_columns_are_named_at_once_with_the_arguments_to_set(tmp_path):
    log = log_of([1, 2])
    log.columns = ["Customer ID", "InvoiceDate", "Revenue"]
    log.to_csv(tmp_path / "log.csv", index=False)
    log.to_parquet(tmp_path / "log.parquet")
    sources = [log, pl.from_pandas(log), pa.Table.from_pandas(log), duckdb.from_df(log)]
    for source in (*sources, tmp_path / "log.csv", tmp_path / "log.parquet"):
        with pytest.raises(DataError) as refused:
            pc.rfm_summary(source)
        said = str(refused.value)
        for name in ("customer_id", "date", "amount"):
            assert f"no column {name!r}" in said
        arguments = "customer_id='Customer ID', date='InvoiceDate', amount='Revenue'"
        assert f"Say {arguments}." in said
        assert "Its columns are 'Customer ID', 'InvoiceDate', 'Revenue'." in said
    options = {"customer_id": "Customer ID", "date": "InvoiceDate", "amount": "Revenue"}
    assert len(pc.rfm_summary(log, **options)) == 2


def test_a_column_is_suggested_once_and_never_one_that_is_taken():
    log = log_of([1, 2]).rename(columns={"customer_id": "customer", "amount": "Price"})
    with pytest.raises(DataError) as refused:
        pc.rfm_summary(log, date="day")
    said = str(refused.value)
    assert "Say customer_id='customer', date='date', amount='...'." in said
    with pytest.raises(DataError, match=r"Say customer_id='customer'\.$"):
        pc.rfm_summary(log, amount="Price")
    with pytest.raises(DataError, match=r"Say date='\.\.\.'\.$"):
        pc.rfm_summary(log[["customer", "Price"]], "customer", amount="Price")
