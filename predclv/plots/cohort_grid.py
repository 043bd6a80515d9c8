"""Cohorts by age as a heat map shows them, and where its colours end."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WELL_BEYOND = 1.25  # times the rest: colours that end there would leave a quarter of them unused


@dataclass(frozen=True, slots=True)
class Grid:
    """Cohorts by age as a picture shows them; values are (n_cohorts, n_ages), NaN where open."""

    names: list[str]
    first_age: int
    values: NDArray
    still_open: NDArray

    @property
    def lowest(self) -> float:
        """The least value."""
        return float(np.nanmin(self.values))

    is_first_age_apart: bool

    @property
    def highest(self) -> float:
        """Where colours end: the greatest value, of all but what lies well beyond the rest."""
        return self._ends()[0]

    @property
    def beyond(self) -> list[str]:
        """What lies beyond the colours, in words."""
        return self._ends()[1]

    def _ends(self) -> tuple[float, list[str]]:
        kept, left_out = self.values, []
        others = kept[1:] if len(kept) > 1 else kept
        if self.is_first_age_apart and self._is_well_beyond(others[:, :1], others[:, 1:]):
            kept, left_out = kept[:, 1:], ["age 0, with all first purchases,"]
        if self._is_well_beyond(kept[:1], kept[1:]):
            kept = kept[1:]
            left_out.append("the first cohort, perhaps with customers from before the log,")
        return _greatest(kept), left_out

    def _is_well_beyond(self, some: NDArray, rest: NDArray) -> bool:
        highest = _greatest(rest)
        return highest > min(0.0, self.lowest) and _greatest(some) > _WELL_BEYOND * highest


def _greatest(values: NDArray) -> float:
    return float(values[np.isfinite(values)].max(initial=-np.inf))
