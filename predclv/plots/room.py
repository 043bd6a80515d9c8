"""How much room a picture has for its words, measured before its layout is made."""

import math
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, findfont, get_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NARROW = 400.0  # points, 5.5 inches: from here on legends take smaller letters
_PAD = 8.0  # points that a layout leaves around Axes and bars of colours
_LEAST = 150.0  # points of a line: below, words would stand alone
_MARGINS = ("left", "right", "bottom", "top", "wspace", "hspace")


@dataclass(frozen=True, slots=True)
class Room:
    """What Axes will have once they are laid out, all in points.

    ``width`` and ``height`` are those of the Axes alone, ``left`` and ``right`` of what stands
    beside them (labels, a legend, a bar of colours), ``slot`` and
    ``slot_height`` of their whole place in the figure.
    """

    width: float
    height: float
    left: float
    right: float
    slot: float
    slot_height: float


def room(ax: "Axes") -> Room:
    """Measure the room of Axes from their place in the figure and what stands around them."""
    root = ax.get_figure(root=True)
    if root is None:
        return Room(500.0, 300.0, 0.0, 0.0, 500.0, 300.0)
    point = 72.0 / root.dpi
    inner, outer = ax.bbox, _outline(ax)
    left, right = ((inner.x0 - outer.x0) * point, (outer.x1 - inner.x1) * point)
    below, above = ((inner.y0 - outer.y0) * point, (outer.y1 - inner.y1) * point)
    right += sum(bar.get_tightbbox().width * point + _PAD for bar in _bars_of_colours(ax))
    spec = ax.get_subplotspec()
    if spec is None or root.get_layout_engine() is None:
        width, height = inner.width * point, inner.height * point
        return Room(width, height, left, right, width + left + right, height + below + above)
    spec, place = spec.get_topmost_subplotspec(), ax.figure.bbox
    grid = spec.get_gridspec()
    across = _share(grid.get_width_ratios(), grid.ncols, spec.colspan)
    down = _share(grid.get_height_ratios(), grid.nrows, spec.rowspan)
    slot, slot_height = place.width * point * across - _PAD, place.height * point * down - _PAD
    width, height = max(slot - left - right, 1.0), max(slot_height - below - above, 1.0)
    return Room(width, height, left, right, slot, slot_height)


def _outline(ax: "Axes") -> Any:
    """The Axes with all that a layout makes room for, and that of their twin."""
    from matplotlib.transforms import Bbox

    place = ax.get_subplotspec()
    together = [
        other for other in ax.figure.axes if other is ax or
        (place is not None and other.get_subplotspec() is place)
    ]  # fmt: skip
    boxes = [each.get_tightbbox(for_layout_only=True) for each in together]
    return Bbox.union([box for box in boxes if box is not None] or [ax.bbox])


def _bars_of_colours(ax: "Axes") -> list[Any]:
    bars = [getattr(drawn, "colorbar", None) for drawn in ax.collections]
    return [bar.ax for bar in bars if bar is not None]


def _share(ratios: Any, n: int, span: range) -> float:
    ratios = list(ratios) if ratios is not None else [1.0] * n
    return float(sum(ratios[i] for i in span) / sum(ratios))


def make_room(ax: "Axes") -> None:
    """Let the figure of Axes make room for what stands around them, if nobody arranged it.

    A figure of ``plt.subplots()`` has no layout: labels of two lines are cut off at its edge, and a
    legend can only stand over the points. It is given Matplotlib's tight layout, to which
    ``plt.tight_layout()`` and ``subplots_adjust`` do no harm. A figure with a layout, margins of
    its own or Axes placed by hand stays as it is.
    """
    figure = ax.get_figure(root=True)
    if figure is None or figure.get_layout_engine() is not None or figure.subfigs:
        return
    margins = figure.subplotpars
    usual: dict[str, Any] = {str(name): value for name, value in mpl.rcParams.items()}
    if any(getattr(margins, name) != usual[f"figure.subplot.{name}"] for name in _MARGINS):
        return
    for each in figure.axes:
        spec = each.get_subplotspec()
        if spec is None:
            return
        grid: Any = spec.get_topmost_subplotspec().get_gridspec()
        if getattr(grid, "locally_modified_subplot_params", list)():
            return
    figure.set_layout_engine("tight")


def fitting(text: str, points: float, size: float = 11.0, least: float = _LEAST) -> str:
    """A text in lines no wider than this, of about equal length; its own breaks stay."""
    points = max(points, least)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        fewest = math.ceil(width_of(paragraph, size) / points)
        parts = [paragraph]
        for n in range(max(fewest, 1), len(paragraph.split()) + 1):
            if n > 1:
                even = math.ceil(len(paragraph) / n) + 6
                parts = textwrap.wrap(paragraph, even, break_long_words=False)
            if max(width_of(part, size) for part in parts) <= points:
                break
        lines += parts
    return "\n".join(lines)


def width_of(text: str, size: float) -> float:
    """In points, in the font that Matplotlib writes with."""
    font = findfont(FontProperties())
    return sum(_advance(font, letter) for letter in text) * size


@lru_cache(maxsize=4096)
def _advance(font: str, letter: str) -> float:
    """Width of a letter in units of the font's size; a letter it lacks is taken for a wide one."""
    face = get_font(font)
    if face.get_char_index(ord(letter)) == 0:
        return 1.0
    face.set_size(100.0, 72.0)
    return float(face.load_char(ord(letter)).linearHoriAdvance) / 65536.0 / 100.0
