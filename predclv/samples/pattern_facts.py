"""Patterns of cells that are added, and patterns in the metadata of a file."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import DataError, StoreError
from predclv.frozen import Frozen
from predclv.samples.base import Sample
from predclv.samples.coding import numbered, ordered
from predclv.samples.paths import Paths, joined
from predclv.samples.patterns import Patterns


def in_one_coding[C: Sample](one: C, two: C) -> tuple[C, C, Patterns | None, Paths | None]:
    """Both cells with the patterns and paths of both, so that equal numbers are equal ones.

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
    if a is None or b is None:
        return one, two, a, None
    if a is b or a.equals(b):
        return _on_one_path(one, two, a)
    if a.names != b.names or set(a.levels) != set(b.levels):
        raise DataError(
            f"Cells with the covariates {', '.join(a.names)} and cells with {', '.join(b.names)} "
            "cannot be added: summarise both logs with the same columns, of the same kinds."
        )
    rows = pd.concat([a.frame, b.frame], ignore_index=True)
    weight = np.concatenate([_customers(one), _customers(two)])
    levels = {name: ordered(rows[name].to_numpy(object), weight) for name in a.levels}
    patterns, place = numbered(rows, levels)
    return _on_one_path(
        _renumbered(one, place[: len(a)], patterns),
        _renumbered(two, place[len(a) :], patterns),
        patterns,
    )


def _on_one_path[C: Sample](
    one: C, two: C, patterns: Patterns
) -> tuple[C, C, Patterns, Paths | None]:
    """The same with the paths of both, whose patterns are the same already."""
    a, b = getattr(one, "paths", None), getattr(two, "paths", None)
    if a is None or b is None or a is b:
        return one, two, patterns, a
    paths, of_one, of_two = joined(a, b)
    parts: list[Any] = []
    for cells, place in ((one, of_one), (two, of_two)):
        found: Any = cells
        extra = Frozen({**cells.extra, "path": place[cells.extra["path"]]})
        parts.append(replace(found, extra=extra))
    return parts[0], parts[1], patterns, paths


def _customers(cells: Sample) -> NDArray:
    """Customers of each pattern, shape (n_patterns,)."""
    assert cells.patterns is not None
    counts = np.zeros(len(cells.patterns), np.int64)
    np.add.at(counts, cells.extra["pattern"], cells.weight)
    return counts


def _renumbered[C: Sample](cells: C, place: NDArray, patterns: Patterns) -> C:
    extra = Frozen({**cells.extra, "pattern": place[cells.extra["pattern"]]})
    found: Any = cells
    paths = getattr(cells, "paths", None)
    more = {} if paths is None else {"paths": paths.renumbered(place)}
    return replace(found, extra=extra, patterns=patterns, **more)


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


def facts_of(patterns: Patterns | None, paths: Paths | None = None) -> dict[str, str]:
    """What the metadata of a file say of patterns and paths."""
    found: dict[str, Patterns | Paths | None] = {"patterns": patterns, "paths": paths}
    return {
        f"predclv.{name}": json.dumps(part.document())
        for name, part in found.items()
        if part is not None
    }


def paths_in(said: Mapping[str, str]) -> Paths | None:
    """Paths in the metadata of a file.

    Raises
    ------
    StoreError
        If the metadata are damaged.
    """
    return _read(said.get("predclv.paths"), Paths.from_document)


def patterns_in(said: Mapping[str, str]) -> Patterns | None:
    """The inverse of `facts_of`.

    Raises
    ------
    StoreError
        If the metadata are damaged.
    """
    return _read(said.get("predclv.patterns"), Patterns.from_document)


def _read[P](text: str | None, maker: Callable[[Any], P]) -> P | None:
    if text is None:
        return None
    try:
        return maker(json.loads(text))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"The file's covariates could not be read: {error}.") from error


def paths_of(tables: Mapping[str, pd.DataFrame]) -> Paths | None:
    """Paths in a table ``paths``; None where there is none.

    Raises
    ------
    StoreError
        If customers have numbers of paths that are not there.
    """
    if "paths" not in tables:
        return None
    paths = Paths.from_document({str(name): column for name, column in tables["paths"].items()})
    number = tables["customers"]["path"]
    if len(number) and not (number.min() >= 0 and number.max() < len(paths)):
        raise StoreError("Customers have numbers of paths that the file does not know.")
    return paths


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
    columns = {str(name): column.tolist() for name, column in tables["patterns"].items()}
    patterns = Patterns.from_document({"columns": columns, "levels": content["levels"]})
    number_in(tables["customers"]["pattern"].to_numpy(), patterns)
    return patterns
