"""The distribution of customer lifetime value, and how concentrated it is."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from predclv.decisions.inputs import basis, currency_of, finite_column
from predclv.errors import DataError, some
from predclv.forecast.result import Forecast
from predclv.money import in_currency
from predclv.plots.inputs import unfit
from predclv.plots.style import MODEL, SECOND, amount, axes, finish, note, plain_number
from predclv.validation.metrics import top_decile_capture
from predclv.validation.spread import value_histogram

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def clv_distribution(
    forecast: Forecast | pd.DataFrame, bins: int = 40, ax: "Axes | None" = None
) -> "Axes":
    """Customers by lifetime value, on a log scale, and how much of it the top tenth holds.

    Without spend: by discounted purchases.

    Parameters
    ----------
    forecast : Forecast, or its frame
    bins : int
    ax : Axes, optional

    See Also
    --------
    predclv.validation.spread.value_histogram : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> forecast = fitted.forecast("52 weeks", level=None)
    >>> pc.plots.clv_distribution(forecast).get_title(loc="left")
    'The top decile holds 63% of CLV; the median customer is worth 5.70, the mean 29.2'
    """
    column, values = _values(forecast)
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
    named = in_currency(what, currency_of(forecast) if column == "clv" else None)
    ax.axvline(values.mean(), color="#444444", lw=1, ls=(0, (4, 2)))
    ax.yaxis.set_major_formatter(plain_number)
    ax.annotate(
        " mean",
        (values.mean(), 0.62),
        xycoords=("data", "axes fraction"),
        fontsize=9,
        color="#444444",
    )
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    span = f", {basis(forecast)}" if isinstance(forecast, Forecast) else ""
    finish(
        ax,
        f"The top decile holds {top_decile_capture(values, values):.0%} of {what}; the median "
        f"customer is worth {amount(np.median(values))}, the mean {amount(values.mean())}",
        f"{named} per customer{span} (log scale)",
        "customers",
    )
    ax.spines["right"].set_visible(True)
    if positive.size < values.size:
        note(ax, f"{values.size - positive.size:,} customers of value 0 or less are not shown")
    return ax


def _values(forecast: Any) -> "tuple[str, NDArray]":
    """What value is measured in, and each customer's."""
    frame = forecast.frame if isinstance(forecast, Forecast) else forecast
    if not isinstance(frame, pd.DataFrame):
        more = "Make one with fitted.forecast(horizon)."
        raise unfit("clv_distribution", "a Forecast or its frame", forecast, more)
    columns = [name for name in ("clv", "discounted_purchases") if name in frame]
    if not columns:
        raise DataError(
            "clv_distribution wants a forecast's frame, with a column clv or discounted_purchases; "
            f"got the columns {some(frame.columns, 20)}."
        )
    return columns[0], finite_column(frame, columns[0])
