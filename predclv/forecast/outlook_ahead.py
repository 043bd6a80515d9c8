"""Outlook of customers whose covariates change on the days ahead: groups that are alike."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from predclv.clocks.base import Steady
from predclv.errors import AssumptionWarning, DataError, OptionError
from predclv.forecast.ahead_paths import (
    MembersAhead,
    changing_ahead,
    groups_ahead,
    refuse_on_spend,
    some_of,
)
from predclv.forecast.by_period import simulated_by_period
from predclv.forecast.customers import CellForecast
from predclv.forecast.distribution import CountDistribution
from predclv.forecast.members import Members
from predclv.forecast.outlook import Outlook
from predclv.forecast.totals import SIMULATED, futures_of, simulated_buyers, simulated_totals
from predclv.likelihoods.paths import assert_can_change
from predclv.logs.covariate_table import CovariateTable
from predclv.notices import counted, warn
from predclv.once import once
from predclv.progress import stage
from predclv.summaries.looking_ahead import looking_ahead

_LIFETIME = 3653  # days of an endless horizon over which the table is followed
_FUTURES, _FEWEST = 20_000, 100  # times groups: futures behind totals, and how many at least
_DRAWS = 200  # of the parameters, behind the interval of a number of buyers


@dataclass(frozen=True, eq=False, repr=False)
class OutlookAhead(Outlook):
    """An outlook put together from those of customers whose days ahead are alike.

    Attributes
    ----------
    groups : tuple of (cells, outlook)
        Which of ``rfm.cells()``, and the outlook of these alone.
    """

    groups: tuple[tuple[NDArray, Outlook], ...] = ()

    def _forecast_cells(self) -> CellForecast:
        parts = [(cells, outlook.cells) for cells, outlook in self.groups]
        frame = pd.concat([found.frame for _, found in parts], ignore_index=True)
        place = np.argsort(np.concatenate([cells for cells, _ in parts]))
        first = parts[0][1]
        return replace(first, frame=frame.take(place).reset_index(drop=True))

    @once
    def cells(self) -> CellForecast:
        """The forecast of every history."""
        with stage(f"Forecasting {counted(len(self.groups), 'way', 'ways')} ahead"):
            return self._forecast_cells()

    def until(self, share: float) -> "OutlookAhead":
        """The same customers over the first share of the horizon, without intervals."""
        terms = replace(self.terms.without_level(), horizon=self.t * share / self.to_fit_unit)
        groups = tuple((cells, outlook.until(share)) for cells, outlook in self.groups)
        return replace(self, terms=terms, t=self.t * share, groups=groups)

    @once
    def _customers(self) -> list[tuple[NDArray, Members]]:
        """The customers of each group, places in ``rfm.frame``, and what the fit says of them."""
        cell, group, place = self._cell_of_customer, *self._places
        order = np.argsort(group[cell], kind="stable")
        ends = np.searchsorted(group[cell][order], np.arange(len(self.groups)), side="right")
        return [
            (rows, outlook._members.of(place[cell[rows]]))
            for rows, (_, outlook) in zip(np.split(order, ends[:-1]), self.groups, strict=True)
        ]

    @property
    def _places(self) -> tuple[NDArray, NDArray]:
        """The group of each cell, and its place there."""
        n = sum(cells.size for cells, _ in self.groups)
        group, place = np.empty(n, np.int64), np.empty(n, np.int64)
        for number, (cells, _) in enumerate(self.groups):
            group[cells], place[cells] = number, np.arange(cells.size)
        return group, place

    def _added(self, simulate: Callable[..., dict[str, NDArray]]) -> dict[str, NDArray]:
        """Totals over the groups, whose customers share each draw of the parameters."""
        n = self.futures or min(
            futures_of(len(self), self.is_endless), max(_FEWEST, _FUTURES // len(self.groups))
        )
        mean = self._mean_of(self.rfm.frame)
        totals: dict[str, Any] = {}
        for group, (rows, members) in enumerate(self._customers):
            of_group = simulate(members, None if mean is None else mean[rows], n, group)
            for name, values in of_group.items():
                totals[name] = totals.get(name, 0.0) + values
        if "worth" in totals:
            totals["clv"] = self.terms.margin * totals.pop("worth")
        return totals

    @once
    def _totals(self) -> dict[str, NDArray]:
        self._refuse_many()

        def simulate(members: Members, mean: Any, n: int, group: int) -> dict[str, NDArray]:
            return simulated_totals(members, mean, self.spend, self.seed, n, group)

        totals = self._added(simulate)
        if self.is_endless:
            totals = {k: v for k, v in totals.items() if k in ("discounted_purchases", "clv")}
        return totals

    def totals_by(self, shares: NDArray) -> Mapping[str, NDArray]:
        """Simulated totals of the base in each period, each of shape (futures, periods)."""
        self._refuse_many()

        def simulate(members: Members, mean: Any, n: int, group: int) -> dict[str, NDArray]:
            return simulated_by_period(members, mean, self.spend, self.seed, shares, n, group)

        return self._added(simulate)

    def _refuse_many(self) -> None:
        if len(self) > SIMULATED:
            raise OptionError(
                f"Intervals of totals of {len(self):,} customers whose covariates change on the "
                f"days ahead are not there yet: up to {SIMULATED:,}. Forecast with level=None for "
                "the totals alone, or fewer customers (rfm=)."
            )

    def buyers(self) -> NDArray:
        """Simulated numbers of customers who buy within the horizon, shape (futures,)."""
        weight, total = self.rfm.cells().weight, np.zeros(1)
        for group, (cells, outlook) in enumerate(self.groups):
            own = outlook._histories
            of_group = np.bincount(own.cell_of_customer, weight[cells], own.n_cells)
            total = total + simulated_buyers(
                outlook._members, of_group.astype(np.int64), self.seed, _DRAWS, group
            )
        return total

    def counts(self) -> "CountsOfGroups | None":  # type: ignore[override]
        """The distribution of each customer's purchases, with the draws of the intervals."""
        if self.is_endless:
            return None
        return self._counts_by(lambda outlook: outlook._counts)

    def counts_at_estimate(self) -> "CountsOfGroups":  # type: ignore[override]
        """The same at the estimate, as if parameters were known; of a finite horizon."""
        return self._counts_by(lambda outlook: outlook.counts_at_estimate().per_history)

    def _counts_by(self, of: Callable[[Outlook], Any]) -> "CountsOfGroups":
        return CountsOfGroups(
            [
                (rows, CountDistribution(of(outlook), members.histories.cell_of_customer))
                for (rows, members), (_, outlook) in zip(self._customers, self.groups, strict=True)
            ]
        )

    @property
    def history_of_customer(self) -> NDArray:
        """Which of the distinct histories each customer has, shape (n_customers,)."""
        found, before = np.empty(len(self), np.int64), 0
        for rows, members in self._customers:
            found[rows] = before + members.histories.cell_of_customer
            before += members.histories.n_cells
        return found


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CountsOfGroups:
    """How often each customer will buy, as `CountDistribution`, group by group.

    Attributes
    ----------
    groups : list of (rows, counts)
        Which customers, in the order of ``Forecast.frame``, and their distribution.
    """

    groups: list[tuple[NDArray, CountDistribution]]

    def __len__(self) -> int:
        return sum(rows.size for rows, _ in self.groups)

    def _gathered(self, of: Callable[[NDArray, CountDistribution], NDArray], kind: Any) -> NDArray:
        found = np.empty(len(self), kind)
        for rows, counts in self.groups:
            found[rows] = of(rows, counts)
        return found

    def quantile(self, probability: float) -> NDArray:
        """The smallest k with P(Y <= k) >= probability, shape (n,), int64."""
        return self._gathered(lambda _, counts: counts.quantile(probability), np.int64)

    def mass(self, counts: ArrayLike) -> NDArray:
        """P(Y = counts), one count per customer, shape (n,)."""
        n = self._checked(counts)
        return self._gathered(lambda rows, own: own.mass(n[rows]), float)

    def below(self, counts: ArrayLike) -> NDArray:
        """P(Y < counts), one count per customer, shape (n,)."""
        n = self._checked(counts)
        return self._gathered(lambda rows, own: own.below(n[rows]), float)

    def _checked(self, counts: ArrayLike) -> NDArray:
        n = np.asarray(counts)
        if n.shape != (len(self),):
            raise DataError(f"counts must be {len(self):,} whole numbers of at least 0.")
        return n

    def parts(self) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
        """The whole distribution, some customers at a time."""
        for rows, counts in self.groups:
            for of_group, values, probabilities in counts.parts():
                yield rows[of_group], values, probabilities


