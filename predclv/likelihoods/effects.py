"""Effects of covariates: from what is known of customers to the parameters of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import DataError, OptionError, did_you_mean, some
from predclv.frozen import Frozen
from predclv.models.base import Model
from predclv.models.spend import SpendModel
from predclv.samples.design import (
    OTHER,
    Coding,
    Term,
    assert_levels_are_fewer,
    assert_told_apart,
    terms_of,
)
from predclv.samples.paths import Paths
from predclv.samples.patterns import Patterns

SAME = "same"
"""In place of a list of columns: the effects of another target act on this one too."""


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Covariates whose effects act on the same things.

    Attributes
    ----------
    acts_on : tuple of str
        ``rate``, ``leaving``, ``spend``, or a parameter's own name.
    coding : Coding
    """

    acts_on: tuple[str, ...]
    coding: Coding

    @property
    def names(self) -> tuple[str, ...]:
        """The effects, such as ``rate.channel[web]`` or ``rate+leaving.age``."""
        acts_on = "+".join(self.acts_on)
        return tuple(f"{acts_on}.{name}" for name in self.coding.names)


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    r"""What covariates do to parameters: each is multiplied by ``exp(columns @ effects)``.

    A rate covariate divides alpha, which is the same as a clock that runs faster for these
    customers. One of leaving divides Pareto/NBD's beta, and multiplies the odds a / b of the
    others. One of spend multiplies v. So a positive effect means faster, readier, more.

    Attributes
    ----------
    groups : tuple of Group
    coefficients : ndarray, shape (k,)
        One per name.
    typical : mapping of str to tuple of float
        The average of each covariate's own columns over the customers it was fitted to.
    ends : mapping of str to tuple of float
        Of each number, what a tenth of the customers are below, and a tenth above; a hundredth, or
        the least and the most, where these agree.
    seen : mapping of str to tuple of float
        Of each number, the least and the most of any.
    """

    groups: tuple[Group, ...]
    coefficients: NDArray
    typical: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: Frozen({}))
    ends: Mapping[str, tuple[float, float]] = field(default_factory=lambda: Frozen({}))
    seen: Mapping[str, tuple[float, float]] = field(default_factory=lambda: Frozen({}))

    @classmethod
    def asked(
        cls,
        covariates: Mapping[Any, Any],
        model: type[Model],
        patterns: Patterns,
        weight: NDArray,
    ) -> "Effects":
        """What somebody asks for of a model, with effects of 0.

        Parameters
        ----------
        covariates : mapping
            By target, or by a tuple of targets that share their effects, a list of columns and
            tuples of columns; or ``"same"`` for those of the only other target.
        model : type
        patterns : Patterns
            What is known of the customers.
        weight : ndarray, shape (n_patterns,)
            Customers of each pattern.

        Raises
        ------
        OptionError
            If a target is none of the model, or columns are listed in an impossible way.
        DataError
            If there are no covariates, or some cannot be told apart.
        """
        groups, columns = [], []
        for acts_on, terms in _grouped(covariates, model).items():
            coding = patterns.coding(terms, weight)
            assert_levels_tell(coding, patterns, model)
            matrix = coding.matrix(patterns)
            assert_levels_are_fewer(coding, weight)
            groups.append(Group(acts_on, coding))
            columns.append(matrix)
        nothing = np.zeros(sum(matrix.shape[1] for matrix in columns))
        effects = cls(tuple(groups), nothing, *_of_customers(groups, patterns, weight))
        for target in {target for group in groups for target in group.acts_on}:
            here = [i for i, group in enumerate(groups) if target in group.acts_on]
            names = [name for i in here for name in groups[i].coding.names]
            assert_told_apart(names, np.concatenate([columns[i] for i in here], axis=1), weight)
        return effects

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the effects."""
        return tuple(name for group in self.groups for name in group.names)

    def at(self, coefficients: NDArray) -> Self:
        """With other effects, shape (k,) or (draws, k)."""
        return replace(self, coefficients=coefficients)

    def matrix(self, patterns: Patterns) -> NDArray:
        """The columns that effects are multiplied by, shape (n_patterns, k)."""
        return np.concatenate([group.coding.matrix(patterns) for group in self.groups], axis=1)

    def acts(self, target: str) -> NDArray:
        """Which effects act on a target, shape (k,)."""
        return np.concatenate(
            [np.full(len(group.names), target in group.acts_on) for group in self.groups]
        )

    def changing(self, cells: Any) -> tuple[str, ...]:
        """The covariates of the effects that change on the path of some customer."""
        if cells.paths is None or cells.patterns is None:
            return ()
        paths = cells.paths
        remembered = paths.__dict__.setdefault("changing", {})
        key = self.names, id(cells.patterns)
        if key not in remembered:
            remembered[key] = self._changing(paths, cells.patterns.frame)
        return remembered[key]

    def _changing(self, paths: Paths, frame: pd.DataFrame) -> tuple[str, ...]:
        same = paths.path[1:] == paths.path[:-1]
        pairs = np.unique(np.stack([paths.pattern[:-1], paths.pattern[1:]])[:, same], axis=1)
        found = dict.fromkeys(n for group in self.groups for n in group.coding.covariates)
        return tuple(
            name
            for name in found
            if (frame[name].to_numpy()[pairs[0]] != frame[name].to_numpy()[pairs[1]]).any()
        )

    def signs(self, model: type[Model], without: tuple[str, ...] = ()) -> NDArray:
        """How much each free parameter moves with each effect, shape (parameters, k).

        Without what some targets do.
        """
        names = model.names()
        found = np.zeros((len(names), self.coefficients.shape[-1]))
        first = 0
        for group in self.groups:
            columns = slice(first, first + len(group.coding.names))
            for target in set(group.acts_on) - set(without):
                for name, sign in _moves(model, target).items():
                    found[names.index(name), columns] += sign
            first = columns.stop
        return found

    def model_of(self, model: Any, patterns: Patterns) -> Any:
        """The model of each pattern: its parameters have the patterns along their last axis.

        Parameters
        ----------
        model : Model
            At the pattern whose columns are all 0; its parameters numbers, or (draws, 1).
        patterns : Patterns
        """
        return self.model_at(model, self.matrix(patterns))

    @property
    def levels(self) -> list[tuple[str, str | float]]:
        """Each covariate with each of its levels, or of a number the ends, in their order."""
        found: list[tuple[str, str | float]] = []
        for group in self.groups:
            for name in group.coding.covariates:
                known: Any = group.coding.levels.get(name) or dict.fromkeys(self.ends[name])
                found += [(name, level) for level in known if (name, level) not in found]
        return found

    def rows(self) -> NDArray:
        """The columns of a customer at each of `levels`, otherwise typical, (levels, k)."""
        return np.array([self.row_of({name: level}) for name, level in self.levels])

    def row_of(self, values: Mapping[str, str | float]) -> NDArray:
        """The columns of a customer with these values, otherwise typical, shape (k,)."""
        columns = {of: np.array(typical) for of, typical in self.typical.items()}
        found = []
        for group in self.groups:
            for name, value in values.items():
                known = group.coding.levels.get(name)
                columns[name] = (
                    np.array([float(value)])
                    if known is None
                    else np.array([float(value == other) for other in known[1:]])
                )
            found.append(group.coding.row(columns))
        return np.concatenate(found)

    def model_at(self, model: Any, rows: NDArray) -> Any:
        """The model of customers with these columns, (m, k): parameters (m,) or (draws, m)."""
        shift = (self.coefficients[..., None, :] * rows) @ self.signs(type(model)).T
        return type(model)(
            **{
                name: np.asarray(getattr(model, name)) * np.exp(shift[..., i])
                for i, name in enumerate(model.names())
            }
        )

    def document(self) -> dict[str, Any]:
        """As plain values; the effects themselves stand among the parameters of the fit."""
        return {
            "groups": [
                {"acts_on": list(group.acts_on), **group.coding.document()} for group in self.groups
            ],
            "typical": {name: list(values) for name, values in self.typical.items()},
            "ends": {name: list(values) for name, values in self.ends.items()},
            "seen": {name: list(values) for name, values in self.seen.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Effects":
        """The inverse of `document`, with effects of 0."""
        groups = tuple(
            Group(tuple(map(str, group["acts_on"])), Coding.from_document(group))
            for group in document["groups"]
        )
        known = (  # "seen" came later than the rest
            Frozen[str, Any](
                {str(n): tuple(map(float, v)) for n, v in document.get(entry, {}).items()}
            )
            for entry in ("typical", "ends", "seen")
        )
        return cls(groups, np.zeros(sum(len(g.coding.names) for g in groups)), *known)


def _of_customers(
    groups: list[Group], patterns: Patterns, weight: NDArray
) -> tuple[Frozen[str, Any], Frozen[str, Any], Frozen[str, Any]]:
    """Averages of the columns of each covariate, and the ends of numbers, usual and all."""
    typical, ends, seen = dict[str, Any](), dict[str, Any](), dict[str, Any]()
    for group in groups:
        for name in group.coding.covariates:
            columns = group.coding.columns(name, patterns)
            typical[name] = tuple((weight @ columns / weight.sum()).tolist())
            if name not in group.coding.levels:
                ends[name] = _apart(columns[:, 0], weight)
                seen[name] = (float(columns.min()), float(columns.max()))
    return Frozen(typical), Frozen(ends), Frozen(seen)


def _apart(values: NDArray, weight: NDArray) -> tuple[float, float]:
    """What a tenth of the customers are below and above; a hundredth, or any, where these agree."""
    order = np.argsort(values)
    order = order[weight[order] > 0]
    share, low, high = np.cumsum(weight[order]) / weight.sum(), 0.0, 0.0
    for tail in (0.1, 0.01, 0.0):
        place = np.minimum(np.searchsorted(share, [tail, 1.0 - tail]), order.size - 1)
        low, high = values[order[place]].tolist()
        if low < high:
            break
    return low, high


def _moves(model: type[Model], target: str) -> Mapping[str, float]:
    """The parameters that a target moves, and by how much of their logarithm."""
    return model.targets.get(target, {target: 1.0})


def known_targets(model: type[Model]) -> tuple[str, ...]:
    """What covariates can act on in a model: by meaning, and by the parameters' own names."""
    # Bounds of revenue scale with money: of spend, covariates act on its scale alone.
    of_spend = [name for moved in model.targets.values() for name in moved]
    return (*model.targets, *(of_spend if issubclass(model, SpendModel) else model.names()))


