"""Pictures of a forecast against what came."""

from typing import TYPE_CHECKING

from predclv.data.holdout import HoldoutSplit
from predclv.forecast.result import Forecast
from predclv.plots.style import axes, finish, paired_bars
from predclv.validation import tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def holdout_by_frequency(
    forecast: Forecast, split: HoldoutSplit, most: int = 7, ax: "Axes | None" = None
) -> "Axes":
    """Mean purchases in the holdout, forecast against actual, by purchases in calibration.

    See :func:`predclv.validation.tables.holdout_by_frequency` for the numbers.
    """
    table = tables.holdout_by_frequency(forecast, split, most)
    ax = axes(ax)
    labels = [f"{name}\n({n:,})" for name, n in zip(table.index, table["customers"], strict=True)]
    paired_bars(ax, labels, list(table["actual"]), list(table["forecast"]), ("actual", "forecast"))
    total, expected = split.frame["frequency_holdout"].sum(), forecast.total()["purchases"]
    return finish(
        ax,
        f"Purchases in the holdout: {expected:,.0f} forecast, {total:,} came "
        f"({expected / total - 1:+.0%})" if total else "Purchases in the holdout: none came",
        "repeat purchases in calibration (customers)",
        "purchases per customer",
    )  # fmt: skip
