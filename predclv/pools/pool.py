"""Pool, a recipe: several forecasters and how they are weighed."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from predclv.engines.covariates import shared_out
from predclv.engines.result import Fit
from predclv.errors import (
    DataError,
    FitError,
    OptionError,
    PredclvError,
    PredclvWarning,
    did_you_mean,
)
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.fitted_checks import assert_summary
from predclv.frozen import Frozen
from predclv.pools.doubts import Doubts
from predclv.pools.fitted import FittedPool
from predclv.pools.inner import for_span
from predclv.summaries.rfm import RFM

_RULES = ("crps", "equal")


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Pool:
    """Several forecasters as one: the mixture of what they say, weighed by how good they were.

    No model of purchases is best for every shop. A pool says what its members say with their
    weights: counts, intervals, totals, revenue and scores are of that mixture, exactly. Weights
    come from earlier days of the same log: at up to three of them, half a horizon apart (a quarter
    of a year at least), every member is fitted to what was known and held against what came; a
    member gets weight for gains that came at every one of these days, and the first member is
    trusted five times as much as another beforehand.

    Parameters
    ----------
    members : mapping of str to recipe
        Recipes whose forecasts have a distribution of purchases: :class:`predclv.CLVModel` and,
        of rules of thumb, ``pc.baselines.LastPeriodNB`` and ``pc.baselines.Boosting``. The first is
        the one the others are held against: trusted most, and alone where only one can answer (a
        forecast of the whole remaining lifetime).
    weights : str or mapping of str to float
        ``"crps"``, by the score of earlier days, held back where these disagree; ``"equal"``; or
        numbers of your own by member, which need not sum to 1.
    origins : int
        Earlier days at most; 0 for none: then there is no ``_budget`` interval of totals, and
        ``"crps"`` is what members are trusted with beforehand.

    See Also
    --------
    predclv.FittedPool : a fitted pool, ready to forecast.
    predclv.CLVModel : the recipe: purchases, spend, and who fits.
    predclv.validate : forecasts against what came, at one day.

    Notes
    -----
    Weights depend on the horizon, so they are learnt when it is first forecast: ``origins`` times
    as many fits as there are members. What members spend is one fit, that of the first
    :class:`predclv.CLVModel`; it must be the same model in all of them.

    A pool of one gives any model its interval of the total for a budget.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    >>> pool = pc.Pool({"BG/NBD": pc.CLVModel(), "MBG/NBD": pc.CLVModel(pc.MBGNBD)})
    >>> fitted = pool.fit(rfm)
    >>> total = fitted.forecast("26 weeks", seed=1).total()
    >>> list(total.index[:5])  # doctest: +NORMALIZE_WHITESPACE
    ['purchases', 'purchases_lower', 'purchases_upper', 'purchases_budget_lower',
     'purchases_budget_upper']
    >>> sum(fitted.weights.values())
    1.0
    """

    members: Mapping[str, Any]
    weights: str | Mapping[str, float]
    origins: int

    def __init__(
        self,
        members: Mapping[str, Any],
        weights: str | Mapping[str, float] = "crps",
        origins: int = 3,
    ) -> None:
        object.__setattr__(self, "members", Frozen(_checked(members)))
        object.__setattr__(self, "weights", _weights(weights, list(self.members)))
        if isinstance(origins, bool) or not isinstance(origins, (int, np.integer)) or origins < 0:
            raise OptionError(f"origins must be a whole number from 0 on; got {origins!r}.")
        object.__setattr__(self, "origins", int(origins))

    def fit(self, rfm: RFM) -> FittedPool:
        """Fit every member to a summary; those that cannot be are left out, with a note.

        Warnings of single fits are notes too: ``fitted.choice.doubts``.

        Raises
        ------
        DataError
            If it is no summary.
        OptionError
            If members ask for different models of spend.
        FitError
            If no model among the members could be fitted; DataError where it is for want of data.
        """
        assert_summary(rfm, "Pool.fit wants")
        spend = self._spend(rfm)
        fits: dict[str, Any] = {}
        doubts = Doubts()
        days = known_days(rfm)
        twins: dict[Any, str] = {}
        failures: list[PredclvError] = []
        for name, recipe in self.members.items():
            if days is not None:
                recipe = for_span(recipe, days)
            twin = twins.setdefault(getattr(recipe, "key", name), name)
            if twin != name:
                doubts.left_out(name, f"of {days} days it is the same as {twin}.")
                continue
            alone = recipe.without_spend() if hasattr(recipe, "without_spend") else recipe
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", PredclvWarning)
                try:
                    fitted = alone.fit(rfm)
                except OptionError:
                    raise
                except PredclvError as error:
                    doubts.left_out(name, error)
                    failures.append(error)
                    continue
            doubts.warned(name, caught)
            if isinstance(fitted, FittedPool):
                raise OptionError(f"Member {name!r} is a pool itself: name its members instead.")
            fits[name] = fitted
        if not any(isinstance(fitted, FittedCLV) for fitted in fits.values()):
            kind = DataError if all(isinstance(e, DataError) for e in failures) else FitError
            raise kind(
                "No model in this pool could be fitted, and rules alone are none. "
                + " ".join(doubts.told())
            )
        return FittedPool(self, Frozen(fits), spend, rfm, doubts.told())

    def spend_recipe(self) -> Any:
        """The member whose model of spend is that of all; None where none has one.

        Raises
        ------
        OptionError
            If members ask for different ones, or for effects of covariates on it.
        """
        asking = {n: m for n, m in self.members.items() if getattr(m, "spend", None) is not None}
        kinds = {member.spend for member in asking.values()}
        if len(kinds) > 1:
            raise OptionError(
                "Members ask for different models of spend: "
                f"{', '.join(sorted(kind.__name__ for kind in kinds))}. A pool has one for all: "
                "give the others spend=None."
            )
        for name, member in asking.items():
            kinds_of: Any = (getattr(member, "purchases", None), member.spend)
            if shared_out(getattr(member, "covariates", None), *kinds_of)[1]:
                raise OptionError(
                    f"Member {name!r} has covariates of spend, and a pool's one spend takes none "
                    "yet: leave 'spend' out of its covariates, or fit it alone."
                )
        return next(iter(asking.values()), None)

    def _spend(self, rfm: RFM) -> Fit | None:
        recipe = self.spend_recipe()
        return None if recipe is None or not rfm.has_spend else recipe.fit_spend(rfm)

    def __repr__(self) -> str:
        weights = repr(self.weights) if isinstance(self.weights, str) else "given"
        return f"Pool of {', '.join(self.members)}; weights {weights}"


def known_days(rfm: RFM) -> int | None:
    """Days from the log's first to the last observed; None where there is no log."""
    if rfm.log is None or rfm.observation_end is None:
        return None
    return (rfm.observation_end - rfm.log.first_day).days


