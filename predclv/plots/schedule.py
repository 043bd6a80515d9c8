"""A forecast period by period, as bars with their intervals."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from predclv.errors import OptionError, did_you_mean
from predclv.forecast.result import Forecast
from predclv.forecast.total_words import CHANCE_ONLY, OF_A_POOL
from predclv.money import in_currency
from predclv.plots.inputs import assert_is
from predclv.plots.style import MODEL, amount, axes, finish, note, plain_number, spread_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OF = ("clv", "revenue", "purchases", "discounted_purchases")


def schedule(
    forecast: Forecast, period: str = "month", of: str | None = None, ax: "Axes | None" = None
) -> "Axes":
    """What comes in each month, week, quarter or year of the horizon, with intervals.

    Parameters
    ----------
    forecast : Forecast
    period : str
        As in :meth:`predclv.Forecast.schedule`.
    of : str, optional
        ``"purchases"``, ``"discounted_purchases"``, ``"revenue"`` or ``"clv"``; default revenue,
        and purchases where there is no spend.
    ax : Axes, optional

    See Also
    --------
    predclv.Forecast.schedule : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel(spend=None).fit(rfm)
    >>> pc.plots.schedule(fitted.forecast("26 weeks", seed=1), of="purchases").get_title(loc="left")
    'Jul 1998 brings most, 188 of 1,043 purchases over 26 weeks'
    """
    assert_is(Forecast, forecast, "schedule", "a Forecast")
    found = forecast.schedule(period)
    of = ("revenue" if "revenue" in found else "purchases") if of is None else of
    known = [name for name in _OF if name in found]
    if of not in known:
        hint = did_you_mean(of, known) if isinstance(of, str) else ""
        raise OptionError(f"of must be one of {', '.join(known)}; got {of!r}.{hint}")
    values = found[of].to_numpy()
    ax = axes(ax)
    places = np.arange(len(found))
    bounds = None
    if f"{of}_lower" in found:
        lower, upper = (found[f"{of}_{side}"].to_numpy() for side in ("lower", "upper"))
        bounds = np.maximum([values - lower, upper - values], 0.0)
    ax.bar(places, values, 0.8, color=MODEL, alpha=0.75, lw=0, yerr=bounds, capsize=2.5,
           error_kw={"elinewidth": 1.0, "ecolor": "#333333"})  # fmt: skip
    labels = [_label(day, period) for day in found["start"]]
    every = -(-len(labels) // 14)  # as many as are read
    ax.set_xticks(places[::every])
    spread_ticks(ax, labels[::every])
    ax.yaxis.set_major_formatter(plain_number)
    best = int(np.argmax(values))
    what = of.replace("_", " ")
    currency = forecast.terms.currency if of in ("clv", "revenue") else None
    what = "CLV" if of == "clv" else what
    finish(
        ax,
        f"{_label(found['start'].iloc[best], period)} brings most, {amount(values[best])} of "
        f"{amount(values.sum())} {in_currency(what, currency)} over {forecast.terms.length}",
        f"{period}, the first and the last may be partial",
        f"{in_currency(what, currency)} per {period}",
    )
    if "holds" in found.attrs:
        what = OF_A_POOL if OF_A_POOL in found.attrs["holds"] else CHANCE_ONLY
        note(ax, f"Bars: {forecast.terms.level:.0%} intervals of {what}")
    return ax


def _label(start: object, period: str) -> str:
    """A period by its first day: Jan 2027, Q1 2027, 2027; a number where days are not known."""
    if not isinstance(start, pd.Timestamp):
        return f"{start:.3g}"
    if period.startswith("month"):
        return f"{start:%b %Y}"
    if period.startswith("quarter"):
        return f"Q{start.quarter} {start.year}"
    return f"{start:%Y}" if period.startswith("year") else f"{start:%d %b %Y}"
