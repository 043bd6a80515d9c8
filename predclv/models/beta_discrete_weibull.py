"""Beta-discrete-Weibull (BdW): subscribers differ, and each one's churn may rise or fall."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln

from predclv.maths.special import digamma_rising, log_rising
from predclv.models.base import Columns, Coordinate, LogNormalPrior, Parameter, Prior, Targets
from predclv.models.retention import LEAVING_AT_RENEWALS, RetentionModel
from predclv.models.shifted_beta_geometric import ShiftedBetaGeometric

_NOBODY = 1e-12  # a churn that is as good as none, and lost in rounding
_LARGE = 1e4  # below it, differences of log-gammas are right to 1e-11


@dataclass(frozen=True, slots=True)
class BetaDiscreteWeibull(RetentionModel):
    r"""Beta-discrete-Weibull model of contracts.

    As in the shifted beta-geometric each subscriber has a chance of leaving at the first renewal,
    drawn from ``Beta(alpha, beta)``; here it changes with age:

    .. math:: S(t) = B(\alpha, \beta + t^c) / B(\alpha, \beta)

    so that retention may fall before it rises. It carries a curve on better than the sBG where
    subscribers tire (c > 1), or grow attached (c < 1).

    Parameters
    ----------
    alpha, beta : float or array
        Of the chance of leaving at the first renewal.
    c : float or array
        1 is the shifted beta-geometric; above it, each subscriber's own churn rises with age.

    See Also
    --------
    predclv.ShiftedBetaGeometric : contracts, each with its own chance to renew.
    predclv.ContractModel : the recipe for subscribers.

    References
    ----------
    Fader, P. S., Hardie, B. G. S., Liu, Y., Davin, J. & Steenburgh, T. (2018). "How to project
    customer retention" revisited: the role of duration dependence. Journal of Interactive
    Marketing 43, 1-16.

    Examples
    --------
    >>> m = BetaDiscreteWeibull(alpha=0.2593, beta=1.7226, c=1.5844)
    >>> m.survival([4, 12]).round(3).tolist()
    [0.593, 0.389]
    """

    alpha: Parameter
    beta: Parameter
    c: Parameter

    title: ClassVar[str] = "BdW"
    targets: ClassVar[Targets] = LEAVING_AT_RENEWALS

    def log_survival(self, t: ArrayLike) -> NDArray:
        """Log of S(t), shape (..., n). Fader et al. (2018), eq. 8."""
        u = np.asarray(t, float) ** self.c
        return log_rising(self.beta, u) - log_rising(np.add(self.alpha, self.beta), u)

    def log_retention(self, t: ArrayLike) -> NDArray:
        """Log of the chance of making renewal ``t``."""
        t = np.asarray(t, float)
        u = np.maximum(t - 1.0, 0.0) ** self.c
        step = t**self.c - u
        return log_rising(self.beta + u, step) - log_rising(self.alpha + self.beta + u, step)

    def tail_power(self) -> float:
        """S(t) falls like ``t^(-alpha c)``."""
        return float(np.min(np.multiply(self.alpha, self.c)))

    @classmethod
    def by_age(cls, parameters: NDArray, renewed: NDArray, lost: NDArray) -> tuple[float, NDArray]:
        """Log-likelihood and its slopes in alpha, beta and c."""
        a, b, c = parameters
        t = np.arange(renewed.size + 1.0)
        u = t**c
        if max(a, b) < _LARGE:
            stays = (gammaln(b + u) - gammaln(a + b + u)) - (gammaln(b) - gammaln(a + b))
            here, both = digamma(b + u), digamma(a + b + u)
            by_a, by_b = digamma(a + b) - both, here - digamma(b) - both + digamma(a + b)
            by_u = here - both
        else:  # differences of large logarithms, to the last digit
            stays = log_rising(b, u) - log_rising(a + b, u)
            by_a = -digamma_rising(a + b, u)
            by_b = digamma_rising(b, u) + by_a
            by_u = -digamma_rising(b + u, np.full_like(u, a))
        slopes = np.diff([by_a, by_b, by_u * u * np.log(np.maximum(t, 1.0))], axis=1)
        step = np.diff(stays)
        churn = np.maximum(-np.expm1(step), _NOBODY)
        value = renewed @ step + lost @ np.log(churn)
        return float(value), slopes @ (renewed + lost * (1.0 - 1.0 / churn))  # -r / (1 - r)

    @classmethod
    def _start(cls, churn: float, strength: float) -> NDArray:
        return np.log([churn * strength, (1 - churn) * strength, 1.0])

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """The odds of leaving, how alike subscribers are, and how their churn changes."""
        odds, alike = ShiftedBetaGeometric.coordinates(cells)
        changes = "after the first renewal nobody leaves (c -> 0)"
        return (
            odds,
            replace(alike, at_upper="all subscribers are alike"),
            Coordinate({"c": 1.0}, np.log(1e-3), np.log(50.0), changes),
        )

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors: with 95%, alpha from 0.05 to 20, beta from 0.15 to 60, c from 0.37 to 2.7.

        The prior of c is the narrowest: it holds churn that changes slowly for likelier.
        """
        return {**ShiftedBetaGeometric.priors(unit, money), "c": LogNormalPrior(1.0, 0.5)}
