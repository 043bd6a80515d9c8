"""Expected spend per future purchase, as a line in a customer's past mean."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.draws import drawn

_SPEND_DRAWS = 400


def is_posterior(fit: Fit) -> bool:
    """Whether expectations are averages over draws rather than taken at the estimate."""
    return fit.method in ("nuts", "advi")


def spend_line(fit: Fit, frequency: NDArray, rng: np.random.Generator) -> dict[str, NDArray]:
    """Where the line begins and how it rises, by frequency; finite and positive.

    Where there is no finite expectation the observed average stands in; the fit has warned.

    Parameters
    ----------
    fit : Fit
        Of spend.
    frequency : ndarray, shape (n,)
        Repeat purchases so far.
    rng : numpy.random.Generator
        Of a posterior's draws.

    Returns
    -------
    dict
        ``spend_base`` and ``spend_slope``, each (n,).
    """
    model: Any = drawn(fit, _SPEND_DRAWS, rng) if is_posterior(fit) else fit.model
    counts, code = np.unique(frequency, return_inverse=True)
    with np.errstate(invalid="ignore"):
        base, at_one = (
            np.atleast_2d(model.expected_spend(counts, mean)).mean(axis=0) for mean in (0.0, 1.0)
        )
        slope = at_one - base
    known = np.isfinite(base) & np.isfinite(slope)
    base = np.where(known, base, fit.checks["observed_mean"])
    return {"spend_base": base[code], "spend_slope": np.where(known, slope, 0.0)[code]}
