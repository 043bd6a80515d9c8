"""How regular purchases are, drawn: the share of a customer's last gap in the last two."""

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betainc

from predclv.plots.inputs import summary_of
from predclv.plots.style import ACTUAL, MODEL, SECOND, axes, finish, legend
from predclv.validation.regularity import Regularity
from predclv.validation.regularity import regularity as regularity_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def regularity(
    found: Regularity | Any, bins: int = 20, ax: "Axes | None" = None, **columns: Any
) -> "Axes":
    """Whether purchases come at random: how customers' last two gaps share their time.

    At random every share is as likely as another: the bars are level. The more regular, the more
    they heap around one half; where purchases come in bursts they heap at both ends.

    Parameters
    ----------
    found : Regularity, log of purchases, RFM, HoldoutSplit or FittedCLV
        The result of :func:`predclv.regularity`, or what it is to be found of.
    bins : int
    ax : Axes, optional
    **columns
        Of a log: ``customer_id`` and ``date``, as :func:`predclv.rfm_summary` takes them.

    See Also
    --------
    predclv.regularity : how regular purchases are.
    predclv.plots.timings : a line per customer, a dot per purchase.

    Examples
    --------
    >>> import predclv as pc
    >>> pc.plots.regularity(pc.datasets.load_cdnow()).get_title(loc="left")
    'Purchases come at random, as BG/NBD and its kin assume'
    """
    if not isinstance(found, Regularity):
        found = regularity_of(summary_of(found, "regularity", **columns))
    edges = np.linspace(0.0, 1.0, bins + 1)
    share, _ = np.histogram(found.shares, edges, weights=found.weight / found.weight.sum())
    ax = axes(ax)
    n = int(found.weight.sum())
    ax.bar(edges[:-1], share, 1.0 / bins, align="edge", color=ACTUAL, alpha=0.55,
           label=f"observed, {n:,} customers")  # fmt: skip
    for k, colour, line, name in (
        (1.0, SECOND, "--", "at random: k = 1"),
        (found.k, MODEL, "-", f"most likely: k = {found.k:.2f}"),
    ):
        expected = np.diff(betainc(k, k, edges))
        ax.stairs(expected, edges, color=colour, ls=line, lw=1.7, label=name)
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}%")
    said = found.verdict()
    finish(
        ax,
        f"{said[0].upper()}{said[1:]}",
        "share of the last time between purchases in the last two",
        "share of customers",
    )
    interval = f"{found.level:.0%} interval of k: {found.lower:.2f} to {found.upper:.2f}"
    legend(ax, title="; ".join(filter(None, (interval, found.by_pairs()))))
    return ax
