"""Covariates of a summary made elsewhere: columns of its frame, or a table beside it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.errors import DataWarning, OptionError
from predclv.logs.columns import ids_of
from predclv.logs.covariate_table import CovariateTable
from predclv.logs.covariates import open_covariates
from predclv.logs.sources import Table
from predclv.notices import counted, warn
from predclv.samples.patterns import Patterns
from predclv.summaries.patterned import Described, with_patterns
from predclv.warehouse.base import fresh
from predclv.warehouse.duckdb import DuckDBWarehouse


def names_of_columns(given: Any) -> list[str]:
    """The columns that a list of names names; none where it is a table.

    Raises
    ------
    OptionError
        If it is one name, no list, or an empty one.
    """
    if isinstance(given, (list, tuple)) and all(isinstance(name, str) for name in given):
        if not given:
            raise OptionError("static_covariates is empty: name columns, such as ['channel'].")
        return list(given)
    if isinstance(given, str):
        raise OptionError(
            f"static_covariates must be a list of columns of the frame, such as [{given!r}], or a "
            "table."
        )
    return []


def described_in(warehouse: DuckDBWarehouse, table: str, given: Any) -> Described:
    """Give the customers in a table the number of their pattern of static covariates.

    Parameters
    ----------
    warehouse : DuckDBWarehouse
    table : str
        With customer_id; another one takes its place.
    given : table or CovariateTable

    Raises
    ------
    DataError
        As `with_patterns`, and if the table of covariates cannot be read.
    """
    kinds = {"customer_id": warehouse.types(table)["customer_id"]}
    own = Table(warehouse, warehouse, table, kinds, {"customer_id": "customer_id"})
    known = open_covariates(given, own, ids_of(own)[0], None, "static_covariates")
    found = with_patterns(warehouse, known, table, tells=True)
    strange = found.counts["covariate_rows_without_customer"]
    if strange:
        warn(
            f"{counted(strange, 'row')} of {known.what} {'is' if strange == 1 else 'are'} of "
            f"customers who are not in the summary, and {'was' if strange == 1 else 'were'} not "
            "used.",
            DataWarning,
        )
    return found


def described_frame(
    checked: pd.DataFrame, names: list[str], given: Any
) -> tuple[pd.DataFrame, Patterns | None, Mapping[str, int]]:
    """A checked summary with the numbers of patterns, the patterns, and counts.

    Parameters
    ----------
    checked : DataFrame
        Sorted by customer_id, with the columns ``names``, which the answer has not.
    names : list of str
        Covariates among its columns.
    given : table or CovariateTable
        Covariates beside it, where there are no names.
    """
    if given is None:
        return checked, None, {}
    columns = checked[["customer_id", *names]]
    asked = CovariateTable.of(columns if names else given)
    warehouse, name = DuckDBWarehouse(), fresh("summary")
    ids = columns[["customer_id"]].assign(place=np.arange(len(columns)))
    warehouse.register(name, pa.Table.from_pandas(ids, preserve_index=False))
    found = described_in(warehouse, name, asked)
    counts = {key: number for key, number in found.counts.items() if number}
    place = warehouse.frame(f"SELECT pattern FROM {found.table} ORDER BY place")
    summary = checked.drop(columns=names)
    summary["pattern"] = place["pattern"].to_numpy(np.int64)
    return summary, found.patterns, counts
