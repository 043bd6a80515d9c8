"""Maximum likelihood of our own: exact at the optimum, and honest where there is none."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

from predclv.data.cells import Cells, SpendCells
from predclv.engines.result import Fit
from predclv.errors import BoundaryWarning, FitError, OptionError
from predclv.interrupts import uninterrupted
from predclv.maths.optimise import Maximum, maximum
from predclv.models.base import Columns, Coordinate, Model, Objective

_GRADIENT = 1e-7  # per customer, on the log scale: what counts as converged
_STEP = 1e-6  # change of a log parameter that is as good as none
_UNDETERMINED = 0.01  # curvature below which a direction is flat: a log standard error above 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A maximum of the likelihood, in the coordinates that were searched and as parameters."""

    best: Maximum
    back: NDArray  # (k, k), coordinates to log parameters
    directions: tuple[Coordinate, ...]

    @property
    def log_parameters(self) -> NDArray:
        """The estimate, shape (k,)."""
        return self.back @ self.best.point


def run(
    model: type[Model],
    cells: Cells | SpendCells,
    unit: str,
    bootstrap: int | None = None,
    seed: int | None = None,
    start: Fit | None = None,
) -> Fit:
    """Fit by maximum likelihood; see :func:`predclv.fit`.

    Parameters
    ----------
    model, cells, unit
        As :func:`predclv.fit` prepares them.
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
    arrays = arrays_of(cells)
    n_customers = int(cells.weight.sum())
    found = _found(model, arrays, None if start is None else checked_start(model, unit, start))
    best = found.best
    assert_converged(model, best, n_customers)
    covariance, undetermined = log_covariance(best.hessian, best.pinned, found.back)
    limits = _limits(best, found.directions)
    if limits:
        warnings.warn(
            f"{model.title} has no maximum inside on these {n_customers:,} customers; the "
            f"likelihood rises towards a limit: {'; '.join(limits)}. The fit is that limit and "
            f"its forecasts are right for it, but the data cannot tell its parameters apart. "
            f"More customers or a longer history would.",
            BoundaryWarning,
            stacklevel=4,
        )
    draws = None
    if bootstrap is not None:
        with uninterrupted():
            from predclv.engines.bootstrap import replicates

        draws = replicates(model, arrays, found.log_parameters, bootstrap, seed)
    return Fit(
        model=model.from_log(found.log_parameters),
        engine="mle",
        unit=unit,
        n_customers=n_customers,
        log_likelihood=best.value,
        converged=True,
        log_covariance=covariance,
        undetermined=named(model, undetermined),
        limits=limits,
        checks=model.checks(arrays),
        method="asymptotic" if draws is None else "bootstrap",
        replicates=draws,
    )


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
    model: type[Model],
    arrays: Columns,
    starts: Sequence[NDArray] | None = None,
    objective: Objective | None = None,
    limits: bool = True,
) -> Estimate:
    """The maximum of the likelihood of cells, or of what is given in its place.

    Parameters
    ----------
    model : type
    arrays : tuple of ndarray
    starts : sequence of ndarray, each (k,), optional
        Log parameters to start from; the model's own by default.
    objective : callable, optional
        Maximised instead of the model's, such as its compiled form or a posterior.
    limits : bool
        Whether the model's limits are tried where the maximum is not sharp; a posterior has none.
    """
    directions = model.coordinates(arrays)
    transform = np.array(
        [[part.weights.get(name, 0.0) for name in model.names()] for part in directions]
    )
    back = np.linalg.inv(transform)
    objective = objective or model.objective(arrays)

    def in_coordinates(point: NDArray) -> tuple[float, NDArray]:
        value, gradient = objective(back @ point)
        return value, back.T @ gradient

    has_limit = np.array(
        [[bool(part.at_lower) for part in directions], [bool(part.at_upper) for part in directions]]
    )
    best = maximum(
        in_coordinates,
        [transform @ start for start in (starts or model.starts(arrays))],
        lower=np.array([part.lower for part in directions]),
        upper=np.array([part.upper for part in directions]),
        has_limit=has_limit & limits,
        scale=float(arrays[-1].sum()),
    )
    return Estimate(best, back, directions)


def checked_start(model: type[Model], unit: str, start: Fit) -> Fit:
    """An earlier fit, if it is one of the same model and in the same unit.

    Raises
    ------
    OptionError
        If not.
    """
    if not (isinstance(start, Fit) and type(start.model) is model):
        found = start.model.title if isinstance(start, Fit) else type(start).__name__
        raise OptionError(f"start must be an earlier Fit of {model.title}; got {found}.")
    if model.needs != "spend" and start.unit != unit:
        raise OptionError(f"start is a fit in {start.unit}s, and these data are in {unit}s.")
    return start


def _found(model: type[Model], arrays: Columns, start: Fit | None) -> Estimate:
    """The estimate, sought near an earlier one where there is one inside the limits."""
    objective = _objective_of(model, arrays)
    if start is not None and not start.limits and not start.undetermined:
        found = estimate(model, arrays, [approached(objective, arrays, start)], objective)
        if not found.best.pinned.any():
            return found
    return estimate(model, arrays, objective=objective)


@one_thread()
def approached(objective: Objective, arrays: Columns, start: Fit) -> NDArray:
    """Log parameters near the maximum, (k,): quasi-Newton with the earlier fit's curvature."""
    n_customers = float(arrays[-1].sum())
    inverse = start.n_customers * 0.5 * (start.log_covariance + start.log_covariance.T)

    def negated(point: NDArray) -> tuple[float, NDArray]:
        value, gradient = objective(point)
        return -value / n_customers, -gradient / n_customers

    return minimize(
        negated,
        np.log(np.array(list(start.params.values()))),
        jac=True,
        method="BFGS",
        options={"hess_inv0": inverse, "gtol": _GRADIENT},
    ).x


