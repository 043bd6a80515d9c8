"""What models know of a holdout: how covariates change in it, or more than they should."""

from collections.abc import Iterable
from typing import Any

from predclv.errors import AssumptionWarning, OptionError
from predclv.forecast.outlook_ahead import with_effects
from predclv.notices import warn
from predclv.summaries.splits import HoldoutSplit


def table_ahead(covariates_ahead: Any, split: HoldoutSplit) -> Any:
    """The table of how covariates change in the holdout, None where nobody is told.

    Raises
    ------
    OptionError
        If the split's own is asked for, and it has none.
    """
    if covariates_ahead is False or covariates_ahead is None:
        return None
    if covariates_ahead is not True:
        return covariates_ahead
    log = split.rfm.log
    known = None if log is None else log.dynamic_covariates
    if known is None:
        raise OptionError(
            "covariates_ahead=True takes the dynamic covariates that the split was cut with, and "
            "it has none: pc.holdout_split(log, dynamic_covariates=table, ...); or give the table, "
            "covariates_ahead=table."
        )
    return known.asked


def assert_somebody_told(ahead: Any, fitted: Iterable[Any]) -> None:
    """Whether a table of the days ahead means something to one of the fitted forecasters.

    Raises
    ------
    OptionError
        If none has covariates.
    """
    if ahead is not None and not any(with_effects(each) for each in fitted):
        raise OptionError(
            "covariates_ahead means nothing to these forecasters: none has covariates. Add a "
            "CLVModel(covariates={'rate': [...]})."
        )


def tell_what_it_saw(whose: str, fitted: Any, split: HoldoutSplit) -> None:
    """Warn where what was fitted beforehand has seen days that it is to forecast.

    Warns
    -----
    AssumptionWarning
    """
    seen = getattr(getattr(fitted, "rfm", None), "observation_end", None)
    if seen is not None and split.calibration_end is not None and seen > split.calibration_end:
        warn(
            f"{whose} was fitted to purchases until {seen}, and is to forecast those after "
            f"{split.calibration_end}: it has seen some of them, so its scores are too good. Give "
            "its recipe, such as pc.CLVModel(), which is fitted to the days before.",
            AssumptionWarning,
        )
