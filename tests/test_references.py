"""The models against mpmath and lifetimes, from one end of their range to the other."""

import csv
import warnings
from functools import cache

import mpmath as mp
import numpy as np
import pytest
from references import make, make_family

import predclv as pc

# What the package promises everywhere; what it reaches is mostly a thousand times better.
PROMISED = 1e-9
# Smaller answers are lost in double precision: they must be as small, not equal.
UNDERFLOW = mp.mpf("1e-300")

POINTS = make.points(320)
# Counts to take probabilities of, one per point: the powers of a small chance included.
COUNTS = np.resize([0, 1, 2, 5, 10, 20, 60], len(POINTS))


def column(name: str, points: list[make.Point] = POINTS) -> np.ndarray:
    return np.array([getattr(point, name) for point in points], dtype=float)


def model_at(points: list[make.Point]) -> pc.BGNBD:
    """One model with the parameters of every point, one customer each."""
    return pc.BGNBD(*(column(name, points) for name in ("r", "alpha", "a", "b")))


MODEL = model_at(POINTS)
HISTORY = tuple(column(name) for name in ("x", "t_x", "T"))


def error(ours: float, exact: mp.mpf) -> float:
    """Relative error; infinite for what is not finite."""
    if not np.isfinite(ours):
        return np.inf
    if abs(exact) < UNDERFLOW:
        return 0.0 if abs(ours) <= 1e-290 else np.inf
    return float(abs((mp.mpf(float(ours)) - exact) / exact))


def assert_all_close(
    ours: np.ndarray, exact: list[mp.mpf], points: list[make.Point], name: str = ""
) -> None:
    errors = np.array([error(*pair) for pair in zip(ours, exact, strict=True)])
    if name == "log_likelihood":
        # Near 0 the likelihood itself, near 1, is what must be right: absolute in its logarithm.
        sizes = np.abs([float(value) for value in exact])
        errors *= np.minimum(sizes, 1.0)
    worst = int(np.argmax(errors))
    assert errors[worst] < PROMISED, (
        f"relative error {errors[worst]:.1e}: {ours[worst]!r} where "
        f"{mp.nstr(exact[worst], 17)} is exact, at {points[worst]}"
    )


@cache
def exact_values(name: str) -> list[mp.mpf]:
    """One of BG/NBD's quantities at every point, in many digits."""
    functions = {
        "log_likelihood": lambda point, n: mp.chop(make.log_likelihood(point), 1e-100),
        "p_alive": lambda point, n: make.p_alive(point),
        "expected_purchases": lambda point, n: make.expected_purchases(
            *map(mp.mpf, point.parameters), mp.mpf(point.t)
        ),
        "expected_purchases_after": lambda point, n: make.expected_purchases_after(point),
        "p_active_after": lambda point, n: make.p_active_after(point),
        "pmf": lambda point, n: make.pmf(n, *map(mp.mpf, point.parameters), mp.mpf(point.t)),
        "pmf_after": lambda point, n: make.pmf_after(n, point),
    }
    with mp.workdps(make.DIGITS):
        return [functions[name](point, int(n)) for point, n in zip(POINTS, COUNTS, strict=True)]


def test_the_points_hold_every_edge_and_three_hundred_others():
    assert POINTS[: len(make.EDGES)] == make.EDGES
    assert len(POINTS) >= 300
    assert column("x").max() == 20_000
    assert column("T").max() == 3000.0
    assert column("t").min() == 1e-9
    assert column("b").max() == 1e10


BGNBD_ANSWERS = {
    "log_likelihood": lambda: MODEL.log_likelihood(*HISTORY),
    "p_alive": lambda: MODEL.p_alive(*HISTORY),
    "expected_purchases": lambda: MODEL.expected_purchases(column("t")),
    "expected_purchases_after": lambda: MODEL.expected_purchases_after(column("t"), *HISTORY),
    "p_active_after": lambda: MODEL.p_active_after(column("t"), *HISTORY),
    "pmf": lambda: MODEL.pmf(COUNTS, column("t")),
    "pmf_after": lambda: MODEL.pmf_after(COUNTS, column("t"), *HISTORY),
}


@pytest.mark.parametrize("name", BGNBD_ANSWERS)
def test_bgnbd_agrees_with_mpmath_everywhere(name):
    assert_all_close(BGNBD_ANSWERS[name](), exact_values(name), POINTS)


@pytest.mark.parametrize("name", BGNBD_ANSWERS)
def test_the_reference_is_finite_and_not_zero_everywhere(name):
    # Else the test above could pass on nothing.
    values = [float(value) for value in exact_values(name)]
    assert np.all(np.isfinite(values))
    assert np.mean(np.abs(values) > 1e-300) > 0.9


