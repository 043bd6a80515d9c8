"""The command line: files in, files out, the numbers of the API, one line for bad input."""

import inspect
import json
import os
import re
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv import cli

ROOM = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}


def run(*arguments, cwd=None, environment=ROOM):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "predclv.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        env=environment,
        timeout=120,
        check=False,
    )


def call(capsys, *arguments):
    """Run the command line in this process: exit code, standard output, standard error."""
    try:
        cli.main(list(map(str, arguments)))
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    said = capsys.readouterr()
    return code, said.out, said.err


def is_one_line_of_error(text):
    return text.startswith("error: ") and text.endswith("\n") and text.count("\n") == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """CDNOW's log as files, its summary, and the model fitted to it."""
    place = tmp_path_factory.mktemp("cli")
    log = pc.datasets.load_cdnow()
    log.to_csv(place / "log.csv", index=False)
    log.to_parquet(place / "log.parquet", index=False)
    pc.CLVModel().fit(pc.rfm_summary(log)).save(place / "model")
    return place


# End to end -----------------------------------------------------------------------------------


def test_the_demo_forecasts_cdnow_end_to_end(tmp_path):
    out = tmp_path / "predclv-demo"
    out.mkdir()
    (out / "forecasts.parquet").write_text("an earlier demo's")
    done = run("demo", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    said = " ".join(done.stdout.split())
    for figure in (
        "6,919 orders of 2,357 customers",
        "1,653 forecast, 1,882 came (-12.1%)",
        "$59,932 forecast, $70,976 came (-15.6%)",
        "0.2536",  # r, from the whole log
        "4.1898",  # q
    ):
        assert figure in said
    seven_or_more = next(line for line in done.stdout.splitlines() if " 7+ " in line)
    assert {"64", "6.16", "6.36"} <= set(re.findall(r"[\d.]+", seven_or_more))
    assert "In predclv-demo: forecasts.parquet" in said
    pictures = list(out.glob("*.png"))
    assert len(pictures) >= 2
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 10_000
        assert picture.name in done.stdout
    found = pd.read_parquet(out / "forecasts.parquet")
    fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    same = fitted.forecast(level=None, horizon="52 weeks", discount_rate=0.10).frame
    for column in ("customer_id", "p_alive", "p_active", "expected_purchases", "clv"):
        assert found[column].equals(same[column])
    best = same.nlargest(1, "clv").iloc[0]
    assert f" {best['customer_id']:.0f} " in said


def test_the_demo_writes_where_it_is_told(tmp_path, capsys, monkeypatch):
    places = []
    monkeypatch.setattr("predclv.demo.run", lambda out, stage: places.append(out))
    assert call(capsys, "demo", "--out", tmp_path / "new" / "out")[0] == 0
    assert places == [tmp_path / "new" / "out"]


@pytest.mark.parametrize("log", ["log.csv", "log.parquet", "lo*.csv"])
def test_summarise_fit_and_forecast_give_the_numbers_of_the_api(folder, tmp_path, capsys, log):
    summary, model, out = (tmp_path / name for name in ("s.parquet", "m", "f.csv"))
    code, said, error = call(capsys, "summarise", folder / log, "--out", summary, "--unit", "day")
    assert (code, error) == (0, "")
    assert "2,357 customers" in said
    rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="day")
    pd.testing.assert_frame_equal(pd.read_parquet(summary), rfm.frame, check_exact=True)

    code, said, error = call(capsys, "fit", summary, "--out", model)
    assert (code, error) == (0, "")
    fitted = pc.CLVModel().fit(rfm)
    found = pc.load(model)
    assert found.unit == "day"
    assert found.purchases.params == pytest.approx(fitted.purchases.params, rel=1e-9)
    assert found.spend.params == pytest.approx(fitted.spend.params, rel=1e-9)
    assert f"{fitted.purchases.params['alpha']:.4g}" in said

    options = ("--horizon", "12 months", "--discount-rate", "0.05", "--margin", "0.3")
    code, said, error = call(capsys, "forecast", model, "--out", out, *options)
    assert (code, error) == (0, "")
    same = fitted.forecast(level=None, horizon="12 months", discount_rate=0.05, margin=0.3)
    frame = pd.read_csv(out)
    for column in ("p_alive", "p_active", "expected_purchases", "expected_spend", "clv"):
        np.testing.assert_allclose(frame[column], same.frame[column], rtol=1e-9)
    assert "2,357 customers" in said
    assert str(out) in said


