"""How covariates become numbers that a model can weigh: columns, indicators, interactions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from predclv.errors import DataError, OptionError, did_you_mean, some
from predclv.frozen import Frozen

if TYPE_CHECKING:
    from predclv.samples.patterns import Patterns

_SAME = 1e-9  # of a column's size: a remainder that rounding alone leaves

OTHER = "other"
"""The level of what was in none of its own."""

Term = tuple[str, ...]
"""The covariates of a term: one, or several that are multiplied with each other."""


@dataclass(frozen=True, eq=False)
class Coding:
    """Which covariates are weighed, and how each becomes columns of numbers.

    A number is a column as it is, a covariate with levels one of zeros and ones for each level but
    the first, to which the others are compared. Several covariates in a term are multiplied: a
    column for each combination of theirs.

    Attributes
    ----------
    terms : tuple of tuple of str
    levels : mapping of str to tuple of str
        Of the covariates with levels; the first is the one without a column.
    """

    terms: tuple[Term, ...]
    levels: Mapping[str, tuple[str, ...]]

    @property
    def covariates(self) -> tuple[str, ...]:
        """Whatever occurs in the terms, each once."""
        return tuple(dict.fromkeys(name for term in self.terms for name in term))

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns are called: ``age``, ``channel[web]``, ``channel[web]:age``."""
        return tuple(name for term in self.terms for name in self._of_term(term))

    def _of_term(self, term: Term) -> list[str]:
        return [":".join(parts) for parts in product(*map(self._of_covariate, term))]

    def _of_covariate(self, name: str) -> list[str]:
        if name not in self.levels:
            return [name]
        return [f"{name}[{level}]" for level in self.levels[name][1:]]

    def matrix(self, patterns: "Patterns") -> NDArray:
        """The columns, one row per pattern, shape (n_patterns, k).

        Raises
        ------
        DataError
            If a covariate is missing, a level is none that the coding knows, or a number is
            missing or infinite.
        """
        kept = patterns.__dict__.setdefault("columns of codings", {})
        key = self.terms, self.names
        if key not in kept:
            kept[key] = self._matrix(patterns)
        return kept[key]

    def _matrix(self, patterns: "Patterns") -> NDArray:
        columns = {name: self.columns(name, patterns) for name in self.covariates}
        found = []
        for term in self.terms:
            block = columns[term[0]]
            for name in term[1:]:
                block = (block[:, :, None] * columns[name][:, None, :]).reshape(len(patterns), -1)
            found.append(block)
        return np.concatenate(found, axis=1) if found else np.empty((len(patterns), 0))

    def columns(self, name: str, patterns: "Patterns") -> NDArray:
        """The columns of one covariate, shape (n_patterns, k)."""
        if name not in patterns.frame:
            raise DataError(
                f"There is no covariate {name!r}; there is {', '.join(patterns.names) or 'none'}."
                f"{did_you_mean(name, patterns.names)} Covariates come with the summary: "
                "pc.rfm_summary(log, static_covariates=table)."
            )
        values = patterns.frame[name]
        if name not in self.levels:
            if name in patterns.levels:
                raise DataError(
                    f"The covariate {name!r} was a number where the model was fitted, and has the "
                    f"levels {some(map(repr, patterns.levels[name]))} here. Bring it as numbers."
                )
            numbers = values.to_numpy(np.float64)
            if not np.all(np.isfinite(numbers)):
                raise DataError(
                    f"The covariate {name!r} is missing or infinite for "
                    f"{int(np.sum(~np.isfinite(numbers))):,} of {len(patterns):,} patterns of "
                    "customers. Fill it in, or leave these customers out."
                )
            return numbers[:, None]
        known = self.levels[name]
        texts = values.astype(str).to_numpy(object)
        if OTHER in known:
            texts[~np.isin(texts, known)] = OTHER
        strange = sorted(set(texts) - set(known))
        if strange:
            raise DataError(
                f"The covariate {name!r} has {some(map(repr, strange))}, which the fit has not "
                f"seen; it knows {some(map(repr, known))}. Fit to customers who have it, or put it "
                "under a level that is known."
            )
        return (texts[:, None] == np.array(known[1:], object)).astype(float)

    def row(self, columns: Mapping[str, NDArray]) -> NDArray:
        """The columns of somebody whose covariates have these columns, shape (k,)."""
        found = []
        for term in self.terms:
            block = columns[term[0]]
            for name in term[1:]:
                block = np.outer(block, columns[name]).ravel()
            found.append(block)
        return np.concatenate(found) if found else np.empty(0)

    def document(self) -> dict[str, Any]:
        """As plain values."""
        kept = {name: list(self.levels[name]) for name in self.covariates if name in self.levels}
        return {"terms": [list(term) for term in self.terms], "levels": kept}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Coding":
        """The inverse of `document`."""
        terms = tuple(tuple(map(str, term)) for term in document["terms"])
        levels = {str(n): tuple(map(str, found)) for n, found in document["levels"].items()}
        return cls(terms, Frozen(levels))