# --- discounting: a table, since an integral of hypergeometric functions is slow in many digits --


@pytest.fixture(scope="module")
def table() -> list[tuple[make.Point, mp.mpf, mp.mpf]]:
    with make.TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = make.Point.__slots__
    return [
        (
            make.Point(**{name: (int if name == "x" else float)(row[name]) for name in names}),
            mp.mpf(row["discounted_until_t"]),
            mp.mpf(row["discounted_for_ever"]),
        )
        for row in rows
    ]


def assert_same_points(stored, made):
    """The table's points are those that are made today; exp's last digit is the processor's."""
    assert len(stored) == len(made)
    for one, other in zip(stored, made, strict=True):
        for name in type(other).__slots__:
            assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-13)


@pytest.mark.parametrize("endless", [False, True], ids=["finite", "infinite"])
def test_discounted_purchases_agree_with_the_integral_over_time(table, endless):
    points = [row[0] for row in table]
    assert_same_points(points, make.points())
    assert len(points) >= 300
    t = np.where(endless, np.inf, column("t", points))
    history = [column(name, points) for name in ("x", "t_x", "T")]
    ours = model_at(points).discounted_purchases_after(t, column("delta", points), *history)
    assert_all_close(ours, [row[1 + endless] for row in table], points)


@pytest.mark.parametrize("row", [0, 4, 7, 10, 17, 29, 37, 60, 100, 150, 200, 250])
def test_the_table_of_discounted_purchases_is_what_its_script_makes(table, row):
    point, until, _ = table[row]
    with mp.workdps(25):
        # Other panels than the table's: the integral does not depend on how it is cut.
        again = make.discounted_purchases_after(point, endless=False, panel=1.7)
    assert error(float(again), until) < 1e-12  # the table has 17 digits, Gauss's nodes have 16


@pytest.mark.parametrize("row", [0, 1, 5, 10, 13, 60, 100, 150, 200, 250, 299])
def test_the_table_without_discount_is_the_closed_form(row):
    # Ties the integral over time to Fader, Hardie & Lee's eq. 10, which does not integrate.
    point = POINTS[row]
    hardly = make.Point(*point.parameters, *point.history, point.t, 1e-30)
    with mp.workdps(25):
        by_integral = make.discounted_purchases_after(hardly, endless=False)
    assert error(float(by_integral), exact_values("expected_purchases_after")[row]) < 1e-12


# --- MBG/NBD and Pareto/NBD ----------------------------------------------------------------------

MBG = pc.MBGNBD(*(column(name) for name in ("r", "alpha", "a", "b")))
MBG_ANSWERS = {
    "log_likelihood": (
        lambda: MBG.log_likelihood(*HISTORY),
        lambda point, n: mp.chop(make_family.mbg_log_likelihood(point), 1e-100),
    ),
    "p_alive": (lambda: MBG.p_alive(*HISTORY), lambda point, n: make_family.mbg_p_alive(point)),
    "expected_purchases": (
        lambda: MBG.expected_purchases(column("t")),
        lambda point, n: make_family.mbg_expected_purchases(point),
    ),
    "expected_purchases_after": (
        lambda: MBG.expected_purchases_after(column("t"), *HISTORY),
        lambda point, n: make_family.mbg_expected_purchases_after(point),
    ),
    "p_active_after": (
        lambda: MBG.p_active_after(column("t"), *HISTORY),
        lambda point, n: make_family.mbg_p_active_after(point),
    ),
    "pmf": (
        lambda: MBG.pmf(COUNTS, column("t")),
        lambda point, n: make_family.mbg_pmf(n, point),
    ),
    "pmf_after": (
        lambda: MBG.pmf_after(COUNTS, column("t"), *HISTORY),
        lambda point, n: make_family.mbg_pmf_after(n, point),
    ),
}


@pytest.mark.parametrize("name", MBG_ANSWERS)
def test_mbgnbd_agrees_with_the_papers_closed_forms_everywhere(name):
    ours, exact = MBG_ANSWERS[name]
    with mp.workdps(make.DIGITS):
        values = [exact(point, int(n)) for point, n in zip(POINTS, COUNTS, strict=True)]
    assert np.mean([abs(float(value)) > 1e-300 for value in values]) > 0.9
    assert_all_close(ours(), values, POINTS, name)


