"""Predictive intervals per history: where what a customer will really do falls."""

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.counts import count_quantile, in_classes
from predclv.forecast.distribution import HistoryCounts
from predclv.forecast.draws import drawn, fixed_draws
from predclv.forecast.histories import Histories
from predclv.forecast.revenue import NOTHING, log_quantile_curves, scale_of
from predclv.forecast.simulation import futures
from predclv.models.purchases import PurchaseModel

# The fewer customers a fit has seen, the less it knows its parameters and the more draws of them
# an average needs; the work, draws times histories, is held about constant.
_WORK = 1 << 22
_FEWEST, _MOST = 10, 200
_SPEND_DRAWS = 7
_PATHS_WORK = 1 << 27
_FEWEST_PATHS, _MOST_PATHS = 200, 1000
_BLOCK = 20_000  # histories simulated at once
_LIFETIME_SHARES = (0.5, 1.0 - 1e-6)


def purchase_draws(fit: Fit, histories: Histories, rng: np.random.Generator) -> PurchaseModel:
    """The model of purchases with as many draws as an interval of these histories needs."""
    return drawn(fit, int(np.clip(_WORK // histories.n_cells, _FEWEST, _MOST)), rng)


def predictive_intervals(
    counts: HistoryCounts, spend: Fit | None, level: float, rng: np.random.Generator
) -> dict[str, NDArray]:
    """Bounds of purchases, and curves of the bounds of revenue, per history.

    Exact given the parameters but for the grid that quantiles of revenue are read from, and
    averaged over draws of them: the distribution of purchases is the model's, that of revenue
    compounds it with spend.

    Parameters
    ----------
    counts : HistoryCounts
        The distribution of purchases.
    spend : Fit or None
    level : float
        Share of customers whose actual falls within, bounds included.
    rng : numpy.random.Generator
        Of the draws of the parameters of spend.

    Returns
    -------
    dict
        ``purchases_lower``, ``purchases_upper`` (int64, (n_cells,)) and, with spend,
        ``revenue_lower``, ``revenue_upper`` (3, n_cells): see `revenue.log_quantile_curves`; and
        their ``scale``.
    """
    n_cells = counts.histories.n_cells
    ends = {"lower": 0.5 * (1.0 - level), "upper": 0.5 * (1.0 + level)}
    found: dict[str, NDArray] = {
        f"purchases_{side}": np.empty(n_cells, dtype=np.int64) for side in ends
    }
    if spend is not None:
        spend_model = drawn(spend, _SPEND_DRAWS, rng)
        found["scale"] = np.array(scale_of(spend_model))
        found |= {f"revenue_{side}": np.empty((3, n_cells)) for side in ends}
    for parts in counts.by_frequency():
        for cells, piece, tails in parts:
            for side, probability in ends.items():
                bound = count_quantile(tails, piece, counts.model, counts.t, probability)
                found[f"purchases_{side}"][cells] = bound
        if spend is not None:
            curves = log_quantile_curves(
                *in_classes([tails for _, _, tails in parts]),
                float(parts[0][1].x[0]),
                spend_model,
                tuple(1.0 - probability for probability in ends.values()),
            )
            of_frequency = slice(parts[0][0].start, parts[-1][0].stop)
            for side, curve in zip(ends, curves, strict=True):
                found[f"revenue_{side}"][:, of_frequency] = curve
    return found


def lifetime_intervals(
    histories: Histories,
    purchases: Fit,
    spend: Fit,
    delta: float,
    level: float,
    rng: np.random.Generator,
) -> dict[str, NDArray]:
    """Curves of the bounds of the discounted revenue of the whole remaining lifetime.

    By simulation, one future of every history per draw of the parameters and for two mean spends:
    the distribution has no closed form.

    Returns
    -------
    dict
        ``revenue_lower``, ``revenue_upper`` (3, n_cells) and ``scale``, as of
        `predictive_intervals`.
    """
    share = np.array(_LIFETIME_SHARES)
    repeat = histories.x > 0
    cell = np.repeat(np.arange(histories.n_cells), np.where(repeat, share.size, 1))
    first = np.searchsorted(cell, np.arange(histories.n_cells))
    node = np.arange(cell.size) - first[cell]
    scale = float(spend.model.scale)  # type: ignore[attr-defined]
    x = histories.x[cell]
    odds = share / (1.0 - share)
    mean = np.where(x > 0, scale * odds[node] / np.maximum(x, 1.0), 0.0)
    paths = int(np.clip(_PATHS_WORK // cell.size, _FEWEST_PATHS, _MOST_PATHS))
    models, spends = fixed_draws(purchases, paths, rng), fixed_draws(spend, paths, rng)
    logs = np.empty((2, cell.size))
    for start in range(0, cell.size, _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = Histories.of(*(column[cell[rows]] for column in
                               (histories.x, histories.t_x, histories.T)))  # fmt: skip
        worth = np.empty((paths, block.cell_of_customer.size), dtype=np.float32)
        for path, (model, spend_model) in enumerate(zip(models, spends, strict=True)):
            future = futures(block, model, spend_model, mean[rows], np.inf, delta, rng)
            worth[path] = future["worth"] / (scale + x[rows] * mean[rows])
        bounds = np.quantile(worth, [0.5 * (1.0 - level), 0.5 * (1.0 + level)], axis=0)
        logs[:, rows] = np.log(np.maximum(bounds, 1e-300))
    logs = np.where(logs < np.log(1e-290), NOTHING, logs)
    at_half, at_one = logs[:, first], logs[:, np.minimum(first + 1, cell.size - 1)]
    nothing = np.where(repeat, np.minimum(at_half, at_one), at_half) == NOTHING
    slope = np.where(repeat & ~nothing, (at_one - at_half) / (share[1] - share[0]), 0.0)
    level_at_zero = np.where(nothing, NOTHING, at_half - slope * share[0])
    return {
        f"revenue_{side}": np.stack([level_at_zero[i], slope[i], np.zeros(histories.n_cells)])
        for i, side in enumerate(("lower", "upper"))
    } | {"scale": np.array(scale)}
