"""Counts that are negative binomial, one mean and one size per customer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import betainc, gammaln, xlogy
from scipy.stats import nbinom

from predclv.forecast.counts import ELEMENTS, checked_counts

_BEYOND = 1e-8  # probability of the counts that are cut off


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class NegativeBinomialCounts:
    """How often each customer will buy: negative binomial, as `CountDistribution` is asked.

    Attributes
    ----------
    mean, size : ndarray, shape (n,)
        Positive; the variance is ``mean + mean**2 / size``.
    """

    mean: NDArray
    size: NDArray

    def __len__(self) -> int:
        return self.mean.size

    @property
    def _chance(self) -> NDArray:
        return self.size / (self.size + self.mean)

    def quantile(self, probability: float) -> NDArray:
        """The smallest k with P(Y <= k) >= probability, shape (n,), int64."""
        return np.asarray(nbinom.ppf(probability, self.size, self._chance)).astype(np.int64)

    def mass(self, counts: ArrayLike) -> NDArray:
        """P(Y = counts), one count per customer, shape (n,)."""
        return np.exp(log_mass(checked_counts(counts, len(self)), self.mean, self.size))

    def below(self, counts: ArrayLike) -> NDArray:
        """P(Y < counts), one count per customer, shape (n,)."""
        counts = checked_counts(counts, len(self))
        found = betainc(self.size, np.maximum(counts, 1.0), self._chance)
        return np.where(counts > 0, found, 0.0)

    def of(self, which: NDArray) -> "NegativeBinomialCounts":
        """Of some of the customers."""
        return NegativeBinomialCounts(self.mean[which], self.size[which])

    def parts(self) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
        """The whole distribution, some customers at a time: rows, values (k,), probabilities."""
        last = np.asarray(nbinom.isf(_BEYOND, self.size, self._chance)).astype(np.int64) + 1
        order = np.argsort(last, kind="stable")
        start = 0
        while start < order.size:
            most = int(last[order[min(start + 4095, order.size - 1)]])
            rows = order[start : start + max(1, min(4096, ELEMENTS // (most + 1)))]
            values = np.arange(float(last[rows].max()) + 1.0)
            table = np.exp(log_mass(values, self.mean[rows, None], self.size[rows, None]))
            yield rows, values, table / table.sum(axis=1, keepdims=True)
            start += rows.size


def log_mass(n: NDArray, mean: NDArray, size: NDArray) -> NDArray:
    """Log probability of ``n`` where the counts have this mean and size."""
    return (
        gammaln(n + size)
        - gammaln(size)
        - gammaln(n + 1.0)
        - size * np.log1p(mean / size)
        + xlogy(n, mean / (size + mean))
    )


def fitted_sizes(mean: NDArray, counts: NDArray) -> tuple[float, float]:
    """The most likely ``(c, d)`` of ``size = exp(c + d log(1 + mean))``, given means and counts."""

    def loss(at: NDArray) -> float:
        size = sizes_at(at, mean)
        return -float(np.mean(log_mass(counts, mean, size))) + 1e-4 * float(at @ at)

    best = minimize(loss, np.array([0.0, 0.0]), method="Nelder-Mead", options={"xatol": 1e-4})
    return float(best.x[0]), float(best.x[1])


def sizes_at(at: Any, mean: NDArray) -> NDArray:
    """The sizes of these means, from 0.001 (nearly all buy nothing) to 1e6 (Poisson)."""
    return np.clip(np.exp(np.clip(at[0] + at[1] * np.log1p(mean), -50, 50)), 1e-3, 1e6)
