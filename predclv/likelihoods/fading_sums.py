"""Purchases one after the other, old ones counting less: log densities of gaps, and slopes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from predclv.models.regular_leaving import silence_terms
from predclv.samples.sequences import ranked


class Ranked(NamedTuple):
    """Purchases in the order of their number, and what of them no parameter changes.

    Attributes
    ----------
    frequency, T, first, weight : ndarray, shape (n,)
        Of customers: repeat purchases, descending; time observed; ``exp(-f / 91)``; how many.
    counts : ndarray of int, shape (max frequency,)
        Customers with so many repeat purchases at least.
    owner, gap, since : ndarray, shape (n_purchases,)
        Whose purchase it is, the time since the one before, and when that was.
    last : ndarray, shape (n,)
        When the last purchase was.
    """

    frequency: NDArray
    T: NDArray
    first: NDArray
    weight: NDArray
    counts: NDArray
    owner: NDArray
    gap: NDArray
    since: NDArray
    last: NDArray

    @classmethod
    def of(
        cls, frequency: NDArray, tau: NDArray, T: NDArray, first: NDArray, weight: NDArray
    ) -> "Ranked":
        """Of purchases customer by customer."""
        order, counts = ranked(frequency)
        begin = np.cumsum(frequency) - frequency
        before = np.append(0.0, tau[:-1])
        before[begin[frequency > 0]] = 0.0
        last = np.where(frequency > 0, tau[np.maximum(begin + frequency - 1, 0)], 0.0)
        owner = np.repeat(np.arange(frequency.size), frequency)[order]
        since = before[order]
        return cls(frequency, T, first, weight, counts, owner, tau[order] - since, since, last)


def fading(
    k: int, r: float, alpha: float, drift: float, rho: float, bought: Ranked
) -> tuple[float, NDArray, NDArray, NDArray]:
    """Purchases in their turn, and the silence since the last of them.

    Returns
    -------
    value : float
        The weighted log density of all gaps.
    slopes : ndarray, shape (4,)
        Of it in r, alpha, drift and rho.
    log_silent : ndarray, shape (n,)
        Log probability of the silence since, were nobody to leave.
    of_silent : ndarray, shape (n, 4)
        Its slopes.
    """
    gap, owner, first, n = bought.gap, bought.owner, bought.first, bought.frequency.size
    # What purchases count just before the next one, and how that changes with rho.
    kept = np.exp(-rho * gap)
    U, dU, u, du, end = np.empty(gap.size), np.empty(gap.size), np.zeros(n), np.zeros(n), 0
    for count in bought.counts.tolist():
        here = slice(end, end := end + count)
        U[here], dU[here] = u[:count], du[:count]
        du[:count] = kept[here] * (du[:count] - gap[here] * u[:count])
        u[:count] = 1.0 + kept[here] * u[:count]
    own = alpha * np.exp(drift * first)

    V, dV = _window(rho, bought.since)
    R, A = r + k * U, own[owner] + V
    log_past = np.log1p(gap / A)
    value = (k - 1.0) * np.log(gap) - R * log_past - k * np.log(A + gap) - gammaln(k)
    by_R, by_A = -log_past, R / A - (R + k) / (A + gap)
    for i in range(k):
        value += np.log(R + i)
        by_R = by_R + 1.0 / (R + i)
    w = bought.weight[owner]
    by_own = w * by_A * own[owner]
    slopes = np.array(
        [w @ by_R, by_own.sum() / alpha, by_own @ first[owner], w @ (k * dU * by_R + dV * by_A)]
    )

    silent = bought.T - bought.last
    V, dV = _window(rho, bought.last)
    R, A = r + k * u, own + V
    z = silent / (A + silent)
    S, S_R, S_z = silence_terms(k, R, z)
    log_past = np.log1p(silent / A)
    by_R = S_R / S - log_past
    by_A = (R * z / A) - S_z / S * z / (A + silent)
    of_silent = np.column_stack(
        [by_R, by_A * own / alpha, by_A * own * first, k * du * by_R + dV * by_A]
    )
    return float(w @ value), slopes, np.log(S) - R * log_past, of_silent


def _window(rho: float, tau: NDArray) -> tuple[NDArray, NDArray]:
    """``V = (1 - exp(-rho tau)) / rho``, and its slope in rho."""
    s = rho * tau
    V = -np.expm1(-s) / rho
    series = -tau * tau * (0.5 - s * (1 / 3 - s * (1 / 8 - s * (1 / 30 - s / 144))))
    return V, np.where(s < 1e-2, series, (tau * np.exp(-s) - V) / rho)
