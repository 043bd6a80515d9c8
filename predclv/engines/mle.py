"""Maximum likelihood of our own: exact at the optimum, and honest where there is none."""

import warnings

import numpy as np
from numpy.typing import NDArray

from predclv.data.cells import Cells, SpendCells
from predclv.engines.base import Fit
from predclv.errors import BoundaryWarning, FitError
from predclv.maths.optimise import Maximum, maximum
from predclv.models.base import Coordinate, Model

_GRADIENT = 1e-7  # per customer, on the log scale: what counts as converged
_UNDETERMINED = 1e-6  # curvature of the log-likelihood below which a direction is flat


def run(model: type[Model], cells: Cells | SpendCells, unit: str) -> Fit:
    """Fit by maximum likelihood; see :func:`predclv.engines.base.fit`."""
    arrays = arrays_of(cells)
    n_customers = int(cells.weight.sum())
    directions = model.coordinates(arrays)
    transform = np.array(
        [[part.weights.get(name, 0.0) for name in model.names()] for part in directions]
    )
    back = np.linalg.inv(transform)
    objective = model.objective(arrays)

    def in_coordinates(point: NDArray) -> tuple[float, NDArray]:
        value, gradient = objective(back @ point)
        return value, back.T @ gradient

    best = maximum(
        in_coordinates,
        [transform @ start for start in model.starts(arrays)],
        lower=np.array([part.lower for part in directions]),
        upper=np.array([part.upper for part in directions]),
        has_limit=np.array(
            [
                [bool(part.at_lower) for part in directions],
                [bool(part.at_upper) for part in directions],
            ]
        ),
        scale=float(n_customers),
    )
    if np.max(np.abs(best.free_gradient)) / n_customers > _GRADIENT:
        raise FitError(
            f"{model.title} did not converge on {n_customers:,} customers: the gradient per "
            f"customer is {np.max(np.abs(best.free_gradient)) / n_customers:.1e} after "
            f"{best.evaluations} evaluations. Look for extreme customers (many purchases in a "
            f"few days) and for a wrong unit of time."
        )
    covariance, undetermined = _log_covariance(best, back)
    limits = _limits(best, directions)
    if limits:
        warnings.warn(
            f"{model.title} has no maximum inside on these {n_customers:,} customers; the "
            f"likelihood rises towards a limit: {'; '.join(limits)}. The fit is that limit and "
            f"its forecasts are right for it, but the data cannot tell its parameters apart. "
            f"More customers or a longer history would.",
            BoundaryWarning,
            stacklevel=4,
        )
    return Fit(
        model=model.from_log(back @ best.point),
        engine="mle",
        unit=unit,
        n_customers=n_customers,
        log_likelihood=best.value,
        converged=True,
        log_covariance=covariance,
        undetermined=tuple(
            name for name, loose in zip(model.names(), undetermined, strict=True) if loose
        ),
        limits=limits,
        checks=model.checks(arrays),
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


def _log_covariance(best: Maximum, back: NDArray) -> tuple[NDArray, NDArray]:
    """Covariance of the log parameters, and which of them the data leave undetermined.

    Directions that a limit holds or that are flat get no variance: what is not known is said, not
    drawn.
    """
    free = np.flatnonzero(best.pinned == 0)
    covariance = np.zeros_like(best.hessian)
    loose = best.pinned != 0
    if free.size:
        sizes, vectors = np.linalg.eigh(-best.hessian[np.ix_(free, free)])
        known = sizes > _UNDETERMINED
        inverse = np.where(known, 1.0 / np.where(known, sizes, 1.0), 0.0)
        covariance[np.ix_(free, free)] = (vectors * inverse) @ vectors.T
        loose[free] = np.any(np.abs(vectors[:, ~known]) > 1e-3, axis=1)
    return back @ covariance @ back.T, np.any(np.abs(back[:, loose]) > 0, axis=1)
