"""One writer after the other, readers that never meet half a model, paths as people write them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import StoreError
from predclv.io.files import write_csv, write_json, write_parquet, write_text
from predclv.io.folders import MANIFEST, read_folder, write_folder
from predclv.io.places import locked, workshop
from predclv.warehouse.duckdb_files import write_table

SMALL = pd.DataFrame({"customer_id": [1, 2], "clv": [1.5, 2.5]})
WRITERS = {
    "f.parquet": write_parquet,
    "f.csv": write_csv,
    "f.duckdb": lambda frame, path: write_table(frame, path, "t"),
    "f.html": lambda frame, path: write_text(frame.to_html(), path),
    "f.json": lambda frame, path: write_json(frame.to_dict("list"), path),
    "model": lambda frame, path: write_folder(path, "Fit", {}, {"customers": frame}),
}
every_writer = pytest.mark.parametrize("name", WRITERS)


def names(folder):
    return sorted(file.name for file in folder.iterdir())


def result(i):
    return {"i": i}, {"customers": SMALL.assign(clv=float(i)), "other": SMALL * i}


def test_readers_and_writers_at_once_see_whole_results(tmp_path):
    place, failures = tmp_path / "m", []
    write_folder(place, "Fit", *result(0))

    def guarded(work):
        def run(*arguments):
            try:
                work(*arguments)
            except BaseException as error:
                failures.append(error)

        return run

    @guarded
    def writer(first):
        for i in range(first, first + 25):
            write_folder(place, "Fit", *result(i))

    @guarded
    def reader():
        for _ in range(150):
            _, document, tables = read_folder(place)
            assert (tables["customers"]["clv"] == document["i"]).all()
            assert (tables["other"] == SMALL * document["i"]).all(axis=None)

    threads = [threading.Thread(target=writer, args=(100 * k,)) for k in (1, 2, 3)]
    threads += [threading.Thread(target=reader) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(names(place)) == 3
    assert names(tmp_path) == ["m"]


def test_a_first_save_by_two_at_once_leaves_one_whole_result(tmp_path):
    for turn in range(10):
        place = tmp_path / f"m{turn}"
        threads = [
            threading.Thread(target=write_folder, args=(place, "Fit", *result(i))) for i in (1, 2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert read_folder(place)[1]["i"] in (1, 2)
        assert len(names(place)) == 3


def test_who_waits_in_vain_for_another_writer_says_so(tmp_path, monkeypatch):
    pytest.importorskip("fcntl", reason="folders have no locks here")
    write_folder(tmp_path / "m", "Fit", *result(0))
    monkeypatch.setattr("predclv.io.places._PATIENCE", 0.1)
    with locked(tmp_path / "m"), pytest.raises(StoreError, match="Another process is writing"):
        write_folder(tmp_path / "m", "Fit", *result(1))
    assert read_folder(tmp_path / "m")[1] == {"i": 0}


def test_what_a_killed_writer_left_goes_and_what_a_living_one_holds_stays(tmp_path):
    pytest.importorskip("fcntl", reason="folders have no locks here")
    dead = tmp_path / f".predclv-{'0' * 32}"
    dead.mkdir()
    (dead / "f.csv").write_text("half")
    (tmp_path / ".predclv-mine").mkdir()
    with workshop(tmp_path) as living:
        write_csv(SMALL, tmp_path / "f.csv")
        assert names(tmp_path) == sorted([".predclv-mine", "f.csv", living.name])


def test_a_first_save_that_was_killed_can_be_repeated(tmp_path):
    place = tmp_path / "m"
    write_folder(place, "Fit", *result(1))
    (place / MANIFEST).unlink()
    (place / f".predclv-{'a' * 32}").mkdir()
    with pytest.raises(StoreError, match="first save was cut short"):
        read_folder(place)
    write_folder(place, "Fit", *result(2))
    assert read_folder(place)[1] == {"i": 2}
    assert len(names(place)) == 3


def as_by_the_earlier_version(place):
    """Tables named for what they are, without a checksum in the name."""
    write_folder(place, "Fit", *result(7))
    manifest = json.loads((place / MANIFEST).read_text())
    for name, entry in manifest["tables"].items():
        (place / entry["file"]).rename(place / f"{name}.parquet")
        entry["file"] = f"{name}.parquet"
    (place / MANIFEST).write_text(json.dumps(manifest))


def test_a_folder_of_the_earlier_version_is_read_and_replaced(tmp_path):
    as_by_the_earlier_version(tmp_path / "m")
    assert read_folder(tmp_path / "m")[1] == {"i": 7}
    write_folder(tmp_path / "m", "Fit", {}, {"customers": SMALL})
    assert len(names(tmp_path / "m")) == 2


def test_a_model_that_an_earlier_version_lost_is_named(tmp_path):
    lost = tmp_path / f".m-{'b' * 32}"
    as_by_the_earlier_version(lost)
    with pytest.raises(StoreError, match=rf"whole models are .*{lost.name}: rename"):
        read_folder(tmp_path / "m")
    assert lost.exists()


def test_notes_in_a_models_folder_are_kept(tmp_path):
    place = tmp_path / "m"
    write_folder(place, "Fit", *result(1))
    (place / "note.txt").write_text("mine")
    (place / ".DS_Store").write_text("x")
    (place / "drafts").mkdir()
    write_folder(place, "Fit", *result(2))
    assert read_folder(place)[1] == {"i": 2}
    assert (place / "note.txt").read_text() == "mine"
    assert len(names(place)) == 6


def test_a_folder_that_a_desktop_has_opened_counts_as_empty(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / ".DS_Store").write_text("x")
    write_folder(tmp_path / "m", "Fit", *result(1))
    assert read_folder(tmp_path / "m")[1] == {"i": 1}


@every_writer
def test_a_link_stays_a_link_and_its_target_is_written(tmp_path, name):
    (tmp_path / "link").symlink_to(tmp_path / name)
    for _ in range(2):  # at first it names nothing yet
        WRITERS[name](SMALL, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path) == sorted(["link", name])


@every_writer
def test_a_link_to_itself_is_refused_and_nothing_left(tmp_path, name):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(StoreError):
        WRITERS[name](SMALL, tmp_path / "loop")
    assert names(tmp_path) == ["loop"]


@every_writer
def test_a_path_in_the_home_folder_is_understood(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOME", str(tmp_path))
    WRITERS[name](SMALL, f"~/{name}")
    assert names(tmp_path) == [name]
    if name == "model":
        assert read_folder("~/model")[0] == "Fit"


@every_writer
@pytest.mark.parametrize("path", ["", " ", "~nobody-of-that-name/x", "a\0b", 3, None])
def test_what_is_no_path_is_refused(tmp_path, monkeypatch, name, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="is no path"):
        WRITERS[name](SMALL, path)
    with pytest.raises(StoreError, match="is no path"):
        pc.load(path)
    assert not names(tmp_path)


@every_writer
def test_a_missing_folder_is_named(tmp_path, name):
    with pytest.raises(StoreError, match=r"There is no folder .*nowhere"):
        WRITERS[name](SMALL, tmp_path / "nowhere" / name)
    assert not names(tmp_path)


def test_a_report_is_written_whole_or_not_at_all(tmp_path):
    split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    validation = pc.validate({"past rate": pc.baselines.PastRate()}, split)
    validation.to_html(tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text(encoding="utf-8").endswith("</html>")
    with pytest.raises(StoreError, match="no folder"):
        validation.to_html(tmp_path / "nowhere" / "r.html")


@pytest.fixture
def open_folder():
    """A folder that everybody may look into, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


