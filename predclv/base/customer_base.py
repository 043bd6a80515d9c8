"""CustomerBase: the orders of a shop as they come in, and what was forecast of its customers."""

import datetime
import os
from typing import Any

import pandas as pd

from predclv.base.alerts import alerts
from predclv.base.came_true import forecasts_kept
from predclv.base.compared import known_batches
from predclv.base.history import changes, history, movement
from predclv.base.kept import Kept
from predclv.base.orders import Orders
from predclv.base.refreshes import refresh, refreshes
from predclv.base.stranded import orders_until, remove_refresh, warn_of_stranded
from predclv.errors import DataError
from predclv.forecast.fitted import Horizon
from predclv.io.files import write_text
from predclv.logs.log import civil_date
from predclv.notices import counted
from predclv.recipe import CLVModel
from predclv.summaries.stored import MONETARY_VALUE
from predclv.units import day_of
from predclv.warehouse.dialects import DUCKDB
from predclv.warehouse.duckdb import DuckDBWarehouse


class CustomerBase(Orders):
    """A customer base that grows batch by batch, and remembers what it forecast.

    It is a folder: a DuckDB file with a state per customer and the days on which they bought, and
    Parquet and JSON for every refresh. To add a month costs what the month costs, not the years
    before; every change is made whole or not at all, whatever ends the process.

    Parameters
    ----------
    folder : path-like
        Where it is, or will be with the first batch.
    refunds : str, optional
        What becomes of negative amounts, ``"net"`` (the default of a new base) or ``"drop"``, as
        in :func:`predclv.rfm_summary`. A base keeps to what it was made with.
    wait : float
        Seconds to wait for another process that writes to the base, before it is an error that
        names that process.

    Raises
    ------
    StoreError
        If the folder holds something else, which is named, or a base of a newer format.

    See Also
    --------
    predclv.CLVModel : the recipe: purchases, spend, and who fits.
    predclv.Forecast : one row per customer, and the base as a whole.

    Examples
    --------
    >>> import predclv as pc, tempfile
    >>> log = pc.datasets.load_cdnow()
    >>> spring, later = log[log["date"] < "1997-06-01"], log[log["date"] >= "1997-06-01"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     base = pc.CustomerBase(folder)
    ...     added = base.add(spring, batch="spring")
    ...     added = base.add(later, batch="later")
    ...     base.rfm().frame.equals(pc.rfm_summary(log).frame)
    True
    """

    def refresh(
        self,
        model: CLVModel | str | None = None,
        horizon: Horizon = "12 months",
        *,
        by: Any = None,
        unit: str = "week",
        observation_end: str | datetime.date | None = None,
        discount_rate: float = 0.10,
        margin: float = 1.0,
        level: float | None = 0.9,
        seed: int = 0,
        static_covariates: Any = None,
        dynamic_covariates: Any = None,
    ) -> pd.DataFrame:
        """Fit, forecast everybody, and keep the forecast of this day with its terms.

        The search begins at the last refresh's fit. A refresh of a day that has one replaces it.

        Parameters
        ----------
        model : CLVModel or str, optional
            The recipe; BG/NBD and Gamma-Gamma where there is none.
        horizon, discount_rate, margin, level, seed
            As in :meth:`FittedCLV.forecast`.
        by : str, DataFrame or list of them, optional
            Groups whose numbers are kept beside those of the base and of the tiers by value:
            ``"cohort"``, ``"cohort_month"`` or ``"cohort_year"`` of the first purchase; tables
            with customer_id and one column that names their group, such as channel. Each group's
            intervals are simulated, so a hundred groups take a hundred times as long as one.
        unit, observation_end, static_covariates, dynamic_covariates
            As in :meth:`rfm`.

        Returns
        -------
        DataFrame
            The rows of :meth:`history` for this day.

        Raises
        ------
        DataError, FitError, OptionError
            As the summary, the fit and the forecast; the base is then as it was.

        Warns
        -----
        ObservationEndWarning
            If a later refresh is kept, of a day that orders reached until their batch was taken
            out or replaced: :meth:`remove_refresh`.
        """
        with self._vault.reading() as reader:
            self._about(reader)
            batches, until = known_batches(reader), orders_until(reader)
        rfm, engine = self.summary_in(unit, observation_end, static_covariates, dynamic_covariates)
        asked = {
            "horizon": horizon, "discount_rate": discount_rate, "margin": margin, "level": level,
        }  # fmt: skip
        kept = refresh(self._vault, engine, rfm, model, by, asked, seed, batches, until)
        with self._vault.reading() as reader:
            warn_of_stranded(self._vault, reader)
        return history([kept])

    def remove_refresh(self, day: str | datetime.date) -> None:
        """Take the refresh of a day out again, as if it had never been made.

        A later refresh keeps what it said of the time since; the next one is held against the
        refresh before it that is there.

        Parameters
        ----------
        day : str or date
            The refresh's date, as in :meth:`history`.

        Raises
        ------
        DataError
            If there is no refresh of that day; the message names those that are kept.
        """
        remove_refresh(self._vault, civil_date(day, "day"))

    def history(self) -> pd.DataFrame:
        """What the base and its groups were worth at every refresh.

        Returns
        -------
        DataFrame
            One row per date, grouping and group: customers, alive and active (expected numbers of
            customers), then purchases, discounted_purchases, revenue and clv over the horizon,
            each with ``_lower`` and ``_upper``. The grouping "all" is the base as a whole.
        """
        return history(self._refreshes())

    def changes(self) -> pd.DataFrame:
        """Why equity changed from one refresh to the next, in parts that add up exactly.

        Returns
        -------
        DataFrame
            date, before, grouping, group, equity_before, new_customers, buying_more, buying_less,
            gone_quiet, spend, model, no_longer_there (merged or removed), equity_after; the parts
            are whole numbers of 0.0001, so their sum is equity_after less equity_before.
        """
        return changes(self._refreshes())

    def movement(self) -> pd.DataFrame:
        """Customers who went from one tier to another between refreshes.

        Returns
        -------
        DataFrame
            date, before, tier_before, tier, customers, clv_before, clv; "(new)" and "(gone)" stand
            for who was not or is no longer there.
        """
        return movement(DuckDBWarehouse(), self._refreshes())

    def quiet(self) -> pd.DataFrame:
        """Customers of the highest tier who are silent beyond their own rhythm: whom to act on.

        Returns
        -------
        DataFrame
            As :func:`predclv.segments.at_risk` at the last refresh, at most 1,000, the one with
            the most value at stake first; ids as text.
        """
        return pd.DataFrame(self._last().document["quiet"])

    def alerts(self) -> pd.DataFrame:
        """What should be looked at after the last refresh: each alert with its number and rule.

        Groups whose purchases or revenue since the refresh before fell outside what its model
        expected, parameters that jumped, valuable customers gone quiet, days whose data look
        broken: without orders, with doubled amounts, with rows that are there twice.

        Returns
        -------
        DataFrame
            date, kind, grouping, group, measure, number, expected, lower, upper, said (a sentence)
            and rule (when there is such an alert). Empty where all is well.
        """
        with self._vault.reading() as engine:
            about = self._about(engine)
            return alerts(engine, self._some(refreshes(self._vault, engine)), about.refunds)

    def forecasts_kept(self) -> pd.DataFrame:
        """Did earlier forecasts come true? Each is held against what its customers bought since.

        A forecast whose horizon is over is taken as it was kept. One under way is its model's
        forecast up to the last day of the base.

        Returns
        -------
        DataFrame
            One row per date, grouping, group and measure (purchases or revenue): until, is_over,
            forecast, lower, upper, came, error (came over forecast, less one), is_inside,
            customers_covered (of purchases: share of customers whose own interval held) and level,
            which that share should be near. The rows of a group by date show whether the
            forecasts drift.
        """
        with self._vault.reading() as engine:
            about = self._about(engine)
            last = engine.rows("SELECT max(seen_day) FROM base.states")[0][0]
            found = self._some(refreshes(self._vault, engine))
            return forecasts_kept(engine, found, int(last), about.refunds)

    def season(self) -> pd.DataFrame:
        """Purchases (days on which a customer bought) and revenue by week, of the last three years.

        Returns
        -------
        DataFrame
            week (its first day; weeks end with the base's last day), purchases and revenue.
        """
        from predclv.base.cockpit import season

        with self._vault.reading() as engine:
            return season(engine, self._about(engine).refunds)

    def table(self, path: str | os.PathLike[str] | None = None) -> pd.DataFrame | None:
        """Everybody's state and last forecast as one table, to hand over to SQL or dbt.

        Parameters
        ----------
        path : path-like, optional
            A Parquet file to write instead, without passing through Python: the way for millions.

        Returns
        -------
        DataFrame or None
            A row per customer, sorted by customer_id: refreshed_on; the state of that day, which is
            frequency, recency_days and age_days and, where there are amounts, repeat_units (spend
            of repeat purchases), largest_units (the largest of them), both in whole 0.0001 of
            money, and monetary_value (money per repeat purchase, 0.0 where there is none); what
            refunds did, from refund_only_days to refund_rows, their units in 0.0001 too; groups
            and tier; and the forecast in the columns of :class:`predclv.Forecast`, its amounts in
            money. None where a file was written.
        """
        kept, engine = self._last(), DuckDBWarehouse()
        columns = [DUCKDB.quote(name) for name in engine.types(kept.customers)]
        if '"repeat_units"' in columns:
            after = 1 + columns.index('"repeat_units"')
            columns.insert(after, f"{MONETARY_VALUE} AS monetary_value")
        of_day = f"SELECT DATE '{kept.date}' AS refreshed_on, {', '.join(columns)}"
        sql = f"{of_day} FROM {kept.customers}"
        if path is None:
            return engine.frame(f"{sql} ORDER BY customer_id")
        engine.write_parquet(sql, "customer_id", path, {})
        return None

    def dashboard(
        self,
        path: str | os.PathLike[str],
        title: str = "Customer base",
        pseudonymise: str | bytes | None = None,
    ) -> None:
        """Write the cockpit as one page that opens without a network.

        Value over time with intervals, what moved, tiers flowing, cohorts, alerts, kept
        forecasts, and whom to act on. Only sums of groups and the lists are inside.

        Parameters
        ----------
        path : path-like
            A file, which is replaced.
        title : str
        pseudonymise : str or bytes, optional
            A secret key: ids in the lists are replaced by a keyed hash, as in
            :func:`predclv.pseudonymise`.
        """
        from predclv.base.cockpit import page

        write_text(page(self, title, pseudonymise), path)

    def _some(self, kept: list[Kept]) -> list[Kept]:
        if not kept:
            raise DataError(f"The base {self.folder} has no refresh yet: base.refresh(model).")
        return kept

    def _last(self) -> Kept:
        return self._some(self._refreshes())[-1]

    def _refreshes(self) -> list[Kept]:
        with self._vault.reading() as engine:
            self._about(engine)
            return refreshes(self._vault, engine)

    def __repr__(self) -> str:
        if not self._vault.file.exists():
            return f"CustomerBase({self.folder!r}): empty"
        with self._vault.reading() as engine:
            if self._vault.about(engine) is None:
                return f"CustomerBase({self.folder!r}): empty"
            batches, last = engine.rows("SELECT count(*), max(last_day) FROM base.batches")[0]
            customers = engine.rows("SELECT count(*) FROM base.states WHERE days > 0")[0][0]
            refreshes = engine.rows("SELECT count(*) FROM base.refreshes")[0][0]
        end = "" if last is None else f", to {day_of(last)}"
        return (
            f"CustomerBase({self.folder!r}): {counted(customers, 'customer')}, "
            f"{counted(batches, 'batch', 'batches')}, {counted(refreshes, 'refresh', 'refreshes')}"
            f"{end}"
        )
