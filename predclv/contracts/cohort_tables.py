"""A spreadsheet's table of cohorts, checked and turned into histories of contracts."""

from typing import Any

import numpy as np
import pandas as pd

from predclv.contracts.contract_checks import assert_column, assert_period, warn_of_single
from predclv.contracts.known import coded_cohorts
from predclv.errors import DataError, OptionError, some
from predclv.notices import counted
from predclv.samples.patterns import Patterns
from predclv.units import days_per


def counts_from_table(
    table: pd.DataFrame,
    cohort: str | None,
    age: str,
    customers: str,
    period: str | None,
    by: str | None,
    known: Any = None,
) -> tuple[pd.DataFrame, str, Patterns | None]:
    """Histories of contracts of a table of cohorts, the period from age to age, and covariates."""
    named = {"age": age, "customers": customers}
    if cohort is not None:
        named["cohort"] = cohort
    if by is not None:
        named["by"] = by
    for role, name in named.items():
        hint = " For a table of one cohort say cohort=None." if role == "cohort" else ""
        assert_column(table, name, role, hint)
    if not len(table):
        raise DataError("The table has no rows.")
    rows = pd.DataFrame({"age": table[age], "customers": table[customers]})
    rows["cohort"] = "all" if cohort is None else table[cohort]
    keys = ["cohort"]
    if by is not None:
        rows[by] = table[by]
        keys = [by, "cohort"]
    _assert_whole(rows, age, customers)
    patterns = None
    if known is not None:
        sizes = rows["customers"].where(rows["age"] == 0, 0).fillna(0)
        patterns, rows["pattern"] = coded_cohorts(table, known, sizes, list(named.values()))
        keys.insert(-1, "pattern")
    if rows[keys].isna().any(axis=None):
        raise DataError(f"Rows {some(rows.index[rows[keys].isna().any(axis=1)])} have no cohort.")
    rows = rows.dropna(subset="customers").astype({"age": int, "customers": int})
    rows = rows.sort_values([*keys, "age"], kind="stable").reset_index(drop=True)
    _assert_curves(rows, keys, patterns)
    period = _period(rows["cohort"], period)
    return _histories(rows, keys), period, patterns


def _assert_whole(rows: pd.DataFrame, age: str, customers: str) -> None:
    """Ages and customers are whole numbers from 0 on; customers may be missing."""
    for role, name in (("age", age), ("customers", customers)):
        values = pd.to_numeric(rows[role], errors="coerce")
        wrong = values.isna() & (rows[role].notna() if role == "customers" else True)
        wrong |= values.notna() & ((values < 0) | (values % 1 != 0))
        if wrong.any():
            top, is_cut = values.max(), bool((values % 1 != 0).any())
            shares = role == "customers" and is_cut and bool((top <= 1) | (top == 100))
            hint = (
                " Are these shares? A fit needs numbers: multiply by the size of the cohort."
                if shares
                else ""
            )
            shown = some(f"{value!r} in row {at}" for at, value in rows[role][wrong].items())
            raise DataError(f"{name!r} must hold whole numbers from 0 on; got {shown}.{hint}")
        rows[role] = values


