"""Finding, reading and checking a log of purchases."""

import datetime
from dataclasses import replace
from typing import Any

from predclv.errors import DataError, DataWarning, OptionError, did_you_mean
from predclv.logs.checks import check_amounts, check_ids_and_days
from predclv.logs.columns import statements
from predclv.logs.covariates import open_covariates, refuse_shared_names
from predclv.logs.log import EPOCH, FIRST, LAST, Log, civil_date
from predclv.logs.options import LogOptions
from predclv.logs.refunds import REFUNDS, refuse_refunds
from predclv.logs.sources import Table, open_table
from predclv.money import LARGEST_IN_DOUBLES, currency_named
from predclv.notices import warn
from predclv.progress import stage


def open_log(transactions: Any, options: LogOptions, end: datetime.date | None = None) -> Log:
    """Find, read and check a log, of which nothing after ``end`` will be looked at.

    Tables of covariates are read and brought to where the log lies.

    Raises
    ------
    DataError
        If rows cannot be used; the message counts them.
    OptionError
        If ``refunds`` or ``timezone`` is unknown, or ``currency`` is none.
    """
    currency = currency_named(options.currency)
    refunds, timezone = options.refunds, options.timezone
    if refunds not in REFUNDS:
        raise OptionError(
            f"refunds must be one of {', '.join(REFUNDS)}; got {refunds!r}."
            f"{did_you_mean(refunds, REFUNDS)}"
        )
    table = open_table(transactions, options.columns, timezone)
    sql = statements(table, timezone)
    with stage("Checking the log"):
        survey = table.reader.record(sql.survey())
    facts = {name: value or 0 for name, value in survey.items()}
    if not facts["row_count"]:
        raise DataError("The log is empty: it has its columns, but no row.")
    check_ids_and_days(table, sql, facts)
    amounts = sql.amounts
    if amounts is not None:
        if facts["null_amounts"] == facts["row_count"]:
            warn(
                f"Column {table.names['amount']!r} is empty, so the log was treated as one without "
                "amounts. Say amount=None to do so quietly.",
                DataWarning,
            )
            sql = replace(sql, amounts=None)
        else:
            check_amounts(table, sql, facts)
            if facts["all_amounts"] < LARGEST_IN_DOUBLES:
                sql = replace(sql, amounts=replace(amounts, kind="DOUBLE"))
    facts.setdefault("refund_rows", 0)
    if sql.amounts is None:
        facts["refund_rows"] = 0
    if refunds == "error" and facts["refund_rows"]:
        refuse_refunds(table, sql, None if end is None else (end - EPOCH).days)
    log = Log(
        first_day=_date(table, facts["first_day"]),
        last_day=_date(table, facts["last_day"]),
        rows=facts["row_count"],
        has_spend=sql.amounts is not None,
        refunds=refunds,
        _facts=facts,
        _table=table,
        _statements=sql,
        currency=currency,
    )
    return with_covariates(log, options.static_covariates, options.dynamic_covariates, timezone)


def with_covariates(log: Log, static: Any, dynamic: Any, timezone: str | None = None) -> Log:
    """The log with what is known of its customers, in tables that are read and brought to it.

    Raises
    ------
    DataError
        If such a table cannot be read or used.
    """
    known: dict[str, Any] = {
        what: open_covariates(given, log._table, log._statements.customer_id, timezone, what)
        for what, given in (("static_covariates", static), ("dynamic_covariates", dynamic))
        if given is not None
    }
    refuse_shared_names(*known.values())
    return replace(log, **known) if known else log


def open_log_to(
    transactions: Any, options: LogOptions, observation_end: Any
) -> tuple[Log, datetime.date]:
    """The log, and the last day that counts: the one that was asked for, or the log's own.

    Raises
    ------
    DataError
        As `open_log`, and if the day is before every purchase.
    """
    end = None if observation_end is None else civil_date(observation_end, "observation_end")
    log = open_log(transactions, options, end)
    if end is not None and end < log.first_day:
        raise DataError(
            f"observation_end {end} is before every purchase: the log runs from {log.first_day} to "
            f"{log.last_day}."
        )
    return log, end or log.last_day


def _date(table: Table, day: int) -> datetime.date:
    if not FIRST.days <= day <= LAST.days:
        raise DataError(f"Column {table.names['date']!r} has infinite or absurd dates.")
    return EPOCH + datetime.timedelta(days=day)
