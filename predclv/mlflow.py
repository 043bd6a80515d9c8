"""Log a fitted model to MLflow, and load it there as a pyfunc model; needs ``predclv[mlflow]``.

What is logged is the folder that ``fitted.save`` writes, JSON and Parquet: nothing is pickled.
"""

import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from predclv.errors import DataError, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.result import Forecast
from predclv.store import load
from predclv.summaries.rfm import RFM

__all__ = ["log"]

_TERMS = "terms.json"
_FITTED = "fitted"


def log(
    fitted: FittedCLV, forecast: Forecast | None = None, name: str = "predclv", **options: Any
) -> Any:
    """Log a fitted recipe, and its forecast, to the active MLflow run.

    Parameters are the recipe's and the forecast's terms, metrics the log-likelihoods and the
    forecast's totals. The model that is logged forecasts a summary over the forecast's horizon:
    ``mlflow.pyfunc.load_model(uri).predict(frame)``, ``frame`` having customer_id, frequency,
    recency, T (in the fit's unit) and monetary_value. Customers are not in it.

    Parameters
    ----------
    fitted : FittedCLV
    forecast : Forecast, optional
        Says over which horizon, at which discount rate and margin the logged model forecasts;
        default: 52 weeks at 10%.
    name : str
        Of the model within the run.
    **options
        Passed to ``mlflow.pyfunc.log_model``, such as ``registered_model_name``.

    Returns
    -------
    mlflow.models.model.ModelInfo

    Raises
    ------
    OptionError
        If MLflow is not installed.
    DataError
        If what is logged is no fitted recipe.

    See Also
    --------
    predclv.FittedCLV : a fitted recipe, ready to forecast.
    predclv.load : read what ``save`` wrote.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow(), unit="week"))
    >>> forecast = fitted.forecast("26 weeks", discount_rate=0.10, seed=1)
    >>> info = pc.mlflow.log(fitted, forecast)  # doctest: +SKIP
    >>> mlflow.pyfunc.load_model(info.model_uri).predict(fitted.rfm.frame)  # doctest: +SKIP
    """
    if not isinstance(fitted, FittedCLV):
        raise DataError(f"log wants a fitted CLVModel; got {type(fitted).__name__}.")
    try:
        import mlflow
        import mlflow.pyfunc
    except ImportError as error:
        raise OptionError(
            "pc.mlflow.log needs MLflow, which is not installed: pip install predclv[mlflow]."
        ) from error
    terms: dict[str, Any] = {"horizon": "52 weeks", "discount_rate": 0.10, "margin": 1.0}
    if forecast is not None:
        terms = {
            key: getattr(forecast.terms, key) for key in ("horizon", "discount_rate", "margin")
        }
    fits = {"purchases": fitted.purchases, "spend": fitted.spend}
    known = {what: fit for what, fit in fits.items() if fit is not None}
    described = {what: fit.model.title for what, fit in known.items()}
    mlflow.log_params(
        {**described, "engine": fitted.purchases.engine, "unit": fitted.unit, **terms}
    )
    metrics = {f"log_likelihood_{what}": fit.log_likelihood for what, fit in known.items()}
    if forecast is not None:
        metrics |= {f"total_{key}": float(value) for key, value in forecast.total().items()}
    mlflow.log_metrics(metrics)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        fitted.save(data / _FITTED, customers=False)
        (data / _TERMS).write_text(json.dumps(terms), encoding="utf-8")
        options = {"pip_requirements": [f"predclv=={version('predclv')}"]} | options
        return mlflow.pyfunc.log_model(
            name=name, loader_module="predclv.mlflow", data_path=str(data), **options
        )


class _Served:
    """A fitted recipe as MLflow serves it: summaries in, forecasts out."""

    def __init__(self, fitted: Any, terms: dict[str, Any]) -> None:
        self.fitted, self.terms = fitted, terms

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """The forecast of these customers, one row each, without intervals."""
        rfm = RFM.from_frame(model_input, unit=self.fitted.unit)
        return self.fitted.forecast(**self.terms, level=None, rfm=rfm).frame


def _load_pyfunc(path: str) -> _Served:
    """What MLflow calls to load a logged model."""
    folder = Path(path)
    terms = json.loads((folder / _TERMS).read_text(encoding="utf-8"))
    return _Served(load(folder / _FITTED), terms)
