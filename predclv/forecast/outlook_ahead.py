"""Forecasts told how covariates change on the days ahead."""

from dataclasses import replace
from typing import Any

import numpy as np

from predclv.clocks.base import Steady
from predclv.errors import AssumptionWarning, OptionError
from predclv.forecast.ahead_paths import changing_ahead, refuse_on_spend
from predclv.forecast.extrapolated import tell_what_is_stretched
from predclv.forecast.outlook import Outlook
from predclv.likelihoods.paths import assert_can_change
from predclv.logs.covariate_table import CovariateTable
from predclv.notices import warn
from predclv.summaries.looking_ahead import looking_ahead

_LIFETIME = 3653  # days of an endless horizon over which the table is followed


def with_covariates_ahead(outlook: Outlook, dynamic_covariates: Any) -> Outlook:
    """An outlook told how covariates change on the days ahead.

    Parameters
    ----------
    outlook : Outlook
    dynamic_covariates : table or CovariateTable
        As of `predclv.summaries.looking_ahead.looking_ahead`.

    Raises
    ------
    OptionError
        If the fit has no covariates, or one changes that acts on more than the rate.
    DataError
        If the table cannot be used.

    Warns
    -----
    AssumptionWarning
        Other covariates have changed over time and are taken to stay.
    """
    fit, spend = outlook.purchases, outlook.spend
    effects = fit.covariates
    if effects is None:
        raise OptionError(
            f"dynamic_covariates means nothing to this forecast: {fit.model.title} was fitted "
            "without covariates. Fit with CLVModel(covariates={'rate': [...]})."
        )
    days = _LIFETIME
    if not outlook.is_endless:
        days = int(np.ceil(outlook.t * Steady(fit.unit).days_per_unit - 1e-6))
    told = set(CovariateTable.of(dynamic_covariates).names_in("dynamic_covariates"))
    rfm = looking_ahead(outlook.rfm, dynamic_covariates, max(days, 1))
    cells = rfm.cells()
    changing = changing_ahead(cells)
    assert_can_change(type(fit.model), effects, changing)
    refuse_on_spend(None if spend is None else spend.covariates, changing)
    assert cells.patterns is not None
    tell_what_is_stretched((fit, spend), cells.patterns)
    stay = [name for name in effects.changing(cells) if name not in told]
    if stay:
        warn(
            f"{', '.join(stay)} changed over time and the table ahead does not have it; each "
            "customer's last value was carried on through the horizon.",
            AssumptionWarning,
        )
    return replace(outlook, rfm=rfm)


def told_of(fitted: Any, dynamic_covariates: Any) -> dict[str, Any]:
    """What a fitted forecaster is told of the days ahead: the table, if it has covariates."""
    if dynamic_covariates is None or not with_effects(fitted):
        return {}
    return {"dynamic_covariates": dynamic_covariates}


def assert_told(pool: Any, dynamic_covariates: Any) -> None:
    """Whether a table of the days ahead means something to a pool.

    Raises
    ------
    OptionError
        If no member has covariates.
    """
    if dynamic_covariates is not None and not with_effects(pool):
        raise OptionError(
            "dynamic_covariates means nothing to this pool: no member was fitted with covariates. "
            "Pool a CLVModel(covariates={'rate': [...]})."
        )


def with_effects(fitted: Any) -> bool:
    """Whether a fitted model, or a member of a fitted pool, has covariates of purchases."""
    each = getattr(fitted, "fits", {"": fitted}).values()
    fits = [getattr(one, "purchases", None) for one in each]
    return any(getattr(fit, "covariates", None) is not None for fit in fits)
