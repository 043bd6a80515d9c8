"""Fit, the result every engine returns, and ``fit``, the one way to ask for it."""

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from predclv.data.cells import Cells, SpendCells
from predclv.data.rfm import RFM
from predclv.errors import DataError, DataWarning, FitError, OptionError, did_you_mean
from predclv.models import class_named
from predclv.models.base import Model
from predclv.units import probability

ENGINES = {"mle": "predclv.engines.mle"}
"""Engine names and the module behind each, imported on first use."""


@dataclass(frozen=True, slots=True, repr=False)
class Fit:
    """A fitted model: the model at its point estimate, and how well its parameters are known.

    Attributes
    ----------
    model : Model
        The model with the estimated parameters; every formula is a method on it.
    engine : str
        Who fitted.
    unit : str
        Unit of time of the data, and so of the parameters that are times.
    n_customers : int
        Customers the likelihood is a sum over.
    log_likelihood : float
        At the estimate.
    converged : bool
        Always True for a maximum inside; at a limit, True once the remaining parameters converged.
    log_covariance : ndarray, shape (k, k)
        Covariance of the log parameters. Zero for a parameter that a limit holds fixed.
    undetermined : tuple of str
        Parameters without a standard error, since the likelihood does not determine them.
    limits : tuple of str
        The limits of the model that the fit ran to, in words; empty for a maximum inside.
    checks : mapping
        Numbers behind the model's assumptions, such as Gamma-Gamma's ``correlation``.
    idata
        ArviZ object for ``engine="pymc"``, else None.
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
    idata: Any = None

    @property
    def params(self) -> dict[str, float]:
        """Point estimates by name."""
        return {name: float(getattr(self.model, name)) for name in self.model.names()}

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
            Coverage of ``lower`` to ``upper``; they are symmetric on the log scale, since the
            parameters are positive.

        Returns
        -------
        DataFrame
            Columns estimate, std_error, lower, upper; NaN for what a limit leaves undetermined.
        """
        level = probability(level, "level")
        estimate = np.array(list(self.params.values()))
        log_error = np.sqrt(np.diag(self.log_covariance))
        unknown = np.array([name in self.undetermined for name in self.params])
        log_error = np.where(unknown, np.nan, log_error)
        reach = norm.ppf(0.5 + level / 2) * log_error
        return pd.DataFrame(
            {
                "estimate": estimate,
                "std_error": estimate * log_error,
                "lower": estimate * np.exp(-reach),
                "upper": estimate * np.exp(reach),
            },
            index=pd.Index(list(self.params), name="parameter"),
        )

    def draws(self, n: int = 1000, seed: int | None = None) -> dict[str, NDArray]:
        """Draws of the parameters from the asymptotic normal on the log scale.

        Parameters
        ----------
        n : int
        seed : int, optional
            The same seed gives the same draws; None draws afresh.

        Returns
        -------
        dict of ndarray, each of shape (n,)
            What a limit holds fixed does not vary.
        """
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise OptionError(f"draws must be a positive whole number; got {n!r}.")
        rng = np.random.default_rng(seed)
        sizes, directions = np.linalg.eigh(self.log_covariance)
        root = directions * np.sqrt(np.maximum(sizes, 0.0))
        normal = rng.standard_normal((int(n), root.shape[0]))
        values = np.array(list(self.params.values())) * np.exp(normal @ root.T)
        return dict(zip(self.params, values.T, strict=True))

    def document(self) -> dict[str, Any]:
        """The fit as plain values, for a JSON file."""
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
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`document`."""
        return cls(
            model=class_named(document["model"])(**document["params"]),
            engine=document["engine"],
            unit=document["unit"],
            n_customers=int(document["n_customers"]),
            log_likelihood=float(document["log_likelihood"]),
            converged=bool(document["converged"]),
            log_covariance=np.array(document["log_covariance"], dtype=float),
            undetermined=tuple(document["undetermined"]),
            limits=tuple(document["limits"]),
            checks=dict(document["checks"]),
        )

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.4g}" for name, value in self.params.items())
        at = f", at a limit: {'; '.join(self.limits)}" if self.limits else ""
        return (
            f"Fit of {self.model.title} by {self.engine}: {values} "
            f"({self.n_customers:,} customers, log-likelihood {self.log_likelihood:,.2f}{at})"
        )

    def _repr_html_(self) -> str:
        from html import escape

        notes = "".join(f"<p>At a limit: {escape(limit)}</p>" for limit in self.limits)
        return (
            f"<p><b>{escape(self.model.title)}</b> fitted by {escape(self.engine)} to "
            f"{self.n_customers:,} customers; log-likelihood {self.log_likelihood:,.2f}, "
            f"AIC {self.aic:,.1f}; unit of time: {self.unit}</p>{notes}"
            f"{self.summary().to_html(float_format='{:.4g}'.format)}"
        )


def fit(
    model: type[Model], rfm: RFM | Cells | SpendCells, engine: str = "mle", **options: Any
) -> Fit:
    """Fit a model to a customer summary.

    Parameters
    ----------
    model : type
        ``BGNBD`` or ``GammaGamma``: the class, not an instance.
    rfm : RFM, Cells or SpendCells
        A purchase model is fitted to all customers; a spend model to those with a repeat purchase
        and a positive mean spend.
    engine : str
        ``"mle"``: maximum likelihood.
    **options
        Passed to the engine.

    Returns
    -------
    Fit

    Raises
    ------
    FitError
        If the data cannot determine the model; the message says what to try.
    DataError
        If the summary is of the wrong kind, such as one without spend for a spend model.

    Warns
    -----
    BoundaryWarning
        If the likelihood has no interior maximum: the fit is the limit that the message names.
    AssumptionWarning, InfiniteMeanWarning
        If the model's assumptions look doubtful.

    Examples
    --------
    >>> import pandas as pd, predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> rfm = pc.rfm_summary(log[log["date"] <= "1997-09-30"], observation_end="1997-09-30")
    >>> pc.fit(pc.BGNBD, rfm)
    Fit of BG/NBD by mle: r=0.2426, alpha=4.414, a=0.7929, b=2.426 (2,357 customers, ...-9,582.43)
    """
    if not (isinstance(model, type) and issubclass(model, Model)):
        raise OptionError(
            f"fit wants a model's class, such as pc.BGNBD or pc.GammaGamma; got {model!r}."
        )
    if engine not in ENGINES:
        raise OptionError(
            f"engine must be one of {', '.join(ENGINES)}; got {engine!r}."
            f"{did_you_mean(engine, ENGINES)}"
        )
    runner = import_module(ENGINES[engine]).run
    known = [
        name
        for name in inspect.signature(runner).parameters
        if name not in ("model", "cells", "unit")
    ]
    for name in options:
        if name not in known:
            raise OptionError(
                f"engine {engine!r} has no option {name!r}; it has "
                f"{', '.join(known) or 'none'}.{did_you_mean(name, known)}"
            )
    cells = _cells_for(model, rfm)
    unit = "" if isinstance(rfm, SpendCells) else rfm.unit
    result = runner(model, cells, unit, **options)
    for warning in result.model.doubts(result.checks, result.n_customers):
        warnings.warn(warning, stacklevel=2)
    return result


def _cells_for(model: type[Model], rfm: RFM | Cells | SpendCells) -> Cells | SpendCells:
    """The cells a model's likelihood is a sum over, checked to hold something to learn from."""
    if isinstance(rfm, pd.DataFrame):
        raise DataError(
            "fit wants an RFM; make one of a frame with pc.RFM.from_frame(frame, unit=...), so "
            "that its unit of time is known."
        )
    if not isinstance(rfm, (RFM, Cells, SpendCells)):
        raise DataError(f"fit wants an RFM or its cells; got {type(rfm).__name__}.")
    if model.needs == "spend":
        if isinstance(rfm, RFM) and not rfm.has_spend:
            raise DataError(
                f"{model.title} needs spend, and this summary has no monetary_value. Name the "
                f"log's amount column, or fit purchases alone: CLVModel(spend=None)."
            )
        cells = rfm.spend_cells() if isinstance(rfm, RFM) else rfm
        if not isinstance(cells, SpendCells):
            raise DataError(f"{model.title} is fitted to spend cells: rfm.spend_cells().")
        if len(cells) == 0:
            raise FitError(
                f"{model.title} learns from customers with a repeat purchase and a positive mean "
                f"spend; there are none. Observe longer, or forecast purchases alone: "
                f"CLVModel(spend=None)."
            )
        if cells.left_out:
            warnings.warn(
                f"{model.title} was fitted without {cells.left_out:,} repeat buyers whose mean "
                f"spend is zero or negative; they get a forecast all the same.",
                DataWarning,
                stacklevel=3,
            )
        return cells
    cells = rfm.cells() if isinstance(rfm, RFM) else rfm
    if not isinstance(cells, Cells):
        raise DataError(f"{model.title} is fitted to purchase cells: rfm.cells().")
    if not np.any(cells.frequency > 0):
        raise FitError(
            f"None of the {cells.n_customers:,} customers has bought a second time, so the data "
            f"say nothing about how often customers come back. Observe longer, include earlier "
            f"customers, or take a repeat rate from elsewhere: pc.BGNBD(r, alpha, a, b)."
        )
    return cells
