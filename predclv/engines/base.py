"""``fit``, the one way to ask for a fit, and the engines it can be asked of."""

import inspect
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from typing import Any

from predclv.clocks.recipe import Clock
from predclv.engines.clocks import on_clock
from predclv.engines.covariates import with_covariates
from predclv.engines.missing import needed_by
from predclv.engines.orders import of_order, with_gaps
from predclv.engines.recalling import assert_known_for_good, assert_recalls, with_memory
from predclv.engines.result import Fit
from predclv.engines.samples import cells_for
from predclv.engines.spend_checks import scale_asked, spend_checks
from predclv.errors import OptionError, did_you_mean
from predclv.interrupts import uninterrupted
from predclv.likelihoods.ageing import AgeingLikelihood
from predclv.likelihoods.drifting import DriftingLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.models import class_of
from predclv.models.base import Model
from predclv.models.regular import RegularModel
from predclv.models.spend import SpendModel
from predclv.notices import warn
from predclv.progress import stage
from predclv.samples.spend import SpendCells
from predclv.summaries.memory import repeats_by_age

ENGINES = {
    "mle": "predclv.engines.mle",
    "lifetimes": "predclv.engines.lifetimes",
    "pymc": "predclv.engines.pymc",
}
"""Engine names and the module behind each, imported on first use."""


