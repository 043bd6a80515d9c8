"""A clock as a document of text and numbers, and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.terms import Events, Regressors, Season, Term, Trend, Weekday

_KINDS = {kind.__name__: kind for kind in (Season, Trend, Weekday, Events, Regressors)}
_ARRAYS = ("values", "centre", "scale")


def clock_document(clock: Steady | Calendar | None) -> dict[str, Any] | None:
    """A clock in JSON's own types; None for a steady one, which its unit says."""
    if not isinstance(clock, Calendar):
        return None
    return {
        "first_day": clock.first_day,
        "last_day": clock.last_day,
        "terms": [
            {"kind": type(term).__name__}
            | {part.name: _plain(getattr(term, part.name)) for part in fields(term)}  # type: ignore[arg-type]
            for term in clock.terms
        ],
        "effects": clock.effects.tolist(),
    }


def clock_of(document: Mapping[str, Any] | None, unit: str) -> Steady | Calendar | None:
    """The inverse of `clock_document`.

    Raises
    ------
    ValueError
        If it is no clock's document.
    """
    if document is None:
        return Steady(unit) if unit else None
    try:
        terms = tuple(_term(dict(term)) for term in document["terms"])
        return Calendar(
            unit,
            int(document["first_day"]),
            int(document["last_day"]),
            terms,
            np.array(document["effects"], float),
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("it is no clock") from error


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _term(said: dict[str, Any]) -> Term:
    kind = said.pop("kind")
    for name, value in said.items():
        if name in _ARRAYS:
            said[name] = np.array(value, float)
        elif name == "labels":
            said[name] = tuple(map(str, value))
        elif name == "spans":
            said[name] = tuple(tuple((int(a), int(b)) for a, b in its) for its in value)
    return _KINDS[kind](**said)
