"""FittedPool: members fitted to a summary, weighed for each horizon when it is forecast."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from predclv.engines.result import Fit
from predclv.errors import DataError, OptionWarning
from predclv.forecast.first_purchases import counting_first
from predclv.forecast.fitted import FittedCLV, Horizon
from predclv.forecast.outlook import Outlook
from predclv.forecast.outlook_ahead import assert_told, told_of
from predclv.forecast.result import Forecast
from predclv.forecast.scoring import ScoreTable
from predclv.forecast.total_interval import TotalErrors
from predclv.frozen import Frozen
from predclv.notices import counted, warn
from predclv.pools.choice import Choice, choice_of
from predclv.pools.inner import Evidence, evidence, that_learn
from predclv.pools.source import Part, Pooled, futures_of_member
from predclv.pools.stored import loaded_pool, save_pool
from predclv.pools.weights import by_name, cautious_weights, prior_weights
from predclv.summaries.origins import whole_days
from predclv.summaries.rfm import RFM
from predclv.units import is_lifetime

_DEFAULT = "52 weeks"


def single(what: Any) -> Any:
    """The first model of a fitted pool, where one model is asked for; anything else as it is."""
    return what.first if isinstance(what, FittedPool) else what


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FittedPool:
    """A fitted pool: ready to forecast the customers it was fitted to, or others.

    Attributes
    ----------
    recipe : Pool
    fits : mapping of str to FittedCLV or fitted rule
        Of every member that could be fitted.
    spend : Fit or None
        One for all members.
    rfm : RFM
        The customers it was fitted to.
    doubts : tuple of str
        Which members were left out and why; what fits warned of.

    See Also
    --------
    predclv.Pool : several forecasters as one.
    predclv.FittedCLV : a fitted recipe, ready to forecast.
    predclv.Forecast : one row per customer, and the base as a whole.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> pool = pc.Pool({"BG/NBD": pc.CLVModel(), "MBG/NBD": pc.CLVModel(pc.MBGNBD)}, "equal", 0)
    >>> fitted = pool.fit(rfm)
    >>> round(fitted.forecast("26 weeks", level=None).total()["purchases"])
    1035
    """

    recipe: Any
    fits: Mapping[str, Any]
    spend: Fit | None
    rfm: RFM
    doubts: tuple[str, ...] = ()
    _evidence: dict[int, Evidence] = field(default_factory=dict)

    @property
    def _models(self) -> dict[str, FittedCLV]:
        return {n: found for n, found in self.fits.items() if isinstance(found, FittedCLV)}

    @property
    def purchases(self) -> Fit:
        """The fit of the first model, which stands for the pool where one fit is asked for."""
        return next(iter(self._models.values())).purchases

    @property
    def unit(self) -> str:
        """Unit of time of the fits."""
        return self.purchases.unit

    @property
    def clock(self) -> Any:
        """The clock of the first model."""
        return self.purchases.clock

    @property
    def first(self) -> FittedCLV:
        """The first model with the pool's spend, as a forecaster of its own."""
        return replace(next(iter(self._models.values())), spend=self.spend)

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Parameters of all models with their uncertainty, indexed by member and parameter."""
        fits = {name: found.purchases for name, found in self._models.items()}
        if self.spend is not None:
            fits[self.spend.model.title] = self.spend
        return pd.concat({n: found.summary(level) for n, found in fits.items()}, names=["member"])

    @property
    def weights(self) -> Mapping[str, float]:
        """Each member's weight, for the horizon that was forecast last; before any, 52 weeks."""
        return self.choice.weights

    @property
    def choice(self) -> Choice:
        """What was pooled and on what evidence, for the horizon that was forecast last."""
        days = next(reversed(self._evidence), None)
        return self.choice_for(_DEFAULT if days is None else f"{days} days")

    def weights_for(self, horizon: Any) -> Mapping[str, float]:
        """Each member's weight in a forecast of this horizon, learnt on first use."""
        return self.choice_for(horizon).weights

    def choice_for(self, horizon: Any) -> Choice:
        """What is pooled for this horizon and on what evidence, learnt on first use."""
        days = whole_days(horizon, self.unit)
        known = self._learned(days)
        weights, rule = self._weighed(known)
        everybody = dict.fromkeys(self.recipe.members, 0.0) | weights
        return choice_of(known, everybody, rule, (*self.doubts, *known.doubts))

    def _learned(self, days: int) -> Evidence:
        """What earlier days say for a horizon, once; the latest asked for stands last."""
        found = self._evidence.pop(days, None) or self._learn(days)
        self._evidence[days] = found
        return found

    def _learn(self, days: int) -> Evidence:
        log, end = self.rfm.log, self.rfm.observation_end
        if log is not None and end is not None:
            recipes, doubts = that_learn(self.fits, self.recipe.members, days)
            asking = self.recipe.spend_recipe() if self.spend is not None else None
            fit_spend = None if asking is None else asking.fit_spend
            origins = self.recipe.origins
            found = evidence(recipes, log, end, days, self.unit, origins, fit_spend)
            return replace(found, doubts=(*doubts, *found.doubts))
        tried = {days: found for days, found in self._evidence.items() if found.origins}
        if tried:
            near = min(tried, key=lambda known: abs(np.log(known / days)))
            warn(
                f"This pool has no log to learn weights for {days:,} days from: those for {near:,} "
                "days are taken. Fit it to pc.rfm_summary(log), or save it after such a forecast.",
                OptionWarning,
            )
            return tried[near]
        return Evidence(tuple(self.fits), (), ("There is no log to try members out on.",))

    def _weighed(self, known: Evidence) -> tuple[dict[str, float], str]:
        """The weights of members, and how they were found."""
        names, rule = list(known.names), self.recipe.weights
        if isinstance(rule, Mapping):
            found = np.array([rule[name] for name in names])
            if not found.sum() > 0:
                raise DataError(
                    "Of the members with a weight none is left: "
                    + " ".join([*self.doubts, *known.doubts])
                )
            return by_name(names, found), "weights as given"
        if len(names) == 1:
            return {names[0]: 1.0}, "no other takes part"
        if rule == "equal":
            return by_name(names, np.ones(len(names))), "weights equal"
        found = cautious_weights(known.relative(), prior_weights(len(names)))
        told = (
            f"weights by the CRPS at {counted(len(known.origins), 'earlier day')}"
            if known.origins
            else "weights as trusted beforehand, for no earlier day could tell"
        )
        return by_name(names, found), told

    def forecast(
        self,
        horizon: Horizon = _DEFAULT,
        discount_rate: float = 0.10,
        margin: float = 1.0,
        level: float | None = 0.9,
        rfm: RFM | None = None,
        seed: int | None = None,
        dynamic_covariates: Any = None,
    ) -> Forecast:
        """What every customer will do, by the mixture of the members.

        Parameters
        ----------
        horizon, discount_rate, margin, level, rfm, seed
            As in :meth:`predclv.FittedCLV.forecast`. The whole remaining lifetime (None) is
            forecast by the first model alone, with a warning: weights come from horizons.
        dynamic_covariates : table or CovariateTable, optional
            As in :meth:`predclv.FittedCLV.forecast`, for the members that have covariates. Weights
            are those of members who carry last values on.

        Returns
        -------
        Forecast
            ``total()`` has, beside the interval that holds chance, parameters and which member is
            right, the interval for a budget, from how wrong the pool was at earlier days.

        Raises
        ------
        OptionError, DataError
            As of a single model.

        Warns
        -----
        OptionWarning
            If rules of thumb are left out, for the customers have no log.
        """
        assert_told(self, dynamic_covariates)
        ways: dict[str, Any] = {"discount_rate": discount_rate, "margin": margin, "rfm": rfm}
        told = told_of(self.first, dynamic_covariates)
        if is_lifetime(horizon):
            name = next(iter(self._models))
            warn(
                f"The whole remaining lifetime is forecast by {name} alone: members are weighed by "
                "what came within a horizon. Give one, such as '52 weeks', for the pool.",
                OptionWarning,
            )
            return self.first.forecast(horizon, level=level, seed=seed, **ways, **told)
        leading = self.first.forecast(horizon, level=level, seed=seed, **ways, **told)
        terms, outlook = leading.terms, leading.source
        assert isinstance(outlook, Outlook)
        assert terms.horizon is not None
        spend, customers = counting_first(self.spend, self.rfm if rfm is None else rfm)
        days = whole_days(terms.horizon, customers.unit)
        known = self._learned(days)
        weights = self._without_rules(self._weighed(known)[0], customers)
        ways, parts = ways | {"level": None, "seed": outlook.seed}, []
        for name, weight in weights.items():
            if weight > 0:
                own = ways | told_of(self.fits[name], dynamic_covariates)
                source = self._source(name, weight, horizon, own, len(customers))
                parts.append(Part(weight, source))
        errors = known.errors(np.array([weights[name] for name in known.names]))
        return Forecast(
            terms,
            Pooled(
                rfm=customers,
                parts=tuple(parts),
                spend=spend,
                terms=terms,
                seed=outlook.seed,
                errors=TotalErrors("the pool", float(days), errors) if known.origins else None,
            ),
        )

    def _without_rules(self, weights: dict[str, float], customers: RFM) -> dict[str, float]:
        """The weights without those of rules that look into a log, where there is none."""
        blind = [n for n, weight in weights.items() if weight > 0 and n not in self._models]
        left = 1.0 - sum(weights[name] for name in blind)
        if customers.log is not None or not blind or not left > 0:
            return weights
        warn(
            f"{', '.join(blind)} ({1 - left:.0%} of the weight) looks into the log, and these "
            "customers have none: the other members forecast without it. Pass them with their log "
            "for all of the pool: forecast(rfm=pc.rfm_summary(log)).",
            OptionWarning,
        )
        return {name: 0.0 if name in blind else weight / left for name, weight in weights.items()}

    def _source(
        self, name: str, weight: float, horizon: Horizon, ways: dict[str, Any], customers: int
    ) -> Any:
        """What a member's forecast is made from."""
        member = self.fits[name]
        if isinstance(member, FittedCLV):
            member = replace(member, spend=self.spend)
        found = member.forecast(horizon, **ways).source
        if isinstance(found, Outlook):
            return replace(found, futures=futures_of_member(weight, customers))
        return found

    def table(
        self,
        horizon: Horizon = _DEFAULT,
        discount_rate: float = 0.10,
        margin: float = 1.0,
        level: float | None = 0.9,
        rfm: RFM | None = None,
        seed: int | None = None,
    ) -> ScoreTable:
        """The forecast as a table of histories; see :meth:`predclv.FittedCLV.table`.

        Raises
        ------
        OptionError
            If a member with weight looks at customers' own days, so that there is no such table.
        """
        return self.forecast(horizon, discount_rate, margin, level, rfm, seed).table()

    def save(self, path: str | Path, customers: bool = True) -> None:
        """Write the pool to a folder, with what was learnt for the horizons forecast so far.

        :func:`predclv.load` reads it back. What is loaded has no log: it takes these weights, for
        other horizons those of the nearest with a warning, and leaves out rules of thumb, which
        look into the log, unless it is asked ``forecast(rfm=pc.rfm_summary(log))``.

        Parameters
        ----------
        path, customers
            As in :meth:`predclv.FittedCLV.save`.

        Raises
        ------
        StoreError
            If a member cannot be written, such as gradient boosting, or the folder cannot.
        """
        save_pool(self, path, customers)

    @classmethod
    def from_document(cls, content: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Self:
        """The inverse of :meth:`save`, from what the folder held.

        Raises
        ------
        StoreError
            If what it held is impossible.
        """
        recipe, fits, spend, rfm, doubts, known = loaded_pool(content, tables)
        return cls(recipe, Frozen(fits), spend, rfm, doubts, known)

    def __repr__(self) -> str:
        if self._evidence:
            days = next(reversed(self._evidence))
            return f"FittedPool for {days:,} days ahead: {self.choice.reason}"
        if len(self.fits) == 1:
            alone = f"{next(iter(self.fits))} alone"
            return "FittedPool: " + next((d for d in self.doubts if d.startswith(alone)), alone)
        who = ", ".join(self.fits)
        return f"FittedPool of {who}; weights are learnt for a horizon when it is first forecast"

    def _repr_html_(self) -> str:
        fits = "".join(found.purchases._repr_html_() for found in self._models.values())
        return f"<p>{escape(repr(self))}</p><p>{escape(repr(self.rfm))}</p>{fits}"
