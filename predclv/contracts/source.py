"""What a forecast of contracts is made from: fits by plan, and contracts counted by history."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.contracts.outlook import ahead, futures_for, simulated_payments
from predclv.contracts.parts import Part, parts_of
from predclv.contracts.prospects import Ahead, steps
from predclv.engines.result import Fit
from predclv.forecast.terms import Terms
from predclv.io.files import write_parquet
from predclv.once import FieldsAlone, once
from predclv.samples.patterns import with_covariates
from predclv.streams import Stream, stream

if TYPE_CHECKING:
    from predclv.contracts.fitted import FittedContracts

_BOUNDED = ("purchases", "revenue", "clv")


@dataclass(frozen=True, eq=False)
class ContractSource(FieldsAlone):
    """A forecast of contracts, calculated on first use; see `predclv.forecast.result.Source`.

    Attributes
    ----------
    fitted : FittedContracts
    terms : Terms
    within : float
        Periods ahead; inf for the whole remaining lifetime.
    discount : float
        Rate per period.
    seed : int
    """

    fitted: "FittedContracts"
    terms: Terms
    within: float
    discount: float
    seed: int

    @once
    def rows(self) -> pd.DataFrame:
        """Histories of running contracts, one row for each, with how many there are."""
        return self.fitted.renewals.running()

    @once
    def parts(self) -> list[Part]:
        """Histories by plan and pattern of covariates."""
        fitted = self.fitted
        names = list(fitted.renewals.state)
        return parts_of(fitted.fits, fitted.recipe.by, self.rows, fitted.renewals, names)

    def subscribers(self) -> list[tuple[dict[str, Any], Any, Fit]]:
        """By plan, and by what else the fits know: labels, the plan, and the fit."""
        fits, by = self.fitted.fits, self.fitted.recipe.by
        if all(found.covariates is None for found in fits.values()):
            labels = [{} if plan is None else {by or "plan": plan} for plan in fits]
            return list(zip(labels, fits, fits.values(), strict=True))
        return [(part.label(by), part.plan, part.fit) for part in self.parts]

    @once
    def outlooks(self) -> list[Ahead]:
        """What lies ahead of the states of each part."""
        return [
            ahead(part.fit, part.state, self.within, self.discount, self.terms.level, self.seed)
            for part in self.parts
        ]

    def price(self, plan: Any) -> float | None:
        """What a plan's renewal costs."""
        return None if self.fitted.prices is None else self.fitted.prices[plan]

    @once
    def table(self) -> pd.DataFrame:
        """The forecast per contract of each history, with ``customers``, how many have it."""
        columns: dict[str, NDArray] = {}
        for part, seen in zip(self.parts, self.outlooks, strict=True):
            for name, values in self._columns(seen, self.price(part.plan)).items():
                whole = columns.setdefault(name, np.full(len(self.rows), np.nan))
                whole[part.rows] = values[part.place]
        return self._told.assign(**columns)

    @property
    def _told(self) -> pd.DataFrame:
        """The histories with covariates in the place of the pattern's number."""
        known = getattr(self.fitted.renewals, "patterns", None)
        return self.rows if known is None else with_covariates(self.rows, known)

    def _columns(self, seen: Ahead, price: float | None) -> dict[str, NDArray]:
        margin = self.terms.margin
        found = {"p_alive": seen.p_alive, "p_active": seen.p_active}
        found["p_retained"] = seen.p_retained
        plain = {"expected_purchases": seen.purchases}
        if seen.counts is not None:
            plain |= {"purchases_lower": seen.counts[0], "purchases_upper": seen.counts[1]}
        finite = np.isfinite(self.within)
        if finite:
            found |= plain
        found["discounted_purchases"] = seen.discounted
        if price is None:
            return found
        found["expected_spend"] = np.full(seen.p_alive.size, price)
        if finite:
            found["expected_revenue"] = price * seen.purchases
            if seen.counts is not None:
                found |= {
                    "revenue_lower": price * seen.counts[0],
                    "revenue_upper": price * seen.counts[1],
                }
        found["clv"] = margin * price * seen.discounted
        if seen.worth is not None:
            found["clv_lower"] = margin * price * seen.worth[0]
            found["clv_upper"] = margin * price * seen.worth[1]
        return found

    @once
    def frame(self) -> pd.DataFrame:
        """One row per customer where they are known, else one per history."""
        subscribers = getattr(self.fitted.renewals, "subscribers", None)
        if subscribers is None:
            return self.table
        keys = [key for key in subscribers.keys if key in self.table]
        values = self.table.drop(columns="customers")
        found = subscribers.frame().merge(values, on=keys, how="inner", sort=False)
        return found.drop(columns="pattern", errors="ignore")

    def __len__(self) -> int:
        return int(self.rows["customers"].sum())

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``table``."""
        return self.table.head(rows)

    @once
    def _sums(self) -> dict[str, float]:
        summed = (
            "p_active",
            "expected_purchases",
            "discounted_purchases",
            "expected_revenue",
            "clv",
        )
        weight = self.table["customers"].to_numpy(float)
        return {
            name: float(weight @ self.table[name].to_numpy()) for name in summed
            if name in self.table
        }  # fmt: skip

    def sums(self) -> Mapping[str, float]:
        """Sums over customers."""
        return self._sums

    @once
    def simulated(self) -> list[NDArray]:
        """Simulated payments of each part: (futures, periods, what)."""
        states = sum(part.total.size for part in self.parts)
        futures = futures_for(states, steps(self.within))
        rng = stream(self.seed, Stream.PAYMENTS)
        fits = self.fitted.fits
        shared = len({id(found) for found in fits.values()}) < len(fits)
        joint = shared or any(f.method == "nuts" for f in fits.values())
        found, plans = [], list(fits)
        for part in self.parts:
            # Plans whose parameters were sampled together, or are the same, share each draw.
            seed = self.seed if joint else self.seed + plans.index(part.plan)
            payments = simulated_payments(
                part.fit, part.state, part.total, self.within, futures, seed, rng
            )
            found.append(np.maximum(payments.sum(axis=1), 0.0))
        return found

    def budget(self) -> None:
        """None: nothing is learnt here of how wrong totals were before."""

    def totals(self) -> Mapping[str, NDArray] | None:
        """Simulated totals of all contracts."""
        found = {name: np.zeros(1) for name in ("purchases", "discounted_purchases")}
        if self.fitted.prices is not None:
            found |= {name: np.zeros(1) for name in ("revenue", "clv")}
        for part, payments in zip(self.parts, self.simulated, strict=True):
            k = np.arange(1.0, payments.shape[1] + 1.0)
            plain = payments.sum(axis=1)
            worth = payments @ np.exp(-np.log1p(self.discount) * k)
            found["purchases"] = found["purchases"] + plain
            found["discounted_purchases"] = found["discounted_purchases"] + worth
            price = self.price(part.plan)
            if price is not None:
                found["revenue"] = found["revenue"] + price * plain
                found["clv"] = found["clv"] + self.terms.margin * price * worth
        return found

    def counts(self) -> None:
        """No distribution by customer; `table` has its bounds."""
        return None

    def buyers(self) -> NDArray | None:
        """Simulated numbers of customers who pay at least once: those who make the next renewal."""
        return sum((payments[:, 0] for payments in self.simulated), np.zeros(1))

    def write(self, path: str | Path, metadata: Mapping[str, str]) -> None:
        """Write ``frame`` as Parquet."""
        write_parquet(self.frame, path, metadata)
