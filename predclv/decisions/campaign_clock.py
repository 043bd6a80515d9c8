"""Customers against the shop's clock: what they would have done without a campaign.

The clock is fitted to the whole log, with the campaign and the days after it as events. With their
effects taken out it says what customers would have bought on these days; what they did beyond that
is put down to the campaign.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import block_diag

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.recipe import Clock
from predclv.clocks.tables import EventDays
from predclv.decisions.adjusted import Adjusted
from predclv.decisions.campaign_numbers import Days, Numbers, numbers_of
from predclv.decisions.campaign_remaining import Pace
from predclv.engines.result import Fit
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.patterns import at_free, model_for, patterns_for
from predclv.forecast.recalled import read
from predclv.logs.log import Log
from predclv.summaries.summarise import summary_of
from predclv.units import DAYS, day_number

SHORTEST_AFTER = 28
"""Days after a short campaign in which purchases brought forward are looked for."""
_STEP = 1e-4  # of a free parameter, in a slope


class OfMeasure(NamedTuple):
    """What customers did, and what was expected without the campaign, each shape (n,).

    Attributes
    ----------
    value, expected : ndarray, shape (n,)
    slopes : ndarray, shape (k, n)
        How ``expected`` moves with each free parameter.
    covariance : ndarray, shape (k, k)
        Of these parameters.
    """

    value: NDArray
    expected: NDArray
    slopes: NDArray
    covariance: NDArray

    def difference(self, mask: NDArray | slice = slice(None)) -> Adjusted:
        """Mean of what some customers did less what was expected of them.

        Its error holds the spread of customers, and what is not known of the parameters, which
        all customers share: the clock's season above all.
        """
        left = (self.value - self.expected)[mask]
        pull = self.slopes[:, mask].mean(axis=1)
        shared = float(pull @ self.covariance @ pull)
        error = float(np.sqrt(left.var(ddof=1) / left.size + shared))
        means = float(self.value[mask].mean()), float(self.expected[mask].mean())
        return Adjusted(*means, np.nan, np.nan, float(left.mean()), error, left.size - 1.0, np.nan)


@dataclass(frozen=True, slots=True)
class AgainstClock:
    """Customers since the start of a campaign, against the clock without it.

    Attributes
    ----------
    days : Days
        ``observed`` is the last day counted: after the campaign as many as it had, 28 at least.
    numbers : Numbers
        What customers did who were there before the start.
    fitted : FittedCLV
        Purchases from the whole log; spend as it was before the start.
    """

    days: Days
    numbers: Numbers
    fitted: FittedCLV

    @classmethod
    def of(cls, log: Log, days: Days, recipe: Any, unit: str) -> Self:
        """With a recipe fitted to the log until ``days.observed``."""
        after = max(days.lengths[0], SHORTEST_AFTER)
        last = min(days.observed, days.end + datetime.timedelta(days=after))
        counted = Days(days.start, days.end, last)
        everything, _ = summary_of(log, days.observed, unit)
        before, _ = summary_of(log, days.before, unit)
        purchases = _with_events(recipe, counted).fit_purchases(everything)
        fitted = FittedCLV(purchases, recipe.fit_spend(before), before)
        return cls(
            counted, numbers_of(log, before, fitted, counted, np.arange(len(before))), fitted
        )

    @property
    def pace(self) -> Pace:
        """How fast everybody bought, against the clock without the campaign."""
        clock = self.fitted.purchases.clock
        assert isinstance(clock, Calendar)
        first, end, last = self._numbers
        until, to_last = clock.elapsed(first, np.array([end, last])).tolist()
        return Pace((until, to_last), self._usual(clock))

    @property
    def _numbers(self) -> tuple[int, int, int]:
        """The day before the start, the last of the campaign, and the last counted."""
        days = self.days
        return day_number(days.before), day_number(days.end), day_number(days.observed)

    def _usual(self, clock: Calendar) -> tuple[float, float]:
        """Time by the clock, without the campaign's effects, to its end and to the last day."""
        first, end, last = self._numbers
        days = np.arange(first + 1, last + 1)
        rate, inside = clock.log_rate(days), days <= end
        for name, mask in zip(_names(self.days), (inside, ~inside), strict=False):
            rate[mask] -= clock.effects[clock.names.index(f"event[{name}]")]
        until = np.cumsum(np.exp(rate)) / Steady(clock.unit).days_per_unit
        return float(until[end - first - 1]), float(until[-1])

    def measures(self) -> Iterator[tuple[tuple[str, str], OfMeasure]]:
        """Each measure, by its name and window."""
        frame, expected = self.numbers.frame, self._expected()
        worth, of_worth, of_spend = self._spend()
        of_purchases = self.fitted.purchases.log_covariance
        active = OfMeasure(frame["active"].to_numpy(float), *expected["active"], of_purchases)
        windows = ["campaign"]
        if self.days.observed > self.days.end:
            windows += ["after", "to date"]
        for window in windows:
            mean, slopes = expected[window]
            yield (
                ("purchases", window),
                OfMeasure(_counted(frame, "purchases", window), mean, slopes, of_purchases),
            )
            if worth is not None:
                both = np.concatenate([slopes * worth, of_worth * mean])
                yield ("revenue", window), OfMeasure(
                    _counted(frame, "revenue", window), mean * worth, both,
                    block_diag(of_purchases, of_spend),
                )  # fmt: skip
            if window == "campaign":
                yield ("active", window), active

    def _expected(self) -> dict[str, tuple[NDArray, NDArray]]:
        """Expectations without the campaign: by window (n,), and their slopes (k, n)."""
        fit, rfm = self.fitted.purchases, self.fitted.rfm
        cells = rfm.cells()
        patterns = patterns_for(fit, cells)
        pattern = None if patterns is None else np.asarray(cells.extra["pattern"], np.int64)
        own, to_fit = len(fit.model.names()), DAYS[rfm.unit] / DAYS[fit.unit]
        place = cells.places(rfm.frame)

        def at(free: NDArray) -> NDArray:
            assert isinstance(fit.clock, Calendar)
            clock = fit.clock.at(free[own : own + len(fit.clock.names)])
            effects = fit.covariates
            if effects is not None:
                effects = effects.at(free[free.size - len(effects.names) :])
            past = read(fit, clock, None, cells, to_fit, effects)
            history = past["x"], past["t_x"], past["T"]
            model = model_for(at_free(fit, free, patterns), pattern)
            first, last = self._usual(clock)
            return np.stack(
                [
                    model.expected_purchases_after(first, *history),
                    model.expected_purchases_after(last, *history),
                    model.p_active_after(first, *history),
                ]
            )

        mean, slopes = _with_slopes(at, fit)
        mean, slopes = mean[:, place], slopes[:, :, place]
        rows = {"campaign": 0, "to date": 1, "active": 2}
        found = {name: (mean[row], slopes[:, row]) for name, row in rows.items()}
        found["after"] = mean[1] - mean[0], slopes[:, 1] - slopes[:, 0]
        return found

    def _spend(self) -> tuple[NDArray | None, NDArray, NDArray]:
        """Expected spend per purchase (n,), its slopes (k, n) and their covariance (k, k)."""
        fit, rfm = self.fitted.spend, self.fitted.rfm
        if fit is None:
            return None, np.empty((0, 0)), np.empty((0, 0))
        cells = rfm.cells()
        patterns = patterns_for(fit, cells)
        pattern = None
        if patterns is not None:
            pattern = np.asarray(cells.extra["pattern"], np.int64)[cells.places(rfm.frame)]
        x, mean = (rfm.frame[name].to_numpy(float) for name in ("frequency", "monetary_value"))

        def at(free: NDArray) -> NDArray:
            return np.asarray(
                model_for(at_free(fit, free, patterns), pattern).expected_spend(x, mean)
            )

        worth = self.numbers.forecast["expected_spend"].to_numpy(float)
        _, slopes = _with_slopes(at, fit)
        return worth, np.where(np.isfinite(slopes), slopes, 0.0), fit.log_covariance


