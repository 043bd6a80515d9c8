"""Are the predictive distributions right? Where what came falls within them."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kstest

if TYPE_CHECKING:
    from predclv.forecast.distribution import CountDistribution

LEVELS = np.arange(0.05, 1.0, 0.05).round(2)
"""5%, 10%, ..., 95%."""


def randomised_pit(
    counts: "CountDistribution", actual: NDArray, rng: np.random.Generator
) -> NDArray:
    """Where what came lies in its predictive distribution, shape (n,), from 0 to 1.

    Uniform for right distributions. A count has a jump there rather than a point, so a point of the
    jump is drawn: ``P(Y < actual) + u P(Y = actual)``. Many near 1: more came than was thought
    possible; a heap in the middle: distributions too wide; at both ends: too narrow.

    References
    ----------
    Czado, Gneiting & Held (2009), Biometrics 65, 1254-1261.
    """
    actual = np.asarray(actual)
    pit = counts.below(actual) + rng.random(actual.size) * counts.mass(actual)
    return np.clip(pit, 0.0, 1.0)


def distance_from_uniform(pit: NDArray) -> float:
    """The largest gap between the distribution of ``pit`` and the uniform (Kolmogorov's D).

    0 is best. Below about ``1.36 / sqrt(n)`` the data do not speak against the forecaster (at 5%);
    with many customers no forecaster passes, so compare the distances.

    Examples
    --------
    >>> distance_from_uniform(np.array([0.25, 0.75]))
    0.25
    """
    return float(kstest(pit, "uniform").statistic)


def coverage_curve(
    counts: "CountDistribution",
    actual: NDArray,
    levels: NDArray = LEVELS,
    rng: np.random.Generator | None = None,
) -> pd.DataFrame:
    """How many customers lie within their central interval, at many levels.

    Returns
    -------
    DataFrame
        Index ``nominal``, the levels; columns ``actual``, the share within the interval, bounds
        included, which for right distributions is the level or more, as counts are whole; and
        ``randomised``, the share whose randomised PIT is within the level's middle, which for
        right distributions is the level itself but for chance. With no ``rng`` it is taken in
        expectation, without chance.
    """
    actual, levels = np.asarray(actual), np.asarray(levels, np.float64)
    below, mass = counts.below(actual), counts.mass(actual)
    tail = 0.5 * (1.0 - levels[:, None])
    within = (below + mass >= tail) & (below < 1.0 - tail)
    if rng is None:
        part = np.clip(1.0 - tail, below, below + mass) - np.clip(tail, below, below + mass)
        middle = np.divide(part, mass, out=np.zeros_like(part), where=mass > 0)
    else:
        pit = below + rng.random(actual.size) * mass
        middle = (pit >= tail) & (pit <= 1.0 - tail)
    return pd.DataFrame(
        {"actual": within.mean(axis=1), "randomised": middle.mean(axis=1)},
        index=pd.Index(levels, name="nominal"),
    )
