"""Models of who renews: survival from one renewal to the next, and all that follows from it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.maths.series import discounted_sum
from predclv.models.base import Columns, Model, Objective, Slopes, Targets

LEAVING_AT_RENEWALS: Targets = {"leaving": {"alpha": 0.5, "beta": -0.5}}
"""A covariate of leaving multiplies the odds ``alpha / beta`` of leaving at the first renewal.

How much subscribers differ, ``alpha beta``, stays; ``alpha`` and ``beta`` are targets by name too.
"""


class RetentionModel(Model):
    """A model of contracts: customers can leave only when a contract comes up for renewal.

    Ages are numbers of renewals: a new subscriber has age 0, has paid for the first period and
    comes up for the first renewal at its end. A page states `log_survival`; the rest follows.
    Ages run along the last axis, draws of parameters before it.
    """

    __slots__ = ()
    columns = ("renewals", "ended")

    def log_survival(self, t: ArrayLike) -> NDArray:
        """Log of the probability that a new subscriber makes ``t`` renewals or more."""
        raise NotImplementedError

    def log_retention(self, t: ArrayLike) -> NDArray:
        """Log of the probability of making renewal ``t`` (1, 2, ...) once one comes up to it."""
        t = np.asarray(t, float)
        return self.log_survival(t) - self.log_survival(t - 1.0)

    def log_churn(self, t: ArrayLike) -> NDArray:
        """Log of the probability of leaving at renewal ``t`` once one comes up to it."""
        return np.log(-np.expm1(self.log_retention(t)))

    def survival(self, t: ArrayLike) -> NDArray:
        """Probability that a new subscriber makes ``t`` renewals or more, S(t), shape (..., n)."""
        return np.exp(self.log_survival(t))

    def retention(self, t: ArrayLike) -> NDArray:
        """Share of those who come up for renewal ``t`` (1, 2, ...) who make it, S(t) / S(t-1)."""
        return np.exp(self.log_retention(t))

    def survival_after(self, t: ArrayLike, renewals: ArrayLike) -> NDArray:
        """Probability of ``t`` renewals more for one with ``renewals`` behind: S(m+t) / S(m).

        Not S(m+t), which is the share of *new* subscribers who get so far: those who have renewed
        m times are the ones who stay.
        """
        m = np.asarray(renewals, float)
        return np.exp(self.log_survival(m + np.asarray(t, float)) - self.log_survival(m))

    def discounted_renewals(
        self, renewals: ArrayLike, discount: float, within: float = np.inf
    ) -> NDArray:
        r"""Expected further renewals of one with ``renewals`` behind, discounted.

        .. math:: \sum_{k=1}^{within} \frac{S(m + k)}{S(m)} (1 + d)^{-k}

        The next renewal is one period away and worth ``1 / (1 + d)``.

        Parameters
        ----------
        renewals : array_like, shape (n,)
            Renewals made so far, m.
        discount : float
            Rate d per *period*.
        within : float
            Renewals that are counted; inf for all there will ever be. Infinite where d is 0 and the
            expected lifetime is.
        """
        m = np.asarray(renewals, float)
        shape = np.broadcast_shapes(m.shape, np.shape(self.log_survival(m)))
        base = self.log_survival(m)

        def term(k: NDArray) -> NDArray:
            """Shape (..., n, points)."""
            ages = m[..., None] + k
            return np.exp(_at(self, ages) - base[..., None] - np.log1p(discount) * k)

        return discounted_sum(term, within, np.log1p(discount), self.tail_power()).reshape(shape)

    def tail_power(self) -> float:
        """Power p by which S(t) falls like t^-p in the end: the lifetime is finite if p > 1."""
        raise NotImplementedError

    def expected_lifetime(self, discount: float = 0.0, within: float = np.inf) -> NDArray:
        """Discounted expected lifetime (DEL) of a new subscriber in periods, the first included.

        The first payment is made now and counts 1, the k-th renewal ``S(k) / (1 + d)^k``. Shape ()
        or (draws,).
        """
        found = 1.0 + self.discounted_renewals(np.zeros(1), discount, within)
        return found[..., 0]

    def residual_lifetime(self, renewals: ArrayLike, discount: float) -> NDArray:
        """Discounted expected residual lifetime (DERL) just before a renewal.

        Of one with ``renewals`` behind who comes up for the next one now, which counts undiscounted
        if it is made. Fader & Hardie (2010), eq. 6; ``DEL = 1 + DERL(0) / (1 + d)``.
        """
        return (1.0 + discount) * self.discounted_renewals(renewals, discount)

    def log_likelihood(self, renewals: ArrayLike, ended: ArrayLike) -> NDArray:
        """Log-likelihood of a contract.

        Parameters
        ----------
        renewals : array_like, shape (n,)
            Renewals that were made.
        ended : array_like of 0 or 1, shape (n,)
            1: the next renewal was not made; 0: it has not come up yet.
        """
        m = np.asarray(renewals, float)
        lost = np.asarray(ended, float) > 0
        return self.log_survival(m) + np.where(lost, self.log_churn(m + 1.0), 0.0)

    @classmethod
    def by_age(cls, parameters: NDArray, renewed: NDArray, lost: NDArray) -> tuple[float, NDArray]:
        """Log-likelihood and its slopes (k,) of those who renewed and left at each age.

        Parameters
        ----------
        parameters : ndarray, shape (k,)
        renewed, lost : ndarray, shape (ages,)
            Of those who came up for renewal 1, 2, ..., who made it and who did not.
        """
        raise NotImplementedError

    def slopes(self, *columns: Any, in_time: bool = True) -> Slopes:
        """The weighted log-likelihood of contracts and its slopes in the parameters."""
        if not self._states_by_age():
            return Model.slopes(self, *columns, in_time=in_time)
        parameters = np.array([float(getattr(self, name)) for name in self.names()])
        return Slopes(*self.by_age(parameters, *ages_of(columns)))

    @classmethod
    def objective(cls, cells: Columns) -> Objective:
        """The log-likelihood and its slope: a sum over ages, however many contracts there are."""
        if not cls._states_by_age():
            return super().objective(cells)
        renewed, lost = ages_of(cells)

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            parameters = np.exp(np.minimum(free, 700.0))
            if not np.all(np.isfinite(parameters) & (parameters > 0)):
                return np.nan, np.full(parameters.size, np.nan)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                value, slope = cls.by_age(parameters, renewed, lost)  # far off, t**c overflows
            return value, slope * parameters

        return value_and_slope

    @classmethod
    def _states_by_age(cls) -> bool:
        """Whether the page has `by_age`, and its parameters are all positive."""
        return cls.by_age.__func__ is not RetentionModel.by_age.__func__ and not cls.scales  # type: ignore[attr-defined]

    def simulate(self, at_most: ArrayLike, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """Contracts drawn: renewals made of ``at_most`` that come up, and whether each ended.

        Returns
        -------
        renewals : ndarray, shape (n,)
        ended : ndarray of 0 or 1, shape (n,)
        """
        most = np.asarray(at_most, float)
        if any(np.ndim(getattr(self, name)) for name in self.names()):
            return self._simulated_each(most, rng)
        log_u = np.log(rng.uniform(size=most.shape))
        ages = np.arange(1.0, most.max(initial=0.0) + 1.0)
        curve = self.log_survival(ages)
        made = np.searchsorted(-curve, -log_u, side="left").astype(float)
        renewals = np.minimum(made, most)
        return renewals, (made < most).astype(float)

    def _simulated_each(self, most: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """The same with parameters of (draws, 1) or one per contract: age by age."""
        shapes = (np.shape(getattr(self, name)) for name in self.names())
        shape = np.broadcast_shapes(most.shape, *shapes)
        made, alive = np.zeros(shape), np.ones(shape, bool)
        for t in range(1, int(most.max(initial=0.0)) + 1):
            alive = alive & (t <= most) & (rng.uniform(size=shape) < self.retention(float(t)))
            made += alive
        return made, (made < most).astype(float)

    def predicted(self, history: Sequence[NDArray], rng: np.random.Generator) -> NDArray:
        """Renewals made of as many as came up, (draws, n)."""
        renewals, ended = history
        return self.simulate(renewals + ended, rng)[0]

    def resampled(self, cells: Columns, rng: np.random.Generator) -> Columns:
        """As many contracts, each observed as long as those of the cells may have been.

        One that ended would have come up for as many renewals as the rest of its cell's length
        tells: what is not known, so lengths are drawn from the longest observed for each.
        """
        renewals, ended, weight = cells
        n = weight.astype(int)
        censored = ended == 0
        # One still there has come up for just its renewals; one that left, for at least one more:
        # its window is drawn among those of the censored that are longer, or is its own end.
        windows = np.repeat(renewals[censored], n[censored])
        parts = [windows]
        for m, w in zip(renewals[~censored], n[~censored], strict=True):
            longer = windows[windows > m]
            parts.append(rng.choice(longer, w) if longer.size else np.full(w, m + 1.0))
        at_most = np.concatenate(parts)
        made, lost = self.simulate(at_most, rng)
        return made, lost, np.ones(made.size)

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Free parameters to start from: the mean churn, with customers more or less alike."""
        if cls.names()[:2] != ("alpha", "beta"):
            return super().starts(cells)
        churn = mean_churn(cells)
        return [
            cls._start(churn, strength) for strength in (3.0, 0.5, 30.0)
        ]  # fmt: skip

    @classmethod
    def _start(cls, churn: float, strength: float) -> NDArray:
        return np.log([churn * strength, (1 - churn) * strength])

    @classmethod
    def checks(cls, cells: Columns) -> dict[str, float]:
        """``mean_churn``: contracts that ended per renewal that came up."""
        return {"mean_churn": mean_churn(cells)}


