"""Outlook: the customers, the fits and the terms of a forecast, and the numbers they give."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.errors import ScaleWarning
from predclv.forecast.ahead_paths import members_of
from predclv.forecast.by_period import normal_by_period, simulated_by_period, sums_by_period
from predclv.forecast.customers import CellForecast, take_curves
from predclv.forecast.distribution import CountDistribution, HistoryCounts
from predclv.forecast.draws import is_posterior
from predclv.forecast.first_purchases import counted_beside
from predclv.forecast.histories import Histories
from predclv.forecast.intervals import lifetime_intervals, predictive_intervals, purchase_draws
from predclv.forecast.members import Members
from predclv.forecast.patterns import patterns_for
from predclv.forecast.scoring import ScoreTable
from predclv.forecast.spend import expected_spend
from predclv.forecast.terms import Terms
from predclv.forecast.totals import SIMULATED, normal_totals, simulated_buyers, simulated_totals
from predclv.io.files import write_parquet
from predclv.maths.memory import keep_freed_memory
from predclv.notices import warn
from predclv.once import once
from predclv.progress import stage
from predclv.streams import Stream, stream
from predclv.summaries.rfm import RFM

# Posterior expectations are averaged over draws, the fewer the more histories there are: a fit of
# many customers leaves little unknown.
_WORK = 1 << 20
_FEWEST, _MOST = 16, 400
_HUGE = 5_000_000  # customers from which on a frame is a matter of gigabytes


@dataclass(frozen=True, eq=False, repr=False)
class Outlook:
    """What a forecast by fitted models is calculated from; each number on its first use.

    Attributes
    ----------
    rfm : RFM
        The customers.
    purchases : Fit
    spend : Fit or None
    terms : Terms
    to_fit_unit : float
        Units of the fits per unit of the summary.
    t : float
        Horizon in the unit of the fits; inf is the whole remaining lifetime.
    delta : float
        Continuous discount rate per that unit.
    seed : int
        Of the draws.
    futures : int or None
        How many are simulated behind totals; None takes as many as the base's size allows.
    """

    rfm: RFM
    purchases: Fit
    spend: Fit | None
    terms: Terms
    to_fit_unit: float
    t: float
    delta: float
    seed: int
    futures: int | None = None

    def __len__(self) -> int:
        return len(self.rfm)

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)  # of this moment: another thread may be computing

    @property
    def is_endless(self) -> bool:
        """Whether the horizon is the whole remaining lifetime."""
        return bool(np.isinf(self.t))

    @once
    def _members(self) -> Members:
        """What the fit says of the cells, in the order of ``RFM.cells()``."""
        cells = self.rfm.cells()
        known = [
            patterns_for(fit, cells) for fit in (self.purchases, self.spend) if fit is not None
        ]
        return members_of(
            self.purchases, cells, self.to_fit_unit, self.t, self.delta,
            by_pattern=any(patterns is not None for patterns in known),
        )  # fmt: skip

    @property
    def _histories(self) -> Histories:
        """The distinct histories; its customers are the cells, in the order of ``RFM.cells()``."""
        return self._members.distinct

    @once
    def cells(self) -> CellForecast:
        """The forecast of every history."""
        with stage(f"Forecasting {self._histories.n_cells:,} histories"):
            return self._forecast_cells()

    def _forecast_cells(self) -> CellForecast:
        columns, endless = self._expected(), self.is_endless
        level, scale = self.terms.level, None
        if level is not None and not (endless and self.spend is None):
            bounds = self._bounds(level)
            if self.spend is not None:
                scale = take_curves(columns, bounds, endless)
            columns |= bounds
            bounds.clear()
        order = self._histories.cell_of_customer
        # Millions of cells: no array stays beside its copy.
        frame = pd.DataFrame({name: columns.pop(name)[order] for name in list(columns)}, copy=False)
        first = counted_beside(self.spend)
        return CellForecast(frame, scale, self.terms.margin, endless, first)

    def _expected(self) -> dict[str, NDArray]:
        """Expectations, at the estimate or averaged over a posterior, each (n_cells,).

        Purchases and spend are fitted apart: their averages' product is their product's average.
        """
        rng = stream(self.seed, Stream.EXPECTATIONS)
        keep_freed_memory()
        model: Any = self._members.model
        if is_posterior(self.purchases):
            draws = int(np.clip(_WORK // self._histories.n_cells, _FEWEST, _MOST))
            model = self._members.models(draws, rng)
        columns = self._histories.expectations(
            model, self._members.ahead, undiscounted=not self.is_endless
        )
        if self.spend is not None:
            columns |= expected_spend(
                self.spend, self._histories.x, rng, self._members.patterns, self._histories.pattern
            )
        return columns

    def _bounds(self, level: float) -> dict[str, NDArray]:
        """Bounds of the predictive intervals per history."""
        rng = stream(self.seed, Stream.BOUNDS)
        if not self.is_endless:
            known = self._members.patterns
            return predictive_intervals(self._counts, self.spend, level, rng, known)
        assert self.spend is not None
        members, model = self._members, purchase_draws(self._members, rng)
        return lifetime_intervals(
            members.distinct, model, self.spend, members.ahead, level, rng, members.patterns
        )

    @once
    def frame(self) -> pd.DataFrame:
        """The forecast of every customer: the columns of ``Forecast.frame``."""
        if len(self) > _HUGE:
            size = len(self) * 8 * (len(self.cells.expressions()) + 6) / 1e9
            warn(
                f"The frame of {len(self):,} customers takes about {size:.1f} GB of memory. "
                "forecast.to_parquet(path) writes it without holding it; total() needs neither.",
                ScaleWarning,
            )
        return self._of(self.rfm.frame)

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``, without the others."""
        return self._of(self.rfm.head(rows))

    def _of(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The forecast of rows of the summary's frame."""
        whole = customers is self.rfm.frame
        cell = self._cell_of_customer if whole else self.rfm.cells().places(customers)
        return self.cells.frame_of(customers, cell)

    @once
    def _cell_of_customer(self) -> NDArray:
        """Which of ``RFM.cells()`` each customer is in, shape (n_customers,)."""
        return self.rfm.cells().places(self.rfm.frame)

    def sums(self) -> Mapping[str, float]:
        """The sums over customers of the columns that add up, without asking for customers."""
        return self._sums

    @once
    def _sums(self) -> Mapping[str, float]:
        counted = "cells" in self.__dict__  # with bounds, which take longest
        known = self if counted else self._without_level(self._members)
        cells, weight = known.cells.frame, self.rfm.cells().weight
        sums = {
            name: float(cells[name] @ weight)
            for name in ("p_active", "expected_purchases", "discounted_purchases")
            if name in cells
        }
        if self.spend is not None:
            spend = cells["spend_base"] * weight + cells["spend_slope"] * self.rfm.spend_of_cells()
            if "expected_purchases" in cells:
                sums["expected_revenue"] = float(cells["expected_purchases"] @ spend)
            worth = float(cells["discounted_purchases"] @ spend)
            sums["clv"] = self.terms.margin * worth
        return sums

    def until(self, share: float) -> "Outlook":
        """The same customers over the first share of the horizon, without intervals.

        Posterior averages are over the same draws, so that differences are of the horizon alone.
        """
        t = self.t * share
        members = replace(self._members, t=t)
        members.__dict__["distinct"] = self._members.distinct
        return self._without_level(members, horizon=t / self.to_fit_unit)

    def _without_level(self, members: Members, **terms: Any) -> "Outlook":
        own = replace(self.terms.without_level(), **terms)
        found = replace(self, terms=own, t=members.t)
        found.__dict__["_members"] = members
        return found

    def customer_ids(self) -> pd.Series:
        """Of the customers, in the order of the frame."""
        return self.rfm.frame["customer_id"]

    def rows(self, places: NDArray) -> pd.DataFrame:
        """Rows of the frame at these places, without the others."""
        return self._of(self.rfm.frame.iloc[places])

    def totals_by(self, shares: NDArray) -> Mapping[str, NDArray]:
        """Simulated totals of the base in each period, each of shape (futures, periods).

        Periods end when such shares of the horizon have passed.
        """
        if len(self) <= SIMULATED:
            members, mean = self.one_by_one()
            found = simulated_by_period(members, mean, self.spend, self.seed, shares, self.futures)
        else:
            sample = self.rfm.sample(SIMULATED)
            members = self._members.of(self.rfm.cells().places(sample))
            expected = sums_by_period(self, shares)
            if "clv" in expected:
                margin = self.terms.margin
                expected["worth"] = expected.pop("clv") / margin if margin else 0.0 * shares
            found = normal_by_period(
                members, self._mean_of(sample), len(self), expected, self.spend, self.seed, shares
            )
        if "worth" in found:
            found["clv"] = self.terms.margin * found.pop("worth")
        return found

    def _mean_of(self, customers: pd.DataFrame) -> NDArray | None:
        """Past mean spend of customers; None without spend."""
        if self.spend is None:
            return None
        return np.maximum(customers["monetary_value"].to_numpy(float), 0.0)

    def totals(self) -> Mapping[str, NDArray]:
        """Simulated totals of the customer base, each of shape (futures,); simulated once."""
        return self._totals

    def one_by_one(self) -> tuple[Members, NDArray | None]:
        """The customers, in the order of the frame, and their past mean spend."""
        return self._members.of(self._cell_of_customer), self._mean_of(self.rfm.frame)

    def budget(self) -> None:
        """Nothing: a fit alone does not know how wrong totals were before."""

    @once
    def _totals(self) -> Mapping[str, NDArray]:
        if len(self) <= SIMULATED:
            everybody = (*self.one_by_one(), self.spend, self.seed, self.futures)
            totals: dict[str, NDArray] = simulated_totals(*everybody)
        else:
            totals = self._normal_totals()
        if "worth" in totals:
            totals["clv"] = self.terms.margin * totals.pop("worth")
        if self.is_endless:
            totals = {k: v for k, v in totals.items() if k in ("discounted_purchases", "clv")}
        return totals

    def buyers(self) -> NDArray:
        """Simulated numbers of customers who buy within the horizon, shape (futures,)."""
        with stage(f"Simulating who of {len(self):,} customers buys"):
            weight = np.bincount(
                self._histories.cell_of_customer,
                self.rfm.cells().weight,
                self._histories.n_cells,
            ).astype(np.int64)
            return simulated_buyers(self._members, weight, self.seed)

    def _normal_totals(self) -> dict[str, NDArray]:
        """Totals of a base too large to be simulated whole."""
        names = {"expected_purchases": "purchases", "expected_revenue": "revenue"}
        expected = {
            names.get(name, name): value
            for name, value in self.sums().items()
            if name != "p_active"
        }
        margin = self.terms.margin
        if "clv" in expected:
            expected["worth"] = expected.pop("clv") / margin if margin else 0.0
        sample = self.rfm.sample(SIMULATED)
        mean = self._mean_of(sample)
        members = self._members.of(self.rfm.cells().places(sample))
        return normal_totals(members, mean, len(self), expected, self.spend, self.seed)

    def counts(self) -> CountDistribution | None:
        """The distribution of each customer's purchases, with the draws of the intervals."""
        if self.is_endless:
            return None
        return CountDistribution(self._counts, self.history_of_customer)

    def counts_of_cells(self, at_estimate: bool) -> CountDistribution:
        """The same of a customer of each cell; at the estimate as if parameters were known."""
        found = self._counts
        if at_estimate:
            estimate = self._members.estimate
            found = HistoryCounts(self._histories, estimate.model, estimate.ahead)
        return CountDistribution(found, self._histories.cell_of_customer)

    @property
    def history_of_customer(self) -> NDArray:
        """Which of the distinct histories each customer has, shape (n_customers,)."""
        return self._histories.cell_of_customer[self._cell_of_customer]

    @once
    def _counts(self) -> HistoryCounts:
        """The distribution of purchases of each history, calculated once."""
        rng = stream(self.seed, Stream.COUNTS)
        model = purchase_draws(self._members, rng)
        return HistoryCounts(self._histories, model, self._members.ahead)

    def table(self) -> ScoreTable:
        """The forecast of every history, and the SQL that joins customers with it."""
        return ScoreTable(
            pd.concat([self.rfm.keyed_cells(), self.cells.frame], axis="columns"),
            self.rfm.cell_keys,
            self.cells.expressions(),
            self.terms,
        )

    def write(self, path: str | Path, metadata: Mapping[str, str]) -> None:
        """Write ``frame`` as Parquet, of a log from where the customers lie."""
        if self.rfm.log is None:
            write_parquet(self.frame, path, metadata)
            return
        table = self.table()
        self.rfm.write_scored(table.frame, dict(table.expressions), path, dict(metadata))
