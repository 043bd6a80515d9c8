"""Contracts and donors with equal histories, counted: what models of renewal are fitted to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from predclv.frozen import Frozen
from predclv.samples.base import Weighted
from predclv.samples.patterns import Patterns


@dataclass(frozen=True, slots=True, eq=False)
class RenewalCells(Weighted):
    """Distinct histories of contracts and how many have each.

    Attributes
    ----------
    renewals : ndarray, shape (n_cells,)
        Renewals that were made, from 0.
    ended : ndarray of 0 or 1, shape (n_cells,)
        1 where the next renewal was not made; 0 where it has not come up.
    weight : ndarray of int64, shape (n_cells,)
        Contracts per cell.
    unit : str
        Length of a period: day, week, month or year.
    extra : mapping of str to ndarray of int64, each (n_cells,)
        ``pattern``, where something is known of subscribers.
    patterns : Patterns or None
        What it stands for.
    """

    renewals: NDArray
    ended: NDArray
    weight: NDArray
    unit: str
    extra: Mapping[str, NDArray] = field(default_factory=lambda: Frozen({}))
    patterns: Patterns | None = None

    covariates_by: ClassVar[str] = "pc.renewals(subscriptions, static_covariates=table)"

    @classmethod
    def of(
        cls, renewals: NDArray, ended: NDArray, weight: NDArray, unit: str,
        pattern: NDArray | None = None, patterns: Patterns | None = None,
    ) -> Self:  # fmt: skip
        """Of histories that may repeat; empty cells are left out, the rest sorted."""
        (renewals, ended), extra, weight = patterned((renewals, ended), weight, pattern)
        return cls(renewals, ended, weight, unit, extra, patterns)


@dataclass(frozen=True, slots=True, eq=False)
class OpportunityCells(Weighted):
    """Distinct histories of opportunities taken or not, and how many customers have each.

    Attributes
    ----------
    frequency : ndarray, shape (n_cells,)
        Opportunities that were taken, x.
    recency : ndarray, shape (n_cells,)
        Number of the last that was taken, t_x; 0 where none was.
    opportunities : ndarray, shape (n_cells,)
        How many there have been, n.
    weight : ndarray of int64, shape (n_cells,)
        Customers per cell.
    unit : str
        Time from one opportunity to the next.
    extra, patterns
        As of `RenewalCells`.
    """

    frequency: NDArray
    recency: NDArray
    opportunities: NDArray
    weight: NDArray
    unit: str
    extra: Mapping[str, NDArray] = field(default_factory=lambda: Frozen({}))
    patterns: Patterns | None = None

    covariates_by: ClassVar[str] = "pc.opportunities(log, by='region')"

    @classmethod
    def of(
        cls, frequency: NDArray, recency: NDArray, opportunities: NDArray, weight: NDArray,
        unit: str, pattern: NDArray | None = None, patterns: Patterns | None = None,
    ) -> Self:  # fmt: skip
        """Of histories that may repeat; empty cells are left out, the rest sorted."""
        columns, extra, weight = patterned((frequency, recency, opportunities), weight, pattern)
        x, t_x, n = columns
        return cls(x, t_x, n, weight, unit, extra, patterns)


def patterned(
    columns: tuple[NDArray, ...], weight: NDArray, pattern: NDArray | None
) -> tuple[tuple[NDArray, ...], Frozen[str, NDArray], NDArray]:
    """Distinct histories (within each pattern, if there are some), patterns and weights."""
    if pattern is None:
        found, weight = counted(columns, weight)
        return found, Frozen({}), weight
    found, weight = counted((*columns, pattern), weight)
    return found[:-1], Frozen({"pattern": found[-1].astype(np.int64)}), weight


def counted(columns: tuple[NDArray, ...], weight: NDArray) -> tuple[tuple[NDArray, ...], NDArray]:
    """Distinct rows of columns (n,) and the sum of the weights of each."""
    weight = np.asarray(weight)
    there = weight > 0
    rows = np.column_stack([np.asarray(column, float)[there] for column in columns])
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weight[there], minlength=len(distinct))
    return tuple(distinct.T.copy()), np.rint(total).astype(np.int64)
