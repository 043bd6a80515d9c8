"""Large logs: limits of memory, files written from inside the engine, and what a kill leaves."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import predclv as pc
from predclv.errors import DataError, OptionError, StoreError
from predclv.summaries.files import write_rfm
from predclv.warehouse.duckdb import DuckDBWarehouse
from predclv.warehouse.settings import current_settings

SCORES = {"rate": "c.rate", "worth": "c.rate * (10 + s.monetary_value)"}


def rates(rfm):
    """A table of cells with a number that tells them apart."""
    cells = rfm.cells()
    rate = np.sqrt(cells.frequency) + cells.recency / 7 + cells.T / 11
    return rfm.keyed_cells()[list(rfm.cell_keys)].assign(rate=rate)


def rates_by_hand(rfm):
    frame = rfm.frame
    rate = np.sqrt(frame["frequency"].astype(float)) + frame["recency"] / 7 + frame["T"] / 11
    return pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "rate": rate,
            "worth": rate * (10 + frame["monetary_value"]),
        }
    )


def from_frame(rfm):
    return pc.RFM.from_frame(rfm.frame, unit=rfm.unit)


@pytest.mark.parametrize("made", [lambda rfm: rfm, from_frame], ids=["log", "frame"])
def test_scores_written_from_inside_are_those_of_each_customer(cdnow, made, tmp_path):
    rfm = made(cdnow)
    rows = rfm.write_scored(rates(rfm), SCORES, tmp_path / "s.parquet", {"predclv.unit": "week"})
    assert rows == len(rfm) == 2357
    written = pd.read_parquet(tmp_path / "s.parquet")
    assert_frame_equal(written, rates_by_hand(rfm), rtol=1e-15)
    assert pq.read_metadata(tmp_path / "s.parquet").metadata[b"predclv.unit"] == b"week"
    assert [file.name for file in tmp_path.iterdir()] == ["s.parquet"]


def test_keyed_cells_are_the_cells_in_their_order(cdnow):
    keyed, cells = cdnow.keyed_cells(), cdnow.cells()
    assert list(keyed) == [*cdnow.cell_keys, "weight"]
    np.testing.assert_array_equal(keyed["frequency"], cells.frequency)
    np.testing.assert_array_equal(keyed["recency_days"] / 7, cells.recency)
    np.testing.assert_array_equal(keyed["age_days"] / 7, cells.T)
    np.testing.assert_array_equal(keyed["weight"], cells.weight)
    elsewhere = from_frame(cdnow)
    assert list(elsewhere.keyed_cells()) == [*elsewhere.cell_keys, "weight"]


@pytest.mark.parametrize(
    "ids",
    [
        ["b", "a", "'; DROP TABLE s --"],
        [uuid.UUID(int=3), uuid.UUID(int=1), uuid.UUID(int=2)],
        [2**62, 1, -5],
    ],
    ids=["text", "uuid", "integer"],
)
def test_ids_keep_their_kind_in_a_scored_file(ids, tmp_path):
    log = pd.DataFrame({"customer_id": ids, "date": "2024-01-01", "amount": 1.0})
    rfm = pc.rfm_summary(log)
    rfm.write_scored(rates(rfm), SCORES, tmp_path / "s.parquet")
    found = pq.read_table(tmp_path / "s.parquet").column("customer_id").to_pylist()
    assert [uuid.UUID(bytes=i) if isinstance(i, bytes) else i for i in found] == sorted(ids)


def test_a_name_with_quotes_and_a_value_with_quotes_are_written_as_they_are(cdnow, tmp_path):
    file = tmp_path / 'it\'s "here".parquet'
    cdnow.write_scored(rates(cdnow), {'p"x': "c.rate"}, file, {'k"ey': "it's"})
    assert pd.read_parquet(file).columns.tolist() == ["customer_id", 'p"x']
    assert pq.read_metadata(file).metadata[b'k"ey'] == b"it's"


def test_a_table_of_other_cells_is_an_error_and_an_earlier_file_stays(cdnow, tmp_path):
    file = tmp_path / "s.parquet"
    file.write_text("earlier")
    table = rates(cdnow)
    with pytest.raises(DataError, match=r"\d+ customers? ha[sv]e? no cell"):
        cdnow.write_scored(table.iloc[:-1], SCORES, file)
    with pytest.raises(DataError, match="1 cell more than once"):
        cdnow.write_scored(pd.concat([table, table.head(1)]), SCORES, file)
    with pytest.raises(DataError, match="no column 'age_days'"):
        cdnow.write_scored(table.drop(columns="age_days"), SCORES, file)
    assert file.read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["s.parquet"]


def test_a_folder_that_is_missing_or_in_the_way_is_named(cdnow, tmp_path):
    with pytest.raises(StoreError, match=r"no folder .*nowhere"):
        cdnow.write_scored(rates(cdnow), SCORES, tmp_path / "nowhere" / "s.parquet")
    with pytest.raises(StoreError, match="is a folder; name a file"):
        cdnow.write_scored(rates(cdnow), SCORES, tmp_path)


def run_apart(script, **options):
    """A script in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("way", ["write_scored", "write_rfm"])
