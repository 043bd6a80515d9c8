"""From a recipe for a clock to the likelihood on it: days counted, harmonics chosen."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.clocks.recipe import Clock
from predclv.clocks.terms import Season
from predclv.engines.search import estimate, log_covariance
from predclv.errors import AssumptionWarning, DataError, OptionError
from predclv.likelihoods.clocked import ClockedLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.purchases import PurchaseModel
from predclv.notices import warn
from predclv.progress import stage
from predclv.samples.exposures import CalendarExposure
from predclv.summaries.gaps import gap_pairs_of
from predclv.summaries.rfm import RFM

_STRENGTHS = (0.25, 0.5, 1.0, 2.0)
"""Sizes of a season that are tried for ``season="auto"``, times the usual 0.3 / m."""

_BLOCK = 28  # days in which shocks that all customers share are looked for


def on_clock(likelihood: Likelihood, rfm: Any, clock: Clock) -> ClockedLikelihood:
    """The likelihood of a purchase model on a clock.

    Raises
    ------
    OptionError
        If the model's customers leave in real time, or it is no model of purchases.
    DataError
        If the summary has no days.
    """
    model = likelihood.model
    if not isinstance(clock, Clock):
        raise OptionError(f"clock must be a pc.Clock; got {type(clock).__name__}.")
    if not issubclass(model, PurchaseModel):
        raise OptionError(f"{model.title} is no model of purchases: it has no clock.")
    if model.leaves_in_real_time:
        raise OptionError(
            f"{model.title}'s customers leave in real time, so that on a clock their leaving would "
            "slow down in low season too. Use BGNBD or MBGNBD, whose customers leave at purchases."
        )
    if not isinstance(rfm, RFM):
        raise DataError(
            "A clock needs the days of purchases, and cells have none: fit to the RFM of a log, "
            "pc.rfm_summary(log)."
        )
    first_day, repeats, gaps = _days_of(rfm, model)
    cells = rfm.cells()
    assert cells.last_day is not None
    note = clock.note(first_day, cells.last_day)
    if note:
        warn(note, AssumptionWarning)
    exposure = CalendarExposure.of(
        cells.recency_days,
        cells.age_days,
        cells.last_day,
        first_day,
        repeats,
        cells.unit,
        gaps,
    )
    calendar = clock.calendar(cells.unit, first_day, cells.last_day)
    clocked = ClockedLikelihood.on(likelihood, calendar, exposure)
    if clock.season == "auto" and clock.most_harmonics(first_day, cells.last_day):
        with stage("Choosing a season"):
            return clocked.with_calendar(_seasoned(clocked))
    return clocked


def _days_of(rfm: RFM, model: type[PurchaseModel]) -> tuple[int, NDArray, NDArray | None]:
    """The log's first day, repeat purchases per day after it, and gaps where a model wants them."""
    if model.order == 1:
        return *rfm.repeats_by_day(), None
    return gap_pairs_of(rfm)


def _seasoned(likelihood: ClockedLikelihood) -> Calendar:
    """The clock with as many harmonics, held back as strongly, as its data say.

    One fit with all harmonics gives, by its curvature, the evidence of fewer of them and of other
    priors (Laplace's approximation, MacKay 1992). A shop's weeks vary more than the chance of
    single customers explains, and what varies from month to month is no season: the evidence, and
    the prior of the season that is taken, count customers as the fewer the more months vary.
    """
    found = estimate(likelihood)
    covariance, _ = log_covariance(found.best.hessian, found.best.pinned, found.back)
    calendar, k = likelihood.calendar, likelihood.size
    most = next(term.harmonics for term in calendar.terms if isinstance(term, Season))
    # Model and other effects are integrated out; the prior that was fitted with is taken away.
    precision = np.linalg.inv(covariance[k : k + 2 * most, k : k + 2 * most])
    effects = found.free[k : k + 2 * most]
    spread = calendar.spread[: 2 * most]
    pull = precision @ effects
    data = precision - np.diag(1.0 / spread**2)
    excess = _overdispersion(likelihood, likelihood.clock_at(found.free))
    data, pull = data / excess, pull / excess
    tried = [(0.0, 0, 1.0)] + [
        (_evidence(data[:m, :m], pull[:m], strength * spread[:m]), m // 2, strength)
        for m in range(2, 2 * most + 1, 2)
        for strength in _STRENGTHS
    ]
    _, harmonics, strength = max(tried)
    chosen = Season(harmonics, strength / np.sqrt(excess))
    others = [term for term in calendar.terms if not isinstance(term, Season)]
    terms = (chosen, *others) if harmonics else tuple(others)
    return replace(calendar, terms=terms, effects=np.zeros(sum(len(t.names) for t in terms)))


def _evidence(data: NDArray, pull: NDArray, spread: NDArray) -> float:
    """Log evidence for effects with these prior sds, over that for none at all."""
    posterior = data + np.diag(1.0 / spread**2)
    _, log_det = np.linalg.slogdet(posterior)
    return float(
        0.5 * pull @ np.linalg.solve(posterior, pull) - 0.5 * log_det - np.log(spread).sum()
    )


def _overdispersion(likelihood: ClockedLikelihood, calendar: Calendar) -> float:
    """How many times more purchases vary from month to month than by chance, at least 1.

    Of stretches of four weeks, each beside the next, once the fitted clock is taken out.
    """
    counts = likelihood.exposure.purchases
    rate = np.exp(calendar.observed_log_rate(calendar.effects))
    whole = counts.size // _BLOCK * _BLOCK
    if whole < 3 * _BLOCK:
        return 1.0
    of_block, size = (each[-whole:].reshape(-1, _BLOCK).sum(axis=1) for each in (counts, rate))
    level = of_block / size
    smooth = 0.5 * (level[1:] + level[:-1])
    chance = smooth * (1.0 / size[1:] + 1.0 / size[:-1])
    known = chance > 0
    if not known.any():
        return 1.0
    return float(max(1.0, np.mean(np.diff(level)[known] ** 2 / chance[known])))
