"""What a picture is given: what somebody has in hand, as what the picture is of, or an error."""

from typing import Any

from predclv.engines.result import Fit
from predclv.errors import DataError
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.result import Forecast
from predclv.pools.fitted import single
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import HoldoutSplit
from predclv.summaries.summarise import rfm_summary
from predclv.validation.backtest import Backtest
from predclv.validation.result import Validation

_MADE = {
    Forecast: "A fitted model is what made it: pc.CLVModel().fit(rfm).",
    Validation: "Its fitted models are validation.fits.",
}


def purchases_in(what: Any) -> Any:
    """The fit of purchases in what somebody has in hand; else that itself."""
    what = single(what)
    return what.purchases if isinstance(what, FittedCLV) else what


def fit_of_purchases(what: Any, picture: str) -> Fit:
    """The fit of purchases in a Fit or a FittedCLV."""
    fit = purchases_in(what)
    if not isinstance(fit, Fit):
        raise unfit(picture, "a FittedCLV or a Fit of purchases", fit, _MADE.get(type(fit), ""))
    fit.assert_purchases(picture)
    return fit


def customers_of(what: Any, fitted: Any, picture: str) -> RFM:
    """The customers that a picture is told of, or else those of a FittedCLV."""
    fitted = single(fitted)
    if what is None and isinstance(fitted, FittedCLV):
        if not len(fitted.rfm):
            raise DataError(
                f"This model was saved without its customers: {picture}(fitted, pc.rfm_summary("
                "log))."
            )
        return fitted.rfm
    if what is None:
        raise DataError(
            f"A Fit does not remember its customers: {picture}(fit, rfm), or pass the FittedCLV."
        )
    if isinstance(what, HoldoutSplit):
        return what.rfm
    if not isinstance(what, RFM):
        raise unfit(
            picture,
            "customers as an RFM or a HoldoutSplit",
            what,
            "Make one of a log with pc.rfm_summary(log), of a frame of frequency, recency and T "
            "with pc.RFM.from_frame(frame, unit=...).",
        )
    return what


def validation_of(what: Any, picture: str) -> Validation:
    """A validation, and nothing else."""
    if isinstance(what, Validation):
        return what
    more = "Make one with pc.validate(model, pc.holdout_split(log, calibration_end=...))."
    if isinstance(what, Backtest):
        more = "Show one of its origins: backtest.validations[cutoff]."
    raise unfit(picture, "a Validation", what, more)


def assert_is(kind: type, what: Any, picture: str, wanted: str, more: str = "") -> None:
    """Raise DataError unless a picture is given what it shows, called as ``wanted``."""
    if not isinstance(what, kind):
        raise unfit(picture, wanted, what, more)


def unfit(picture: str, wanted: str, got: Any, more: str = "") -> DataError:
    """The error of a picture that is given something else than it can show."""
    return DataError(f"{picture} wants {wanted}; got {type(got).__name__}.{' ' * bool(more)}{more}")


def summary_of(what: Any, picture: str, **columns: Any) -> RFM:
    """The summary behind what somebody has in hand, made where it is a log of purchases.

    Raises
    ------
    DataError
        If it is neither; the message says what the picture wants.
    """
    what = single(what)
    if isinstance(what, FittedCLV):
        what = what.rfm
    if isinstance(what, HoldoutSplit):
        what = what.rfm
    if isinstance(what, RFM):
        return what
    try:
        return rfm_summary(what, amount=None, **columns)
    except DataError as error:
        raise DataError(
            f"{picture} wants a log of purchases, or a summary of one (pc.rfm_summary, "
            f"pc.holdout_split) or what was fitted to it (pc.CLVModel().fit): {error}"
        ) from error
