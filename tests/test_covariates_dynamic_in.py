"""Dynamic covariates on their way in: paths and purchases by day, against a count day by day."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from test_covariates_in import END, shop

import predclv as pc
from predclv.errors import DataError, DataWarning
from predclv.samples.paths import Paths
from predclv.summaries.files import read_rfm, write_rfm

EPOCH = pd.Timestamp("1970-01-01")
START = {"mailed": 0, "tier": "none"}


def mailings(known, seed=5, per_customer=4):
    """Changes of two columns per customer, from before the first purchase to after the end."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(known["customer_id"].to_numpy(), per_customer)
    rows = pd.DataFrame(
        {
            "customer_id": ids,
            "date": np.datetime64("2023-12-01") + rng.integers(0, 420, ids.size),
            "mailed": rng.integers(0, 2, ids.size),
            "tier": rng.choice(["gold", "silver"], ids.size, p=[0.3, 0.7]),
        }
    ).drop_duplicates(["customer_id", "date"])
    rows["date"] = rows["date"].astype("datetime64[us]")
    return rows[rng.random(len(rows)) < 0.8]


def summary(log, dynamic, end=END, **more):
    """Without the warnings that these mailings deserve."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return pc.rfm_summary(log, observation_end=end, dynamic_covariates=dynamic, **more)


def day_by_day(log, dynamic, start=None, static=None, end=END):
    """One row per customer and day from the first purchase to the end, with what is in force."""
    log = log[log["date"] <= end]
    first = log.groupby("customer_id")["date"].min()
    days = pd.concat(
        pd.DataFrame({"customer_id": who, "date": pd.date_range(day, end)})
        for who, day in first.items()
    )
    names = [name for name in dynamic if name not in ("customer_id", "date")]
    rows = dynamic[dynamic["date"] <= end].sort_values("date")
    found = pd.merge_asof(days.sort_values("date"), rows, on="date", by="customer_id")
    found = found.sort_values(["customer_id", "date"], ignore_index=True)
    for name in names:
        if start is None:
            earliest = rows.groupby("customer_id")[name].first()
            found[name] = found[name].fillna(found["customer_id"].map(earliest))
        else:
            found[name] = found[name].fillna(start[name])
    if static is not None:
        found = found.merge(static, on="customer_id", how="left")
        names = [*(name for name in static if name != "customer_id"), *names]
    return found, names


def values_of(rfm, number):
    frame = rfm.patterns.frame.take(np.asarray(number))
    return [tuple(row) for row in frame.itertuples(index=False)]


def assert_paths_are(rfm, days, names):
    """Every customer's path, laid out day by day, is the count's."""
    paths = rfm.cells().paths
    people = rfm.frame
    laid_out = people[["customer_id", "path"]].merge(paths.frame, on="path")
    laid_out["date"] = EPOCH + pd.to_timedelta(laid_out["from_day"], "D")
    first = days.groupby("customer_id")["date"].min()
    assert (laid_out.groupby("customer_id")["date"].min() == first).all()
    found = pd.merge_asof(
        days[["customer_id", "date"]].sort_values("date"),
        laid_out[["customer_id", "date", "pattern"]].sort_values("date"),
        on="date",
        by="customer_id",
    ).sort_values(["customer_id", "date"], ignore_index=True)
    expected = days.sort_values(["customer_id", "date"], ignore_index=True)
    own = rfm.patterns.frame.take(found["pattern"].to_numpy()).reset_index(drop=True)
    for name in names:
        assert (own[name].to_numpy() == expected[name].to_numpy()).all(), name
    # as few paths and rows as there can be
    change = expected[names].ne(expected.groupby("customer_id")[names].shift()).any(axis=1)
    steps = (
        expected[change]
        .groupby("customer_id")
        .apply(lambda rows: tuple(map(tuple, rows[["date", *names]].to_numpy(object))))
    )
    assert len(paths) == steps.nunique()
    assert paths.path.size == sum(map(len, set(steps)))
    assert (np.diff(paths.path * 1_000_000 + paths.from_day) > 0).all()
    # the pattern is the last one in force
    last = expected.groupby("customer_id")[names].last()
    assert (people.set_index("customer_id")[names] == last).all(axis=None)
    assert (paths.last_pattern[people["path"]] == people["pattern"]).all()


@pytest.mark.parametrize("with_static", [False, True])
@pytest.mark.parametrize("start", [START, None])
def test_paths_and_purchases_are_those_of_a_count_day_by_day(start, with_static):
    log, known = shop(150)
    dynamic = mailings(known)
    if start is None:
        ever = dynamic.loc[dynamic["date"] <= END, "customer_id"]
        log = log[log["customer_id"].isin(ever)]
    static = known[["customer_id", "channel", "age"]] if with_static else None
    table = pc.CovariateTable(dynamic, fill=start or {})
    rfm = summary(log, table, static_covariates=static)
    days, names = day_by_day(log, dynamic, start, static)
    assert rfm.patterns.names == tuple(names)
    assert_paths_are(rfm, days, names)
    # a level is the commoner the more days customers spend in it
    common = days.groupby("tier").size().sort_values(ascending=False, kind="stable")
    assert rfm.patterns.levels["tier"] == tuple(common.index)
    # purchases, but first ones, by day and what was in force
    first = days.groupby("customer_id")["date"].min()
    repeats = log[log["date"] > log["customer_id"].map(first)].merge(days)
    expected = repeats.groupby(["date", *names]).size()
    found = rfm.repeats_by_day_and_pattern()
    assert found.dtypes.tolist() == [np.dtype("int64")] * 3
    found = found.join(rfm.patterns.frame, on="pattern")
    found["date"] = EPOCH + pd.to_timedelta(found["day"], "D")
    counts = found.set_index(["date", *names])["purchases"].sort_index()
    assert counts.to_dict() == expected.to_dict()
    assert counts.sum() == rfm.counts["repeat_purchases"]
    # and nothing else has changed
    plain = pc.rfm_summary(log, observation_end=END)
    assert_frame_equal(rfm.frame[plain.frame.columns], plain.frame)
    cells = rfm.cells()
    assert cells.keys == ("frequency", "recency_days", "age_days", "pattern", "path")
    assert cells.n_customers == len(plain)
    assert (cells.weight == 1).sum() > 0
    by = rfm.frame.groupby(["frequency", "recency", "T", "path"]).size()
    assert sorted(by) == sorted(cells.weight)
    assert list(rfm.spend_cells().extra) == ["pattern"]


def test_purchases_by_day_and_static_pattern_add_up():
    log, known = shop(150)
    rfm = pc.rfm_summary(log, observation_end=END, static_covariates=known)
    found = rfm.repeats_by_day_and_pattern()
    cells = rfm.cells()
    of_pattern = np.bincount(cells.extra["pattern"], cells.frequency * cells.weight)
    assert found.groupby("pattern")["purchases"].sum().to_dict() == {
        number: int(total) for number, total in enumerate(of_pattern) if total
    }
    first_day, by_day = rfm.repeats_by_day()
    assert found.groupby("day")["purchases"].sum().to_dict() == {
        first_day + 1 + place: int(number) for place, number in enumerate(by_day) if number
    }
    with pytest.raises(DataError, match="no covariates"):
        pc.rfm_summary(log, observation_end=END).repeats_by_day_and_pattern()
    elsewhere = pc.RFM.from_frame(
        rfm.frame.drop(columns="pattern"), "week", static_covariates=["age"]
    )
    with pytest.raises(DataError, match="has no log"):
        elsewhere.repeats_by_day_and_pattern()


def test_refunds_are_no_purchases_by_day_either():
    log, known = shop(100)
    back = log.sample(60, random_state=1).assign(amount=-1.0)
    back["date"] += pd.Timedelta(days=1)
    log = pd.concat([log, back])
    rfm = summary(log, pc.CovariateTable(mailings(known), fill=START))
    assert rfm.repeats_by_day_and_pattern()["purchases"].sum() == rfm.counts["repeat_purchases"]


def test_a_path_that_never_changes_is_the_static_pattern():
    log, known = shop(150)
    static = pc.rfm_summary(log, observation_end=END, static_covariates=known)
    rows = known.assign(date="2023-01-01")
    again = rows.assign(date="2024-06-01")  # says the same once more
    dynamic = summary(log, pd.concat([rows, again]))
    assert dynamic.patterns.equals(static.patterns)
    both = static.frame.columns
    assert_frame_equal(dynamic.frame[both], static.frame)
    assert (np.diff(dynamic.cells().paths.path) == 1).all()
    found, expected = (r.repeats_by_day_and_pattern() for r in (dynamic, static))
    assert_frame_equal(found, expected)


def test_what_does_not_count_is_counted():
    orders = pd.DataFrame(
        {
            "customer_id": [1, 1, 2, 3, 3],
            "date": ["2024-03-01", "2024-05-01", "2024-03-10", "2024-03-05", "2024-04-01"],
        }
    )
    rows = pd.DataFrame(
        {
            "customer_id": [1, 1, 1, 1, 2, 3, 3, 9, 3],
            "date": ["2024-01-01", "2024-02-01", "2024-04-01", "2024-07-01", "2024-03-20",
                     "2024-03-05", "2024-03-05", "2024-03-05", "2024-01-01"],
            "price": [1, 2, 3, 4, 5, 6, 6, 7, 8],
        }
    )  # fmt: skip
    with pytest.warns(DataWarning) as caught:
        rfm = pc.rfm_summary(
            orders, amount=None, observation_end="2024-06-01", dynamic_covariates=rows
        )
    told = "\n".join(str(warning.message) for warning in caught)
    for expected in (
        "1 row of dynamic_covariates says again",
        "1 customer has the first row of dynamic_covariates after the first purchase (ids 2)",
        "2 rows of dynamic_covariates were over before",
        "1 row of dynamic_covariates is of customers without a purchase",
        "1 row of dynamic_covariates is after the end of observation, 2024-06-01",
    ):
        assert expected in told
    counts = {name: number for name, number in rfm.counts.items() if "dynamic" in name}
    assert counts == {
        "dynamic_rows": 9,
        "dynamic_rows_repeated": 1,
        "dynamic_rows_without_customer": 1,
        "dynamic_rows_before_first_purchase": 2,
        "dynamic_rows_after_end": 1,
        "customers_before_first_dynamic_row": 1,
        "customers_without_dynamic_row": 0,
    }
    paths = rfm.cells().paths.frame
    paths["price"] = rfm.patterns.frame["price"].to_numpy()[paths["pattern"]]
    paths["date"] = (EPOCH + pd.to_timedelta(paths["from_day"], "D")).astype(str)
    assert paths[["date", "price"]].to_numpy().tolist() == [
        ["2024-03-01", 2.0],
        ["2024-04-01", 3.0],
        ["2024-03-05", 6.0],
        ["2024-03-10", 5.0],
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[rows["customer_id"] > 1002], r"3 customers have no row .* 1000, 1001"),
        (lambda rows: rows.rename(columns={"date": "day_of"}), "date='day_of'"),
        (lambda rows: rows.assign(date=rows["date"].where(rows.index > 3)), "no date"),
        (lambda rows: rows.assign(date="31.12.2024"), "could not be read as an ISO date"),
        (lambda rows: pd.concat([rows, rows.head(1).assign(price=9.5)]), "of one date .* 1000"),
        (lambda rows: rows.assign(price=np.inf), "200 customers have an infinite .* 'price'"),
        (lambda rows: rows.assign(price=rows["price"].where(rows.index > 3)), "missing .* 'price'"),
        (lambda rows: rows.rename(columns={"price": "age"}), "'age' is in static_covariates and"),
    ],
)
def test_rows_that_cannot_be_used_are_refused_with_advice(change, message):
    log, known = shop(200)
    known = known.sort_values("customer_id", ignore_index=True)
    rows = known[["customer_id"]].assign(date=pd.Timestamp("2023-05-01"), price=1.0)
    rows["price"] += np.arange(200) % 3
    with pytest.raises(DataError, match=message):
        pc.rfm_summary(
            log, observation_end=END, static_covariates=known, dynamic_covariates=change(rows)
        )


def test_whatever_keeps_a_summary_keeps_its_paths(tmp_path):
    log, known = shop(300)
    rfm = summary(log, pc.CovariateTable(mailings(known), fill=START), static_covariates=known)
    repeats = rfm.repeats_by_day_and_pattern()
    fitted = pc.CLVModel(spend=None).fit(rfm)
    fitted.save(tmp_path / "model")
    write_rfm(rfm, tmp_path / "rfm.parquet")
    through_pickle = pickle.loads(pickle.dumps(rfm))
    assert_frame_equal(through_pickle.repeats_by_day_and_pattern(), repeats)
    for found in (
        through_pickle,
        pc.load(tmp_path / "model").rfm,
        read_rfm(tmp_path / "rfm.parquet"),
    ):
        assert_frame_equal(found.frame, rfm.frame)
        assert_frame_equal(found.cells().frame, rfm.cells().frame)
        assert_frame_equal(found.cells().paths.frame, rfm.cells().paths.frame)
        assert_frame_equal(found.spend_cells().frame, rfm.spend_cells().frame)
    rfm.cells().to_parquet(tmp_path / "cells.parquet")
    cells = pc.Cells.read_parquet(tmp_path / "cells.parquet")
    assert_frame_equal(cells.paths.frame, rfm.cells().paths.frame)
    forecast = fitted.forecast("26 weeks", level=None)
    forecast.to_parquet(tmp_path / "scored.parquet")
    assert_frame_equal(pd.read_parquet(tmp_path / "scored.parquet"), forecast.frame)


def test_cells_of_parts_with_paths_are_those_of_the_whole():
    log, known = shop(300)
    rows = mailings(known)
    rows = rows[(rows["tier"] == "gold") | (rows["customer_id"] % 3 > 0)]
    table = pc.CovariateTable(rows, fill=START, rare=0)
    whole = summary(log, table).cells()
    parts = []
    for part in range(3):
        here = rows[rows["customer_id"] % 3 == part]
        own = pc.CovariateTable(here, fill=START, rare=0)
        parts.append(summary(log[log["customer_id"] % 3 == part], own).cells())
    assert not parts[0].patterns.equals(parts[1].patterns)
    added = sum(parts)
    assert_frame_equal(added.frame, whole.frame)
    assert_frame_equal(added.paths.frame, whole.paths.frame)
    assert_frame_equal(added.patterns.frame, whole.patterns.frame)


def test_a_split_sees_nothing_of_what_comes_later():
    log, known = shop(200)
    table = pc.CovariateTable(mailings(known), fill=START)
    cut = "2024-08-31"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        split = pc.holdout_split(log, calibration_end=cut, dynamic_covariates=table)
    early = mailings(known).query("date <= @cut")
    seen = summary(log[log["date"] <= cut], pc.CovariateTable(early, fill=START), end=cut)
    assert_frame_equal(split.rfm.frame, seen.frame)
    assert_frame_equal(split.rfm.cells().paths.frame, seen.cells().paths.frame)
    assert_frame_equal(split.rfm.repeats_by_day_and_pattern(), seen.repeats_by_day_and_pattern())
    days, names = day_by_day(log, mailings(known), START, end=cut)
    assert_paths_are(split.rfm, days, names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        result = pc.backtest(
            pc.baselines.MeanRate(), log, cutoffs=[cut], horizon="8 weeks", dynamic_covariates=table
        )
    assert_frame_equal(next(iter(result.validations.values())).split.rfm.frame, seen.frame)


def test_a_rule_that_asks_for_no_covariates_does_not_miss_them_earlier():
    log, known = shop(200)
    late = known[["customer_id"]].assign(date="2024-09-15", price=1.0)
    late.loc[late.index[:90], "price"] = 2.0
    rfm = summary(log, late)
    assert rfm.counts["customers_before_first_dynamic_row"] > 100
    assert pc.baselines.HiatusRate().fit(rfm).forecast("8 weeks").frame.shape[0] == len(rfm)
    with pytest.raises(DataError, match="no row in dynamic_covariates up to the end"):
        pc.holdout_split(log, calibration_end="2024-07-31", dynamic_covariates=late)


def test_tables_may_lie_elsewhere_than_the_log(tmp_path):
    import duckdb
    import polars as pl

    log, known = shop(100)
    rows = mailings(known)
    expected = summary(log, pc.CovariateTable(rows, fill=START))
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet")
    relation = duckdb.connect().from_arrow(pa.Table.from_pandas(log, preserve_index=False))
    for source in (log, relation):
        for table in (tmp_path / "rows.csv", tmp_path / "rows.parquet", pl.from_pandas(rows)):
            found = summary(source, pc.CovariateTable(table, fill=START))
            assert_frame_equal(found.frame, expected.frame)
            assert_frame_equal(found.cells().paths.frame, expected.cells().paths.frame)
            assert_frame_equal(
                found.repeats_by_day_and_pattern(), expected.repeats_by_day_and_pattern()
            )


def test_paths_know_where_they_begin_and_end():
    paths = Paths(np.array([0, 0, 1]), np.array([3, 9, 3]), np.array([1, 0, 1]))
    assert len(paths) == 2
    assert paths.first_row.tolist() == [0, 2]
    assert paths.last_pattern.tolist() == [0, 1]
    again = Paths.of_steps(paths.steps, np.array([2, 1]))
    assert_frame_equal(again.frame, paths.frame)
    early = Paths(np.array([0]), np.array([-400]), np.array([2]))
    assert_frame_equal(Paths.of_steps(early.steps, np.array([1])).frame, early.frame)
