"""Picture of what covariates do: multipliers, and what they come to."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, NullFormatter

from predclv.engines.result import Fit
from predclv.errors import OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.money import money
from predclv.plots.inputs import unfit
from predclv.plots.style import ACTUAL, MODEL, SECOND, SMALL, axes, finish, legend, note, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GREEN = "#009E73"
_LOOKS = {
    "rate": ("buys faster", MODEL, "o"),
    "leaving": ("leaves more readily", SECOND, "s"),
    "spend": ("spends more", _GREEN, "^"),
}
_WORTH = {"clv": "is worth more", "purchases": "buys more in all"}
_MOST = 30  # levels in one picture


def effects(fit: FittedCLV | Fit, ax: "Axes | None" = None, **options: Any) -> "Axes":
    """What is known of customers, level by level: multipliers, and what a newcomer comes to.

    Against a customer who is typical in all covariates, whose multiplier is 1. Below each level
    stands what a newcomer is worth there, or how often they buy where no spend is fitted.

    Parameters
    ----------
    fit : FittedCLV or Fit
        With covariates.
    ax : Axes, optional
    **options
        Of :meth:`FittedCLV.effects` or :meth:`Fit.effects`: horizon, discount_rate, margin, level,
        seed.

    See Also
    --------
    predclv.FittedCLV.effects : the numbers.
    predclv.CovariateTable : how a table of covariates is read.

    Examples
    --------
    >>> import numpy as np, pandas as pd, predclv as pc
    >>> web = np.arange(1000) % 2 == 0
    >>> truth = pc.MBGNBD(r=0.8, alpha=np.where(web, 6.0, 12.0), a=0.7, b=2.5)
    >>> x, t_x = truth.simulate(np.full(1000, 80.0), np.random.default_rng(1))
    >>> frame = pd.DataFrame({"frequency": x, "recency": t_x, "T": 80.0, "web": web})
    >>> rfm = pc.RFM.from_frame(frame, unit="week", static_covariates=["web"])
    >>> fit = pc.fit(pc.MBGNBD, rfm, covariates={"rate": ["web"]})
    >>> pc.plots.effects(fit, seed=1).get_title(loc="left")
    'How often a newcomer buys again'
    """
    if not isinstance(fit, (FittedCLV, Fit)):
        raise unfit("effects", "a FittedCLV or a Fit", fit, "Fit with covariates.")
    table = fit.effects(**options)
    if len(table) > _MOST:
        raise OptionError(
            f"There are {len(table)} levels, too many for a picture; the numbers are in "
            "fit.effects()."
        )
    worth = next((name for name in _WORTH if name in table), None)
    shown = [name for name in _LOOKS if name in table]
    rows = len(table)
    ax = axes(ax, 8.0, 1.7 + 0.5 * rows)
    series = [(name, *_LOOKS[name], table[name], *_ends(table, name)) for name in shown]
    if worth is not None:
        typical = float(table.attrs["typical"])
        lower, upper = (each / typical for each in _ends(table, worth))
        series.append((worth, _WORTH[worth], "black", "D", table[worth] / typical, lower, upper))
    place = np.arange(rows)[::-1].astype(float)
    step = min(0.2, 0.7 / len(series))
    for i, (_, label, colour, marker, middle, lower, upper) in enumerate(series):
        at = place - step * (i - (len(series) - 1) / 2)
        known = middle.notna().to_numpy()
        ax.hlines(at[known], lower[known], upper[known], color=colour, linewidth=1.8)
        ax.plot(middle[known], at[known], marker, color=colour, markersize=5, label=label)
    ax.axvline(1.0, color=ACTUAL, linewidth=0.8, zorder=0)
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    low, high = ax.get_xlim()
    ticks = [t for t in (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10) if low <= t <= high]
    ax.set_xticks(ticks if len(ticks) > 1 else [low, 1.0, high])
    currency = fit.rfm.currency if isinstance(fit, FittedCLV) else None
    names = [_named(*at) for at in table.index]
    if worth is not None:
        amounts = [_amount(row, worth, currency) for _, row in table.iterrows()]
        names = [f"{name}\n{amount}" for name, amount in zip(names, amounts, strict=True)]
    ax.set_yticks(place, names, fontsize=SMALL + 0.5)
    ax.set_ylim(-0.6, rows - 0.4)
    legend(ax)
    told = (
        "What a newcomer is worth by what is known of them"
        if worth == "clv"
        else ("What covariates do" if worth is None else "How often a newcomer buys again")
    )
    finish(ax, told, f"times a typical customer's{_typical(table, worth, currency)}", "")
    note(ax, f"lines: {table.attrs['level']:.0%} intervals of what is not known of the parameters")
    return ax


def _ends(table: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    return table[f"{name}_lower"], table[f"{name}_upper"]


def _named(covariate: str, level: str | float) -> str:
    said = f"{level:g}" if isinstance(level, float) else str(level)
    return short(f"{covariate}: {said}")


def _typical(table: pd.DataFrame, worth: str | None, currency: str | None) -> str:
    """What a typical customer comes to, which multipliers of 1 stand for."""
    if worth is None:
        return ""
    typical = float(table.attrs["typical"])
    said = money(typical, currency) if worth == "clv" else f"{typical:.2f} purchases"
    return f" ({said})"


def _amount(row: "pd.Series", worth: str, currency: str | None) -> str:
    """What a row comes to, with its interval."""
    ends = (float(row[f"{worth}{end}"]) for end in ("", "_lower", "_upper"))
    if worth == "clv":
        value, lower, upper = (money(end, currency) for end in ends)
    else:
        value, lower, upper = (f"{end:.2f}" for end in ends)
    return f"{value} ({lower} to {upper})"
