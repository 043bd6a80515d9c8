"""What is known of subscribers: their plan and their covariates, as patterns of histories."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.contracts.contract_checks import assert_column
from predclv.errors import DataError, DataWarning, OptionError, some
from predclv.frozen import Frozen
from predclv.logs.covariates import Covariates
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
        assert_column(table, name, "static_covariates")
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


def keys_of(by: str | None, has_pattern: bool, *more: str) -> list[str]:
    """Columns that tell histories apart: the plan, the pattern of covariates, and ``more``."""
    return ([by] if by else []) + (["pattern"] if has_pattern else []) + list(more)


def with_pattern(
    warehouse: Warehouse, rows: str, counts: str, known: Covariates, what: str
) -> tuple[str, Patterns]:
    """A table of the same rows, each with the pattern of what is known of its customer.

    Parameters
    ----------
    warehouse : Warehouse
    rows : str
        A table in it, with customer_id.
    counts : str
        Which of the rows count, as SQL.
    known : Covariates
    what : str
        What people have who are among the rows: "a contract".

    Raises
    ------
    DataError
        As of `with_patterns`, or if a covariate is called as a column of the histories is.
    """
    people, name = fresh("people"), fresh("described")
    warehouse.store(people, f"SELECT DISTINCT customer_id FROM {rows} WHERE {counts}")
    described = with_patterns(warehouse, known, people, tells=True)
    assert described.patterns is not None
    refuse_taken(described.patterns.names)
    found = strangers(warehouse, known, [described.table])
    if found:
        warn(
            f"{counted(found, 'row')} of {known.what} {'is' if found == 1 else 'are'} of people "
            f"without {what}, and {'was' if found == 1 else 'were'} not used.",
            DataWarning,
        )
    warehouse.store(
        name,
        f"SELECT r.*, d.pattern FROM {rows} r"
        f" JOIN {described.table} d ON r.customer_id = d.customer_id",
    )
    warehouse.rows(f"SELECT count(*) FROM {name}")  # Spark computes it while its tables are there
    warehouse.drop(described.table)
    return name, described.patterns
