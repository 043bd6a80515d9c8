"""Draws of a fit's parameters as models: what is not known of them, in a forecast."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit

_MANY = 4000  # draws whose mean and covariance a few are made to share


def drawn(fit: Fit, draws: int, rng: np.random.Generator) -> Any:
    """A fit's model with ``draws`` draws of its parameters, each of shape (draws, 1).

    Few draws stand for many: in logs they are stretched and shifted to the mean and covariance
    of 4,000, so that averages over them are off in the third moment at most.
    """
    seed = int(rng.integers(1 << 62))
    names = fit.model.names()
    many = fit.draws(max(draws, _MANY), seed=seed)
    logs = np.log(np.column_stack([many[name] for name in names]))
    few = logs[rng.choice(len(logs), draws, replace=False)]
    return type(fit.model)(*np.exp(_matched(few, logs)).T[:, :, None])


def fixed_draws(fit: Fit, draws: int, rng: np.random.Generator) -> list[Any]:
    """As many models as draws of a fit's parameters, each with numbers for parameters."""
    values = fit.draws(draws, seed=int(rng.integers(1 << 62)))
    names = fit.model.names()
    return [
        type(fit.model)(*(float(values[name][draw]) for name in names)) for draw in range(draws)
    ]


def _matched(few: NDArray, many: NDArray) -> NDArray:
    """The few rows moved so that their mean and covariance are those of the many.

    Along what does not vary, as where a fit ran to a limit, they stay as they are.
    """
    spread = many.std(axis=0)
    varies = spread > 1e-12
    if not varies.any() or len(few) <= 2 * varies.sum():
        return few
    scaled, few_scaled = (
        (rows[:, varies] - many[:, varies].mean(axis=0)) / spread[varies] for rows in (many, few)
    )
    centred = few_scaled - few_scaled.mean(axis=0)
    try:
        of_few = np.linalg.cholesky(np.atleast_2d(np.cov(centred.T)))
        of_many = np.linalg.cholesky(np.atleast_2d(np.cov(scaled.T)))
    except np.linalg.LinAlgError:
        return few
    moved = few.copy()
    matched = centred @ np.linalg.inv(of_few).T @ of_many.T
    moved[:, varies] = many[:, varies].mean(axis=0) + spread[varies] * matched
    return moved
