"""predclv: from a log of purchases to a forecast for every customer.

Names are loaded on first use: importing predclv loads no SciPy, PyMC, Matplotlib or DuckDB.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from predclv.models import MODELS

__version__ = "0.1.0"

_HOME = {
    "rfm_summary": "predclv.data.rfm",
    "RFM": "predclv.data.rfm",
    "Cells": "predclv.data.cells",
    "SpendCells": "predclv.data.cells",
    "holdout_split": "predclv.data.holdout",
    "HoldoutSplit": "predclv.data.holdout",
    **MODELS,
    "fit": "predclv.engines.base",
    "Fit": "predclv.engines.result",
    "CLVModel": "predclv.forecast.clv",
    "FittedCLV": "predclv.forecast.clv",
    "Forecast": "predclv.forecast.result",
    "load": "predclv.store",
}
_MODULES = {
    "datasets": "predclv.data.datasets",
    "errors": "predclv.errors",
    "plots": "predclv.plots",
    "units": "predclv.units",
}

__all__ = [*_HOME, *_MODULES, "__version__"]

if TYPE_CHECKING:
    from predclv import errors, plots, units
    from predclv.data import datasets
    from predclv.data.cells import Cells, SpendCells
    from predclv.data.holdout import HoldoutSplit, holdout_split
    from predclv.data.rfm import RFM, rfm_summary
    from predclv.engines.base import fit
    from predclv.engines.result import Fit
    from predclv.forecast.clv import CLVModel, FittedCLV
    from predclv.forecast.result import Forecast
    from predclv.models.bgnbd import BGNBD
    from predclv.models.gamma_gamma import GammaGamma
    from predclv.store import load


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = import_module(_MODULES[name])
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'predclv' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
