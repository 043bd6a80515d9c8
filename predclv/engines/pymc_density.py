"""The posterior density that an engine samples: compiled likelihood plus priors, in log space."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from predclv.engines.kernels import kernel_of, objective
from predclv.interrupts import uninterrupted
from predclv.models.base import Columns, LogNormalPrior, Model, Objective
from predclv.once import FieldsAlone, once


@dataclass(frozen=True, eq=False)
class Density(FieldsAlone):
    """Log density of the log parameters given the cells, with its gradient; call it.

    It is the density of ``pymc_model``: priors over the parameters, with the Jacobian of the
    logarithm.

    Attributes
    ----------
    model : type
    arrays : tuple of ndarray
        The cells, the weight last.
    priors : mapping
        By parameter name: a ``LogNormalPrior`` or a pymc_extras ``Prior``.
    """

    model: type[Model]
    arrays: Columns
    priors: Mapping[str, Any]

    @classmethod
    def of(cls, model: type[Model], arrays: Columns, priors: Mapping[str, Any]) -> Self:
        """The density, its priors checked."""
        density = cls(model, arrays, priors)
        if not density.is_closed:
            _ = density.log_prior
        return density

    @property
    def n_customers(self) -> int:
        """Customers the likelihood is a sum over."""
        return int(self.arrays[-1].sum())

    @property
    def is_closed(self) -> bool:
        """Whether every prior is log-normal, so that nothing needs PyMC's compiler."""
        return all(isinstance(prior, LogNormalPrior) for prior in self.priors.values())

    @once
    def data(self) -> dict[str, NDArray]:
        """The cells as the kernel lays them out."""
        return kernel_of(self.model).layout(self.arrays)

    @once
    def pymc_model(self) -> Any:
        """The ``pm.Model`` with this density."""
        with uninterrupted():
            from predclv.engines.pymc_model import pymc_model

        return pymc_model(self.model, self.priors, self.data)

    @once
    def log_likelihood(self) -> Objective:
        """The log-likelihood and its gradient, compiled where the model has a kernel."""
        return objective(self.model, self.arrays)

    @once
    def log_prior(self) -> Objective:
        """Log prior density of the log parameters, and its gradient."""
        if self.is_closed:
            return self._nearest_normal
        with uninterrupted():
            from predclv.engines.pymc_model import compiled_log_prior

        return compiled_log_prior(self.model, self.priors)

    def __call__(self, log_parameters: NDArray) -> tuple[float, NDArray]:
        """Value and gradient (k,)."""
        likelihood, slope = self.log_likelihood(log_parameters)
        prior, pull = self.log_prior(log_parameters)
        return likelihood + prior, slope + pull

    def near(self, log_parameters: NDArray) -> tuple[float, NDArray]:
        """The same with each prior replaced by the log-normal of its mean and spread."""
        likelihood, slope = self.log_likelihood(log_parameters)
        prior, pull = self._nearest_normal(log_parameters)
        return likelihood + prior, slope + pull

    @once
    def _nearest_normal(self) -> Objective:
        if self.is_closed:
            ordered = [self.priors[name] for name in self.model.names()]
            centre = np.log([prior.median for prior in ordered])
            spread = np.array([prior.sigma for prior in ordered])
        else:
            logs = np.log(np.array(list(self.prior_draws(1000, 0).values())))
            centre, spread = logs.mean(axis=1), logs.std(axis=1)
        constant = -np.log(spread).sum() - 0.5 * np.log(2 * np.pi) * spread.size

        def value_and_gradient(log_parameters: NDArray) -> tuple[float, NDArray]:
            away = (log_parameters - centre) / spread
            return constant - 0.5 * (away @ away), -away / spread

        return value_and_gradient

    def prior_draws(self, n: int, seed: int) -> dict[str, NDArray]:
        """Draws of the parameters from the priors, each of shape (n,)."""
        if self.is_closed:
            rng = np.random.default_rng(seed)
            return {
                name: rng.lognormal(np.log(prior.median), prior.sigma, n)
                for name, prior in self.priors.items()
            }
        with uninterrupted():
            from predclv.engines.pymc_model import prior_draws

        return prior_draws(self.model, self.priors, n, seed)