def _grouped(
    covariates: Mapping[Any, Any], model: type[Model]
) -> dict[tuple[str, ...], tuple[Term, ...]]:
    """Terms by what they act on, checked."""
    asked = {(key,) if isinstance(key, str) else key: terms for key, terms in covariates.items()}
    known = known_targets(model)
    for acts_on in asked:
        if not isinstance(acts_on, tuple) or not acts_on or len(set(acts_on)) < len(acts_on):
            raise OptionError(
                f"covariates act on one of {', '.join(known)}, or on a tuple of them that share "
                f"one effect; got {acts_on!r}."
            )
        for target in acts_on:
            if target not in known:
                raise OptionError(
                    f"{model.title} has no {target!r} for covariates to act on; it has "
                    f"{', '.join(known)}.{did_you_mean(str(target), known)}"
                )
            if model.scales.get(target, "log") != "log":
                raise OptionError(f"Covariates multiply, and {target} of {model.title} can be 0.")
    same = [acts_on for acts_on, terms in asked.items() if isinstance(terms, str) and terms == SAME]
    others = [acts_on for acts_on in asked if acts_on not in same]
    if same and len(others) != 1:
        raise OptionError(
            f"covariates[{same[0][-1]!r}] = 'same' means the effects of the one other target; "
            f"there are {len(others)}. Say which share theirs by a tuple: "
            f"{{('rate', {same[0][-1]!r}): ['channel']}}."
        )
    if same:
        shared = tuple(target for acts_on in asked for target in acts_on)
        asked = {shared: asked[others[0]]}
    return {acts_on: terms_of(terms, "+".join(acts_on)) for acts_on, terms in asked.items()}


def assert_levels_tell(coding: Coding, patterns: Patterns, model: type[Model]) -> None:
    """Each covariate has levels to compare; of spend, all have somebody who has bought again."""
    for name in coding.covariates:
        levels = coding.levels.get(name)
        if levels is None:
            continue
        strange = sorted(set(patterns.frame[name]) - set(levels))
        if strange and OTHER not in levels and issubclass(model, SpendModel):
            raise DataError(
                f"Nobody whose {name!r} is {some(map(repr, strange))} has bought again, and what "
                "customers spend is learnt from those who have. Take such levels together: "
                "pc.CovariateTable(table, rare=...), or leave the covariate out of 'spend'."
            )
        if len(levels) == 1:
            raise DataError(
                f"The covariate {name!r} is {levels[0]!r} for all customers, so there is nothing "
                "to learn from it. Leave it out."
            )
