"""Pictures of predictive distributions: whether what came falls where they say it will."""

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binom

from predclv.errors import DataError, OptionError
from predclv.plots.inputs import validation_of
from predclv.plots.room import NARROW, room
from predclv.plots.style import axes, finish, leaders, legend, looks, note_missing, short
from predclv.validation.calibration import coverage_curve as covered
from predclv.validation.calibration import distance_from_uniform
from predclv.validation.result import Validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_NO_DISTRIBUTION = "One number per customer, no distribution"


def pit_histogram(
    validation: Validation, bins: int = 10, seed: int | None = 0, ax: "Axes | None" = None
) -> "Axes":
    """Where what came lies in each customer's predictive distribution: flat if it is right.

    Randomised probability integral transform. A heap at the right: more came than the forecaster
    thought possible; at the left: less; at both ends: its distributions are too narrow; in the
    middle: too wide. Within the grey band, 99% of the bars of a right forecaster fall.

    Parameters
    ----------
    validation : Validation
        Forecasters without a distribution are named below the picture.
    bins : int
    seed : int or None
        Of the randomisation.
    ax : Axes, optional

    See Also
    --------
    predclv.Validation.pit : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> rule = pc.baselines.PastRate()
    >>> found = pc.validate({"BG/NBD": pc.CLVModel(spend=None), "past rate": rule}, split, seed=1)
    >>> pc.plots.pit_histogram(found).get_title(loc="left")
    'BG/NBD: what came is spread as its distributions say'
    """
    if bins < 2:
        raise OptionError(f"bins must be at least 2; got {bins}.")
    validation = validation_of(validation, "pit_histogram")
    found = {name: validation.pit(name, seed) for name in validation.forecasts}
    pits = {name: pit for name, pit in found.items() if pit is not None}
    _check_any(pits)
    ax = axes(ax)
    edges = np.linspace(0.0, 1.0, bins + 1)
    low, high = binom.interval(0.99, len(validation.split), 1 / bins)
    scale = bins / len(validation.split)
    ax.axhspan(low * scale, high * scale, color="#999999", alpha=0.3, lw=0,
               label="99% of bars, if right")  # fmt: skip
    ax.axhline(1.0, color="#888888", lw=1)
    styles, distances, top = looks(validation.forecasts), {}, high * scale
    for i, (name, pit) in enumerate(pits.items()):
        look, distances[name] = styles[name], distance_from_uniform(pit)
        height = np.histogram(pit, edges)[0] * scale
        top = max(top, height.max())
        ax.stairs(height, edges, baseline=None, color=look.colour, ls=look.line, lw=1.6)
        at = edges[:-1] + (i + 0.5 + (2 if len(pits) == 1 else 0)) / max(len(pits), 5) / bins
        label = f"{short(name)} (D = {distances[name]:.3f})"
        ax.plot(at, height, ls="", **look.points(), label=label)
    ax.set(xlim=(0, 1), ylim=(0, top * 1.08))
    legend(ax)
    finish(
        ax,
        _pit_title(pits, distances, bins),
        "place of what came in its predictive distribution (0 to 1)",
        "customers, relative to flat",
    )
    note_missing(ax, validation.forecasts, pits, _NO_DISTRIBUTION)
    return ax


def coverage_curve(validation: Validation, ax: "Axes | None" = None) -> "Axes":
    """How many customers lie within their central interval, against how many should.

    On the diagonal intervals hold what they promise; below it they are too narrow, and the
    forecaster is surer than it may be. Counts are whole numbers, so an interval with its bounds
    included holds more than its level; the curve counts a bound only in part, so that right
    distributions are on the diagonal. The legend has the plain share at the validation's level.

    Parameters
    ----------
    validation : Validation
        Forecasters without a distribution are named below the picture.
    ax : Axes, optional

    See Also
    --------
    predclv.validation.calibration.coverage_curve : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> rule = pc.baselines.PastRate()
    >>> found = pc.validate({"BG/NBD": pc.CLVModel(spend=None), "past rate": rule}, split, seed=1)
    >>> pc.plots.coverage_curve(found).get_title(loc="left")
    'Intervals of BG/NBD: at most 1.1 percentage points off what they promise'
    """
    validation = validation_of(validation, "coverage_curve")
    actual = validation.split.frame["frequency_holdout"].to_numpy()
    counts = {name: forecast.counts() for name, forecast in validation.forecasts.items()}
    found = {name: covered(each, actual) for name, each in counts.items() if each is not None}
    _check_any(found)
    ax = axes(ax)
    ax.plot([0, 1], [0, 1], color="#888888", lw=1)
    styles, held_by = looks(validation.forecasts), validation.frame["coverage"].to_dict()
    for name, table in found.items():
        look = styles[name]
        held = f" ({validation.level:.0%} interval holds {held_by[name]:.1%})"
        ax.plot(
            table.index,
            table["randomised"],
            ls=look.line,
            lw=1.5,
            **look.points(),
            label=f"{short(name)}{held}",
        )
    ax.set(xlim=(0, 1), ylim=(0, 1))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda share, _: f"{share:.0%}")
    if room(ax).slot >= NARROW:
        ax.annotate(
            "above the line: wider than need be\nbelow: too narrow, surer than right",
            (0.03, 0.9), xycoords="axes fraction", va="center", fontsize=9, color="#666666",
        )  # fmt: skip
    legend(ax)
    finish(ax, _coverage_title(found), "level of the interval", "customers within it")
    note_missing(ax, validation.forecasts, found, _NO_DISTRIBUTION)
    return ax


def _check_any(found: dict) -> None:
    if not found:
        raise DataError(
            "No forecaster here states a distribution; baselines name one number per customer. "
            "Validate a model beside them."
        )


def _pit_title(pits: "dict[str, NDArray]", distances: dict[str, float], bins: int) -> str:
    best = min(distances, key=lambda name: distances[name])
    height = np.histogram(pits[best], np.linspace(0, 1, bins + 1))[0] / pits[best].size * bins
    first = leaders(distances, "{:.3f}".format)
    who = first if len(pits) == 1 else f"{first}, the flattest"
    low, high = height[0], height[-1]
    if high > 1.2 and low > 1.2:
        said = "more customers at both ends than its distributions allow"
    elif high > 1.2:
        said = f"{high:.1f} times as many customers as expected bought far more than thought"
    elif low > 1.2:
        said = f"{low:.1f} times as many customers as expected bought far less than thought"
    else:
        said = "what came is spread as its distributions say"
    return f"{who}: {said}"


def _coverage_title(found: dict) -> str:
    apart = {name: (t["randomised"] - t.index).abs().max() for name, t in found.items()}
    best = min(apart, key=lambda name: apart[name])
    first = leaders(apart, lambda gap: f"{100 * gap:.1f}")
    who = "" if len(found) == 1 else ", the best"
    return (
        f"Intervals of {first}{who}: at most {100 * apart[best]:.1f} percentage points off "
        "what they promise"
    )
