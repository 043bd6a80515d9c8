"""How long until a purchase: probabilities of silence, and their quantiles."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from predclv.models.purchases import PurchaseModel
from predclv.units import DAYS

LONGEST = 100 * DAYS["year"]
"""Days after which what has not come is taken as never coming."""

_SHORTEST = 1e-4  # days
_STEPS = 40  # halvings of the logarithm of time: it is known to 3e-11 of itself

Silence = Callable[[NDArray], NDArray]


def chance_of_silence(model: PurchaseModel, x: NDArray, t_x: NDArray) -> Silence:
    """Probability of no purchase for ``s`` after the last one, of customers who stay.

    As the model says of a future that begins right after the last purchase, at t_x, staying being
    taken literally where the model can: the purchase rate is then Gamma(r + x, alpha + t_x).

    Parameters
    ----------
    model : PurchaseModel
    x, t_x : ndarray, shape (n,)

    Returns
    -------
    function
        Of ``s``, shape (n,), in the unit of ``t_x``.
    """
    return model.living(x, t_x, t_x).silence


def waiting_time(
    silence: Silence, p: float, n: int, unit: str, longest: float | None = None
) -> NDArray:
    """Time by which a purchase has come with probability ``p``, shape (n,).

    By bisection on the logarithm of time, all customers at once; inf where the probability is not
    reached in ``longest``.

    Parameters
    ----------
    silence : function
        Of times (n,) in ``unit``: the probability of no purchase by then, falling.
    p : float
    n : int
        Number of customers.
    unit : str
    longest : float, optional
        In ``unit``; default 100 years. A clock says what passes of its time in as long.
    """
    if n == 0:
        return np.empty(0)
    low = np.full(n, np.log(_SHORTEST / DAYS[unit]))
    high = np.full(n, np.log(LONGEST / DAYS[unit] if longest is None else longest))
    never = silence(np.exp(high)) > 1.0 - p
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        later = silence(np.exp(middle)) > 1.0 - p
        low, high = np.where(later, middle, low), np.where(later, high, middle)
    return np.where(never, np.inf, np.exp(high))
