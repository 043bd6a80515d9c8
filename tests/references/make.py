"""BG/NBD to many digits with mpmath, straight from the papers' closed forms.

The formulas here share nothing with the package: expectations are Gauss hypergeometric functions
where the package takes quadratures over the chance of leaving, and discounting is an integral over
time. Run as a script this writes ``bgnbd_mpmath.csv``, the discounted purchases at 300 points and
more, which take about five minutes; ``test_references.py`` takes everything else live.

    uv run python tests/references/make.py
"""

import csv
import itertools
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import mpmath as mp
import numpy as np

TABLE = Path(__file__).with_name("bgnbd_mpmath.csv")

# E = (a + b - 1) / (a - 1) [...] is 0/0 at a = 1. In 120 digits a nudge of 1e-45 costs 45 of them
# and leaves an error of 1e-45.
DIGITS = 120
NUDGE = mp.mpf(10) ** -45


@dataclass(frozen=True, slots=True)
class Point:
    """Parameters, a history, a horizon and a continuous discount rate."""

    r: float
    alpha: float
    a: float
    b: float
    x: int
    t_x: float
    T: float
    t: float
    delta: float = 0.0027

    @property
    def parameters(self) -> tuple[float, float, float, float]:
        return self.r, self.alpha, self.a, self.b

    @property
    def history(self) -> tuple[int, float, float]:
        return self.x, self.t_x, self.T

    def exact(self) -> "Point":
        """The same with every number in arbitrary precision."""
        return Point(*(mp.mpf(value) for value in astuple(self)))

    def alive(self) -> tuple[mp.mpf, mp.mpf, mp.mpf, mp.mpf]:
        """The parameters of the customer's future, if they are still here."""
        q = self.exact()
        return q.r + q.x, q.alpha + q.T, q.a, q.b + q.x


