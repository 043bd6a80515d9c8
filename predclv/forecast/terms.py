"""Terms: what was asked of a forecast."""

import datetime
from dataclasses import dataclass, replace


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
