"""BG/NBD: customers buy at their own steady rate and may leave after any repeat purchase."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, expit

from predclv.maths.arrays import floats
from predclv.maths.discounting import WORTHLESS, discounted_until_dropout
from predclv.maths.quadrature import beta_expectation
from predclv.maths.special import log_rising
from predclv.models.base import Parameter
from predclv.models.leaving import LeavingAtPurchases, purchases_ever, slopes_of_leaving


@dataclass(frozen=True, slots=True)
class BGNBD(LeavingAtPurchases):
    """Beta-geometric / NBD model of repeat purchases.

    While alive a customer buys at a Poisson rate ``lambda ~ Gamma(r, rate=alpha)``; right after
    each repeat purchase they leave for good with chance ``p ~ Beta(a, b)``. Nobody can leave
    before a repeat purchase, so a one-time buyer is alive for certain: that is the model's
    best-known fault, not a finding.

    Parameters
    ----------
    r, alpha : float or array
        Shape and rate of the purchase rate: the average customer makes ``r / alpha`` purchases per
        unit of time while alive; the smaller ``r``, the more customers differ. ``alpha`` is a time,
        in the unit of ``t_x`` and ``T``.
    a, b : float or array
        The average chance of leaving after a purchase is ``a / (a + b)``; the smaller ``a + b``,
        the more customers differ.

    See Also
    --------
    predclv.MBGNBD : may also leave after the first purchase.
    predclv.ParetoNBD : leave at a time of their own.
    predclv.BGCNBD : BG/NBD of regular buyers.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way: an
    alternative to the Pareto/NBD model. Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> m = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> round(float(m.p_alive(x=2, t_x=30.43, T=38.86)), 4)
    0.7266
    >>> round(float(m.expected_purchases_after(39, x=2, t_x=30.43, T=38.86)), 3)
    1.226
    """

    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    title: ClassVar[str] = "BG/NBD"
    kernel: ClassVar[str] = "predclv.likelihoods.kernels_bgnbd"
    tried = ((0.5, 1.0, 0.5, 2.0), (2.0, 1.0, 0.1, 2.0), (0.1, 1.0, 2.0, 2.0))

    def _log_gone_over_here(self, x: NDArray, t_x: NDArray, T: NDArray) -> NDArray:
        """How far, in logs, having left after t_x lies above still being here; -inf at x = 0."""
        repeat = x > 0
        before = np.where(repeat, self.b + (x - 1), 1.0)
        gone_over_here = (
            np.log(self.a)
            - np.log(before)
            + (self.r + x) * np.log1p((T - t_x) / (self.alpha + t_x))
        )
        return np.where(repeat, gone_over_here, -np.inf)

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Log-likelihood of each customer's history, shape (..., n). Eq. 3 of the paper.

        Parameters
        ----------
        x : array_like, shape (n,)
            Repeat purchases.
        t_x, T : array_like, shape (n,)
            Time of the last purchase (0 where x = 0) and of observation, from the first purchase.
        """
        x, t_x, T = floats(x, t_x, T)
        here = (
            log_rising(self.r, x)
            - self.r * np.log1p(T / self.alpha)
            - x * np.log(self.alpha + T)
            + log_rising(self.b, x)
            - log_rising(np.add(self.a, self.b), x)
        )
        return here + np.logaddexp(0.0, self._log_gone_over_here(x, t_x, T))

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of still being a customer at ``T``, shape (..., n); 1 where x = 0.

        Source: Fader, Hardie & Lee (2008), computing P(alive) using the BG/NBD model.
        """
        x, t_x, T = floats(x, t_x, T)
        return expit(-self._log_gone_over_here(x, t_x, T))

    def given_alive(self, x: ArrayLike, T: ArrayLike) -> "BGNBD":
        """The model of a customer still here at ``T``: again a BG/NBD."""
        x, T = floats(x, T)
        return BGNBD(self.r + x, self.alpha + T, self.a, self.b + x)

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected repeat purchases of a new customer by ``t``, shape (..., n). Eq. 9.

        The expectation over p of ``(1 - (alpha / (alpha + p t))^r) / p``, by quadrature: no
        hypergeometric function, relative error about 1e-12. ``t`` may be inf; the answer is then
        ``(a + b - 1) / (a - 1)`` where a > 1, and inf elsewhere.
        """
        (t,) = floats(t)
        endless = np.isinf(t)
        if endless.any():
            finite = self.expected_purchases(np.where(endless, 1.0, t))
            return np.where(endless, purchases_ever(self.a, self.b), finite)
        return beta_expectation(
            _purchases_at, self.a, self.b, self.r, self.alpha, t, reach=self._reach(t)
        )

    def _reach(self, t: NDArray) -> NDArray:
        """The chance p at which a customer's purchases by t begin to feel it."""
        with np.errstate(divide="ignore"):
            return np.divide(self.alpha, t * np.maximum(self.r, 1.0))

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases of a new customer by ``t``, one at s worth ``exp(-delta s)``.

        ``t`` may be inf; ``delta`` is the continuous discount rate per unit of time.
        """
        t, delta = floats(t, delta)
        if np.all(delta == 0):
            return self.expected_purchases(t)
        if np.any(delta == 0):
            worth = self.discounted_purchases(t, np.where(delta == 0, 1.0, delta))
            return np.where(delta == 0, self.expected_purchases(t), worth)
        effective = np.minimum(t, WORTHLESS / delta)
        return beta_expectation(
            discounted_until_dropout,
            self.a,
            self.b,
            self.r,
            self.alpha,
            t,
            delta,
            reach=self._reach(effective),
            rough=bool(np.all(np.isinf(t))),
        )

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one repeat purchase by ``t`` of a new customer."""
        (t,) = floats(t)
        return -np.expm1(-self.r * np.log1p(t / self.alpha))

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` repeat purchases by ``t`` of a new customer. Eq. 8.

        The paper's sum over fewer than n purchases is a negative binomial's distribution function,
        here its complement as a regularised incomplete beta, which does not cancel.
        """
        n, t = floats(n, t)
        share = t / (self.alpha + t)
        stays = log_rising(self.b, n) - log_rising(np.add(self.a, self.b), n)
        bought = n > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            log_power = np.where(bought, n * np.log(share), 0.0)
        here = np.exp(
            stays
            + log_rising(self.r, n)
            - log_rising(1.0, n)
            - self.r * np.log1p(t / self.alpha)
            + log_power
        )
        leaves = np.exp(stays) * self.a / np.where(bought, self.b + (n - 1), 1.0)
        n_or_more = betainc(np.where(bought, n, 1.0), self.r, share)
        return here + np.where(bought, leaves * n_or_more, 0.0)

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more repeat purchases by ``t`` of a new customer; n >= 1.

        Enough arrivals, and not having left after any of the first n - 1.
        """
        n, t = floats(n, t)
        stays = log_rising(self.b, n - 1) - log_rising(np.add(self.a, self.b), n - 1)
        return np.exp(stays) * betainc(n, self.r, t / (self.alpha + t))

    def silence(self, s: ArrayLike) -> NDArray:
        """Probability that a new customer who stays has not come back after ``s``."""
        return np.exp(-self.r * np.log1p(np.divide(s, self.alpha)))

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ... by recurrence, absolute error below 1e-12."""
        (t,) = floats(t)
        share = t / (self.alpha + t)
        exactly = np.exp(-self.r * np.log1p(t / self.alpha))
        arrivals = self.p_active(t)
        stays = np.ones_like(arrivals)
        ab = np.add(self.a, self.b)
        for n in count(1):
            yield stays * arrivals
            exactly = exactly * share * ((self.r + (n - 1)) / n)
            arrivals = np.maximum(arrivals - exactly, 0.0)
            stays = stays * ((self.b + (n - 1)) / (ab + (n - 1)))

    slopes = slopes_of_leaving  # type: ignore[assignment]


def _purchases_at(p: NDArray, r: NDArray, alpha: NDArray, t: NDArray) -> NDArray:
    """Expected purchases by t of customers who leave with chance p after each, (m, n)."""
    p = np.maximum(p, 1e-290)
    return -np.expm1(-r * np.log1p(p * t / alpha)) / p
