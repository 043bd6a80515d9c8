"""Ids that are one person: who was merged into whom, all the way."""

from collections.abc import Iterable, Mapping
from typing import Any

from predclv.errors import DataError, some


def roots(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """The id that each merged id has in the end.

    Parameters
    ----------
    pairs : iterable of (old, new)
        Each old id once.

    Raises
    ------
    DataError
        If an old id has two new ones, or ids lead back to themselves.

    Examples
    --------
    >>> roots([("a", "b"), ("b", "c")])
    {'a': 'c', 'b': 'c'}
    """
    into: dict[Any, Any] = {}
    twice = []
    for old, new in pairs:
        if old == new:
            continue
        if into.setdefault(old, new) != new:
            twice.append(f"{old} into {into[old]} and {new}")
    if twice:
        raise DataError(
            f"An id can be merged into one other only: {some(twice)}. If all three are one person, "
            "merge the second new id into the first as well, and leave the old one as it is."
        )
    return {old: _end(old, into) for old in into}


def _end(old: Any, into: Mapping[Any, Any]) -> Any:
    seen = [old]
    while seen[-1] in into:
        seen.append(into[seen[-1]])
        if seen[-1] in seen[:-1]:
            raise DataError(f"Ids are merged in a circle: {' into '.join(map(str, seen))}.")
    return seen[-1]
