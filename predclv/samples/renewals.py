"""Contracts and donors with equal histories, counted: what models of renewal are fitted to."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RenewalCells:
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
    """

    renewals: NDArray
    ended: NDArray
    weight: NDArray
    unit: str

    def __len__(self) -> int:
        return self.weight.size

    @property
    def n_customers(self) -> int:
        """Contracts."""
        return int(self.weight.sum())

    @classmethod
    def of(cls, renewals: NDArray, ended: NDArray, weight: NDArray, unit: str) -> "RenewalCells":
        """Of histories that may repeat; empty cells are left out, the rest sorted."""
        (renewals, ended), weight = counted((renewals, ended), weight)
        return cls(renewals, ended, weight, unit)


@dataclass(frozen=True, slots=True, eq=False)
class OpportunityCells:
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
    """

    frequency: NDArray
    recency: NDArray
    opportunities: NDArray
    weight: NDArray
    unit: str

    def __len__(self) -> int:
        return self.weight.size

    @property
    def n_customers(self) -> int:
        """Customers."""
        return int(self.weight.sum())

    @classmethod
    def of(
        cls, frequency: NDArray, recency: NDArray, opportunities: NDArray, weight: NDArray,
        unit: str,
    ) -> "OpportunityCells":  # fmt: skip
        """Of histories that may repeat; empty cells are left out, the rest sorted."""
        columns, weight = counted((frequency, recency, opportunities), weight)
        x, t_x, n = columns
        return cls(x, t_x, n, weight, unit)


def counted(columns: tuple[NDArray, ...], weight: NDArray) -> tuple[tuple[NDArray, ...], NDArray]:
    """Distinct rows of columns (n,) and the sum of the weights of each."""
    weight = np.asarray(weight)
    there = weight > 0
    rows = np.column_stack([np.asarray(column, float)[there] for column in columns])
    distinct, place = np.unique(rows, axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weight[there], minlength=len(distinct))
    return tuple(distinct.T.copy()), np.rint(total).astype(np.int64)
