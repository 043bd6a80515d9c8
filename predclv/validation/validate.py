"""Validate: fit on what was known, forecast, and hold it against what came."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

import pandas as pd

from predclv.baselines.base import Baseline, FittedBaseline
from predclv.contracts.opportunity_split import OpportunitySplit
from predclv.contracts.opportunity_validation import validated_opportunities
from predclv.contracts.validation import RenewalSplit
from predclv.contracts.validation import validated as validated_contracts
from predclv.errors import DataError, OptionError, PredclvError, some
from predclv.forecast.outlook_ahead import told_of
from predclv.forecast.result import Forecast
from predclv.frozen import Frozen
from predclv.models import RECIPES
from predclv.models.purchases import PurchaseModel
from predclv.progress import progress as progress_bar
from predclv.summaries.splits import HoldoutSplit
from predclv.units import horizon_in, probability
from predclv.validation.ahead import assert_somebody_told, table_ahead, tell_what_it_saw
from predclv.validation.blame import blamed
from predclv.validation.result import Validation
from predclv.validation.scores import METRICS, Scores, scores
from predclv.validation.totals import no_totals


def validate(
    forecasters: Any,
    split: HoldoutSplit,
    *,
    level: float = 0.9,
    seed: int | None = None,
    discount_rate: float = 0.10,
    margin: float = 1.0,
    errors: Literal["row", "raise"] = "row",
    progress: bool | Callable[[str], None] | None = None,
    covariates_ahead: Any = False,
) -> Validation:
    """Fit forecasters to what was known, and score what they say against what came.

    Always put a baseline beside a model. One may win: where the customer base is mature, what each
    bought lately is nearly all that can be known; where a season comes back every year, last
    year's numbers have it and no BG/NBD does; where customers pause and return, a model in which
    they leave for good counts too few of some and too many of others. ``findings`` says where.

    And never let one metric crown a model: the absolute error rewards a median, so that forecasting
    nothing for everybody scores well; bias is blind to who is who; ranks are blind to the level.

    Parameters
    ----------
    forecasters : mapping of str to forecaster, or a forecaster, or a list of them
        Each a recipe with ``.fit(rfm)`` (:class:`predclv.CLVModel`, ``pc.baselines``), something
        fitted with ``.forecast(...)``, or a ready :class:`predclv.Forecast` of the customers of
        ``split.rfm`` over its duration; or a model of purchases, the class or its name such as
        ``"BGNBD"``, for ``CLVModel`` of it. Without a mapping they are named by their models.
    split : HoldoutSplit
        Or a cut of contracts, ``renewals.split(periods)``: the answer is then a
        :class:`~predclv.contracts.validation.ContractValidation`; or of opportunities, and a
        :class:`~predclv.contracts.opportunity_validation.OpportunityValidation`.
        Of :func:`predclv.holdout_split`, or ``pc.HoldoutSplit.from_frame`` of a frame made by
        lifetimes or pymc-marketing.
    level : float
        Of the predictive intervals whose coverage is measured.
    seed : int, optional
        Of draws behind intervals; None draws afresh, and the intervals differ a little each time.
    discount_rate, margin : float
        Of the forecasts that are kept; scored is what is neither discounted nor reduced.
    errors : str
        What becomes of a forecaster that cannot forecast, such as one that looks back further than
        the log goes: ``"row"``, a row of NaN whose reason stands in ``failed`` and in the
        findings; ``"raise"``, its error. If none can forecast, that is an error anyway.
    progress : bool or callable, optional
        Whether a bar is shown; default: in a terminal or a notebook. Or what is called instead
        with the name of each forecaster when its turn comes.
    covariates_ahead : bool or table
        Whether models with covariates are told how these change in the holdout: True takes the
        ``dynamic_covariates`` that the split was cut with, or give a table of them. Fair where
        that is planned beforehand, such as mailings and prices; what only came to be known later
        is not. By default each customer's last value before ``calibration_end`` is carried on,
        with a warning. Of no use with contracts.

    Returns
    -------
    Validation
        Its ``frame`` has a row per forecaster and the columns

        - purchases: ``mae``, ``rmse``, ``bias``, ``spearman``, ``gini``, ``top_decile_capture`` of
          the expected number; ``mae_median`` of the median, ``crps`` and ``log_score`` of the
          distribution, ``coverage`` and mean ``width`` of its interval, and ``total_coverage``:
          1.0 where the interval of ``forecast.total()`` holds the purchases of all, else 0.0;
        - spend, where the holdout has it and the forecaster forecasts it: the same with
          ``spend_`` before them, of the expected revenue;
        - activity: ``brier`` and ``auc`` of p_active.

        A forecaster that names one number per customer has its absolute error as mae_median and
        crps, for it is its own median; NaN stands where a forecaster states no such thing. Each
        is explained in :mod:`predclv.validation.metrics`.

    Raises
    ------
    DataError
        If ``split`` is none, or a ready forecast is of other customers or another length of time.
    OptionError
        If there is no forecaster, or two have one name; or none that looks ahead has covariates.
    PredclvError
        What a forecaster raises, with its name: of ``errors="raise"``, or if all fail.

    Warns
    -----
    AssumptionWarning
        A fit, given instead of its recipe, has seen days of the holdout.

    See Also
    --------
    predclv.backtest : the same at several days.
    predclv.Validation : how right each forecaster was.
    predclv.holdout_split : cut a log at a day.

    Examples
    --------
    >>> import predclv as pc
    >>> split = pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")
    >>> v = pc.validate({"BG/NBD": pc.CLVModel(), "past rate": pc.baselines.PastRate()}, split)
    >>> v.frame[["mae", "rmse", "bias"]].round(4)
                   mae    rmse    bias
    forecaster
    BG/NBD      0.7855  1.6080 -0.1215
    past rate   1.0237  2.2119  0.5569
    """
    if isinstance(split, RenewalSplit):
        of_renewals: Any = validated_contracts(forecasters, split, level, seed)
        return of_renewals
    if isinstance(split, OpportunitySplit):
        of_givers: Any = validated_opportunities(forecasters, split, level, seed)
        return of_givers
    if not isinstance(split, HoldoutSplit):
        raise DataError(
            f"validate wants a HoldoutSplit; got {type(split).__name__}. Cut contracts or "
            "opportunities with .split(periods), a log with "
            "pc.holdout_split(log, calibration_end=...), or take a frame of lifetimes' "
            "calibration_and_holdout_data or pymc-marketing's rfm_train_test_split with "
            "pc.HoldoutSplit.from_frame(frame, unit='week')."
        )
    named = named_forecasters(forecasters)
    level = probability(level, "level")
    found = validated(
        named,
        split,
        {"discount_rate": discount_rate, "margin": margin, "level": level, "seed": seed},
        ahead=table_ahead(covariates_ahead, split),
        errors="raise" if len(named) == 1 and errors == "row" else errors,
        progress=progress,
    )
    check_some_forecast([found])
    return found


def validated(
    named: Mapping[str, Any],
    split: HoldoutSplit,
    terms: Mapping[str, Any],
    *,
    errors: str,
    progress: bool | Callable[[str], None] | None,
    ahead: Any = None,
) -> Validation:
    """The validation of forecasters by name, of whom each may fail.

    ``terms`` are those of a forecast. Models with covariates are told of the holdout's by the
    table ``ahead``.
    """
    if errors not in ("row", "raise"):
        raise OptionError(f"errors must be 'row' or 'raise'; got {errors!r}.")
    actual = split.frame
    forecasts: dict[str, Forecast] = {}
    fits: dict[str, Any] = {}
    scored: dict[str, Scores] = {}
    failed: dict[str, str] = {}
    with progress_bar("Validating", len(named), progress) as step:
        for name, forecaster in named.items():
            step(name)
            try:
                fitted, forecast = _forecast_of(name, forecaster, split, terms, ahead)
                with blamed(_whose(name), " could not be scored"):
                    scored[name] = scores(forecast, actual, terms["level"])
            except PredclvError as error:
                if errors == "raise":
                    raise
                failed[name] = str(error).removeprefix(f"{_whose(name)} ")
                continue
            forecasts[name] = forecast
            if fitted is not None:
                fits[name] = fitted
    if not failed:
        assert_somebody_told(ahead, fits.values())
    rows = {name: scored[name].metrics if name in scored else {} for name in named}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(METRICS), dtype=float)
    totals = {name: each.totals for name, each in scored.items()} or {"": no_totals()}
    return Validation(
        forecasts=Frozen(forecasts),
        fits=Frozen(fits),
        split=split,
        level=terms["level"],
        failed=Frozen(failed),
        losses=Frozen({name: each.losses for name, each in scored.items()}),
        _frame=frame.rename_axis("forecaster"),
        _totals=pd.concat(totals, names=["forecaster"]),
    )


def check_some_forecast(validations: Sequence[Validation]) -> None:
    """Whether somebody could forecast from some origin.

    Raises
    ------
    PredclvError
        If not: every reason.
    """
    if any(validation.forecasts for validation in validations):
        return
    reasons = [
        f"At cutoff {v.split.calibration_end}: {_whose(name)} {reason}"
        for v in validations
        for name, reason in v.failed.items()
    ]
    raise PredclvError("No forecaster could be validated. " + " ".join(reasons))


def _recipe_of(forecaster: Any) -> Any:
    """A forecaster as it is; of a model of purchases, or its name, the recipe with it."""
    if isinstance(forecaster, str) or (
        isinstance(forecaster, type) and issubclass(forecaster, PurchaseModel)
    ):
        try:
            return import_module(RECIPES["purchases"]).CLVModel(forecaster)
        except OptionError as error:
            raise OptionError(f"Forecaster {forecaster!r} cannot forecast: {error}") from error
    return forecaster


def named_forecasters(forecasters: Any) -> dict[str, Any]:
    """Forecasters by name, whichever way they were given.

    Raises
    ------
    OptionError
        If there are none, one cannot forecast, or two have one name.
    """
    if isinstance(forecasters, Mapping):
        named = {str(name): _recipe_of(forecaster) for name, forecaster in forecasters.items()}
    else:
        several = isinstance(forecasters, Iterable) and not isinstance(forecasters, str)
        listed = [_recipe_of(each) for each in (forecasters if several else [forecasters])]
        titles = [_title_of(forecaster) for forecaster in listed]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        if twice:
            raise OptionError(
                f"Several forecasters are called {some(twice)}. Give them names of your own: "
                "validate({'one': ..., 'other': ...}, split)."
            )
        named = dict(zip(titles, listed, strict=True))
    if not named:
        raise OptionError("There is no forecaster to validate: give a mapping of name to model.")
    for name, forecaster in named.items():
        can = any(hasattr(forecaster, how) for how in ("fit", "forecast"))
        if isinstance(forecaster, type) or not (can or isinstance(forecaster, Forecast)):
            raise OptionError(
                f"Forecaster {name!r} cannot forecast: {forecaster!r} is neither a recipe with "
                ".fit(rfm), such as pc.CLVModel() or pc.baselines.LastPeriod(), nor fitted, nor a "
                "Forecast."
            )
    return named


def check_forecast(forecast: Forecast, split: HoldoutSplit) -> None:
    """Whether a forecast is of the customers of a split, over the length of its holdout.

    Raises
    ------
    DataError
        If not.
    """
    said, known = forecast.frame["customer_id"], split.frame["customer_id"]
    if not said.equals(known):
        raise DataError(
            f"The forecast is of {len(said):,} customers that are not the {len(known):,} of the "
            "holdout in their order. Forecast the fit of split.rfm: model.fit(split.rfm)."
        )
    length = None
    if forecast.horizon is not None:
        length = horizon_in(f"{forecast.horizon!r} {forecast.unit}", split.unit)
    if length is None or abs(length - split.duration) > 1e-6 * split.duration:
        raise DataError(
            f"The holdout lasts {split.duration:g} {split.unit}s, the forecast "
            f"{'for ever' if length is None else f'{length:g}'}. Forecast with "
            f"horizon='{split.duration:g} {split.unit}s'."
        )


def _forecast_of(
    name: str, forecaster: Any, split: HoldoutSplit, terms: Mapping[str, Any], ahead: Any
) -> tuple[Any, Forecast]:
    """What was fitted, None for a ready forecast, and its forecast of the holdout."""
    whose = _whose(name)
    fitted, forecast = None, forecaster
    if not isinstance(forecaster, Forecast):
        fitted = forecaster
        if hasattr(forecaster, "fit"):
            with blamed(whose, " could not be fitted"):
                fitted = forecaster.fit(split.rfm)
        else:
            tell_what_it_saw(whose, forecaster, split)
        with blamed(whose, " could not forecast"):
            horizon = f"{split.duration!r} {split.unit}"
            told = told_of(fitted, ahead)
            forecast = fitted.forecast(horizon=horizon, rfm=split.rfm, **terms, **told)
    with blamed(whose, " could not be scored"):
        check_forecast(forecast, split)
    return fitted, forecast


def _whose(name: str) -> str:
    return f"Forecaster {name!r}"


def _title_of(forecaster: Any) -> str:
    """What a forecaster without a name is called in the table."""
    if isinstance(forecaster, Forecast):
        return "forecast"
    if isinstance(forecaster, FittedBaseline):
        forecaster = forecaster.baseline
    if isinstance(forecaster, Baseline):
        return forecaster.title
    purchases = getattr(forecaster, "purchases", forecaster)
    model = getattr(purchases, "model", purchases)
    title = getattr(model, "title", None)
    return title if isinstance(title, str) else type(forecaster).__name__
