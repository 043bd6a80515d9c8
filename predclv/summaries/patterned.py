"""Customers of a summary with the number of their pattern: covariates joined in the warehouse."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from predclv.errors import DataError, DataWarning, some
from predclv.frozen import Frozen
from predclv.logs.covariates import Covariates
from predclv.logs.log import Log
from predclv.notices import counted, warn
from predclv.progress import stage
from predclv.samples.coding import coded
from predclv.samples.paths import Paths
from predclv.samples.patterns import Patterns
from predclv.warehouse.base import Warehouse, fresh


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """A summary's table, and what the numbers of patterns in it stand for.

    Attributes
    ----------
    table : str
        The summary's table, with the columns of ``keys`` where there are covariates.
    keys : tuple of str
        pattern, or nothing.
    patterns : Patterns or None
    counts : mapping
        What was filled, gathered or not used.
    paths : Paths or None
        Where there are dynamic covariates.
    segments : str
        The table of what held from when to when: customer_id, first_day, from_day, to_day, pattern.
    ahead : Paths or None
        What is known of the days after the last one observed.
    """

    table: str
    keys: tuple[str, ...] = ()
    patterns: Patterns | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    paths: Paths | None = None
    segments: str = ""
    ahead: Paths | None = None


def with_patterns(
    warehouse: Warehouse, known: Covariates, table: str, tells: bool, key: str = "pattern"
) -> Described:
    """Give customers of a summary the number of their pattern of static covariates.

    Parameters
    ----------
    warehouse : Warehouse
    known : Covariates
    table : str
        The summary's table; another one takes its place.
    tells : bool
        Whether to warn of what was gathered and of columns that say nothing.
    key : str
        The column to add.

    Raises
    ------
    DataError
        If customers have no row, or a missing or infinite value, and nothing says what stands for
        it; or a column identifies customers.
    """
    with stage(f"Joining {known.what}"):
        used = warehouse.frame(
            "SELECT c.combo, CAST(count(*) AS BIGINT) AS customers"
            f" FROM {table} s LEFT JOIN {known.name} c ON s.customer_id = c.customer_id GROUP BY 1"
        )
        combo, customers = placed(used, known)
        if known.absent is None and used["combo"].isna().any():
            raise absent(warehouse, table, known, int(customers.sum()))
        chosen = known.combos.iloc[combo]
        refuse_unusable(warehouse, known, chosen, combo, f"{known.name} c", table)
        found = coded(chosen, customers, customers, known.rules, known.what, tells)
        numbers = fresh("patterns")
        pairs = {"combo": combo, "pattern": found.place}
        warehouse.register(numbers, pa.Table.from_pandas(pd.DataFrame(pairs)))
        of_absent = len(known.combos) if known.absent is None else known.absent
        warehouse.store(
            name := fresh("summary"),
            f"SELECT s.*, n.pattern AS {key} FROM {table} s"
            f" LEFT JOIN {known.name} c ON s.customer_id = c.customer_id"
            f" JOIN {numbers} n ON n.combo = coalesce(c.combo, {of_absent})",
        )
        counts = {
            "covariate_rows": known.rows,
            "covariate_rows_repeated": known.repeated,
            "covariate_rows_without_customer": strangers(warehouse, known, [name]),
            "customers_with_filled_covariates": int(customers[known.filled[combo]].sum()),
            **found.counts,
        }
        warehouse.drop(numbers)
        warehouse.drop(table)
    return Described(name, (key,), found.patterns, Frozen(counts))


def placed(used: pd.DataFrame, known: Covariates) -> tuple[NDArray, NDArray]:
    """Which combos are used, in their order, and by how many customers."""
    of_absent = -1 if known.absent is None else known.absent
    combo = used["combo"].fillna(of_absent).to_numpy(np.int64)
    order = np.argsort(combo)
    return combo[order], used["customers"].to_numpy(np.int64)[order]


def strangers(warehouse: Warehouse, known: Covariates, tables: Iterable[str]) -> int:
    """Rows of customers who are in none of some tables."""
    joins = " ".join(f"ANTI JOIN {table} USING (customer_id)" for table in tables)
    return int(warehouse.rows(f"SELECT count(*) FROM {known.name} {joins}")[0][0])


def warn_of_unused(
    log: Log,
    tables: Sequence[str],
    until: datetime.date,
    counts: Mapping[str, int] | None = None,
) -> None:
    """Say that rows of covariates are of customers whom the log does not have, or too late.

    ``counts`` are a summary's, of which rows after the end are told.
    """
    for known in (log.static_covariates, log.dynamic_covariates):
        found = 0 if known is None else strangers(log.warehouse, known, tables)
        if known is not None and found:
            warn(
                f"{counted(found, 'row')} of {known.what} {'is' if found == 1 else 'are'} of "
                f"customers without a purchase up to {until}, and "
                f"{'was' if found == 1 else 'were'} not used.",
                DataWarning,
            )
    late = 0 if counts is None else counts.get("dynamic_rows_after_end", 0)
    if late:
        warn(
            f"{counted(late, 'row')} of dynamic_covariates {'is' if late == 1 else 'are'} after "
            f"the end of observation, {until}, and {'was' if late == 1 else 'were'} not used. What "
            "will hold in a forecast is told there: forecast(dynamic_covariates=...).",
            DataWarning,
        )


def absent(warehouse: Warehouse, table: str, known: Covariates, customers: int) -> DataError:
    """The error for customers without a row."""
    lacking = f"FROM {table} ANTI JOIN {known.name} USING (customer_id)"
    number = warehouse.rows(f"SELECT count(*) {lacking}")[0][0]
    ids = [row[0] for row in warehouse.rows(f"SELECT customer_id {lacking} ORDER BY 1 LIMIT 6")]
    if number == customers:
        own = warehouse.rows(f"SELECT customer_id FROM {known.name} ORDER BY 1 LIMIT 3")
        return DataError(
            f"None of the {counted(number, 'customer')} has a row in {known.what}: the log's ids "
            f"are such as {some(map(repr, ids[:3]))}, and the table's such as "
            f"{some(repr(row[0]) for row in own)}. Are they written alike?"
        )
    columns = ", ".join(f"{name!r}: ..." for name in known.combos)
    return DataError(
        f"{counted(number, 'customer has', 'customers have')} no row in {known.what} "
        f"({'id' if number == 1 else 'ids'} {some(ids, of=number)}). Add "
        f"{'it' if number == 1 else 'them'}, or say what stands for who is not there: "
        f"pc.CovariateTable(table, fill={{{columns}}})."
    )


def refuse_unusable(
    warehouse: Warehouse,
    known: Covariates,
    chosen: pd.DataFrame,
    combo: NDArray,
    source: str,
    table: str,
) -> None:
    """No value that is used is missing or infinite.

    Raises
    ------
    DataError
        If one is; the message names customers.
    """
    for name in chosen:
        is_missing = chosen[name].isna().to_numpy()
        is_number = chosen[name].dtype == np.float64
        is_infinite = np.isinf(chosen[name].to_numpy()) if is_number else np.zeros(0, bool)
        for wrong, problem in ((is_missing, "a missing"), (is_infinite, "an infinite")):
            if not wrong.any():
                continue
            listed = ", ".join(str(number) for number in combo[wrong])
            joined = (
                f"FROM (SELECT DISTINCT customer_id FROM {source} WHERE c.combo IN ({listed})) w"
                f" JOIN {table} s ON s.customer_id = w.customer_id"
            )
            number = warehouse.rows(f"SELECT count(*) {joined}")[0][0]
            ids = warehouse.rows(f"SELECT s.customer_id {joined} ORDER BY 1 LIMIT 6")
            filled = f"fill={{{name!r}: {0 if is_number else repr('unknown')}}}"
            advice = f", or say what stands for it: pc.CovariateTable(table, {filled})"
            raise DataError(
                f"{counted(number, 'customer has', 'customers have')} {problem} value in column "
                f"{name!r} of {known.what} (ids {some((row[0] for row in ids), of=number)}). "
                f"Correct {'it' if number == 1 else 'them'}{advice if wrong is is_missing else ''}."
            )
