"""Scoring without Python: a forecast per history as a table that others join in SQL."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from predclv.forecast.terms import Terms
from predclv.io.files import write_parquet
from predclv.warehouse.duckdb_files import write_table


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ScoreTable:
    """The forecast of every history that customers have, and the SQL that joins them with it.

    A customer's forecast follows from how often, how long and since when they have bought, and by
    a few products from their own mean spend. The table holds no customer.

    Attributes
    ----------
    frame : DataFrame
        One row per history: the columns of ``keys``, weight (customers who have it) and numbers.
    keys : tuple of str
        What tells histories apart: frequency, recency_days and age_days for the summary of a log;
        frequency, recency and T for one made elsewhere. Where a fit forgets also memory, what a
        customer's purchases still count, in 2^-30 of one: a sum over the log that ``to_parquet`` of
        the forecast makes for everybody, and a table of customers has to bring.
    expressions : mapping
        Every column of the forecast as SQL over a row ``c`` of the table and a customer ``s``.
    terms : Terms
        Horizon, unit, discount rate, margin, level and start.
    """

    frame: pd.DataFrame
    keys: tuple[str, ...]
    expressions: Mapping[str, str]
    terms: Terms

    def __len__(self) -> int:
        return len(self.frame)

    def sql(self, customers: str = "customers", scores: str = "scores") -> str:
        """The SELECT that forecasts customers, in DuckDB, Spark or any SQL with greatest and exp.

        Parameters
        ----------
        customers : str
            A table with customer_id, the ``keys`` and, where spend is forecast, monetary_value,
            as of the day that the forecast starts after: a customer whose history is not in the
            table gets no row.
        scores : str
            This table.

        Examples
        --------
        >>> import predclv as pc
        >>> fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(pc.datasets.load_cdnow()))
        >>> print(fitted.table("52 weeks", level=None).sql("shop.customers", "shop.scores"))
        SELECT s.customer_id,
          c.p_alive AS p_alive,
          c.p_active AS p_active,
          c.expected_purchases AS expected_purchases,
          c.discounted_purchases AS discounted_purchases
        FROM shop.customers s JOIN shop.scores c
          ON s.frequency = c.frequency AND s.recency_days = c.recency_days
          AND s.age_days = c.age_days
        """
        columns = ",\n".join(f"  {sql} AS {name}" for name, sql in self.expressions.items())
        first, *others = (f"s.{key} = c.{key}" for key in self.keys)
        same = " AND ".join([first, others[0]]) + "".join(f"\n  AND {key}" for key in others[1:])
        return f"SELECT s.customer_id,\n{columns}\nFROM {customers} s JOIN {scores} c\n  ON {same}"

    def to_parquet(self, path: str | Path) -> None:
        """Write the table as Parquet, with the terms and the SQL in the file's metadata."""
        said = {f"predclv.{name}": str(value) for name, value in asdict(self.terms).items()}
        write_parquet(self.frame, path, said | {"predclv.sql": self.sql()})

    def to_duckdb(self, path: str | Path, table: str = "scores") -> None:
        """Write the table into a DuckDB database file, replacing a table of that name."""
        write_table(self.frame, path, table)

    def __repr__(self) -> str:
        return f"ScoreTable: {len(self):,} histories of {self.frame['weight'].sum():,} customers"
