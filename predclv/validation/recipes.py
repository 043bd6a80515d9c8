"""What a backtest is given, recipes that have seen no data, and means as it shows them."""

from typing import Any

import numpy as np

from predclv.errors import OptionError
from predclv.forecast.result import Forecast
from predclv.validation.validate import named_forecasters


def with_spread(mean: float, spread: float) -> str:
    """A mean, and its spread over the origins where there is one."""
    if np.isnan(mean):
        return "-"
    return f"{mean:.3f}" if np.isnan(spread) else f"{mean:.3f} ± {spread:.3f}"


def recipes_of(forecasters: Any) -> dict[str, Any]:
    """Forecasters by name, none of which has seen data."""
    named = named_forecasters(forecasters)
    for name, recipe in named.items():
        if isinstance(recipe, Forecast) or not hasattr(recipe, "fit"):
            raise OptionError(
                f"Forecaster {name!r} is fitted already, and to days after the cutoffs, maybe. "
                "Give a recipe, such as pc.CLVModel(): it is fitted anew at every cutoff."
            )
    return named
