"""A model as it stands for each customer: with a rate of their own, and a past that has faded."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.models.drawn_clocks import OnDrawnClocks
from predclv.models.stages import Stages


@dataclass(frozen=True, slots=True, eq=False)
class Personal:
    r"""What a model of purchases says of customers of whom it knows more than (x, t_x, T).

    With fading memory x purchases count as U <= x of them when it comes to how often somebody buys;
    in the chance to leave all x count, for each was a chance. So a customer's model is the same
    model, with ``b + (x - U)`` in the place of b, of somebody who bought U times: nothing else in
    its formulas changes. A drift makes alpha each customer's own.

    Attributes
    ----------
    model : PurchaseModel
        Parameters numbers, (draws, 1), or alpha one per customer.
    lost : ndarray, shape (n,)
        Purchases that have faded, ``x - U``.
    """

    model: Any
    lost: NDArray

    @classmethod
    def of(cls, model: Any, lost: NDArray | None, haste: NDArray | None) -> Self | Any:
        """The model for these customers; itself where they are customers like others.

        Parameters
        ----------
        model : PurchaseModel, or one on clocks that are drawn
        lost : ndarray, shape (n,), or None
        haste : ndarray, shape (n,), or None
            What drift adds to the logarithm of alpha.
        """
        if isinstance(model, OnDrawnClocks):
            return replace(model, model=cls.of(model.model, lost, haste))
        own: Any = model
        if haste is not None:
            own = replace(own, alpha=own.alpha * np.exp(haste))
        return own if lost is None else cls(own, lost)

    @property
    def stages(self) -> int:
        """How many stages a living customer may be in."""
        return self.model.stages

    @property
    def _faded(self) -> Any:
        return replace(self.model, b=self.model.b + self.lost)

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of still being a customer at ``T``, shape (..., n)."""
        return self._faded.p_alive(x - self.lost, t_x, T)

    def stage_chances(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[NDArray, ...]:
        """Probability of being a customer in each stage, each of shape (..., n)."""
        return self._faded.stage_chances(x - self.lost, t_x, T)

    def given_stage(self, stage: int, x: ArrayLike, T: ArrayLike) -> Any:
        """The future of a customer in this stage at ``T``."""
        # b of all purchases, not b + (x - U) + U: equal customers keep equal parameters.
        known = self.model.given_stage(stage, x, T)
        return replace(self.model.given_stage(stage, x - self.lost, T), b=known.b)

    def living(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Any:
        """The future of a customer alive at ``T`` with this history."""
        if self.stages == 1:
            return self.given_stage(0, x, T)
        found = self.model.living(x - self.lost, t_x, T)
        return Stages(
            found.chances, [self.given_stage(stage, x, T) for stage in range(self.stages)]
        )
