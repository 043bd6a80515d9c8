"""What the best scored customers brought, over an order by lot."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.decisions.newcomers import Newcomers

_DEALS = 400


def gains_of(
    score: NDArray, newcomers: Newcomers, level: float, rng: np.random.Generator
) -> pd.DataFrame:
    """What the best scored shares of customers brought, over an order by lot."""
    ratio, weight = newcomers.brought, newcomers.expected
    n = score.size
    shares = np.array([0.05, 0.1, 0.2, 0.3, 0.5])
    sizes = np.maximum(np.round(shares * n).astype(int), 1)
    jitter = rng.random(n)  # customers with equal traits have equal scores: by lot among them

    def gain(order: NDArray) -> NDArray:
        y, e = np.cumsum(ratio[order]), np.cumsum(weight[order])
        return (y[sizes - 1] / y[-1]) / (e[sizes - 1] / e[-1])

    order = np.lexsort([jitter, -score])
    found = gain(order)
    again = np.empty((_DEALS, sizes.size))
    by_lot = np.empty((_DEALS, sizes.size))
    for deal in range(_DEALS):
        again[deal] = gain(order[np.sort(rng.integers(n, size=n))])
        by_lot[deal] = gain(rng.permutation(n))
    lower, upper = np.quantile(again, [0.5 - 0.5 * level, 0.5 + 0.5 * level], axis=0)
    return pd.DataFrame(
        {
            "share": shares,
            "captured": found * shares,
            "gain": found,
            "gain_lower": lower,
            "gain_upper": upper,
            "random_upper": np.quantile(by_lot, 0.5 + 0.5 * level, axis=0),
        }
    )
