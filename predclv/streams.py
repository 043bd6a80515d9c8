"""Random streams: each use of a seed has a number of its own, so that no two draw alike.

A forecast has one seed. Whatever of it is simulated is so on first use, in any order and from any
thread, and is the same each time: so it cannot be drawn from one generator that goes on.
"""

from enum import IntEnum
from numbers import Integral

import numpy as np

from predclv.errors import OptionError


class Stream(IntEnum):
    """What a seed is used for; those of one number are never asked of the same thing."""

    EXPECTATIONS = 0
    BOUNDS = 1
    TOTALS = 2
    COUNTS = 3
    BUYERS = 4
    GROUPS = 5
    BUYERS_OF_POOL = 6
    PAYMENTS = 7


def whole_seed(seed: int | None) -> int:
    """The seed, or one drawn where there is none: of one question all parts agree.

    Raises
    ------
    OptionError
        If it is no whole number.

    Examples
    --------
    >>> whole_seed(7)
    7
    """
    if seed is None:
        return int(np.random.default_rng().integers(1 << 62))
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise OptionError(
            f"seed must be a whole number, such as 1, or None to draw afresh; got {seed!r}."
        )
    return int(seed)


def generator(seed: int | None) -> np.random.Generator:
    """The generator of a seed that one thing alone is drawn from; errors as of `whole_seed`."""
    return np.random.default_rng(whole_seed(seed) % (1 << 63))


def stream(seed: int, use: Stream) -> np.random.Generator:
    """The generator of one use of a seed.

    Examples
    --------
    >>> bool(stream(1, Stream.TOTALS).random() == stream(1, Stream.TOTALS).random())
    True
    >>> bool(stream(1, Stream.TOTALS).random() == stream(1, Stream.COUNTS).random())
    False
    """
    return np.random.default_rng([seed % (1 << 63), int(use)])
