"""Two clocks, one for purchases and one for leaving, whose paces differ between customers.

A Gamma(k, alpha) pace and a Gamma(s, beta) pace leave integrals over time of powers of
``alpha + tau`` and ``beta + tau``, which the literature writes as Gauss hypergeometric functions.
Here time is counted by the logarithm of ``tau`` plus the smaller of the two scales: in it both
powers are smooth on a scale of one, whatever the parameters, so Gauss-Legendre panels of a fixed
size serve them all. Relative errors are below 1e-12, mostly near 1e-15.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

POINTS, LENGTHS = np.polynomial.legendre.leggauss(24)
POINTS, LENGTHS = 0.5 * (POINTS + 1.0), 0.5 * LENGTHS
PANEL = 4.0  # how long a panel may be, in e-folds of time
FAR = 37.0  # e-folds after which what falls exponentially is lost in rounding


def log_race(
    k: NDArray, alpha: NDArray, s: NDArray, beta: NDArray, start: NDArray, end: NDArray
) -> NDArray:
    """Logarithm of the chance, per ``s``, that the second clock rings first, within a window.

    That is ``log int ((alpha+start)/(alpha+tau))^k ((beta+start)/(beta+tau))^s dtau/(beta+tau)``
    over tau from ``start`` to ``end``, for clocks that were both silent until ``start``.

    Parameters
    ----------
    k, alpha, s, beta : ndarray
        Shape and scale of the two paces; positive. ``k`` may be huge.
    start, end : ndarray
        Ends of the window; ``end`` may be inf. -inf is returned where it is empty.
    """
    p, q, low_over_high, _, length = _falling(k, alpha, s, beta, start, end)
    # From here on the integrand is a pure exponential, to rounding.
    settled = np.minimum(length, FAR - np.log(low_over_high))
    total = np.zeros(np.broadcast_shapes(p.shape, q.shape, length.shape))
    for weight, *_ in _along(p, q, low_over_high, settled):
        total += weight
    beyond = length - settled
    if np.any(beyond > 0):
        fallen = p * settled + q * (settled + np.log(low_over_high))
        total = total + np.exp(-fallen) * -np.expm1(-(p + q) * beyond) / (p + q)
    with np.errstate(divide="ignore"):
        return np.log(total) + np.where(beta <= alpha, 0.0, np.log(low_over_high))


def race_and_slopes(
    k: NDArray, alpha: NDArray, s: NDArray, beta: NDArray, start: NDArray, end: NDArray
) -> tuple[NDArray, NDArray]:
    """``log_race`` for a finite ``end``, and the integrand's means that its slopes are made of.

    Returns
    -------
    log_total : ndarray, shape (n,)
    means : ndarray, shape (4, n)
        Of ``log((alpha+tau)/(alpha+start))``, ``log((beta+tau)/(beta+start))``,
        ``(end-tau)/(alpha+tau)`` and ``(end-tau)/(beta+tau)`` over the integrand; 0 where the
        window is empty. In these no slope cancels, however large the parameters.
    """
    p, q, low_over_high, second_is_low, length = _falling(k, alpha, s, beta, start, end)
    last = (end - start) / (np.where(second_is_low, beta, alpha) + start)
    sums = np.zeros((5, *np.broadcast_shapes(p.shape, q.shape, length.shape)))
    for weight, low, high, rise in _along(p, q, low_over_high, length):
        late = weight * (last - rise)
        sums[0] += weight
        sums[1] += weight * low
        sums[2] += weight * high
        sums[3] += late / (1.0 + rise)
        sums[4] += late / (1.0 + low_over_high * rise)
    total = sums[0]
    means = sums[1:] / np.where(total > 0, total, 1.0)
    means[3] *= low_over_high
    # The sums are by the lower and the higher scale; alpha comes first.
    means = np.where(second_is_low, means[[1, 0, 3, 2]], means)
    with np.errstate(divide="ignore"):
        return np.log(total) + np.where(second_is_low, 0.0, np.log(low_over_high)), means


def _falling(
    k: NDArray, alpha: NDArray, s: NDArray, beta: NDArray, start: NDArray, end: NDArray
) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """The integrand as ``exp(-p z - q log(1 + w (exp(z) - 1)))`` on 0 <= z <= length.

    ``z = log((low+tau)/(low+start))`` for the lower of the two scales, w the ratio of lower to
    higher at the start. The length ends where the integrand is lost in rounding.
    """
    second_is_low = np.asarray(beta <= alpha)
    low = np.where(second_is_low, beta, alpha) + start
    w = low / (np.where(second_is_low, alpha, beta) + start)
    p = np.where(second_is_low, s, k - 1.0)
    q = np.where(second_is_low, k, s + 1.0)
    steep = FAR / (q + np.minimum(p, 0.0))
    by_second = np.where(
        steep > FAR, steep - np.log(w), np.log1p(np.expm1(np.minimum(steep, FAR)) / w)
    )
    by_first = FAR / np.where(p > 0, p, FAR / np.finfo(float).max)
    length = np.log1p((end - start) / low)
    return p, q, w, second_is_low, np.minimum(length, np.minimum(by_first, by_second))


def _along(
    p: NDArray, q: NDArray, w: NDArray, length: NDArray
) -> Iterator[tuple[NDArray, NDArray, NDArray, NDArray]]:
    """Node by node: the integrand times its weight, the two logarithms, and exp(z) - 1."""
    for z, weight in _nodes(length):
        rise = np.expm1(z)
        second = np.log1p(w * rise)
        yield weight * np.exp(-p * z - q * second), z, second, rise


def _nodes(length: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
    """Nodes on [0, length] with their weights, in as many panels as the longest needs."""
    panels = max(1, int(np.ceil(np.max(length, initial=0.0) / PANEL)))
    for panel in range(panels):
        for point, weight in zip(POINTS, LENGTHS, strict=True):
            yield length * ((panel + point) / panels), length * (weight / panels)


def worth_until_left(s: NDArray, beta: NDArray, t: NDArray, delta: NDArray) -> NDArray:
    """``int_0^t exp(-delta u) (1 + u/beta)^-s du``: discounted time as a customer.

    ``t`` may be inf; ``delta`` is positive.
    """
    p, c = s - 1.0, delta * beta
    length = np.minimum(np.log1p(t / beta), np.log1p(FAR / c))
    length = np.minimum(length, FAR / np.where(p > 0, p, FAR / np.finfo(float).max))
    total = np.zeros(length.shape)
    for z, weight in _nodes(length):
        total = total + weight * np.exp(-p * z - c * np.expm1(z))
    return beta * total


def log_nth_first(
    n: NDArray,
    r: NDArray,
    alpha: NDArray,
    s: NDArray,
    beta: NDArray,
    t: NDArray,
    power: int,
) -> NDArray:
    """``log int_0^t v^n (1-v)^r (1+tau/beta)^-s (tau/(beta+tau))^power dtau/tau``.

    With ``v = tau/(alpha+tau)``; n >= 1. Power 0 is, but for a constant, the chance that the n-th
    purchase comes before leaving; power 1, that the customer leaves after n of them.

    In ``log tau`` the integrand is log-concave. Its peak is the root of a quadratic; the window
    where it is not lost in rounding is found by Newton steps, which approach it from outside.
    """
    n, r, alpha, s, beta, t = np.broadcast_arrays(n, r, alpha, s, beta, t)
    usable = t > 0
    last = np.log(np.where(usable, t, 1.0))
    log_alpha, log_beta = np.log(alpha), np.log(beta)

    def height(zeta: NDArray) -> NDArray:
        tau = np.exp(np.maximum(zeta, -600.0))
        both = n * np.log1p(alpha / tau) + r * np.log1p(tau / alpha) + s * np.log1p(tau / beta)
        return -(both + np.log1p(beta / tau)) if power else -both

    def slope(zeta: NDArray) -> NDArray:
        in_alpha = 1.0 / (1.0 + np.exp(zeta - log_alpha))  # alpha / (alpha + tau)
        in_beta = 1.0 / (1.0 + np.exp(zeta - log_beta))
        return (n + r) * in_alpha - r + (s + power) * in_beta - s

    b = r * beta + s * alpha - n * alpha - power * beta
    c = (n + power) * alpha * beta
    root = np.sqrt(b * b + 4 * (r + s) * c)
    # Either form of the root, whichever does not cancel.
    peak = np.where(b > 0, 2 * c / np.where(b > 0, b + root, 1.0), (root - b) / (2 * (r + s)))
    peak = np.minimum(np.log(peak), last)
    top = height(peak)
    floor = top - FAR
    left = (floor + n * log_alpha + power * log_beta) / (n + power)
    right = last
    for _ in range(60):
        left_step = np.maximum(floor - height(left), 0.0) / np.maximum(slope(left), 1e-300)
        too_low = height(right) < floor
        right_step = np.where(
            too_low, (height(right) - floor) / np.where(too_low, slope(right), 1.0), 0.0
        )
        left, right = np.minimum(left + left_step, peak), np.maximum(right - right_step, peak)
        width = right - left
        if np.all(left_step + right_step <= 0.1 * width + 1e-9):
            break
    total = np.zeros(n.shape)
    for begin, length in ((left, peak - left), (peak, right - peak)):
        for z, weight in _nodes(length):
            total = total + weight * np.exp(height(begin + z) - top)
    with np.errstate(divide="ignore"):
        return np.where(usable, top + np.log(total), -np.inf)
