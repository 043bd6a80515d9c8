"""Verbs for lists, origins and pictures: the numbers of the API, and one line for bad input."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv import cli
from predclv.cli_options import forecasters_named, in_lines
from predclv.cli_words import in_the_shell


def call(capsys, *arguments):
    """Exit code, standard output and standard error."""
    try:
        cli.main(list(map(str, arguments)))
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("verbs")
    log = pc.datasets.load_cdnow()
    log.to_csv(place / "log.csv", index=False)
    pc.CLVModel().fit(pc.rfm_summary(log)).save(place / "model")
    return place


def test_the_version_is_that_of_the_package(capsys):
    assert call(capsys, "--version") == (0, f"predclv {pc.__version__}\n", "")


@pytest.mark.parametrize("which", ["win-back", "at-risk", "due-soon"])
def test_a_list_is_that_of_the_api(folder, tmp_path, capsys, which):
    out = tmp_path / "list.csv"
    code, said, erred = call(capsys, "lists", which, folder / "model", "--out", out)
    assert (code, erred) == (0, "")
    fitted = pc.load(folder / "model")
    expected = {
        "win-back": lambda: pc.segments.win_back(fitted.forecast(level=None)),
        "at-risk": lambda: pc.segments.at_risk(fitted),
        "due-soon": lambda: pc.segments.due_soon(fitted),
    }[which]()
    found = pd.read_csv(out)
    assert list(found["customer_id"]) == list(expected["customer_id"])
    np.testing.assert_allclose(found["p_alive"], expected["p_alive"], rtol=1e-9)
    assert f"{len(expected):,} of 2,357 customers" in said


def test_backtest_gives_the_table_of_the_api(folder, tmp_path, capsys):
    out = tmp_path / "scores.csv"
    given = ("--models", "none", "--baselines", "MeanRate", "--horizon", "13 weeks")
    code, said, erred = call(
        capsys, "backtest", folder / "log.csv", "--cutoffs", 2, *given, "--out", out
    )
    assert (code, erred) == (0, "")
    assert "2 origins" in said
    expected = pc.backtest(
        [pc.baselines.MeanRate()], pc.datasets.load_cdnow(), cutoffs=2, horizon="13 weeks"
    ).frame.reset_index()
    found = pd.read_csv(out)
    assert list(found["customers"]) == list(expected["customers"])
    np.testing.assert_allclose(found["bias"], expected["bias"], rtol=1e-9)


def test_cutoffs_may_be_days(folder, capsys):
    code, said, _ = call(
        capsys, "backtest", folder / "log.csv", "--cutoffs", "1997-09-30,1998-01-31",
        "--horizon", "13 weeks", "--models", "none", "--baselines", "MeanRate",
    )  # fmt: skip
    assert code == 0
    assert "1997-09-30 to 1998-01-31" in said


def test_a_verb_writes_the_pictures_of_its_result(folder, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    code, said, _ = call(
        capsys, "segments", folder / "model", "--out", tmp_path / "t.csv", "--pictures", pictures
    )
    assert code == 0
    assert [file.name for file in pictures.iterdir()] == ["tier_profile.png"]
    assert (pictures / "tier_profile.png").read_bytes().startswith(b"\x89PNG")
    assert "tier_profile.png" in said


@pytest.mark.filterwarnings("always::predclv.errors.DataWarning")
def test_a_picture_that_cannot_be_drawn_is_a_warning_and_the_others_are(folder, tmp_path, capsys):
    pictures = tmp_path / "pictures"
    code, said, erred = call(
        capsys, "validate", folder / "log.csv", "--calibration-end", "1997-09-30",
        "--models", "none", "--baselines", "MeanRate", "--pictures", pictures,
    )  # fmt: skip
    assert code == 0
    assert "gains.png" in said
    assert "warning: coverage_curve was not drawn" in erred
    assert (pictures / "gains.png").exists()
    assert not (pictures / "coverage_curve.png").exists()


def test_a_forecast_can_be_written_as_a_page(folder, tmp_path, capsys):
    page = tmp_path / "forecast.html"
    code, said, erred = call(capsys, "forecast", folder / "model", "--no-intervals", "--out", page)
    assert (code, erred) == (0, "")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert str(page) in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lists", "winback", "model", "--out", "l.csv"], "win-back"),
        (["lists", "win-back", "model", "--out", "l.txt"], ".parquet or .csv"),
        (["lists", "due-soon", "model", "--within", "soon", "--out", "l.csv"], "could not be read"),
        (["backtest", "log.csv", "--cutoffs", "soon", "--horizon", "13 weeks"], "soon"),
        (["backtest", "log.csv", "--cutoffs", "2", "--horizon", "13 weeks", "--out", "b.html"],
         ".parquet or .csv"),
        (["segments", "model", "--out", "t.csv", "--pictures", "no/such"], "No folder"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(folder, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(folder)
    code, _, erred = call(capsys, *arguments)
    assert code == 2
    assert erred.startswith("error: ")
    assert erred.count("\n") == 1
    assert said in erred


@pytest.mark.parametrize(
    ("arguments", "said", "not_said"),
    [
        (["summarise", "log.csv", "--customer-id", "who", "--out", "o.csv"], "", "customer_id="),
        (["forecast", "model", "--horizon", "soon", "--out", "f.csv"], "--horizon 'soon'", " hor"),
        (["forecast", "model", "--discount-rate", "10", "--out", "f.csv"],
         "--discount-rate is annual", "discount_rate"),
        (["campaign", "log.csv", "groups.csv", "1997-09-01", "--traits", "groups.csv"],
         "--assigned chosen", "assigned="),
        (["campaign", "plain.csv", "groups.csv", "1997-09-01", "--no-amount"],
         "--measure purchases", "measure="),
        (["summarise", "commas.csv", "--out", "o.csv"], "with a decimal point", "pd."),
        (["summarise", "slashes.csv", "--out", "o.csv"], "Write them in the file as 2026", "pd."),
        (["fit", "bare.csv", "--season", "auto", "--out", "m"], "--unit week", "unit="),
        (["fit", "bare.csv", "--unit", "week", "--season", "auto", "--out", "m"],
         "Give the log itself", "pc."),
        (["fit", "bare.csv", "--unit", "week", "--memory", "--out", "m"],
         "Give the log itself, or leave --memory out", "pc."),
        (["base", "refresh", "no-base"], "predclv base add FOLDER LOG --batch NAME", "base.add"),
    ],
)  # fmt: skip
def test_what_to_try_is_said_in_options(folder, capsys, monkeypatch, arguments, said, not_said):
    monkeypatch.chdir(folder)
    log = pc.datasets.load_cdnow()
    groups = log[["customer_id"]].drop_duplicates().assign(group=lambda t: t["customer_id"] % 2)
    groups.to_csv("groups.csv", index=False)
    log.drop(columns="amount").to_csv("plain.csv", index=False)
    few = log.head(50).astype({"date": str})
    few.assign(amount=few["amount"].map("{:.2f}".format).str.replace(".", ",")).to_csv(
        "commas.csv", index=False
    )
    few.assign(date=few["date"].str.replace("-", "/").str[::-1]).to_csv("slashes.csv", index=False)
    pc.rfm_summary(few).frame.to_csv("bare.csv", index=False)
    code, _, erred = call(capsys, *arguments)
    assert code == 2
    assert said in erred
    assert not_said not in erred


@pytest.mark.filterwarnings("always")
def test_a_warning_too_says_options(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    asked = ("summarise", "log.csv", "--observation-end", "2030-01-01", "--out", "o.csv")
    code, _, erred = call(capsys, *asked)
    assert code == 0
    assert erred.startswith("warning: --observation-end 2030-01-01 is 31.5 years after")


def test_lists_of_a_base_are_named_as_python_where_the_shell_has_none():
    assert in_the_shell("2 are overdue. base.quiet() lists them", {}) == (
        "2 are overdue. In Python pc.CustomerBase(FOLDER).quiet() lists them"
    )


def test_auto_is_a_model_for_every_verb_that_compares():
    pool, named = forecasters_named("auto", "none"), forecasters_named("auto", "none", {"rate": []})
    assert [each.purchases for each in pool] == ["auto"]
    assert list(named) == ["auto", "auto, covariates"]


def test_values_of_options_are_written_as_a_shell_takes_them():
    options = {"horizon": "--horizon", "replace": "--replace", "purchases": "--purchases"}
    said = "Try horizon='1 year', replace=True, purchases=pc.MBGNBD, horizon='...', or other=3."
    assert in_the_shell(said, options) == (
        "Try --horizon '1 year', --replace, --purchases MBGNBD, --horizon, or other=3."
    )
    kept = "Make one: pc.CLVModel(purchases=pc.MBGNBD, clock=pc.Clock(season=2)).fit(rfm)."
    assert in_the_shell(kept, options) == kept


def test_the_shell_prints_money_as_money(folder, tmp_path, capsys):
    frame = pd.DataFrame({"tier": ["top"], "clv": [45_678.9], "p_alive": [1.9e-17]})
    assert in_lines(frame).split() == ["tier", "clv", "p_alive", "top", "45,679", "1.9e-17"]
    for verb in (("lists", "win-back"), ("segments",)):
        _, said, _ = call(capsys, *verb, folder / "model", "--out", tmp_path / "l.csv")
        rows = pd.read_csv(tmp_path / "l.csv")
        shown = rows["value_if_alive"] if "value_if_alive" in rows else rows["clv"].nlargest(0)
        assert "e+0" not in said
        assert all(f"{value:,.0f}" in said for value in shown.head(5))


def test_days_in_a_list_are_whole(folder, tmp_path, capsys):
    call(capsys, "lists", "at-risk", folder / "model", "--out", tmp_path / "l.csv")
    silent = pd.read_csv(tmp_path / "l.csv", dtype=str)["silent_days"]
    assert silent.str.fullmatch(r"\d+(\.0)?").all()
