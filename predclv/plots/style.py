"""Colours, markers and axes shared by all pictures."""

import datetime
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import pyplot as plt

from predclv.notices import listed as in_a_sentence
from predclv.plots.room import NARROW, Room, fitting, make_room, room, width_of
from predclv.units import days_per

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
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
_LETTERS = ((8.5, 27), (7.0, 22), (6.0, 26), (5.0, 30))  # size, and letters of a legend's line
_LEFT_OVER = 0.35  # of its place a picture keeps beside its legend

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
        make_room(ax)
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def finish(ax: "Axes", title: str, x: str, y: str) -> "Axes":
    """Title and axis labels in lines that fit, and no lines that say nothing.

    Call it when ticks and legend are there, for they take room.
    """
    ax.spines[["top", "right"]].set_visible(False)
    ax.set(xlabel=x, ylabel=y)
    there = room(ax)
    ax.set_title(fitting(title, 0.97 * (there.width + there.right)), loc="left", fontsize=11)
    ax.set_xlabel(fitting(x, _below(ax, there), _size(ax.xaxis.label)))
    _fit_y(ax)
    return ax


def _below(ax: "Axes", there: Room) -> float:
    """Points that a line below the Axes may take: to the figure's edge, or a tall legend."""
    key = ax.get_legend()
    right = there.right
    if key is not None and key.get_window_extent().height * 72 > there.height * _dpi(ax):
        right = min(right, 12.0)
    return there.width + 2 * min(there.left, right)


def _size(text: Any) -> float:
    """Of its letters, in points."""
    return float(text.get_fontsize())


def _dpi(ax: "Axes") -> float:
    figure = ax.get_figure(root=True)
    return 72.0 if figure is None else float(figure.dpi)


def _fit_y(ax: "Axes") -> None:
    """The label of y in lines as long as what is left of the height."""
    said, size = " ".join(ax.get_ylabel().split()), _size(ax.yaxis.label)
    ax.set_ylabel(fitting(said, room(ax).height, size, least=60.0))


def legend(ax: "Axes", title: str = "") -> None:
    """A legend beside the Axes, what was first, so that it hides nothing.

    Where it would leave the Axes too little (``plt.subplots(2, 3)``), or on a figure that cannot
    make room for it, it stands inside, where it hides least.
    """
    handles, labels = ax.get_legend_handles_labels()
    first = sorted(range(len(labels)), key=lambda i: labels[i] not in ("actual", "perfect order"))
    place: dict[str, Any] = {"loc": "best"}
    if _has_room(ax):
        place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}

    def written(size: float, letters: int, place: dict[str, Any]) -> "Legend":
        return ax.legend(
            [handles[i] for i in first],
            [textwrap.fill(labels[i], letters, break_long_words=False) for i in first],
            title=textwrap.fill(title, letters),
            facecolor="white",
            edgecolor="none",
            framealpha=0.75,
            fontsize=size,
            title_fontsize=size,
            alignment="left",
            **place,
        )

    sizes = _LETTERS[1:] if room(ax).slot < NARROW else _LETTERS
    for size, letters in sizes:
        key = written(size, letters, place)
        if key.get_window_extent().height * 72.0 <= 0.75 * room(ax).slot_height * _dpi(ax):
            break
    there = room(ax)
    if _has_room(ax) and there.width < _LEFT_OVER * there.slot:
        written(size, letters, {"loc": "best"})


def _has_room(ax: "Axes") -> bool:
    """Whether the figure's layout makes room for what stands beside the Axes."""
    figure = ax.get_figure(root=True)
    return figure is not None and figure.get_layout_engine() is not None


def note(ax: "Axes", text: str) -> None:
    """What the reader must know beyond the axes, below them."""
    more = fitting(text, _below(ax, room(ax)), _size(ax.xaxis.label))
    ax.set_xlabel("\n".join(filter(None, [ax.get_xlabel(), more])))
    _fit_y(ax)


def spread_ticks(ax: "Axes", labels: Sequence[str]) -> None:
    """Write one label at each of the Axes' ticks on x: smaller, or upright, where they are many."""
    ticks = list(ax.get_xticks())
    ax.set_xticks(ticks, labels)
    usual = _size(ax.xaxis.get_ticklabels()[0])
    each = 0.94 * room(ax).width / max(len(labels), 1)
    widest = max(width_of(line, 1.0) for label in labels for line in label.split("\n"))
    size = next((s for s in (usual, 8.5, 7.5) if s <= usual and widest * s <= each), None)
    if size is None:
        size = 7.5
        ax.set_xticks(ticks, [label.replace("\n", " ") for label in labels], rotation=90)
    ax.tick_params(axis="x", labelsize=size)


def leaders(ranked: Mapping[str, float], written: Callable[[float], str]) -> str:
    """Who is best, the least first: everybody whose number reads like the best's.

    Examples
    --------
    >>> leaders({"A": 1.231, "B": 1.2312, "C": 2.0}, "{:.2f}".format)
    'A and B'
    """
    best = min(ranked, key=lambda name: ranked[name])
    equal = [best, *(name for name in ranked if name != best
                     and written(ranked[name]) == written(ranked[best]))]  # fmt: skip
    return listed(equal) if len(equal) < 3 else f"{short(best)} and {len(equal) - 1} others"