def with_covariates_ahead(outlook: Outlook, dynamic_covariates: Any) -> Outlook:
    """An outlook told how covariates change on the days ahead.

    Parameters
    ----------
    outlook : Outlook
    dynamic_covariates : table or CovariateTable
        As of `predclv.summaries.looking_ahead.looking_ahead`.

    Raises
    ------
    OptionError
        If the fit has no covariates, or one changes that acts on more than the rate.
    DataError
        If the table cannot be used.

    Warns
    -----
    AssumptionWarning
        Other covariates have changed over time and are taken to stay.
    """
    fit, spend = outlook.purchases, outlook.spend
    effects = fit.covariates
    if effects is None:
        raise OptionError(
            f"dynamic_covariates means nothing to this forecast: {fit.model.title} was fitted "
            "without covariates. Fit with CLVModel(covariates={'rate': [...]})."
        )
    days = _LIFETIME
    if not outlook.is_endless:
        days = int(np.ceil(outlook.t * Steady(fit.unit).days_per_unit - 1e-6))
    told = set(CovariateTable.of(dynamic_covariates).names_in("dynamic_covariates"))
    rfm = looking_ahead(outlook.rfm, dynamic_covariates, max(days, 1))
    cells = rfm.cells()
    changing = changing_ahead(cells)
    assert_can_change(type(fit.model), effects, changing)
    refuse_on_spend(None if spend is None else spend.covariates, changing)
    stay = [name for name in effects.changing(cells) if name not in told]
    if stay:
        warn(
            f"{', '.join(stay)} changed over time and the table ahead does not have it; each "
            "customer's last value was carried on through the horizon.",
            AssumptionWarning,
        )
    whole = replace(outlook, rfm=rfm)
    members = whole._members
    groups = []
    for which, starts, apart in groups_ahead(cells, effects):
        found, some = replace(whole), some_of(cells, which)
        facts = {f.name: getattr(members, f.name) for f in fields(members)} | {"cells": some}
        found.__dict__["_members"] = (
            MembersAhead(**facts, starts=starts, apart=apart)
            if apart.any()
            else replace(members, cells=some)
        )
        groups.append((which, found))
    if len(groups) == 1 and type(groups[0][1]._members) is Members:
        return whole  # all stay as they were
    facts = {f.name: getattr(whole, f.name) for f in fields(whole)}
    return OutlookAhead(**facts, groups=tuple(groups))
