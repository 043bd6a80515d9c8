"""From what somebody asks of covariates to the likelihood with them in it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from predclv.errors import DataError, OptionError, did_you_mean
from predclv.likelihoods.covariates import CovariateLikelihood
from predclv.likelihoods.effects import known_targets
from predclv.likelihoods.likelihood import Likelihood
from predclv.likelihoods.paths import PathLikelihood, assert_can_change
from predclv.models.base import Model
from predclv.samples.cells import Cells
from predclv.samples.path_exposures import PathExposure
from predclv.summaries.rfm import RFM


def assert_mapping(covariates: Any) -> Mapping[Any, Any]:
    """What was asked, if it is a mapping by target.

    Raises
    ------
    OptionError
        If not.
    """
    if not isinstance(covariates, Mapping) or not covariates:
        raise OptionError(
            "covariates must say which columns act on what, such as {'rate': ['channel']}; got "
            f"{covariates!r}."
        )
    return covariates


def shared_out(
    covariates: Mapping[Any, Any] | None, purchases: type[Model], spend: type[Model] | None
) -> tuple[dict[Any, Any] | None, dict[Any, Any] | None]:
    """What of the covariates is for the model of purchases, and what for that of spend.

    What neither knows goes to purchases, whose fit refuses it.

    Raises
    ------
    OptionError
        If purchases and spend are to share an effect, or spend has covariates and is not fitted.
    """
    if covariates is None:
        return None, None
    of_spend = ("spend",) if spend is None else known_targets(spend)
    parts: tuple[dict[Any, Any], dict[Any, Any]] = ({}, {})
    for key, terms in covariates.items():
        acts_on = (key,) if isinstance(key, str) else tuple(key)
        elsewhere = [target for target in acts_on if target in of_spend]
        if elsewhere and len(elsewhere) < len(acts_on):
            raise OptionError(
                f"Purchases and spend are fitted apart, so {' and '.join(map(repr, acts_on))} "
                "cannot share an effect. List the columns of each."
            )
        parts[1 if elsewhere else 0][key] = terms
    if parts[1] and spend is None:
        raise OptionError(
            "covariates act on spend, and no spend is fitted: the recipe or the summary has none."
        )
    return parts[0] or None, parts[1] or None


def with_covariates(
    likelihood: Likelihood, rfm: Any, cells: Any, covariates: Mapping[Any, Any] | None, engine: str
) -> Likelihood:
    """The likelihood with effects of covariates, where some are asked for.

    Raises
    ------
    OptionError
        If the engine knows none, the model has nothing for them to act on, or they are asked for
        in an impossible way.
    DataError
        If the customers have no such covariates, or these cannot be told apart.
    """
    if covariates is None:
        return likelihood
    model = likelihood.model
    if not model.targets:
        raise OptionError(
            f"{model.title} has no covariates; models of purchases and of spend have some."
        )
    known = known_targets(model)
    asked = {
        key: terms
        for key, terms in assert_mapping(covariates).items()
        if key not in {"rate", "leaving", "spend"} - set(known)
    }
    if not asked:
        first = next(iter(covariates))
        raise OptionError(
            f"No covariate acts on {model.title}: name columns for {' or '.join(model.targets)}; "
            f"got {dict(covariates)!r}.{did_you_mean(str(first), known)}"
        )
    if engine == "lifetimes":
        raise OptionError("engine 'lifetimes' knows no covariates. Try engine='mle'.")
    if not hasattr(cells, "patterns"):
        raise OptionError(f"{type(cells).__name__} have no covariates.")
    found = CovariateLikelihood.on(likelihood, asked, cells)
    # Spend has no days: whether a covariate changes is seen in the customers' paths.
    whole = rfm.cells() if isinstance(rfm, RFM) else cells
    changing = found.effects.changing(whole) if isinstance(whole, Cells) else ()
    if not changing:
        return found
    assert_can_change(model, found.effects, changing)
    return _on_paths(found, rfm, cells)


def _on_paths(known: CovariateLikelihood, rfm: Any, cells: Cells) -> PathLikelihood:
    """The likelihood of customers whose covariates change."""
    if not isinstance(rfm, RFM):
        raise DataError(
            "Covariates that change need the days of purchases, and cells have none: fit to the "
            "RFM of a log, pc.rfm_summary(log, dynamic_covariates=table)."
        )
    _, repeats = rfm.repeats_by_day()
    first_day = cells.known_last_day - repeats.size
    exposure = PathExposure.of(cells, first_day)
    found = rfm.repeats_by_day_and_pattern()
    purchases = np.stack(
        [found["day"].to_numpy() - first_day - 1, found["pattern"], found["purchases"]]
    )
    own = {name: getattr(known, name) for name in CovariateLikelihood.__dataclass_fields__}
    return PathLikelihood(**own, exposure=exposure, purchases=purchases)
