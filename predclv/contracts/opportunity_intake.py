"""``opportunities``: a log of gifts or visits, wherever it lies, to who took which opportunity."""

import datetime
import warnings
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from predclv.contracts.contract_checks import assert_period
from predclv.contracts.known import keys_of, with_pattern
from predclv.contracts.opportunities import STATE, Opportunities
from predclv.contracts.opportunity_split import OpportunitySplit
from predclv.errors import DataError, DataWarning, OptionError, some
from predclv.logs.covariate_table import CovariateTable
from predclv.logs.log import civil_date
from predclv.logs.opening import open_log
from predclv.logs.options import LogOptions
from predclv.logs.sources import open_table
from predclv.notices import counted, warn
from predclv.progress import stage
from predclv.samples.patterns import Patterns
from predclv.warehouse.base import LeftBehind, fresh


def opportunities(
    log: Any,
    customer_id: str = "customer_id",
    date: str = "date",
    period: str = "year",
    observation_end: Any = None,
    timezone: str | None = None,
    by: str | None = None,
    static_covariates: Any = None,
) -> Opportunities:
    """Who took the opportunity of each year (month, week), from a log of gifts or purchases.

    Parameters
    ----------
    log : frame, relation or path
        One row per gift, visit or purchase; see :func:`predclv.rfm_summary`. Several in one period
        are one. It stays where it lies, which may be Spark.
    customer_id, date : str
        Its columns.
    period : str
        What is one opportunity: a year, month or week of the calendar, or a day.
    observation_end : date, optional
        The last day observed; a period that it cuts in two is left out. By default the period of
        the log's last row is taken to be whole.
    timezone : str, optional
        Zone whose calendar days count.
    by : str, optional
        A column that tells groups apart, such as regions: of ``static_covariates`` where they are
        given, else of the log.
    static_covariates : table or CovariateTable, optional
        What is known of customers, one row for each, for ``ContractModel(covariates=...)``.

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
    assert_period(period)
    if by is not None and static_covariates is None:
        open_table(log, {"customer_id": customer_id, "date": date, "by": by}, timezone)
        static_covariates = CovariateTable(log, customer_id, columns=[by], categories=[by], rare=0)
    options = LogOptions(
        customer_id=customer_id,
        date=date,
        amount=None,
        timezone=timezone,
        static_covariates=static_covariates,
    )
    with warnings.catch_warnings():
        if by is not None:  # each of a customer's gifts says again where they live
            warnings.filterwarnings("ignore", ".* say again what another", DataWarning)
        opened = open_log(log, options)
    end = None if observation_end is None else civil_date(observation_end, "observation_end")
    if end is not None and end < opened.first_day:
        raise DataError(f"observation_end {end} is before every row of the log.")
    warehouse = opened.warehouse
    taken = fresh("taken")
    with stage("Counting opportunities"), opened.days_until(end or opened.last_day) as days:
        number = _number(period)
        warehouse.store(taken, f"SELECT DISTINCT customer_id, {number} AS number FROM {days}")
        last = int(warehouse.rows(f"SELECT max(number) FROM {taken}")[0][0])
    if end is not None:
        last = _number_of(end, period)
        if _number_of(end + datetime.timedelta(days=1), period) == last:
            cut = warehouse.rows(f"SELECT count(*) FROM {taken} WHERE number = {last}")[0][0]
            warn(
                f"The {period} of observation_end {end} is not over, so it was left out with its "
                f"{counted(int(cut), 'customer')}.",
                DataWarning,
            )
            last -= 1
    patterns = None
    if opened.static_covariates is not None:
        whole, counts = taken, f"number <= {last}"
        taken, patterns = with_pattern(
            warehouse, whole, counts, opened.static_covariates, "a gift or visit"
        )
        warehouse.drop(whole)
        if by is not None and by not in patterns.names:
            raise DataError(
                f"by={by!r} is no column of static_covariates; there is "
                f"{some(map(repr, patterns.names))}."
            )
    alone = patterns is not None and patterns.names == (by,)
    who = OpportunityLog(warehouse, taken, last, period, by, patterns, not alone, opened)
    boundary = _last_day(last, period) if end is None else end
    found = who.counted(boundary)
    if not (found.histories["opportunities"] > 0).any():
        raise DataError(
            f"No {period} follows the first one of any customer: nobody has had an opportunity "
            "yet. Observe longer, or choose a shorter period."
        )
    return found


def _number(period: str) -> str:
    """SQL of the number of the calendar's period that a day since 1970 lies in."""
    if period in ("day", "week"):
        return f"CAST(floor((day - 4) / {7 if period == 'week' else 1}.0) AS INTEGER)"
    date = "(DATE '1970-01-01' + CAST(day AS INTEGER))"
    years = f"CAST(year({date}) AS INTEGER)"
    return years if period == "year" else f"CAST({years} * 12 + month({date}) - 1 AS INTEGER)"


