"""Opportunities: who gave, came or bought in which year (or month), and in which not."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Self

import numpy as np
import pandas as pd

from predclv.errors import DataError, DataWarning, did_you_mean, some
from predclv.logs.log import civil_date
from predclv.logs.opening import open_log
from predclv.notices import counted, warn
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

    by = None
    patterns = None
    groups: Sequence[None] = field(default=(None,), init=False)

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
        if customers is not None:
            named["customers"] = customers
        for role, name in named.items():
            if name not in frame.columns:
                raise DataError(
                    f"The table has no column {name!r} ({role}); its columns are "
                    f"{some(map(repr, frame.columns), 20)}.{did_you_mean(name, frame.columns)}"
                )
        rows = pd.DataFrame(
            {role: pd.to_numeric(frame[name], errors="coerce") for role, name in named.items()}
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
        counts = rows.groupby(list(STATE), as_index=False)["customers"].sum()
        end = None if observation_end is None else civil_date(observation_end, "observation_end")
        return cls(counts[counts["customers"] > 0].reset_index(drop=True), period, end)

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

    def together(self) -> "Opportunities":
        """The sample itself: it knows no plans."""
        return self

    def cells(self) -> OpportunityCells:
        """The sample as a likelihood takes it."""
        h = self.histories
        x, t_x, n = (h[name].to_numpy() for name in STATE)
        return OpportunityCells.of(x, t_x, n, h["customers"].to_numpy(), self.period)

    def __repr__(self) -> str:
        h = self.histories
        taken = int((h["frequency"] * h["customers"]).sum())
        return (
            f"Opportunities: {self.n_customers:,} customers with up to "
            f"{int(h['opportunities'].max())} {self.period}s each, {taken:,} of "
            f"{self.n_opportunities:,} taken"
        )

    def _repr_html_(self) -> str:
        shown = self.histories.head(10).to_html(index=False)
        return f"<p>{escape(repr(self))}</p>{shown}"


def opportunities(
    log: Any,
    customer_id: str = "customer_id",
    date: str = "date",
    period: str = "year",
    observation_end: Any = None,
    timezone: str | None = None,
) -> Opportunities:
    """Who took the opportunity of each year (month, week), from a log of gifts or purchases.

    Parameters
    ----------
    log : frame, relation or path
        One row per gift, visit or purchase; see :func:`predclv.rfm_summary`. Several in one period
        are one.
    customer_id, date : str
        Its columns.
    period : str
        What is one opportunity: a year, month or week of the calendar, or a day.
    observation_end : date, optional
        The last day observed; a period that it cuts in two is left out. By default the period of
        the log's last row is taken to be whole.
    timezone : str, optional
        Zone whose calendar days count.

    Returns
    -------
    Opportunities
        A customer's first period is the acquisition and no opportunity; those that follow are.

    Raises
    ------
    DataError
        If the log cannot be used, or no period follows any customer's first.

    Warns
    -----
    DataWarning
        If the last period was left out, for it is not whole.

    See Also
    --------
    predclv.Opportunities : customers by opportunities taken.
    predclv.BGBB : one opportunity a period, taken or not.
    predclv.renewals : contracts to cohorts and ages.

    Examples
    --------
    >>> gifts = pd.DataFrame(
    ...     {"customer_id": [1, 1, 2], "date": ["2020-05-01", "2022-12-24", "2020-12-24"]}
    ... )
    >>> opportunities(gifts).histories
       frequency  recency  opportunities  customers
    0          0        0              2          1
    1          1        2              2          1
    """
    days_per(period)
    opened = open_log(
        log, customer_id=customer_id, date=date, amount=None, refunds="net", timezone=timezone
    )
    end = None if observation_end is None else civil_date(observation_end, "observation_end")
    days = opened.purchase_days(end)
    if not len(days):
        raise DataError(f"observation_end {end} is before every row of the log.")
    number = _numbers(days["day"], period)
    last = (
        int(number.max())
        if end is None
        else int(_numbers(pd.Series([pd.Timestamp(end)]), period)[0])
    )
    if end is not None:
        tomorrow = pd.Series([pd.Timestamp(end) + pd.Timedelta(days=1)])
        if int(_numbers(tomorrow, period)[0]) == last:
            cut = int((number == last).sum())
            warn(
                f"The {period} of observation_end {end} is not over, so it was left out with its "
                f"{counted(cut, 'row')}.",
                DataWarning,
            )
            last -= 1
    rows = pd.DataFrame({"customer_id": days["customer_id"], "number": number})
    rows = rows[rows["number"] <= last].drop_duplicates()
    grouped = rows.groupby("customer_id", sort=True)["number"]
    people = pd.DataFrame(
        {"first": grouped.min(), "latest": grouped.max(), "taken": grouped.size()}
    )
    people = pd.DataFrame(
        {
            "frequency": people["taken"] - 1,
            "recency": people["latest"] - people["first"],
            "opportunities": last - people["first"],
        }
    )
    if not len(people) or not (people["opportunities"] > 0).any():
        raise DataError(
            f"No {period} follows the first one of any customer: nobody has had an opportunity "
            "yet. Observe longer, or choose a shorter period."
        )
    found = Opportunities.from_frame(people.reset_index(), period=period)
    boundary = _last_day(last, period) if end is None else end
    who = Takers(people.reset_index())
    return Opportunities(found.histories, period, boundary, who)


def _numbers(days: pd.Series, period: str) -> np.ndarray:
    """The number of the calendar's period that each day lies in."""
    if period == "year":
        return days.dt.year.to_numpy()
    if period == "month":
        return (days.dt.year * 12 + days.dt.month - 1).to_numpy()
    since = (days - pd.Timestamp("1970-01-05")).dt.days.to_numpy()
    return since // 7 if period == "week" else since


def _last_day(number: int, period: str) -> datetime.date:
    if period == "year":
        return datetime.date(number, 12, 31)
    if period == "month":
        following = number + 1
        return datetime.date(following // 12, following % 12 + 1, 1) - datetime.timedelta(days=1)
    length = 7 if period == "week" else 1
    return datetime.date(1970, 1, 5) + datetime.timedelta(days=(number + 1) * length - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Takers:
    """The customers with their histories."""

    table: pd.DataFrame
    keys: Sequence[str] = STATE

    def frame(self) -> pd.DataFrame:
        """One row per customer."""
        return self.table.copy()
