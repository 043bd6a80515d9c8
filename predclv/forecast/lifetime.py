"""What the purchases of a whole remaining lifetime are worth: its distribution, per history.

Counted in purchases made today, a future is worth the sum of its discounts ``exp(-delta s)``. That
sum has no closed distribution, but it depends on frequency and age alone once the customer is known
to be alive, and smoothly on age: it is simulated at a few ages of each frequency, and histories
read off between them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predclv.forecast.ahead import Ahead
from predclv.forecast.histories import Histories, n_draws
from predclv.forecast.patterns import model_for
from predclv.forecast.simulation import discounted_counts, purchases
from predclv.models.purchases import PurchaseModel
from predclv.progress import progress

_FUTURES = 1 << 22  # simulated in all
_FEWEST, _MOST = 1000, 20_000  # per age at which they are
_AT_ONCE = 1 << 18  # futures that are held at once
# Between these ages the chance of a worth is a line in log age. The rate of customers of one age
# spreads by 1 / sqrt(x) in logs, and the line adds at most a quarter of the square of the distance:
# half a spread apart it widens them by 3%. Ages below a 400th of the oldest count as alike.
_APART = 0.5
_FARTHEST = np.log(1.4)
_YOUNG = 1 / 400
_SMALLEST, _WIDTH = 0.02, np.log(1.09)  # where classes of worth begin, and how wide they are


@dataclass(frozen=True, slots=True, eq=False)
class Worths:
    """The distribution of what the purchases to come are worth, for histories of one frequency.

    Attributes
    ----------
    cells : slice
        Which histories.
    probabilities : ndarray, shape (m, k)
        Of each class of worths, per history; the rest to 1 is no purchase at all.
    worth : ndarray, shape (k,)
        The average of each class, in purchases made today.
    alike : ndarray, shape (k,)
        How many purchases, all discounted alike, have as uncertain a sum.
    """

    cells: slice
    probabilities: NDArray
    worth: NDArray
    alike: NDArray


def lifetime_worths(
    histories: Histories, model: PurchaseModel, ahead: Ahead, rng: np.random.Generator
) -> Iterator[Worths]:
    """The distributions of all histories, those of one frequency at a time, in their order.

    Parameters
    ----------
    histories : Histories
    model : PurchaseModel
        Its parameters draws, (draws, 1).
    ahead : Ahead
        Its discount rate positive.
    rng : numpy.random.Generator
    """
    groups = [(cells, _ages(group)) for cells, group in histories.by_frequency_and_pattern()]
    nodes = sum(ages.size for _, ages in groups)
    draws = n_draws(model)
    paths = -(-int(np.clip(_FUTURES // nodes, _FEWEST, _MOST)) // draws)
    with progress("Simulating lifetimes", len(groups)) as step:
        for cells, ages in groups:
            group = histories.piece(cells)
            x = float(group.x[0])
            step(f"{x:,.0f} repeat purchases so far")
            known = None if group.pattern is None else np.full(ages.size, group.pattern[0])
            own = model_for(model, known)
            chances, worth, alike = _at_ages(own, x, ages, draws, paths, ahead, rng)
            yield Worths(cells, _between(group, model, ages, chances), worth, alike)


def _ages(group: Histories) -> NDArray:
    """The ages at which histories of one frequency are simulated, ascending."""
    first, last = float(group.state_T[0]), float(group.state_T[-1])
    young = _YOUNG * last
    apart = min(_FARTHEST, _APART / np.sqrt(1.0 + group.x[0]))
    steps = int(np.ceil(np.log((last + young) / (first + young)) / apart)) if last > first else 0
    if steps + 1 >= group.state_T.size:
        return group.state_T
    return np.geomspace(first + young, last + young, steps + 1) - young


def _at_ages(
    model: PurchaseModel,
    x: float,
    ages: NDArray,
    draws: int,
    paths: int,
    ahead: Ahead,
    rng: np.random.Generator,
) -> tuple[NDArray, NDArray, NDArray]:
    """Chances of classes of worth of living customers; the classes' averages.

    The chances are of shape (k, stages, draws, ages), in each stage that a customer may be in.
    Classes that no future fell in are left out.
    """
    size_of_stage, stages = draws * ages.size, model.stages
    parts = []
    step = max(1, _AT_ONCE // size_of_stage)
    for stage in range(stages):
        living = model.given_stage(stage, np.full(ages.size, x), ages)
        for start in range(0, paths, step):
            shape = (min(step, paths - start), draws, ages.size)
            bought = purchases(living.traits(shape, rng), ahead.until_worthless, rng)
            place = np.arange(stage * size_of_stage, (stage + 1) * size_of_stage)
            place = np.broadcast_to(place, (shape[0], size_of_stage)).ravel()
            any_bought = bought.n > 0
            rows, place = bought.of(any_bought), place[any_bought.ravel()]
            parts.append((place, *discounted_counts(rows, ahead, rng)))
    place, worth, alike = (np.concatenate(column) for column in zip(*parts, strict=True))
    found, of_class = np.unique(
        np.maximum(np.floor(np.log(worth / _SMALLEST) / _WIDTH), -1.0), return_inverse=True
    )
    size = max(found.size, 1)
    places = stages * size_of_stage
    counted = np.bincount(of_class * places + place, minlength=size * places)
    chances = counted.reshape(size, stages, draws, ages.size) / paths
    each = np.maximum(np.bincount(of_class, minlength=size), 1)
    return (
        chances,
        np.bincount(of_class, worth, size) / each,
        np.bincount(of_class, alike, size) / each,
    )


def _between(group: Histories, model: PurchaseModel, ages: NDArray, chances: NDArray) -> NDArray:
    """The chances of histories, between those at the ages next to theirs, shape (m, k)."""
    young = _YOUNG * float(group.state_T[-1])
    at = np.log(ages + young) if young > 0 else ages
    where = np.log(group.state_T + young) if young > 0 else group.state_T
    left = np.clip(np.searchsorted(at, where, side="right") - 1, 0, max(ages.size - 2, 0))
    right = np.minimum(left + 1, ages.size - 1)
    gap = at[right] - at[left]
    share = np.clip(np.divide(where - at[left], gap, out=np.zeros_like(gap), where=gap > 0), 0, 1)
    in_stage = [chance for chance, _ in group.stages(model)]
    found = np.zeros((group.n_cells, len(chances)))
    for i, of_class in enumerate(chances):
        for chance, of_stage in zip(in_stage, of_class, strict=True):
            per_state = of_stage[:, left] * (1.0 - share) + of_stage[:, right] * share
            found[:, i] += group.averaged(chance, per_state)
    return found
