"""From what somebody asks of covariates to the likelihood with them in it."""

from collections.abc import Mapping
from typing import Any

from predclv.errors import OptionError, did_you_mean
from predclv.likelihoods.covariates import CovariateLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.base import Model

TARGETS = {"purchases": ("rate", "leaving"), "spend": ("spend",)}
"""What covariates act on, by what a model is of."""


def of_model(covariates: Mapping[Any, Any] | None, model: type[Model]) -> dict[Any, Any] | None:
    """What of the covariates is for this model; None where nothing is.

    Targets of the other kind of model are left out; unknown ones stay, to be refused.

    Raises
    ------
    OptionError
        If it is no mapping, or purchases and spend are to share an effect.
    """
    if covariates is None:
        return None
    if not isinstance(covariates, Mapping):
        raise OptionError(
            "covariates must say which columns act on what, such as {'rate': ['channel']}; got "
            f"{covariates!r}."
        )
    others = {
        target for needs, targets in TARGETS.items() if needs != model.needs for target in targets
    }
    kept = {}
    for key, terms in covariates.items():
        acts_on = (key,) if isinstance(key, str) else key
        elsewhere = [target for target in acts_on if target in others]
        if elsewhere and len(elsewhere) < len(acts_on):
            raise OptionError(
                f"Purchases and spend are fitted apart, so {' and '.join(map(repr, acts_on))} "
                "cannot share an effect. List the columns of each."
            )
        if not elsewhere:
            kept[key] = terms
    if kept or not covariates:
        return kept or None
    return None


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
    model = likelihood.model
    if covariates is not None and not model.targets:
        known = ", ".join(target for targets in TARGETS.values() for target in targets)
        raise OptionError(f"{model.title} has no covariates: nothing in it is one of {known}.")
    asked = of_model(covariates, model)
    if not asked:
        if covariates is not None:
            targets = list(model.targets)
            raise OptionError(
                f"No covariate acts on {model.title}: name columns for {' or '.join(targets)}; got "
                f"{dict(covariates)!r}.{did_you_mean(str(next(iter(covariates), '')), targets)}"
            )
        return likelihood
    if engine == "lifetimes":
        raise OptionError("engine 'lifetimes' knows no covariates. Try engine='mle'.")
    if not hasattr(cells, "patterns"):
        raise OptionError(f"{type(cells).__name__} has no covariates.")
    return CovariateLikelihood.on(likelihood, asked, cells)
