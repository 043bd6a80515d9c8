"""Drivers: what the most valuable customers have in common, and how much traits say at all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from predclv.decisions.as_html import as_html
from predclv.decisions.driver_lifts import NO_LIFT, lifts
from predclv.decisions.inputs import basis, finite_column, forecast_frame, value_column
from predclv.decisions.second_opinion import effects_beside
from predclv.decisions.trait_model import Learnt, dependence, explained, importances, learnt
from predclv.decisions.traits import Traits, traits_of, warn_of_leakage
from predclv.errors import DataError, OptionError, did_you_mean
from predclv.forecast.result import Forecast
from predclv.streams import generator
from predclv.units import probability

_FEWEST = 100
_BESIDE = "Beside it, what the fit with covariates says of newcomers at each level:"
_LEAKAGE = ("warn", "ignore")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Drivers:
    """What traits say of value.

    Attributes
    ----------
    frame : DataFrame
        One row per trait and level, the real differences first and among them the largest:

        - ``trait``, ``level``, ``customers``;
        - ``share_of_top``, ``share_of_all``: how many of the most valuable customers, and of all,
          have it;
        - ``lift``: the one over the other; 2 is twice as common among the best;
        - ``lift_lower``, ``lift_upper``: its interval. All of them hold at once at ``level``,
          however many levels there are;
        - ``mean_value``: of the customers with it;
        - ``verdict``: more or fewer among the best, only where the interval leaves out 1.
    importance : DataFrame
        One row per trait, jointly with all others: trait, importance (share of the variance of
        value that is lost without it), lower, upper, spread. Of customers the model never saw.
    explained, explained_lower, explained_upper : float
        Share of the variance of value that all traits together explain, of customers never seen.
        Often little; below 0 where the mean says more.
    value : str
        What value is: clv, or discounted_purchases.
    top, level : float
    basis : str
        The horizon, in words.
    leakage : list of str
        Traits that look made from purchases.
    counts : dict
        without_traits, strangers.
    effects : DataFrame or None
        Where the forecast is by fits with covariates, what these say: a newcomer's value at each
        level, see :meth:`predclv.FittedCLV.effects`, over the forecast's horizon. It is learnt from
        purchases, not from a forecast that draws customers towards the mean.

    See Also
    --------
    predclv.drivers : what the best customers have in common.
    predclv.plots.driver_lifts : levels among the most valuable.

    Examples
    --------
    >>> import predclv as pc
    >>> rfm = pc.rfm_summary(pc.datasets.load_cdnow(), unit="week")
    >>> fitted = pc.CLVModel().fit(rfm)
    >>> forecast = fitted.forecast("52 weeks", seed=1)
    >>> people = rfm.frame[["customer_id"]].assign(wave=rfm.frame["T"] // 4)
    >>> print(pc.drivers(forecast, people).headline())
    Of the most valuable 10% (clv over 52 weeks after 1998-06-30): 1 of 4 levels are really
    more or less common than among all, first wave = 17 (1.20 times as common, 1.01 to 1.41).
    Together the traits explain nothing that holds for customers not seen (0.0% of the
    differences in value; 0.0% to 0.2%).
    """

    frame: pd.DataFrame
    importance: pd.DataFrame
    explained: float
    explained_lower: float
    explained_upper: float
    value: str
    top: float
    level: float
    basis: str
    leakage: list[str]
    counts: dict[str, int]
    _traits: Traits
    _learnt: Learnt
    effects: pd.DataFrame | None = None

    def dependence(self, trait: str) -> pd.DataFrame:
        """Expected value by the levels of a trait, if customers were otherwise who they are.

        Returns
        -------
        DataFrame
            level, customers, expected, lower, upper.

        Raises
        ------
        OptionError
            If there is no such trait.
        """
        known = self._learnt.columns
        if trait not in known:
            raise OptionError(
                f"There is no trait {trait!r}; there are {', '.join(known)}."
                f"{did_you_mean(trait, known)}"
            )
        return dependence(self._learnt, self._traits, trait, self.level)

    def headline(self) -> str:
        """What traits say, in sentences."""
        real = self.frame[self.frame["verdict"] != NO_LIFT]
        told = f"Of the most valuable {self.top:.0%} ({self.value} over {self.basis}): "
        if real.empty:
            told += "no trait is more or less common among them than chance makes it"
        else:
            first = real.iloc[0]
            told += (
                f"{len(real):,} of {len(self.frame):,} levels are really more or less common than "
                f"among all, first {first['trait']} = {first['level']} ({first['lift']:.2f} times "
                f"as common, {first['lift_lower']:.2f} to {first['lift_upper']:.2f})"
            )
        share = f"{max(self.explained, 0.0):.1%}"
        span = f"{max(self.explained_lower, 0.0):.1%} to {max(self.explained_upper, 0.0):.1%}"
        if self.explained_lower <= 0.0:
            told += (
                f". Together the traits explain nothing that holds for customers not seen "
                f"({share} of the differences in value; {span})."
            )
        else:
            told += (
                f". Together the traits explain {share} of the differences in value ({span}); the "
                "rest is in what they bought, or in nothing known."
            )
        if self.leakage:
            told += f" Made from purchases, it seems: {', '.join(self.leakage)}."
        return told

    def __repr__(self) -> str:
        return "\n".join(
            [
                self.headline(),
                self.frame.round(3).to_string(index=False, max_rows=20),
                self.importance.round(4).to_string(index=False, max_rows=20),
                *([] if self.effects is None else [_BESIDE, self.effects.round(3).to_string()]),
            ]
        )

    def _repr_html_(self) -> str:
        tables, form = (self.frame, self.importance), "{:,.3g}".format
        shown = as_html(self.headline(), *tables, float_format=form, max_rows=30)
        if self.effects is not None:
            shown += f"<p>{_BESIDE}</p>{self.effects.to_html(float_format=form)}"
        return shown


def drivers(
    forecast: Forecast | pd.DataFrame,
    traits: Any,
    top: float = 0.1,
    level: float = 0.9,
    leakage: str = "warn",
    seed: int | None = 0,
) -> Drivers:
    """What the most valuable customers have in common, and how much traits say of value at all.

    Trait by trait: how common is each level among the best tenth, and among all? And jointly: a
    model of value by all traits, judged on customers it never saw. A difference is called real only
    where its interval holds none left out. It says what goes with value, not what makes it: who
    came by a channel may have been another kind of person before.

    The value is the forecast's, which draws every customer towards the mean of all. So differences
    come out smaller than they are, the more so the shorter histories are.

    Parameters
    ----------
    forecast : Forecast or DataFrame
        A forecast or its frame.
    traits : DataFrame
        customer_id and anything known of customers: text, categories, numbers, booleans. Numbers
        are looked at in four bands of equal size, rare categories as one. Known before value was:
        a trait made from purchases explains itself.
    top : float
        The share of customers that is called most valuable.
    level : float
        Of all intervals of lifts together, and of each importance.
    leakage : str
        ``"warn"`` names traits that look made from purchases; ``"ignore"``.
    seed : int or None
        Of the folds and deals.

    Returns
    -------
    Drivers

    Raises
    ------
    DataError
        If there are fewer than 100 customers, a trait is a date or names customers rather than
        groups, or no customer with traits is in the forecast.
    OptionError
        If ``top`` or ``level`` makes no sense.

    Warns
    -----
    DataWarning
        If customers have no traits, or a trait is the same for all.
    AssumptionWarning
        If a trait looks made from purchases.

    See Also
    --------
    predclv.Drivers : what traits say of value.
    predclv.lookalike : who among strangers resembles them.

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    >>> forecast = fitted.forecast("1 year", level=None)
    >>> means_nothing = pd.DataFrame({"customer_id": range(1, 2358)})
    >>> means_nothing["sign"] = ["odd" if i % 2 else "even" for i in range(1, 2358)]
    >>> found = drivers(forecast, means_nothing)
    >>> print(found.frame["verdict"].iloc[0])
    no difference that chance would not make
    """
    frame = forecast_frame(forecast, "drivers")
    top, level = probability(top, "top"), probability(level, "level")
    if leakage not in _LEAKAGE:
        raise OptionError(f"leakage must be one of {', '.join(_LEAKAGE)}; got {leakage!r}.")
    if len(frame) < _FEWEST:
        raise DataError(
            f"The forecast has {len(frame)} customers; what {_FEWEST} or fewer have in common is "
            "mostly chance."
        )
    name = value_column(frame)
    value = np.maximum(finite_column(frame, name), 0.0)
    if not value.any():
        raise DataError(f"Every customer's {name} is 0: there is no value to explain.")
    found = traits_of(traits, frame["customer_id"])
    suspects = [] if leakage == "ignore" else warn_of_leakage(found, frame)
    rng = generator(seed)
    model = learnt(found, value, np.ones(value.size), seed)
    return Drivers(
        lifts(found, value, top, level),
        importances(model, found, value, level, rng),
        *explained(model, value, level, rng),
        name,
        top,
        level,
        basis(forecast),
        suspects,
        found.counts,
        found,
        model,
        effects_beside(forecast, level),
    )
