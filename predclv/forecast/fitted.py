"""FittedCLV, what a recipe makes of a summary: ready to forecast its customers, or others."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from predclv.engines.result import Fit
from predclv.errors import DataError, OptionError, StoreError
from predclv.forecast.effects import effects_of
from predclv.forecast.first_purchases import counting_first, first_kept, take_first_kept
from predclv.forecast.fitted_checks import assert_countable, assert_summary
from predclv.forecast.outlook import Outlook
from predclv.forecast.outlook_ahead import with_covariates_ahead
from predclv.forecast.patterns import tell_what_is_carried_on
from predclv.forecast.recalled import as_recalled, key_of
from predclv.forecast.result import Forecast
from predclv.forecast.scoring import ScoreTable
from predclv.forecast.terms import asked_terms
from predclv.io.folders import write_folder
from predclv.models.purchases import PurchaseModel
from predclv.models.spend import SpendModel
from predclv.samples.pattern_facts import levels_of
from predclv.streams import whole_seed
from predclv.summaries.files import customers_and_patterns, summary_from
from predclv.summaries.memory import kept_memory, with_kept
from predclv.summaries.rfm import RFM
from predclv.units import DAYS, force_of_interest

type Horizon = str | float | datetime.timedelta | np.timedelta64 | datetime.date | None
"""``"52 weeks"``, a timedelta, a number in the summary's unit, a last day such as
``"2027-12-31"``, or None or ``"lifetime"``: the whole remaining lifetime."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class FittedCLV:
    """A fitted recipe: ready to forecast the customers it was fitted to, or others.

    Attributes
    ----------
    purchases : Fit
    spend : Fit or None, where only purchases are forecast
    rfm : RFM
        The customers it was fitted to.

    See Also
    --------
    predclv.CLVModel, predclv.Forecast, predclv.load

    Examples
    --------
    >>> import predclv as pc
    >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow(), unit="week"))
    >>> round(fitted.forecast("26 weeks", level=None).total()["purchases"])
    1043
    """

    purchases: Fit
    spend: Fit | None
    rfm: RFM

    @property
    def unit(self) -> str:
        """Unit of time of the fit."""
        return self.purchases.unit

    @property
    def clock(self) -> Any:
        """The clock of the fit of purchases: ``.rate(dates)``, ``.summary()``."""
        return self.purchases.clock

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Both fits' parameters with their uncertainty, indexed by model and parameter."""
        fits = [found for found in (self.purchases, self.spend) if found is not None]
        return pd.concat(
            {found.model.title: found.summary(level) for found in fits}, names=["model"]
        )

    def forecast(
        self,
        horizon: Horizon = "52 weeks",
        discount_rate: float = 0.10,
        margin: float = 1.0,
        level: float | None = 0.9,
        rfm: RFM | None = None,
        seed: int | None = None,
        dynamic_covariates: Any = None,
    ) -> Forecast:
        """What every customer will do after the end of observation, and what it is worth today.

        The intervals are *predictive*: at ``level=0.9``, nine of ten customers' actual purchases
        (or revenue) should fall within, bounds included. They hold the chance in what customers
        do and what is not known of the parameters. How well the expectation itself is known is
        another, far narrower interval, and no customer's purchases fall within that.

        Parameters
        ----------
        horizon : str, timedelta, number or None
            ``"52 weeks"``, ``"12 months"``, a timedelta, or a number in the summary's unit. None
            is the whole remaining lifetime: it needs a discount rate above 0, and leaves out the
            undiscounted columns, which can be infinite.
        discount_rate : float
            Annual and effective; a purchase s years from now is worth ``(1 + rate)**-s``. 0.10 is
            10%.
        margin : float
            Share of spend that is profit; with 1.0, ``clv`` is discounted revenue.
        level : float or None
            Of the predictive intervals; None leaves them out, which is a few times faster. Those of
            purchases are exact given draws of the parameters, those of revenue to some 0.1% (1%
            where every purchase costs the same). Those of clv are those of revenue times the
            customer's discounted over undiscounted purchases; over the whole remaining lifetime
            they are simulated.
        rfm : RFM, optional
            Other customers than those fitted, in any unit of time.
        seed : int, optional
            Of the draws behind intervals and posterior averages; None draws afresh.
        dynamic_covariates : table or CovariateTable, optional
            How covariates of the rate change on the days ahead: customer_id, date and columns, as
            of :func:`predclv.rfm_summary`; rows up to the last day observed do not count. None,
            or no row, carries each customer's last value on.

        Returns
        -------
        Forecast

        Raises
        ------
        OptionError
            If the horizon, rate, margin or level makes no sense; or a covariate changes ahead that
            does not act on the rate alone.
        DataError
            If ``rfm`` has no spend and the model needs it; ``dynamic_covariates`` has columns or
            levels that are not known; or numbers lie far beyond all that the fit has seen.
        """
        customers = as_recalled(self.purchases, self._customers(rfm))
        spend, customers = counting_first(self.spend, customers)
        terms = asked_terms(customers, horizon, discount_rate, margin, level)
        delta = force_of_interest(discount_rate, self.unit)
        to_fit_unit = DAYS[customers.unit] / DAYS[self.unit]
        if terms.horizon is None and delta == 0:
            raise OptionError(
                "horizon=None, the whole remaining lifetime, needs a discount_rate above 0: "
                "undiscounted it can be infinite. Give a rate such as 0.10, or a horizon."
            )
        if dynamic_covariates is None:
            tell_what_is_carried_on(self.purchases, spend, customers.cells())
        seed = whole_seed(seed)
        outlook = Outlook(
            rfm=customers,
            purchases=self.purchases,
            spend=spend,
            terms=terms,
            to_fit_unit=to_fit_unit,
            t=np.inf if terms.horizon is None else terms.horizon * to_fit_unit,
            delta=delta,
            seed=seed,
        )
        if dynamic_covariates is not None:
            outlook = with_covariates_ahead(outlook, dynamic_covariates)
        return Forecast(outlook.terms, outlook)

    def effects(
        self, horizon: Horizon = "3 years", discount_rate: float = 0.10, margin: float = 1.0,
        level: float = 0.9, seed: int | None = 0,
    ) -> pd.DataFrame:  # fmt: skip
        """What covariates come to: a newcomer's CLV at each level, typical in all else.

        As :meth:`Fit.effects`, with ``clv`` (``purchases`` without spend), first order included.
        """
        return effects_of(self, horizon, discount_rate, margin, level, seed)

    def table(
        self,
        horizon: Horizon = "52 weeks",
        discount_rate: float = 0.10,
        margin: float = 1.0,
        level: float | None = 0.9,
        rfm: RFM | None = None,
        seed: int | None = None,
        dynamic_covariates: Any = None,
    ) -> ScoreTable:
        """The forecast as a table of histories, for scoring customers in SQL without Python.

        Parameters as :meth:`forecast`. The table holds no customer; :meth:`ScoreTable.sql` gives
        the statement that joins customers with it.

        Returns
        -------
        ScoreTable

        Examples
        --------
        >>> import predclv as pc
        >>> fitted = pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow()))
        >>> table = fitted.table("52 weeks", level=None)
        >>> table
        ScoreTable: 1,218 histories of 2,357 customers
        """
        asked = (horizon, discount_rate, margin, level, rfm, seed, dynamic_covariates)
        return self.forecast(*asked).table()

    def _customers(self, rfm: RFM | None) -> RFM:
        """Whom to forecast, checked to have what the model needs."""
        customers = self.rfm if rfm is None else rfm
        if rfm is None and not len(self.rfm):
            raise DataError(
                "This model was saved without its customers. Say whom to forecast: "
                "forecast(rfm=pc.rfm_summary(log))."
            )
        assert_summary(customers, "rfm must be")
        if self.spend is not None and not customers.has_spend:
            raise DataError(
                "The model forecasts spend, but these customers have no monetary_value. Summarise "
                "their log with its amount column, or fit with CLVModel(spend=None)."
            )
        return customers

    def save(self, path: str | Path, customers: bool = True) -> None:
        """Write the fit and its customers to a folder: JSON and Parquet, never pickle.

        :func:`predclv.load` reads it back. An earlier model there stays whole until this one is,
        whatever happens meanwhile; a note of yours in its folder stays too. Two processes that
        save to one folder come one after the other.

        Parameters
        ----------
        path : path-like
            The folder.
        customers : bool
            Whether the customers, with their ids, are written too, through memory. Without them the
            folder holds parameters alone, and the loaded model forecasts whom it is given:
            ``forecast(rfm=...)``.

        Raises
        ------
        StoreError
            If something else stands at ``path``, or it cannot be written.
        """
        write_folder(path, "FittedCLV", *self.document(customers))

    def document(self, customers: bool) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
        """The fits in JSON's own types, and in tables; with the customers or without them."""
        end = self.rfm.observation_end
        content = {
            "purchases": self.purchases.document(),
            "spend": None if self.spend is None else self.spend.document(),
            "rfm": {
                "unit": self.rfm.unit,
                "observation_end": None if end is None else str(end),
                "last_day": self.rfm.cells().last_day if customers else None,
            }
            | ({} if self.rfm.currency is None else {"currency": self.rfm.currency})
            | levels_of(self.rfm.patterns if customers else None),
        }
        tables = customers_and_patterns(self.rfm) if customers else {}
        tables |= first_kept(self.spend, self.rfm) if customers else {}
        if customers and key_of(self.purchases) is not None:
            tables["memory"] = kept_memory(as_recalled(self.purchases, self.rfm))
        for role, found in (("purchases", self.purchases), ("spend", self.spend)):
            if found is not None:
                tables |= {f"{role}_{name}": table for name, table in found.tables().items()}
        return content, tables

    @classmethod
    def from_document(cls, content: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> Self:
        """The inverse of :meth:`save`, from what the folder held.

        Raises
        ------
        StoreError
            If what it held is impossible.
        """
        unit = content["rfm"]["unit"]
        if "customers" in tables:
            assert_countable(tables["customers"])
        rfm = summary_from(content["rfm"], tables)
        fits = {
            role: Fit.from_document(content[role], _after(f"{role}_", tables))
            for role in ("purchases", "spend")
            if content[role] is not None
        }
        key = key_of(fits["purchases"])
        if "customers" in tables and key is not None and "memory" in tables:
            rfm = with_kept(rfm, key, content["rfm"].get("last_day"), tables["memory"])
        take_first_kept(fits.get("spend"), rfm, tables)
        for role, kind in (("purchases", PurchaseModel), ("spend", SpendModel)):
            if role in fits and not isinstance(fits[role].model, kind):
                raise StoreError(f"{fits[role].model.title} is no model of {role}.")
            if role in fits and fits[role].unit != unit:
                raise StoreError(f"The fit of {role} is in {fits[role].unit}s, not in {unit}s.")
        return cls(fits["purchases"], fits.get("spend"), rfm)

    def __repr__(self) -> str:
        spend = f"\n{self.spend!r}" if self.spend is not None else ""
        return f"{self.purchases!r}{spend}"

    def _repr_html_(self) -> str:
        fits = [found for found in (self.purchases, self.spend) if found is not None]
        return f"<p>{escape(repr(self.rfm))}</p>" + "".join(found._repr_html_() for found in fits)


def _after(prefix: str, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {n.removeprefix(prefix): table for n, table in tables.items() if n.startswith(prefix)}
