"""Colours, markers and axes shared by all pictures."""

import datetime
import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.font_manager import FontProperties, findfont, get_font

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

EN_DASH = "\N{EN DASH}"

# Okabe & Ito's palette, distinguishable with any colour vision.
ACTUAL = "#7f7f7f"
MODEL = "#0072B2"
SECOND = "#D55E00"
_COLOURS = (MODEL, SECOND, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6D31", "#111111")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LINES = (
    "-",
    (0, (5, 2)),
    (0, (1, 1.3)),
    (0, (5, 1.5, 1, 1.5)),
    (0, (8, 2)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (2, 3)),
    (0, (8, 1.5, 2, 1.5)),
)
_WIDE = 27  # letters of a line in a legend

LONG_NAME = 26
SMALL = 8.5


@dataclass(frozen=True, slots=True)
class Look:
    """How one forecaster is drawn in every picture: no two share colour, marker and line."""

    colour: str
    marker: str
    line: Any

    def points(self, size: float = 5.5) -> dict[str, Any]:
        """Markers for `Axes.plot`; crosses need no edge to be told apart."""
        solid = self.marker not in "PX*"
        return {
            "color": self.colour,
            "marker": self.marker,
            "markersize": size + (0 if solid else 2 if self.marker == "*" else 1),
            "markeredgecolor": "white",
            "markeredgewidth": 0.6 if solid else 0.3,
        }


