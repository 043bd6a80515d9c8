"""The parametric bootstrap: fit again what the fit itself would have sent."""

import numpy as np
from numpy.typing import NDArray

from predclv.engines.search import estimate
from predclv.likelihoods.likelihood import Likelihood
from predclv.streams import generator


def replicates(likelihood: Likelihood, free: NDArray, n: int, seed: int | None) -> NDArray:
    """Estimates from ``n`` customer bases simulated at the estimate, shape (1, n, k).

    Purchases are simulated for every customer's own T, in continuous time: the likelihood is one of
    continuous times, and rounding to days would add an error that the model does not have. Spend is
    simulated for every repeat buyer's own number of purchases. Each base has as many customers as
    the real one, so one replicate costs about one fit without the gain of cells. A base in which
    nobody buys again is drawn anew. Where a base's likelihood rises towards a limit its estimate is
    that limit: the intervals then reach it.

    Parameters
    ----------
    likelihood : Likelihood
        Of the sample that was fitted.
    free : ndarray, shape (k,)
        The estimate, as free parameters.
    n : int
    seed : int, optional

    Raises
    ------
    FitError
        If no base can be drawn in which anybody buys again.
    """
    rng = generator(seed)
    found = np.empty((1, n, free.size))
    compiled = likelihood.compiled()
    for i in range(n):
        best = estimate(compiled.simulated(free, rng), [free])
        found[0, i] = likelihood.space.parameters_at(best.free)
    return found
