"""One customer's history: purchases as ticks, and P(alive) day by day."""

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from predclv.engines.result import Fit
from predclv.forecast.fitted import FittedCLV
from predclv.notices import counted
from predclv.plots.inputs import customers_of, fit_of_purchases
from predclv.plots.style import MODEL, SECOND, axes, chance, date_axis, finish, mark_day, short
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit
from predclv.validation.histories import customer_history as history_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def customer_history(
    fitted: FittedCLV | Fit,
    data: RFM | HoldoutSplit | None,
    customer_id: Any,
    until: datetime.date | None = None,
    silent_for: str | float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """One customer's purchases as ticks, and P(alive) over time given the purchases so far.

    Parameters
    ----------
    fitted : FittedCLV or Fit
        Of purchases.
    data : RFM or HoldoutSplit
        With the log that has the customer; a split shows the holdout too. None: the customers
        that a FittedCLV was fitted to.
    customer_id
        As it stands in the log.
    until : datetime.date, optional
        The last observed day.
    silent_for : str or number, optional
        Go on for so long ("26 weeks") as if nothing were bought, dashed.
    ax : Axes, optional

    See Also
    --------
    predclv.validation.histories.customer_history : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> fitted = pc.CLVModel().fit(split.rfm)
    >>> pc.plots.customer_history(fitted, split, 1516).get_title(loc="left")
    'Customer 1516: 42 purchases; P(alive) is 91% on 1998-06-30'
    """
    fit = fit_of_purchases(fitted, "customer_history")
    rfm = customers_of(data, fitted, "customer_history")
    calibrated = data.calibration_end if isinstance(data, HoldoutSplit) else None
    if until is None and isinstance(data, HoldoutSplit):
        until = data.holdout_end
    found = history_of(fit, rfm, customer_id, until, silent_for)
    ax = axes(ax)
    seen = found.frame["is_observed"].to_numpy()
    alive, last = found.frame["p_alive"], int(np.flatnonzero(seen)[-1])
    ax.fill_between(alive.index[seen], 0, alive[seen], color=MODEL, alpha=0.12, lw=0)
    ax.plot(alive.index[seen], alive[seen], color=MODEL, lw=1.8)
    if not seen.all():
        ax.plot(alive.index[last:], alive.iloc[last:], color=MODEL, lw=1.5, ls=(0, (4, 2)))
    ax.vlines(found.purchases, -0.07, -0.01, color=SECOND, lw=1.4, label="purchases")
    ax.axhline(0, color="#999999", lw=0.8)
    date_axis(ax)
    if calibrated is not None:
        mark_day(ax, calibrated, f"fitted to {calibrated}")
    ax.set_ylim(-0.15, 1.05)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    x = "day" + (" (dashed: if nothing is bought)" if not seen.all() else "")
    name = short(f"Customer {customer_id}", 40)
    finish(
        ax,
        f"{name}: {counted(len(found.purchases), 'purchase')}; P(alive) is "
        f"{chance(alive.iloc[last])} on {found.observation_end}{_silence(found)}",
        f"{x}, purchases as ticks",
        f"P(still a customer), {fit.model.title}",
    )
    return ax


def _silence(found: Any) -> str:
    """When P(alive) falls below one half, if it does beyond the last observed day."""
    below = found.day_below(0.5)
    if below is None or below <= pd.Timestamp(found.observation_end):
        return ""
    return f", below 50% from {below:%Y-%m-%d} if nothing is bought"
