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
    path = traits.purchases(t, rng)
    owner, when = path.times(rng)
    return path.purchases, owner, when
