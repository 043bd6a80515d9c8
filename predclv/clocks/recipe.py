"""The clock a user asks for: which terms it has, checked, before any data are seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.calendar import Calendar
from predclv.clocks.days import date_of
from predclv.clocks.tables import DailyValues, EventDays
from predclv.clocks.terms import Events, Regressors, Season, Term, Trend, Weekday
from predclv.errors import (
    AssumptionWarning,
    DataError,
    DataWarning,
    OptionError,
    did_you_mean,
    some,
)
from predclv.notices import warn

MOST_HARMONICS = 12
"""More waves than months in a year would fit the noise of single weeks: those are events."""

_AUTO_HARMONICS = 4
_A_YEAR = 364  # days from which on season="auto" looks for a season: 52 weeks


@dataclass(frozen=True, slots=True)
class Clock:
    """What makes a shop's days differ, and all customers with them: a recipe for a clock.

    Shops have seasons, growth, weekends and campaigns. A clock learns them together with the model
    from the log, and carries them into the forecast.

    Parameters
    ----------
    season : "auto", int
        Yearly season of so many harmonics, 12 at most; 0 for none. One harmonic is a high and a
        low; four draw a December. With ``"auto"`` up to four are chosen from the data, and none
        where they span under 364 days: a season cannot be told from growth then.
    trend : None, "damped"
        Growth or decline that all customers share; it fades after the end of observation, by half
        every 182 days.
    weekday : bool
        Whether days of the week differ. It changes forecasts of a few days only.
    events : table, optional
        Columns ``name`` and ``date``, or ``name``, ``start`` and ``end`` (both included): one
        effect per name, on all of its days, past and future. Pandas, polars or Arrow.
    regressors : table, optional
        Numbers per day, such as ad spend or prices, indexed by date or with a column ``date``. They
        must cover the days observed and the horizon of every forecast, without a gap.

    Raises
    ------
    OptionError
        If an option means nothing.
    DataError
        If a table cannot be used; the message names rows, days or values.

    See Also
    --------
    predclv.CLVModel : the recipe: purchases, spend, and who fits.
    predclv.plots.clock : how busy the shop is through the year.

    Examples
    --------
    >>> import pandas as pd
    >>> sales = pd.DataFrame({"name": "sale", "start": ["2026-01-02"], "end": ["2026-01-17"]})
    >>> Clock(season=2, trend="damped", events=sales)
    Clock(season=2, trend='damped', events=['sale'])
    """

    season: Literal["auto"] | int = "auto"
    trend: Literal["damped"] | None = None
    weekday: bool = False
    events: Any = None
    regressors: Any = None

    def __post_init__(self) -> None:
        _check_season(self.season)
        if self.trend is not None and self.trend != "damped":
            raise OptionError(
                f"trend must be None or 'damped'; got {self.trend!r}."
                f"{did_you_mean(self.trend, ['damped'])}"
            )
        if not isinstance(self.weekday, (bool, np.bool_)):
            raise OptionError(f"weekday must be True or False; got {self.weekday!r}.")
        for name, kind in (("events", EventDays), ("regressors", DailyValues)):
            given = getattr(self, name)
            if given is not None and not isinstance(given, kind):
                object.__setattr__(self, name, kind.of(given))

    def __repr__(self) -> str:
        shown = [f"season={self.season!r}"]
        shown += [f"trend={self.trend!r}"] if self.trend else []
        shown += ["weekday=True"] if self.weekday else []
        shown += [f"events={list(self.events.labels)}"] if self.events else []
        shown += [f"regressors={list(self.regressors.labels)}"] if self.regressors else []
        return f"Clock({', '.join(shown)})"

    def most_harmonics(self, first_day: int, last_day: int) -> int:
        """Harmonics to choose among: what was asked, or with "auto" 4, or 0 under 364 days."""
        if self.season == "auto":
            return _AUTO_HARMONICS if last_day - first_day >= _A_YEAR else 0
        return int(self.season)

    def note(self, first_day: int, last_day: int) -> str:
        """What somebody should know of a season on so few days, or an empty text."""
        days = last_day - first_day
        if self.season == 0 or days >= 2 * _A_YEAR:
            return ""
        if days < _A_YEAR and self.season == "auto":
            return (
                f"season='auto': no season, for the log spans {days:,} days, and one is looked for "
                f"from {_A_YEAR} on."
            )
        return (
            f"The log spans {days:,} days, so no season is seen twice: what looks like one may be "
            "growth, and is held back by its prior alone."
        )

    def calendar(self, unit: str, first_day: int, last_day: int) -> Calendar:
        """The clock for a log, at effects of zero: every day as every other.

        Parameters
        ----------
        unit : str
            Of time: day, week, month or year.
        first_day, last_day : int
            The log's first day and the end of observation, since 1970-01-01.

        Raises
        ------
        DataError
            If an event lies before the log, if a regressor has no value on a day observed, or the
            same on all of them.

        Warns
        -----
        DataWarning
            If an event has no day observed, so that it has no effect.
        AssumptionWarning
            If two events always coincide, so that only their priors hold them apart.
        """
        terms: list[Term] = []
        if harmonics := self.most_harmonics(first_day, last_day):
            terms.append(Season(harmonics))
        if self.trend:
            terms.append(Trend(last_day))
        if self.weekday:
            terms.append(Weekday())
        if self.events:
            terms += _events(self.events, first_day, last_day)
        if self.regressors:
            terms.append(_regressors(self.regressors, first_day, last_day))
        n_effects = sum(len(term.names) for term in terms)
        return Calendar(unit, first_day, last_day, tuple(terms), np.zeros(n_effects))

    def as_document(self) -> dict[str, Any]:
        """The recipe in JSON's own types."""
        return {
            "season": self.season if self.season == "auto" else int(self.season),
            "trend": self.trend,
            "weekday": bool(self.weekday),
            "events": self.events and self.events.as_document(),
            "regressors": self.regressors and self.regressors.as_document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what :meth:`as_document` made.

        Raises
        ------
        ValueError
            If it is no clock's document.
        """
        try:
            read = dict(document)
            if read["events"] is not None:
                read["events"] = EventDays.from_document(read["events"])
            if read["regressors"] is not None:
                read["regressors"] = DailyValues.from_document(read["regressors"])
            return cls(**read)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("it is no clock") from error


def _check_season(season: object) -> None:
    if isinstance(season, str) and season == "auto":
        return
    if isinstance(season, bool) or not isinstance(season, (int, np.integer)):
        raise OptionError(f"season must be 'auto' or a number of harmonics; got {season!r}.")
    if not 0 <= season <= MOST_HARMONICS:
        raise OptionError(
            f"season must be at most {MOST_HARMONICS} harmonics, and at least 0; got {season}. "
            "What happens on single days or weeks is an event."
        )


def _observed_days(its: tuple[tuple[int, int], ...], first_day: int, last_day: int) -> NDArray:
    """The days of an event on which a repeat purchase could be seen."""
    days = np.arange(first_day + 1, last_day + 1)
    return days[np.any([(days >= first) & (days <= last) for first, last in its], axis=0)]


def _events(events: EventDays, first_day: int, last_day: int) -> list[Term]:
    """The events that were observed, after warnings about the others."""
    observed, future = {}, []
    for label, its in zip(events.labels, events.spans, strict=True):
        days = _observed_days(its, first_day, last_day)
        if days.size:
            observed[label] = (its, days)
        elif its[-1][1] > last_day:
            future.append(label)
        else:
            raise DataError(
                f"Event {label!r} ended on {date_of(its[-1][1])}, before anybody could come back: "
                f"the log begins on {date_of(first_day)}. Leave it out, or check its dates."
            )
    if future:
        warn(
            f"Events that no past day shows have no effect: {some(map(repr, future))}. Observation "
            f"ended on {date_of(last_day)}; what an event does is learned from earlier days of the "
            "same name.",
            DataWarning,
        )
    for (one, (_, days)), (other, (_, others)) in combinations(observed.items(), 2):
        if np.array_equal(days, others):
            warn(
                f"Events {one!r} and {other!r} were always on the same days: which of them sold "
                "cannot be told, and both get half of it. Give them one name.",
                AssumptionWarning,
            )
    if not observed:
        return []
    return [Events(tuple(observed), tuple(its for its, _ in observed.values()))]


def _regressors(given: DailyValues, first_day: int, last_day: int) -> Regressors:
    """Regressors standardised over the days observed."""
    missing = None
    if given.first_day > first_day + 1:
        missing = first_day + 1
    elif given.last_day < last_day:
        missing = max(given.last_day, first_day) + 1
    if missing is not None:
        raise DataError(
            f"regressors has no value on {date_of(missing)}; the log is observed from "
            f"{date_of(first_day + 1)} to {date_of(last_day)}, regressors from "
            f"{date_of(given.first_day)} to {date_of(given.last_day)}."
        )
    seen = given.values[first_day + 1 - given.first_day : last_day + 1 - given.first_day]
    centre, scale = seen.mean(axis=0), seen.std(axis=0)
    constant = np.ptp(seen, axis=0) == 0
    if np.any(constant):
        names = [label for label, same in zip(given.labels, constant, strict=True) if same]
        raise DataError(
            f"Regressors {some(names)} have one value on all days observed, so what they do cannot "
            "be told. Leave them out."
        )
    return Regressors(given.labels, given.first_day, given.values, centre, scale)
