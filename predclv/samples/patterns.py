"""What is known of customers besides their purchases: distinct combinations, numbered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.errors import DataError, some
from predclv.frozen import Frozen
from predclv.notices import counted
from predclv.samples.design import OTHER, Coding, terms_of


def with_covariates(customers: pd.DataFrame, patterns: "Patterns | None") -> pd.DataFrame:
    """Customers who have the column ``pattern``, with what it stands for in columns of its own."""
    if patterns is None:
        return customers
    place = customers["pattern"].to_numpy()
    known = patterns.frame.take(place).set_axis(customers.index)
    return pd.concat([customers, known], axis="columns")


@dataclass(frozen=True, eq=False)
class Patterns:
    """The different combinations of covariates among customers, one row each.

    A customer is in a pattern as in a cell: whatever follows from covariates is worked out once per
    pattern. Their numbers, the rows' places, are what ``Cells.extra["pattern"]`` holds.

    Attributes
    ----------
    frame : DataFrame, shape (n_patterns, n_covariates)
        One row per pattern, one column per covariate: numbers as float64, levels as text.
    levels : mapping of str to tuple of str
        The levels of each covariate that has some, the commonest, to which others are compared,
        first. Covariates that are not in it are numbers.
    """

    frame: pd.DataFrame
    levels: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.frame)

    def coded_like(self, other: "Patterns") -> "Patterns":
        """The same patterns in the columns and levels of others, such as those of a fit.

        Row i of the answer is row i of these, so that their numbers stay. Levels that the others
        do not have are taken as ``other`` where they have that.

        Parameters
        ----------
        other : Patterns

        Raises
        ------
        DataError
            If a column or a level is missing, or is a number here and text there.

        Examples
        --------
        >>> fitted = Patterns(pd.DataFrame({"channel": ["store", "web", "other"]}),
        ...                   {"channel": ("web", "store", "other")})
        >>> new = Patterns(pd.DataFrame({"channel": ["fax", "web"]}), {"channel": ("fax", "web")})
        >>> new.coded_like(fitted).frame["channel"].tolist()
        ['other', 'web']
        """
        lacking = [name for name in other.names if name not in self.frame]
        if lacking:
            raise DataError(
                f"These customers come without the covariate {some(map(repr, lacking))} that was "
                f"fitted; they have {some(map(repr, self.names)) or 'none'}. Summarise them with "
                "the same columns: pc.rfm_summary(log, static_covariates=table)."
            )
        columns: dict[str, Any] = {}
        for name in other.names:
            values, known = self.frame[name], other.levels.get(name)
            if (known is None) != (name not in self.levels):
                kinds = ("text", "numbers") if known is None else ("numbers", "text")
                raise DataError(
                    f"Covariate {name!r} of these customers holds {kinds[0]}, and {kinds[1]} where "
                    "it was fitted."
                )
            if known is not None:
                is_strange = ~values.isin(known)
                if is_strange.any() and OTHER not in known:
                    strange = sorted(set(values[is_strange]))
                    raise DataError(
                        f"Covariate {name!r} has {counted(len(strange), 'level')} that the fit has "
                        f"not seen: {some(map(repr, strange))}. It knows "
                        f"{some(map(repr, known), 20)}. Say which of these they are like, or fit "
                        "with them."
                    )
                values = values.where(~is_strange, OTHER)
            columns[name] = values.array
        return Patterns(pd.DataFrame(columns), other.levels)

    def document(self) -> dict[str, Any]:
        """The patterns as text and numbers."""
        columns = {str(name): self.frame[name].tolist() for name in self.frame}
        return {"columns": columns, "levels": {k: list(v) for k, v in self.levels.items()}}

    @classmethod
    def from_document(cls, content: Mapping[str, Any]) -> Self:
        """The inverse of `document`."""
        levels = {str(name): tuple(map(str, found)) for name, found in content["levels"].items()}
        columns = {
            name: pd.array(values, "str") if name in levels else np.array(values, np.float64)
            for name, values in content["columns"].items()
        }
        return cls(pd.DataFrame(columns), Frozen(levels))

    def equals(self, other: "Patterns | None") -> bool:
        """Whether the numbers of both stand for the same, by the same levels."""
        if other is None or len(self) != len(other) or self.names != other.names:
            return False
        same = all(
            (self.frame[n].to_numpy() == other.frame[n].to_numpy()).all() for n in self.names
        )
        return same and dict(self.levels) == dict(other.levels)

    @property
    def names(self) -> tuple[str, ...]:
        """The covariates."""
        return tuple(self.frame.columns)

    def coding(self, terms: tuple[tuple[str, ...], ...], weight: NDArray | None = None) -> Coding:
        """How the covariates of these terms become columns of numbers.

        With customers per pattern given, levels that nobody has get no column: nothing is learnt
        of them, and who has one later is refused.
        """
        if weight is None:
            return Coding(terms, self.levels)
        seen = self.frame[weight > 0]
        return Coding(
            terms,
            Frozen(
                {
                    name: tuple(level for level in levels if (seen[name] == level).any())
                    for name, levels in self.levels.items()
                }
            ),
        )

    def design(self, terms: Iterable[str | tuple[str, ...]]) -> tuple[tuple[str, ...], NDArray]:
        """The covariates as columns of numbers: their names, and one row per pattern.

        Parameters
        ----------
        terms : iterable of str or tuple of str
            Covariates; those in a tuple are multiplied with each other.

        Returns
        -------
        names : tuple of str
            Such as ``age``, ``channel[web]``, ``channel[web]:age``.
        matrix : ndarray, shape (n_patterns, k)

        Raises
        ------
        DataError
            If there is no such covariate, or one has no finite value.

        Examples
        --------
        >>> frame = pd.DataFrame({"channel": ["shop", "web", "web"], "age": [30.0, 30.0, 50.0]})
        >>> names, matrix = Patterns(frame, {"channel": ("shop", "web")}).design(["channel", "age"])
        >>> names, matrix.tolist()
        (('channel[web]', 'age'), [[0.0, 30.0], [1.0, 30.0], [1.0, 50.0]])
        """
        coding = self.coding(terms_of(terms, "design"))
        return coding.names, coding.matrix(self)
