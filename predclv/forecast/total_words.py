"""Totals in words: whole numbers with their intervals, and what these hold."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from predclv.money import total_in_words

CHANCE_ONLY = "chance and parameters only"
"""What the interval of a total holds unless it is widened, for the places that print one."""

OF_A_POOL = "chance, parameters and which member is right"

_NAMES = ("purchases", "discounted_purchases", "revenue", "clv", "buyers")
_ENDS = ("_lower", "_upper", "_budget_lower", "_budget_upper")
_PARTS = [f"{name}{part}" for name in _NAMES for part in ("", *_ENDS)]


class Total(pd.Series):
    """A Series of totals, printed as whole numbers with their intervals.

    ``attrs["holds"]``, what the intervals hold, ends its text; ``attrs["currency"]`` is shown.
    """

    @property
    def _constructor(self) -> Any:
        return Total

    def __repr__(self) -> str:
        if self.index.isin(_PARTS).all() and self.index.is_unique and self.dtype.kind == "f":
            told = in_words(self, names=_NAMES)
            if set(told) | {f"{name}{end}" for name in told for end in _ENDS} >= set(self.index):
                width = max(map(len, told), default=0)
                budget = in_words(self, list(told), "_budget")
                shown = "\n".join(
                    f"{name:{width}}  {text}{_for_a_budget(budget[name])}"
                    for name, text in told.items()
                )
                return "\n".join([shown, *filter(None, [self.attrs.get("holds")])])
        return "\n".join([super().__repr__(), *filter(None, [self.attrs.get("holds")])])


def in_a_sentence(total: pd.Series) -> str:
    """Purchases, revenue and clv, or discounted purchases where there is nothing else.

    Examples
    --------
    >>> in_a_sentence(pd.Series({"purchases": 912.4, "clv": 5009.8, "clv_lower": 4000.0,
    ...                          "clv_upper": 6000.2}))
    '912 purchases, 5,010 clv (4,000 to 6,000)'

    With the interval for a budget, where there is one:

    >>> in_a_sentence(pd.Series({"clv": 5009.8, "clv_lower": 4000.0, "clv_upper": 6000.2,
    ...                          "clv_budget_lower": 3000.0, "clv_budget_upper": 8000.0}))
    '5,010 clv (4,000 to 6,000; for a budget 3,000 to 8,000)'
    """
    names = [name for name in ("purchases", "revenue", "clv") if name in total]
    told = in_words(total, names or ["discounted_purchases"])
    for name, text in in_words(total, list(told), "_budget").items():
        if wider := _for_a_budget(text):
            told[name] = f"{told[name].removesuffix(')')}{wider})"
    parts = ((name.replace("_", " "), text.partition(" (")) for name, text in told.items())
    return ", ".join(f"{value} {name}{sign}{rest}" for name, (value, sign, rest) in parts)


def in_words(total: pd.Series, names: Sequence[str], kind: str = "") -> dict[str, str]:
    """Totals without pennies and with their interval, by name, as far as they are there.

    ``kind``: ``"_budget"`` takes the interval that allows for a future unlike the past.
    """
    told = {}
    for name in names:
        if name not in total:
            continue
        lower, upper = bounds_of(name + kind)
        has_bounds = lower in total and upper in total
        bounds = (float(total[lower]), float(total[upper])) if has_bounds else None
        currency = total.attrs.get("currency")
        told[name] = total_in_words(name, float(total[name]), bounds, currency)
    return told


def bounds_of(name: str) -> tuple[str, str]:
    """What the two ends of an interval are called."""
    return f"{name}_lower", f"{name}_upper"


def _for_a_budget(told: str) -> str:
    """The interval out of a total in words, for the end of a line."""
    _, found, interval = told.partition(" (")
    return f"; for a budget {interval.removesuffix(')')}" if found else ""


def held(total: pd.Series) -> str:
    """What the intervals of a total hold, in a few words; it has some."""
    if not any("_budget_" in name for name in total.index):
        return CHANCE_ONLY
    return f"{OF_A_POOL}, for a budget of a future unlike the past too"


def holds(level: float, source: str | None = None, has_budget: bool = False) -> str:
    """What intervals hold, in a sentence.

    Parameters
    ----------
    level : float
    source : str, optional
        What is known of a future unlike the past, where they hold that too.
    has_budget : bool
        Whether the forecast has another interval of its total, for a budget.
    """
    begin = f"The {level:.0%} intervals hold"
    if source is not None:
        return f"{begin} chance, parameters, and a future unlike the past: {source} (logs)."
    if has_budget:
        return (
            f"{begin} {OF_A_POOL}; that the future may be unlike the past, those for a budget in "
            "total() hold too."
        )
    return f"{begin} {CHANCE_ONLY}; that the future may be unlike the past, total(unlike=...) adds."


def has_budget(source: object) -> bool:
    """Whether what a forecast is made from knows how wrong totals were at earlier days."""
    return getattr(source, "errors", None) is not None
