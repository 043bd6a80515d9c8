"""Pareto/NBD: customers buy at their own steady rate and leave at a time of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, expit, exprel

from predclv.maths.arrays import floats
from predclv.maths.levels import Levels
from predclv.maths.race import log_nth_first, log_race, race_and_slopes, worth_until_left
from predclv.maths.special import digamma_rising, log_rising, softplus_and_slope
from predclv.models.base import Columns, Coordinate, LogNormalPrior, Parameter, Prior, Slopes
from predclv.models.futures import Traits
from predclv.models.leaving import IN_REAL_TIME
from predclv.models.purchases import PurchaseModel
from predclv.units import days_per

_BLOCK = 64  # counts that one backward recurrence gives
_CONTRACTS = 0.9  # how large the ratio of its other solution may be


@dataclass(frozen=True, slots=True)
class ParetoNBD(PurchaseModel):
    """Pareto / NBD model of repeat purchases.

    While alive a customer buys at a Poisson rate ``lambda ~ Gamma(r, rate=alpha)``; they leave for
    good after an exponential time of rate ``mu ~ Gamma(s, rate=beta)``, whether they buy or not. A
    one-time buyer can have left as well as anyone: nobody is alive for certain.

    Parameters
    ----------
    r, alpha : float or array
        Shape and rate of the purchase rate: the average customer makes ``r / alpha`` purchases per
        unit of time while alive; the smaller ``r``, the more customers differ.
    s, beta : float or array
        Shape and rate of the leaving rate, on average ``s / beta`` per unit of time; the smaller
        ``s``, the more customers differ. With ``s <= 1`` the mean lifetime is infinite. ``alpha``
        and ``beta`` are times, in the unit of ``t_x`` and ``T``.

    See Also
    --------
    predclv.BGNBD, predclv.MBGNBD

    Notes
    -----
    The leaving time is integrated out by quadrature in its logarithm
    (:func:`predclv.maths.race.log_race`), with a relative error below 1e-12 for up to 20,000
    purchases and parameters from 1e-8 to 1e8; no hypergeometric function.

    References
    ----------
    Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Counting your customers: who are they
    and what will they do next? Management Science 33(1), 1-24.
    Fader, P. S. & Hardie, B. G. S. (2005). A note on deriving the Pareto/NBD model.

    Examples
    --------
    >>> m = ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669)
    >>> round(float(m.p_alive(x=2, t_x=30.43, T=38.86)), 4)
    0.8692
    >>> round(float(m.expected_purchases_after(39, x=2, t_x=30.43, T=38.86)), 3)
    1.455
    """

    r: Parameter
    alpha: Parameter
    s: Parameter
    beta: Parameter

    title: ClassVar[str] = "Pareto/NBD"
    targets = IN_REAL_TIME
    leaves_in_real_time: ClassVar[bool] = True
    kernel: ClassVar[str] = "predclv.likelihoods.kernels_pareto"
    compile_from: ClassVar[float] = 5_000

    def _log_here(self, x: NDArray, T: NDArray) -> NDArray:
        """Log-likelihood of x purchases by T and of still being here."""
        return (
            log_rising(self.r, x)
            - self.r * np.log1p(T / self.alpha)
            - x * np.log(self.alpha + T)
            - self.s * np.log1p(T / self.beta)
        )

    def _log_gone_over_here(self, x: NDArray, t_x: NDArray, T: NDArray) -> NDArray:
        """How far above that lies having left between t_x and T; -inf where t_x = T."""
        r, alpha, s, beta = floats(self.r, self.alpha, self.s, self.beta)
        silent = (r + x) * np.log1p((T - t_x) / (alpha + t_x))
        stayed = s * np.log1p((T - t_x) / (beta + t_x))
        return np.log(s) + silent + stayed + log_race(r + x, alpha, s, beta, t_x, T)

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Log-likelihood of each customer's history, shape (..., n). Note of 2005, eq. 18.

        Parameters
        ----------
        x : array_like, shape (n,)
            Repeat purchases.
        t_x, T : array_like, shape (n,)
            Time of the last purchase (0 where x = 0) and of observation, from the first purchase.
        """
        x, t_x, T = floats(x, t_x, T)
        return self._log_here(x, T) + np.logaddexp(0.0, self._log_gone_over_here(x, t_x, T))

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of still being a customer at ``T``, shape (..., n)."""
        return expit(-self._log_gone_over_here(*floats(x, t_x, T)))

    def given_alive(self, x: ArrayLike, T: ArrayLike) -> "ParetoNBD":
        """The model of a customer still here at ``T``: again a Pareto/NBD."""
        x, T = floats(x, T)
        return ParetoNBD(self.r + x, self.alpha + T, self.s, self.beta + T)

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected repeat purchases of a new customer by ``t``, shape (..., n). Eq. 27.

        ``r beta / (alpha (s - 1)) (1 - (beta / (beta + t))^(s - 1))``, in a form that is right at
        s = 1. ``t`` may be inf: the answer is then inf where s <= 1.
        """
        t, s, beta = floats(t, self.s, self.beta)
        ages = np.log1p(t / beta)
        finite = np.where(np.isinf(t), 1.0, ages)
        with np.errstate(divide="ignore"):
            ever = np.where(s > 1, 1.0 / np.maximum(s - 1, 0.0), np.inf)
        life = np.where(np.isinf(t), ever, finite * exprel((1 - s) * finite))
        return self.r * beta / self.alpha * life

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases of a new customer by ``t``, one at u worth ``exp(-delta u)``.

        ``t`` may be inf; ``delta`` is the continuous discount rate per unit of time. By quadrature,
        where the literature has the confluent hypergeometric function of the second kind.
        """
        t, delta, s, beta = floats(t, delta, self.s, self.beta)
        if np.all(delta == 0):
            return self.expected_purchases(t) + np.zeros(delta.shape)
        if np.any(delta == 0):
            worth = self.discounted_purchases(t, np.where(delta == 0, 1.0, delta))
            return np.where(delta == 0, self.expected_purchases(t), worth)
        return self.r / self.alpha * worth_until_left(s, beta, t, delta)

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one repeat purchase by ``t`` of a new customer.

        That a purchase comes before leaving: the race of the likelihood, with the clocks exchanged.
        """
        t, r, alpha, s, beta = floats(t, self.r, self.alpha, self.s, self.beta)
        return r * np.exp(log_race(s, beta, r, alpha, np.zeros(()), t))

    def silence(self, s: ArrayLike) -> NDArray:
        """Probability that a new customer has not come back after ``s``, had they not left."""
        return np.exp(-self.r * np.log1p(np.divide(s, self.alpha)))

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` repeat purchases by ``t`` of a new customer.

        n purchases while here for the whole of ``t``, or before leaving.
        """
        n, t, r, alpha, s, beta = floats(n, t, self.r, self.alpha, self.s, self.beta)
        bought = n > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            log_power = np.where(bought, n * np.log(t / (alpha + t)), 0.0)
        here = log_power - r * np.log1p(t / alpha) - s * np.log1p(t / beta)
        left = np.where(
            bought,
            log_nth_first(np.maximum(n, 1.0), r, alpha, s, beta, t, 1),
            log_race(r, alpha, s, beta, np.zeros(()), t),
        )
        orders = log_rising(r, n) - log_rising(1.0, n)
        return np.exp(orders + np.logaddexp(here, np.log(s) + left))

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more repeat purchases by ``t`` of a new customer; n >= 1.

        That the n-th comes by ``t`` and before leaving, by quadrature over when it comes.
        """
        n, t, r, alpha, s, beta = floats(n, t, self.r, self.alpha, self.s, self.beta)
        orders = log_rising(r, n) - log_rising(1.0, n - 1)
        return np.exp(orders + log_nth_first(n, r, alpha, s, beta, t, 0))

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ..., absolute error below 1e-12.

        Integration by parts ties three neighbouring n together. Downwards that is stable, so the
        two topmost of every 64 are integrated, or are 0 where that many would be less likely than
        1e-14 of somebody who never leaves.
        """
        t, r, alpha, s, beta = np.broadcast_arrays(
            *floats(t, self.r, self.alpha, self.s, self.beta)
        )
        shape = t.shape
        t, r, alpha, s, beta = (np.ravel(value) for value in (t, r, alpha, s, beta))
        ratio, share = 1.0 - alpha / beta, t / (alpha + t)
        swings = np.abs(ratio) * share > _CONTRACTS
        outside = ParetoNBD(*(value[swings] for value in (r, alpha, s, beta)))
        edge = -(r + 1) * np.log1p(t / alpha) - (s - 1) * np.log1p(t / beta)

        for first in count(1, _BLOCK):
            above = first + _BLOCK
            long = betainc(above, r, share) > 1e-14
            heavy = ParetoNBD(*(value[long] for value in (r, alpha, s, beta)))
            near, far = np.zeros(t.size), np.zeros(t.size)
            near[long], far[long] = (heavy.p_at_least(n, t[long]) for n in (above, above + 1))
            with np.errstate(divide="ignore"):
                orders = log_rising(r, first) - log_rising(1.0, first)
                held = [np.exp(orders + first * np.log(share) + edge)]
            for step in range(first, above - 1):
                held.append(held[-1] * share * ((r + step) / (step + 1)))
            found = []
            for step, parts in zip(range(above - 1, first - 1, -1), reversed(held), strict=True):
                pull = (step * (1 + ratio) + r + s - ratio * (s - 1)) / (r + step)
                near, far = parts + pull * near - ratio * ((step + 1) / (r + step)) * far, near
                found.append(near)
            for step, tail in zip(range(first, above), reversed(found), strict=True):
                if swings.any():
                    tail[swings] = outside.p_at_least(step, t[swings])
                yield tail.reshape(shape)

    def traits(self, shape: tuple[int, ...], rng: np.random.Generator) -> Traits:
        """Customers drawn from the model: purchase rate, and when they leave."""
        rate = rng.gamma(self.r, 1.0, shape) / self.alpha
        leaving = rng.gamma(self.s, 1.0, shape) / self.beta
        leaves_at = rng.exponential(1.0, shape) / np.maximum(leaving, 1e-300)
        return Traits(rate, np.full(shape, np.iinfo(np.int64).max), leaves_at)

    def slopes(  # type: ignore[override]
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        weight: ArrayLike,
        in_time: bool = True,
    ) -> Slopes:
        r"""The weighted log-likelihood of histories and its slopes.

        Those in the parameters are taken under the integral, at the same nodes; those in time are

        .. math::
            \frac{\partial l}{\partial T} = -\frac{r+x}{\alpha+T} P(alive), \quad
            \frac{\partial l}{\partial t_x} = -\frac{s}{\beta+t_x} P(alive)
                \left(\frac{\alpha+T}{\alpha+t_x}\right)^{r+x}
                \left(\frac{\beta+T}{\beta+t_x}\right)^s.

        Parameters
        ----------
        x, t_x, T, weight : array_like, shape (n,)
            Histories, and customers with each.
        in_time : bool
            Whether the slopes in ``t_x`` and ``T`` are wanted too.
        """
        r, alpha, s, beta = (float(getattr(self, name)) for name in self.names())
        xs, Ts, w = Levels(x), Levels(T), np.asarray(weight, float)
        counts, times = xs.values, Ts.values
        customers, customers_at = xs.counted(w), Ts.counted(w)
        purchases_at = Ts.remembered("_purchases", (w, xs), lambda: Ts.collect(w * np.asarray(xs)))
        by_alpha, by_beta = np.log1p(times / alpha), np.log1p(times / beta)
        value = customers @ log_rising(r, counts) - purchases_at @ np.log(alpha + times)
        value -= customers_at @ (r * by_alpha + s * by_beta)
        by_parameter = np.array(
            [
                customers @ digamma_rising(r, counts) - customers_at @ by_alpha,
                customers_at @ (r * times / (alpha * (alpha + times)))
                - purchases_at @ (1.0 / (alpha + times)),
                -(customers_at @ by_beta),
                customers_at @ (s * times / (beta * (beta + times))),
            ]
        )
        x, t_x, T = floats(x, t_x, T)
        power = r + x
        log_total, means = race_and_slopes(
            power, np.asarray(alpha), np.asarray(s), np.asarray(beta), t_x, T
        )
        silent, stayed = np.log1p((T - t_x) / (alpha + t_x)), np.log1p((T - t_x) / (beta + t_x))
        left_at_once = np.log(s) + power * silent + s * stayed
        either, gone = softplus_and_slope(left_at_once + log_total)
        w_gone = w * gone
        by_parameter += np.array(
            [
                w_gone @ (silent - means[0]),
                -(w_gone @ (power * means[2] / (alpha + T))),
                w_gone @ (1.0 / s + stayed - means[1]),
                -(w_gone @ (((s + 1.0) * means[3] + 1.0) / (beta + T))),
            ]
        )
        value += w @ either
        if not in_time:
            return Slopes(float(value), by_parameter)
        by_t_x = -w * np.exp(left_at_once - either) / (beta + t_x)
        return Slopes(float(value), by_parameter, by_t_x, -w * (1.0 - gone) * power / (alpha + T))

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Log parameters to start from: the observed rate, with customers more or less alike."""
        x, t_x, T, weight = cells
        observed = (weight @ x) / max(weight @ np.where(x > 0, t_x, T), 1e-12)
        age = max(weight @ T, 1e-12) / weight.sum()
        return [
            np.log([r, r / observed, s, wait * age])
            for r, s, wait in ((0.5, 0.5, 0.4), (2.0, 1.0, 2.0), (0.1, 0.2, 0.2))
        ]

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """How much customers differ in rate, the average rate, and the same of leaving."""
        x, _, T, weight = cells
        age = max(weight @ T, 1e-12)
        centre, slow = np.log(max(weight @ x, 1.0) / age), np.log(weight.sum() / age)
        return (
            Coordinate(
                {"r": 1.0}, np.log(1e-6), np.log(1e8),
                "hardly anyone buys again (r -> 0)",
                "all customers buy at the same rate (r, alpha -> infinity)",
            ),
            Coordinate({"r": 1.0, "alpha": -1.0}, centre - 25, centre + 25),
            Coordinate(
                {"s": 1.0, "beta": -1.0}, slow - 25, slow + 25,
                "nobody leaves (s / beta -> 0): purchases follow an NBD",
                "customers leave at once or never (beta -> 0)", settled=(-1,),
            ),
            Coordinate(
                {"s": 1.0}, np.log(1e-8), np.log(1e8),
                "hardly anyone leaves (s -> 0)",
                "all customers leave at the same rate (s, beta -> infinity)",
            ),
        )  # fmt: skip

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors: most customer bases lie well inside them.

        95% of the belief: r from 0.02 to 10, alpha from half a day to four and a half years, s from
        0.07 to 4, beta from four days to five years; half of the customers have left after nine
        months. Those of leaving are narrower: few data tell large s and beta from one rate for all.

        Parameters
        ----------
        unit : str
            Of alpha and beta, whose priors are 30 and 90 days whatever it is; r and s have none.
        """
        return {
            "r": LogNormalPrior(0.5, 1.5),
            "alpha": LogNormalPrior(30.0 / days_per(unit), 2.0),
            "s": LogNormalPrior(0.5, 1.0),
            "beta": LogNormalPrior(90.0 / days_per(unit), 1.5),
        }
