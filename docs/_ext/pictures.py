"""The directive ``picture``: runs the code under it, and shows what it drew above the code.

All code of a page shares its names, and the fenced ``python`` blocks of the page that stand above
run too, so that a picture's code may go on from the text.
"""

import hashlib
import re
from pathlib import Path

import matplotlib as mpl
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

mpl.use("Agg")

MADE = Path(__file__).parents[1] / "made" / "pictures"
_names: dict[str, dict] = {}
_lines: dict[str, int] = {}


class Picture(SphinxDirective):
    """A picture with the code that drew it."""

    has_content = True
    option_spec = {  # noqa: RUF012  # as docutils wants it
        "alt": directives.unchanged_required,
        "hide-code": directives.flag,
        "width": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """Run the code, keep its figure, and return a figure and the code."""
        from matplotlib import pyplot as plt

        code = "\n".join(self.content)
        names = _names.setdefault(self.env.docname, {"__name__": "page"})
        plt.close("all")
        self.run_blocks_above(names)
        exec(compile(code, f"{self.env.docname}, line {self.lineno}", "exec"), names)
        if not plt.get_fignums():
            raise self.error("the code of this picture drew nothing")
        MADE.mkdir(parents=True, exist_ok=True)
        page = self.env.docname.replace("/", "-")
        file = MADE / f"{page}-{hashlib.sha256(code.encode()).hexdigest()[:10]}.png"
        plt.gcf().savefig(file, dpi=144, bbox_inches="tight")
        plt.close("all")
        image = nodes.image(
            uri=f"/made/pictures/{file.name}", alt=self.options.get("alt", ""), classes=["made"]
        )
        if "width" in self.options:
            image["width"] = self.options["width"]
        shown: list[nodes.Node] = [nodes.figure("", image)]
        if "hide-code" not in self.options:
            shown.append(nodes.literal_block(code, code, language="python"))
        return shown

    def run_blocks_above(self, names: dict) -> None:
        """Run the page's ``python`` blocks between the last picture and this one."""
        text = Path(self.env.doc2path(self.env.docname)).read_text(encoding="utf-8")
        start, end = _lines.get(self.env.docname, 0), self.lineno - 1
        part = "\n".join(text.splitlines()[start:end])
        for block in re.findall(r"^```python\n(.*?)^```$", part, flags=re.M | re.S):
            import contextlib
            import io

            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block, f"{self.env.docname}, a block of python", "exec"), names)
        _lines[self.env.docname] = end


def forget(app: Sphinx, docname: str, source: list[str]) -> None:
    """Begin a page with no names."""
    _names.pop(docname, None)
    _lines.pop(docname, None)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the directive."""
    app.add_directive("picture", Picture)
    app.connect("source-read", forget)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
