"""Times between purchases, observed and as a fitted model makes them."""

import datetime
from typing import TYPE_CHECKING

import numpy as np

from predclv.engines.result import Fit
from predclv.forecast.fitted import FittedCLV
from predclv.plots.inputs import customers_of, fit_of_purchases
from predclv.plots.style import ACTUAL, MODEL, SECOND, axes, finish, legend
from predclv.pools.fitted import single
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit
from predclv.units import days_per
from predclv.validation.interpurchase import interpurchase_times as times_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def interpurchase_times(
    rfm: RFM | HoldoutSplit | FittedCLV,
    fit: FittedCLV | Fit | None = None,
    until: datetime.date | None = None,
    bins: int = 30,
    seed: int | None = 0,
    ax: "Axes | None" = None,
) -> "Axes":
    """Times between purchases in the log, and whether they come at random as the models assume.

    Parameters
    ----------
    rfm : RFM, HoldoutSplit or FittedCLV
        Made from a log; a FittedCLV stands for its customers and itself.
    fit : FittedCLV or Fit, optional
        Shows what the model makes of customers observed for as long; without, an exponential
        of the same mean, which is what customers who are all alike would show.
    until : datetime.date, optional
        The last day; default: ``rfm.observation_end``.
    bins : int
        Up to the 98th percentile; the rest is counted in the last.
    seed : int or None
        Of the simulation.
    ax : Axes, optional

    See Also
    --------
    predclv.validation.interpurchase.interpurchase_times : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> pc.plots.interpurchase_times(fitted).get_title(loc="left")
    'Purchases come at random, as the models assume (k = 0.99 ± 0.10)'
    """
    rfm = single(rfm)
    if isinstance(rfm, FittedCLV):
        fit, rfm = (rfm if fit is None else fit), customers_of(None, rfm, "interpurchase_times")
    purchases = None if fit is None else fit_of_purchases(fit, "interpurchase_times")
    found = times_of(customers_of(rfm, fit, "interpurchase_times"), purchases, until, seed)
    top = float(np.quantile(found.times, 0.98))
    day = 1 / days_per(found.unit)
    step = max(np.ceil(top / bins / day - 1e-9), 1.0) * day
    edges = np.arange(bins + 1) * step + day / 2
    ax = axes(ax)
    share = _shares(found.times, edges)
    label = f"observed, {len(found.times):,} times"
    ax.bar(edges[:-1], share, step, align="edge", color=ACTUAL, alpha=0.55, label=label)
    if found.simulated is not None and purchases is not None:
        made, label = _shares(found.simulated, edges), f"{purchases.model.title}, simulated"
        ax.stairs(made, edges, color=MODEL, lw=1.7, label=label)
    else:
        mean = found.times.mean()
        survival = np.exp(-edges[1:-1] / mean)
        expected = -np.diff(survival, prepend=1.0, append=0.0)
        label = f"exponential of the same mean ({mean:.3g} {found.unit}s)"
        ax.stairs(expected, edges, color=SECOND, lw=1.5, ls="--", label=label)
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}%")
    verdict = found.verdict()
    k = ""
    if np.isfinite(found.regularity):
        k = f" (k = {found.regularity:.2f} \N{PLUS-MINUS SIGN} {2 * found.regularity_error:.2f})"
    legend(ax, title=f"{found.customers:,} customers; k = 1: at random, above: regular")
    finish(
        ax,
        f"{verdict[0].upper()}{verdict[1:]}{k}",
        f"{found.unit}s between purchases (last bar: {edges[-2]:.3g} and more)",
        "share of times",
    )
    return ax


def _shares(times: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Shares per class, whatever lies beyond counted in the last."""
    inside = np.minimum(times, (edges[-2] + edges[-1]) / 2)
    return np.histogram(inside, edges)[0] / len(times)