def test_the_three_verbs_work_as_processes_of_their_own(folder, tmp_path):
    for arguments in (
        ("summarise", folder / "log.csv", "--out", "s.csv"),
        ("fit", "s.csv", "--unit", "week", "--out", "m"),
        ("forecast", "m", "--out", "f.parquet", "--horizon", "26 weeks"),
    ):
        done = run(*arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith(f"Written to {arguments[arguments.index('--out') + 1]}\n")
    frame = pd.read_parquet(tmp_path / "f.parquet")
    same = pc.load(folder / "model").forecast(level=None, horizon="26 weeks").frame
    np.testing.assert_allclose(frame["clv"], same["clv"], rtol=1e-9)


def test_fit_takes_a_log_as_well_as_a_summary(folder, tmp_path, capsys):
    code, _, _ = call(capsys, "fit", folder / "log.parquet", "--out", tmp_path / "m")
    assert code == 0
    assert pc.load(tmp_path / "m").purchases.params == pc.load(folder / "model").purchases.params


def test_columns_may_have_other_names_and_amounts_may_be_missing(tmp_path, capsys):
    log = pc.datasets.load_cdnow().rename(
        columns={"customer_id": "who is it", "date": 'the "day"', "amount": "paid, in $"}
    )
    log.to_csv(tmp_path / "log.csv", index=False)
    named = ("--customer-id", "who is it", "--date", 'the "day"')
    fit = ("fit", tmp_path / "log.csv", "--out", tmp_path / "m", *named)
    assert call(capsys, *fit, "--amount", "paid, in $")[0] == 0
    assert pc.load(tmp_path / "m").spend is not None
    assert call(capsys, *fit, "--no-amount")[0] == 0
    assert pc.load(tmp_path / "m").spend is None
    assert call(capsys, *fit, "--amount", "paid, in $", "--spend", "none")[0] == 0
    assert pc.load(tmp_path / "m").spend is None


def test_a_whole_lifetime_can_be_forecast_into_a_database(folder, tmp_path, capsys):
    out = ("--out", tmp_path / "f.duckdb", "--table", "my table")
    code, said, error = call(capsys, "forecast", folder / "model", *out, "--horizon", "lifetime")
    assert (code, error) == (0, "")
    assert "whole remaining lifetime" in said
    with duckdb.connect(str(tmp_path / "f.duckdb"), read_only=True) as connection:
        total = connection.execute('SELECT count(*), sum(clv) FROM "my table"').fetchone()
    same = pc.load(folder / "model").forecast(level=None, horizon=None)
    assert total[0] == 2357
    assert total[1] == pytest.approx(same.total()["clv"], rel=1e-9)


def test_a_bare_number_as_horizon_is_in_the_unit_of_the_fit(folder, tmp_path, capsys):
    out = tmp_path / "f.csv"
    assert call(capsys, "forecast", folder / "model", "--out", out, "--horizon", "26")[0] == 0
    same = pc.load(folder / "model").forecast(level=None, horizon=26).frame
    np.testing.assert_allclose(pd.read_csv(out)["clv"], same["clv"], rtol=1e-9)


def test_validate_gives_the_table_of_the_api_and_writes_it(folder, tmp_path, capsys):
    code, said, erred = call(
        capsys, "validate", folder / "log.csv", "--calibration-end", "1997-09-30",
        "--models", "BGNBD", "--baselines", "PastRate, MeanRate", "--seed", 1,
        "--out", tmp_path / "table.csv",
    )  # fmt: skip
    assert (code, erred) == (0, "")
    assert "1,882 purchases came" in said
    table = pd.read_csv(tmp_path / "table.csv", index_col="forecaster")
    split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    expected = pc.validate(
        [pc.CLVModel(), pc.baselines.PastRate(), pc.baselines.MeanRate()], split, seed=1
    ).frame
    pd.testing.assert_frame_equal(table, expected)


def test_validate_writes_a_page_that_stands_alone(folder, tmp_path, capsys):
    page = tmp_path / "report.html"
    code, said, _ = call(
        capsys, "validate", folder / "log.parquet", "--calibration-end", "1997-09-30",
        "--models", "MBGNBD", "--baselines", "none", "--no-amount", "--out", page,
    )  # fmt: skip
    assert code == 0
    assert str(page) in said
    text = page.read_text(encoding="utf-8")
    assert text.lower().startswith("<!doctype html>")
    assert "MBG/NBD" in text


def test_segments_puts_every_customer_in_a_tier(folder, tmp_path, capsys):
    out = tmp_path / "tiers.parquet"
    code, said, _ = call(
        capsys, "segments", folder / "model", "--out", out, "--margin", 0.3,
        "--quantiles", "0.5,0.9",
    )  # fmt: skip
    assert code == 0
    found = pd.read_parquet(out)
    forecast = pc.load(folder / "model").forecast("52 weeks", margin=0.3, level=None)
    expected = pc.segments.tiers(forecast, quantiles=[0.5, 0.9])
    assert list(found["tier"].astype(str)) == list(expected.frame["tier"].astype(str))
    assert all(str(name) in said for name in expected.profile()["tier"])


def test_segments_by_rules_says_why_and_warns_of_small_tiers(folder, tmp_path):
    out = tmp_path / "tiers.csv"
    done = run("segments", folder / "model", "--out", out, "--rules", "four tiers")
    assert done.returncode == 0
    assert "warning: Tiers with fewer than 100 customers" in done.stderr
    found = pd.read_csv(out)
    assert set(found["tier"]) <= {"high", "potential", "regular", "lapsing"}
    assert found["reason"].str.len().min() > 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validate", "log.csv", "--calibration-end", "1997-09-30", "--models", "BGNDB"],
         "Did you mean 'BGNBD'"),
        (["validate", "log.csv", "--calibration-end", "1997-09-30", "--baselines", "PastRat"],
         "Did you mean 'PastRate'"),
        (["validate", "log.csv", "--calibration-end", "1997-09-30", "--out", "r.pdf"],
         ".html or .csv"),
        (["segments", "model", "--out", "t.csv", "--quantiles", "half"], "numbers such as"),
        (["segments", "model", "--out", "t.xlsx"], ".parquet or .csv"),
    ],
)  # fmt: skip
def test_validate_and_segments_refuse_what_means_nothing(
    folder, capsys, monkeypatch, arguments, said
):
    monkeypatch.chdir(folder)
    code, _, erred = call(capsys, *arguments)
    assert code == 2
    assert is_one_line_of_error(erred)
    assert said in erred


