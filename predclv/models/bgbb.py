"""BG/BB: people who take a yearly opportunity or not, until they silently stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, logsumexp

from predclv.maths.special import digamma_rising, log_rising
from predclv.models.base import (
    Columns,
    Coordinate,
    LogNormalPrior,
    Model,
    Parameter,
    Prior,
    Slopes,
    Targets,
)


@dataclass(frozen=True, slots=True)
class BGBB(Model):
    r"""Beta-geometric/beta-Bernoulli model of opportunities taken or not.

    While a customer, one takes each opportunity - a yearly appeal, an annual fair, a cruise - with
    a chance of one's own, ``p ~ Beta(alpha, beta)``. Before each opportunity one may leave for
    good, unseen, with a chance ``theta ~ Beta(gamma, delta)``.

    Histories are the number of opportunities taken ``x``, which was the last ``t_x`` (0 where none)
    and how many there have been, ``n``, not counting the one by which a customer was acquired.

    Parameters
    ----------
    alpha, beta : float or array
        Of the chance of taking an opportunity; its mean is ``alpha / (alpha + beta)``.
    gamma, delta : float or array
        Of the chance of leaving before one; its mean is ``gamma / (gamma + delta)``.

    See Also
    --------
    predclv.opportunities : who took which year's opportunity.
    predclv.ContractModel : the recipe for subscribers.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Shang, J. (2010). Customer-base analysis in a discrete-time
    noncontractual setting. Marketing Science 29(6), 1086-1108.

    Examples
    --------
    >>> m = BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783)
    >>> m.expected_purchases_after(5, x=[0, 4, 6], t_x=[0, 5, 6], n=6).round(2).tolist()
    [0.07, 2.03, 3.75]
    >>> m.p_alive_next(x=[0, 4, 6], t_x=[0, 5, 6], n=6).round(2).tolist()
    [0.11, 0.7, 0.93]
    """

    alpha: Parameter
    beta: Parameter
    gamma: Parameter
    delta: Parameter

    title: ClassVar[str] = "BG/BB"
    columns: ClassVar[tuple[str, ...]] = ("frequency", "recency", "opportunities")
    targets: ClassVar[Targets] = {
        "rate": {"alpha": 0.5, "beta": -0.5},  # the odds of taking an opportunity, and of leaving
        "leaving": {"gamma": 0.5, "delta": -0.5},
    }

    def _log_taken(self, x: NDArray, n: NDArray) -> NDArray:
        """Log of B(alpha+x, beta+n-x) / B(alpha, beta)."""
        whole = log_rising(np.add(self.alpha, self.beta), n)
        return log_rising(self.alpha, x) + log_rising(self.beta, n - x) - whole

    def _log_stayed(self, n: NDArray) -> NDArray:
        """Log of B(gamma, delta+n) / B(gamma, delta): still a customer after n chances to leave."""
        return log_rising(self.delta, n) - log_rising(np.add(self.gamma, self.delta), n)

    def _log_left(self, n: NDArray) -> NDArray:
        """Log of B(gamma+1, delta+n) / B(gamma, delta): leaves at the (n+1)th chance."""
        leaves = np.log(self.gamma) - np.log(np.add(self.gamma, self.delta) + n)
        return self._log_stayed(n) + leaves

    def _log_alive(self, x: NDArray, n: NDArray) -> NDArray:
        return self._log_taken(x, n) + self._log_stayed(n)

    def log_likelihood(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> NDArray:
        """Log-likelihood of histories, shape (..., n_customers). Eq. 5.

        Parameters
        ----------
        x, t_x, n : array_like, shape (n_customers,)
            Opportunities taken, the number of the last, and how many there have been.
        """
        x, t_x, n = np.broadcast_arrays(*(np.asarray(v, float) for v in (x, t_x, n)))
        total = self._log_alive(x, n)
        for i in range(int(np.max(n - t_x, initial=0.0))):
            gone = self._log_taken(x, np.minimum(t_x + i, n)) + self._log_left(
                np.minimum(t_x + i, n)
            )
            total = np.logaddexp(total, np.where(i < n - t_x, gone, -np.inf))
        return total

    def slopes(self, *columns: ArrayLike, in_time: bool = True) -> Slopes:
        """The weighted log-likelihood of histories and its slopes in the four parameters."""
        x, t_x, n, w = (np.asarray(column, float) for column in columns)
        a, b, g, d = (float(getattr(self, name)) for name in self.names())
        # The first branch is still a customer at n; the others left at each chance after t_x.
        i = np.arange(int((n - t_x).max(initial=0.0)) + 1.0)[:, None] - 1.0
        m = np.where(i < 0, n, np.minimum(t_x + i, n))
        logs = self._log_taken(x, m) + np.where(i < 0, self._log_stayed(m), self._log_left(m))
        logs = np.where(i < n - t_x, logs, -np.inf)
        total = logsumexp(logs, axis=0)
        share = w * np.exp(logs - total)
        gone = np.where(i < 0, 0.0, share)
        over, after = digamma_rising(a + b, m), digamma_rising(g + d, m)
        leaves = gone / (g + d + m)
        by_parameter = np.array(
            [
                (share * (digamma_rising(a, x) - over)).sum(),
                (share * (digamma_rising(b, m - x) - over)).sum(),
                gone.sum() / g - leaves.sum() - (share * after).sum(),
                (share * (digamma_rising(d, m) - after)).sum() - leaves.sum(),
            ]
        )
        return Slopes(float(w @ total), by_parameter)

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> NDArray:
        """Probability of still being a customer at opportunity ``n``, the last one seen."""
        x, n = np.asarray(x, float), np.asarray(n, float)
        return np.exp(self._log_alive(x, n) - self.log_likelihood(x, t_x, n))

    def p_alive_next(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> NDArray:
        """Probability of being a customer at the next opportunity, ``n + 1``. Eq. 11."""
        n = np.asarray(n, float)
        stays = (np.asarray(self.delta) + n) / (np.add(self.gamma, self.delta) + n)
        return self.p_alive(x, t_x, n) * stays

    def given_alive(self, x: ArrayLike, n: ArrayLike) -> "BGBB":
        """The future of a customer still one: BG/BB(alpha+x, beta+n-x, gamma, delta+n)."""
        x, n = np.asarray(x, float), np.asarray(n, float)
        zero = 0.0 * n
        return BGBB(self.alpha + x, self.beta + n - x, self.gamma + zero, self.delta + n)

    def p_still(self, t: float) -> NDArray:
        """Probability that a new customer is still one at opportunity ``t``."""
        return np.exp(self._log_stayed(np.asarray(t)))

    def expected_purchases(self, n: float, discount: float = 0.0) -> NDArray:
        r"""Expected opportunities taken of a new customer's next ``n``, discounted. Eq. 9.

        .. math:: \frac{\alpha}{\alpha+\beta} \sum_{t=1}^{n}
            \frac{B(\gamma, \delta + t)}{B(\gamma, \delta)} (1 + d)^{-t}
        """
        return self._mean() * self._stays(n, discount)

    def _mean(self) -> NDArray:
        return np.divide(self.alpha, np.add(self.alpha, self.beta))

    def _stays(self, n: float, discount: float) -> NDArray:
        total: NDArray = np.asarray(0.0)
        for t in range(1, int(n) + 1):
            total = total + self.p_still(float(t)) * np.exp(-np.log1p(discount) * t)
        return total

    def expected_purchases_after(
        self, t: float, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, discount: float = 0.0
    ) -> NDArray:
        """Expected opportunities taken of the next ``t`` given the history, discounted. Eq. 13."""
        later = self.given_alive(x, n).expected_purchases(t, discount)
        return self.p_alive(x, t_x, n) * later

    def expected_p(self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> NDArray:
        """Expected chance of taking an opportunity while a customer, given the history. Eq. 16."""
        x, t_x, n = np.broadcast_arrays(*(np.asarray(v, float) for v in (x, t_x, n)))
        more = BGBB(np.add(self.alpha, 1.0), self.beta, self.gamma, self.delta)
        return self._mean() * np.exp(
            more.log_likelihood(x, t_x, n) - self.log_likelihood(x, t_x, n)
        )

    def pmf(self, k: ArrayLike, n: int) -> NDArray:
        """Probability that a new customer takes exactly ``k`` of the next ``n``. Eq. 7."""
        k = np.asarray(k, float)

        def chosen(i: float) -> NDArray:
            inside = np.where(k <= i, k, 0.0)
            ways = gammaln(i + 1) - gammaln(inside + 1) - gammaln(i - inside + 1)
            taken = self._log_taken(inside, np.asarray(float(i)))
            return np.where(k <= i, ways + taken, -np.inf)

        total = np.exp(chosen(n) + self._log_stayed(np.asarray(float(n))))
        for i in range(n):
            total = total + np.exp(chosen(i) + self._log_left(np.asarray(float(i))))
        return total

    def pmf_after(
        self, k: ArrayLike, t: int, x: ArrayLike, t_x: ArrayLike, n: ArrayLike
    ) -> NDArray:
        """Probability of taking exactly ``k`` of the next ``t`` given the history. Eq. 14."""
        alive = self.p_alive(x, t_x, n)
        later = self.given_alive(x, n).pmf(k, t)
        return alive * later + (1.0 - alive) * (np.asarray(k) == 0)

    def p_active_after(self, t: int, x: ArrayLike, t_x: ArrayLike, n: ArrayLike) -> NDArray:
        """Probability of taking at least one of the next ``t`` given the history."""
        return 1.0 - self.pmf_after(0, t, x, t_x, n)

    def simulate(self, n: ArrayLike, rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray]:
        """Histories drawn: x, t_x and n, each of the shape of ``n`` with the parameters'."""
        n = np.asarray(n, float)
        shape = np.broadcast_shapes(n.shape, *(np.shape(getattr(self, p)) for p in self.names()))
        p = rng.beta(self.alpha, self.beta, shape)
        theta = rng.beta(self.gamma, self.delta, shape)
        x, t_x, alive = np.zeros(shape), np.zeros(shape), np.ones(shape, bool)
        for t in range(1, int(n.max(initial=0.0)) + 1):
            alive &= rng.uniform(size=shape) >= theta
            takes = alive & (rng.uniform(size=shape) < p) & (t <= n)
            x += takes
            t_x = np.where(takes, float(t), t_x)
        return x, t_x, np.broadcast_to(n, shape)

    def predicted(self, history: Sequence[NDArray], rng: np.random.Generator) -> NDArray:
        """Opportunities taken of as many, (draws, n)."""
        return self.simulate(history[2], rng)[0]

    def resampled(self, cells: Columns, rng: np.random.Generator) -> Columns:
        """As many customers, with as many opportunities each."""
        *_, n, weight = cells
        x, t_x, n = self.simulate(np.repeat(n, weight.astype(int)), rng)
        return x, t_x, np.asarray(n), np.ones(x.size)

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Free parameters to start from: the observed share taken, and few or many who leave."""
        x, _, n, weight = cells
        share = min(max(float(weight @ x / max(weight @ n, 1.0)), 0.02), 0.9)
        return [
            np.log([p * s, (1 - p) * s, leave * s, (1 - leave) * s])
            for p, leave, s in ((min(1.2 * share, 0.9), 0.2, 2.0), (share, 0.05, 1.0),
                                (share, 0.4, 5.0))
        ]  # fmt: skip

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """The odds of taking and of leaving, and how alike customers are in each."""
        low, high = np.log(1e-5), np.log(1e6)
        return (
            Coordinate({"alpha": 1.0, "beta": -1.0}, -15.0, 15.0),
            Coordinate({"beta": 1.0}, low, high, "some take every opportunity, others none",
                       "all take opportunities with the same chance"),
            Coordinate({"gamma": 1.0, "delta": -1.0}, -15.0, 15.0, "nobody leaves",
                       settled=(-1,)),
            Coordinate({"delta": 1.0}, low, high, "customers leave at once or never",
                       "all leave with the same chance"),
        )  # fmt: skip

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors: each parameter within a factor of 20 of 1 (3 for delta) with 95%."""
        return {
            "alpha": LogNormalPrior(1.0, 1.5),
            "beta": LogNormalPrior(1.0, 1.5),
            "gamma": LogNormalPrior(1.0, 1.5),
            "delta": LogNormalPrior(3.0, 1.5),
        }

    @classmethod
    def checks(cls, cells: Columns) -> dict[str, float]:
        """``share_taken``: of all opportunities."""
        x, _, n, weight = cells
        return {"share_taken": float(weight @ x / max(weight @ n, 1.0))}
