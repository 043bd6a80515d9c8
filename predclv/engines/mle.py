"""Maximum likelihood of our own: exact at the optimum, and honest where there is none."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from predclv.engines.bootstrap import replicates
from predclv.engines.result import Fit
from predclv.engines.search import (
    GRADIENT,
    Estimate,
    assert_converged,
    estimate,
    held_back,
    log_covariance,
    named,
    one_thread,
)
from predclv.errors import BoundaryWarning, OptionError
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.newton import Maximum
from predclv.models.base import Coordinate
from predclv.models.spend import SpendModel
from predclv.notices import warn


def run(
    likelihood: Likelihood,
    bootstrap: int | None = None,
    seed: int | None = None,
    start: Fit | None = None,
) -> Fit:
    """Fit by maximum likelihood; see :func:`predclv.fit`.

    Parameters
    ----------
    likelihood : Likelihood
    bootstrap : int, optional
        Number of customer bases to simulate from the fit and to fit again, for intervals and draws
        that hold where the likelihood is flat or few customers make the normal a poor guide; 200
        is plenty for 90% intervals. None uses the curvature at the estimate. See
        :func:`predclv.engines.bootstrap.replicates`.
    seed : int, optional
        Of the bootstrap alone; the estimate has no randomness.
    start : Fit, optional
        An earlier fit of the same model, such as last week's: the search begins there, with its
        curvature, and needs about a quarter fewer evaluations. The estimate is the same.
    """
    if bootstrap is not None and (
        isinstance(bootstrap, bool) or not isinstance(bootstrap, int) or bootstrap < 2
    ):
        raise OptionError(f"bootstrap must be a whole number from 2 on; got {bootstrap!r}.")
    n_customers = likelihood.n_customers
    found = _found(likelihood, None if start is None else checked_start(likelihood, start))
    best = found.best
    assert_converged(likelihood, best)
    covariance, undetermined = log_covariance(best.hessian, best.pinned, found.back)
    limits = _limits(best, found.directions)
    if limits:
        warn(
            f"{likelihood.title} has no maximum inside on these {n_customers:,} customers; the "
            f"likelihood rises towards a limit: {'; '.join(limits)}. The fit is that limit and "
            f"its forecasts are right for it, but the data cannot tell its parameters apart. "
            f"More customers or a longer history would.",
            BoundaryWarning,
        )
    draws = None
    if bootstrap is not None:
        draws = replicates(likelihood, found.free, bootstrap, seed)
    return Fit(
        model=likelihood.at(found.free),
        clock=likelihood.clock_at(found.free),
        recall=likelihood.recall_at(found.free),
        covariates=likelihood.effects_at(found.free),
        engine="mle",
        unit=likelihood.unit,
        n_customers=n_customers,
        log_likelihood=best.value - likelihood.shrinkage(found.free)[0],
        converged=True,
        log_covariance=covariance,
        undetermined=named(likelihood.space, undetermined),
        limits=limits,
        checks=likelihood.checks(),
        method="asymptotic" if draws is None else "bootstrap",
        replicates=draws,
    )


def checked_start(likelihood: Likelihood, start: Fit) -> Fit:
    """An earlier fit, if it is one of the same model and in the same unit.

    Raises
    ------
    OptionError
        If not.
    """
    model, unit = likelihood.model, likelihood.unit
    if not (isinstance(start, Fit) and type(start.model) is model):
        found = start.model.title if isinstance(start, Fit) else type(start).__name__
        raise OptionError(f"start must be an earlier Fit of {model.title}; got {found}.")
    if not issubclass(model, SpendModel) and start.unit != unit:
        raise OptionError(f"start is a fit in {start.unit}s, and these data are in {unit}s.")
    return start


def _found(likelihood: Likelihood, start: Fit | None) -> Estimate:
    """The estimate, sought near an earlier one where there is one inside the limits."""
    if start is not None and not start.limits and not start.undetermined:
        found = estimate(likelihood, [approached(likelihood, start)])
        if not found.best.pinned.any():
            return found
    return estimate(likelihood)


@one_thread()
def approached(likelihood: Likelihood, start: Fit) -> NDArray:
    """Free parameters near the maximum, (k,): quasi-Newton with the earlier fit's curvature."""
    n_customers = likelihood.n_customers
    at, covariance = _carried_over(likelihood, start)
    inverse = start.n_customers * 0.5 * (covariance + covariance.T)

    def negated(point: NDArray) -> tuple[float, NDArray]:
        value, gradient = held_back(likelihood, point)
        return -value / n_customers, -gradient / n_customers

    return minimize(
        negated,
        at,
        jac=True,
        method="BFGS",
        options={"hess_inv0": inverse, "gtol": GRADIENT},
    ).x


def _carried_over(likelihood: Likelihood, start: Fit) -> tuple[NDArray, NDArray]:
    """An earlier fit's free parameters (k,) and their covariance, by name.

    Clocks of two weeks may differ in their harmonics, and either fit may have none: an effect that
    is new starts at 0, known as well as its prior says.
    """
    names, space = list(start.params), likelihood.space
    found = start.space.free_at(np.array(list(start.params.values())))
    if tuple(names) == space.names:
        return found, start.log_covariance
    at, covariance = np.zeros(len(space.names)), np.zeros((len(space.names),) * 2)
    both = [name for name in space.names if name in names]
    here, there = ([own.index(name) for name in both] for own in (list(space.names), names))
    at[here], covariance[np.ix_(here, here)] = (
        found[there],
        start.log_covariance[np.ix_(there, there)],
    )
    for i, name in enumerate(space.names):
        if name not in names:
            covariance[i, i] = likelihood.priors()[name].sigma ** 2 / 100.0
    return at, covariance


def _limits(best: Maximum, directions: tuple[Coordinate, ...]) -> tuple[str, ...]:
    """What the bounds that the maximum lies on mean, in words."""
    pinned = [each for each in zip(directions, best.pinned, strict=True) if each[1]]
    settled = {name for part, side in pinned if side in part.settled for name in part.weights}
    told = []
    for part, side in pinned:
        if side in part.settled or not part.weights.keys() <= settled:
            name = " / ".join(part.weights)
            told.append((part.at_lower if side < 0 else part.at_upper) or f"{name} runs away")
    return tuple(told)
