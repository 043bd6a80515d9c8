"""A summary made elsewhere, checked before anything is learned from it."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from predclv.errors import (
    DataError,
    DataWarning,
    OptionError,
    OptionWarning,
    did_you_mean,
    some,
)
from predclv.logs.frames import as_pandas, near_column
from predclv.logs.ids import usable_ids
from predclv.notices import counted, warn
from predclv.units import DAYS, days_per

HISTORY = ("frequency", "recency", "T")

LONGEST_YEARS = 40
"""Of observation; a longer T is rather one in another unit."""


def checked_summary(
    frame: Any, customer_id: str, unit: str | None, also: Iterable[str] = ()
) -> tuple[pd.DataFrame, str]:
    """A summary made elsewhere, checked, in the package's columns and sorted by customer_id.

    With it comes its unit. More columns are taken along as they are.

    Raises
    ------
    DataError
        If a column is missing or customers are impossible; the message names their ids.
    OptionError
        If the unit is missing or unknown.
    """
    if unit is not None:
        days_per(unit)
    frame = as_pandas(frame, "A summary")
    missing = [name for name in HISTORY if name not in frame]
    if missing:
        near = {name: near_column(name, frame.columns) for name in missing}
        renamed = {found: name for name, found in near.items() if found is not None}
        raise DataError(
            f"The summary has {' and '.join(f'no column {name!r}' for name in missing)}. Its "
            f"columns are {some(map(repr, frame.columns), 20)}."
            + (f" Did you mean {some(map(repr, renamed))}? " if renamed else " ")
            + (f"Say frame.rename(columns={renamed}). " if renamed else "")
            + "For a log of purchases use rfm_summary."
        )
    if frame.empty:
        raise DataError("The summary is empty: it has its columns, but no customer.")
    _miss_spend(frame, customer_id)
    ids = _ids(frame, customer_id)
    columns = {"customer_id": ids} | {
        name: _numbers(frame[name], ids) for name in (*HISTORY, "monetary_value") if name in frame
    }
    checked = pd.DataFrame(columns)
    _check_histories(checked)
    if "monetary_value" in checked:
        _check_spend(checked)
    if unit is None:
        raise _ask_for_unit(checked)
    _doubt_length(float(checked["T"].max()), unit)
    checked["frequency"] = checked["frequency"].astype(np.int64)
    lacking = [name for name in also if name not in frame]
    if lacking:
        raise DataError(
            f"The summary has no column {some(map(repr, lacking))} of static_covariates; its "
            f"columns are {some(map(repr, frame.columns), 20)}."
            f"{did_you_mean(lacking[0], frame.columns)}"
        )
    checked = checked.assign(**{name: frame[name].array for name in also})
    return checked.sort_values("customer_id", ignore_index=True), unit


def _ask_for_unit(summary: pd.DataFrame) -> OptionError:
    """The error for a summary without a unit, with what its times look like."""
    times = summary[["recency", "T"]].to_numpy()
    look = (
        f"All of these are whole numbers up to {times.max():,.0f}, so they may well be days."
        if (times % 1 == 0).all()
        else f"These reach {times.max():,.6g} and have fractions, so they are hardly days."
    )
    return OptionError(
        "In which unit are recency and T? A summary does not record it, and the wrong one makes a "
        "forecast wrong by a factor. Say unit='day', 'week', 'month' (30.4375 days) or 'year'. "
        f"lifetimes and pymc-marketing count in days unless they were told otherwise. {look}"
    )


def _miss_spend(frame: pd.DataFrame, customer_id: str) -> None:
    """Warn where a column that is not used was probably meant to be the spend."""
    if "monetary_value" in frame:
        return
    free = [name for name in frame if name not in (*HISTORY, customer_id)]
    found = near_column("monetary_value", free, ("monetary", "spend"))
    if found is not None:
        warn(
            f"The summary has no column 'monetary_value' and is taken without spend. Did you mean "
            f"{found!r}? If it is the mean spend per repeat purchase, say "
            f"frame.rename(columns={{{found!r}: 'monetary_value'}}).",
            DataWarning,
        )


def _doubt_length(longest: float, unit: str) -> None:
    """Warn where customers were observed for longer than any log of purchases was kept."""
    years = longest * DAYS[unit] / DAYS["year"]
    if years <= LONGEST_YEARS:
        return
    in_days = longest / DAYS["year"]
    advice = f" In days it is {in_days:,.1f} years: lifetimes and pymc-marketing count in days."
    warn(
        f"T reaches {longest:,.0f} {unit}s, which is {years:,.0f} years. Is unit={unit!r} right?"
        f"{advice if in_days <= LONGEST_YEARS and unit != 'day' else ''}",
        OptionWarning,
    )


def _ids(frame: pd.DataFrame, customer_id: str) -> pd.Series:
    """The ids: a column, or the index where it is the ids' only place."""
    if customer_id in frame:
        ids = frame[customer_id].reset_index(drop=True)
    elif isinstance(frame.index, pd.MultiIndex):
        raise DataError("The summary's index has several levels; customers need one id.")
    elif (
        customer_id in frame.index.names
        or isinstance(frame.index, pd.RangeIndex)
        or (frame.index.name is None and customer_id == "customer_id")
    ):
        ids = frame.index.to_series(index=pd.RangeIndex(len(frame)))
    else:
        raise DataError(
            f"The summary has no column {customer_id!r}, nor is it the index. Its columns are "
            f"{some(frame.columns, 20)}.{did_you_mean(customer_id, frame.columns)}"
        )
    if ids.isna().any():
        raise DataError(
            f"{counted(int(ids.isna().sum()), 'customer has', 'customers have')} no id."
        )
    if pd.api.types.infer_dtype(ids, skipna=True) == "mixed-integer":
        raise DataError("The ids mix numbers and text. Say .astype(str) to make all of them text.")
    ids = usable_ids(ids, customer_id)
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].unique()
        raise DataError(
            f"{counted(len(twice), 'customer has', 'customers have')} more than one row "
            f"(ids {some(twice)}). A summary has one row per customer."
        )
    return ids


