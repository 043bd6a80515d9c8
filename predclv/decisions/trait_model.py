"""What traits say of a number, learnt on some customers and checked on others.

The only file here that knows scikit-learn.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from predclv.decisions.traits import MISSING, Traits
from predclv.streams import generator

FOLDS = 5
_REPEATS = 5
_BOOTSTRAPS = 400


class Learnt(NamedTuple):
    """Models of a number by traits, one per fold, and what they said of customers they never saw.

    Attributes
    ----------
    models : list
        One per fold.
    fold : ndarray of int, shape (n,)
        The fold in which each customer was left out.
    predicted : ndarray, shape (n,)
        By the model that did not see the customer.
    baseline : ndarray, shape (n,)
        The mean of those whom that model saw.
    columns : list of str
    codes : dict
        For each trait of categories, its levels in the order of their codes.
    """

    models: list[Any]
    fold: NDArray
    predicted: NDArray
    baseline: NDArray
    columns: list[str]
    codes: dict[str, list[str]]

    def of_others(self, traits: Traits) -> NDArray:
        """The mean of the models for other people with traits, (n,)."""
        design = _design(traits, self.codes)
        return np.mean([model.predict(design) for model in self.models], axis=0)


def learnt(traits: Traits, value: NDArray, weight: NDArray, seed: int | None) -> Learnt:
    """Boosted trees of ``value`` by traits, in five folds.

    With Poisson's deviance, under which a mean is a mean however skewed the values, and a multiple
    counts the same for small and large ones. Few leaves and a slow pace: traits say little, and a
    model that learns chance by heart says less.

    Parameters
    ----------
    traits : Traits
    value : ndarray, shape (n,)
        At least 0.
    weight : ndarray, shape (n,)
    seed : int or None
        Of the folds.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    n = value.size
    rng = generator(seed)
    fold = rng.permutation(np.arange(n) % FOLDS)
    codes = {
        str(name): sorted(set(traits.levels[name]) - {MISSING}, key=str)
        for name in traits.levels
        if name not in traits.numbers
    }
    design = _design(traits, codes)
    columns = [str(name) for name in traits.levels]
    is_category = np.array([name in codes for name in traits.levels])
    scale = float(np.average(value, weights=weight)) or 1.0
    predicted, baseline, models = np.empty(n), np.empty(n), []
    for left_out in range(FOLDS):
        seen = fold != left_out
        model = HistGradientBoostingRegressor(
            loss="poisson",
            learning_rate=0.05,
            max_iter=60,
            max_leaf_nodes=4,
            min_samples_leaf=max(20, int(0.02 * n)),
            l2_regularization=1.0,
            categorical_features=is_category,
            early_stopping=False,
            random_state=0,
        )
        with threadpool_limits(1):  # small trees: threads wait for each other longer than they work
            model.fit(design[seen], value[seen] / scale, sample_weight=weight[seen])
        scaled = _Scaled(model, scale)
        models.append(scaled)
        predicted[~seen] = scaled.predict(design[~seen])
        baseline[~seen] = np.average(value[seen], weights=weight[seen])
    return Learnt(models, fold, predicted, baseline, columns, codes)


class _Scaled(NamedTuple):
    model: Any
    scale: float

    def predict(self, design: NDArray) -> NDArray:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            return self.scale * np.asarray(self.model.predict(design), float)


def _design(traits: Traits, codes: dict[str, list[str]]) -> NDArray:
    columns = []
    for name in traits.levels:
        if name in codes:
            place = pd.Index(codes[name]).get_indexer(pd.Index(traits.levels[name])).astype(float)
            columns.append(np.where(place < 0, np.nan, place))
        else:
            columns.append(traits.numbers[name].to_numpy(float))
    return np.column_stack(columns)


def explained(
    found: Learnt, value: NDArray, level: float, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Share of the variance of ``value`` that traits explain of customers not seen, with interval.

    Below 0 where the traits say less than the mean does. The interval is over customers
    (bootstrap).
    """
    left, without = (value - found.predicted) ** 2, (value - found.baseline) ** 2
    drawn = rng.integers(value.size, size=(_BOOTSTRAPS, value.size))
    shares = 1.0 - left[drawn].sum(axis=1) / without[drawn].sum(axis=1)
    lower, upper = np.quantile(shares, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    total = float(without.sum())
    return (1.0 - float(left.sum()) / total if total > 0 else 0.0), float(lower), float(upper)


def importances(
    found: Learnt, traits: Traits, value: NDArray, level: float, rng: np.random.Generator
) -> pd.DataFrame:
    """How much of what is explained is lost when a trait is dealt out anew among customers.

    In customers whom the model did not see, five deals in each of five folds. Folds share most of
    their customers, which the interval allows for (Nadeau & Bengio 2003).

    Returns
    -------
    DataFrame
        The most important first: trait, importance (share of the variance of value), lower, upper,
        spread (standard deviation of the deals).
    """
    design = _design(traits, found.codes)
    rows = []
    for place, name in enumerate(found.columns):
        lost = np.empty((FOLDS, _REPEATS))
        for left_out, model in enumerate(found.models):
            mask = found.fold == left_out
            mine, y = design[mask], value[mask]
            total = float(((y - found.baseline[mask]) ** 2).sum())
            before = float(((y - found.predicted[mask]) ** 2).sum())
            for deal in range(_REPEATS):
                dealt = mine.copy()
                dealt[:, place] = rng.permutation(dealt[:, place])
                after = float(((y - model.predict(dealt)) ** 2).sum())
                lost[left_out, deal] = (after - before) / total if total > 0 else 0.0
        rows.append((name, *_over_folds(lost.mean(axis=1), level), float(lost.std())))
    table = pd.DataFrame(rows, columns=["trait", "importance", "lower", "upper", "spread"])
    return table.sort_values("importance", ascending=False, ignore_index=True)


def dependence(found: Learnt, traits: Traits, name: str, level: float) -> pd.DataFrame:
    """Expected value if everybody had a level of a trait and were otherwise who they are.

    Returns
    -------
    DataFrame
        One row per level: level, customers, expected, lower, upper (over folds).
    """
    design, place = _design(traits, found.codes), found.columns.index(name)
    words = traits.levels[name]
    rows = []
    for word in words.value_counts().index:
        mask = words.eq(word).to_numpy()
        of_level = design[mask, place]
        typical = of_level[0] if name in found.codes else float(np.median(of_level))
        means = []
        for left_out, model in enumerate(found.models):
            mine = design[found.fold == left_out].copy()
            mine[:, place] = typical
            means.append(float(model.predict(mine).mean()))
        at = np.nan if name in found.codes else typical
        rows.append((word, int(mask.sum()), at, *_over_folds(np.array(means), level)))
    table = pd.DataFrame(rows, columns=["level", "customers", "at", "expected", "lower", "upper"])
    return table.sort_values("at", kind="stable", ignore_index=True).drop(columns="at")


def _over_folds(values: NDArray, level: float) -> tuple[float, float, float]:
    """The mean of a number over folds and its interval, which knows that folds share customers."""
    error = float(np.sqrt((1.0 / FOLDS + 1.0 / (FOLDS - 1)) * values.var(ddof=1)))
    reach, mean = float(stdtrit(FOLDS - 1, 0.5 + 0.5 * level)) * error, float(values.mean())
    return mean, mean - reach, mean + reach
