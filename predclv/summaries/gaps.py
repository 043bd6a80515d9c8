"""The times between customers' consecutive purchases, counted: what regularity is read from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
