"""Sums of a smooth falling term over all whole numbers, to nearly the last digit."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_FIRST = 64  # terms added one by one; Euler and Maclaurin's next correction is then below 1e-12
_NEGLIGIBLE = 45.0  # exp(-45) is nothing
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(32)


def discounted_sum(
    term: Callable[[NDArray], NDArray], last: float, delta: float, power: float
) -> NDArray:
    r"""``sum_{k=1}^{last} term(k)`` for a term that falls like :math:`k^{-power} e^{-delta k}`.

    A few thousand terms are added; of an endless sum 64, and the rest by the formula of Euler and
    Maclaurin, whose integral is taken on the logarithm of k.

    Parameters
    ----------
    term : callable
        Whole or broken numbers (points,) to values (..., points).
    last : float
        Last term; inf for all.
    delta : float
        At least 0.
    power : float
        Where delta is 0 and this is at most 1, an endless sum is infinite.

    Examples
    --------
    >>> float(discounted_sum(lambda k: k**-2.0, np.inf, 0.0, 2.0).round(12))
    1.644934066848
    """
    if last <= 4096:
        return term(np.arange(1.0, np.floor(last) + 1.0)).sum(axis=-1)
    head = term(np.arange(1.0, _FIRST)).sum(axis=-1)
    if not np.isfinite(last) and delta == 0 and power <= 1.0:
        return np.full_like(head, np.inf)
    start = float(_FIRST)
    end = float(last)
    if delta > 0:
        end = min(end, start + _NEGLIGIBLE / delta)
    far = np.log(end / start) if np.isfinite(end) else _NEGLIGIBLE / (power - 1.0)
    panels = max(8, int(np.ceil(far * 2)))
    edges = np.linspace(0.0, far, panels + 1)
    u = (0.5 * (edges[1:] + edges[:-1])[:, None] + 0.5 * far / panels * _POINTS).ravel()
    k = start * np.exp(u)
    weight = np.tile(0.5 * far / panels * _WEIGHTS, panels) * k
    inside = (term(k) * weight).sum(axis=-1)
    # f(K) / 2 - f'(K) / 12 + f'''(K) / 720, by central differences
    step = 0.5
    around = term(start + step * np.array([-2.0, -1.0, 0.0, 1.0, 2.0]))
    slope = (around[..., 0] - 8 * around[..., 1] + 8 * around[..., 3] - around[..., 4]) / (
        12 * step
    )
    third = (
        -around[..., 0] + 2 * around[..., 1] - 2 * around[..., 3] + around[..., 4]
    ) / (2 * step**3)  # fmt: skip
    return head + inside + 0.5 * around[..., 2] - slope / 12.0 + third / 720.0
