"""Who is best? How well a forecast tells the customers of most value from the others."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import hypergeom

from predclv.errors import DataError, OptionError
from predclv.validation.metrics import in_top


def decile_table(predicted: ArrayLike, actual: ArrayLike, groups: int = 10) -> pd.DataFrame:
    """Customers in ten groups of equal size by forecast, the highest first, and what came of each.

    A good forecast has ``actual`` fall from group to group (it ranks) and near ``predicted`` in
    each (it is calibrated). Customers of equal forecast are shared out among the groups they
    span, so the table does not depend on the order of rows.

    Parameters
    ----------
    predicted, actual : array, shape (n,)
    groups : int
        At most n.

    Returns
    -------
    DataFrame
        Index ``decile`` (1 holds the highest forecasts); columns customers, predicted and actual
        (means per customer), share (of all that came), cumulative_share and lift
        (actual over the mean of all). share and lift are NaN where nothing came.

    Examples
    --------
    >>> decile_table([4.0, 3.0, 2.0, 1.0], [6, 1, 1, 0], groups=2)[["predicted", "actual", "lift"]]
            predicted  actual   lift
    decile
    1             3.5     3.5   1.75
    2             1.5     0.5   0.25
    """
    predicted, actual = (np.asarray(each, np.float64) for each in (predicted, actual))
    if not 1 <= groups <= predicted.size:
        raise OptionError(
            f"groups must lie between 1 and the number of customers, {predicted.size}; got "
            f"{groups}."
        )
    edges = np.arange(1, groups + 1) / groups * predicted.size
    reached = np.array([in_top(predicted, edge) for edge in edges])
    members = np.diff(reached, axis=0, prepend=0.0)
    customers = members.sum(axis=1)
    came, total = members @ actual, actual.sum()
    nothing = total == 0
    share = np.full(groups, np.nan) if nothing else came / total
    return pd.DataFrame(
        {
            "customers": customers,
            "predicted": members @ predicted / customers,
            "actual": came / customers,
            "share": share,
            "cumulative_share": np.cumsum(share),
            "lift": share / (customers / predicted.size),
        },
        index=pd.Index(range(1, groups + 1), name="decile"),
    )


def top_missed(predicted: ArrayLike, actual: ArrayLike, share: float = 0.2) -> float:
    """Of the customers who came to be the top 20%, the share the forecast did not put there.

    Malthouse and Blattberg's "20-55 rule": about 55% are missed, whatever the model. As many
    customers are put on top as came to be there. Equal forecasts at the edge are drawn at random,
    and the mean over all draws is taken; of customers who came out equal at the edge, those the
    forecast put on top are taken as the top first, for there is no telling them apart. So the
    right forecast scores 0.

    References
    ----------
    Malthouse & Blattberg (2005), Journal of Interactive Marketing 19(1), 2-16.

    Examples
    --------
    >>> top_missed([5.0, 4.0, 3.0, 2.0, 1.0], [0, 9, 0, 0, 0])
    1.0
    """
    places, hits = _top_hits(predicted, actual, share)
    return 1.0 - hits / places


def others_taken(predicted: ArrayLike, actual: ArrayLike, share: float = 0.2) -> float:
    """Of the customers who came to be the other 80%, the share the forecast put on top.

    Malthouse and Blattberg's "80-15 rule": about 15% get a treatment they are not worth. The same
    customers as in `top_missed`, counted from the other side: as many are wrongly on top as are
    missed, over four times as many customers.

    References
    ----------
    Malthouse & Blattberg (2005), Journal of Interactive Marketing 19(1), 2-16.

    Examples
    --------
    >>> others_taken([5.0, 4.0, 3.0, 2.0, 1.0], [0, 9, 0, 0, 0])
    0.25
    """
    places, hits = _top_hits(predicted, actual, share)
    return (places - hits) / (np.size(actual) - places)


def _top_hits(predicted: ArrayLike, actual: ArrayLike, share: float) -> tuple[int, float]:
    """How many places the top has, and how many of them the forecast fills rightly."""
    predicted, actual = (np.asarray(each, np.float64) for each in (predicted, actual))
    places = round(share * actual.size)
    if predicted.shape != actual.shape or not 0 < places < actual.size:
        raise DataError(
            f"Predicted and actual must be of one shape, with customers both within and outside "
            f"the top {share:.0%}; got {predicted.shape} and {actual.shape}."
        )
    edge = np.sort(actual)[-places]
    best, equal = actual > edge, actual == edge
    chance = in_top(predicted, places)
    chosen, drawn = chance == 1.0, (chance > 0.0) & (chance < 1.0)
    left = places - int(chosen.sum())
    # Of the places drawn at random, some fall to customers equal at the edge of what came.
    draws = np.arange(left + 1)
    likely = _drawn(int(drawn.sum()), int((drawn & equal).sum()), left, draws)
    filled = np.minimum((chosen & equal).sum() + draws, places - best.sum())
    return places, float(chance[best].sum() + likely @ filled)


def _drawn(population: int, marked: int, places: int, draws: NDArray) -> NDArray:
    """P(``draws`` of the marked are among the places drawn)."""
    if not population:
        return np.ones(1)
    return np.asarray(hypergeom(population, marked, places).pmf(draws))
