"""A mapping that nobody changes and that can be copied, pickled and sent to another process."""

from collections.abc import Iterator, Mapping
from typing import Self


class Frozen[K, V](Mapping[K, V]):
    """A mapping that cannot be changed; unlike ``MappingProxyType`` it travels.

    Examples
    --------
    >>> counts = Frozen({"rows": 3})
    >>> counts
    {'rows': 3}
    >>> counts["rows"] = 4
    Traceback (most recent call last):
    TypeError: 'Frozen' object does not support item assignment
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[K, V]) -> None:
        self._values = dict(values)

    def __getitem__(self, key: K) -> V:
        return self._values[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __or__(self, other: Mapping[K, V]) -> dict[K, V]:
        return {**self._values, **other}

    def __repr__(self) -> str:
        return repr(self._values)

    def __reduce__(self) -> tuple[type[Self], tuple[dict[K, V]]]:
        return type(self), (self._values,)
