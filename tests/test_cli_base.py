"""A base from the shell, as cron calls it: exit codes, and one line for what went wrong."""

import pandas as pd
import pytest
from test_cli_verbs import call

import predclv as pc

pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.PredclvWarning")


@pytest.fixture
def months(tmp_path):
    log = pc.datasets.load_cdnow()
    for name, rows in {
        "first": log[log["date"] <= "1997-09-30"],
        "second": log[(log["date"] > "1997-09-30") & (log["date"] <= "1997-10-31")],
    }.items():
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def test_every_verb_of_a_base_says_one_line_and_does_its_work(months, capsys):
    base = months / "base"
    code, said, erred = call(capsys, "base", "init", base)
    assert (code, erred) == (0, "")
    assert "empty" in said

    code, said, erred = call(capsys, "base", "add", base, months / "first.csv", "--batch", "first")
    assert (code, erred) == (0, "")
    assert said.splitlines() == [
        "Added first: 4,960 rows of 2,357 customers, 1997-01-01 to 1997-09-30, 0 counted anew"
    ]

    given = ("--horizon", "8 weeks", "--by", "cohort_year", "--model", "MBGNBD", "--seed", 1)
    code, said, erred = call(capsys, "base", "refresh", base, *given)
    assert (code, erred) == (0, "")
    assert said.startswith("Refreshed 1997-09-30: 2,357 customers, ")
    assert len(said.splitlines()) == 1

    assert call(capsys, "base", "add", base, months / "second.csv", "--batch", "second")[0] == 0
    assert call(capsys, "base", "refresh", base, *given)[0] == 0
    grown = pc.CustomerBase(base)
    code, _, erred = call(capsys, "base", "history", base, "--out", months / "history.csv")
    assert (code, erred) == (0, "")
    found = pd.read_csv(months / "history.csv", parse_dates=["date"])
    pd.testing.assert_frame_equal(found, grown.history(), check_dtype=False)
    code, said, erred = call(capsys, "base", "history", base)
    assert (code, erred) == (0, "")
    assert len(said.splitlines()) == len(found) + 1

    code, said, erred = call(capsys, "base", "alerts", base)
    assert (code, erred) == (0, "")
    alerts = grown.alerts()
    assert len(said.splitlines()) == max(len(alerts), 1)
    assert call(capsys, "base", "alerts", base, "--fail")[0] == int(len(alerts) > 0)


def test_every_table_of_a_base_is_a_verb_and_what_was_wrong_goes_out_again(months, capsys):
    base = months / "base"
    for name in ("first", "second"):
        call(capsys, "base", "add", base, months / f"{name}.csv", "--batch", name)
        assert call(capsys, "base", "refresh", base, "--horizon", "4 weeks")[0] == 0
    grown = pc.CustomerBase(base)
    for verb in ("batches", "history", "changes", "movement", "quiet", "forecasts-kept", "table"):
        out = months / f"{verb}.csv"
        code, said, erred = call(capsys, "base", verb, base, "--out", out)
        assert (code, erred) == (0, "")
        assert said.splitlines()[-1] == f"Written to {out}"
        assert len(pd.read_csv(out)) == len(getattr(grown, verb.replace("-", "_"))())
    assert call(capsys, "base", "table", base, "--out", months / "table.parquet")[0] == 0
    assert len(pd.read_parquet(months / "table.parquet")) == len(grown.table())
    assert call(capsys, "base", "remove", base, "--batch", "second")[:2] == (0, "Removed second\n")
    assert grown.batches()["batch"].tolist() == ["first"]
    code, _, erred = call(capsys, "base", "remove-refresh", base, "1997-10-30")
    assert code != 0
    assert "keeps those of 1997-09-30, 1997-10-31" in erred
    said = "Removed the refresh of 1997-10-31\n"
    assert call(capsys, "base", "remove-refresh", base, "1997-10-31") == (0, said, "")
    assert len(grown.history().query("grouping == 'all'")) == 1


def test_the_dashboard_is_written_from_the_shell(months, capsys):
    pytest.importorskip("vl_convert", reason="vl-convert-python holds the charts' script")
    base, page = months / "base", months / "clv.html"
    call(capsys, "base", "add", base, months / "first.csv", "--batch", "first")
    assert call(capsys, "base", "refresh", base, "--horizon", "4 weeks")[0] == 0
    code, said, erred = call(capsys, "base", "dashboard", base, "--out", page, "--title", "Till")
    assert (code, said, erred) == (0, f"Written to {page}\n", "")
    assert "<title>Till</title>" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("verb", "arguments", "says"),
    [
        ("add", ("first.csv", "--batch", "first"), "is in the base already"),
        ("add", ("nothing.csv", "--batch", "x"), "nothing.csv"),
        ("refresh", ("--by", "kohort"), "by must name"),
        ("refresh", ("--model", "BGNBDD"), "BGNBDD"),
        ("alerts", (), "no refresh yet"),
        ("dashboard", ("--out", "page.pdf"), ".html"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(months, capsys, monkeypatch, verb, arguments, says):
    monkeypatch.chdir(months)
    call(capsys, "base", "add", "base", "first.csv", "--batch", "first")
    code, _, erred = call(capsys, "base", verb, "base", *arguments)
    assert code != 0
    assert says in erred
    assert "Traceback" not in erred
