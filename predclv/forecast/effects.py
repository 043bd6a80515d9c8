"""What a newcomer is worth at each level of what is known of customers."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.engines.effects import (
    asked_of,
    index_of,
    newcomers_at_levels,
    of_targets,
    spend_at_levels,
)
from predclv.engines.result import Fit
from predclv.errors import OptionError
from predclv.units import force_of_interest, horizon_in, is_lifetime, probability, share


def effects_of(
    fitted: Any, horizon: Any, discount_rate: float, margin: float, level: float, seed: int | None
) -> pd.DataFrame:
    """What `FittedCLV.effects` gives, its options checked."""
    purchases, spend = fitted.purchases, fitted.spend
    delta, margin = force_of_interest(discount_rate, fitted.unit), share(margin, "margin")
    t = np.inf if is_lifetime(horizon) else horizon_in(horizon, fitted.unit)
    level = probability(level, "level")
    fits = [fit for fit in (purchases, spend) if fit is not None and fit.covariates is not None]
    if not fits:
        asked_of(purchases, "effects")
    tables = [of_targets(fit, seed, level) for fit in fits]
    found = pd.concat(tables, axis="columns")
    order = list(dict.fromkeys(at for table in tables for at in table.index))
    found = found.reindex(pd.MultiIndex.from_tuples(order, names=found.index.names))
    repeats = _laid_out(purchases, order, newcomers_at_levels(purchases, t, delta, seed))
    orders = [1.0 + each for each in repeats]
    name = "purchases"
    if spend is not None:
        money = _laid_out(spend, order, spend_at_levels(spend, seed))
        if not np.all(np.isfinite(money[0])):
            raise OptionError(
                "The mean spend is infinite (Gamma-Gamma with q <= 1), and so is what a newcomer "
                "is worth. Look for outliers in the spend."
            )
        orders = [margin * n * each for n, each in zip(orders, money, strict=True)]
        name = "clv"
    estimate, drawn = orders
    found[name] = estimate[:-1]
    ends = np.quantile(drawn[:, :-1], [0.5 - level / 2, 0.5 + level / 2], axis=0)
    found[f"{name}_lower"], found[f"{name}_upper"] = ends
    found.attrs |= {"typical": float(estimate[-1]), "level": level}
    return found


def _laid_out(
    fit: Fit, order: list[Any], found: tuple[NDArray, NDArray]
) -> tuple[NDArray, NDArray]:
    """The same at all levels, of a typical one where the fit does not know it; that is the last."""
    own = [] if fit.covariates is None else list(index_of(fit.covariates))
    place = [*(own.index(at) if at in own else -1 for at in order), -1]
    return found[0][place], found[1][:, place]
