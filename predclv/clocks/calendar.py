"""The calendar's clock: a shop's own time, which passes faster on busy days."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, ndtri

from predclv.clocks.base import Steady
from predclv.clocks.days import date_of, day_numbers
from predclv.clocks.terms import (
    YEAR,
    Events,
    Regressors,
    Term,
    as_reported,
    basis,
)
from predclv.errors import DataError, OptionError
from predclv.once import FieldsAlone, once
from predclv.units import probability

_YEARS_BY_DAY = 10  # a trend's growth that is still to come then is 1e-6 of the growth per year
_WEEKS_AND_YEARS = 10_227  # days after which weekdays and years come round together: 28 years


@dataclass(frozen=True, eq=False, repr=False)
class Calendar(FieldsAlone):
    r"""A clock that all customers share, with season, trend, weekdays, events and regressors in it.

    On each day the shop runs at a rate: 2 where customers who are still there buy twice as often as
    usual. Time by this clock is the sum of the rates, so on it customers buy evenly, and a model of
    even purchases needs nothing new:

    .. math::
        \log s(u) = B_u \theta - \log \frac{1}{n} \sum_{v=1}^{n} e^{B_v \theta}, \qquad
        \Lambda(d, e) = \sum_{u=d+1}^{e} s(u)

    with the terms' columns B, their effects :math:`\theta`, and the n days observed. The mean of
    the rate over those days is 1, so that parameters keep their meaning.

    Attributes
    ----------
    unit : str
        Of time on this clock, as it passes on average over the days observed.
    first_day, last_day : int
        Days since 1970-01-01: the first purchase of the log, and the end of observation. The days
        observed are those after the first: nobody comes back on the first day.
    terms : tuple of Term
    effects : ndarray, shape (k,) or (draws, k)
        One per name. With draws, every answer has a leading axis of draws.
    covariance : ndarray, shape (k, k), or None
        How well the effects are known.

    Notes
    -----
    A day is the smallest step. More than ten years after the end of observation, and after the last
    event, every day has the mean rate of weekdays and seasons: from there on the time elapsed is
    wrong by at most about the season's amplitude times four months, wherever it is cut.

    Examples
    --------
    >>> from predclv.clocks.terms import Trend
    >>> growing = Calendar("day", 0, 730, (Trend(730),), np.array([0.2]))
    >>> growing.rate([1, 365, 730]).round(3).tolist()
    [0.814, 0.993, 1.213]
    >>> round(float(growing.elapsed(0, 730)), 9)
    730.0
    """

    unit: str
    first_day: int
    last_day: int
    terms: tuple[Term, ...]
    effects: NDArray
    covariance: NDArray | None = None

    def __post_init__(self) -> None:
        if self.last_day <= self.first_day:
            raise DataError(
                f"A clock needs more than one day; observation began {date_of(self.first_day)} and "
                f"ended {date_of(self.last_day)}."
            )
        if np.shape(self.effects)[-1:] != (len(self.names),):
            raise OptionError(
                f"The clock has {len(self.names)} effects; got an array of the shape "
                f"{np.shape(self.effects)}."
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the effects."""
        return tuple(name for term in self.terms for name in term.names)

    @property
    def spread(self) -> NDArray:
        """Prior standard deviation of each effect, shape (k,); prior means are 0."""
        return np.concatenate([np.empty(0), *(term.spread for term in self.terms)])

    def __repr__(self) -> str:
        shown = ", ".join(type(term).__name__.lower() for term in self.terms) or "nothing"
        return f"a clock of {shown}"

    @property
    def n_days(self) -> int:
        """Days observed: those after the first one, up to the end of observation."""
        return self.last_day - self.first_day

    def summary(self, level: float = 0.9) -> pd.DataFrame:
        """The effects with their uncertainty, one row each.

        Parameters
        ----------
        level : float
            Coverage of ``lower`` to ``upper``.

        Returns
        -------
        DataFrame
            Columns estimate, std_error, lower, upper (on the log scale; those of weekdays sum to
            zero, those of regressors are for one more of what they count) and multiplier,
            ``exp(estimate)``: 1.2 makes its days a fifth busier. A season is a wave;
            :func:`predclv.plots.clock` draws it. In a fit's own ``params`` and ``summary()``
            effects of regressors are for a standard deviation over the days observed.
        """
        reported = as_reported(self.terms)
        estimate = reported @ self.effects
        error = np.full(estimate.size, np.nan)
        if self.covariance is not None:
            error = np.sqrt(np.diag(reported @ self.covariance @ reported.T))
        reach = float(ndtri(0.5 + probability(level, "level") / 2)) * error
        return pd.DataFrame(
            {
                "estimate": estimate,
                "std_error": error,
                "lower": estimate - reach,
                "upper": estimate + reach,
                "multiplier": np.exp(estimate),
            },
            index=pd.Index(self.names, name="effect"),
        )

    def at(self, effects: ArrayLike) -> Self:
        """The clock at other effects, shape (k,) or (draws, k)."""
        found = replace(self, effects=np.asarray(effects, float))
        for name in ("observed_basis", "_tabulated", "_later"):  # columns, whatever the effects
            found.__dict__[name] = getattr(self, name)
        return found

    # What a fit needs, at any effects.

    def observed_log_rate(self, effects: NDArray) -> NDArray:
        """Log rate on each day observed, at any effects; shape (..., n_days)."""
        eta = effects @ self.observed_basis.T
        return eta - logsumexp(eta, axis=-1, keepdims=True) + np.log(self.n_days)

    def slopes(self, by_log_rate: NDArray, log_rate: NDArray) -> NDArray:
        """Slopes in the effects, from slopes in the log rate of each day observed; shape (k,).

        What one day gains all days lose, because the mean rate stays 1.

        Parameters
        ----------
        by_log_rate : ndarray, shape (n_days,)
            How a value changes with the log rate of each day.
        log_rate : ndarray, shape (n_days,)
            That of :meth:`observed_log_rate` at the same effects.
        """
        share = np.exp(log_rate) / self.n_days
        return (by_log_rate - share * by_log_rate.sum()) @ self.observed_basis

    @once
    def observed_basis(self) -> NDArray:
        """The columns of all terms over the days observed, shape (n_days, k)."""
        return basis(self.terms, np.arange(self.first_day + 1, self.last_day + 1))

    # What a forecast needs, at its own effects.

    def log_rate(self, days: Any) -> NDArray:
        """Log of :meth:`rate`."""
        numbers = day_numbers(days)
        found = self._log_rate_at(basis(self.terms, numbers.ravel()))
        return found.reshape((*self._level.shape, *numbers.shape))

    def _log_rate_at(self, columns: NDArray) -> NDArray:
        return self.effects @ columns.T - self._level[..., None]

    def rate(self, days: Any) -> NDArray:
        """How much faster than on average the shop runs on these days, shape (..., n).

        1 is the average over the days observed, and 2 twice as fast.

        Parameters
        ----------
        days : array_like, shape (n,)
            Dates, or whole days since 1970-01-01; before, during or after observation.

        Raises
        ------
        DataError
            If a regressor has no value on a day; the message names the first.
        """
        return np.exp(self.log_rate(days))

    def elapsed(self, first: ArrayLike, last: ArrayLike) -> NDArray:
        """Time by this clock, in ``unit``, from the end of day ``first`` to the end of ``last``.

        That is the sum of the rates of all days after ``first`` up to ``last``. Within a day it
        passes evenly, so that days may have fractions.

        Parameters
        ----------
        first, last : array_like, shapes that broadcast to (n,)
            Days since 1970-01-01, not before ``first_day``; ``last`` may be inf.

        Returns
        -------
        ndarray, shape (..., n)
        """
        first, last = np.broadcast_arrays(np.asarray(first, float), np.asarray(last, float))
        return (self._until(last) - self._until(first)) / Steady(self.unit).days_per_unit

    def days_until(self, first: ArrayLike, elapsed: ArrayLike) -> NDArray:
        """Days, with fractions, after day ``first`` until so much time has elapsed: the inverse.

        Parameters
        ----------
        first : array_like, shape (n,)
            Days since 1970-01-01, not before ``first_day``.
        elapsed : array_like, shape (n,) or (draws, n)
            In ``unit``, not negative; may be inf.
        """
        first, elapsed = np.asarray(first, float), np.asarray(elapsed, float)
        many = self._level.ndim > 0
        customers = elapsed.shape[-1:] if many else elapsed.shape
        first = np.broadcast_to(first, np.broadcast_shapes(first.shape, customers))
        goal = self._until(first) + elapsed * Steady(self.unit).days_per_unit
        sums, tail = self._sums, self._tail
        rows = zip(goal, sums, tail, strict=True) if many else [(goal, sums, tail)]
        found = np.array([self._day_of(*row) for row in rows])
        return (found if many else found[0]) - first

    def _day_of(self, goal: NDArray, sums: NDArray, tail: float) -> NDArray:
        end = sums.size - 1
        inside = np.interp(goal, sums, np.arange(sums.size))
        later = np.maximum(goal - sums[end], 0.0) / tail
        self._check_known(np.max(self.first_day + inside + later, initial=-np.inf))
        return self.first_day + inside + later

    def _until(self, day: NDArray) -> NDArray:
        """The sum of rates after ``first_day`` up to each day, shape (..., n)."""
        if np.any(day < self.first_day):
            raise DataError(
                f"The clock's time begins on {date_of(self.first_day)}, the first day of the log; "
                f"asked for {date_of(int(np.floor(day.min())))}."
            )
        self._check_known(np.max(day, initial=-np.inf))
        end = self._sums.shape[-1] - 1
        position = day - self.first_day
        inside = np.minimum(position, end)
        whole = np.minimum(inside.astype(np.int64), end - 1)
        before, after = self._sums[..., whole], self._sums[..., whole + 1]
        later = np.multiply.outer(self._tail, np.maximum(position - end, 0.0))
        return before + (inside - whole) * (after - before) + later

    def _check_known(self, day: float) -> None:
        """Beyond the table of days all terms are known, but not regressors."""
        if day > self._last_tabulated:
            for term in self.terms:
                if isinstance(term, Regressors):
                    term.columns(np.array([self._last_tabulated + 1]))

    @property
    def known_until(self) -> float:
        """The last day on which the rate is known: of regressors; inf without any."""
        known = [term.last_day for term in self.terms if isinstance(term, Regressors)]
        return float(min(known, default=np.inf))

    @once
    def _level(self) -> NDArray:
        eta = self.effects @ self.observed_basis.T
        return np.asarray(logsumexp(eta, axis=-1)) - np.log(self.n_days)

    @once
    def _last_tabulated(self) -> int:
        """The last day with a rate of its own."""
        last = self.last_day + round(_YEARS_BY_DAY * YEAR)
        for term in self.terms:
            if isinstance(term, Events):
                last = max(last, term.last_day)
        for term in self.terms:
            if isinstance(term, Regressors):
                last = min(last, term.last_day)
        return last

    @once
    def _sums(self) -> NDArray:
        """Sums of rates from ``first_day`` (0) to the last tabulated day, shape (..., m + 1)."""
        rate = np.exp(self._log_rate_at(self._tabulated))
        return np.concatenate([np.zeros((*rate.shape[:-1], 1)), np.cumsum(rate, axis=-1)], axis=-1)

    @once
    def _tail(self) -> NDArray:
        """The mean rate of all days after the last tabulated one, shape (...).

        1 where there are regressors, for then nothing is asked beyond.
        """
        if any(isinstance(term, Regressors) for term in self.terms):
            return np.ones_like(self._level)
        return np.exp(self._log_rate_at(self._later)).mean(axis=-1)

    @once
    def _tabulated(self) -> NDArray:
        """The terms' columns on all days with a rate of their own, shape (m, k)."""
        return basis(self.terms, np.arange(self.first_day + 1, self._last_tabulated + 1))

    @once
    def _later(self) -> NDArray:
        """The terms' columns on the days after those, shape (28 years, k)."""
        if any(isinstance(term, Regressors) for term in self.terms):
            return np.empty((0, len(self.names)))
        return basis(self.terms, self._last_tabulated + 1 + np.arange(_WEEKS_AND_YEARS))