def fit(
    model: type[Model] | str,
    rfm: Any,
    engine: str = "mle",
    clock: Clock | None = None,
    covariates: Mapping[Any, Any] | None = None,
    memory: bool = False,
    drift: bool = False,
    ageing: bool = False,
    **options: Any,
) -> Fit:
    """Fit a model to a customer summary.

    Parameters
    ----------
    model : type or str
        ``BGNBD``, ``MBGNBD``, ``ParetoNBD``, ``BGCNBD``, ``MBGCNBD`` or ``GammaGamma``; of
        contracts ``ShiftedBetaGeometric``, ``BetaDiscreteWeibull`` or ``BGBB``: the class, not an
        instance, or its name as text. ``"MBGCNBD-2"`` is the one with k = 2.
    rfm : RFM, Cells, SpendCells, Renewals or Opportunities
        A purchase model is fitted to all customers; a spend model to those with a repeat purchase
        and a positive mean spend; a model of contracts to renewals, BG/BB to opportunities.
    engine : str
        ``"mle"``: maximum likelihood; ``"lifetimes"``: that package's fitters; ``"pymc"``: priors
        and a posterior. All of the same likelihood.
    clock : Clock, optional
        What makes days differ for all customers alike: season, trend, weekdays, events. Fitted
        together with the model; see :class:`predclv.Clock`.
    covariates : mapping, optional
        Which columns of the summary's covariates act on what: on ``"rate"``, how fast customers
        buy; on ``"leaving"``, how readily they leave; on ``"spend"``, what they spend. Such as
        ``{"rate": ["channel", "age"], "leaving": ["channel"]}``; a tuple of columns is their
        product. ``"leaving": "same"`` has rate's very effects act on leaving too, as the key
        ``("rate", "leaving")`` does. Targets of other models are left to these. A parameter's own
        name is a target too. A positive effect means faster, readier, more.
    memory : bool
        Whether old purchases count less than recent ones: customers change. Needs the log behind
        the summary; see :class:`predclv.likelihoods.fading.FadingLikelihood`. Of more than
        100,000 customers it is learned from so many, the same ones each time, and
        ``Fit.n_customers`` says so.
    drift : bool
        Whether the log's first customers, most of them old ones, buy at a rate of their own; see
        :class:`predclv.clocks.recall.Recall`. Memory and drift go with covariates, which act on the
        same parameters as ever: purchases are forgotten at one ``rho`` for all customers. Of
        covariates that change over time memory knows nothing.
    ageing : bool
        Whether customers slow down as a power of their age; of ``MBGNBD`` and ``BGNBD`` without a
        clock or covariates, from a log, for horizons with an end; see
        :class:`predclv.likelihoods.ageing.AgeingLikelihood`. These three by engine mle, of models
        whose customers leave at purchases.
    **options
        ``k``, of ``BGCNBD`` and ``MBGCNBD``: events per purchase; None, the default, tries 1 to 6
        and takes the most likely, which need not forecast better. ``first_purchase``, of
        ``GammaGamma``: whether forecasts take a customer's first purchase as one more that tells
        what they spend, divided by what first purchases cost beside later ones; parameters are
        those of repeat purchases all the same, and the summary needs its log. Where repeat buyers
        are few it made the error of single customers' spend 1.3% smaller on logs it was tried on
        first, and no smaller on logs that nobody had looked at: False. The others are
        passed to the engine. mle: ``bootstrap``, ``seed``, ``start``
        (:func:`predclv.engines.mle.run`); lifetimes: ``penalizer_coef``, ``tol``
        (:func:`predclv.engines.lifetimes.run`); pymc: ``priors``, ``draws``, ``tune``, ``chains``,
        ``seed``, ``method``, ``progress`` (:func:`predclv.engines.pymc.run`).

    Returns
    -------
    Fit

    Raises
    ------
    OptionError
        If there is no such model, engine or option.
    FitError
        If the data cannot determine the model; the message says what to try.
    DataError
        If the summary is of the wrong kind, such as one without spend for a spend model.

    Warns
    -----
    BoundaryWarning
        If the likelihood has no interior maximum: the fit is the limit that the message names.
    AssumptionWarning, InfiniteMeanWarning, SpendDriftWarning, FirstPurchaseWarning
        If the model's assumptions look doubtful.
    RegularityWarning
        If k was chosen by likelihood, or the likelihood lacks what only a log says.
    SamplingWarning
        If a posterior's chains or approximation are not to be trusted.

    See Also
    --------
    predclv.Fit : parameters, and how well they are known.
    predclv.CLVModel : the recipe: purchases, spend, and who fits.
    predclv.compare_fits : several models side by side.

    Examples
    --------
    >>> import pandas as pd, predclv as pc
    >>> log = pc.datasets.load_cdnow()
    >>> rfm = pc.rfm_summary(log[log["date"] <= "1997-09-30"], observation_end="1997-09-30")
    >>> pc.fit(pc.BGNBD, rfm)
    Fit of BG/NBD by mle: r=0.2426, alpha=4.414, a=0.7929, b=2.426 (2,357 customers, ...-9,582.43)
    """
    wanted: type[Model] = class_of(model, Model, "fit wants a model's class")
    check_engine(engine)
    with uninterrupted(), needed_by(engine):
        runner = import_module(ENGINES[engine]).run
    checks: Mapping[str, float] = {}
    cells = cells_for(wanted, rfm)
    if issubclass(wanted, RegularModel):
        wanted, checks = of_order(wanted, rfm, cells, options)
    elif "k" in options:
        raise OptionError(
            f"{wanted.title} has no k; that is of regular buyers: pc.MBGCNBD or pc.BGCNBD."
        )
    first_scale = scale_asked(wanted, rfm, cells, options)
    known = [name for name in inspect.signature(runner).parameters if name != "likelihood"]
    for name in options:
        if name not in known:
            raise OptionError(
                f"engine {engine!r} has no option {name!r}; it has "
                f"{', '.join(known) or 'none'}.{did_you_mean(name, known)}"
            )
    unit = "" if isinstance(rfm, SpendCells) else getattr(cells, "unit", None) or rfm.unit
    likelihood = Likelihood.of(wanted, cells, unit)
    if issubclass(wanted, RegularModel):
        likelihood = with_gaps(likelihood, rfm, warn=True)
    if clock is not None:
        if engine == "lifetimes":
            raise OptionError("engine 'lifetimes' knows no clock. Try engine='mle'.")
        likelihood = on_clock(likelihood, rfm, clock)
    for name, asked in (("memory", memory), ("drift", drift), ("ageing", ageing)):
        if not isinstance(asked, bool):
            raise OptionError(f"{name} must be True or False; got {asked!r}.")
    if memory or drift or ageing:
        assert_recalls(likelihood, engine, options, rfm if memory or ageing else None, ageing)
    if ageing:
        likelihood = AgeingLikelihood.over(likelihood, cells, repeats_by_age(rfm), drift)
    elif drift:
        likelihood = DriftingLikelihood.over(likelihood, cells)
    likelihood = with_covariates(likelihood, rfm, cells, covariates, engine)
    if memory or ageing:
        assert_known_for_good(likelihood)
    # PyMC's samplers show a bar of their own.
    shown = nullcontext() if engine == "pymc" else stage(f"Fitting {wanted.title}")
    with shown, needed_by(engine):
        result = runner(likelihood, **options)
        if memory:
            result = with_memory(result, likelihood, rfm)
    if isinstance(result.model, SpendModel):
        checks = spend_checks(result.model, rfm, cells)
        result = replace(result, first_scale=first_scale)
    if checks:
        result = replace(result, checks={**result.checks, **checks})
    for warning in result.model.doubts(result.checks, result.n_customers):
        warn(warning)
    return result


def check_engine(engine: object) -> None:
    """Whether there is an engine of that name.

    Raises
    ------
    OptionError
        If not.
    """
    if not isinstance(engine, str) or engine not in ENGINES:
        raise OptionError(
            f"engine must be one of {', '.join(ENGINES)}; got {engine!r}."
            f"{did_you_mean(engine, ENGINES)}"
        )
