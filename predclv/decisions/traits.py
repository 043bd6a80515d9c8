"""Traits of customers: a table of anything, checked and brought to levels and columns."""

import re
import warnings
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import AssumptionWarning, DataError, DataWarning, did_you_mean, some
from predclv.logs.frames import as_pandas
from predclv.notices import counted, warn

MISSING = "(missing)"
OTHER = "(other)"
_BANDS = 4
_FEW_VALUES = 6
"""Distinct numbers up to which each is a level of its own."""
_MOST_LEVELS = 12
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}")


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """Traits of customers, in their order.

    Attributes
    ----------
    levels : DataFrame of str, shape (n_customers, n_traits)
        Each trait in levels: numbers in bands, rare categories as (other), what is unknown as
        (missing).
    numbers : DataFrame of float
        The traits that are numbers, as they are; NaN where unknown.
    bands : dict
        For each number in bands, the inner edges.
    kept : dict
        For each category, the levels that are not (other).
    counts : dict
        without_traits: customers who are not in the table; strangers: rows of nobody known.
    """

    levels: pd.DataFrame
    numbers: pd.DataFrame
    bands: dict[str, NDArray]
    kept: dict[str, list[str]]
    counts: dict[str, int]

    def again(self, table: pd.DataFrame) -> "Traits":
        """Other people's traits in the same levels: categories never seen are (other)."""
        levels, numbers = {}, {}
        for name in map(str, self.levels):
            column = table[name]
            if name in self.bands or name in self.numbers:
                numbers[name] = _as_number(column, name)
                levels[name] = (
                    _banded(numbers[name], self.bands[name])
                    if name in self.bands
                    else _number_words(numbers[name])
                )
                continue
            words = _words(column)
            levels[name] = words.where(words.isin([*self.kept[name], MISSING]), OTHER)
        index = range(len(table))
        return Traits(
            pd.DataFrame(levels).set_axis(index),
            pd.DataFrame(numbers, index=index) if numbers else pd.DataFrame(index=index),
            self.bands, self.kept, {},
        )  # fmt: skip

    def unseen(self, table: pd.DataFrame) -> pd.DataFrame:
        """Which traits of other people are like no customer's, (n, k) of bool, after warnings.

        A category that no customer has, or no value where every customer has one.
        """
        found = {}
        unseen, lacking = [], []
        for name in map(str, self.levels):
            is_missing = table[name].isna().to_numpy()
            found[name] = np.zeros(len(table), bool)
            if is_missing.any() and not self.levels[name].eq(MISSING).any():
                found[name] |= is_missing
                lacking.append(f"{name} ({is_missing.sum():,})")
            if name in self.kept:
                is_new = ~_words(table[name]).isin([*self.kept[name], MISSING]).to_numpy()
                found[name] |= is_new
                unseen += [f"{name} ({is_new.sum():,})"] if is_new.any() else []
        for told, which in (
            (unseen, "with a category that no customer has, taken as (other)"),
            (lacking, "without a value that every customer has, taken as (missing)"),
        ):
            if told:
                warn(f"People {which}: {some(told, 10)}.", DataWarning)
        return pd.DataFrame(found)


def traits_of(traits: Any, ids: pd.Series) -> Traits:
    """The traits of the customers ``ids``, in their order.

    Raises
    ------
    DataError
        If the table has no customer_id or no trait, a customer twice, no customer of ``ids``; or a
        trait is a date, or has nearly as many levels as customers.

    Warns
    -----
    DataWarning
        If customers have no row, rows no customer, or a trait is the same for all.
    """
    table = _checked_table(traits)
    known = table["customer_id"].isin(ids)
    if not known.any():
        raise DataError(
            f"None of the {len(table):,} customers with traits is in the forecast: their ids look "
            f"like {some(table['customer_id'], 3)}, the forecast's like {some(ids, 3)}. Are they "
            "of one type?"
        )
    strangers = int((~known).sum())
    if strangers:
        warn(
            f"{counted(strangers, 'row', 'rows')} of traits of nobody in the forecast "
            f"({some(table['customer_id'][~known])}) were left out.",
            DataWarning,
        )
    absent = int((~ids.isin(table["customer_id"])).sum())
    if absent:
        warn(
            f"{counted(absent, 'customer has', 'customers have')} no row in traits: theirs are "
            f"taken as {MISSING}.",
            DataWarning,
        )
    table = table.set_index("customer_id").reindex(ids).reset_index(drop=True)
    counts = {"without_traits": absent, "strangers": strangers}
    return _brought(table, counts)


def _checked_table(traits: Any) -> pd.DataFrame:
    table = as_pandas(traits, "traits")
    if "customer_id" not in table:
        raise DataError(
            f"traits has no column 'customer_id'; it has {some(table.columns, 20)}."
            f"{did_you_mean('customer_id', table.columns)}"
        )
    if table.shape[1] < 2:
        raise DataError("traits has no column but customer_id.")
    table = table.set_axis([str(name) for name in table.columns], axis="columns")
    ids = table["customer_id"]
    if ids.isna().any():
        raise DataError(f"{counted(int(ids.isna().sum()), 'row')} of traits without a customer_id.")
    if ids.duplicated().any():
        raise DataError(
            f"traits must have one row per customer; there are several for "
            f"{some(ids[ids.duplicated()].unique())}."
        )
    return table


