"""How value is spread over customers."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from predclv.errors import DataError, OptionError


def value_histogram(values: ArrayLike, bins: int = 40) -> pd.DataFrame:
    """Customers by value, in classes of equal width on the log scale.

    Parameters
    ----------
    values : array, shape (n,)
        Those of 0 and less are in no class.
    bins : int
        The lowest of them also has the half percent of customers below it.

    Returns
    -------
    DataFrame
        Columns low and high (of the class), customers, share_below (of all positive value, held by
        customers up to ``high``).

    Examples
    --------
    >>> value_histogram([1.0, 10.0, 10.0, 100.0], bins=2)[["customers", "share_below"]]
       customers  share_below
    0          3     0.173554
    1          1     1.000000
    """
    if bins < 1:
        raise OptionError(f"bins must be at least 1; got {bins}.")
    values = np.asarray(values, np.float64)
    positive = values[values > 0]
    if not positive.size:
        raise DataError("No customer has a value above 0.")
    # The lowest half percent, often almost nothing, would take most of a log scale.
    low, high = np.quantile(positive, 0.005), positive.max()
    edges = np.geomspace(low, high if high > low else low * 1.01, bins + 1)
    edges[-1] = max(edges[-1], high)
    customers, _ = np.histogram(np.maximum(positive, edges[0]), edges)
    held, _ = np.histogram(np.maximum(positive, edges[0]), edges, weights=positive)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "customers": customers,
            "share_below": np.cumsum(held) / positive.sum(),
        }
    )
