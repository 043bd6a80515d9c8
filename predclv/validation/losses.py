"""Losses customer by customer: by how much one forecaster is better, and how sure that is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from predclv.validation.metrics import in_top

if TYPE_CHECKING:
    from predclv.validation.result import Validation

_BEYOND_CHANCE = 2.0  # standard errors


def losses_of(expected: NDArray, came: NDArray) -> dict[str, NDArray]:
    """What each customer adds to metrics of an expectation, each of shape (n,).

    Smaller is better, and the mean over customers is the metric (of top_decile_capture its
    negative, of bias its size). The root mean square is not a mean: a customer counts there with
    their part of its change, to first order. In shares of what came, the sum that came is taken as
    given, as is who is in the top tenth.
    """
    error = expected - came
    found = {}
    if np.isfinite(error).all():
        found["mae"] = np.abs(error)
        squares = error**2
        root = float(np.sqrt(squares.mean()))
        found["rmse"] = root + (squares - squares.mean()) / (2.0 * root if root > 0 else 1.0)
    mean = float(came.mean())
    if mean > 0:
        found["bias"] = np.sign(error.sum()) * error / mean
        found["top_decile_capture"] = -in_top(expected, 0.1 * expected.size) * came / mean
    return found


class Difference(NamedTuple):
    """How far the loss of one forecaster lies above another's.

    Attributes
    ----------
    mean : float
        Negative where the first is better.
    error : float
        Its standard error over customers.
    better_at : int
        From how many origins the first is better.
    """

    mean: float
    error: float
    better_at: int

    @property
    def is_better(self) -> bool:
        """Whether the first is better beyond chance: by more than two standard errors."""
        return self.mean < -_BEYOND_CHANCE * self.error

    @property
    def is_worse(self) -> bool:
        """Whether the first is worse beyond chance."""
        return self.mean > _BEYOND_CHANCE * self.error


def difference(
    customers: Sequence[NDArray], first: Sequence[NDArray], second: Sequence[NDArray]
) -> Difference:
    """The mean difference of two forecasters' losses, paired: of the same customers.

    Parameters
    ----------
    customers : sequence of ndarray
        Per origin, the customers' ids; whoever is there from several origins counts once, with
        the sum of what they add.
    first, second : sequence of ndarray
        Per origin, the losses of these customers.

    Returns
    -------
    Difference
        The mean over origins of the mean over customers.

    Examples
    --------
    >>> ids = np.array([1, 2, 3, 4])
    >>> found = difference([ids], [np.array([1.0, 2, 3, 4])], [np.array([2.0, 2, 4, 5])])
    >>> found.mean, round(found.error, 3), found.is_better
    (-0.75, 0.25, True)
    """
    apart = [one - other for one, other in zip(first, second, strict=True)]
    means = [float(each.mean()) for each in apart]
    parts = [
        (each - mean) / (each.size * len(apart)) for each, mean in zip(apart, means, strict=True)
    ]
    if len(parts) == 1:
        per_customer = parts[0]
    else:
        code, _ = pd.factorize(np.concatenate(customers))
        per_customer = np.bincount(code, weights=np.concatenate(parts))
    n = per_customer.size
    error = float(np.sqrt(np.sum(per_customer**2) * n / (n - 1))) if n > 1 else float("inf")
    return Difference(float(np.mean(means)), error, sum(mean < 0 for mean in means))


def apart(
    one: str, other: str, metric: str, validations: Sequence["Validation"]
) -> Difference | None:
    """The paired difference of two forecasters, over the origins where both have finite losses."""
    both = [v for v in validations if in_both(one, other, metric, v)]
    if not both:
        return None
    return difference(
        [v.split.rfm.frame["customer_id"].to_numpy() for v in both],
        [v.losses[one][metric] for v in both],
        [v.losses[other][metric] for v in both],
    )


def in_both(one: str, other: str, metric: str, validation: "Validation") -> bool:
    """Whether both have finite losses in a validation."""
    found = [validation.losses.get(name, {}).get(metric) for name in (one, other)]
    return all(loss is not None and bool(np.isfinite(loss).all()) for loss in found)
