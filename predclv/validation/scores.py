"""All metrics of one forecast, and which way each of them is better."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.forecast.distribution import CountDistribution
from predclv.forecast.result import Forecast
from predclv.validation.losses import losses_of
from predclv.validation.metrics import (
    auc,
    bias,
    brier,
    coverage,
    crps_of_each,
    gini,
    log_score,
    mean_absolute_error,
    root_mean_squared_error,
    spearman,
    top_decile_capture,
    width,
)
from predclv.validation.totals import totals_of

Better = Literal["smaller", "larger", "nearer to 0", "nearer to the level", ""]

METRICS: Mapping[str, Better] = MappingProxyType(
    {
        "mae": "smaller",
        "mae_median": "smaller",
        "rmse": "smaller",
        "bias": "nearer to 0",
        "spearman": "larger",
        "gini": "larger",
        "top_decile_capture": "larger",
        "crps": "smaller",
        "log_score": "smaller",
        "coverage": "nearer to the level",
        "width": "",
        "total_coverage": "",
        "spend_mae": "smaller",
        "spend_rmse": "smaller",
        "spend_bias": "nearer to 0",
        "spend_spearman": "larger",
        "spend_gini": "larger",
        "spend_top_decile_capture": "larger",
        "spend_coverage": "nearer to the level",
        "spend_total_coverage": "",
        "brier": "smaller",
        "auc": "larger",
    }
)
"""The columns of ``Validation.frame`` and what is better.

Of width by itself neither is, nor of total_coverage: one total is in its interval or is not.
"""


class Scores(NamedTuple):
    """What one forecast is worth.

    Attributes
    ----------
    metrics : dict
        The keys of ``METRICS``; NaN where the forecaster states no such thing, or the metric is
        not defined.
    losses : dict of ndarray
        As of `losses_of`.
    totals : DataFrame
        As of `totals_of`.
    """

    metrics: dict[str, float]
    losses: dict[str, NDArray]
    totals: pd.DataFrame


def scores(forecast: Forecast, actual: pd.DataFrame, level: float) -> Scores:
    """Every metric of a forecast of these customers over the holdout.

    Parameters
    ----------
    forecast : Forecast
    actual : DataFrame
        frequency_holdout and, maybe, spend_holdout, in the order of the forecast.
    level : float
        Of the intervals. A forecast made with another level has only those of purchases, which
        follow from its distribution.
    """
    said = forecast.frame
    found = dict.fromkeys(METRICS, float("nan"))
    came = actual["frequency_holdout"].to_numpy()
    expected = said["expected_purchases"].to_numpy(np.float64)
    counts = forecast.counts()
    misses = np.abs(expected - came) if counts is None else crps_of_each(counts, came)
    losses = losses_of(expected, came) | {"crps": misses}
    found |= _of_expectation(expected, came)
    found |= _of_distribution(forecast, counts, expected, came, level)
    found["crps"] = float(misses.mean())
    if "spend_holdout" in actual and "expected_revenue" in said:
        spent = actual["spend_holdout"].to_numpy(np.float64)
        revenue = said["expected_revenue"].to_numpy(np.float64)
        found |= {f"spend_{name}": v for name, v in _of_expectation(revenue, spent).items()}
        losses |= {f"spend_{name}": v for name, v in losses_of(revenue, spent).items()}
        if forecast.terms.level == level:
            found["spend_coverage"] = coverage(said["revenue_lower"], said["revenue_upper"], spent)
    if "p_active" in said:
        active = (came > 0).astype(np.int64)
        found |= {"brier": brier(said["p_active"], active), "auc": auc(said["p_active"], active)}
        losses["brier"] = (said["p_active"].to_numpy(np.float64) - active) ** 2
    totals = totals_of(forecast, actual, level)
    names = {"purchases": "total_coverage", "revenue": "spend_total_coverage"}
    found |= {names[str(of)]: float(held) for of, held in totals["covered"].dropna().items()}
    return Scores(found, losses, totals)


def _of_expectation(expected: NDArray, came: NDArray) -> dict[str, float]:
    return {
        "mae": mean_absolute_error(expected, came),
        "rmse": root_mean_squared_error(expected, came),
        "bias": bias(expected, came),
        "spearman": spearman(expected, came),
        "gini": gini(expected, came),
        "top_decile_capture": top_decile_capture(expected, came),
    }


def _of_distribution(
    forecast: Forecast,
    counts: CountDistribution | None,
    expected: NDArray,
    came: NDArray,
    level: float,
) -> dict[str, float]:
    """What the distribution of purchases is worth; of one number it is a step at that number."""
    if counts is None:
        return {"mae_median": mean_absolute_error(expected, came)}
    if forecast.terms.level == level:
        lower, upper = (forecast.frame[f"purchases_{e}"].to_numpy() for e in ("lower", "upper"))
    else:
        lower, upper = (counts.quantile(0.5 * (1.0 + side * level)) for side in (-1, 1))
    return {
        "mae_median": mean_absolute_error(counts.quantile(0.5), came),
        "log_score": log_score(counts, came),
        "coverage": coverage(lower, upper, came),
        "width": width(lower, upper),
    }
