"""Shifted beta-geometric (sBG): everybody's churn is constant, but not everybody's is the same."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.maths.special import log_rising
from predclv.models.base import Columns, Coordinate, LogNormalPrior, Parameter, Prior, Targets
from predclv.models.retention import LEAVING_AT_RENEWALS, RetentionModel


@dataclass(frozen=True, slots=True)
class ShiftedBetaGeometric(RetentionModel):
    r"""Shifted beta-geometric model of contracts.

    At each renewal a subscriber leaves with a chance of their own that never changes, drawn from
    ``Beta(alpha, beta)``. Those likely to leave do so first, so the retention *seen* in a cohort
    rises with age although nobody changes:

    .. math:: S(t) = B(\alpha, \beta + t) / B(\alpha, \beta), \quad
        r_t = (\beta + t - 1) / (\alpha + \beta + t - 1)

    Parameters
    ----------
    alpha, beta : float or array
        Of the distribution of chances of leaving; its mean is ``alpha / (alpha + beta)``, the
        churn at the first renewal, and subscribers differ the more, the smaller the two are.

    See Also
    --------
    predclv.BetaDiscreteWeibull : contracts whose chances change with age.
    predclv.ContractModel : the recipe for subscribers.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). How to project customer retention. Journal of
    Interactive Marketing 21(1), 76-90.
    Fader, P. S. & Hardie, B. G. S. (2010). Customer-base valuation in a contractual setting: the
    perils of ignoring heterogeneity. Marketing Science 29(1), 85-93.

    Examples
    --------
    >>> m = ShiftedBetaGeometric(alpha=0.668, beta=3.806)
    >>> m.survival([1, 7, 12]).round(3).tolist()
    [0.851, 0.489, 0.378]
    >>> m.retention([1, 7]).round(3).tolist()
    [0.851, 0.936]
    >>> m.survival_after(1, renewals=[0, 6]).round(3).tolist()  # those who stayed, stay
    [0.851, 0.936]
    """

    alpha: Parameter
    beta: Parameter

    title: ClassVar[str] = "sBG"
    targets: ClassVar[Targets] = LEAVING_AT_RENEWALS

    def log_survival(self, t: ArrayLike) -> NDArray:
        """Log of S(t), shape (..., n). Fader & Hardie (2007), eq. 6."""
        t = np.asarray(t, float)
        return log_rising(self.beta, t) - log_rising(np.add(self.alpha, self.beta), t)

    def log_retention(self, t: ArrayLike) -> NDArray:
        """Log of the chance of making renewal ``t``. Fader & Hardie (2007), eq. 8."""
        return -np.log1p(self.alpha / (self.beta + np.asarray(t, float) - 1.0))

    def log_churn(self, t: ArrayLike) -> NDArray:
        """Log of the chance of leaving at renewal ``t``."""
        return np.log(self.alpha) - np.log(self.alpha + self.beta + np.asarray(t, float) - 1.0)

    def given_renewed(self, renewals: ArrayLike) -> "ShiftedBetaGeometric":
        """The model of one with ``renewals`` behind: again an sBG, with ``beta + renewals``."""
        m = np.asarray(renewals, float)
        return ShiftedBetaGeometric(self.alpha + 0.0 * m, self.beta + m)

    def tail_power(self) -> float:
        """S(t) falls like ``t^-alpha``."""
        return float(np.min(self.alpha))

    @classmethod
    def by_age(cls, parameters: NDArray, renewed: NDArray, lost: NDArray) -> tuple[float, NDArray]:
        """Log-likelihood and its slopes in alpha and beta."""
        a, b = parameters
        k = np.arange(renewed.size)
        stayed, up = b + k, renewed + lost
        value = lost.sum() * np.log(a) + renewed @ np.log(stayed) - up @ np.log(a + stayed)
        everybody = (up / (a + stayed)).sum()
        slope = [lost.sum() / a - everybody, (renewed / stayed).sum() - everybody]
        return float(value), np.array(slope)

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """The odds of leaving, and how alike subscribers are."""
        return (
            Coordinate({"alpha": 1.0, "beta": -1.0}, -20.0, 20.0),
            Coordinate(
                {"beta": 1.0}, np.log(1e-5), np.log(1e7),
                "subscribers differ without bound: they leave at the first renewal or never",
                "all subscribers are alike: constant churn",
            ),
        )  # fmt: skip

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors: with 95%, alpha from 0.05 to 20 and beta from 0.15 to 60."""
        return {"alpha": LogNormalPrior(1.0, 1.5), "beta": LogNormalPrior(3.0, 1.5)}
