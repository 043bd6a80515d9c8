"""Which covariates say nothing that the others do not say already."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.samples.patterns import Patterns

_TOLERANCE = 1e-8  # of a column's length that is left when the columns before it are taken out


def follows_from(patterns: Patterns, leave_out: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """Covariates that follow from those before them by a linear rule, and from which.

    Examples
    --------
    >>> frame = pd.DataFrame({"age": [30.0, 40, 30], "decades": [3.0, 4, 3], "men": [0.0, 0, 1]})
    >>> follows_from(Patterns(frame, {}))
    {'decades': ('age',)}
    """
    kept: dict[str, NDArray] = {}
    found: dict[str, tuple[str, ...]] = {}
    for name in patterns.names:
        if name in set(leave_out):
            continue
        columns = _columns(patterns, name)
        basis = np.column_stack([np.ones((len(patterns), 1)), *kept.values()])
        left = _left(columns, basis)
        if left > 0:
            kept[name] = columns
            continue
        needed = [
            other for other in kept if _left(columns, _without(kept, other, len(patterns))) > 0
        ]
        found[name] = tuple(needed or kept)
    return found


def _without(kept: dict[str, NDArray], other: str, rows: int) -> NDArray:
    return np.column_stack([np.ones((rows, 1)), *(kept[name] for name in kept if name != other)])


def _left(columns: NDArray, basis: NDArray) -> int:
    """How many of the columns are left when the basis is taken out of them."""
    q, _ = np.linalg.qr(basis / np.maximum(np.linalg.norm(basis, axis=0), 1e-300))
    rest = columns - q @ (q.T @ columns)
    size = np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    return int(np.sum(np.linalg.norm(rest, axis=0) / size > _TOLERANCE))


def _columns(patterns: Patterns, name: str) -> NDArray:
    """A covariate in columns around 0: its number, or one for each level but the first."""
    values = patterns.frame[name]
    if name in patterns.levels:
        others = patterns.levels[name][1:]
        columns = np.column_stack([(values == level).to_numpy(float) for level in others])
        columns = columns[:, columns.any(axis=0)]
    else:
        columns = pd.Series(values).to_numpy(float)[:, None]
    return columns - columns.mean(axis=0)
