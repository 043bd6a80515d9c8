"""Customers at an earlier day, what members say of them, and what came: counted in groups."""

import datetime
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from predclv.errors import OptionError, PredclvError, PredclvWarning
from predclv.forecast.draws import is_posterior
from predclv.forecast.first_purchases import counting_first
from predclv.forecast.outlook import Outlook
from predclv.forecast.spend import expected_spend
from predclv.logs.log import Log
from predclv.money import UNITS
from predclv.pools.losses import loss_matrix
from predclv.pools.mixture import codes, of_rows
from predclv.samples.cells import Cells
from predclv.samples.grouping import distinct
from predclv.summaries.memory import MEMORY
from predclv.summaries.rfm import RFM
from predclv.summaries.summarise import summary_of
from predclv.summaries.told_apart import forgotten, told_apart
from predclv.warehouse.base import Warehouse, fresh


class Said(NamedTuple):
    """What a member says of groups of customers.

    Attributes
    ----------
    counts : distribution of purchases
        Of one customer of each group.
    expected : ndarray, shape (groups,)
    """

    counts: Any
    expected: NDArray


class Word(Protocol):
    """A member's forecast, before customers are grouped by all that members look at."""

    @property
    def column(self) -> tuple[str, str] | None:
        """The table and column by which it tells customers of one history apart, if it does."""

    def of(self, groups: Cells, column: NDArray | None) -> Said:
        """What it says of groups, which have this in its column."""


@dataclass(frozen=True, slots=True, eq=False)
class OfHistories:
    """A fitted model's: it looks at histories, and at what purchases still count if it forgets."""

    outlook: Outlook

    @property
    def column(self) -> tuple[str, str] | None:
        """Of the sums of what purchases still count."""
        own: Any = self.outlook.rfm._summary
        return (own.table, MEMORY) if MEMORY in own.keys else None

    def of(self, groups: Cells, column: NDArray | None) -> Said:
        """At the estimate, but for a posterior, whose draws it has."""
        outlook, found = self.outlook, groups.frame
        if self.column is not None:
            found = found.assign(**{self.column[1]: column})
        cell = outlook.rfm.cells().places(found)
        counts = outlook.counts_of_cells(at_estimate=not is_posterior(outlook.purchases))
        expected = outlook.cells.frame["expected_purchases"].to_numpy(np.float64)
        return Said(of_rows(counts, cell), expected[cell])


@dataclass(frozen=True, slots=True, eq=False)
class OfPurchases:
    """A rule's that looks at purchases in the days before."""

    learned: Any
    days: int
    table: str

    @property
    def column(self) -> tuple[str, str] | None:
        """Of those purchases."""
        return self.table, "purchases"

    def of(self, groups: Cells, column: NDArray | None) -> Said:
        """By how many there were."""
        assert column is not None
        counts = self.learned.counts(column.astype(np.float64), self.days / self.learned.days)
        return Said(counts, counts.mean)


