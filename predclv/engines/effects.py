"""What covariates come to: newcomers at each level, and the multipliers behind them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.engines.search import one_thread
from predclv.errors import OptionError
from predclv.models.purchases import PurchaseModel
from predclv.units import horizon_in

_DRAWS = 4000
_STEP = 1e-3  # of free parameters, in a derivative
_BY = ("covariate", "level")


def effects_table(fit: Any, horizon: Any, level: float, seed: int | None) -> pd.DataFrame:
    """What `Fit.effects` gives, for a level that is checked."""
    asked_of(fit, "effects")
    found = of_targets(fit, seed, level)
    if isinstance(fit.model, PurchaseModel):
        t = horizon_in(horizon, fit.unit)
        estimate, draws = newcomers_at_levels(fit, t, 0.0, seed)
        found["purchases"] = estimate[:-1]
        ends = np.quantile(draws[:, :-1], [0.5 - level / 2, 0.5 + level / 2], axis=0)
        found["purchases_lower"], found["purchases_upper"] = ends
        found.attrs["typical"] = float(estimate[-1])
    found.attrs["level"] = level
    return found


def newcomers_at_levels(
    fit: Any, t: float, delta: float, seed: int | None
) -> tuple[NDArray, NDArray]:
    """Expected discounted repeat purchases of newcomers at each level, otherwise typical.

    On a clock a horizon is of average days.

    Parameters
    ----------
    fit : Fit
        Of purchases.
    t, delta : float
        Horizon and continuous discount rate in the fit's unit.
    seed : int or None
        Of the draws.

    Returns
    -------
    estimate : ndarray, shape (levels + 1,)
        The last is of a typical one; without covariates the only.
    draws : ndarray, shape (draws, levels + 1)
    """
    return drawn_amounts(
        fit, lambda free: _models(fit, free).discounted_purchases(np.full(1, t), delta), seed
    )


def spend_at_levels(fit: Any, seed: int | None) -> tuple[NDArray, NDArray]:
    """Mean spend of newcomers at each level, otherwise typical; as `newcomers_at_levels`."""
    return drawn_amounts(fit, lambda free: _models(fit, free).mean, seed)


@one_thread()
def drawn_amounts(
    fit: Any, amounts: Callable[[NDArray], Any], seed: int | None
) -> tuple[NDArray, NDArray]:
    """Positive amounts at the estimate, (n,), and at draws of the parameters, (draws, n).

    The latter to first order in the logarithms, which is what an interval needs and a thousand
    times as fast as asking each draw.
    """
    at, away = draws_away(fit, _DRAWS, seed)
    estimate = np.atleast_1d(np.asarray(amounts(at), float))
    slopes = [
        np.atleast_1d(np.log(amounts(at + step)) - np.log(amounts(at - step))) / (2 * _STEP)
        for step in _STEP * np.eye(at.size)
    ]
    return estimate, estimate * np.exp(away @ np.array(slopes))


def draws_away(fit: Any, n: int, seed: int | None) -> tuple[NDArray, NDArray]:
    """Free parameters at the estimate, (k,), and how far draws are from them, (n, k)."""
    space = fit.space
    at = space.free_at(np.array(list(fit.params.values())))
    draws = fit.draws(n, seed=seed)
    return at, space.free_at(np.column_stack([draws[name] for name in space.names])) - at


def _models(fit: Any, free: NDArray) -> Any:
    """The model of a customer at each level, and of a typical one, at free parameters (k,)."""
    own = len(fit.model.names())
    model = type(fit.model).at(free[:own])
    if fit.covariates is None:
        return model
    rows = np.vstack([fit.covariates.rows(), fit.covariates.row_of({})])
    effects = fit.covariates.at(free[free.size - rows.shape[1] :])
    return effects.model_at(model, rows)


def of_targets(fit: Any, seed: int | None, level: float) -> pd.DataFrame:
    """Multipliers of each thing that covariates act on, against a typical customer.

    Returns
    -------
    DataFrame
        Index covariate and level; for each of rate, leaving or spend that the fit has covariates
        of, its multiplier, with ``_lower`` and ``_upper``; NaN for what does not act on it.
    """
    effects = fit.covariates
    rows, typical = effects.rows(), effects.row_of({})
    draws = fit.draws(_DRAWS, seed=seed)
    drawn = np.column_stack([draws[name] for name in effects.names])
    columns: dict[str, NDArray] = {}
    for target in dict.fromkeys(t for group in effects.groups for t in group.acts_on):
        away = (rows - typical) * effects.acts(target)
        ends = np.quantile(drawn @ away.T, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        acted = {n for g in effects.groups if target in g.acts_on for n in g.coding.covariates}
        known = np.where([name in acted for name, _ in effects.levels], 0.0, np.nan)
        columns[target] = np.exp(away @ effects.coefficients + known)
        columns[f"{target}_lower"], columns[f"{target}_upper"] = np.exp(ends + known)
    return pd.DataFrame(columns, index=index_of(effects))


def index_of(effects: Any) -> pd.MultiIndex:
    """Covariates and their levels."""
    return pd.MultiIndex.from_tuples(effects.levels, names=_BY)


def asked_of(fit: Any, what: str) -> None:
    """Raise OptionError unless the fit has effects of covariates."""
    if fit.covariates is None:
        raise OptionError(
            f"{what} wants a fit with covariates: pc.fit(model, rfm, covariates={{'rate': "
            "['channel']}})."
        )
