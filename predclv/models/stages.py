"""The future of customers who buy regularly: every k-th of events that come at random is one.

An Erlang-k time between purchases is the time to the k-th of events that come at random. A customer
is then in one of k stages: so many events have gone by since the last purchase. Given the stage the
future has a closed form; a customer whose stage is not known has a mixture of k such futures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from predclv.maths.discounting import WORTHLESS
from predclv.maths.quadrature import beta_expectation
from predclv.maths.special import log_rising
from predclv.models.base import Parameter
from predclv.models.futures import Paths, RegularPaths, RegularTraits, Traits
from predclv.models.leaving import purchases_ever
from predclv.models.regular_purchases import (
    discounted_at,
    discounted_by_events,
    has_few_events,
    moments,
    purchases_at,
    purchases_by_events,
)

# Sums over complex roots are right to 1e-16, not to that share of themselves: quadratures that are
# asked for a relative error are given something to be relative to.
_LIFTED = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    r"""The future of customers who are in a known stage; a :class:`Future`.

    Events come at a Poisson rate ``lambda ~ Gamma(r, rate=alpha)``; each k-th is a purchase, the
    first one after ``k - gone`` events; right after it the customer leaves with chance
    ``p ~ Beta(a, b)``. With N events by t, negative binomial,

    .. math::
        P(\text{at least } n \text{ purchases}) =
            P(N \ge n k - gone) \frac{B(a, b + n - 1)}{B(a, b)}.

    Attributes
    ----------
    k : int
        Events per purchase.
    gone : int
        Events since the last purchase, 0 to k - 1.
    r, alpha, a, b : float or array
        Of the rate of events and of the chance of leaving after the next purchase.
    """

    k: int
    gone: int
    r: Parameter
    alpha: Parameter
    a: Parameter
    b: Parameter

    def _share(self, t: ArrayLike) -> NDArray:
        t = np.asarray(t, float)
        with np.errstate(invalid="ignore"):
            return np.where(np.isinf(t), 1.0, t / (self.alpha + t))

    def _stays(self, n: ArrayLike) -> NDArray:
        """Probability of staying after each of the first ``n`` purchases."""
        return np.exp(log_rising(self.b, n) - log_rising(np.add(self.a, self.b), n))

    def _exactly(self, events: NDArray, t: NDArray) -> NDArray:
        """Probability of so many events by ``t``; 0 for a negative number."""
        known = np.maximum(events, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            power = np.where(known > 0, known * np.log(self._share(t)), 0.0)
        log_mass = (
            log_rising(self.r, known)
            - log_rising(1.0, known)
            - self.r * np.log1p(t / self.alpha)
            + power
        )
        return np.where(events >= 0, np.exp(log_mass), 0.0)

    def _arrives(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of enough events by ``t`` for ``n`` purchases, n >= 1."""
        return betainc(self.k * np.asarray(n, float) - self.gone, self.r, self._share(t))

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one purchase by ``t``."""
        if self.k - self.gone == 1:
            return -np.expm1(-self.r * np.log1p(np.divide(t, self.alpha)))
        return self._arrives(1, t)

    def silence(self, s: ArrayLike) -> NDArray:
        """Probability of no purchase by ``s``: until it nobody leaves."""
        if self.k - self.gone == 1:
            return np.exp(-self.r * np.log1p(np.divide(s, self.alpha)))
        return betainc(self.r, float(self.k - self.gone), 1.0 - self._share(s))

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` purchases by ``t``."""
        n, t = np.asarray(n, float), np.asarray(t, float)
        events = self.k * n - self.gone
        bought = n > 0
        here = sum(self._exactly(events + i, t) for i in range(self.k))
        stays = self._stays(n)
        leaves = stays * self.a / np.where(bought, self.b + (n - 1), 1.0)
        return stays * here + np.where(bought, leaves * self._arrives(np.maximum(n, 1), t), 0.0)

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more purchases by ``t``; n >= 1."""
        n = np.asarray(n, float)
        return self._stays(n - 1) * self._arrives(n, t)

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ... by recurrence, absolute error below 1e-12."""
        t = np.asarray(t, float)
        share = self._share(t)
        exactly = np.exp(-self.r * np.log1p(t / self.alpha))
        arrives = self.p_active(t)
        events = self.k - self.gone
        for m in range(1, events):
            exactly = exactly * share * ((self.r + (m - 1)) / m)
        stays = np.ones_like(arrives)
        ab = np.add(self.a, self.b)
        for n in count(1):
            yield stays * arrives
            # `exactly` is of one event fewer than the n-th purchase wants.
            for m in range(events, events + self.k):
                exactly = exactly * share * ((self.r + (m - 1)) / m)
                arrives = arrives - exactly
            arrives = np.maximum(arrives, 0.0)
            events += self.k
            stays = stays * ((self.b + (n - 1)) / (ab + (n - 1)))

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected purchases by ``t``, to about 1e-12; ``t`` may be inf."""
        t = np.asarray(t, float)
        endless = np.isinf(t)
        if endless.any():
            finite = self.expected_purchases(np.where(endless, 1.0, t))
            return np.where(endless, purchases_ever(self.a, self.b), finite)
        if self.k == 1:
            return self._purchases_by(t)
        return self._few_and_many(purchases_by_events, Stage._purchases_by, t)

    def _few_and_many(
        self, by_events: Callable[..., NDArray], by_chance: Callable[..., NDArray], *more: ArrayLike
    ) -> NDArray:
        """Event by event where those by the first of ``more`` are few, else by quadrature."""
        given = np.broadcast_arrays(self.a, self.b, self.r, self.alpha, *more)
        a, b, r, alpha, *rest = (np.asarray(value, float).ravel() for value in given)
        few = has_few_events(r, alpha, rest[0])
        found = np.empty(few.size)
        own = (value[few] for value in (a, b, r, alpha, *rest))
        found[few] = by_events(*own, self.k, self.gone)
        if not few.all():
            many = ~few
            stage = Stage(self.k, self.gone, r[many], alpha[many], a[many], b[many])
            found[many] = by_chance(stage, *(value[many] for value in rest))
        return found.reshape(given[0].shape)

    def _purchases_by(self, t: NDArray) -> NDArray:
        """The same by quadrature over the chance of leaving, to 1e-13 where k is above 1."""

        def purchases(p: NDArray, r: NDArray, alpha: NDArray, t: NDArray) -> NDArray:
            return purchases_at(p, r, alpha, t, self.k, self.gone) + shift

        with np.errstate(divide="ignore"):
            reach = np.divide(self.k * np.asarray(self.alpha), t * np.maximum(self.r, 1.0))
        shift = _LIFTED if self.k > 1 else 0.0
        found = beta_expectation(purchases, self.a, self.b, self.r, self.alpha, t, reach=reach)
        return np.maximum(found - shift, 0.0)

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases by ``t``, one at s worth ``exp(-delta s)``; ``t`` may be inf."""
        t, delta = np.asarray(t, float), np.asarray(delta, float)
        if np.all(delta == 0):
            return self.expected_purchases(t)
        if np.any(delta == 0):
            worth = self.discounted_purchases(t, np.where(delta == 0, 1.0, delta))
            return np.where(delta == 0, self.expected_purchases(t), worth)
        end = np.minimum(t, WORTHLESS / delta)
        if self.k == 1:
            return self._discounted_by(end, delta)
        return self._few_and_many(discounted_by_events, Stage._discounted_by, end, delta)

    def _discounted_by(self, end: NDArray, delta: NDArray) -> NDArray:
        """The same by quadrature over the chance of leaving."""
        busy = np.max(end * np.maximum(self.r, 1.0) / self.alpha, initial=0.0)
        when, lengths = moments(float(busy))

        def worth_at(p: NDArray, r: NDArray, alpha: NDArray, t: NDArray, delta: NDArray) -> NDArray:
            worth = discounted_at(p, r, alpha, t, delta, self.k, self.gone, when, lengths)
            return worth + shift

        with np.errstate(divide="ignore"):
            reach = np.divide(self.k * np.asarray(self.alpha), end * np.maximum(self.r, 1.0))
        shift = _LIFTED if self.k > 1 else 0.0
        found = beta_expectation(
            worth_at, self.a, self.b, self.r, self.alpha, end, delta, reach=reach
        )
        return np.maximum(found - shift, 0.0)

    def traits(self, shape: tuple[int, ...], rng: np.random.Generator) -> Traits:
        """Customers drawn in this stage."""
        rate = rng.gamma(self.r, 1.0, shape) / self.alpha
        p = rng.beta(self.a, self.b, shape)
        leaves_after = rng.geometric(np.clip(p, 1e-15, 1.0))
        return RegularTraits(
            rate, leaves_after, np.full(shape, np.inf), self.k, np.full(shape, self.gone)
        )

    def paths(self, t: ArrayLike, rng: np.random.Generator) -> Paths | RegularPaths:
        """Purchases by ``t``, drawn: one path for each customer."""
        parameters = (np.shape(value) for value in (self.r, self.alpha, self.a, self.b))
        t = np.broadcast_to(np.asarray(t, float), np.broadcast_shapes(np.shape(t), *parameters))
        return self.traits(t.shape, rng).purchases(t, rng)


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """The future of customers whose stage is known by its chances alone; a :class:`Future`.

    Attributes
    ----------
    chances : sequence of ndarray, each (..., n)
        Of each stage; they sum to one.
    each : sequence of Stage
        The future in each.
    """

    chances: Sequence[NDArray]
    each: Sequence[Stage]

    def _mixed(self, values: Sequence[NDArray]) -> NDArray:
        """The average over stages."""
        total: NDArray = np.asarray(0.0)
        for chance, value in zip(self.chances, values, strict=True):
            with np.errstate(invalid="ignore"):  # a stage that cannot be, and buys for ever
                total = total + np.where(chance > 0, chance * value, 0.0)
        return total

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected purchases by ``t``."""
        return self._mixed([stage.expected_purchases(t) for stage in self.each])

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases by ``t``, one at s worth ``exp(-delta s)``; ``t`` may be inf."""
        return self._mixed([stage.discounted_purchases(t, delta) for stage in self.each])

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one purchase by ``t``."""
        return self._mixed([stage.p_active(t) for stage in self.each])

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` purchases by ``t``."""
        return self._mixed([stage.pmf(n, t) for stage in self.each])

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more purchases by ``t``; n >= 1."""
        return self._mixed([stage.p_at_least(n, t) for stage in self.each])

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ... without end."""
        tails = [stage.p_at_least_each(t) for stage in self.each]
        return (self._mixed(values) for values in zip(*tails, strict=False))

    def silence(self, s: ArrayLike) -> NDArray:
        """Probability of no purchase by ``s``."""
        return self._mixed([stage.silence(s) for stage in self.each])

    def traits(self, shape: tuple[int, ...], rng: np.random.Generator) -> Traits:
        """Customers drawn with their stages."""
        u, stage = rng.random(shape), np.zeros(shape, np.int64)
        passed = np.zeros(shape)
        for chance in self.chances[:-1]:
            passed = passed + chance
            stage += u >= passed
        one = self.each[0]
        rate = rng.gamma(one.r + stage, 1.0, shape) / one.alpha
        p = rng.beta(one.a, one.b, shape)
        leaves_after = rng.geometric(np.clip(p, 1e-15, 1.0))
        return RegularTraits(rate, leaves_after, np.full(shape, np.inf), one.k, stage)

    def paths(self, t: ArrayLike, rng: np.random.Generator) -> Paths | RegularPaths:
        """Purchases by ``t``, drawn: one path for each customer."""
        shape = np.broadcast_shapes(np.shape(t), *(np.shape(chance) for chance in self.chances))
        t = np.broadcast_to(np.asarray(t, float), shape)
        return self.traits(shape, rng).purchases(t, rng)


def stage_chances(k: int, R: ArrayLike, z: ArrayLike) -> list[NDArray]:
    r"""The chance of each stage of a living customer, ``(R)_j z^j / j!`` over their sum.

    Parameters
    ----------
    k : int
    R : array_like
        ``r + k x``, the shape of the rate given the purchases.
    z : array_like
        ``(T - t_x) / (alpha + T)``, the share of the time that has passed in silence.
    """
    R, z = np.broadcast_arrays(np.asarray(R, float), np.asarray(z, float))
    terms = [np.ones_like(z)]
    for j in range(1, k):
        terms.append(terms[-1] * z * ((R + (j - 1)) / j))
    total = sum(terms)
    return [term / total for term in terms]
