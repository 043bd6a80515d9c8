"""NUTS: nutpie on a density's compiled kernel."""

import os
from typing import Any

import numpy as np
import nutpie
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from nutpie.compiled_pyfunc import from_pyfunc

from predclv.engines.pymc_density import Density
from predclv.errors import FitError, SamplingWarning
from predclv.likelihoods.likelihood import Likelihood
from predclv.notices import warn

_MANY = 9
"""Parameters from which on trajectories are arcs of the normal that z is about, bent by what the
posterior differs from it.

Straight steps must be the shorter the more parameters there are: 7 gradients a draw instead of 3,
with 20 parameters of a clock. By arcs it is 3 again and as many draws are worth as much (shops of
300, 3,000 and 110,000 customers). With 3 or 4 parameters 5 to 10% of the gradients would be saved,
and a skewed posterior of few customers is explored better by straight steps.
"""

_LONGEST_ARC = 1.3
"""In radians, of one step: three of them are more than the half turn at which a draw is done. Of
steps near a half turn each would lead to the other side of where it came from.
"""


def sampled(
    density: Density,
    centre: NDArray,
    root: NDArray,
    sizes: tuple[int, int, int],
    seed: int,
    progress: bool,
) -> tuple[NDArray, Any, dict[str, float]]:
    """Draws by NUTS.

    Parameters
    ----------
    density : Density
    centre, root : ndarray, shape (k,) and (k, k)
        Free parameters are ``centre + root z``: the sampler moves in z.
    sizes : tuple of int
        Chains, draws to adapt on, draws to keep.
    seed : int
    progress : bool

    Returns
    -------
    replicates : ndarray, shape (chains, draws, k)
        Parameters.
    stats : Dataset
        Statistics of the sampler, by chain and draw.
    checks : dict
        Divergences, and ess_bulk and r_hat by parameter.
    """

    def make_density() -> Any:
        def log_density(z: NDArray) -> tuple[float, NDArray]:
            value, gradient = density(centre + root @ z)
            return value, root.T @ gradient

        return log_density

    def make_parameters(*_: Any) -> Any:
        return lambda z: {"free": centre + root @ z}

    size = centre.size
    chains, tune, draws = sizes
    compiled = from_pyfunc(
        size,
        make_density,
        make_parameters,
        [np.dtype("float64")],
        [(size,)],
        ["free"],
        make_initial_point_fn=lambda start: 1.5 * np.random.default_rng(start).normal(size=size),
    )
    arcs: dict[str, Any] = {}
    if size >= _MANY:
        arcs = {"exact_normal_trajectory": True, "max_step_size": _LONGEST_ARC}
    try:
        traced = nutpie.sample(
            compiled,
            draws=draws,
            tune=tune,
            chains=chains,
            cores=min(chains, os.cpu_count() or 1),
            seed=seed % 2**32,
            progress_bar=progress,
            save_warmup=False,
            **arcs,
        )
    except RuntimeError as error:
        raise FitError(
            f"NUTS broke down on {density.model.title}: {error}. Look for priors far from the "
            f"data's unit of time or money; engine='mle' shows what the data alone say."
        ) from error
    free = traced["posterior"]["free"].to_numpy()
    stats = traced["sample_stats"].to_dataset()
    checks = _checked(density.likelihood, free, int(stats["diverging"].sum()))
    return density.likelihood.space.parameters_at(free), stats, checks


def _checked(likelihood: Likelihood, free: NDArray, divergences: int) -> dict[str, float]:
    """Divergences, bulk ESS and r-hat by parameter; doubts are warned of."""
    checks: dict[str, float] = {"divergences": float(divergences)}
    for i, name in enumerate(likelihood.space.names):
        part = free[..., i]
        checks[f"ess_bulk_{name}"] = float(
            array_stats.ess(part, chain_axis=0, draw_axis=1, method="bulk")
        )
        checks[f"r_hat_{name}"] = float(array_stats.rhat(part, chain_axis=0, draw_axis=1))
    worst = max(checks[f"r_hat_{name}"] for name in likelihood.space.names)
    least = min(checks[f"ess_bulk_{name}"] for name in likelihood.space.names)
    doubts = []
    if divergences:
        doubts.append(
            f"{divergences:,} of {free.shape[0] * free.shape[1]:,} draws diverged, so a corner of "
            f"the posterior may be missing; narrower priors or more customers would help"
        )
    if free.shape[0] == 1:
        doubts.append(
            "one chain cannot be compared with others, so nobody knows whether it has found the "
            "whole posterior; try chains=4"
        )
    elif not worst <= 1.01:
        doubts.append(f"the chains disagree (r-hat {worst:.3f}, above 1.01); try tune=2000")
    if not least >= 400:
        draws = free.shape[1]
        enough = _round_up(400 / least * draws) if least > 0 else 2 * draws
        doubts.append(
            f"the draws are worth only {least:,.0f} independent ones (400 are needed for stable "
            f"intervals); try draws={enough}"
        )
    if doubts:
        warn(
            f"The posterior of {likelihood.title} is doubtful: {'; '.join(doubts)}.",
            SamplingWarning,
        )
    return checks


def _round_up(number: float) -> int:
    """To two digits, upwards: what is asked for in a message."""
    step = 10 ** max(len(str(int(number))) - 2, 0)
    return int(-(-number // step) * step)
