"""CLVModel, a recipe for customer lifetime value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from predclv.clocks.recipe import Clock
from predclv.engines.base import check_engine, fit
from predclv.engines.covariates import assert_mapping, shared_out
from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError
from predclv.forecast.fitted import FittedCLV
from predclv.frozen import Frozen
from predclv.models import class_of
from predclv.models.base import Model
from predclv.models.bgnbd import BGNBD
from predclv.models.gamma_gamma import GammaGamma
from predclv.models.purchases import PurchaseModel
from predclv.models.spend import SpendModel
from predclv.pools.auto import auto_pool
from predclv.pools.fitted import FittedPool
from predclv.summaries.rfm import RFM


@dataclass(frozen=True, slots=True, init=False)
class CLVModel:
    """A recipe: which model of purchases, which of spend, and who fits them.

    Parameters
    ----------
    purchases : type or str
        Model of purchases, such as ``BGNBD``, the default, or its name: ``"BGNBD"``. ``"auto"``
        is the package's own forecaster, a :class:`predclv.Pool` of models and a rule of thumb that
        are weighed by what they would have forecast at earlier days of the log behind the summary:
        on logs that nobody had looked at its CRPS was never much worse than MBG/NBD's (1.05 at
        worst), and up to 7% better where a shop's rhythm is stable. Its fit's ``choice`` says what
        was pooled and why. Without a log, or with few purchases, one model stands alone.
    spend : type, str or None
        Model of spend per purchase, or its name; None forecasts purchases alone, as does a summary
        without spend.
    engine : str
        Who fits both: ``"mle"``, ``"lifetimes"`` or ``"pymc"``.
    clock : Clock, optional
        What makes days differ for all customers alike: season, trend, weekdays, events. None takes
        all days for alike.
    covariates : mapping, optional
        What is known of customers and what it acts on, such as
        ``{"rate": ["channel"], "leaving": ["channel"], "spend": ["channel"]}``: columns of the
        summary's covariates; see :func:`predclv.fit`. With ``"auto"`` all its models have them,
        the rule of thumb does not; it takes none of spend, and none that change over time.
    memory, drift : bool
        Of purchases: whether old purchases count less than recent ones, and whether the log's first
        customers buy at a rate of their own; see :func:`predclv.fit`.
    **engine_options
        Passed to the engine; ``priors`` of both models stand in one mapping. For ``"mle"``,
        ``start=fitted``, an earlier :class:`FittedCLV` such as last week's, begins both searches at
        its fits. ``first_purchase=True``, of Gamma-Gamma: forecasts take first purchases for one
        more that tells what a customer spends; see :func:`predclv.fit`.

    See Also
    --------
    predclv.FittedCLV : a fitted recipe, ready to forecast.
    predclv.fit : fit one model.
    predclv.validate : forecasts against what came, at one day.

    Examples
    --------
    >>> import predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(log))
    >>> forecast = fitted.forecast(horizon="12 months", discount_rate=0.10, margin=0.3)
    >>> len(forecast)
    2357
    """

    purchases: type[PurchaseModel] | str
    spend: type[SpendModel] | None
    engine: str
    clock: Clock | None
    covariates: Mapping[Any, Any] | None
    memory: bool
    drift: bool
    engine_options: Mapping[str, Any]

    def __init__(
        self,
        purchases: type[PurchaseModel] | str = BGNBD,
        spend: type[SpendModel] | str | None = GammaGamma,
        engine: str = "mle",
        clock: Clock | None = None,
        covariates: Mapping[Any, Any] | None = None,
        memory: bool = False,
        drift: bool = False,
        **engine_options: Any,
    ) -> None:
        if purchases != "auto":
            purchases = class_of(
                purchases, PurchaseModel, "purchases must be a class of PurchaseModel"
            )
        if spend is not None:
            spend = class_of(spend, SpendModel, "spend must be a class of SpendModel")
        check_engine(engine)
        object.__setattr__(self, "purchases", purchases)
        object.__setattr__(self, "spend", spend)
        object.__setattr__(self, "engine", engine)
        object.__setattr__(self, "clock", clock)
        if covariates is not None:
            covariates = Frozen(dict(assert_mapping(covariates)))
        object.__setattr__(self, "covariates", covariates)
        object.__setattr__(self, "memory", memory)
        object.__setattr__(self, "drift", drift)
        object.__setattr__(self, "engine_options", Frozen(dict(engine_options)))

    def fit(self, rfm: RFM) -> FittedCLV | Any:  # or a FittedPool; see Returns
        """Fit both models to a summary.

        Returns
        -------
        FittedCLV
            With ``purchases="auto"`` a :class:`predclv.FittedPool`.

        Raises
        ------
        FitError, DataError
            As :func:`predclv.fit`.
        """
        if not isinstance(rfm, RFM):
            raise DataError(
                f"CLVModel.fit wants an RFM (pc.rfm_summary or pc.RFM.from_frame); got "
                f"{type(rfm).__name__}."
            )
        if isinstance(self.purchases, str):
            return self._fit_auto(rfm)
        return FittedCLV(self.fit_purchases(rfm), self.fit_spend(rfm), rfm)

    def fit_purchases(self, rfm: RFM) -> Fit:
        """The fit of purchases alone, of a recipe that names their model."""
        assert not isinstance(self.purchases, str)
        of_purchases, _ = self._covariates_of(rfm)
        return fit(
            self.purchases,
            rfm,
            self.engine,
            self.clock,
            of_purchases,
            self.memory,
            self.drift,
            **self._options_of(self.purchases),
        )

    def fit_spend(self, rfm: RFM) -> Fit | None:
        """The fit of spend alone; None without a model of it, or without spend."""
        if self.spend is None or not rfm.has_spend:
            return None
        _, of_spend = self._covariates_of(rfm)
        options = self._options_of(self.spend)
        return fit(self.spend, rfm, self.engine, covariates=of_spend, **options)

    def _covariates_of(self, rfm: RFM) -> tuple[Any, Any]:
        """What covariates act on of purchases, and of spend."""
        purchases: Any = self.purchases
        return shared_out(self.covariates, purchases, self.spend if rfm.has_spend else None)

    def without_spend(self) -> "CLVModel":
        """The same recipe for purchases alone."""
        return CLVModel(**{**self.get_params(), "spend": None})

    def _fit_auto(self, rfm: RFM) -> FittedPool:
        unknown = sorted(set(self.engine_options) - {"start", "first_purchase"})
        if self.engine != "mle" or unknown:
            raise OptionError(
                "purchases='auto' fits several models by engine='mle' without options; got "
                + (f"engine={self.engine!r}." if self.engine != "mle" else f"{unknown[0]!r}.")
                + " Name a model, such as purchases=pc.MBGNBD, or pool recipes: pc.Pool({...})."
            )
        if self.memory or self.drift:
            raise OptionError(
                "purchases='auto' chooses memory and drift itself: leave them out, or name a model "
                "for them, such as purchases=pc.MBGNBD."
            )
        of_purchases, of_spend = self._covariates_of(rfm)
        if of_spend:
            raise OptionError(
                "purchases='auto' takes covariates of purchases, 'rate' and 'leaving', and none of "
                "spend yet: leave them out, or name a model, such as purchases=pc.MBGNBD."
            )
        pool, note = auto_pool(rfm, self.clock, self, of_purchases)
        fitted = pool.fit(rfm)
        return replace(fitted, doubts=(note, *fitted.doubts)) if note else fitted

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What the recipe is made of, by the names that make it again.

        ``sklearn.base.clone`` and whatever else copies a recipe by its parameters asks for this.

        Parameters
        ----------
        deep : bool
            Without effect: a recipe holds no other one. Here because scikit-learn passes it.

        Examples
        --------
        >>> import predclv as pc
        >>> recipe = pc.CLVModel(purchases="MBGNBD", draws=500)
        >>> pc.CLVModel(**recipe.get_params()) == recipe
        True
        """
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        options = own.pop("engine_options")
        return {**own, **options}

    def _options_of(self, model: type[Model]) -> dict[str, Any]:
        """The engine's options for one of the models; priors go to the model they are of.

        A prior of neither goes to purchases, whose engine says that it does not know it.
        """
        options = dict(self.engine_options)
        options.pop("k" if issubclass(model, SpendModel) else "first_purchase", None)
        start = options.get("start")
        if isinstance(start, (FittedCLV, FittedPool)):
            options["start"] = start.spend if issubclass(model, SpendModel) else start.purchases
        if options.get("priors"):
            others: Any = self.spend if model is self.purchases else self.purchases
            elsewhere = set(others.names()) - set(model.names()) if others is not None else set()
            if model is not self.purchases:
                elsewhere |= set(options["priors"]) - set(model.names())
            options["priors"] = {k: v for k, v in options["priors"].items() if k not in elsewhere}
        return options
