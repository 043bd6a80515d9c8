"""Rules that learn from the log, anew for each horizon, and know how purchases scatter."""

import datetime
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from predclv.baselines.base import finite_terms
from predclv.baselines.negative_binomial import NegativeBinomialCounts
from predclv.baselines.point import Expected, point_forecast
from predclv.forecast.fitted_checks import assert_summary
from predclv.forecast.result import Forecast
from predclv.logs.log import Log
from predclv.progress import stage
from predclv.summaries.origins import whole_days
from predclv.summaries.rfm import RFM


def with_log(rfm: RFM, recipe: Any) -> RFM:
    """The summary, if it is one and has a log for a rule to learn from.

    Raises
    ------
    DataError
        If not.
    """
    who = type(recipe).__name__
    assert_summary(rfm, f"{who}.fit wants", "pc.rfm_summary or pc.holdout_split")
    rfm.log_for(f"{who} needs")
    return rfm


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FittedByHorizon(ABC):
    """A rule and the log that it learns from, when a horizon is first forecast.

    Attributes
    ----------
    recipe : the rule
    rfm : RFM
        The customers it was fitted to.
    """

    recipe: Any
    rfm: RFM
    _learned: dict[int, Any] = field(default_factory=dict)
    learning: ClassVar[str]  # what is shown meanwhile

    @property
    def title(self) -> str:
        """What it is called in tables."""
        return self.recipe.title

    @property
    def unit(self) -> str:
        """Unit of time of its customers."""
        return self.rfm.unit

    def forecast(
        self,
        horizon: str | float | datetime.timedelta | np.timedelta64 = "52 weeks",
        discount_rate: float = 0.10,
        margin: float = 1.0,
        level: float | None = None,
        rfm: RFM | None = None,
        seed: int | None = None,
    ) -> Forecast:
        """What every customer will do, learnt from earlier days over stretches as long.

        Parameters
        ----------
        horizon, discount_rate, margin, rfm
            As in :meth:`predclv.FittedCLV.forecast`, but the horizon must be finite, and ``rfm``
            must have its log.
        level, seed
            Taken so that all are called alike. Intervals of purchases are quantiles of
            ``forecast.counts()``; of spend and of totals there are none.

        Returns
        -------
        Forecast
            p_active, expected_purchases, discounted_purchases (as if spread evenly) and, with
            spend, expected_spend (the customer's mean, drawn to everybody's by the weight of one
            purchase) and what follows from it.

        Raises
        ------
        OptionError
            If the horizon is None or makes no sense.
        DataError
            If the customers have no log.
        FitError
            If there is too little to learn from.
        """
        customers, who = self.rfm if rfm is None else rfm, type(self.recipe).__name__
        log, end = customers.log_for(f"{who} needs")
        terms = finite_terms(who, customers, horizon, discount_rate, margin)
        assert terms.horizon is not None
        days = whole_days(terms.horizon, customers.unit)
        counts, spend = self._said(customers, log, end, days)
        active = 1.0 - counts.mass(np.zeros(len(counts)))
        return point_forecast(customers, terms, Expected(counts.mean, active, spend), counts)

    def _taught(self, days: int) -> Any:
        """What was learnt for a horizon of so many days, once."""
        if days not in self._learned:
            log, end = self.rfm.log_for(f"{type(self.recipe).__name__} needs")
            with stage(self.learning):
                self._learned[days] = self._learn(log, end, days)
        return self._learned[days]

    @abstractmethod
    def _learn(self, log: Log, end: datetime.date, days: int) -> Any:
        """What a log up to a day teaches for a horizon of so many days."""

    @abstractmethod
    def _said(
        self, customers: RFM, log: Log, end: datetime.date, days: int
    ) -> tuple[NegativeBinomialCounts, NDArray | None]:
        """Purchases of customers in so many days, and what they spend on each, if there is any."""

    def __repr__(self) -> str:
        return f"{self.recipe} on {len(self.rfm):,} customers"
