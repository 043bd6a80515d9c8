"""Regular buyers: what BG/CNBD-k and MBG/CNBD-k have in common, which is nearly all."""

from dataclasses import replace
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, gammaln

from predclv.errors import OptionError
from predclv.maths.special import log_rising
from predclv.models.base import Columns, Coordinate, LogNormalPrior, Prior
from predclv.models.futures import Future, Remaining, Traits
from predclv.models.leaving import LeavingAtPurchases
from predclv.models.purchases import PurchaseModel
from predclv.models.regular_leaving import silence_terms, slopes_of_regular_leaving
from predclv.models.stages import Stage, Stages, stage_chances

MOST = 20
"""The largest k: at 20 the time between purchases varies by a fifth of its mean."""


class RegularModel(LeavingAtPurchases):
    """Customers who buy at each k-th event of a random stream, and leave after purchases.

    Attributes
    ----------
    chances_before : int
        Chances to leave before the first repeat purchase: 0 in BG/CNBD-k, 1 in MBG/CNBD-k.
    at_random : type
        The model of k = 1, whose customers buy at random.
    order : int or None
        The k that a class is bound to, None of one that leaves it open.
    """

    __slots__ = ()
    state = ("x", "t_x", "T")
    fixed = ("k",)
    at_random: ClassVar[type[PurchaseModel]]
    family: ClassVar[str]  # the title without k
    order: ClassVar[int | None] = None

    k: int

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Those of the model at random, with k events to a purchase."""
        faster = np.array([0.0, np.log(cls.order or 1), 0.0, 0.0])
        return [start - faster for start in cls.at_random.starts(cells)]

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """Those of the model at random."""
        rate, level, leaving, b = cls.at_random.coordinates(cells)
        at_lower = f"nobody leaves (a / b -> 0): purchases follow a CNBD-{cls.order or 'k'}"
        return rate, level, replace(leaving, at_lower=at_lower), b

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors, those of the model at random; alpha's for k events to a purchase.

        Parameters
        ----------
        unit : str
            alpha is a time: its prior is 30 days over k whatever the unit; the others have no unit.
        money : float
            Means nothing here.
        """
        priors = cls.at_random.priors(unit, money)
        alpha = priors["alpha"]
        assert isinstance(alpha, LogNormalPrior)
        return {**priors, "alpha": replace(alpha, median=alpha.median / (cls.order or 1))}

    @classmethod
    def of(cls, k: int) -> type[Self]:
        """The class of the models with this k, which is fitted like any other.

        Parameters
        ----------
        k : int
            From 1 (purchases at random) to 20.

        Raises
        ------
        OptionError
            If it is no such number.
        """
        if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= MOST:
            raise OptionError(f"k must be a whole number from 1 to {MOST}; got {k!r}.")
        open_class = cls if cls.order is None else cls.__mro__[1]
        return _bound(open_class, int(k))

    def __post_init__(self) -> None:
        own = type(self)
        bound = own.of(self.k)
        if own.order is not None and own is not bound:
            raise OptionError(f"{own.title} has k = {own.order}; got k = {self.k!r}.")
        PurchaseModel.__post_init__(self)
        if own is not bound:
            object.__setattr__(self, "__class__", bound)

    def __repr__(self) -> str:
        name = type(self).__name__.partition("-")[0]
        values = (f"{part}={getattr(self, part)!r}" for part in ("k", *self.names()))
        return f"{name}({', '.join(values)})"

    @property
    def stages(self) -> int:
        """How many stages a living customer may be in: k."""
        return self.k

    @property
    def after_first(self) -> Stage:
        """The future of a customer who is still there after the first purchase."""
        b = np.add(self.b, 1.0) if self.chances_before else self.b
        return Stage(self.k, 0, self.r, self.alpha, self.a, b)

    def _history(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike
    ) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
        """x, the shape R of the rate, share z of silence, log S, and log odds of having left."""
        x, t_x, T = (np.asarray(value, float) for value in (x, t_x, T))
        R, z = self.r + self.k * x, (T - t_x) / (self.alpha + T)
        R, z = np.broadcast_arrays(R, z)
        log_S = np.log(silence_terms(self.k, R, z)[0])
        chances = x + self.chances_before
        before = np.where(chances > 0, self.b + (chances - 1), 1.0)
        silent = R * np.log1p((T - t_x) / (self.alpha + t_x))
        excess = np.log(self.a) - np.log(before) + silent - log_S
        return x, R, z, log_S, np.where(chances > 0, excess, -np.inf)

    def log_likelihood(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, log_gaps: ArrayLike = 0.0
    ) -> NDArray:
        """Log-likelihood of each customer's history, shape (..., n).

        Parameters
        ----------
        x : array_like, shape (n,)
            Repeat purchases.
        t_x, T : array_like, shape (n,)
            Time of the last purchase (0 where x = 0) and of observation, from the first purchase.
        log_gaps : array_like, shape (n,)
            Sum of the logarithms of the times between consecutive purchases. It adds
            ``(k - 1) log_gaps``, which depends on no parameter: without it likelihoods are right
            but for a constant, and those of different k do not compare.
        """
        x, _, _, log_S, excess = self._history(x, t_x, T)
        chances, T = x + self.chances_before, np.asarray(T, float)
        here = (
            log_rising(self.r, self.k * x)
            - self.r * np.log1p(T / self.alpha)
            - self.k * x * np.log(self.alpha + T)
            - x * gammaln(self.k)
            + log_S
            + log_rising(self.b, chances)
            - log_rising(np.add(self.a, self.b), chances)
        )
        return here + np.logaddexp(0.0, excess) + (self.k - 1) * np.asarray(log_gaps, float)

    @classmethod
    def constant(cls, log_gaps: float) -> float:
        """What the gaps between purchases add to the log-likelihood of all customers.

        Parameters
        ----------
        log_gaps : float
            The sum of the logarithms of the times between consecutive purchases, of all customers.
        """
        return ((cls.order or 1) - 1) * log_gaps

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of still being a customer at ``T``, shape (..., n)."""
        return expit(-self._history(x, t_x, T)[-1])

    def stage_chances(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[NDArray, ...]:
        """Probability of being a customer in each of the k stages, each of shape (..., n)."""
        _, R, z, _, excess = self._history(x, t_x, T)
        alive = expit(-excess)
        return tuple(alive * chance for chance in stage_chances(self.k, R, z))

    def given_stage(self, stage: int, x: ArrayLike, T: ArrayLike) -> Stage:
        """The future of a customer in this stage at ``T``."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        return Stage(
            self.k,
            stage,
            self.r + self.k * x + stage,
            self.alpha + T,
            self.a,
            self.b + (x + self.chances_before),
        )

    def living(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Stages:
        """The future of a customer who is still one at ``T``, whatever the stage."""
        _, R, z, _, _ = self._history(x, t_x, T)
        each = [self.given_stage(stage, x, T) for stage in range(self.k)]
        return Stages(stage_chances(self.k, R, z), each)

    def future(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Future:
        """The future of customers with these histories, from ``T`` on, shape (..., n)."""
        return Remaining(self.p_alive(x, t_x, T), self.living(x, t_x, T))

    def traits(self, shape: tuple[int, ...], rng: np.random.Generator) -> Traits:
        """Customers drawn from the model: rate of events, and after which purchase they leave."""
        one = Stage(self.k, 0, self.r, self.alpha, self.a, self.b)
        drawn = one.traits(shape, rng)
        if self.chances_before:
            drawn.leaves_after[...] -= 1
        return drawn

    slopes = slopes_of_regular_leaving  # type: ignore[assignment]


@cache
def _bound(open_class: Any, k: int) -> Any:
    """The subclass for one k, made once: its instances differ in nothing but the class."""

    def __init__(self: Any, r: Any, alpha: Any, a: Any, b: Any, k: int = k) -> None:
        open_class.__init__(self, k, r, alpha, a, b)

    name = f"{open_class.__name__}-{k}"
    return type(
        name,
        (open_class,),
        {
            "__slots__": (),
            "__init__": __init__,
            "__module__": open_class.__module__,
            "__doc__": f"{open_class.__name__} with k = {k}.",
            "__match_args__": open_class.__match_args__[1:],
            "order": k,
            "title": f"{open_class.family}-{k}",
        },
    )


def bound_named(open_class: type[RegularModel], name: str) -> Any:
    """The class of a name such as ``MBGCNBD-2``, for those who look for it in its module.

    Raises
    ------
    AttributeError
        If there is none.
    """
    family, _, k = name.partition("-")
    if family != open_class.__name__ or not k.isdecimal() or not 1 <= int(k) <= MOST:
        raise AttributeError(f"module {open_class.__module__!r} has no attribute {name!r}")
    return open_class.of(int(k))
