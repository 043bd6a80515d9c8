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
_FOLLOWED = 5_000_000  # opportunities of a whole base that are simulated one by one


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
    model: BGBB,
    history: tuple[NDArray, ...],
    length: int,
    rng: np.random.Generator,
    owner: NDArray | None = None,
) -> NDArray:
    """Which opportunities one customer of each history takes, (draws, n, length).

    With ``owner``, shape (m,), the customers are those whose histories it numbers.
    """
    x, t_x, n = history
    at = slice(None) if owner is None else owner
    p_alive, later = model.p_alive(x, t_x, n)[:, at], model.given_alive(x, n)
    of = {name: np.broadcast_to(getattr(later, name), (len(p_alive), x.size))[:, at]
          for name in later.names()}  # fmt: skip
    alive = rng.uniform(size=p_alive.shape) < p_alive
    p = rng.beta(of["alpha"], of["beta"])
    theta = rng.beta(of["gamma"], of["delta"])
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

    Of few customers each one is followed. Of many, a history's customers together are normal, with
    the mean and the covariance over periods that chance gives one of them; so a history's own
    number may fall below 0, and only sums over many histories are meant.
    """
    history = tuple(np.asarray(state[name], float) for name in state)
    x, t_x, n = history
    length = min(length, _ENDLESS)
    model: BGBB = with_draws(fit, futures, seed)
    if futures * weight.sum() * length <= _FOLLOWED:
        owner = np.repeat(np.arange(x.size), weight.astype(np.int64))
        each = _paths(model, history, length, rng, owner)
        starts = np.cumsum(weight.astype(np.int64)) - weight.astype(np.int64)
        return np.add.reduceat(each, starts, axis=1, dtype=float)
    alive = model.p_alive(x, t_x, n)
    later = model.given_alive(x, n)
    takes = np.divide(later.alpha, np.add(later.alpha, later.beta))
    found = np.empty((futures, x.size, length))
    for k in range(length):
        found[..., k] = weight * alive * takes * later.p_still(float(k + 1))
    taken = _paths(with_draws(fit, 2000, seed), history, length, rng).astype(float)
    for i in range(x.size):
        spread = np.atleast_2d(np.cov(taken[:, i], rowvar=False)) * weight[i]
        sizes, vectors = np.linalg.eigh(spread)
        root = vectors * np.sqrt(np.maximum(sizes, 0.0))
        found[:, i] += rng.standard_normal((futures, length)) @ root.T
    return found
