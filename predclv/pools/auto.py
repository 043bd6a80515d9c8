"""``purchases="auto"``: the pool whose members were found to forecast well together."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from predclv.baselines.last_period_nb import LastPeriodNB
from predclv.clocks.recipe import Clock
from predclv.engines.base import fit
from predclv.engines.result import Fit
from predclv.engines.samples import cells_for
from predclv.errors import BoundaryWarning
from predclv.forecast.fitted import FittedCLV
from predclv.likelihoods.ageing import NOBODY_SLOWS
from predclv.models.mbgcnbd import MBGCNBD
from predclv.models.mbgnbd import MBGNBD
from predclv.models.purchases import PurchaseModel
from predclv.pools.pool import Pool
from predclv.summaries.rfm import RFM

_A_YEAR = 364  # days of a log under which a season cannot be told from growth, and hurts


@dataclass(frozen=True, slots=True)
class AutoMember:
    """A model of purchases as a member of the pool: its twin without season is known.

    Attributes
    ----------
    model : type
    season : int
        Yearly harmonics; 0 for none.
    options : mapping
        Of the fit.
    clock : Clock or None
        What else makes days differ, as the user has said.
    spender : object, optional
        Who fits the spend of all members.
    covariates : mapping, optional
        What is known of customers and what it acts on, of purchases.
    """

    model: type[PurchaseModel]
    season: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    clock: Clock | None = None
    spender: Any = None
    covariates: Any = None

    @property
    def spend(self) -> Any:
        """The model of spend of the pool, where it is this member that brings it."""
        return None if self.spender is None else self.spender.spend

    def fit_spend(self, rfm: RFM) -> Fit | None:
        """The fit of it."""
        return self.spender.fit_spend(rfm)

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for members that are the same."""
        return self.model, self.season, tuple(sorted(self.options.items()))

    def for_span(self, days: int) -> "AutoMember":
        """The member for a log of so many days: under a year it has no season."""
        return self if days >= _A_YEAR else replace(self, season=0)

    def fit(self, rfm: RFM) -> FittedCLV:
        """Fit the model of purchases, without spend."""
        clock = self.clock
        if self.season or clock is not None:
            clock = replace(clock or Clock(), season=self.season)
        asked = {"clock": clock, "covariates": self.covariates, **self.options}
        with warnings.catch_warnings():
            # A member that finds no ageing is what it is without: nothing to tell of.
            warnings.filterwarnings("ignore", f".*{NOBODY_SLOWS}", BoundaryWarning)
            return FittedCLV(fit(self.model, rfm, **asked), None, rfm)

    def __repr__(self) -> str:
        season = f", season={self.season}" if self.season else ""
        return f"{self.model.__name__}{season}"


MEMORY: Mapping[str, Any] = {"memory": True, "drift": True}
"""Of all models: old purchases count less, and first customers may be unlike later ones."""

MEMBERS: Mapping[str, Any] = {
    "MBG/NBD with memory": AutoMember(MBGNBD, options=MEMORY),
    "MBG/NBD with memory and ageing": AutoMember(MBGNBD, options={**MEMORY, "ageing": True}),
    "MBG/NBD with memory and season": AutoMember(MBGNBD, season=2, options=MEMORY),
    "MBG/CNBD-2 with memory and season": AutoMember(MBGCNBD.of(2), season=2, options=MEMORY),
    "MBG/CNBD-3 with memory and season": AutoMember(MBGCNBD.of(3), season=2, options=MEMORY),
    "last period": LastPeriodNB(),
}
"""A line per member; the first is trusted most, and stands alone where only one can."""

_FOR_A_POOL, _FOR_MEMORY = 200, 50  # repeat purchases


def auto_pool(
    rfm: RFM, clock: Clock | None, spender: Any, covariates: Any = None
) -> tuple[Pool, str]:
    """The pool for a summary, and what it lacks beside the whole one.

    Parameters
    ----------
    rfm : RFM
    clock : Clock or None
        Its events, trend, weekdays and regressors are in all models; seasons are the members' own.
    spender : object
        ``spend`` and ``fit_spend(rfm)`` of the recipe.
    covariates : mapping or None
        Of purchases: all models have them, the rule of thumb has none.

    Notes
    -----
    The model of customers who slow down with age goes with no clock, and is left out then.
    """
    first, own = next(iter(MEMBERS)), {"clock": clock, "covariates": covariates}
    members = {
        name: replace(member, **own) if isinstance(member, AutoMember) else member
        for name, member in MEMBERS.items()
        if not getattr(member, "options", {}).get("ageing") or clock is None
    }
    members[first] = replace(members[first], spender=spender)
    repeats, note = rfm.counts["repeat_purchases"], ""
    if not repeats:
        cells_for(MBGNBD, rfm)  # says so, before models of purchases or spend say what they lack
    if rfm.log is None or rfm.observation_end is None:
        note = "the summary has no log (make it with pc.rfm_summary) to try members out on"
    elif repeats < _FOR_A_POOL:
        note = f"{repeats:,} repeat purchases are too few to weigh members by"
    if note:
        alone = members[first]
        if rfm.log is None or rfm.observation_end is None or repeats < _FOR_MEMORY:
            first, alone = alone.model.title, replace(alone, options={})
        members, note = {first: alone}, f"{first} alone, for {note}."
    return Pool(members), note
