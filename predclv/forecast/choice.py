"""Which model of purchases was picked for a forecast, and on what evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Choice:
    """Which model of purchases was picked, and why.

    Attributes
    ----------
    model : str
        Its public name.
    frame : DataFrame
        Index model, best first; columns log_score (mean of ``-log P(actual purchases)`` per
        customer over all origins; smaller is better), difference (to the best), std_error (of
        that difference, customers taken as independent), and one column per origin. A model that
        could not be fitted at an origin has none.
    reason : str
        What was picked and why, in a sentence.
    doubts : tuple of str
        What the fits at the origins warned of.
    """

    model: str
    frame: pd.DataFrame
    reason: str
    doubts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Choice: {self.reason}"

    def document(self) -> dict[str, Any]:
        """The choice as a document of text and numbers; its table is `frame`."""
        return {"model": self.model, "reason": self.reason, "doubts": list(self.doubts)}

    @classmethod
    def from_document(cls, content: Mapping[str, Any], frame: pd.DataFrame) -> Self:
        """The inverse of `document`."""
        return cls(content["model"], frame, content["reason"], tuple(content["doubts"]))
