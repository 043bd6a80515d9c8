"""The archived package lifetimes as an engine: the reference that others are compared with."""

import warnings
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from typing import Any

import numpy as np

from predclv.engines.result import Fit
from predclv.engines.search import log_covariance, named
from predclv.errors import FitError, OptionError
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.newton import hessian_at

FITTERS = {
    "BGNBD": "BetaGeoFitter",
    "MBGNBD": "ModifiedBetaGeoFitter",
    "ParetoNBD": "ParetoNBDFitter",
    "GammaGamma": "GammaGammaFitter",
}
"""The fitter of lifetimes for each model, by the model's name."""

# Its Pareto/NBD starts at random, near one in its own scale of time; a fit here is reproducible.
_STARTS = {"ParetoNBD": {"initial_params": np.ones(4)}}

_STEEP = 1e-3  # gradient per customer, on the log scale, at which a success is not believed


def run(
    likelihood: Likelihood,
    penalizer_coef: float = 0.0,
    tol: float = 1e-7,
) -> Fit:
    """Fit with lifetimes' fitter of the same model; see :func:`predclv.fit`.

    Standard errors and draws come from our own curvature of the log-likelihood at its estimate,
    since the covariance matrix that lifetimes computes is not symmetric; with a penalizer they
    leave the penalty out.

    Parameters
    ----------
    likelihood : Likelihood
    penalizer_coef : float
        Times the sum of squared parameters, subtracted from the log-likelihood *per customer*. It
        pulls every parameter towards zero whatever its unit: 0.01, a value that lifetimes
        recommends, moves CDNOW's Gamma-Gamma to a negative mean spend. 0.0, the default, is maximum
        likelihood. For regularisation use priors: ``engine="pymc", method="map"``.
    tol : float
        lifetimes' tolerance on the gradient per customer, or for Pareto/NBD, which it fits without
        gradients, on the size of the last simplex.

    Raises
    ------
    FitError
        If lifetimes does not converge, or its result is not finite, positive and a maximum.
    OptionError
        If lifetimes has no such model, or the penalizer is negative.
    """
    name, space = likelihood.model.__name__, likelihood.space
    if name not in FITTERS:
        raise OptionError(
            f"engine 'lifetimes' has no {likelihood.title}; it has {', '.join(FITTERS)}. "
            f"Try engine='mle'."
        )
    if not (np.isfinite(penalizer_coef) and penalizer_coef >= 0):
        raise OptionError(f"penalizer_coef must be at least 0; got {penalizer_coef!r}.")
    n_customers = likelihood.n_customers
    params = _fitted(likelihood, name, penalizer_coef, tol)
    values = np.array([params[parameter] for parameter in space.names], dtype=float)
    if not np.all(np.isfinite(values) & (values > 0)):
        raise FitError(
            f"lifetimes returned {dict(zip(space.names, values.tolist(), strict=True))} for "
            f"{likelihood.title} on {n_customers:,} customers: not positive and finite. "
            f"Try engine='mle'."
        )
    point = space.free_at(values)
    value, gradient = likelihood(point)
    if not np.isfinite(value) or (
        penalizer_coef == 0 and np.max(np.abs(gradient)) > _STEEP * n_customers
    ):
        raise FitError(
            f"lifetimes reports success for {likelihood.title} on {n_customers:,} customers, but "
            f"the likelihood still rises there (gradient per customer "
            f"{np.max(np.abs(gradient)) / n_customers:.1e}). Try engine='mle'."
        )
    size = values.size
    covariance, undetermined = log_covariance(
        hessian_at(likelihood, point), np.zeros(size, dtype=int), np.eye(size)
    )
    return Fit(
        model=likelihood.at(point),
        clock=likelihood.clock_at(point),
        engine="lifetimes",
        unit=likelihood.unit,
        n_customers=n_customers,
        log_likelihood=value,
        converged=True,
        log_covariance=covariance,
        undetermined=named(space, undetermined),
        checks=likelihood.checks(),
    )


def _fitted(likelihood: Likelihood, name: str, penalizer_coef: float, tol: float) -> Any:
    """The parameters by name; lifetimes' prints and its changes to the warning filters undone."""
    *columns, weights = likelihood.columns
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        lifetimes = import_module("lifetimes")
        failure = import_module("lifetimes.utils").ConvergenceError
        fitter = getattr(lifetimes, FITTERS[name])(penalizer_coef=penalizer_coef)
        try:
            fitter.fit(*columns, weights=weights, tol=tol, **_STARTS.get(name, {}))
        except (failure, np.linalg.LinAlgError) as error:
            raise FitError(
                f"lifetimes did not converge for {likelihood.title} on {likelihood.n_customers:,} "
                f"customers. Often the likelihood has no maximum inside, sometimes its stopping "
                f"rule gives up at a good point. Try engine='mle', which tells the two apart, or "
                f"priors: engine='pymc'. (Its own advice, a larger penalizer, moves the answer.)"
            ) from error
    return fitter.params_
