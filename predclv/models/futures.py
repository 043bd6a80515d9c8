"""What is to come of customers: what a forecast asks of a model, and purchases drawn from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Paths(NamedTuple):
    """Purchases drawn for customers over a stretch of time; when they come is drawn on demand.

    Attributes
    ----------
    purchases : ndarray of int64, shape (n,)
    window : ndarray, shape (n,)
        The time from now in which they fall.
    arrivals : ndarray of int64, shape (n,)
        Purchases had nobody left after one of them: as many, or more.
    """

    purchases: NDArray
    window: NDArray
    arrivals: NDArray

    def last(self, rng: np.random.Generator) -> NDArray:
        """Time of each customer's last purchase, shape (n,); 0 where there is none."""
        # The x-th of the arrivals, uniform on the window, is a Beta variable.
        x, repeat = self.purchases, self.purchases > 0
        last = rng.beta(np.where(repeat, x, 1), np.where(repeat, self.arrivals - x, 0) + 1)
        return np.where(repeat, last * self.window, 0.0)

    @property
    def cut(self) -> NDArray:
        """Whose last purchase is where they leave: after it more would have come in the window."""
        return (self.purchases > 0) & (self.purchases < self.arrivals)

    def bounded(self, rng: np.random.Generator) -> "Bounded":
        """The same, with the end of those who leave within the window."""
        n, cut = self.purchases, self.cut
        share = np.ones(n.shape)
        share[cut] = rng.beta(n[cut], (self.arrivals - n)[cut] + 1)
        return Bounded(n, self.window * share, cut)

    def times(self, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """Every purchase: whose it is (a place in the arrays above), and when it comes.

        Customer by customer, and not in the order of time.
        """
        # As of `bounded`, but drawn for everybody: logs simulated with a seed stay what they were.
        n, cut = self.purchases, self.cut
        share = rng.beta(np.where(cut, n, 1), np.where(cut, self.arrivals - n, 0) + 1)
        return Bounded(n, self.window * np.where(cut, share, 1.0), cut).times(rng)


class Bounded(NamedTuple):
    """Purchases drawn that are uniform in a stretch of time which is each customer's own.

    Attributes
    ----------
    purchases : ndarray of int64
    window : ndarray
        The stretch, from now.
    cut : ndarray of bool
        Whether the last purchase falls on its end, as of who leaves at it.
    """

    purchases: NDArray
    window: NDArray
    cut: NDArray

    @property
    def k(self) -> int:
        """Events per arrival."""
        return 1

    @property
    def stretch(self) -> NDArray:
        """Where purchases but for the one at the end lie evenly."""
        return self.window

    def of(self, which: NDArray) -> "Bounded":
        """Of some of the customers, in a row."""
        return Bounded(self.purchases[which], self.window[which], self.cut[which])

    def times(self, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """As of `Paths`."""
        n, cut = self.purchases, self.cut
        owner = np.repeat(np.arange(n.size), n)
        when = np.repeat(self.window, n) * rng.random(owner.size)
        when[(np.cumsum(n) - 1)[cut]] = self.window[cut]
        return owner, when


class RegularPaths(NamedTuple):
    """The same of customers who buy at each k-th of their events, which are uniform on the window.

    Attributes
    ----------
    purchases, window, arrivals : ndarray
        As of `Paths`.
    events : ndarray of int64, shape (n,)
        Within the window.
    ahead : ndarray of int64, shape (n,)
        Events since the last purchase before it: the first arrival waits for so many fewer.
    k : int
        Events per arrival.
    """

    purchases: NDArray
    window: NDArray
    arrivals: NDArray
    events: NDArray
    ahead: NDArray
    k: int

    def last(self, rng: np.random.Generator) -> NDArray:
        """Time of each customer's last purchase, shape (n,); 0 where there is none."""
        repeat = self.purchases > 0
        place = self.k * self.purchases - self.ahead
        later = np.where(repeat, self.events - place, 0)
        last = rng.beta(np.where(repeat, place, 1), later + 1)
        return np.where(repeat, last * self.window, 0.0)

    @property
    def cut(self) -> NDArray:
        """Of nobody does the last purchase bound the others."""
        return np.zeros(np.shape(self.purchases), bool)

    @property
    def stretch(self) -> NDArray:
        """Where purchases lie about evenly: up to the last."""
        return self.window * (self.k * self.purchases - self.ahead) / (self.events + 1.0)

    def bounded(self, rng: np.random.Generator) -> "RegularPaths":
        """The same."""
        return self

    def of(self, which: NDArray) -> "RegularPaths":
        """Of some of the customers, in a row."""
        purchases, window, arrivals, events, ahead = (part[which] for part in self[:5])
        return RegularPaths(purchases, window, arrivals, events, ahead, self.k)

    def times(self, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """Every purchase: whose it is, and when it comes; a customer's in the order of time."""
        return _every_kth(self.purchases, self.window, self.events, self.ahead, self.k, rng)


def _every_kth(
    n: NDArray, window: NDArray, events: NDArray, ahead: NDArray, k: int, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """The times of the first ``n`` of every k-th of uniform events, and whose they are.

    Gaps between uniform points are those of a Poisson stream over their sum: k of them together
    are a gamma variable.
    """
    owner = np.repeat(np.arange(n.size), n)
    first = np.cumsum(n) - n
    gaps = np.full(owner.size, float(k))
    buys = n > 0
    gaps[first[buys]] -= ahead[buys]
    sums = np.cumsum(rng.standard_gamma(gaps))
    before = np.append(0.0, sums)[first]
    sums -= before[owner]
    until = np.zeros(n.size)
    until[buys] = sums[(first + n - 1)[buys]]
    rest = rng.standard_gamma(np.where(buys, events - (k * n - ahead), 0) + 1.0)
    return owner, (window / (until + rest))[owner] * sums


@dataclass(frozen=True, slots=True, eq=False)
class Traits:
    """What tells one simulated customer from another.

    Attributes
    ----------
    rate : ndarray
        Purchases per unit of time while a customer.
    leaves_after : ndarray
        Number of purchases after which they leave; huge where leaving is not tied to purchases.
    leaves_at : ndarray
        Time at which they leave; inf where it is tied to purchases.
    """

    rate: NDArray
    leaves_after: NDArray
    leaves_at: NDArray

    def purchases(self, t: NDArray, rng: np.random.Generator) -> Paths | RegularPaths:
        """Purchases by ``t``."""
        window = np.minimum(t, self.leaves_at)
        arrivals = rng.poisson(self.rate * window)
        return Paths(np.minimum(arrivals, self.leaves_after), window, arrivals)


@dataclass(frozen=True, slots=True, eq=False)
class RegularTraits(Traits):
    """The same of customers who buy at each k-th event of their stream.

    Attributes
    ----------
    k : int
        Events per purchase; ``rate`` is that of events.
    ahead : ndarray of int64
        Events since the last purchase.
    """

    k: int
    ahead: NDArray

    def purchases(self, t: NDArray, rng: np.random.Generator) -> Paths | RegularPaths:
        """Purchases by ``t``."""
        window = np.minimum(t, self.leaves_at)
        events = rng.poisson(self.rate * window)
        arrivals = (events + self.ahead) // self.k
        bought = np.minimum(arrivals, self.leaves_after)
        return RegularPaths(bought, window, arrivals, events, self.ahead, self.k)


class Future(Protocol):
    """What is to come of customers from now on: all that a forecast asks of a model.

    Times count from now, in the model's unit; one number or one per customer.
    """

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected purchases by ``t``."""

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases by ``t``, one at s worth ``exp(-delta s)``; ``t`` may be inf."""

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one purchase by ``t``."""

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` purchases by ``t``."""

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more purchases by ``t``; n >= 1."""

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ... without end."""

    def silence(self, s: ArrayLike) -> NDArray:
        """Probability that who stays a customer has not bought again after ``s``."""

    def paths(self, t: ArrayLike, rng: np.random.Generator) -> Paths | RegularPaths:
        """Purchases by ``t``, drawn: one path for each customer."""


@dataclass(frozen=True, slots=True, eq=False)
class Remaining:
    """The future of customers who may have left already; a :class:`Future`.

    Attributes
    ----------
    alive : ndarray, shape (..., n)
        Probability of still being a customer.
    living : Future
        Of those who are.
    """

    alive: NDArray
    living: Future

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected purchases by ``t``."""
        return self.alive * self.living.expected_purchases(t)

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases by ``t``, one at s worth ``exp(-delta s)``; ``t`` may be inf."""
        return self.alive * self.living.discounted_purchases(t, delta)

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one purchase by ``t``."""
        return self.alive * self.living.p_active(t)

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` purchases by ``t``."""
        gone = np.where(np.asarray(n) == 0, 1.0 - self.alive, 0.0)
        return gone + self.alive * self.living.pmf(n, t)

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more purchases by ``t``; n >= 1."""
        return self.alive * self.living.p_at_least(n, t)

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ... without end."""
        return (self.alive * tail for tail in self.living.p_at_least_each(t))

    def silence(self, s: ArrayLike) -> NDArray:
        """Probability that who is a customer, and stays one, has not bought again after ``s``."""
        return self.living.silence(s)

    def paths(self, t: ArrayLike, rng: np.random.Generator) -> Paths | RegularPaths:
        """Purchases by ``t``, drawn: one path for each customer, empty for who has left."""
        shape = np.broadcast_shapes(np.shape(t), np.shape(self.alive))
        path = self.living.paths(np.broadcast_to(t, shape), rng)
        here = rng.random(path.purchases.shape) < self.alive
        return path._replace(purchases=np.where(here, path.purchases, 0))
