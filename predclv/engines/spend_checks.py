"""Whether spend holds still, as a model of it assumes: of late, and from the first on."""

from typing import Any

import numpy as np

from predclv.errors import OptionError
from predclv.models.base import Model
from predclv.models.gamma_gamma import GammaGamma
from predclv.models.spend import SpendModel
from predclv.samples.spend import SpendCells
from predclv.summaries.first_spends import first_scale
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
        What it was fitted to. Without a log, or with one of more than 100 million rows, nothing is
        counted; of more than 200,000 purchases a sample of the customers is.
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
    firsts = facts.first_spend
    if firsts.size >= _FEWEST and observed_mean > 0:
        found["first_ratio"] = float(firsts.mean() / observed_mean)
        error = np.sqrt(firsts.var(ddof=1) / firsts.size)
        found["first_ratio_error"] = float(error / observed_mean)
    return found


def scale_asked(
    model: type[Model], rfm: Any, cells: SpendCells, options: dict[str, Any]
) -> float | None:
    """What first purchases cost beside later ones, where a fit is to take them; else None.

    Parameters
    ----------
    options : dict
        Of the fit: ``first_purchase`` is taken out.

    Raises
    ------
    OptionError
        If it is no truth value, or the model is none of Gamma-Gamma.
    DataError, FitError
        As of `first_scale`.
    """
    asked = options.pop("first_purchase", False)
    if not isinstance(asked, bool):
        raise OptionError(f"first_purchase must be True or False; got {asked!r}.")
    if not asked:
        return None
    if not issubclass(model, GammaGamma):
        raise OptionError(
            f"first_purchase is an option of Gamma-Gamma, and this is {model.title}. "
            "CLVModel(first_purchase=True) gives it to the model of spend."
        )
    return first_scale(rfm, cells)
