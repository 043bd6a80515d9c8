"""Customers as a fit recalls them: what of their past still counts, and in which time."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.ageing import time_at_ages
from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.recall import Recall
from predclv.clocks.spans import time_between
from predclv.engines.result import Fit
from predclv.errors import OptionError
from predclv.forecast.ahead import times_of
from predclv.likelihoods.effects import Effects
from predclv.samples.cells import Cells
from predclv.summaries.memory import already, days_behind, remembered, still_counts
from predclv.summaries.rfm import RFM
from predclv.units import days_per


def as_recalled(fit: Fit, rfm: RFM) -> RFM:
    """The customers, told apart by what their purchases still count where a fit forgets.

    Raises
    ------
    DataError
        If the fit forgets, and the summary has no log to add up.
    """
    recall, key = fit.recall, key_of(fit)
    if recall is None or key is None:
        return rfm
    found = already(rfm, key)
    if found is not None:
        return found
    days_behind(rfm)
    cells = rfm.cells()
    if recall.ageing is not None:
        ages = np.arange(int(cells.age_days.max(initial=0)) + 1)
        weights = recall.weights(time_at_ages(ages, recall.ageing, recall.unit))
        return remembered(rfm, key, weights, None)
    end = cells.known_last_day
    first_day = min(recall.first_day, end - int(cells.age_days.max(initial=0)))
    days = np.arange(first_day, end + 1)
    return remembered(rfm, key, recall.weights(time_between(fit.clock, first_day, days)), first_day)


def key_of(fit: Fit) -> tuple | None:
    """What it depends on how much customers' purchases still count; None where all count alike."""
    if fit.recall is None or not fit.recall.rho:
        return None
    effects = tuple(fit.clock.effects.tolist()) if isinstance(fit.clock, Calendar) else ()
    more = () if fit.recall.ageing is None else (fit.recall.ageing,)
    return fit.recall.rho, fit.recall.unit, effects, *more


def read(
    fit: Fit,
    clock: Steady | Calendar | None,
    recall: Recall | None,
    cells: Cells,
    to_unit: float,
    effects: Effects | None = None,
    ahead: float | None = None,
) -> dict[str, NDArray | None]:
    """Histories as a model of purchases takes them: the columns of ``Histories.of``.

    Customers who slow down with age have a time of their own, which runs at a pace of its own over
    the days ahead. It is told in a unit in which all of them live equally long until the horizon:
    nothing else need know of it. Within the horizon it is taken to run evenly.

    Parameters
    ----------
    fit : Fit
    clock, recall, effects
        Its own, or drawn.
    cells : Cells
    to_unit : float
        Units of the fit per unit of the cells.
    ahead : float, optional
        The horizon in the fit's unit, for customers who slow down.

    Raises
    ------
    DataError
        If the clock or the recall want days, and the cells have none.
    """
    pace: Any = 1.0
    if recall is not None and recall.ageing is not None:
        t_x, T, pace = _slowed(recall, cells, ahead)
    else:
        t_x, T = times_of(clock, cells, to_unit, effects)
    found: dict[str, Any] = {"x": cells.frequency, "t_x": t_x, "T": T}
    if recall is None:
        return found
    if recall.drift is not None or recall.ageing is not None:
        found["haste"] = recall.haste_of(cells.known_last_day - cells.age_days) + np.log(pace)
    if recall.rho is not None:
        counts = still_counts(cells)
        assert fit.recall is not None
        if fit.recall.rho != recall.rho:
            counts = slower(counts, cells.frequency, recall.rho / (fit.recall.rho or recall.rho))
        faded = recall.faded(t_x)
        found |= {"lost": cells.frequency - counts, "t_x": faded, "T": faded + (T - t_x)}
    return found | {"t_x": found["t_x"] * pace, "T": found["T"] * pace}


def _slowed(recall: Recall, cells: Cells, ahead: float | None) -> tuple[NDArray, NDArray, NDArray]:
    """Recency and T in customers' own time, and how much faster the horizon passes than that."""
    assert recall.ageing is not None
    if ahead is None or not np.isfinite(ahead):
        raise OptionError(
            "A fit with ageing forecasts a horizon with an end, such as '52 weeks': customers' own "
            "time has no rate for ever."
        )
    days = ahead * days_per(recall.unit)
    times = np.stack([cells.recency_days, cells.age_days, cells.age_days + days])
    t_x, T, end = time_at_ages(times, recall.ageing, recall.unit)
    return t_x, T, ahead / (end - T)


def assert_as_they_stand(fit: Fit, what: str) -> None:
    """Whether a fit takes histories as they stand, for what reads x, t_x and T alone.

    Raises
    ------
    OptionError
        If it has a drift or forgets.
    """
    if fit.recall is not None:
        told = {"ageing": "ageing", "drift": "a drift", "rho": "memory"}
        names = " and ".join(told[n] for n in fit.recall.params)
        raise OptionError(
            f"{what} knows customers by frequency, recency and T, and this fit of "
            f"{fit.model.title} has {names}: it knows more of them. Give it a fit without; "
            "forecasts, validate and backtest are with them."
        )


def newcomer_at(fit: Fit, free: NDArray | None, day: float | None = None) -> Any:
    """The model of a new customer, at free parameters (k,) of the fit or at its estimate.

    Who comes on a day long after the log's first one has hardly any drift left. Of the first
    purchase there is nothing to forget.

    Parameters
    ----------
    fit : Fit
    free : ndarray or None
    day : float, optional
        Since 1970-01-01; None is long after.
    """
    own = len(fit.model.names())
    model: Any = fit.model if free is None else type(fit.model).at(free[:own])
    if fit.recall is not None and fit.recall.ageing is not None:
        raise OptionError(
            f"This fit of {fit.model.title} has ageing, by which a newcomer's time runs as no "
            "other's. Ask a fit without it."
        )
    if fit.recall is None or not fit.recall.drift or day is None:
        return model
    recall = fit.recall if free is None else fit.recall.at(free[-len(fit.recall.space.names) :])
    return replace(model, alpha=model.alpha * np.exp(recall.haste_of(day)))


def slower(counts: NDArray, x: NDArray, factor: float) -> NDArray:
    """What purchases count, were they forgotten ``factor`` times as fast, shape (n,).

    Exact for two repeat purchases or fewer; of more, the earlier ones are taken to be spread evenly
    over a stretch that agrees with what they count. It serves how far draws of ``rho`` move a
    forecast, not the forecast.
    """
    others = np.maximum(x - 1.0, 1.0)
    share = np.clip((counts - 1.0) / others, 1e-300, 1.0)
    found = np.where(x > 2, _mean_kept(factor * _stretch(share)), share**factor)
    return np.where(x > 1, 1.0 + others * found, counts)


def _mean_kept(s: NDArray) -> NDArray:
    """``(1 - exp(-s)) / s``."""
    safe = np.maximum(s, 1e-12)
    return -np.expm1(-safe) / safe


def _stretch(share: NDArray) -> NDArray:
    """The inverse of it, from a table: to 1e-6 of a stretch that matters."""
    return np.exp(np.interp(share, _SHARES[::-1], _LOG_STRETCHES[::-1]))


_LOG_STRETCHES = np.linspace(np.log(1e-6), np.log(1e6), 4000)
_SHARES = _mean_kept(np.exp(_LOG_STRETCHES))
