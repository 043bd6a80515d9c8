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

    Where the model has a purchase rate Gamma(r, alpha), it is Gamma(r + x, alpha + t_x) after a
    history whose last purchase was at t_x, and staying is taken literally. Any other model answers
    for a customer alive right after the last purchase, who may leave meanwhile.

    Parameters
    ----------
    model : PurchaseModel
    x, t_x : ndarray, shape (n,)

    Returns
    -------
    function
        Of ``s``, shape (n,), in the unit of ``t_x``.
    """
    if "t_x" in getattr(
        model, "state", ()
    ):  # regular buyers: those who have just bought are in the first stage
        return model.living(x, t_x, t_x).silence
    r, alpha = getattr(model, "r", None), getattr(model, "alpha", None)
    if r is not None and alpha is not None:
        return lambda s: np.exp(-(r + x) * np.log1p(s / (alpha + t_x)))
    given = model.given_alive(x, t_x)
    return lambda s: 1.0 - given.p_active(s)


def waiting_time(silence: Silence, p: float, n: int, unit: str) -> NDArray:
    """Time by which a purchase has come with probability ``p``, shape (n,).

    By bisection on the logarithm of time, all customers at once; inf where the probability is not
    reached in 100 years.

    Parameters
    ----------
    silence : function
        Of times (n,) in ``unit``: the probability of no purchase by then, falling.
    p : float
    n : int
        Number of customers.
    unit : str
    """
    if n == 0:
        return np.empty(0)
    low = np.full(n, np.log(_SHORTEST / DAYS[unit]))
    high = np.full(n, np.log(LONGEST / DAYS[unit]))
    never = silence(np.exp(high)) > 1.0 - p
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        later = silence(np.exp(middle)) > 1.0 - p
        low, high = np.where(later, middle, low), np.where(later, high, middle)
    return np.where(never, np.inf, np.exp(high))
