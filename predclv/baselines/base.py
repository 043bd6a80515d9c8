"""A rule without a model as a forecaster: what every baseline shares."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from predclv.baselines.point import Expected, point_forecast
from predclv.errors import OptionError
from predclv.forecast.fitted_checks import assert_summary
from predclv.forecast.result import Forecast
from predclv.forecast.terms import Terms, asked_terms
from predclv.frozen import Frozen
from predclv.summaries.rfm import RFM
from predclv.units import DAYS, is_lifetime


@dataclass(frozen=True, slots=True)
class Baseline(ABC):
    """A rule of thumb that forecasts without a model: what all rules have in common.

    See Also
    --------
    predclv.baselines.FittedBaseline : a rule that has seen its customers.
    predclv.validate : forecasts against what came, at one day.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.baselines.PastRate().fit(rfm)
    >>> round(fitted.forecast("26 weeks").total()["purchases"])
    1575
    """

    title: ClassVar[str]

    def fit(self, rfm: RFM) -> "FittedBaseline":
        """Learn what the rule needs from a summary.

        Raises
        ------
        DataError
            If the rule needs the log and the summary has none, or is no summary.
        """
        assert_summary(rfm, f"{type(self).__name__}.fit wants")
        return FittedBaseline(self, rfm, Frozen(self._learned(rfm)))

    def _learned(self, rfm: RFM) -> dict[str, float]:
        """The few numbers that are learnt of the whole customer base, times in its unit."""
        return averages(rfm)

    @abstractmethod
    def _expected(self, rfm: RFM, t: float, learned: Mapping[str, float]) -> Expected:
        """Each customer's purchases within the horizon ``t``, in the unit of ``rfm``."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FittedBaseline:
    """A rule of thumb that has seen its customers, and can say what they will do.

    Attributes
    ----------
    baseline : Baseline
        The recipe.
    rfm : RFM
        The customers it was fitted to.
    learned : mapping of str to float
        What it learnt of them all, times in ``rfm.unit``: purchases_per_unit, spend_per_purchase
        (where there is spend) and, of `HiatusRate`, gap.

    See Also
    --------
    predclv.baselines.Baseline : a rule, not yet fitted.
    predclv.FittedCLV : a fitted recipe, ready to forecast.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.baselines.MeanRate().fit(rfm)
    >>> round(fitted.forecast("26 weeks").total()["purchases"])
    1573
    """

    baseline: Baseline
    rfm: RFM
    learned: Mapping[str, float]

    @property
    def unit(self) -> str:
        """Unit of time of what was learnt."""
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
        """What the rule says that every customer will do.

        Parameters
        ----------
        horizon, discount_rate, margin, rfm
            As in :meth:`predclv.FittedCLV.forecast`, but the horizon must be finite.
        level, seed
            Taken so that baselines and models are called alike; a rule has no intervals.

        Returns
        -------
        Forecast
            Without p_alive and intervals; ``counts()`` is None.

        Raises
        ------
        OptionError
            If the horizon is None, or the rule looks at days that the log does not have.
        DataError
            If the rule needs the log of the customers and they have none.
        """
        customers = self.rfm if rfm is None else rfm
        assert_summary(customers, "rfm must be")
        terms = finite_terms(
            type(self.baseline).__name__, customers, horizon, discount_rate, margin
        )
        assert terms.horizon is not None
        learned = _converted(self.learned, DAYS[self.rfm.unit] / DAYS[customers.unit])
        said = self.baseline._expected(customers, terms.horizon, learned)
        return point_forecast(customers, terms, said)

    def __repr__(self) -> str:
        said = ", ".join(f"{name} {value:.4g}" for name, value in self.learned.items())
        return f"{self.baseline} of {len(self.rfm):,} customers, in {self.unit}s: {said}"


def finite_terms(
    who: str, customers: RFM, horizon: Any, discount_rate: float, margin: float
) -> Terms:
    """The terms of a forecast without intervals that ``who`` makes of a finite horizon.

    Raises
    ------
    OptionError
        If the horizon has no end, or a number makes no sense.
    """
    if is_lifetime(horizon):
        raise OptionError(
            f"{who} forecasts a finite horizon, such as '52 weeks': it says nothing of the whole "
            "remaining lifetime, for which a model is needed, such as pc.CLVModel()."
        )
    return asked_terms(customers, horizon, discount_rate, margin, level=None)


def averages(rfm: RFM) -> dict[str, float]:
    """Repeat purchases per unit of time and customer, and the mean spend of one; 0 without any."""
    frame = rfm.frame
    repeats, time = frame["frequency"].sum(), frame["T"].sum()
    found = {"purchases_per_unit": float(repeats / time) if time > 0 else 0.0}
    if rfm.has_spend:
        spend = float((frame["monetary_value"] * frame["frequency"]).sum())
        found["spend_per_purchase"] = spend / max(float(repeats), 1.0)
    return found


def _converted(learned: Mapping[str, float], units: float) -> dict[str, float]:
    """What was learnt, in another unit of time, of which there are ``units`` in the old one."""
    factors = {"purchases_per_unit": 1.0 / units, "gap": units}
    return {name: value * factors.get(name, 1.0) for name, value in learned.items()}