def looks(names: Iterable[str]) -> dict[str, Look]:
    """A look per forecaster, by its place in the validation; up to 64 differ."""
    n = len(_COLOURS)
    return {
        name: Look(_COLOURS[i % n], _MARKERS[(i + i // n) % n], _LINES[(i + i // n) % n])
        for i, name in enumerate(names)
    }


def short(name: str, longest: int = LONG_NAME) -> str:
    """A name that fits a legend; what is cut off is marked. Dollars are no mathematics."""
    name = " ".join(str(name).split())
    cut = name if len(name) <= longest else f"{name[: longest - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"
    return cut.replace("$", r"\$")


def axes(ax: "Axes | None", width: float = 8.0, height: float = 4.2) -> "Axes":
    """The given Axes, or new ones on a figure of their own at notebook size."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def finish(ax: "Axes", title: str, x: str, y: str) -> "Axes":
    """Title and axis labels, and no lines that say nothing."""
    ax.set_title(fitting(ax, title), loc="left", fontsize=11)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def fitting(ax: "Axes", text: str, size: float = 11.0, share: float = 1.0) -> str:
    """A text in lines no wider than a share of what the Axes have, of about equal length."""
    room = max(share * _points(ax), 150.0)
    lines: list[str] = []
    for paragraph in text.split("\n"):
        fewest = math.ceil(_width(paragraph, size) / room)
        parts = [paragraph]
        for n in range(max(fewest, 1), len(paragraph.split()) + 1):
            if n > 1:
                even = math.ceil(len(paragraph) / n) + 6
                parts = textwrap.wrap(paragraph, even, break_long_words=False)
            if max(_width(part, size) for part in parts) <= room:
                break
        lines += parts
    return "\n".join(lines)


def _width(text: str, size: float) -> float:
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


def _points(ax: "Axes") -> float:
    """How wide the Axes will be, about: the layout shrinks or widens them when drawn."""
    figure = ax.get_figure(root=True)
    inches = 7.0 if figure is None else figure.get_figwidth()
    return float(ax.get_position().width) * inches * 72.0 * 1.1


def legend(ax: "Axes", title: str = "") -> None:
    """A legend beside the Axes, what was first, so that it hides nothing.

    On a figure without a layout that would make room for it (``plt.subplots()``), it stands inside,
    where it hides least.
    """
    handles, labels = ax.get_legend_handles_labels()
    first = sorted(range(len(labels)), key=lambda i: labels[i] not in ("actual", "perfect order"))
    place: dict[str, Any] = {"loc": "best"}
    if _has_room(ax):
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
    ax.legend(
        [handles[i] for i in first],
        [textwrap.fill(labels[i], _WIDE, break_long_words=False) for i in first],
        title=textwrap.fill(title, _WIDE),
        facecolor="white",
        edgecolor="none",
        framealpha=0.75,
        fontsize=8.5,
        title_fontsize=8.5,
        alignment="left",
        **place,
    )


def _has_room(ax: "Axes") -> bool:
    """Whether the figure's layout makes room for what stands beside the Axes."""
    figure = ax.get_figure(root=True)
    return figure is not None and figure.get_layout_engine() is not None


def note(ax: "Axes", text: str) -> None:
    """What the reader must know beyond the axes, below them."""
    above = ax.get_xlabel()
    share = 0.8 if ax.get_legend() is not None and _has_room(ax) else 1.0
    ax.set_xlabel("\n".join(filter(None, [above, fitting(ax, text, 10.0, share)])))


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: A, B and C."""
    shown = [short(name) for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def missing(all_names: Iterable[str], shown: Iterable[str]) -> list[str]:
    """The forecasters that a picture cannot show."""
    seen = set(shown)
    return [name for name in all_names if name not in seen]


def percent(share: Any, sign: bool = True) -> str:
    """A share in percent, with a digit after the point where it is small."""
    digits = 1 if abs(share) < 0.0995 else 0
    return f"{share:{'+' if sign else ''}.{digits}%}"


def chance(probability: float) -> str:
    """A probability in percent that is never rounded to certainty."""
    if 0.0 < probability < 0.005:
        return "below 1%"
    return "over 99%" if 0.995 < probability < 1.0 else f"{probability:.0%}"


def amount(value: float) -> str:
    """A number with three digits that count, and no powers of ten: 8.13, 1,120."""
    digits = 0 if value == 0 else max(2 - math.floor(math.log10(abs(value))), 0)
    rounded = round(float(value), digits if abs(value) >= 1 else 3)
    return f"{rounded:,.{min(digits, 3)}f}"


def counted_labels(ax: "Axes", groups: Iterable[object], sizes: Iterable[float]) -> list[str]:
    """Groups with their size below, for the ticks of an axis."""
    return [
        f"{str(name).replace('-', EN_DASH)}\n({n:,.0f})"
        for name, n in zip(groups, sizes, strict=True)
    ]


def root_scale(ax: "Axes", top: float, bottom: float = 0.0) -> None:
    """Both axes from ``bottom`` to ``top`` in square roots, with ticks that stay apart."""

    def root(values: "NDArray") -> "NDArray":
        return np.sign(values) * np.sqrt(np.abs(values))

    def square(values: "NDArray") -> "NDArray":
        return np.sign(values) * np.square(values)

    ticks = [0.0]
    for tick in np.outer(10.0 ** np.arange(-3, 10), (1, 2, 5)).ravel():
        if tick <= top and math.sqrt(tick) - math.sqrt(ticks[-1]) >= 0.07 * math.sqrt(top):
            ticks.append(float(tick))
    ax.set_xscale("function", functions=(root, square))
    ax.set_yscale("function", functions=(root, square))
    for axis, set_limits in ((ax.xaxis, ax.set_xlim), (ax.yaxis, ax.set_ylim)):
        set_limits(bottom, top)
        axis.set_ticks(ticks, [f"{tick:,g}" for tick in ticks])
        axis.set_ticks([], minor=True)


def date_axis(ax: "Axes", label: str) -> None:
    """Dates along x: few, short and unambiguous."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.set_xmargin(0.01)
    ax.set_xlabel(label)


def mark_day(ax: "Axes", day: datetime.date, text: str) -> None:
    """A vertical line at a day, and what happened then at its foot."""
    from matplotlib.dates import date2num

    at = float(date2num(day))
    ax.axvline(at, color="#666666", lw=0.9, ls="--", zorder=0)
    ax.annotate(
        f" {text}",
        (at, 0.015),
        xycoords=("data", "axes fraction"),
        fontsize=SMALL,
        color="#666666",
        va="bottom",
    )


def paired_bars(
    ax: "Axes", labels: list[str], actual: list[float], model: list[float], names: tuple[str, str]
) -> None:
    """Two bars side by side at each label: what was, and what the model says."""
    places = range(len(labels))
    ax.bar([i - 0.2 for i in places], actual, 0.4, color=ACTUAL, label=names[0])
    ax.bar([i + 0.2 for i in places], model, 0.4, color=MODEL, label=names[1])
    ax.set_xticks(list(places), labels)
    legend(ax)
