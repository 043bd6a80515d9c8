"""What is known of subscribers: their plan and their covariates, as patterns of histories."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.contracts.contract_sql import ContractSQL
from predclv.errors import DataError, DataWarning, OptionError, did_you_mean, some
from predclv.frozen import Frozen
from predclv.logs.columns import ids_of
from predclv.logs.covariates import Covariates, open_covariates
from predclv.logs.sources import Table
from predclv.notices import counted, warn
from predclv.samples.coding import CodingRules, coded, numbered, ordered
from predclv.samples.patterns import Patterns
from predclv.summaries.patterned import strangers, with_patterns
from predclv.warehouse.base import Warehouse, fresh

TAKEN = ("cohort", "renewals", "ended", "contracts", "customers", "p_alive", "clv")
"""Names that the columns of a forecast of contracts have."""


def refuse_taken(names: Any) -> None:
    """Raise DataError if a covariate is called as a column of the histories is."""
    for name in names:
        if name in TAKEN:
            raise DataError(
                f"A covariate cannot be called {name!r}: a forecast of contracts has a column of "
                "that name. Rename it."
            )


def tell_strangers(warehouse: Warehouse, known: Covariates, people: str, what: str) -> None:
    """Warn of rows of covariates whose customers are not among ``people``."""
    found = strangers(warehouse, known, [people])
    if found:
        warn(
            f"{counted(found, 'row')} of {known.what} {'is' if found == 1 else 'are'} of people "
            f"without {what}, and {'was' if found == 1 else 'were'} not used.",
            DataWarning,
        )


def patterns_of_histories(
    histories: pd.DataFrame, weight: str, by: str | None, known: Patterns | None
) -> tuple[Patterns | None, NDArray | None]:
    """The patterns of plan and covariates together, and which of them each history has.

    Parameters
    ----------
    histories : DataFrame
        With the column ``pattern`` where covariates are known, and the plan's where there are some.
    weight : str
        The column that counts.
    by : str or None
    known : Patterns or None
        What ``pattern`` stands for.

    Returns
    -------
    patterns : Patterns or None
    place : ndarray of int, shape (n_histories,), or None
    """
    if known is None and by is None:
        return None, None
    columns: dict[str, Any] = {}
    levels = dict(known.levels) if known is not None else {}
    if known is not None:
        taken = known.frame.take(histories["pattern"].to_numpy())
        columns = {name: taken[name].to_numpy() for name in known.names}
    if by is not None and by not in columns:
        columns[by] = histories[by].astype(str).to_numpy(object)
        levels[by] = ordered(columns[by], histories[weight].to_numpy())
    return numbered(pd.DataFrame(columns), Frozen(levels))


def coded_cohorts(
    table: pd.DataFrame, names: Any, sizes: pd.Series, taken: list[str]
) -> tuple[Patterns, NDArray]:
    """Columns of a table of cohorts as patterns, and which of them each row has.

    Parameters
    ----------
    table : DataFrame
    names : list of str
        The covariates.
    sizes : Series
        Customers of each row that begins a cohort, 0 in the others.
    taken : list of str
        Columns that are something else already.

    Raises
    ------
    OptionError
        If it is no list of columns.
    DataError
        If a column is missing, or has missing values.
    """
    if isinstance(names, str) or not isinstance(names, list | tuple) or not names:
        raise OptionError(
            "static_covariates of a table of cohorts must be a list of its columns, such as "
            f"['channel']; got {names!r}."
        )
    columns: dict[str, Any] = {}
    refuse_taken(names)
    for name in names:
        if name not in table.columns:
            raise DataError(
                f"The table has no column {name!r} (static_covariates); its columns are "
                f"{some(map(repr, table.columns), 20)}.{did_you_mean(str(name), table.columns)}"
            )
        if name in taken:
            raise OptionError(f"Column {name!r} has another role already: leave it out.")
        values = table[name]
        is_missing = values.isna()
        if is_missing.any():
            raise DataError(
                f"Column {name!r} is missing in {int(is_missing.sum()):,} rows (row "
                f"{some(values.index[is_missing])}). Fill it in, such as with 'unknown'."
            )
        is_number = pd.api.types.is_numeric_dtype(values.dtype)
        columns[str(name)] = values.astype(float if is_number else str).array
    rows = pd.DataFrame(columns)
    code = rows.groupby(list(rows), sort=True).ngroup().to_numpy()
    first = np.unique(code, return_index=True)[1]
    weight = np.bincount(code, sizes.to_numpy(float)).astype(np.int64)
    distinct = rows.iloc[first].reset_index(drop=True)
    for name in distinct.select_dtypes(exclude="number"):
        distinct[name] = distinct[name].astype(object)
    found = coded(distinct, weight, weight, CodingRules(rare=0), "the table")
    return found.patterns, found.place[code]


def with_known(
    warehouse: Warehouse,
    table: Table,
    sql: ContractSQL,
    given: Any,
    timezone: str | None,
    last: int,
) -> tuple[ContractSQL, Patterns]:
    """Statements over the same contracts, each with the pattern of what is known of its customer.

    Parameters
    ----------
    warehouse : Warehouse
    table : Table
        Where the contracts lie.
    sql : ContractSQL
    given : table or CovariateTable
    timezone : str or None
    last : int
        The last day observed; contracts that start later do not count.

    Raises
    ------
    DataError
        As of `open_covariates` and `with_patterns`.
    """
    known = open_covariates(given, table, ids_of(table)[0], timezone, "static_covariates")
    people = fresh("people")
    warehouse.store(people, f"SELECT DISTINCT customer_id FROM {sql.contracts} WHERE s <= {last}")
    described = with_patterns(warehouse, known, people, tells=True)
    assert described.patterns is not None
    refuse_taken(described.patterns.names)
    tell_strangers(warehouse, known, described.table, "a contract")
    name = fresh("contracts")
    warehouse.store(
        name,
        f"SELECT c.*, d.pattern FROM {sql.contracts} c"
        f" JOIN {described.table} d ON c.customer_id = d.customer_id",
    )
    warehouse.rows(f"SELECT count(*) FROM {name}")  # Spark computes it while its tables are there
    warehouse.drop(described.table)
    return ContractSQL(name, sql.period, sql.has_plans, sql.dialect, True), described.patterns
