"""What people carry survival on with instead of a model: constant churn and two drawn curves."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from predclv.contracts.renewals import Renewals
from predclv.errors import DataError

_TAIL = 3  # ages whose retention a curve is carried on with: one alone is mostly chance


@dataclass(frozen=True, slots=True)
class _Curve(ABC):
    """A baseline: it learns the retention of each age, and keeps the last for all that follow."""

    title: ClassVar[str]

    def fit(self, renewals: Renewals) -> "FittedCurve":
        """Learn the retention at each age, plan by plan.

        Raises
        ------
        DataError
            If it is no `Renewals`, or nobody of a plan has come up for renewal.
        """
        if not isinstance(renewals, Renewals):
            raise DataError(
                f"{type(self).__name__} learns from pc.Renewals; got {type(renewals).__name__}."
            )
        curves = {}
        for plan in renewals.groups:
            part = renewals.group(plan)
            if not (part.curve["at_risk"][1:] > 0).any():
                raise DataError(
                    f"No contract{'' if plan is None else f' of {plan!r}'} has come up for renewal."
                )
            curves[plan] = self._retention(part)
        return FittedCurve(self, curves)

    @abstractmethod
    def _retention(self, renewals: Renewals) -> NDArray:
        """Retention at age 1, 2, ...; what follows is as the last."""


@dataclass(frozen=True, slots=True)
class FittedCurve:
    """A baseline that has seen its contracts: retention by age, per plan."""

    baseline: _Curve
    curves: Mapping[Any, NDArray]

    @property
    def title(self) -> str:
        """What it is called in tables."""
        return self.baseline.title

    def retention(self, plan: Any, ages: NDArray) -> NDArray:
        """The chance of making renewal 1, 2, ... once one comes up to it."""
        return _at(self.curves[plan], ages)


def _at(curve: NDArray, ages: NDArray) -> NDArray:
    return curve[np.minimum(np.asarray(ages, int), curve.size) - 1]


def stays_on(curve: NDArray, renewals: NDArray, length: int) -> NDArray:
    """The chance of 1, 2, ... further renewals by a curve of retention, shape (n, length)."""
    ages = np.asarray(renewals, int)[:, None] + np.arange(1, length + 1)
    return np.cumprod(_at(curve, ages), axis=1)


@dataclass(frozen=True, slots=True)
class ConstantChurn(_Curve):
    """One churn rate for all ages: contracts that ended per renewal that came up.

    What ``pc.historical.subscription_clv`` assumes. It is too high for those who have stayed, for
    those who leave easily have left.

    See Also
    --------
    predclv.contracts.KaplanMeier : the retention seen at each age.
    predclv.ContractModel : the recipe for subscribers.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> pc.contracts.ConstantChurn().fit(renewals).retention(None, [1, 2, 3]).round(3)
    array([0.875, 0.875, 0.875])
    """

    title: ClassVar[str] = "constant churn"

    def _retention(self, renewals: Renewals) -> NDArray:
        table = renewals.curve[1:]
        return np.array([table["renewed"].sum() / table["at_risk"].sum()])


@dataclass(frozen=True, slots=True)
class LastCohort(_Curve):
    """The newest retention seen at each age, from the youngest cohort that has come so far.

    Beyond the oldest age it goes on with the mean of the last three.

    See Also
    --------
    predclv.contracts.KaplanMeier : the retention seen at each age.
    predclv.contracts.ConstantChurn : one churn rate for all ages.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> pc.contracts.LastCohort().fit(renewals).retention(None, [1, 2, 3]).round(3)
    array([0.869, 0.855, 0.879])
    """

    title: ClassVar[str] = "last cohort's curve"

    def _retention(self, renewals: Renewals) -> NDArray:
        table = renewals.frame
        table = table[(table["age"] > 0) & (table["at_risk"] > 0)]
        newest = table.sort_values("cohort", kind="stable").groupby("age").last()
        return _carried_on((newest["renewed"] / newest["at_risk"]).to_numpy(), None)


@dataclass(frozen=True, slots=True)
class KaplanMeier(_Curve):
    """The retention of all cohorts at each age; survival is Kaplan and Meier's estimate.

    Beyond the oldest age it goes on with the retention of the last three.

    See Also
    --------
    predclv.contracts.ConstantChurn : one churn rate for all ages.
    predclv.contracts.LastCohort : the newest retention at each age.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> pc.contracts.KaplanMeier().fit(renewals).retention(None, [1, 2, 3]).round(3)
    array([0.869, 0.855, 0.879])
    """

    title: ClassVar[str] = "Kaplan-Meier carried on"

    def _retention(self, renewals: Renewals) -> NDArray:
        table = renewals.curve[1:]
        table = table[table["at_risk"] > 0]
        renewed, at_risk = table["renewed"].to_numpy(float), table["at_risk"].to_numpy(float)
        return _carried_on(renewed / at_risk, at_risk)


def _carried_on(retention: NDArray, at_risk: NDArray | None) -> NDArray:
    """The curve with one age more, that of all that follow: the mean of the last three."""
    weights = None if at_risk is None else at_risk[-_TAIL:]
    return np.append(retention, np.average(retention[-_TAIL:], weights=weights))
