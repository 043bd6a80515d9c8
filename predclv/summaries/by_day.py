"""Repeat purchases by day, counted where the log of a summary lies: what a clock is fitted to."""

import datetime

import numpy as np

from predclv.logs.log import EPOCH, Log
from predclv.progress import stage
from predclv.summaries.base import Summary


def repeats_by_day(log: Log, summary: Summary) -> tuple[int, np.ndarray]:
    """All purchases of each day, without first ones."""
    cells, found = summary.cells(), summary.purchases_by_day
    assert cells.last_day is not None
    first_day = (log.first_day - EPOCH).days
    n_days = cells.last_day - first_day
    if found is None:
        with stage("Counting purchases by day"):
            found = log.purchases_by_day(EPOCH + datetime.timedelta(days=cells.last_day))
    all_of_day = np.zeros(n_days + 1, np.int64)
    all_of_day[found["day"].to_numpy() - first_day] = found["purchases"].to_numpy()
    firsts = np.zeros(n_days + 1, np.int64)
    np.add.at(firsts, n_days - cells.age_days, cells.weight)
    return first_day, (all_of_day - firsts)[1:]
