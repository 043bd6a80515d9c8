"""What formulas take: arrays of floats."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def floats(*arrays: ArrayLike) -> tuple[NDArray, ...]:
    """Each as an array of floats."""
    return tuple(np.asarray(array, float) for array in arrays)
