"""Customers who may leave right after a purchase: what their models have in common."""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from predclv.maths.arrays import floats
from predclv.maths.levels import Levels
from predclv.maths.special import digamma_rising, log_rising, softplus_and_slope
from predclv.models.base import (
    Columns,
    Coordinate,
    LogNormalPrior,
    Parameter,
    Prior,
    Slopes,
    Targets,
)
from predclv.models.futures import Future, Traits
from predclv.models.purchases import PurchaseModel
from predclv.units import days_per

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


class LeavingAtPurchases(PurchaseModel):
    """Customers with a rate of their own, and a chance of their own of leaving after a purchase.

    A new customer is one who is still there after the first purchase, times the chance of that: it
    is 1 where nobody can leave so early.
    """

    __slots__ = ()
    targets: ClassVar[Targets] = LEAVING_AT_PURCHASES
    tried: ClassVar[tuple[tuple[float, float, float, float], ...]]  # r, haste, a and b at starts

    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    @property
    def stays(self) -> Parameter:
        """Probability of not leaving right after the first purchase."""
        return self.b / np.add(self.a, self.b) if self.chances_before else 1.0

    @property
    def after_first(self) -> Future:
        """The future of a customer who is still there after the first purchase."""
        return self  # where nobody leaves so early, whose page states the formulas below

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected repeat purchases of a new customer by ``t``; ``t`` may be inf."""
        return self.stays * self.after_first.expected_purchases(t)

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases of a new customer by ``t``, one at s worth ``exp(-delta s)``.

        ``t`` may be inf; ``delta`` is the continuous discount rate per unit of time.
        """
        return self.stays * self.after_first.discounted_purchases(t, delta)

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one repeat purchase by ``t`` of a new customer."""
        return self.stays * self.after_first.p_active(t)

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` repeat purchases by ``t`` of a new customer."""
        found = self.stays * self.after_first.pmf(n, t)
        if not self.chances_before:
            return found
        return np.where(np.asarray(n) == 0, 1.0, 0.0) * self.a / np.add(self.a, self.b) + found

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more repeat purchases by ``t`` of a new customer; n >= 1."""
        return self.stays * self.after_first.p_at_least(n, t)

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ..., absolute error below 1e-12."""
        for tail in self.after_first.p_at_least_each(t):
            yield self.stays * tail

    def silence(self, s: ArrayLike) -> NDArray:
        """Probability that a new customer who stays has not come back after ``s``."""
        return self.after_first.silence(s)

    def traits(self, shape: tuple[int, ...], rng: np.random.Generator) -> Traits:
        """Customers drawn from the model: purchase rate, and after which purchase they leave."""
        rate = rng.gamma(self.r, 1.0, shape) / self.alpha
        p = rng.beta(self.a, self.b, shape)
        leaves_after = rng.geometric(np.clip(p, 1e-15, 1.0)) - self.chances_before
        return Traits(rate, leaves_after, np.full(shape, np.inf))

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Log parameters to start from: the observed rate, with customers more or less alike."""
        x, t_x, T, weight = cells
        observed = (weight @ x) / max(weight @ np.where(x > 0, t_x, T), 1e-12)
        return [np.log([r, r / (haste * observed), a, b]) for r, haste, a, b in cls.tried]

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """How much customers differ in rate, the average rate, the odds of leaving, and b."""
        x, _, T, weight = cells
        centre = np.log(max(weight @ x, 1.0) / max(weight @ T, 1e-12))
        first = "first" if cls.chances_before else "first repeat"
        return (
            Coordinate(
                {"r": 1.0}, np.log(1e-6), np.log(1e8),
                "hardly anyone buys again (r -> 0)",
                "all customers buy at the same rate (r, alpha -> infinity)",
            ),
            Coordinate({"r": 1.0, "alpha": -1.0}, centre - 25, centre + 25),
            Coordinate(
                {"a": 1.0, "b": -1.0}, np.log(1e-10), np.log(1e10),
                "nobody leaves (a / b -> 0): purchases follow an NBD",
                f"everyone leaves after the {first} purchase (b / a -> 0)",
                settled=(-1, 1),
            ),
            Coordinate(
                {"b": 1.0}, np.log(1e-8), np.log(1e10),
                "customers leave at once or never (a, b -> 0)",
                "all customers leave with the same chance (a, b -> infinity)",
            ),
        )  # fmt: skip

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors: most customer bases lie well inside them.

        95% of the belief: r from 0.02 to 10, alpha from half a day to four and a half years, a from
        0.02 to 10, b from 0.1 to 40, so that a customer buys about 6 times a year, or from once in
        decades to several times a day, and leaves after a purchase with a chance of 1% to 90%.

        Parameters
        ----------
        unit : str
            alpha is a time: its prior is 30 days whatever the unit; r, a and b have no unit.
        money : float
            Means nothing here.
        """
        return {
            "r": LogNormalPrior(0.5, 1.5),
            "alpha": LogNormalPrior(30.0 / days_per(unit), 2.0),
            "a": LogNormalPrior(0.5, 1.5),
            "b": LogNormalPrior(2.0, 1.5),
        }


def purchases_ever(a: Parameter, b: Parameter) -> NDArray:
    """Expected repeat purchases without an end: ``(a + b - 1) / (a - 1)``, inf where a <= 1."""
    a, b = floats(a, b)
    above = np.where(a > 1, a, 2.0)
    return np.where(a > 1, (above + b - 1) / (above - 1), np.inf)


def slopes_of_leaving(
    model: Any,
    x: ArrayLike,
    t_x: ArrayLike,
    T: ArrayLike,
    weight: ArrayLike,
    in_time: bool = True,
) -> Slopes:
    r"""The weighted log-likelihood of histories and its slopes, of BG/NBD and MBG/NBD.

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

    Parameters
    ----------
    model : LeavingAtPurchases
    x, t_x, T, weight : array_like, shape (n,)
        Histories, and customers with each.
    in_time : bool
        Whether the slopes in ``t_x`` and ``T`` are wanted too.
    """
    chances_before = model.chances_before
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
