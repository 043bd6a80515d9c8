"""Predictive intervals: where what a customer will really do falls, per customer."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.data.grouping import distinct
from predclv.engines.result import Fit
from predclv.forecast.counts import count_quantile, count_tails
from predclv.forecast.histories import Histories
from predclv.forecast.revenue import revenue_quantile
from predclv.forecast.simulation import futures

# The fewer customers a fit has seen, the less it knows its parameters and the more draws of them
# an average needs; the work, draws times histories, is held about constant.
_WORK = 1 << 22
_FEWEST, _MOST = 32, 200
_SPEND_WORK = 1 << 16
_FEWEST_SPEND, _MOST_SPEND = 6, 24
_PATHS_WORK = 1 << 27
_FEWEST_PATHS, _MOST_PATHS = 200, 1000
_BLOCK = 20_000  # customers simulated at once


def predictive_intervals(
    histories: Histories,
    mean: NDArray | None,
    purchases: Fit,
    spend: Fit | None,
    t: float,
    level: float,
    rng: np.random.Generator,
) -> dict[str, NDArray]:
    """Bounds of purchases and revenue within ``t``, each of shape (n_customers,).

    Exact given the parameters, and averaged over draws of them: the distribution of purchases is
    the model's, that of revenue compounds it with spend.

    Parameters
    ----------
    histories : Histories
    mean : ndarray, shape (n_customers,), or None
        Past mean spend, not negative; None without spend.
    purchases, spend : Fit
    t : float
        Horizon, finite.
    level : float
        Share of customers whose actual falls within, bounds included.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        ``purchases_lower``, ``purchases_upper`` (int64) and, with spend, ``revenue_lower``,
        ``revenue_upper``.
    """
    n_draws = int(np.clip(_WORK // histories.n_cells, _FEWEST, _MOST))
    model = drawn(purchases, n_draws, rng)
    kinds, kind_of_customer = _kinds(histories, mean)
    cell = histories.cell_of_customer[kinds]
    by_cell = np.argsort(cell, kind="stable")
    first_of_cell = np.searchsorted(cell[by_cell], np.arange(histories.n_cells + 1))
    if spend is not None:
        n_spend = int(np.clip(_SPEND_WORK // kinds.size, _FEWEST_SPEND, _MOST_SPEND))
        spend_model = drawn(spend, n_spend, rng)

    ends = {"lower": 0.5 * (1.0 - level), "upper": 0.5 * (1.0 + level)}
    counts = {side: np.empty(histories.n_cells, dtype=np.int64) for side in ends}
    revenue = {side: np.empty(kinds.size) for side in ends}
    for cells, piece in histories.parts(n_draws):
        found = count_tails(piece, model, t)
        rows = by_cell[first_of_cell[cells.start] : first_of_cell[cells.stop]]
        for side, probability in ends.items():
            counts[side][cells] = count_quantile(found, piece, model, t, probability)
            if spend is not None and mean is not None:
                revenue[side][rows] = revenue_quantile(
                    found,
                    cell[rows] - cells.start,
                    histories.x[cell[rows]],
                    mean[kinds[rows]],
                    spend_model,
                    probability,
                )
    columns = {
        f"purchases_{side}": values[histories.cell_of_customer] for side, values in counts.items()
    }
    if spend is not None:
        columns |= {f"revenue_{side}": values[kind_of_customer] for side, values in revenue.items()}
    return columns


def lifetime_intervals(
    histories: Histories,
    mean: NDArray,
    purchases: Fit,
    spend: Fit,
    delta: float,
    level: float,
    rng: np.random.Generator,
) -> dict[str, NDArray]:
    """Bounds of the discounted revenue of the whole remaining lifetime, each (n_customers,).

    By simulation, one future of every customer per draw of the parameters: the distribution has
    no closed form.
    """
    kinds, kind_of_customer = _kinds(histories, mean)
    paths = int(np.clip(_PATHS_WORK // kinds.size, _FEWEST_PATHS, _MOST_PATHS))
    models, spends = fixed_draws(purchases, paths, rng), fixed_draws(spend, paths, rng)
    bounds = np.empty((2, kinds.size))
    for start in range(0, kinds.size, _BLOCK):
        rows = kinds[start : start + _BLOCK]
        block = replace(histories, cell_of_customer=histories.cell_of_customer[rows])
        worth = np.empty((paths, rows.size), dtype=np.float32)
        for path, (model, spend_model) in enumerate(zip(models, spends, strict=True)):
            future = futures(block, model, spend_model, mean[rows], np.inf, delta, rng)
            worth[path] = future["worth"]
        bounds[:, start : start + _BLOCK] = np.quantile(
            worth, [0.5 * (1.0 - level), 0.5 * (1.0 + level)], axis=0
        )
    lower, upper = bounds[:, kind_of_customer]
    return {"worth_lower": lower, "worth_upper": upper}


def drawn(fit: Fit, draws: int, rng: np.random.Generator) -> Any:
    """A fit's model with ``draws`` draws of its parameters, each of shape (draws, 1)."""
    values = fit.draws(draws, seed=int(rng.integers(1 << 62)))
    return type(fit.model)(*(values[name][:, None] for name in fit.model.names()))


def fixed_draws(fit: Fit, draws: int, rng: np.random.Generator) -> list[Any]:
    """As many models as draws of a fit's parameters, each with numbers for parameters."""
    values = fit.draws(draws, seed=int(rng.integers(1 << 62)))
    names = fit.model.names()
    return [
        type(fit.model)(*(float(values[name][draw]) for name in names)) for draw in range(draws)
    ]


def _kinds(histories: Histories, mean: NDArray | None) -> tuple[NDArray, NDArray]:
    """Customers who differ in history or mean spend: the first of each kind, and everyone's kind.

    One-time buyers have no mean that counts, so all of one age are of a kind.
    """
    cell = histories.cell_of_customer
    own = np.zeros(cell.size) if mean is None else np.where(histories.x[cell] > 0, mean, 0.0)
    return distinct(cell, own)
