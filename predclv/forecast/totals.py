"""Simulated totals of a customer base."""

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.draws import fixed_draws
from predclv.forecast.histories import Histories
from predclv.forecast.simulation import futures

_WORK = 20_000_000  # customers x simulated futures behind the interval of a total
_FEWEST, _MOST = 100, 1000


def simulated_totals(
    histories: Histories,
    mean: NDArray | None,
    purchases: Fit,
    spend: Fit | None,
    t: float,
    delta: float,
    seed: int,
) -> dict[str, NDArray]:
    """Totals over customers of `simulation.futures`, each of shape (futures,).

    In each future all customers share one draw of the parameters: what is not known of the
    parameters does not average out over customers.
    """
    rng = np.random.default_rng([seed, 2])
    n = int(np.clip(_WORK // histories.cell_of_customer.size, _FEWEST, _MOST))
    models = fixed_draws(purchases, n, rng)
    spends = [None] * n if spend is None else fixed_draws(spend, n, rng)
    found: dict[str, list[float]] = {}
    for model, spend_model in zip(models, spends, strict=True):
        future = futures(histories, model, spend_model, mean, t, delta, rng)
        for name, values in future.items():
            found.setdefault(name, []).append(float(values.sum()))
    return {name: np.array(values) for name, values in found.items()}
