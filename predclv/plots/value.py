"""The distribution of customer lifetime value, and how concentrated it is."""

from typing import TYPE_CHECKING

import numpy as np

from predclv.errors import DataError
from predclv.forecast.result import Forecast
from predclv.plots.style import MODEL, SECOND, amount, axes, finish, note
from predclv.validation.metrics import top_decile_capture
from predclv.validation.spread import value_histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def clv_distribution(forecast: Forecast, bins: int = 40, ax: "Axes | None" = None) -> "Axes":
    """Customers by lifetime value, on a log scale, and how much of it the top tenth holds.

    Without spend: by discounted purchases.

    Parameters
    ----------
    forecast : Forecast
    bins : int
    ax : Axes, optional

    See Also
    --------
    predclv.validation.spread.value_histogram : the numbers.
    """
    column = "clv" if "clv" in forecast.frame else "discounted_purchases"
    values = forecast.frame[column].to_numpy(float)
    if not values.sum() > 0:
        raise DataError(f"The forecast's {column} sums to nothing; there is no value to show.")
    table = value_histogram(values, bins)
    positive = values[values > 0]
    ax = axes(ax)
    ax.bar(
        table["low"],
        table["customers"],
        table["high"] - table["low"],
        align="edge",
        color=MODEL,
        alpha=0.75,
        lw=0,
    )
    ax.set_xscale("log")
    worth = ax.twinx()
    worth.plot(table["high"], table["share_below"], color=SECOND, lw=1.6)
    worth.set_ylim(0, 1.02)
    worth.set_ylabel("share of all value held up to here", color=SECOND)
    worth.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    worth.spines[["top"]].set_visible(False)
    what = "CLV" if column == "clv" else "discounted purchases"
    ax.axvline(values.mean(), color="#444444", lw=1, ls=(0, (4, 2)))
    ax.annotate(
        " mean",
        (values.mean(), 0.62),
        xycoords=("data", "axes fraction"),
        fontsize=9,
        color="#444444",
    )
    finish(
        ax,
        f"The top decile holds {top_decile_capture(values, values):.0%} of {what}; the median "
        f"customer is worth {amount(np.median(values))}, the mean {amount(values.mean())}",
        f"{what} per customer, {_span(forecast)} (log scale)",
        "customers",
    )
    ax.spines["right"].set_visible(True)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    if positive.size < values.size:
        note(ax, f"{values.size - positive.size:,} customers of value 0 or less are not shown")
    return ax


def _span(forecast: Forecast) -> str:
    terms = forecast.terms
    if terms.horizon is None:
        return "whole remaining lifetime"
    return f"next {terms.horizon:.4g} {terms.unit}s"
