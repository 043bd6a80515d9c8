"""PyMC's priors and posterior around the same likelihood: sampled, at its mode, or approximated.

The density is the one of ``fit.pymc_model``, but NUTS does not wait for its graph to be compiled,
which would take longer than the sampling: nutpie calls the likelihood's kernel directly, in
coordinates z with ``log theta = centre + root z`` that make the posterior about standard normal.
Which centre and root are used affects the speed alone. A test holds the two densities together.
"""

import sys
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from predclv.data.cells import Cells, SpendCells
from predclv.engines.mle import arrays_of, assert_converged, estimate
from predclv.engines.pymc_advi import approximated
from predclv.engines.pymc_density import Density
from predclv.engines.pymc_idata import Posterior
from predclv.engines.pymc_nuts import sampled
from predclv.engines.result import Fit
from predclv.errors import FitError, OptionError, did_you_mean
from predclv.maths.optimise import hessian_at
from predclv.models.base import Columns, Model

_FLAT = 0.05  # curvature that a direction is given at least, when the centre is chosen
_METHODS = ("nuts", "map", "advi")


def run(
    model: type[Model],
    cells: Cells | SpendCells,
    unit: str,
    priors: Mapping[str, Any] | None = None,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    seed: int | None = None,
    method: Literal["nuts", "map", "advi"] = "nuts",
    progress: bool | None = None,
) -> Fit:
    """Fit the posterior; see :func:`predclv.fit`.

    The estimate is the posterior mean (of the parameters, not of their logs); forecasts with
    intervals use the draws, not the model at the means. ``fit.idata`` is made on first use.

    Parameters
    ----------
    model, cells, unit
        As :func:`predclv.fit` prepares them.
    priors : mapping, optional
        A pymc_extras ``Prior`` over the positive numbers by parameter name, in the fit's own unit
        of time and money, such as ``{"alpha": Prior("Gamma", alpha=2, beta=0.1)}``. A parameter not
        named keeps its default, which is weak and stated by the model: ``pc.BGNBD.priors("week")``.
        With thousands of customers the priors hardly matter; with a hundred they do.
    draws, tune, chains : int
        Draws to keep and to adapt on, per chain. 4 x 1000 are worth about 5,000 independent ones.
    seed : int, optional
        The same seed gives the same posterior; None samples afresh.
    method : {"nuts", "map", "advi"}
        ``"nuts"`` samples. ``"map"`` is the mode of the log parameters' density with the normal
        that has its curvature: no sampling, and the package's regularisation. (The density of the
        parameters themselves has another mode, which runs to zero for weak priors.) ``"advi"`` fits
        independent normals to the whitened log parameters and warns where they fit badly; it takes
        longer than ``"nuts"``, which is to be preferred.
    progress : bool, optional
        Whether to show progress; by default in a terminal or notebook.

    Raises
    ------
    OptionError
        If a prior, a count or the method makes no sense.
    FitError
        If sampling breaks down.

    Warns
    -----
    SamplingWarning
        For divergences, an r-hat above 1.01, a bulk ESS below 400, or a poor ADVI.
    """
    if method not in _METHODS:
        raise OptionError(
            f"method must be one of {', '.join(_METHODS)}; got {method!r}."
            f"{did_you_mean(method, _METHODS)}"
        )
    for name, value, least in (("draws", draws, 4), ("tune", tune, 1), ("chains", chains, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise OptionError(f"{name} must be a whole number from {least} on; got {value!r}.")
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    arrays = arrays_of(cells)
    density = Density.of(model, arrays, _believed(model, arrays, unit, priors))
    if method == "map":
        return _at_mode(density, unit)
    centre, root = _whitening(density)
    if method == "advi":
        replicates, stats, checks = approximated(
            density, centre, root, (chains, draws), seed, progress
        )
    else:
        replicates, stats, checks = sampled(
            density, centre, root, (chains, tune, draws), seed, progress
        )
    means = replicates.mean(axis=(0, 1))
    logs = np.log(replicates.reshape(-1, means.size))
    return Fit(
        model=model(*means.tolist()),
        engine="pymc",
        unit=unit,
        n_customers=density.n_customers,
        log_likelihood=density.log_likelihood(np.log(means))[0],
        converged=all(v <= 1.01 for k, v in checks.items() if k.startswith("r_hat_")),
        log_covariance=np.cov(logs, rowvar=False),
        checks={**model.checks(arrays), **checks},
        method=method,
        replicates=replicates,
        source=Posterior(density, replicates, stats, seed),
    )


def _believed(
    model: type[Model], arrays: Columns, unit: str, priors: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The default priors with the user's in their place."""
    money = 1.0
    if model.needs == "spend":
        x, mean, weight = arrays
        money = float((weight @ (x * mean)) / (weight @ x))
    believed: dict[str, Any] = dict(model.priors(unit, money))
    for name, prior in (priors or {}).items():
        if name not in believed:
            raise OptionError(
                f"{model.title} has no parameter {name!r} to put a prior on; it has "
                f"{', '.join(believed)}.{did_you_mean(name, believed)}"
            )
        believed[name] = prior
    return believed


def _whitening(density: Density) -> tuple[NDArray, NDArray]:
    """Centre (k,) and root (k, k) that make the posterior of z about standard normal.

    The mode and curvature of likelihood and prior together, the prior as the log-normal with its
    mean and spread: where the likelihood is flat or runs to a limit the prior holds it.
    """
    found = estimate(density.model, density.arrays, objective=density.near, limits=False)
    sizes, vectors = np.linalg.eigh(-hessian_at(density.near, found.log_parameters))
    covariance = (vectors / np.maximum(sizes, _FLAT)) @ vectors.T
    return found.log_parameters, np.linalg.cholesky(covariance)


def _at_mode(density: Density, unit: str) -> Fit:
    model = density.model
    found = estimate(model, density.arrays, objective=density, limits=False)
    assert_converged(model, found.best, density.n_customers)
    mode = found.log_parameters
    sizes, vectors = np.linalg.eigh(-hessian_at(density, mode))
    if sizes[0] <= 0:
        raise FitError(
            f"The posterior of {model.title} has no curvature at its mode, so nothing is known "
            f"about its spread. Give narrower priors, or sample: method='nuts'."
        )
    return Fit(
        model=model.from_log(mode),
        engine="pymc",
        unit=unit,
        n_customers=density.n_customers,
        log_likelihood=density.log_likelihood(mode)[0],
        converged=True,
        log_covariance=(vectors / sizes) @ vectors.T,
        checks=model.checks(density.arrays),
        method="map",
        source=Posterior(density, None, None, 0),
    )
