"""Results copied, pickled and replaced: nothing is lost but the log, and that is said."""

import copy
import datetime
import pickle
import re
import uuid
from dataclasses import fields, replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal, assert_series_equal

import predclv as pc
from predclv.errors import DataError
from predclv.frozen import Frozen

PACKAGE = Path(pc.__file__).parent


def pickled(value, protocol=pickle.HIGHEST_PROTOCOL):
    return pickle.loads(pickle.dumps(value, protocol))


WAYS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": pickled,
    "pickle 2": lambda value: pickled(value, 2),
    "pickle of a copy": lambda value: pickled(copy.deepcopy(value)),
}


@pytest.fixture(scope="module")
def results(cdnow_log, cdnow_split):
    """Every kind of result, by the name of what made it."""
    rfm = pc.rfm_summary(cdnow_log)
    model = pc.CLVModel(bootstrap=3, seed=1)
    baseline = pc.baselines.LastPeriod()
    fitted = pc.CLVModel().fit(rfm)
    forecast = fitted.forecast(seed=5)
    rivals = {"BG/NBD": pc.CLVModel(), "last period": baseline}
    return {
        "rfm": rfm,
        "rfm of a frame": pc.RFM.from_frame(rfm.frame, unit="week"),
        "log": rfm.log,
        "cells": rfm.cells(),
        "spend cells": rfm.spend_cells(),
        "binned cells": rfm.cells().binned(36),
        "recipe": model,
        "fit": fitted.purchases,
        "bootstrapped": model.fit(rfm).purchases,
        "fitted": fitted,
        "chosen": pc.CLVModel("auto").fit(rfm),
        "baseline": baseline.fit(rfm),
        "forecast": forecast,
        "forecast asked before": asked(fitted.forecast(seed=6)),
        "forecast without end": fitted.forecast(None, level=None, seed=5),
        "rule": baseline.fit(rfm).forecast("26 weeks"),
        "table": forecast.table() if hasattr(forecast, "table") else fitted.table(seed=1),
        "split": cdnow_split,
        "validation": pc.validate(rivals, cdnow_split, seed=1),
        "backtest": pc.backtest(rivals, cdnow_log, cutoffs=2, horizon="13 weeks", seed=1),
        "cohorts": pc.historical.cohorts(cdnow_log),
    }


def asked(forecast):
    """A forecast that has calculated what it can keep."""
    forecast.total(), forecast.frame, forecast.counts().quantile(0.5)
    return forecast


NAMES = (
    "rfm", "rfm of a frame", "log", "cells", "spend cells", "binned cells", "recipe", "fit",
    "bootstrapped", "fitted", "chosen", "baseline", "forecast", "forecast asked before",
    "forecast without end", "rule", "table", "split", "validation", "backtest", "cohorts",
)  # fmt: skip


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_copy_is_the_same_result(results, name, way):
    original = results[name]
    found = way(original)
    assert type(found) is type(original)
    assert repr(found) == repr(original)
    if hasattr(original, "frame"):
        assert_frame_equal(found.frame, original.frame, check_exact=True)
    if hasattr(original, "_repr_html_"):
        assert found._repr_html_() == original._repr_html_()


def test_the_names_tested_are_all_there(results):
    assert set(NAMES) == set(results)


@pytest.mark.parametrize("name", ["rfm", "rfm of a frame"])
def test_a_summary_answers_the_same_to_the_last_bit_in_another_process(results, name):
    original = results[name]
    for found in (pickled(original), pickled(pickled(original))):
        assert found.cell_keys == original.cell_keys
        assert dict(found.counts) == dict(original.counts)
        assert_frame_equal(found.cells().frame, original.cells().frame, check_exact=True)
        assert_frame_equal(found.keyed_cells(), original.keyed_cells(), check_exact=True)
        assert_frame_equal(
            found.spend_cells().frame, original.spend_cells().frame, check_exact=True
        )
        assert_frame_equal(found.sample(20), original.sample(20), check_exact=True)
        np.testing.assert_array_equal(found.spend_of_cells(), original.spend_of_cells())
        assert pc.fit(pc.BGNBD, found).params == pc.fit(pc.BGNBD, original).params
        assert found.observation_end == original.observation_end


def test_what_a_travelled_fit_forecasts_and_writes_is_what_the_original_does(results, tmp_path):
    original = results["fitted"]
    found = pickled(original)
    one, other = original.forecast(seed=9), found.forecast(seed=9)
    assert_series_equal(one.total(), other.total(), check_exact=True)
    actual = np.ones(len(one))
    np.testing.assert_array_equal(one.counts().mass(actual), other.counts().mass(actual))
    one.to_parquet(tmp_path / "one.parquet")
    other.to_parquet(tmp_path / "other.parquet")
    written = [pd.read_parquet(tmp_path / name) for name in ("one.parquet", "other.parquet")]
    assert_frame_equal(*written, check_exact=True)
    found.save(tmp_path / "model")
    assert {file.suffix for file in (tmp_path / "model").iterdir()} == {".json", ".parquet"}
    assert repr(pickled(pc.load(tmp_path / "model"))) == repr(original)


def test_a_deep_copy_of_a_forecast_and_a_fit_shares_no_array_with_it(results):
    fit = results["fit"]
    found = copy.deepcopy(fit)
    found.log_covariance[:] = 0.0
    assert fit.log_covariance.any()
    frame = results["forecast"].frame
    found = copy.deepcopy(results["forecast"]).frame
    found.loc[:, "clv"] = 0.0
    assert_frame_equal(results["forecast"].frame, frame, check_exact=True)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_a_copy_in_the_same_process_keeps_the_log(results, way):
    for found in (way(results["rfm"]), way(results["fitted"]).rfm, way(results["split"]).rfm):
        assert len(found.log.purchases()) == 2357
        assert pc.baselines.LastPeriod().fit(found).forecast("4 weeks").total()["purchases"] > 0


