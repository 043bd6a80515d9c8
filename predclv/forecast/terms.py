"""Terms: what was asked of a forecast."""

import datetime
from dataclasses import dataclass, replace
from typing import Any

from predclv.summaries.rfm import RFM
from predclv.units import (
    force_of_interest,
    horizon_in,
    horizon_in_words,
    is_lifetime,
    probability,
    share,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the numbers of a forecast depend on.

    Attributes
    ----------
    horizon : float or None
        Length of the forecast in ``unit``; None is the whole remaining lifetime.
    unit : str
        Unit of time.
    discount_rate : float
        Annual and effective.
    margin : float
        Share of spend that is profit.
    level : float or None
        Of the predictive intervals; None where there are none.
    observation_end : datetime.date or None
        The day the forecast starts after, where the summary knows it.
    asked : str or None
        The horizon as it was asked, where it carried a unit: ``"12 months"``.
    currency : str or None
        What amounts are shown in, as the summary says; no number depends on it.
    """

    horizon: float | None
    unit: str
    discount_rate: float
    margin: float
    level: float | None
    observation_end: datetime.date | None
    asked: str | None = None
    currency: str | None = None

    @property
    def length(self) -> str:
        """The horizon in words, as it was asked: ``12 months``."""
        if self.horizon is None:
            return "the whole remaining lifetime"
        if self.asked is not None:
            return self.asked
        return f"{self.horizon:g} {self.unit}{'' if self.horizon == 1 else 's'}"

    def without_level(self) -> "Terms":
        """The same terms of a forecast without intervals."""
        return replace(self, level=None)


def asked_terms(
    customers: RFM, horizon: Any, discount_rate: float, margin: float, level: float | None
) -> Terms:
    """What somebody asks of a forecast of these customers, checked.

    Raises
    ------
    OptionError
        If a number makes no sense.
    """
    force_of_interest(discount_rate, customers.unit)
    margin = share(margin, "margin")
    level = None if level is None else probability(level, "level")
    length = None
    if not is_lifetime(horizon):
        length = horizon_in(horizon, customers.unit, start=customers.observation_end)
    return Terms(
        horizon=length,
        unit=customers.unit,
        discount_rate=float(discount_rate),
        margin=margin,
        level=level,
        observation_end=customers.observation_end,
        asked=horizon_in_words(horizon),
        currency=customers.currency,
    )
