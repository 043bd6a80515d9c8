"""Customers of a summary with what is known of them: static covariates first, then dynamic ones."""

import datetime

from predclv.logs.log import EPOCH, Log
from predclv.summaries.pathed import with_paths
from predclv.summaries.patterned import Described, with_patterns


def described(log: Log, table: str, end: datetime.date, tells: bool) -> Described:
    """Give customers of a summary the numbers of their pattern and, maybe, path.

    Parameters
    ----------
    log : Log
        With the covariates that it was opened with.
    table : str
        The summary's table; another one takes its place.
    end : datetime.date
        The last day observed.
    tells : bool
        Whether to warn of what was gathered and of columns that say nothing.

    Raises
    ------
    DataError
        If customers have no row, or a missing or infinite value, and nothing says what stands for
        it; or a column identifies customers.
    """
    static, dynamic, found = log.static_covariates, log.dynamic_covariates, Described(table)
    if static is not None:
        key = "pattern" if dynamic is None else "static_pattern"
        found = with_patterns(log.warehouse, static, table, tells, key)
    if dynamic is not None:
        found = with_paths(log.warehouse, dynamic, found, (end - EPOCH).days, tells)
    return found
