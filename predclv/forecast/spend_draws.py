"""Draws of what customers spend, for intervals: by class of customers known equally well."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.draws import fewer, many_free
from predclv.forecast.revenue import log_quantile_curves, scale_of
from predclv.models.spend import SpendModel
from predclv.samples.patterns import Patterns

SPEND_DRAWS = 7
# Up to which standard deviation of the log of the ratio of two patterns' scales they are one class:
# with all in one, 5% beyond a bound were 5.1% where it was .18, and 5.02% where it was .08. And how
# many classes there may be before patterns less alike are one.
_ALIKE = 0.1
_MOST = 50


@dataclass(frozen=True, slots=True, eq=False)
class SpendDraws:
    """What customers spend, as it may be: a model with draws for each class of customers.

    Customers of a class may spend more than others of it, but by a ratio that is known: what is
    not known of their spend is the same.

    Attributes
    ----------
    models : tuple of SpendModel
        Of the most common pattern of each class, its parameters draws, (draws, 1).
    of_cell : ndarray of int, shape (n_cells,), or None
        The class of each cell; None where spend has no covariates.
    scale : ndarray, shape (n_cells,), or ()
        In the middle of the draws.
    """

    models: tuple[SpendModel, ...]
    of_cell: NDArray | None
    scale: NDArray

    @classmethod
    def of(
        cls,
        fit: Fit,
        rng: np.random.Generator,
        patterns: Patterns | None,
        pattern: NDArray | None,
    ) -> Self:
        """Those of a fit, for cells in these patterns, shape (n_cells,)."""
        space = fit.model.space()
        many, own = many_free(fit, SPEND_DRAWS, rng)[0], len(space.names)

        def model(free: NDArray) -> SpendModel:
            few = space.parameters_at(fewer(free, SPEND_DRAWS, rng)[0])
            kind: Any = type(fit.model)
            found: SpendModel = kind(*few.T[:, :, None])
            return found

        if fit.covariates is None or patterns is None:
            only = model(many)
            return cls((only,), None, np.array(scale_of(only)))
        assert pattern is not None
        occurring, place, cells = np.unique(pattern, return_inverse=True, return_counts=True)
        rows, effects = fit.covariates.matrix(patterns)[occurring], many[:, own:]
        signs = fit.covariates.signs(type(fit.model))
        log_ratio = rows * signs.sum(axis=0)  # in effects: they act on the scale alone
        first, of_pattern = _classes(log_ratio, np.atleast_2d(np.cov(effects.T)), cells)
        models = tuple(model(many[:, :own] + effects @ (rows[z] * signs).T) for z in first)
        ratio = np.exp((log_ratio - log_ratio[first][of_pattern]) @ effects.mean(axis=0))
        scale = np.array([scale_of(each) for each in models])[of_pattern] * ratio
        return cls(models, of_pattern[place], scale[place])

    def log_quantile_curves(
        self,
        cells: slice,
        probabilities: NDArray,
        counts: NDArray,
        beyonds: tuple[float, ...],
        x: float,
        worth: NDArray | None = None,
    ) -> NDArray:
        """As `revenue.log_quantile_curves`, of cells of one frequency, (beyonds, 3, m)."""
        if self.of_cell is None:
            return log_quantile_curves(probabilities, counts, x, self.models[0], beyonds, worth)
        own = self.of_cell[cells]
        found = np.empty((len(beyonds), 3, own.size))
        for which in np.unique(own):
            rows = np.flatnonzero(own == which)
            found[:, :, rows] = log_quantile_curves(
                probabilities[rows], counts, x, self.models[which], beyonds, worth
            )
        return found


def _classes(log_ratio: NDArray, covariance: NDArray, cells: NDArray) -> tuple[NDArray, NDArray]:
    """Patterns whose scales' ratio is as good as known, together.

    Parameters
    ----------
    log_ratio : ndarray, shape (n_patterns, k)
        How the log of each one's scale depends on the effects.
    covariance : ndarray, shape (k, k)
        Of the effects.
    cells : ndarray of int, shape (n_patterns,)
        How common each is.

    Returns
    -------
    first : ndarray of int, shape (n_classes,)
        The most common pattern of each class.
    of_pattern : ndarray of int, shape (n_patterns,)
        The class of each pattern.
    """
    sizes, directions = np.linalg.eigh(covariance)
    at = log_ratio @ (directions * np.sqrt(np.maximum(sizes, 0.0)))  # distances are deviations
    order, alike = np.argsort(-cells, kind="stable"), _ALIKE
    while True:
        first: list[int] = []
        of_pattern = np.full(len(at), -1)
        for z in order:
            if of_pattern[z] < 0:
                near = np.linalg.norm(at - at[z], axis=1) <= alike
                of_pattern[near & (of_pattern < 0)] = len(first)
                first.append(int(z))
                if len(first) > _MOST:
                    break
        if len(first) <= _MOST:
            return np.array(first), of_pattern
        alike *= 1.5
