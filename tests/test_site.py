"""The pages of the site: their code prints what they show, their links and formulas are sound."""

import contextlib
import io
import re
import shlex
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(
    page
    for page in DOCS.rglob("*.md")
    if not {"made", "_build", "api"} & set(page.relative_to(DOCS).parts)
)
BLOCK = re.compile(r"^```(\{picture\}|python|text)\n((?::[^\n]*\n)*)(.*?)^```$", re.M | re.S)
PEERS = {"lifetimes", "pymc_marketing"}  # what pages of comparison may import

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="a source archive has no docs")


def blocks(page):
    """A page's code, pictures and outputs as (kind, content), in order."""
    text = page.read_text(encoding="utf-8")
    return [(match[1], match[3]) for match in BLOCK.finditer(text)]


WITH_CODE = [page for page in PAGES if any(kind == "python" for kind, _ in blocks(page))]


def test_there_are_pages():
    assert len(WITH_CODE) > 15
    assert {"index.md", "quickstart.md", "gallery.md", "glossary.md", "limits.md"} <= {
        page.name for page in PAGES
    }


@pytest.mark.parametrize(
    "page",
    [page for page in WITH_CODE if page.name != "gallery.md"],  # the build draws the gallery
    ids=lambda page: str(page.relative_to(DOCS).with_suffix("")),
)
def test_the_code_of_a_page_prints_what_the_page_shows(page, tmp_path, monkeypatch):
    from matplotlib import pyplot as plt

    text = page.read_text(encoding="utf-8")
    for peer in PEERS:
        if re.search(rf"^(import|from) {peer}\b", text, flags=re.MULTILINE):
            pytest.importorskip(peer)
    monkeypatch.chdir(tmp_path)
    names, printed = {"__name__": "page"}, ""
    with warnings.catch_warnings():
        if "lifetimes" in text or "pymc_marketing" in text:
            warnings.simplefilter("ignore")  # what the peers warn of is theirs
        for kind, content in blocks(page):
            if kind == "text":
                assert printed == content
                continue
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(content, page.name, "exec"), names)
            if kind == "python":
                printed = out.getvalue()
            plt.close("all")


def test_the_shell_commands_of_the_quickstart_exist(tmp_path, monkeypatch, capsys):
    import predclv as pc
    from predclv import cli

    monkeypatch.chdir(tmp_path)
    pc.datasets.load_cdnow().to_csv("orders.csv", index=False)
    lines = re.findall(r"^predclv .*$", (DOCS / "quickstart.md").read_text("utf-8"), re.M)
    assert len(lines) >= 8
    for line in lines:
        with pytest.raises(SystemExit) as stop:
            cli.main(shlex.split(line)[1:])
        assert not stop.value.code, f"{line}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_between_pages_lead_to_files(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if target.startswith(("http", "<")):
            continue
        place = (page.parent / target).resolve()
        if DOCS / "made" in place.parents:  # made when the site is built
            place = DOCS.parent / "notebooks" / place.name
        assert place.exists(), target


def test_every_page_is_reached_from_another():
    reached = {DOCS / "index.md"}
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for tree in re.findall(r"^```\{toctree\}\n(.*?)^```$", text, re.M | re.S):
            for line in tree.splitlines():
                if line and not line.startswith(":") and "*" not in line:
                    reached.add((page.parent / f"{line.strip()}.md").resolve())
    assert {page.resolve() for page in PAGES} <= reached


def test_formulas_are_of_commands_that_the_site_can_draw():
    latex = pytest.importorskip("docutils.utils.math.latex2mathml", reason="without the docs group")
    found = 0
    for page in PAGES:
        text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.S)
        for block, inline in re.findall(r"\$\$(.*?)\$\$|\$([^$\n]+)\$", text, flags=re.S):
            assert latex.tex2mathml(block or inline, as_block=bool(block))
            found += 1
    assert found > 80
