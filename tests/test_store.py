"""What is saved is what is loaded, and no file is lost, half written or trusted blindly."""

import ast
import csv
import json
import os
import pickle
import uuid
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import predclv as pc
from predclv.errors import BoundaryWarning, DataError, DataWarning, StoreError

PACKAGE = Path(pc.__file__).parent
MANIFEST = "predclv.json"
AWKWARD = ['"quoted"', "it's", "a,b", "two\nlines", "=1+1", "-5", "@cmd", "ключ 🔑", " x ", ";"]


@pytest.fixture(scope="module")
def fitted():
    return pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))


@pytest.fixture
def saved(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    return tmp_path / "model"


def summary(ids, seed=3):
    """Customers with these ids, drawn from the models."""
    rng = np.random.default_rng(seed)
    n = len(ids)
    x, t_x = pc.BGNBD(0.9, 5.0, 0.8, 2.4).simulate(np.full(n, 40.0), rng)
    spend = np.where(x > 0, rng.gamma(3.0, 10.0, n), 0.0)
    frame = pd.DataFrame({"frequency": x, "recency": t_x, "T": 40.0, "monetary_value": spend})
    frame.insert(0, "customer_id", ids)
    return pc.RFM.from_frame(frame, unit="week")


def edited(folder, change):
    """Change the manifest of a saved model as a text editor would."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def table_of(folder, name="customers"):
    """The file of a saved model's table."""
    (file,) = folder.glob(f"{name}-*.parquet")
    return file


def point_forecast(fitted, **options):
    """The columns that no draws are behind."""
    return fitted.forecast(level=None, **options).frame


# Round trips --------------------------------------------------------------------------------


def test_a_loaded_model_forecasts_exactly_what_the_saved_one_does(fitted, saved):
    loaded = pc.load(saved)
    for options in ({}, {"horizon": None}, {"horizon": "3 months", "margin": 0.2}):
        pd.testing.assert_frame_equal(
            point_forecast(loaded, **options), point_forecast(fitted, **options), check_exact=True
        )
    assert str(loaded.forecast(level=None).terms.observation_end) == "1998-06-30"
    assert loaded.unit == "week"


def test_a_loaded_model_draws_the_same_intervals_with_the_same_seed(tmp_path):
    fitted = pc.CLVModel().fit(summary(range(60)))
    fitted.save(tmp_path / "m")
    found, was = (f.forecast(seed=8).frame for f in (pc.load(tmp_path / "m"), fitted))
    pd.testing.assert_frame_equal(found, was, check_exact=True)


def test_a_loaded_fit_is_the_saved_one_in_every_field(fitted, saved):
    loaded = pc.load(saved)
    for was, found in ((fitted.purchases, loaded.purchases), (fitted.spend, loaded.spend)):
        assert found.model == was.model
        assert (found.log_likelihood, found.n_customers) == (was.log_likelihood, was.n_customers)
        assert (found.engine, found.unit, found.converged) == (was.engine, was.unit, was.converged)
        assert (found.limits, found.undetermined) == (was.limits, was.undetermined)
        assert dict(found.checks) == dict(was.checks)
        np.testing.assert_array_equal(found.log_covariance, was.log_covariance)
    pd.testing.assert_frame_equal(loaded.summary(), fitted.summary(), check_exact=True)
    draws = [f.purchases.draws(5, seed=1)["alpha"] for f in (fitted, loaded)]
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize(
    "ids",
    [
        [f"customer {i % 7}-{i}" for i in range(60)],
        AWKWARD + [f"plain {i}" for i in range(50)],
        [uuid.UUID(int=2**100 * ((i * 37) % 60) + 5) for i in range(60)],
        [2**62 + 977 * ((i * 37) % 60) for i in range(60)],
        np.array([2**63 + i for i in range(60)], dtype="uint64"),
        [-(2**60) + i for i in range(60)],
    ],
    ids=["text", "awkward text", "UUIDs", "huge", "unsigned", "negative"],
)
def test_ids_come_back_as_they_were(tmp_path, ids):
    fitted = pc.CLVModel(spend=None).fit(summary(ids))
    fitted.save(tmp_path / "model")
    found, was = point_forecast(pc.load(tmp_path / "model")), point_forecast(fitted)
    pd.testing.assert_frame_equal(found, was, check_exact=True)
    assert set(found["customer_id"]) == set(ids)
    assert [type(i) for i in found["customer_id"][:3]] == [type(i) for i in was["customer_id"][:3]]


def test_a_model_saved_without_its_customers_forecasts_others_alone(fitted, tmp_path):
    fitted.save(tmp_path / "m", customers=False)
    assert not [file for file in (tmp_path / "m").iterdir() if b"customer_id" in file.read_bytes()]
    loaded = pc.load(tmp_path / "m")
    with pytest.raises(DataError, match=r"saved without its customers.*rfm="):
        loaded.forecast()
    others = pc.RFM.from_frame(fitted.rfm.frame.head(40), fitted.unit)
    found, was = (f.forecast(rfm=others, level=None).frame for f in (loaded, fitted))
    pd.testing.assert_frame_equal(found, was, check_exact=True)
    assert loaded.rfm.observation_end == fitted.rfm.observation_end
    loaded.save(tmp_path / "again", customers=False)
    assert pc.load(tmp_path / "again").purchases.model == fitted.purchases.model


def test_a_model_of_purchases_alone_comes_back_without_spend(tmp_path):
    pc.CLVModel(spend=None).fit(summary(range(60))).save(tmp_path / "m")
    assert pc.load(tmp_path / "m").spend is None


def test_a_fit_at_a_limit_still_says_so_when_loaded(tmp_path):
    frame = summary(range(40)).frame.assign(frequency=8, recency=38.0)
    with pytest.warns(BoundaryWarning):
        fitted = pc.CLVModel(spend=None).fit(pc.RFM.from_frame(frame, unit="week"))
    fitted.save(tmp_path / "m")
    loaded = pc.load(tmp_path / "m")
    assert loaded.purchases.limits == fitted.purchases.limits != ()
    assert loaded.purchases.undetermined == fitted.purchases.undetermined
    assert "at a limit" in repr(loaded)
    found, was = point_forecast(loaded), point_forecast(fitted)
    pd.testing.assert_frame_equal(found, was, check_exact=True)


def test_either_the_folder_or_its_manifest_can_be_named(fitted, saved):
    assert pc.load(saved / MANIFEST).purchases.params == fitted.purchases.params
    assert pc.load(str(saved)).purchases.params == fitted.purchases.params


# Where a model may be saved -------------------------------------------------------------------


def test_a_saved_model_is_replaced_by_the_next_one(fitted, saved):
    pc.CLVModel(spend=None).fit(fitted.rfm).save(saved)
    assert pc.load(saved).spend is None
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_an_empty_folder_is_filled(fitted, tmp_path):
    (tmp_path / "empty").mkdir()
    fitted.save(tmp_path / "empty")
    assert pc.load(tmp_path / "empty").purchases.params == fitted.purchases.params


@pytest.mark.parametrize("what", ["a folder of others", "a file"])
def test_nothing_else_is_ever_overwritten(fitted, saved, tmp_path, what):
    place = tmp_path / "place"
    if what == "a file":
        place.write_text("mine")
    else:
        place.mkdir()
        (place / "thesis.tex").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(StoreError, match="choose another name"):
        fitted.save(place)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_a_missing_parent_folder_is_named(fitted, tmp_path):
    forecast = fitted.forecast(level=None)
    nowhere = tmp_path / "nowhere"
    for write in (
        lambda: fitted.save(nowhere / "m"),
        lambda: forecast.to_parquet(nowhere / "f.parquet"),
        lambda: forecast.to_csv(nowhere / "f.csv"),
        lambda: forecast.to_duckdb(nowhere / "f.duckdb", "t"),
    ):
        with pytest.raises(StoreError, match=r"There is no folder .*nowhere"):
            write()
    assert not nowhere.exists()


def test_a_folder_in_the_place_of_a_file_is_named(fitted, tmp_path):
    with pytest.raises(StoreError, match="is a folder"):
        fitted.forecast(level=None).to_parquet(tmp_path)
    with pytest.raises(StoreError):
        fitted.forecast(level=None).to_duckdb(tmp_path, "t")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_folder_without_permission_gives_an_error_that_names_it(fitted, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    for write in (
        lambda: fitted.save(locked / "m"),
        lambda: fitted.forecast(level=None).to_csv(locked / "f.csv"),
        lambda: fitted.forecast(level=None).to_duckdb(locked / "f.duckdb", "t"),
    ):
        with pytest.raises((StoreError, PermissionError), match="locked"):
            write()


def test_a_failure_half_way_leaves_the_earlier_file_whole(fitted, tmp_path, monkeypatch):
    fitted.save(tmp_path / "m")
    fitted.forecast(level=None).to_csv(tmp_path / "f.csv")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(pq, "write_table", full)
        broken.setattr(pd.DataFrame, "to_csv", full)
        for write in (
            lambda: fitted.save(tmp_path / "m"),
            lambda: fitted.forecast(level=None).to_csv(tmp_path / "f.csv"),
        ):
            with pytest.raises(StoreError, match="No space left"):
                write()
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


# What is not loaded ----------------------------------------------------------------------------


def test_a_path_with_nothing_at_it_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"There is nothing at .*absent"):
        pc.load(tmp_path / "absent")


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    with pytest.raises(StoreError, match=r"was not saved by predclv: it holds no predclv\.json"):
        pc.load(tmp_path)


@pytest.mark.parametrize("text", ['{"format": "lifelines"}', "[1, 2]", "3", "{}"])
def test_a_foreign_json_file_is_refused(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(StoreError, match="was not saved by predclv"):
        pc.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"format": "predclv", ', "\x00\x01", "not json"])
def test_broken_json_is_called_damaged(tmp_path, text):
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(StoreError, match="is no JSON, or is damaged"):
        pc.load(tmp_path)


def test_a_manifest_that_is_no_text_is_called_damaged(tmp_path):
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe\x80\x00")
    with pytest.raises(StoreError, match="is damaged"):
        pc.load(tmp_path)


def test_a_manifest_cut_short_anywhere_is_refused(saved):
    whole = (saved / MANIFEST).read_bytes()
    for length in range(0, len(whole) - 3, 199):
        (saved / MANIFEST).write_bytes(whole[:length])
        with pytest.raises(StoreError, match="damaged"):
            pc.load(saved)


@pytest.mark.parametrize("damage", ["cut short", "a byte changed", "emptied", "gone"])
def test_a_damaged_table_is_named(saved, damage):
    table = table_of(saved)
    content = table.read_bytes()
    if damage == "gone":
        table.unlink()
    else:
        table.write_bytes(
            {
                "cut short": content[: len(content) // 2],
                "a byte changed": content[:2000] + bytes([content[2000] ^ 1]) + content[2001:],
                "emptied": b"",
            }[damage]
        )
    with pytest.raises(StoreError, match=r"table 'customers' is (damaged|missing).*customers"):
        pc.load(saved)


def test_another_models_table_is_not_taken_for_its_own(saved, fitted, tmp_path):
    pc.CLVModel(spend=None).fit(summary(range(60))).save(tmp_path / "other")
    table_of(saved).write_bytes(table_of(tmp_path / "other").read_bytes())
    with pytest.raises(StoreError, match="is not what was saved"):
        pc.load(saved)


@pytest.mark.parametrize("version", [2, 99])
def test_a_newer_format_says_what_to_install(saved, version):
    edited(saved, lambda manifest: manifest.update(format_version=version))
    with pytest.raises(StoreError, match=rf"format version {version}.*Install a newer predclv"):
        pc.load(saved)


@pytest.mark.parametrize("version", ["1.0", None, 1.5, [1]])
def test_a_format_version_that_is_no_number_is_refused(saved, version):
    edited(saved, lambda manifest: manifest.update(format_version=version))
    with pytest.raises(StoreError, match="format version"):
        pc.load(saved)


def test_a_result_of_another_kind_is_named(saved):
    edited(saved, lambda manifest: manifest.update(kind="Validation"))
    with pytest.raises(StoreError, match="'Validation', which this version cannot load"):
        pc.load(saved)


@pytest.mark.parametrize("value", [0.5, -1, "0.24", None, 1e999, True])
def test_an_edited_parameter_is_noticed(saved, value):
    edited(saved, lambda m: m["content"]["purchases"]["params"].update(r=value))
    with pytest.raises(StoreError):
        pc.load(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["purchases"]["params"].pop("b"),
        lambda content: content["purchases"].update(model="ParetoNBD2"),
        lambda content: content["purchases"].update(model="GammaGamma"),
        lambda content: content["purchases"].update(unit="day"),
        lambda content: content["purchases"].update(unit="fortnight"),
        lambda content: content["purchases"].update(log_covariance=[[1.0]]),
        lambda content: content["purchases"].pop("limits"),
        lambda content: content["spend"].update(checks={}),
        lambda content: content["rfm"].update(unit="day"),
        lambda content: content["rfm"].update(observation_end="yesterday"),
        lambda content: content.pop("rfm"),
        lambda content: content.update(purchases=None),
    ],
)
def test_edited_content_is_noticed_on_loading_and_not_later(saved, change):
    edited(saved, lambda manifest: change(manifest["content"]))
    with pytest.raises(StoreError):
        pc.load(saved)


def test_a_table_outside_the_folder_is_never_read(saved):
    edited(
        saved,
        lambda manifest: manifest["tables"]["customers"].update(file="../../etc/passwd"),
    )
    with pytest.raises(StoreError, match="damaged"):
        pc.load(saved)


# Never pickle ------------------------------------------------------------------------------------


def test_no_module_of_the_package_imports_pickle():
    banned = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    found = {
        (file.name, name)
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        if name.split(".")[0] in banned
    }
    assert not found


def test_nothing_is_pickled_on_the_way(fitted, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("pickle was used")

    for name in ("dump", "dumps", "load", "loads"):
        monkeypatch.setattr(pickle, name, refuse)
    fitted.save(tmp_path / "m")
    pc.load(tmp_path / "m")
    assert {path.suffix for path in (tmp_path / "m").iterdir()} == {".json", ".parquet"}


# Forecasts as files -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def awkward_forecast():
    ids = AWKWARD + [f"plain {i}" for i in range(40)]
    return pc.CLVModel().fit(summary(ids)).forecast(horizon="26 weeks")


def test_parquet_gives_the_frame_back_and_carries_the_terms(awkward_forecast, tmp_path):
    awkward_forecast.to_parquet(tmp_path / "f.parquet")
    found = pd.read_parquet(tmp_path / "f.parquet")
    pd.testing.assert_frame_equal(found, awkward_forecast.frame, check_exact=True)
    metadata = pq.read_schema(tmp_path / "f.parquet").metadata
    assert metadata[b"predclv.horizon"] == b"26.0"
    assert metadata[b"predclv.unit"] == b"week"
    assert metadata[b"predclv.discount_rate"] == b"0.1"
    assert metadata[b"predclv.margin"] == b"1.0"


def test_csv_gives_the_frame_back_and_warns_of_ids_that_spreadsheets_execute(
    awkward_forecast, tmp_path
):
    with pytest.warns(DataWarning, match=r"3 values begin with =, \+, - or @"):
        awkward_forecast.to_csv(tmp_path / "f.csv")
    found = pd.read_csv(tmp_path / "f.csv", dtype={"customer_id": "str"})
    pd.testing.assert_frame_equal(found, awkward_forecast.frame, check_exact=True)
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.reader(text))
    assert rows[0] == list(awkward_forecast.frame)
    assert {row[0] for row in rows[1:]} == set(awkward_forecast.frame["customer_id"])


def test_csv_of_plain_ids_is_quiet(fitted, tmp_path):
    forecast = fitted.forecast(level=None)
    forecast.to_csv(tmp_path / "f.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "f.csv"), forecast.frame, check_exact=True)


@pytest.mark.parametrize("table", ["forecast", "my table", 'x"; DROP TABLE other; --', "select"])
def test_duckdb_gives_the_frame_back_under_any_table_name(awkward_forecast, tmp_path, table):
    file = tmp_path / "f.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE other AS SELECT 42 AS kept")
    for _ in range(2):  # the second replaces the first
        awkward_forecast.to_duckdb(file, table)
    quoted = '"' + table.replace('"', '""') + '"'
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute(f"SELECT * FROM {quoted}").df()
        assert connection.execute("SELECT kept FROM other").fetchall() == [(42,)]
    pd.testing.assert_frame_equal(found, awkward_forecast.frame, check_dtype=False)
    assert found["clv"].tolist() == awkward_forecast.frame["clv"].tolist()


@pytest.mark.parametrize(
    "ids",
    [[uuid.UUID(int=i * 2**90 + 1) for i in range(60)], [2**62 + i for i in range(60)]],
    ids=["UUIDs", "huge"],
)
def test_ids_keep_their_values_in_every_kind_of_file(tmp_path, ids):
    forecast = pc.CLVModel(spend=None).fit(summary(ids)).forecast(level=None)
    forecast.to_parquet(tmp_path / "f.parquet")
    forecast.to_csv(tmp_path / "f.csv")
    forecast.to_duckdb(tmp_path / "f.duckdb", "t")
    texts = [str(i) for i in ids]
    parquet = pd.read_parquet(tmp_path / "f.parquet")["customer_id"]
    assert [str(i) for i in parquet] == texts
    assert type(parquet[0]) is type(forecast.frame["customer_id"][0])
    as_text = pd.read_csv(tmp_path / "f.csv", dtype={"customer_id": "str"})["customer_id"]
    assert as_text.tolist() == texts
    with duckdb.connect(str(tmp_path / "f.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT CAST(customer_id AS VARCHAR) FROM t").fetchall()
    assert [row[0] for row in rows] == texts


def test_a_file_that_is_no_database_is_not_overwritten(fitted, tmp_path):
    (tmp_path / "notes.duckdb").write_text("these are my notes, not a database, " * 40)
    before = (tmp_path / "notes.duckdb").read_bytes()
    with pytest.raises(StoreError, match="could not be written"):
        fitted.forecast(level=None).to_duckdb(tmp_path / "notes.duckdb", "t")
    assert (tmp_path / "notes.duckdb").read_bytes() == before


def test_a_database_table_needs_a_name(fitted, tmp_path):
    with pytest.raises(StoreError, match="needs a name"):
        fitted.forecast(level=None).to_duckdb(tmp_path / "f.duckdb", "")
