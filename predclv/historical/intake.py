"""A log to look back on: opened and checked, or remembered by a summary, and what it leaves out."""

import datetime
from typing import Any

import pandas as pd

from predclv.errors import DataError, DataWarning, OptionError, RefundWarning
from predclv.logs.log import Log
from predclv.logs.opening import open_log_to
from predclv.logs.options import LogOptions
from predclv.logs.suspicions import warn_of_broken_log
from predclv.money import UNITS
from predclv.notices import counted, warn
from predclv.summaries.rfm import RFM


def opened(
    transactions: Any, options: LogOptions, observation_end: str | datetime.date | None
) -> tuple[Log, datetime.date]:
    """The log and the last day that counts.

    Parameters
    ----------
    transactions : RFM, frame, relation or path
        A summary made from a log stands for that log.
    options : LogOptions
    observation_end : date, optional

    Raises
    ------
    DataError
        If the log cannot be used, or a summary has none.
    OptionError
        If an option means nothing, or is not for a summary, which has settled it.

    Warns
    -----
    DataWarning
        Rows after ``observation_end`` were left out, or the log looks broken, as in
        :func:`predclv.rfm_summary`.
    """
    if isinstance(transactions, RFM):
        return _remembered(transactions, options, observation_end)
    log, end = open_log_to(transactions, options, observation_end)
    later = log.rows_after(end)
    if later:
        warn(
            f"{counted(later, 'row is', 'rows are')} after observation_end {end} and were left "
            "out.",
            DataWarning,
        )
    warn_of_broken_log(log, end, "observation_end")
    return log, end


def _remembered(
    rfm: RFM, options: LogOptions, observation_end: str | datetime.date | None
) -> tuple[Log, datetime.date]:
    settled = options.said + ["observation_end"] * (observation_end is not None)
    if "segment" in settled:
        raise OptionError("A summary knows no column to group by: hand over its log instead.")
    if settled:
        raise OptionError(
            f"A summary has settled {settled[0]} already: leave it out, or hand over the log."
        )
    return rfm.log_for("What was observed so far needs")


def without_refunds_alone(found: pd.DataFrame, is_customer: pd.Series, log: Log) -> pd.DataFrame:
    """The rows of customers; says what became of refunds, and who has nothing else.

    Parameters
    ----------
    found : DataFrame
        With refund_rows and refund_units where the log has refunds.
    is_customer : Series of bool
        Which rows are of customers with a purchase.
    log : Log

    Raises
    ------
    DataError
        If there is no customer.

    Warns
    -----
    RefundWarning
        If there are refunds.
    """
    if not is_customer.any():
        raise DataError("Every amount is negative: refunds alone make no customers.")
    if "refund_rows" not in found or not found["refund_rows"].sum():
        return found
    rows, units = int(found["refund_rows"].sum()), int(found["refund_units"].sum())
    net = log.refunds == "net"
    said = (
        f"{counted(rows, 'refund row')} ({units / UNITS:,.2f} in all) "
        f"{'were netted into revenue' if net else 'were left out'}."
    )
    alone = found[~is_customer]
    strangers = int(alone["seen"].sum()) if "seen" in alone else len(alone)
    if strangers:
        said += (
            f" {counted(strangers, 'customer')} with refunds alone "
            f"({alone['refund_units'].sum() / UNITS:,.2f}) "
            f"{'was' if strangers == 1 else 'were'} left out."
        )
    warn(said, RefundWarning)
    return found[is_customer]
