"""When customers bought: one line each, a dot per purchase. The picture to look at first."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.errors import DataError, OptionError, some
from predclv.plots.inputs import summary_of
from predclv.plots.style import ACTUAL, MODEL, SECOND, axes, date_axis, finish, mark_day, note
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DRAWN = 40  # customers drawn in search of each who has bought twice


def timings(
    log: Any,
    customers: int | Iterable[object] = 40,
    least: int = 2,
    ax: "Axes | None" = None,
    **columns: Any,
) -> "Axes":
    """When customers bought: a raster with one line per customer and a dot per purchase.

    Regular buyers show as even spacing, those who have left as an empty right side, a season as
    vertical bands. Customers are in the order of their first purchase, the earliest at the top.

    Parameters
    ----------
    log : log of purchases, RFM, HoldoutSplit or FittedCLV
        A split shows what came after its calibration end in another colour.
    customers : int or iterable of ids
        Which; a number draws so many at random, always the same ones.
    least : int
        Of those drawn: days with a purchase that a customer must have.
    ax : Axes, optional
    **columns
        Of a log: ``customer_id`` and ``date``, as :func:`predclv.rfm_summary` takes them.

    Raises
    ------
    DataError
        If the summary has no log, or there are no such customers.
    OptionError
        If the number of customers is none.

    See Also
    --------
    predclv.plots.customer_history : one customer's purchases and P(alive).
    predclv.plots.interpurchase_times : times between purchases.

    Examples
    --------
    >>> import predclv as pc
    >>> pc.plots.timings(pc.datasets.load_cdnow()).get_title(loc="left")
    'Days with a purchase of 40 customers'
    """
    rfm = summary_of(log, "timings", **columns)
    until: Any = (log.holdout_end if isinstance(log, HoldoutSplit) else None) or rfm.observation_end
    rows, end = rfm.log_for("A raster of timings needs")
    ids = _chosen(rfm, customers, least)
    bought = rows.purchase_days(until, pa.Table.from_pandas(ids.to_frame("customer_id")))
    days = bought.groupby("customer_id")["day"]
    if set(ids) - set(days.groups):
        missing = sorted(map(str, set(ids) - set(days.groups)))
        raise DataError(f"There are no purchases of {some(missing)} up to {until}.")
    order = days.min().sort_values(kind="stable", ascending=False).index
    height = {customer: line for line, customer in enumerate(order)}
    ax = axes(ax, 8.0, min(max(2.5, 0.14 * len(ids) + 1.2), 9.0))
    line = bought["customer_id"].map(height).to_numpy(float)
    first = days.min()[order].to_numpy()
    ax.hlines(
        np.arange(len(order)), first, np.datetime64(until, "us"), color=ACTUAL, lw=0.5, alpha=0.5
    )
    known = (bought["day"] <= pd.Timestamp(end)).to_numpy()
    size = 16.0 if len(ids) <= 60 else 6.0
    when = bought["day"].to_numpy()
    ax.scatter(when[known], line[known], s=size, color=MODEL, linewidths=0, zorder=2)
    if not known.all():
        ax.scatter(when[~known], line[~known], s=size, color=SECOND, linewidths=0, zorder=2)
    finish(ax, f"Days with a purchase of {len(ids):,} customers", "", "customers")
    date_axis(ax)
    ax.set_yticks([])
    ax.set_ylim(-1.0, len(order))
    if until > end:
        mark_day(ax, end, "end of calibration")
    if isinstance(customers, (int, np.integer)):
        note(ax, f"drawn at random among customers who bought on {least} days or more")
    return ax


def _chosen(rfm: RFM, customers: int | Iterable[object], least: int) -> pd.Series:
    """The ids to show."""
    if isinstance(customers, (int, np.integer)) and not isinstance(customers, bool):
        if customers < 1:
            raise OptionError(f"customers must be at least 1; got {customers!r}.")
        drawn = rfm.sample(int(customers) * _DRAWN)
        ids = drawn.loc[drawn["frequency"] >= least - 1, "customer_id"].head(int(customers))
        if ids.empty:
            raise DataError(f"Nobody of {len(drawn):,} customers has bought on {least} days.")
        return ids
    ids = pd.Series(list(customers) if isinstance(customers, Iterable) else [customers])
    if ids.empty:
        raise OptionError("customers is empty: name some, or say how many.")
    return ids.drop_duplicates()
