"""A model folder that somebody tampered with gives a StoreError on loading, never another error."""

import hashlib
import io
import json
import os
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import predclv as pc
from predclv.errors import StoreError
from predclv.io.folders import MANIFEST
from predclv.io.strict_json import from_json, to_json

ODD = [
    None, True, -1, 0, 1e308, float("nan"), float("inf"), "", "x", "\ud800", [], {}, [[]],
    {"__float__": "x"}, 10**400, "1" * 50, [1.0, "a"],
]  # fmt: skip


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """The files of a saved model with replicates, by name."""
    place = tmp_path_factory.mktemp("store") / "m"
    rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    few = pc.RFM.from_frame(rfm.frame.head(300), rfm.unit)
    pc.CLVModel(purchases=pc.BGNBD, spend=None).fit(few).save(place)
    return {file.name: file.read_bytes() for file in place.iterdir()}


@pytest.fixture
def place(content, tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def signed(folder, change=lambda document: None, tables=None):
    """Change content and tables as somebody would who also mends the checksums."""
    manifest = from_json((folder / MANIFEST).read_text())
    change(manifest["content"])
    for name, data in (tables or {}).items():
        entry = manifest["tables"].setdefault(name, {"file": f"{name}.parquet"})
        (folder / entry["file"]).write_bytes(data)
        entry["sha256"] = hashlib.sha256(data).hexdigest()
    try:
        manifest["content_sha256"] = hashlib.sha256(
            to_json(manifest["content"]).encode()
        ).hexdigest()
        (folder / MANIFEST).write_text(to_json(manifest))
    except (UnicodeEncodeError, ValueError):
        (folder / MANIFEST).write_text(json.dumps(manifest))


def parquet(frame, metadata=None):
    file = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if metadata is not None:
        table = table.replace_schema_metadata(metadata)
    pq.write_table(table, file)
    return file.getvalue()


def customers(folder):
    (file,) = folder.glob("customers-*.parquet")
    return pd.read_parquet(file)


@pytest.mark.parametrize("depth", [2_000, 300_000])
def test_deep_nesting_is_called_damaged(place, depth):
    (place / MANIFEST).write_text('{"content":' * depth + "1" + "}" * depth)
    with pytest.raises(StoreError):
        pc.load(place)


@pytest.mark.parametrize(
    "metadata", [b"{", b"{}", b'{"columns": 3}', b'{"index_columns": ["nope"], "columns": [{}]}']
)
def test_odd_pandas_metadata_changes_nothing(place, metadata):
    signed(place, tables={"customers": parquet(customers(place), {b"pandas": metadata})})
    assert len(pc.load(place).rfm) == 300


@pytest.mark.parametrize("value", [np.nan, -1.0, 0.0, np.inf])
def test_replicates_that_cannot_be_are_refused(place, value):
    frame = pd.DataFrame({"chain": 0, "draw": range(5), "r": 0.2, "alpha": 4.0, "a": 0.8, "b": 2.4})
    signed(place, tables={"purchases_replicates": parquet(frame)})
    assert pc.load(place).purchases.replicates.shape == (1, 5, 4)
    frame.loc[2, "alpha"] = value
    signed(place, tables={"purchases_replicates": parquet(frame)})
    with pytest.raises(StoreError, match="positive and finite"):
        pc.load(place)


@pytest.mark.parametrize("columns", [["T"], ["recency", "T"], ["monetary_value"]])
def test_numbers_that_no_log_gives_are_refused(place, columns):
    frame = customers(place)
    frame.loc[frame["frequency"].idxmax(), columns] = 1e308
    signed(place, tables={"customers": parquet(frame)})
    with pytest.raises(StoreError, match="beyond 1e"):
        pc.load(place)


@pytest.mark.parametrize("unit", ["fortnight", "<b>week</b>", ["week"], 7, None, "day"])
def test_a_fits_unit_is_checked_before_it_is_shown(place, unit):
    signed(place, lambda content: content["purchases"].update(unit=unit))
    with pytest.raises(StoreError):
        pc.load(place)


@pytest.mark.parametrize("which", [MANIFEST, "customers"])
@pytest.mark.parametrize("what", ["link", "folder", "pipe"])
def test_only_ordinary_files_of_the_folder_are_read(place, tmp_path, which, what):
    (file,) = place.glob(f"{which}*")
    outside = tmp_path / "outside"
    file.rename(outside)
    {
        "link": lambda: file.symlink_to(outside),
        "folder": file.mkdir,
        "pipe": lambda: os.mkfifo(file),
    }[what]()
    with pytest.raises(StoreError, match="not followed"):
        pc.load(place)
    with pytest.raises(StoreError):
        pc.load(place / MANIFEST)


def loads_or_says_why(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            repr(pc.load(folder))
        except StoreError:
            return False
    return True


def paths_in(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, part in items:
        yield from paths_in(part, (*path, key))


def test_every_entry_replaced_by_something_odd_gives_nothing_but_a_store_error(place, content):
    found = list(paths_in(from_json(content[MANIFEST].decode())["content"]))
    for path in found[1:]:
        for odd in ODD:

            def change(document, path=path, odd=odd):
                for key in path[:-1]:
                    document = document[key]
                document[path[-1]] = odd

            signed(place, change)
            loads_or_says_why(place)
            (place / MANIFEST).write_bytes(content[MANIFEST])


def test_random_bytes_give_nothing_but_a_store_error(place, content):
    rng = np.random.default_rng(5)
    (table,) = (name for name in content if name.startswith("customers-"))
    refused = 0
    for turn in range(600):
        name = (MANIFEST, table)[turn % 2]
        data = np.frombuffer(content[name], np.uint8).copy()
        at = rng.integers(0, data.size, rng.integers(1, 6))
        if turn % 4 == 3:  # the footer, where Parquet says what it holds
            at = data.size - 1 - rng.integers(0, 2000, 3)
        data[at] = rng.integers(0, 256, at.size)
        if name == MANIFEST:
            (place / MANIFEST).write_bytes(data.tobytes())
        else:
            signed(place, tables={"customers": data.tobytes()})
        refused += not loads_or_says_why(place)
        for file, was in content.items():
            (place / file).write_bytes(was)
    assert refused > 300
