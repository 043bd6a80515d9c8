"""MBG/NBD: BG/NBD whose customers may also leave right after the first purchase."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from predclv.models.base import Columns, Coordinate, Parameter, Prior, Slopes, Targets
from predclv.models.bgnbd import BGNBD
from predclv.models.futures import Traits
from predclv.models.leaving import LEAVING_AT_PURCHASES, slopes_of_leaving
from predclv.models.purchases import PurchaseModel


@dataclass(frozen=True, slots=True)
class MBGNBD(PurchaseModel):
    """Modified beta-geometric / NBD model of repeat purchases.

    While alive a customer buys at a Poisson rate ``lambda ~ Gamma(r, rate=alpha)``; right after
    each purchase, *the first included*, they leave for good with chance ``p ~ Beta(a, b)``. So a
    one-time buyer may be gone, which BG/NBD rules out: who is still there after the first purchase
    is a BG/NBD customer with ``b + 1``, and every formula here says just that.

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
    predclv.BGNBD : may leave after a repeat purchase.
    predclv.ParetoNBD : leave at a time of their own.
    predclv.MBGCNBD : MBG/NBD of regular buyers.

    References
    ----------
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison of
    models for customer base analysis. International Journal of Research in Marketing 24, 201-209.
    Hoppe, D. & Wagner, U. (2007). Customer base analysis: the case for a central variant of the
    Betageometric/NBD model. Marketing JRM 3(2), 75-90. Erratum: IJRM 25 (2008), 225-226.

    Examples
    --------
    >>> m = MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614)
    >>> round(float(m.p_alive(x=0, t_x=0, T=38.86)), 4)
    0.3897
    >>> round(float(m.expected_purchases_after(39, x=2, t_x=30.43, T=38.86)), 3)
    1.263
    """

    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    title: ClassVar[str] = "MBG/NBD"
    targets: ClassVar[Targets] = LEAVING_AT_PURCHASES
    kernel: ClassVar[str] = "predclv.likelihoods.kernels_mbgnbd"
    compile_from: ClassVar[float] = 1_000_000

    @property
    def stays(self) -> NDArray:
        """Probability of not leaving right after the first purchase."""
        return self.b / np.add(self.a, self.b)

    @property
    def after_first(self) -> BGNBD:
        """The model of a customer who is still there after the first purchase."""
        return BGNBD(self.r, self.alpha, self.a, np.add(self.b, 1.0))

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Log-likelihood of each customer's history, shape (..., n).

        Parameters
        ----------
        x : array_like, shape (n,)
            Repeat purchases.
        t_x, T : array_like, shape (n,)
            Time of the last purchase (0 where x = 0) and of observation, from the first purchase.
        """
        once = np.asarray(x) == 0
        gone = np.where(once, np.log(self.a) - np.log(self.b), -np.inf)
        history = self.after_first.log_likelihood(x, t_x, T)
        return -np.log1p(np.divide(self.a, self.b)) + np.logaddexp(history, gone)

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of still being a customer at ``T``, shape (..., n)."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        silent = (self.r + x) * np.log1p((T - t_x) / (self.alpha + t_x))
        return expit(np.log(self.b + x) - np.log(self.a) - silent)

    def given_alive(self, x: ArrayLike, T: ArrayLike) -> BGNBD:
        """The model of a customer still here at ``T``: a BG/NBD, having stayed x + 1 times."""
        return self.after_first.given_alive(x, T)

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected repeat purchases of a new customer by ``t``, shape (..., n); see BGNBD."""
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
        gone = np.where(np.asarray(n) == 0, 1.0, 0.0) * self.a / np.add(self.a, self.b)
        return gone + self.stays * self.after_first.pmf(n, t)

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
        leaves_after = rng.geometric(np.clip(p, 1e-15, 1.0)) - 1
        return Traits(rate, leaves_after, np.full(shape, np.inf))

    def slopes(  # type: ignore[override]
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        weight: ArrayLike,
        in_time: bool = True,
    ) -> Slopes:
        """The weighted log-likelihood of histories and its slopes; see :func:`slopes_of_leaving`.

        Parameters
        ----------
        x, t_x, T, weight : array_like, shape (n,)
            Histories, and customers with each.
        in_time : bool
            Whether the slopes in ``t_x`` and ``T`` are wanted too.
        """
        return slopes_of_leaving(self, 1, x, t_x, T, weight, in_time)

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Log parameters to start from: the observed rate, with customers more or less alike."""
        x, t_x, T, weight = cells
        observed = (weight @ x) / max(weight @ np.where(x > 0, t_x, T), 1e-12)
        return [
            np.log([r, r / (factor * observed), a, b])
            for r, factor, a, b in (
                (0.8, 2.0, 0.6, 1.0),
                (3.0, 1.0, 0.1, 1.0),
                (0.2, 1.0, 2.0, 2.0),
            )
        ]

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """Those of :meth:`BGNBD.coordinates`; but already the first purchase may be the last."""
        rate, level, leaving, b = BGNBD.coordinates(cells)
        at_upper = "everyone leaves after the first purchase (b / a -> 0)"
        return rate, level, replace(leaving, at_upper=at_upper), b

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors, those of :meth:`BGNBD.priors`: the parameters mean the same.

        Parameters
        ----------
        unit : str
            alpha is a time: its prior is 30 days whatever the unit; r, a and b have no unit.
        money : float
            Means nothing here.
        """
        return BGNBD.priors(unit, money)
