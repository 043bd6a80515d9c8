"""Models by pattern: customers of whom more is known have parameters of their own."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.errors import AssumptionWarning, DataError
from predclv.forecast.extrapolated import tell_what_is_stretched
from predclv.likelihoods.covariates import taken
from predclv.likelihoods.effects import Effects
from predclv.models.drawn_clocks import OnDrawnClocks
from predclv.notices import warn
from predclv.samples.cells import Cells
from predclv.samples.patterns import Patterns


@dataclass(frozen=True, slots=True, eq=False)
class ByPattern:
    """A model whose parameters differ between patterns of customers.

    Attributes
    ----------
    model : Model
        Its parameters of shape (n_patterns,), or (draws, n_patterns).
    effects : Effects
        Those that made it so.
    """

    model: Any
    effects: Effects

    def of(self, pattern: NDArray) -> Any:
        """The model of customers in these patterns: its parameters (n,), or (draws, n)."""
        return taken(self.model, pattern)

    def alone(self, pattern: int) -> Any:
        """The model of customers in one pattern, its parameters numbers."""
        return type(self.model)(
            **{name: float(getattr(self.model, name)[pattern]) for name in self.model.names()}
        )

    @property
    def n_draws(self) -> int:
        """How many draws of the parameters it holds; 1 where they are numbers."""
        shape = max((np.shape(getattr(self.model, name)) for name in self.model.names()), key=len)
        return shape[0] if len(shape) > 1 else 1


def model_for(model: Any, pattern: NDArray | None) -> Any:
    """The model of customers in these patterns; the model itself where all are alike."""
    if isinstance(model, OnDrawnClocks):
        return replace(model, model=model_for(model.model, pattern))
    if not isinstance(model, ByPattern):
        return model
    assert pattern is not None
    return model.of(pattern)


def spread_over(fit: Fit, model: Any, coefficients: NDArray | None, patterns: Any) -> Any:
    """A model and effects of covariates as a model by pattern; without effects the model.

    Parameters
    ----------
    fit : Fit
    model : Model
        At the estimate or at draws, (draws, 1).
    coefficients : ndarray, shape (k,) or (draws, k), or None
        The effects there; None takes the estimate.
    patterns : Patterns or None
    """
    effects = fit.covariates
    if effects is None:
        return model
    if coefficients is not None:
        effects = effects.at(coefficients)
    return ByPattern(effects.model_of(model, patterns), effects)


def estimate_of(fit: Fit, patterns: Any) -> Any:
    """The model at the estimate, by pattern where the fit has covariates."""
    return spread_over(fit, fit.model, None, patterns)


def at_free(fit: Fit, free: NDArray, patterns: Any) -> Any:
    """The model at free parameters (k,) of a fit, those of clock and covariates included."""
    own = len(fit.model.names())
    model: Any = type(fit.model).at(free[:own])
    if fit.covariates is None:
        return model
    return spread_over(fit, model, free[free.size - len(fit.covariates.names) :], patterns)


def patterns_for(fit: Fit, cells: Cells) -> Patterns | None:
    """What is known of customers, where the fit wants to know.

    Raises
    ------
    DataError
        If it does, and nothing is; or they have levels that it has not seen.
    """
    if fit.covariates is None:
        return None
    patterns = cells.patterns
    if patterns is None:
        wanted = dict.fromkeys(n for g in fit.covariates.groups for n in g.coding.covariates)
        raise DataError(
            f"{fit.model.title} was fitted with covariates, and these customers have none. "
            f"Summarise their log with {', '.join(wanted)}: "
            "pc.rfm_summary(log, static_covariates=table)."
        )
    fit.covariates.matrix(patterns)
    return patterns


def tell_what_is_carried_on(fit: Fit, spend: Fit | None, cells: Cells) -> None:
    """Check that the fits know the customers; warn of what is taken to stay, or to go on beyond.

    Raises
    ------
    DataError
        As of `patterns_for`.
    """
    for each in (fit, spend):
        if each is not None:
            patterns_for(each, cells)
    if cells.patterns is not None:
        tell_what_is_stretched((fit, spend), cells.patterns)
    changing = () if fit.covariates is None else fit.covariates.changing(cells)
    if changing:
        warn(
            f"{', '.join(changing)} changed over time; each customer's last value was carried on "
            "through the horizon. If it will change, say how: dynamic_covariates=table.",
            AssumptionWarning,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A fit's model for customers of whom more is known, whichever of them is asked about.

    Attributes
    ----------
    model : Model or ByPattern
        At the estimate.
    pattern : ndarray of int, shape (n_cells,), or None
        Of the cells; None where all customers are alike to the fit.
    """

    model: Any
    pattern: NDArray | None

    @classmethod
    def of(cls, fit: Fit, cells: Cells) -> "Known":
        """Of the customers in these cells, as they are at the end of observation."""
        patterns = patterns_for(fit, cells)
        if patterns is None:
            return cls(fit.model, None)
        return cls(estimate_of(fit, patterns), np.asarray(cells.extra["pattern"], np.int64))

    def at(self, cells: NDArray | slice = slice(None)) -> Any:
        """The model of customers in these cells: its parameters numbers, or one per cell."""
        return model_for(self.model, None if self.pattern is None else self.pattern[cells])

    @property
    def patterns(self) -> tuple[int | None, ...]:
        """The patterns that occur, None for all customers alike."""
        return (None,) if self.pattern is None else tuple(np.unique(self.pattern).tolist())

    def alone(self, pattern: int | None) -> Any:
        """The model of customers in one pattern, its parameters numbers."""
        if pattern is None:
            return self.model
        return self.model.alone(pattern)

    def mixture(self, weight: NDArray) -> list[tuple[float, Any]]:
        """Shares of the customers, and the model of each, its parameters numbers.

        Parameters
        ----------
        weight : ndarray, shape (n_cells,)
            Customers of each cell.
        """
        if self.pattern is None:
            return [(1.0, self.model)]
        customers = np.bincount(self.pattern, weight)
        return [(float(customers[z] / weight.sum()), self.alone(z)) for z in self.patterns]
