"""A log cut in two: what a model may see, and what came after."""

import datetime
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from predclv.errors import DataError, OptionError
from predclv.logs.frames import as_pandas
from predclv.logs.log import Log, civil_date
from predclv.logs.opening import open_log
from predclv.logs.options import LogOptions
from predclv.logs.suspicions import warn_of_suspicions
from predclv.money import UNITS
from predclv.notices import counted
from predclv.summaries.patterned import warn_of_unused
from predclv.summaries.rfm import RFM
from predclv.summaries.split_frames import check_outcome, layout_of
from predclv.summaries.summarise import summary_of
from predclv.units import days_per
from predclv.warehouse.base import fresh


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HoldoutSplit:
    """Customers as they were at ``calibration_end``, and what they did until ``holdout_end``.

    Attributes
    ----------
    rfm : RFM
        The summary at ``calibration_end``.
    calibration_end, holdout_end : datetime.date or None
        The last day of each period, inclusive; None for a frame made elsewhere.
    duration : float
        The length of the holdout in ``rfm.unit``.
    new_customers : int or None
        Customers whose first purchase is in the holdout; nobody could have forecast them, so they
        are not in the frame. None for a frame made elsewhere, which does not say.

    See Also
    --------
    predclv.holdout_split : cut a log at a day.
    predclv.validate : forecasts against what came, at one day.
    predclv.RFM : the summary: one row per customer.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> split
    HoldoutSplit: 2,357 customers at 1997-09-30, 1,882 purchases until 1998-06-30 (39 weeks)
    """

    rfm: RFM
    calibration_end: datetime.date | None
    holdout_end: datetime.date | None
    duration: float
    new_customers: int | None
    _frame: pd.DataFrame = field(repr=False)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        unit: str | None = None,
        customer_id: str = "customer_id",
        currency: str | None = None,
    ) -> "HoldoutSplit":
        """Take a frame of calibration and holdout made by lifetimes or pymc-marketing.

        Both give the mean spend per purchase in the holdout; spend_holdout is that times the
        number of purchases. lifetimes takes that mean over the *rows* of the log but counts *days*,
        so where a customer has several rows on a day its spend is too low: give it a log with
        one row per customer and day, or use `holdout_split`, which counts right.

        Parameters
        ----------
        frame : pandas or polars DataFrame, or Arrow table
            Of lifetimes' ``calibration_and_holdout_data`` (frequency_cal, recency_cal, T_cal,
            monetary_value_cal, frequency_holdout, monetary_value_holdout, duration_holdout) or
            pymc-marketing's ``rfm_train_test_split`` (frequency, recency, T, monetary_value,
            test_frequency, test_monetary_value, test_T); spend may be absent.
        unit : str
            Of recency, T and duration: day (the default of both packages), week, month or year.
            Neither records it, so it is asked for, as by `RFM.from_frame`.
        customer_id : str
            The column of the ids; where there is none, the index holds them.
        currency : str, optional
            As in `rfm_summary`.

        Raises
        ------
        DataError
            If columns are missing, a customer is impossible, or the holdout is not equally long
            for all.
        OptionError
            If the unit is missing or unknown.

        Examples
        --------
        >>> frame = pd.DataFrame({
        ...     "frequency_cal": [2, 0], "recency_cal": [30.4, 0], "T_cal": [38.9, 27.0],
        ...     "frequency_holdout": [1, 0], "duration_holdout": [39.0, 39.0],
        ... })
        >>> HoldoutSplit.from_frame(frame, unit="week")
        HoldoutSplit: 2 customers, 1 purchase in the 39 weeks after
        """
        frame = as_pandas(frame, "A calibration and holdout")
        names = layout_of(frame)
        ids = [customer_id] if customer_id in frame else []
        ours = frame[[*ids, *(name for name in names if name in frame)]].rename(columns=names)
        if not ids:
            ours.insert(0, customer_id, ours.index)
        if "spend_per_purchase" not in ours:
            ours = ours.drop(columns="monetary_value", errors="ignore")
        rfm = RFM.from_frame(ours, unit, customer_id, currency)
        came = ours.set_index(customer_id)[["frequency_holdout", "duration_holdout"]]
        check_outcome(came)
        order = rfm.frame["customer_id"]
        columns = {"frequency_holdout": came["frequency_holdout"].astype("int64")}
        if rfm.has_spend:
            spend = ours.set_index(customer_id)["spend_per_purchase"].astype("float64")
            if spend[came["frequency_holdout"] > 0].isna().any():
                raise DataError("The spend in the holdout is missing for customers who bought.")
            columns["spend_holdout"] = (spend * came["frequency_holdout"]).fillna(0.0)
        duration = float(came["duration_holdout"].iloc[0])
        outcome = pd.DataFrame(columns).loc[order].reset_index(drop=True)
        table = pd.concat([rfm.frame, outcome], axis="columns")
        table["duration_holdout"] = duration
        return cls(rfm, None, None, duration, None, table)

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
        came = counted(int(self._frame["frequency_holdout"].sum()), "purchase")
        length = f"{self.duration:g} {self.unit}s"
        if self.calibration_end is None:
            return f"HoldoutSplit: {counted(len(self), 'customer')}, {came} in the {length} after"
        return (
            f"HoldoutSplit: {counted(len(self), 'customer')} at {self.calibration_end}, "
            f"{came} until {self.holdout_end} ({length})"
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
    currency: str | None = None,
    static_covariates: Any = None,
    dynamic_covariates: Any = None,
) -> HoldoutSplit:
    """Cut a log at a day: its summary up to then, and each customer's purchases after.

    Parameters
    ----------
    transactions, customer_id, date, amount, unit, refunds, timezone, currency
        As in `rfm_summary`.
    static_covariates, dynamic_covariates : table or CovariateTable, optional
        As in `rfm_summary`; of a dynamic table what is later than ``calibration_end`` stays unseen.
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

    See Also
    --------
    predclv.HoldoutSplit : what was known at a day, and what came.
    predclv.validate : forecasts against what came, at one day.
    predclv.rfm_summary : a log to one row per customer.

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
    calibrated, last = _days(calibration_end, holdout_end)
    options = LogOptions(
        customer_id=customer_id,
        date=date,
        amount=amount,
        refunds=refunds,
        timezone=timezone,
        currency=currency,
        static_covariates=static_covariates,
        dynamic_covariates=dynamic_covariates,
    )
    log = open_log(transactions, options, last)
    split, table = _within(log, calibrated, last, unit)
    until = last or log.last_day
    warn_of_suspicions(log, table, split.rfm.counts, until, "holdout_end", calibrated)
    return split


def split_at(
    log: Log,
    calibration_end: str | datetime.date,
    holdout_end: str | datetime.date | None,
    unit: str,
) -> HoldoutSplit:
    """The split of an opened log at a day that somebody asks for.

    Raises
    ------
    OptionError
        As `holdout_split`.
    """
    return _within(log, *_days(calibration_end, holdout_end), unit)[0]


def _days(
    calibration_end: str | datetime.date, holdout_end: str | datetime.date | None
) -> tuple[datetime.date, datetime.date | None]:
    calibrated = civil_date(calibration_end, "calibration_end")
    last = None if holdout_end is None else civil_date(holdout_end, "holdout_end")
    if last is not None and last <= calibrated:
        raise OptionError(f"calibration_end {calibrated} must be before holdout_end {last}.")
    return calibrated, last


def _within(
    log: Log, calibrated: datetime.date, last: datetime.date | None, unit: str
) -> tuple[HoldoutSplit, str]:
    if not log.first_day <= calibrated < log.last_day:
        raise OptionError(
            f"calibration_end {calibrated} must be within the log and before its last day: the log "
            f"runs from {log.first_day} to {log.last_day}."
        )
    return _split_and_table(log, calibrated, last or log.last_day, unit)


def split_of(
    log: Log, calibration_end: datetime.date, holdout_end: datetime.date, unit: str
) -> HoldoutSplit:
    """The split of an opened log; both days within it, the first before the second.

    Of refunds its opener has told.
    """
    return _split_and_table(log, calibration_end, holdout_end, unit, tells=False)[0]


def _split_and_table(
    log: Log,
    calibration_end: datetime.date,
    holdout_end: datetime.date,
    unit: str,
    tells: bool = True,
) -> tuple[HoldoutSplit, str]:
    """The split, and the name of the table of its summary."""
    rfm, table = summary_of(log, calibration_end, unit, tells)
    holdout = fresh("holdout")
    log.keep_purchases(holdout, calibration_end, holdout_end)
    spend = (
        f", CAST(coalesce(units, 0) AS DOUBLE) / {UNITS} AS spend_holdout" if log.has_spend else ""
    )
    came = log.warehouse.frame(
        f"SELECT CAST(coalesce(purchases, 0) AS BIGINT) AS frequency_holdout{spend}"
        f" FROM {table} LEFT JOIN {holdout} USING (customer_id) ORDER BY customer_id"
    )
    new = log.warehouse.rows(
        f"SELECT count(*) FROM {holdout} ANTI JOIN {table} USING (customer_id)"
    )
    if tells:
        warn_of_unused(log, [table, holdout], holdout_end)
    log.warehouse.drop(holdout)
    duration = (holdout_end - calibration_end).days / days_per(unit)
    frame = pd.concat([rfm.frame, came], axis="columns")
    frame["duration_holdout"] = duration
    split = HoldoutSplit(rfm, calibration_end, holdout_end, duration, new[0][0], frame)
    return split, table