def test_other_customers_can_be_forecast_from_their_log_or_summary(folder, tmp_path, capsys):
    log = pc.datasets.load_cdnow()
    others = log[log["customer_id"] <= 100]
    others.to_csv(tmp_path / "others.csv", index=False)
    rfm = pc.rfm_summary(others)
    rfm.frame.to_csv(tmp_path / "summary.csv", index=False)
    same = pc.load(folder / "model").forecast(level=None, rfm=rfm).frame
    for file, unit in (("others.csv", ()), ("summary.csv", ("--unit", "week"))):
        options = ("--customers", tmp_path / file, "--out", tmp_path / "f.csv", *unit)
        assert call(capsys, "forecast", folder / "model", *options)[0] == 0
        found = pd.read_csv(tmp_path / "f.csv")
        assert found["customer_id"].tolist() == same["customer_id"].tolist()
        np.testing.assert_allclose(found["clv"], same["clv"], rtol=1e-9)


def test_a_summary_in_a_file_keeps_its_unit_and_its_last_day(folder, tmp_path, capsys):
    summary = tmp_path / "s.parquet"
    call(capsys, "summarise", folder / "log.csv", "--unit", "month", "--out", summary)
    call(capsys, "fit", summary, "--out", tmp_path / "m")
    loaded = pc.load(tmp_path / "m")
    assert loaded.unit == "month"
    assert str(loaded.rfm.observation_end) == "1998-06-30"
    code, _, error = call(capsys, "fit", summary, "--unit", "week", "--out", tmp_path / "m")
    assert code == 2
    assert is_one_line_of_error(error)
    assert "is in months, not in weeks" in error


