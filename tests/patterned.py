"""Customers of whom something is known, made by hand: summaries with patterns, and cells."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from predclv.samples.cells import Cells
from predclv.samples.patterns import Patterns
from predclv.samples.spend import SpendCells
from predclv.summaries.framed import FrameSummary


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PatternedSpend(SpendCells):
    extra: dict = field(default_factory=dict)
    patterns: Patterns | None = None


class PatternedSummary(FrameSummary):
    def __init__(self, frame, unit, last_day, patterns):
        super().__init__(frame, unit, last_day)
        self._patterns = patterns

    def cells(self):
        by = ["frequency", "recency", "T", "pattern"]
        found = self.frame.groupby(by).size().reset_index(name="weight")
        return Cells(
            *(found[name].to_numpy(float) for name in by[:3]),
            found["weight"].to_numpy(),
            self._unit,
            last_day=self._last_day,
            extra={"pattern": found["pattern"].to_numpy(np.int64)},
            patterns=self._patterns,
        )

    def spend_of_cells(self):
        spend = self.frame.assign(spend=self.frame["monetary_value"].clip(lower=0.0))
        by = ["frequency", "recency", "T", "pattern"]
        return spend.groupby(by)["spend"].sum().to_numpy(np.float64)

    def spend_cells(self):
        spenders = self.frame[(self.frame["frequency"] > 0) & (self.frame["monetary_value"] > 0)]
        by = ["frequency", "monetary_value", "pattern"]
        found = spenders.groupby(by).size().reset_index(name="weight")
        return PatternedSpend(
            found["frequency"].to_numpy(float),
            found["monetary_value"].to_numpy(float),
            found["weight"].to_numpy(),
            0,
            extra={"pattern": found["pattern"].to_numpy(np.int64)},
            patterns=self._patterns,
        )


def with_covariates(rfm, table, levels=None):
    """The summary, its customers in patterns of the table's columns after customer_id."""
    names = [name for name in table.columns if name != "customer_id"]
    levels = levels or {
        name: tuple(table[name].value_counts().index)
        for name in names
        if not pd.api.types.is_numeric_dtype(table[name])
    }
    own = rfm.frame.merge(table, on="customer_id", how="left", validate="one_to_one")
    frame = own[names].drop_duplicates().sort_values(names).reset_index(drop=True)
    codes = own[names].merge(frame.assign(pattern=np.arange(len(frame))), on=names, how="left")
    frame = frame.astype({name: float for name in names if name not in levels})
    kept = rfm.frame.assign(pattern=codes["pattern"].to_numpy(np.int64))
    patterns = Patterns(frame, levels)
    summary = PatternedSummary(kept, rfm.unit, rfm.cells().last_day, patterns)
    return replace(rfm, _summary=summary)
