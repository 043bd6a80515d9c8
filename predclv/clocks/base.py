"""The steady clock: every day is as long as every other, and some days make a unit of time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.units import days_per


@dataclass(frozen=True, slots=True)
class Steady:
    """The one place where days become the unit of time, and times become days again.

    Attributes
    ----------
    unit : str
        day, week, month or year.

    Examples
    --------
    >>> weekly = Steady("week")
    >>> weekly.elapsed([7, 10]).tolist()
    [1.0, 1.4285714285714286]
    >>> weekly.days([1.0, 1.4285714285714286]).tolist()
    [7, 10]
    >>> weekly.sql("age_days")
    'CAST(age_days AS DOUBLE) / CAST(7.0 AS DOUBLE)'
    """

    unit: str

    def __post_init__(self) -> None:
        days_per(self.unit)

    @property
    def days_per_unit(self) -> float:
        """Days in one unit."""
        return days_per(self.unit)

    def elapsed(self, days: ArrayLike) -> NDArray:
        """Time in ``unit`` that passes in so many days, same shape."""
        return np.asarray(days, float) / self.days_per_unit

    def days(self, elapsed: ArrayLike) -> NDArray:
        """Whole days, as int64, in which so much time passes: the inverse for whole days."""
        return np.rint(np.asarray(elapsed, float) * self.days_per_unit).astype(np.int64)

    def sql(self, days: str) -> str:
        """SQL of the time that passes in ``days``, an expression.

        It divides doubles like :meth:`elapsed`, so both give the same floats to the last bit.
        """
        return f"CAST({days} AS DOUBLE) / CAST({self.days_per_unit!r} AS DOUBLE)"
