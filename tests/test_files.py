"""Files, folders and tables: what is written comes back, and nothing foreign is overwritten."""

import json
import math
import shutil

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from predclv.errors import DataWarning, StoreError
from predclv.io.files import write_csv, write_json, write_parquet
from predclv.io.folders import read_folder, write_folder
from predclv.io.strict_json import from_json
from predclv.warehouse.duckdb_files import write_table


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
    assert from_json((tmp_path / "a.json").read_text()) == {"x": 1}
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
    found = from_json((tmp_path / "a.json").read_text(encoding="utf-8"))
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
