"""Ids of every type come back exactly as they were, or are refused by name."""

import datetime as dt
import uuid
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from handmade_logs import every_source, log_of

from predclv.errors import DataError
from predclv.summaries.summarise import rfm_summary


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