def read(path, kind):
    """A table's points and its other columns, as numbers of many digits."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = kind.__slots__
    points = [
        kind(**{name: (int if name == "x" else float)(row[name]) for name in names}) for row in rows
    ]
    rest = [name for name in rows[0] if name not in names]
    return points, {name: [mp.mpf(row[name]) for row in rows] for name in rest}


@pytest.mark.parametrize("endless", [False, True], ids=["finite", "infinite"])
def test_mbgnbd_discounts_as_the_integral_over_time(endless):
    points, values = read(make_family.MBG_TABLE, make.Point)
    assert_same_points(points, make.points())
    model = pc.MBGNBD(*(column(name, points) for name in ("r", "alpha", "a", "b")))
    t = np.where(endless, np.inf, column("t", points))
    history = [column(name, points) for name in ("x", "t_x", "T")]
    ours = model.discounted_purchases_after(t, column("delta", points), *history)
    assert_all_close(ours, values[make_family.QUANTITIES[-2 + endless]], points)


@pytest.fixture(scope="module")
def pareto_table():
    return read(make_family.PARETO_TABLE, make_family.ParetoPoint)


PARETO_ANSWERS = {
    "log_likelihood": lambda m, n, t, delta, h: m.log_likelihood(*h),
    "p_alive": lambda m, n, t, delta, h: m.p_alive(*h),
    "expected_purchases": lambda m, n, t, delta, h: m.expected_purchases(t),
    "expected_purchases_after": lambda m, n, t, delta, h: m.expected_purchases_after(t, *h),
    "p_active_after": lambda m, n, t, delta, h: m.p_active_after(t, *h),
    "pmf": lambda m, n, t, delta, h: m.pmf(n, t),
    "pmf_after": lambda m, n, t, delta, h: m.pmf_after(n, t, *h),
    "discounted_until_t": lambda m, n, t, delta, h: m.discounted_purchases_after(t, delta, *h),
    "discounted_for_ever": lambda m, n, t, delta, h: m.discounted_purchases_after(
        np.inf, delta, *h
    ),
}


@pytest.mark.parametrize("name", PARETO_ANSWERS)
def test_paretonbd_agrees_with_mpmath_everywhere(pareto_table, name):
    points, values = pareto_table
    assert_same_points(points, make_family.pareto_points())
    assert len(points) >= 300
    model = pc.ParetoNBD(*(column(part, points) for part in ("r", "alpha", "s", "beta")))
    n = np.array([float(value) for value in values["n"]])
    history = [column(part, points) for part in ("x", "t_x", "T")]
    ours = PARETO_ANSWERS[name](model, n, column("t", points), column("delta", points), history)
    assert_all_close(ours, values[name], points, name)


@pytest.mark.parametrize("row", range(0, 300, 23))
def test_the_table_of_paretonbd_is_what_its_script_makes(pareto_table, row):
    points, values = pareto_table
    with mp.workdps(25):
        # Other panels than the table's: the integrals do not depend on how they are cut.
        again = make_family.pareto_values(points[row], int(values["n"][row]), panel=1.4)
    for name, value in zip(make_family.QUANTITIES, again, strict=True):
        # Gauss's nodes have 16 digits, and the logarithm of what is nearly one keeps fewer.
        assert error(float(value), values[name][row]) < 1e-10, name


@pytest.mark.parametrize("row", [0, 4, 5, 13, 22, 60, 75, 90, 120, 150, 200])
def test_the_table_of_paretonbd_has_the_papers_likelihood(pareto_table, row):
    # Fader & Hardie 2005, note on Pareto/NBD, eq. 18 to 20: a difference of Gauss functions.
    points, values = pareto_table
    with mp.workdps(80):
        q = points[row].exact()
        high, low = max(q.alpha, q.beta), min(q.alpha, q.beta)
        second = q.s + 1 if q.alpha >= q.beta else q.r + q.x
        total = q.r + q.s + q.x

        def part(t):
            shape = mp.hyp2f1(total, second, total + 1, (high - low) / (high + t))
            return shape / (high + t) ** total

        stays = 1 / ((q.alpha + q.T) ** (q.r + q.x) * (q.beta + q.T) ** q.s)
        leaves = q.s / total * (part(q.t_x) - part(q.T))
        common = mp.rf(q.r, q.x) * q.alpha**q.r * q.beta**q.s
        assert (
            error(float(mp.log(common * (stays + leaves))), values["log_likelihood"][row]) < 1e-12
        )
        assert error(float(stays / (stays + leaves)), values["p_alive"][row]) < 1e-12


# --- single edges --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "t_x", "printed"), [(0, 0.0, "-0.59947382"), (200, 38.0, "100.7957")]
)
def test_the_likelihood_of_no_and_of_200_purchases_is_known(x, t_x, printed):
    # An independent implementation in plain NumPy; a purchase rate of 5 a week lies beyond 1.
    ours = pc.BGNBD(r=0.25, alpha=4.0, a=0.8, b=2.5).log_likelihood(x, t_x, 40.0)
    digits = len(printed.partition(".")[2])
    assert float(ours) == pytest.approx(float(printed), abs=0.50001 * 10.0**-digits)


@pytest.mark.parametrize("a_and_b", [1e-8, 1e-7, 1e-6, 1e-4])
def test_expectations_hold_where_customers_leave_at_once_or_never(a_and_b):
    # The corner of the fit's box, a = b = 1e-8.
    point = make.Point(1.3, 1.28, a_and_b, a_and_b, 0, 0.0, 10.0, 10.0)
    with mp.workdps(make.DIGITS):
        exact = make.expected_purchases(*map(mp.mpf, point.parameters), mp.mpf(point.t))
    ours = pc.BGNBD(*point.parameters).expected_purchases(point.t)
    assert_all_close(np.array([ours]), [exact], [point])


def test_pareto_like_recency_at_the_end_stays_finite():
    # Heavy buyers seen until days before the end, for whom other packages lose P(alive).
    x = np.array([221, 254, 161, 204])
    t_x = np.array([103.42857, 97.14286, 94.71429, 98.57143])
    T = np.array([103.57143, 97.28571, 98.0, 99.42857])
    alive = pc.BGNBD(r=0.5143, alpha=2.8845, a=0.2856, b=14.1087).p_alive(x, t_x, T)
    assert np.all((alive > 0) & (alive < 1))


# --- Gamma-Gamma ---------------------------------------------------------------------------------


def spend_points(n: int = 300, seed: int = 25) -> np.ndarray:
    """p, q, v, x and mean, one row each: edges of the fit's box, then seeded points."""
    edges = [
        (1e6, 4.0, 1e-4, 3, 35.0),  # every purchase of a customer costs the same
        (6.0, 1e6, 5e6, 3, 35.0),  # all customers spend alike
        (1e6, 1e6, 35.0, 3, 35.0),
        (1e-4, 4.0, 15.0, 3, 35.0),
        (6.0, 1e-4, 15.0, 3, 35.0),
        (6.0, 1.0, 15.0, 1, 35.0),
        (6.25, 3.74, 15.44, 20_000, 1e-2),
        (6.25, 3.74, 15.44, 1, 1e7),
        (6.25, 3.74, 15.44, 1, 1e-9),
        (1e6, 1e6, 35.0, 20_000, 35.1),
    ]
    rng = np.random.default_rng(seed)
    spread = np.exp(rng.uniform(np.log(0.05), np.log(60.0), (n - len(edges), 3)))
    x = np.floor(np.exp(rng.uniform(0.0, np.log(500.0), n - len(edges))))
    mean = np.exp(rng.normal(3.0, 2.0, n - len(edges)))
    return np.vstack([edges, np.column_stack([spread, x, mean])])


