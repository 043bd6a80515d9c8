"""The predictive distribution of revenue per customer: purchases and spend compounded, exact."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import find_root

from predclv.forecast.counts import CountTails
from predclv.models.base import SpendModel

_ELEMENTS = 1 << 18  # customers x draws x counts that are held at once
_NEGLIGIBLE = 1e-5  # probability of a count beyond which it is left out
_PRECISION = 1e-4  # of a quantile, relative
_BRACKETS = (3.0, 40.0)  # how far from a rough guess to look, in log units


def revenue_quantile(
    found: CountTails,
    cell: NDArray,
    x: NDArray,
    mean: NDArray,
    spend: SpendModel,
    probability: float,
) -> NDArray:
    """Quantile of the revenue of customers, shape (m,); 0 where buying nothing is likely enough.

    ``P(revenue > z)`` is the sum over n of ``P(Y = n)`` times the probability that n purchases sum
    to more than z: no simulation.

    Parameters
    ----------
    found : CountTails
        Distribution of the number of purchases, per cell.
    cell : ndarray of int, shape (m,)
        Which cell each customer is in.
    x, mean : ndarray, shape (m,)
        Past purchases and their mean spend.
    spend : SpendModel
        With draws of its parameters, shape (draws, 1).
    probability : float
    """
    beyond = 1.0 - probability
    answer = np.zeros(cell.size)
    buyers = np.flatnonzero(found.tails[cell, 0] > beyond)
    # Customers with counts of like length together, so that none waits for another's long tail.
    lengths = (found.tails > _NEGLIGIBLE).sum(axis=1)[cell]
    buyers = buyers[np.argsort(lengths[buyers], kind="stable")]
    draws = np.size(getattr(spend, spend.names()[0]))
    start = 0
    while start < buyers.size:
        step = max(1, _ELEMENTS // (draws * int(lengths[buyers[min(start + 64, buyers.size) - 1]])))
        part = buyers[start : start + step]
        counts = slice(0, int(lengths[part].max()))
        answer[part] = _quantile(
            found.probabilities[cell[part], counts],
            found.representatives[counts],
            x[part],
            mean[part],
            spend,
            beyond,
        )
        start += step
    return answer


def _quantile(
    probabilities: NDArray,
    counts: NDArray,
    x: NDArray,
    mean: NDArray,
    spend: SpendModel,
    beyond: float,
) -> NDArray:
    """The quantile where P(counts) is (m, k): a root search in the logarithm of revenue."""
    draws = type(spend)(*(np.reshape(getattr(spend, name), (-1, 1, 1)) for name in spend.names()))

    def log_excess(log_z: NDArray, row: NDArray) -> NDArray:
        """How far, in logs, P(revenue > z) is above what it should be."""
        row = row.astype(int)
        future = draws.given(x[row, None], mean[row, None])
        above = future.p_total_above(np.exp(log_z)[:, None], counts).mean(axis=0)
        tail = np.einsum("mk,mk->m", probabilities[row], above)
        return np.log(np.maximum(tail, 1e-300)) - np.log(beyond)

    each = draws.expected_spend(x[:, None], mean[:, None])
    each = np.where(np.isfinite(each), each, 1.0).mean(axis=0)[:, 0]
    guess = np.log((probabilities @ counts) / probabilities.sum(axis=1) * each)
    answer = np.full(x.size, np.nan)
    rows = np.arange(x.size, dtype=float)
    for reach in _BRACKETS:
        open_still = np.isnan(answer)
        if not open_still.any():
            break
        root = find_root(
            log_excess,
            (guess[open_still] - reach, guess[open_still] + reach),
            args=(rows[open_still],),
            tolerances={"xatol": _PRECISION, "fatol": 0.1 * _PRECISION},
        )
        answer[open_still] = np.where(root.success, np.exp(root.x), np.nan)
    return answer
