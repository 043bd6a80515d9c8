"""The gap of time after which a customer counts as gone, tuned inside a calibration period."""

import datetime
import warnings

import numpy as np
from numpy.typing import NDArray

from predclv.errors import DataError, RefundWarning
from predclv.logs.log import Log
from predclv.summaries.splits import split_of


def best_gap(log: Log, end: datetime.date, unit: str) -> float:
    """The gap that best tells who buys in the second half of a log from who does not, in ``unit``.

    Parameters
    ----------
    log : Log
    end : datetime.date
        The log's end, as far as it may be known.
    unit : str

    Raises
    ------
    DataError
        If nobody, or everybody, known by half-time buys in the second half.
    """
    middle = log.first_day + (end - log.first_day) // 2
    if middle < end:
        with warnings.catch_warnings():  # of refunds the summary has told already
            warnings.simplefilter("ignore", RefundWarning)
            split = split_of(log.without_covariates, middle, end, unit)
        frame = split.frame
        bought = (frame["frequency_holdout"] > 0).to_numpy()
        if bought.any() and not bought.all():
            return dividing_gap((frame["T"] - frame["recency"]).to_numpy(np.float64), bought)
    raise DataError(
        f"The gap of HiatusRate cannot be tuned: of the customers known on {middle}, the middle "
        f"of the log, all or none bought until {end}. Give a gap, such as HiatusRate('12 weeks')."
    )


def dividing_gap(since: NDArray, bought: NDArray) -> float:
    """The gap with the best balanced accuracy of "bought again" by "bought within the gap".

    Parameters
    ----------
    since : ndarray, shape (n,)
        Time since the last purchase.
    bought : ndarray of bool, shape (n,)
        Whether they bought again; some did and some did not.

    Returns
    -------
    float
        One of ``since``; of equally good ones the shortest.

    Notes
    -----
    Balanced, the mean of the shares of buyers and of others told rightly, because the plain share
    is best at "nobody will buy" wherever few do: a rule of no use.

    Examples
    --------
    >>> dividing_gap(np.array([1.0, 2.0, 3.0, 9.0]), np.array([True, True, False, False]))
    2.0
    """
    gaps, code = np.unique(since, return_inverse=True)
    buyers = np.cumsum(np.bincount(code, weights=bought, minlength=gaps.size))
    others = np.cumsum(np.bincount(code, weights=~bought, minlength=gaps.size))
    return float(gaps[np.argmax(buyers / buyers[-1] - others / others[-1])])
