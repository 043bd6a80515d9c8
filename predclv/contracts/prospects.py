"""What lies ahead of a history, and models with draws of their parameters."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit

DRAWS = 400
"""Of the parameters, behind intervals: a bound then moves by less than 1% of its width."""

MOST = 1200
"""Renewals ahead that are followed one by one where the horizon has no end."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What lies ahead of each cell, per contract; arrays of shape (n,) unless said otherwise.

    Attributes
    ----------
    p_alive, p_active, p_retained : ndarray
        Running now; at least one payment within the horizon; still running at its end.
    purchases, discounted : ndarray
        Expected payments within the horizon, as they are and discounted.
    counts : ndarray, shape (2, n), or None
        Predictive bounds of the number of payments.
    worth : ndarray, shape (2, n), or None
        Predictive bounds of the discounted number.
    by_period : ndarray, shape (n, periods)
        Expected payments in each period.
    """

    p_alive: NDArray
    p_active: NDArray
    p_retained: NDArray
    purchases: NDArray
    discounted: NDArray
    counts: NDArray | None
    worth: NDArray | None
    by_period: NDArray


def with_draws(fit: Fit, n: int, seed: int) -> Any:
    """The fitted model with draws of its parameters, (n, 1) each."""
    drawn = fit.draws(n, seed)
    return type(fit.model)(*(values[:, None] for values in drawn.values()))


def central(fit: Fit) -> Any:
    """The model behind expectations: at the estimate, or over all draws of a posterior."""
    if fit.replicates is None or fit.method == "bootstrap":
        return fit.model
    flat = fit.replicates.reshape(-1, fit.replicates.shape[-1])
    step = max(1, len(flat) // 1000)
    return type(fit.model)(*(flat[::step, i : i + 1] for i in range(flat.shape[1])))


def mean_of_draws(values: NDArray, n: int) -> NDArray:
    """Mean over draws where there are any, shape (n,)."""
    return np.broadcast_to(values.mean(axis=0) if np.ndim(values) > 1 else values, (n,))


def steps(within: float) -> int:
    """Periods that are followed one by one."""
    return int(min(within, MOST))
