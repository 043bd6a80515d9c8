"""Gains: how much of what came is found by taking the customers of highest forecast first."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from predclv.errors import DataError


def gains_curve(predicted: ArrayLike, actual: ArrayLike) -> pd.DataFrame:
    """The share of all that came from the customers of highest forecast, by their share.

    Customers of equal forecast are one straight piece: the mean over all their orders. The Gini
    coefficient of the forecast's order is twice the area between curve and diagonal;
    :func:`predclv.validation.metrics.gini` is that over the same of the perfect order.

    Returns
    -------
    DataFrame
        Columns customers and captured, shares from 0 to 1; one row per distinct forecast and one
        at 0. With refunds, ``captured`` can exceed 1 on the way.

    Raises
    ------
    DataError
        If nothing came, of which no share can be taken.

    Examples
    --------
    >>> gains_curve([3.0, 1.0, 1.0, 2.0], [6, 1, 1, 2])
       customers  captured
    0       0.00       0.0
    1       0.25       0.6
    2       0.50       0.8
    3       1.00       1.0
    """
    predicted, actual = (np.asarray(each, np.float64) for each in (predicted, actual))
    total = actual.sum()
    if total <= 0:
        raise DataError("Nothing came in the holdout, so there are no shares of it to show.")
    code = np.unique(-predicted, return_inverse=True)[1]
    customers = np.cumsum(np.bincount(code)) / predicted.size
    captured = np.cumsum(np.bincount(code, actual)) / total
    return pd.DataFrame(
        {"customers": np.append(0.0, customers), "captured": np.append(0.0, captured)}
    )
