"""Formulas as MathML, which browsers draw themselves: no script, no network."""

from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx


def as_mathml(source: str, block: bool) -> str:
    """A formula in LaTeX as a MathML element."""
    if block and r"\\" in source and r"\begin" not in source:
        source = rf"\begin{{aligned}}{source}\end{{aligned}}"
    return latex2mathml.tex2mathml(source, as_block=block)


def inline(self, node) -> None:
    """Write a formula within a line."""
    self.body.append(as_mathml(node.astext(), block=False))


def inline_end(self, node) -> None:
    """Nothing is open."""


def block(self, node) -> None:
    """Write a formula that stands alone, in a box that scrolls on a narrow screen."""
    number = node.get("number")
    self.body.append(f'<div class="formula"{self_id(node)}>')
    self.body.append(as_mathml(node.astext(), block=True))
    if number:
        self.body.append(f'<span class="eqno">({number})</span>')
    self.body.append("</div>\n")
    from docutils import nodes

    raise nodes.SkipNode


def self_id(node) -> str:
    """The anchor of a formula that has a label."""
    return f' id="{node["ids"][0]}"' if node.get("ids") else ""


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of the renderer."""
    from docutils import nodes

    def skip(self, node):
        inline(self, node)
        raise nodes.SkipNode

    app.add_html_math_renderer("native", (skip, inline_end), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