NEEDS_LOG = {
    "last period": lambda rfm: pc.baselines.LastPeriod().fit(rfm).forecast("4 weeks"),
    "hiatus rate": lambda rfm: pc.baselines.HiatusRate().fit(rfm),
    "auto": lambda rfm: pc.CLVModel("auto").fit(rfm).forecast("4 weeks"),
    "purchases": lambda rfm: rfm.log.purchases(),
    "purchase days": lambda rfm: rfm.log.purchase_days(),
    "rows after": lambda rfm: rfm.log.rows_after(datetime.date(1997, 9, 30)),
    "cohorts": lambda rfm: pc.historical.cohorts(rfm),
}


@pytest.mark.parametrize("question", NEEDS_LOG.values(), ids=NEEDS_LOG)
def test_what_needs_the_log_says_that_it_did_not_come_along_and_what_to_do(results, question):
    found = pickled(results["rfm"])
    assert str(found.log) == str(results["rfm"].log)
    assert found.log.first_day == results["rfm"].log.first_day
    with pytest.raises(DataError, match=r"did not come along.*pc\.rfm_summary\(log\)"):
        question(found)
    question(results["rfm"])


@pytest.mark.parametrize(
    ("kind", "ids"),
    {
        "text": ["007", "=1+0", "Zoë"],
        "small": np.array([1, 2, 3], dtype=np.int8),
        "huge": np.array([2**64 - 1, 2**63, 5], dtype=np.uint64),
        "uuid": [uuid.UUID(int=number) for number in (1, 2**127, 2**128 - 1)],
        "floats": [1.0, 2.0, 4.0],
        "categories": pd.Categorical(["b", "a", "c"]),
    }.items(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ids_of_every_kind_keep_their_value_and_type(kind, ids):
    dates = pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-01"] * 2)
    frame = pd.DataFrame({"customer_id": pd.Series(ids), "date": dates[:3], "amount": 2.5})
    log = pd.concat([frame, frame.assign(date=pd.Timestamp("2024-04-01"))])
    if kind == "uuid":  # pandas has no such type
        table = log.assign(customer_id=log["customer_id"].astype(str))
        log = (
            duckdb.connect()
            .from_df(table)
            .project("customer_id::UUID AS customer_id, date, amount")
        )
    rfm = pc.rfm_summary(log)
    found = pickled(rfm)
    assert_frame_equal(found.frame, rfm.frame, check_exact=True)
    assert list(map(type, found.frame["customer_id"])) == list(map(type, rfm.frame["customer_id"]))


def test_a_summary_without_spend_and_one_with_refunds_travel(cdnow_log):
    assert_frame_equal(
        *(lambda r: (pickled(r).frame, r.frame))(pc.rfm_summary(cdnow_log, amount=None))
    )
    log = pd.concat([cdnow_log, cdnow_log.head(50).assign(amount=-5.0)])
    with pytest.warns(pc.errors.RefundWarning):
        rfm = pc.rfm_summary(log)
    assert_frame_equal(pickled(rfm).frame, rfm.frame, check_exact=True)


def test_a_pickle_holds_the_customers_once_and_no_purchase(cdnow_log):
    rfm = pc.rfm_summary(cdnow_log)
    log = cdnow_log.assign(customer_id=cdnow_log["customer_id"] // 100)  # 24 customers
    few = pickle.dumps(pc.rfm_summary(log))
    fitted = pc.CLVModel().fit(rfm)
    alone, forecast = pickle.dumps(rfm), pickle.dumps(fitted.forecast(seed=1))
    assert len(few) < 10_000 < len(alone)
    assert len(forecast) < 1.2 * len(alone)


@pytest.mark.parametrize("name", ["rfm", "fit", "fitted", "forecast", "split", "validation"])
def test_replace_changes_one_field_and_keeps_the_others(results, name):
    for original in (results[name], pickled(results[name])):
        first = fields(original)[0].name
        found = replace(original, **{first: getattr(original, first)})
        assert repr(found) == repr(original)
    moved = replace(results["rfm"], observation_end=None)
    assert moved.observation_end is None
    assert moved.log is results["rfm"].log


def test_a_posterior_travels_with_all_that_stands_behind_it(cdnow):
    options = {"draws": 100, "tune": 200, "chains": 2, "seed": 1, "progress": False}
    with pytest.warns(pc.errors.SamplingWarning):  # few draws are enough here
        fit = pc.fit(pc.BGNBD, cdnow, engine="pymc", **options)
    found = pickled(fit)
    np.testing.assert_array_equal(found.replicates, fit.replicates)
    assert found.loo().elpd == fit.loo().elpd
    assert set(found.idata.children) == set(fit.idata.children)
    assert repr(copy.deepcopy(fit)) == repr(pickled(found)) == repr(fit)


def test_counts_cannot_be_changed_and_equal_a_dictionary():
    counts = Frozen({"rows": 1, "customers": 2})
    assert counts == {"rows": 1, "customers": 2}
    assert counts | {"rows": 3} == {"rows": 3, "customers": 2}
    assert pickled(counts) == counts
    with pytest.raises(TypeError):
        counts["rows"] = 2


def test_results_hold_no_mapping_that_cannot_be_copied():
    constants = {"glossary.py", "scores.py"}
    users = {
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"import .*MappingProxyType", path.read_text(encoding="utf-8"))
    }
    assert users <= constants
