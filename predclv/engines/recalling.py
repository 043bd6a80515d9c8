"""Fits that read the past with other eyes: fading memory, on top of a fit without it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.clocks.recall import AGEING, DRIFT
from predclv.engines.mle import run
from predclv.engines.result import Fit
from predclv.errors import OptionError
from predclv.likelihoods.clocked import ClockedLikelihood
from predclv.likelihoods.covariates import CovariateLikelihood
from predclv.likelihoods.fading import FadingLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.likelihoods.paths import PathLikelihood
from predclv.models.purchases import PurchaseModel
from predclv.models.regular import RegularModel
from predclv.summaries.memory import days_behind, sequences_of

MOST = 100_000
"""Customers of whom memory is learned; of more, so many are taken."""


def assert_recalls(
    likelihood: Likelihood,
    engine: str,
    options: Mapping[str, Any],
    rfm: Any | None,
    ageing: bool = False,
) -> None:
    """Whether a drift, ageing, and memory where there is an ``rfm`` for it, can be fitted.

    Raises
    ------
    OptionError
        If the model, the engine or an option does not go with them.
    DataError
        If memory has no log.
    """
    model: Any = likelihood.model
    what = "ageing" if ageing else "drift" if rfm is None else "memory"
    if not issubclass(model, PurchaseModel) or model.leaves_in_real_time:
        reason = (
            "'s customers leave in real time, not at purchases"
            if issubclass(model, PurchaseModel)
            else " is no model of purchases"
        )
        raise OptionError(
            f"{model.title}{reason}: it has no {what}. Use MBGNBD, BGNBD, MBGCNBD or BGCNBD."
        )
    if engine != "mle":
        raise OptionError(
            f"engine {engine!r} knows no {what}=True: it is fitted by maximum likelihood alone. "
            "Try engine='mle'."
        )
    if ageing and (isinstance(likelihood, ClockedLikelihood) or issubclass(model, RegularModel)):
        raise OptionError(
            "ageing=True is of MBGNBD and BGNBD without a clock: what slows customers down and "
            "what makes days differ are not told apart."
        )
    if rfm is None:
        return
    days_behind(rfm)
    if options.get("bootstrap") is not None:
        raise OptionError(
            f"{what}=True has no bootstrap: its standard errors are those of the curvature. Leave "
            "bootstrap out."
        )


def assert_known_for_good(likelihood: Likelihood) -> None:
    """Whether what is known of customers stays as it is, which memory and ageing ask for.

    Raises
    ------
    OptionError
        If covariates change over time.
    """
    if isinstance(likelihood, PathLikelihood):
        raise OptionError(
            "memory=True and ageing=True, which purchases='auto' has too, know no covariates that "
            "change over time: what a purchase still counts would differ by what held then. Leave "
            "them out, or bring such columns as static_covariates; drift=True goes with both kinds."
        )


def with_memory(first: Fit, likelihood: Likelihood, rfm: Any, most: int = MOST) -> Fit:
    """The fit with fading memory, from one without.

    All parameters are fitted anew but those of a calendar's clock, and ageing, which stay what they
    are: a season says when all customers buy, memory how they differ. Standard errors take the two
    apart as well: what is not known of the season would add 0.1 to 0.6% to them (CDNOW, two
    harmonics).

    Parameters
    ----------
    first : Fit
        Without memory.
    likelihood : Likelihood
        That was maximised for it.
    rfm : RFM
        The customers, with their log.
    most : int
        Customers whose purchases are fetched; of more, so many are taken, the same ones each time.
    """
    model, clock = type(first.model), first.clock
    assert clock is not None
    effects = first.covariates
    sequences = sequences_of(rfm, most, by_pattern=effects is not None)
    free = first.space.free_at(np.array(list(first.params.values())))
    own, names = len(model.names()), list(first.params)
    near = np.append(free[:own], [free[names.index(DRIFT)]] if DRIFT in names else [])
    first_day = rfm.cells().known_last_day - sequences.end
    ageing = first.params.get(AGEING)
    fading: Likelihood = FadingLikelihood.over(model, sequences, clock, first_day, near, ageing)
    if effects is not None and sequences.pattern is not None:
        fading = CovariateLikelihood.of_patterns(
            fading, sequences.pattern, rfm.cells().patterns, effects
        )
    found = run(fading)
    checks = {**first.checks, **found.checks}
    if found.n_customers < first.n_customers:
        checks["customers_in_all"] = float(first.n_customers)
    found = replace(found, checks=checks)
    kept = clock.names if isinstance(clock, Calendar) else (AGEING,) if ageing is not None else ()
    if not kept:
        return found
    return replace(
        found,
        clock=clock,
        log_covariance=_apart(found.log_covariance, first.log_covariance, own, len(kept)),
        undetermined=(*found.undetermined, *(n for n in first.undetermined if n in kept)),
    )


def _apart(found: NDArray, first: NDArray, own: int, k: int) -> NDArray:
    """Covariance of a model, of k numbers from an earlier fit, and of how the past is read."""
    of_clock, others = slice(own, own + k), np.r_[:own, own + k : len(found) + k]
    both = np.zeros((len(found) + k,) * 2)
    both[np.ix_(others, others)] = found
    both[of_clock, of_clock] = first[of_clock, of_clock]
    return both
