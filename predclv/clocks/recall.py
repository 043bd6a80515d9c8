"""How a customer's past is read: how much old purchases still count, and who was there first.

A clock says how time passes for everybody; this says what of a history still speaks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.models.base import LogNormalPrior, NormalPrior, Prior, Space
from predclv.units import days_per

AGEING, DRIFT, RHO = "ageing", "drift", "rho"
SETTLES = 91.0
"""Days after a log's first one by which the difference of its first customers has shrunk to 1/e."""

_SCALES: Mapping[str, Any] = {AGEING: "identity", DRIFT: "identity", RHO: "log"}
_OLDEST = -690.0  # logs of weights below it are taken for it: doubles end at -708


@dataclass(frozen=True, slots=True)
class Recall:
    r"""What of customers' histories still speaks: drift of acquisition, and fading memory.

    **Drift.** The first customers that a log shows are mostly old ones, seen for the first time:
    they buy at another rate than those who were won later. With f the days from the log's first day
    to a customer's first purchase,

    .. math:: \alpha_i = \alpha \exp(drift \cdot e^{-f / 91})

    **Memory.** Customers change, so a purchase of long ago says less of how often somebody buys
    now. After the time d by the clock, it counts ``exp(-rho d)``; what is not known from recent
    purchases comes from the average customer again. See :mod:`predclv.likelihoods.fading`.

    **Ageing.** Customers slow down after their first purchase, as a power of their age. See
    :class:`predclv.likelihoods.ageing.AgeingLikelihood`.

    Attributes
    ----------
    first_day : int
        The log's first day, since 1970-01-01.
    unit : str
        Of time, as the fit's: ``rho`` is per this unit.
    drift : float or None
        0 where first customers are like later ones, positive where they buy more slowly; None where
        it is not modelled.
    rho : float or None
        How fast purchases are forgotten; None where all count alike.
    ageing : float or None
        How fast customers slow down, from 0 on: on the v-th day their time runs at
        ``(1 + v / 28)^-ageing`` of its pace. None where they do not.

    Examples
    --------
    >>> recall = Recall(0, "week", drift=0.5, rho=0.02)
    >>> recall.first_of([0, 91, 910]).round(3).tolist()
    [1.0, 0.368, 0.0]
    >>> round(recall.half_life, 1)
    34.7
    """

    first_day: int
    unit: str
    drift: float | None = None
    rho: float | None = None
    ageing: float | None = None

    @property
    def space(self) -> Space:
        """The free parameters."""
        return space_of(self.drift is not None, self.rho is not None, self.ageing is not None)

    @property
    def params(self) -> dict[str, float]:
        """The parameters by name."""
        return {name: float(getattr(self, name)) for name in self.space.names}

    def at(self, free: NDArray) -> Self:
        """The same at other free parameters, shape (k,)."""
        space = self.space
        values = space.parameters_at(np.asarray(free, float)).tolist()
        return replace(self, **dict(zip(space.names, values, strict=True)))

    @property
    def half_life(self) -> float:
        """Time after which a purchase counts half, by the clock; inf where all count alike."""
        return float(np.log(2.0) / self.rho) if self.rho else np.inf

    def first_of(self, born: ArrayLike) -> NDArray:
        """``exp(-f / 91)`` of customers first seen on these days, 1 for those of the first day."""
        return newness(np.asarray(born, float) - self.first_day)

    def haste_of(self, born: ArrayLike) -> NDArray:
        """What drift adds to the logarithm of alpha, shape as ``born``."""
        return (self.drift or 0.0) * self.first_of(born)

    def faded(self, t_x: ArrayLike) -> NDArray:
        """The time for which as much is known of a customer as the faded history says.

        ``(1 - exp(-rho t_x)) / rho``: what stays of the time to the last purchase.
        """
        t_x = np.asarray(t_x, float)
        return -np.expm1(-self.rho * t_x) / self.rho if self.rho else t_x

    def weights(self, elapsed: ArrayLike) -> NDArray:
        """What a purchase on each day counts beside one on the last of them, ascending to 1.

        Parameters
        ----------
        elapsed : array_like, shape (n_days,)
            The clock's time at the days' ends.
        """
        elapsed = np.asarray(elapsed, float)
        return np.exp(np.maximum((self.rho or 0.0) * (elapsed - elapsed[-1]), _OLDEST))

    def document(self) -> dict[str, Any]:
        """The same as plain values."""
        own = {"first_day": self.first_day, DRIFT: self.drift, RHO: self.rho}
        return own if self.ageing is None else {**own, AGEING: self.ageing}

    @classmethod
    def of_document(cls, document: Mapping[str, Any], unit: str) -> Self:
        """The inverse of :meth:`document`.

        Raises
        ------
        ValueError
            If it is none.
        """
        try:
            values = {
                name: None if document[name] is None else float(document[name])
                for name in (DRIFT, RHO, *([AGEING] if AGEING in document else []))
            }
            found = cls(int(document["first_day"]), unit, **values)
        except (KeyError, TypeError) as error:
            raise ValueError("it says not how the past is read") from error
        if found.rho is not None and not found.rho > 0:
            raise ValueError(f"rho must be positive; got {found.rho}")
        return found


def newness(since: ArrayLike) -> NDArray:
    """``exp(-f / 91)`` for customers first seen f days after the log's first; 1 before it."""
    return np.exp(-np.maximum(np.asarray(since, float), 0.0) / SETTLES)


def space_of(drift: bool, memory: bool, ageing: bool = False) -> Space:
    """The free parameters of such a reading of the past."""
    asked = {AGEING: ageing, DRIFT: drift, RHO: memory}
    names = tuple(name for name, is_free in asked.items() if is_free)
    return Space(names, tuple(_SCALES[name] for name in names))


def priors_of(space: Space, unit: str) -> dict[str, Prior]:
    """What is believed of the parameters beforehand: half-lives of 14 to 100 weeks are likely."""
    rho = float(np.exp(-4.0) * days_per(unit) / 7.0)
    own: dict[str, Prior] = {
        AGEING: NormalPrior(0.0, 1.0),
        DRIFT: NormalPrior(0.0, 1.0),
        RHO: LogNormalPrior(rho, 1.0),
    }
    return {name: own[name] for name in space.names}
