"""The orders of a shop, as they come in, and what they add up to."""

import datetime
import os
from typing import Any

import pandas as pd

from predclv.base.batches import checked_name, put, put_merge, remove
from predclv.base.doubts import warn_of_end_ahead
from predclv.base.purchases import BaseWarehouse, log_of
from predclv.base.states import summary
from predclv.base.vault import About, Vault
from predclv.errors import DataError, OptionError, did_you_mean
from predclv.logs.ids import usable_ids
from predclv.logs.log import civil_date
from predclv.logs.opening import open_log, with_covariates
from predclv.logs.options import LogOptions
from predclv.logs.refunds import REFUNDS, report_refunds
from predclv.logs.suspicions import warn_of_late_rows
from predclv.money import UNITS
from predclv.notices import counted
from predclv.progress import stage
from predclv.summaries.patterned import warn_of_unused
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit, split_at
from predclv.summaries.summarise import rfm_of
from predclv.units import day_number, day_of, days_per
from predclv.warehouse.base import fresh
from predclv.warehouse.duckdb import DuckDBWarehouse


class Orders:
    """The orders of a customer base: batches in and out, ids merged, and the summary of them all.

    What `CustomerBase` is before it forecasts.
    """

    def __init__(
        self, folder: str | os.PathLike[str], refunds: str | None = None, wait: float = 60.0
    ) -> None:
        if refunds is not None and refunds not in REFUNDS[:2]:
            raise OptionError(
                f"refunds must be 'net' or 'drop'; got {refunds!r}."
                f"{did_you_mean(refunds, REFUNDS[:2])}"
            )
        self._vault = Vault(folder, wait)
        self._refunds = refunds or "net"
        self._vault.refuse_foreign()
        if self._vault.file.exists():
            with self._vault.reading() as engine:
                about = self._vault.about(engine)
            if about is not None and refunds is not None and about.refunds != refunds:
                raise OptionError(
                    f"The base was made with refunds={about.refunds!r}; a base keeps to it."
                )
            self._refunds = self._refunds if about is None else about.refunds

    @property
    def folder(self) -> str:
        """Where it is."""
        return str(self._vault.folder)

    def add(
        self,
        orders: Any,
        customer_id: str = "customer_id",
        date: str = "date",
        amount: str | None = "amount",
        *,
        batch: str,
        log: str = "shop",
        replace: bool = False,
        timezone: str | None = None,
    ) -> pd.Series:
        """Add a batch of orders: a month, a day, one shop of several.

        A batch has a name and counts once: the same name again is refused, or with ``replace`` it
        takes the earlier one's place. Orders may come late, before what is known already: their
        customers, and nobody else, are then counted anew from all their days, so the states are
        exact whatever the order of the batches.

        Parameters
        ----------
        orders : frame, relation or path
            One row per purchase; whatever :func:`predclv.rfm_summary` takes.
        customer_id, date : str
            Their columns.
        amount : str or None
            The column of the amounts. The first batch decides whether the base has any.
        batch : str
            The name of the batch, such as ``"2026-11"``.
        log : str
            Where the orders come from, such as ``"web"`` and ``"till"``: logs have batches of
            their own, and a customer's orders of one day in two logs are one purchase.
        replace : bool
            Whether an earlier batch of that name goes out.
        timezone : str, optional
            The zone whose days count, as in :func:`predclv.rfm_summary`.

        Returns
        -------
        Series
            row_count, customers, first_day, last_day, refund_rows and late_customers, which is how
            many customers were counted anew.

        Raises
        ------
        DataError
            If the batch is there already, its rows cannot be used, or its ids or amounts do not
            fit the base. The base is then as it was.
        StoreError
            If another process holds the base for too long, or the disk is full; as it was, too.

        Warns
        -----
        DuplicateWarning
            If a batch of another name holds exactly the same.
        ObservationEndWarning, DuplicateWarning, LargeOrderWarning, SharedAccountWarning
            If the batch looks broken, as :func:`predclv.rfm_summary` says it of a log: the batch
            is in the base then, and ``replace`` puts a mended one in its place. A later batch's
            orders are held against what customers of the base spend; ids that many share are
            told of the first batch.
        ObservationEndWarning
            If a refresh is kept of a day that orders no longer reach: see ``remove_refresh``.
        """
        name, source = checked_name(batch, "batch"), checked_name(log, "log")
        options = LogOptions(
            customer_id=customer_id,
            date=date,
            amount=amount,
            refunds=self._refunds,
            timezone=timezone,
        )
        checked = open_log(orders, options)
        with stage(f"Adding {counted(checked.rows, 'row')} to the base"):
            facts = put(self._vault, checked, self._refunds, name, source, replace)
        for day in ("first_day", "last_day"):
            facts[day] = day_of(facts[day])
        shown = ("row_count", "customers", "first_day", "last_day", "refund_rows", "late_customers")
        return pd.Series({key: facts[key] for key in shown}, name=name)

    def remove(self, batch: str, log: str = "shop") -> None:
        """Take a batch of orders, or a merge of ids, out again, as if it had never come.

        Raises
        ------
        DataError
            If there is no such batch.

        Warns
        -----
        ObservationEndWarning
            If a refresh is kept of a day that the base's orders no longer reach.
        """
        remove(self._vault, checked_name(batch, "batch"), checked_name(log, "log"))

    def merge_ids(self, table: Any, batch: str, old: str = "old", new: str = "new") -> pd.Series:
        """Say which ids are one person: their orders count as those of the new id, past and future.

        The orders keep the ids they came with, so :meth:`remove` with the batch's name takes the
        merge back.

        Parameters
        ----------
        table : DataFrame or mapping
            One row per id that goes. A mapping is from old to new.
        batch : str
            A name for this merge.
        old, new : str
            Its columns. An id that is old in one row and new in another is followed to the end:
            a into b and b into c make all three c.

        Returns
        -------
        Series
            ids, which were merged by this table, and merged, by all so far.

        Raises
        ------
        DataError
            If an id has two new ones, ids lead in a circle, or are not of the base's type.
        """
        name = checked_name(batch, "batch")
        if not hasattr(table, "columns"):
            table = pd.DataFrame({old: list(table), new: list(table.values())})
        for column in (old, new):
            if column not in table.columns:
                raise DataError(f"The table of merges has no column {column!r}.")
        pairs = table[[old, new]].dropna().drop_duplicates()
        pairs = pd.DataFrame({c: usable_ids(pairs[c], c) for c in (old, new)})
        with self._vault.writing() as engine:
            about = self._about(engine)
            given, found = put_merge(engine, about, pairs, name)
        return pd.Series({"ids": given, "merged": found}, name=name)

    def batches(self) -> pd.DataFrame:
        """What was added so far: one row per batch, in the order they came."""
        with self._vault.reading() as engine:
            self._about(engine)
            return engine.frame(
                "SELECT log, name AS batch, kind, added_at, row_count, customers,"
                " DATE '1970-01-01' + first_day AS first_day,"
                f" DATE '1970-01-01' + last_day AS last_day, CAST(units AS DOUBLE) / {UNITS}"
                " AS amount, refund_rows, late_customers FROM base.batches ORDER BY number"
            )

    def rfm(
        self,
        unit: str = "week",
        observation_end: str | datetime.date | None = None,
        static_covariates: Any = None,
        dynamic_covariates: Any = None,
    ) -> RFM:
        """The summary of all orders so far, equal to that of the whole log to the last integer.

        Parameters
        ----------
        unit : str
            day, week, month or year.
        observation_end : str or date, optional
            The last day observed, inclusive. Default: the latest day of all batches. Before that
            day, customers seen since are counted anew from their days.
        static_covariates, dynamic_covariates : table or CovariateTable, optional
            As in :func:`predclv.rfm_summary`.

        Returns
        -------
        RFM
            With everything of :func:`predclv.rfm_summary`. What needs the day of every purchase (a
            clock, memory, tracking, ``pc.backtest(models, rfm)``) reads it from the base, as long
            as no batch has come or gone since.

        Raises
        ------
        DataError
            If the base is empty, or the day is before every purchase.
        """
        return self.summary_in(unit, observation_end, static_covariates, dynamic_covariates)[0]

    def holdout_split(
        self,
        calibration_end: str | datetime.date,
        holdout_end: str | datetime.date | None = None,
        unit: str = "week",
    ) -> HoldoutSplit:
        """Cut the orders at a day, as :func:`predclv.holdout_split` does: for ``pc.validate``.

        Parameters
        ----------
        calibration_end, holdout_end, unit
            As there.

        Raises
        ------
        OptionError
            If the days are not within the base, one before the other.
        DataError
            If the base is empty.
        """
        days_per(unit)
        engine = BaseWarehouse(self._vault)
        with self._vault.reading(engine):
            log = log_of(engine, self._filled(engine))
        return split_at(log, calibration_end, holdout_end, unit)

    def summary_in(
        self,
        unit: str,
        observation_end: str | datetime.date | None,
        static_covariates: Any = None,
        dynamic_covariates: Any = None,
    ) -> tuple[RFM, DuckDBWarehouse]:
        """The summary, and the engine where it lies."""
        days_per(unit)
        asked = None if observation_end is None else civil_date(observation_end, "observation_end")
        engine = BaseWarehouse(self._vault)
        with stage("Reading the base"), self._vault.reading(engine):
            about = self._filled(engine)
            log = with_covariates(log_of(engine, about), static_covariates, dynamic_covariates)
            table, end, counts = self._kept_summary(engine, about, asked)
        if counts.pop("any_refunds"):
            counts |= report_refunds(engine, table, about.refunds)
        customers, repeats = engine.rows(f"SELECT count(*), sum(frequency) FROM {table}")[0]
        if not customers:
            raise DataError(f"Every amount up to {end} is negative: refunds make no customers.")
        after = counts.pop("rows_after_end")
        seen = counts.pop("seen")
        rows = counts["rows"] - after - counts.get("refund_rows", 0)
        found = {
            "rows": counts.pop("rows"),
            "customers": int(customers),
            "repeat_purchases": int(repeats),
            "same_day_rows_merged": int(rows - customers - repeats),
            "rows_after_end": after,
            "customers_after_end": int(
                seen - customers - counts.get("refund_only_customers", 0) if after else 0
            ),
            **counts,
        }
        warn_of_late_rows(found, end)
        rfm, table = rfm_of(log, table, found, end, unit)
        warn_of_unused(log, [table], end, rfm.counts)
        return rfm, engine

    def _kept_summary(
        self, engine: DuckDBWarehouse, about: About, asked: datetime.date | None
    ) -> tuple[str, datetime.date, dict[str, int]]:
        """Keep the summary as a table of the engine; its name, its end, and counts of rows."""
        last, rows, seen = engine.rows(
            "SELECT max(seen_day), CAST(sum(row_count) AS BIGINT), count(*) FROM base.states"
        )[0]
        earliest = engine.rows("SELECT min(first_day) FROM base.batches")[0][0]
        end = day_of(last) if asked is None else asked
        if asked is None:
            warn_of_end_ahead(end)
        day = day_number(end)
        if day < earliest:
            raise DataError(
                f"observation_end {end} is before every purchase: the base runs from "
                f"{day_of(earliest)} to "
                f"{day_of(last)}."
            )
        name = fresh("summary")
        engine.store(name, summary(day, day < last, about.has_spend, about.refunds))
        kept = engine.rows(f"SELECT CAST(sum(row_count) AS BIGINT) FROM {name}")[0][0]
        refunds = engine.rows("SELECT sum(refund_rows) FROM base.states")[0][0]
        rounded = engine.rows("SELECT sum(rounded_rows) FROM base.batches")[0][0]
        counts = {
            "rows": int(rows),
            "seen": int(seen),
            "rows_after_end": int(rows - (kept or 0)),
            "rounded_rows": int(rounded or 0),
            "any_refunds": int(refunds or 0),
        }
        return name, end, counts

    def _filled(self, engine: DuckDBWarehouse) -> About:
        """What the base was made with, if there are orders in it."""
        about = self._about(engine)
        if not engine.rows("SELECT count(*) FROM base.states")[0][0]:
            raise DataError(f"The base {self.folder} has no orders: base.add(orders, batch=...).")
        return about

    def _about(self, engine: DuckDBWarehouse) -> About:
        about = self._vault.about(engine)
        if about is None:
            raise DataError(f"The base {self.folder} has no orders: base.add(orders, batch=...).")
        return about