@dataclass(frozen=True, slots=True, eq=False)
class OfCustomers:
    """Anybody else's, of customers one by one: the warehouse is told whom it takes for alike."""

    counts: Any
    expected: NDArray
    table: str

    @property
    def column(self) -> tuple[str, str] | None:
        """The number of those who are alike to it."""
        return self.table, "code"

    def of(self, groups: Cells, column: NDArray | None) -> Said:
        """Of a customer of each."""
        first, _ = distinct(codes(self.counts), self.expected)
        return Said(of_rows(self.counts, first[column]), self.expected[first[column]])


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Customers known at an earlier day, and what they did in the days after.

    Attributes
    ----------
    rfm : RFM
        At that day.
    days : int
        How many are looked ahead.
    purchases : int
        That came of them all.
    revenue : float
        That came; NaN without spend.
    """

    rfm: RFM
    days: int
    purchases: int
    revenue: float
    _came: str
    _tables: list[str]

    @classmethod
    def of(cls, log: Log, cutoff: datetime.date, days: int, unit: str) -> "Followed":
        """Those of a log known at ``cutoff``."""
        rfm, table = summary_of(log, cutoff, unit, tells=False)
        came = fresh("came")
        log.keep_purchases(came, cutoff, cutoff + datetime.timedelta(days=days))
        units = "c.units" if log.has_spend else "0"
        ((purchases, spent),) = log.warehouse.rows(
            "SELECT CAST(coalesce(sum(c.purchases), 0) AS BIGINT),"
            f" CAST(coalesce(sum({units}), 0) AS BIGINT)"
            f" FROM {table} s JOIN {came} c ON c.customer_id = s.customer_id"
        )
        revenue = float(spent) / UNITS if log.has_spend else np.nan
        return cls(rfm, days, int(purchases), revenue, came, [came])

    @property
    def _warehouse(self) -> Warehouse:
        own: Any = self.rfm._summary
        return own.warehouse

    def word_of(self, name: str, recipe: Any) -> Word:
        """What a member has to say, fitted to what was known.

        Raises
        ------
        OptionError
            If it names one number and no chance around it.
        PredclvError
            If it cannot be fitted.
        """
        if hasattr(recipe, "without_spend"):
            recipe = recipe.without_spend()
        fitted = recipe.fit(self.rfm)
        if callable(getattr(fitted, "learned", None)):
            learned = fitted.learned(self.days)
            log, end = self.rfm.log_for(f"{name} needs")
            self._tables.append(table := fresh("sooner"))
            log.keep_purchases(table, end - datetime.timedelta(days=learned.days), end)
            return OfPurchases(learned, self.days, table)
        forecast = fitted.forecast(
            f"{self.days} days", discount_rate=0.0, level=None, rfm=self.rfm, seed=0
        )
        if isinstance(forecast.source, Outlook):
            return OfHistories(forecast.source)
        counts = forecast.source.counts()
        if counts is None:
            raise OptionError(
                f"Member {name!r} names one number for each customer and no chance around it, so "
                "it cannot be pooled. Of rules of thumb pc.baselines.LastPeriodNB() can."
            )
        expected = forecast.frame["expected_purchases"].to_numpy(np.float64)
        if not np.isfinite(expected).all():
            raise OptionError(f"Member {name!r} expects purchases that are no number.")
        _, code = distinct(codes(counts), expected)
        ids = forecast.frame["customer_id"]
        self._tables.append(table := fresh("alike"))
        self._warehouse.register(table, pa.table({"customer_id": pa.array(ids), "code": code}))
        return OfCustomers(counts, expected, table)

    def held_against(
        self, words: Sequence[Word], spend: Any
    ) -> tuple[NDArray, NDArray, NDArray, float]:
        """What members said, held against what came.

        Parameters
        ----------
        words : sequence of Word
        spend : callable or None
            What fits the model of spend to a summary.

        Returns
        -------
        losses : ndarray, shape (members, members)
        expected, worth : ndarray, shape (members,)
            Purchases and revenue that each expected of all; worth NaN without spend.
        revenue : float
            That came; NaN without spend.
        """
        fit, customers = self._spending(spend)
        known = {"came": (self._came, "purchases")}
        names: list[str | None] = []
        for word in words:
            column = word.column
            if column is not None and column not in known.values():
                known[f"known_{len(known)}"] = column
            names.append(next((n for n, of in known.items() if of == column), None))
        joint = told_apart(customers, known)
        groups = joint.cells()
        weight = groups.weight.astype(np.float64)
        said = [
            word.of(groups, None if name is None else np.asarray(groups.extra[name]))
            for word, name in zip(words, names, strict=True)
        ]
        expected = np.array([each.expected @ weight for each in said])
        revenue, worth = np.nan, np.full(len(said), np.nan)
        if fit is not None:
            line = expected_spend(fit, groups.frequency, np.random.default_rng(0))
            each = line["spend_base"] * weight + line["spend_slope"] * joint.spend_of_cells()
            revenue, worth = self.revenue, np.array([found.expected @ each for found in said])
        came = np.asarray(groups.extra["came"], np.int64)
        losses = loss_matrix([each.counts for each in said], came, groups.weight)
        forgotten(joint)
        return losses, expected, worth, revenue

    def _spending(self, spend: Any) -> tuple[Any, RFM]:
        """The fit of spend and the customers as it takes them; None where there is none."""
        if spend is None or not self.rfm.has_spend:
            return None, self.rfm
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PredclvWarning)
            try:
                return counting_first(spend(self.rfm), self.rfm)
            except PredclvError:
                return None, self.rfm

    def forget(self) -> None:
        """Drop what was kept of the days around."""
        for table in self._tables:
            self._warehouse.drop(table)
