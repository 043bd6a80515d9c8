"""Whether spend holds still, as a model of it assumes: of late, and from the first on."""

from typing import Any

import numpy as np

from predclv.models.spend import SpendModel
from predclv.samples.spend import SpendCells
from predclv.summaries.spend_facts import spend_facts

_FEWEST = 30
"""Customers behind a ratio, or there is none."""


def spend_checks(model: SpendModel, rfm: Any, cells: SpendCells) -> dict[str, float]:
    """What is behind a fit of spend, as far as the summary and the log behind it tell.

    Parameters
    ----------
    model : SpendModel
        At the estimate.
    rfm : RFM or SpendCells
        What it was fitted to. Without a log, or with one of more than 5 million rows, nothing is
        counted.
    cells : SpendCells
        Repeat buyers by what they spent.

    Returns
    -------
    dict
        ``mean_error``: the standard error of the average of repeat buyers' mean spends, over it:
        how well so many tell the level of spend. From a log also ``recent_ratio``: what customers
        with earlier repeat purchases spent in the last half-year, over what the model expects of as
        many purchases given their spend before: 1 where spend holds still. ``first_ratio``: the
        average first purchase of repeat buyers over the average of their mean later ones. Each with
        its ``_error`` (standard error). Ratios are left out with fewer than 30 customers.
    """
    facts, found = spend_facts(rfm), dict[str, float]()
    spends, weight = cells.monetary_value, cells.weight
    observed_mean = float(weight @ spends / weight.sum())
    if weight.sum() > 1:
        spread = weight @ (spends - observed_mean) ** 2 / (weight.sum() - 1)
        found["mean_error"] = float(np.sqrt(spread / weight.sum()) / observed_mean)
    if facts is None:
        return found
    if facts.x.size >= _FEWEST:
        expected = facts.late_purchases * model.expected_spend(facts.x, facts.mean)
        known = np.isfinite(expected)
        came, expected = facts.late_spend[known], expected[known]
        if expected.sum() > 0:
            ratio = came.sum() / expected.sum()
            off = came - ratio * expected
            found["recent_ratio"] = float(ratio)
            found["recent_ratio_error"] = float(np.sqrt(off @ off) / expected.sum())
    n = facts.customers.sum()
    if n >= _FEWEST and observed_mean > 0:
        first = facts.customers @ facts.first_spend / n
        spread = facts.customers @ (facts.first_spend - first) ** 2 / (n - 1)
        found["first_ratio"] = float(first / observed_mean)
        found["first_ratio_error"] = float(np.sqrt(spread / n) / observed_mean)
    return found
