"""Distinct rows of columns, by hashing rather than sorting; sums and means of groups."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def distinct(*columns: NDArray) -> tuple[NDArray, NDArray]:
    """Where each distinct row first stands, and which of them each row is.

    Parameters
    ----------
    columns : ndarray, each of shape (n,)

    Returns
    -------
    first : ndarray of int, shape (m,)
        In order of first appearance.
    code : ndarray of int, shape (n,)
        ``columns[i][first][code]`` is ``columns[i]``.

    Examples
    --------
    >>> first, code = distinct(np.array([1, 2, 1]), np.array([5, 5, 5]))
    >>> first.tolist(), code.tolist()
    ([0, 1], [0, 1, 0])
    """
    key, _ = pd.factorize(columns[0])
    for column in columns[1:]:
        codes, values = pd.factorize(column)
        key, _ = pd.factorize(key * len(values) + codes)
    first = np.empty(int(key.max(initial=-1)) + 1, dtype=np.int64)
    first[key[::-1]] = np.arange(key.size)[::-1]
    return first, key


def sums(weight: NDArray, code: NDArray) -> NDArray:
    """The sum of each group, shape (groups,), exact."""
    sums = np.zeros(int(code.max(initial=-1)) + 1, dtype=np.int64)
    np.add.at(sums, code, weight)
    return sums


def means(values: NDArray, weight: NDArray, code: NDArray) -> NDArray:
    """The weighted mean of each group, shape (groups,)."""
    return np.bincount(code, values * weight) / np.bincount(code, weight)
