"""The models: parameters and formulas, one model per file. No table, no fitting, no plot."""

from importlib import import_module
from typing import Any

from predclv.errors import OptionError, did_you_mean

MODELS = {
    "BGNBD": "predclv.models.bgnbd",
    "MBGNBD": "predclv.models.mbgnbd",
    "ParetoNBD": "predclv.models.pareto_nbd",
    "BGCNBD": "predclv.models.bgcnbd",
    "MBGCNBD": "predclv.models.mbgcnbd",
    "GammaGamma": "predclv.models.gamma_gamma",
    "ShiftedBetaGeometric": "predclv.models.shifted_beta_geometric",
    "BetaDiscreteWeibull": "predclv.models.beta_discrete_weibull",
    "BGBB": "predclv.models.bgbb",
}
"""Every model's public name and the file it stands in, imported on first use."""


RECIPES: dict[str, str] = {}
"""The module of the recipe that a model's name alone stands for, by what it models; named above."""


def class_named(name: str, kind: Any = object) -> Any:
    """The class of a model by its name: one of the package's, or one that the user has defined.

    Parameters
    ----------
    name : str
    kind : type or tuple of type
        Of what there is a choice, for the message; what is found may be of another kind.

    Raises
    ------
    OptionError
        If there is none of that name.
    """
    family, _, k = name.partition("-")
    if family in MODELS and k.isdecimal():
        bound = getattr(class_named(family), "of", None)
        if bound is not None:
            return bound(int(k))
    if name not in MODELS:
        own = _defined().get(name)
        if own is not None:
            return own
        classes = {each: class_named(each) for each in MODELS}
        known = [each for each, cls in classes.items() if issubclass(cls, kind)]
        titles = {cls.title.casefold(): each for each, cls in classes.items()}
        meant = titles.get(name.casefold())
        hint = did_you_mean(name, known) or did_you_mean(name, MODELS)
        raise OptionError(
            f"There is no model {name!r}; there are {', '.join(known)}."
            f"{hint if meant is None else f' Did you mean {meant!r}?'}"
        )
    return getattr(import_module(MODELS[name]), name)


def class_of(model: Any, kind: type, what: str) -> Any:
    """The class of a model, given as itself or by its public name.

    Parameters
    ----------
    model : type or str
    kind : type
        What it must be a class of.
    what : str
        Who wants it, for the message.

    Raises
    ------
    OptionError
        If there is no model of that name, or it is of another kind.

    Examples
    --------
    >>> from predclv.models.purchases import PurchaseModel
    >>> class_of("BGNBD", PurchaseModel, "CLVModel wants a class of PurchaseModel").title
    'BG/NBD'
    """
    found = class_named(model, kind) if isinstance(model, str) else model
    if not (isinstance(found, type) and issubclass(found, kind)):
        known = ", ".join(repr(name) for name in MODELS if issubclass(class_named(name), kind))
        raise OptionError(f"{what} or its name, one of {known}; got {model!r}.")
    return found


def _defined() -> dict[str, Any]:
    """Every class of a model there is by now, by name; of one name the latest."""
    base = import_module("predclv.models.base")
    found, todo = {}, [base.Model]
    while todo:
        for cls in todo.pop().__subclasses__():
            found[cls.__name__] = cls
            todo.append(cls)
    return found
