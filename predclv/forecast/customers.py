"""From histories to customers: what a customer's own mean spend adds, in NumPy and in SQL.

A cell forecast is a table with one row per history. Everything about a customer follows from its
history's row and its own ``monetary_value`` by the few formulas here. They stand twice: for arrays,
and as SQL for engines that join the table with customers where these lie; a test holds the two
together.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.forecast.result import COLUMNS

_SIDES = ("lower", "upper")


@dataclass(frozen=True, slots=True, eq=False)
class CellForecast:
    """A forecast per history, and what turns it into one per customer.

    Attributes
    ----------
    frame : DataFrame
        One row per cell, in the order of ``RFM.cells()``: p_alive, p_active, expected_purchases,
        purchases_lower, purchases_upper, discounted_purchases, as far as there are such; with
        spend also spend_base and spend_slope (``expected_spend = base + slope * monetary_value``)
        and, with intervals, lower_0, lower_1, lower_2, upper_0, upper_1, upper_2, the quadratics
        of the bounds of revenue (or, of a lifetime, of discounted revenue) in
        ``share = spent / (scale + spent)``, ``spent = (frequency + first) * monetary_value``:
        ``(scale + spent) * exp(_0 + _1 * share + _2 * share**2)``.
    scale : float or None
        The amount in these; None without spend or intervals. Where spend has covariates each cell
        has its own, a column of ``frame``.
    margin : float
        Share of spend that is profit.
    endless : bool
        Whether the horizon is the whole remaining lifetime.
    first : int
        1 where monetary_value is of the first purchase too, else 0.
    """

    frame: pd.DataFrame
    scale: float | None
    margin: float
    endless: bool
    first: int = 0

    def of_customers(
        self, cell: NDArray, frequency: NDArray, mean: NDArray | None
    ) -> dict[str, NDArray]:
        """The columns of customers in these cells, each (n_customers,).

        Parameters
        ----------
        cell : ndarray of int, shape (n_customers,)
            The row of each customer's cell.
        frequency : ndarray, shape (n_customers,)
        mean : ndarray, shape (n_customers,), or None
            monetary_value; below zero, as refunds can leave it, it counts as zero.
        """
        own: dict[str, NDArray] = {
            str(name): self.frame[name].to_numpy()[cell] for name in self.frame
        }
        if mean is None:
            return own
        mean = np.maximum(mean, 0.0)
        own["expected_spend"] = own["spend_base"] + own["spend_slope"] * mean
        if not self.endless:
            own["expected_revenue"] = own["expected_purchases"] * own["expected_spend"]
        own["clv"] = self.margin * own["discounted_purchases"] * own["expected_spend"]
        if self.scale is not None:
            spent = (frequency + self.first) * mean
            scale = own.get("scale", self.scale)
            share = spent / (scale + spent)
            for side in _SIDES:
                log_bound = own[f"{side}_0"] + share * (own[f"{side}_1"] + share * own[f"{side}_2"])
                bound = (scale + spent) * np.exp(log_bound)
                if self.endless:
                    own[f"clv_{side}"] = self.margin * bound
                else:
                    own[f"revenue_{side}"] = bound
                    own[f"clv_{side}"] = self.margin * own["discount"] * bound
        return own

    def frame_of(self, customers: pd.DataFrame, cell: NDArray) -> pd.DataFrame:
        """The columns of ``Forecast.frame`` of rows of a summary's frame, in these cells."""
        mean = customers["monetary_value"].to_numpy(float) if "spend_base" in self.frame else None
        columns = self.of_customers(cell, customers["frequency"].to_numpy(float), mean)
        named = {name: columns[name] for name in COLUMNS if name in columns}
        return pd.DataFrame({"customer_id": customers["customer_id"], **named})

    def expressions(self) -> Mapping[str, str]:
        """The columns in SQL, over a cell ``c`` and a customer ``s``."""
        sql = {name: f"c.{name}" for name in self.frame if name in _PLAIN}
        if "spend_base" not in self.frame:
            return sql
        mean = "greatest(s.monetary_value, 0.0)"
        spend = f"(c.spend_base + c.spend_slope * {mean})"
        sql["expected_spend"] = spend
        if not self.endless:
            sql["expected_revenue"] = f"c.expected_purchases * {spend}"
        sql["clv"] = f"{_double(self.margin)} * c.discounted_purchases * {spend}"
        if self.scale is not None:
            counted = f"(s.frequency + {self.first})" if self.first else "s.frequency"
            spent = f"({counted} * {mean})"
            scale = "c.scale" if "scale" in self.frame else _double(self.scale)
            own_scale = f"({scale} + {spent})"
            share = f"({spent} / {own_scale})"
            for side in _SIDES:
                curve = f"c.{side}_0 + {share} * (c.{side}_1 + {share} * c.{side}_2)"
                bound = f"({own_scale} * exp({curve}))"
                if self.endless:
                    sql[f"clv_{side}"] = f"{_double(self.margin)} * {bound}"
                else:
                    sql[f"revenue_{side}"] = bound
                    sql[f"clv_{side}"] = f"{_double(self.margin)} * c.discount * {bound}"
        return {name: sql[name] for name in COLUMNS if name in sql}


_PLAIN = (
    "p_alive", "p_active", "expected_purchases", "purchases_lower", "purchases_upper",
    "discounted_purchases",
)  # fmt: skip


def _double(value: float) -> str:
    """A number as SQL that both engines read as that very double."""
    return f"CAST('{value!r}' AS DOUBLE)"


def take_curves(columns: dict[str, NDArray], bounds: dict[str, NDArray], endless: bool) -> float:
    """Move the curves of bounds of revenue to the columns of a cell forecast; their scale.

    And say what a purchase is worth today on average, which bounds of CLV follow from.
    """
    scale = bounds.pop("scale")
    if scale.ndim:
        columns["scale"] = scale
    for side in _SIDES:
        curve = bounds.pop(f"revenue_{side}")
        columns.update({f"{side}_{power}": curve[power] for power in range(3)})
    if not endless:
        expected = columns["expected_purchases"]
        columns["discount"] = np.divide(
            columns["discounted_purchases"],
            expected,
            out=np.ones_like(expected),
            where=expected > 0,
        )
    return float(scale.mean())