def _assert_curves(rows: pd.DataFrame, keys: list[str], patterns: Patterns | None) -> None:
    """Every cohort begins at age 0, skips and repeats no age, and does not grow."""
    groups = rows.groupby(keys, sort=False, observed=True)
    place = groups.cumcount()
    told = rows[keys]
    if patterns is not None:  # a pattern is called by its values, not by its number
        values = patterns.frame.astype(str).agg(" ".join, axis="columns")
        told = told.assign(pattern=values.take(rows["pattern"].to_numpy()).to_numpy())
    of = [f"{' '.join(map(str, key))}" for key in told.itertuples(index=False, name=None)]
    label = pd.Series(of, index=rows.index)
    first = label[(place == 0) & (rows["age"] != 0)]
    if len(first):
        raise DataError(
            f"{counted(len(first), 'cohort has', 'cohorts have')} survivors but no size: "
            f"{some(first)}. The row of age 0 says how many began; if ages in the table count from "
            "1, subtract 1."
        )
    twice = rows.duplicated([*keys, "age"])
    if twice.any():
        shown = some(f"{label[i]} at age {rows['age'][i]}" for i in rows.index[twice])
        plans = "" if len(keys) > 1 else " If the table has plans, say by=."
        raise DataError(f"Cohorts have several rows of one age: {shown}.{plans}")
    skipped = rows.index[rows["age"] != place]
    if len(skipped):
        shown = some(
            f"{label[i]} from {rows['age'][i - 1]} to {rows['age'][i]}"
            for i in skipped
            if rows["age"][i] - rows["age"][i - 1] != 1
        )
        raise DataError(
            f"Ages skip: {shown}. Each age up to a cohort's last needs a row with its customers."
        )
    before = groups["customers"].shift()
    grown = rows.index[rows["customers"] > before]
    if len(grown):
        shown = some(
            f"{label[i]} from {int(before[i])} to {rows['customers'][i]} at age {rows['age'][i]}"
            for i in grown
        )
        raise DataError(
            f"Cohorts grow: {shown}. Somebody who comes back is a new contract in a new cohort; "
            "count those of the cohort who have renewed every time."
        )
    sizes = rows[rows["age"] == 0]
    if (sizes["customers"] == 0).any():
        raise DataError(f"Cohorts of nobody: {some(label[sizes.index[sizes['customers'] == 0]])}.")
    warn_of_single(label[sizes.index[sizes["customers"] == 1]])


def _period(cohorts: pd.Series, period: str | None) -> str:
    """The period asked for, if it fits cohorts that are dates; else what lies between them."""
    between = _between(cohorts)
    if period is None:
        return between or "year"
    assert_period(period)
    if between is not None and between != period and days_per(between) < days_per(period):
        raise OptionError(
            f"The cohorts lie a {between} apart, but period={period!r}: is a row one {period} "
            f"older than the one before? If so, name cohorts by the {period}; else say "
            f"period={between!r}."
        )
    return period


def _between(cohorts: pd.Series) -> str | None:
    """What lies between cohorts that are dates; None where they are none, or is only one."""
    distinct = cohorts.drop_duplicates()
    if len(distinct) < 2:
        return None
    if pd.api.types.is_integer_dtype(distinct):
        return "year" if distinct.between(1900, 2200).all() else None
    if isinstance(distinct.dtype, pd.PeriodDtype):
        days = pd.Series(distinct.dt.start_time)
    else:
        if not pd.api.types.is_datetime64_any_dtype(distinct):
            text = distinct.astype(str)
            if not text.str.fullmatch(r"\d{4}-\d{2}(-\d{2})?").all():
                return None
        days = pd.Series(pd.to_datetime(distinct, errors="coerce"))
        if days.isna().any():
            return None
    least = float(days.sort_values().diff().dt.days.min())
    if least >= 360:
        return "year"
    if least >= 28:
        return "month"
    return "week" if least >= 7 else "day"


def _histories(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Contracts by how many renewals they made, and whether they ended then."""
    following = rows.groupby(keys, sort=False, observed=True)["customers"].shift(-1)
    lost = rows["customers"] - following
    parts: list[dict[str, Any]] = []
    for is_end, number in ((True, lost), (False, rows["customers"].where(following.isna()))):
        there = number.fillna(0) > 0
        part = {key: rows[key][there] for key in keys}
        part |= {
            "renewals": rows["age"][there],
            "ended": pd.Series(is_end, index=rows.index[there]),
            "contracts": number[there].astype(np.int64),
        }
        parts.append(part)
    found = pd.concat(map(pd.DataFrame, parts)).sort_values([*keys, "renewals", "ended"])
    return found.reset_index(drop=True)
