"""Models of what customers spend per purchase, independent of how often they buy."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.models.base import Columns, Model, Parameter


class SpendModel(Model):
    """A model of what customers spend per purchase, independent of how often they buy."""

    __slots__ = ()
    columns = ("frequency", "monetary_value")

    def expected_spend(self, x: ArrayLike, mean: ArrayLike) -> NDArray:
        """Expected spend of a future purchase given ``x`` purchases of the given mean."""
        raise NotImplementedError

    def counted(self, x: ArrayLike) -> NDArray:
        """How many purchases the mean spend of customers with ``x`` repeat purchases is of."""
        return np.asarray(x, float)

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

    @classmethod
    def typical_amount(cls, cells: Columns) -> float:
        """Mean spend per repeat purchase."""
        x, mean, weight = cells
        return float((weight @ (x * mean)) / (weight @ x))

    def resampled(self, cells: Columns, rng: np.random.Generator) -> Columns:
        """Spend drawn for every repeat buyer's own number of purchases, each with weight 1."""
        x, _, weight = cells
        counts = np.repeat(x, weight.astype(int)).astype(int)
        firsts = np.cumsum(counts) - counts
        mean = np.add.reduceat(self.simulate(counts, rng), firsts) / counts
        return counts.astype(float), mean, np.ones(counts.size)
