"""The posterior density that an engine samples: likelihood plus priors, in free parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from predclv.interrupts import uninterrupted
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.base import Columns, Model, Objective, Prior
from predclv.once import FieldsAlone, once


@dataclass(frozen=True, eq=False)
class Density(FieldsAlone):
    """Log density of the free parameters given the sample, with its slope; call it.

    It is the density of ``pymc_model``: priors over the parameters, with the Jacobian of the
    logarithm where a parameter is positive.

    Attributes
    ----------
    likelihood : Likelihood
    priors : mapping
        By parameter name: a ``LogNormalPrior``, a ``NormalPrior`` or a pymc_extras ``Prior``.
    """

    likelihood: Likelihood
    priors: Mapping[str, Any]

    @classmethod
    def of(cls, likelihood: Likelihood, priors: Mapping[str, Any]) -> Self:
        """The density, its priors checked."""
        density = cls(likelihood, priors)
        if not density.is_closed:
            _ = density.log_prior
        return density

    @property
    def model(self) -> type[Model]:
        """The model's class."""
        return self.likelihood.model

    @property
    def arrays(self) -> Columns:
        """The cells, the weight last."""
        return self.likelihood.columns

    @property
    def is_closed(self) -> bool:
        """Whether every prior is normal in its free parameter, so that nothing is compiled."""
        return all(isinstance(prior, Prior) for prior in self.priors.values())

    @once
    def pymc_model(self) -> Any:
        """The ``pm.Model`` with this density."""
        with uninterrupted():
            from predclv.engines.pymc_model import pymc_model

        return pymc_model(self.likelihood, self.priors)

    @once
    def log_prior(self) -> Objective:
        """Log prior density of the free parameters, and its slope."""
        if self.is_closed:
            return self._nearest_normal
        with uninterrupted():
            from predclv.engines.pymc_model import compiled_log_prior

        return compiled_log_prior(self.likelihood.space, self.priors)

    def __call__(self, free: NDArray) -> tuple[float, NDArray]:
        """Value and slope (k,)."""
        likelihood, slope = self.likelihood(free)
        prior, pull = self.log_prior(free)
        return likelihood + prior, slope + pull

    def near(self, free: NDArray) -> tuple[float, NDArray]:
        """The same with each prior replaced by the normal of its mean and spread in ``free``."""
        likelihood, slope = self.likelihood(free)
        prior, pull = self._nearest_normal(free)
        return likelihood + prior, slope + pull

    @once
    def _nearest_normal(self) -> Objective:
        if self.is_closed:
            ordered = [self.priors[name] for name in self.likelihood.space.names]
            centre = np.array([prior.centre for prior in ordered])
            spread = np.array([prior.sigma for prior in ordered])
        else:
            drawn = np.column_stack(list(self.prior_draws(1000, 0).values()))
            free = self.likelihood.space.free_at(drawn)
            centre, spread = free.mean(axis=0), free.std(axis=0)
        constant = -np.log(spread).sum() - 0.5 * np.log(2 * np.pi) * spread.size

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            away = (free - centre) / spread
            return constant - 0.5 * (away @ away), -away / spread

        return value_and_slope

    def prior_draws(self, n: int, seed: int) -> dict[str, NDArray]:
        """Draws of the parameters from the priors, each of shape (n,)."""
        if self.is_closed:
            rng = np.random.default_rng(seed)
            return {name: prior.draws(n, rng) for name, prior in self.priors.items()}
        with uninterrupted():
            from predclv.engines.pymc_model import prior_draws

        return prior_draws(self.likelihood.space, self.priors, n, seed)
