"""The likelihood of a model whose parameters depend on what is known of customers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.clocks.base import Steady
from predclv.clocks.calendar import Calendar
from predclv.clocks.recall import Recall
from predclv.errors import DataError, FitError
from predclv.likelihoods.effects import Effects
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.base import Coordinate, Model, NormalPrior, Objective, Prior, Space
from predclv.once import once
from predclv.samples.cells import Cells
from predclv.samples.path_exposures import customers_by_pattern
from predclv.samples.patterns import Patterns

_FARTHEST = 30.0  # a covariate that multiplies by exp(30) between its ends is none
_COMPILED_FROM = 24  # patterns from which the compiled form pays for few cells too
_WEAK = 1.0  # prior standard deviation of an effect: a factor from 1/7 to 7, with 95%


@dataclass(frozen=True, eq=False, kw_only=True)
class CovariateLikelihood(Likelihood):
    r"""Log-likelihood of customers in patterns, each with parameters of its own.

    .. math:: \sum_z L_z(\theta + S \, diag(D_z) \, \gamma)

    with the log-likelihood :math:`L_z` of the customers of pattern z, the free parameters
    :math:`\theta` of the model, the effects :math:`\gamma` of the columns :math:`D_z` of the
    pattern, and S, which says what they act on. So any model will do, on a clock or not, whose
    likelihood is written; slopes in the effects follow from those in the parameters.

    Attributes
    ----------
    base : Likelihood
        Of all customers, as if nothing were known of them.
    pattern : ndarray of int, shape (n_cells,)
        Of each of its cells.
    patterns : Patterns
    effects : Effects
        At which a search starts.
    """

    base: Likelihood
    pattern: NDArray
    patterns: Patterns
    effects: Effects

    @classmethod
    def on(
        cls, base: Likelihood, covariates: Mapping[Any, Any], cells: Any
    ) -> "CovariateLikelihood":
        """A likelihood of cells, with effects of their covariates.

        Raises
        ------
        OptionError, DataError
            As of `Effects.asked`.
        """
        patterns: Patterns | None = cells.patterns
        if patterns is None:
            made_by = getattr(
                cells, "covariates_by", "pc.rfm_summary(log, static_covariates=table)"
            )
            raise DataError(
                f"These customers have no covariates. Bring a table of them with the log: "
                f"{made_by}."
            )
        pattern = np.asarray(cells.extra["pattern"], np.int64)
        weight = (
            customers_by_pattern(cells)
            if isinstance(cells, Cells)
            else np.bincount(pattern, cells.weight, len(patterns))
        )
        effects = Effects.asked(covariates, base.model, patterns, weight)
        return cls.of_patterns(base, pattern, patterns, effects)

    @classmethod
    def of_patterns(
        cls, base: Likelihood, pattern: NDArray, patterns: Patterns, effects: Effects
    ) -> "CovariateLikelihood":
        """The same of customers whose patterns are known, and what is asked of them."""
        own = {name: getattr(base, name) for name in Likelihood.__dataclass_fields__}
        return cls(**own, base=base, pattern=pattern, patterns=patterns, effects=effects)

    @property
    def title(self) -> str:
        """What it is called in messages."""
        return f"{self.base.title} with covariates"

    @once
    def space(self) -> Space:
        """The free parameters of the model and its clock, then the effects of covariates."""
        return self.base.space.and_numbers(self.effects.names)

    @property
    def size(self) -> int:
        """Free parameters without the effects."""
        return len(self.base.space.names)

    @once
    def matrix(self) -> NDArray:
        """The different columns that customers have, shape (m, k)."""
        return self._groups[0]

    @once
    def _groups(self) -> tuple[NDArray, NDArray]:
        """Different columns, and which of them each cell has: what no effect tells apart is one."""
        columns = self.effects.matrix(self.patterns)
        rows, of_pattern = np.unique(columns, axis=0, return_inverse=True)
        used, group = np.unique(of_pattern.ravel()[self.pattern], return_inverse=True)
        return rows[used], group.ravel()

    @once
    def customers(self) -> NDArray:
        """Customers of each row of the columns, shape (m,)."""
        return np.array([part.columns[-1].sum() for part in self.parts])

    @once
    def signs(self) -> NDArray:
        """How much each free parameter of the base moves with each effect, shape (size, k)."""
        of_model = self.effects.signs(self.model)
        return np.pad(of_model, ((0, self.size - len(of_model)), (0, 0)))

    @once
    def parts(self) -> tuple[Likelihood, ...]:
        """The likelihood of the customers with each of the columns, shape (m,)."""
        _, group = self._groups
        order = np.argsort(group, kind="stable")
        ends = np.flatnonzero(np.diff(group[order])) + 1
        many = len(self.columns[-1]) >= self.compile_from or len(ends) + 1 >= _COMPILED_FROM
        base = replace(self.base, compile_from=0 if many else np.inf, constant=0.0)
        return tuple(
            base.of_cells(rows, first=i == 0) for i, rows in enumerate(np.split(order, ends))
        )

    def compiled(self) -> "Likelihood":
        """The same by the model's compiled form, if it has one, however few the cells are."""
        return self.of_patterns(self.base.compiled(), self.pattern, self.patterns, self.effects)

    @once
    def _function(self) -> Objective:
        parts, matrix, signs, size = self.parts, self.matrix, self.signs, self.size

        def value_and_slope(free: NDArray) -> tuple[float, NDArray]:
            shifts = (matrix * free[size:]) @ signs.T
            value, slopes = 0.0, np.empty((len(parts), size))
            for z, part in enumerate(parts):
                of_part, slopes[z] = part(free[:size] + shifts[z])
                value += of_part
            by_effect = np.einsum("zk,zk->k", matrix, slopes @ signs)
            return value, np.concatenate([slopes.sum(axis=0), by_effect])

        return value_and_slope

    def at(self, free: NDArray) -> Model:
        """The model where all columns are 0, at free parameters (k,)."""
        return self.base.at(free[: self.size])

    def clock_at(self, free: NDArray) -> Steady | Calendar | None:
        """The clock at free parameters (k,)."""
        return self.base.clock_at(free[: self.size])

    def recall_at(self, free: NDArray) -> Recall | None:
        """How histories are read, at free parameters (k,)."""
        return self.base.recall_at(free[: self.size])

    def effects_at(self, free: NDArray) -> Effects | None:
        """The effects of covariates at free parameters (k,)."""
        return self.effects.at(free[self.size :])

    def shrinkage(self, free: NDArray) -> tuple[float, NDArray]:
        """That of the clock; covariates are not held back by maximum likelihood."""
        value, slope = self.base.shrinkage(free[: self.size])
        return value, np.concatenate([slope, np.zeros(free.size - self.size)])

    def sampled(self, priors: Mapping[str, Any] | None = None) -> "Likelihood":
        """With a base in the form that a sampler moves in."""
        return self.of_patterns(
            self.base.sampled(priors), self.pattern, self.patterns, self.effects
        )

    def reported(self, parameters: NDArray) -> NDArray:
        """Parameters (..., k) as they are reported, from those that were sampled."""
        return self._beside(self.base.reported, parameters)

    def believed(self, parameters: NDArray) -> NDArray:
        """Draws (..., k) of what is believed beforehand, from draws of `priors` one by one."""
        return self._beside(self.base.believed, parameters)

    def _beside(self, of_base: Any, parameters: NDArray) -> NDArray:
        return np.concatenate(
            [of_base(parameters[..., : self.size]), parameters[..., self.size :]], axis=-1
        )

    def thinned(self) -> "Likelihood | None":
        """That of about 40,000 cells where there are four times as many, with greater weights."""
        kept, columns = self.fewer()
        if kept is None or type(self.base) is not Likelihood:
            return None
        base = replace(self.base, columns=columns)
        return self.of_patterns(base, self.pattern[kept], self.patterns, self.effects)

    def assert_by_customer(self) -> None:
        """Refused: an information criterion by customer is not written for covariates.

        Raises
        ------
        FitError
        """
        self.base.assert_by_customer()
        raise FitError(
            f"{self.title} has no log-likelihood by customer yet. Compare covariates by "
            "pc.backtest, or by aic."
        )

    def starts(self) -> list[NDArray]:
        """Those of the model, with effects as they are known: at first they change nothing."""
        return [np.concatenate([s, self.effects.coefficients]) for s in self.base.starts()]

    def coordinates(self) -> tuple[Coordinate, ...]:
        """Those of the model, for the average customer; each effect between its column's ends."""
        matrix, names = self.matrix, self.effects.names
        average = self.customers @ matrix / self.customers.sum()
        moved = dict(zip(self.base.space.names, self.signs * average, strict=True))
        found = []
        for part in self.base.coordinates():
            extra = sum(w * moved[name] for name, w in part.weights.items())
            also = {n: float(w) for n, w in zip(names, np.asarray(extra), strict=True) if w}
            found.append(replace(part, weights={**part.weights, **also}))
        reach = np.ptp(matrix[self.customers > 0], axis=0)
        return (
            *found,
            *(
                Coordinate({name: float(width)}, -_FARTHEST, _FARTHEST)
                for name, width in zip(names, reach, strict=True)
            ),
        )

    def _believed(self) -> dict[str, Prior | Any]:
        share = self.customers / self.customers.sum()
        is_one_or_none = np.all((self.matrix == 0) | (self.matrix == 1), axis=0)
        spread = np.sqrt(share @ (self.matrix - share @ self.matrix) ** 2)
        unit = np.where(is_one_or_none, 1.0, spread)
        return self.base._believed() | {
            name: NormalPrior(0.0, float(_WEAK / one))
            for name, one in zip(self.effects.names, unit, strict=True)
        }

    def checks(self) -> dict[str, float]:
        """Numbers that tell whether the model's assumptions hold on the sample."""
        return self.base.checks()

    def simulated(self, free: NDArray, rng: np.random.Generator) -> "CovariateLikelihood":
        """That of as many customers, each with the covariates that they have."""
        effects = self.effects_at(free)
        assert effects is not None
        pattern = np.repeat(self.pattern, self.columns[-1].astype(np.int64))
        of_patterns = effects.model_of(self.at(free), self.patterns)
        each = taken(of_patterns, pattern)
        drawn = self.base.simulated_as(each, free[: self.size], rng)
        if drawn.columns[-1].size != pattern.size:  # models of spend simulate who has bought
            raise FitError(f"{self.title} cannot be simulated customer by customer.")
        return self.of_patterns(drawn, pattern, self.patterns, self.effects)


def taken(model: Any, which: NDArray) -> Any:
    """The model of customers in these patterns, from one with a parameter per pattern."""
    return type(model)(**{name: getattr(model, name)[..., which] for name in model.names()})