IN_NEED = """
import os, resource, sys
import test_atomic_store as t
place, what = t.Path(sys.argv[1]), sys.argv[2]
big = t.pd.DataFrame({"customer_id": range(200_000), "clv": 0.1}).sample(frac=1, random_state=1)
if what == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
else:
    os.seteuid(65534)
for name, write in t.WRITERS.items():
    try:
        write(big, place / name)
    except t.StoreError as error:
        assert name in str(error) and "could not be written" in str(error), error
        continue
    raise AssertionError(name)
"""


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or sys.platform != "linux",
    reason="only root can become somebody who may not write",
)
@pytest.mark.parametrize("what", ["full", "read-only"])
@pytest.mark.parametrize("there_is", ["nothing", "earlier"])
def test_a_full_disk_or_a_locked_folder_leaves_what_was_there(open_folder, what, there_is):
    place = open_folder / "place"
    place.mkdir()
    if there_is == "earlier":
        for name, write in WRITERS.items():
            write(SMALL, place / name)
    place.chmod(0o755)
    before = {p: p.read_bytes() for p in open_folder.rglob("*") if p.is_file()}
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-c", IN_NEED, str(place), what],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {p: p.read_bytes() for p in open_folder.rglob("*") if p.is_file()} == before
    shutil.rmtree(place)


def test_a_deleted_database_s_log_does_not_spoil_a_new_one(tmp_path):
    file = tmp_path / "a.duckdb"
    write_table(pd.DataFrame({"a": [1]}), file, "t")
    script = (
        "import duckdb, os, sys;"
        "kept = duckdb.connect(sys.argv[1]);"
        "kept.execute('INSERT INTO t VALUES (2)');"
        "os._exit(9)"  # killed after a commit, before the file has it
    )
    assert subprocess.run([sys.executable, "-c", script, str(file)], check=False).returncode == 9
    assert Path(f"{file}.wal").exists()
    file.unlink()
    write_table(pd.DataFrame({"a": [5]}), file, "t")
    with duckdb.connect(str(file), read_only=True) as connection:
        assert connection.sql("SELECT a FROM t").fetchall() == [(5,)]
