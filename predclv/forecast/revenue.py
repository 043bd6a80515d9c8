"""The predictive distribution of revenue per customer: purchases and spend compounded, exact."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import find_root
from scipy.special import logit

from predclv.forecast.counts import CountTails
from predclv.models.base import SpendModel

_ELEMENTS = 1 << 18  # customers x draws x counts that are held at once
_NEGLIGIBLE = 1e-3  # share of the tail sought that counts left out may have
_ROUGHLY = 0.02  # precision of the first search, in log units; the secant steps square it twice
_BRACKETS = (2.0, 6.0, 40.0)  # how far from a rough guess to look, in log units


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
    buyers = np.flatnonzero(found.tails[cell, 0] * (1 - 1e-12) > beyond)
    # Customers with counts of like length together, so that none waits for another's long tail.
    lengths = np.maximum((found.tails > _NEGLIGIBLE * beyond).sum(axis=1), 1)[cell]
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
    """The quantile where P(counts) is (m, k): a root search in the logarithm of revenue.

    First at the middle of the draws, where it is cheap, then by secant steps with all of them.
    """
    names = spend.names()
    drawn = type(spend)(*(np.reshape(getattr(spend, name), (-1, 1, 1)) for name in names))
    middle = type(spend)(
        *(np.exp(np.mean(np.log(getattr(spend, name)))).reshape(1, 1, 1) for name in names)
    )

    active = probabilities.sum(axis=1)

    def log_excess(model: SpendModel, log_z: NDArray, row: NDArray) -> NDArray:
        """How far, in log odds, P(revenue > z | any) is above what it should be; falls with z."""
        future = model.given(x[row, None], mean[row, None])
        above = future.p_total_above(np.exp(log_z)[:, None], counts).mean(axis=0)
        tail = np.einsum("mk,mk->m", probabilities[row], above) / active[row]
        return logit(np.clip(tail, 1e-15, 1 - 1e-15)) - logit(beyond / active[row])

    each = middle.expected_spend(x[:, None], mean[:, None])[0, :, 0]
    expected = (probabilities @ counts) / active
    guess = np.log(expected * np.where(np.isfinite(each), each, 1.0))
    log_z = np.full(x.size, np.nan)
    for reach in _BRACKETS:
        rows = np.flatnonzero(np.isnan(log_z))
        if rows.size == 0:
            break
        root = find_root(  # type: ignore[call-overload]
            lambda at, row: log_excess(middle, at, row.astype(int)),
            (guess[rows] - reach, guess[rows] + reach),
            args=(rows.astype(float),),
            tolerances={"xatol": _ROUGHLY, "fatol": _ROUGHLY},
        )
        log_z[rows] = np.where(root.success, root.x, np.nan)

    # What is not found lies below exp(-40) of the guess: buying nothing is all but likely enough.
    vanishing = np.isnan(log_z)
    log_z = np.where(vanishing, guess, log_z)
    everyone = np.arange(x.size)
    excess = log_excess(drawn, log_z, everyone)
    step = np.where(excess > 0, _ROUGHLY, -_ROUGHLY)
    for _ in range(2):
        following = log_excess(drawn, log_z + step, everyone)
        slope = np.minimum((following - excess) / step, -1e-3)
        log_z, excess = log_z + step, following
        step = np.clip(-excess / slope, -0.5, 0.5)
        step = np.where(np.abs(step) < 1e-9, 1e-9, step)
        if np.max(np.abs(step)) < 2 * _ROUGHLY:
            break
    return np.where(vanishing, 0.0, np.exp(log_z + step))