def test_gamma_gamma_agrees_with_mpmath_everywhere():
    # Fader & Hardie 2013, note 025, eq. 1a and 5, as they are printed.
    rows = spend_points()
    p, q, v, x, mean = rows.T
    model = pc.GammaGamma(p, q, v)
    likelihood, spend = model.log_likelihood(x, mean), model.expected_spend(x, mean)
    assert len(rows) >= 300
    for i, row in enumerate(rows):
        with mp.workdps(60):
            p_, q_, v_, x_, m_ = map(mp.mpf, map(float, row))
            exact = (
                mp.loggamma(p_ * x_ + q_)
                - mp.loggamma(p_ * x_)
                - mp.loggamma(q_)
                + q_ * mp.log(v_)
                + (p_ * x_ - 1) * mp.log(m_)
                + p_ * x_ * mp.log(x_)
                - (p_ * x_ + q_) * mp.log(v_ + m_ * x_)
            )
            # Terms of the size of p x + q cancel: that costs the last digits.
            scale = mp.mpf(1) + abs(exact) + mp.mpf("1e-3") * (p_ * x_ + q_)
            future = p_ * (v_ + m_ * x_) / (p_ * x_ + q_ - 1)
        assert abs(mp.mpf(float(likelihood[i])) - exact) / scale < PROMISED, row
        if p[i] * x[i] + q[i] > 1:
            assert error(float(spend[i]), future) < PROMISED, row
        else:
            assert spend[i] == np.inf, row


# --- lifetimes -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lifetimes():
    with warnings.catch_warnings():
        # Its import sets an option that pandas 3 has retired.
        warnings.filterwarnings("ignore", message="The 'mode.chained_assignment' option")
        return pytest.importorskip("lifetimes")


