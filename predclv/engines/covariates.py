"""From what somebody asks of covariates to the likelihood with them in it."""

from collections.abc import Mapping
from typing import Any

from predclv.errors import OptionError, did_you_mean
from predclv.likelihoods.covariates import CovariateLikelihood
from predclv.likelihoods.effects import known_targets
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.base import Model


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
    likelihood: Likelihood, cells: Any, covariates: Mapping[Any, Any] | None, engine: str
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
    return CovariateLikelihood.on(likelihood, asked, cells)
