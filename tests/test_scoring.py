"""A forecast written from where the customers lie is the forecast, whoever does the arithmetic."""

import hashlib
import hmac

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

import predclv as pc
from predclv.errors import DataError, OptionError, ScaleWarning, StoreError
from predclv.forecast import outlook

KEY = "a key that nobody can guess"


@pytest.fixture(scope="module")
def split():
    return pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")


@pytest.fixture(scope="module")
def fitted(split):
    return pc.CLVModel().fit(split.rfm)


@pytest.fixture(scope="module")
def elsewhere(split):
    """The same customers, as a summary that was made elsewhere."""
    return pc.RFM.from_frame(split.rfm.frame, unit="week")


@pytest.mark.parametrize("of_log", [True, False])
@pytest.mark.parametrize(("horizon", "level"), [("39 weeks", 0.9), ("39 weeks", None), (None, 0.8)])
def test_a_file_written_by_the_engine_holds_the_frame(
    split, fitted, elsewhere, of_log, horizon, level, tmp_path
):
    forecast = fitted.forecast(
        horizon, margin=0.3, level=level, seed=1, rfm=split.rfm if of_log else elsewhere
    )
    forecast.to_parquet(tmp_path / "forecast.parquet")
    written = pd.read_parquet(tmp_path / "forecast.parquet")
    # The engine's exp and NumPy's may differ in the last digit.
    pd.testing.assert_frame_equal(written, forecast.frame, rtol=1e-13, atol=0)


def test_a_file_written_by_the_engine_knows_the_terms(fitted, tmp_path):
    fitted.forecast("26 weeks", margin=0.3, seed=1).to_parquet(tmp_path / "forecast.parquet")
    said = pyarrow.parquet.read_schema(tmp_path / "forecast.parquet").metadata
    assert said[b"predclv.margin"] == b"0.3"
    assert said[b"predclv.horizon"] == b"26.0"


def test_a_forecast_cannot_be_written_into_a_missing_folder(fitted, tmp_path):
    with pytest.raises(StoreError, match="nowhere"):
        fitted.forecast("26 weeks", level=None).to_parquet(tmp_path / "nowhere" / "f.parquet")


@pytest.mark.parametrize("horizon", ["39 weeks", None])
def test_a_score_table_joined_in_sql_gives_the_forecast(split, fitted, horizon, tmp_path):
    table = fitted.table(horizon, margin=0.3, seed=1)
    table.to_duckdb(tmp_path / "shop.duckdb", "scores")
    days = split.rfm.frame.assign(  # whole days, as a shop's own summary would have them
        recency_days=lambda d: (d["recency"] * 7).round().astype(int),
        age_days=lambda d: (d["T"] * 7).round().astype(int),
    ).drop(columns=["recency", "T"])
    with duckdb.connect(tmp_path / "shop.duckdb") as shop:
        shop.register("customers", days)
        got = shop.sql(f"{table.sql()} ORDER BY s.customer_id").df()
    expected = fitted.forecast(horizon, margin=0.3, seed=1).frame
    pd.testing.assert_frame_equal(got, expected, rtol=1e-13, atol=0, check_dtype=False)


def test_a_score_table_holds_no_customer_and_every_one_is_counted(split, fitted, tmp_path):
    table = fitted.table("39 weeks", seed=1)
    assert "customer_id" not in table.frame
    assert table.frame["weight"].sum() == len(split.rfm)
    table.to_parquet(tmp_path / "scores.parquet")
    said = pyarrow.parquet.read_schema(tmp_path / "scores.parquet").metadata
    assert b"FROM customers s JOIN scores c" in said[b"predclv.sql"]


def test_the_total_needs_no_customer_and_is_their_sum(split, fitted):
    forecast = fitted.forecast("39 weeks", level=None, margin=0.3)
    total, frame = forecast.total(), forecast.frame
    for name, column in (
        ("purchases", "expected_purchases"),
        ("discounted_purchases", "discounted_purchases"),
        ("revenue", "expected_revenue"),
        ("clv", "clv"),
    ):
        assert total[name] == pytest.approx(frame[column].sum(), rel=1e-12)


def test_the_total_of_a_large_base_is_that_of_its_simulated_futures(split, fitted, monkeypatch):
    whole = fitted.forecast("39 weeks", seed=1).total()
    monkeypatch.setattr(outlook, "SIMULATED", 1500)
    sampled = fitted.forecast("39 weeks", seed=1).total()
    for name in ("purchases", "discounted_purchases", "revenue", "clv"):
        assert sampled[name] == whole[name]
        width = whole[f"{name}_upper"] - whole[f"{name}_lower"]
        # A normal law and two thirds of 2,357 customers stand for all: within a tenth of the width.
        assert sampled[f"{name}_lower"] == pytest.approx(whole[f"{name}_lower"], abs=0.1 * width)
        assert sampled[f"{name}_upper"] == pytest.approx(whole[f"{name}_upper"], abs=0.1 * width)


