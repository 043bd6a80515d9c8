"""ADVI: independent normals in whitened coordinates, and whether to trust them."""

import logging
import warnings
from typing import Any

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray

from predclv.engines.pymc_density import Density
from predclv.errors import OptionWarning, SamplingWarning
from predclv.notices import warn


def approximated(
    density: Density,
    centre: NDArray,
    root: NDArray,
    sizes: tuple[int, int],
    seed: int,
    progress: bool,
) -> tuple[NDArray, None, dict[str, float]]:
    """Draws from ADVI's approximation; parameters and returns as :func:`pymc_nuts.sampled`.

    The chains are one sample cut in pieces: the draws are independent, and say nothing about how
    good the approximation is. That is what ``k_hat`` in the checks is for.
    """
    warn(
        "ADVI approximates a posterior that NUTS samples here in less time (CDNOW: 1 s by NUTS, "
        "5 s by ADVI, once both are compiled). Prefer method='nuts'.",
        OptionWarning,
    )
    names = density.likelihood.space.names
    mean, spread = _mean_field(density.pymc_model, names, centre, root, seed, progress)
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((*sizes, centre.size))
    free = centre + (mean + spread * normal) @ root.T
    flat = free.reshape(-1, centre.size)[:4000]
    ratios = np.array([density(point)[0] for point in flat])
    ratios += 0.5 * np.sum(normal.reshape(-1, centre.size)[:4000] ** 2, axis=1)
    k_hat = float(array_stats.psislw(ratios - ratios.max())[1])
    distance = float(np.max(np.abs(mean)))
    if not (k_hat <= 0.7 and distance <= 1.0):
        warn(
            f"ADVI's approximation of {density.likelihood.title} is not to be trusted: its draws "
            f"represent the posterior poorly (Pareto k-hat {k_hat:.2f}, trusted up to 0.7) or its "
            f"centre lies {distance:.1f} standard deviations from the mode. Sample instead: "
            f"method='nuts'.",
            SamplingWarning,
        )
    return density.likelihood.space.parameters_at(free), None, {"k_hat": k_hat}


def _mean_field(
    built: Any, names: tuple[str, ...], centre: NDArray, root: NDArray, seed: int, progress: bool
) -> tuple[NDArray, NDArray]:
    """Mean and standard deviation (k,) of the independent normals nearest to ``z``."""
    from predclv.engines import pymc_model

    logger = logging.getLogger("pymc")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with pymc_model.whitened(built, names, centre, root), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            found = pymc_model.pm.fit(
                n=20_000,
                method="advi",
                random_seed=seed,
                progressbar=progress,
                obj_optimizer=pymc_model.pm.adagrad_window(learning_rate=0.01),
            )
    finally:
        logger.setLevel(level)
    return np.asarray(found.mean.eval()), np.asarray(found.std.eval())
