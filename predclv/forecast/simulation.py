"""Simulated futures: for what has no closed distribution, discounted sums and totals."""

import numpy as np
from numpy.typing import NDArray

from predclv.forecast.histories import Histories
from predclv.models.purchases import PurchaseModel
from predclv.models.spend import SpendModel

_WORTHLESS = 1e-4  # a purchase discounted below this ends an infinite horizon


def futures(
    histories: Histories,
    model: PurchaseModel,
    spend: SpendModel | None,
    mean: NDArray | None,
    t: float,
    delta: float,
    rng: np.random.Generator,
) -> dict[str, NDArray]:
    """One future of every customer at one draw of the parameters, each of shape (n_customers,).

    Parameters
    ----------
    histories : Histories
    model : PurchaseModel
        Its parameters numbers.
    spend : SpendModel or None
        Its parameters numbers; None for purchases alone.
    mean : ndarray, shape (n_customers,), or None
        Past mean spend.
    t : float
        Horizon; inf ends where discounting has left 1e-4 of a purchase.
    delta : float
        Continuous discount rate per unit of time.

    Returns
    -------
    dict
        ``purchases`` and ``discounted_purchases``, and with spend ``revenue`` and ``worth``, the
        discounted revenue.
    """
    if np.isinf(t):
        t = -np.log(_WORTHLESS) / delta
    cell = histories.cell_of_customer
    alive = rng.random(cell.size) < model.p_alive(histories.x, histories.t_x, histories.T)[cell]
    who = np.flatnonzero(alive)
    x, T = histories.x[cell[who]], histories.T[cell[who]]
    n, window, arrivals = (
        model.given_alive(x, T).traits(who.shape, rng).purchases(np.full(who.size, t), rng)
    )
    # Who leaves after the n-th of more arrivals bought the others before it; uniform each.
    cut = (n > 0) & (n < arrivals)
    last = np.where(cut, rng.beta(np.where(cut, n, 1), np.where(cut, arrivals - n, 0) + 1), 1.0)
    owner = np.repeat(np.arange(who.size), n)
    when = (window * last)[owner] * rng.random(owner.size)
    final = np.cumsum(n) - 1
    when[final[cut]] = (window * last)[cut]
    discount = np.exp(-delta * when)

    def summed(values: NDArray | None) -> NDArray:
        total = np.zeros(cell.size)
        total[who] = np.bincount(owner, weights=values, minlength=who.size)
        return total

    result = {"purchases": summed(None), "discounted_purchases": summed(discount)}
    if spend is not None and mean is not None:
        value = spend.given(x, mean[who]).simulate(n, rng)
        result["revenue"] = summed(value)
        result["worth"] = summed(value * discount)
    return result
