"""Draws of a fit's parameters as models: what is not known of them, in a forecast."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.engines.result import Fit
from predclv.forecast.drawn_clocks import ClockSpans
from predclv.forecast.patterns import spread_over
from predclv.models.base import Space

_MANY = 4000  # draws whose mean and covariance a few are made to share
# Standard deviation in logs, along a principal axis, up to which a pair of points per axis does:
# averages are then about as far off as those over 300 draws, 0.03% at 0.5 and less the smaller it
# is. Below the second an axis is left out, and 1e-6 missed.
_WELL_KNOWN = 0.6
_KNOWN = 0.003
# Standard deviation of a horizon's log length up to which points do: customers who have bought 100
# times are known to 0.1, and a few lengths farther apart would leave gaps in what they may buy.
_SAME_LENGTH = 0.05


def is_posterior(fit: Fit) -> bool:
    """Whether expectations are averages over draws rather than taken at the estimate."""
    return fit.method in ("nuts", "advi")


def drawn(
    fit: Fit,
    draws: int,
    rng: np.random.Generator,
    patterns: Any = None,
    spans: ClockSpans | None = None,
) -> Any:
    """A fit's model with at most ``draws`` draws of its parameters, each of shape (n, 1).

    With covariates a model by pattern, for what is known of customers; with the ``spans`` of a
    clock each draw has a clock of its own.

    Few draws stand for many: as free parameters they are stretched and shifted to the mean and
    covariance of 4,000, so that averages over them are off in the third moment at most. Where the
    parameters are well known, two points in each direction that is not known exactly have these
    moments too. Of a clock the horizon's length is drawn so, and its effects are those to be
    expected with it: a forecast depends on all else that they say by what the past spans.
    """
    free, space, many = many_free(fit, draws, rng)
    own = len(fit.model.names())
    if spans is None:
        found = space.parameters_at(fewer(free, draws, rng)[0])
        model: Any = type(fit.model)(*found.T[:own, :, None])
        return spread_over(fit, model, found[:, own:], patterns)
    effects = np.column_stack([many[name] for name in spans.names])
    if fit.recall is not None:
        effects = effects - _with_recall(fit, many, spans.names)
    free = np.column_stack([free, effects @ spans.slope()])
    few, rows = fewer(free, draws, rng, bool(free[:, -1].std() <= _SAME_LENGTH))
    effects = _expected_with(effects, free, few, rows)
    found, faster = space.parameters_at(few[:, :-1]), spans.faster(effects)
    model = type(fit.model)(*found.T[:own, :, None])
    model = replace(model, alpha=model.alpha * faster)
    return spans.over(spread_over(fit, model, found[:, own:], patterns), effects, faster)


def many_free(
    fit: Fit, draws: int, rng: np.random.Generator
) -> tuple[NDArray, Space, dict[str, NDArray]]:
    """At least 4,000 draws of a model's free parameters and of the effects of covariates, (n, k).

    As far as they do not move with a recall, which histories keep as it is. And the space that
    they are in, and all that was drawn with them.
    """
    names, space = fit.model.names(), fit.model.space()
    if fit.covariates is not None:
        names = (*names, *fit.covariates.names)
        space = space.and_numbers(fit.covariates.names)
    many = fit.draws(max(draws, _MANY), seed=int(rng.integers(1 << 62)))
    free = space.free_at(np.column_stack([many[name] for name in names]))
    if fit.recall is not None:
        free = free - _with_recall(fit, many, names)
    return free, space, many


def fewer(
    many: NDArray, draws: int, rng: np.random.Generator, by_points: bool = True
) -> tuple[NDArray, NDArray | None]:
    """At most ``draws`` rows for many; which of them they were, None where points of their own."""
    few = _points(many) if by_points else None
    if few is not None and len(few) <= draws:
        return few, None
    rows = rng.choice(len(many), draws, replace=False)
    return _matched(many[rows], many), rows


def _expected_with(others: NDArray, many: NDArray, few: NDArray, rows: NDArray | None) -> NDArray:
    """What columns that belong to the many are expected to be at the few, by regression."""
    centre, mean = many.mean(axis=0), others.mean(axis=0)
    away = many - centre
    slope = np.linalg.pinv(away.T @ away, hermitian=True) @ (away.T @ (others - mean))
    if rows is None:
        return mean + (few - centre) @ slope
    return others[rows] + (few - many[rows]) @ slope


def _with_recall(fit: Fit, many: dict[str, NDArray], names: tuple[str, ...]) -> NDArray:
    """How far parameters move because those of the recall do, which histories keep as they are."""
    assert fit.recall is not None
    space, covariance, all_names = fit.recall.space, fit.log_covariance, fit.space.names
    own, past = ([all_names.index(name) for name in some] for some in (names, space.names))
    of_past = np.linalg.pinv(covariance[np.ix_(past, past)], hermitian=True)
    slope = covariance[np.ix_(own, past)] @ of_past
    free = space.free_at(np.column_stack([many[name] for name in space.names]))
    return (free - space.free_at(np.array(list(fit.recall.params.values())))) @ slope.T


def fixed_draws(fit: Fit, draws: int, rng: np.random.Generator, patterns: Any = None) -> list[Any]:
    """As many models as draws of a fit's parameters, each with numbers for parameters."""
    return [model for model, _ in clocked_draws(fit, draws, rng, patterns)]


