"""The models: parameters and formulas, one model per file. No table, no fitting, no plot."""

from importlib import import_module
from typing import Any

from predclv.errors import OptionError, did_you_mean

MODELS = {
    "BGNBD": "predclv.models.bgnbd",
    "MBGNBD": "predclv.models.mbgnbd",
    "ParetoNBD": "predclv.models.pareto_nbd",
    "GammaGamma": "predclv.models.gamma_gamma",
}
"""Every model's public name and the file it stands in, imported on first use."""


def class_named(name: str) -> Any:
    """The class of a model by its name: one of the package's, or one that the user has defined.

    Raises
    ------
    OptionError
        If there is none of that name.
    """
    if name not in MODELS:
        own = _defined().get(name)
        if own is not None:
            return own
        raise OptionError(
            f"There is no model {name!r}; there are {', '.join(MODELS)}."
            f"{did_you_mean(name, MODELS)}"
        )
    return getattr(import_module(MODELS[name]), name)


def _defined() -> dict[str, Any]:
    """Every class of a model there is by now, by name; of one name the latest."""
    base = import_module("predclv.models.base")
    found, todo = {}, [base.Model]
    while todo:
        for cls in todo.pop().__subclasses__():
            found[cls.__name__] = cls
            todo.append(cls)
    return found
