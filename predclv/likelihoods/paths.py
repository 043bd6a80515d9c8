"""The likelihood where what is known of customers changes: days in patterns, on a clock or not."""

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.recall import newness
from predclv.errors import FitError, OptionError
from predclv.likelihoods.clocked import ClockedLikelihood
from predclv.likelihoods.covariates import CovariateLikelihood
from predclv.likelihoods.drifting import DriftingLikelihood
from predclv.likelihoods.effects import Effects
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.levels import Levels
from predclv.models.base import Objective
from predclv.once import once
from predclv.samples.grouping import distinct
from predclv.samples.path_exposures import PathExposure


@dataclass(frozen=True, eq=False, kw_only=True)
class PathLikelihood(CovariateLikelihood):
    r"""Log-likelihood of customers whose rate covariates change from day to day.

    .. math::
        \sum_{cells} w \, l(x, t_x(\theta, \gamma), T(\theta, \gamma))
        + \sum_{u,z} n(u, z) (\log s_\theta(u) + D_z \gamma)

    Each day counts as the clock says, times what the customer's pattern on that day does to the
    rate, so customers buy evenly in the time that so has passed. n(u, z) are repeat purchases on
    day u in pattern z. Whatever does not change with the days acts on parameters as ever. A drift
    slows the time of a customer down by the day of the first purchase, as without covariates.

    Attributes
    ----------
    exposure : PathExposure
    purchases : ndarray, shape (3, n)
        Day (from the first one's next on, 0, 1, ...), pattern, and repeat purchases so.
    """

    exposure: PathExposure
    purchases: NDArray

    @once
    def matrix(self) -> NDArray:
        """The columns of all patterns, shape (n_patterns, k)."""
        return self.effects.matrix(self.patterns)

    @once
    def customers(self) -> NDArray:
        """Customers of each pattern, shape (n_patterns,): as many as their days would make."""
        days = self.exposure.days_in(self.columns[-1], len(self.patterns))
        return days * (self.columns[-1].sum() / max(days.sum(), 1.0))

    @once
    def _function(self) -> Objective:
        size, k = self.size, len(self.model.names())
        own, exposure = self.model.space(), self.exposure
        calendar = self.base.calendar if isinstance(self.base, ClockedLikelihood) else None
        rates = self.matrix * self.effects.acts("rate")
        day, pattern, bought = self.purchases
        day, pattern = day.astype(np.int64), pattern.astype(np.int64)
        by_day = np.bincount(day, bought, exposure.n_days)
        by_pattern = np.bincount(pattern, bought, len(self.patterns))
        # What does not move with the days: a group of cells for each set of parameters.
        others = self.effects.signs(self.model, without=("rate",))
        first, group = distinct(*((self.matrix * np.any(others, axis=0))[self.pattern].T))
        kept = (self.matrix * np.any(others, axis=0))[self.pattern[first]]
        rows = [np.flatnonzero(group == g) for g in range(first.size)]
        x, weight = self.columns[0], self.columns[-1]
        # Of a drift: customers' newness, and of all repeat purchases together; 0 without one.
        drifts, newer = isinstance(self.base, DriftingLikelihood), np.zeros(x.size)
        if isinstance(self.base, DriftingLikelihood):
            newer = newness(self.base.exposure.born)
        bought_new, of_clock = float((weight * x) @ newer), slice(k, size - drifts)
        counts = [Levels(x[which]) for which in rows]
        weights = [weight[which] for which in rows]
        places = [np.arange(which.size) for which in rows]

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            effects, slope = free[size:], np.zeros(free.size)
            drift = float(free[size - 1]) if drifts else 0.0
            log_rate = np.zeros(exposure.n_days)
            if calendar is not None:
                log_rate = calendar.observed_log_rate(free[of_clock])
            rate = np.exp(log_rate)
            log_times = rates @ effects
            times = np.exp(log_times)[exposure.pattern]
            value = float(by_day @ log_rate + by_pattern @ log_times) - drift * bought_new
            slower = np.exp(-drift * newer)
            t_x, T = (slower * each for each in exposure.elapsed(rate, times))
            by_t_x, by_T = np.empty_like(t_x), np.empty_like(T)
            for row, which, count, w, place in zip(
                kept, rows, counts, weights, places, strict=True
            ):
                parameters = own.parameters_at(free[:k] + others @ (row * effects))
                if not own.holds(parameters):
                    return np.nan, np.full(free.size, np.nan)
                history = (Levels.coded(each[which], place) for each in (t_x, T))
                found = self.model(*parameters.tolist()).slopes(count, *history, w)
                value += found.value
                by_own = found.by_parameter * own.slope_at(parameters)
                slope[:k] += by_own
                slope[size:] += row * (by_own @ others)
                by_t_x[which], by_T[which] = found.by_t_x, found.by_T
            if drifts:
                slope[size - 1] = -newer @ (t_x * by_t_x + T * by_T) - bought_new
            by_t_x, by_T = slower * by_t_x, slower * by_T
            by_rate, by_times = exposure.pulled(by_t_x, by_T, rate, times)
            if calendar is not None:
                slope[of_clock] += calendar.slopes(rate * by_rate + by_day, log_rate)
            of_patterns = np.bincount(exposure.pattern, times * by_times, len(rates)) + by_pattern
            slope[size:] += of_patterns @ rates
            return value, slope

        return value_and_slope

    def compiled(self) -> "PathLikelihood":
        """Itself: it has no compiled form."""
        return self

    def thinned(self) -> None:
        """None: which days customers were in which pattern is of them all."""
        return None

    def sampled(self, priors: Any = None) -> "Likelihood":
        """Itself: a season's size is as it is believed."""
        return self

    def simulated(self, free: NDArray, rng: np.random.Generator) -> NoReturn:
        """Refused.

        Raises
        ------
        FitError
        """
        raise FitError(
            f"{self.title} that change has no bootstrap yet. Leave it out: bootstrap=None; or "
            "state priors: engine='pymc'."
        )


def assert_can_change(model: Any, effects: Effects, changing: tuple[str, ...]) -> None:
    """Covariates that change act on the rate alone, of customers who leave at purchases.

    Raises
    ------
    OptionError
        If others are asked for.
    """
    for group in effects.groups:
        mixed = [name for name in group.coding.covariates if name in changing]
        if not mixed:
            continue
        if group.acts_on != ("rate",):
            raise OptionError(
                f"{', '.join(map(repr, mixed))} changes over time, and what changes acts on 'rate' "
                f"alone; got {'+'.join(group.acts_on)}."
            )
        if model.leaves_in_real_time or model.order != 1:
            raise OptionError(
                f"{', '.join(map(repr, mixed))} changes over time, which {model.title} does not "
                "know. Use BGNBD or MBGNBD, whose customers leave at purchases."
            )
