"""Plans that are alike as far as the data show: empirical Bayes, and the full hierarchy.

The free parameters of the plans (logarithms) are spread normally around a typical plan, each with a
spread of its own. Empirical Bayes takes the likeliest typical plan and spreads as known; the
hierarchy samples them too. Both believe the same of spreads beforehand, for of a few plans the
likeliest spread without it is often none at all.
"""

import inspect
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.contracts.hierarchy import SPREAD, Hierarchy, belief_of
from predclv.engines.result import Fit
from predclv.engines.search import estimate
from predclv.errors import OptionError, PredclvWarning, did_you_mean
from predclv.interrupts import uninterrupted
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.newton import hessian_at
from predclv.models.base import Model, Objective

_MOST = 300  # steps of the search for typical plan and spreads
_STILL = 1e-4  # change of a logarithm that ends it
_LARGE = 50.0  # a spread from which plans share nothing


@dataclass(frozen=True, slots=True)
class _Mode:
    """A plan's parameters given the typical plan, and their covariance."""

    free: NDArray
    covariance: NDArray


def pooled(
    model: type[Model],
    cells: Mapping[Any, Any],
    together: Any,
    spread: float | None,
) -> tuple[dict[Any, Fit], pd.DataFrame]:
    """Empirical Bayes: typical plan and spreads by EM, then the mode of each plan.

    Posteriors of the plans are taken for normal on the way.

    Parameters
    ----------
    model : type
    cells : mapping
        Contracts, or customers with opportunities, by plan.
    together : RenewalCells or OpportunityCells
        All of them.
    spread : float, optional
        Held fixed instead of estimated.

    Returns
    -------
    fits : dict
        By plan; intervals hold what is not known of a plan, the typical plan and the spreads taken
        as known.
    pool : DataFrame
        By parameter: that of the typical plan, and the standard deviation of its log.
    """
    likelihoods = {name: Likelihood.of(model, part, part.unit) for name, part in cells.items()}
    whole = Likelihood.of(model, together, together.unit)
    centre = estimate(whole, limits=False).free
    believed, belief = belief_of(whole)
    # A plan of nearly no data, or a limit, must not carry the typical plan away.
    centre = np.clip(centre, believed - 3 * belief, believed + 3 * belief)
    sd = np.full(centre.size, 0.5 if spread is None else float(spread))
    at = {name: centre for name in likelihoods}
    for _ in range(_MOST):
        modes = {name: _mode(part, centre, sd, at[name]) for name, part in likelihoods.items()}
        at = {name: mode.free for name, mode in modes.items()}
        points = np.array([mode.free for mode in modes.values()])
        variances = np.array([np.diag(mode.covariance) for mode in modes.values()])
        if spread is not None and spread >= _LARGE:
            break
        moved = points.mean(axis=0)
        wider = sd
        if spread is None:
            wider = _spreads(((points - moved) ** 2 + variances).sum(axis=0), len(points))
        change = max(np.abs(moved - centre).max(), np.abs(np.log(wider / sd)).max())
        centre, sd = moved, wider
        if change < _STILL:
            break
    fits = {}
    for name, part in likelihoods.items():
        mode = _mode(part, centre, sd, at[name])
        fits[name] = Fit(
            model=part.at(mode.free), engine="mle", unit=part.unit, n_customers=part.n_customers,
            log_likelihood=part(mode.free)[0], converged=True, log_covariance=mode.covariance,
            checks=part.checks(), method="map",
        )  # fmt: skip
    return fits, _pool(whole.space.names, whole.space.parameters_at(centre), sd)


def _mode(likelihood: Likelihood, centre: NDArray, sd: NDArray, start: NDArray) -> _Mode:
    """The mode of a plan's parameters under the normal of all plans, and the curvature there."""

    def density(free: NDArray) -> tuple[float, NDArray]:
        value, slope = likelihood(free)
        away = (free - centre) / sd
        return value - 0.5 * (away @ away), slope - away / sd

    free, hessian = _newton(density, start)
    if hessian is None:
        free = estimate(likelihood, [start, centre], objective=density, limits=False).free
        hessian = hessian_at(density, free)
    sizes, vectors = np.linalg.eigh(-hessian)
    sizes = np.maximum(sizes, 1e-9)
    return _Mode(free, (vectors / sizes) @ vectors.T)