def _checked(members: Any) -> dict[str, Any]:
    if not isinstance(members, Mapping) or not members:
        raise OptionError(
            "Pool wants a mapping of names to recipes, such as {'BG/NBD': pc.CLVModel(), "
            f"'MBG/NBD': pc.CLVModel(pc.MBGNBD)}}; got {members!r}."
        )
    for name, member in members.items():
        if isinstance(member, type) or not hasattr(member, "fit"):
            raise OptionError(
                f"Member {name!r} is no recipe: {member!r} has no .fit(rfm). Give one such as "
                "pc.CLVModel(pc.MBGNBD) or pc.baselines.LastPeriodNB(), not yet fitted."
            )
        if isinstance(member, Pool) or getattr(member, "purchases", None) == "auto":
            raise OptionError(f"Member {name!r} is a pool itself: name its members instead.")
    return {str(name): member for name, member in members.items()}


def _weights(weights: Any, names: list[str]) -> str | Mapping[str, float]:
    if isinstance(weights, str) and weights in _RULES:
        return weights
    if not isinstance(weights, Mapping):
        hint = did_you_mean(weights, _RULES) if isinstance(weights, str) else ""
        raise OptionError(
            f"weights must be 'crps', 'equal' or a mapping of members to numbers; got {weights!r}."
            f"{hint}"
        )
    unknown = [name for name in weights if name not in names]
    if unknown:
        raise OptionError(
            f"weights names {unknown[0]!r}, which is no member; there are {', '.join(names)}."
            f"{did_you_mean(str(unknown[0]), names)}"
        )
    given = {name: float(weights.get(name, 0.0)) for name in names}
    if not all(0.0 <= value < np.inf for value in given.values()) or not sum(given.values()) > 0:
        raise OptionError(f"weights must be at least 0, and one above it; got {dict(weights)}.")
    return Frozen({name: value / sum(given.values()) for name, value in given.items()})
