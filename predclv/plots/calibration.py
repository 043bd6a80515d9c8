"""Calibration: whether customers of whom much is forecast buy as much as was forecast."""

from typing import TYPE_CHECKING

import numpy as np

from predclv.errors import OptionError, did_you_mean
from predclv.plots.inputs import validation_of
from predclv.plots.room import NARROW, room
from predclv.plots.style import (
    amount,
    axes,
    finish,
    leaders,
    legend,
    looks,
    note_missing,
    root_scale,
    short,
)
from predclv.validation.deciles import calibration_table, mean_gap, outcomes, within
from predclv.validation.result import Validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GROUPS = {"quintile": 5, "decile": 10, "ventile": 20}


def calibration(
    validation: Validation,
    by: str = "decile",
    value: str = "purchases",
    level: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Predicted against actual mean per group of similar forecasts, all forecasters in one picture.

    Every forecaster's customers are ranked by its own forecast. A right forecaster's points lie on
    the diagonal: above it more came than was forecast, below it less. How far they reach to the
    right says how much it tells customers apart. Axes are square roots, so that the many
    customers near zero and the few large ones can both be seen.

    Parameters
    ----------
    validation : Validation
    by : str
        ``"decile"``, ``"quintile"`` or ``"ventile"`` (twentieths). Customers of equal forecast stay
        together, so a forecaster that says few different numbers has fewer points.
    value : str
        ``"purchases"`` or ``"spend"``.
    level : float, optional
        Of the intervals of the actual mean; default: the validation's.
    ax : Axes, optional

    See Also
    --------
    predclv.validation.deciles.calibration_table : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> rule = pc.baselines.PastRate()
    >>> found = pc.validate({"BG/NBD": pc.CLVModel(spend=None), "past rate": rule}, split, seed=1)
    >>> pc.plots.calibration(found).get_title(loc="left")
    'BG/NBD is nearest to the line: predicted and actual means are 0.111 purchases apart'
    """
    if by not in _GROUPS:
        raise OptionError(f"by must be one of {', '.join(_GROUPS)}; got {by!r}."
                          f"{did_you_mean(by, _GROUPS)}")  # fmt: skip
    validation = validation_of(validation, "calibration")
    level = validation.level if level is None else level
    predicted, actual = outcomes(validation.forecasts, validation.split, value)
    found = {
        name: calibration_table(said, actual, _GROUPS[by], level)
        for name, said in predicted.items()
    }
    ax = axes(ax)
    top = max(max(table["predicted"].max(), table["actual"].max()) for table in found.values())
    ax.plot([0, top * 2], [0, top * 2], color="#888888", lw=1, zorder=1)
    styles = looks(validation.forecasts)
    for name, table in found.items():
        look = styles[name]
        gap = np.nan_to_num(
            [table["actual"] - table["lower"], table["upper"] - table["actual"]], nan=0.0
        )
        ax.errorbar(
            table["predicted"],
            table["actual"],
            np.maximum(gap, 0.0),
            ls=look.line,
            lw=1,
            elinewidth=1.1,
            label=f"{short(name)}: {within(table)} of {len(table)} within",
            **look.points(),
        )
    legend(ax, title=f"predicted {by}s within the actual interval")
    root_scale(ax, top * 1.12, min(0.0, min(table["actual"].min() for table in found.values())))
    finish(
        ax,
        _title(found, by, value),
        f"mean {value} predicted per customer, by predicted {by} (root scale)",
        f"mean {value} that came, {level:.0%} interval",
    )
    if room(ax).slot >= NARROW:
        ax.annotate(
            "more came than forecast \N{UPWARDS ARROW}\non the line: right", (0.985, 0.04),
            xycoords="axes fraction", ha="right", va="bottom", fontsize=8.5, color="#666666",
        )  # fmt: skip
    note_missing(ax, validation.forecasts, found, "Without spend")
    return ax


def _title(found: dict, by: str, value: str) -> str:
    what = "purchases" if value == "purchases" else "of spend"
    if len(found) == 1:
        (name, table), digits = next(iter(found.items())), ".1f" if value == "purchases" else ",.0f"
        last = table.iloc[-1]
        return (
            f"Top {by} of {short(name)}: {last['predicted']:{digits}} {what} forecast per "
            f"customer, {last['actual']:{digits}} came"
        )
    many = max(len(table) for table in found.values())
    gaps = {name: mean_gap(table) for name, table in found.items() if len(table) * 2 >= many}
    best = leaders(gaps, amount)
    is_one = best in map(short, gaps)
    return (
        f"{best} {'is' if is_one else 'are'} nearest to the line: predicted and actual means are "
        f"{amount(min(gaps.values()))} {what} apart"
    )
