"""What givers are expected to do: opportunities taken ahead, by history."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from predclv.contracts.prospects import Ahead, central, mean_of_draws, with_draws
from predclv.engines.result import Fit
from predclv.models.bgbb import BGBB
from predclv.streams import Stream, stream

_DRAWS = 400  # simulated futures of each history, one per draw of the parameters
_ENDLESS = 300  # opportunities ahead that stand for the whole remaining lifetime


def opportunities_ahead(
    fit: Fit,
    state: Mapping[str, NDArray],
    within: float,
    discount: float,
    level: float | None,
    seed: int,
) -> Ahead:
    """What lies ahead of customers with these histories; see `predclv.contracts.outlook.ahead`.

    Of the whole remaining lifetime, 300 opportunities are counted.
    """
    history = x, t_x, n = tuple(np.asarray(state[name], float) for name in state)
    size, length = x.size, int(min(within, _ENDLESS))
    model: BGBB = central(fit)
    alive = model.p_alive(x, t_x, n)
    future = model.given_alive(x, n)
    takes = np.divide(future.alpha, np.add(future.alpha, future.beta))
    t = np.arange(1.0, length + 1.0)
    by_period = np.empty((size, length))
    for k in range(length):
        by_period[:, k] = mean_of_draws(alive * takes * future.p_still(t[k]), size)
    retained = mean_of_draws(alive * future.p_still(float(length)), size)
    worth = np.exp(-np.log1p(discount) * t)
    active = model.p_active_after(min(length, 60), *history)
    counts = bounds = None
    if level is not None:
        drawn: BGBB = with_draws(fit, _DRAWS, seed)
        rng = stream(seed, Stream.COUNTS)
        taken = _paths(drawn, history, length, rng)
        ends = [0.5 - level / 2, 0.5 + level / 2]
        counts = np.quantile(taken.sum(axis=-1), ends, axis=0, method="inverted_cdf")
        bounds = np.quantile(taken @ worth, ends, axis=0)
    return Ahead(
        mean_of_draws(alive, size), mean_of_draws(active, size),
        np.zeros(size) if np.isinf(within) else retained,
        by_period.sum(axis=1), by_period @ worth, counts, bounds, by_period,
    )  # fmt: skip


def _paths(
    model: BGBB, history: tuple[NDArray, ...], length: int, rng: np.random.Generator
) -> NDArray:
    """Which opportunities one customer of each history takes, (draws, n, length)."""
    x, t_x, n = history
    alive = rng.uniform(size=(np.shape(model.alpha)[0], x.size)) < model.p_alive(x, t_x, n)
    later = model.given_alive(x, n)
    p = rng.beta(later.alpha, later.beta, alive.shape)
    theta = rng.beta(later.gamma, later.delta, alive.shape)
    taken = np.empty((*alive.shape, length), bool)
    for k in range(length):
        alive &= rng.uniform(size=alive.shape) >= theta
        taken[..., k] = alive & (rng.uniform(size=alive.shape) < p)
    return taken


def simulated_opportunities(
    fit: Fit,
    state: Mapping[str, NDArray],
    weight: NDArray,
    length: int,
    futures: int,
    seed: int,
    rng: np.random.Generator,
) -> NDArray:
    """Opportunities taken by all customers in each period, (futures, n, periods).

    A history's customers are as many draws of one customer as there are; of many, the normal that
    has their mean and the covariance over periods, which chance alone makes.
    """
    history = tuple(np.asarray(state[name], float) for name in state)
    x, t_x, n = history
    length = min(length, _ENDLESS)
    model: BGBB = with_draws(fit, futures, seed)
    alive = model.p_alive(x, t_x, n)
    later = model.given_alive(x, n)
    takes = np.divide(later.alpha, np.add(later.alpha, later.beta))
    found = np.empty((futures, x.size, length))
    for k in range(length):
        found[..., k] = weight * alive * takes * later.p_still(float(k + 1))
    point = with_draws(fit, 2000, seed)
    taken = _paths(point, history, length, rng).astype(float)
    for i in range(x.size):
        spread = np.atleast_2d(np.cov(taken[:, i], rowvar=False)) * weight[i]
        sizes, vectors = np.linalg.eigh(spread)
        root = vectors * np.sqrt(np.maximum(sizes, 0.0))
        found[:, i] += rng.standard_normal((futures, length)) @ root.T
    return np.maximum(found, 0.0)
