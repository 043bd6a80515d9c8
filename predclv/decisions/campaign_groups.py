"""Who was treated and who was not: groups given by customer, checked."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import AssumptionWarning, DataError, DataWarning, did_you_mean, some
from predclv.logs.frames import as_pandas
from predclv.notices import counted, warn

# A and B are not among them: to some A is the offer, to others it is the control.
_TREATED = ("treated", "treatment", "test", "target", "campaign", "true", "yes", "1", "t")
_CONTROL = ("control", "holdout", "untreated", "none", "false", "no", "0", "c")
FEWEST = 30
"""Customers of a group below which the intervals, which take means as normal, are doubted."""


class Groups(NamedTuple):
    """Who was treated, of the customers who were there before the campaign.

    Attributes
    ----------
    is_treated : ndarray of bool, shape (n,)
    place : ndarray of int, shape (n,)
        Where each stands among the customers given.
    counts : dict
        treated, control, and who was left out: without_history, without_group, outside.
    """

    is_treated: NDArray
    place: NDArray
    counts: dict[str, int]


def groups_of(
    groups: Any, ids: pd.Series, treated: Any = None, control: Any = None, known: str = "the start"
) -> Groups:
    """The two groups among the customers ``ids``, who have a history.

    Parameters
    ----------
    groups : Series, mapping or DataFrame
        Mark by customer_id; a frame has columns customer_id and group.
    ids : Series, shape (n_customers,)
    treated, control : object, optional
        The marks. Default: the words of ``_TREATED`` and ``_CONTROL``, in any case.
    known : str
        Before what a customer must have bought, for the message.

    Raises
    ------
    DataError
        If a customer has both marks, marks are not understood, or a group is empty or has one
        customer.

    Warns
    -----
    DataWarning
        If customers without a mark or without a history were left out; with their numbers.
    AssumptionWarning
        If a group has fewer than 30 customers.
    """
    marks = _series(groups)
    if marks.empty:
        raise DataError("groups is empty: it names no customer.")
    missing = marks.isna() | pd.Series(marks.index.isna(), index=marks.index)
    if missing.any():
        warn(
            f"{counted(int(missing.sum()), 'row', 'rows')} of groups without a customer or a mark "
            "were left out.",
            DataWarning,
        )
    marks = marks[~missing.to_numpy()]
    if marks.empty:
        raise DataError("No customer in groups has a mark.")
    which = _meaning(marks, treated, control)
    other = which < 0
    if other.any():
        warn(
            f"{counted(int(other.sum()), 'customer', 'customers')} in groups with other marks "
            f"({some(pd.unique(marks[other]))}) were left out.",
            DataWarning,
        )
    of = pd.Series(which[~other], index=marks.index[~other])
    ends = of.groupby(level=0).agg(["min", "max"])
    both = ends.index[ends["min"] != ends["max"]]
    if len(both):
        raise DataError(
            f"{counted(len(both), 'customer has', 'customers have')} both marks, treated and "
            f"control (customer_id {some(both)}). Say of each what they were assigned to, whatever "
            "they received."
        )
    mark = ends["min"]
    place = pd.Index(ids).get_indexer(mark.index)
    here = place >= 0
    if not here.any():
        raise DataError(
            f"None of the {counted(len(mark), 'customer')} in groups bought before {known}: their "
            f"ids look like {some(mark.index, 3)}, those of the log like {some(ids, 3)}. Are they "
            "of one type?"
        )
    absent = int((~here).sum())
    if absent:
        gone = mark[~here]
        warn(
            f"{counted(absent, 'customer', 'customers')} in groups ({int(gone.sum()):,} treated, "
            f"{int((1 - gone).sum()):,} control; customer_id {some(gone.index)}) had bought "
            f"nothing before {known}: without a history there is no forecast to compare with, and "
            "they were left out.",
            DataWarning,
        )
    is_treated = mark.to_numpy()[here] == 1
    sizes = {"treated": int(is_treated.sum()), "control": int((~is_treated).sum())}
    for name, size in sizes.items():
        if size < 2:
            raise DataError(
                f"The group {name} has {counted(size, 'customer')} with a history before {known}; "
                "a mean and its spread need at least two."
            )
        if size < FEWEST:
            warn(
                f"The group {name} has {size} customers. Intervals take means as normal, which "
                f"purchases of fewer than {FEWEST} customers are not.",
                AssumptionWarning,
            )
    counts = {
        **sizes,
        "without_history": absent,
        "without_group": int(missing.sum() + other.sum()),
        "outside": len(ids) - int(here.sum()),
    }
    order = np.argsort(place[here], kind="stable")
    return Groups(is_treated[order], place[here][order], counts)


def _series(groups: Any) -> pd.Series:
    """The marks as they were given, indexed by customer; a customer may be there twice."""
    if groups is None:
        raise DataError(
            "groups=None says of nobody whether they were treated. If everybody was, say "
            "assigned='everybody'."
        )
    if isinstance(groups, Mapping):
        return pd.Series(dict(groups), dtype=object)
    if isinstance(groups, pd.Series):
        return groups
    frame = as_pandas(groups, "groups")
    for name in ("customer_id", "group"):
        if name not in frame:
            raise DataError(
                f"groups has no column {name!r}; it has {some(frame.columns, 20)}."
                f"{did_you_mean(name, frame.columns)} Or give a Series from customer to group."
            )
    return frame.set_index("customer_id")["group"]


def _meaning(marks: pd.Series, treated: Any, control: Any) -> NDArray:
    """1 where treated, 0 where control, -1 where neither, shape (n_rows,)."""
    there = pd.unique(marks)
    said = {"treated": treated, "control": control}
    for name, mark in said.items():
        if mark is not None and mark not in there:
            raise DataError(
                f"{name}={mark!r} is no mark of groups; there are {some(map(repr, there))}."
                f"{did_you_mean(mark, there)}"
            )
    if treated is not None and treated == control:
        raise DataError(f"treated and control are the same mark, {treated!r}.")
    if treated is None and control is None:
        as_words = [str(mark).strip().casefold().removesuffix(".0") for mark in there]
        found = [
            [mark for mark, word in zip(there, as_words, strict=True) if word in words]
            for words in (_TREATED, _CONTROL)
        ]
        # One letter or digit alone is no word: A and C may be anything.
        is_guess = len(there) == 2 and not all(found) and max(map(len, as_words)) == 1
        if len(there) > 2 or any(len(each) > 1 for each in found) or not any(found) or is_guess:
            raise DataError(
                f"The marks of groups are {some(map(repr, there))}: which of them is treated? Say "
                "treated=... and control=...; other customers are left out."
            )
        treated, control = (each[0] if each else None for each in found)
    if len(there) > 2 and (treated is None or control is None):
        raise DataError(
            f"There are {len(there)} marks in groups ({some(map(repr, there))}): say both treated= "
            "and control=."
        )
    is_treated = marks.ne(control) if treated is None else marks.eq(treated)
    is_control = ~is_treated if control is None else marks.eq(control)
    return np.where(is_treated, 1, np.where(is_control, 0, -1))
