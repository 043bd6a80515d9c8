"""Fit, the result every engine returns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.documents import clock_document
from predclv.clocks.recall import Recall
from predclv.engines.effects import effects_table
from predclv.engines.fit_checks import replicates_table, space_of
from predclv.engines.fit_documents import fields_of
from predclv.engines.fit_summary import parameter_table
from predclv.errors import DataError, FitError, OptionError
from predclv.likelihoods.effects import Effects
from predclv.models.base import Model, Space
from predclv.models.purchases import PurchaseModel
from predclv.streams import generator
from predclv.units import probability

_TOLD = {
    "asymptotic": "normal on the log scale, from the curvature at the estimate",
    "bootstrap": "parametric bootstrap",
    "nuts": "posterior, sampled by NUTS",
    "map": "posterior, normal on the log scale around its mode",
    "advi": "posterior, approximated by ADVI",
}


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Fit:
    """A fitted model: the model at its point estimate, and how well its parameters are known.

    Attributes
    ----------
    model : Model
        The model at the estimate; every formula is a method on it. The estimate is the maximum of
        the likelihood, the posterior mean, or for ``method="map"`` the posterior mode of the log
        parameters. Forecasts with intervals use :meth:`draws`, not this one point.
    engine : str
        Who fitted.
    unit : str
        Unit of time of the data, and so of the parameters that are times.
    n_customers : int
        Customers the likelihood is a sum over.
    log_likelihood : float
        At the estimate, of the data alone: without penalty or prior, whoever fitted.
    converged : bool
        Always True for a maximum inside; at a limit, True once the remaining parameters converged;
        for sampled chains, whether they agree.
    log_covariance : ndarray, shape (k, k)
        Covariance of the free parameters: the logs of what is positive, and what may be any number
        as it is. Zero for a parameter that a limit holds fixed.
    undetermined : tuple of str
        Parameters without a standard error, since the likelihood does not determine them.
    limits : tuple of str
        The limits of the model that the fit ran to, in words; empty for a maximum inside.
    checks : mapping
        Numbers behind the model's assumptions, such as Gamma-Gamma's ``correlation``, and behind
        the fit, such as ``ess_bulk_r`` and ``r_hat_r`` of sampled chains.
    method : str
        Where intervals and draws come from: ``"asymptotic"``, ``"bootstrap"``, ``"nuts"``,
        ``"map"`` or ``"advi"``.
    replicates : ndarray, shape (chains, draws, k), or None
        Parameters as drawn: the posterior, or a bootstrap's estimates (one chain). None where
        draws come from the normal with ``log_covariance``.
    source
        What stands behind :attr:`idata`, :attr:`pymc_model` and :meth:`loo`; None where draws are
        all there is.
    clock : Steady, Calendar or None
        The clock that the model's times are by: that of its unit, or one with season and events in
        it, whose effects are parameters too; None for a model of spend.
    recall : Recall or None
        How customers' histories are read: a drift of acquisition, fading memory; its parameters are
        the last ones. None where they are taken as they stand.
    covariates : Effects or None
        What covariates do to the parameters. ``model`` is then that of customers whose covariates
        are 0, or at the level that others are compared with.
    first_scale : float or None
        Of spend with ``first_purchase=True``: what a first purchase costs beside later ones.

    See Also
    --------
    predclv.fit, predclv.FittedCLV, predclv.compare_fits

    Examples
    --------
    >>> import predclv as pc
    >>> fit = pc.fit(pc.BGNBD, pc.rfm_summary(pc.datasets.load_cdnow(), unit="week"))
    >>> {name: round(float(value), 2) for name, value in fit.params.items()}
    {'r': 0.25, 'alpha': 5.45, 'a': 0.61, 'b': 2.65}
    """

    model: Model
    engine: str
    unit: str
    n_customers: int
    log_likelihood: float
    converged: bool
    log_covariance: NDArray
    undetermined: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    checks: Mapping[str, float] = field(default_factory=dict)
    method: str = "asymptotic"
    replicates: NDArray | None = None
    source: Any = None
    clock: Steady | Calendar | None = None
    recall: Recall | None = None
    covariates: Effects | None = None
    first_scale: float | None = None

    def __post_init__(self) -> None:
        clock = self.clock
        if clock is None and isinstance(self.model, PurchaseModel):
            object.__setattr__(self, "clock", Steady(self.unit))
        if isinstance(clock, Calendar) and clock.covariance is None:
            of_clock = slice(k := len(self.model.names()), k + len(clock.names))
            clock = replace(clock, covariance=self.log_covariance[of_clock, of_clock])
            object.__setattr__(self, "clock", clock)

    @property
    def space(self) -> Space:
        """The free parameters: of the model, of the clock, of the recall, of covariates."""
        return space_of(type(self.model), self.clock, self.recall, self.covariates)

    @property
    def params(self) -> dict[str, float]:
        """Point estimates by name: of the model, of the clock, of the recall, of covariates."""
        own = {name: float(getattr(self.model, name)) for name in self.model.names()}
        if isinstance(self.clock, Calendar):
            own |= dict(zip(self.clock.names, self.clock.effects.tolist(), strict=True))
        if self.recall is not None:
            own |= self.recall.params
        if self.covariates is not None:
            of_them = self.covariates
            own |= dict(zip(of_them.names, of_them.coefficients.tolist(), strict=True))
        return own

    def assert_purchases(self, what: str) -> None:
        """Raise DataError, which begins with ``what`` wanted it, unless it is of purchases."""
        if not isinstance(self.model, PurchaseModel):
            raise DataError(
                f"{what} wants a fit of purchases, and {self.model.title} is none: pass the fit "
                "of purchases, fitted.purchases of a FittedCLV."
            )

    @property
    def idata(self) -> Any:
        """ArviZ object (DataTree) of a posterior, made on first use; else None.

        Groups posterior, sample_stats, prior, prior_predictive, posterior_predictive,
        log_likelihood, observed_data and constant_data. Rows are customers, in the order of the
        cells; with more than 10,000 of them (at 4,000 draws) log_likelihood is left out and
        :meth:`loo` takes the place of ``az.loo``.
        """
        return None if self.source is None else self.source.idata

    @property
    def pymc_model(self) -> Any:
        """The ``pm.Model`` of ``engine="pymc"``, to open, draw or sample anew; else None."""
        return None if self.source is None else self.source.pymc_model

    def loo(self) -> Any:
        """Expected log predictive density of a posterior, leaving out one customer at a time.

        Per customer, although cells are counted by weight; for any number of customers. Goes into
        ``az.compare``.

        Raises
        ------
        FitError
            If the fit has no posterior.
        """
        if self.source is None:
            raise FitError("loo needs a posterior: fit with engine='pymc'. Else compare by aic.")
        return self.source.loo()

    @property
    def aic(self) -> float:
        """Akaike's information criterion, ``2 k - 2 log L``; smaller is better."""
        return 2.0 * len(self.params) - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Bayesian information criterion, ``k log n - 2 log L``, n being customers."""
        return len(self.params) * float(np.log(self.n_customers)) - 2.0 * self.log_likelihood

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """Estimates with their uncertainty, one row per parameter.

        Parameters
        ----------
        level : float
            Coverage of ``lower`` to ``upper``: quantiles of the replicates where there are any,
            else of a normal of the free parameters: on the log scale for what is positive.

        Returns
        -------
        DataFrame
            Columns estimate, std_error, lower, upper; NaN for what a limit leaves undetermined
            (and a bootstrap does not move).
            With covariates also multiplier, ``exp(estimate)``: by how much the effect speeds up
            purchases, the odds or rate of leaving, or spend; NaN for what is no effect of one.
            For sampled chains also ess_bulk, the number of independent draws they are worth, and
            r_hat, which is 1 where the chains agree.
        """
        return parameter_table(self, probability(level, "level"))

    def effects(
        self, horizon: Any = "1 year", level: float = 0.9, seed: int | None = 0
    ) -> pd.DataFrame:
        """What covariates come to, level by level, for customers who are typical otherwise.

        Parameters
        ----------
        horizon : str, timedelta or number
            How long a newcomer's repeat purchases are counted; on a clock, of average days.
        level : float
            Of the intervals: what is not known of the parameters.
        seed : int or None
            Of the draws behind these.

        Returns
        -------
        DataFrame
            Index covariate and level; of a number, what a tenth of the customers are below and a
            tenth above (a hundredth, or the least and the most, where these agree).
            The multipliers of rate and leaving, or of spend, against a typical customer; and of a
            fit of purchases ``purchases``, the repeat purchases expected of a newcomer. Each with
            ``_lower`` and ``_upper``. For CLV: :meth:`FittedCLV.effects`.

        Raises
        ------
        OptionError
            If the fit has no covariates.
        """
        return effects_table(self, horizon, probability(level, "level"), seed)

    def draws(self, n: int = 1000, seed: int | None = None) -> dict[str, NDArray]:
        """Draws of the parameters: how far they may be from the estimate.

        From the posterior or the bootstrap where there is one, else from the asymptotic normal on
        the log scale.

        Parameters
        ----------
        n : int
            Up to the number of replicates they are drawn without replacement, beyond it with.
        seed : int, optional
            The same seed gives the same draws; None draws afresh.

        Returns
        -------
        dict of ndarray, each of shape (n,)
            What a limit holds fixed does not vary.
        """
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
            raise OptionError(f"draws must be a positive whole number; got {n!r}.")
        rng = generator(seed)
        if self.replicates is None:
            sizes, directions = np.linalg.eigh(self.log_covariance)
            root = directions * np.sqrt(np.maximum(sizes, 0.0))
            normal = rng.standard_normal((int(n), root.shape[0]))
            estimate = np.array(list(self.params.values()))
            values = self.space.moved(estimate, normal @ root.T)
        else:
            available = self.replicates.reshape(-1, len(self.params))
            values = available[rng.choice(len(available), int(n), replace=n > len(available))]
        return dict(zip(self.params, np.ascontiguousarray(values.T), strict=True))

    def document(self) -> dict[str, Any]:
        """The fit as plain values, for a JSON file; see :meth:`tables` for the rest."""
        return {
            "model": type(self.model).__name__,
            "params": self.params,
            "engine": self.engine,
            "unit": self.unit,
            "n_customers": self.n_customers,
            "log_likelihood": self.log_likelihood,
            "converged": self.converged,
            "log_covariance": self.log_covariance.tolist(),
            "undetermined": list(self.undetermined),
            "limits": list(self.limits),
            "checks": dict(self.checks),
            "method": self.method,
            "clock": clock_document(self.clock),
            **({} if self.recall is None else {"recall": self.recall.document()}),
            **({} if self.covariates is None else {"covariates": self.covariates.document()}),
            **({} if self.first_scale is None else {"first_scale": self.first_scale}),
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """What does not fit a document: ``replicates``, with columns chain, draw and parameters.

        Empty where the fit has no replicates.
        """
        if self.replicates is None:
            return {}
        return {"replicates": replicates_table(self.replicates, list(self.params))}

    @classmethod
    def from_document(
        cls, document: Mapping[str, Any], tables: Mapping[str, pd.DataFrame] | None = None
    ) -> Self:
        """The inverse of :meth:`document` and :meth:`tables`.

        A posterior's ``idata`` holds the draws alone; ``pymc_model`` is None.

        Raises
        ------
        StoreError
            If an entry is impossible.
        """
        return cls(**fields_of(document, tables or {}, _TOLD))

    def __repr__(self) -> str:
        shown = {name: self.params[name] for name in self.model.names()}
        values = ", ".join(f"{name}={value:.4g}" for name, value in shown.items())
        if self.recall is not None:
            values += "".join(f", {name}={value:.4g}" for name, value in self.recall.params.items())
        if isinstance(self.clock, Calendar):
            values += f", on {self.clock!r}"
        if self.covariates is not None:
            values += f", with {len(self.covariates.names)} effects of covariates"
        at = f", at a limit: {'; '.join(self.limits)}" if self.limits else ""
        return (
            f"Fit of {self.model.title} by {self.engine}: {values} "
            f"({self.n_customers:,} customers, log-likelihood {self.log_likelihood:,.2f}{at})"
        )

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>At a limit: {escape(limit)}</p>" for limit in self.limits)
        return (
            f"<p><b>{escape(self.model.title)}</b> fitted by {escape(self.engine)} to "
            f"{self.n_customers:,} customers; log-likelihood {self.log_likelihood:,.2f}, "
            f"AIC {self.aic:,.1f}; unit of time: {self.unit}</p>{notes}"
            f"{self.summary().to_html(float_format='{:.4g}'.format)}"
            f"<p>Intervals: {_TOLD.get(self.method, self.method)}.</p>"
        )
