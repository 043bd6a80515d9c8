"""What a fit with covariates says itself: effects beside drivers, newcomers like prospects."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.decisions.newcomer_mix import covariates_of
from predclv.engines.result import Fit
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.outlook import Outlook
from predclv.forecast.patterns import ByPattern, estimate_of
from predclv.samples.design import OTHER
from predclv.samples.patterns import Patterns


def effects_beside(forecast: Any, level: float) -> pd.DataFrame | None:
    """`FittedCLV.effects` of the fits behind a forecast, over its horizon; None without effects."""
    outlook = getattr(forecast, "_source", None)
    if not isinstance(outlook, Outlook):
        return None
    if not covariates_of((outlook.purchases, outlook.spend)):
        return None
    terms = outlook.terms
    fitted = FittedCLV(outlook.purchases, outlook.spend, outlook.rfm)
    horizon = "lifetime" if outlook.is_endless else outlook.t
    return fitted.effects(horizon, terms.discount_rate, terms.margin, level)


@dataclass(frozen=True, slots=True, eq=False)
class SecondOpinion:
    """Newcomers of a fit with covariates, whoever they are.

    Attributes
    ----------
    purchases : Fit
    spend : Fit or None
    margin, delta : float
        Of value; the continuous discount rate per unit of the fit.
    spans : tuple of float
        How long value is counted: a first year, a lifetime.
    levels : mapping
        The covariates, with the levels of those that have some.
    """

    purchases: Fit
    spend: Fit | None
    margin: float
    delta: float
    spans: tuple[float, float]
    levels: dict[str, tuple[str, ...] | None]

    @classmethod
    def of(
        cls, outlook: Outlook, delta: float, spans: tuple[float, float]
    ) -> "SecondOpinion | None":
        """That of the fits behind a forecast; None where they know nothing of customers."""
        levels = covariates_of((outlook.purchases, outlook.spend))
        if not levels:
            return None
        margin = outlook.terms.margin if outlook.spend is not None else 1.0
        return cls(outlook.purchases, outlook.spend, margin, delta, spans, levels)

    def values(self, people: pd.DataFrame) -> NDArray | None:
        """Value of people in a first year and in a lifetime, first order included, (2, n).

        NaN for who has a level that the fit has not seen; None where a covariate is no column.
        """
        if not set(self.levels) <= set(people):
            return None
        columns: dict[str, Any] = {}
        is_known = np.ones(len(people), bool)
        for name, levels in self.levels.items():
            if levels is None:
                numbers = pd.to_numeric(people[name], errors="coerce").to_numpy(float)
                is_known &= np.isfinite(numbers)
                columns[name] = np.where(np.isfinite(numbers), numbers, 0.0)
                continue
            texts = people[name].astype(str).to_numpy(object)
            strange = ~np.isin(texts, levels)
            texts[strange] = OTHER if OTHER in levels else levels[0]
            is_known &= ~strange | (OTHER in levels)
            columns[name] = texts
        rows = pd.DataFrame(columns)
        code = rows.groupby(list(rows), sort=False).ngroup().to_numpy()
        first = np.unique(code, return_index=True)[1]
        known = {name: levels for name, levels in self.levels.items() if levels is not None}
        worth = self._worth(Patterns(rows.iloc[first].reset_index(drop=True), known))
        return np.where(is_known, worth[:, code], np.nan)

    def _worth(self, patterns: Patterns) -> NDArray:
        """The same of each pattern, (2, n_patterns)."""
        model = _each(self.purchases, patterns)
        orders = [1.0 + _spread(model.discounted_purchases(t, self.delta), patterns)
                  for t in self.spans]  # fmt: skip
        per_order = np.ones(len(patterns))
        if self.spend is not None:
            mean = _spread(_each(self.spend, patterns).mean, patterns)
            observed = self.spend.checks.get("observed_mean", np.nan)
            per_order = np.where(np.isfinite(mean), mean, observed)
        return self.margin * per_order * np.array(orders)


def _each(fit: Fit, patterns: Patterns) -> Any:
    found = estimate_of(fit, patterns)
    return found.model if isinstance(found, ByPattern) else found


def _spread(values: Any, patterns: Patterns) -> NDArray:
    return np.broadcast_to(np.asarray(values, float), (len(patterns),))