def clocked_draws(
    fit: Fit, draws: int, rng: np.random.Generator, patterns: Any = None
) -> list[tuple[Any, Any]]:
    """As many models, with their clocks, as draws of a fit's parameters, each of numbers.

    Where the fit has a calendar its effects are drawn with the model; any other clock, or none of a
    model of spend, is as it is.
    """
    values = fit.draws(draws, seed=int(rng.integers(1 << 62)))
    names, clock = fit.model.names(), fit.clock
    clocks: list[Any] = [clock] * draws
    if isinstance(clock, Calendar):
        effects = np.column_stack([np.empty((draws, 0)), *(values[name] for name in clock.names)])
        clocks = [clock.at(row) for row in effects]
    models = [
        type(fit.model)(*(float(values[name][draw]) for name in names)) for draw in range(draws)
    ]
    if fit.covariates is not None:
        effects = np.column_stack([values[name] for name in fit.covariates.names])
        models = [spread_over(fit, m, e, patterns) for m, e in zip(models, effects, strict=True)]
    return list(zip(models, clocks, strict=True))


def _points(many: NDArray) -> NDArray | None:
    """The fewest points with the mean and covariance of the many; None where these are far apart.

    The third-degree spherical-radial rule, along the principal axes that are not short.

    References
    ----------
    Arasaratnam, I. & Haykin, S. (2009). Cubature Kalman filters. IEEE Transactions on Automatic
    Control 54(6), 1254-1269.
    """
    if not np.isfinite(many).all():
        return None
    centre = many.mean(axis=0)
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(many.T)))
    spread = np.sqrt(np.maximum(variances, 0.0))
    if spread.max() > _WELL_KNOWN:
        return None
    steps = (axes * spread)[:, spread > _KNOWN].T
    steps *= np.sqrt(len(steps))
    return centre + np.concatenate([steps, -steps]) if len(steps) else centre[None]


def _matched(few: NDArray, many: NDArray) -> NDArray:
    """The few rows moved so that their mean and covariance are those of the many.

    Along what does not vary, as where a fit ran to a limit, they stay as they are.
    """
    spread = many.std(axis=0)
    varies = spread > 1e-12
    if not varies.any() or len(few) <= 2 * varies.sum():
        return few
    scaled, few_scaled = (
        (rows[:, varies] - many[:, varies].mean(axis=0)) / spread[varies] for rows in (many, few)
    )
    centred = few_scaled - few_scaled.mean(axis=0)
    try:
        of_few = np.linalg.cholesky(np.atleast_2d(np.cov(centred.T)))
        of_many = np.linalg.cholesky(np.atleast_2d(np.cov(scaled.T)))
    except np.linalg.LinAlgError:
        return few
    moved = few.copy()
    matched = centred @ np.linalg.inv(of_few).T @ of_many.T
    moved[:, varies] = many[:, varies].mean(axis=0) + spread[varies] * matched
    return moved
