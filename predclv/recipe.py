"""CLVModel, a recipe for customer lifetime value."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from predclv.clocks.recipe import Clock
from predclv.engines.base import check_engine, fit
from predclv.errors import DataError
from predclv.forecast.fitted import FittedCLV
from predclv.frozen import Frozen
from predclv.models import class_named, class_of
from predclv.models.base import Model
from predclv.models.bgnbd import BGNBD
from predclv.models.gamma_gamma import GammaGamma
from predclv.models.purchases import PurchaseModel
from predclv.models.spend import SpendModel
from predclv.pools.choice import choose
from predclv.summaries.rfm import RFM


@dataclass(frozen=True, slots=True, init=False)
class CLVModel:
    """A recipe: which model of purchases, which of spend, and who fits them.

    Parameters
    ----------
    purchases : type or str
        Model of purchases, such as ``BGNBD``, the default, or its name: ``"BGNBD"``. ``"auto"``
        tries all of them out on the log behind the summary, cut twice within what it knows, and
        takes the one that gave the actual purchases the highest probability;
        ``FittedCLV.choice`` says which and why.
    spend : type, str or None
        Model of spend per purchase, or its name; None forecasts purchases alone, as does a summary
        without spend.
    engine : str
        Who fits both: ``"mle"``, ``"lifetimes"`` or ``"pymc"``.
    clock : Clock, optional
        What makes days differ for all customers alike: season, trend, weekdays, events. None takes
        all days for alike.
    **engine_options
        Passed to the engine; ``priors`` of both models stand in one mapping. For ``"mle"``,
        ``start=fitted``, an earlier :class:`FittedCLV` such as last week's, begins both searches at
        its fits.

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
    engine_options: Mapping[str, Any]

    def __init__(
        self,
        purchases: type[PurchaseModel] | str = BGNBD,
        spend: type[SpendModel] | str | None = GammaGamma,
        engine: str = "mle",
        clock: Clock | None = None,
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
        object.__setattr__(self, "engine_options", Frozen(dict(engine_options)))

    def fit(self, rfm: RFM) -> FittedCLV:
        """Fit both models to a summary.

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
            choice = choose(rfm)
            model = class_named(choice.model)
            options = dict(self.engine_options)
            start = options.get("start")
            if isinstance(start, FittedCLV) and type(start.purchases.model) is not model:
                del options["start"]
            chosen = CLVModel(model, self.spend, self.engine, self.clock, **options)
            return replace(chosen.fit(rfm), choice=choice)
        purchases = fit(
            self.purchases, rfm, self.engine, self.clock, **self._options_of(self.purchases)
        )
        spend = None
        if self.spend is not None and rfm.has_spend:
            spend = fit(self.spend, rfm, self.engine, **self._options_of(self.spend))
        return FittedCLV(purchases, spend, rfm)

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
        if model.needs == "spend":
            options.pop("k", None)
        start = options.get("start")
        if isinstance(start, FittedCLV):
            options["start"] = start.spend if model.needs == "spend" else start.purchases
        if options.get("priors"):
            others: Any = self.spend if model is self.purchases else self.purchases
            elsewhere = set(others.names()) - set(model.names()) if others is not None else set()
            if model is not self.purchases:
                elsewhere |= set(options["priors"]) - set(model.names())
            options["priors"] = {k: v for k, v in options["priors"].items() if k not in elsewhere}
        return options
