"""A base that grew batch by batch says what the whole log says, whatever the batches were."""

import multiprocessing
import os
import warnings

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError, DataWarning, DuplicateWarning, OptionError, StoreError

pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.DataWarning")


@pytest.fixture(scope="module")
def cdnow():
    return pc.datasets.load_cdnow()


def random_log(rng, rows=120, customers=15, refunds=0.15):
    amounts = rng.choice([5.0, 10.25, 19.99, 0.0, 33.3333], rows)
    back = rng.random(rows) < refunds
    return pd.DataFrame(
        {
            "customer_id": rng.integers(1, customers + 1, rows),
            "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, rows), "D"),
            "amount": np.where(back, -amounts, amounts),
        }
    )


def same(found, wanted):
    assert found.observation_end == wanted.observation_end
    pd.testing.assert_frame_equal(found.frame, wanted.frame, check_exact=True)
    assert dict(found.counts) == dict(wanted.counts)


def played(base, rng, log, by_time):
    """Cut a log into batches, add, replace and remove them; the log that remains."""
    parts = int(rng.integers(1, 7))
    order = log.sort_values("date") if by_time else log.sample(frac=1.0, random_state=rng)
    cuts = np.sort(rng.integers(0, len(log) + 1, parts - 1))
    pieces = [p for p in np.split(np.arange(len(log)), cuts) if len(p)]
    batches = {(str(i), rng.choice(["web", "till"])): order.iloc[p] for i, p in enumerate(pieces)}
    for (name, source), rows in batches.items():
        base.add(rows, batch=name, log=source)
        if rng.random() < 0.3:
            with pytest.raises(DataError, match="in the base already"):
                base.add(rows, batch=name, log=source)
    for key in list(batches):
        chance = rng.random()
        if chance < 0.2 and len(batches) > 1:
            base.remove(*key)
            del batches[key]
        elif chance < 0.5:
            other = random_log(rng, int(rng.integers(1, 40)))
            base.add(other, batch=key[0], log=key[1], replace=True)
            batches[key] = other
    return pd.concat(batches.values(), ignore_index=True)


def merged(rng, base, log):
    ids = rng.permutation(np.arange(1, 16))
    tables = {"one": {int(ids[0]): int(ids[1]), int(ids[1]): int(ids[2])},
              "two": {int(ids[3]): int(ids[2]), int(ids[2]): int(ids[4])}}  # fmt: skip
    for name, table in tables.items():
        base.merge_ids(table, batch=name)
    if rng.random() < 0.4:
        base.remove("one")
        del tables["one"]
    if rng.random() < 0.5:
        late = random_log(rng, 20)
        base.add(late, batch="late", log="web")
        log = pd.concat([log, late], ignore_index=True)
    into = {old: new for table in tables.values() for old, new in table.items()}
    for _ in range(4):
        log = log.assign(customer_id=log["customer_id"].map(lambda i: into.get(i, i)))
    return log


ORDERS = {"by time": True, "in any order": False}
MERGED = {"merged": True, "as they are": False}


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(2))
@pytest.mark.parametrize("ids", MERGED)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("share", [0.0, 0.15, 0.6])
@pytest.mark.parametrize("refunds", ["net", "drop"])
def test_any_sequence_of_batches_gives_the_summary_of_the_whole_log(
    refunds, share, order, ids, turn, tmp_path
):
    rng = np.random.default_rng([turn, int(100 * share), ORDERS[order], MERGED[ids], len(refunds)])
    base = pc.CustomerBase(tmp_path / "base", refunds=refunds)
    log = random_log(rng, int(rng.integers(1, 150)), refunds=share)
    log = played(base, rng, log, ORDERS[order])
    if MERGED[ids]:
        log = merged(rng, base, log)
    unit = str(rng.choice(["day", "week", "month", "year"]))
    first, last = log["date"].min(), log["date"].max()
    for end in (None, first + (last - first) * rng.random(), last + pd.Timedelta("20 days")):
        end = None if end is None else str(end)[:10]
        try:
            wanted = pc.rfm_summary(log, unit=unit, observation_end=end, refunds=refunds)
        except DataError:
            with pytest.raises(DataError):
                base.rfm(unit, end)
        else:
            same(base.rfm(unit, end), wanted)


def test_months_in_order_and_backwards_agree_with_the_whole_log(cdnow, tmp_path):
    months = [rows for _, rows in cdnow.groupby(cdnow["date"].dt.strftime("%Y-%m"))]
    wanted = pc.rfm_summary(cdnow)
    for name, order in {"onwards": months, "back": months[::-1]}.items():
        base = pc.CustomerBase(tmp_path / name)
        for number, rows in enumerate(order):
            added = base.add(rows, batch=str(number))
            if name == "onwards":
                assert added["late_customers"] == 0
        same(base.rfm(), wanted)


def test_a_batch_that_is_there_is_refused_by_name_and_changes_nothing(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow, batch="all")
    with pytest.raises(DataError, match=r"'all' of the log 'shop' is in the base already"):
        base.add(cdnow, batch="all")
    same(base.rfm(), pc.rfm_summary(cdnow))


def test_the_same_rows_under_another_name_are_a_warning(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow.head(100), batch="a")
    with pytest.warns(DuplicateWarning, match="exactly what 'a'"):
        base.add(cdnow.head(100), batch="b")


