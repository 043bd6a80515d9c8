"""Arrays with few distinct values: functions are taken once a value and spread over the array."""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Levels(np.ndarray):
    """An array that knows its distinct values; else an array of floats like any other.

    The values are looked for on first use. Cheapest where the array is sorted, as the frequencies
    of cells are. Do not change it in place.

    Examples
    --------
    >>> ages = Levels([2.0, 2.0, 5.0])
    >>> ages.values.tolist(), ages.collect(np.array([1.0, 2.0, 3.0])).tolist()
    ([2.0, 5.0], [3.0, 3.0])
    >>> ages.each(np.square).tolist()
    [4.0, 4.0, 25.0]
    """

    def __new__(cls, array: ArrayLike) -> "Levels":
        """The array itself, if it is one of these already."""
        if isinstance(array, Levels):
            return array
        return np.asarray(array, float).view(cls)

    @classmethod
    def coded(cls, values: NDArray, codes: NDArray) -> "Levels":
        """``values[codes]``, where somebody knows already which elements are equal.

        Values need not be ascending, nor all different: whoever changes the values of codes that
        stay, as a clock does with times, saves the search for distinct ones.

        Examples
        --------
        >>> Levels.coded(np.array([3.0, 1.0]), np.array([0, 1, 1])).tolist()
        [3.0, 1.0, 1.0]
        """
        array = cls(np.asarray(values, float)[codes])
        array.__dict__["_found"] = values, codes, None, None
        return array

    @cached_property
    def _found(self) -> tuple[NDArray, NDArray, NDArray | None, NDArray | None]:
        values, codes = np.unique(np.asarray(self), return_inverse=True)
        if codes.size and np.all(codes[1:] >= codes[:-1]):
            starts = np.searchsorted(codes, np.arange(values.size))
            return values, codes, starts, np.diff(starts, append=codes.size)
        return values, codes, None, None

    @property
    def values(self) -> NDArray:
        """The distinct values, ascending unless they were coded."""
        return self._found[0]

    @property
    def codes(self) -> NDArray:
        """Where each element stands among the values."""
        return self._found[1]

    def spread(self, per_value: NDArray) -> NDArray:
        """One number per distinct value, laid out along the array."""
        _, codes, _, lengths = self._found
        return per_value[codes] if lengths is None else np.repeat(per_value, lengths)

    def each(self, function: Callable[[NDArray], NDArray]) -> NDArray:
        """``function`` of every element, called on the distinct values."""
        return self.spread(function(self.values))

    def collect(self, weights: NDArray) -> NDArray:
        """Weights summed per distinct value."""
        values, codes, starts, _ = self._found
        if starts is not None:
            return np.add.reduceat(weights, starts)
        return np.bincount(codes, weights=weights, minlength=values.size)

    def remembered(
        self, name: str, sources: tuple[NDArray, ...], make: Callable[[], NDArray]
    ) -> NDArray:
        """``make()``, kept here under a name for as long as the very same arrays are its sources.

        A fit asks hundreds of times for what its parameters do not change, such as the customers
        at each value.
        """
        kept = self.__dict__.get(name)
        if kept is None or any(a is not b for a, b in zip(kept[0], sources, strict=True)):
            kept = self.__dict__[name] = sources, make()
        return kept[1]

    def counted(self, weights: NDArray) -> NDArray:
        """``collect``, remembered for the last weights."""
        return self.remembered("_counted", (weights,), lambda: self.collect(weights))
