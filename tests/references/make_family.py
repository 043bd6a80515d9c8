"""MBG/NBD and Pareto/NBD to many digits with mpmath, from the papers' formulas.

MBG/NBD has the closed forms of Batislam, Denizel & Filiztekin (2007) and of Wagner & Hoppe (2008).
Pareto/NBD's integrals over the leaving time are taken over time itself, in panels that grow from
far below the shortest scale of the integrand (the package works in logarithms of time, with the
scale cut off where nothing is left); its lifetime value is Tricomi's function. Run as a script this
writes ``mbgnbd_mpmath.csv`` (discounted purchases alone, the rest is quick) and
``pareto_mpmath.csv``, in about fifteen minutes.

    uv run python tests/references/make_family.py
"""

import csv
import itertools
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import mpmath as mp
import numpy as np

try:
    from references import make
except ImportError:  # as a script
    import make

MBG_TABLE = Path(__file__).with_name("mbgnbd_mpmath.csv")
PARETO_TABLE = Path(__file__).with_name("pareto_mpmath.csv")
COUNTS = (0, 1, 2, 5, 10, 20, 60)  # purchases to take the probability of, one per point
QUANTITIES = (
    "log_likelihood",
    "p_alive",
    "expected_purchases",
    "expected_purchases_after",
    "p_active_after",
    "pmf",
    "pmf_after",
    "discounted_until_t",
    "discounted_for_ever",
)


# --- MBG/NBD -------------------------------------------------------------------------------------


def mbg_log_likelihood(point: make.Point) -> mp.mpf:
    """Batislam, Denizel & Filiztekin 2007, appendix A: here, or gone after the last purchase."""
    q = point.exact()
    common = mp.loggamma(q.r + q.x) - mp.loggamma(q.r) + q.r * mp.log(q.alpha)
    whole = make.log_beta(q.a, q.b)
    here = mp.exp(make.log_beta(q.a, q.b + q.x + 1) - whole) / (q.alpha + q.T) ** (q.r + q.x)
    gone = mp.exp(make.log_beta(q.a + 1, q.b + q.x) - whole) / (q.alpha + q.t_x) ** (q.r + q.x)
    return common + mp.log(here + gone)


def mbg_p_alive(point: make.Point) -> mp.mpf:
    """Batislam, Denizel & Filiztekin 2007, appendix A, eq. 5."""
    q = point.exact()
    return 1 / (1 + q.a / (q.b + q.x) * ((q.alpha + q.T) / (q.alpha + q.t_x)) ** (q.r + q.x))


def mbg_expected_purchases(point: make.Point) -> mp.mpf:
    """Batislam, Denizel & Filiztekin 2007: of a new customer."""
    q = point.exact()
    return _mbg_series(q.r, q.alpha, q.a, q.b, q.b, q.t)


def mbg_expected_purchases_after(point: make.Point) -> mp.mpf:
    """Wagner & Hoppe 2008, the erratum's eq. 6."""
    q = point.exact()
    ahead = _mbg_series(q.r + q.x, q.alpha + q.T, q.a, q.b + q.x, q.a + q.b + q.x, q.t)
    return mbg_p_alive(point) * ahead


def _mbg_series(r, alpha, a, b, factor, t):
    if abs(a - 1) < make.NUDGE:
        # Of the two factors only the difference of a from 1 may change.
        factor, a = factor + make.NUDGE * (factor != b), a + make.NUDGE
    share = t / (alpha + t)
    shrink = (alpha / (alpha + t)) ** r * make.hyp2f1(r, b + 1, a + b, share)
    return factor / (a - 1) * (1 - shrink)


def mbg_p_active_after(point: make.Point) -> mp.mpf:
    """One minus the NBD's chance of no purchase: nobody leaves before one."""
    r, alpha, _, _ = point.alive()
    return mbg_p_alive(point) * (1 - (alpha / (alpha + point.t)) ** r)


def mbg_pmf(n: int, point: make.Point) -> mp.mpf:
    """Batislam, Denizel & Filiztekin 2007: gone at once, or BG/NBD's eq. 8 with b + 1."""
    q = point.exact()
    stays = q.b / (q.a + q.b)
    return (0 if n else 1 - stays) + stays * make.pmf(n, q.r, q.alpha, q.a, q.b + 1, q.t)


def mbg_pmf_after(n: int, point: make.Point) -> mp.mpf:
    """The chance of n further purchases; none is also what someone gone makes."""
    alive = mbg_p_alive(point)
    r, alpha, a, b = point.alive()
    return alive * make.pmf(n, r, alpha, a, b + 1, mp.mpf(point.t)) + (0 if n else 1 - alive)


