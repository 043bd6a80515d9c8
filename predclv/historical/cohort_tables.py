"""Customers grouped by when they first bought, period by period."""

import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import DataError, DataWarning, OptionError, did_you_mean
from predclv.frozen import Frozen
from predclv.historical.cohort_result import MONEY, Cohorts, counts_of
from predclv.historical.intake import opened, without_refunds_alone
from predclv.logs.cohort_statements import PERIODS
from predclv.logs.log import Log
from predclv.logs.options import LogOptions
from predclv.money import UNITS
from predclv.notices import counted, warn

NONE = "(none)"
"""What customers without a value in the ``by`` column are called."""

_MOST_CELLS = 1_000_000


def cohorts(
    transactions: Any,
    period: str = "month",
    by: str | None = None,
    *,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    observation_end: str | datetime.date | None = None,
    refunds: str = "net",
    timezone: str | None = None,
) -> Cohorts:
    """Group customers by when they first bought, and follow each group.

    Grouped where the log lies; only the table of cohorts is fetched. Periods are those of the
    calendar: the cohort of January is at age 1 in February. At age 0 a cohort has had half a period
    on average, so its revenue there is not that of a full one. Who bought before the log begins
    looks like a new customer: the first cohorts of a log hold them.

    Parameters
    ----------
    transactions : frame, relation, path or RFM
        As in :func:`predclv.rfm_summary`; or a summary that was made from a log, whose columns,
        end and refunds then count.
    period : str
        ``"week"`` (from Monday), ``"month"``, ``"quarter"`` or ``"year"``.
    by : str, optional
        A column of the log, such as a channel: cohorts are split by its value on the day of the
        customer's first purchase, as text. Of several on that day the first in the alphabet
        counts, and a warning says how many customers have them; those with none are ``(none)``.
    customer_id, date, amount, observation_end, timezone
        As in :func:`predclv.rfm_summary`. Without amounts there is no revenue.
    refunds : str
        ``"net"`` takes every refund off revenue, in the period of the refund; ``"drop"`` leaves
        them out; ``"error"`` refuses them. A refund alone makes nobody active.

    Returns
    -------
    Cohorts

    Raises
    ------
    OptionError
        If the period is unknown, or ``by`` has the name of a column of the result.
    DataError, OptionError
        As :func:`predclv.rfm_summary`.

    Warns
    -----
    DataWarning
        Rows after ``observation_end`` were left out; customers have no or several values of ``by``;
        or the log looks broken, as in :func:`predclv.rfm_summary`.
    RefundWarning
        Negative amounts were netted or left out.

    See Also
    --------
    predclv.historical.Cohorts : cohorts by age.
    predclv.cohort_forecast : what cohorts will bring.

    Examples
    --------
    >>> orders = pd.DataFrame({
    ...     "customer_id": [1, 1, 2, 3],
    ...     "date": ["2024-01-05", "2024-02-10", "2024-01-20", "2024-02-29"],
    ...     "amount": [10.0, 30.0, 20.0, 5.0],
    ... })
    >>> found = cohorts(orders)
    >>> found
    Cohorts: 3 customers in 2 months, observed to 2024-02-29
    >>> found.wide("cumulative_revenue_per_customer")
    age         0     1
    cohort
    2024-01  15.0  30.0
    2024-02   5.0   NaN
    """
    if period not in PERIODS:
        raise OptionError(
            f"period must be one of {', '.join(PERIODS)}; got {period!r}."
            f"{did_you_mean(period, PERIODS)}"
        )
    reserved = {"cohort", "age", "customers", "active", "active_share", "is_complete", *MONEY}
    if by in reserved:
        raise OptionError(
            f"by={by!r} is the name of a column of the result; rename it in the log, for instance "
            f"to 'customer_{by}'."
        )
    options = LogOptions(
        customer_id=customer_id,
        date=date,
        amount=amount,
        refunds=refunds,
        timezone=timezone,
        segment=by,
    )
    log, end = opened(transactions, options, observation_end)
    cells = log.cohort_cells(end, period)
    cells = without_refunds_alone(cells, cells["cohort"].notna(), log)
    extra: dict[str, int] = {}
    if by is not None:
        cells, extra = _named(cells, by)
    frame = _every_age(cells, log, PERIODS[period], by, end)
    counts = Frozen({**counts_of(frame), **extra})
    return Cohorts(frame, period, by, end, counts)


def _every_age(
    cells: pd.DataFrame, log: Log, frequency: str, by: str | None, end: datetime.date
) -> pd.DataFrame:
    """The frame of `Cohorts`: a row for every age that has begun, also where nobody bought."""
    keys = ["cohort"] if by is None else ["cohort", "segment"]
    cells = cells.astype({"cohort": np.int64})
    last = pd.Period(end, frequency).ordinal
    born = cells[cells["age"] == 0].set_index(keys)["active"].sort_index()
    ages = last - born.index.get_level_values("cohort").to_numpy() + 1
    if ages.sum() > _MOST_CELLS:
        raise OptionError(
            f"{len(born):,} cohorts over {ages.max():,} periods are {ages.sum():,} cells. Take a "
            f"longer period. Is the first day of the log, {log.first_day}, or the end, {end}, real?"
        )
    grid = born.rename("customers").reset_index()
    grid = grid.loc[grid.index.repeat(ages)].reset_index(drop=True)
    grid["age"] = grid.groupby(keys).cumcount()
    found = ["active", *(["units"] if log.has_spend else [])]
    grid = grid.merge(cells[[*keys, "age", *found]], on=[*keys, "age"], how="left")
    grid[found] = grid[found].fillna(0).astype(np.int64)
    grid["active_share"] = grid["active"] / grid["customers"]
    if log.has_spend:
        grid["revenue"] = grid["units"] / UNITS
        grid["revenue_per_customer"] = grid["revenue"] / grid["customers"]
        summed = grid.groupby(keys)["units"].cumsum() / UNITS
        grid["cumulative_revenue_per_customer"] = summed / grid["customers"]
    numbers = grid["cohort"].to_numpy() + grid["age"].to_numpy()
    over = _periods(numbers, frequency).end_time.normalize()
    grid["is_complete"] = over <= pd.Timestamp(end)
    grid["cohort"] = _periods(grid["cohort"].to_numpy(), frequency)
    return grid.drop(columns="units", errors="ignore").rename(columns={"segment": by or "segment"})


def _named(cells: pd.DataFrame, by: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """The cells with ``NONE`` for no value; how many customers have none, and how many several."""
    born = cells["age"] == 0
    missing = cells["segment"] == ""
    without = int(cells.loc[born & missing, "active"].sum())
    several = int(cells.loc[born, "ambiguous"].sum())
    if without == int(cells.loc[born, "active"].sum()):
        raise DataError(f"Column {by!r} is empty on the day of every customer's first purchase.")
    said = []
    if without:
        said.append(
            f"{counted(without, 'customer has', 'customers have')} no {by} on the day of their "
            f"first purchase and are counted as {NONE!r}."
        )
    if several:
        said.append(
            f"{counted(several, 'customer has', 'customers have')} several on that day, of which "
            "the first in the alphabet counts."
        )
    if said:
        warn(" ".join(said), DataWarning)
    named = cells.assign(segment=cells["segment"].mask(missing, NONE))
    return named, {"without_value": without, "several_values": several}


def _periods(numbers: NDArray, frequency: str) -> pd.PeriodIndex:
    return pd.PeriodIndex.from_ordinals(numbers, freq=frequency)  # type: ignore[attr-defined]
