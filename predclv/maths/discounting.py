"""What a stream of purchases that may stop is worth, by quadrature over its operational time."""

import numpy as np
from numpy.typing import NDArray

_POINTS, _LENGTHS = np.polynomial.legendre.leggauss(24)
WORTHLESS = 40.0
"""A purchase discounted by more than exp(-40), below 1e-17, is lost in rounding."""


def discounted_until_dropout(
    p: NDArray, r: NDArray, alpha: NDArray, t: NDArray, delta: NDArray
) -> NDArray:
    """Discounted purchases by ``t`` of a customer who leaves after each with chance ``p``.

    The rate is Gamma(r, alpha)-distributed, so at time s the expected rate of purchases of those
    still here is ``(r / alpha) (1 + p s / alpha)^-(r + 1)``. With ``y = r log(1 + p s / alpha)``
    the integral of that times ``exp(-delta s)`` becomes ``(1/p) int exp(-y - delta s(y)) dy``,
    whose integrand falls smoothly from 1, whatever the parameters.

    Parameters
    ----------
    p : ndarray, shape (m, n)
        Chance of leaving after a purchase.
    r, alpha, t, delta : ndarray, shape (m, 1)
        Shape and rate of the purchase rate; length of the window (may be inf where delta > 0);
        continuous discount rate. Times in one unit.

    Returns
    -------
    ndarray, shape (m, n)
    """
    p = np.maximum(p, 1e-290)
    scale = alpha / p
    whole = r * np.log1p(t / scale)
    with np.errstate(divide="ignore"):
        worthless = r * np.log1p(WORTHLESS / (delta * scale))
    length = np.minimum(np.minimum(whole, worthless), WORTHLESS)
    # The exponent grows like exp(y / r): no panel may span more than three e-folds of it.
    panels = max(1, int(np.ceil(np.max(length / r, initial=0.0) / 3.0)))
    if np.max(length, initial=0.0) > 10.0:
        panels = max(panels, 2)
    total = np.zeros(np.broadcast_shapes(p.shape, length.shape))
    for panel in range(panels):
        for point, weight in zip(_POINTS, _LENGTHS, strict=True):
            y = length * ((panel + 0.5 * (point + 1.0)) / panels)
            total += weight * np.exp(-y - delta * scale * np.expm1(y / r))
    return total * (0.5 / panels) * length / p