def mbg_discounted_purchases_after(
    point: make.Point, *, endless: bool, panel: float = 2.0
) -> mp.mpf:
    """The integral over time of BG/NBD with b + 1, for another chance of being alive."""
    stayed = replace(point, b=mp.mpf(point.b) + 1)
    worth = make.discounted_purchases_after(stayed, endless=endless, panel=panel)
    return worth / make.p_alive(stayed) * mbg_p_alive(point)


# --- Pareto/NBD ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ParetoPoint:
    """Parameters, a history, a horizon and a continuous discount rate."""

    r: float
    alpha: float
    s: float
    beta: float
    x: int
    t_x: float
    T: float
    t: float
    delta: float = 0.0027

    @property
    def parameters(self) -> tuple[float, float, float, float]:
        return self.r, self.alpha, self.s, self.beta

    def exact(self) -> "ParetoPoint":
        """The same with every number in arbitrary precision."""
        return ParetoPoint(*(mp.mpf(value) for value in astuple(self)))

    def alive(self) -> "ParetoPoint":
        """The customer's future, if they are still here."""
        q = self.exact()
        return replace(q, r=q.r + q.x, alpha=q.alpha + q.T, beta=q.beta + q.T)


CDNOW = (0.553, 10.578, 0.606, 11.669)
EDGES = [
    # s = 1, where the closed form is 0/0, its neighbourhood, and equal scales
    ParetoPoint(0.55, 10.6, 1.0, 11.7, 0, 0.0, 40.0, 39.0),
    ParetoPoint(0.55, 10.6, 1.0, 11.7, 6, 30.0, 40.0, 39.0),
    ParetoPoint(0.55, 10.6, 1.0 + 1e-9, 11.7, 3, 30.0, 40.0, 52.0),
    ParetoPoint(0.55, 10.6, 1.0 - 1e-9, 11.7, 3, 30.0, 40.0, 52.0),
    ParetoPoint(0.55, 10.0, 0.6, 10.0, 3, 20.0, 40.0, 39.0),
    ParetoPoint(1.0, 10.0, 1.0, 10.0, 0, 0.0, 40.0, 39.0),
    # heavy buyers seen until days before the end, for whom other packages lose P(alive)
    ParetoPoint(0.5143, 2.8845, 0.2856, 14.1087, 221, 103.42857, 103.57143, 52.0),
    ParetoPoint(0.5143, 2.8845, 0.2856, 14.1087, 254, 97.14286, 97.28571, 52.0),
    ParetoPoint(0.5143, 2.8845, 0.2856, 14.1087, 161, 94.71429, 98.0, 52.0),
    ParetoPoint(0.5143, 2.8845, 0.2856, 14.1087, 204, 98.57143, 99.42857, 52.0),
    # horizons from 1e-9 to far beyond T
    ParetoPoint(*CDNOW, 2, 30.43, 38.86, 1e-9),
    ParetoPoint(*CDNOW, 0, 0.0, 38.86, 1e-9),
    ParetoPoint(*CDNOW, 29, 38.0, 38.86, 1e-6),
    ParetoPoint(*CDNOW, 2, 30.43, 38.86, 8 * 38.86),
    ParetoPoint(*CDNOW, 0, 0.0, 38.86, 1e6),
    ParetoPoint(*CDNOW, 29, 38.0, 38.86, 1e6),
    # many purchases, long observation, long silence
    ParetoPoint(0.8, 10.0, 0.6, 12.0, 20_000, 2999.0, 3000.0, 365.0),
    ParetoPoint(0.8, 10.0, 0.6, 12.0, 20_000, 2999.9, 3000.0, 24000.0),
    ParetoPoint(0.8, 10.0, 0.6, 12.0, 20_000, 2900.0, 3000.0, 365.0),
    ParetoPoint(0.8, 10.0, 0.6, 12.0, 1, 1.0, 3000.0, 24000.0),
    ParetoPoint(0.8, 10.0, 0.6, 12.0, 0, 0.0, 3000.0, 24000.0),
    ParetoPoint(0.8, 10.0, 5.0, 12.0, 2, 50.0, 3000.0, 365.0),
    ParetoPoint(0.55, 10.6, 0.6, 11.7, 200, 38.0, 40.0, 40.0),
    # observed for a day, or until the moment of the last purchase
    ParetoPoint(0.55, 10.6, 0.6, 11.7, 0, 0.0, 1 / 7, 52.0),
    ParetoPoint(0.55, 10.6, 0.6, 11.7, 3, 40.0, 40.0, 52.0),
    ParetoPoint(0.55, 10.6, 0.6, 11.7, 0, 0.0, 0.0, 52.0),
    # everyone buys at one rate: r and alpha of 1e6
    ParetoPoint(1e6, 1e6, 0.6, 11.7, 3, 20.0, 40.0, 39.0, 0.05),
    ParetoPoint(1e6, 1e6, 0.6, 11.7, 0, 0.0, 40.0, 39.0, 0.05),
    ParetoPoint(1e6, 1e7, 1.0, 0.01, 4, 20.0, 40.0, 320.0, 0.05),
    ParetoPoint(1e-4, 1e-3, 0.6, 11.7, 3, 20.0, 40.0, 39.0),
    ParetoPoint(1e-6, 10.6, 0.6, 11.7, 0, 0.0, 40.0, 39.0),
    # a fit that runs away: one leaving rate for all, nobody leaves, at once or never
    ParetoPoint(0.55, 10.6, 1e6, 2e7, 2, 20.0, 40.0, 39.0),
    ParetoPoint(0.55, 10.6, 1e8, 1e9, 6, 25.0, 40.0, 320.0),
    ParetoPoint(0.55, 10.6, 1e8, 1e16, 0, 0.0, 40.0, 39.0),
    ParetoPoint(1e6, 1e6, 1e6, 2e7, 3, 20.0, 40.0, 39.0, 0.05),
    ParetoPoint(0.55, 10.6, 1e-8, 11.7, 2, 20.0, 40.0, 39.0),
    ParetoPoint(0.55, 10.6, 1e-8, 1e-6, 0, 0.0, 40.0, 320.0),
    ParetoPoint(0.55, 10.6, 0.05, 1e-8, 0, 0.0, 40.0, 39.0),
    ParetoPoint(0.55, 10.6, 0.05, 1e-8, 4, 20.0, 40.0, 39.0),
    ParetoPoint(0.55, 1e-3, 0.6, 1e4, 5, 2000.0, 3000.0, 365.0),
    ParetoPoint(0.55, 1e4, 0.6, 1e-3, 5, 2000.0, 3000.0, 365.0),
    ParetoPoint(0.05, 1e-3, 0.02, 1e3, 0, 0.0, 3000.0, 365.0),
    ParetoPoint(5.0, 1e3, 3.0, 1e-2, 0, 0.0, 40.0, 39.0),
]


