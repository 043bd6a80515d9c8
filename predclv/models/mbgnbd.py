"""MBG/NBD: BG/NBD whose customers may also leave right after the first purchase."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from predclv.models.base import Parameter
from predclv.models.bgnbd import BGNBD
from predclv.models.leaving import LeavingAtPurchases, slopes_of_leaving


@dataclass(frozen=True, slots=True)
class MBGNBD(LeavingAtPurchases):
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
    kernel: ClassVar[str] = "predclv.likelihoods.kernels_mbgnbd"
    compile_from: ClassVar[float] = 1_000_000
    chances_before: ClassVar[int] = 1
    tried = ((0.8, 2.0, 0.6, 1.0), (3.0, 1.0, 0.1, 1.0), (0.2, 1.0, 2.0, 2.0))

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

    slopes = slopes_of_leaving  # type: ignore[assignment]
