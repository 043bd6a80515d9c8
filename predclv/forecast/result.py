"""Forecast: one row per customer, the customer base as a whole, and ways out to files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from predclv.data.duckdb import write_table
from predclv.data.files import write_csv, write_parquet


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Forecast:
    """What every customer is expected to do within the horizon, and what that is worth today.

    Attributes
    ----------
    frame : DataFrame
        One row per customer, in the order of the summary:

        - ``customer_id``
        - ``p_alive``: probability of still being a customer now;
        - ``p_active``: probability of at least one purchase within the horizon. Alive is not
          active: a living customer may well buy nothing for a year;
        - ``expected_purchases``: expected number of purchases within the horizon;
        - ``discounted_purchases``: the same, each worth ``(1 + discount_rate)**-years``;
        - ``expected_spend``: expected spend per future purchase;
        - ``expected_revenue``: ``expected_purchases * expected_spend``;
        - ``clv``: ``margin * discounted_purchases * expected_spend``.

        Without spend the last three are left out; over the whole remaining lifetime so are
        ``expected_purchases`` and ``expected_revenue``, which can be infinite.
    horizon : float or None
        Length of the forecast in ``unit``; None is the whole remaining lifetime.
    unit : str
        Unit of time.
    discount_rate : float
        Annual and effective.
    margin : float
        Share of spend that is profit.
    observation_end : str or None
        The day the forecast starts after, where the summary knows it.
    """

    frame: pd.DataFrame
    horizon: float | None
    unit: str
    discount_rate: float
    margin: float
    observation_end: str | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def total(self) -> pd.Series:
        """The customer base as a whole.

        Returns
        -------
        Series
            ``purchases``, ``discounted_purchases``, ``revenue`` and ``clv`` (customer equity),
            each the sum over customers, as far as the forecast has them.
        """
        columns = {
            "purchases": "expected_purchases",
            "discounted_purchases": "discounted_purchases",
            "revenue": "expected_revenue",
            "clv": "clv",
        }
        sums = {
            name: float(self.frame[column].sum())
            for name, column in columns.items()
            if column in self.frame
        }
        return pd.Series(sums, name="total")

    def top(self, n: int = 10) -> pd.DataFrame:
        """The ``n`` customers of highest value: by clv, or by purchases where there is no spend."""
        by = "clv" if "clv" in self.frame else "discounted_purchases"
        return self.frame.nlargest(n, by)

    def to_parquet(self, path: str | Path) -> None:
        """Write the frame as Parquet, with the forecast's terms in the file's metadata.

        Written under another name and then renamed: a half-written file is never taken for whole.
        """
        write_parquet(self.frame, path, {f"predclv.{k}": str(v) for k, v in self.terms.items()})

    def to_csv(self, path: str | Path) -> None:
        """Write the frame as CSV. Ids are written as they are, whatever they contain.

        Warns
        -----
        DataWarning
            If ids begin with a character that spreadsheets take for a formula.
        """
        write_csv(self.frame, path)

    def to_duckdb(self, path: str | Path, table: str) -> None:
        """Write the frame as a table of a DuckDB database file, replacing a table of that name."""
        write_table(self.frame, path, table)

    @property
    def terms(self) -> Mapping[str, Any]:
        """What the numbers depend on: horizon, unit, discount rate, margin, start."""
        return {
            "horizon": self.horizon,
            "unit": self.unit,
            "discount_rate": self.discount_rate,
            "margin": self.margin,
            "observation_end": self.observation_end,
        }

    def headline(self) -> str:
        """The forecast and its totals in a sentence."""
        length = (
            "the whole remaining lifetime"
            if self.horizon is None
            else f"{self.horizon:g} {self.unit}{'' if self.horizon == 1 else 's'}"
        )
        start = f" after {self.observation_end}" if self.observation_end else ""
        sums = ", ".join(
            f"{value:,.2f} {str(name).replace('_', ' ')}" for name, value in self.total().items()
        )
        return (
            f"Forecast of {len(self):,} customers over {length}{start} at "
            f"{self.discount_rate:.1%} a year, margin {self.margin:g}: {sums}"
        )

    def __repr__(self) -> str:
        return f"{self.headline()}\n{self.frame.head()}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(self.headline())}</p>{self.frame.head().to_html(index=False)}"