EDGES = [
    # a = 1, where the closed form is 0/0, and its neighbourhood
    Point(0.25, 4.0, 1.0, 2.5, 0, 0.0, 40.0, 39.0),
    Point(0.25, 4.0, 1.0, 2.5, 6, 30.0, 40.0, 39.0),
    Point(0.25, 4.0, 1.0 + 1e-9, 2.5, 3, 30.0, 40.0, 52.0),
    Point(0.25, 4.0, 1.0 - 1e-9, 2.5, 3, 30.0, 40.0, 52.0),
    Point(0.25, 4.0, 1.0, 1e-3, 0, 0.0, 40.0, 39.0),
    # a + b <= 1 with x = 0, where its third parameter is not positive
    Point(0.25, 4.0, 0.4, 0.6, 0, 0.0, 40.0, 39.0),
    Point(0.25, 4.0, 0.3, 0.2, 0, 0.0, 40.0, 39.0),
    Point(0.25, 4.0, 0.01, 0.01, 0, 0.0, 40.0, 52.0),
    Point(5.0, 4.0, 0.01, 0.5, 0, 0.0, 3000.0, 24000.0),
    Point(0.25, 4.0, 0.3, 0.2, 1, 12.0, 40.0, 39.0),
    # horizons from 1e-9 to eight times T and far beyond
    Point(0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 1e-9),
    Point(0.243, 4.414, 0.793, 2.426, 0, 0.0, 38.86, 1e-9),
    Point(0.243, 4.414, 0.793, 2.426, 29, 38.0, 38.86, 1e-6),
    Point(0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 8 * 38.86),
    Point(0.243, 4.414, 0.793, 2.426, 2, 30.43, 38.86, 1000 * 38.86),
    Point(0.243, 4.414, 0.793, 2.426, 0, 0.0, 38.86, 1e6),
    Point(0.243, 4.414, 0.793, 2.426, 29, 38.0, 38.86, 1e6),
    # many purchases, long observation
    Point(0.8, 10.0, 0.8, 2.5, 20_000, 2999.0, 3000.0, 365.0),
    Point(0.8, 10.0, 0.8, 2.5, 20_000, 2999.0, 3000.0, 1e-9),
    Point(0.8, 10.0, 0.8, 2.5, 20_000, 2999.9, 3000.0, 24000.0),
    Point(0.8, 10.0, 0.01, 2.5, 20_000, 2990.0, 3000.0, 365.0),
    Point(0.8, 10.0, 0.8, 2.5, 1, 1.0, 3000.0, 24000.0),
    Point(0.8, 10.0, 5.0, 2.5, 0, 0.0, 3000.0, 24000.0),
    Point(0.25, 4.0, 0.8, 2.5, 0, 0.0, 40.0, 40.0),
    Point(0.25, 4.0, 0.8, 2.5, 200, 38.0, 40.0, 40.0),
    # observed for a day, or until the moment of the last purchase
    Point(0.25, 4.0, 0.8, 2.5, 0, 0.0, 1 / 7, 52.0),
    Point(0.25, 4.0, 0.8, 2.5, 1, 1 / 7, 1 / 7, 52.0),
    Point(0.25, 4.0, 0.8, 2.5, 3, 40.0, 40.0, 52.0),
    Point(0.25, 4.0, 0.8, 2.5, 0, 0.0, 0.0, 52.0),
    # everyone buys at one rate: r and alpha of 1e6
    Point(1e6, 1e6, 0.8, 2.5, 3, 20.0, 40.0, 39.0, 0.05),
    Point(1e6, 1e6, 0.8, 2.5, 0, 0.0, 40.0, 39.0, 0.05),
    Point(1e6, 1e6, 1.0, 0.1, 0, 0.0, 40.0, 1e-9, 0.05),
    Point(1e6, 1e6, 0.8, 2.5, 400, 390.0, 400.0, 400.0, 0.05),
    Point(1e6, 1e7, 0.01, 0.5, 4, 20.0, 40.0, 320.0, 0.05),
    Point(1e-4, 1e-3, 0.8, 2.5, 3, 20.0, 40.0, 39.0),
    # a fit that runs away: nobody leaves, everyone leaves with one chance, or at once or never
    Point(0.25, 4.0, 1e-10, 2.5, 3, 20.0, 40.0, 39.0),
    Point(0.25, 4.0, 1e-10, 1.0, 0, 0.0, 40.0, 320.0),
    Point(0.25, 4.0, 1e-6, 1e-6, 0, 0.0, 40.0, 39.0),
    Point(0.25, 4.0, 1e4, 1e4, 2, 20.0, 40.0, 39.0),
    Point(0.25, 4.0, 1e5, 1e10, 2, 20.0, 40.0, 39.0),
    Point(0.25, 4.0, 3e9, 1e10, 0, 0.0, 40.0, 39.0),
    Point(0.25, 4.0, 3e9, 1e10, 6, 25.0, 40.0, 320.0),
    Point(0.25, 4.0, 0.8, 1e10, 2, 20.0, 40.0, 39.0),
    Point(0.25, 4.0, 1.0, 1e10, 2, 20.0, 40.0, 1e-9),
    Point(0.25, 4.0, 1e4, 0.01, 0, 0.0, 40.0, 39.0),
]


def points(n: int = 300, seed: int = 20050) -> list[Point]:
    """The edges, then seeded points all over the range that fits visit, ``n`` in all."""
    rng = np.random.default_rng(seed)
    found = list(EDGES)
    while len(found) < n:
        T = float(np.exp(rng.uniform(np.log(0.2), np.log(3000.0))))
        x = int(np.exp(rng.uniform(-1.0, np.log(500.0))))
        found.append(
            Point(
                r=float(np.exp(rng.uniform(np.log(0.02), np.log(30.0)))),
                alpha=float(np.exp(rng.uniform(np.log(0.1), np.log(500.0)))),
                a=float(np.exp(rng.uniform(np.log(0.01), np.log(5.0)))),
                b=float(np.exp(rng.uniform(np.log(0.02), np.log(50.0)))),
                x=x,
                t_x=float(T * rng.beta(x, 1.5)) if x else 0.0,
                T=T,
                t=float(T * np.exp(rng.uniform(np.log(1e-6), np.log(8.0)))),
                delta=float(np.exp(rng.uniform(np.log(1e-5), np.log(0.1)))),
            )
        )
    return found


