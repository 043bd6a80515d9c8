"""Time by a customer's own age: it runs more slowly the longer ago the first purchase was."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from predclv.units import days_per

SETTLES = 28.0
"""Days after the first purchase at which a customer's time has slowed down to ``2^-ageing``."""

MOST = 2.0
"""An ageing beyond which nearly all of a customer's time passes in the first weeks."""


def time_at_ages(ages: ArrayLike, ageing: float, unit: str) -> NDArray:
    r"""A customer's own time since the first purchase, at ages in days, same shape.

    .. math:: G(v) = \sum_{u=1}^{v} (1 + u / 28)^{-ageing}

    in the unit of time; between whole days it runs evenly.

    Examples
    --------
    >>> time_at_ages([0, 7, 7.5], 0.0, "week").round(3).tolist()
    [0.0, 1.0, 1.071]
    >>> time_at_ages([28, 280], 1.0, "week").round(2).tolist()
    [2.74, 9.53]
    """
    ages = np.asarray(ages, float)
    days = np.arange(1, int(np.ceil(ages.max(initial=0.0))) + 1)
    until = np.append(0.0, np.cumsum((1.0 + days / SETTLES) ** -ageing))
    return np.interp(ages, np.arange(until.size), until) / days_per(unit)


def time_and_slope(most: int, ageing: float, unit: str) -> tuple[NDArray, NDArray]:
    """The same at each age from 0 to ``most`` days, and its slope in ``ageing``, (most + 1,)."""
    slower = np.log1p(np.arange(1, most + 1) / SETTLES)
    rate = np.exp(-ageing * slower) / days_per(unit)
    return (
        np.concatenate([[0.0], np.cumsum(rate)]),
        np.concatenate([[0.0], np.cumsum(-slower * rate)]),
    )


def log_slowness(ages: ArrayLike) -> NDArray:
    """How much slower time runs on a day at this age: the log of its rate is so often -ageing."""
    return np.log1p(np.asarray(ages, float) / SETTLES)