def _objective_of(model: type[Model], arrays: Columns) -> Objective:
    """The likelihood, compiled where it is slow enough to be worth loading the compiler."""
    if arrays[-1].size < model.compile_from:
        return model.objective(arrays)
    with uninterrupted():
        from predclv.engines.kernels import objective

    return objective(model, arrays)


def assert_converged(model: type[Model], best: Maximum, n_customers: int) -> None:
    """Raise FitError unless the gradient vanishes at the maximum.

    At a limit the likelihood can be so steep that rounding leaves a gradient: there it is enough
    that Newton's step would change no parameter by 1e-6 of itself.
    """
    slope = np.max(np.abs(best.free_gradient)) / n_customers
    free = np.flatnonzero(best.pinned == 0)
    step = np.inf
    if best.pinned.any() and free.size:
        block = best.hessian[np.ix_(free, free)]
        step = np.max(np.abs(np.linalg.lstsq(block, best.gradient[free], rcond=None)[0]))
    if slope > _GRADIENT and step > _STEP:
        raise FitError(
            f"{model.title} did not converge on {n_customers:,} customers: the gradient per "
            f"customer is {slope:.1e} after {best.evaluations} evaluations. Look for extreme "
            f"customers (many purchases in a few days) and for a wrong unit of time."
        )


def arrays_of(cells: Cells | SpendCells) -> tuple[NDArray, ...]:
    """The columns of cells as the arrays a model's likelihood takes, the weight last."""
    weight = cells.weight.astype(float)
    if isinstance(cells, Cells):
        return cells.frequency, cells.recency, cells.T, weight
    return cells.frequency, cells.monetary_value, weight


def _limits(best: Maximum, directions: tuple[Coordinate, ...]) -> tuple[str, ...]:
    """What the bounds that the maximum lies on mean, in words."""
    told = []
    for part, side in zip(directions, best.pinned, strict=True):
        if side:
            name = " / ".join(part.weights)
            told.append((part.at_lower if side < 0 else part.at_upper) or f"{name} runs away")
    return tuple(told)


def log_covariance(hessian: NDArray, pinned: NDArray, back: NDArray) -> tuple[NDArray, NDArray]:
    """Covariance of the log parameters, and which of them the data leave undetermined.

    Directions that a limit holds or that are flat get no variance: what is not known is said, not
    drawn.

    Parameters
    ----------
    hessian : ndarray, shape (k, k)
        Of the log-likelihood, in coordinates.
    pinned : ndarray of int, shape (k,)
        Nonzero where a limit holds the coordinate.
    back : ndarray, shape (k, k)
        Coordinates to log parameters.
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


def named(model: type[Model], which: NDArray) -> tuple[str, ...]:
    """The names of the parameters where ``which`` is true."""
    return tuple(name for name, chosen in zip(model.names(), which, strict=True) if chosen)
