"""A customer base summarised: how often, how recently, for how long, and for how much."""

import datetime
import html
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from predclv.errors import DataError
from predclv.frozen import Frozen
from predclv.logs.log import Log
from predclv.money import currency_named
from predclv.notices import counted
from predclv.samples.cells import Cells
from predclv.samples.paths import Paths
from predclv.samples.patterns import Patterns
from predclv.samples.spend import SpendCells
from predclv.summaries.base import Summary
from predclv.summaries.by_day import repeats_by_day
from predclv.summaries.checks import checked_summary
from predclv.summaries.framed import FrameSummary
from predclv.summaries.framed_covariates import described_frame, names_of_columns


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RFM:
    """One row per customer: frequency, recency, T and, where there are amounts, monetary value.

    Made from a log by `rfm_summary`, or of a summary made elsewhere by `RFM.from_frame`. It never
    changes, and threads may share it. ``copy.copy`` and ``copy.deepcopy`` give one that shares its
    log and its database. Pickled (joblib, multiprocessing) it takes its customers along, through
    memory, and answers the same to the last bit; its log stays behind, and what needs the log
    (`baselines.LastPeriod`, cohorts, ``purchases="auto"``) says so. A process forked from one that
    holds a summary of a log inherits it without its database: hand it over as an argument.

    Attributes
    ----------
    unit : str
        The unit of recency and T: day, week, month or year.
    observation_end : datetime.date or None
        The last day observed; None for a summary made elsewhere.
    counts : mapping
        rows, customers and repeat_purchases, and whatever was merged, netted or left out.
    log : Log or None
        The log it was made from, for forecasters that need more than the summary.
    currency : str or None, what amounts are shown in

    See Also
    --------
    predclv.rfm_summary, predclv.HoldoutSplit, predclv.Cells

    Examples
    --------
    >>> import predclv as pc
    >>> pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    RFM: 2,357 customers, 4,339 repeat purchases, in weeks, observed to 1998-06-30
    """

    unit: str
    observation_end: datetime.date | None
    counts: Mapping[str, int]
    log: Log | None
    _summary: Summary = field(repr=False)
    currency: str | None = None

    @classmethod
    def from_frame(
        cls, frame: Any, unit: str | None = None, customer_id: str = "customer_id",
        currency: str | None = None, static_covariates: Any = None,
    ) -> "RFM":  # fmt: skip
        """Take a summary made elsewhere, for instance by lifetimes or pymc-marketing.

        Parameters
        ----------
        frame : pandas or polars DataFrame, or Arrow table
            frequency (a count), recency and T (in ``unit``, taken as they are) and, maybe,
            monetary_value, which counts only where there are repeat purchases.
        unit : str
            Of recency and T: day (lifetimes' and pymc-marketing's default), week, month or year.
        customer_id : str
            The column of the ids; where there is none, the index of a pandas frame holds them.
        currency : str, optional
            As in `rfm_summary`.
        static_covariates : list of str, or table
            Columns of the frame that say what is known of customers; or a table, or
            `predclv.CovariateTable`, as in `rfm_summary`.

        Raises
        ------
        DataError
            If a column is missing, customers appear twice or have no id, or have an impossible
            history; the message names them.
        OptionError
            If the unit is missing or unknown.

        Examples
        --------
        >>> frame = pd.DataFrame({"frequency": [2, 0], "recency": [30.4, 0], "T": [38.9, 27.0]})
        >>> RFM.from_frame(frame, unit="week")
        RFM: 2 customers, 2 repeat purchases, in weeks, without spend
        """
        names = names_of_columns(static_covariates)
        checked, unit = checked_summary(frame, customer_id, unit, names)
        checked, patterns, found = described_frame(checked, names, static_covariates)
        rfm = cls._elsewhere(checked, unit, currency_named(currency), patterns)
        return replace(rfm, counts=Frozen({**rfm.counts, **found})) if found else rfm

    @classmethod
    def stored(
        cls,
        frame: pd.DataFrame,
        unit: str,
        last_day: int | None,
        patterns: Patterns | None = None,
        paths: Paths | None = None,
    ) -> "RFM":
        """A summary of a log that was kept as its frame, to be trusted as it is.

        ``last_day`` is the day that observation ended, since 1970-01-01; None where the summary
        was made elsewhere. With ``patterns`` the frame has the column pattern, with ``paths`` path.
        """
        summary = FrameSummary(frame, unit, last_day, patterns, paths)
        return replace(cls.from_frame(frame, unit), _summary=summary)

    @classmethod
    def _elsewhere(
        cls,
        frame: pd.DataFrame,
        unit: str,
        currency: str | None = None,
        patterns: Patterns | None = None,
    ) -> "RFM":
        counts = {"rows": len(frame), "customers": len(frame)}
        counts["repeat_purchases"] = int(frame["frequency"].sum())
        summary = FrameSummary(frame, unit, None, patterns)
        return cls(unit, None, Frozen(counts), None, summary, currency)

    @classmethod
    def empty(cls, unit: str) -> "RFM":
        """The summary of nobody, which a model that was saved without its customers has."""
        columns = {"customer_id": np.int64, "frequency": np.int64, "recency": float, "T": float}
        frame = pd.DataFrame({name: np.empty(0, kind) for name, kind in columns.items()})
        return cls._elsewhere(frame, unit)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per customer, sorted by customer_id.

        customer_id, frequency (int64), recency and T (float64, in ``unit``) and, where the log has
        amounts, monetary_value (mean spend per repeat purchase, 0.0 where there is none); with
        covariates also pattern (int64) and one column for each of them. Fetched once; what a caller
        does to the frame leaves this summary as it is.
        """
        return self._summary.frame.copy(deep=False)

    @property
    def has_spend(self) -> bool:
        """Whether there is a monetary value."""
        return self._summary.has_spend

    @property
    def patterns(self) -> Patterns | None:
        """What is known of customers, in distinct rows; None without covariates.

        The column ``pattern`` of ``frame`` is the number of a customer's row.
        """
        return self._summary.patterns

    def cells(self) -> Cells:
        """Customers grouped by (frequency, recency, T), which is all that the likelihood sees.

        And, where there are covariates, by pattern.
        """
        return self._summary.cells()

    @property
    def cell_keys(self) -> tuple[str, ...]:
        """The columns that tell cells apart exactly: days where a log was counted in days."""
        return self.cells().keys

    def keyed_cells(self) -> pd.DataFrame:
        """The columns ``cell_keys`` and ``weight``, one row per cell, in the order of `cells`.

        A table of numbers per cell with these keys is what `write_scored` spreads over customers.
        """
        return self.cells().keyed

    def write_scored(
        self,
        cells: pd.DataFrame,
        expressions: Mapping[str, str],
        path: str | Path,
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Spread numbers of the cells over the customers and write them, where the summary lies.

        No customer passes through Python. The file has one row per customer, sorted by
        customer_id. It is written under another name and then renamed: a half-written file is
        never taken for whole.

        From a Spark summary it is a folder of Parquet files in no order, written by the executors;
        ``_SUCCESS`` in it says that it is whole, and the metadata stand with the column
        customer_id.

        Parameters
        ----------
        cells : DataFrame
            One row per cell: the columns ``cell_keys``, as `keyed_cells` gives them, and any
            numbers.
        expressions : mapping of str to str
            What the file's columns after customer_id are, by name: SQL over the cell table ``c``
            and the customer ``s`` (customer_id, frequency, recency, T and, where there is spend,
            monetary_value), such as ``"c.base + c.slope * s.monetary_value"``.
        path : path-like
            A Parquet file; an earlier one is replaced. For Spark a folder that is not there yet,
            in any file system that the cluster knows.
        metadata : mapping of str to str, optional
            Added to the file's key-value metadata.

        Returns
        -------
        int
            Rows written, which is the number of customers.

        Raises
        ------
        DataError
            If customers have no cell in the table, or a cell is there twice; nothing is written.
        StoreError
            If the folder is missing or read-only, or the disk is full.
        """
        return self._summary.write_scored(cells, expressions, path, metadata or {})

    def spend_of_cells(self) -> np.ndarray:
        """The sum of customers' monetary values, none below zero, per cell, shape (n_cells,)."""
        return self._summary.spend_of_cells()

    def head(self, rows: int = 5) -> pd.DataFrame:
        """The first rows of ``frame``, without fetching the others."""
        return self._summary.head(rows)

    def sample(self, rows: int) -> pd.DataFrame:
        """Some customers' rows of ``frame``, without fetching the others; always the same ones."""
        return self._summary.sample(rows)

    def spend_cells(self) -> SpendCells:
        """Repeat customers with positive mean spend, grouped by (frequency, spend).

        Raises
        ------
        DataError
            If the log has no amounts.
        """
        if not self.has_spend:
            raise DataError("This summary has no spend: its log has no amounts. Name their column.")
        return self._summary.spend_cells()

    def log_for(self, who_needs: str, otherwise: str = "") -> tuple[Log, datetime.date]:
        """The log it was made from, and the day it is summarised to.

        Parameters
        ----------
        who_needs : str
            How the message begins where there is no log: ``"Tracking needs"``.
        otherwise : str
            How it ends: what else can be done.

        Raises
        ------
        DataError
            If the summary was made without a log.
        """
        if self.log is None or self.observation_end is None:
            raise DataError(
                f"{who_needs} the day of every purchase, and this summary has no log: it was made "
                "without a log (RFM.from_frame), or read from a file. Make it with "
                f"pc.rfm_summary(log) or pc.holdout_split(log).{otherwise}"
            )
        return self.log, self.observation_end

    def repeats_by_day(self) -> tuple[int, np.ndarray]:
        """Repeat purchases on each day after the log's first, up to the end of observation.

        Returns
        -------
        first_day : int
            The log's first day, counted from 1970-01-01.
        repeats : ndarray of int64, shape (n_days,)

        Raises
        ------
        DataError
            If the summary was made without a log.
        """
        log = self.log_for("A clock needs")[0]
        if self._summary.repeats_by_day is None:
            self._summary.repeats_by_day = repeats_by_day(log, self._summary)
        return self._summary.repeats_by_day

    def repeats_by_day_and_pattern(self) -> pd.DataFrame:
        """Repeat purchases on each day by the pattern that was in force for who made them.

        Counted on first use where the log lies.

        Returns
        -------
        DataFrame
            day (since 1970-01-01), pattern and purchases, int64, sorted; days and patterns without
            a purchase are left out.

        Raises
        ------
        DataError
            If the summary has no covariates, or was made without a log.
        """
        if self.patterns is None:
            raise DataError(
                "This summary has no covariates: pc.rfm_summary(log, static_covariates=table)."
            )
        found = self._summary.repeats_by_day_and_pattern
        if found is None:
            self.log_for("Purchases by day and pattern need")
        assert found is not None
        return found.astype("int64")

    def __len__(self) -> int:
        return self.counts["customers"]

    def __repr__(self) -> str:
        end = f", observed to {self.observation_end}" if self.observation_end else ""
        return (
            f"RFM: {counted(len(self), 'customer')}, "
            f"{counted(self.counts['repeat_purchases'], 'repeat purchase')}, "
            f"in {self.unit}s{end}{'' if self.has_spend else ', without spend'}"
        )

    def _repr_html_(self) -> str:
        notes = ", ".join(
            f"{name.replace('_', ' ')} {number:,}"
            for name, number in self.counts.items()
            if number and name not in ("customers", "repeat_purchases")
        )
        table = self._summary.head(5).to_html(index=False, border=0, float_format="{:.2f}".format)
        more = f"<p>and {len(self) - 5:,} more</p>" if len(self) > 5 else ""
        return f"<p><b>{html.escape(repr(self))}</b><br>{notes}</p>{table}{more}"
