"""Patterns of cells that are added, and patterns in the metadata of a file."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import DataError, StoreError
from predclv.frozen import Frozen
from predclv.samples.coding import numbered, ordered
from predclv.samples.patterns import Patterns


class Patterned(Protocol):
    """Cells that may have patterns."""

    weight: NDArray
    extra: Mapping[str, NDArray]
    patterns: Patterns | None

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that tell histories apart."""


def in_one_coding[C: Patterned](one: C, two: C) -> tuple[C, C, Patterns | None]:
    """Both cells with the patterns of both, so that equal numbers are equal patterns.

    Raises
    ------
    DataError
        If one has covariates that the other has not.
    """
    if one.names != two.names:
        raise DataError(
            f"Cells by {', '.join(one.names)} and cells by {', '.join(two.names)} cannot be added: "
            "summarise both logs with the same columns."
        )
    a, b = one.patterns, two.patterns
    if a is None or b is None or a is b or a.equals(b):
        return one, two, a
    if a.names != b.names or set(a.levels) != set(b.levels):
        raise DataError(
            f"Cells with the covariates {', '.join(a.names)} and cells with {', '.join(b.names)} "
            "cannot be added: summarise both logs with the same columns, of the same kinds."
        )
    rows = pd.concat([a.frame, b.frame], ignore_index=True)
    weight = np.concatenate([_customers(one), _customers(two)])
    levels = {name: ordered(rows[name].to_numpy(object), weight) for name in a.levels}
    patterns, place = numbered(rows, levels)
    return (
        _renumbered(one, place[: len(a)], patterns),
        _renumbered(two, place[len(a) :], patterns),
        patterns,
    )


def _customers(cells: Patterned) -> NDArray:
    """Customers of each pattern, shape (n_patterns,)."""
    assert cells.patterns is not None
    counts = np.zeros(len(cells.patterns), np.int64)
    np.add.at(counts, cells.extra["pattern"], cells.weight)
    return counts


def _renumbered[C: Patterned](cells: C, place: NDArray, patterns: Patterns) -> C:
    extra = Frozen({**cells.extra, "pattern": place[cells.extra["pattern"]]})
    found: Any = cells
    return replace(found, extra=extra, patterns=patterns)


def number_in(number: NDArray, patterns: Patterns) -> NDArray:
    """Numbers of patterns from a file, each of which there is.

    Raises
    ------
    StoreError
        If not.
    """
    number = np.asarray(number, np.int64)
    if number.size and not (number.min() >= 0 and number.max() < len(patterns)):
        raise StoreError("Customers have numbers of patterns that the file does not know.")
    return number


def facts_of(patterns: Patterns | None) -> dict[str, str]:
    """What the metadata of a file say of patterns."""
    if patterns is None:
        return {}
    return {"predclv.patterns": json.dumps(patterns.document())}


def patterns_in(said: Mapping[str, str]) -> Patterns | None:
    """The inverse of `facts_of`.

    Raises
    ------
    StoreError
        If the metadata are damaged.
    """
    text = said.get("predclv.patterns")
    if text is None:
        return None
    try:
        return Patterns.from_document(json.loads(text))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"The file's covariates could not be read: {error}.") from error


def levels_of(patterns: Patterns | None) -> dict[str, Any]:
    """What a document says of patterns whose rows are a table of their own."""
    return {} if patterns is None else {"levels": patterns.document()["levels"]}


def patterns_of(content: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Patterns | None:
    """The inverse, from the document and the table ``patterns``; None where there is none.

    Raises
    ------
    StoreError
        If customers have numbers of patterns that are not there.
    """
    if "levels" not in content:
        return None
    columns = {name: tables["patterns"][name].tolist() for name in tables["patterns"]}
    patterns = Patterns.from_document({"columns": columns, "levels": content["levels"]})
    number_in(tables["customers"]["pattern"].to_numpy(), patterns)
    return patterns
