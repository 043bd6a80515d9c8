"""The times between customers' consecutive purchases, counted: what regularity is read from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predclv.logs.gap_statements import gap_pairs
from predclv.logs.log import EPOCH
from predclv.progress import stage
from predclv.summaries.rfm import RFM
from predclv.units import days_per


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """How many times between consecutive purchases lasted how long.

    Attributes
    ----------
    days : ndarray, shape (n,)
        Distinct lengths in days, ascending, from 1 on.
    weight : ndarray of int64, shape (n,)
        Gaps of each length; they sum to the repeat purchases.
    """

    days: NDArray
    weight: NDArray

    def log_sum(self, unit: str) -> float:
        """The sum of the logarithms of all gaps, in a unit of time.

        Examples
        --------
        >>> round(float(Gaps(np.array([7.0, 14.0]), np.array([3, 2])).log_sum("week")), 3)
        1.386
        """
        return float(self.weight @ np.log(self.days / days_per(unit)))


def gaps_of(rfm: object) -> Gaps | None:
    """The gaps in the log behind a summary, counted on first use where the log lies.

    One statement in DuckDB and Spark, integers alone: both count the same. None for what has no
    log: a summary made elsewhere, loaded from a file or sent to another process before they were
    counted, and cells.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> found = gaps_of(rfm)
    >>> int(found.weight.sum()) == rfm.counts["repeat_purchases"]
    True
    """
    if not isinstance(rfm, RFM):
        return None
    found = rfm._summary.gap_days()
    if found is None:
        return None
    return Gaps(found["gap_days"].to_numpy(np.float64), found["gaps"].to_numpy(np.int64))


def gap_pairs_of(rfm: RFM) -> tuple[int, NDArray, NDArray]:
    """Consecutive purchases by their days, from which repeat purchases per day follow.

    Returns
    -------
    first_day : int
        The log's first day, counted from 1970-01-01.
    repeats : ndarray of int64, shape (n_days,)
        As of ``rfm.repeats_by_day()``.
    gaps : ndarray of int64, shape (3, n)
        The days of both since 1970-01-01, and how many customers have such a pair.

    Raises
    ------
    DataError
        If the summary was made without a log.
    """
    log, end = rfm.log_for("A clock needs")
    with stage("Counting times between purchases"):
        found = log.table_of(gap_pairs, end, "from_day, to_day")
    gaps = np.stack([found[name].to_numpy(np.int64) for name in found.columns])
    first_day = (log.first_day - EPOCH).days
    repeats = np.zeros((end - log.first_day).days, np.int64)
    np.add.at(repeats, gaps[1] - first_day - 1, gaps[2])
    return first_day, repeats, gaps
