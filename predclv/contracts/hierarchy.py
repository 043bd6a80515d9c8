"""The joint density of plans, the typical plan and how far plans lie from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from predclv.likelihoods.likelihood import Likelihood
from predclv.once import FieldsAlone, once

SPREAD = (float(np.log(0.5)), 1.0)
"""Mean and standard deviation of the normal prior of the log of a spread."""


def belief_of(likelihood: Likelihood) -> tuple[NDArray, NDArray]:
    """Mean and standard deviation of free parameters beforehand."""
    priors = likelihood.priors()
    at = [priors[name] for name in likelihood.space.names]
    return np.array([p.centre for p in at]), np.array([p.sigma for p in at])


@dataclass(frozen=True, eq=False)
class Hierarchy(FieldsAlone):
    """Log density of the typical plan, the log spreads and the plans, with its slope; call it.

    A plan of many contracts is sampled by its own parameters, one of few by how many spreads it
    lies from the typical plan: either would be a funnel for the other.

    Attributes
    ----------
    likelihoods : sequence of Likelihood
        One per plan.
    start : ndarray, shape (size,)
        Near the mode.
    root : ndarray, shape (size, size)
        About the posterior's spread there.
    is_own : ndarray of bool, shape (plans, k)
        Which parameters of a plan are sampled by themselves.
    """

    likelihoods: Sequence[Likelihood]
    start: NDArray
    root: NDArray
    is_own: NDArray
    by: str

    @classmethod
    def of(
        cls,
        likelihoods: Sequence[Likelihood],
        centre: NDArray,
        sd: NDArray,
        plans: NDArray,
        covariances: NDArray,
        by: str,
    ) -> Self:
        """Near an empirical Bayes fit: typical plan, spreads (k,) and plans (plans, k)."""
        sd = np.maximum(sd, 0.05)
        n, k = plans.shape
        narrow = np.all(covariances.diagonal(0, 1, 2) < 0.1 * sd**2, axis=1)
        is_own = np.repeat(np.asarray(narrow)[:, None], k, axis=1)
        y = np.where(is_own, plans, (plans - centre) / sd)
        start = np.concatenate([centre, np.log(sd), y.ravel()])
        blocks: list[NDArray] = [np.diag(sd / np.sqrt(n)), np.eye(k) * 0.5]
        for g in range(n):
            scale = 1.0 if is_own[g, 0] else sd
            blocks.append(np.linalg.cholesky(covariances[g] + 1e-12 * np.eye(k)) / np.c_[scale])
        return cls(likelihoods, start, block_diag(*blocks), is_own, by)

    @once
    def believed(self) -> tuple[NDArray, NDArray]:
        """Mean and standard deviation of the typical plan's free parameters beforehand."""
        return belief_of(self.likelihoods[0])

    # What a sampler asks of a density.

    @property
    def likelihood(self) -> Any:
        """Stands for what is sampled, which is free already."""
        return self

    space = likelihood
    model = likelihood

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"{self.likelihoods[0].title} by {self.by}"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all that is sampled."""
        k = self.likelihoods[0].space.names
        own = [f"{name}_{g}" for g in range(len(self.likelihoods)) for name in k]
        return (*(f"typical_{n}" for n in k), *(f"spread_{n}" for n in k), *own)

    def parameters_at(self, free: NDArray) -> NDArray:
        """What is sampled, as it is."""
        return free

    def split(self, values: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Typical plan and log spreads (..., k), and the plans' free parameters (..., plans, k)."""
        n, k = self.is_own.shape
        centre, log_sd, y = np.split(values, [k, 2 * k], axis=-1)
        y = y.reshape(*values.shape[:-1], n, k)
        moved = centre[..., None, :] + np.exp(log_sd)[..., None, :] * y
        return centre, log_sd, np.where(self.is_own, y, moved)

    def __call__(self, values: NDArray) -> tuple[float, NDArray]:
        """Value and slope (size,)."""
        n, k = self.is_own.shape
        centre, log_sd, free = self.split(values)
        y = values[2 * k :].reshape(n, k)
        sd = np.exp(log_sd)
        total, by_free = 0.0, np.empty((n, k))
        for g, part in enumerate(self.likelihoods):
            value, by_free[g] = part(free[g])
            total += value
        if not np.isfinite(total):
            return -np.inf, np.zeros_like(values)
        believed, belief = self.believed
        pull = (centre - believed) / belief
        narrow = (log_sd - SPREAD[0]) / SPREAD[1]
        z = np.where(self.is_own, (free - centre) / sd, y)
        total -= 0.5 * (pull @ pull + narrow @ narrow + (z * z).sum())
        total -= (self.is_own * log_sd).sum()
        # Sampled by themselves, plans feel the normal; else they move with centre and spread.
        by_y = np.where(self.is_own, by_free - z / sd, by_free * sd - y)
        by_centre = np.where(self.is_own, z / sd, by_free).sum(axis=0)
        by_log_sd = np.where(self.is_own, z * z - 1.0, by_free * sd * y).sum(axis=0)
        by_centre = by_centre - pull / belief
        by_log_sd = by_log_sd - narrow / SPREAD[1]
        return float(total), np.concatenate([by_centre, by_log_sd, by_y.ravel()])
