"""What the documents say is what happens: README's code, its commands, and the notebooks."""

import contextlib
import io
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib as mpl
import nbformat
import pytest
from nbclient import NotebookClient

mpl.use("Agg")

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DEMO = "pip install -q uv && uv run predclv demo"
TESTS = "pip install -q uv && uv run pytest"
SITE = "uv run --group docs sphinx-build -W -q docs docs/_build"


def blocks(text):
    """The fenced blocks of a document as (language, content), in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


# README ---------------------------------------------------------------------------------------


def test_the_python_of_readme_runs_and_prints_what_readme_shows(tmp_path, monkeypatch):
    from matplotlib import pyplot as plt

    monkeypatch.chdir(tmp_path)
    names = {"__name__": "readme"}
    printed = ""
    counted = {"python": 0, "text": 0}
    for language, content in blocks(README):
        if language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(content, "README.md", "exec"), names)
            printed = out.getvalue()
        elif language == "text":
            assert printed == content
        counted[language] = counted.get(language, 0) + 1
    plt.close("all")
    assert counted["python"] >= 3
    assert counted["text"] >= 2
    assert {"model", "forecast.parquet"} <= set(os.listdir(tmp_path))


def test_readme_is_one_page():
    assert len(README.splitlines()) < 130


def test_the_quick_start_is_short():
    first = next(content for language, content in blocks(README) if language == "python")
    assert len(first.splitlines()) <= 15


def test_readme_has_its_two_commands_each_alone():
    alone = [content.strip() for language, content in blocks(README) if language == "bash"]
    assert DEMO in alone
    assert TESTS in alone


def test_the_shell_commands_of_readme_exist(tmp_path, monkeypatch, capsys):
    import shlex

    import predclv as pc
    from predclv import cli

    monkeypatch.chdir(tmp_path)
    pc.datasets.load_cdnow().to_csv("orders.csv", index=False)
    lines = [
        line
        for language, content in blocks(README)
        if language == "bash"
        for line in content.splitlines()
        if line.startswith("predclv ")
    ]
    assert len(lines) >= 3
    for line in lines:
        with pytest.raises(SystemExit) as stop:
            cli.main(shlex.split(line)[1:])
        assert not stop.value.code, capsys.readouterr().err
    assert (tmp_path / "forecast.csv").is_file()


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="a source archive has no docs")
def test_the_columns_that_the_site_explains_are_those_of_a_forecast():
    import pandas as pd

    import predclv as pc

    frame = pd.DataFrame(
        {
            "customer_id": range(40),
            "frequency": [i % 4 for i in range(40)],
            "recency": [float(i % 4) * 9 for i in range(40)],
            "T": [39.0 + i % 3 for i in range(40)],
            "monetary_value": [0.0 if i % 4 == 0 else 20.0 + 3 * (i % 7) for i in range(40)],
        }
    )
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so small a customer base is at a limit
        columns = set(
            pc.CLVModel().fit(pc.RFM.from_frame(frame, unit="week")).forecast(level=None).frame
        )
    page = (ROOT / "docs" / "concepts" / "forecast.md").read_text(encoding="utf-8")
    assert columns <= set(re.findall(r"^\| `(\w+)` \|", page, flags=re.MULTILINE))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_between_documents_lead_somewhere(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("https://"):
            assert (ROOT / target).exists(), target


# Continuous integration and the changelog ------------------------------------------------------


@pytest.mark.skipif(not (ROOT / ".ci").is_dir(), reason="a source archive has no .ci")
def test_ci_runs_the_command_of_readme_and_fails_when_it_fails(tmp_path):
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()
    assert f"{TESTS} || exit" in lines
    assert lines[-1] == SITE
    assert "set -euo pipefail" in lines
    if sys.platform == "win32":
        return
    assert os.access(script, os.X_OK)
    steps = [f"{step} in {ROOT}" for step in (*TESTS.split(" && "), SITE)]
    for failing in (*range(3), None):  # stand-ins: what counts is the folder and the exit code
        for name in ("pip", "uv"):
            stand_in = tmp_path / name
            fails = "" if failing is None else steps[failing].removesuffix(f" in {ROOT}")
            stand_in.write_text(
                f'#!/bin/sh\necho "{name} $* in $PWD"\n[ "{name} $*" != "{fails}" ] || exit 3\n'
            )
            stand_in.chmod(0o755)
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [script], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True,
            text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == (0 if failing is None else 3)
        assert done.stdout.splitlines() == steps[: 3 if failing is None else failing + 1]


def test_no_test_is_left_out_by_default():
    with (ROOT / "pyproject.toml").open("rb") as file:
        options = tomllib.load(file)["tool"]["pytest"]["ini_options"]
    assert not {"-m", "-k", "--ignore", "--deselect"} & {
        word.split("=")[0] for word in options["addopts"]
    }
    assert "--doctest-modules" in options["addopts"]
    assert {"tests", "predclv"} <= set(options["testpaths"])


def test_the_changelog_has_the_version_of_the_package():
    import predclv as pc

    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    assert version == pc.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(version)}\b", changelog, flags=re.MULTILINE)


# Notebooks ---------------------------------------------------------------------------------------


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert cell.metadata == {}
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path, request):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    warned = [output.text for output in outputs if output.get("name") == "stderr"]
    assert not warned
    kept = request.config.cache.mkdir("notebooks") / path.name  # the site shows these outputs
    nbformat.write(notebook, kept)


# The release -------------------------------------------------------------------------------------


@pytest.mark.skipif(not (ROOT / "CITATION.cff").is_file(), reason="a copy without it")
def test_the_citation_has_the_version_of_the_package():
    import predclv as pc

    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {pc.__version__}\n" in text
