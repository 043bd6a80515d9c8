"""Renewals: cohorts of contracts, and how many of them renewed at each age."""

import datetime
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Self

import numpy as np
import pandas as pd

from predclv.contracts.cohort_tables import counts_from_table
from predclv.contracts.contract_checks import whole_periods
from predclv.contracts.known import keys_of, patterns_of_histories
from predclv.errors import DataError, OptionError
from predclv.notices import counted
from predclv.samples.patterns import Patterns
from predclv.samples.renewals import RenewalCells
from predclv.units import days_per

COUNTS = ("cohort", "renewals", "ended", "contracts")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Renewals:
    """Contracts by cohort and age: how many came up for each renewal and how many made it.

    Made by :func:`predclv.renewals` of a table of contracts, or by `from_cohorts` of the table
    that a spreadsheet has.

    Attributes
    ----------
    histories : DataFrame
        Distinct histories: ``cohort``, ``renewals`` made, ``ended`` (whether the next one was not
        made; else it has not come up yet) and ``contracts`` with each; with ``by`` its column
        first.
    period : str
        From one renewal to the next: day, week, month or year.
    by : str or None
        The column that tells plans apart.
    observation_end : datetime.date or None
        The last day observed, where it is known.
    n_returned : int
        Contracts of customers who had an earlier one; they count as new contracts.
    subscribers : object or None
        Where the running contracts' customers can be asked for; None for a table of cohorts.
    patterns : Patterns or None
        What the histories' column ``pattern`` stands for, where covariates are known.

    See Also
    --------
    predclv.renewals : contracts to cohorts and ages.
    predclv.ContractModel : the recipe for subscribers.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> renewals
    Renewals: 1,000 contracts in 1 cohort, 593 of them running; renewed by the year, up to age
    4
    """

    histories: pd.DataFrame
    period: str
    by: str | None = None
    observation_end: datetime.date | None = None
    n_returned: int = 0
    subscribers: Any = field(default=None)
    patterns: Patterns | None = None

    @classmethod
    def from_cohorts(
        cls,
        table: pd.DataFrame,
        cohort: str | None = "cohort",
        age: str = "age",
        customers: str = "customers",
        period: str | None = None,
        by: str | None = None,
        observation_end: Any = None,
        static_covariates: Any = None,
    ) -> Self:
        """Of the table that a spreadsheet has: how many of each cohort are left at each age.

        Parameters
        ----------
        table : DataFrame
            One row per cohort and age. Age 0 has the size of the cohort, age 1 those who renewed
            once. Cohorts may be observed for different times: their later rows are then missing,
            or their customers are.
        cohort, age, customers : str
            Its columns; ``cohort=None`` where the table is one cohort.
        period : str, optional
            From one age to the next: day, week, month or year; discounting needs it. By default
            what lies between the cohorts if they are dates, else a year.
        by : str, optional
            A column that tells plans apart.
        observation_end : date, optional
            The last day observed: the forecast's schedule begins after it.
        static_covariates : list of str, optional
            Columns that say what is known of a cohort's customers, such as their channel; a cohort
            then has a row per age for each combination of them.

        Raises
        ------
        DataError
            If cohorts grow, ages skip or repeat, a cohort has no size (age 0), or customers are no
            whole numbers; the message names them.
        OptionError
            If the period does not fit cohorts that are dates.

        Warns
        -----
        DataWarning
            If there are cohorts of one customer.

        Examples
        --------
        >>> table = pd.DataFrame({"cohort": 2020, "age": range(4), "customers": [100, 63, 47, 38]})
        >>> Renewals.from_cohorts(table)
        Renewals: 100 contracts in 1 cohort, 38 of them running; renewed by the year, up to age 3
        """
        if not isinstance(table, pd.DataFrame):
            raise DataError(
                f"from_cohorts wants a DataFrame with cohort, age and customers; got "
                f"{type(table).__name__}."
            )
        if observation_end is not None:
            observation_end = pd.Timestamp(observation_end).date()
        histories, period, patterns = counts_from_table(
            table, cohort, age, customers, period, by, static_covariates
        )
        return cls(histories, period, by, observation_end, patterns=patterns)

    def __post_init__(self) -> None:
        days_per(self.period)

    @property
    def n_contracts(self) -> int:
        """Contracts, running or ended."""
        return int(self.histories["contracts"].sum())

    @property
    def n_running(self) -> int:
        """Contracts that run at the end of observation."""
        return int(self.histories["contracts"][~self.histories["ended"]].sum())

    @property
    def unit(self) -> str:
        """The period, as other samples call it."""
        return self.period

    @property
    def keys(self) -> list[str]:
        """The columns of ``histories`` that tell contracts apart beside their cohort."""
        return keys_of(self.by, self.patterns is not None)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per cohort and age.

        - ``cohort``; before it the column of plans, if there is one;
        - ``age``: number of the renewal; age 0 is the beginning;
        - ``at_risk``: contracts that came up to it;
        - ``renewed``: those of them that were renewed.
        """
        return self.by_age([self.by] if self.by else [])

    def by_age(self, apart: list[str]) -> pd.DataFrame:
        """As `frame`, with a row for each combination of these columns, which stand before it."""
        keys = [*apart, "cohort"]
        parts = []
        for name, one in self.histories.groupby(keys, sort=True, observed=True):
            part = pd.DataFrame(_table_of(one))
            for key, value in reversed(list(zip(keys, name, strict=True))):
                part.insert(0, str(key), value)  # type: ignore[arg-type]
            parts.append(part)
        return pd.concat(parts, ignore_index=True)

    @property
    def curve(self) -> pd.DataFrame:
        """All cohorts together: ``age``, ``at_risk``, ``renewed``, ``retention``, ``survival``.

        ``survival`` is Kaplan and Meier's estimate: the product of the retentions so far.
        """
        table = pd.DataFrame(_table_of(self.histories))
        table["retention"] = np.where(
            table["at_risk"] > 0, table["renewed"] / table["at_risk"].clip(lower=1), np.nan
        )
        table["survival"] = table["retention"].cumprod()
        return table

    @property
    def groups(self) -> list[Any]:
        """The plans, in order; of a sample without plans ``[None]``."""
        return sorted(self.histories[self.by].unique().tolist(), key=str) if self.by else [None]

    def group(self, name: Any) -> "Renewals":
        """The contracts of one plan."""
        if self.by is None:
            if name is None:
                return self
            raise OptionError("These renewals know no plans: say by= when they are made.")
        if name not in self.groups:
            raise OptionError(f"There is no {self.by} {name!r}; there are {self.groups}.")
        rows = self.histories[self.histories[self.by] == name]
        return replace(
            self, histories=rows.drop(columns=self.by), by=None, n_returned=0, subscribers=None
        )

    def together(self) -> "Renewals":
        """The same contracts without their plans."""
        if self.by is None:
            return self
        keys = [key for key in self.keys if key != self.by] + ["cohort", "renewals", "ended"]
        rows = self.histories.groupby(keys, as_index=False, observed=True)[["contracts"]].sum()
        return replace(self, histories=rows, by=None, subscribers=None)

    def cells(self) -> RenewalCells:
        """The sample as a likelihood takes it: cohorts and plans together."""
        h, (patterns, pattern) = self.histories, self.known()
        return RenewalCells.of(
            h["renewals"].to_numpy(), h["ended"].to_numpy(float), h["contracts"].to_numpy(),
            self.period, pattern, patterns,
        )  # fmt: skip

    def known(self) -> tuple[Patterns | None, Any]:
        """Patterns of plan and covariates, and which of them each history has; or None twice."""
        return patterns_of_histories(self.histories, "contracts", self.by, self.patterns)

    @property
    def state(self) -> tuple[str, ...]:
        """What the future of a running contract depends on."""
        return ("renewals",)

    def running(self) -> pd.DataFrame:
        """Running contracts, a row per cohort and age, with ``customers``, how many there are."""
        h = self.histories[~self.histories["ended"]].drop(columns="ended")
        return h.rename(columns={"contracts": "customers"}).reset_index(drop=True)

    def as_of(self, periods_ago: int) -> "Renewals":
        """What was known some periods before the end: the last ages of every cohort cut off.

        Cohorts that had not begun by then are left out.

        Raises
        ------
        OptionError
            If nothing is left.
        """
        periods_ago = whole_periods(periods_ago)
        h, keys = self.histories, [*self.keys, "cohort"]
        came_up = h["renewals"] + h["ended"]
        cohort = [h[key] for key in keys if key != "pattern"]
        last = came_up.groupby(cohort, observed=True).transform("max")
        until = last - periods_ago
        rows = h[until >= 0].copy()
        until = until[until >= 0]
        # A contract that came up for a renewal after the cut was running at it.
        later = rows["renewals"] + rows["ended"] > until
        rows["ended"] = rows["ended"] & ~later
        rows["renewals"] = np.minimum(rows["renewals"], until)
        if not len(rows) or not (rows["renewals"] + rows["ended"] > 0).any():
            raise OptionError(
                f"{periods_ago} {self.period}s ago no contract had come up for renewal: the "
                f"longest cohort has been observed for {int(last.max())}. Hold out fewer."
            )
        rows = rows.groupby([*keys, "renewals", "ended"], as_index=False, observed=True)[
            ["contracts"]
        ].sum()
        return Renewals(rows, self.period, self.by, patterns=self.patterns)

    def split(self, periods: int) -> Any:
        """Hold out the last periods of every cohort, for :func:`predclv.validate`.

        Examples
        --------
        >>> table = pd.DataFrame({"cohort": 2020, "age": range(4), "customers": [100, 63, 47, 38]})
        >>> Renewals.from_cohorts(table).split(1).calibration.curve["renewed"].tolist()
        [100, 63, 47]
        """
        from predclv.contracts.validation import split_of

        return split_of(self, periods)

    def __repr__(self) -> str:
        h = self.histories
        plans = f" of {len(self.groups)} {self.by}s" if self.by else ""
        cohorts = h["cohort"].nunique()
        returned = f", {self.n_returned:,} of returning customers" if self.n_returned else ""
        oldest = int((h["renewals"] + h["ended"]).max())
        return (
            f"Renewals: {counted(self.n_contracts, 'contract')}{plans} in "
            f"{counted(cohorts, 'cohort')}, {self.n_running:,} of them running{returned}; "
            f"renewed by the {self.period}, up to age {oldest}"
        )

    def _repr_html_(self) -> str:
        shown = self.curve.head(12).to_html(index=False, float_format="{:.3f}".format)
        return f"<p>{escape(repr(self))}</p>{shown}"


def _table_of(histories: pd.DataFrame) -> dict[str, Any]:
    """Age, at risk and renewed of histories."""
    m = histories["renewals"].to_numpy(int)
    up = m + histories["ended"].to_numpy(int)
    n = histories["contracts"].to_numpy()
    length = int(up.max()) + 1
    renewed = np.bincount(m, n, minlength=length)[::-1].cumsum()[::-1]
    at_risk = np.bincount(up, n, minlength=length)[::-1].cumsum()[::-1]
    return {
        "age": np.arange(length),
        "at_risk": at_risk.astype(np.int64),
        "renewed": renewed.astype(np.int64),
    }