def test_orders_on_one_day_in_two_logs_are_one_purchase(tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    web = pd.DataFrame({"customer_id": ["a", "a"], "date": ["2024-01-01", "2024-02-01"],
                        "amount": [1.0, 2.0]})  # fmt: skip
    base.add(web, batch="1", log="web")
    base.add(web.tail(1), batch="1", log="till")
    frame = base.rfm("day").frame
    assert frame["frequency"].tolist() == [1]
    assert frame["monetary_value"].tolist() == [4.0]


@pytest.mark.parametrize("ids", ["text", "uuid"])
def test_ids_keep_their_kind(cdnow, tmp_path, ids):
    import uuid

    make = str if ids == "text" else lambda i: uuid.UUID(int=int(i))
    log = cdnow.assign(customer_id=[make(i) for i in cdnow["customer_id"]])
    base = pc.CustomerBase(tmp_path / "base")
    base.add(log.head(3000), batch="a")
    base.add(log.tail(len(log) - 3000), batch="b")
    same(base.rfm(), pc.rfm_summary(log))
    with pytest.raises(DataError, match="ids of the base are"):
        base.add(cdnow.head(10), batch="c")


def test_a_log_without_amounts_makes_a_base_without(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow.head(3000), amount=None, batch="a")
    with pytest.raises(DataError, match="has no amounts and this batch has"):
        base.add(cdnow.tail(100), batch="b")
    same(base.rfm(), pc.rfm_summary(cdnow.head(3000), amount=None))


def test_files_and_relations_go_in_as_frames_do(cdnow, tmp_path):
    import duckdb

    cdnow.to_csv(tmp_path / "log.csv", index=False)
    cdnow.to_parquet(tmp_path / "log.parquet")
    wanted = pc.rfm_summary(cdnow)
    with duckdb.connect() as connection:
        sources = {
            "csv": tmp_path / "log.csv",
            "parquet": tmp_path / "log.parquet",
            "relation": connection.from_df(cdnow),
        }
        for name, source in sources.items():
            base = pc.CustomerBase(tmp_path / name)
            base.add(source, batch="all")
            same(base.rfm(), wanted)


def test_merges_that_cannot_be_are_refused(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow, batch="all")
    base.merge_ids({1: 2}, batch="m")
    with pytest.raises(DataError, match="1 into 2 and 3"):
        base.merge_ids({1: 3}, batch="n")
    with pytest.raises(DataError, match="in a circle"):
        base.merge_ids({2: 1}, batch="n")
    with pytest.raises(DataError, match="already"):
        base.merge_ids({5: 6}, batch="m")
    base.remove("m")
    same(base.rfm(), pc.rfm_summary(cdnow))


def test_an_empty_base_says_what_to_do(tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    assert "empty" in repr(base)
    with pytest.raises(DataError, match="no orders yet"):
        base.rfm()
    with pytest.raises(OptionError, match="refunds must be"):
        pc.CustomerBase(tmp_path / "base", refunds="gross")


def test_a_newer_format_and_a_foreign_file_are_refused(cdnow, tmp_path):
    import duckdb

    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow.head(50), batch="a")
    with duckdb.connect(str(tmp_path / "base" / "states.duckdb")) as file:
        file.execute("UPDATE about SET value = '99' WHERE name = 'format_version'")
    with pytest.raises(StoreError, match="format version 99"):
        pc.CustomerBase(tmp_path / "base")
    (tmp_path / "other").mkdir()
    with duckdb.connect(str(tmp_path / "other" / "states.duckdb")) as file:
        file.execute("CREATE TABLE mine (a INTEGER)")
    with pytest.raises(StoreError, match="did not write"):
        pc.CustomerBase(tmp_path / "other")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "states.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="could not be opened"):
        pc.CustomerBase(tmp_path / "broken")


def hold(folder, held, done):
    from predclv.base.vault import Vault

    with Vault(folder, 5.0).writing():
        held.set()
        done.wait(20)


def test_a_second_writer_is_told_who_is_there(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base", wait=0.2)
    base.add(cdnow.head(50), batch="a")
    spawn = multiprocessing.get_context("spawn")
    held, done = spawn.Event(), spawn.Event()
    other = spawn.Process(target=hold, args=(tmp_path / "base", held, done))
    other.start()
    try:
        assert held.wait(20)
        with pytest.raises(StoreError, match=rf"in use by process {other.pid} on "):
            base.add(cdnow.tail(50), batch="b")
        with pytest.raises(StoreError, match="in use by process"):
            base.rfm()
    finally:
        done.set()
        other.join()
    base.add(cdnow.tail(50), batch="b")
    assert len(base.batches()) == 2


def test_a_failing_statement_leaves_the_base_as_it_was(cdnow, tmp_path, monkeypatch):
    from predclv.base import batches

    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow.head(3000), batch="a")
    before = base.rfm().frame
    ordinary = batches.with_batch
    monkeypatch.setattr(
        batches,
        "with_batch",
        lambda *given: [*ordinary(*given), "SELECT error('the disk is full')"],
    )
    with pytest.raises(StoreError, match=r"as it was before.*disk is full"):
        base.add(cdnow.tail(3000), batch="b")
    assert base.rfm().frame.equals(before)
    assert len(base.batches()) == 1


def test_rows_after_the_end_are_told(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow, batch="a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataWarning, match="after observation_end 1997-09-30"):
            base.rfm(observation_end="1997-09-30")
    with pytest.raises(DataError, match="before every purchase"):
        base.rfm(observation_end="1990-01-01")


def test_the_folder_of_a_base_is_told(tmp_path):
    assert pc.CustomerBase(tmp_path / "base").folder == os.fspath(tmp_path / "base")
