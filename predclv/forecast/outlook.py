"""Outlook: the customers, the fits and the terms of a forecast, and the numbers they give."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.histories import Histories
from predclv.forecast.intervals import drawn, fixed_draws, lifetime_intervals, predictive_intervals
from predclv.forecast.simulation import futures

_POSTERIOR_DRAWS = 400  # that posterior expectations are averaged over
_TOTAL_WORK = 20_000_000  # customers x simulated futures behind the interval of a total
_FEWEST_FUTURES, _MOST_FUTURES = 100, 1000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Outlook:
    """What a forecast is calculated from.

    Attributes
    ----------
    customer_id : Series, shape (n_customers,)
    histories : Histories
        In the unit of the fits.
    mean : ndarray, shape (n_customers,), or None
        Past mean spend; None where spend is not forecast. Refunds can leave a mean below zero:
        such a customer counts as having spent nothing.
    purchases, spend : Fit
    t : float
        Horizon in the unit of the fits; inf is the whole remaining lifetime.
    delta : float
        Continuous discount rate per that unit.
    """

    customer_id: pd.Series
    histories: Histories
    mean: NDArray | None
    purchases: Fit
    spend: Fit | None
    t: float
    delta: float

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        purchases: Fit,
        spend: Fit | None,
        to_fit_unit: float,
        t: float,
        delta: float,
    ) -> "Outlook":
        """The outlook of a summary's customers, whose times are scaled to the unit of the fits."""
        histories = Histories.of(
            frame["frequency"].to_numpy(float),
            frame["recency"].to_numpy(float) * to_fit_unit,
            frame["T"].to_numpy(float) * to_fit_unit,
        )
        mean = None
        if spend is not None:
            mean = np.maximum(frame["monetary_value"].to_numpy(float), 0.0)
        return cls(frame["customer_id"], histories, mean, purchases, spend, t, delta)

    @property
    def is_endless(self) -> bool:
        """Whether the horizon is the whole remaining lifetime."""
        return bool(np.isinf(self.t))

    def frame(self, margin: float, level: float | None, seed: int | None) -> pd.DataFrame:
        """The forecast of every customer: the columns of ``Forecast.frame``."""
        rng = np.random.default_rng(seed)
        columns = self._expected(margin, rng)
        if level is not None:
            columns |= self._bounds(columns, margin, level, rng)
        order = (
            "p_alive", "p_active", "expected_purchases", "purchases_lower", "purchases_upper",
            "discounted_purchases", "expected_spend", "expected_revenue", "revenue_lower",
            "revenue_upper", "clv", "clv_lower", "clv_upper",
        )  # fmt: skip
        return pd.DataFrame(
            {"customer_id": self.customer_id, **{k: columns[k] for k in order if k in columns}}
        )

    def _expected(self, margin: float, rng: np.random.Generator) -> dict[str, NDArray]:
        """Expectations, at the estimate or averaged over a posterior, each (n_customers,).

        Purchases and spend are fitted apart, so the average of their product is the product of
        their averages.
        """
        model = self.purchases.model
        if _is_posterior(self.purchases):
            model = drawn(self.purchases, _POSTERIOR_DRAWS, rng)
        per_cell = self.histories.expectations(
            model,  # type: ignore[arg-type]
            self.t,
            self.delta,
            undiscounted=not self.is_endless,
        )
        columns = {k: values[self.histories.cell_of_customer] for k, values in per_cell.items()}
        if self.spend is not None:
            columns["expected_spend"] = self._expected_spend(rng)
            if not self.is_endless:
                columns["expected_revenue"] = (
                    columns["expected_purchases"] * columns["expected_spend"]
                )
            columns["clv"] = margin * columns["discounted_purchases"] * columns["expected_spend"]
        return columns

    def _expected_spend(self, rng: np.random.Generator) -> NDArray:
        """Expected spend per future purchase, (n_customers,); finite and positive.

        Linear in the past mean, so draws are averaged per number of purchases. Where there is no
        finite expectation the observed average stands in; the fit has warned.
        """
        assert self.spend is not None
        assert self.mean is not None
        x = self.histories.x[self.histories.cell_of_customer]
        model = self.spend.model
        if _is_posterior(self.spend):
            model = drawn(self.spend, _POSTERIOR_DRAWS, rng)
        counts, code = np.unique(x, return_inverse=True)
        at_zero, at_one = (
            np.atleast_2d(model.expected_spend(counts, mean)).mean(axis=0)  # type: ignore[attr-defined]
            for mean in (0.0, 1.0)
        )
        with np.errstate(invalid="ignore"):
            spend = at_zero[code] + (at_one - at_zero)[code] * self.mean
        return np.where(np.isfinite(spend), spend, self.spend.checks["observed_mean"])

    def _bounds(
        self, columns: dict[str, NDArray], margin: float, level: float, rng: np.random.Generator
    ) -> dict[str, NDArray]:
        """Bounds of the predictive intervals, each (n_customers,)."""
        if self.is_endless:
            if self.spend is None or self.mean is None:
                return {}
            worth = lifetime_intervals(
                self.histories, self.mean, self.purchases, self.spend, self.delta, level, rng
            )
            return {f"clv_{s}": margin * worth[f"worth_{s}"] for s in ("lower", "upper")}
        bounds = predictive_intervals(
            self.histories, self.mean, self.purchases, self.spend, self.t, level, rng
        )
        if self.spend is not None:
            expected = columns["expected_purchases"]
            discount = np.divide(
                columns["discounted_purchases"],
                expected,
                out=np.ones_like(expected),
                where=expected > 0,
            )
            for side in ("lower", "upper"):
                bounds[f"clv_{side}"] = margin * discount * bounds[f"revenue_{side}"]
        return bounds

    def totals(self, margin: float, seed: int | None) -> dict[str, NDArray]:
        """Simulated totals of the customer base, each of shape (futures,).

        In each future all customers share one draw of the parameters: what is not known of the
        parameters does not average out over customers.
        """
        rng = np.random.default_rng(seed)
        n = int(np.clip(_TOTAL_WORK // len(self.customer_id), _FEWEST_FUTURES, _MOST_FUTURES))
        models = fixed_draws(self.purchases, n, rng)
        spends = [None] * n if self.spend is None else fixed_draws(self.spend, n, rng)
        found: dict[str, list[float]] = {}
        for model, spend in zip(models, spends, strict=True):
            future = futures(self.histories, model, spend, self.mean, self.t, self.delta, rng)
            for name, values in future.items():
                found.setdefault(name, []).append(float(values.sum()))
        totals = {name: np.array(values) for name, values in found.items()}
        if "worth" in totals:
            totals["clv"] = margin * totals.pop("worth")
        if self.is_endless:
            totals = {k: v for k, v in totals.items() if k in ("discounted_purchases", "clv")}
        return totals


def _is_posterior(fit: Fit) -> bool:
    """Whether expectations are averages over draws rather than taken at the estimate."""
    return fit.method in ("nuts", "advi")
