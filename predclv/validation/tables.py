"""Forecast against actual, grouped by what was known: the numbers behind the pictures."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError
from predclv.forecast.ahead import times_of
from predclv.forecast.patterns import Known
from predclv.forecast.recalled import assert_as_they_stand
from predclv.forecast.result import Forecast
from predclv.samples.grouping import distinct
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit
from predclv.validation.validate import check_forecast


def holdout_by_frequency(
    forecast: Forecast | Mapping[str, Forecast], split: HoldoutSplit, most: int = 7
) -> pd.DataFrame:
    """Mean purchases in the holdout, forecast and actual, by purchases in calibration.

    Parameters
    ----------
    forecast : Forecast, or mapping of str to Forecast
        Of the customers of ``split.rfm``, over the length of the holdout.
    split : HoldoutSplit
    most : int
        Frequencies from here on are one group.

    Returns
    -------
    DataFrame
        Index ``frequency`` (0, 1, ..., ``"7+"``), columns customers, actual, and forecast (or one
        per name of the mapping): means per customer.

    Raises
    ------
    DataError
        If a forecast is of other customers, or over another length of time than the holdout.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), figure 4.
    """
    codes = np.minimum(split.frame["frequency"].to_numpy(), most).astype(np.int64)
    labels = pd.CategoricalDtype([*map(str, range(most)), f"{most}+"], ordered=True)
    group = pd.Categorical.from_codes(codes, dtype=labels)
    return _means_by(group, forecast, split).rename_axis("frequency")


def holdout_by_recency(
    forecast: Forecast | Mapping[str, Forecast],
    split: HoldoutSplit,
    by: str = "recency",
    width: float | None = None,
) -> pd.DataFrame:
    """Mean purchases in the holdout, forecast and actual, by when customers last bought.

    Parameters
    ----------
    forecast, split
        As in :func:`holdout_by_frequency`.
    by : str
        ``"recency"``: first to last purchase, with the customers of a single purchase as the group
        ``"0"``; ``"hiatus"``: last purchase to the end of calibration.
    width : float, optional
        Of a group, in ``split.unit``; default: a round one that makes at most eight.

    Returns
    -------
    DataFrame
        Index ``recency`` or ``hiatus``: ``"0-5"`` is above 0 up to 5 (a hiatus: from 0). Columns as
        in :func:`holdout_by_frequency`.
    """
    frame = split.frame
    if by == "recency":
        values = frame["recency"].to_numpy()
    elif by == "hiatus":
        values = (frame["T"] - frame["recency"]).to_numpy()
    else:
        raise OptionError(f"by must be recency or hiatus; got {by!r}.")
    if width is None:
        width = _round_width(float(values.max()))
    elif not width > 0:
        raise OptionError(f"width must be positive; got {width!r}.")
    # A hair of slack, so that 35 days are 5 weeks in floating point too.
    code = np.ceil(values / width - 1e-9).astype(np.int64)
    if by == "hiatus":
        code = np.maximum(code, 1)
    ends = [f"{k * width:g}" for k in range(int(code.max()) + 1)]
    labels = ["0", *(f"{low}-{high}" for low, high in pairwise(ends))]
    group = pd.Categorical.from_codes(code, dtype=pd.CategoricalDtype(labels, ordered=True))
    return _means_by(group, forecast, split).rename_axis(by)


def _means_by(
    group: Any, forecast: Forecast | Mapping[str, Forecast], split: HoldoutSplit
) -> pd.DataFrame:
    """Customers, and mean purchases per customer, of each group that has customers."""
    forecasts = forecast if isinstance(forecast, Mapping) else {"forecast": forecast}
    if clash := {"customers", "actual"} & set(forecasts):
        raise OptionError(f"No forecaster may be called {clash.pop()!r}: a column is.")
    columns = {"actual": split.frame["frequency_holdout"]}
    for name, each in forecasts.items():
        check_forecast(each, split)
        columns[name] = each.frame["expected_purchases"]
    table = pd.DataFrame(columns).groupby(group, observed=True)
    means = table.mean()
    means.insert(0, "customers", table.size())
    return means


def _round_width(longest: float, most: int = 8) -> float:
    """The least of 1, 2, 5, 10, ... that covers ``longest`` in ``most`` steps."""
    need = max(longest, 1e-9) / most
    power = 10.0 ** np.floor(np.log10(need))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= need * (1 - 1e-9)))


def repeat_histogram(fit: Fit, rfm: RFM, most: int = 7) -> pd.DataFrame:
    """Customers by number of repeat purchases: in the data, and expected by the model.

    Every customer contributes the model's probabilities over their own length of observation, by
    the clock of the fit.

    Returns
    -------
    DataFrame
        Index ``frequency`` (0, 1, ..., ``"7+"``), columns actual, expected: numbers of customers.
        ``attrs`` holds ``chi_square``, ``degrees_of_freedom`` (bins less parameters less one) and
        ``p_value`` of the papers' goodness-of-fit test; with many customers any model fails it.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), figure 2.
    """
    fit.assert_purchases("A table of frequencies")
    assert_as_they_stand(fit, "repeat_histogram")
    model: Any = fit.model
    if rfm.unit != fit.unit:
        raise DataError(f"The fit is in {fit.unit}s, the summary in {rfm.unit}s; use one unit.")
    cells = rfm.cells()
    known, ages = Known.of(fit, cells), times_of(fit.clock, cells, 1.0, fit.covariates)[1]
    if known.pattern is None:
        ages, code = np.unique(ages, return_inverse=True)
        of_ages: Any = model
    else:
        first, code = distinct(ages, known.pattern)
        ages, of_ages = ages[first], known.at(first)
    weight = np.bincount(code, weights=cells.weight)
    expected = of_ages.pmf(np.arange(most)[:, None], ages) @ weight
    expected = np.append(expected, weight.sum() - expected.sum())
    actual = np.bincount(
        np.minimum(cells.frequency, most).astype(int), weights=cells.weight, minlength=most + 1
    )
    labels = pd.Index([*map(str, range(most)), f"{most}+"], name="frequency")
    table = pd.DataFrame({"actual": actual.astype(int), "expected": expected}, index=labels)
    freedom = most + 1 - len(fit.params) - 1
    statistic = float(np.sum((actual - expected) ** 2 / expected))
    table.attrs = {
        "chi_square": statistic,
        "degrees_of_freedom": freedom,
        "p_value": float(chi2.sf(statistic, freedom)) if freedom > 0 else float("nan"),
    }
    return table
