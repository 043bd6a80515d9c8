"""The likelihood of customers who may leave after their purchases: BG/NBD's and MBG/NBD's."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from predclv.maths.levels import Levels
from predclv.maths.special import digamma_rising, log_rising, softplus_and_slope
from predclv.models.base import Slopes, Targets

LEAVING_AT_PURCHASES: Targets = {
    "rate": {"alpha": -1.0},
    "leaving": {"a": 0.5, "b": -0.5},
}
"""What covariates act on where customers leave at purchases: by how much each logarithm moves.

A covariate of leaving multiplies the odds ``a / b`` of leaving after a purchase. How much customers
differ in it, ``a b``, stays: were each its own, most data could not tell the two apart.
"""

IN_REAL_TIME: Targets = {"rate": {"alpha": -1.0}, "leaving": {"beta": -1.0}}
"""The same where they leave by themselves: a covariate of leaving multiplies the rate of it."""


def slopes_of_leaving(
    model: Any,
    chances_before: int,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weight: ArrayLike,
    in_time: bool,
) -> Slopes:
    r"""Log-likelihood and slopes of customers who may leave after each of their purchases.

    After x repeat purchases a customer has had ``k = x + chances_before`` chances to leave: k = x
    in BG/NBD, k = x + 1 in MBG/NBD. Either they took none, or the last one:

    .. math::
        l = \log \frac{\Gamma(r+x)}{\Gamma(r)} - r \log(1 + T/\alpha) - x \log(\alpha + T)
            + \log \frac{B(a, b+k)}{B(a, b)} + \log(1 + e^z), \quad
        z = \log \frac{a}{b+k-1} + (r+x) \log \frac{\alpha+T}{\alpha+t_x}

    without the last term where k = 0. ``P(alive) = 1 / (1 + e^z)``, and in the two times

    .. math::
        \frac{\partial l}{\partial T} = -\frac{r+x}{\alpha+T} P(alive), \quad
        \frac{\partial l}{\partial t_x} = -\frac{r+x}{\alpha+t_x} (1 - P(alive)),

    the latter 0 where x = 0, for then t_x is 0 and no purchase. Gamma functions depend on x alone
    and most logarithms on one time alone: those are taken once per distinct value.
    """
    r, alpha, a, b = (float(getattr(model, name)) for name in ("r", "alpha", "a", "b"))
    x, t_x, T, w = Levels(x), Levels(t_x), Levels(T), np.asarray(weight, float)
    counts, chances, times = x.values, x.values + chances_before, T.values
    customers, customers_at = x.counted(w), T.counted(w)
    purchases_at = T.remembered("_purchases", (w, x), lambda: T.collect(w * np.asarray(x)))
    log_odds, before = np.full(counts.size, -np.inf), np.zeros(counts.size)
    may = chances > 0
    before[may] = 1.0 / (b + (chances[may] - 1))
    log_odds[may] = np.log(a * before[may])
    taken = digamma_rising(a + b, chances)
    now, then, by_now = np.log1p(times / alpha), np.log1p(t_x.values / alpha), 1.0 / (alpha + times)

    power, silence = x.spread(r + counts), T.spread(now) - t_x.spread(then)
    excess = x.spread(log_odds) + power * silence
    either, gone = softplus_and_slope(excess)
    w_gone = w * gone
    back_at, pull = customers_at, w_gone
    if chances_before:
        # Who never came back and is all but certainly gone pulls by the small rest, unrounded.
        never = x.remembered("_never", (), lambda: np.flatnonzero(np.asarray(x) == 0))
        back_at = T.remembered("_back", (w, x), lambda: T.collect(w * (np.asarray(x) > 0)))
        pull = w_gone.copy()
        pull[never] = -w[never] * expit(-excess[never])
    later, sooner = T.spread(by_now), t_x.spread(1.0 / (alpha + t_x.values))
    value = (
        customers @ (log_rising(r, counts) + log_rising(b, chances) - log_rising(a + b, chances))
        - r * (customers_at @ now)
        - purchases_at @ np.log(alpha + times)
        + w @ either
    )
    by_parameter = np.array(
        [
            customers @ digamma_rising(r, counts) - back_at @ now + pull @ silence,
            (r / alpha * back_at * times - purchases_at) @ by_now
            + pull @ (power * (later - sooner)),
            w_gone.sum() / a - customers @ taken,
            customers @ (digamma_rising(b, chances) - taken) - x.collect(w_gone) @ before,
        ]
    )
    if not in_time:
        return Slopes(float(value), by_parameter)
    by_t_x = np.where(np.asarray(x) > 0, -w_gone * power * sooner, 0.0)
    return Slopes(float(value), by_parameter, by_t_x, -w * (1.0 - gone) * power * later)
