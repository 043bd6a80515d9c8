"""Pictures of a fitted model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.decisions.newcomer_mix import named_covariates
from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.recalled import assert_as_they_stand
from predclv.plots.inputs import customers_of, fit_of_purchases
from predclv.plots.style import axes, finish, paired_bars, plain_number, short
from predclv.samples.cells import Cells
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit
from predclv.units import days_per, horizon_in, horizon_in_words
from predclv.validation import tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def repeat_histogram(
    fit: FittedCLV | Fit,
    rfm: RFM | HoldoutSplit | None = None,
    most: int = 7,
    ax: "Axes | None" = None,
) -> "Axes":
    """Customers by number of repeat purchases: the data against the fitted model.

    Parameters
    ----------
    fit : FittedCLV or Fit
        Of purchases.
    rfm : RFM or HoldoutSplit, optional
        The customers; default: those that a FittedCLV was fitted to.
    most : int
        Frequencies from here on are one group.
    ax : Axes, optional

    See Also
    --------
    predclv.validation.tables.repeat_histogram : the numbers.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> pc.plots.repeat_histogram(fitted).get_title(loc="left")
    'Repeat purchases, observed against BG/NBD (chi-square 22.2, p = 6e-05)'
    """
    rfm = customers_of(rfm, fit, "repeat_histogram")
    fit = fit_of_purchases(fit, "repeat_histogram")
    table = tables.repeat_histogram(fit, rfm, most)
    ax = axes(ax)
    paired_bars(
        ax,
        list(table.index),
        list(table["actual"]),
        list(table["expected"]),
        ("observed", fit.model.title),
    )
    ax.yaxis.set_major_formatter(plain_number)
    return finish(
        ax,
        f"Repeat purchases, observed against {fit.model.title} "
        f"(chi-square {table.attrs['chi_square']:.1f}, p = {table.attrs['p_value']:.2g})",
        "repeat purchases",
        "customers",
    )


def frequency_recency(
    fit: FittedCLV | Fit,
    rfm: RFM | HoldoutSplit | None = None,
    value: str = "expected_purchases",
    horizon: str | float = "52 weeks",
    ax: "Axes | None" = None,
    covariates: Mapping[str, Any] | None = None,
) -> "Axes":
    """A heat map over frequency and recency, for a customer of the oldest age in the data.

    Parameters
    ----------
    fit : FittedCLV or Fit
        Of purchases.
    rfm : RFM or HoldoutSplit, optional
        Sets the ranges of the axes; the frequency ends at its 99th percentile. Default: the
        customers that a FittedCLV was fitted to.
    value : str
        ``"expected_purchases"`` or ``"p_active"`` within the horizon, or ``"p_alive"`` now.
    horizon : str or number
    ax : Axes, optional
    covariates : mapping, optional
        What is known of the customer, such as ``{"channel": "web"}``, where the fit has covariates:
        so they are from the first purchase to the horizon's end. In what is not said they are
        typical.

    See Also
    --------
    predclv.plots.customer_history : one customer's purchases and P(alive).
    predclv.plots.repeat_histogram : purchases: data against model.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> pc.plots.frequency_recency(fitted).get_title(loc="left")
    'Expected purchases in the next 52 weeks, by BG/NBD'
    """
    rfm = customers_of(rfm, fit, "frequency_recency")
    fit = fit_of_purchases(fit, "frequency_recency")
    model, named = _model_at(fit, covariates)
    assert_as_they_stand(fit, "The picture of frequency and recency")
    cells = rfm.cells()
    if rfm.unit != fit.unit:
        raise DataError(f"The fit is in {fit.unit}s, the summary in {rfm.unit}s; use one unit.")
    repeat = cells.frequency > 0
    if not repeat.any():
        raise DataError("No customer has a repeat purchase: there is no frequency to show.")
    age = float(cells.T.max())
    counts = np.repeat(cells.frequency[repeat], cells.weight[repeat])
    x = np.arange(1, max(int(np.quantile(counts, 0.99)), 2) + 1, dtype=float)
    recency = np.linspace(age / 120, age, 120)
    t = horizon_in(horizon, fit.unit)
    t_x, T, own_t = _by_clock(fit, cells, recency[:, None], age, t)
    ahead = horizon_in_words(horizon) or f"{t:g} {fit.unit}{'' if t == 1 else 's'}"
    if value == "expected_purchases":
        shown = model.expected_purchases_after(own_t, x, t_x, T)
        label, scale = f"expected purchases in the next {ahead}", "purchases"
    elif value == "p_active":
        shown = model.p_active_after(own_t, x, t_x, T)
        label, scale = f"P(at least one purchase in the next {ahead})", "probability"
    elif value == "p_alive":
        shown = model.p_alive(x, t_x, T)
        label, scale = "P(still a customer)", "probability"
    else:
        raise OptionError(f"value must be expected_purchases, p_active or p_alive; got {value!r}.")
    ax = axes(ax)
    picture = ax.pcolormesh(
        x,
        recency,
        shown,
        shading="nearest",
        cmap="viridis",
        vmin=0,
        vmax=None if value == "expected_purchases" else 1,
    )
    ax.figure.colorbar(picture, ax=ax, label=scale)
    if np.ptp(shown) > 0:
        levels: Any = [0.1, 0.5, 0.9] if scale == "probability" else 5
        lines = ax.contour(
            x, recency, shown, levels=levels, colors="white", linewidths=0.8, alpha=0.8
        )
        ax.clabel(lines, fontsize=8.5, manual=_inside(lines.allsegs, x, recency))
    return finish(
        ax,
        f"{label[0].upper()}{label[1:]}, by {short(model.title)}{named}",
        f"repeat purchases in {age:.0f} {fit.unit}s",
        f"{fit.unit} of the last purchase (first purchase = 0)",
    )


def _model_at(fit: Fit, covariates: Mapping[str, Any] | None) -> tuple[Any, str]:
    """The model of a customer of whom this is known, and that in words."""
    _, named = named_covariates([fit], covariates)
    if fit.covariates is None:
        return fit.model, ""
    each = fit.covariates.model_at(fit.model, fit.covariates.row_of(named)[None])
    model = type(each)(**{name: float(getattr(each, name)[0]) for name in each.names()})
    said = [f"{name} {value}" for name, value in named.items()]
    return model, f", of {', '.join(said)}" if said else ", of a typical customer"


def _by_clock(fit: Fit, cells: Cells, recency: NDArray, age: float, t: float) -> tuple[Any, ...]:
    """Recency and age of the oldest, and the horizon, in the time of the fit's clock."""
    if not isinstance(fit.clock, Calendar):
        return recency, age, t
    last, days = cells.known_last_day, days_per(fit.unit)
    born, recency, ahead = last - int(cells.age_days.max()), recency * days, t * days
    return (
        fit.clock.elapsed(born, np.minimum(born + recency, last)),
        fit.clock.elapsed(born, last),
        fit.clock.elapsed(last, last + ahead),
    )


def _inside(segments: Any, x: NDArray, y: NDArray) -> list[tuple[float, float]]:
    """Where each line's number stands: the point farthest from the edges, so that none is cut."""
    low, size = np.array([x[0], y[0]]), np.array([np.ptp(x), np.ptp(y)])
    places = []
    for line in segments:
        points = np.concatenate(list(line)) if len(line) else np.empty((0, 2))
        if len(points):
            within = (points - low) / size
            depth = np.minimum(within, 1 - within).min(axis=1)
            places.append((float(points[depth.argmax(), 0]), float(points[depth.argmax(), 1])))
    return places
