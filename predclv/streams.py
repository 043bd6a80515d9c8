"""Random streams: each use of a seed has a number of its own, so that no two draw alike.

A forecast has one seed. Whatever of it is simulated is so on first use, in any order and from any
thread, and is the same each time: so it cannot be drawn from one generator that goes on.
"""

from enum import IntEnum

import numpy as np


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
