"""Simulated customers, purchase by purchase."""

import numpy as np
from numpy.typing import NDArray

from predclv.models.purchases import Traits


def purchase_times(
    traits: Traits, t: NDArray, rng: np.random.Generator
) -> tuple[NDArray, NDArray, NDArray]:
    """One future of customers: how often each buys by ``t``, and when.

    Parameters
    ----------
    traits : Traits
        Of shape (n,).
    t : ndarray, shape (n,)
        How long each is looked at.

    Returns
    -------
    purchases : ndarray of int64, shape (n,)
    owner : ndarray of int64, shape (n_purchases,)
        The customer of each purchase, ascending.
    when : ndarray, shape (n_purchases,)
        The time of each, in no order within a customer.
    """
    n, window, arrivals = traits.purchases(t, rng)
    # Who leaves after the n-th of more arrivals bought the others before it; uniform each.
    cut = (n > 0) & (n < arrivals)
    last = np.where(cut, rng.beta(np.where(cut, n, 1), np.where(cut, arrivals - n, 0) + 1), 1.0)
    owner = np.repeat(np.arange(n.size), n)
    when = (window * last)[owner] * rng.random(owner.size)
    final = np.cumsum(n) - 1
    when[final[cut]] = (window * last)[cut]
    return n, owner, when