def terms_of(asked: Any, target: str) -> tuple[Term, ...]:
    """The terms that somebody listed, each a tuple.

    Raises
    ------
    OptionError
        If it is no list of names and tuples of names, or a term is there twice.
    """
    if isinstance(asked, str) or not isinstance(asked, Iterable):
        raise OptionError(
            f"covariates[{target!r}] must be a list of columns, such as ['channel']; got {asked!r}."
        )
    terms = []
    for term in asked:
        parts = (term,) if isinstance(term, str) else term
        if not (isinstance(parts, tuple) and parts and all(isinstance(p, str) for p in parts)):
            raise OptionError(
                f"covariates[{target!r}] lists columns, and tuples of columns that are multiplied, "
                f"such as ['channel', ('channel', 'age')]; got {term!r}."
            )
        if len(set(parts)) < len(parts):
            raise OptionError(f"covariates[{target!r}] multiplies a column with itself: {term!r}.")
        terms.append(parts)
    if len(set(map(frozenset, terms))) < len(terms):
        raise OptionError(f"covariates[{target!r}] has a column twice: {list(asked)!r}.")
    if not terms:
        raise OptionError(f"covariates[{target!r}] is empty: leave it out.")
    return tuple(terms)


def assert_told_apart(names: Sequence[str], matrix: NDArray, weight: NDArray) -> None:
    """Each column says something that the constant and the columns before it do not.

    Parameters
    ----------
    names : sequence of str
    matrix : ndarray, shape (n, k)
    weight : ndarray, shape (n,)
        Customers of each row; rows without any do not count.

    Raises
    ------
    DataError
        If a column is constant, follows from others, or there are as many columns as customers.
    """
    rows, n_customers = matrix[weight > 0], int(weight.sum())
    if len(names) >= n_customers:
        raise DataError(
            f"There are {len(names):,} columns of covariates for {n_customers:,} customers, so "
            f"that they name single customers: {some(map(repr, names))}. Use coarser levels."
        )
    basis, kept = np.ones((len(rows), 1)) / np.sqrt(max(len(rows), 1)), list[int]()
    for i, name in enumerate(names):
        column = rows[:, i]
        if np.ptp(column) == 0:
            raise DataError(
                f"The covariate {name!r} is {column[0]:g} for all customers, so there is nothing "
                "to learn from it. Leave it out."
            )
        centred = (column - column.mean()) / column.std()
        rest = centred
        for _ in range(2):  # twice is enough (Kahan, in Parlett 1980)
            rest = rest - basis @ (basis.T @ rest)
        if np.linalg.norm(rest) <= _SAME * np.linalg.norm(centred):
            share, *_ = np.linalg.lstsq(
                np.column_stack([np.ones(len(rows)), rows[:, kept]]), column, rcond=None
            )
            others = [names[k] for k, s in zip(kept, share[1:], strict=True) if abs(s) > 1e-8]
            raise DataError(
                f"The covariate {name!r} follows from {some(map(repr, others))}: their effects "
                "cannot be told apart. Leave one of them out."
            )
        basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
        kept.append(i)


def assert_levels_are_fewer(coding: Coding, weight: NDArray) -> None:
    """No covariate has as many levels as there are customers: it would name them."""
    for name in coding.covariates:
        if len(coding.levels.get(name, ())) >= max(int(weight.sum()), 2):
            raise DataError(
                f"The covariate {name!r} has as many levels as there are customers, "
                f"{int(weight.sum()):,}: it names them. Leave it out, or use coarser levels."
            )
