"""What each metric says, in plain words, and which forecaster is best by it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from predclv.validation.scores import METRICS


class Entry(NamedTuple):
    """A metric for readers who have never met it.

    Attributes
    ----------
    label : str
        What a table calls it.
    meaning : str
        What it says, and what it does not.
    is_share : bool
        Whether it is written in percent.
    """

    label: str
    meaning: str
    is_share: bool = False


_PURCHASES = {
    "mae": Entry(
        "mean error",
        "By how many purchases (or how much money) the forecast of a customer is off on average, "
        "too high or too low alike. It favours forecasting too little: most customers buy nothing.",
    ),
    "mae_median": Entry(
        "median's error",
        "The same for each customer's median instead of the mean, which is what this error "
        "rewards. A forecaster that names one number has only that.",
    ),
    "rmse": Entry(
        "root mean square",
        "Like the mean error, but large errors count far more, so a handful of the biggest "
        "customers make most of it. It rewards a right mean.",
    ),
    "bias": Entry(
        "total",
        "How far the sum of all forecasts lies above or below what came: -12% is a total that was "
        "forecast 12% too low. The number a budget is held against; errors of single customers "
        "cancel in it.",
        True,
    ),
    "spearman": Entry(
        "rank correlation",
        "Whether customers come in the right order: 1 perfectly, 0 not at all. It says nothing of "
        "the level.",
    ),
    "gini": Entry(
        "Gini",
        "How much of the best possible order of customers by value the forecast finds: 1 all, 0 "
        "none. It weighs customers by what they were worth.",
    ),
    "top_decile_capture": Entry(
        "top decile",
        "The share of everything that came from the tenth of customers with the highest forecast; "
        "a random tenth gets 10%.",
        True,
    ),
    "crps": Entry(
        "CRPS",
        "An error of the whole range of what was thought possible, in purchases: for a forecaster "
        "of one number it is the mean error. It rewards being right and being sure of it.",
    ),
    "log_score": Entry(
        "surprise",
        "How surprised the forecaster was by what each customer did (log score). Only forecasters "
        "that state probabilities have one.",
    ),
    "coverage": Entry(
        "coverage",
        "The share of customers who did what their interval said. It should be the interval's "
        "level, or a little more, since purchases are whole numbers.",
        True,
    ),
    "width": Entry(
        "width",
        "How wide the intervals are on average; of two with the right coverage the narrower is "
        "better.",
    ),
    "total_coverage": Entry(
        "total's coverage",
        "Whether what all customers did together lies in the interval of the total: 100% if so, "
        "else 0%; over several origins the share of them, which should be the interval's level. "
        "The interval holds chance and what is not known of the parameters. A future unlike the "
        "past it does not hold, so it often covers too little: forecast.total(unlike=...) widens "
        "it by how wrong totals were before.",
        True,
    ),
}

GLOSSARY: Mapping[str, Entry] = MappingProxyType(
    _PURCHASES
    | {f"spend_{n}": entry for n, entry in _PURCHASES.items() if f"spend_{n}" in METRICS}
    | {
        "brier": Entry(
            "Brier",
            "The squared distance between the chance of buying at all and what happened (1 or 0). "
            "It rewards chances that are right and far from the average.",
        ),
        "auc": Entry(
            "AUC",
            "The chance that somebody who bought had been given a higher chance of it than "
            "somebody who did not: 1 always, 0.5 a coin.",
        ),
    }
)
"""Every column of ``Validation.frame``."""


def best_of(frame: pd.DataFrame, metric: str, level: float) -> list[str]:
    """The forecasters that are best by a metric: one, several that are equal, or none.

    None where no direction is better, or fewer than two forecasters have the metric.

    Parameters
    ----------
    frame : DataFrame
        One row per forecaster, one column per metric.
    metric : str
    level : float
        Of the intervals.

    Examples
    --------
    >>> frame = pd.DataFrame({"bias": [-0.12, 0.5], "auc": [0.8, float("nan")]}, index=["a", "b"])
    >>> best_of(frame, "bias", 0.9), best_of(frame, "auc", 0.9)
    (['a'], [])
    """
    stated = frame[metric].dropna()
    match METRICS.get(metric, ""):
        case "smaller":
            loss = stated
        case "larger":
            loss = -stated
        case "nearer to 0":
            loss = stated.abs()
        case "nearer to the level":
            loss = (stated - level).abs()
        case _:
            return []
    if len(loss) < 2 or not np.isfinite(loss.min()):
        return []
    return [str(name) for name in loss.index[loss <= loss.min() + 1e-12]]
