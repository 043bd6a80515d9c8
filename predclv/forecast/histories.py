"""Customers by history: what depends on the history alone is taken once and spread over them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.models.base import PurchaseModel


@dataclass(frozen=True, slots=True, eq=False)
class Histories:
    """The distinct histories of customers, and the distinct states a living customer can be in.

    Attributes
    ----------
    x, t_x, T : ndarray, shape (n_cells,)
        Distinct histories: repeat purchases, recency and age in one unit of time.
    cell_of_customer : ndarray of int, shape (n_customers,)
    state_x, state_T : ndarray, shape (n_states,)
        Distinct (x, T): the future of a customer who is alive does not depend on recency.
    state_of_cell : ndarray of int, shape (n_cells,)
    """

    x: NDArray
    t_x: NDArray
    T: NDArray
    cell_of_customer: NDArray
    state_x: NDArray
    state_T: NDArray
    state_of_cell: NDArray

    @classmethod
    def of(cls, x: NDArray, t_x: NDArray, T: NDArray) -> "Histories":
        """Histories of customers given as columns, each of shape (n_customers,)."""
        cells, cell_of_customer = _distinct(x, t_x, T)
        x, t_x, T = x[cells], t_x[cells], T[cells]
        states, state_of_cell = _distinct(x, T)
        return cls(x, t_x, T, cell_of_customer, x[states], T[states], state_of_cell)

    def purchases(
        self, model: PurchaseModel, t: float, delta: float, undiscounted: bool
    ) -> dict[str, NDArray]:
        """Per-customer columns of a forecast of purchases, each of shape (n_customers,).

        Parameters
        ----------
        model : PurchaseModel
        t : float
            Horizon, in the unit of the histories; may be inf.
        delta : float
            Continuous discount rate per unit.
        undiscounted : bool
            Whether to give ``expected_purchases`` too; it may be infinite where t is.
        """
        alive = model.p_alive(self.x, self.t_x, self.T)
        living = model.given_alive(self.state_x, self.state_T)
        columns = {"p_alive": alive, "p_active": self._given(alive, living.p_active(t))}
        expected = living.expected_purchases(t) if undiscounted or delta == 0 else None
        if undiscounted:
            columns["expected_purchases"] = self._given(alive, expected)
        columns["discounted_purchases"] = self._given(
            alive, living.discounted_purchases(t, delta) if delta > 0 else expected
        )
        return {name: values[self.cell_of_customer] for name, values in columns.items()}

    def _given(self, alive: NDArray, per_state: NDArray | None) -> NDArray:
        """What a living customer is expected to do, times the chance of being one, per cell."""
        assert per_state is not None
        return alive * np.broadcast_to(per_state, self.state_x.shape)[self.state_of_cell]


def _distinct(*columns: NDArray) -> tuple[NDArray, NDArray]:
    """Where each distinct row first stands, and which of them each row is. Hashing, not sorting."""
    key = np.zeros(columns[0].size, dtype=np.int64)
    for column in columns:
        codes, values = pd.factorize(column)
        key, _ = pd.factorize(key * len(values) + codes)
    first = np.empty(int(key.max(initial=-1)) + 1, dtype=np.int64)
    first[key[::-1]] = np.arange(key.size)[::-1]
    return first, key
