"""What running contracts are expected to do: renewals ahead, by age, with parameters as draws."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from predclv.contracts.opportunity_outlook import opportunities_ahead, simulated_opportunities
from predclv.contracts.prospects import DRAWS, Ahead, central, mean_of_draws, steps, with_draws
from predclv.engines.result import Fit
from predclv.models.bgbb import BGBB
from predclv.models.retention import RetentionModel

_WORK = 4_000_000  # binomial draws behind a total


def ahead(
    fit: Fit,
    state: Mapping[str, NDArray],
    within: float,
    discount: float,
    level: float | None,
    seed: int,
) -> Ahead:
    """What lies ahead of contracts with so many renewals behind them.

    Parameters
    ----------
    fit : Fit
        Of a model of retention.
    state : mapping
        ``renewals``: made so far, shape (n,).
    within : float
        Periods; inf for the remaining lifetime.
    discount : float
        Per period.
    level : float or None
        Of the predictive intervals.
    seed : int
    """
    if isinstance(fit.model, BGBB):
        return opportunities_ahead(fit, state, within, discount, level, seed)
    m = np.asarray(state["renewals"], float)
    model: RetentionModel = central(fit)
    k = np.arange(1.0, steps(within) + 1.0)
    stays = np.empty((m.size, k.size))
    for i, age in enumerate(m):
        after = model.survival_after(k, age)
        stays[i] = after.mean(axis=0) if after.ndim > 1 else after
    plain = mean_of_draws(model.discounted_renewals(m, 0.0, within), m.size)
    worth = mean_of_draws(model.discounted_renewals(m, discount, within), m.size)
    end = np.zeros(m.size) if np.isinf(within) else stays[:, -1]
    counts = bounds = None
    if level is not None:
        drawn: RetentionModel = with_draws(fit, DRAWS, seed)
        tails = np.empty_like(stays)
        for i, age in enumerate(m):
            tails[i] = drawn.survival_after(k, age).mean(axis=0)
        counts = np.array([_quantile(tails, share) for share in (0.5 - level / 2, 0.5 + level / 2)])
        if np.isinf(within):
            counts = np.where(counts >= k.size, np.inf, counts)
        rate = np.log1p(discount)
        bounds = -np.expm1(-rate * counts) / np.expm1(rate) if rate > 0 else counts
    return Ahead(np.ones(m.size), stays[:, 0], end, plain, worth, counts, bounds, stays)


def _quantile(tails: NDArray, share: float) -> NDArray:
    """Smallest k with P(K <= k) >= share, from P(K >= 1), P(K >= 2), ... (n, periods)."""
    # P(K <= k) = 1 - P(K >= k + 1)
    return (1.0 - tails < share - 1e-12).sum(axis=1).astype(float)


def simulated_payments(
    fit: Fit,
    state: Mapping[str, NDArray],
    weight: NDArray,
    within: float,
    futures: int,
    seed: int,
    rng: np.random.Generator,
) -> NDArray:
    """Payments of all contracts of a fit in each period, (futures, n, periods).

    In a future all contracts share a draw of the parameters.
    """
    if isinstance(fit.model, BGBB):
        return simulated_opportunities(fit, state, weight, steps(within), futures, seed, rng)
    m = np.asarray(state["renewals"], float)
    model: RetentionModel = with_draws(fit, futures, seed)
    alive = np.broadcast_to(weight, (futures, m.size)).astype(np.int64)
    found = np.empty((futures, m.size, steps(within)), np.int64)
    for k in range(found.shape[2]):
        alive = rng.binomial(alive, np.exp(model.log_retention(m + k + 1.0)))
        found[:, :, k] = alive
    return found


def futures_for(cells: int, periods: int) -> int:
    """How many futures of the whole base are simulated."""
    return int(np.clip(_WORK // max(1, cells * periods), 200, 1000))
