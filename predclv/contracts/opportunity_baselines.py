"""What people go by instead of BG/BB: shares so far, everybody's or one's own, and the last one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from predclv.contracts.opportunities import STATE, Opportunities
from predclv.errors import DataError


@dataclass(frozen=True, slots=True)
class _Share(ABC):
    """A baseline: each customer takes every opportunity to come with the same chance."""

    title: ClassVar[str]
    by = None

    def fit(self, opportunities: Opportunities) -> "FittedShare":
        """Learn the share of all opportunities that was taken.

        Raises
        ------
        DataError
            If they are no `Opportunities`, or nobody has had one.
        """
        if not isinstance(opportunities, Opportunities):
            raise DataError(
                f"{type(self).__name__} learns from pc.Opportunities; got "
                f"{type(opportunities).__name__}."
            )
        h, had = opportunities.histories, opportunities.n_opportunities
        if not had:
            raise DataError("Nobody has had an opportunity.")
        return FittedShare(self, int((h["customers"] * h["frequency"]).sum()) / had)

    @abstractmethod
    def chance(self, share: float, state: Mapping[str, NDArray]) -> NDArray:
        """Of each history, that the next opportunity is taken, shape (n,)."""


@dataclass(frozen=True, slots=True)
class FittedShare:
    """A baseline that has seen its opportunities: the share of all that was taken."""

    baseline: Any
    share: float

    @property
    def title(self) -> str:
        """What it is called in tables."""
        return self.baseline.title

    def chance(self, state: Mapping[str, NDArray]) -> NDArray:
        """Of each history, that the next opportunity is taken, shape (n,)."""
        return self.baseline.chance(self.share, {name: np.asarray(state[name]) for name in STATE})


@dataclass(frozen=True, slots=True)
class EverybodyAlike(_Share):
    """Everybody takes the share of opportunities that all have taken together.

    See Also
    --------
    predclv.contracts.OwnShare : each one's share so far.
    predclv.contracts.AsLastPeriod : who took the last one.

    Examples
    --------
    >>> import predclv as pc, pandas as pd
    >>> table = pd.DataFrame({"frequency": [0, 2], "recency": [0, 3], "opportunities": 4})
    >>> fitted = pc.contracts.EverybodyAlike().fit(pc.Opportunities.from_frame(table))
    >>> fitted.share
    0.25
    """

    title: ClassVar[str] = "everybody alike"

    def chance(self, share: float, state: Mapping[str, NDArray]) -> NDArray:
        """The share of all."""
        return np.full(state["frequency"].shape, share)


@dataclass(frozen=True, slots=True)
class OwnShare(_Share):
    """Each goes on with the share taken so far; who has had none, with that of all.

    See Also
    --------
    predclv.contracts.EverybodyAlike : the share of all.
    predclv.contracts.AsLastPeriod : who took the last one.

    Examples
    --------
    >>> import predclv as pc, pandas as pd
    >>> table = pd.DataFrame({"frequency": [0, 2], "recency": [0, 3], "opportunities": 4})
    >>> sample = pc.Opportunities.from_frame(table)
    >>> pc.contracts.OwnShare().fit(sample).chance(sample.histories)
    array([0. , 0.5])
    """

    title: ClassVar[str] = "own share so far"

    def chance(self, share: float, state: Mapping[str, NDArray]) -> NDArray:
        """The own share."""
        x, n = (state[name].astype(float) for name in ("frequency", "opportunities"))
        return np.divide(x, n, out=np.full(x.shape, share), where=n > 0)


@dataclass(frozen=True, slots=True)
class AsLastPeriod(_Share):
    """Who took the last opportunity takes all to come, and nobody else takes any.

    Who has had none yet goes on with the share of all.

    See Also
    --------
    predclv.contracts.OwnShare : each one's share so far.
    predclv.contracts.EverybodyAlike : the share of all.

    Examples
    --------
    >>> import predclv as pc, pandas as pd
    >>> table = pd.DataFrame({"frequency": [1, 2], "recency": [4, 3], "opportunities": 4})
    >>> sample = pc.Opportunities.from_frame(table)
    >>> pc.contracts.AsLastPeriod().fit(sample).chance(sample.histories)
    array([1., 0.])
    """

    title: ClassVar[str] = "as last period"

    def chance(self, share: float, state: Mapping[str, NDArray]) -> NDArray:
        """All or nothing."""
        last, n = (state[name].astype(float) for name in ("recency", "opportunities"))
        return np.where(n > 0, (last == n).astype(float), share)