def pareto_points(n: int = 300, seed: int = 19870) -> list[ParetoPoint]:
    """The edges, then seeded points all over the range that fits visit, ``n`` in all."""
    rng = np.random.default_rng(seed)

    def between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    found = list(EDGES)
    while len(found) < n:
        T, x = between(0.2, 3000.0), int(np.exp(rng.uniform(-1.0, np.log(500.0))))
        found.append(
            ParetoPoint(
                r=between(0.02, 30.0),
                alpha=between(0.1, 500.0),
                s=between(0.02, 10.0),
                beta=between(0.1, 500.0),
                x=x,
                t_x=float(T * rng.beta(x, 1.5)) if x else 0.0,
                T=T,
                t=T * between(1e-6, 8.0),
                delta=between(1e-5, 0.1),
            )
        )
    return found


NODES = tuple(zip(*(map(float, part) for part in np.polynomial.legendre.leggauss(20)), strict=True))


def over_time(f, begin, end, shortest, panel):
    """``f`` integrated in panels that grow by ``panel`` from a quarter of ``shortest``."""
    edges = [begin, min(end, begin + shortest / 4)]
    while edges[-1] < end:
        edges.append(min(end, begin + (edges[-1] - begin) * panel))
    total = mp.mpf(0)
    for left, right in itertools.pairwise(edges):
        half = (right - left) / 2
        total += half * mp.fsum(weight * f(left + half * (1 + node)) for node, weight in NODES)
    return total


def here(q: ParetoPoint) -> mp.mpf:
    """Schmittlein, Morrison & Colombo 1987: x purchases at given times and no leaving by T."""
    return (mp.rf(q.r, q.x) * (q.alpha / (q.alpha + q.T)) ** q.r / (q.alpha + q.T) ** q.x) * (
        q.beta / (q.beta + q.T)
    ) ** q.s


