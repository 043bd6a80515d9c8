"""Verbs for lists, origins and pictures: the numbers of the API, and one line for bad input."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv import cli


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
