"""How wrong members of a mixture are together, for every pair of them: their mixture's CRPS."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.forecast.counts import ONE_BY_ONE, count_classes
from predclv.pools.mixture import codes, tails_of
from predclv.samples.grouping import distinct

_ROWS = 1024  # histories at once


def loss_matrix(members: Sequence[Any], came: NDArray, weight: NDArray | None = None) -> NDArray:
    """The mean over customers of products of members' errors, summed over counts.

    A mixture's CRPS is ``w @ Q @ w``. Exact up to 64 purchases; beyond, tails are lines between
    counts 4% apart.

    Parameters
    ----------
    members : sequence
        Distributions of the same customers.
    came : ndarray of int, shape (n,)
    weight : ndarray of int, shape (n,), optional
        How many customers each stands for; one.

    Returns
    -------
    ndarray, shape (members, members)
    """
    own = [codes(member) for member in members]
    first, code = distinct(own[0], came, *own[1:])
    weight = np.bincount(code, weight).astype(np.float64)
    order = np.argsort(own[0][first], kind="stable")
    first, weight = first[order], weight[order]
    tails = [tails_of(member) for member in members]
    total = np.zeros((len(members), len(members)))
    for start in range(0, first.size, _ROWS):
        rows = first[start : start + _ROWS]
        found = [of(rows) for of in tails]
        width = max(known.shape[1] for known in found)
        place, share = _between(width, int(came[rows].max()))
        n = np.arange(1, place.size + 1)
        actual = (n <= came[rows, None]).astype(np.float64)
        away = np.empty((len(members), rows.size * n.size))
        for i, known in enumerate(found):
            padded = np.zeros((rows.size, width + 1))
            padded[:, : known.shape[1]] = known
            of_n = padded[:, place]
            if share.any():
                of_n += share * (padded[:, place + 1] - of_n)
            away[i] = ((of_n - actual) * np.sqrt(weight[start : start + _ROWS, None])).ravel()
        total += away @ away.T
    return total / weight.sum()


def _between(width: int, most: int) -> tuple[NDArray, NDArray]:
    """Where the tail of each count from 1 on stands among classes, and how far to the next."""
    classes = [n for n, _ in zip(count_classes(), range(width + 1), strict=False)]
    n = np.arange(1, max(classes[-1], most) + 1)
    if width < ONE_BY_ONE:
        return np.minimum(n - 1, width), np.zeros(n.size)
    edges = np.array(classes, np.float64)
    place = np.minimum(np.searchsorted(edges, n, side="right") - 1, width - 1)
    share = np.clip((n - edges[place]) / (edges[place + 1] - edges[place]), 0.0, 1.0)
    return place, share
