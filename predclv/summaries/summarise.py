"""From a log to a summary of its customers."""

import datetime
from collections.abc import Mapping
from typing import Any

import pandas as pd

from predclv.frozen import Frozen
from predclv.logs.gap_statements import gap_days
from predclv.logs.log import EPOCH, Log
from predclv.logs.opening import open_log_to
from predclv.logs.options import LogOptions
from predclv.logs.suspicions import warn_of_late_rows, warn_of_suspicions
from predclv.summaries.described import described
from predclv.summaries.pathed import repeats_of
from predclv.summaries.patterned import warn_of_unused
from predclv.summaries.rfm import RFM
from predclv.summaries.stored import StoredSummary
from predclv.units import days_per


def rfm_summary(
    transactions: Any,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    *,
    unit: str = "week",
    observation_end: str | datetime.date | None = None,
    refunds: str = "net",
    timezone: str | None = None,
    currency: str | None = None,
    static_covariates: Any = None,
    dynamic_covariates: Any = None,
) -> RFM:
    """Summarise a log of purchases, one row per purchase, to one row per customer.

    The log is grouped where it lies; ids keep their type. All purchases of a customer on one day
    are one purchase, the first purchase is in neither frequency nor monetary value, and times are
    whole days over the days in a unit: T runs from the first purchase to ``observation_end``.

    A log larger than memory is put on disk in parts (see `duckdb_settings`); the log of a Spark
    DataFrame and its summary stay on the cluster. Both give the same integers.

    Parameters
    ----------
    transactions : frame, relation or path
        A pandas or polars DataFrame, a polars LazyFrame, an Arrow table, a DuckDB relation, a
        PySpark DataFrame (classic or Connect), or the path or glob of .parquet or .csv files (or a
        list of paths).
    customer_id, date : str
        Their columns. Ids are whole numbers, text or UUIDs; dates are dates, timestamps or ISO
        text.
    amount : str or None
        The column of the amounts, None for a log without: there is no monetary value then.
    unit : str
        day, week, month (30.4375 days) or year (365.25 days).
    observation_end : str, date or timestamp, optional
        The last day observed, inclusive. Default: the latest date in the log, which is too early
        where the log was drawn some time after its last purchase.
    refunds : str
        What becomes of negative amounts: ``"net"`` sums them into their day (a day of refunds
        alone is no purchase and its amount is left out), ``"drop"`` leaves them out, ``"error"``
        refuses them.
    timezone : str, optional
        The zone whose days count, for dates that are instants. Default: the zone that the column
        records; UTC with a warning where a file holds none; the session's, with a warning, where
        the log is a Spark DataFrame or a DuckDB relation.
    currency : str, optional
        What the amounts are in: a code or symbol, such as ``"GBP"`` or ``"£"``, which tables,
        pictures and reports then show. Nothing is converted. Default: plain numbers.
    static_covariates : table or CovariateTable, optional
        What is known of customers: one row each, with customer_id and any columns, in whatever form
        a log may have. Numbers stay numbers, booleans are 0 and 1, text and categories are levels
        compared with the commonest, of which rare ones (fewer than 1% of the customers and than
        100) are taken together as ``other``. Every customer needs a row and a value in every
        column, unless `CovariateTable` says what stands for it; there numbers are put in bins, too.
        ``frame`` shows the columns; histories are counted by distinct combination (``pattern``).
    dynamic_covariates : table or CovariateTable, optional
        The same for what changes: customer_id, date and columns, whose values hold from that date,
        inclusive, until the customer's next row. In force at the first purchase is the last row up
        to it; where the first row comes later it is taken to hold from the first purchase on, with
        a warning, unless `CovariateTable` says what held before. ``frame`` shows what is in force
        on the last day observed.

    Returns
    -------
    RFM

    Raises
    ------
    DataError
        If a column is missing or has values that cannot be used, the log is empty, or a file
        cannot be read. If customers have no row of covariates, several that contradict each other,
        or a missing or infinite value; or a column identifies customers.
    OptionError
        If the unit, ``refunds``, ``timezone`` or ``observation_end`` means nothing here.

    Warns
    -----
    DataWarning
        Rows after ``observation_end`` were left out, amounts rounded to 0.0001, or an amount
        column is empty. Covariates of customers without a purchase were not used, rare levels
        taken together, or a covariate is constant or follows from others.
    RefundWarning
        Negative amounts were netted or dropped.
    DuplicateWarning, ObservationEndWarning, SharedAccountWarning, LargeOrderWarning
        The log looks broken: rows are there twice, nobody bought for a year before the end or
        before the last day, that day is in the future, the first is a year before the second, an id
        buys like a guest account, one order is most of a customer's spend. All are DataWarnings.

    See Also
    --------
    predclv.RFM : the summary: one row per customer.
    predclv.holdout_split : cut a log at a day.
    predclv.CLVModel : the recipe: purchases, spend, and who fits.

    Examples
    --------
    >>> import pandas as pd, predclv as pc
    >>> orders = pd.DataFrame({
    ...     "customer_id": [1, 1, 1, 2],
    ...     "date": ["2024-01-01", "2024-01-15", "2024-01-15", "2024-01-08"],
    ...     "amount": [9.9, 20.0, 5.0, 12.5],
    ... })
    >>> rfm = rfm_summary(orders, observation_end="2024-01-29")
    >>> rfm
    RFM: 2 customers, 1 repeat purchase, in weeks, observed to 2024-01-29
    >>> rfm.frame
       customer_id  frequency  recency    T  monetary_value
    0            1          1      2.0  4.0            25.0
    1            2          0      0.0  3.0             0.0
    >>> rfm.counts["same_day_rows_merged"]
    1

    With what is known of the customers:

    >>> known = pd.DataFrame({"customer_id": [1, 2], "channel": ["web", "store"]})
    >>> mailings = pd.DataFrame({"customer_id": [2], "date": ["2024-01-20"], "mailed": [1]})
    >>> rfm = rfm_summary(
    ...     orders,
    ...     observation_end="2024-01-29",
    ...     static_covariates=known,
    ...     dynamic_covariates=pc.CovariateTable(mailings, fill={"mailed": 0}),
    ... )
    >>> rfm.frame[["customer_id", "frequency", "channel", "mailed"]]
       customer_id  frequency channel  mailed
    0            1          1     web     0.0
    1            2          0   store     1.0
    """
    days_per(unit)
    options = LogOptions(
        customer_id=customer_id,
        date=date,
        amount=amount,
        refunds=refunds,
        timezone=timezone,
        currency=currency,
        static_covariates=static_covariates,
        dynamic_covariates=dynamic_covariates,
    )
    log, end = open_log_to(transactions, options, observation_end)
    rfm, table = summary_of(log, end, unit)
    warn_of_late_rows(rfm.counts, end)
    warn_of_unused(log, [table], end, rfm.counts)
    warn_of_suspicions(
        log, table, rfm.counts, end, "observation_end", end, rfm._summary.purchases_by_day
    )
    return rfm


def summary_of(log: Log, end: datetime.date, unit: str, tells: bool = True) -> tuple[RFM, str]:
    """The summary of a checked log to ``end``, not before its first day, and its table's name."""
    table, counts, days = log.keep_summary(end, tells)
    return rfm_of(log, table, counts, end, unit, tells, days)


def rfm_of(
    log: Log,
    table: str,
    counts: Mapping[str, int],
    end: datetime.date,
    unit: str,
    tells: bool = True,
    days: pd.DataFrame | None = None,
) -> tuple[RFM, str]:
    """The summary that a table of customers is, with what the log knows of them; its table.

    ``days`` are the log's `purchases_by_day`, where they are counted already.
    """
    found = described(log, table, end, tells)
    table = found.table
    summary = StoredSummary(
        log.warehouse,
        table,
        unit,
        log.has_spend,
        (end - EPOCH).days,
        lambda: log.table_of(gap_days, end, "gap_days"),
        found,
        lambda segments: repeats_of(log, segments, end),
        days=days,
    )
    return RFM(unit, end, Frozen({**counts, **found.counts}), log, summary, log.currency), table
