"""The search for a likelihood's maximum, and the curvature there: what several engines share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from predclv.errors import FitError
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.memory import keep_freed_memory
from predclv.maths.newton import Maximum, maximum_near
from predclv.maths.optimise import maximum
from predclv.models.base import Coordinate, Objective, Space

GRADIENT = 1e-7
"""Slope per customer, in free parameters, that counts as converged."""

_STEP = 1e-6  # change of a free parameter that is as good as none
_GAIN = 1e-6  # of log-likelihood, as good as none: a standard error costs a half
_UNDETERMINED = 0.01  # curvature below which a direction is flat: a standard error above 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A maximum of the likelihood, in the coordinates that were searched and as parameters."""

    best: Maximum
    back: NDArray  # (k, k), coordinates to free parameters
    directions: tuple[Coordinate, ...]

    @property
    def free(self) -> NDArray:
        """The estimate as free parameters, shape (k,)."""
        return self.back @ self.best.point


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra on one thread: over a handful of parameters, threads wait for each other."""
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


@one_thread()
def estimate(
    likelihood: Likelihood,
    starts: Sequence[NDArray] | None = None,
    objective: Objective | None = None,
    limits: bool = True,
) -> Estimate:
    """The maximum of a likelihood, or of what is given in its place.

    Parameters
    ----------
    likelihood : Likelihood
    starts : sequence of ndarray, each (k,), optional
        Free parameters to start from; the likelihood's own by default.
    objective : callable, optional
        Maximised instead of the likelihood, such as a posterior.
    limits : bool
        Whether the model's limits are tried where the maximum is not sharp; a posterior has none.
    """
    keep_freed_memory()
    directions = likelihood.coordinates()
    transform = np.array(
        [[part.weights.get(name, 0.0) for name in likelihood.space.names] for part in directions]
    )
    back = np.linalg.inv(transform)
    sought = objective or partial(held_back, likelihood)
    scale = float(likelihood.columns[-1].sum())

    def in_coordinates(point: NDArray) -> tuple[float, NDArray]:
        value, slope = sought(back @ point)
        return value, back.T @ slope

    has_limit = np.array(
        [[bool(part.at_lower) for part in directions], [bool(part.at_upper) for part in directions]]
    )
    lower = np.array([part.lower for part in directions])
    upper = np.array([part.upper for part in directions])
    few = likelihood.thinned() if objective is None and starts is None else None
    if few is not None:
        near = estimate(few, limits=limits).best
        best = maximum_near(in_coordinates, near, lower, upper, scale)
        if best is not None:
            return Estimate(best, back, directions)
    best = maximum(
        in_coordinates,
        [transform @ start for start in (starts or likelihood.starts())],
        lower=lower,
        upper=upper,
        has_limit=has_limit & limits,
        scale=scale,
    )
    return Estimate(best, back, directions)


def held_back(likelihood: Likelihood, free: NDArray) -> tuple[float, NDArray]:
    """A likelihood with what holds its parameters back even without priors, and the slope."""
    value, slope = likelihood(free)
    own, pull = likelihood.shrinkage(free)
    return value + own, slope + pull


def assert_converged(likelihood: Likelihood, best: Maximum) -> None:
    """Raise FitError unless the gradient vanishes at the maximum.

    At a limit the likelihood can be so steep, or so flat in what the limit leaves open, that
    rounding leaves a gradient: there it is enough that Newton's step would change no free
    parameter by 1e-6, or gain less than 1e-6.
    """
    n_customers = likelihood.n_customers
    slope = np.max(np.abs(best.free_gradient)) / n_customers
    free = np.flatnonzero(best.pinned == 0)
    step = gain = np.inf
    if best.pinned.any() and free.size:
        sizes, directions = np.linalg.eigh(best.hessian[np.ix_(free, free)])
        along = directions.T @ best.gradient[free]
        sizes = np.maximum(np.abs(sizes), 1e-12)
        step, gain = np.max(np.abs(directions @ (along / sizes))), 0.5 * np.sum(along**2 / sizes)
    if slope > GRADIENT and step > _STEP and gain > _GAIN:
        raise FitError(
            f"{likelihood.title} did not converge on {n_customers:,} customers: the gradient per "
            f"customer is {slope:.1e} after {best.evaluations} evaluations. Look for extreme "
            f"customers (many purchases in a few days) and for a wrong unit of time."
        )


def log_covariance(hessian: NDArray, pinned: NDArray, back: NDArray) -> tuple[NDArray, NDArray]:
    """Covariance of the free parameters, and which of them the data leave undetermined.

    Directions that a limit holds or that are flat get no variance: what is not known is said, not
    drawn.

    Parameters
    ----------
    hessian : ndarray, shape (k, k)
        Of the log-likelihood, in coordinates.
    pinned : ndarray of int, shape (k,)
        Nonzero where a limit holds the coordinate.
    back : ndarray, shape (k, k)
        Coordinates to free parameters.
    """
    free = np.flatnonzero(pinned == 0)
    covariance = np.zeros_like(hessian)
    loose = pinned != 0
    if free.size:
        sizes, vectors = np.linalg.eigh(-hessian[np.ix_(free, free)])
        known = sizes > _UNDETERMINED
        inverse = np.where(known, 1.0 / np.where(known, sizes, 1.0), 0.0)
        covariance[np.ix_(free, free)] = (vectors * inverse) @ vectors.T
        loose[free] = np.any(np.abs(vectors[:, ~known]) > 1e-3, axis=1)
    return back @ covariance @ back.T, np.any(np.abs(back[:, loose]) > 0, axis=1)


def named(space: Space, which: NDArray) -> tuple[str, ...]:
    """The names of the parameters where ``which`` is true."""
    return tuple(name for name, chosen in zip(space.names, which, strict=True) if chosen)
