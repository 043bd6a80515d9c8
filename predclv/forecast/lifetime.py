"""What the purchases of a whole remaining lifetime are worth: its distribution, per history.

Counted in purchases made today, a future is worth the sum of its discounts ``exp(-delta s)``. That
sum has no closed distribution, but it depends on frequency and age alone once the customer is known
to be alive, and smoothly on age: it is simulated at a few ages of each frequency, and histories
read off between them. Where purchases fade it depends on what they still count too, and as
smoothly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from predclv.forecast.ahead import Ahead
from predclv.forecast.histories import Histories, n_draws
from predclv.forecast.lifetime_nodes import Nodes
from predclv.forecast.patterns import model_for
from predclv.forecast.simulation import discounted_counts, purchases
from predclv.models.purchases import PurchaseModel
from predclv.progress import progress

_FUTURES = 1 << 22  # simulated in all
_FEWEST, _MOST = 1000, 20_000  # per age at which they are
_AT_ONCE = 1 << 18  # futures that are held at once
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
    groups = [
        (cells, Nodes.of(group, model_for(model, None if (p := group.pattern) is None else p[:1])))
        for cells, group in histories.by_frequency_and_pattern()
    ]
    ways = [
        None if histories.way is None else histories.way[c.start : c.start + 1] for c, _ in groups
    ]
    size = sum(nodes.size for _, nodes in groups)
    draws = n_draws(model)
    paths = -(-int(np.clip(_FUTURES // size, _FEWEST, _MOST)) // draws)
    with progress("Simulating lifetimes", len(groups)) as step:
        for (cells, nodes), way in zip(groups, ways, strict=True):
            group = histories.piece(cells)
            step(f"{nodes.x:,.0f} repeat purchases so far")
            chances, worth, alike = _at_nodes(nodes, draws, paths, ahead.along(way), rng)
            yield Worths(cells, _between(group, model, nodes, chances), worth, alike)


def _at_nodes(
    nodes: Nodes,
    draws: int,
    paths: int,
    ahead: Ahead,
    rng: np.random.Generator,
) -> tuple[NDArray, NDArray, NDArray]:
    """Chances of classes of worth of living customers; the classes' averages.

    The chances are of shape (k, stages, draws, nodes), in each stage that a customer may be in.
    Classes that no future fell in are left out.
    """
    size_of_stage, stages = draws * nodes.size, nodes.model.stages
    parts = []
    step = max(1, _AT_ONCE // size_of_stage)
    for stage in range(stages):
        living = nodes.living(stage)
        for start in range(0, paths, step):
            shape = (min(step, paths - start), draws, nodes.size)
            bought = purchases(living.traits(shape, rng), ahead.until_worthless, rng)
            place = np.arange(stage * size_of_stage, (stage + 1) * size_of_stage)
            place = np.broadcast_to(place, (shape[0], size_of_stage)).ravel()
            any_bought = bought.purchases > 0
            rows, place = bought.of(any_bought), place[any_bought.ravel()]
            parts.append((place, *discounted_counts(rows, ahead, rng)))
    place, worth, alike = (np.concatenate(column) for column in zip(*parts, strict=True))
    found, of_class = np.unique(
        np.maximum(np.floor(np.log(worth / _SMALLEST) / _WIDTH), -1.0), return_inverse=True
    )
    size = max(found.size, 1)
    places = stages * size_of_stage
    counted = np.bincount(of_class * places + place, minlength=size * places)
    chances = counted.reshape(size, stages, draws, nodes.size) / paths
    each = np.maximum(np.bincount(of_class, minlength=size), 1)
    return (
        chances,
        np.bincount(of_class, worth, size) / each,
        np.bincount(of_class, alike, size) / each,
    )


def _between(group: Histories, model: PurchaseModel, nodes: Nodes, chances: NDArray) -> NDArray:
    """The chances of histories, between those at the nodes around theirs, shape (m, k)."""
    corners = list(nodes.corners())
    in_stage = [chance for chance, _ in group.stages(model)]
    found = np.zeros((group.n_cells, len(chances)))
    for i, of_class in enumerate(chances):
        for chance, of_stage in zip(in_stage, of_class, strict=True):
            per_state = sum(of_stage[:, node] * share for node, share in corners)
            found[:, i] += group.averaged(chance, per_state)
    return found
