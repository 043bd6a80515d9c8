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

from predclv.errors import OptionError
from predclv.likelihoods.clocked import ClockedLikelihood
from predclv.likelihoods.covariates import CovariateLikelihood
from predclv.likelihoods.kernels import kernel_of
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.base import LogNormalPrior, Model, NormalPrior, Objective, Scale, Space


class LogLikelihood(Op):
    """A model's log-likelihood of cells, and its slope in the free parameters.

    Inputs are the free parameters and the arrays of the kernel's layout. The second output is the
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
        """The value depends on the free parameters; nothing is differentiated in the data."""
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
    def value_and_gradient(free, *data):
        both = kernel(free, *data)
        return np.asarray(both[0]), both[1:]

    return value_and_gradient, 2  # PyTensor keeps it on disk: raise where a kernel moves


class Called(Op):
    """A likelihood as it is, called back in Python; for those that are no sum over cells alone."""

    __props__ = ()

    def __init__(self, likelihood: Likelihood) -> None:
        self.likelihood = likelihood

    def make_node(self, *inputs: Any) -> Any:
        """Value and gradient as variables."""
        return Apply(self, [pt.as_tensor(inputs[0])], [pt.dscalar(), pt.dvector()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        """Evaluate."""
        value, slope = self.likelihood(np.asarray(inputs[0]))
        output_storage[0][0], output_storage[1][0] = np.asarray(value), np.asarray(slope)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Called) and other.likelihood is self.likelihood

    def __hash__(self) -> int:
        return hash((type(self), id(self.likelihood)))

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """The second output, scaled."""
        return [cotangents[0] * outputs[1]]


def pymc_model(likelihood: Likelihood, priors: Mapping[str, Any]) -> Any:
    """The ``pm.Model``: a variable per parameter, and a Potential with the log-likelihood.

    Parameters
    ----------
    likelihood : Likelihood
        Its cells are kept as ``pm.Data``, as the kernel lays them out.
    priors : mapping
        A ``LogNormalPrior``, ``NormalPrior`` or pymc_extras ``Prior`` for each parameter.
    """
    with pm.Model() as built:
        free = pt.stack(_free_variables(likelihood.space, priors, built))
        if isinstance(likelihood, (ClockedLikelihood, CovariateLikelihood)):
            node = Called(likelihood).make_node(free)
        else:
            held = [pm.Data(name, values) for name, values in likelihood.laid_out().items()]
            kind = CompiledLogLikelihood if likelihood.model.kernel else LogLikelihood
            node = kind(likelihood.model).make_node(free, *held)
        pm.Potential("log_likelihood", node.outputs[0])
    return built


def _free_variables(space: Space, priors: Mapping[str, Any], built: Any) -> list[Any]:
    """A variable per parameter in the model at hand, each as its free parameter."""
    free = []
    for name, scale in zip(space.names, space.scales, strict=True):
        prior = priors[name]
        if isinstance(prior, LogNormalPrior):
            variable = pm.LogNormal(name, mu=prior.centre, sigma=prior.sigma)
        elif isinstance(prior, NormalPrior):
            variable = pm.Normal(name, mu=prior.centre, sigma=prior.sigma)
        else:
            variable = _variable(name, scale, prior, built)
        free.append(pt.log(variable) if scale == "log" else variable)
    return free


def _prior_model(space: Space, priors: Mapping[str, Any]) -> Any:
    """The ``pm.Model`` of the priors alone."""
    with pm.Model() as built:
        _free_variables(space, priors, built)
    return built


_OVER: dict[Scale, tuple[str, str]] = {
    "log": ("all positive numbers, such as Gamma, LogNormal, HalfNormal, Weibull or InverseGamma",
            "LogTransform"),
    "identity": ("all numbers, such as Normal or StudentT", "NoneType"),
}  # fmt: skip
"""What a prior must be over, and the transform by which PyMC makes its variable free."""


def _variable(name: str, scale: Scale, prior: Any, built: Any) -> Any:
    """The variable of a user's prior, refused unless it is one number by itself, free as wanted."""
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
    numbers, wanted = _OVER[scale]
    if type(transform).__name__ != wanted:
        raise OptionError(
            f"The prior of {name} must be a distribution over {numbers}; got {prior!r}."
        )
    return variable


def whitened(built: Any, names: tuple[str, ...], centre: NDArray, root: NDArray) -> Any:
    """The same model in ``z``: free parameters are ``centre + root z``, about standard normal z.

    For approximations that take the variables for independent.
    """
    values = [built.rvs_to_values[built[name]] for name in names]
    with pm.Model() as turned:
        z = pm.Flat("z", shape=len(names))
        free = pt.as_tensor(centre) + pt.as_tensor(root) @ z
        density = graph_replace(built.logp(), {value: free[i] for i, value in enumerate(values)})
        pm.Potential("posterior", density)
    return turned


def compiled_log_prior(space: Space, priors: Mapping[str, Any]) -> Objective:
    """Log density of the free parameters under any priors, and its slope."""
    built = _prior_model(space, priors)
    free = pt.dvector("free")
    values = [built.rvs_to_values[built[name]] for name in space.names]
    density = graph_replace(built.logp(), {value: free[i] for i, value in enumerate(values)})
    slope: Any = pt.grad(density, free)
    function = pytensor.function([free], [density, slope], mode="NUMBA")
    function.trust_input = True
    alone = Lock()  # a PyTensor function keeps its inputs in itself, and chains are threads

    def value_and_gradient(point: NDArray) -> tuple[float, NDArray]:
        with alone:
            value, gradient = function(point)
        return float(value), np.array(gradient)

    return value_and_gradient


def prior_draws(
    space: Space, priors: Mapping[str, Any], n: int, seed: int | None
) -> dict[str, NDArray]:
    """Draws from any priors by parameter name, each of shape (n,)."""
    built = _prior_model(space, priors)
    drawn = pm.draw([built[name] for name in space.names], draws=n, random_seed=seed)
    return dict(zip(space.names, drawn, strict=True))
