"""Special functions, quadrature and the optimiser against mpmath, SciPy and answers on paper."""

import mpmath as mp
import numpy as np
import pytest

from predclv.maths.discounting import discounted_until_dropout
from predclv.maths.optimise import maximum
from predclv.maths.quadrature import beta_expectation, beta_rule
from predclv.maths.special import digamma_rising, log_beta, log_rising, softplus_and_slope

# --- special functions ---------------------------------------------------------------------------


def arguments(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """z from 1e-8 to 1e15 and counts from 0 to 20,000, the seam of the series at 16 included."""
    rng = np.random.default_rng(seed)
    z = np.concatenate([np.exp(rng.uniform(np.log(1e-8), np.log(1e15), n)), [16.0, 15.999999, 1.0]])
    count = np.floor(np.exp(rng.uniform(-1.0, np.log(20_000.0), z.size)))
    return z, count


SPECIAL = [
    pytest.param(log_rising, lambda z, n: mp.loggamma(z + n) - mp.loggamma(z), id="log_rising"),
    pytest.param(
        digamma_rising, lambda z, n: mp.digamma(z + n) - mp.digamma(z), id="digamma_rising"
    ),
]


@pytest.mark.parametrize(("ours", "exact"), SPECIAL)
def test_differences_of_gammas_keep_their_digits(ours, exact):
    z, n = arguments(300, 30)
    values = ours(z, n)
    for value, z_, n_ in zip(values, z, n, strict=True):
        with mp.workdps(60):
            right = exact(mp.mpf(float(z_)), mp.mpf(float(n_)))
            # Below z = 16 two functions are subtracted: relative to the larger of them.
            size = 1 + abs(right)
        assert abs(mp.mpf(float(value)) - right) < 1e-13 * size, (z_, n_)


@pytest.mark.parametrize(("ours", "exact"), SPECIAL)
def test_differences_of_gammas_over_nothing_are_nothing(ours, exact):
    assert np.all(ours(np.array([1e-8, 0.5, 15.0, 17.0, 1e12]), 0.0) == 0.0)


def test_log_beta_keeps_its_digits():
    rng = np.random.default_rng(31)
    a, b = np.exp(rng.uniform(np.log(1e-8), np.log(1e12), (2, 300)))
    values = log_beta(a, b)
    for value, a_, b_ in zip(values, a, b, strict=True):
        with mp.workdps(60):
            right = mp.log(mp.beta(mp.mpf(float(a_)), mp.mpf(float(b_))))
        assert abs(mp.mpf(float(value)) - right) < 1e-13 * (1 + abs(right)), (a_, b_)
    np.testing.assert_array_equal(values, log_beta(b, a))


def test_softplus_and_its_slope_hold_from_end_to_end():
    z = np.concatenate([np.linspace(-800.0, 800.0, 101), [0.0, 1e-12, -1e-12]])
    value, slope = softplus_and_slope(z)
    assert value == pytest.approx(np.logaddexp(0.0, z), abs=2e-16, rel=1e-15)
    assert slope == pytest.approx(1 / (1 + np.exp(-np.maximum(z, -700.0))), abs=2e-16, rel=1e-15)
    assert np.all(np.isfinite(value))
    assert np.all((slope >= 0) & (slope <= 1))


# --- quadrature ----------------------------------------------------------------------------------

BETAS = [
    (0.793, 2.426),
    (1.0, 2.5),
    (0.4, 0.6),  # a + b = 1, where the recurrence is 0/0
    (0.3, 0.2),
    (0.01, 0.01),
    (1e-6, 1e-6),
    (1e-8, 1e-8),  # the corner of a fit's box
    (1e-8, 3.0),
    (5.0, 500.0),
    (1e4, 1e4),
    (0.8, 20_000.0),
    (3e9, 1e10),
]


@pytest.mark.parametrize(("a", "b"), BETAS)
@pytest.mark.parametrize("n", [1, 2, 16, 48])
def test_the_rule_of_a_beta_is_exact_for_its_moments(a, b, n):
    nodes, weights = beta_rule(a, b, n)
    assert nodes.shape == weights.shape == (n,)
    assert np.all((nodes >= 0) & (nodes <= 1))
    assert weights.sum() == pytest.approx(1.0, rel=1e-13)
    k = np.arange(min(2 * n, 20))
    moments = np.cumprod(np.concatenate([[1.0], (a + k[:-1]) / (a + b + k[:-1])]))
    found = np.array([weights @ nodes**power for power in k])
    # Eigenvalues carry an absolute error of 1e-16, a power of k of them k times that.
    assert found == pytest.approx(moments, rel=1e-11, abs=1e-14)


def test_rules_of_many_betas_are_made_at_once():
    a, b = np.array([[0.5], [2.0]]), np.array([1.0, 3.0, 7.0])
    nodes, weights = beta_rule(a, b, 5)
    assert nodes.shape == weights.shape == (2, 3, 5)
    one, _ = beta_rule(2.0, 7.0, 5)
    np.testing.assert_allclose(nodes[1, 2], one, rtol=1e-14)
    assert (weights * nodes).sum(axis=-1) == pytest.approx(a / (a + b))


@pytest.mark.parametrize(("a", "b"), [pair for pair in BETAS if sum(pair) < 1e4])
@pytest.mark.parametrize("pace", [1e-3, 1.0, 30.0, 1e4, 1e7])
def test_an_expectation_over_a_beta_is_gausss_function_to_nine_digits(a, b, pace):
    # E[(1 + c p)^-r] is 2F1(r, a; a+b; -c); where c is large the rules do not settle.
    r = 0.7
    value = beta_expectation(lambda p, c: (1 + c * p) ** -r, a, b, pace, reach=1 / pace)
    with mp.workdps(40):
        exact = mp.hyp2f1(mp.mpf(r), mp.mpf(a), mp.mpf(a) + mp.mpf(b), -mp.mpf(pace))
    assert float(value) == pytest.approx(float(exact), rel=1e-9)  # what the models promise


def test_expectations_do_not_depend_on_what_else_is_asked():
    paces = np.concatenate([np.geomspace(1e-4, 1e6, 40), np.full(5, 2.0)])
    shape = 0.2 + np.arange(45) % 7

    def f(p, c):
        return np.exp(-c * p)

    together = beta_expectation(f, shape, 2.0, paces, reach=1 / paces)
    alone = [
        float(beta_expectation(f, s, 2.0, c, reach=1 / c))
        for s, c in zip(shape, paces, strict=True)
    ]
    np.testing.assert_allclose(together, alone, rtol=1e-11)


@pytest.mark.parametrize("r", [0.05, 1.0, 30.0, 1e5])
@pytest.mark.parametrize("p", [1e-9, 0.01, 0.5, 1.0])
@pytest.mark.parametrize("t", [1e-6, 39.0, 1e5, np.inf])
def test_discounting_is_the_integral_of_the_rate_of_purchases(r, p, t):
    alpha, delta = 4.0 * r, 0.003

    nodes, weights = np.polynomial.legendre.leggauss(20)
    end = min(t, 50 / delta)
    edges = np.concatenate([[0.0], np.geomspace(min(1e-3, end / 2), end, 60)])
    half = 0.5 * np.diff(edges)[:, None]
    s = edges[:-1, None] + half * (1 + nodes)
    rate = r / alpha * np.exp(-(r + 1) * np.log1p(p * s / alpha) - delta * s)
    by_hand = np.sum(half * weights * rate)
    arrays = [np.array([[number]]) for number in (p, r, alpha, t, delta)]
    ours = discounted_until_dropout(*arrays)
    assert float(ours[0, 0]) == pytest.approx(by_hand, rel=1e-11)  # what r + 1 = 1e5 leaves of 16


# --- the optimiser -------------------------------------------------------------------------------

WIDE = np.array([-20.0, -20.0]), np.array([20.0, 20.0])
NO_LIMIT = np.zeros((2, 2), dtype=bool)


def quadratic(point):
    """A maximum of 3 at (1, -2), on a ridge of condition 1e4."""
    x, y = point[0] - 1.0, point[1] + 2.0
    u, v = x + y, x - y
    return 3.0 - 50.0 * u**2 - 0.005 * v**2, np.array([-100 * u - 0.01 * v, -100 * u + 0.01 * v])


def rosenbrock(point):
    x, y = point
    slope = np.array([2 * (1 - x) + 400 * x * (y - x**2), -200 * (y - x**2)])
    return -((1 - x) ** 2) - 100 * (y - x**2) ** 2, slope


@pytest.mark.parametrize(
    ("function", "place", "value"), [(quadratic, [1.0, -2.0], 3.0), (rosenbrock, [1.0, 1.0], 0.0)]
)
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_maximum_inside_is_found_to_rounding(function, place, value, scale):
    found = maximum(
        lambda point: tuple(scale * part for part in function(point)),
        [np.array([-1.2, 1.0]), np.array([5.0, 5.0])],
        *WIDE, NO_LIMIT, scale=scale,
    )  # fmt: skip
    assert found.point == pytest.approx(place, abs=1e-8)
    assert found.value == pytest.approx(scale * value, abs=1e-10 * scale)
    assert np.abs(found.free_gradient).max() < 1e-8 * scale
    assert not found.pinned.any()
    assert found.evaluations > 0


def test_the_hessian_is_the_second_derivative_at_the_maximum():
    found = maximum(quadratic, [np.zeros(2)], *WIDE, NO_LIMIT, scale=1.0)
    # Central differences of a linear gradient are exact to rounding over the step of 1e-4.
    assert found.hessian == pytest.approx(
        np.array([[-100.01, -99.99], [-99.99, -100.01]]), abs=1e-8
    )


def test_a_bound_stops_the_search_and_is_reported():
    low, high = np.array([-20.0, -20.0]), np.array([0.5, 20.0])
    found = maximum(quadratic, [np.zeros(2)], low, high, NO_LIMIT, scale=1.0)
    assert found.pinned.tolist() == [1, 0]
    assert found.point[0] == 0.5
    # Along x = .5 the quadratic peaks where its slope in y vanishes.
    assert found.point[1] == pytest.approx(-2.0 + 0.5 * 99.99 / 100.01)
    assert found.free_gradient[0] == 0.0 != found.gradient[0]
    assert np.all(found.hessian[0] == 0.0)
    assert np.all(found.hessian[:, 0] == 0.0)


def test_a_ridge_that_rises_for_ever_ends_at_its_limit():
    def rising(point):
        # Rises in x towards 1 without ever being steep: no search gets there by itself.
        fall = np.exp(-point[0])
        return -fall - (point[1] - 1) ** 2, np.array([fall, -2 * (point[1] - 1)])

    may = np.array([[False, False], [True, False]])
    found = maximum(rising, [np.zeros(2)], *WIDE, may, scale=1.0)
    assert found.pinned.tolist() == [1, 0]
    assert found.point == pytest.approx([20.0, 1.0])


def test_the_better_of_two_peaks_is_found_where_the_first_is_flat():
    def peaks(point):
        low = 0.05 * np.exp(-0.5 * np.sum((point - [-5, 0]) ** 2))
        high = 2.0 * np.exp(-0.5 * np.sum((point - [5, 0]) ** 2))
        slope = -low * (point - [-5, 0]) - high * (point - [5, 0])
        return low + high, slope

    found = maximum(
        peaks, [np.array([-4.5, 0.1]), np.array([4.5, 0.1])], *WIDE, NO_LIMIT, scale=1.0
    )
    assert found.point == pytest.approx([5.0, 0.0], abs=1e-8)


def test_a_start_outside_the_box_is_moved_to_its_edge():
    found = maximum(quadratic, [np.array([1e3, -1e3])], *WIDE, NO_LIMIT, scale=1.0)
    assert found.point == pytest.approx([1.0, -2.0], abs=1e-8)


def test_a_place_where_the_function_is_not_finite_is_avoided():
    def broken(point):
        if point[0] > 3:
            return np.nan, np.full(2, np.nan)
        return quadratic(point)

    found = maximum(broken, [np.array([2.9, 5.0])], *WIDE, NO_LIMIT, scale=1.0)
    assert found.point == pytest.approx([1.0, -2.0], abs=1e-8)
