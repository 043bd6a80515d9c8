"""What customers of each history are expected to spend per future purchase."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.draws import drawn, is_posterior
from predclv.forecast.patterns import ByPattern, estimate_of
from predclv.samples.grouping import distinct

_DRAWS = 400


def expected_spend(
    fit: Fit,
    frequency: NDArray,
    rng: np.random.Generator,
    patterns: Any = None,
    pattern: NDArray | None = None,
) -> dict[str, NDArray]:
    """Expected spend per future purchase as a line in the past mean; finite and positive.

    Where there is no finite expectation the observed average stands in; the fit has warned.

    Parameters
    ----------
    fit : Fit
        Of spend.
    frequency : ndarray, shape (n_cells,)
        Repeat purchases so far.
    rng : numpy.random.Generator
        Of the draws of a posterior.
    patterns : Patterns or None
        What is known of customers, where the fit has covariates.
    pattern : ndarray of int, shape (n_cells,), or None
        Which of them.

    Returns
    -------
    dict
        ``spend_base`` and ``spend_slope``, each (n_cells,).
    """
    model: Any = estimate_of(fit, patterns)
    if is_posterior(fit):
        model = drawn(fit, _DRAWS, rng, patterns)
    if isinstance(model, ByPattern) and pattern is not None:
        first, code = distinct(frequency, pattern)
        counts, model = frequency[first], model.of(pattern[first])
    else:
        counts, code = np.unique(frequency, return_inverse=True)
    with np.errstate(invalid="ignore"):
        base, at_one = (
            np.atleast_2d(model.expected_spend(counts, mean)).mean(axis=0) for mean in (0.0, 1.0)
        )
        slope = at_one - base
    known = np.isfinite(base) & np.isfinite(slope)
    base = np.where(known, base, fit.checks["observed_mean"])
    return {"spend_base": base[code], "spend_slope": np.where(known, slope, 0.0)[code]}
