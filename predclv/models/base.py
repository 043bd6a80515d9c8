"""What every model is: named parameters, and formulas that broadcast over them.

Customers run along the last axis. A parameter may be a number, an array ``(n,)`` with one value
per customer, or an array ``(draws, 1)``; every answer then has the broadcast shape.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, partial
from math import log
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from predclv.errors import OptionError, PredclvWarning
from predclv.maths.differences import central_slope
from predclv.maths.levels import Levels

Parameter = Any
"""A number, or an array that broadcasts with the customers."""

Columns = tuple[NDArray, ...]
"""What a likelihood is a sum over, as columns (n_cells,), the weight last: frequency, recency, T
and weight for a model of purchases; frequency, mean spend and weight for one of spend."""

Objective = Callable[[NDArray], tuple[float, NDArray]]
"""Free parameters (k,) to the weighted log-likelihood and its slope in them (k,)."""

Scale = Literal["log", "identity"]

Targets = Mapping[str, Mapping[str, float]]
"""What covariates may act on, such as rate: how much the log of each parameter moves with it."""

_STEP = 0.02  # of differences in a free parameter: 4e-13 of the seventh derivative is left out


@dataclass(frozen=True, slots=True)
class Space:
    """The free parameters of a model: their names, and the scale on which each is free.

    A search, a sampler and a normal approximation need numbers that may be anything. A positive
    parameter is free as its logarithm, one that may be any number is free as it is. Everything that
    is said of "free parameters" elsewhere - starts, covariances, draws, priors - is in these.

    Attributes
    ----------
    names : tuple of str
        In the order of every array of parameters, whose last axis they run along.
    scales : tuple of {"log", "identity"}

    Examples
    --------
    >>> space = Space(("rate", "trend"), ("log", "identity"))
    >>> space.parameters_at(np.array([0.0, -2.0])).tolist()
    [1.0, -2.0]
    """

    names: tuple[str, ...]
    scales: tuple[Scale, ...]

    @property
    def is_log(self) -> NDArray:
        """Which parameters are positive, and free as their logarithm, shape (k,)."""
        return np.array([scale == "log" for scale in self.scales])

    def and_more(self, other: "Space") -> "Space":
        """These parameters, and others behind them."""
        return Space((*self.names, *other.names), (*self.scales, *other.scales))

    def and_numbers(self, names: tuple[str, ...]) -> "Space":
        """These parameters, and behind them some that may be any number."""
        return self.and_more(Space(names, tuple("identity" for _ in names)))

    def holds(self, parameters: NDArray) -> bool:
        """Whether parameters (..., k) are finite, and positive where they must be."""
        return bool(np.all(np.isfinite(parameters) & (~self.is_log | (parameters > 0))))

    def parameters_at(self, free: NDArray) -> NDArray:
        """Parameters at free ones, shape (..., k)."""
        if "identity" not in self.scales:
            return np.exp(free)
        return np.where(self.is_log, np.exp(np.where(self.is_log, free, 0.0)), free)

    def free_at(self, parameters: NDArray) -> NDArray:
        """Free parameters at parameters, shape (..., k); the inverse."""
        if "identity" not in self.scales:
            return np.log(parameters)
        return np.where(self.is_log, np.log(np.where(self.is_log, parameters, 1.0)), parameters)

    def slope_at(self, parameters: NDArray) -> NDArray:
        """Derivative of each parameter in its free one, shape (..., k)."""
        if "identity" not in self.scales:
            return parameters
        return np.where(self.is_log, parameters, 1.0)

    def moved(self, parameters: NDArray, by: NDArray) -> NDArray:
        """Parameters whose free ones lie ``by`` further, shape (..., k)."""
        if "identity" not in self.scales:
            return parameters * np.exp(by)
        factor = np.exp(np.where(self.is_log, by, 0.0))
        return np.where(self.is_log, parameters * factor, parameters + by)


@dataclass(frozen=True, slots=True)
class LogNormalPrior:
    """What is believed of a positive parameter beforehand: its log is normal.

    Half of the belief lies below ``median``; 95% between ``median / exp(2 sigma)`` and
    ``median * exp(2 sigma)``. Tails thin out towards zero and infinity alike, so a posterior stays
    proper where the likelihood is flat.
    """

    median: float
    sigma: float
    scale: ClassVar[Scale] = "log"

    @property
    def centre(self) -> float:
        """Mean of the free parameter, whose standard deviation is ``sigma``."""
        return log(self.median)

    def draws(self, n: int, rng: np.random.Generator) -> NDArray:
        """Draws of the parameter, shape (n,)."""
        return rng.lognormal(self.centre, self.sigma, n)


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """What is believed beforehand of a parameter that may be any number: it is normal."""

    mean: float
    sigma: float
    scale: ClassVar[Scale] = "identity"

    @property
    def centre(self) -> float:
        """Mean of the free parameter, which is the parameter itself."""
        return self.mean

    def draws(self, n: int, rng: np.random.Generator) -> NDArray:
        """Draws of the parameter, shape (n,)."""
        return rng.normal(self.mean, self.sigma, n)


Prior = LogNormalPrior | NormalPrior
"""A belief that is normal in the free parameter: mean ``centre``, standard deviation ``sigma``."""


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One direction in which a fit searches: a linear combination of the free parameters.

    ``lower`` and ``upper`` bound it; ``at_lower`` and ``at_upper`` say in words which limit of the
    model lies there, or are empty where nothing sensible does. At the sides in ``settled`` (-1, 1)
    nothing is left to say of its parameters: where nobody leaves, nobody differs in it either.
    """

    weights: Mapping[str, float]
    lower: float
    upper: float
    at_lower: str = ""
    at_upper: str = ""
    settled: tuple[int, ...] = ()


