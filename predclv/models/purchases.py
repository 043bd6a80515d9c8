"""Models of how often customers buy and when they leave."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.errors import FitError
from predclv.maths.differences import one_sided_slope
from predclv.maths.discounting import WORTHLESS
from predclv.maths.quadrature import integral
from predclv.models.base import Columns, Model
from predclv.models.futures import Future, Paths, RegularPaths, Remaining, Traits

_STEP = 0.01  # of differences in a time, relative: 1e-13 of the seventh derivative is left out
_TRIES = 1000  # customer bases drawn in search of one in which somebody comes back
_NOBODY = 1e-12  # chance of so many purchases from which on more are not counted


class PurchaseModel(Model):
    """A model of how often customers buy and when they leave.

    The model is itself the :class:`Future` of a new customer. A page states its parameters,
    ``log_likelihood``, ``p_alive``, ``given_alive`` (closure: the model of a customer known to be
    alive), ``pmf`` and ``traits``: that is enough for fits and forecasts. The other expectations
    follow from these here, slower; a page that has a formula states it.
    """

    __slots__ = ()
    leaves_in_real_time: ClassVar[bool] = False  # rather than at a purchase
    chances_before: ClassVar[int] = 0  # to leave before the first repeat purchase
    order: ClassVar[int | None] = 1  # events per purchase; None of a class that leaves it open
    columns = ("frequency", "recency", "T")
    state: ClassVar[tuple[str, ...]] = ("x", "T")  # what a living customer's future depends on

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of still being a customer at ``T``."""
        raise NotImplementedError(f"{type(self).__name__} does not say who is alive")

    def given_alive(self, x: ArrayLike, T: ArrayLike) -> "PurchaseModel":
        """The model of the future of a customer alive at ``T``; it may be of another class."""
        raise NotImplementedError(f"{type(self).__name__} knows no future")

    @property
    def stages(self) -> int:
        """How many stages a living customer may be in."""
        return 1

    # A living customer may be in one of several stages, whose futures depend on (x, T) alone.

    def stage_chances(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[NDArray, ...]:
        """Probability of still being a customer at ``T``, and in each stage; here there is one."""
        return (self.p_alive(x, t_x, T),)

    def given_stage(self, stage: int, x: ArrayLike, T: ArrayLike) -> Any:
        """The future of a customer who is alive and in this stage at ``T``."""
        return self.given_alive(x, T)

    def living(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Any:
        """The future of a customer alive at ``T`` with this history."""
        return self.given_alive(x, T)

    def newcomer(self) -> Future:
        """The future of a customer who has just made the first purchase."""
        return self

    def future(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Future:
        """The future of customers with these histories, from ``T`` on, shape (..., n).

        Zero class included: a customer with x = 0 has t_x = 0.
        """
        return Remaining(self.p_alive(x, t_x, T), self.given_alive(x, T))

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` purchases by ``t`` of a new customer."""
        raise NotImplementedError(f"{type(self).__name__} does not count purchases")

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one purchase by ``t`` of a new customer."""
        return 1.0 - self.pmf(0, t)

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more purchases by ``t`` of a new customer; n >= 1.

        Here what fewer leave over, to an absolute error of about ``n`` times 1e-16.
        """
        n = np.asarray(n)
        fewer: NDArray = np.asarray(0.0)
        for k in range(int(np.max(n, initial=0))):
            fewer = fewer + np.where(k < n, self.pmf(k, t), 0.0)
        return np.maximum(1.0 - fewer, 0.0)

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ... without end, to an absolute error of 1e-12.

        A page may give a recurrence, which is many times cheaper than one call per n.
        """
        tail: NDArray = np.asarray(1.0)
        for n in count():
            tail = np.maximum(tail - self.pmf(n, t), 0.0)
            yield tail

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected purchases of a new customer by ``t``.

        Here the sum of ``p_at_least`` over all n, which wants a finite ``t``.
        """
        total: NDArray = np.asarray(0.0)
        for tail in self.p_at_least_each(t):
            total = total + tail
            if np.max(tail, initial=0.0) < _NOBODY:
                return total
        raise AssertionError("p_at_least_each has no end")

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases of a new customer by ``t``, one at s worth ``exp(-delta s)``.

        Here, by parts, ``exp(-delta t) E(t) + delta int_0^t exp(-delta s) E(s) ds`` for the
        expected purchases E, by quadrature; ``t`` may be inf where ``delta`` is positive.
        """
        t, delta = np.broadcast_arrays(np.asarray(t, float), np.asarray(delta, float))
        if np.all(delta == 0):
            return self.expected_purchases(t)
        safe = np.where(delta > 0, delta, 1.0)
        end = np.minimum(t, WORTHLESS / safe)
        kept = np.where(delta > 0, np.exp(-safe * end), 1.0)
        within = integral(
            lambda s: (
                np.where(delta > 0, safe * np.exp(-safe * s), 0.0) * self.expected_purchases(s)
            ),
            end,
        )
        return kept * self.expected_purchases(end) + within

    def silence(self, s: ArrayLike) -> NDArray:
        """Probability that a new customer who stays one has not bought again after ``s``.

        Where customers leave by themselves a page says what staying means; here that of no
        purchase, left or not.
        """
        return 1.0 - self.p_active(s)

    def traits(self, shape: tuple[int, ...], rng: np.random.Generator) -> Traits:
        """Customers drawn from the model, by what they themselves do not know: rate and end."""
        raise NotImplementedError(f"{type(self).__name__} draws no customers")

    def paths(self, t: ArrayLike, rng: np.random.Generator) -> Paths | RegularPaths:
        """Purchases by ``t``, drawn: one path for each new customer."""
        parameters = (np.shape(getattr(self, name)) for name in self.names())
        t = np.broadcast_to(np.asarray(t, float), np.broadcast_shapes(np.shape(t), *parameters))
        return self.traits(t.shape, rng).purchases(t, rng)

    def simulate(self, T: ArrayLike, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """Histories of customers observed for ``T``: repeat purchases x and time of the last t_x.

        Parameters
        ----------
        T : array_like, shape (n,)
            Length of each customer's observation.
        rng : numpy.random.Generator

        Returns
        -------
        x : ndarray of int64, shape (n,)
        t_x : ndarray, shape (n,)
            0 where x = 0.
        """
        path = self.paths(T, rng)
        return path.purchases, path.last(rng)

    def resampled(self, cells: Columns, rng: np.random.Generator) -> Columns:
        """Customers drawn from the model for every customer's own T, each with weight 1.

        A base in which nobody buys again is drawn anew.
        """
        *_, T, weight = cells
        T = np.repeat(T, weight.astype(int))
        for _ in range(_TRIES):
            x, t_x = self.simulate(T, rng)
            if np.any(x > 0):
                return x.astype(float), t_x, T, np.ones(T.size)
        raise FitError(
            f"In {_TRIES:,} customer bases simulated from {self!r} nobody of {T.size:,} customers "
            "buys again, so there is nothing to fit again. Leave the bootstrap out: "
            "bootstrap=None; or state priors: engine='pymc'."
        )

    def _slopes_in_time(
        self, history: Sequence[NDArray], weight: NDArray
    ) -> tuple[NDArray, NDArray]:
        x, t_x, T = history
        # t_x may only go back and T only forward: the window between them may be empty.
        by_t_x = one_sided_slope(
            lambda away: self.log_likelihood(x, t_x + away, T), np.where(x > 0, -_STEP * t_x, 0.0)
        )
        by_T = one_sided_slope(lambda away: self.log_likelihood(x, t_x, T + away), _STEP * T)
        return weight * by_t_x, weight * by_T

    # The future of a history in one call.

    def expected_purchases_after(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> NDArray:
        """Expected purchases in (T, T + t] given the history, shape (..., n).

        Zero class included: a customer with x = 0 has t_x = 0. ``t`` in the unit of ``T``.
        Conditional expected transactions (CET) in the papers.
        """
        return self.future(x, t_x, T).expected_purchases(t)

    def discounted_purchases_after(
        self, t: ArrayLike, delta: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> NDArray:
        """Expected purchases in (T, T + t] given the history, one at T + s worth ``exp(-delta s)``.

        ``t`` may be infinite: discounted expected residual transactions (DERT). ``delta`` is the
        continuous rate per unit of time; with delta = 0 and t infinite the answer can be inf.
        """
        return self.future(x, t_x, T).discounted_purchases(t, delta)

    def p_active_after(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of at least one purchase in (T, T + t] given the history.

        Not ``p_alive``: a living customer may well buy nothing within ``t``.
        """
        return self.future(x, t_x, T).p_active(t)

    def pmf_after(
        self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> NDArray:
        """Probability of exactly ``n`` purchases in (T, T + t] given the history.

        ``n`` broadcasts with the customers; for a table pass ``n[:, None]``, shape (k, 1).
        """
        return self.future(x, t_x, T).pmf(n, t)
