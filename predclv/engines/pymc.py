"""PyMC's priors and posterior around the same likelihood: sampled, at its mode, or approximated.

The density is the one of ``fit.pymc_model``, but NUTS does not wait for its graph to be compiled,
which would take longer than the sampling: nutpie calls the likelihood's kernel directly, in
coordinates z that make the posterior about standard normal: free parameters ``centre + root z``.
Which centre and root are used affects the speed alone. A test holds the two densities together.
"""

import sys
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from predclv.engines.pymc_advi import approximated
from predclv.engines.pymc_density import Density
from predclv.engines.pymc_idata import Posterior
from predclv.engines.pymc_nuts import sampled
from predclv.engines.result import Fit
from predclv.engines.search import assert_converged, estimate
from predclv.errors import FitError, OptionError, did_you_mean
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.newton import hessian_at
from predclv.streams import whole_seed

_FLAT = 0.05  # curvature that a direction is given at least, when the centre is chosen
_METHODS = ("nuts", "map", "advi")


def run(
    likelihood: Likelihood,
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
    likelihood : Likelihood
    priors : mapping, optional
        A pymc_extras ``Prior`` by parameter name, in the fit's own unit of time and money, such as
        ``{"alpha": Prior("Gamma", alpha=2, beta=0.1)}``: over the positive numbers, or over all
        numbers for a parameter that may be any. One not named keeps its default, which is weak and
        stated by the model: ``pc.BGNBD.priors("week")``. With thousands of customers the priors
        hardly matter; with a hundred they do.
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
    seed = whole_seed(seed) % (1 << 32)
    if progress is None:
        progress = sys.stderr.isatty() or "ipykernel" in sys.modules
    likelihood = likelihood.compiled()
    if method == "map":
        return _at_mode(Density.of(likelihood, likelihood.priors(priors)))
    moving = likelihood.sampled(priors)
    density = Density.of(moving, moving.priors(priors))
    centre, root = _whitening(density)
    if method == "advi":
        replicates, stats, checks = approximated(
            density, centre, root, (chains, draws), seed, progress
        )
    else:
        replicates, stats, checks = sampled(
            density, centre, root, (chains, tune, draws), seed, progress
        )
    replicates = moving.reported(replicates)
    means = replicates.mean(axis=(0, 1))
    free = likelihood.space.free_at(replicates.reshape(-1, means.size))
    at_means = likelihood.space.free_at(means)
    return Fit(
        model=likelihood.at(at_means),
        clock=likelihood.clock_at(at_means),
        covariates=likelihood.effects_at(at_means),
        engine="pymc",
        unit=likelihood.unit,
        n_customers=likelihood.n_customers,
        log_likelihood=likelihood(at_means)[0],
        converged=all(v <= 1.01 for k, v in checks.items() if k.startswith("r_hat_")),
        log_covariance=np.atleast_2d(np.cov(free, rowvar=False)),
        checks={**likelihood.checks(), **checks},
        method=method,
        replicates=replicates,
        source=Posterior(density, likelihood, replicates, stats, seed),
    )


def _whitening(density: Density) -> tuple[NDArray, NDArray]:
    """Centre (k,) and root (k, k) that make the posterior of z about standard normal.

    The mode and curvature of likelihood and prior together, the prior as the log-normal with its
    mean and spread: where the likelihood is flat or runs to a limit the prior holds it.
    """
    found = estimate(density.likelihood, objective=density.near, limits=False)
    sizes, vectors = np.linalg.eigh(-hessian_at(density.near, found.free))
    covariance = (vectors / np.maximum(sizes, _FLAT)) @ vectors.T
    return found.free, np.linalg.cholesky(covariance)


def _at_mode(density: Density) -> Fit:
    likelihood = density.likelihood
    found = estimate(likelihood, objective=density, limits=False)
    assert_converged(likelihood, found.best)
    mode = found.free
    sizes, vectors = np.linalg.eigh(-hessian_at(density, mode))
    if sizes[0] <= 0:
        raise FitError(
            f"The posterior of {likelihood.title} has no curvature at its mode, so nothing is "
            f"known about its spread. Give narrower priors, or sample: method='nuts'."
        )
    return Fit(
        model=likelihood.at(mode),
        clock=likelihood.clock_at(mode),
        covariates=likelihood.effects_at(mode),
        engine="pymc",
        unit=likelihood.unit,
        n_customers=likelihood.n_customers,
        log_likelihood=likelihood(mode)[0],
        converged=True,
        log_covariance=(vectors / sizes) @ vectors.T,
        checks=likelihood.checks(),
        method="map",
        source=Posterior(density, likelihood, None, None, 0),
    )
