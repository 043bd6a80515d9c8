"""The PyMC model of a fit: priors by name, and the compiled likelihood as a PyTensor Op."""

import warnings
from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():  # PyMC imports names that its own dependencies deprecate
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", FutureWarning)
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt
    from numba import njit
    from pytensor.gradient import DisconnectedType
    from pytensor.graph.basic import Apply
    from pytensor.graph.op import Op
    from pytensor.graph.replace import graph_replace
    from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from predclv.engines.kernels import KERNELS, kernel_of
from predclv.errors import OptionError
from predclv.models.base import LogNormalPrior, Model, Objective


class LogLikelihood(Op):
    """A model's log-likelihood of cells, and its gradient in the log parameters.

    Inputs are the log parameters and the arrays of the kernel's layout. The second output is the
    gradient; it is there for the first one's pullback and has no gradient of its own. A compiled
    graph calls back into Python for it, unless it is the compiled one below.
    """

    __props__ = ("model",)

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    def make_node(self, *inputs: Any) -> Any:
        """Value and gradient as variables."""
        held = [pt.as_tensor(value) for value in inputs]
        return Apply(self, held, [pt.dscalar(), pt.dvector()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        """Evaluate with the kernel, or with the model's own objective where it has none."""
        both = kernel_of(self.model).function(*inputs)
        output_storage[0][0] = np.asarray(both[0])
        output_storage[1][0] = both[1:]

    def connection_pattern(self, node: Any) -> list[list[bool]]:
        """The value depends on the log parameters; nothing is differentiated in the data."""
        return [[i == 0, False] for i in range(len(node.inputs))]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """The second output, scaled."""
        return [cotangents[0] * outputs[1], *(DisconnectedType()() for _ in inputs[1:])]


class CompiledLogLikelihood(LogLikelihood):
    """The same of a model with a compiled kernel."""


@register_funcify_default_op_cache_key(CompiledLogLikelihood)
def _as_numba(op: CompiledLogLikelihood, node: Any = None, **_: Any) -> Any:
    """The kernel itself, for compiled graphs: samplers call it without going through Python."""
    kernel = kernel_of(op.model).function

    @njit
    def value_and_gradient(log_parameters, *data):
        both = kernel(log_parameters, *data)
        return np.asarray(both[0]), both[1:]

    return value_and_gradient, 1


def pymc_model(
    model: type[Model], priors: Mapping[str, Any], data: Mapping[str, NDArray] | None
) -> Any:
    """The ``pm.Model``: a variable per parameter, and a Potential with the log-likelihood.

    Parameters
    ----------
    model : type
    priors : mapping
        A ``LogNormalPrior`` or pymc_extras ``Prior`` for each parameter.
    data : mapping of arrays, or None
        The cells as the kernel lays them out, kept as ``pm.Data``; None leaves the likelihood out.
    """
    with pm.Model() as built:
        variables = []
        for name in model.names():
            prior = priors[name]
            if isinstance(prior, LogNormalPrior):
                variables.append(
                    pm.LogNormal(name, mu=float(np.log(prior.median)), sigma=prior.sigma)
                )
            else:
                variables.append(_variable(name, prior, built))
        if data is not None:
            held = [pm.Data(name, values) for name, values in data.items()]
            log_parameters = pt.log(pt.stack(variables))
            kind = CompiledLogLikelihood if model.__name__ in KERNELS else LogLikelihood
            node = kind(model).make_node(log_parameters, *held)
            pm.Potential("log_likelihood", node.outputs[0])
    return built


def _variable(name: str, prior: Any, built: Any) -> Any:
    """The variable of a user's prior, refused unless it is one positive number by itself."""
    if not hasattr(prior, "create_variable"):
        raise OptionError(
            f"The prior of {name} must be a pymc_extras Prior, such as "
            f"Prior('Gamma', alpha=2, beta=0.1); got {prior!r}."
        )
    before = len(built.free_RVs)
    variable = prior.create_variable(name)
    transform = built.rvs_to_transforms.get(variable)
    if variable.ndim or len(built.free_RVs) != before + 1:
        raise OptionError(
            f"The prior of {name} must be one number with fixed parameters: neither dims nor "
            f"priors inside the prior; got {prior!r}."
        )
    if type(transform).__name__ != "LogTransform":
        raise OptionError(
            f"The prior of {name} must be a distribution over all positive numbers, such as "
            f"Gamma, LogNormal, HalfNormal, Weibull or InverseGamma; got {prior!r}."
        )
    return variable


def whitened(built: Any, names: tuple[str, ...], centre: NDArray, root: NDArray) -> Any:
    """The same model in ``z``, where ``log theta = centre + root z`` is about standard normal.

    For approximations that take the variables for independent.
    """
    values = [built.rvs_to_values[built[name]] for name in names]
    with pm.Model() as turned:
        z = pm.Flat("z", shape=len(names))
        log_parameters = pt.as_tensor(centre) + pt.as_tensor(root) @ z
        density = graph_replace(
            built.logp(), {value: log_parameters[i] for i, value in enumerate(values)}
        )
        pm.Potential("posterior", density)
    return turned


def compiled_log_prior(model: type[Model], priors: Mapping[str, Any]) -> Objective:
    """Log density of the log parameters under any priors, and its gradient."""
    built = pymc_model(model, priors, None)
    log_parameters = pt.dvector("log_parameters")
    values = [built.rvs_to_values[built[name]] for name in model.names()]
    density = graph_replace(
        built.logp(), {value: log_parameters[i] for i, value in enumerate(values)}
    )
    slope: Any = pt.grad(density, log_parameters)
    function = pytensor.function([log_parameters], [density, slope], mode="NUMBA")
    function.trust_input = True
    alone = Lock()  # a PyTensor function keeps its inputs in itself, and chains are threads

    def value_and_gradient(point: NDArray) -> tuple[float, NDArray]:
        with alone:
            value, gradient = function(point)
        return float(value), np.array(gradient)

    return value_and_gradient


def prior_draws(
    model: type[Model], priors: Mapping[str, Any], n: int, seed: int | None
) -> dict[str, NDArray]:
    """Draws from any priors by parameter name, each of shape (n,)."""
    built = pymc_model(model, priors, None)
    drawn = pm.draw([built[name] for name in model.names()], draws=n, random_seed=seed)
    return dict(zip(model.names(), drawn, strict=True))
