"""What is computed on first use is computed once, by whichever thread asks first."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import cached_property
from threading import RLock
from typing import Any, Self
from weakref import WeakSet


class Turn:
    """One thread at a time; in a copy, and in a forked process, nobody's turn yet."""

    def __init__(self) -> None:
        self._lock = RLock()
        _TURNS.add(self)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the others, then keep them waiting."""
        with self._lock:
            yield

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()

    def _renew(self) -> None:
        self._lock = RLock()


_TURNS: WeakSet[Turn] = WeakSet()


def _renew_all() -> None:
    for turn in list(_TURNS):
        turn._renew()


if hasattr(os, "register_at_fork"):
    # A lock that another thread held at a fork is never given back in the child.
    os.register_at_fork(after_in_child=_renew_all)


class FieldsAlone:
    """A dataclass whose copy takes its fields alone, and computes the rest again when asked."""

    def __getstate__(self) -> dict[str, Any]:
        values: Any = self
        return {part.name: getattr(self, part.name) for part in fields(values)}


class once[T](cached_property[T]):
    """A cached property of which all threads get the same answer; those that come later wait.

    Examples
    --------
    >>> class Sum:
    ...     @once
    ...     def value(self):
    ...         print("adding up")
    ...         return 3
    >>> found = Sum()
    >>> found.value + found.value
    adding up
    6
    """

    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        if instance is None:
            return self
        values, key = instance.__dict__, f"turn of {self.attrname}"
        with values.setdefault(key, Turn()).taken():
            answer = super().__get__(instance, owner)
            values.pop(key, None)
        return answer
