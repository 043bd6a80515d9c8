"""What a user says of a table of covariates: where it is, and how its columns are to be read."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from predclv.errors import DataError, OptionError, did_you_mean, some
from predclv.logs.files import csv_columns, log_files
from predclv.logs.frames import near_column
from predclv.logs.sources import ACCEPTED
from predclv.samples.coding import CodingRules, checked_rules
from predclv.warehouse.duckdb import is_relation
from predclv.warehouse.spark import is_spark

RESERVED = {
    *("customer_id", "frequency", "recency", "T", "monetary_value", "pattern", "path", "weight"),
    *("recency_days", "age_days", "first_day", "day", "date", "combo", "repeat_units"),
    *("frequency_holdout", "spend_holdout", "duration_holdout"),
}
"""Names that the columns of a summary have, or its keys."""


_INDEX = re.compile(r"__index_level_\d+__")  # of a frame that pandas wrote as Parquet


@dataclass(frozen=True, slots=True, eq=False)
class CovariateTable:
    """A table of what is known of customers, and how its columns are to be read.

    ``rfm_summary(log, static_covariates=table)`` takes a table as it is; this is for more to say.
    Numbers stay numbers, booleans are the numbers 0 and 1, text and categories are levels that are
    compared with the commonest. Spaces around text do not count, and empty text is a missing value.
    In a CSV file a column is numbers if all of its values are, unless one begins with a 0 like a
    postal code, and ``NA``, ``NaN`` and ``null`` among numbers are missing values.

    Parameters
    ----------
    table : frame, relation or path
        Whatever `rfm_summary` takes for a log: one row per customer (static), or one per customer
        and date from which its values hold (dynamic).
    customer_id : str, optional
        The column of the ids. Default: the name that it has in the log, or else customer_id.
    date : str
        The column of the dates of a dynamic table.
    columns : list of str, optional
        The covariates. Default: all other columns.
    categories : list of str
        Columns whose numbers are names of levels.
    rare : float, optional
        A level with fewer customers is gathered, with others, in the level ``other``, and counted:
        a share of the customers if below 1, or a number of them; 0 keeps all. Default: fewer than
        1% of the customers and fewer than 100.
    bins : mapping of str to int or list, optional
        Numbers with many values in few patterns: ``{"age": 10}`` takes ten groups with about
        equally many customers and gives each its mean; ``{"age": [25, 40]}`` makes the levels
        "below 25", "25 to 40" and "40 or more". See Notes for what that does to estimates.
    levels : mapping of str to list of str, optional
        The levels of a column, the one that others are compared with first, such as those of an
        earlier summary: ``rfm.patterns.levels``. Others are an error, unless ``other`` is listed.
    fill : mapping of str to value, optional
        What stands for a missing value, for customers without a row and, in a dynamic table, before
        a customer's first row: ``{"channel": "unknown", "mailed": 0}``; it is counted. Default:
        missing values and customers without a row are errors, and the first row of a dynamic table
        counts back to the first purchase, with a warning.

    Raises
    ------
    OptionError
        If an option means nothing.

    See Also
    --------
    predclv.rfm_summary : a log to one row per customer.
    predclv.RFM.from_frame : a summary made elsewhere.

    Notes
    -----
    What bins do to the effect of a number on how fast customers buy, of 20,000 simulated ones by
    BG/NBD, the number of mean 0 and standard deviation 1 and its effect 0.5 in truth:

    =====  ====================  ====================
    bins   normal                skewed (log-normal)
    =====  ====================  ====================
    exact  0.510, s.e. 0.010     0.499, s.e. 0.010
    50     0.510, 0.0 s.e. off   0.520, 2.0 s.e. off
    20     0.510, 0.0 s.e. off   0.534, 3.5 s.e. off
    10     0.508, 0.2 s.e. off   0.544, 4.5 s.e. off
    4      0.503, 0.7 s.e. off   0.558, 6.0 s.e. off
    2      0.515, 0.5 s.e. off   0.581, 8.2 s.e. off
    =====  ====================  ====================

    So take the logarithm of what is skewed, such as income, before it is put in bins.

    Examples
    --------
    >>> import predclv as pc
    >>> orders = pd.DataFrame({"customer_id": [1, 1, 2, 3],
    ...                        "date": ["2024-01-01", "2024-01-15", "2024-01-08", "2024-01-20"]})
    >>> known = pd.DataFrame({"customer_id": [1, 2], "channel": ["web", "store"]})
    >>> table = pc.CovariateTable(known, fill={"channel": "unknown"})
    >>> rfm = pc.rfm_summary(orders, amount=None, static_covariates=table)
    >>> rfm.frame[["customer_id", "frequency", "channel"]]
       customer_id  frequency  channel
    0            1          1      web
    1            2          0    store
    2            3          0  unknown
    """

    table: Any
    customer_id: str | None = None
    date: str = "date"
    columns: Iterable[str] | None = None
    categories: Iterable[str] = ()
    rare: float | None = None
    bins: Mapping[str, Any] | None = None
    levels: Mapping[str, Iterable[str]] | None = None
    fill: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for option in ("columns", "categories"):
            given = getattr(self, option)
            if isinstance(given, str):
                raise OptionError(f"{option} must be a list of columns, such as [{given!r}].")
            object.__setattr__(self, option, None if given is None else list(given))
        if not isinstance(self.fill, Mapping):
            raise OptionError(f"fill must be a mapping by column; got {self.fill!r}.")
        object.__setattr__(self, "table", _once(self.table))

    @classmethod
    def of(cls, given: Any) -> "CovariateTable":
        """A table as it is, or with its options."""
        return given if isinstance(given, cls) else cls(given)

    def roles(self, what: str, ids: str, is_dynamic: bool) -> dict[str, str]:
        """The table's columns by what they are: customer_id, maybe date, c0, c1 and so on.

        Raises
        ------
        DataError
            If one is missing or has a name that a summary needs.
        """
        present = _columns_of(self.table, what)
        options = [self.customer_id] if self.customer_id is not None else [ids, "customer_id"]
        found = next((name for name in options if name in present), None)
        if found is None:
            near = near_column(options[0], present, ("cust", "client", "member", "user"))
            said = f" Did you mean {near!r}?" if near else ""
            raise DataError(
                f"{what} has no column {options[0]!r} of ids; its columns are "
                f"{some(map(repr, present), 20)}.{said} Say pc.CovariateTable(table, "
                f"customer_id={near or '...'!r})."
            )
        roles = {"customer_id": found}
        if is_dynamic:
            if self.date not in present:
                near = near_column(self.date, present, ("date", "day", "since", "from"))
                raise DataError(
                    f"{what} has no column {self.date!r} of the dates from which values hold; its "
                    f"columns are {some(map(repr, present), 20)}. Say pc.CovariateTable(table, "
                    f"date={near or '...'!r})."
                )
            roles["date"] = self.date
        taken = set(roles.values())
        chosen = [name for name in present if name not in taken and not _INDEX.fullmatch(name)]
        if self.columns is not None:
            lacking = [name for name in self.columns if name not in chosen]
            if lacking:
                raise DataError(
                    f"{what} has no covariate {some(map(repr, lacking))}; it has "
                    f"{some(map(repr, chosen), 20)}.{did_you_mean(lacking[0], chosen)}"
                )
            chosen = list(dict.fromkeys(self.columns))
        if not chosen:
            raise DataError(f"{what} has no columns but {some(map(repr, taken))}: no covariates.")
        clashing = [name for name in chosen if name in RESERVED]
        if clashing:
            raise DataError(
                f"Column {some(map(repr, clashing))} of {what} has a name that the summary's own "
                "columns have. Rename it, or choose others: pc.CovariateTable(table, "
                "columns=[...])."
            )
        for name in (*self.categories, *self.fill):
            if name not in chosen:
                option = "categories" if name in self.categories else "fill"
                raise OptionError(
                    f"{option}: {what} has no covariate {name!r}; there are {some(chosen, 20)}."
                    f"{did_you_mean(name, chosen)}"
                )
        return roles | {f"c{place}": name for place, name in enumerate(chosen)}

    def names_in(self, what: str) -> list[str]:
        """The covariates of a dynamic table."""
        roles = self.roles(what, "customer_id", is_dynamic=True)
        return [name for role, name in roles.items() if role not in ("customer_id", "date")]

    def rules(self, columns: list[str]) -> CodingRules:
        """How values become patterns."""
        return checked_rules(self.rare, self.bins, self.levels, columns)

    def readable(self, roles: Mapping[str, str]) -> Any:
        """The table, categories of a pandas frame being text whatever they are of."""
        frame = self.table
        if isinstance(frame, pd.DataFrame):
            own = {
                name: frame[name].astype(object).map(str, na_action="ignore")
                for role, name in roles.items()
                if role[0] == "c" and role[1:].isdecimal() and _is_category(frame, name)
            }
            return frame.assign(**own) if own else frame
        return frame


def _is_category(frame: pd.DataFrame, name: str) -> bool:
    return isinstance(frame.dtypes[name], pd.CategoricalDtype)


def _once(table: Any) -> Any:
    """A table that can be read more than once."""
    is_stream = hasattr(table, "__arrow_c_stream__") and not isinstance(table, pa.Table)
    foreign = type(table).__module__.partition(".")[0]
    if is_stream and foreign not in ("pandas", "polars", "duckdb", "_duckdb", "pyspark"):
        return pa.table(table)
    return table


def _columns_of(table: Any, what: str) -> list[str]:
    """The names of a table's columns, wherever it lies."""
    if isinstance(table, (str, os.PathLike)) or (
        isinstance(table, (list, tuple))
        and table
        and all(isinstance(path, (str, os.PathLike)) for path in table)
    ):
        files, suffix = log_files(table)
        return list(pq.read_schema(files[0]).names) if suffix == ".parquet" else _header(files)
    if isinstance(table, pa.Table):
        found: list[Any] = list(table.column_names)
    elif isinstance(table, pd.DataFrame) or is_relation(table) or is_spark(table):
        found = list(table.columns)
    elif type(table).__module__.partition(".")[0] == "polars" and hasattr(table, "collect_schema"):
        found = list(table.collect_schema().names())
    else:
        raise DataError(
            f"{what} must be {ACCEPTED}, with the column customer_id; got {type(table).__name__}."
        )
    twice = {name for name in found if found.count(name) > 1}
    if twice:
        raise DataError(f"{what} has several columns called {some(map(repr, sorted(twice)))}.")
    odd = [name for name in found if not isinstance(name, str)]
    if odd:
        raise DataError(f"{what} has columns whose names are no text: {some(map(repr, odd))}.")
    return found


def _header(files: list[str]) -> list[str]:
    return csv_columns(files)[0]
