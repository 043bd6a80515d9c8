"""Distinct rows of columns, by hashing rather than sorting."""

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
