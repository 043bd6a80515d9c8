"""Customers with equal histories, counted: all that a likelihood needs of a customer base."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cells:
    """Distinct purchase histories and the number of customers who have each.

    Sorted by frequency, recency and T, so that the order of a log's rows leaves no trace.

    Attributes
    ----------
    frequency : ndarray, shape (n_cells,)
        Repeat purchases, a count as float64.
    recency, T : ndarray, shape (n_cells,)
        First to last purchase and first purchase to observation end, in ``unit``.
    weight : ndarray of int64, shape (n_cells,)
        Customers per cell.
    unit : str
        day, week, month or year.
    """

    frequency: np.ndarray
    recency: np.ndarray
    T: np.ndarray
    weight: np.ndarray
    unit: str

    def __len__(self) -> int:
        return len(self.weight)

    def __repr__(self) -> str:
        return f"Cells({len(self):,} of {self.n_customers:,} customers, in {self.unit}s)"

    @property
    def n_customers(self) -> int:
        """The sum of the weights."""
        return int(self.weight.sum())

    @property
    def frame(self) -> pd.DataFrame:
        """The four columns as a frame."""
        return pd.DataFrame(
            {name: getattr(self, name) for name in ("frequency", "recency", "T", "weight")}
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SpendCells:
    """Distinct spending histories of repeat customers with a positive mean spend.

    Attributes
    ----------
    frequency : ndarray, shape (n_cells,)
        Repeat purchases, a count as float64, at least 1.
    monetary_value : ndarray, shape (n_cells,)
        Mean spend per repeat purchase, positive.
    weight : ndarray of int64, shape (n_cells,)
        Customers per cell.
    left_out : int
        Repeat customers whose mean spend is zero or negative.
    """

    frequency: np.ndarray
    monetary_value: np.ndarray
    weight: np.ndarray
    left_out: int

    def __len__(self) -> int:
        return len(self.weight)

    def __repr__(self) -> str:
        return f"SpendCells({len(self):,} of {self.n_customers:,} repeat customers)"

    @property
    def n_customers(self) -> int:
        """The sum of the weights."""
        return int(self.weight.sum())

    @property
    def frame(self) -> pd.DataFrame:
        """The three columns as a frame."""
        return pd.DataFrame(
            {name: getattr(self, name) for name in ("frequency", "monetary_value", "weight")}
        )
