"""The notebooks of the repository as pages, with their outputs.

Notebooks are committed without outputs. The tests execute them and keep what came out in pytest's
cache; where that is of the same cells it is shown, and where it is not the notebook is executed
here (all of them take some minutes). ``PREDCLV_TUTORIALS=execute`` executes them anyway, ``=bare``
shows them without outputs.
"""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
MADE = ROOT / "docs" / "made" / "tutorials"
KEPT = ROOT / ".pytest_cache" / "d" / "notebooks"
log = logging.getLogger(__name__)


def same_cells(one: nbformat.NotebookNode, other: nbformat.NotebookNode) -> bool:
    """Whether two notebooks have the same sources."""
    return [cell.source for cell in one.cells] == [cell.source for cell in other.cells]


def executed(path: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    how = os.environ.get("PREDCLV_TUTORIALS", "")
    if how == "bare":
        return notebook
    for kept in (KEPT / path.name, MADE / path.name):
        if how != "execute" and kept.is_file():
            earlier = nbformat.read(kept, as_version=4)
            if same_cells(notebook, earlier) and any(c.get("outputs") for c in earlier.cells):
                return earlier
    from nbclient import NotebookClient

    log.info("executing %s", path.name)
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    return notebook


def without_links_to_files(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Scripts that the outputs bring along stay out: a page needs none."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/javascript", None)
    return notebook


def make(app: Sphinx) -> None:
    """Write the notebooks with their outputs beside the pages."""
    MADE.mkdir(parents=True, exist_ok=True)
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for old in {file.name for file in MADE.glob("*.ipynb")} - {path.name for path in paths}:
        (MADE / old).unlink()
    with ThreadPoolExecutor(2) as pool:
        for path, notebook in zip(paths, pool.map(executed, paths), strict=True):
            made = MADE / path.name
            text = nbformat.writes(without_links_to_files(notebook))
            if not made.is_file() or made.read_text(encoding="utf-8") != text:
                made.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Have the notebooks made before pages are read."""
    app.connect("config-inited", lambda app, config: make(app))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
