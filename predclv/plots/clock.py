"""A fit's clock: the season with its band, the trend, weekdays and events."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predclv.clocks.calendar import Calendar
from predclv.clocks.curves import curve
from predclv.clocks.terms import Events, Season, Trend
from predclv.engines.result import Fit
from predclv.errors import DataError
from predclv.forecast.fitted import FittedCLV
from predclv.plots.inputs import fit_of_purchases
from predclv.plots.style import (
    MODEL,
    SECOND,
    axes,
    date_axis,
    finish,
    legend,
    mark_day,
    note,
    short,
)
from predclv.units import day_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EVENT_COLOURS = ("#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#8C6D31", "#7f7f7f")
_THIN = 3  # days: a shorter event would not be seen


def clock(fitted: FittedCLV | Fit, level: float = 0.9, ax: "Axes | None" = None) -> "Axes":
    """How busy the shop is through the year, by the clock it was fitted on.

    The line is season and trend, 1 the average day observed, from the log's first day to a year
    after its last; its band says how well they are known. Events are coloured days, with what each
    multiplies the rate by in the legend; weekdays stand below. Regressors are left out: they have a
    value for each day, and ``fitted.clock.summary()`` has what they do.

    Parameters
    ----------
    fitted : FittedCLV or Fit
        Fitted with ``clock=pc.Clock(...)``.
    level : float
        Of the bands.
    ax : Axes, optional

    Raises
    ------
    DataError
        If it was fitted without a clock.

    See Also
    --------
    predclv.clocks.curves.curve : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> model = pc.CLVModel(pc.MBGNBD, spend=None, clock=pc.Clock(season=0, weekday=True))
    >>> pc.plots.clock(model.fit(rfm)).get_title(loc="left")
    'The clock has no season and no trend'
    """
    of = fit_of_purchases(fitted, "clock").clock
    if not isinstance(of, Calendar):
        raise DataError(
            "This model was fitted without a clock, so every day is as busy as any other. Fit one: "
            "pc.CLVModel(clock=pc.Clock()).fit(rfm)."
        )
    days = np.arange(of.first_day + 1, of.last_day + 367)
    dates = pd.DatetimeIndex(days.astype("datetime64[D]"))
    smooth = curve(of, days, (Season, Trend), level)
    kinds = [type(term) for term in of.terms if isinstance(term, (Season, Trend))]
    ax = axes(ax)
    ax.axhline(1.0, color="#999999", lw=0.8, zorder=0)
    named = " and ".join(kind.__name__.lower() for kind in kinds) or "neither season nor trend"
    ax.plot(dates, smooth["rate"], color=MODEL, lw=1.8, label=named)
    if kinds and np.isfinite(smooth["lower"]).all():
        ax.fill_between(
            dates, smooth["lower"], smooth["upper"], color=MODEL, alpha=0.18, lw=0,
            label=f"{level:.0%} band",
        )  # fmt: skip
    if len(kinds) == 2:
        trend = curve(of, days, (Trend,), level)["rate"]
        ax.plot(dates, trend, color=SECOND, lw=1.3, ls=(0, (5, 2)), label="trend alone")
    _mark_events(ax, of, level, int(days[0]), int(days[-1]))
    date_axis(ax)
    legend(ax)
    mark_day(ax, day_of(of.last_day), "last day observed")
    title = _title(smooth["rate"], dates, of) if kinds else "The clock has no season and no trend"
    finish(ax, title, "", "purchases of a customer per day, 1 the average")
    if weekdays := _weekdays(of, level):
        note(ax, weekdays)
    return ax


def _title(rate: pd.Series, dates: pd.DatetimeIndex, of: Calendar) -> str:
    year = rate.to_numpy()[-366:]
    if not any(isinstance(term, Season) for term in of.terms):
        return f"A year from the last day the shop runs at {year[-1]:.2f} times the average"
    high, low = int(np.argmax(year)), int(np.argmin(year))
    months = [dates[-366 + at].strftime("%B") for at in (high, low)]
    return (
        f"In the year to come {months[0]} is busiest, {year[high]:.2f} times the average day, and "
        f"{months[1]} quietest, {year[low]:.2f} times"
    )


def _mark_events(ax: "Axes", of: Calendar, level: float, first: int, last: int) -> None:
    summary = of.summary(level)
    for term in of.terms:
        if not isinstance(term, Events):
            continue
        for i, (label, spans) in enumerate(zip(term.labels, term.spans, strict=True)):
            row = np.exp(
                summary.loc[f"event[{label}]", ["estimate", "lower", "upper"]].astype(float)
            )
            said = f"{short(label)}: times {row['estimate']:.2f}"
            if np.isfinite(row["lower"]):
                said += f" ({row['lower']:.2f} to {row['upper']:.2f})"
            for begin, end in spans:
                if end < first or begin > last:
                    continue
                wide = max((_THIN - (end - begin + 1)) / 2, 0.0)
                edges = np.array([max(begin, first) - wide, min(end, last) + 1 + wide])
                ax.axvspan(
                    *edges,
                    color=_EVENT_COLOURS[i % len(_EVENT_COLOURS)],
                    alpha=0.35,
                    lw=0,
                    zorder=0,
                    label=said,
                )
                said = "_"  # named once


def _weekdays(of: Calendar, level: float) -> str:
    """``Weekdays: Mon 1.10, Tue 0.95, ...``, or nothing."""
    summary = of.summary(level)
    rows = summary[summary.index.str.startswith("weekday[")]
    if not len(rows):
        return ""
    shown = [
        f"{str(name).removeprefix('weekday[')[:3]} {times:.2f}"
        for name, times in rows["multiplier"].items()
    ]
    return f"Weekdays, times the line: {', '.join(shown)}"
