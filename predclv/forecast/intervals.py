"""Predictive intervals per history: where what a customer will really do falls."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.engines.result import Fit
from predclv.forecast.ahead import Ahead
from predclv.forecast.counts import in_classes
from predclv.forecast.distribution import HistoryCounts
from predclv.forecast.histories import Histories
from predclv.forecast.lifetime import lifetime_worths
from predclv.forecast.members import Members
from predclv.forecast.spend_draws import SpendDraws

# The fewer customers a fit has seen, the less it knows its parameters and the more draws of them
# an average needs; the work, draws times histories, is held about constant.
_WORK = 1 << 22
_FEWEST, _MOST = 10, 200


def purchase_draws(members: Members, rng: np.random.Generator) -> Any:
    """The model of purchases with as many draws as an interval of these histories needs."""
    n_cells = members.distinct.n_cells
    return members.models(int(np.clip(_WORK // n_cells, _FEWEST, _MOST)), rng)


def predictive_intervals(
    counts: HistoryCounts,
    spend: Fit | None,
    level: float,
    rng: np.random.Generator,
    patterns: Any = None,
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
    patterns : Patterns, optional
        What is known of customers, where a fit has covariates.

    Returns
    -------
    dict
        ``purchases_lower``, ``purchases_upper`` (int64, (n_cells,)) and, with spend,
        ``revenue_lower``, ``revenue_upper`` (3, n_cells): see `revenue.log_quantile_curves`; and
        their ``scale``; by cell, (n_cells,), where spend has covariates.
    """
    n_cells = counts.histories.n_cells
    ends = {"lower": 0.5 * (1.0 - level), "upper": 0.5 * (1.0 + level)}
    found: dict[str, NDArray] = {
        f"purchases_{side}": np.empty(n_cells, dtype=np.int64) for side in ends
    }
    if spend is not None:
        spend_draws = SpendDraws.of(spend, rng, patterns, counts.histories.pattern)
        found["scale"] = spend_draws.scale
        found |= {f"revenue_{side}": np.empty((3, n_cells)) for side in ends}
    for parts in counts.by_frequency():
        for cells, piece, tails in parts:
            for side, probability in ends.items():
                found[f"purchases_{side}"][cells] = counts.quantile(tails, piece, probability)
        if spend is not None:
            of_frequency = slice(parts[0][0].start, parts[-1][0].stop)
            curves = spend_draws.log_quantile_curves(
                of_frequency,
                *in_classes([tails for _, _, tails in parts]),
                tuple(1.0 - probability for probability in ends.values()),
                float(parts[0][1].x[0]),
            )
            for side, curve in zip(ends, curves, strict=True):
                found[f"revenue_{side}"][:, of_frequency] = curve
    return found


def lifetime_intervals(
    histories: Histories,
    model: Any,
    spend: Fit,
    ahead: Ahead,
    level: float,
    rng: np.random.Generator,
    patterns: Any = None,
) -> dict[str, NDArray]:
    """Curves of the bounds of the discounted revenue of the whole remaining lifetime.

    The distribution of what the purchases are worth is simulated (see `lifetime`), and compounded
    with spend as that of purchases within a horizon is. Of a far longer simulation of one history
    the bounds hold the level to within one percentage point; upper bounds are off by 3% at most.

    Parameters
    ----------
    model : PurchaseModel
        With draws of its parameters: `purchase_draws`.

    Returns
    -------
    dict
        ``revenue_lower``, ``revenue_upper`` (3, n_cells) and ``scale``, as of
        `predictive_intervals`.
    """
    spend_draws = SpendDraws.of(spend, rng, patterns, histories.pattern)
    bounds = np.empty((2, 3, histories.n_cells))
    beyonds = (0.5 * (1.0 + level), 0.5 * (1.0 - level))
    for worths in lifetime_worths(histories, model, ahead, rng):
        bounds[:, :, worths.cells] = spend_draws.log_quantile_curves(
            worths.cells,
            worths.probabilities,
            worths.alike,
            beyonds,
            float(histories.x[worths.cells.start]),
            worths.worth,
        )
    return {"revenue_lower": bounds[0], "revenue_upper": bounds[1], "scale": spend_draws.scale}