def _with_events(recipe: Any, days: Days) -> Any:
    """The recipe with the campaign and the days after it as events on its clock."""
    clock = Clock() if recipe.clock is None else recipe.clock
    events = clock.events or EventDays((), ())
    start, end, last = map(day_number, (days.start, days.end, days.observed))
    spans = (((start, end),), ((end + 1, last),))
    names = _names(days)
    events = EventDays((*events.labels, *names), (*events.spans, *spans[: len(names)]))
    return type(recipe)(**{**recipe.get_params(), "clock": replace(clock, events=events)})


def _names(days: Days) -> list[str]:
    """What the events are called on the clock."""
    names = [f"campaign of {days.start}"]
    return names if days.observed == days.end else [*names, f"after the {names[0]}"]


def _counted(frame: pd.DataFrame, name: str, window: str) -> NDArray:
    """What customers did in a window."""
    first, to_date = (frame[column].to_numpy(float) for column in (name, f"{name}_to_date"))
    return {"campaign": first, "after": to_date - first, "to date": to_date}[window]


def _with_slopes(at: Any, fit: Fit) -> tuple[NDArray, NDArray]:
    """A function of the free parameters at the estimate, and its slopes along a new first axis."""
    free = fit.space.free_at(np.array([list(fit.params.values())]))[0]
    here = at(free)
    slopes = np.zeros((free.size, *here.shape))
    for i in np.flatnonzero(np.diag(fit.log_covariance) > 0):  # others stand at a limit
        step = np.zeros(free.size)
        step[i] = _STEP
        slopes[i] = (at(free + step) - at(free - step)) / (2 * _STEP)
    return here, slopes
