"""Opportunities: who gave, came or bought in which year (or month), and in which not."""

import datetime
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Self, cast

import numpy as np
import pandas as pd

from predclv.contracts.contract_checks import assert_column, whole_periods
from predclv.contracts.known import keys_of, patterns_of_histories
from predclv.errors import DataError, OptionError, some
from predclv.logs.log import civil_date
from predclv.notices import counted
from predclv.samples.patterns import Patterns
from predclv.samples.renewals import OpportunityCells
from predclv.units import days_per

STATE = ("frequency", "recency", "opportunities")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Opportunities:
    """Customers by the opportunities they took: how many, the last one, and out of how many.

    Made by :func:`predclv.opportunities` of a log, or by `from_frame` of counted histories.

    Attributes
    ----------
    histories : DataFrame
        Distinct histories: ``frequency`` (opportunities taken after the first, x), ``recency``
        (the number of the last one taken, t_x, 0 where none was), ``opportunities`` (how many
        there were, n) and ``customers`` with each.
    period : str
        From one opportunity to the next: day, week, month or year.
    observation_end : datetime.date or None
    subscribers : object or None
        Where the customers' ids can be asked for.
    by : str or None
        The column that tells groups apart, such as regions.
    patterns : Patterns or None
        What the histories' column ``pattern`` stands for, where covariates are known.

    See Also
    --------
    predclv.opportunities : who took which year's opportunity.
    predclv.BGBB : one opportunity a period, taken or not.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> table = pd.DataFrame({"frequency": [0, 1, 2], "recency": [0, 2, 3], "opportunities": 3})
    >>> found = pc.Opportunities.from_frame(table)
    >>> found.n_customers, found.n_opportunities
    (3, 9)
    """

    histories: pd.DataFrame
    period: str
    observation_end: datetime.date | None = None
    subscribers: Any = field(default=None)
    by: str | None = None
    patterns: Patterns | None = None

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        frequency: str = "frequency",
        recency: str = "recency",
        opportunities: str = "opportunities",
        customers: str | None = None,
        period: str = "year",
        observation_end: Any = None,
        by: str | None = None,
    ) -> Self:
        """Of histories that somebody else has counted, as the papers print them.

        Parameters
        ----------
        frame : DataFrame
            One row per customer, or per history with the number of ``customers``.
        frequency, recency, opportunities, customers : str
            Its columns.
        period : str
            From one opportunity to the next.
        observation_end : date, optional
        by : str, optional
            A column that tells groups apart.

        Raises
        ------
        DataError
            If a history is impossible; the message names the rows.

        Examples
        --------
        >>> table = pd.DataFrame({"x": [0, 2], "last": [0, 5], "n": [6, 6], "donors": [40, 3]})
        >>> Opportunities.from_frame(table, "x", "last", "n", "donors")
        Opportunities: 43 customers with up to 6 years each, 6 of 258 taken
        """
        days_per(period)
        named = {"frequency": frequency, "recency": recency, "opportunities": opportunities}
        named |= {role: name for role, name in (("customers", customers), ("by", by)) if name}
        for role, name in named.items():
            assert_column(frame, name, role)
        rows = pd.DataFrame(
            {
                role: pd.to_numeric(frame[name], errors="coerce")
                for role, name in named.items()
                if role != "by"
            }
        )
        if customers is None:
            rows["customers"] = 1
        x, last, n = (rows[name] for name in STATE)
        wrong = rows.isna().any(axis=1) | (rows % 1 != 0).any(axis=1) | (rows < 0).any(axis=1)
        for bad, what in (
            (wrong, "are no whole numbers from 0 on"),
            ((x > last) | ((x == 0) != (last == 0)), "have more taken than the last one's number"),
            (last > n, "have a last one after the end of observation (recency > opportunities)"),
        ):
            if bad.any():
                raise DataError(
                    f"{counted(int(bad.sum()), 'history', 'histories')} {what}: row "
                    f"{some(rows.index[bad])}. Opportunities are numbered from 1; the purchase by "
                    "which a customer was acquired is not one."
                )
        rows = rows.astype(np.int64)
        keys = list(STATE)
        if by is not None:
            if frame[by].isna().any():
                raise DataError(f"Rows {some(frame.index[frame[by].isna()])} have no {by}.")
            rows[by], keys = frame[by].astype(str), [by, *keys]
        counts = rows.groupby(keys, as_index=False)[["customers"]].sum()
        end = None if observation_end is None else civil_date(observation_end, "observation_end")
        counts = counts[counts["customers"] > 0].reset_index(drop=True)
        return cls(counts, period, end, None, by)

    @property
    def n_customers(self) -> int:
        """Customers."""
        return int(self.histories["customers"].sum())

    @property
    def n_opportunities(self) -> int:
        """Opportunities of all customers."""
        return int((self.histories["opportunities"] * self.histories["customers"]).sum())

    @property
    def unit(self) -> str:
        """The period, as other samples call it."""
        return self.period

    @property
    def state(self) -> tuple[str, ...]:
        """What the future of a customer depends on."""
        return STATE

    def running(self) -> pd.DataFrame:
        """All histories with ``customers``: who has left is not seen."""
        return self.histories.copy()

    @property
    def groups(self) -> list[Any]:
        """The groups, in order; of a sample without any ``[None]``."""
        return sorted(self.histories[self.by].unique().tolist(), key=str) if self.by else [None]

    def group(self, name: Any) -> "Opportunities":
        """The customers of one group."""
        if name not in self.groups:
            raise OptionError(f"There is no {self.by} {name!r}; there are {self.groups}.")
        if self.by is None:
            return self
        rows = self.histories[self.histories[self.by] == name].drop(columns=self.by)
        return replace(self, histories=rows, by=None, subscribers=None)

    def together(self) -> "Opportunities":
        """The same customers without their groups."""
        if self.by is None:
            return self
        keys = keys_of(None, self.patterns is not None, *STATE)
        rows = self.histories.groupby(keys, as_index=False)[["customers"]].sum()
        who = None if self.subscribers is None else self.subscribers.without(self.by)
        return replace(self, histories=rows, by=None, subscribers=who)

    def cells(self) -> OpportunityCells:
        """The sample as a likelihood takes it."""
        h = self.histories
        patterns, pattern = patterns_of_histories(h, "customers", self.by, self.patterns)
        x, t_x, n = (h[name].to_numpy() for name in STATE)
        weight = h["customers"].to_numpy()
        return OpportunityCells.of(x, t_x, n, weight, self.period, pattern, patterns)

    def as_of(self, periods_ago: int) -> "Opportunities":
        """What was known some periods before the end.

        Customers who had not begun by then are left out.

        Raises
        ------
        OptionError
            If nothing is left, or the sample was counted by somebody else: counts do not say in
            which of the periods something was taken.
        """
        return cast("Opportunities", self._log("as_of").as_of(self, whole_periods(periods_ago)))

    def split(self, periods: int) -> Any:
        """Hold out the last periods, for :func:`predclv.validate`.

        Raises
        ------
        OptionError
            As of `as_of`.
        """
        return self._log("split").split(self, whole_periods(periods))

    def _log(self, what: str) -> Any:
        if not hasattr(self.subscribers, "as_of"):
            raise OptionError(
                f"{what} wants the log: counts do not say which of the {self.period}s were taken. "
                "Make the sample with pc.opportunities(log)."
            )
        return self.subscribers

    def __repr__(self) -> str:
        h = self.histories
        taken = int((h["frequency"] * h["customers"]).sum())
        groups = f" of {len(self.groups)} {self.by}s" if self.by else ""
        return (
            f"Opportunities: {self.n_customers:,} customers{groups} with up to "
            f"{int(h['opportunities'].max())} {self.period}s each, {taken:,} of "
            f"{self.n_opportunities:,} taken"
        )

    def _repr_html_(self) -> str:
        shown = self.histories.head(10).to_html(index=False)
        return f"<p>{escape(repr(self))}</p>{shown}"


@dataclass(frozen=True, slots=True, eq=False)
class Takers:
    """The customers with their histories, as a table, such as one read from a file."""

    table: pd.DataFrame

    @property
    def keys(self) -> list[str]:
        """The columns by which a customer is found among the histories."""
        return [str(name) for name in self.table if name != "customer_id"]

    def without(self, by: str) -> "Takers":
        """The same without their groups."""
        return Takers(self.table.drop(columns=by))

    def frame(self) -> pd.DataFrame:
        """One row per customer."""
        return self.table.copy()
