"""How pages look, and how a picture becomes a part of one."""

import io
import re
import warnings
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d2026; --soft: #5b616b;
  --line: #d9dce1; --tint: #f3f5f8; --best: #00583f; --bestbg: #e2f3ec; --blue: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8eaee; --soft: #a4abb6;
  --line: #363b44; --tint: #20242a; --best: #7fe0b8; --bestbg: #17352a; --blue: #2f8fd6; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 78rem; margin: 0 auto; padding: 1.2rem 1rem 3rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .4rem 0; }
h2 { font-size: 1.35rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1.08rem; margin: 1.2rem 0 .4rem; }
header p { margin: .2rem 0; color: var(--soft); max-width: 60rem; overflow-wrap: anywhere; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem;
  margin: 1.2rem 0; padding: 0; list-style: none; }
.figures li { background: var(--tint); border-radius: .5rem; padding: .6rem .8rem; }
.figures b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: .88rem; }
.findings { padding-left: 1.2rem; max-width: 60rem; }
.findings li { margin: .25rem 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: .4rem 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { text-align: left; color: var(--soft); padding: .2rem 0; font-size: .88rem; }
th, td { padding: .28rem .6rem; text-align: right; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
thead th { vertical-align: bottom; white-space: normal; overflow-wrap: break-word;
  min-width: 6.2rem; max-width: 11rem; }
th small { display: block; font-weight: normal; color: var(--soft); }
tbody th, thead th:first-child { text-align: left; font-weight: 600; }
tbody th { position: sticky; left: 0; background: var(--paper); white-space: normal;
  overflow-wrap: anywhere; min-width: 7rem; max-width: 16rem; }
td.best { background: var(--bestbg); color: var(--best); font-weight: 700; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 31rem), 1fr));
  gap: 1rem 2rem; }
section { min-width: 0; }
figure { margin: 0; }
.picture { overflow-x: auto; }
.picture svg { display: block; width: 100%; min-width: 30rem; max-width: 48rem; height: auto;
  color: var(--ink); }
section:has(details[open]) { grid-column: 1 / -1; }
figcaption, .absent { color: var(--soft); font-size: .92rem; max-width: 40rem; }
details { margin: .4rem 0; } summary { cursor: pointer; font-size: .92rem;
  overflow-wrap: anywhere; }
dl { max-width: 60rem; } dt { font-weight: 600; margin-top: .7rem; }
dt small { font-weight: normal; color: var(--soft); } dd { margin: 0; }
@media (max-width: 44rem) {
  .stack, .stack tbody, .stack tr, .stack th, .stack td { display: block; }
  .stack caption { display: block; } .stack thead { display: none; }
  .stack tr { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0;
    padding: .3rem .6rem; }
  .stack tbody th { position: static; max-width: none; padding: .2rem 0; }
  .stack td { display: flex; justify-content: space-between; gap: 1rem; padding: .2rem 0;
    white-space: nowrap; }
  .stack td::before { content: attr(data-label); color: var(--soft); text-align: left;
    font-weight: normal; white-space: normal; overflow-wrap: anywhere; flex: none;
    max-width: 50%; }
  .stack td:last-child { border-bottom: 0; } }
@media print { :root { --paper: #ffffff; --ink: #000000; --soft: #444444; --line: #bbbbbb;
  --tint: #f3f3f3; --best: #000000; --bestbg: #e4e4e4; } body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; } section, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; } details { display: none; } .scroll { overflow: visible; }
  th, td { padding: .15rem .3rem; font-size: 7.5pt; white-space: normal; }
  .pictures { display: block; } .picture svg { max-width: 15cm; min-width: 0; } }
"""

# Ink that no palette has, so that it can be told apart in the SVG and follow the page's own.
_INK = "#010203"
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "predclv",
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK
    ),
    "axes.facecolor": "none",
}
_FOLLOWS = {
    _INK: "currentColor",
    "#111111": "currentColor",
    "#ffffff": "var(--paper)",
    "#0072b2": "var(--blue)",
    **dict.fromkeys(("#666666", "#555555", "#444444", "#333333"), "var(--soft)"),
}


def inline(draw: "Callable[..., Axes]", name: str) -> str:
    """A picture as SVG for an HTML page, in the page's own ink, its title read aloud.

    Parameters
    ----------
    draw : callable
        Draws on the Axes it is given, and returns them.
    name : str
        Keeps the ids of one picture apart from those of another.
    """
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # The reader's browser has more glyphs than Matplotlib's own font.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=(7.4, 4.6), layout="constrained")
        ax = draw(ax=figure.subplots())
        title = " ".join(ax.get_title(loc="left").split()).replace(r"\$", "$")
        axes_said = " ".join(f"{ax.get_xlabel()}; {ax.get_ylabel()}".split())
        file = io.StringIO()
        figure.savefig(file, format="svg", facecolor="none", metadata={"Date": None})
    return _embedded(file.getvalue(), name, f"{title}. Axes: {axes_said}")


def _embedded(svg: str, name: str, said: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    for fixed, own in _FOLLOWS.items():
        svg = svg.replace(fixed, own)
    label = f'<svg role="img" aria-label="{escape(said)}"'
    return svg.replace("<svg", label, 1).replace("\n", " ").strip()
