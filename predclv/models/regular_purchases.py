"""Expected purchases of customers who buy at every k-th event and may leave after each purchase."""

from functools import cache
from itertools import count, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

_FEW_STAY = 1e-2  # chance of staying below which eight terms of its power series do
_TERMS = 8
_FEW_EVENTS = 250.0  # events that are added up one by one; of more, quadrature costs less
_AT_ONCE = 1 << 13  # customers whose sums stay in the processor's cache
_LEFT = 1e-15  # what sums over events leave out, as a share of them


def has_few_events(r: NDArray, alpha: NDArray, t: NDArray) -> NDArray:
    """Whether hardly any customer has more than some hundred events by ``t``."""
    longer = t / alpha
    mean = r * longer
    return mean + 8.0 * np.sqrt(mean * (1.0 + longer)) + 20.0 * (1.0 + longer) < _FEW_EVENTS


def purchases_by_events(
    a: NDArray, b: NDArray, r: NDArray, alpha: NDArray, t: NDArray, k: int, gone: int
) -> NDArray:
    r"""Expected purchases by t, summed over the number of events, shape (n,) as each argument.

    With N events, negative binomial, it is

    .. math::
        \sum_m P(N = m) \sum_{n \le (m + gone) / k} \frac{B(a, b + n - 1)}{B(a, b)}

    Each term is the one before times a fraction, and none is negative: all digits are right.
    """
    found = np.empty(a.size)
    for start in range(0, a.size, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found[part] = _summed_over_events(a[part], b[part], r[part], alpha[part], t[part], k, gone)
    return found


def _summed_over_events(
    a: NDArray, b: NDArray, r: NDArray, alpha: NDArray, t: NDArray, k: int, gone: int
) -> NDArray:
    answer, open_still = np.empty(a.size), np.arange(a.size)
    share, ab = t / (alpha + t), a + b
    mass = np.exp(-r * np.log1p(t / alpha))  # of so many events
    total, bought, stays, n = np.zeros(a.size), np.zeros(a.size), np.ones(a.size), 0
    for m in count(1):
        mass = mass * (share * ((r + (m - 1)) / m))
        if (m + gone) % k == 0:
            bought = bought + stays
            stays = stays * ((b + n) / (ab + n))
            n += 1
        total = total + mass * bought
        if m % 8 or not n:
            continue
        falls = np.maximum(share, share * ((r + m) / (m + 1)))  # at most, from here on
        with np.errstate(divide="ignore"):
            left = mass * falls / (1.0 - falls) * (bought + 1.0 / (1.0 - falls))
        going = (falls >= 1.0) | (left > _LEFT * total)
        if going.all():
            continue
        answer[open_still[~going]] = total[~going]
        open_still = open_still[going]
        if not open_still.size:
            return answer
        b, ab, r, share, mass, total, bought, stays = (
            value[going] for value in (b, ab, r, share, mass, total, bought, stays)
        )
    raise AssertionError  # events without end


def discounted_by_events(
    a: NDArray,
    b: NDArray,
    r: NDArray,
    alpha: NDArray,
    t: NDArray,
    delta: NDArray,
    k: int,
    gone: int,
) -> NDArray:
    """The same, each purchase at s worth ``exp(-delta s)``; by parts, as `discounted_at`."""
    if not a.size:
        return np.empty(0)
    found = np.exp(-delta * t) * purchases_by_events(a, b, r, alpha, t, k, gone)
    when, lengths = moments(float(np.max(t * np.maximum(r, 1.0) / alpha)))
    for at, length in zip(when.tolist(), lengths.tolist(), strict=True):
        worth = (length * delta * t) * np.exp(-delta * (at * t))
        found = found + worth * purchases_by_events(a, b, r, alpha, at * t, k, gone)
    return found


def purchases_at(p: NDArray, r: NDArray, alpha: NDArray, t: NDArray, k: int, gone: int) -> NDArray:
    r"""Expected purchases by t of customers who leave with chance p after each, shape (m, n).

    With N events by t, purchases A = floor((N + gone) / k) and ``s = 1 - p``, it is
    ``(1 - E[s^A]) / p``. As a function of N, ``s^A`` is multiplied by s every k events: it is a sum
    of k geometric sequences, of the k-th roots ``u`` of s,

    .. math::
        s^{\lfloor m / k \rfloor} = \sum_u c_u u^m, \quad
        c_u = \frac{p}{s k (1 / u - 1)}, \quad
        E[u^N] = (1 + (1 - u) t / \alpha)^{-r}.

    Parameters
    ----------
    p : ndarray, shape (m, n)
    r, alpha, t : ndarray, shape (m, 1)
        Of the events: shape and rate of their rate, and the horizon.
    k, gone : int
        Events per purchase, and since the last one.
    """
    p = np.maximum(p, 1e-290)
    stays = 1.0 - p
    few = stays < _FEW_STAY
    safe = np.where(few, 0.5, p) if few.any() and k > 1 else np.minimum(p, 1.0)
    found = _by_roots(safe, r, alpha, t, k, gone)
    if few.any() and k > 1:
        rows, columns = np.nonzero(few)
        of_r, of_alpha, of_t = (value[rows, 0] for value in np.broadcast_arrays(r, alpha, t))
        stay = stays[rows, columns]
        found[rows, columns] = _by_terms(stay, of_r, of_alpha, of_t, k, gone)
    return found


def _by_roots(p: NDArray, r: NDArray, alpha: NDArray, t: NDArray, k: int, gone: int) -> NDArray:
    if k == 1:
        return -np.expm1(-r * np.log1p(p * t / alpha)) / p
    v = -np.log1p(-p) / k
    # The real root, exp(-v): all that is left as p goes to 0, by logarithms so that it keeps its
    # digits.
    log_share = _log_mean_rise(k * v) - _log_mean_rise(v)
    log_term = log_share - gone * v - r * np.log1p(-np.expm1(-v) * t / alpha)
    found = -np.expm1(log_term) / p
    over = 1.0 / (k * (1.0 - p))
    for number in range(1, k // 2 + 1):
        # Roots come in conjugate pairs, but for the negative one of an even k.
        is_single = 2 * number == k
        root = -np.exp(-v) if is_single else np.exp(-v + 2j * np.pi * number / k)
        weight = over * root ** (gone + 1) / (1.0 - root)
        term = weight * np.exp(-r * np.log1p((1.0 - root) * (t / alpha)))
        found = found - (term if is_single else 2.0 * term.real)
    return np.maximum(found, 0.0)


def _log_mean_rise(y: NDArray) -> NDArray:
    """``log((exp(y) - 1) / y)`` for y >= 0, without cancelling near 0."""
    half = 0.5 * y
    square = half * half
    small = half < 0.1  # the term left out is below 1e-16
    series = square * (1 / 6 - square * (1 / 180 - square * (1 / 2835 - square * (1 / 37800))))
    apart = np.where(small, 1.0, half)
    rest = np.log(-np.expm1(-2.0 * apart) / (2.0 * apart))
    return np.where(small, half + series, 2.0 * apart + rest)


def _by_terms(stays: NDArray, r: NDArray, alpha: NDArray, t: NDArray, k: int, gone: int) -> NDArray:
    """The same where hardly anybody stays: purchase by purchase, shape (m,)."""
    share, total = t / (alpha + t), np.zeros(stays.size)
    for n in range(1, _TERMS + 1):
        total = total + stays ** (n - 1) * betainc(n * k - gone, r, share)
    return total


def discounted_at(
    p: NDArray,
    r: NDArray,
    alpha: NDArray,
    t: NDArray,
    delta: NDArray,
    k: int,
    gone: int,
    when: NDArray,
    lengths: NDArray,
) -> NDArray:
    """The same, each purchase at s worth ``exp(-delta s)``, shape (m, n).

    By parts, ``exp(-delta t) E(t) + delta int_0^t exp(-delta s) E(s) ds``, the integral by the rule
    that `moments` gives.
    """
    found = np.exp(-delta * t) * purchases_at(p, r, alpha, t, k, gone)
    for at, length in zip(when.tolist(), lengths.tolist(), strict=True):
        worth = (length * delta * t) * np.exp(-delta * (at * t))
        found = found + worth * purchases_at(p, r, alpha, at * t, k, gone)
    return found


def moments(busy: float) -> tuple[NDArray, NDArray]:
    """When, as a share of the horizon, the integral over it is sampled, and the share each gets.

    Gauss-Legendre in the root of time. Measured for k up to 6: relative error below 1e-9 up to 50,
    and below 1e-9 (k to 3) or 3e-7 up to 3,000; beyond, the horizon is cut twice.

    Parameters
    ----------
    busy : float
        The horizon over the time in which expectations change: about the purchases expected in it.
    """
    if busy < 50.0:
        return _in_root(16, 0.0, 1.0)
    if busy < 3000.0:
        return _in_root(48, 0.0, 1.0)
    cuts = (0.0, 1.0 / 400.0, 1.0 / 20.0, 1.0)
    parts = [_in_root(32, low, high) for low, high in pairwise(cuts)]
    when, lengths = (np.concatenate(part) for part in zip(*parts, strict=True))
    return when, lengths


@cache
def _in_root(n: int, low: float, high: float) -> tuple[NDArray, NDArray]:
    """The rule with n points between two shares of the horizon."""
    points, lengths = np.polynomial.legendre.leggauss(n)
    width = 0.5 * (np.sqrt(high) - np.sqrt(low))
    root = np.sqrt(low) + width * (points + 1.0)
    return root * root, 2.0 * root * width * lengths