def plain_number(at: float, _: Any = None) -> str:
    """A tick with commas between thousands and no powers of ten."""
    return f"{at:,.0f}" if float(at).is_integer() else f"{at:g}"


def span_in_words(length: float, unit: str) -> str:
    """A length of time in whole units, or else in whole days: 39 weeks, 365 days.

    Examples
    --------
    >>> span_in_words(365 / 7, "week"), span_in_words(1.0, "week")
    ('365 days', '1 week')
    """
    days = length * days_per(unit)
    if abs(length - round(length)) > 1e-6 and abs(days - round(days)) < 1e-6:
        length, unit = round(days), "day"
    return f"{length:.4g} {unit}{'' if length == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, each as a legend has it."""
    return in_a_sentence([short(name) for name in names])


def note_missing(ax: "Axes", all_names: Iterable[str], shown: Mapping[str, Any], why: str) -> None:
    """Below the Axes: the forecasters that a picture cannot show."""
    if absent := [name for name in all_names if name not in shown]:
        note(ax, f"{why}, so not shown: {listed(absent)}")


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


def with_sizes(
    names: Iterable[object], sizes: Iterable[float], longest: int = LONG_NAME, gap: str = " "
) -> list[str]:
    """Groups with their size after a gap, which may be a new line, for the ticks of an axis."""
    return [
        f"{short(str(name), longest)}{gap}({n:,.0f})" for name, n in zip(names, sizes, strict=True)
    ]


def root_scale(ax: "Axes", top: float, bottom: float = 0.0) -> None:
    """Both axes from ``bottom`` to ``top`` in square roots, with ticks that stay apart."""

    def root(values: "NDArray") -> "NDArray":
        return np.sign(values) * np.sqrt(np.abs(values))

    def square(values: "NDArray") -> "NDArray":
        return np.sign(values) * np.square(values)

    apart, ticks = max(0.07, 34.0 / room(ax).width), [0.0]
    for tick in np.outer(10.0 ** np.arange(-3, 10), (1, 2, 5)).ravel():
        if tick <= top and math.sqrt(tick) - math.sqrt(ticks[-1]) >= apart * math.sqrt(top):
            ticks.append(float(tick))
    ax.set_xscale("function", functions=(root, square))
    ax.set_yscale("function", functions=(root, square))
    for axis, set_limits in ((ax.xaxis, ax.set_xlim), (ax.yaxis, ax.set_ylim)):
        set_limits(bottom, top)
        axis.set_ticks(ticks, [f"{tick:,g}" for tick in ticks])
        axis.set_ticks([], minor=True)


def date_axis(ax: "Axes") -> None:
    """Dates along x: few, short and unambiguous."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    # A month or a year takes some 30 points; of fewer than 5 the locator finds none for 20 months.
    most = int(min(max(room(ax).width // 40, 5), 9))
    locator = AutoDateLocator(minticks=4 if most > 6 else 2, maxticks=most)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    ax.set_xmargin(0.01)


def mark_day(ax: "Axes", day: datetime.date, text: str) -> None:
    """A vertical line at a day, and what happened then at its foot."""
    from matplotlib.dates import date2num

    at = float(date2num(day))
    first, last = ax.get_xlim()
    beside = (last - at) / (last - first) * room(ax).width
    is_last = beside < width_of(text, SMALL) + 4.0 and beside < room(ax).width / 2
    ax.axvline(at, color="#666666", lw=0.9, ls="--", zorder=0)
    ax.annotate(
        f"{text} " if is_last else f" {text}",
        (at, 0.015),
        xycoords=("data", "axes fraction"),
        fontsize=SMALL,
        color="#666666",
        ha="right" if is_last else "left",
        va="bottom",
    )


def points_in_rows(
    ax: "Axes", middle: Any, lower: Any, upper: Any, colours: Iterable[str], size: float
) -> None:
    """A point and its interval in each row, the first at the foot."""
    place, colours = np.arange(len(middle)), list(colours)
    ax.hlines(place, lower, upper, color=colours, linewidth=2)
    ax.scatter(middle, place, c=colours, s=size, zorder=3)
    ax.set_ylim(-0.6, len(middle) - 0.4)


def paired_bars(
    ax: "Axes", labels: list[str], actual: list[float], model: list[float], names: tuple[str, str]
) -> None:
    """Two bars side by side at each label: what was, and what the model says."""
    places = range(len(labels))
    ax.bar([i - 0.2 for i in places], actual, 0.4, color=ACTUAL, label=names[0])
    ax.bar([i + 0.2 for i in places], model, 0.4, color=MODEL, label=names[1])
    ax.set_xticks(list(places))
    legend(ax)
    spread_ticks(ax, labels)