def _brought(table: pd.DataFrame, counts: dict[str, int]) -> Traits:
    levels, numbers, bands, kept = {}, {}, {}, {}
    constant = []
    for name in table.columns:
        column = table[name]
        _refuse_dates(column, name)
        if _is_number(column):
            values = _as_number(column, name)
            numbers[name] = values
            distinct = np.unique(values[~np.isnan(values)])
            if distinct.size > _FEW_VALUES:
                inner = np.nanquantile(values, np.arange(1, _BANDS) / _BANDS)
                bands[name] = np.unique(inner)
                levels[name] = _banded(values, bands[name])
            else:
                levels[name] = _number_words(values)
        else:
            words = _words(column)
            sizes = words[words != MISSING].value_counts()
            if len(sizes) > 20 and len(sizes) > 0.5 * sizes.sum():
                raise DataError(
                    f"Trait {name!r} has {len(sizes):,} levels for {int(sizes.sum()):,} customers "
                    f"({some(sizes.index, 3)}): it names customers rather than groups of them. "
                    "Leave it out, or group it first (a postcode to its region)."
                )
            kept[name] = [str(level) for level in sizes.index[:_MOST_LEVELS]]
            levels[name] = words.where(words.isin([*kept[name], MISSING]), OTHER)
        if levels[name].nunique() < 2:
            constant.append(name)
    if constant:
        warn(
            f"{counted(len(constant), 'trait is', 'traits are')} the same for all customers: "
            f"{some(constant)}.",
            DataWarning,
        )
    index = table.index
    frame = pd.DataFrame(numbers, index=index) if numbers else pd.DataFrame(index=index)
    return Traits(pd.DataFrame(levels, index=index), frame, bands, kept, counts)


def _refuse_dates(column: pd.Series, name: str) -> None:
    kind = column.dtype
    is_date = pd.api.types.is_datetime64_any_dtype(kind) or isinstance(kind, pd.PeriodDtype)
    known = column.dropna()
    if not is_date and len(known) and not pd.api.types.is_numeric_dtype(kind):
        shown = known.iloc[:200].astype(str)
        is_date = bool(shown.str.match(_DATE).all())
    if is_date:
        raise DataError(
            f"Trait {name!r} holds dates, which are not alike for any two customers. Turn them "
            "into what they mean: an age in years, a month of joining, a weekday."
        )


def _is_number(column: pd.Series) -> bool:
    kind = column.dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)


def _as_number(column: pd.Series, name: str) -> NDArray:
    try:
        values = column.to_numpy(float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"Trait {name!r} was a number and is none here: {error}.") from error
    if np.isinf(values).any():
        raise DataError(
            f"Trait {name!r} is infinite for {int(np.isinf(values).sum()):,} customers."
        )
    return values


def _words(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), MISSING).astype(str)


def _number_words(values: NDArray) -> pd.Series:
    return pd.Series([MISSING if np.isnan(value) else f"{value:g}" for value in values])


def _banded(values: NDArray, edges: NDArray) -> pd.Series:
    names = [f"below {edges[0]:.4g}"]
    names += [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    names += [f"{edges[-1]:.4g} and more"]
    place = np.searchsorted(edges, values, side="right")
    found = pd.Series(np.array(names, dtype=object)[np.minimum(place, len(edges))])
    return found.where(~np.isnan(values), MISSING).astype(str)


def indicators(traits: Traits) -> NDArray:
    """Traits as columns of numbers: a column per level but the commonest, (n, k)."""
    columns = []
    for name in traits.levels:
        order = traits.levels[name].value_counts().index
        columns += [traits.levels[name].eq(level).to_numpy(float) for level in order[1:]]
    return np.column_stack(columns) if columns else np.empty((len(traits.levels), 0))


def warn_of_leakage(traits: Traits, frame: pd.DataFrame) -> list[str]:
    """The traits that seem made from purchases, warned of by name.

    By what they are called, or because they rank customers as the forecast's own inputs do.
    """
    told = re.compile(
        r"purchas|order|revenue|spen[dt]|frequen|recen|monetary|basket|clv|ltv|last_|days_since"
        r"|churn|tier|segment|loyal|points|visits|amount", re.IGNORECASE,
    )  # fmt: skip
    suspects = [str(name) for name in traits.levels if told.search(str(name))]
    inputs = [n for n in ("expected_purchases", "p_alive", "expected_spend") if n in frame]
    for name in traits.numbers:
        values = traits.numbers[name]
        known = values.notna().to_numpy()
        if name in suspects or known.sum() < 10 or values.nunique() < 3:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            alike = max(
                abs(values[known].corr(frame.loc[known, column], method="spearman"))
                for column in inputs
            ) if inputs else 0.0  # fmt: skip
        if alike > 0.6:
            suspects.append(str(name))
    if suspects:
        warn(
            f"{counted(len(suspects), 'trait looks', 'traits look')} made from purchases: "
            f"{some(suspects, 10)}. Such a trait says again what the forecast was made from, and "
            "explains it only too well. Leave it out, or say leakage='ignore' if it is not so.",
            AssumptionWarning,
        )
    return suspects
