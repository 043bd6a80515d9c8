"""Tracking: repeat purchases of a cohort over time, expected against actual."""

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.plots.inputs import purchases_in, unfit
from predclv.plots.style import (
    ACTUAL,
    axes,
    date_axis,
    finish,
    leaders,
    legend,
    listed,
    looks,
    mark_day,
    note,
    percent,
    short,
)
from predclv.pools.fitted import single
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit
from predclv.validation.result import Validation
from predclv.validation.tracking import Tracking
from predclv.validation.tracking import tracking as tracked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEW = 2  # fits whose bands can be told apart where they overlap


def tracking(
    result: Validation | FittedCLV | Fit | Mapping[str, FittedCLV | Fit],
    data: HoldoutSplit | RFM | None = None,
    cumulative: bool = True,
    period: str = "1 week",
    until: datetime.date | None = None,
    level: float | None = 0.9,
    ax: "Axes | None" = None,
    dynamic_covariates: Any = None,
) -> "Axes":
    """Repeat purchases of everybody known at the end of calibration, expected against actual.

    Shows whether a model has the rise and fall of a cohort; seasons and promotions show as waves
    around it. It is no test of the forecast, which knows each customer's history: the error of a
    cumulative curve is many times smaller than that of the holdout's total (on CDNOW 2.6% against
    12% for one and the same fit). With a validation the legend has both.

    Parameters
    ----------
    result : Validation, FittedCLV, Fit, or mapping of str to fits
    data : HoldoutSplit or RFM, optional
        The customers, with the log they come from. Not needed with a validation, nor with a
        FittedCLV, which is then tracked over what it was fitted to.
    cumulative : bool
        Purchases so far, or per period.
    period : str
        Length of a period in whole days.
    until : datetime.date, optional
        Default: the end of the holdout, or of what an RFM summarises.
    level : float or None
        Of the bands: where the curve falls if the model is right. They hold chance and what is not
        known of the parameters, no season and no campaign. Of more than two models the closest has
        one. None draws none, and is faster.
    ax : Axes, optional
    dynamic_covariates : table or CovariateTable, optional
        How covariates change after the calibration, as of ``forecast``; None carries each
        customer's last value on.

    See Also
    --------
    predclv.validation.tracking.tracking : the numbers.
    predclv.validation.tracking.Tracking.errors : the two errors, and what sets them apart.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> fitted = pc.CLVModel(spend=None).fit(split.rfm)
    >>> pc.plots.tracking(fitted, split).get_title(loc="left")
    'BG/NBD: cumulative repeat purchases are 2.6% off on average after calibration'
    """
    fits, rfm, last, others = _parts(result, data)
    told = {"dynamic_covariates": dynamic_covariates}
    found = tracked(fits, rfm, until or last, period, **told)
    table = found.cumulative if cumulative else found.frame
    ax = axes(ax)
    ax.plot(table.index, table["actual"], color=ACTUAL, lw=2.6 if cumulative else 1.4,
            label="actual", zorder=1)  # fmt: skip
    if not cumulative:
        ax.fill_between(table.index, 0, table["actual"], color=ACTUAL, alpha=0.25, lw=0)
    column = "cumulative_mape" if cumulative else "incremental_mape"
    off = None
    if found.is_holdout.any():
        off = {str(name): float(error) for name, error in found.errors()[column].items()}
    everybody = result.forecasts if isinstance(result, Validation) else fits
    styles, every = looks(everybody), max(len(table) // 9, 1)
    for i, name in enumerate(fits):
        look = styles[name]
        ax.plot(table.index, table[name], ls=look.line, lw=1.7, **look.points(), zorder=3,
                markevery=(i * every // max(len(fits), 1), every),
                label=_label(name, off, cumulative, result))  # fmt: skip
    prefix = "cumulative_" if cumulative else ""
    shown = {} if level is None else _with_band(fits, off)
    bands = tracked(shown, rfm, until or last, period, level=level, **told).bands if shown else {}
    for name, band in bands.items():
        lower, upper = (band[f"{prefix}{side}"] for side in ("lower", "upper"))
        look = styles[name]
        ax.fill_between(table.index, lower, upper, color=look.colour, alpha=0.16, lw=0, zorder=2)
        for bound in (lower, upper):  # their edges tell two bands apart where they overlap
            ax.plot(table.index, bound, color=look.colour, ls=look.line, lw=0.7, alpha=0.7,
                    zorder=2)  # fmt: skip
    ax.set_ylim(0, max(float(ax.dataLim.y1), 1e-9) * 1.06)
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    legend(ax)
    date_axis(ax)
    if found.is_holdout.any():
        mark_day(ax, found.calibration_end, f"calibration ends {found.calibration_end}")
    finish(ax, _title(found, off, cumulative), f"end of the {found.period}",
           _unit(found, cumulative))  # fmt: skip
    if bands:
        of = "" if len(fits) == 1 else f" of {listed(list(bands))}"
        note(ax, f"Band{of}: {level:.0%} if the model is right; chance and parameters, no season")
    if others:
        note(ax, f"No curve over time, so not shown: {listed(others)}")
    return ax


def _parts(
    result: Any, data: HoldoutSplit | RFM | None
) -> tuple[dict[str, Fit], RFM, datetime.date | None, list[str]]:
    """Fits of purchases by name, customers, the last day, and forecasters that have no curve."""
    if isinstance(result, Validation):
        data = result.split if data is None else data
        fits = fits_in(result.fits)
        fits = {name: fit for name, fit in fits.items() if fit.recall is None} or fits
        others = [name for name in result.forecasts if name not in fits]
    else:
        result = single(result)
        if isinstance(result, FittedCLV) and data is None:
            data = result.rfm
        if isinstance(result, (FittedCLV, Fit)):
            fit = purchases_in(result)
            result = {fit.model.title: fit}
        if not isinstance(result, Mapping):
            raise OptionError(
                f"tracking wants a Validation, a FittedCLV, a Fit or a mapping of fits; got "
                f"{type(result).__name__}."
            )
        fits = fits_in(result)
        others = [name for name in result if name not in fits]
    if not fits:
        raise DataError("There is no fitted model to track; a baseline has no curve over time.")
    if isinstance(data, HoldoutSplit):
        return fits, data.rfm, data.holdout_end, others
    if isinstance(data, RFM):
        return fits, data, None, others
    if data is not None:
        raise unfit("tracking", "customers as a HoldoutSplit or an RFM", data)
    raise OptionError("Say whose purchases to track: pass the split or the RFM after the fit.")


def fits_in(results: Mapping[str, Any]) -> dict[str, Fit]:
    """The fits of purchases among what was fitted."""
    fits = {name: getattr(each, "purchases", each) for name, each in results.items()}
    return {name: each for name, each in fits.items() if isinstance(each, Fit)}


def _label(name: str, off: dict[str, float] | None, cumulative: bool, result: Any) -> str:
    if off is None:
        return short(name)
    said = f"{short(name)}: {percent(off[name], sign=False)} off"
    if cumulative and isinstance(result, Validation):
        said += f" (its forecast of the holdout: {percent(result.frame.at[name, 'bias'])})"
    return said


def _title(found: Tracking, off: dict[str, float] | None, cumulative: bool) -> str:
    last = found.cumulative.iloc[-1]
    if off is None:
        name = last.index[1]
        return (
            f"{short(name)} expects {last[name]:,.0f} repeat purchases of "
            f"{found.customers:,} customers; {last['actual']:,.0f} were made"
        )
    best = leaders(off, lambda error: percent(error, sign=False))
    what = "cumulative repeat purchases" if cumulative else f"repeat purchases per {found.period}"
    return (
        f"{best}{', the closest' if len(off) > 1 else ''}: {what} are "
        f"{percent(min(off.values()), sign=False)} off on average after calibration"
    )


def _with_band(fits: dict[str, Fit], off: dict[str, float] | None) -> dict[str, Fit]:
    """The fits whose band is shown: all of a few, of many the closest alone."""
    if len(fits) <= _FEW or off is None:
        return dict(list(fits.items())[:_FEW])
    best = min(off, key=lambda name: off[name])
    return {best: fits[best]}


def _unit(found: Tracking, cumulative: bool) -> str:
    what = "repeat purchases so far" if cumulative else f"repeat purchases per {found.period}"
    return f"{what}, {found.customers:,} customers"