def _number_of(day: datetime.date, period: str) -> int:
    """The same of one day."""
    if period == "year":
        return day.year
    if period == "month":
        return day.year * 12 + day.month - 1
    since = (day - datetime.date(1970, 1, 5)).days
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
class OpportunityLog:
    """Who took which opportunity, in the warehouse of the log.

    Attributes
    ----------
    warehouse : Warehouse
    taken : str
        The table: customer_id, number of the period and, maybe, pattern; each once.
    last : int
        Number of the last period observed.
    period : str
    by : str or None
    patterns : Patterns or None
    has_covariates : bool
        Whether patterns hold more than the groups.
    alive : object
        What must not be garbage collected.
    """

    warehouse: Any
    taken: str
    last: int
    period: str
    by: str | None
    patterns: Patterns | None
    has_covariates: bool
    alive: object

    @property
    def keys(self) -> list[str]:
        """The columns by which a customer is found among the histories."""
        return keys_of(self.by, self.patterns is not None and self.has_covariates, *STATE)

    @property
    def _has_pattern(self) -> bool:
        """Whether patterns tell histories apart."""
        return self.patterns is not None and (self.by is not None or self.has_covariates)

    def _people(self, last: int, later: str = "") -> str:
        """One row per customer who had begun by ``last``."""
        pattern = ", min(pattern) AS pattern" if self._has_pattern else ""
        known = ", pattern" if self._has_pattern else ""
        return (
            f"SELECT customer_id{known}, CAST(n - 1 AS INTEGER) AS frequency,"
            f" CAST(latest - begun AS INTEGER) AS recency,"
            f" CAST({last} - begun AS INTEGER) AS opportunities{', later' if later else ''}"
            f" FROM (SELECT customer_id{pattern}, count(*) FILTER (WHERE number <= {last}) AS n,"
            f" max(number) FILTER (WHERE number <= {last}) AS latest, min(number) AS begun{later}"
            f" FROM {self.taken} WHERE number <= {self.last} GROUP BY customer_id)"
            f" WHERE begun <= {last}"
        )

    def _counted(self, last: int, later: str = "") -> pd.DataFrame:
        """Histories, and what was taken later, with ``customers``."""
        names = ", ".join(["pattern"] * self._has_pattern + [*STATE] + ["later"] * bool(later))
        found = self.warehouse.frame(
            f"SELECT {names}, CAST(count(*) AS BIGINT) AS customers"
            f" FROM ({self._people(last, later)}) GROUP BY {names} ORDER BY {names}"
        )
        return self._told(found.astype("int64"))

    def _told(self, rows: pd.DataFrame) -> pd.DataFrame:
        """With the group in a column of its own, first."""
        if self.by is not None:
            assert self.patterns is not None
            of = self.patterns.frame[self.by].astype(str)
            rows.insert(0, self.by, of.take(rows["pattern"].to_numpy()).to_numpy(object))
        return rows if self.has_covariates else rows.drop(columns="pattern", errors="ignore")

    def counted(self, end: datetime.date | None, last: int | None = None) -> Opportunities:
        """The sample as of period ``last``."""
        at = self.last if last is None else last
        known = self.patterns if self.has_covariates else None
        who = replace(self, last=at)
        return Opportunities(self._counted(at), self.period, end, who, self.by, known)

    def as_of(self, whole: Opportunities, periods: int) -> Opportunities:
        """The sample as it was known so many periods ago."""
        found = self.counted(_last_day(self.last - periods, self.period), self.last - periods)
        if not len(found.histories) or not (found.histories["opportunities"] > 0).any():
            raise OptionError(
                f"{periods} {self.period}s ago nobody had had an opportunity: the longest history "
                f"has {int(whole.histories['opportunities'].max())}. Hold out fewer."
            )
        return found

    def split(self, whole: Opportunities, periods: int) -> OpportunitySplit:
        """The last periods held out."""
        at = self.last - periods
        known = self.as_of(whole, periods)
        came = self._counted(at, f", count(*) FILTER (WHERE number > {at}) AS later")
        years = self.warehouse.frame(
            f"SELECT number - {at} AS ahead, CAST(count(*) AS BIGINT) AS taken FROM {self.taken}"
            f" WHERE number > {at} AND number <= {self.last} AND customer_id IN"
            f" (SELECT customer_id FROM {self.taken} WHERE number <= {at})"
            " GROUP BY 1 ORDER BY 1"
        )
        by_period = years.set_index("ahead")["taken"].reindex(range(1, periods + 1), fill_value=0)
        return OpportunitySplit(known, came, by_period.astype("int64"), periods)

    def without(self, by: str) -> "OpportunityLog":
        """The same; without groups their column only stays among the covariates."""
        return replace(self, by=None)

    def frame(self) -> pd.DataFrame:
        """One row per customer, by customer."""
        found = self.warehouse.frame(f"{self._people(self.last)} ORDER BY customer_id")
        numbers = [name for name in found if name != "customer_id"]
        found = self._told(found.astype(dict.fromkeys(numbers, "int64")))
        return found[["customer_id", *(name for name in found if name != "customer_id")]]

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process there is no warehouse; asked for its rows, it says so."""
        left = LeftBehind(self.warehouse.dialect)
        rest = (self.taken, self.last, self.period, self.by, self.patterns, self.has_covariates)
        return OpportunityLog, (left, *rest, None)
