"""Static covariates on their way in: joined, coded, counted, refused; kept by whatever is made."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import SHARED
from pandas.testing import assert_frame_equal

import predclv as pc
from predclv import cli
from predclv.errors import DataError, DataWarning, OptionError, ScaleWarning
from predclv.summaries.files import read_rfm, write_rfm

END = "2024-12-31"


def bought(rng, customers, days=360):
    """Who buys on which day: everybody at his own rate, until he leaves after a purchase."""
    who, day = [np.arange(customers)], [rng.integers(0, days * 2 // 3, customers)]
    rate, chance = rng.gamma(1.0, 1 / 20, customers), rng.beta(1.0, 3.0, customers)
    while who[-1].size:
        stays = rng.random(who[-1].size) > chance[who[-1]]
        later = day[-1] + np.ceil(rng.exponential(1 / rate[who[-1]])).astype(int)
        stays &= later < days
        who, day = [*who, who[-1][stays]], [*day, later[stays]]
    return np.concatenate(who), np.concatenate(day)


def shop(customers=400, seed=3, ids="whole"):
    """A log and what is known of its customers, the ids as numbers or as text."""
    rng = np.random.default_rng(seed)
    number = np.arange(1000, 1000 + customers)
    name = number if ids == "whole" else np.array([f"c{i}" for i in number])
    who, day = bought(rng, customers)
    log = pd.DataFrame(
        {
            "customer_id": name[who],
            "date": np.datetime64("2024-01-01") + day,
            "amount": np.round(rng.gamma(3.0, 8.0, who.size), 2),
        }
    ).drop_duplicates(["customer_id", "date"])
    known = pd.DataFrame(
        {
            "customer_id": name,
            "channel": rng.choice(["web", "store", "app"], customers, p=[0.3, 0.6, 0.1]),
            "age": rng.choice([20.0, 35, 50, 65], customers),
            "member": rng.random(customers) < 0.4,
        }
    ).sample(frac=1.0, random_state=seed)
    return log, known


def summary(log, known, **more):
    return pc.rfm_summary(log, observation_end=END, static_covariates=known, **more)


@pytest.mark.parametrize("ids", ["whole", "text"])
def test_every_customer_has_the_values_of_the_table_and_cells_count_them(ids):
    log, known = shop(ids=ids)
    rfm = summary(log, known)
    plain = pc.rfm_summary(log, observation_end=END)
    assert_frame_equal(rfm.frame[plain.frame.columns], plain.frame)
    merged = plain.frame.merge(known.assign(member=known["member"].astype(float)))
    assert_frame_equal(rfm.frame.drop(columns="pattern"), merged, check_dtype=False)
    assert dict(rfm.patterns.levels) == {"channel": ("store", "web", "app")}
    by = ["frequency", "recency", "T", "channel", "age", "member"]
    counted = merged.groupby(by).size()
    cells = rfm.cells()
    found = cells.frame.join(rfm.patterns.frame, on="pattern").set_index(by)["weight"]
    assert found.sort_index().to_list() == counted.to_list()
    assert len(cells.patterns) == len(merged[by[3:]].drop_duplicates())
    spend = merged[merged["frequency"] > 0].groupby(["frequency", "monetary_value", *by[3:]]).size()
    assert sorted(rfm.spend_cells().weight) == sorted(spend)
    assert cells.keys == ("frequency", "recency_days", "age_days", "pattern")
    assert (
        cells.frame.iloc[cells.places(rfm.frame)]["pattern"] == rfm.frame["pattern"].array
    ).all()


def forms(known, folder):
    """The same table in every form that there is."""
    import duckdb
    import polars as pl

    known.to_parquet(folder / "known.parquet", index=False)
    known.to_csv(folder / "known.csv", index=False)
    table = pa.Table.from_pandas(known, preserve_index=False)
    yield pl.from_pandas(known)
    yield pl.from_pandas(known).lazy()
    yield table
    yield duckdb.connect().from_arrow(table)
    yield folder / "known.parquet"
    yield str(folder / "known.csv")
    yield [str(folder / "known*.csv")]
    yield known.assign(channel=known["channel"].astype("category"))
    yield table.set_column(1, "channel", table["channel"].dictionary_encode())


@pytest.mark.parametrize("ids", ["whole", "text"])
def test_the_table_may_lie_wherever_a_log_may(ids, tmp_path):
    log, known = shop(120, ids=ids)
    expected = summary(log, known)
    for table in forms(known, tmp_path):
        found = summary(log, table)
        assert_frame_equal(found.frame, expected.frame)
        assert_frame_equal(found.cells().frame, expected.cells().frame)
        assert found.patterns.equals(expected.patterns)


def test_the_log_may_be_a_relation_and_its_id_called_otherwise(tmp_path):
    import duckdb

    log, known = shop(120)
    expected = summary(log, known)
    renamed = log.rename(columns={"customer_id": "who"})
    relation = duckdb.connect().from_arrow(pa.Table.from_pandas(renamed, preserve_index=False))
    for table in (known, known.rename(columns={"customer_id": "who"})):
        found = pc.rfm_summary(relation, "who", observation_end=END, static_covariates=table)
        assert_frame_equal(found.frame, expected.frame)
    other = pc.CovariateTable(known.rename(columns={"customer_id": "nr"}), customer_id="nr")
    assert_frame_equal(summary(log, other).frame, expected.frame)


def test_whatever_keeps_a_summary_keeps_its_covariates(tmp_path):
    log, known = shop()
    rfm = summary(log, known)
    fitted = pc.CLVModel().fit(rfm)
    fitted.save(tmp_path / "model")
    write_rfm(rfm, tmp_path / "rfm.parquet")
    own = rfm.frame.drop(columns="pattern")
    for found in (
        pickle.loads(pickle.dumps(rfm)),
        pc.load(tmp_path / "model").rfm,
        read_rfm(tmp_path / "rfm.parquet"),
        pc.RFM.from_frame(own, "week", static_covariates=["channel", "age", "member"]),
        pc.RFM.from_frame(own[["customer_id", "frequency", "recency", "T", "monetary_value"]],
                          "week", static_covariates=known),
    ):  # fmt: skip
        assert_frame_equal(found.frame, rfm.frame)
        assert found.patterns.equals(rfm.patterns)
        assert_frame_equal(found.cells().frame, rfm.cells().frame)
        assert_frame_equal(found.spend_cells().frame, rfm.spend_cells().frame)
        assert found.cells().patterns is not None
        assert found.spend_cells().patterns is not None
        np.testing.assert_allclose(found.spend_of_cells(), rfm.spend_of_cells())
    for kind in ("cells", "spend_cells"):
        cells = getattr(rfm, kind)()
        cells.to_parquet(tmp_path / "cells.parquet")
        again = type(cells).read_parquet(tmp_path / "cells.parquet")
        assert_frame_equal(again.frame, cells.frame)
        assert again.patterns.equals(rfm.patterns)
        assert set(cells.binned(8).frame["pattern"]) == set(cells.frame["pattern"])
        assert cells.binned(8).n_customers == cells.n_customers


def test_a_summary_in_a_csv_file_keeps_its_covariates(tmp_path):
    log, known = shop(300)
    rfm = summary(log, known)
    write_rfm(rfm, tmp_path / "rfm.csv")
    found = read_rfm(tmp_path / "rfm.csv", "week")
    assert found.patterns.equals(rfm.patterns)
    assert found.frame["pattern"].tolist() == rfm.frame["pattern"].tolist()
    write_rfm(pc.rfm_summary(log, observation_end=END), tmp_path / "rfm.csv")
    assert read_rfm(tmp_path / "rfm.csv", "week").patterns is None


def test_a_base_that_lives_is_described_like_its_log(tmp_path):
    log, known = shop(300)
    expected = summary(log, known)
    base = pc.CustomerBase(tmp_path / "base")
    for month, orders in log.groupby(log["date"].dt.month):
        base.add(orders, batch=f"2024-{month:02}")
    rfm = base.rfm(observation_end=END, static_covariates=known)
    assert_frame_equal(rfm.frame, expected.frame)
    assert_frame_equal(rfm.cells().frame, expected.cells().frame)
    assert_frame_equal(rfm.spend_cells().frame, expected.spend_cells().frame)
    assert rfm.counts["covariate_rows"] == 300
    assert base.rfm(observation_end=END).patterns is None
    with pytest.raises(DataError, match="no row in static_covariates"):
        base.rfm(static_covariates=known.head(20))


def test_a_forecast_is_joined_by_pattern(tmp_path):
    import duckdb

    log, known = shop()
    rfm = summary(log, known)
    forecast = pc.CLVModel().fit(rfm).forecast("26 weeks", seed=1)
    table = forecast.table()
    assert table.keys[-1] == "pattern"
    assert len(table) == len(rfm.cells())
    forecast.to_parquet(tmp_path / "scored.parquet")
    assert_frame_equal(pd.read_parquet(tmp_path / "scored.parquet"), forecast.frame)
    with duckdb.connect() as engine:
        customers = rfm.frame
        customers["recency_days"] = (customers["recency"] * 7).round().astype(int)
        customers["age_days"] = (customers["T"] * 7).round().astype(int)
        engine.register("customers", customers)
        engine.register("scores", table.frame)
        joined = engine.sql(table.sql()).df().sort_values("customer_id", ignore_index=True)
    np.testing.assert_allclose(joined["clv"], forecast.frame["clv"])


@pytest.mark.parametrize("kind", ["cells", "spend_cells"])
def test_cells_of_parts_are_those_of_the_whole_though_levels_are_in_another_order(kind):
    log, known = shop()
    whole = getattr(summary(log, known), kind)()
    is_here = known["channel"].ne("store") | (known["customer_id"] % 9 == 0)
    is_here &= known["customer_id"] % 5 > 0
    ids = set(known.loc[is_here, "customer_id"])
    parts = [
        summary(log[log["customer_id"].isin(ids) == here], known[is_here == here])
        for here in (True, False)
    ]
    assert parts[0].patterns.levels != parts[1].patterns.levels
    added = sum(getattr(part, kind)() for part in parts)
    assert_frame_equal(added.frame, whole.frame)
    if kind == "cells":
        assert added.patterns.equals(whole.patterns)
    with pytest.raises(DataError, match="same columns"):
        whole + getattr(pc.rfm_summary(log, observation_end=END), kind)()
    with pytest.raises(DataError, match="same columns"):
        whole + getattr(summary(log, known.drop(columns="age")), kind)()


def test_splits_and_backtests_take_covariates_along():
    log, known = shop(300)
    split = pc.holdout_split(log, calibration_end="2024-08-31", static_covariates=known)
    plain = pc.holdout_split(log, calibration_end="2024-08-31")
    merged = plain.frame.merge(known.assign(member=known["member"].astype(float)))
    found = split.frame[merged.columns]
    assert_frame_equal(found, merged, check_dtype=False)
    assert split.rfm.counts["covariate_rows_without_customer"] == 300 - len(plain.rfm)
    result = pc.backtest(
        pc.baselines.MeanRate(), log, cutoffs=["2024-06-30", "2024-08-31"], horizon="8 weeks",
        static_covariates=known,
    )  # fmt: skip
    for cutoff in result.validations:
        of_cutoff = result.validations[cutoff].split.rfm
        assert of_cutoff.patterns.names == ("channel", "age", "member")
        assert len(of_cutoff) == (log.groupby("customer_id")["date"].min() <= str(cutoff)).sum()
    rfm = summary(log, known)
    again = pc.backtest(pc.baselines.MeanRate(), rfm, cutoffs=1, horizon="8 weeks")
    assert next(iter(again.validations.values())).split.rfm.patterns is not None


def test_rare_levels_are_gathered_last_and_counted():
    log, known = shop(400)
    known["channel"] = np.where(np.arange(400) % 100 < 2, "fax", known["channel"])
    known["channel"] = np.where(np.arange(400) % 200 == 5, "post", known["channel"])
    with pytest.warns(DataWarning, match=r"1 level of column 'channel'.* 'other', 2 customers"):
        rfm = summary(log, known)
    assert rfm.patterns.levels["channel"] == ("store", "web", "app", "fax", "other")
    assert rfm.counts["customers_in_rare_levels"] == 2
    assert (rfm.frame["channel"] == "other").sum() == 2
    with pytest.warns(DataWarning, match="2 levels"):
        few = summary(log, pc.CovariateTable(known, rare=10))
    assert few.patterns.levels["channel"][-1] == "other"
    assert few.counts["customers_in_rare_levels"] == 10
    assert "post" in summary(log, pc.CovariateTable(known, rare=0)).patterns.levels["channel"]
    given = pc.CovariateTable(known, levels={"channel": ["web", "store", "other"]})
    fixed = summary(log, given)
    assert fixed.patterns.levels["channel"] == ("web", "store", "other")
    with pytest.raises(DataError, match="'app', 'fax', 'post'"):
        summary(log, pc.CovariateTable(known, levels={"channel": ["web", "store"]}))


def test_numbers_are_binned_where_asked():
    log, known = shop(400)
    known["income"] = np.random.default_rng(1).normal(3000, 500, 400).round(2)
    rfm = summary(log, pc.CovariateTable(known, bins={"income": 4, "age": [30, 50]}))
    exact = known.set_index("customer_id").loc[rfm.frame["customer_id"]]
    group = pd.qcut(exact["income"], 4, labels=False)
    assert rfm.frame["income"].nunique() == 4
    means = exact["income"].groupby(group).mean()
    np.testing.assert_allclose(rfm.frame["income"], means[group])
    assert rfm.patterns.levels["age"][0] in ("30 to 50", "50 or more")
    expected = pd.cut(exact["age"], [-np.inf, 30, 50, np.inf], right=False,
                      labels=["below 30", "30 to 50", "50 or more"])  # fmt: skip
    assert rfm.frame["age"].to_list() == expected.to_list()


def test_codes_in_numbers_can_be_levels():
    log, known = shop(200)
    known["region"] = known["age"].astype(int)
    rfm = summary(log, pc.CovariateTable(known, columns=["region"], categories=["region"]))
    assert set(rfm.patterns.levels["region"]) == {"20", "35", "50", "65"}


def test_a_csv_file_says_what_its_columns_are(tmp_path):
    log, known = shop(200)
    known["zip"] = np.where(known["age"] > 40, "01067", "80331")
    known["visits"] = np.where(known["age"] > 60, "NA", known["age"].astype(int).astype(str))
    known.to_csv(tmp_path / "known.csv", index=False)
    table = pc.CovariateTable(tmp_path / "known.csv", fill={"visits": 0})
    rfm = summary(log, table)
    assert set(rfm.patterns.levels) == {"channel", "zip"}
    assert set(rfm.frame["member"]) == {0.0, 1.0}
    is_old = rfm.frame["age"] > 60
    assert (rfm.frame.loc[is_old, "visits"] == 0).all()
    assert rfm.counts["customers_with_filled_covariates"] == is_old.sum()


def test_whoever_is_missing_is_named_or_filled_and_counted():
    log, known = shop(200)
    with pytest.raises(DataError, match=r"100 .* \(ids (\d+, ){4}\d+ and 95 more\)"):
        summary(log, known[known["customer_id"] >= 1100])
    fewer = known[known["customer_id"] >= 1003]
    with pytest.raises(DataError, match=r"3 customers have no row .*ids 1000, 1001, 1002"):
        summary(log, fewer)
    fill = {"channel": "unknown", "age": 40, "member": False}
    rfm = summary(log, pc.CovariateTable(fewer, fill=fill))
    assert (
        rfm.frame.head(3)[["channel", "age", "member"]].to_numpy().tolist()
        == [["unknown", 40.0, 0.0]] * 3
    )
    assert rfm.counts["customers_with_filled_covariates"] == 3
    with pytest.raises(DataError, match="1 customer has no row"):
        summary(log, pc.CovariateTable(known[known["customer_id"] != 1007], fill={"age": 1}))
    holes = known.assign(channel=known["channel"].where(known["customer_id"] != 1005, None))
    with pytest.raises(
        DataError, match=r"1 customer has a missing value in column 'channel'.*1005"
    ):
        summary(log, holes)
    assert "unknown" in set(
        summary(log, pc.CovariateTable(holes, fill={"channel": "unknown"}, rare=0)).frame["channel"]
    )
    blank = known.assign(channel=known["channel"].where(known["customer_id"] != 1005, "  "))
    with pytest.raises(DataError, match="missing value in column 'channel'"):
        summary(log, blank)
    endless = known.assign(age=known["age"].where(known["customer_id"] != 1005, np.inf))
    with pytest.raises(DataError, match=r"infinite value in column 'age'.*1005"):
        summary(log, endless)


def test_rows_that_are_not_used_are_counted():
    log, known = shop(200)
    more = pd.concat([known, known.assign(customer_id=known["customer_id"] + 5000).head(7)])
    with pytest.warns(DataWarning, match="7 rows of static_covariates are of customers without"):
        rfm = summary(log, more)
    assert rfm.counts["covariate_rows_without_customer"] == 7
    assert rfm.counts["covariate_rows"] == 207
    with pytest.warns(DataWarning, match="4 rows .* say again"):
        twice = summary(log, pd.concat([known, known.head(4)]))
    assert twice.counts["covariate_rows_repeated"] == 4
    assert_frame_equal(twice.frame, summary(log, known).frame)
    other = known.head(2).assign(age=99.0)
    ids = ", ".join(map(str, sorted(other["customer_id"])))
    with pytest.raises(DataError, match=f"2 customers have several rows .*{ids}"):
        summary(log, pd.concat([known, other]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda known: known.assign(name="n" + known["customer_id"].astype(str)), "identifies"),
        (lambda known: known.rename(columns={"age": "T"}), "'T' .* summary's own"),
        (lambda known: known.rename(columns={"age": "pattern"}), "'pattern'"),
        (lambda known: known.rename(columns={"customer_id": "cust"}), "customer_id='cust'"),
        (lambda known: known[["customer_id"]], "no covariates"),
        (lambda known: known.assign(customer_id=known["customer_id"].astype(str)), "astype.'int64"),
        (lambda known: known.assign(customer_id=known["customer_id"] + 0.5), "exact whole"),
        (lambda known: known.assign(customer_id=known["customer_id"] + 9000), "None of the 200"),
        (lambda known: known.assign(since=pd.Timestamp("2020-01-01")), "'since' .* TIMESTAMP"),
        (lambda known: known.assign(age=None), "'age' .* is empty"),
        (lambda known: known.head(0), "empty"),
        (lambda known: [1, 2], "static_covariates must be"),
        (lambda known: pc.CovariateTable(known, columns=["agee"]), "mean 'age'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_advice(change, message):
    log, known = shop(200)
    with pytest.raises(DataError, match=message):
        summary(log, change(known))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rare": -1}, "rare"),
        ({"bins": {"age": 1}}, "bins"),
        ({"bins": {"age": [40, 30]}}, "rising"),
        ({"bins": {"channel": 3}}, "holds text"),
        ({"bins": {"agee": 3}}, "mean 'age'"),
        ({"levels": {"nobody": ["a"]}}, "no column 'nobody'"),
        ({"fill": {"chanel": "web"}}, "mean 'channel'"),
        ({"columns": "age"}, "list"),
        ({"categories": ["agee"]}, "mean 'age'"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    log, known = shop(100)
    with pytest.raises(OptionError, match=message):
        summary(log, pc.CovariateTable(known, **options))


def test_columns_that_say_nothing_are_warned_of():
    log, known = shop(200)
    with pytest.warns(DataWarning, match=r"'country' .* same for all 200 customers \('DE'\)"):
        summary(log, known.assign(country="DE"))
    with pytest.warns(DataWarning, match="'months' .* follows from 'age'"):
        summary(log, known.assign(months=known["age"] * 12 + 1))
    with pytest.warns(DataWarning, match="'online' .* follows from 'channel'"):
        summary(log, known.assign(online=(known["channel"] != "store").astype(int)))
    many, people = shop(6000)
    with pytest.warns(ScaleWarning, match=r"6,000 patterns .* bins={'income': 20}"):
        summary(many, people.assign(income=np.arange(6000.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary(log, known)


def test_a_summary_made_elsewhere_has_covariates_too():
    frame = pd.DataFrame(
        {
            "frequency": [2, 0, 1],
            "recency": [3.0, 0, 1],
            "T": [9.0, 9, 9],
            "men": [True, False, True],
        }
    )
    rfm = pc.RFM.from_frame(frame, "week", static_covariates=["men"])
    assert rfm.frame["men"].tolist() == [1.0, 0.0, 1.0]
    assert rfm.cells().keys == ("frequency", "recency", "T", "pattern")
    for wrong, error in ((["mem"], DataError), ("men", OptionError), ([], OptionError)):
        with pytest.raises(error):
            pc.RFM.from_frame(frame, "week", static_covariates=wrong)


def test_the_command_line_takes_a_file_of_covariates(tmp_path, capsys):
    log, known = shop(300)
    files = {"log": log, "known": known, "later": known.assign(date="2023-01-01", price=1.5)}
    for name, frame in files.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)

    def call(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(part) for part in arguments])
        return stop.value.code or 0, capsys.readouterr()

    out = tmp_path / "rfm.parquet"
    options = ("--observation-end", END, "--static-covariates", tmp_path / "known.csv")
    code, told = call("summarise", tmp_path / "log.csv", "--out", out, *options)
    assert code == 0, told
    assert_frame_equal(read_rfm(out).frame, summary(log, known).frame)
    model, scored = tmp_path / "model", tmp_path / "scored.parquet"
    acting = ("--covariates", "rate=channel + age, leaving=member")
    code, told = call("fit", out, "--out", model, "--spend", "none", *acting)
    assert code == 0, told
    assert pc.load(model).rfm.patterns.names == ("channel", "age", "member")
    for effect in ("channel[web]", "age", "member"):
        assert effect in told.out
    code, told = call("fit", out, "--out", model, "--covariates", "channel")
    assert code == 2
    assert "rate=channel+age" in told.err
    code, told = call(
        "validate", tmp_path / "log.csv", "--calibration-end", "2024-08-31", "--models", "BGNBD",
        "--baselines", "none", "--static-covariates", tmp_path / "missing.csv",
    )  # fmt: skip
    assert code == 2
    assert "There is no file" in told.err
    code, told = call(
        "forecast", model, "--out", scored, "--no-intervals", "--customers", tmp_path / "log.csv",
        *options,
    )  # fmt: skip
    assert code == 0, told
    assert len(pd.read_parquet(scored)) == 300
    code, told = call("fit", out, "--out", model, *options)
    assert code == 2
    assert "is a summary" in told.err
    later = ("--dynamic-covariates", tmp_path / "later.csv")
    code, told = call("summarise", tmp_path / "log.csv", "--out", out, *options, *later)
    assert code == 2
    assert "in static_covariates and in dynamic_covariates" in told.err


def test_apparel_has_four_patterns():
    if not SHARED.exists():
        pytest.skip("no ../shared/data here")
    known = pd.read_csv(SHARED / "apparel_static.csv").set_index("customer_id")
    rfm = pc.rfm_summary(
        pd.read_csv(SHARED / "apparel.csv").query("date <= '2006-12-31'"),
        observation_end="2006-12-31",
        static_covariates=SHARED / "apparel_static.csv",
    )
    assert rfm.patterns.frame.to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert (rfm.frame.set_index("customer_id")[known.columns] == known).all(axis=None)
