"""The likelihood of regular buyers who may leave after their purchases, and its slopes."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from predclv.maths.levels import Levels
from predclv.maths.special import digamma_rising, log_rising, softplus_and_slope
from predclv.models.base import Slopes


def silence_terms(k: int, R: NDArray, z: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    r"""``S = sum_{j<k} (R)_j z^j / j!``, and its slopes in R and z, each of the shape of both.

    Fewer than k events have come since the last purchase.
    """
    term, total, by_R, by_z = np.ones_like(z), np.ones_like(z), np.zeros_like(z), np.zeros_like(z)
    logarithmic = np.zeros_like(z)
    for j in range(1, k):
        # z^(j - 1) by itself: the slope at z = 0 is wanted too.
        by_z = by_z + term * (R + (j - 1))
        term = term * z * ((R + (j - 1)) / j)
        logarithmic = logarithmic + 1.0 / (R + (j - 1))
        total = total + term
        by_R = by_R + term * logarithmic
    return total, by_R, by_z


def slopes_of_regular_leaving(
    model: Any,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weight: ArrayLike,
    in_time: bool = True,
) -> Slopes:
    r"""The weighted log-likelihood of customers who buy at each k-th event, and its slopes.

    After x repeat purchases a customer has had ``c = x + chances_before`` chances to leave. With
    ``R = r + k x`` and ``z = (T - t_x) / (alpha + T)``, the log-likelihood but for the gaps between
    purchases, ``(k - 1) sum log gap``, is

    .. math::
        l = \log \frac{\Gamma(R)}{\Gamma(r)} + r \log \alpha - R \log(\alpha + T)
            - x \log \Gamma(k) + \log S + \log \frac{B(a, b + c)}{B(a, b)} + \log(1 + e^y), \\
        S = \sum_{j<k} \frac{(R)_j}{j!} z^j, \quad
        y = \log \frac{a}{b + c - 1} + R \log \frac{\alpha + T}{\alpha + t_x} - \log S

    without the last term where c = 0. ``w = P(alive) = 1 / (1 + e^y)``, and in the two times

    .. math::
        \frac{\partial l}{\partial T} =
            w \left(\frac{S_z}{S} \frac{\alpha + t_x}{(\alpha + T)^2} - \frac{R}{\alpha + T}\right),
        \quad
        \frac{\partial l}{\partial t_x} = - w \frac{S_z}{S (\alpha + T)}
            - (1 - w) \frac{R}{\alpha + t_x},

    the latter 0 where x = 0, for then t_x is 0 and no purchase.

    Parameters
    ----------
    model : RegularModel
    x, t_x, T, weight : array_like, shape (n,)
        Histories, and customers with each.
    in_time : bool
        Whether the slopes in ``t_x`` and ``T`` are wanted too.
    """
    k, chances_before = int(model.k), model.chances_before
    r, alpha, a, b = (float(getattr(model, name)) for name in ("r", "alpha", "a", "b"))
    x, t_x, T, w = Levels(x), Levels(t_x), Levels(T), np.asarray(weight, float)
    counts, chances = x.values, x.values + chances_before
    customers = x.counted(w)
    log_odds, before = np.full(counts.size, -np.inf), np.zeros(counts.size)
    may = chances > 0
    before[may] = 1.0 / (b + (chances[may] - 1))
    log_odds[may] = np.log(a * before[may])
    taken = digamma_rising(a + b, chances)
    now, then = np.log1p(T.values / alpha), np.log1p(t_x.values / alpha)
    later, sooner = T.spread(1.0 / (alpha + T.values)), t_x.spread(1.0 / (alpha + t_x.values))
    age, last = np.asarray(T), np.asarray(t_x)

    events = k * counts
    power = x.spread(r + events)
    z = (age - last) * later
    S, S_R, S_z = silence_terms(k, power, z)
    now_each, then_each = T.spread(now), t_x.spread(then)
    excess = x.spread(log_odds) + power * (now_each - then_each) - np.log(S)
    either, gone = softplus_and_slope(excess)
    here = w * (1.0 - gone)
    gone = w * gone
    events_each = x.spread(events)
    value = (
        customers
        @ (
            log_rising(r, events)
            + log_rising(b, chances)
            - log_rising(a + b, chances)
            - counts * gammaln(k)
        )
        - w @ (r * now_each + events_each * (np.log(alpha) + now_each))
        + w @ (np.log(S) + either)
    )
    S_R, S_z = S_R / S, S_z / S
    if not k > 1:
        S_R = S_z = np.zeros_like(z)
    of_living = (r * age / alpha - events_each) * later - z * S_z * later
    of_gone = (r * last / alpha - events_each) * sooner
    by_parameter = np.array(
        [
            customers @ digamma_rising(r, events) + here @ (S_R - now_each) - gone @ then_each,
            here @ of_living + gone @ of_gone,
            gone.sum() / a - customers @ taken,
            customers @ (digamma_rising(b, chances) - taken) - x.collect(gone) @ before,
        ]
    )
    if not in_time:
        return Slopes(float(value), by_parameter)
    by_t_x = -here * S_z * later - gone * power * sooner
    by_T = here * (S_z * later * later / sooner - power * later)
    return Slopes(float(value), by_parameter, np.where(np.asarray(x) > 0, by_t_x, 0.0), by_T)