def _numbers(column: pd.Series, ids: pd.Series) -> np.ndarray:
    try:
        return column.to_numpy(np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"Column {column.name!r} of the summary is no number: {error}.") from error


def _check_histories(summary: pd.DataFrame) -> None:
    frequency, recency, T = (summary[name] for name in HISTORY)
    for offenders, problem, advice in (
        (
            ~pd.Series(np.isfinite(summary[list(HISTORY)]).all(axis=1)),
            "a missing or infinite frequency, recency or T",
            "Leave them out or correct them.",
        ),
        (
            frequency < 0,
            "a negative frequency",
            "It counts purchases after the first: 0 for one purchase.",
        ),
        (frequency % 1 != 0, "a frequency that is no whole number", "It is a count."),
        (recency < 0, "a negative recency", "It runs from the first to the last purchase."),
        (T < 0, "a negative T", "Was observation_end before their first purchase?"),
        (recency > T, "recency > T", "Was observation_end before their last purchase?"),
        (
            (frequency == 0) & (recency > 0),
            "recency > 0 without a repeat purchase",
            "recency runs from the first to the last purchase, not from the last one to today.",
        ),
        (
            (frequency > 0) & (recency == 0),
            "repeat purchases but recency 0",
            "Repeat purchases are on later days; those of one day are one purchase.",
        ),
    ):
        if offenders.any():
            _refuse(summary, offenders, problem, advice)


def _check_spend(summary: pd.DataFrame) -> None:
    repeaters = summary["frequency"] > 0
    summary["monetary_value"] = summary["monetary_value"].where(repeaters, 0.0)
    spend = summary["monetary_value"]
    is_missing = spend.isna() | spend.isin([np.inf, -np.inf])
    if is_missing.any():
        _refuse(
            summary,
            is_missing,
            "repeat purchases but a missing or infinite monetary_value",
            "Correct them, or drop the column for a summary without spend.",
        )
    if (spend < 0).any():
        warn(
            f"{counted(int((spend < 0).sum()), 'customer has', 'customers have')} a negative "
            f"monetary_value (ids {some(summary.loc[spend < 0, 'customer_id'])}), as refunds can "
            "make it. A spend model is fitted without them.",
            DataWarning,
        )


def _refuse(summary: pd.DataFrame, offenders: pd.Series, problem: str, advice: str) -> None:
    ids = summary.loc[offenders, "customer_id"]
    raise DataError(
        f"{counted(len(ids), 'customer has', 'customers have')} {problem} "
        f"({'id' if len(ids) == 1 else 'ids'} {some(ids)}). {advice}"
    )
