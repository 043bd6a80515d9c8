"""The reference: every public name has words for a newcomer, siblings, an example, a place."""

import inspect
import re
from pathlib import Path

import pytest

import predclv as pc

DOCS = Path(__file__).parents[1] / "docs"

# Errors and warnings are many classes alike, listed together in the reference: their two bases show
# how they are caught and silenced, and no other needs an example and siblings of its own.
BASES = {"errors.PredclvError", "errors.PredclvWarning"}


def errors_and_warnings():
    """The classes that pc.errors is for."""
    return [
        name
        for name, value in vars(pc.errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    ]


def public_names():
    """Every public name by the path that users write, and what it is."""
    names = {}
    for name in pc.__all__:
        value = getattr(pc, name)
        if inspect.ismodule(value):
            inner = errors_and_warnings() if name == "errors" else value.__all__
            names |= {f"{name}.{one}": getattr(value, one) for one in inner}
        elif not name.startswith("__"):
            names[name] = value
    return names


PUBLIC = public_names()
CHECKED = {
    name: value for name, value in PUBLIC.items() if not name.startswith("errors.") or name in BASES
}


def section(value, heading):
    """Whether a docstring has a section."""
    return re.search(rf"^{heading}\n-+$", inspect.getdoc(value) or "", flags=re.MULTILINE)


def test_there_are_names_of_every_namespace():
    assert len(PUBLIC) > 140
    assert {name.partition(".")[0] for name in PUBLIC if "." in name} == {
        name for name in pc.__all__ if inspect.ismodule(getattr(pc, name))
    }


def test_a_first_line_says_in_a_sentence_what_it_is():
    for name, value in PUBLIC.items():
        first = inspect.getdoc(value).splitlines()[0]
        assert first.endswith("."), f"{name}: {first}"
        assert len(first) > 20, f"{name}: {first}"


def test_every_public_name_has_an_example_that_runs():
    without = [
        name
        for name, value in CHECKED.items()
        if not (section(value, "Examples") and ">>> " in inspect.getdoc(value))
    ]
    assert without == []


def test_every_public_name_says_where_its_siblings_are():
    without = [name for name, value in CHECKED.items() if not section(value, "See Also")]
    assert without == []


def test_siblings_that_are_named_exist():
    for name, value in PUBLIC.items():
        doc = inspect.getdoc(value)
        part = re.split(r"^See Also\n-+$", doc, flags=re.MULTILINE)
        if len(part) < 2:
            continue
        for target in re.findall(r"^(predclv[\w.]*)", part[1].partition("\n\n")[0], flags=re.M):
            found = pc
            for step in target.split(".")[1:]:
                found = getattr(found, step, None)
                assert found is not None, f"{name} names {target}"


@pytest.mark.parametrize("name", ["CLVModel", "Forecast", "RFM", "Fit", "FittedCLV"])
def test_the_methods_of_the_main_classes_say_what_they_do(name):
    for member, value in inspect.getmembers(getattr(pc, name)):
        if not member.startswith("_") and not inspect.ismemberdescriptor(value):
            assert inspect.getdoc(value), f"{name}.{member}"


@pytest.mark.skipif(not DOCS.is_dir(), reason="a source archive has no docs")
def test_every_public_name_stands_once_in_the_reference():
    listed = [
        name
        for page in sorted((DOCS / "api").glob("*.md"))
        for name in re.findall(r"^   ([A-Za-z][\w.]*)$", page.read_text("utf-8"), flags=re.M)
    ]
    assert sorted(listed) == sorted(PUBLIC)


@pytest.mark.skipif(not DOCS.is_dir(), reason="a source archive has no docs")
def test_every_picture_is_in_the_gallery_with_its_code():
    gallery = (DOCS / "gallery.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\{picture\}.*?^```$", gallery, flags=re.MULTILINE | re.DOTALL)
    drawn = {name for block in blocks for name in re.findall(r"pc\.plots\.(\w+)\(", block)}
    assert drawn == set(pc.plots.__all__)


def test_help_is_a_map_of_the_package():
    told = pc.__doc__
    for name in pc.__all__:
        if not name.startswith("__"):
            assert re.search(rf"\b{name}\b", told), name