def log_likelihood(point: Point) -> mp.mpf:
    """Fader, Hardie & Lee 2005, eq. 6, as it is printed."""
    q = point.exact()
    common = mp.loggamma(q.r + q.x) - mp.loggamma(q.r) + q.r * mp.log(q.alpha)
    here = mp.exp(log_beta(q.a, q.b + q.x) - log_beta(q.a, q.b)) / (q.alpha + q.T) ** (q.r + q.x)
    gone = mp.mpf(0)
    if point.x:
        share = mp.exp(log_beta(q.a + 1, q.b + q.x - 1) - log_beta(q.a, q.b))
        gone = share / (q.alpha + q.t_x) ** (q.r + q.x)
    return common + mp.log(here + gone)


def p_alive(point: Point) -> mp.mpf:
    """Fader, Hardie & Lee 2008, "Computing P(alive) using the BG/NBD model"."""
    q = point.exact()
    if not point.x:
        return mp.mpf(1)
    odds = q.a / (q.b + q.x - 1) * ((q.alpha + q.T) / (q.alpha + q.t_x)) ** (q.r + q.x)
    return 1 / (1 + odds)


def expected_purchases(r: mp.mpf, alpha: mp.mpf, a: mp.mpf, b: mp.mpf, t: mp.mpf) -> mp.mpf:
    """Fader, Hardie & Lee 2005, eq. 9, of a new customer."""
    if abs(a - 1) < NUDGE:
        a += NUDGE
    if abs(a + b - 1) < NUDGE:
        b += NUDGE
    share = t / (alpha + t)
    shrink = (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, share)
    return (a + b - 1) / (a - 1) * (1 - shrink)


def expected_purchases_after(point: Point) -> mp.mpf:
    """Eq. 10: the same of a living customer, times the chance that they are alive."""
    return p_alive(point) * expected_purchases(*point.alive(), mp.mpf(point.t))


def p_active_after(point: Point) -> mp.mpf:
    """One minus the chance of no purchase, which is the NBD's: nobody leaves before one."""
    r, alpha, _, _ = point.alive()
    return p_alive(point) * (1 - (alpha / (alpha + point.t)) ** r)


def pmf(n: int, r: mp.mpf, alpha: mp.mpf, a: mp.mpf, b: mp.mpf, t: mp.mpf) -> mp.mpf:
    """Fader, Hardie & Lee 2005, eq. 8, its sum term by term."""
    share = t / (alpha + t)
    if n * mp.log10(share) < -30:  # one minus the sum cancels by this much
        with mp.extradps(int(-n * mp.log10(share))):
            return _pmf(n, r, alpha, a, b, t)
    return _pmf(n, r, alpha, a, b, t)


def _pmf(n, r, alpha, a, b, t):
    share = t / (alpha + t)
    stays = mp.exp(log_beta(a, b + n) - log_beta(a, b))
    term = (alpha / (alpha + t)) ** r
    fewer = mp.mpf(0)
    for j in range(n):
        fewer += term
        term *= (r + j) / (j + 1) * share
    leaves = mp.exp(log_beta(a + 1, b + n - 1) - log_beta(a, b)) * (1 - fewer) if n else mp.mpf(0)
    return stays * term + leaves


def pmf_after(n: int, point: Point) -> mp.mpf:
    """The chance of n further purchases; none is also what someone gone makes."""
    alive = p_alive(point)
    return alive * pmf(n, *point.alive(), mp.mpf(point.t)) + (0 if n else 1 - alive)