def test_a_full_disk_is_a_clear_error_and_leaves_nothing(way, tmp_path):
    """A limit on the size of files stands for the disk."""
    asked = {
        "write_scored": "rfm.write_scored(rfm.keyed_cells(), {'w': 's.T * s.customer_id'}, path)",
        "write_rfm": "write_rfm(rfm, path)",
    }[way]
    script = f"""
        import resource, sys
        import numpy as np, pandas as pd, predclv as pc
        from predclv.summaries.files import write_rfm
        rng = np.random.default_rng(1)
        n = 200_000
        days = np.datetime64("2024-01-01") + rng.integers(0, 300, n)
        rfm = pc.rfm_summary(pd.DataFrame(
            {{"customer_id": rng.integers(0, 10**9, n), "date": days, "amount": 1.0}}))
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        path = {str(tmp_path / "s.parquet")!r}
        try:
            {asked}
        except pc.errors.StoreError as error:
            sys.exit(str(error))
    """
    process = run_apart(script)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 1
    assert "could not be written" in said
    assert "Is the disk full" in said
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_a_clear_error(cdnow, tmp_path):
    folder = tmp_path
    if os.geteuid() == 0:  # root may write into any folder of a disk, not among the processes
        folder = Path("/proc")
        if not folder.is_dir():
            pytest.skip("root may write anywhere here")
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="the folder read-only"):
        cdnow.write_scored(rates(cdnow), SCORES, folder / "s.parquet")
    with pytest.raises(StoreError, match="the folder read-only"):
        write_rfm(cdnow, folder / "s.parquet")
    tmp_path.chmod(0o700)


@pytest.fixture(scope="module")
def many_orders(tmp_path_factory):
    """A log of 3 million orders of 1.5 million customers, in no order."""
    rng = np.random.default_rng(5)
    n = 3_000_000
    path = tmp_path_factory.mktemp("orders") / "log.parquet"
    log = pa.table(
        {
            "customer_id": rng.integers(0, 1_500_000, n) * 7919,
            "date": np.datetime64("2023-01-01", "s") + rng.integers(0, 730 * 86_400, n),
            "amount": np.round(rng.gamma(2.0, 15.0, n), 2),
        }
    )
    pq.write_table(log, path)
    return path


def test_a_write_that_is_killed_leaves_no_file_of_that_name(many_orders, tmp_path):
    script = f"""
        import predclv as pc
        rfm = pc.rfm_summary({str(many_orders)!r})
        columns = {{f"c{{i}}": f"sqrt(s.T + {{i}}) * s.customer_id" for i in range(30)}}
        rfm.write_scored(rfm.keyed_cells(), columns, {str(tmp_path / "s.parquet")!r})
    """
    process = run_apart(script)
    deadline = time.monotonic() + 120
    while not any(tmp_path.iterdir()):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    left = [file.name for file in tmp_path.iterdir()]
    assert process.returncode == -signal.SIGKILL
    assert len(left) == 1
    assert left[0].startswith(".predclv-")


def _unfinished(path):
    """The files beside a file, and in folders beside it, that are being written."""
    return [file for file in path.parent.rglob("*") if file != path and file.is_file()]


@pytest.mark.slow
def test_ten_million_forecasts_killed_half_way_leave_the_last_ones_as_they_were(tmp_path):
    log, path = tmp_path / "log.parquet", tmp_path / "to" / "forecast.parquet"
    duckdb.sql(f"""
        COPY (SELECT i % 10_000_000 AS customer_id, 5 + hash(i + 7) % 5000 / 100 AS amount,
                     DATE '2024-01-01' + CAST(hash(i) % 300 AS INTEGER) AS date
              FROM range(13_000_000) orders(i)) TO '{log}'
    """)
    path.parent.mkdir()
    path.write_text("the last forecast")
    script = f"""
        import predclv as pc
        fitted = pc.CLVModel().fit(pc.rfm_summary({str(log)!r}))
        assert len(fitted.rfm) == 10_000_000
        fitted.forecast("52 weeks", seed=1).to_parquet({str(path)!r})
    """
    process = run_apart(script)
    deadline = time.monotonic() + 400
    while not any(file.stat().st_size > 50_000_000 for file in _unfinished(path)):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert path.read_text() == "the last forecast"
    (half,) = _unfinished(path)
    assert half.parent.name.startswith(".predclv-")
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(half)


