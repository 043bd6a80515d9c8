"""Spend over time, as a log has it: of late against before, first purchases against later."""

import datetime
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from predclv.errors import DataError
from predclv.logs.log import Log
from predclv.logs.spend_statements import spend_around
from predclv.money import UNITS
from predclv.summaries.rfm import RFM
from predclv.units import day_number
from predclv.warehouse.base import LeftBehind

LATE_DAYS = 182
"""The half-year before the end of observation."""

_PURCHASES = 100_000
"""About so many are looked at, of customers drawn by a hash of their ids.

Of a shop like CDNOW's that is some 16,000 repeat buyers, whose ratios have errors below 1%; what is
warned of are 25% and more.
"""

MOST_ROWS = 100_000_000
"""Of a log that is looked at unasked: it is read once more."""

_COUNTED: WeakKeyDictionary[Any, "SpendFacts"] = WeakKeyDictionary()  # by summary


@dataclass(frozen=True, slots=True, eq=False)
class SpendFacts:
    """What customers spent of late, by what they had spent before, and at first.

    Attributes
    ----------
    x, mean : ndarray, shape (n,)
        Repeat purchases before the last half-year, and their mean spend, of customers who bought in
        it too.
    late_purchases, late_spend : ndarray, shape (n,)
        Of them in the last half-year.
    first_spend : ndarray, shape (m,)
        What the first purchase of those who came again cost.
    """

    x: NDArray
    mean: NDArray
    late_purchases: NDArray
    late_spend: NDArray
    first_spend: NDArray


def spend_facts(rfm: object) -> SpendFacts | None:
    """The facts of a summary's log; None without a log, without amounts, or of too long a log."""
    if not isinstance(rfm, RFM) or rfm.log is None or rfm.observation_end is None:
        return None
    log, end = rfm.log, rfm.observation_end
    if isinstance(log.warehouse, LeftBehind) or not rfm.has_spend or log.rows > MOST_ROWS:
        return None
    found = _COUNTED.get(rfm._summary)
    if found is None:
        try:
            purchases = rfm.counts["customers"] + rfm.counts["repeat_purchases"]
            step = max(1, purchases // _PURCHASES)
            found = _COUNTED[rfm._summary] = _counted(log, end, step)
        except DataError:  # the file has gone since, or the user's connection: a fit needs neither
            return None
    return found


def _counted(log: Log, end: datetime.date, step: int) -> SpendFacts:
    cut = day_number(end) - LATE_DAYS
    order = "first_units, x, units, late_purchases, late_units"  # ids stay where they lie
    found = log.table_of(spend_around, end, order, cut, step)
    around = found[(found["x"] > 0) & (found["units"] > 0) & (found["late_purchases"] > 0)]
    x = around["x"].to_numpy(np.float64)
    return SpendFacts(
        x=x,
        mean=around["units"].to_numpy(np.float64) / UNITS / x,
        late_purchases=around["late_purchases"].to_numpy(np.float64),
        late_spend=around["late_units"].to_numpy(np.float64) / UNITS,
        first_spend=found["first_units"].to_numpy(np.float64) / UNITS,
    )