def ages_of(cells: Columns) -> tuple[NDArray, NDArray]:
    """How many made, and did not make, renewal 1, 2, ... of those who came up for it."""
    renewals, ended, weight = (np.asarray(column, float) for column in cells)
    length = int((renewals + ended).max(initial=0.0))
    made = np.bincount(renewals.astype(int), weight, minlength=length + 1)
    lost = np.bincount(renewals.astype(int), weight * ended, minlength=length + 1)
    return made[::-1].cumsum()[::-1][1 : length + 1], lost[:length]


def mean_churn(cells: Columns) -> float:
    """Contracts that ended, per renewal that came up."""
    renewals, ended, weight = cells
    lost = float(weight @ ended)
    came_up = float(weight @ (renewals + ended))
    return min(max(lost / came_up, 1e-6), 1 - 1e-6) if came_up else 0.5


def _at(model: RetentionModel, ages: NDArray) -> NDArray:
    """Log survival at ages (..., n, points), of parameters that are numbers or (draws, 1)."""
    names = model.names()
    shapes = [np.ndim(getattr(model, name)) for name in names]
    if not any(shapes):
        return model.log_survival(ages)
    wider = type(model)(*(np.asarray(getattr(model, name))[..., None] for name in names))
    return wider.log_survival(ages)
