"""A log cut in two: what a model may see, and what came after."""

import datetime
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from predclv.data.log import civil_date, open_log
from predclv.data.notices import counted
from predclv.data.rfm import RFM, summary_of
from predclv.data.sql import UNITS
from predclv.errors import OptionError
from predclv.units import days_per


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HoldoutSplit:
    """Customers as they were at ``calibration_end``, and what they did until ``holdout_end``.

    Attributes
    ----------
    rfm : RFM
        The summary at ``calibration_end``.
    calibration_end, holdout_end : datetime.date
        The last day of each period, inclusive.
    duration : float
        The length of the holdout in ``rfm.unit``.
    new_customers : int
        Customers whose first purchase is in the holdout; nobody could have forecast them, so they
        are not in the frame.
    """

    rfm: RFM
    calibration_end: datetime.date
    holdout_end: datetime.date
    duration: float
    new_customers: int
    _frame: pd.DataFrame = field(repr=False)

    @property
    def unit(self) -> str:
        """The unit of recency, T and the duration."""
        return self.rfm.unit

    @property
    def frame(self) -> pd.DataFrame:
        """The columns of ``rfm.frame`` and, per customer, what came.

        frequency_holdout (int64, days with a purchase in the holdout), spend_holdout (float64,
        their net total; where the log has amounts) and duration_holdout (float64, in ``unit``).
        """
        return self._frame.copy(deep=False)

    def __len__(self) -> int:
        return len(self.rfm)

    def __repr__(self) -> str:
        return (
            f"HoldoutSplit: {counted(len(self), 'customer')} at {self.calibration_end}, "
            f"{counted(int(self._frame['frequency_holdout'].sum()), 'purchase')} until "
            f"{self.holdout_end} ({self.duration:g} {self.unit}s)"
        )


def holdout_split(
    transactions: Any,
    customer_id: str = "customer_id",
    date: str = "date",
    amount: str | None = "amount",
    *,
    calibration_end: str | datetime.date,
    holdout_end: str | datetime.date | None = None,
    unit: str = "week",
    refunds: str = "net",
    timezone: str | None = None,
) -> HoldoutSplit:
    """Cut a log at a day: its summary up to then, and each customer's purchases after.

    Parameters
    ----------
    transactions, customer_id, date, amount, unit, refunds, timezone
        As in `rfm_summary`.
    calibration_end : str, date or timestamp
        The last day that a model may see, inclusive.
    holdout_end : str, date or timestamp, optional
        The last day of the holdout, inclusive. Default: the latest date in the log.

    Returns
    -------
    HoldoutSplit

    Raises
    ------
    OptionError
        If ``calibration_end`` is not before ``holdout_end`` and within the log.
    DataError, OptionError
        As in `rfm_summary`.

    Examples
    --------
    >>> orders = pd.DataFrame({
    ...     "customer_id": [1, 1, 1, 2, 3],
    ...     "date": ["2024-01-01", "2024-01-15", "2024-02-10", "2024-01-08", "2024-02-12"],
    ...     "amount": [9.9, 20.0, 5.0, 12.5, 1.0],
    ... })
    >>> split = holdout_split(orders, calibration_end="2024-01-29", unit="day")
    >>> split
    HoldoutSplit: 2 customers at 2024-01-29, 1 purchase until 2024-02-12 (14 days)
    >>> split.frame[["customer_id", "frequency", "frequency_holdout", "spend_holdout"]]
       customer_id  frequency  frequency_holdout  spend_holdout
    0            1          1                  1            5.0
    1            2          0                  0            0.0
    >>> split.new_customers
    1
    """
    days_per(unit)
    calibrated = civil_date(calibration_end, "calibration_end")
    last = None if holdout_end is None else civil_date(holdout_end, "holdout_end")
    if last is not None and last <= calibrated:
        raise OptionError(f"calibration_end {calibrated} must be before holdout_end {last}.")
    log = open_log(
        transactions,
        customer_id=customer_id,
        date=date,
        amount=amount,
        refunds=refunds,
        timezone=timezone,
        end=last,
    )
    if not log.first_day <= calibrated < log.last_day:
        raise OptionError(
            f"calibration_end {calibrated} must be within the log and before its last day: the log "
            f"runs from {log.first_day} to {log.last_day}."
        )
    last = last or log.last_day
    rfm, table = summary_of(log, calibrated, unit)
    log.keep_purchases("holdout", calibrated, last)
    spend = f", coalesce(units, 0) / {UNITS}.0 AS spend_holdout" if log.has_spend else ""
    came = log.engine.frame(
        f"SELECT CAST(coalesce(purchases, 0) AS BIGINT) AS frequency_holdout{spend}"
        f" FROM {table} LEFT JOIN holdout USING (customer_id) ORDER BY customer_id"
    )
    new = log.engine.rows(f"SELECT count(*) FROM holdout ANTI JOIN {table} USING (customer_id)")
    duration = (last - calibrated).days / days_per(unit)
    frame = pd.concat([rfm.frame, came], axis="columns")
    frame["duration_holdout"] = duration
    return HoldoutSplit(rfm, calibrated, last, duration, new[0][0], frame)
