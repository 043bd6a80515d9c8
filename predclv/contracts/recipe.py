"""ContractModel, the recipe: a model of renewals and a price."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from predclv.contracts.grouped import fits_of
from predclv.contracts.renewals import Renewals
from predclv.engines.base import ENGINES
from predclv.engines.covariates import assert_mapping
from predclv.errors import DataError, OptionError, did_you_mean
from predclv.frozen import Frozen
from predclv.models import class_named
from predclv.models.base import Model
from predclv.models.bgbb import BGBB
from predclv.models.retention import RetentionModel

if TYPE_CHECKING:
    from predclv.contracts.fitted import FittedContracts

GROUPS = ("separate", "pooled", "together")


@dataclass(frozen=True, slots=True, init=False)
class ContractModel:
    """A recipe for the value of subscribers, or of people who give every year.

    Parameters
    ----------
    model : type or str
        ``ShiftedBetaGeometric`` or ``BetaDiscreteWeibull`` for contracts, ``BGBB`` for
        opportunities taken or not.
    price : float or mapping, optional
        What is paid per renewal, in money; by plan where it differs: ``{"basic": 9, "pro": 29}``.
        None forecasts renewals alone.
    by : str, optional
        The column that tells plans apart, named when the renewals were made.
    groups : {"separate", "pooled", "together"}
        How plans learn of each other. ``"separate"``: not at all; a plan of a dozen contracts is
        then fitted to that dozen. ``"pooled"``: plans are alike as far as the data show, so small
        ones lean on the rest: empirical Bayes with ``engine="mle"``, a hierarchy with ``"pymc"``.
        ``"together"``: as if there were no plans; only the prices differ.
    spread : float, optional
        With ``"pooled"``, how far plans lie apart: the standard deviation of the logarithms of
        their parameters. By default it is estimated; very large, plans are fitted separately.
    engine : str
        ``"mle"`` or ``"pymc"``.
    covariates : mapping, optional
        Which columns act on what: ``{"leaving": ["channel", "plan"]}`` on the odds of leaving
        (BG/BB also has ``"rate"``), or on a parameter by its name; see :func:`predclv.fit`. They
        come with
        ``pc.renewals(..., static_covariates=table)``; the plan itself is one with
        ``groups="together"``. Not with ``groups="pooled"``.
    **engine_options
        Passed to the engine; see :func:`predclv.fit`.

    Raises
    ------
    OptionError
        If an option makes no sense.

    See Also
    --------
    predclv.FittedContracts : fitted, ready to forecast subscribers.
    predclv.renewals : contracts to cohorts and ages.
    predclv.CLVModel : the recipe: purchases, spend, and who fits.

    Examples
    --------
    >>> import predclv as pc
    >>> table = pd.DataFrame(
    ...     {"age": range(8), "customers": [1000, 869, 743, 653, 593, 551, 517, 491]}
    ... )
    >>> renewals = pc.Renewals.from_cohorts(table, cohort=None)
    >>> fitted = pc.ContractModel(pc.ShiftedBetaGeometric, price=100).fit(renewals)
    >>> forecast = fitted.forecast("5 years", discount_rate=0.10, level=None)
    >>> forecast.total()[["purchases", "clv"]]
    purchases  2,092
    clv        160,127
    """

    model: type[Model]
    price: float | Mapping[Any, float] | None
    by: str | None
    groups: Literal["separate", "pooled", "together"]
    spread: float | None
    engine: str
    covariates: Mapping[Any, Any] | None
    engine_options: Mapping[str, Any] = field(default_factory=dict)

    def __init__(
        self,
        model: type[Model] | str = "ShiftedBetaGeometric",
        price: float | Mapping[Any, float] | None = None,
        by: str | None = None,
        groups: Literal["separate", "pooled", "together"] = "separate",
        spread: float | None = None,
        engine: str = "mle",
        covariates: Mapping[Any, Any] | None = None,
        **engine_options: Any,
    ) -> None:
        found = class_named(model, (RetentionModel, BGBB)) if isinstance(model, str) else model
        if not (isinstance(found, type) and issubclass(found, (RetentionModel, BGBB))):
            raise OptionError(
                "ContractModel wants ShiftedBetaGeometric, BetaDiscreteWeibull or BGBB; got "
                f"{model!r}. For purchases at any time there is CLVModel."
            )
        if groups not in GROUPS:
            raise OptionError(
                f"groups must be one of {', '.join(GROUPS)}; got {groups!r}."
                f"{did_you_mean(groups, GROUPS)}"
            )
        if by is not None and not isinstance(by, str):
            raise OptionError(
                f"by must name one column, such as 'plan'; got {by!r}. Join several into one "
                "column of text, or bring them as covariates."
            )
        if engine not in ("mle", "pymc"):
            raise OptionError(
                f"engine must be mle or pymc for contracts; got {engine!r}."
                f"{did_you_mean(engine, ENGINES)}"
            )
        if by is None and groups == "pooled":
            raise OptionError("groups='pooled' wants plans to pool: say by='plan'.")
        if spread is not None and (groups != "pooled" or not _positive(spread)):
            raise OptionError(f"spread is a number above 0 for groups='pooled'; got {spread!r}.")
        if spread is not None and engine == "pymc":
            raise OptionError("spread is for engine='mle'; pymc samples how far plans lie apart.")
        if covariates is not None:
            covariates = _asked(covariates, by, groups)
        for name, value in (
            ("model", found), ("price", _prices(price)), ("by", by), ("groups", groups),
            ("spread", spread), ("engine", engine), ("covariates", covariates),
            ("engine_options", dict(engine_options)),
        ):  # fmt: skip
            object.__setattr__(self, name, value)

    @property
    def title(self) -> str:
        """What it is called in tables and pictures."""
        return self.model.title

    def fit(self, renewals: Any) -> "FittedContracts":
        """Fit to contracts (or to opportunities, for BGBB).

        Parameters
        ----------
        renewals : Renewals or Opportunities

        Raises
        ------
        DataError
            If it is of another kind, plans are missing, or a plan has no price.
        FitError
            If the data cannot determine the model, such as where nobody has left.

        Warns
        -----
        BoundaryWarning
            If the likelihood has no maximum inside: the fit is the limit that the message names.
        """
        from predclv.contracts.fitted import FittedContracts

        if issubclass(self.model, RetentionModel) and not isinstance(renewals, Renewals):
            raise DataError(
                f"{self.title} is fitted to contracts: pc.renewals(subscriptions) or "
                f"pc.Renewals.from_cohorts(table); got {type(renewals).__name__}."
            )
        if issubclass(self.model, BGBB) and not hasattr(renewals, "n_opportunities"):
            raise DataError(
                f"{self.title} is fitted to opportunities: pc.opportunities(log, period='year'); "
                f"got {type(renewals).__name__}."
            )
        if self.by is not None and renewals.by != self.by:
            known = f"by {renewals.by!r}" if renewals.by else "without plans"
            raise DataError(
                f"ContractModel(by={self.by!r}), but the sample was made {known}: say "
                f"by={self.by!r} there too."
            )
        if self.by is None:
            renewals = renewals.together()
        prices = _by_group(self.price, renewals.groups, self.by)
        fits, pool = fits_of(self, renewals)
        return FittedContracts(self, fits, prices, renewals, pool)

    def __repr__(self) -> str:
        by = f", by={self.by!r}, groups={self.groups!r}" if self.by else ""
        price = f", price={self.price!r}" if self.price is not None else ""
        engine = f", engine={self.engine!r}" if self.engine != "mle" else ""
        known = f", covariates={dict(self.covariates)!r}" if self.covariates else ""
        return f"ContractModel({self.model.__name__}{price}{by}{known}{engine})"


def _asked(covariates: Mapping[Any, Any], by: str | None, groups: str) -> Mapping[Any, Any]:
    """Covariates that go with how plans are fitted."""
    asked = dict(assert_mapping(covariates))
    if groups == "pooled":
        raise OptionError(
            "Plans are pooled, or tell by covariates how they differ, not both: leave covariates "
            f"out, or say groups='together' with {by!r} among them (one fit, in which plans and "
            "covariates have effects), or groups='separate' (a fit and effects of each plan's own)."
        )
    named = {
        name
        for terms in asked.values()
        for term in (terms if isinstance(terms, list | tuple) else ())
        for name in (term if isinstance(term, tuple) else (term,))
    }
    if by is not None and groups == "separate" and by in named:
        raise OptionError(
            f"With groups='separate' each {by} has a fit of its own, so {by!r} can have no effect "
            "in it. Say groups='together' for one fit in which it has."
        )
    return Frozen(asked)


def _positive(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and value > 0


def _prices(price: Any) -> float | dict[Any, float] | None:
    """A price, or prices by plan, checked."""
    if price is None:
        return None
    if isinstance(price, pd.Series):
        price = price.to_dict()
    if isinstance(price, Mapping):
        if not price:
            raise OptionError("price names no plan.")
        return {plan: _one_price(value, f" of {plan!r}") for plan, value in price.items()}
    return _one_price(price, "")


def _one_price(value: Any, of: str) -> float:
    if isinstance(value, (bool, str)) or np.ndim(value) or not np.isfinite(value) or value < 0:
        raise OptionError(f"The price{of} must be a number of money from 0 on; got {value!r}.")
    return float(value)


def _by_group(
    price: float | Mapping[Any, float] | None, groups: list[Any], by: str | None
) -> dict[Any, float] | None:
    """The price of each plan."""
    if not isinstance(price, Mapping):
        return None if price is None else dict.fromkeys(groups, price)
    if by is None:
        raise OptionError(
            "price differs by plan, so say which column tells plans apart: by='plan'."
        )
    missing = [group for group in groups if group not in price]
    if missing:
        raise DataError(
            f"There is no price for {by} {', '.join(map(repr, missing))}; there is one for "
            f"{', '.join(map(repr, price))}."
        )
    return {group: price[group] for group in groups}
