"""Cohorts as a result: by age, wide, pooled over cohorts, and one segment at a time."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape

import numpy as np
import pandas as pd

from predclv.errors import OptionError, did_you_mean, some
from predclv.notices import counted

MONEY = ("revenue", "revenue_per_customer", "cumulative_revenue_per_customer")
"""The columns of cohorts whose log has amounts."""

_RATES = ("active_share", "revenue_per_customer", "cumulative_revenue_per_customer")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Cohorts:
    """Cohorts by age: how many still buy, and what they have brought.

    Attributes
    ----------
    frame : DataFrame
        One row per cohort, value of ``by`` and age that has begun, sorted:

        - ``cohort``: the period of the first purchase;
        - a column called like ``by``, where there is one, as text;
        - ``age``: periods since, 0 for the cohort's own;
        - ``customers``: size of the cohort, the same at all ages;
        - ``active``: those with a purchase in the period; at age 0 all of them;
        - ``active_share``: ``active / customers``;
        - ``revenue``, ``revenue_per_customer``, ``cumulative_revenue_per_customer``: where the log
          has amounts;
        - ``is_complete``: whether the whole period was observed. Where not, the numbers are what
          came so far, and not to be compared.
    period : str
        week, month, quarter or year, of the calendar.
    by : str or None
        The column that splits cohorts.
    observation_end : datetime.date
        The last day that counts.
    counts : mapping of str to int
        customers, cohorts, incomplete_cells and, with ``by``, without_value and several_values.

    See Also
    --------
    predclv.historical.cohorts : follow groups from their first purchase.
    predclv.plots.cohort_heatmap : cohorts by age.

    Examples
    --------
    >>> import predclv as pc
    >>> cohorts = pc.historical.cohorts(pc.datasets.load_cdnow(), period="quarter")
    >>> cohorts.wide("active_share").round(2)
    age       0     1     2     3     4     5
    cohort
    1997Q1  1.0  0.22  0.18  0.17  0.16  0.13
    """

    frame: pd.DataFrame
    period: str
    by: str | None
    observation_end: datetime.date
    counts: Mapping[str, int]

    @property
    def has_spend(self) -> bool:
        """Whether there is revenue."""
        return "revenue" in self.frame

    @property
    def segments(self) -> list[str]:
        """The values of ``by``, sorted; empty without one."""
        return [] if self.by is None else sorted(self.frame[self.by].unique())

    def wide(self, value: str = "active_share") -> pd.DataFrame:
        """A row per cohort and a column per age, with NaN where the period was not all observed.

        Parameters
        ----------
        value : str
            A column of numbers of ``frame``.

        Returns
        -------
        DataFrame
            Index cohort, or (``by``, cohort); columns age.
        """
        complete = self._column(value).where(self.frame["is_complete"])
        rows = ["cohort"] if self.by is None else [self.by, "cohort"]
        cells = self.frame[[*rows, "age"]].assign(value=complete.astype(np.float64))
        return cells.pivot(index=rows, columns="age", values="value")

    def pooled(self, value: str = "active_share") -> pd.DataFrame:
        """All cohorts together by age: a column per value of ``by``, or one called all.

        At each age the cohorts that have reached it wholly, each customer counting alike. Late
        ages are those of early cohorts alone, so a curve over age also shows how cohorts differ.
        ``cumulative_revenue_per_customer`` adds up the pooled revenue of the ages, so it does not
        fall where a rich cohort drops out.

        Parameters
        ----------
        value : str
            active_share, revenue_per_customer or cumulative_revenue_per_customer.

        Returns
        -------
        DataFrame
            Index age; NaN where no cohort has reached an age wholly.
        """
        self._column(value)
        if value not in _RATES:
            raise OptionError(f"pooled takes {', '.join(_RATES)}; got {value!r}.")
        cells = self.frame[self.frame["is_complete"]]
        key = "all" if self.by is None else cells[self.by]
        summed = "active" if value == "active_share" else "revenue"
        sums = cells.assign(key=key).groupby(["age", "key"])[[summed, "customers"]].sum()
        table = (sums[summed] / sums["customers"]).unstack("key").rename_axis(columns=self.by)
        return table.cumsum(skipna=False) if value.startswith("cumulative") else table

    def segment(self, name: str) -> "Cohorts":
        """The cohorts of one value of ``by``, as if there were no others.

        Raises
        ------
        OptionError
            If there is no ``by``, or no such value.
        """
        if name not in self.segments:
            known = some(self.segments, 20) or "none: cohorts were made without by"
            raise OptionError(
                f"There is no segment {name!r}; there are {known}."
                f"{did_you_mean(name, self.segments)}"
            )
        frame = self.frame[self.frame[self.by] == name].drop(columns=str(self.by))
        frame = frame.reset_index(drop=True)
        return replace(self, frame=frame, by=None, counts=counts_of(frame))

    def _column(self, value: str) -> pd.Series:
        columns = self.frame.select_dtypes("number").columns.drop("age")
        if value not in columns:
            missing = " Their log has no amounts." if value in MONEY else ""
            raise OptionError(
                f"Cohorts have no column {value!r}.{missing} There are {', '.join(columns)}."
                f"{did_you_mean(value, columns)}"
            )
        return self.frame[value]

    def __len__(self) -> int:
        return self.counts["cohorts"]

    def __repr__(self) -> str:
        by = f" by {self.by}" if self.by is not None else ""
        return (
            f"Cohorts: {counted(self.counts['customers'], 'customer')} in "
            f"{counted(len(self), self.period)}{by}, observed to {self.observation_end}"
        )

    def _repr_html_(self) -> str:
        table = self.wide().iloc[:, :13].map("{:.0%}".format, na_action="ignore").fillna("")
        return f"<p><b>{escape(repr(self))}</b><br>share active by age</p>{table.to_html(border=0)}"


def counts_of(frame: pd.DataFrame) -> dict[str, int]:
    """Customers, cohorts and incomplete cells of a frame of cohorts."""
    born = frame[frame["age"] == 0]
    return {
        "customers": int(born["customers"].sum()),
        "cohorts": int(born["cohort"].nunique()),
        "incomplete_cells": int((~frame["is_complete"]).sum()),
    }
