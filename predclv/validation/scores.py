"""All metrics of one forecast, and which way each of them is better."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.forecast.result import Forecast
from predclv.validation.metrics import (
    auc,
    bias,
    brier,
    coverage,
    crps,
    gini,
    log_score,
    mean_absolute_error,
    root_mean_squared_error,
    spearman,
    top_decile_capture,
    width,
)

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
        "spend_mae": "smaller",
        "spend_rmse": "smaller",
        "spend_bias": "nearer to 0",
        "spend_spearman": "larger",
        "spend_gini": "larger",
        "spend_top_decile_capture": "larger",
        "spend_coverage": "nearer to the level",
        "brier": "smaller",
        "auc": "larger",
    }
)
"""The columns of ``Validation.frame`` and what is better; width by itself is neither."""


def scores(forecast: Forecast, actual: pd.DataFrame, level: float) -> dict[str, float]:
    """Every metric of a forecast of these customers over the holdout.

    Parameters
    ----------
    forecast : Forecast
    actual : DataFrame
        frequency_holdout and, maybe, spend_holdout, in the order of the forecast.
    level : float
        Of the intervals. A forecast made with another level has only those of purchases, which
        follow from its distribution.

    Returns
    -------
    dict
        The keys of ``METRICS``; NaN where the forecaster states no such thing, or the metric is
        not defined.
    """
    said = forecast.frame
    found = dict.fromkeys(METRICS, float("nan"))
    came = actual["frequency_holdout"].to_numpy()
    expected = said["expected_purchases"].to_numpy(np.float64)
    found |= _of_expectation(expected, came)
    found |= _of_distribution(forecast, expected, came, level)
    if "spend_holdout" in actual and "expected_revenue" in said:
        spent = actual["spend_holdout"].to_numpy(np.float64)
        revenue = said["expected_revenue"].to_numpy(np.float64)
        found |= {f"spend_{name}": v for name, v in _of_expectation(revenue, spent).items()}
        if forecast.terms.level == level:
            found["spend_coverage"] = coverage(said["revenue_lower"], said["revenue_upper"], spent)
    if "p_active" in said:
        active = (came > 0).astype(np.int64)
        found |= {"brier": brier(said["p_active"], active), "auc": auc(said["p_active"], active)}
    return found


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
    forecast: Forecast, expected: NDArray, came: NDArray, level: float
) -> dict[str, float]:
    """What the distribution of purchases is worth; of one number it is a step at that number."""
    counts = forecast.counts()
    if counts is None:
        error = mean_absolute_error(expected, came)
        return {"mae_median": error, "crps": error}
    if forecast.terms.level == level:
        lower, upper = (forecast.frame[f"purchases_{e}"].to_numpy() for e in ("lower", "upper"))
    else:
        lower, upper = (counts.quantile(0.5 * (1.0 + side * level)) for side in (-1, 1))
    return {
        "mae_median": mean_absolute_error(counts.quantile(0.5), came),
        "crps": crps(counts, came),
        "log_score": log_score(counts, came),
        "coverage": coverage(lower, upper, came),
        "width": width(lower, upper),
    }