class Slopes(NamedTuple):
    """A weighted log-likelihood and how it changes.

    Attributes
    ----------
    value : float
        Sum over cells of weight times log-likelihood.
    by_parameter : ndarray, shape (k,)
        Its slope in each parameter (not in the free one).
    by_t_x, by_T : ndarray, shape (n,), or None
        Its slope in the two times of each cell, the weight included; None where not asked for, or
        where the model has no times.
    """

    value: float
    by_parameter: NDArray
    by_t_x: NDArray | None = None
    by_T: NDArray | None = None


class Model:
    """Common ground of the models: parameters as dataclass fields, positive unless said otherwise.

    A model works as soon as its page states ``log_likelihood``. What else a fit needs has a slower
    or vaguer default here: slopes by differences, a search along each parameter, wide priors.
    """

    __slots__ = ()
    title: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]  # the cells' columns that the likelihood takes
    scales: ClassVar[Mapping[str, Scale]] = {}  # of the parameters that are not on the log scale
    fixed: ClassVar[tuple[str, ...]] = ()  # fields that are given rather than fitted
    targets: ClassVar[Targets] = {}
    kernel: ClassVar[str] = ""  # module with the compiled likelihood, imported for many cells
    compile_from: ClassVar[float] = float("inf")  # cells from which compiling the likelihood pays

    def __init_subclass__(cls, **options: Any) -> None:
        """Slopes and kernels are of one likelihood: a class that states another has neither."""
        super().__init_subclass__(**options)
        if "log_likelihood" in cls.__dict__:
            if "slopes" not in cls.__dict__:
                cls.slopes = Model.slopes  # type: ignore[method-assign]
            if "kernel" not in cls.__dict__:
                cls.kernel = ""

    def __post_init__(self) -> None:
        space = self.space()
        for name, scale in zip(space.names, space.scales, strict=True):
            given = getattr(self, name)
            if type(given) is float and 0.0 < given < np.inf:
                continue
            value = np.asarray(given)
            lowest = 0.0 if scale == "log" else -np.inf
            if value.dtype.kind not in "fiu" or not np.all(np.isfinite(value) & (value > lowest)):
                raise OptionError(
                    f"{type(self).__name__}: parameter {name} must be "
                    f"{'positive and ' if scale == 'log' else ''}finite; got {given!r}."
                )

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the free parameters, in the paper's order."""
        return tuple(part.name for part in fields(cls) if part.name not in cls.fixed)  # type: ignore[arg-type]

    @classmethod
    @cache
    def space(cls) -> Space:
        """The free parameters."""
        names = cls.names()
        return Space(names, tuple(cls.scales.get(name, "log") for name in names))

    @classmethod
    def at(cls, free: NDArray) -> Self:
        """The model at free parameters (k,)."""
        return cls(*cls.space().parameters_at(free).tolist())

    # What a fit needs of a model; each model states its own on its page.

    def log_likelihood(self, *columns: Any) -> NDArray:
        """Log-likelihood of each cell's one customer, given the columns but the weight."""
        raise NotImplementedError(f"{type(self).__name__} has no likelihood")

    def slopes(self, *columns: Any, in_time: bool = True) -> Slopes:
        """The weighted log-likelihood of cells and its slopes, by differences of it.

        A page with formulas in their place is about fifty times as fast. Differences are right to
        about 1e-10 of the value; see :mod:`predclv.maths.differences`.

        Parameters
        ----------
        *columns : array_like, shape (n,)
            What the likelihood takes, and the weight.
        in_time : bool
            Whether the slopes in the two times are wanted too.
        """
        *history, weight = (np.asarray(column, float) for column in columns)
        space, parameters = self.space(), np.array([getattr(self, name) for name in self.names()])

        def value_at(i: int, step: float) -> float:
            moved = parameters.copy()
            moved[i] = space.moved(parameters, np.full(parameters.size, step))[i]
            return float(weight @ type(self)(*moved.tolist()).log_likelihood(*history))

        by_free = [central_slope(partial(value_at, i), _STEP) for i in range(parameters.size)]
        by_time = self._slopes_in_time(history, weight) if in_time else (None, None)
        value = float(weight @ self.log_likelihood(*history))
        return Slopes(value, np.array(by_free) / space.slope_at(parameters), *by_time)

    def _slopes_in_time(
        self, history: Sequence[NDArray], weight: NDArray
    ) -> tuple[NDArray | None, NDArray | None]:
        return None, None

    @classmethod
    def objective(cls, cells: Columns) -> Objective:
        """The log-likelihood of the cells and its slope, as a function of free parameters."""
        space = cls.space()
        *history, weight = cells
        columns = (*map(Levels, history), weight)

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            parameters = space.parameters_at(free)
            if not space.holds(parameters):
                return np.nan, np.full(parameters.size, np.nan)
            found = cls(*parameters.tolist()).slopes(*columns, in_time=False)
            return found.value, found.by_parameter * space.slope_at(parameters)

        return value_and_slope

    @classmethod
    def starts(cls, cells: Columns) -> list[NDArray]:
        """Free parameters (k,) to start a search from, the most promising first.

        By default those of 1 for what is positive and of 0 for what may be any number, and some to
        either side.
        """
        return [np.full(len(cls.names()), at) for at in (0.0, 1.0, -1.0)]

    @classmethod
    def coordinates(cls, cells: Columns) -> tuple[Coordinate, ...]:
        """The directions a search moves in, with their bounds and what lies there.

        By default each free parameter by itself, 25 e-folds or a million either way.
        """
        space = cls.space()
        reach = {"log": 25.0, "identity": 1e6}
        return tuple(
            Coordinate({name: 1.0}, -reach[scale], reach[scale])
            for name, scale in zip(space.names, space.scales, strict=True)
        )

    @classmethod
    def priors(cls, unit: str, money: float = 1.0) -> dict[str, Prior]:
        """Weak priors by parameter, for times in ``unit`` and spend of the size of ``money``.

        By default hardly any belief at all: a positive parameter between 1/400 and 400, one that
        may be any number between -6 and 6, with 95%. Mind the unit, and state better ones.
        """
        space = cls.space()
        default: dict[Scale, Prior] = {"log": LogNormalPrior(1, 3), "identity": NormalPrior(0, 3)}
        return {n: default[scale] for n, scale in zip(space.names, space.scales, strict=True)}

    @classmethod
    def typical_amount(cls, cells: Columns) -> float:
        """The size of money in the cells, for priors; 1 where there is none."""
        return 1.0

    @classmethod
    def checks(cls, cells: Columns) -> dict[str, float]:
        """Numbers that tell whether the model's assumptions hold on the cells."""
        return {}

    def doubts(self, checks: Mapping[str, float], n_customers: int) -> list[PredclvWarning]:
        """What to warn about in a fit with these checks on so many customers."""
        return []

    def predicted(self, history: Sequence[NDArray], rng: np.random.Generator) -> NDArray:
        """The first of the columns drawn anew, for customers observed as long, (draws, n)."""
        raise NotImplementedError(f"{type(self).__name__} predicts no histories")

    def resampled(self, cells: Columns, rng: np.random.Generator) -> Columns:
        """Other customers like those of the cells, drawn from the model, each with weight 1."""
        raise NotImplementedError(f"{type(self).__name__} draws no customers")