def test_a_forecast_shows_itself_without_making_all_its_rows(fitted):
    forecast = fitted.forecast("39 weeks", seed=1)
    shown = forecast._repr_html_()
    assert "frame" not in vars(forecast._source)
    assert f"{forecast.frame['clv'][0]:.2f}"[:5] in shown


def test_a_huge_frame_says_what_it_costs_and_what_to_do_instead(fitted, monkeypatch):
    monkeypatch.setattr(outlook, "_HUGE", 2000)
    with pytest.warns(ScaleWarning, match=r"2,357 customers takes about .*to_parquet"):
        _ = fitted.forecast("39 weeks", level=None).frame


def test_the_distribution_of_purchases_is_the_model_s(split, fitted):
    counts = fitted.forecast("39 weeks", seed=1).counts()
    actual = split.frame["frequency_holdout"].to_numpy()
    whole = np.zeros(len(actual))
    below = np.zeros(len(actual))
    mass = np.zeros(len(actual))
    for rows, values, probabilities in counts.parts():
        whole[rows] = probabilities.sum(axis=1)
        before = values < actual[rows, None]
        below[rows] = (probabilities * before).sum(axis=1)
        mass[rows] = (probabilities * (values == actual[rows, None])).sum(axis=1)
    np.testing.assert_allclose(whole, 1.0, atol=1e-12)
    few = actual <= 30  # beyond 64 parts are classes of counts; tails below 1e-5 are cut
    np.testing.assert_allclose(counts.below(actual)[few], below[few], atol=2e-5)
    np.testing.assert_allclose(counts.mass(actual)[few], mass[few], atol=2e-5)
    median = counts.quantile(0.5)
    assert np.all(counts.below(median) <= 0.5)
    assert np.all(counts.below(median + 1) >= 0.5)


@pytest.mark.parametrize("wrong", [[1, 2], np.full(2357, -1), np.full(2357, 0.5)])
def test_counts_that_are_none_are_refused(fitted, wrong):
    counts = fitted.forecast("39 weeks", seed=1).counts()
    with pytest.raises(DataError, match="whole numbers"):
        counts.mass(wrong)


def test_a_pseudonym_is_a_keyed_hash_and_the_same_wherever_it_is_written(fitted, tmp_path):
    forecast = fitted.forecast("26 weeks", level=None)
    forecast.to_parquet(tmp_path / "a.parquet", pseudonymise=KEY)
    forecast.to_csv(tmp_path / "a.csv", pseudonymise=KEY)
    forecast.to_duckdb(tmp_path / "a.duckdb", "forecast", pseudonymise=KEY)
    written = pd.read_parquet(tmp_path / "a.parquet")
    first = str(forecast.frame["customer_id"][0]).encode()
    expected = hmac.new(KEY.encode(), first, hashlib.sha256).hexdigest()[:32]
    assert written["customer_id"][0] == expected
    assert written["customer_id"].is_unique
    assert list(pd.read_csv(tmp_path / "a.csv")["customer_id"]) == list(written["customer_id"])
    with duckdb.connect(tmp_path / "a.duckdb") as file:
        assert file.sql("SELECT customer_id FROM forecast").df()["customer_id"][0] == expected
    assert forecast.frame["customer_id"][0] == 1  # the forecast itself keeps its ids


def test_another_key_gives_other_names():
    frame = pd.DataFrame({"customer_id": ["a", "b"]})
    one, two = (pc.pseudonymise(frame, key)["customer_id"] for key in (KEY, KEY[::-1]))
    assert not set(one) & set(two)


@pytest.mark.parametrize("key", ["", "short", b"123", 7])
def test_a_key_that_can_be_guessed_is_refused(key):
    with pytest.raises(OptionError, match="at least 16"):
        pc.pseudonymise(pd.DataFrame({"customer_id": [1]}), key)


def test_a_forecast_gives_the_table_it_is_made_from(fitted):
    forecast = fitted.forecast("26 weeks", level=None, seed=3)
    mine, other = forecast.table(), fitted.table("26 weeks", level=None, seed=3)
    pd.testing.assert_frame_equal(mine.frame, other.frame)
    assert mine.sql("customers", "scores") == other.sql("customers", "scores")
    rule = pc.baselines.PastRate().fit(fitted.rfm).forecast("26 weeks")
    with pytest.raises(pc.errors.OptionError, match="no table of histories"):
        rule.table()
