"""``renewals``: a table of contracts, wherever it lies, to cohorts and ages."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from predclv.contracts.contract_checks import (
    assert_period,
    check_contracts,
    check_lengths,
    check_overlaps,
    warn_of_single,
)
from predclv.contracts.contract_sql import ContractSQL
from predclv.contracts.known import keys_of, with_pattern
from predclv.contracts.renewals import Renewals
from predclv.errors import DataError, DataWarning, OptionError
from predclv.logs.columns import ids_of, statements
from predclv.logs.covariates import open_covariates
from predclv.logs.log import civil_date
from predclv.logs.sources import Table, open_table
from predclv.notices import counted, warn
from predclv.progress import stage
from predclv.units import day_number, day_of
from predclv.warehouse.base import LeftBehind, fresh


def renewals(
    subscriptions: Any,
    customer_id: str = "customer_id",
    start: str = "start",
    end: str = "end",
    period: str = "month",
    observation_end: Any = None,
    by: str | None = None,
    timezone: str | None = None,
    static_covariates: Any = None,
) -> Renewals:
    """Count a table of contracts by cohort and age: how many came up for renewal, and renewed.

    The table stays where it lies (DuckDB or Spark does the counting), so it may be of any size.

    Parameters
    ----------
    subscriptions : frame, relation or path
        One row per contract: a pandas or polars DataFrame, an Arrow table, a DuckDB relation, a
        PySpark DataFrame, or the path or glob of .parquet or .csv files.
    customer_id, start, end : str
        Its columns. A contract without an end runs. Whether the end is the last day of the contract
        or the first without it makes no difference.
    period : str
        From one renewal to the next: day, week, month or year; of months and years those of the
        calendar. A contract that ends in the middle of one is taken to run until it is over.
    observation_end : date, optional
        The last day observed: whoever ends later runs, whoever starts later is left out. By default
        the last day on which a contract starts or ends. Say it where ends may lie in the future.
    by : str, optional
        A column that tells plans apart.
    timezone : str, optional
        Zone whose calendar days count, where starts and ends are instants.
    static_covariates : table or CovariateTable, optional
        What is known of customers, one row for each, for ``ContractModel(covariates=...)``; see
        :class:`predclv.CovariateTable`. The plan of ``by`` is one without being named here.

    Returns
    -------
    Renewals
        A customer who comes back has a new contract, in a new cohort; ``n_returned`` counts them.

    Raises
    ------
    DataError
        If columns are missing or cannot be read, contracts end before they start, or contracts of
        one customer overlap; the message names them.
    OptionError
        If there is no such period, nearly all contracts last a multiple of a longer one, or
        contracts end in the future and ``observation_end`` is not said.

    Warns
    -----
    DataWarning
        Contracts that start after ``observation_end`` were left out; contracts end in the middle
        of a period; contracts begin on the day another of the customer ends; a cohort has one
        customer alone; covariates are of people without a contract.

    See Also
    --------
    predclv.Renewals : contracts by cohort and age.
    predclv.ContractModel : the recipe for subscribers.
    predclv.opportunities : who took which year's opportunity.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "customer_id": [1, 2, 3, 4],
    ...         "start": ["2024-01-01", "2024-01-10", "2024-02-01", "2024-02-01"],
    ...         "end": ["2024-03-31", None, None, None],
    ...     }
    ... )
    >>> renewals(table, observation_end="2024-04-15").frame
          cohort  age  at_risk  renewed
    0 2024-01-01    0        2        2
    1 2024-01-01    1        2        2
    2 2024-01-01    2        2        2
    3 2024-01-01    3        2        1
    4 2024-02-01    0        2        2
    5 2024-02-01    1        2        2
    6 2024-02-01    2        2        2
    """
    assert_period(period)
    asked = None if observation_end is None else civil_date(observation_end, "observation_end")
    names = {"customer_id": customer_id, "date": start, "end_date": end, "plan": by}
    table = _opened(subscriptions, names, timezone)
    if table.dialect.name == "spark" and table.types["end_date"] == "VARCHAR":
        raise DataError(
            f"Column {end!r} (end) holds text. Make it a date where it lies: "
            f"pyspark.sql.functions.to_date({end!r}, 'yyyy-MM-dd')."
        )
    patterns = None
    with stage("Counting contracts"):
        sql = _sql_over(table, timezone, period, by is not None)
        engine = table.warehouse
        facts = engine.record(sql.survey())
        check_contracts(engine, sql, facts, names)
        last = facts["last_day"] if asked is None else day_number(asked)
        if asked is None and day_of(last) > datetime.date.today():
            raise OptionError(
                f"Contracts start or end as late as {day_of(last)}, which is still to come, so the "
                "table does not say until when it was observed. Say observation_end='...': who "
                "ends later runs."
            )
        if last < facts["first_day"]:
            raise DataError(
                f"observation_end {asked} is before every contract: the first starts on "
                f"{day_of(facts['first_day'])}."
            )
        later = int(engine.rows(sql.starting_after(last))[0][0]) if asked is not None else 0
        if later:
            warn(
                f"{counted(later, 'contract starts', 'contracts start')} after observation_end "
                f"{asked} and {'was' if later == 1 else 'were'} left out.",
                DataWarning,
            )
        returned = check_overlaps(engine, sql, last)
        if static_covariates is not None:
            known = open_covariates(
                static_covariates, table, ids_of(table)[0], timezone, "static_covariates"
            )
            name, patterns = with_pattern(
                engine, sql.contracts, f"s <= {last}", known, "a contract"
            )
            sql = replace(sql, contracts=name, has_patterns=True)
        found = engine.frame(sql.histories(last))
    check_lengths(found, period)
    found = found.rename(columns={"plan": by} if by else {})
    found["cohort"] = pd.to_datetime(found["cohort"])
    if by and found[by].isna().any():
        without = int(found["contracts"][found[by].isna()].sum())
        raise DataError(
            f"{counted(without, 'contract has', 'contracts have')} no {by}: fill it in, such as "
            "with 'unknown'."
        )
    who = Subscribers(engine, sql, last, by, table)
    keys = [*who.keys, "ended"]
    histories = found.groupby(keys, as_index=False, observed=True)[["contracts"]].sum()
    sizes = histories.groupby([by, "cohort"] if by else ["cohort"])["contracts"].sum()
    alone = sizes.index[sizes == 1].to_frame().astype(str)
    warn_of_single(alone.agg(" ".join, axis="columns"))
    return Renewals(histories, period, by, day_of(last), returned, who, patterns)


def _opened(subscriptions: Any, names: Mapping[str, str | None], timezone: str | None) -> Table:
    """The table, with messages that call its columns as `renewals` does."""
    try:
        return open_table(subscriptions, names, timezone)
    except (DataError, OptionError) as error:
        said = str(error).replace("The log has", "The table has")
        for role, name in (("end_date", "end"), ("date", "start"), ("plan", "by")):
            said = said.replace(f"({role})", f"({name})").replace(f" {role}=", f" {name}=")
        raise type(error)(said) from None


def _sql_over(table: Table, timezone: str | None, period: str, has_plans: bool) -> ContractSQL:
    """The statements over the contracts, their starts and ends being days since 1970."""
    plan = ", plan" if has_plans else ""
    starts = {role: table.types[role] for role in ("customer_id", "date")}
    began = statements(replace(table, types=starts), timezone)
    ends = replace(
        table,
        sql=f"(SELECT customer_id, end_date AS date FROM {table.sql})",
        types={"customer_id": table.types["customer_id"], "date": table.types["end_date"]},
        names={"customer_id": table.names["customer_id"], "date": table.names["end_date"]},
    )
    if table.is_text:  # an empty field of a CSV file is no end
        ends = replace(
            ends,
            sql=f"(SELECT customer_id, nullif(trim(end_date), '') AS date FROM {table.sql})",
        )
    ended = statements(ends, timezone)
    raw_end = "nullif(trim(end_date), '')" if table.is_text else "end_date"
    inner = (
        f"SELECT {began.customer_id} AS customer_id, {began.day} AS s, {raw_end} AS date{plan}"
        f" FROM {table.sql}"
    )
    log = f"(SELECT customer_id, s, {ended.day} AS e{plan} FROM ({inner}))"
    engine = table.warehouse
    if table.reader is not engine:  # a user's own relation is read once
        engine.store(name := fresh("contracts"), f"SELECT * FROM {log}", table.reader)
        log = name
    return ContractSQL(log, period, has_plans, table.dialect)


@dataclass(frozen=True, slots=True, eq=False)
class Subscribers:
    """Where the customers of running contracts can be asked for; they stay in the warehouse."""

    engine: Any
    sql: ContractSQL
    last: int
    by: str | None
    alive: object

    @property
    def keys(self) -> list[str]:
        """The columns by which a customer is found among the histories."""
        return keys_of(self.by, self.sql.has_patterns, "cohort", "renewals")

    def frame(self) -> pd.DataFrame:
        """One row per running contract: customer_id, the plan, cohort and renewals; by customer."""
        found = self.engine.frame(self.sql.running(self.last))
        found["cohort"] = pd.to_datetime(found["cohort"])
        return found.rename(columns={"plan": self.by} if self.by else {})

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process there is no warehouse; asked for its rows, it says so."""
        return Subscribers, (LeftBehind(self.engine.dialect), self.sql, self.last, self.by, None)


@dataclass(frozen=True, slots=True, eq=False)
class KeptSubscribers:
    """The customers of running contracts as a table, such as one read from a file."""

    table: pd.DataFrame
    by: str | None

    @property
    def keys(self) -> list[str]:
        """The columns by which a customer is found among the histories."""
        return keys_of(self.by, "pattern" in self.table, "cohort", "renewals")

    def frame(self) -> pd.DataFrame:
        """One row per running contract."""
        return self.table.copy()
