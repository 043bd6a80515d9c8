"""Gains: how much of what came a campaign for the best customers would have reached."""

from typing import TYPE_CHECKING, Any

import numpy as np

from predclv.plots.inputs import validation_of
from predclv.plots.style import axes, finish, leaders, legend, looks, note_missing, short
from predclv.validation.deciles import outcomes
from predclv.validation.gains import gains_curve
from predclv.validation.metrics import gini, top_decile_capture
from predclv.validation.result import Validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def gains(validation: Validation, value: str = "purchases", ax: "Axes | None" = None) -> "Axes":
    """The share of all that came from the customers of highest forecast, with Gini coefficients.

    Parameters
    ----------
    validation : Validation
    value : str
        ``"purchases"`` or ``"spend"``.
    ax : Axes, optional

    See Also
    --------
    predclv.validation.gains.gains_curve, predclv.validation.metrics.gini : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> rule = pc.baselines.PastRate()
    >>> found = pc.validate({"BG/NBD": pc.CLVModel(spend=None), "past rate": rule}, split, seed=1)
    >>> pc.plots.gains(found).get_title(loc="left")
    'Top decile of BG/NBD: 47% of purchases, perfect would be 68%'
    """
    validation = validation_of(validation, "gains")
    predicted, actual = outcomes(validation.forecasts, validation.split, value)
    curves = {name: gains_curve(said, actual) for name, said in predicted.items()}
    perfect = gains_curve(actual, actual)
    ax = axes(ax)
    ax.plot(
        perfect["customers"], perfect["captured"], color="#333333", lw=1.2, label="perfect order"
    )
    styles = looks(validation.forecasts)
    for name, curve in curves.items():
        look = styles[name]
        ax.plot(
            curve["customers"],
            curve["captured"],
            ls=look.line,
            lw=1.6,
            markevery=_marks(curve["customers"]),
            **look.points(),
            label=f"{short(name)}: Gini {gini(predicted[name], actual):.2f}",
        )
    ax.plot([0, 1], [0, 1], color="#999999", lw=1, ls=(0, (2, 2)), label="random order")
    ax.axvline(0.1, color="#999999", lw=0.8, zorder=0)
    ax.set(xlim=(0, 1), ylim=(0, max(1.02, float(perfect["captured"].max()) * 1.02)))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda share, _: f"{share:.0%}")
    reached = {name: top_decile_capture(said, actual) for name, said in predicted.items()}
    best = max(reached.values())
    behind = {name: -share for name, share in reached.items()}
    who = "" if len(reached) == 1 else f" of {leaders(behind, '{:.0%}'.format)}"
    legend(ax, title="Gini: 1 perfect order, 0 random")
    finish(
        ax,
        f"Top decile{who}: {best:.0%} of {value}, perfect would be "
        f"{top_decile_capture(actual, actual):.0%}",
        "customers, highest forecast first",
        f"share of {value} in the holdout",
    )
    note_missing(ax, validation.forecasts, curves, "Without spend")
    return ax


def _marks(customers: Any) -> list[int]:
    """The points nearest to whole tenths of the customers, each once."""
    at = np.searchsorted(np.asarray(customers), np.arange(1, 10) / 10)
    return sorted(set(np.minimum(at, len(customers) - 1).tolist()))
