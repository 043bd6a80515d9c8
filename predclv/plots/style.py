"""Colours and axes shared by all pictures."""

from typing import TYPE_CHECKING

from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe & Ito's palette, distinguishable with any colour vision.
ACTUAL = "#999999"
MODEL = "#0072B2"
SECOND = "#D55E00"


def axes(ax: "Axes | None", width: float = 7.0, height: float = 4.2) -> "Axes":
    """The given Axes, or new ones on a figure of their own at notebook size."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def finish(ax: "Axes", title: str, x: str, y: str) -> "Axes":
    """Title and axis labels, and no lines that say nothing."""
    ax.set_title(title, loc="left", fontsize=11)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def paired_bars(
    ax: "Axes", labels: list[str], actual: list[float], model: list[float], names: tuple[str, str]
) -> None:
    """Two bars side by side at each label: what was, and what the model says."""
    places = range(len(labels))
    ax.bar([i - 0.2 for i in places], actual, 0.4, color=ACTUAL, label=names[0])
    ax.bar([i + 0.2 for i in places], model, 0.4, color=MODEL, label=names[1])
    ax.set_xticks(list(places), labels)
    ax.legend(frameon=False)
