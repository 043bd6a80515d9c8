"""The likelihood of every purchase in its turn, where old purchases count less: fading memory."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.ageing import log_slowness, time_at_ages
from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.recall import DRIFT, RHO, Recall, newness, priors_of, space_of
from predclv.clocks.spans import time_between
from predclv.errors import FitError
from predclv.interrupts import uninterrupted
from predclv.likelihoods.drifting import FARTHEST
from predclv.likelihoods.fading_sums import Ranked, fading
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.levels import Levels
from predclv.maths.special import digamma_rising, log_rising, softplus_and_slope
from predclv.models.base import Coordinate, Model, Objective, Prior, Space
from predclv.once import once
from predclv.samples.sequences import Sequences
from predclv.units import days_per

COMPILED_FROM = 30_000
"""Repeat purchases from which on compiling pays: below, NumPy takes 12 ms at most."""

_SLOWEST, _FASTEST = -9.0, 0.0  # log rho per week: half-lives of 108 years and of five days
_STARTS = (-5.0, -3.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class FadingLikelihood(Likelihood):
    r"""Log-likelihood of customers purchase by purchase, given those before, with fading memory.

    A customer's purchases come at the times :math:`0 = \tau_0 < \tau_1 < ... < \tau_x` by the
    clock, and k events make a purchase. After the j-th, what is known of the customer's rate is
    Gamma with

    .. math::
        R_j = r + k U_j, \quad U_j = \sum_{m=1}^{j} e^{-\rho (\tau_j - \tau_m)}, \qquad
        A_j = \alpha_i + V_j, \quad V_j = (1 - e^{-\rho \tau_j}) / \rho

    so the next one comes after d with the density :math:`f_j(d)`, and has not come after d with
    probability :math:`\bar S`,

    .. math::
        f_j(d) &= \frac{\Gamma(R + k)}{\Gamma(R) \Gamma(k)} d^{k-1} \frac{A^R}{(A + d)^{R + k}}, \\
        \bar S(d) &= \left( \frac{A}{A + d} \right)^{R}
            \sum_{m<k} \frac{(R)_m}{m!} \left( \frac{d}{A + d} \right)^m,

    and the log-likelihood of a customer is

    .. math::
        \sum_{j=1}^{x} \log f_{j-1}(\tau_j - \tau_{j-1})
        + \log \left[ \bar S(T - \tau_x) \frac{B(a, b + c)}{B(a, b)}
        + \frac{B(a + 1, b + c - 1)}{B(a, b)} \right]

    with c chances to leave so far. It is a proper likelihood for any :math:`\rho`; as
    :math:`\rho \to 0` it is that of MBG/CNBD-k (or BG/CNBD-k).

    Attributes
    ----------
    sequences : Sequences
    clock : Steady or Calendar
        By which times are; what is in it does not move here.
    first_day : int
        The log's first day, since 1970-01-01.
    near : ndarray, shape (k,)
        Free parameters of the model, and the drift, to start from.
    has_drift : bool
    ageing : float or None
        How fast customers slow down with age, which does not move here either.
    """

    sequences: Sequences
    clock: Steady | Calendar
    first_day: int
    near: NDArray
    has_drift: bool
    ageing: float | None = None

    @classmethod
    def over(
        cls,
        model: type[Model],
        sequences: Sequences,
        clock: Steady | Calendar,
        first_day: int,
        near: NDArray,
        ageing: float | None = None,
    ) -> "FadingLikelihood":
        """Of a model's purchases; ``near`` of it alone, or with a drift behind."""
        ends = first_day + np.stack([sequences.born, sequences.last])
        born = np.repeat(sequences.born, sequences.frequency)
        customers = np.repeat(sequences.weight, sequences.frequency)
        t_x = time_between(clock, ends[0], ends[1])
        T = time_between(clock, ends[0], first_day + sequences.end)
        # Densities are of real days, as without memory.
        constant = 0.0
        if isinstance(clock, Calendar):
            constant = float(customers @ clock.log_rate(first_day + sequences.days))
        if ageing is not None:
            t_x = time_at_ages(sequences.last - sequences.born, ageing, clock.unit)
            T = time_at_ages(sequences.end - sequences.born, ageing, clock.unit)
            constant = -ageing * float(customers @ log_slowness(sequences.days - born))
        columns = (sequences.frequency.astype(float), t_x, T, sequences.weight)
        return cls(
            model=model,
            columns=columns,
            unit=clock.unit,
            compile_from=COMPILED_FROM,
            constant=constant,
            sequences=sequences,
            clock=clock,
            first_day=first_day,
            near=near,
            has_drift=near.size > len(model.names()),
            ageing=ageing,
        )

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"{self.model.title} with memory"

    @once
    def space(self) -> Space:
        """The free parameters of the model, the drift, and how fast purchases are forgotten."""
        return self.model.space().and_more(space_of(self.has_drift, True))

    @once
    def _function(self) -> Objective:
        data = self.laid_out()
        model: Any = self.model
        order, before = model.order or 1, model.chances_before
        with_drift, slope_at = self.has_drift, self.space.slope_at
        of_purchases: Any = fading
        arrays: Any = (Ranked.of(**data),)
        if self.sequences.days.size >= self.compile_from:
            with uninterrupted():
                of_purchases = import_module("predclv.likelihoods.kernels_fading").fading
            arrays = tuple(data.values())
        x, weight = Levels(self.columns[0]), self.columns[-1]

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            found = self.space.parameters_at(free)
            if not self.space.holds(found):
                return np.nan, np.full(free.size, np.nan)
            r, alpha, a, b = found[:4].tolist()
            drift = float(found[4]) if with_drift else 0.0
            value, slopes, log_silent, of_silent = of_purchases(
                order, r, alpha, drift, float(found[-1]), *arrays
            )
            left, by_silent, by_a, by_b = _leaving(a, b, before, x, log_silent, weight)
            slopes = slopes + by_silent @ of_silent
            by_parameter = np.array([slopes[0], slopes[1], by_a, by_b, *slopes[2:]])
            kept = by_parameter if with_drift else np.delete(by_parameter, 4)
            return value + left, kept * slope_at(found)

        return value_and_slope

    def laid_out(self) -> dict[str, NDArray]:
        """The sequences as arrays by name, in the time of the clock."""
        sequences, lengths = self.sequences, self.sequences.frequency
        if self.ageing is not None:
            ages = sequences.days - np.repeat(sequences.born, lengths)
            tau = time_at_ages(ages, self.ageing, self.unit)
        else:
            days = np.arange(sequences.end + 1)
            until = time_between(self.clock, self.first_day, self.first_day + days)
            tau = until[sequences.days] - np.repeat(until[sequences.born], lengths)
        return {
            "frequency": lengths,
            "tau": tau,
            "T": self.columns[2],
            "first": newness(sequences.born),
            "weight": sequences.weight,
        }

    def of_cells(self, rows: NDArray, first: bool) -> Self:
        """That of some of the customers."""
        some = super().of_cells(rows, first)
        return replace(some, sequences=self.sequences.of_rows(rows))

    def clock_at(self, free: NDArray) -> Any:
        """The clock, which is given."""
        return self.clock

    def recall_at(self, free: NDArray) -> Recall:
        """How the past is read, at free parameters (k,)."""
        found = dict(zip(self.space.names, self.space.parameters_at(free).tolist(), strict=True))
        return Recall(self.first_day, self.unit, found.get(DRIFT), found[RHO], self.ageing)

    def held(self) -> dict[str, Prior]:
        """Drift and rho."""
        return priors_of(space_of(self.has_drift, True), self.unit)

    def starts(self) -> list[NDArray]:
        """Near a fit without memory, with little of it and with more."""
        return [np.append(self.near, self._per_unit(at)) for at in _STARTS]

    def _per_unit(self, log_rho: float) -> float:
        """Log rho per unit of time, from that per week."""
        return log_rho + float(np.log(days_per(self.unit) / 7.0))

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those of the model, the drift, and rho."""
        rho = Coordinate({RHO: 1.0}, self._per_unit(_SLOWEST), self._per_unit(_FASTEST))
        drift = (Coordinate({DRIFT: 1.0}, -FARTHEST, FARTHEST),) if self.has_drift else ()
        return (*super().coordinates(), *drift, rho)

    def sampled(self, priors: Mapping[str, Any] | None = None) -> Likelihood:
        """Refused: it is maximised alone.

        Raises
        ------
        FitError
        """
        raise FitError(f"{self.title} is fitted by engine='mle' alone.")


def _leaving(
    a: float, b: float, before: int, x: Levels, log_silent: NDArray, weight: NDArray
) -> tuple[float, NDArray, float, float]:
    """What leaving adds: the value, slopes in the log chance of silence (n,), and in a and b."""
    chances = x.values + before
    may = chances > 0
    past = np.where(may, chances - 1.0, 0.0)
    level = np.where(may, np.log(a) + log_rising(b, past) - log_rising(a + b, chances), 0.0)
    odds = np.where(may, np.log(b + past) - np.log(a), 0.0)
    either, here = softplus_and_slope(x.spread(odds) + log_silent)
    may_each = x.spread(may.astype(float)) > 0
    alive = weight * np.where(may_each, here, 1.0)
    value = x.counted(weight) @ level + weight @ np.where(may_each, either, log_silent)
    customers, stayed = x.counted(weight), x.collect(np.where(may_each, alive, 0.0))
    taken = digamma_rising(a + b, chances)
    by_a = np.sum(weight - alive) / a - customers @ taken
    by_b = customers @ (digamma_rising(b, past) - taken) + stayed @ (1.0 / (b + past))
    return float(value), alive, float(by_a), float(by_b)
