"""Contracts that share parameters: those of a plan, and of a pattern of covariates in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.contracts.known import patterns_of_histories
from predclv.engines.result import Fit

_DRAWS = 2000  # of the parameters, the same ones for all patterns


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some histories and the fit that says what lies ahead of them.

    Attributes
    ----------
    plan : object
        None where there are no plans.
    known : mapping
        The covariates that the fit has effects of, with their values.
    fit : Fit
        Without covariates: at those of the part.
    rows : ndarray of int, shape (n,)
        Places of its histories.
    state : mapping of str to ndarray, each (m,)
        The distinct states among them.
    place : ndarray of int, shape (n,)
        Which state each history has.
    total : ndarray, shape (m,)
        Customers in each state.
    """

    plan: Any
    known: Mapping[str, Any]
    fit: Fit
    rows: NDArray
    state: Mapping[str, NDArray]
    place: NDArray
    total: NDArray

    def label(self, by: str | None) -> dict[str, Any]:
        """The columns that tell the part from others in a table."""
        own = {} if self.plan is None else {by or "plan": self.plan}
        return own | {name: value for name, value in self.known.items() if name not in own}


def parts_of(
    fits: Mapping[Any, Fit], by: str | None, rows: pd.DataFrame, sample: Any, names: list[str]
) -> list[Part]:
    """Histories by plan and pattern.

    Parameters
    ----------
    fits : mapping
        By plan.
    by : str or None
        The column of plans that the recipe knows.
    rows : DataFrame
        Histories with ``customers``.
    sample : Renewals or Opportunities
        Whose they are.
    names : list of str
        The columns of a state.
    """
    states, weight = rows[names].to_numpy(float), rows["customers"].to_numpy(float)
    found = []
    for plan, fit in fits.items():
        is_plan = np.ones(len(rows), bool) if by is None else (rows[by] == plan).to_numpy()
        for known, own, is_here in _by_pattern(fit, rows, sample):
            here = np.flatnonzero(is_plan & is_here)
            if not here.size:
                continue
            distinct, place = np.unique(states[here], axis=0, return_inverse=True)
            place = place.ravel()
            total = np.bincount(place, weight[here], minlength=len(distinct))
            state = dict(zip(names, distinct.T, strict=True))
            found.append(Part(plan, known, own, here, state, place, total))
    return found


def _by_pattern(
    fit: Fit, rows: pd.DataFrame, sample: Any
) -> list[tuple[Mapping[str, Any], Fit, NDArray]]:
    """Values of covariates, the fit at them, and which rows have them."""
    effects = getattr(fit, "covariates", None)
    if effects is None:
        return [({}, fit, np.ones(len(rows), bool))]
    patterns, place = patterns_of_histories(rows, "customers", sample.by, sample.patterns)
    assert patterns is not None
    assert place is not None
    names = list(dict.fromkeys(n for g in effects.groups for n in g.coding.covariates))
    values = patterns.frame[names]
    code = values.groupby(names, sort=True).ngroup().to_numpy()
    matrix = effects.matrix(patterns)
    found: list[tuple[Mapping[str, Any], Fit, NDArray]] = []
    for number in range(int(code.max()) + 1):
        first = int(np.argmax(code == number))
        known = {str(name): value for name, value in values.iloc[first].items()}
        found.append((known, fit_at(fit, matrix[first]), code[place] == number))
    return found


def fit_at(fit: Fit, row: NDArray) -> Fit:
    """The fit of contracts whose covariates have these columns (k,), without covariates.

    Draws of it are draws of the whole fit, so that those of two patterns belong together.
    """
    assert fit.covariates is not None
    kind, size = type(fit.model), len(fit.model.names())
    if fit.replicates is None:
        drawn = fit.draws(_DRAWS, seed=0)
        values = np.column_stack([drawn[name] for name in fit.params])[None]
    else:
        values = fit.replicates
    shift = (values[..., size:] * row) @ fit.covariates.signs(kind).T
    own = values[..., :size] * np.exp(shift)
    at = fit.covariates.model_at(fit.model, row[None, :])
    return replace(
        fit,
        model=kind(*(float(getattr(at, name)[0]) for name in kind.names())),
        log_covariance=np.atleast_2d(np.cov(np.log(own.reshape(-1, size)), rowvar=False)),
        undetermined=(),
        replicates=own,
        method="bootstrap" if fit.replicates is None else fit.method,
        source=None,
        covariates=None,
    )
