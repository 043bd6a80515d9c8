"""Forecast against actual, grouped by what was known: the numbers behind the pictures."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from predclv.data.holdout import HoldoutSplit
from predclv.data.rfm import RFM
from predclv.engines.result import Fit
from predclv.errors import DataError
from predclv.forecast.result import Forecast
from predclv.models.base import PurchaseModel
from predclv.units import horizon_in


def holdout_by_frequency(forecast: Forecast, split: HoldoutSplit, most: int = 7) -> pd.DataFrame:
    """Mean purchases in the holdout, forecast and actual, by purchases in calibration.

    Parameters
    ----------
    forecast : Forecast
        Of the customers of ``split.rfm``, over the length of the holdout.
    split : HoldoutSplit
    most : int
        Frequencies from here on are one group.

    Returns
    -------
    DataFrame
        Index ``frequency`` (0, 1, ..., ``"7+"``), columns customers, actual, forecast: means per
        customer.

    Raises
    ------
    DataError
        If the forecast is of other customers, or over another length of time than the holdout.

    References
    ----------
    Fader, Hardie & Lee (2005), Marketing Science 24(2), figure 4.
    """
    actual = split.frame
    predicted = forecast.frame
    if not predicted["customer_id"].equals(actual["customer_id"]):
        raise DataError(
            "The forecast and the holdout are of different customers. Forecast the fit of "
            "split.rfm: model.fit(split.rfm).forecast(...)."
        )
    duration = float(actual["duration_holdout"].iloc[0])
    length = None
    if forecast.horizon is not None:
        length = horizon_in(f"{forecast.horizon!r} {forecast.unit}", split.rfm.unit)
    if length is None or abs(length - duration) > 1e-6 * duration:
        raise DataError(
            f"The holdout lasts {duration:g} {split.rfm.unit}s, the forecast "
            f"{'for ever' if length is None else f'{length:g}'}. Forecast with "
            f"horizon={duration:g}."
        )
    group = _up_to(actual["frequency"], most)
    table = pd.DataFrame(
        {
            "group": group,
            "actual": actual["frequency_holdout"],
            "forecast": predicted["expected_purchases"],
        }
    ).groupby("group", observed=True)
    means = table.mean()
    means.insert(0, "customers", table.size())
    return means.rename_axis("frequency")


def repeat_histogram(fit: Fit, rfm: RFM, most: int = 7) -> pd.DataFrame:
    """Customers by number of repeat purchases: in the data, and expected by the model.

    Every customer contributes the model's probabilities over their own length of observation.

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
    model = fit.model
    if not isinstance(model, PurchaseModel):
        raise DataError(f"{model.title} has no purchases to count; pass the fit of purchases.")
    if rfm.unit != fit.unit:
        raise DataError(f"The fit is in {fit.unit}s, the summary in {rfm.unit}s; use one unit.")
    cells = rfm.cells()
    ages, code = np.unique(cells.T, return_inverse=True)
    weight = np.bincount(code, weights=cells.weight)
    expected = model.pmf(np.arange(most)[:, None], ages) @ weight
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


def _up_to(frequency: pd.Series, most: int) -> Any:
    labels = [*map(str, range(most)), f"{most}+"]
    codes = np.minimum(frequency.to_numpy(), most).astype(np.int64)
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(labels, ordered=True))
