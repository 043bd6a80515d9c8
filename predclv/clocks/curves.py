"""A clock's smooth part, season and trend, as a curve over days, with how well it is known."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtri

from predclv.clocks.calendar import Calendar
from predclv.clocks.terms import Term, basis
from predclv.units import probability


def curve(clock: Calendar, days: NDArray, of: Sequence[type], level: float = 0.9) -> pd.DataFrame:
    r"""The rate by some kinds of terms alone, and a band for it.

    Its mean over the days observed is 1. With the terms' columns B and weights w, the share of the
    observed days in all time of the curve, the log of the rate moves with the effects by
    :math:`B - w'B`, which gives the band from the covariance of the effects.

    Parameters
    ----------
    clock : Calendar
        At one set of effects.
    days : ndarray of int, shape (n,)
        Since 1970-01-01.
    of : sequence of types of terms
        Such as ``(Season, Trend)``.
    level : float
        Of the band, at each day by itself.

    Returns
    -------
    DataFrame
        Index ``days``; columns rate, lower and upper, the bounds NaN where the effects' covariance
        is not known.
    """
    chosen: list[Term] = []
    places: list[int] = []
    at = 0
    for term in clock.terms:
        n = len(term.names)
        if isinstance(term, tuple(of)):
            chosen.append(term)
            places += range(at, at + n)
        at += n
    effects = clock.effects[places]
    observed = basis(chosen, np.arange(clock.first_day + 1, clock.last_day + 1))
    columns = basis(chosen, days)
    eta = observed @ effects
    total = logsumexp(eta)
    log_rate = columns @ effects - total + np.log(eta.size)
    error = np.full(len(days), np.nan)
    if clock.covariance is not None:
        moves = columns - np.exp(eta - total) @ observed
        own = clock.covariance[np.ix_(places, places)]
        error = np.sqrt(np.einsum("di,ij,dj->d", moves, own, moves))
    reach = float(ndtri(0.5 + probability(level, "level") / 2)) * error
    return pd.DataFrame(
        {
            "rate": np.exp(log_rate),
            "lower": np.exp(log_rate - reach),
            "upper": np.exp(log_rate + reach),
        },
        index=pd.Index(days, name="days"),
    )
