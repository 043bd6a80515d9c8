"""What customers' past purchases still count: summed where their log lies, beside a summary."""

import datetime
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from predclv.errors import DataError, StoreError
from predclv.logs.log import EPOCH, Log
from predclv.logs.memory_statements import (
    ONE,
    days_of_some,
    memory_sums,
    repeats_at_ages,
)
from predclv.notices import counted
from predclv.progress import stage
from predclv.samples.cells import Cells
from predclv.samples.sequences import Sequences
from predclv.summaries.framed import FrameSummary
from predclv.summaries.rfm import RFM
from predclv.summaries.stored import StoredSummary
from predclv.warehouse.base import fresh

MEMORY = "memory"
"""The column of what repeat purchases count, in units of which the last one is 2^30."""

BINNED_FROM = 200_000
"""Customers from which on it is kept to bins: 64 up to one purchase, and so on with the root.

Of 250,000 simulated customers over two years, beside exact sums: expected purchases of a customer
move by 0.5% (root mean square), their total by 0.002%. Histories are hardly fewer there, for who
bought twice or more is nearly alone with the days alone; over more customers they are.
"""


def days_behind(rfm: Any) -> tuple[Log, StoredSummary, datetime.date]:
    """The log behind a summary, what the summary rests on, and the last day observed.

    Raises
    ------
    DataError
        If there is no log: a model that forgets needs the day of every purchase.
    """
    if isinstance(rfm, RFM) and rfm.log is not None and rfm.observation_end is not None:
        rests_on: Any = rfm._summary
        return rfm.log, rests_on, rfm.observation_end
    raise DataError(
        "Fading memory needs the day of every purchase, and "
        + (
            "this summary has no log behind it (RFM.from_frame, or read from a file)."
            if isinstance(rfm, RFM)
            else f"{type(rfm).__name__} has none."
        )
        + " Make it with pc.rfm_summary(log), or leave memory out: memory=False."
    )


def sequences_of(rfm: Any, most: int, by_pattern: bool = False) -> Sequences:
    """The days of purchase of all customers, or of ``most`` of them: always the same ones.

    ``by_pattern`` where what is known of them tells them apart.

    Raises
    ------
    DataError
        If there is no log.
    """
    log, summary, observed = days_behind(rfm)
    end, first_day = rfm.cells().known_last_day, first_day_of(rfm.cells())
    some = most if len(rfm) > most else None
    said = f"Fetching the purchases of {counted(min(most, len(rfm)), 'customer')}"
    with stage(said), log.days_until(observed) as table:
        known = ("pattern",) if by_pattern else ()
        found = summary.warehouse.frame(days_of_some(table, summary.table, end, some, known))
    days, age = (found[name].to_numpy(np.int64) for name in ("day", "age_days"))
    first = np.flatnonzero(days == end - age)
    frequency = found["frequency"].to_numpy(np.int64)[first]
    pattern = found["pattern"].to_numpy(np.int64)[first] if by_pattern else None
    return Sequences.of_counted(
        days[first] - first_day, frequency, days - first_day, end - first_day, pattern
    )


def repeats_by_age(rfm: Any) -> NDArray:
    """Repeat purchases at each age of customers in days, from 0 to that of the oldest.

    Raises
    ------
    DataError
        If there is no log.
    """
    log, summary, observed = days_behind(rfm)
    cells = rfm.cells()
    with stage("Counting purchases by age"), log.days_until(observed) as table:
        sql = repeats_at_ages(table, summary.table, cells.known_last_day)
        found = summary.warehouse.frame(sql)
    repeats = np.zeros(int(cells.age_days.max(initial=0)) + 1, np.int64)
    repeats[found["age"].to_numpy(np.int64)] = found["purchases"].to_numpy(np.int64)
    return repeats


def first_day_of(cells: Cells) -> int:
    """The day on which the log of these customers begins: the first purchase of the oldest."""
    return cells.known_last_day - int(cells.age_days.max(initial=0))


def already(rfm: RFM, key: Any) -> RFM | None:
    """The same customers, as `remembered` gave them for this key before; None where it did not."""
    if rfm._summary.recalls == key:
        return rfm
    found = rfm._summary.__dict__.get("_remembered", {}).get(key)
    return None if found is None else replace(rfm, _summary=found)


def remembered(rfm: RFM, key: Any, weights: NDArray, first_day: int | None) -> RFM:
    """The same customers, told apart by what their purchases still count too.

    Parameters
    ----------
    rfm : RFM
    key : hashable
        What the weights follow from; a summary is asked once for each.
    weights : ndarray, shape (n_days,)
        What a purchase counts, on each day from ``first_day`` to the end of observation, beside one
        on the last.
    first_day : int or None
        Not after the first purchase of any customer; None where weights are by the days since it.

    Raises
    ------
    DataError
        If there is no log.
    """
    log, summary, end = days_behind(rfm)
    found = _summed(log, summary, end, weights, first_day, len(rfm), key)
    rfm._summary.__dict__.setdefault("_remembered", {})[key] = found
    return replace(rfm, _summary=found)


def kept_memory(rfm: RFM) -> pd.DataFrame:
    """What the customers' purchases still count, one row each, sorted by id; for a file."""
    return rfm.frame[[MEMORY]]


def with_kept(rfm: RFM, key: Any, last_day: int | None, kept: pd.DataFrame) -> RFM:
    """A summary that was kept as its frame, with what `kept_memory` gave.

    Raises
    ------
    StoreError
        If that is impossible.
    """
    frame = rfm.frame
    values = kept[MEMORY].to_numpy() if MEMORY in kept else np.array([0.5])
    most = frame["frequency"].to_numpy(np.int64) * ONE
    if (
        len(kept) != len(frame)
        or values.dtype.kind not in "iu"
        or np.any((values < np.minimum(most, ONE)) | (values > 1.1 * most))
    ):
        raise StoreError("What customers' purchases still count is impossible.")
    frame[MEMORY] = values.astype(np.int64)
    cells = rfm.cells()
    facts = (frame, rfm.unit, last_day, rfm.patterns, cells.paths, cells.ahead)
    summary = FrameSummary(*facts, extra=(MEMORY,), recalls=key)
    rfm._summary.__dict__.setdefault("_remembered", {})[key] = summary
    return rfm


def _summed(
    log: Log,
    summary: StoredSummary,
    end: datetime.date,
    weights: NDArray,
    first_day: int | None,
    customers: int,
    key: Any,
) -> StoredSummary:
    warehouse, last = summary.warehouse, (end - EPOCH).days
    table, by_day = fresh("summary"), fresh("weights")
    days = np.arange(weights.size, dtype=np.int64) + (first_day or 0)
    warehouse.register(by_day, pa.table({"day": days, "weight": weights}))
    said = f"Adding up what purchases of {counted(customers, 'customer')} still count"
    with stage(said), log.days_until(end) as bought:
        binned, tables = customers >= BINNED_FROM, (bought, summary.table, by_day)
        warehouse.store(table, memory_sums(*tables, last, binned, first_day is None))
        warehouse.rows(f"SELECT count(*) FROM {table}")  # Spark: while the weights are there
    warehouse.drop(by_day)
    return summary.on(table, (MEMORY,), key)


def still_counts(cells: Cells) -> NDArray:
    """What the repeat purchases of each cell still count, shape (n_cells,), at most all of them."""
    return np.minimum(cells.extra[MEMORY] / ONE, cells.frequency)
