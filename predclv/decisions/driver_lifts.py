"""How often a level of a trait is found among the most valuable customers, and among all."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from predclv.decisions.adjusted import level_of_all
from predclv.decisions.traits import Traits

NO_LIFT = "no difference that chance would not make"


def lifts(traits: Traits, value: NDArray, top: float, level: float) -> pd.DataFrame:
    """Each level's share among the most valuable, over its share among all.

    All levels are looked at, so their intervals hold all together (Šidák).

    Returns
    -------
    DataFrame
        The largest lift first, the real ones before the others: trait, level, customers,
        share_of_top, share_of_all, lift, lift_lower, lift_upper, mean_value, verdict.
    """
    n_top = max(round(top * value.size), 1)
    order = np.argsort(-value, kind="stable")
    is_top = np.zeros(value.size, bool)
    is_top[order[:n_top]] = True
    rows = []
    for name in traits.levels:
        levels = traits.levels[name]
        for word in levels.value_counts().index:
            mask = levels.eq(word).to_numpy()
            counts = int(mask.sum()), int((mask & is_top).sum())
            rows.append((name, str(word), *counts, float(value[mask].mean())))
    table = pd.DataFrame(rows, columns=["trait", "level", "customers", "in_top", "mean_value"])
    inside, size = table["in_top"].to_numpy(float), table["customers"].to_numpy(float)
    n = float(value.size)
    lift = (inside / n_top) / (size / n)
    z = float(ndtri(0.5 + 0.5 * level_of_all(level, _comparisons(traits))))
    lower, upper = _bounds(inside, size, float(n_top), n, z)
    found = pd.DataFrame(
        {
            "trait": table["trait"],
            "level": table["level"],
            "customers": table["customers"],
            "share_of_top": inside / n_top,
            "share_of_all": size / n,
            "lift": lift,
            "lift_lower": lower,
            "lift_upper": upper,
            "mean_value": table["mean_value"],
        }
    )
    found["verdict"] = np.select(
        [lower > 1.0, upper < 1.0], ["more among the best", "fewer among the best"], NO_LIFT
    )
    real = found["verdict"].ne(NO_LIFT).to_numpy()
    distance = np.abs(np.log(np.maximum(lift, 1e-3)))
    return found.iloc[np.lexsort([-distance, ~real])].reset_index(drop=True)


def _comparisons(traits: Traits) -> int:
    """How many levels are looked at; of two levels one says what the other does."""
    counts = [traits.levels[name].nunique() for name in traits.levels]
    return sum(count - 1 if count == 2 else count for count in counts if count > 1)


def _bounds(
    inside: NDArray, size: NDArray, n_top: float, n: float, z: float
) -> tuple[NDArray, NDArray]:
    """Bounds of the lift by Wilson's score interval of the share of a level who are in the top.

    A lift is ``(inside / size) / (n_top / n)``. Under no difference the number inside is
    hypergeometric, whose variance is that of a binomial times (n - size) / (n - 1): the more of all
    a level holds, the less can it differ from all.
    """
    top = n_top / n
    effective = size * (n - 1.0) / np.maximum(n - size, 1e-9)
    p = inside / size
    with np.errstate(invalid="ignore"):
        centre = (p + z**2 / (2 * effective)) / (1 + z**2 / effective)
        reach = (
            z
            * np.sqrt(p * (1 - p) / effective + z**2 / (4 * effective**2))
            / (1 + z**2 / effective)
        )
    return np.maximum(centre - reach, 0.0) / top, np.minimum(centre + reach, 1.0) / top