def _newton(density: Objective, point: NDArray) -> tuple[NDArray, NDArray | None]:
    """The maximum near a point and the second derivatives there, or None where steps fail."""
    value, slope = density(point)
    for _ in range(30):
        hessian = hessian_at(density, point)
        sizes, vectors = np.linalg.eigh(-hessian)
        if sizes[0] <= 0:
            return point, None
        step = (vectors / sizes) @ (vectors.T @ slope)
        if np.abs(step).max() < 1e-7:
            return point, hessian
        step *= min(1.0, 2.0 / np.abs(step).max())
        further, its_slope = density(point + step)
        if not further >= value - 1e-9 * abs(value):
            return point, None
        point, value, slope = point + step, further, its_slope
    return point, None


def _spreads(squares: NDArray, plans: int) -> NDArray:
    """The likeliest spreads given sums of squares (k,), under the prior of their logs."""
    logs = np.log(np.sqrt(squares / plans))
    for _ in range(50):
        off = squares * np.exp(-2.0 * logs)
        slope = off - plans - (logs - SPREAD[0]) / SPREAD[1] ** 2
        logs += np.clip(slope / (2.0 * off + 1.0 / SPREAD[1] ** 2), -1.0, 1.0)
    return np.exp(logs)


def _pool(names: Iterable[str], typical: NDArray, spread: NDArray) -> pd.DataFrame:
    index = pd.Index(names, name="parameter")
    return pd.DataFrame({"typical": typical, "spread": spread}, index=index)


def hierarchical(
    model: type[Model],
    cells: Mapping[Any, Any],
    together: Any,
    by: str,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    progress: bool | None = None,
    **others: Any,
) -> tuple[dict[Any, Fit], pd.DataFrame]:
    """The posterior of all plans, the typical plan and the spreads together, by NUTS.

    Beforehand the typical plan has the model's weak priors, and a spread a median of 0.5, with 95%
    between 0.07 and 3.7: plans within some 10%, or far apart.
    """
    if others:
        known = [n for n in inspect.signature(hierarchical).parameters][4:-1]
        name = next(iter(others))
        raise OptionError(
            f"groups='pooled' by pymc has no option {name!r}; it has {', '.join(known)}."
            f"{did_you_mean(name, known)}"
        )
    with uninterrupted():
        from predclv.engines.pymc_nuts import sampled
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PredclvWarning)
        near, pool = pooled(model, cells, together, None)
    likelihoods = [Likelihood.of(model, part, part.unit) for part in cells.values()]
    space = likelihoods[0].space
    around = np.array([space.free_at(np.array(list(f.params.values()))) for f in near.values()])
    covariances = np.array([fit.log_covariance for fit in near.values()])
    density = Hierarchy.of(
        likelihoods, space.free_at(pool["typical"].to_numpy()), pool["spread"].to_numpy(),
        around, covariances, by,
    )  # fmt: skip
    values, _, checks = sampled(
        density,  # type: ignore[arg-type]
        density.start,
        density.root,
        (chains, tune, draws),
        seed,
        progress,
    )
    centre, log_sd, free = density.split(values)
    fits = {}
    for g, (name, part) in enumerate(zip(cells, likelihoods, strict=True)):
        own = space.parameters_at(free[..., g, :])
        means = own.mean(axis=(0, 1))
        flat = free[..., g, :].reshape(-1, means.size)
        fits[name] = Fit(
            model=model(*means.tolist()), engine="pymc", unit=part.unit,
            n_customers=part.n_customers, log_likelihood=part(space.free_at(means))[0],
            converged=all(v <= 1.01 for k, v in checks.items() if k.startswith("r_hat_")),
            log_covariance=np.atleast_2d(np.cov(flat, rowvar=False)),
            checks={**part.checks(), **checks}, method="nuts", replicates=own,
        )  # fmt: skip
    typical = space.parameters_at(centre).mean(axis=(0, 1))
    return fits, _pool(space.names, typical, np.exp(log_sd).mean(axis=(0, 1)))
