"""The likelihood of a sample under a model: all that an engine sees."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.recall import Recall
from predclv.errors import OptionError, did_you_mean
from predclv.likelihoods.kernels import kernel_of
from predclv.models.base import Columns, Coordinate, Model, Objective, Prior, Space
from predclv.once import FieldsAlone, once

_FEWER = 40_000  # cells of a first search: their maximum lies within 1 or 2% of all cells'


@dataclass(frozen=True, eq=False)
class Likelihood(FieldsAlone):
    """Log-likelihood of customers under a model, as a function of free parameters; call it.

    Engines know nothing else of a model: where the parameters live (`space`), where to begin
    (`starts`), which way to go (`coordinates`), what to believe (`priors`), value and slope. So a
    likelihood with more in it - parameters of a clock that all customers share, beside those of the
    model - is one more class like this, and no engine changes.

    Attributes
    ----------
    model : type
        The model's class.
    columns : tuple of ndarray, each (n_cells,)
        The sample: distinct histories, and the customers with each as the last.
    unit : str
        Of the times in it; empty where there are none.
    compile_from : float
        Cells from which on the model's compiled form is used, if it has one.
    constant : float
        What the data add to the value whatever the parameters, such as regular buyers' gaps.

    Examples
    --------
    >>> import predclv as pc
    >>> histories = np.array([[0, 1, 3], [0, 5, 6], [8, 8, 8.0]])
    >>> cells = pc.Cells(*histories, np.array([5, 2, 1]), "week")
    >>> likelihood = Likelihood.of(pc.BGNBD, cells, "week")
    >>> value, slope = likelihood(np.zeros(4))
    >>> round(value, 3), slope.shape, likelihood.n_customers
    (-26.54, (4,), 8)
    """

    model: type[Model]
    columns: Columns
    unit: str
    compile_from: float
    constant: float = 0.0

    @classmethod
    def of(cls, model: type[Model], cells: Any, unit: str) -> Self:
        """Of cells that have the columns which the model wants."""
        columns = (*(getattr(cells, name) for name in model.columns), cells.weight.astype(float))
        return cls(model, columns, unit, model.compile_from)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return self.model.title

    @property
    def n_customers(self) -> int:
        """Customers it is a sum over."""
        return int(self.columns[-1].sum())

    @property
    def space(self) -> Space:
        """The free parameters, those of the model first."""
        return self.model.space()

    @property
    def size(self) -> int:
        """Parameters of the model alone."""
        return len(self.model.names())

    def __call__(self, free: NDArray) -> tuple[float, NDArray]:
        """Value, and slope in the free parameters, shape (k,)."""
        value, slope = self._function(free)
        return value + self.constant, slope

    @once
    def _function(self) -> Objective:
        if self.model.kernel and self.columns[-1].size >= self.compile_from:
            return kernel_of(self.model).of(self.columns)
        return self.model.objective(self.columns)

    def compiled(self) -> "Likelihood":
        """The same by the model's compiled form, if it has one, however few the cells are."""
        return replace(self, compile_from=0)

    def of_cells(self, rows: NDArray, first: bool) -> Self:
        """That of some of the cells; what stands apart from cells is in that of the first alone."""
        return replace(self, columns=tuple(column[rows] for column in self.columns))

    def laid_out(self) -> dict[str, NDArray]:
        """The sample as arrays by name, as the model's compiled form takes it."""
        return kernel_of(self.model).layout(self.columns)

    def at(self, free: NDArray) -> Model:
        """The model at free parameters (k,)."""
        return self.model.at(free[: self.size])

    def clock_at(self, free: NDArray) -> Steady | Calendar | None:
        """The clock that times are by, at free parameters (k,); None where there are no times."""
        return Steady(self.unit) if self.unit else None

    def recall_at(self, free: NDArray) -> Recall | None:
        """How histories are read, at free parameters (k,); None where they are as they stand."""
        return None

    def effects_at(self, free: NDArray) -> Any:
        """The effects of covariates at free parameters (k,); None where there are none."""
        return None

    def shrinkage(self, free: NDArray) -> tuple[float, NDArray]:
        """What holds parameters back even where there are no priors: value and slope (k,).

        The log density of `held`, without its constant.
        """
        places, centre, sigma = self._pull
        away = (free[places] - centre) / sigma
        slope = np.zeros(free.size)
        slope[places] = -away / sigma
        return float(-0.5 * (away @ away)), slope

    @once
    def _pull(self) -> tuple[NDArray, NDArray, NDArray]:
        """Which free parameters are held back, towards what, and how strongly."""
        held = self.held()
        places = [self.space.names.index(name) for name in held]
        normal = [(prior.centre, prior.sigma) for prior in held.values()]
        return np.array(places, np.int64), *np.array(normal, float).reshape(-1, 2).T

    def held(self) -> dict[str, Prior]:
        """Priors of parameters beside the model's own, which maximum likelihood heeds too.

        There may be as many of them as one likes, and they would fit the noise.
        """
        return {}

    def sampled(self, priors: Mapping[str, Any] | None = None) -> "Likelihood":
        """The form that a sampler moves in, with these priors of a user's own."""
        return self

    def reported(self, parameters: NDArray) -> NDArray:
        """Parameters (..., k) as they are reported, from those that were sampled."""
        return parameters

    def believed(self, parameters: NDArray) -> NDArray:
        """Draws (..., k) of what is believed beforehand, from draws of `priors` one by one."""
        return parameters

    def assert_by_customer(self) -> None:
        """Whether the likelihood of a customer follows from the cell; else FitError."""

    def starts(self) -> list[NDArray]:
        """Free parameters (k,) to start a search from, the most promising first."""
        return self.model.starts(self.columns)

    def coordinates(self) -> tuple[Coordinate, ...]:
        """The directions a search moves in, with their bounds and what lies there."""
        return self.model.coordinates(self.columns)

    def priors(self, own: Mapping[str, Any] | None = None) -> dict[str, Prior | Any]:
        """Priors by parameter name: the model's weak ones, with a user's own in their place.

        Raises
        ------
        OptionError
            If one is of a parameter that is not there, or of another kind than the parameter.
        """
        believed = self._believed()
        for name, prior in (own or {}).items():
            if name not in believed:
                raise OptionError(
                    f"{self.title} has no parameter {name!r} to put a prior on; it has "
                    f"{', '.join(believed)}.{did_you_mean(name, believed)}"
                )
            believed[name] = prior
        for name, scale in zip(self.space.names, self.space.scales, strict=True):
            prior = believed[name]
            if isinstance(prior, Prior) and prior.scale != scale:
                wanted = "LogNormalPrior(median" if scale == "log" else "NormalPrior(mean"
                raise OptionError(f"The prior of {name} must be a {wanted}, sigma); got {prior!r}.")
        return believed

    def _believed(self) -> dict[str, Prior | Any]:
        money = self.model.typical_amount(self.columns)
        return {**self.model.priors(self.unit, money), **self.held()}

    def thinned(self) -> "Likelihood | None":
        """That of fewer cells for a first search, where evaluations are many and dear; or None."""
        return None

    def fewer(self) -> tuple[NDArray | None, Columns]:
        """Some 40,000 cells where there are four times as many: which, and their columns.

        At equal steps of customers in the order of cells, so those of many are all in it. None, and
        all of them, where there are not so many.
        """
        *histories, weight = self.columns
        if weight.size < 4 * _FEWER:
            return None, self.columns
        step = weight.sum() / _FEWER
        times = np.diff(np.floor(np.cumsum(weight) / step), prepend=0.0)
        kept = times > 0
        return kept, (*(column[kept] for column in histories), times[kept] * step)

    def checks(self) -> dict[str, float]:
        """Numbers that tell whether the model's assumptions hold on the sample."""
        return self.model.checks(self.columns)

    def simulated(self, free: NDArray, rng: np.random.Generator) -> "Likelihood":
        """That of as many customers drawn from the model at free parameters (k,)."""
        return self.simulated_as(self.at(free), free, rng)

    def simulated_as(self, model: Any, free: NDArray, rng: np.random.Generator) -> "Likelihood":
        """The same of a model whose parameters are numbers, or one per customer.

        What is no parameter of the model, such as a clock, is as at ``free``.
        """
        return replace(self, columns=model.resampled(self.columns, rng))
