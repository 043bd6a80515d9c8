"""What every model is: named positive parameters, and formulas that broadcast over them.

Customers run along the last axis. A parameter may be a number, an array ``(n,)`` with one value
per customer, or an array ``(draws, 1)``; every answer then has the broadcast shape.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import count
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.errors import OptionError, PredclvWarning

Parameter = Any
"""A number, or an array that broadcasts with the customers."""

Columns = tuple[NDArray, ...]
"""What a likelihood is a sum over, as columns (n_cells,), the weight last: frequency, recency, T
and weight for a model of purchases; frequency, mean spend and weight for one of spend."""

Objective = Callable[[NDArray], tuple[float, NDArray]]
"""Log parameters (k,) to the weighted log-likelihood and its gradient in them (k,)."""


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

    def purchases(self, t: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray, NDArray]:
        """Purchases by ``t``, the window they fall in, and arrivals had nobody left in it."""
        window = np.minimum(t, self.leaves_at)
        arrivals = rng.poisson(self.rate * window)
        return np.minimum(arrivals, self.leaves_after), window, arrivals


@dataclass(frozen=True, slots=True)
class LogNormalPrior:
    """What is believed of a positive parameter beforehand: its log is normal.

    Half of the belief lies below ``median``; 95% between ``median / exp(2 sigma)`` and
    ``median * exp(2 sigma)``. Tails thin out towards zero and infinity alike, so a posterior stays
    proper where the likelihood is flat.
    """

    median: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One direction in which a fit searches: a linear combination of the log parameters.

    ``lower`` and ``upper`` bound it; ``at_lower`` and ``at_upper`` say in words which limit of the
    model lies there, or are empty where nothing sensible does.
    """

    weights: Mapping[str, float]
    lower: float
    upper: float
    at_lower: str = ""
    at_upper: str = ""


class Model:
    """Common ground of the models: parameters as dataclass fields, each positive and finite."""

    __slots__ = ()
    title: ClassVar[str]
    needs: ClassVar[str]  # "purchases" or "spend": which cells the likelihood is a sum over
    compile_from: ClassVar[float] = float("inf")  # cells from which compiling the likelihood pays

    def __post_init__(self) -> None:
        for name in self.names():
            value = np.asarray(getattr(self, name))
            if value.dtype.kind not in "fiu" or not np.all(np.isfinite(value) & (value > 0)):
                raise OptionError(
                    f"{type(self).__name__}: parameter {name} must be positive and finite; "
                    f"got {getattr(self, name)!r}."
                )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the parameters, in the paper's order."""
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type]

    @classmethod
    def from_log(cls, log_parameters: NDArray) -> Self:
        """The model at log parameters (k,)."""
        return cls(*(float(value) for value in np.exp(log_parameters)))

    # What an engine needs of a model; each model states these on its page.

    @classmethod
    def objective(cls, cells: Columns) -> Objective:
        """The log-likelihood of the cells and its gradient, as a function of log parameters."""
        raise NotImplementedError(f"{cls.__name__} has no likelihood")

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Log parameters (k,) to start a search from, the most promising first."""
        raise NotImplementedError(f"{cls.__name__} has no starting values")

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """The directions a search moves in, with their bounds and what lies there."""
        raise NotImplementedError(f"{cls.__name__} has no coordinates")

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, LogNormalPrior]:
        """Weak priors by parameter, for times in ``unit`` and spend of the size of ``money``."""
        raise NotImplementedError(f"{cls.__name__} has no priors")

    @classmethod
    def checks(cls, cells: Columns) -> dict[str, float]:
        """Numbers that tell whether the model's assumptions hold on the cells."""
        return {}

    def doubts(self, checks: Mapping[str, float], n_customers: int) -> list[PredclvWarning]:
        """What to warn about in a fit with these checks on so many customers."""
        return []