def test_lifetimes_fits_the_same_bgnbd_and_forecasts_the_same(lifetimes, bgnbd, history):
    theirs = lifetimes.BetaGeoFitter().fit(*history)
    # Its optimiser stops at a gradient of 1e-6 or so.
    assert bgnbd.params == pytest.approx(theirs.params_.to_dict(), rel=1e-4)
    errors = bgnbd.summary()["std_error"].to_dict()
    assert errors == pytest.approx(theirs.standard_errors_.to_dict(), rel=1e-4)
    same = pc.BGNBD(**theirs.params_.to_dict())
    for t in (1.0, 39.0, 520.0):  # for small t its difference of near ones cancels
        expected = theirs.conditional_expected_number_of_purchases_up_to_time(t, *history)
        # A hypergeometric function in double precision keeps about eleven digits.
        assert same.expected_purchases_after(t, *history) == pytest.approx(
            np.asarray(expected), rel=1e-10
        )
    alive = theirs.conditional_probability_alive(*history)
    assert same.p_alive(*history) == pytest.approx(np.asarray(alive), rel=1e-12)
    for n in (0, 1, 5):
        theirs_pmf = theirs.probability_of_n_purchases_up_to_time(39.0, n)
        assert same.pmf(n, 39.0) == pytest.approx(theirs_pmf, rel=1e-12)


def test_lifetimes_fits_the_same_mbgnbd_and_forecasts_the_same(lifetimes, cdnow, history):
    fit, theirs = pc.fit(pc.MBGNBD, cdnow), lifetimes.ModifiedBetaGeoFitter().fit(*history)
    # Its optimiser stops at a gradient of 1e-6 or so.
    assert fit.params == pytest.approx(theirs.params_.to_dict(), rel=1e-4)
    same = pc.MBGNBD(**theirs.params_.to_dict())
    expected = theirs.conditional_expected_number_of_purchases_up_to_time(39.0, *history)
    assert same.expected_purchases_after(39.0, *history) == pytest.approx(
        np.asarray(expected), rel=1e-10
    )
    alive = theirs.conditional_probability_alive(*history)
    assert same.p_alive(*history) == pytest.approx(np.asarray(alive), rel=1e-12)
    assert same.expected_purchases(39.0) == pytest.approx(
        theirs.expected_number_of_purchases_up_to_time(39.0), rel=1e-10
    )
    for n in (0, 1, 5):
        theirs_pmf = theirs.probability_of_n_purchases_up_to_time(39.0, n)
        assert same.pmf(n, 39.0) == pytest.approx(theirs_pmf, rel=1e-12)


def test_lifetimes_forecasts_the_same_with_paretonbd(lifetimes, history):
    theirs = lifetimes.ParetoNBDFitter().fit(*history, initial_params=[1.0] * 4, tol=1e-7)
    same = pc.ParetoNBD(**theirs.params_.to_dict())
    # Its A0 is a difference of two numbers that can be near.
    alive = theirs.conditional_probability_alive(*history)
    assert same.p_alive(*history) == pytest.approx(np.asarray(alive), rel=1e-9)
    expected = theirs.conditional_expected_number_of_purchases_up_to_time(39.0, *history)
    assert same.expected_purchases_after(39.0, *history) == pytest.approx(
        np.asarray(expected), rel=1e-9
    )
    assert same.expected_purchases(39.0) == pytest.approx(
        theirs.expected_number_of_purchases_up_to_time(39.0), rel=1e-12
    )
    for n in (0, 1, 5):
        some = [part[:50] for part in history]
        theirs_pmf = theirs.conditional_probability_of_n_purchases_up_to_time(n, 39.0, *some)
        assert same.pmf_after(n, 39.0, *some) == pytest.approx(np.asarray(theirs_pmf), rel=1e-6)


def test_lifetimes_fits_the_same_gamma_gamma_and_spends_the_same(lifetimes, cdnow, gamma_gamma):
    frame = cdnow.frame
    repeat = frame.query("frequency > 0")
    theirs = lifetimes.GammaGammaFitter().fit(repeat["frequency"], repeat["monetary_value"])
    # Its optimiser stops at a gradient of 1e-6 or so.
    assert gamma_gamma.params == pytest.approx(theirs.params_.to_dict(), rel=1e-4)
    pair = frame["frequency"], frame["monetary_value"]
    spend = theirs.conditional_expected_average_profit(*pair)
    same = pc.GammaGamma(**theirs.params_.to_dict())
    assert same.expected_spend(*pair) == pytest.approx(spend.to_numpy(), rel=1e-12)