def discounted_purchases_after(point: Point, *, endless: bool, panel: float = 2.0) -> mp.mpf:
    """The rate of purchases at each s after T, times exp(-delta s), integrated over s.

    The rate is ``(r/alpha) 2F1(r+1, a; a+b; -s/alpha)``, or what Pfaff's transformations make of it
    where that converges sooner. The panels grow by ``panel`` from far below
    the shortest time on which the rate changes; 20 Gauss-Legendre points on each.
    """
    r, alpha, a, b = point.alive()
    delta, end = mp.mpf(point.delta), 60 / mp.mpf(point.delta)
    if not endless:
        end = min(end, mp.mpf(point.t))

    def rate(s: mp.mpf) -> mp.mpf:
        share = s / (alpha + s)
        if abs(a + b - r - 1) < 200:
            shape = hyp2f1(a, a + b - r - 1, a + b, share) * (1 + s / alpha) ** -a
        elif b > 1e6 and share * b > 0.8 * (a + b):
            # Divergent, but only after b alpha / s terms, long after they are lost in rounding.
            shape = series(r + 1, a, a + b, -s / alpha)
        else:
            shape = series(r + 1, b, a + b, share) * (1 + s / alpha) ** (-r - 1)
        return r / alpha * shape * mp.exp(-delta * s)

    nodes, weights = np.polynomial.legendre.leggauss(20)
    shortest = min(alpha / (r + 1), 1 / delta, end) / 4
    edges = [mp.mpf(0), shortest]
    while edges[-1] < end:
        edges.append(min(edges[-1] * panel, end))
    total = mp.mpf(0)
    for left, right in itertools.pairwise(edges):
        half = (right - left) / 2
        total += half * mp.fsum(
            float(weight) * rate(left + half * (1 + float(node)))
            for node, weight in zip(nodes, weights, strict=True)
        )
    return p_alive(point) * total


def hyp2f1(a: mp.mpf, b: mp.mpf, c: mp.mpf, z: mp.mpf) -> mp.mpf:
    """Gauss's function for 0 <= z < 1, by whichever series is short (DLMF 15.2.1, 15.8.1, 15.8.4).

    mpmath's own takes minutes over parameters of 1e10 and over z near 1.
    """
    if abs(a) > 100 and abs(c - a) < abs(a) / 10:
        return (1 - z) ** (c - a - b) * hyp2f1(c - a, c - b, c, z)
    if z < 0.75 or c > 60 or max(abs(a), abs(b)) > 200:
        return series(a, b, c, z)
    with mp.extradps(50):
        if abs(c - a - b - mp.nint(c - a - b)) < mp.mpf(10) ** -30:
            c += mp.mpf(10) ** -45
        d = c - a - b
        first = mp.gamma(c) * mp.gamma(d) * mp.rgamma(c - a) * mp.rgamma(c - b)
        second = mp.gamma(c) * mp.gamma(-d) * mp.rgamma(a) * mp.rgamma(b) * (1 - z) ** d
        near = first * series(a, b, 1 - d, 1 - z) + second * series(c - a, c - b, 1 + d, 1 - z)
    return +near


def series(a: mp.mpf, b: mp.mpf, c: mp.mpf, z: mp.mpf) -> mp.mpf:
    """The hypergeometric series, summed until a term is lost in rounding and they fall."""
    total = term = mp.mpf(1)
    k = 0
    while abs(term) > mp.eps * abs(total) or abs((a + k) * (b + k) * z) > abs((c + k) * (k + 1)):
        term *= (a + k) * (b + k) / ((c + k) * (k + 1)) * z
        total += term
        k += 1
    return total


def log_beta(a: mp.mpf, b: mp.mpf) -> mp.mpf:
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def main() -> None:
    names = [field.name for field in fields(Point)]
    with TABLE.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow([*names, "discounted_until_t", "discounted_for_ever"])
        for point in points():
            with mp.workdps(25):
                until = discounted_purchases_after(point, endless=False)
                for_ever = discounted_purchases_after(point, endless=True)
            rows.writerow([*astuple(point), mp.nstr(until, 17), mp.nstr(for_ever, 17)])


if __name__ == "__main__":
    main()