# Warnings -------------------------------------------------------------------------------------


def test_a_warning_is_one_line_on_standard_error(folder, tmp_path):
    done = run(
        "summarise", folder / "log.csv", "--out", tmp_path / "s.csv",
        "--observation-end", "1997-09-30",
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.startswith("warning: 1,959 rows are after observation_end 1997-09-30")
    assert done.stderr.count("\n") == 1


# Bad input ------------------------------------------------------------------------------------

BAD = {
    "a missing file": (["summarise", "nothere.csv", "--out", "o.csv"], "no file nothere.csv"),
    "a missing column": (
        ["summarise", "{log}", "--date", "datum", "--out", "o.csv"],
        "no column 'datum' (date)",
    ),
    "an unknown unit": (["summarise", "{log}", "--unit", "weak", "--out", "o.csv"], "week"),
    "an unknown treatment of refunds": (
        ["summarise", "{log}", "--refunds", "keep", "--out", "o.csv"],
        "net",
    ),
    "an unreadable last day": (
        ["summarise", "{log}", "--observation-end", "soon", "--out", "o.csv"],
        "--observation-end must be a date",
    ),
    "a summary of an unknown kind": (["summarise", "{log}", "--out", "o.xlsx"], ".parquet"),
    "a file that is no log": (["fit", "{text}", "--out", "m"], ".parquet or .csv"),
    "a Parquet file cut short": (["fit", "{cut}", "--out", "m"], "cut short"),
    "a summary without its unit": (["fit", "{summary}", "--out", "m"], "unit"),
    "an unknown model": (
        ["fit", "{log}", "--purchases", "BGNB", "--out", "m"],
        "Did you mean 'BGNBD'?",
    ),
    "a model of spend for purchases": (
        ["fit", "{log}", "--purchases", "GammaGamma", "--out", "m"],
        "purchases must be",
    ),
    "an unknown engine": (["fit", "{log}", "--engine", "mel", "--out", "m"], "Did you mean 'mle'?"),
    "a model into a missing folder": (["fit", "{log}", "--out", "no/such/m"], "There is no folder"),
    "a model over something else": (["fit", "{log}", "--out", "{folder}"], "choose another name"),
    "a discount rate of 10": (
        ["forecast", "{model}", "--discount-rate", "10", "--out", "o.csv"],
        "For 10% a year write 0.1",
    ),
    "a discount rate that is no number": (
        ["forecast", "{model}", "--discount-rate", "ten", "--out", "o.csv"],
        "discount",
    ),
    "a margin of 30": (
        ["forecast", "{model}", "--margin", "30", "--out", "o.csv"],
        "For 30% write 0.3",
    ),
    "an unreadable horizon": (
        ["forecast", "{model}", "--horizon", "fortnight", "--out", "o.csv"],
        "'fortnight' could not be read",
    ),
    "a forecast of an unknown kind": (["forecast", "{model}", "--out", "o.txt"], "must end in"),
    "a forecast into a missing folder": (
        ["forecast", "{model}", "--out", "no/such/f.csv"],
        "There is no folder",
    ),
    "a missing model": (["forecast", "nothere", "--out", "o.csv"], "There is nothing at"),
    "a corrupt model": (["forecast", "{broken}", "--out", "o.csv"], "is no JSON, or is damaged"),
    "a folder that is no model": (
        ["forecast", "{folder}", "--out", "o.csv"],
        "was not saved by predclv",
    ),
    "other customers who are missing": (
        ["forecast", "{model}", "--customers", "nothere.csv", "--out", "o.csv"],
        "no file nothere.csv",
    ),
    "no place to write to": (["forecast", "{model}"], "--out"),
    "an unknown verb": (["predict"], "predict"),
    "an unknown option": (["forecast", "{model}", "--rate", "0.1", "--out", "o.csv"], "--rate"),
}


@pytest.fixture(scope="module")
def places(folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("bad")
    (place / "broken").mkdir()
    (place / "broken" / "predclv.json").write_text('{"format": "predclv",')
    (place / "text.txt").write_text("no log")
    (place / "cut.parquet").write_bytes((folder / "log.parquet").read_bytes()[:2000])
    summary = {"customer_id": [1, 2], "frequency": [1, 0], "recency": [3, 0], "T": [9, 9]}
    pd.DataFrame(summary).to_csv(place / "summary.csv", index=False)
    return {
        "log": folder / "log.csv",
        "model": folder / "model",
        "broken": place / "broken",
        "text": place / "text.txt",
        "cut": place / "cut.parquet",
        "summary": place / "summary.csv",
        "folder": place,
    }


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_and_exit_code_2(what, places, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, said = BAD[what]
    filled = [str(places[word[1:-1]]) if word.startswith("{") else word for word in arguments]
    code, out, error = call(capsys, *filled)
    assert (code, out) == (2, "")
    assert is_one_line_of_error(error), error
    assert said in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["a missing file", "an unknown unit", "a corrupt model"])
def test_bad_input_ends_a_real_process_alike(what, places, tmp_path):
    arguments, said = BAD[what]
    filled = [str(places[word[1:-1]]) if word.startswith("{") else word for word in arguments]
    done = run(*filled, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_line_of_error(done.stderr), done.stderr
    assert said in done.stderr


def test_a_model_edited_by_hand_is_refused(folder, tmp_path, capsys):
    import shutil

    model = shutil.copytree(folder / "model", tmp_path / "m")
    manifest = json.loads((model / "predclv.json").read_text())
    manifest["content"]["purchases"]["params"]["r"] = -1
    (model / "predclv.json").write_text(json.dumps(manifest))
    code, _, error = call(capsys, "forecast", model, "--out", tmp_path / "f.csv")
    assert code == 2
    assert is_one_line_of_error(error)


# Help ---------------------------------------------------------------------------------------


def test_help_lists_the_verbs(capsys):
    code, said, _ = call(capsys, "--help")
    assert code == 0
    for verb in ("demo", "summarise", "fit", "forecast", "validate", "segments"):
        assert f"\n  {verb} " in said


@pytest.mark.parametrize(
    ("verb", "function", "left_out"),
    [
        ("summarise", pc.rfm_summary, {"transactions"}),
        ("fit", pc.rfm_summary, {"transactions"}),
        ("fit", pc.CLVModel.__init__, {"self", "engine_options", "clock"}),
        ("forecast", pc.FittedCLV.forecast, {"self", "rfm"}),
        ("validate", pc.holdout_split, {"transactions"}),
        ("demo", None, set()),
    ],
)
def test_help_of_a_verb_has_the_words_of_the_api(verb, function, left_out, capsys):
    code, said, _ = call(capsys, verb, "--help")
    assert code == 0
    names = set(inspect.signature(function).parameters) - left_out if function else {"out"}
    for name in names:
        assert f"--{name.replace('_', '-')} " in said


def test_the_script_on_the_path_is_this_command_line():
    from importlib.metadata import entry_points

    (script,) = entry_points(group="console_scripts", name="predclv")
    assert script.load() is cli.main
