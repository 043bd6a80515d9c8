"""Where lifetimes are simulated, among the histories of one frequency, and what lies between."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predclv.forecast.histories import Histories
from predclv.models.drawn_clocks import OnDrawnClocks
from predclv.models.personal import Personal

# Between these ages the chance of a worth is a line in log age. The rate of customers of one age
# spreads by 1 / sqrt(x) in logs, and the line adds at most a quarter of the square of the distance:
# half a spread apart it widens them by 3%. Ages below a 400th of the oldest count as alike.
_APART = 0.5
_FARTHEST = np.log(1.4)
_YOUNG = 1 / 400


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """A few ages, and where purchases fade a few numbers of faded ones, of one frequency.

    Attributes
    ----------
    x : float
        The frequency.
    ages : ndarray, shape (m,)
        Ascending.
    lost : ndarray, shape (l,), or None
        Faded purchases, ascending.
    model : PurchaseModel
        As for customers without a haste; those with one count as so much older.
    group_T, group_lost : ndarray, shape (n_states,)
        Ages and faded purchases of the group's states.
    """

    x: float
    ages: NDArray
    lost: NDArray | None
    model: Any
    group_T: NDArray
    group_lost: NDArray | None

    @classmethod
    def of(cls, group: Histories, model: Any) -> "Nodes":
        """Those of histories of one frequency."""
        T, x = group.state_T, float(group.x[0])
        if group.state_haste is not None:
            if isinstance(model, OnDrawnClocks):  # these ages stand for no days
                model = model.model
            # alpha exp(h) + T is alpha exp(least) + T', to the mean over draws of alpha.
            least, alpha = group.state_haste.min(), float(np.mean(model.alpha))
            T = T + alpha * (np.exp(group.state_haste) - np.exp(least))
            model = replace(model, alpha=model.alpha * np.exp(least))
        lost = group.state_lost
        of_lost = None if lost is None else _between_least_and_most(x, lost)
        return cls(x, _ages(x, T), of_lost, model, T, lost)

    @property
    def size(self) -> int:
        """How many there are."""
        return self.ages.size * (1 if self.lost is None else self.lost.size)

    def living(self, stage: int) -> Any:
        """The futures of who is in this stage, one per node: ages by faded purchases."""
        ages, lost = self.ages, self.lost
        if lost is not None:
            ages, lost = np.repeat(ages, lost.size), np.tile(lost, ages.size)
        return Personal.of(self.model, lost, None).given_stage(
            stage, np.full(ages.size, self.x), ages
        )

    def corners(self) -> Iterator[tuple[NDArray, NDArray]]:
        """For each state the nodes around it, and the share of each: two, or four of them."""
        young = _YOUNG * float(self.group_T.max())
        at = np.log(self.ages + young) if young > 0 else self.ages
        where = np.log(self.group_T + young) if young > 0 else self.group_T
        for node, share in _around(at, where):
            if self.lost is None or self.group_lost is None:
                yield node, share
                continue
            for other, of_other in _around(self.lost, self.group_lost):
                yield node * self.lost.size + other, share * of_other


def _around(at: NDArray, where: NDArray) -> list[tuple[NDArray, NDArray]]:
    """The nodes to the left and to the right of each place, and their shares."""
    left = np.clip(np.searchsorted(at, where, side="right") - 1, 0, max(at.size - 2, 0))
    right = np.minimum(left + 1, at.size - 1)
    gap = at[right] - at[left]
    share = np.clip(np.divide(where - at[left], gap, out=np.zeros_like(gap), where=gap > 0), 0, 1)
    return [(left, 1.0 - share), (right, share)]


def _ages(x: float, T: NDArray) -> NDArray:
    """The ages at which histories of one frequency are simulated, ascending."""
    first, last = float(T.min()), float(T.max())
    young = _YOUNG * last
    apart = min(_FARTHEST, _APART / np.sqrt(1.0 + x))
    steps = int(np.ceil(np.log((last + young) / (first + young)) / apart)) if last > first else 0
    if steps + 1 >= T.size:
        return np.unique(T)
    return np.geomspace(first + young, last + young, steps + 1) - young


def _between_least_and_most(x: float, lost: NDArray) -> NDArray:
    """Faded purchases between the fewest and the most, half a spread of the rate apart."""
    counts = 1.0 + x - np.array([lost.max(), lost.min()])
    steps = int(np.ceil(2.0 * np.ptp(np.sqrt(counts)) / _APART))
    if steps == 0:
        return lost[:1]
    if steps + 1 >= lost.size:
        return np.unique(lost)
    few, many = np.sqrt(counts).tolist()
    return 1.0 + x - np.linspace(many, few, steps + 1) ** 2
