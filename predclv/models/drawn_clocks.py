"""A model of purchases at draws of the clock that its times are by."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class OnDrawnClocks:
    """A model with draws of its parameters, each with a clock of its own.

    It is asked in the time of one clock, the estimate's, and answers by each of the others: what a
    history spans is read off a table of days, and the horizon is as long for all of them, since the
    model's own time runs so much faster where a clock makes it longer.

    Attributes
    ----------
    model : PurchaseModel
        Its parameters (draws, 1) or (draws, n), in such time.
    since : ndarray, shape (n_days,)
        The time from a day to the end of observation by the estimate's clock, ascending.
    drawn : ndarray, shape (draws, n_days)
        The same by the others.
    """

    model: Any
    since: NDArray
    drawn: NDArray

    @property
    def n_draws(self) -> int:
        """How many clocks there are."""
        return len(self.drawn)

    @property
    def stages(self) -> int:
        """How many stages a living customer may be in."""
        return self.model.stages

    def _until_end(self, time: ArrayLike) -> NDArray:
        """The time to the end of observation by each clock, from that by the estimate's.

        Shape (draws, n). Clocks run evenly within a day.
        """
        time = np.asarray(time, float)
        day = np.clip(np.searchsorted(self.since, time, "right") - 1, 0, self.since.size - 2)
        first, step = self.since[day], self.since[day + 1] - self.since[day]
        share = np.divide(time - first, step, out=np.zeros(time.shape), where=step > 0)
        before = np.take(self.drawn, day, axis=1)
        return before + share * (np.take(self.drawn, day + 1, axis=1) - before)

    def _history(self, t_x: ArrayLike, T: ArrayLike) -> tuple[NDArray, NDArray]:
        """Recency and age by each clock, each (draws, n)."""
        t_x, T = np.broadcast_arrays(np.asarray(t_x, float), np.asarray(T, float))
        age = self._until_end(T)
        return np.where(t_x > 0, age - self._until_end(T - t_x), 0.0), age

    def p_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> NDArray:
        """Probability of still being a customer at ``T``, shape (draws, n)."""
        return self.model.p_alive(x, *self._history(t_x, T))

    def stage_chances(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> tuple[NDArray, ...]:
        """Probability of being a customer in each stage, each of shape (draws, n)."""
        return self.model.stage_chances(x, *self._history(t_x, T))

    def given_stage(self, stage: int, x: ArrayLike, T: ArrayLike) -> Any:
        """The future of a customer in this stage at ``T``."""
        return self.model.given_stage(stage, x, self._until_end(T))

    def living(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Any:
        """The future of a customer alive at ``T`` with this history."""
        return self.model.living(x, *self._history(t_x, T))
