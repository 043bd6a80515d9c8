"""Densities of the parameters of several fits, maximum likelihood and posterior together."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import pyplot as plt
from scipy.stats import gaussian_kde

from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.plots.inputs import purchases_in, unfit
from predclv.plots.style import looks, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_METHODS = {
    "asymptotic": "asymptotic normal",
    "bootstrap": "bootstrap",
    "nuts": "posterior, NUTS",
    "map": "posterior, around its mode",
    "advi": "posterior, ADVI",
}


def parameter_densities(
    fits: "FittedCLV | Fit | Sequence[FittedCLV | Fit] | Mapping[str, FittedCLV | Fit]",
    draws: int = 4000,
    seed: int | None = 0,
    ax: "Sequence[Axes] | NDArray | None" = None,
) -> "NDArray":
    """How well the parameters are known: one panel per parameter, one curve per fit.

    Draws of a maximum-likelihood fit are from the asymptotic normal of the log parameters, those
    of a posterior are its own. The dot on the axis is each fit's point estimate.

    Parameters
    ----------
    fits : Fit or FittedCLV, a sequence of them, or a mapping from names to them
        Of one model in one unit of time. A FittedCLV shows its purchases; of spend pass
        ``fitted.spend``.
    draws : int
        Per fit; a posterior with fewer gives all it has.
    seed : int or None
        Of the draws.
    ax : sequence of Axes, optional
        One per parameter; default: a new figure.

    Returns
    -------
    ndarray of Axes, shape (k,)
        One per parameter: this picture has several panels.

    Raises
    ------
    DataError
        If the fits are of different models or units of time.
    OptionError
        If there is no fit, or there are too few Axes.

    See Also
    --------
    predclv.Fit : parameters, and how well they are known.
    predclv.plots.repeat_histogram : purchases: data against model.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> panels = pc.plots.parameter_densities(fitted.purchases)
    >>> len(panels)
    4
    """
    named = _named(fits)
    first = next(iter(named.values()))
    parameters = list(first.params)
    panels = _panels(ax, len(parameters))
    samples = {
        name: fit.draws(min(draws, _available(fit, draws)), seed) for name, fit in named.items()
    }
    positive = dict(zip(first.space.names, first.space.is_log, strict=True))
    for panel, parameter in zip(panels, parameters, strict=False):
        for (name, fit), look in zip(named.items(), looks(named).values(), strict=True):
            values, estimate = samples[name][parameter], fit.params[parameter]
            label = short(name, 40)
            if np.ptp(np.log(values) if positive[parameter] else values) > 1e-9:
                grid, density = _density(values, positive[parameter])
                panel.plot(grid, density, color=look.colour, ls=look.line, lw=1.6, label=label)
            else:
                panel.axvline(estimate, color=look.colour, ls=look.line, lw=1.6, label=label)
            panel.plot([estimate], [0], ls="", clip_on=False, zorder=5, **look.points(6))
        panel.set_title(_spread(samples, parameter), loc="left", fontsize=10)
        panel.set_xlabel(_unit(parameter, first))
        panel.set_ylabel("density")
        panel.set_yticks([])
        panel.set_ylim(bottom=0)
        panel.spines[["top", "right", "left"]].set_visible(False)
    _titled(panels, named, ax is None)
    return panels


def _named(fits: Any) -> dict[str, Fit]:
    if not isinstance(fits, Mapping):
        listed = [purchases_in(f) for f in (fits if isinstance(fits, (list, tuple)) else [fits])]
        titles = [_title_of(fit) for fit in listed]
        fits = {
            title if titles.count(title) == 1 else f"{i + 1}: {title}": fit
            for i, (title, fit) in enumerate(zip(titles, listed, strict=True))
        }
    if not fits:
        raise OptionError("There is no fit to show.")
    fits = {name: purchases_in(fit) for name, fit in fits.items()}
    for name, fit in fits.items():
        if not isinstance(fit, Fit):
            wanted = "a Fit, a FittedCLV, or several of one model"
            raise unfit("parameter_densities", wanted, fit, f"It is called {name!r}.")
    if len({(type(fit.model), fit.unit) for fit in fits.values()}) > 1:
        said = ", ".join(f"{name}: {f.model.title} in {f.unit}s" for name, f in fits.items())
        raise DataError(f"The fits must be of one model in one unit of time; got {said}.")
    return fits


def _title_of(fit: Any) -> str:
    if not isinstance(fit, Fit):
        return type(fit).__name__
    return f"{fit.engine} ({_METHODS.get(fit.method, fit.method)})"


def _available(fit: Fit, draws: int) -> int:
    if fit.replicates is None:
        return draws
    return int(fit.replicates.shape[0] * fit.replicates.shape[1])


def _density(values: "NDArray", positive: bool) -> "tuple[NDArray, NDArray]":
    """A kernel density; of a positive parameter on the log scale: it ends at zero."""
    logs = np.log(values) if positive else values
    low, high = np.quantile(logs, [0.002, 0.998])
    reach = 0.15 * (high - low)
    grid = np.linspace(low - reach, high + reach, 300)
    if not positive:
        return grid, gaussian_kde(logs)(grid)
    return np.exp(grid), gaussian_kde(logs)(grid) / np.exp(grid)


def _panels(ax: "Sequence[Axes] | NDArray | None", n: int) -> "NDArray":
    if ax is not None:
        panels = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if panels.size < n:
            raise OptionError(
                f"There are {n} parameters, so {n} Axes are needed; got {panels.size}."
            )
        return panels[:n]
    columns = 2 if n in (2, 4) else min(n, 3)
    rows = -(-n // columns)
    figure = plt.figure(figsize=(7.0, 0.9 + 2.1 * rows), layout="constrained")
    panels = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    for empty in panels[n:]:
        empty.remove()
    return panels[:n]


def _spread(samples: Mapping[str, Mapping[str, "NDArray"]], parameter: str) -> str:
    """The 90% interval of the first fit, in words."""
    values = next(iter(samples.values()))[parameter]
    low, high = np.quantile(values, [0.05, 0.95])
    return f"{parameter}: {low:.3g} to {high:.3g}"


def _unit(parameter: str, fit: Fit) -> str:
    is_time = parameter in ("alpha", "beta")
    return f"{parameter}, {fit.unit}s" if is_time else f"{parameter}, no unit"


def _titled(panels: "NDArray", named: Mapping[str, Fit], is_own: bool) -> None:
    handles, labels = panels[0].get_legend_handles_labels()
    figure = panels[0].get_figure(root=True)
    title = next(iter(named.values())).model.title
    if not is_own or figure is None:
        panels[0].legend(handles, labels, frameon=False, fontsize=8.5)
        return
    figure.suptitle(f"Parameters of {title}; 90% of {labels[0]} in each title", fontsize=11,
                    x=0.01, ha="left")  # fmt: skip
    figure.legend(handles, labels, loc="outside lower left", ncols=min(len(labels), 2),
                  frameon=False, fontsize=9)  # fmt: skip
