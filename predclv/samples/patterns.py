"""What is known of customers besides their purchases: distinct combinations, numbered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
from numpy.typing import NDArray

from predclv.frozen import Frozen
from predclv.samples.coding import Coding, terms_of


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
