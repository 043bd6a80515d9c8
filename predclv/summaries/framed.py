"""A summary that rests on a frame from elsewhere."""

from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from predclv.frozen import Frozen
from predclv.notices import counted
from predclv.progress import stage
from predclv.samples.cells import Cells
from predclv.samples.grouping import distinct
from predclv.samples.paths import Paths
from predclv.samples.patterns import Patterns, with_covariates
from predclv.samples.spend import SpendCells
from predclv.summaries.pathed import Ahead
from predclv.summaries.spread import assert_covered, write_scored
from predclv.warehouse.base import Warehouse, fresh
from predclv.warehouse.duckdb import DuckDBWarehouse

_HISTORY = ("frequency", "recency", "T")
_KNOWN = ("pattern", "path", "ahead")


class FrameSummary:
    """A summary made elsewhere, its values taken as they are."""

    def __init__(
        self,
        frame: pd.DataFrame,
        unit: str,
        last_day: int | None = None,
        patterns: Patterns | None = None,
        paths: Paths | None = None,
        ahead: Paths | None = None,
        extra: tuple[str, ...] = (),
        recalls: Any = None,
        counts_first: bool = False,
    ) -> None:
        self.counts_first = counts_first
        self.frame = with_covariates(frame, patterns)
        self.patterns = patterns
        self.repeats_by_day_and_pattern: pd.DataFrame | None = None
        self.purchases_by_day: pd.DataFrame | None = None
        self._paths, self._ahead = paths, ahead
        known = (patterns, paths, ahead)
        self._known = tuple(k for k, found in zip(_KNOWN, known, strict=True) if found is not None)
        self.has_spend = "monetary_value" in frame
        self._unit = unit
        self._last_day = last_day
        self._extra = (*self._known, *extra)
        self.recalls = recalls
        self.repeats_by_day: tuple[int, np.ndarray] | None = None

    def head(self, rows: int) -> pd.DataFrame:
        """The first rows of ``frame``."""
        return self.frame.head(rows)

    def cells(self) -> Cells:
        """Customers by history."""
        columns = [self.frame[name].to_numpy() for name in (*_HISTORY, *self._extra)]
        first, code = distinct(*columns)
        frequency, recency, T = (column[first].astype(np.float64) for column in columns[:3])
        extra = [column[first] for column in columns[3:]]
        order = np.lexsort((*extra[::-1], T, recency, frequency))
        return Cells(
            frequency=frequency[order],
            recency=recency[order],
            T=T[order],
            weight=np.bincount(code, minlength=order.size)[order],
            unit=self._unit,
            last_day=self._last_day,
            extra=Frozen({n: c[order] for n, c in zip(self._extra, extra, strict=True)}),
            patterns=self.patterns,
            paths=self._paths,
            ahead=self._ahead,
        )

    def looking_ahead(self, find: Callable[[Warehouse, str], Ahead]) -> "FrameSummary":
        """The same customers by what is to come: ``find`` has it of a table with pattern."""
        warehouse, name = DuckDBWarehouse(), fresh("summary")
        own = self.frame[["customer_id", "pattern"]].assign(place=np.arange(len(self.frame)))
        warehouse.register(name, pa.Table.from_pandas(own, preserve_index=False))
        found = find(warehouse, name)
        sql = f"SELECT a.path FROM {name} s JOIN {found.table} a USING (customer_id) ORDER BY place"
        number = warehouse.frame(sql)["path"].to_numpy(np.int64)
        names = [] if self.patterns is None else list(self.patterns.names)
        frame = self.frame.drop(columns=names).assign(ahead=number)
        facts = (self._unit, self._last_day, found.patterns, self._paths, found.paths)
        more = self._extra[len(self._known) :]
        return FrameSummary(frame, *facts, more, self.recalls, self.counts_first)

    def counting_first(self, mean: np.ndarray) -> "FrameSummary":
        """The same customers, their mean spends with first purchases, shape (n_customers,)."""
        found = copy(self)
        found.frame = self.frame.assign(monetary_value=mean)
        found.counts_first = True
        return found

    def gap_days(self) -> pd.DataFrame | None:
        """None: a summary does not say when purchases came."""
        return None

    def spend_of_cells(self) -> np.ndarray:
        """The sum of customers' mean spends, none below zero, per cell of ``cells()``."""
        spend = self.frame.assign(spend=self.frame["monetary_value"].clip(lower=0.0))
        by_cell = spend.groupby([*_HISTORY, *self._extra])["spend"].sum()
        return by_cell.to_numpy(np.float64)

    def sample(self, rows: int) -> pd.DataFrame:
        """Rows of ``frame``: the same at every call, and no more related than by chance."""
        return self.frame.sample(min(rows, len(self.frame)), random_state=0)

    def spend_cells(self) -> SpendCells:
        """Repeat customers by spending."""
        repeaters = self.frame[self.frame["frequency"] > 0]
        spenders = repeaters[repeaters["monetary_value"] > 0]
        extra = self._known[:1]
        found = spenders.groupby(["frequency", "monetary_value", *extra]).size()
        return SpendCells(
            frequency=found.index.get_level_values(0).to_numpy(np.float64),
            monetary_value=found.index.get_level_values(1).to_numpy(np.float64),
            weight=found.to_numpy(np.int64),
            left_out=len(repeaters) - len(spenders),
            extra=Frozen({name: found.index.get_level_values(name).to_numpy() for name in extra}),
            patterns=self.patterns,
        )

    def write_scored(
        self,
        cells: pd.DataFrame,
        expressions: Mapping[str, str],
        path: str | Path,
        metadata: Mapping[str, str],
    ) -> int:
        """Join the customers with a table of their cells, write that, and count the rows."""
        own, warehouse = self.cells(), DuckDBWarehouse()
        keyed = own.keyed_as(self.frame)
        customers = self.frame.assign(**{name: keyed[name] for name in own.keys})
        warehouse.register("customers", pa.Table.from_pandas(customers, preserve_index=False))
        assert_covered(cells, own)
        with stage(f"Writing {counted(len(self.frame), 'customer')}"):
            write_scored(
                warehouse, "SELECT * FROM customers", cells, own.keys, expressions, path, metadata
            )
        return len(self.frame)
