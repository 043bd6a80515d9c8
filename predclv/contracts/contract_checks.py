"""What a table of contracts may not hold, each with a message that names it."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from predclv.contracts.contract_sql import FAR, ContractSQL
from predclv.errors import DataError, DataWarning, OptionError, did_you_mean, some
from predclv.notices import counted, warn
from predclv.units import days_per
from predclv.warehouse.base import fresh

_DOUBTED = 0.10  # of ended contracts off the end of a period, from which the period is doubted
_MULTIPLES = {"day": (("week", 7),), "week": (("year", 52),), "month": (("year", 12),)}


def assert_period(period: Any) -> None:
    """Raise OptionError unless it is a day, week, month or year."""
    try:
        days_per(period)
    except OptionError as error:
        raise OptionError(str(error).replace("unit", "period", 1)) from None


def assert_column(table: pd.DataFrame, name: Any, role: str, hint: str = "") -> None:
    """Raise DataError unless a table has the column of a role."""
    if name not in table.columns:
        raise DataError(
            f"The table has no column {name!r} ({role}); its columns are "
            f"{some(map(repr, table.columns), 20)}.{did_you_mean(str(name), table.columns)}{hint}"
        )


def whole_periods(periods: Any) -> int:
    """A number of periods to hold out, checked."""
    if isinstance(periods, bool) or not isinstance(periods, (int, np.integer)) or periods < 1:
        raise OptionError(f"periods must be a whole number from 1 on; got {periods!r}.")
    return int(periods)


def check_contracts(
    engine: Any, sql: ContractSQL, facts: Mapping[str, Any], names: Mapping[str, str | None]
) -> None:
    """Every contract has a customer and a start, and does not end before it.

    Raises
    ------
    DataError
        If not; the message counts and names them.
    """
    if not facts["contracts"]:
        raise DataError("The table is empty: it has its columns, but no contract.")
    for fact, role in (("null_ids", "customer_id"), ("null_starts", "date")):
        if facts[fact]:
            what = "customer" if role == "customer_id" else "start"
            raise DataError(
                f"{counted(facts[fact], 'contract has', 'contracts have')} no {what} (column "
                f"{names[role]!r}). Fill them in or leave them out."
            )
    if facts["backwards"]:
        shown = some(f"{who!r} from {s} to {e}" for who, s, e in engine.rows(sql.backwards()))
        raise DataError(
            f"{counted(facts['backwards'], 'contract ends', 'contracts end')} before "
            f"{'it starts' if facts['backwards'] == 1 else 'they start'}: customer {shown}. Are "
            f"the columns {names['date']!r} and {names['end_date']!r} the wrong way round?"
        )


def check_overlaps(engine: Any, sql: ContractSQL, last: int) -> int:
    """Contracts of one customer follow each other; how many follow an earlier one.

    Raises
    ------
    DataError
        If contracts of a customer overlap.

    Warns
    -----
    DataWarning
        If contracts begin just where the customer's earlier one ends.
    """
    several = fresh("several")
    engine.store(several, sql.several())
    found = (0, 0, 0)
    if engine.rows(f"SELECT count(*) FROM {several}")[0][0]:
        kept = fresh("neighbours")
        engine.store(kept, sql.neighbours(several, last))
        found = engine.rows(
            "SELECT count(*) FILTER (WHERE s < before), count(before),"
            f" count(*) FILTER (WHERE s - before BETWEEN 0 AND 1 AND before < {FAR}) FROM {kept}"
        )[0]
        shown = engine.rows(
            f"SELECT DISTINCT customer_id FROM {kept} WHERE s < before ORDER BY 1 LIMIT 6"
        )
        engine.drop(kept)
    engine.drop(several)
    overlapping, returned, joined = (int(number) for number in found)
    if overlapping:
        who = some((repr(row[0]) for row in shown), of=math.inf)
        raise DataError(
            f"{counted(overlapping, 'contract overlaps', 'contracts overlap')} an earlier one of "
            f"the same customer (customer {who}). Are rows there "
            "twice? Several subscriptions at once need an id each: make customer_id one of the "
            "contract, such as customer and product together; join a row that only changes the "
            "plan to the one before."
        )
    if joined:
        warn(
            f"{counted(joined, 'contract begins', 'contracts begin')} just where an earlier one of "
            f"the same customer ends; each was taken for an end and a new beginning. If such a row "
            "is a renewal, join it to the one before: first start, last end.",
            DataWarning,
        )
    return returned


def check_lengths(histories: pd.DataFrame, period: str) -> None:
    """The period is the one in which contracts are renewed.

    Parameters
    ----------
    histories : DataFrame
        With renewals, ended, fits and contracts.
    period : str

    Raises
    ------
    OptionError
        If nearly all contracts that ended lasted a multiple of a longer period.

    Warns
    -----
    DataWarning
        If many ended in the middle of a period.
    """
    ended = histories[histories["ended"]]
    total = int(ended["contracts"].sum())
    if not total:
        return
    off = int(ended["contracts"][~ended["fits"].astype(bool)].sum())
    lasted = ended["renewals"] + 1
    for longer, times in _MULTIPLES.get(period, ()):
        whole = int(ended["contracts"][(lasted % times == 0) & ended["fits"]].sum())
        if total >= 20 and whole >= 0.95 * total:
            raise OptionError(
                f"period={period!r} does not fit: {whole:,} of {total:,} contracts that ended "
                f"lasted a multiple of {times} {period}s, so they seem to be renewed by the "
                f"{longer}. Say period={longer!r}."
            )
    if off > _DOUBTED * total:
        warn(
            f"{off:,} of {total:,} contracts that ended did so in the middle of a {period}; they "
            f"were taken to run until it was over. If contracts are not renewed by the {period}, "
            "say the period that they are renewed by.",
            DataWarning,
        )


def warn_of_single(cohorts: pd.Series) -> None:
    """Warn of cohorts of one customer alone, by name."""
    if len(cohorts):
        warn(
            f"{counted(len(cohorts), 'cohort has', 'cohorts have')} one customer alone: "
            f"{some(cohorts)}. They count, and tell hardly anything.",
            DataWarning,
        )