def test_a_log_larger_than_the_memory_limit_spills_and_gives_the_same(many_orders, tmp_path):
    plain = pc.rfm_summary(many_orders)
    with pc.duckdb_settings(memory_limit="90MB", threads=1, temp_directory=tmp_path) as settings:
        limited = pc.rfm_summary(many_orders)
    assert settings.memory_limit == "90MB"
    assert [folder.name for folder in tmp_path.iterdir() if any(folder.iterdir())]
    assert_frame_equal(limited.cells().frame, plain.cells().frame, check_exact=True)
    for rfm, name in ((plain, "plain"), (limited, "limited")):
        rfm.write_scored(rfm.keyed_cells(), {"T": "s.T"}, tmp_path / f"{name}.parquet")
    written = [pq.read_table(tmp_path / f"{name}.parquet") for name in ("plain", "limited")]
    assert written[0].equals(written[1])
    del limited, rfm
    assert sorted(path.name for path in tmp_path.iterdir()) == ["limited.parquet", "plain.parquet"]


def test_too_little_memory_is_an_error_that_says_what_to_try(many_orders):
    with (
        pc.duckdb_settings(memory_limit="12MB", threads=2),
        pytest.raises(DataError, match=r"ran out of room.*memory_limit, fewer threads"),
    ):
        pc.rfm_summary(many_orders)


def test_the_memory_limit_nobody_asked_for_gives_way_where_the_disk_has_no_room(monkeypatch):
    monkeypatch.setattr("predclv.warehouse.duckdb.everyday_limit", lambda most: "40MB")
    sql = "SELECT i % 700_000 AS customer_id, count(*) AS n FROM range(1_400_000) t(i) GROUP BY 1"
    full = "SET max_temp_directory_size = '1MB'"
    engine = DuckDBWarehouse()
    engine.rows(full)
    engine.store("counted", sql)
    assert engine.rows("SELECT count(*), sum(n) FROM counted") == [(700_000, 1_400_000)]
    assert engine.rows("SELECT current_setting('memory_limit')") != [("38.1 MiB",)]
    with pc.duckdb_settings(memory_limit="40MB"):
        asked = DuckDBWarehouse()
    asked.rows(full)
    with pytest.raises(DataError, match="ran out of room"):
        asked.store("counted", sql)


def test_settings_are_those_of_the_innermost_with_then_of_the_environment(monkeypatch, tmp_path):
    assert current_settings().config == {}
    monkeypatch.setenv("PREDCLV_MEMORY_LIMIT", "3GB")
    monkeypatch.setenv("PREDCLV_TEMP_DIRECTORY", str(tmp_path))
    with pc.duckdb_settings(threads=1):
        with pc.duckdb_settings(memory_limit="2GB") as inner:
            assert inner.config == {"memory_limit": "2GB", "threads": 1}
            assert inner.spill_folder == str(tmp_path)
        assert current_settings().config == {"memory_limit": "3GB", "threads": 1}
    assert current_settings().threads is None


def test_a_summary_keeps_the_settings_it_was_made_with():
    log = pd.DataFrame({"customer_id": [1], "date": ["2024-01-01"], "amount": [1.0]})
    with pc.duckdb_settings(threads=1, memory_limit="100MB"):
        rfm = pc.rfm_summary(log)
    setting = "SELECT current_setting('threads'), current_setting('memory_limit')"
    assert rfm.log.warehouse.rows(setting) == [(1, "95.3 MiB")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory_limit": "lots"}, "such as '4GB'"),
        ({"memory_limit": 4}, "such as '4GB'"),
        ({"threads": 0}, "whole number from 1"),
        ({"threads": True}, "whole number from 1"),
        ({"temp_directory": "no/such/folder"}, "no folder no/such/folder"),
    ],
)
def test_a_setting_that_means_nothing_is_an_error(options, message):
    with pytest.raises(OptionError, match=message), pc.duckdb_settings(**options):
        pass


def test_an_environment_that_means_nothing_is_an_error(monkeypatch):
    monkeypatch.setenv("PREDCLV_THREADS", "many")
    with pytest.raises(OptionError, match="PREDCLV_THREADS must be a whole number"):
        current_settings()
