"""The terms of a clock: what may make one day busier than another, as columns over days.

A term turns days into columns, one per effect; the log of the shop's rate is their sum, each times
its effect. Days are whole numbers, counted from 1970-01-01. Effects are on the log scale: one of
0.1 makes a day about 10% busier.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.days import date_of
from predclv.errors import DataError

YEAR = 365.2425
"""Days of the calendar's year, leap years included."""

HALF_LIFE = 182.0
"""Days after the end of observation in which a trend's growth falls by half."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_THURSDAY = 3  # the weekday of day 0, 1970-01-01, counted from Monday


class Term(Protocol):
    """What may make one day busier than another."""

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each of the k effects."""

    @property
    def spread(self) -> NDArray:
        """Standard deviation of the normal prior of each effect, shape (k,); its mean is 0."""

    def columns(self, days: NDArray) -> NDArray:
        """What each effect is multiplied with on each day, shape (n_days, k)."""


@dataclass(frozen=True, slots=True)
class Season:
    """A yearly season of smooth waves: a sine and a cosine for each harmonic.

    Harmonic m repeats m times a year, and is believed to be of the size 0.3 / m: fast waves are
    held back more than slow ones.

    Attributes
    ----------
    harmonics : int
    strength : float
        Times the size that is believed: below 1 where data say that there is little season.
    """

    harmonics: int
    strength: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """``season[sin 1], season[cos 1], season[sin 2], ...``."""
        return tuple(
            f"season[{wave} {m}]" for m in range(1, self.harmonics + 1) for wave in ("sin", "cos")
        )

    @property
    def spread(self) -> NDArray:
        """Prior standard deviations, 0.3 / m."""
        return 0.3 * self.strength / np.repeat(np.arange(1, self.harmonics + 1), 2)

    def columns(self, days: NDArray) -> NDArray:
        """Sines and cosines of the time of year, shape (n_days, 2 harmonics)."""
        angle = 2.0 * np.pi / YEAR * np.multiply.outer(days, np.arange(1, self.harmonics + 1))
        return np.stack([np.sin(angle), np.cos(angle)], axis=-1).reshape(len(days), -1)


@dataclass(frozen=True, slots=True)
class Trend:
    """Growth that is steady while it is observed, and fades afterwards.

    The effect is the growth of the log rate per year at the end of observation. From there on
    growth halves every 182 days, so that all of the future grows by no more than 0.72 years of it.

    Attributes
    ----------
    last_day : int
        The last day observed.
    """

    last_day: int

    @property
    def names(self) -> tuple[str, ...]:
        """``trend``."""
        return ("trend",)

    @property
    def spread(self) -> NDArray:
        """Prior standard deviation: a year in which purchases change by a third is usual."""
        return np.array([0.3])

    def columns(self, days: NDArray) -> NDArray:
        """Years of full growth since the end of observation, negative before it; (n_days, 1)."""
        since = np.asarray(days, float) - self.last_day
        fading = np.log(2.0) / HALF_LIFE
        later = -np.expm1(-fading * np.maximum(since, 0.0)) / fading
        return (np.minimum(since, 0.0) + later)[:, None] / YEAR


@dataclass(frozen=True, slots=True)
class Weekday:
    """One effect per day of the week; only differences from their mean matter.

    So the effects are reported with their mean taken off: they sum to zero.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """``weekday[Monday], ..., weekday[Sunday]``."""
        return tuple(f"weekday[{name}]" for name in WEEKDAYS)

    @property
    def spread(self) -> NDArray:
        """Prior standard deviations."""
        return np.full(7, 0.3)

    def columns(self, days: NDArray) -> NDArray:
        """6/7 on a weekday's own days and -1/7 on others, shape (n_days, 7)."""
        weekday = (np.asarray(days, np.int64) + _THURSDAY) % 7
        return (weekday[:, None] == np.arange(7)) - 1.0 / 7.0


@dataclass(frozen=True, slots=True)
class Events:
    """One effect per event, on all of its days, past and future.

    Attributes
    ----------
    labels : tuple of str
    spans : tuple, one per label, of tuples of (first_day, last_day)
        When each takes place, both ends included.
    """

    labels: tuple[str, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """``event[Black Friday], ...``."""
        return tuple(f"event[{label}]" for label in self.labels)

    @property
    def spread(self) -> NDArray:
        """Prior standard deviations: a day of 2.7 times the usual purchases is a big event."""
        return np.full(len(self.labels), 0.5)

    @property
    def last_day(self) -> int:
        """The last day of any event."""
        return max(last for spans in self.spans for _, last in spans)

    def columns(self, days: NDArray) -> NDArray:
        """1 on the days of an event and 0 on others, shape (n_days, n_labels)."""
        columns = np.zeros((len(days), len(self.labels)))
        for column, spans in zip(columns.T, self.spans, strict=True):
            for first, last in spans:
                column[(days >= first) & (days <= last)] = 1.0
        return columns


@dataclass(frozen=True, slots=True, eq=False)
class Regressors:
    """Numbers per day, such as ad spend: an effect per standard deviation over observed days.

    Attributes
    ----------
    labels : tuple of str
    first_day : int
        The day of the first row of values.
    values : ndarray, shape (n_days, n_labels)
        Consecutive days.
    centre, scale : ndarray, shape (n_labels,)
        Mean and standard deviation over the days observed.
    """

    labels: tuple[str, ...]
    first_day: int
    values: NDArray
    centre: NDArray
    scale: NDArray

    @property
    def names(self) -> tuple[str, ...]:
        """``regressor[ad_spend], ...``."""
        return tuple(f"regressor[{label}]" for label in self.labels)

    @property
    def spread(self) -> NDArray:
        """Prior standard deviations."""
        return np.full(len(self.labels), 0.3)

    @property
    def last_day(self) -> int:
        """The last day that has values."""
        return self.first_day + len(self.values) - 1

    def columns(self, days: NDArray) -> NDArray:
        """Standardised values, shape (n_days, n_labels).

        Raises
        ------
        DataError
            If a day has no value; the message names the first.
        """
        missing = days[(days < self.first_day) | (days > self.last_day)]
        if missing.size:
            raise DataError(
                f"The clock's regressors ({', '.join(self.labels)}) have no value on "
                f"{date_of(missing.min())}; they are known from {date_of(self.first_day)} to "
                f"{date_of(self.last_day)}. Add planned or assumed values up to the end of the "
                "horizon, or forecast less far."
            )
        return (self.values[days - self.first_day] - self.centre) / self.scale


def basis(terms: Sequence[Term], days: NDArray) -> NDArray:
    """The columns of all terms side by side, shape (n_days, k)."""
    return np.hstack([np.empty((len(days), 0)), *(term.columns(days) for term in terms)])


def as_reported(terms: Sequence[Term]) -> NDArray:
    """The matrix (k, k) from effects to those reported.

    Of weekdays without their mean, which nothing but the prior holds; of regressors for one more of
    what the user counts, not for a standard deviation. Standard errors are those of
    ``matrix @ covariance @ matrix.T``.

    Examples
    --------
    >>> as_reported([Trend(0), Weekday()]).round(3)[1, :3].tolist()
    [0.0, 0.857, -0.143]
    """
    sizes = [len(term.names) for term in terms]
    matrix = np.eye(sum(sizes))
    for term, size, end in zip(terms, sizes, np.cumsum(sizes), strict=True):
        if isinstance(term, Weekday):
            matrix[end - size : end, end - size : end] -= 1.0 / size
        if isinstance(term, Regressors):
            matrix[end - size : end, end - size : end] /= term.scale
    return matrix