class PurchaseModel(Model):
    """A model of how often customers buy and when they leave.

    A page states ``log_likelihood``, ``p_alive``, ``given_alive`` (closure: the model of a customer
    known to be alive), and for a new customer ``expected_purchases``, ``discounted_purchases``,
    ``p_active``, ``pmf`` and ``simulate``. What follows from closure is written here, once.
    """

    __slots__ = ()
    needs = "purchases"

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of still being a customer at ``T``."""
        raise NotImplementedError

    def given_alive(self, x: ArrayLike, T: ArrayLike) -> "PurchaseModel":
        """The model of the future of a customer alive at ``T``; it may be of another class."""
        raise NotImplementedError

    def expected_purchases(self, t: ArrayLike) -> NDArray:
        """Expected purchases of a new customer by ``t``."""
        raise NotImplementedError

    def discounted_purchases(self, t: ArrayLike, delta: ArrayLike) -> NDArray:
        """Expected purchases of a new customer by ``t``, one at s worth ``exp(-delta s)``."""
        raise NotImplementedError

    def p_active(self, t: ArrayLike) -> NDArray:
        """Probability of at least one purchase by ``t`` of a new customer."""
        raise NotImplementedError

    def pmf(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of exactly ``n`` purchases by ``t`` of a new customer."""
        raise NotImplementedError

    def p_at_least(self, n: ArrayLike, t: ArrayLike) -> NDArray:
        """Probability of ``n`` or more purchases by ``t`` of a new customer; n >= 1."""
        raise NotImplementedError

    def p_at_least_each(self, t: ArrayLike) -> Iterator[NDArray]:
        """``p_at_least(n, t)`` for n = 1, 2, 3, ... without end, to an absolute error of 1e-12.

        A page may give a recurrence, which is many times cheaper than one call per n.
        """
        for n in count(1):
            yield self.p_at_least(n, t)

    def traits(self, shape: tuple[int, ...], rng: np.random.Generator) -> "Traits":
        """Customers drawn from the model, by what they themselves do not know: rate and end."""
        raise NotImplementedError

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
        parameters = [np.shape(getattr(self, name)) for name in self.names()]
        T = np.broadcast_to(np.asarray(T, float), np.broadcast_shapes(np.shape(T), *parameters))
        x, window, arrivals = self.traits(T.shape, rng).purchases(T, rng)
        # The x-th of the arrivals, uniform on the window, is a Beta variable.
        repeat = x > 0
        last = rng.beta(np.where(repeat, x, 1), np.where(repeat, arrivals - x, 0) + 1)
        return x, np.where(repeat, last * window, 0.0)

    def expected_purchases_after(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> NDArray:
        """Expected purchases in (T, T + t] given the history, shape (..., n).

        Zero class included: a customer with x = 0 has t_x = 0. ``t`` in the unit of ``T``.
        Conditional expected transactions (CET) in the papers.
        """
        return self.p_alive(x, t_x, T) * self.given_alive(x, T).expected_purchases(t)

    def discounted_purchases_after(
        self, t: ArrayLike, delta: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> NDArray:
        """Expected purchases in (T, T + t] given the history, one at T + s worth ``exp(-delta s)``.

        ``t`` may be infinite: discounted expected residual transactions (DERT). ``delta`` is the
        continuous rate per unit of time; with delta = 0 and t infinite the answer can be inf.
        """
        alive = self.p_alive(x, t_x, T)
        return alive * self.given_alive(x, T).discounted_purchases(t, delta)

    def p_active_after(self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of at least one purchase in (T, T + t] given the history.

        Not ``p_alive``: a living customer may well buy nothing within ``t``.
        """
        return self.p_alive(x, t_x, T) * self.given_alive(x, T).p_active(t)

    def pmf_after(
        self, n: ArrayLike, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> NDArray:
        """Probability of exactly ``n`` purchases in (T, T + t] given the history.

        ``n`` broadcasts with the customers; for a table pass ``n[:, None]``, shape (k, 1).
        """
        alive = self.p_alive(x, t_x, T)
        gone = np.where(np.asarray(n) == 0, 1.0 - alive, 0.0)
        return gone + alive * self.given_alive(x, T).pmf(n, t)


class SpendModel(Model):
    """A model of what customers spend per purchase, independent of how often they buy."""

    __slots__ = ()
    needs = "spend"

    def expected_spend(self, x: ArrayLike, mean: ArrayLike) -> NDArray:
        """Expected spend of a future purchase given ``x`` purchases of the given mean."""
        raise NotImplementedError

    def given(self, x: ArrayLike, mean: ArrayLike) -> Self:
        """The model of the future spend of a customer with ``x`` purchases of the given mean."""
        raise NotImplementedError

    def p_total_above(self, z: ArrayLike, n: ArrayLike) -> NDArray:
        """Probability that ``n`` purchases of a new customer sum to more than ``z``; n > 0."""
        raise NotImplementedError

    @property
    def scale(self) -> Parameter:
        """The parameter that is an amount: spend ``c`` times as high scales it by ``c``.

        Future spend given ``x`` purchases of some mean scales with ``scale + x mean``.
        """
        raise NotImplementedError

    def log_total(self, n: ArrayLike) -> tuple[NDArray, NDArray]:
        """Mean and standard deviation of the log of what ``n`` purchases sum to; n > 0."""
        raise NotImplementedError

    def simulate(self, n: NDArray, rng: np.random.Generator) -> NDArray:
        """Spend of each of the purchases of customers who make ``n``, shape (n.sum(),)."""
        raise NotImplementedError


class Levels:
    """An array as its distinct values and where each stands: functions are taken once a value.

    Cheapest where the array is sorted, as the frequencies of cells are.
    """

    __slots__ = ("codes", "lengths", "starts", "values")

    def __init__(self, array: NDArray) -> None:
        self.values, self.codes = np.unique(array, return_inverse=True)
        self.starts = self.lengths = None
        if self.codes.size and np.all(self.codes[1:] >= self.codes[:-1]):
            self.starts = np.searchsorted(self.codes, np.arange(self.values.size))
            self.lengths = np.diff(self.starts, append=self.codes.size)

    def spread(self, per_value: NDArray) -> NDArray:
        """One number per distinct value, laid out along the array."""
        if self.lengths is not None:
            return np.repeat(per_value, self.lengths)
        return per_value[self.codes]

    def collect(self, weights: NDArray) -> NDArray:
        """Weights summed per distinct value."""
        if self.starts is not None:
            return np.add.reduceat(weights, self.starts)
        return np.bincount(self.codes, weights=weights, minlength=self.values.size)