def gone(q: ParetoPoint, panel: float) -> mp.mpf:
    """The same and leaving at a time between the last purchase and T."""

    def leaving(tau):
        stays = (q.beta / (q.beta + tau)) ** q.s * q.s / (q.beta + tau)
        return (q.alpha / (q.alpha + tau)) ** q.r / (q.alpha + tau) ** q.x * stays

    shortest = 1 / ((q.r + q.x) / (q.alpha + q.t_x) + (q.s + 1) / (q.beta + q.t_x))
    return mp.rf(q.r, q.x) * over_time(leaving, q.t_x, q.T, shortest, panel)


def pareto_expected_purchases(q: ParetoPoint) -> mp.mpf:
    """Fader & Hardie 2005, note on Pareto/NBD, eq. 27: of a new customer."""
    with mp.workdps(120):
        s = q.s + (make.NUDGE if abs(q.s - 1) < make.NUDGE else 0)
        whole = q.r * q.beta / (q.alpha * (s - 1))
        return whole * (1 - (q.beta / (q.beta + q.t)) ** (s - 1))


def pareto_p_active(q: ParetoPoint, panel: float) -> mp.mpf:
    """That the first purchase comes by t and before leaving."""

    def first(tau):
        stays = (q.beta / (q.beta + tau)) ** q.s
        return q.r / (q.alpha + tau) * (q.alpha / (q.alpha + tau)) ** q.r * stays

    shortest = 1 / ((q.r + 1) / q.alpha + q.s / q.beta)
    return over_time(first, mp.mpf(0), q.t, shortest, panel)


def pareto_pmf(n: int, q: ParetoPoint, panel: float) -> mp.mpf:
    """Fader & Hardie 2005: n purchases while here for all of t, or before leaving."""

    def bought(tau):
        return (tau / (q.alpha + tau)) ** n * (q.alpha / (q.alpha + tau)) ** q.r

    def leaving(tau):
        return bought(tau) * (q.beta / (q.beta + tau)) ** q.s * q.s / (q.beta + tau)

    shortest = 1 / ((q.r + n + 1) / q.alpha + (q.s + 1) / q.beta)
    left = over_time(leaving, mp.mpf(0), q.t, shortest, min(panel, 1.3))
    stayed = bought(q.t) * (q.beta / (q.beta + q.t)) ** q.s
    return mp.rf(q.r, n) / mp.factorial(n) * (stayed + left)


def pareto_discounted(q: ParetoPoint, endless: bool, panel: float) -> mp.mpf:
    """The rate of purchases at each u, times exp(-delta u), integrated over u."""
    if endless and q.s < 1000:
        # Fader & Hardie 2005, note 017: Tricomi's confluent hypergeometric function.
        with mp.workdps(60):
            z = q.delta * q.beta
            return q.r / q.alpha * q.beta**q.s * q.delta ** (q.s - 1) * mp.hyperu(q.s, q.s, z)

    def rate(u):
        return q.r / q.alpha * (q.beta / (q.beta + u)) ** q.s * mp.exp(-q.delta * u)

    end = 60 / q.delta if endless else min(q.t, 60 / q.delta)
    return over_time(rate, mp.mpf(0), end, 1 / (q.s / q.beta + q.delta), panel)


def pareto_values(point: ParetoPoint, n: int, panel: float = 1.6) -> list[mp.mpf]:
    """All quantities at one point, in the order of ``QUANTITIES``."""
    q, ahead = point.exact(), point.alive()
    stays, leaves = here(q), gone(q, panel)
    alive = stays / (stays + leaves)
    return [
        mp.chop(mp.log(stays + leaves), 1e-100),
        alive,
        pareto_expected_purchases(q),
        alive * pareto_expected_purchases(ahead),
        alive * pareto_p_active(ahead, panel),
        pareto_pmf(n, q, panel),
        alive * pareto_pmf(n, ahead, panel) + (0 if n else leaves / (stays + leaves)),
        alive * pareto_discounted(ahead, False, panel),
        alive * pareto_discounted(ahead, True, panel),
    ]


def main() -> None:
    with PARETO_TABLE.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow([*(field.name for field in fields(ParetoPoint)), "n", *QUANTITIES])
        for point, n in zip(pareto_points(), itertools.cycle(COUNTS), strict=False):
            with mp.workdps(30):
                values = pareto_values(point, n)
            rows.writerow([*astuple(point), n, *(mp.nstr(value, 17) for value in values)])
    with MBG_TABLE.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(
            [*(field.name for field in fields(make.Point)), *QUANTITIES[-2:]],
        )
        for point in make.points():
            with mp.workdps(25):
                values = [
                    mbg_discounted_purchases_after(point, endless=endless)
                    for endless in (False, True)
                ]
            rows.writerow([*astuple(point), *(mp.nstr(value, 17) for value in values)])


if __name__ == "__main__":
    main()
