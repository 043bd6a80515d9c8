"""FittedContracts: models of renewal that have seen their contracts, ready to look ahead."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from predclv.contracts.recipe import ContractModel
from predclv.contracts.result import ContractForecast
from predclv.contracts.source import ContractSource
from predclv.contracts.stored import document_of
from predclv.engines.result import Fit
from predclv.errors import OptionError
from predclv.forecast.terms import Terms
from predclv.io.folders import write_folder
from predclv.streams import whole_seed
from predclv.units import (
    force_of_interest,
    horizon_in,
    horizon_in_words,
    is_lifetime,
    probability,
    share,
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FittedContracts:
    """A fitted ContractModel: ready to forecast the running contracts.

    Attributes
    ----------
    recipe : ContractModel
    fits : mapping
        A fit by plan; under None where there are no plans.
    prices : mapping or None
        Price by plan; None where there is none.
    renewals : Renewals or Opportunities
        What it was fitted to, and whose future a forecast is.
    pool : DataFrame or None
        With ``groups="pooled"``: by parameter, that of the typical plan and how far plans lie from
        it, as the standard deviation of the log.

    See Also
    --------
    predclv.ContractModel : the recipe for subscribers.
    predclv.ContractForecast : forecast of running contracts.
    predclv.load : read what ``save`` wrote.

    Examples
    --------
    >>> import predclv as pc
    >>> import pandas as pd
    >>> left = [1000, 869, 743, 653, 593]
    >>> table = pd.DataFrame({"cohort": 0, "age": range(5), "customers": left})
    >>> renewals = pc.Renewals.from_cohorts(table)
    >>> fitted = pc.ContractModel(pc.ShiftedBetaGeometric).fit(renewals)
    >>> fitted.summary()[["estimate"]].round(2)
               estimate
    parameter
    alpha          1.28
    beta           7.79
    """

    recipe: ContractModel
    fits: Mapping[Any, Fit]
    prices: Mapping[Any, float] | None
    renewals: Any
    pool: pd.DataFrame | None = None

    @property
    def unit(self) -> str:
        """The period from one renewal to the next."""
        return self.renewals.period

    def fit_of(self, plan: Any = None) -> Fit:
        """The fit of a plan; where there is only one fit, of all."""
        if plan in self.fits:
            return self.fits[plan]
        if plan is None and len({id(found) for found in self.fits.values()}) == 1:
            return next(iter(self.fits.values()))
        raise OptionError(f"Which {self.recipe.by}? There are {', '.join(map(repr, self.fits))}.")

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Estimates with their uncertainty, one row per parameter of each fit."""
        return self._by_plan(lambda found: found.summary(level), ["parameter"])

    def effects(self, level: float = 0.9, seed: int | None = 0) -> pd.DataFrame:
        """What covariates do, level by level, against subscribers who are typical otherwise.

        See :meth:`predclv.Fit.effects`: ``leaving`` is the factor of the odds of leaving.

        Raises
        ------
        OptionError
            If the recipe has no covariates.
        """
        return self._by_plan(
            lambda found: found.effects(level=level, seed=seed), ["covariate", "level"]
        )

    def _by_plan(self, table: Callable[[Fit], pd.DataFrame], names: list[str]) -> pd.DataFrame:
        """A table of each fit, the plan before its rows where there are several fits."""
        if len({id(found) for found in self.fits.values()}) == 1:
            return table(next(iter(self.fits.values())))
        parts = {plan: table(found) for plan, found in self.fits.items()}
        return pd.concat(parts, names=[self.recipe.by, *names])

    def forecast(
        self,
        horizon: Any = "12 months",
        discount_rate: float = 0.10,
        margin: float = 1.0,
        level: float | None = 0.9,
        seed: int | None = None,
    ) -> ContractForecast:
        """What running contracts will pay within the horizon, and what that is worth today.

        Renewals are counted at the end of each whole period from now: the next one period away,
        and so on. Where a period is a month, that is half a month late on average.

        Parameters
        ----------
        horizon : str, number, timedelta, date or None
            ``"12 months"``, ``"3 years"``; a bare number is in periods; None or ``"lifetime"`` is
            the whole remaining lifetime. Renewals of whole periods that fit into it count.
        discount_rate : float
            Annual and effective.
        margin : float
            Share of the price that is profit.
        level : float or None
            Of the predictive intervals; None leaves them out, which is faster.
        seed : int, optional
            The same seed gives the same intervals.

        Returns
        -------
        ContractForecast

        Raises
        ------
        OptionError
            If the horizon holds no renewal, or an option makes no sense.
        """
        within = np.inf
        end: datetime.date | None = self.renewals.observation_end
        if not is_lifetime(horizon):
            # A year is 11.99 months of 30.4375 days where it is told in days.
            within = float(np.floor(horizon_in(horizon, self.unit, start=end) + 0.05))
            if within < 1:
                raise OptionError(
                    f"Within {horizon} no contract comes up for renewal: the period is one "
                    f"{self.unit}. Look further ahead."
                )
        rate = force_of_interest(discount_rate, self.unit)
        terms = Terms(
            None if np.isinf(within) else within,
            self.unit,
            float(discount_rate),
            share(margin, "margin"),
            None if level is None else probability(level, "level"),
            end,
            horizon_in_words(horizon),
        )
        source: Any = ContractSource(self, terms, within, float(np.expm1(rate)), whole_seed(seed))
        return ContractForecast(terms, source)

    def save(self, path: str | Path, customers: bool = True) -> None:
        """Write the fits and the contracts they know to a folder: JSON and Parquet, never pickle.

        :func:`predclv.load` reads it back.

        Parameters
        ----------
        path : path-like
            The folder; an earlier fit there is replaced.
        customers : bool
            Whether the ids of customers whose contracts run are written too, where they are known.

        Raises
        ------
        StoreError
            If something else stands at ``path``, or it cannot be written.
        """
        write_folder(path, "FittedContracts", *document_of(self, customers))

    def __repr__(self) -> str:
        if list(self.fits) == [None]:
            return repr(self.fits[None])
        if self.recipe.groups == "together":
            return "\n".join([repr(self.recipe), repr(next(iter(self.fits.values())))])
        shown = [f"{plan}: {found!r}" for plan, found in list(self.fits.items())[:10]]
        return "\n".join([repr(self.recipe), *shown])

    def _repr_html_(self) -> str:
        shown = self.summary().to_html(float_format="{:.4g}".format)
        return (
            f"<p><b>{escape(repr(self.recipe))}</b></p><p>{escape(repr(self.renewals))}</p>{shown}"
        )
