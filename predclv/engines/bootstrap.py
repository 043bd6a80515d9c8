"""The parametric bootstrap: fit again what the fit itself would have sent."""

import numpy as np
from numpy.typing import NDArray

from predclv.engines.kernels import objective
from predclv.engines.mle import estimate
from predclv.models.base import Columns, Model, PurchaseModel


def replicates(
    model: type[Model], arrays: Columns, log_parameters: NDArray, n: int, seed: int | None
) -> NDArray:
    """Estimates from ``n`` customer bases simulated at the estimate, shape (1, n, k).

    Purchases are simulated for every customer's own T, in continuous time: the likelihood is one of
    continuous times, and rounding to days would add an error that the model does not have. Spend is
    simulated for every repeat buyer's own number of purchases. Each base has as many customers as
    the real one, so one replicate costs about one fit without the gain of cells. A base in which
    nobody buys again is drawn anew. Where a base's likelihood rises towards a limit its estimate is
    that limit: the intervals then reach it.

    Parameters
    ----------
    model : type
    arrays : tuple of ndarray
        The cells that were fitted.
    log_parameters : ndarray, shape (k,)
        The estimate.
    n : int
    seed : int, optional
    """
    rng = np.random.default_rng(seed)
    truth = model.from_log(log_parameters)
    found = np.empty((1, n, log_parameters.size))
    for i in range(n):
        simulated = _simulated(truth, arrays, rng)
        compiled = objective(model, simulated)
        best = estimate(model, simulated, [log_parameters], compiled)
        found[0, i] = np.exp(best.log_parameters)
    return found


def _simulated(truth: Model, arrays: Columns, rng: np.random.Generator) -> Columns:
    """Customers like the fitted ones, each with weight 1."""
    each = arrays[-1].astype(int)
    if isinstance(truth, PurchaseModel):
        T = np.repeat(arrays[2], each)
        for _ in range(1000):
            x, t_x = truth.simulate(T, rng)
            if np.any(x > 0):
                break
        return x.astype(float), t_x, T, np.ones(T.size)
    x = np.repeat(arrays[0], each)
    counts = x.astype(int)
    spent = truth.simulate(counts, rng)  # type: ignore[attr-defined]
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return x, np.add.reduceat(spent, firsts) / counts, np.ones(x.size)
