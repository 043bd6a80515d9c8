"""Gamma-Gamma: what a customer spends per purchase varies around a mean of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, digamma, polygamma

from predclv.errors import (
    AssumptionWarning,
    FirstPurchaseWarning,
    InfiniteMeanWarning,
    PredclvWarning,
    SpendDriftWarning,
)
from predclv.maths.levels import Levels
from predclv.maths.special import digamma_rising, log_beta
from predclv.models.base import (
    Columns,
    Coordinate,
    LogNormalPrior,
    Parameter,
    Prior,
    Slopes,
    Targets,
)
from predclv.models.spend import SpendModel

_STRONG = 0.3  # correlation of frequency and value from which the model is doubted
# Spend of the last half-year over what is expected, and of first purchases over later ones; CDNOW,
# a wholesaler, a clothing retailer and a supermarket: 0.98 to 1.16, and 0.99 to 1.18.
_DRIFT, _FIRST = 1.25, 1.5


@dataclass(frozen=True, slots=True)
class GammaGamma(SpendModel):
    """Gamma-Gamma model of spend per purchase.

    Each purchase of a customer is ``Gamma(p, rate=nu)``, with ``nu ~ Gamma(q, rate=v)`` between
    customers. What a customer spends is independent of how often they buy: the one assumption to
    check before it is used.

    Parameters
    ----------
    p : float or array
        Shape of one customer's purchases: the larger, the more alike they are.
    q : float or array
        Shape of the difference between customers: the larger, the more alike customers are. With
        ``q <= 1`` the mean over customers is infinite.
    v : float or array
        Scale, in money. The papers call it gamma.

    See Also
    --------
    predclv.BGNBD : may leave after a repeat purchase.
    predclv.CLVModel : the recipe: purchases, spend, and who fits.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2013). The Gamma-Gamma model of monetary value (note 025).
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: using iso-value curves for
    customer base analysis. Journal of Marketing Research 42(4), 415-430.

    Examples
    --------
    >>> g = GammaGamma(p=6.25, q=3.74, v=15.44)
    >>> round(float(g.mean), 2)
    35.22
    >>> round(float(g.expected_spend(x=2, mean=22.35)), 2)
    24.66
    """

    p: Parameter
    q: Parameter
    v: Parameter

    title: ClassVar[str] = "Gamma-Gamma"
    targets: ClassVar[Targets] = {"spend": {"v": 1.0}}
    kernel: ClassVar[str] = "predclv.likelihoods.kernels_gamma_gamma"

    @property
    def mean(self) -> NDArray:
        """Mean spend per purchase over all customers, ``p v / (q - 1)``; inf where q <= 1."""
        return self.expected_spend(0, 0.0)

    def log_likelihood(self, x: ArrayLike, mean: ArrayLike) -> NDArray:
        """Log density of the observed mean of ``x`` purchases, shape (..., n). Note 025, eq. 1a.

        The density of the mean, not of the total, which is smaller by ``log x`` each.

        Parameters
        ----------
        x : array_like, shape (n,)
            Purchases behind the mean, at least 1: the repeat purchases.
        mean : array_like, shape (n,)
            Mean spend over them, positive.
        """
        x, mean = np.asarray(x, float), np.asarray(mean, float)
        total = x * mean
        return (
            -log_beta(np.multiply(self.p, x), self.q)
            - np.log(mean)
            - self.q * np.log1p(total / self.v)
            - self.p * x * np.log1p(self.v / total)
        )

    def given(self, x: ArrayLike, mean: ArrayLike) -> "GammaGamma":
        """The model of a customer's future purchases: Gamma-Gamma(p, q + p x, v + x mean).

        Where x = 0 the mean means nothing and is not looked at.
        """
        x = np.asarray(x, float)
        spent = np.where(x > 0, x * np.asarray(mean, float), 0.0)
        return GammaGamma(self.p, self.q + self.p * x, self.v + spent)

    def expected_spend(self, x: ArrayLike, mean: ArrayLike) -> NDArray:
        """Expected spend of a future purchase, shape (..., n). Note 025, eq. 5.

        A weighted average of the customer's own mean and the population's; the more purchases,
        the more weight the own mean has. Where x = 0 it is the population mean; inf where
        ``p x + q <= 1``.
        """
        future = self.given(x, mean)
        finite = np.asarray(future.q) > 1
        excess = np.where(finite, np.subtract(future.q, 1.0), 1.0)
        return np.where(finite, future.p * future.v / excess, np.inf)[()]

    def p_total_above(self, z: ArrayLike, n: ArrayLike) -> NDArray:
        """Probability that ``n`` purchases of a new customer sum to more than ``z``; n > 0.

        Given nu the sum is Gamma(p n, nu), so over nu it is a beta prime scaled by v.
        """
        z = np.asarray(z, float)
        return betainc(self.q, np.multiply(self.p, n), self.v / (z + self.v))

    @property
    def scale(self) -> Parameter:
        """``v``: future spend given the past scales with ``v + x mean``."""
        return self.v

    def log_total(self, n: ArrayLike) -> tuple[NDArray, NDArray]:
        """Mean and standard deviation of the log of what ``n`` purchases sum to; n > 0.

        The log of a Gamma(p n) variable less that of a Gamma(q), plus log v.
        """
        pn = np.multiply(self.p, n)
        mean = np.log(self.v) + digamma(pn) - digamma(self.q)
        return mean, np.sqrt(polygamma(1, pn) + polygamma(1, self.q))

    def simulate(self, n: NDArray, rng: np.random.Generator) -> NDArray:
        """Spend of each of the purchases of customers who make ``n``, shape (n.sum(),).

        The purchases of the first customer come first.
        """
        nu = rng.gamma(self.q, 1.0, np.shape(n)) / self.v
        p = np.repeat(np.broadcast_to(self.p, np.shape(n)), n)
        return rng.gamma(p) / np.repeat(nu, n)

    @classmethod
    def checks(cls, cells: Columns) -> dict[str, float]:
        """Numbers behind the assumptions.

        ``correlation`` of purchases and mean spend over customers, of which the model assumes
        none; ``observed_mean``, the average of customers' mean spends.
        """
        x, mean, weight = cells
        return {
            "correlation": _correlation(x, mean, weight),
            "observed_mean": float(weight @ mean / weight.sum()),
        }

    def doubts(self, checks: Mapping[str, float], n_customers: int) -> list[PredclvWarning]:
        """Doubt an infinite mean, a correlation beyond 0.3, and spend that does not hold still."""
        found: list[PredclvWarning] = []
        if float(self.q) <= 1:
            found.append(
                InfiniteMeanWarning(
                    f"Gamma-Gamma was fitted with q = {float(self.q):.3g}: for q <= 1 the mean "
                    f"spend over customers is infinite. Look for outliers and resellers in the "
                    f"spend; forecasts of customers without a finite expectation use the observed "
                    f"average instead."
                )
            )
        correlation = checks.get("correlation", 0.0)
        if abs(correlation) > _STRONG and abs(correlation) * n_customers**0.5 > 3:
            found.append(
                AssumptionWarning(
                    f"Frequency and mean spend are correlated ({correlation:+.2f} over "
                    f"{n_customers:,} repeat buyers), but Gamma-Gamma assumes that they are not: "
                    f"{'frequent' if correlation > 0 else 'rare'} buyers' values will be too low. "
                    f"Try fitting segments apart, or look for a few very large customers."
                )
            )
        recent, first = (
            _far_from_one(checks, name, most)
            for name, most in (("recent_ratio", _DRIFT), ("first_ratio", _FIRST))
        )
        if recent is not None:
            found.append(
                SpendDriftWarning(
                    f"In the last half-year purchases of known customers cost {recent:.2f} times "
                    f"what they had spent before lets Gamma-Gamma expect; it takes spend to hold "
                    f"still. If prices or the assortment have changed for good, forecasts of spend "
                    f"will be too {'low' if recent > 1 else 'high'}: fit it to the log since then."
                )
            )
        if first is not None:
            found.append(
                FirstPurchaseWarning(
                    f"First purchases of repeat buyers cost {first:.2f} times their later ones, "
                    f"from which alone Gamma-Gamma learns. Forecasts are of later purchases, so do "
                    f"not hold them against an average over all orders; and what a new customer "
                    f"brings at first is to be added apart: pc.economics."
                )
            )
        return found

    def slopes(  # type: ignore[override]
        self, x: ArrayLike, mean: ArrayLike, weight: ArrayLike, in_time: bool = True
    ) -> Slopes:
        """The weighted log-likelihood of customers and its slopes in p, q and v.

        Parameters
        ----------
        x, mean, weight : array_like, shape (n,)
            Purchases, their mean spend, and customers with each.
        in_time : bool
            Means nothing here: spend knows no times.
        """
        p, q, v = (float(getattr(self, name)) for name in self.names())
        x, mean, w = Levels(x), Levels(mean), np.asarray(weight, float)
        counts, customers = x.values, x.counted(w)
        w_x = x.remembered("_weighted", (w,), lambda: w * np.asarray(x))
        total = x.remembered("_total", (mean,), lambda: np.asarray(x * mean))
        logs = x.remembered("_logs", (w, mean), lambda: w @ np.log(np.asarray(mean)))
        above, below = np.log1p(total / v), np.log1p(v / total)
        value = -(customers @ log_beta(p * counts, q)) - logs - q * (w @ above) - p * (w_x @ below)
        by_parameter = np.array(
            [
                customers @ (counts * digamma_rising(p * counts, q)) - w_x @ below,
                customers @ digamma_rising(q, p * counts) - w @ above,
                w @ ((q * total / v - p * np.asarray(x)) / (total + v)),
            ]
        )
        return Slopes(float(value), by_parameter)

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Log parameters to start from: the observed mean, with customers more or less alike."""
        x, mean, weight = cells
        observed = (weight @ (x * mean)) / (weight @ x)
        return [
            np.log([p, q, observed * (q - 1) / p])
            for p, q in ((4.0, 4.0), (1.0, 10.0), (20.0, 2.0))
        ]

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """How alike one customer's purchases are, how alike customers are, and the scale."""
        x, mean, weight = cells
        centre = np.log((weight @ (x * mean)) / (weight @ x))
        return (
            Coordinate(
                {"p": 1.0}, np.log(1e-4), np.log(1e6),
                "spend is unboundedly uneven (p -> 0)",
                "every purchase of a customer costs the same (p -> infinity)",
            ),
            Coordinate(
                {"q": 1.0}, np.log(1e-4), np.log(1e6),
                "customers differ without bound (q -> 0)",
                "all customers spend alike (q -> infinity)",
            ),
            Coordinate({"p": 1.0, "v": 1.0, "q": -1.0}, centre - 25, centre + 25),
        )  # fmt: skip

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors; the scale is the one thing taken from the data.

        95% of the belief: p from 0.2 to 80, q from 0.5 to 30, and v such that the mean spend is of
        the size of ``money``, give or take a factor of 20.

        Parameters
        ----------
        unit : str
            Means nothing here.
        money : float
            Size of a typical purchase, in the data's own currency. ``pc.fit`` passes the observed
            mean spend per repeat purchase, so that currencies do not matter; v's prior is 0.75
            times that, which is v's value for this mean at p = q = 4.
        """
        return {
            "p": LogNormalPrior(4.0, 1.5),
            "q": LogNormalPrior(4.0, 1.0),
            "v": LogNormalPrior(0.75 * money, 1.5),
        }


def _far_from_one(checks: Mapping[str, float], name: str, most: float) -> float | None:
    """A ratio among the checks that is strong, and known to be other than 1 by 3 errors."""
    ratio, error = checks.get(name), checks.get(f"{name}_error", 0.0)
    if ratio is None or max(ratio, 1.0 / max(ratio, 1e-9)) <= most or abs(ratio - 1.0) <= 3 * error:
        return None
    return ratio


def _correlation(x: NDArray, y: NDArray, weight: NDArray) -> float:
    """Pearson's correlation of weighted pairs; 0 where one of them does not vary."""
    share = weight / weight.sum()
    dx, dy = x - share @ x, y - share @ y
    spread = np.sqrt((share @ (dx * dx)) * (share @ (dy * dy)))
    return float(share @ (dx * dy) / spread) if spread > 0 else 0.0
