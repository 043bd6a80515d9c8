"""The total of a holdout: what was forecast for the base as a whole, and what came."""

import pandas as pd

from predclv.forecast.result import Forecast

COLUMNS = ("forecast", "lower", "upper", "actual", "covered")


def totals_of(forecast: Forecast, actual: pd.DataFrame, level: float) -> pd.DataFrame:
    """A forecast's totals beside what came.

    Parameters
    ----------
    forecast : Forecast
    actual : DataFrame
        frequency_holdout and, maybe, spend_holdout.
    level : float
        Of the intervals; a forecast made with another level has none.

    Returns
    -------
    DataFrame
        Index ``of``: purchases and, where it is forecast and known, revenue; columns forecast,
        lower, upper, actual, and covered, whether the interval of ``forecast.total()``, bounds
        included, holds what came (missing where there is no interval).
    """
    came = {"purchases": actual["frequency_holdout"]}
    if "spend_holdout" in actual:
        came["revenue"] = actual["spend_holdout"]
    said = forecast.total() if forecast.terms.level == level else _expected(forecast)
    rows = {}
    for of, customers in came.items():
        if of not in said:
            continue
        total = float(customers.sum())
        lower, upper = (float(said.get(f"{of}_{end}", float("nan"))) for end in ("lower", "upper"))
        covered = pd.NA if lower != lower else lower <= total <= upper
        rows[of] = (float(said[of]), lower, upper, total, covered)
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).rename_axis("of")
    return frame.astype({"covered": "boolean"})


def _expected(forecast: Forecast) -> pd.Series:
    """The totals without intervals, which are not simulated for nothing."""
    frame = forecast.frame
    named = {"purchases": "expected_purchases", "revenue": "expected_revenue"}
    return pd.Series({of: frame[column].sum() for of, column in named.items() if column in frame})


def no_totals() -> pd.DataFrame:
    """The table of `totals_of` without a row."""
    return pd.DataFrame(columns=list(COLUMNS)).rename_axis("of").astype({"covered": "boolean"})
