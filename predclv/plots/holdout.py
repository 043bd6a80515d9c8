"""Pictures of a forecast against what came, by what was known of the customers."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from predclv.errors import OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.result import Forecast
from predclv.plots.inputs import unfit
from predclv.plots.style import (
    ACTUAL,
    EN_DASH,
    axes,
    finish,
    leaders,
    legend,
    looks,
    paired_bars,
    percent,
    short,
    span_in_words,
    spread_ticks,
    with_sizes,
)
from predclv.summaries.splits import HoldoutSplit
from predclv.validation import tables
from predclv.validation.result import Validation

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def holdout_by_frequency(
    result: Validation | Forecast,
    split: HoldoutSplit | None = None,
    most: int = 7,
    ax: "Axes | None" = None,
) -> "Axes":
    """Mean purchases in the holdout, forecast against actual, by purchases in calibration.

    Parameters
    ----------
    result : Validation or Forecast
        All forecasters of a validation, or one forecast together with its ``split``.
    split : HoldoutSplit, optional
        Of a single forecast.
    most : int
        Frequencies from here on are one group.
    ax : Axes, optional

    See Also
    --------
    predclv.validation.tables.holdout_by_frequency : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> rule = pc.baselines.PastRate()
    >>> found = pc.validate({"BG/NBD": pc.CLVModel(spend=None), "past rate": rule}, split, seed=1)
    >>> pc.plots.holdout_by_frequency(found).get_title(loc="left")
    'Purchases in the holdout: 1,882 came; nearest, BG/NBD forecast 1,653 (-12%)'
    """
    forecasts, split = _parts(result, split, "holdout_by_frequency")
    table = tables.holdout_by_frequency(forecasts, split, most)
    return _drawn(table, result, split, ax, "repeat purchases in calibration (customers)")


def holdout_by_recency(
    result: Validation | Forecast,
    split: HoldoutSplit | None = None,
    by: str = "recency",
    width: float | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Mean purchases in the holdout, forecast against actual, by when customers last bought.

    Parameters
    ----------
    result, split
        As in :func:`holdout_by_frequency`.
    by : str
        ``"recency"``, from the first to the last purchase, or ``"hiatus"``, from the last purchase
        to the end of calibration.
    width : float, optional
        Of a group, in the split's unit.
    ax : Axes, optional

    See Also
    --------
    predclv.validation.tables.holdout_by_recency : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> rule = pc.baselines.PastRate()
    >>> found = pc.validate({"BG/NBD": pc.CLVModel(spend=None), "past rate": rule}, split, seed=1)
    >>> pc.plots.holdout_by_recency(found).get_title(loc="left")
    'Purchases in the holdout: 1,882 came; nearest, BG/NBD forecast 1,653 (-12%)'
    """
    forecasts, split = _parts(result, split, "holdout_by_recency")
    table = tables.holdout_by_recency(forecasts, split, by, width)
    said = {
        "recency": f"{split.unit}s from first to last purchase (customers)",
        "hiatus": f"{split.unit}s since the last purchase (customers)",
    }[by]
    return _drawn(table, result, split, ax, said)


def _parts(
    result: Any, split: HoldoutSplit | None, picture: str
) -> tuple[dict[str, Forecast] | Forecast, HoldoutSplit]:
    if isinstance(result, Validation):
        return dict(result.forecasts), result.split
    wanted = "a Validation, or a Forecast of the holdout and its HoldoutSplit"
    if not isinstance(result, Forecast):
        more = "Forecast the holdout with fitted.forecast(split.duration)."
        raise unfit(picture, wanted, result, more if isinstance(result, FittedCLV) else "")
    if split is None:
        raise OptionError("A forecast needs the split it is held against: pass both.")
    if not isinstance(split, HoldoutSplit):
        raise unfit(picture, wanted, split)
    return result, split


def _drawn(
    table: pd.DataFrame,
    result: Validation | Forecast,
    split: HoldoutSplit,
    ax: "Axes | None",
    groups: str,
) -> "Axes":
    ax = axes(ax)
    spans = [str(name).replace("-", EN_DASH) for name in table.index]
    labels = with_sizes(spans, table["customers"], gap="\n")
    names = list(table.columns[2:])
    came = int(split.frame["frequency_holdout"].sum())
    totals = {name: float(np.dot(table["customers"], table[name])) for name in names}
    said = "none came"
    if isinstance(result, Validation):
        places = range(len(table))
        ax.bar(places, table["actual"], 0.84, color=ACTUAL, alpha=0.55, label="actual")
        step = min(0.12, 0.66 / max(len(names), 1))
        for i, (name, look) in enumerate(looks(names).items()):
            at = [place + (i - (len(names) - 1) / 2) * step for place in places]
            off = f" ({percent(totals[name] / came - 1)} in all)" if came else ""
            ax.plot(at, table[name], ls="", **look.points(6.5), label=f"{short(name)}{off}")
        ax.set_xticks(list(places))
        legend(ax)
        spread_ticks(ax, labels)
        if came:
            said = _nearest(totals, came)
    else:
        (name,) = names
        paired_bars(ax, labels, list(table["actual"]), list(table[name]), ("actual", name))
        if came:
            off = f"{totals[name] / came - 1:+.0%}"
            said = f"{totals[name]:,.0f} forecast, {came:,} came ({off})"
    span = span_in_words(split.duration, split.unit)
    title = f"Purchases in the holdout: {said}"
    return finish(ax, title, groups, f"purchases per customer in {span}")


def _nearest(totals: dict[str, float], came: int) -> str:
    best = min(totals, key=lambda name: abs(totals[name] - came))
    off = {name: abs(total - came) for name, total in totals.items()}
    who = leaders(off, lambda gap: f"{gap:,.0f}")
    nearest = "" if len(totals) == 1 else "nearest, "
    return (
        f"{came:,} came; {nearest}{who} forecast "
        f"{totals[best]:,.0f} ({percent(totals[best] / came - 1)})"
    )
