"""What is true of every model whatever the data."""

import dataclasses

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import betaln, exprel, gammaln

import predclv as pc
from predclv.models.purchases import PurchaseModel

# Rows per model: the CDNOW fit, and corners.
PURCHASE_MODELS = [
    pytest.param(pc.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), id="BG/NBD"),
    pytest.param(pc.BGNBD(r=2.0, alpha=9.0, a=1.0, b=0.5), id="BG/NBD, a = 1"),
    pytest.param(pc.BGNBD(r=0.7, alpha=3.0, a=0.2, b=0.3), id="BG/NBD, a + b < 1"),
    pytest.param(pc.BGNBD(r=5.0, alpha=40.0, a=3.0, b=30.0), id="BG/NBD, few leave"),
    pytest.param(pc.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614), id="MBG/NBD"),
    pytest.param(pc.MBGNBD(r=2.0, alpha=9.0, a=1.0, b=0.5), id="MBG/NBD, a = 1"),
    pytest.param(pc.ParetoNBD(r=0.553, alpha=10.58, s=0.606, beta=11.67), id="Pareto/NBD"),
    pytest.param(pc.ParetoNBD(r=2.0, alpha=9.0, s=1.0, beta=40.0), id="Pareto/NBD, s = 1"),
    pytest.param(pc.ParetoNBD(r=0.7, alpha=60.0, s=0.2, beta=1.5), id="Pareto/NBD, small beta"),
]
TIMES = ("alpha", "beta")  # parameters that are times
SPEND_MODELS = [
    pytest.param(pc.GammaGamma(p=6.25, q=3.74, v=15.44), id="Gamma-Gamma"),
    pytest.param(pc.GammaGamma(p=0.8, q=2.5, v=30.0), id="Gamma-Gamma, uneven spend"),
]
every_purchase_model = pytest.mark.parametrize("model", PURCHASE_MODELS)
every_spend_model = pytest.mark.parametrize("model", SPEND_MODELS)

# Customers to ask about: never back, once, often, just now, long ago.
X = np.array([0.0, 1.0, 2.0, 7.0, 3.0, 25.0])
T_X = np.array([0.0, 5.0, 30.43, 29.43, 38.0, 20.0])
T = np.array([38.86, 38.86, 38.86, 38.86, 38.0, 39.0])
HISTORY = (X, T_X, T)
HORIZON = 26.0

# Every formula of a purchase model as a function of the model and a history.
FORMULAS = {
    "log_likelihood": lambda m, *h: m.log_likelihood(*h),
    "p_alive": lambda m, *h: m.p_alive(*h),
    "expected_purchases": lambda m, x, t_x, T: m.expected_purchases(T),
    "expected_purchases_after": lambda m, *h: m.expected_purchases_after(HORIZON, *h),
    "discounted_until": lambda m, *h: m.discounted_purchases_after(HORIZON, 0.01, *h),
    "discounted_for_ever": lambda m, *h: m.discounted_purchases_after(np.inf, 0.01, *h),
    "p_active_after": lambda m, *h: m.p_active_after(HORIZON, *h),
    "pmf": lambda m, x, t_x, T: m.pmf(x, T),
    "pmf_after": lambda m, *h: m.pmf_after(2, HORIZON, *h),
}


def parameters(model) -> dict[str, float]:
    return {name: getattr(model, name) for name in model.names()}


# --- probabilities -------------------------------------------------------------------------------


@every_purchase_model
@pytest.mark.parametrize("t", [0.5, 10.0, 60.0])
def test_the_pmf_sums_to_one_and_has_the_stated_mean(model, t):
    n = np.arange(2000)
    pmf = model.pmf(n, t)
    assert np.all(pmf >= 0)
    assert pmf.sum() == pytest.approx(1.0, rel=1e-12)  # 2,000 terms of rounding
    assert n @ pmf == pytest.approx(float(model.expected_purchases(t)), rel=1e-10)


@every_purchase_model
def test_the_pmf_after_a_history_sums_to_one_and_has_the_stated_mean(model):
    n = np.arange(2000)[:, None]
    pmf = model.pmf_after(n, HORIZON, *HISTORY)
    assert pmf.shape == (2000, X.size)
    assert pmf.sum(axis=0) == pytest.approx(np.ones(X.size), rel=1e-12)
    expected = model.expected_purchases_after(HORIZON, *HISTORY)
    assert np.sum(n * pmf, axis=0) == pytest.approx(expected, rel=1e-10)


@every_purchase_model
def test_being_active_is_not_buying_nothing(model):
    active = model.p_active_after(HORIZON, *HISTORY)
    # 1 - pmf cancels where activity is rare: absolute, not relative.
    assert active == pytest.approx(1 - model.pmf_after(0, HORIZON, *HISTORY), abs=1e-14)
    assert np.all(active <= model.p_alive(*HISTORY))


@every_purchase_model
def test_histories_of_one_length_have_total_probability_one(model):
    # The density of (x, t_x) for a customer observed for 5, over t_x and summed over x, is the pmf:
    # the likelihood has one factor per order of the x - 1 purchases before the last.
    length = 5.0
    for x in range(1, 6):

        def density(t_x, x=x):
            orders = (x - 1) * np.log(t_x) - gammaln(x)
            return np.exp(orders + float(model.log_likelihood(x, t_x, length)))

        total, _ = integrate.quad(density, 0.0, length, epsabs=1e-13, epsrel=1e-12)
        assert total == pytest.approx(float(model.pmf(x, length)), rel=1e-10)


# --- units of time -------------------------------------------------------------------------------


@every_purchase_model
@pytest.mark.parametrize("formula", FORMULAS)
def test_days_and_weeks_agree(model, formula):
    scaled = {name: 7 * getattr(model, name) for name in TIMES if hasattr(model, name)}
    in_days = dataclasses.replace(model, **scaled)
    days = FORMULAS_IN_DAYS[formula](in_days, X, 7 * T_X, 7 * T)
    weeks = FORMULAS[formula](model, *HISTORY)
    # A density per day is a seventh of a density per week, once for every purchase.
    shift = X * np.log(7) if formula == "log_likelihood" else 0.0
    assert days + shift == pytest.approx(
        weeks, rel=1e-12
    )  # rounding of 7 T through x log(alpha + T)


FORMULAS_IN_DAYS = FORMULAS | {
    "expected_purchases_after": lambda m, *h: m.expected_purchases_after(7 * HORIZON, *h),
    "discounted_until": lambda m, *h: m.discounted_purchases_after(7 * HORIZON, 0.01 / 7, *h),
    "discounted_for_ever": lambda m, *h: m.discounted_purchases_after(np.inf, 0.01 / 7, *h),
    "p_active_after": lambda m, *h: m.p_active_after(7 * HORIZON, *h),
    "pmf_after": lambda m, *h: m.pmf_after(2, 7 * HORIZON, *h),
}


# --- closure and Bayes ---------------------------------------------------------------------------


@every_purchase_model
def test_the_future_of_a_living_customer_is_that_of_a_new_one_of_the_given_model(model):
    alive, future = model.p_alive(*HISTORY), model.given_alive(X, T)
    # Who stayed after the first purchase faces BG/NBD's chances from then on.
    assert type(future) is (pc.BGNBD if isinstance(model, pc.MBGNBD) else type(model))
    expected = alive * future.expected_purchases(HORIZON)
    assert model.expected_purchases_after(HORIZON, *HISTORY) == pytest.approx(expected)
    assert model.p_active_after(HORIZON, *HISTORY) == pytest.approx(
        alive * future.p_active(HORIZON)
    )


@every_purchase_model
def test_the_likelihood_of_two_periods_is_that_of_the_first_times_the_second(model):
    # Observed for T with x purchases, then for t more with none: alive or gone at T.
    whole = model.log_likelihood(X, T_X, T + HORIZON)
    nothing = np.log(model.pmf_after(0, HORIZON, *HISTORY))
    assert whole == pytest.approx(model.log_likelihood(*HISTORY) + nothing, rel=1e-12)


def uniform_rule():
    """Nodes and weights on [0, 1], dense at both ends: no density is infinite in quantiles."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    panels = np.concatenate(
        [[0.0], 0.5 ** np.arange(40, 0, -2), 1 - 0.5 ** np.arange(2, 41, 2), [1]]
    )
    width = np.diff(panels)[:, None]
    return (panels[:-1, None] + width * 0.5 * (nodes + 1)).ravel(), (width * 0.5 * weights).ravel()


def given_rate_and_chance(model, rate, p, x, t_x, T, t):
    """Likelihood of one customer with lambda and p, alive and gone; what they will still buy.

    Fader, Hardie & Lee 2005, eq. 3 and 7. MBG/NBD: one more chance to leave, after the first.
    """
    p = np.maximum(p, 1e-300)
    chances = x + isinstance(model, pc.MBGNBD)
    here = rate**x * (1 - p) ** chances * np.exp(-rate * T)
    gone = rate**x * p * (1 - p) ** (chances - 1) * np.exp(-rate * t_x) if chances else 0.0
    return here, gone, -np.expm1(-rate * p * t) / p


def given_rates(model, rate, leaving, x, t_x, T, t):
    """The same with lambda and mu. Schmittlein, Morrison & Colombo 1987, eq. 4 and 10."""
    leaving = np.maximum(leaving, 1e-300)
    here = rate**x * np.exp(-(rate + leaving) * T)
    both = (rate + leaving) * (T - t_x)
    gone = rate**x * leaving * np.exp(-(rate + leaving) * t_x) * (T - t_x) * exprel(-both)
    return here, gone, rate * t * exprel(-leaving * t)


@pytest.mark.parametrize("model", [m for m in PURCHASE_MODELS if "a + b < 1" not in m.id])
@pytest.mark.parametrize("i", range(5))
def test_brute_force_integration_over_what_customers_differ_in_gives_the_same(model, i):
    x, t_x, length = X[i], T_X[i], T[i]
    u, w = uniform_rule()
    rate = stats.gamma.ppf(u, model.r)[:, None] / model.alpha
    if isinstance(model, pc.ParetoNBD):
        one, other = given_rates, stats.gamma.ppf(u, model.s) / model.beta
    else:
        one, other = given_rate_and_chance, stats.beta.ppf(u, model.a, model.b)
    here, gone, later = one(model, rate, other, x, t_x, length, HORIZON)
    alive, total = w @ here @ w, w @ (here + gone) @ w
    # Quantile functions keep about ten digits, and x powers of them fewer.
    assert model.log_likelihood(x, t_x, length) == pytest.approx(np.log(total), rel=1e-6)
    assert model.p_alive(x, t_x, length) == pytest.approx(alive / total, rel=1e-5)
    after = model.expected_purchases_after(HORIZON, x, t_x, length)
    assert after == pytest.approx((w @ (here * later) @ w) / total, rel=1e-5)


@every_purchase_model
@pytest.mark.parametrize("t", [0.5, 26.0, 300.0])
def test_tails_by_recurrence_are_the_tails_and_the_sums_of_the_pmf(model, t):
    living = model.given_alive(X, T)
    most = 150  # beyond two blocks of a recurrence
    each = np.array([tail for _, tail in zip(range(most), living.p_at_least_each(t), strict=False)])
    n = np.arange(1, most + 1)[:, None]
    assert np.all(np.abs(each - living.p_at_least(n, t)) < 1e-12)  # what base.py promises
    assert np.all(np.abs(each[0] - living.p_active(t)) < 1e-12)
    pmf = living.pmf(np.arange(most)[:, None], t)
    assert np.all(np.abs(1 - np.cumsum(pmf, axis=0) - each) < 1e-12)


# --- discounting ---------------------------------------------------------------------------------


@every_purchase_model
def test_no_discount_leaves_the_expected_purchases(model):
    plain = model.expected_purchases_after(HORIZON, *HISTORY)
    assert model.discounted_purchases_after(HORIZON, 0.0, *HISTORY) == pytest.approx(plain)
    nearly = model.discounted_purchases_after(HORIZON, 1e-13, *HISTORY)
    assert nearly == pytest.approx(plain, rel=1e-10)  # delta t is 3e-12


@every_purchase_model
@pytest.mark.parametrize("t", [HORIZON, np.inf])
def test_discounted_purchases_fall_with_the_rate(model, t):
    delta = np.geomspace(1e-5, 2.0, 12)[:, None]
    worth = model.discounted_purchases_after(t, delta, *HISTORY)
    assert worth.shape == (12, X.size)
    assert np.all(np.diff(worth, axis=0) < 0)
    assert np.all(worth > 0)


@every_purchase_model
def test_a_whole_lifetime_is_the_limit_of_long_horizons(model):
    for_ever = model.discounted_purchases_after(np.inf, 0.01, *HISTORY)
    long = model.discounted_purchases_after(4000.0, 0.01, *HISTORY)  # exp(-40) remains
    assert long == pytest.approx(for_ever, rel=1e-12)
    shorter = model.discounted_purchases_after(400.0, 0.01, *HISTORY)
    assert np.all(shorter < for_ever)


@every_purchase_model
def test_discounted_purchases_are_the_integral_of_expected_ones(model):
    # By parts: exp(-delta t) E(t) + delta int exp(-delta s) E(s) ds.
    delta = 0.05
    nodes, weights = np.polynomial.legendre.leggauss(40)
    s = 0.5 * HORIZON * (nodes + 1)
    expected = model.expected_purchases_after(s[:, None], *HISTORY)
    inner = 0.5 * HORIZON * ((weights * np.exp(-delta * s)) @ expected)
    whole = model.expected_purchases_after(HORIZON, *HISTORY)
    parts = np.exp(-delta * HORIZON) * whole + delta * inner
    worth = model.discounted_purchases_after(HORIZON, delta, *HISTORY)
    assert worth == pytest.approx(parts, rel=1e-10)  # 40 nodes of a smooth function


@every_purchase_model
def test_expected_purchases_grow_with_the_horizon_from_nothing(model):
    t = np.concatenate([[0.0], np.geomspace(1e-9, 1e4, 40)])[:, None]
    expected = model.expected_purchases_after(t, *HISTORY)
    assert np.all(expected[0] == 0)
    assert np.all(np.diff(expected, axis=0) > 0)


# --- shapes --------------------------------------------------------------------------------------


@every_purchase_model
@pytest.mark.parametrize("formula", FORMULAS)
def test_shuffled_customers_have_shuffled_answers(model, formula):
    order = np.random.default_rng(1).permutation(X.size)
    answer = FORMULAS[formula](model, *HISTORY)
    shuffled = FORMULAS[formula](model, *(values[order] for values in HISTORY))
    np.testing.assert_array_equal(shuffled, answer[order])


@every_purchase_model
@pytest.mark.parametrize("formula", FORMULAS)
def test_draws_broadcast_to_what_a_loop_over_them_gives(model, formula):
    spread = np.exp(np.random.default_rng(2).normal(0.0, 0.2, (len(parameters(model)), 7, 1)))
    draws = {
        name: value * s for (name, value), s in zip(parameters(model).items(), spread, strict=True)
    }
    answer = FORMULAS[formula](type(model)(**draws), *HISTORY)
    loop = [
        FORMULAS[formula](type(model)(**{k: float(v[i, 0]) for k, v in draws.items()}), *HISTORY)
        for i in range(7)
    ]
    assert answer.shape == (7, X.size)
    # Another answer in the batch may need a larger quadrature rule, but not give another value.
    np.testing.assert_allclose(answer, np.array(loop), rtol=1e-11)


@every_purchase_model
@pytest.mark.parametrize("formula", FORMULAS)
def test_parameters_of_one_customer_each_give_what_a_loop_gives(model, formula):
    spread = np.exp(np.random.default_rng(3).normal(0.0, 0.2, (len(parameters(model)), X.size)))
    each = {
        name: value * s for (name, value), s in zip(parameters(model).items(), spread, strict=True)
    }
    answer = FORMULAS[formula](type(model)(**each), *HISTORY)
    loop = [
        float(FORMULAS[formula](type(model)(**{k: float(v[i]) for k, v in each.items()}), *one))
        for i, one in enumerate(zip(*HISTORY, strict=True))
    ]
    np.testing.assert_allclose(answer, loop, rtol=1e-11)


@every_purchase_model
@pytest.mark.parametrize("formula", FORMULAS)
def test_one_customer_as_numbers_gives_one_number(model, formula):
    one = FORMULAS[formula](model, 2, 30.43, 38.86)
    assert np.shape(one) == ()
    row = FORMULAS[formula](model, np.array([2]), np.array([30.43]), np.array([38.86]))
    assert np.shape(row) == (1,)
    assert float(one) == pytest.approx(float(row[0]), rel=1e-14)


# --- cells and the objective ---------------------------------------------------------------------


def cells(model, n: int, seed: int):
    """Arrays that a model's objective is a sum over, simulated from it."""
    rng = np.random.default_rng(seed)
    if isinstance(model, PurchaseModel):
        length = rng.integers(189, 273, n) / 7
        x, t_x = model.simulate(length, rng)
        return x.astype(float), np.round(7 * t_x) / 7, length, np.ones(n)
    x = 1.0 + rng.poisson(2.0, n)
    rate = rng.gamma(model.q, 1.0, n) / model.v
    return x, rng.gamma(model.p * x) / rate / x, np.ones(n)


every_model = pytest.mark.parametrize("model", [*PURCHASE_MODELS, *SPEND_MODELS])


@every_model
def test_the_objective_is_the_sum_of_the_log_likelihoods(model):
    *history, weight = cells(model, 200, 4)
    weight = weight * np.random.default_rng(4).integers(1, 9, weight.size)
    value, _ = type(model).objective((*history, weight))(np.log(list(parameters(model).values())))
    assert value == pytest.approx(float(weight @ model.log_likelihood(*history)), rel=1e-12)


@every_model
@pytest.mark.parametrize("shift", [0.0, -6.0, 6.0, "mixed", "limit"])
def test_the_gradient_is_what_finite_differences_give(model, shift):
    arrays = cells(model, 60, 5)
    objective = type(model).objective(arrays)
    point = np.log(list(parameters(model).values()))
    moves = {"mixed": np.resize([5.0, -5.0], point.size), "limit": np.zeros(point.size)}
    point = point + moves.get(shift, shift)
    if shift == "limit":
        point[-2:] += 16.0  # a, b -> infinity; s, beta -> infinity; q, v -> infinity
    _, gradient = objective(point)
    numeric = np.empty(point.size)
    for i in range(point.size):
        step = np.zeros(point.size)
        step[i] = 2e-3
        # Fourth order: the error is h^4 = 2e-11 of the fifth derivative.
        far, near = (
            objective(point + k * step)[0] - objective(point - k * step)[0] for k in (2, 1)
        )
        numeric[i] = (8 * near - far) / (12 * 2e-3)
    # The value is a sum of up to 1e6 in double precision; divided by the step that is 1e-7.
    size = abs(objective(point)[0])
    np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-6 + 2e-12 * size)


@every_model
def test_a_weight_of_three_is_three_equal_rows(model):
    *history, weight = cells(model, 40, 6)
    at = np.log(list(parameters(model).values())) + 0.3
    weighted = type(model).objective((*history, 3 * weight))(at)
    repeated = *(np.repeat(column, 3) for column in history), np.ones(3 * weight.size)
    rows = type(model).objective(repeated)(at)
    assert weighted[0] == pytest.approx(rows[0], rel=1e-13)
    assert weighted[1] == pytest.approx(rows[1], rel=1e-12)


def test_a_fit_to_weights_is_the_fit_to_repeated_rows(cdnow):
    grouped = cdnow.cells()
    assert len(grouped) < grouped.n_customers == 2357
    heavier = dataclasses.replace(grouped, weight=3 * grouped.weight)
    repeated = pc.Cells(
        *(
            np.repeat(getattr(grouped, name), heavier.weight)
            for name in ("frequency", "recency", "T")
        ),
        weight=np.ones(3 * 2357, dtype=np.int64),
        unit="week",
    )
    once, weighted, rows = (pc.fit(pc.BGNBD, c) for c in (grouped, heavier, repeated))
    # Both are at a gradient of rounding noise; a ridge of condition 1e4 lies between.
    assert weighted.params == pytest.approx(rows.params, rel=1e-9)
    assert weighted.log_likelihood == pytest.approx(3 * once.log_likelihood, rel=1e-12)
    assert weighted.log_covariance == pytest.approx(once.log_covariance / 3, rel=1e-5)


def test_the_order_of_rows_does_not_matter_to_a_fit(cdnow, bgnbd, gamma_gamma):
    shuffled = pc.RFM.from_frame(cdnow.frame.sample(frac=1.0, random_state=7), unit="week")
    assert pc.fit(pc.BGNBD, shuffled).params == pytest.approx(bgnbd.params, rel=1e-9)
    assert pc.fit(pc.GammaGamma, shuffled).params == pytest.approx(gamma_gamma.params, rel=1e-9)


def test_a_fit_in_days_is_the_fit_in_weeks(cdnow, bgnbd):
    frame = cdnow.frame.assign(recency=7 * cdnow.frame["recency"], T=7 * cdnow.frame["T"])
    days = pc.fit(pc.BGNBD, pc.RFM.from_frame(frame, unit="day"))
    weeks = bgnbd.params | {"alpha": 7 * bgnbd.params["alpha"]}
    assert days.params == pytest.approx(weeks, rel=1e-8)  # the searches take different ways
    shift = cdnow.frame["frequency"].sum() * np.log(7)
    assert days.log_likelihood == pytest.approx(bgnbd.log_likelihood - shift, rel=1e-12)
    assert days.unit == "day"


# --- simulation ----------------------------------------------------------------------------------

SIMULATED = 200_000
# Standard errors that a Monte Carlo average may be off: 5 happens once in two million.
Z = 5.0


@every_purchase_model
def test_simulated_customers_are_distributed_as_the_pmf(model):
    x, t_x = model.simulate(np.full(SIMULATED, 20.0), np.random.default_rng(8))
    assert x.dtype == np.int64
    assert np.all((t_x > 0) == (x > 0))
    assert np.all(t_x <= 20.0)
    n = np.arange(12)
    pmf = model.pmf(n, 20.0)
    share = np.bincount(np.minimum(x, 12), minlength=13)[:12] / SIMULATED
    assert np.all(np.abs(share - pmf) < Z * np.sqrt(pmf * (1 - pmf) / SIMULATED))
    off = x.mean() - float(model.expected_purchases(20.0))
    assert abs(off) < Z * x.std() / np.sqrt(SIMULATED)


@every_purchase_model
def test_the_likelihood_of_simulated_histories_is_highest_at_the_truth(model):
    # The score has mean zero: each component of the gradient, in standard errors.
    *history, weight = cells(model, 20_000, 9)
    rounded = history[1] != 0
    history[1] = np.where(rounded, np.clip(history[1], 1 / 14, history[2]), 0.0)
    at = np.log(list(parameters(model).values()))
    _, gradient = type(model).objective((*history, weight))(at)
    each = np.array(
        [
            (
                dataclasses.replace(model, **{name: value * np.exp(1e-4)}).log_likelihood(*history)
                - dataclasses.replace(model, **{name: value * np.exp(-1e-4)}).log_likelihood(
                    *history
                )
            )
            / 2e-4
            for name, value in parameters(model).items()
        ]
    )
    assert np.all(np.abs(gradient) < Z * np.sqrt((each**2).sum(axis=1)))


@every_purchase_model
def test_simulation_takes_one_customer_length_each_and_repeats_with_its_seed(model):
    lengths = np.array([1.0, 10.0, 100.0])
    x, t_x = model.simulate(lengths, np.random.default_rng(10))
    again, t_again = model.simulate(lengths, np.random.default_rng(10))
    assert x.shape == t_x.shape == (3,)
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(t_x, t_again)
    assert np.all(t_x <= lengths)


# --- spend ---------------------------------------------------------------------------------------


@every_spend_model
def test_the_given_model_has_the_expected_spend_as_its_mean(model):
    x, mean = np.array([1.0, 2.0, 20.0]), np.array([100.0, 22.35, 300.0])
    assert model.given(x, mean).mean == pytest.approx(model.expected_spend(x, mean))


@every_spend_model
def test_two_lots_of_purchases_are_one(model):
    once = model.given(5, (2 * 30.0 + 3 * 50.0) / 5)
    twice = model.given(2, 30.0).given(3, 50.0)
    assert parameters(twice) == pytest.approx(parameters(once))


@every_spend_model
@pytest.mark.parametrize(("x", "mean"), [(1, 100.0), (3, 12.0), (30, 55.0)])
def test_expected_spend_is_the_mean_of_the_posterior_by_integration(model, x, mean):
    def weight(nu):
        likelihood = stats.gamma.pdf(mean, model.p * x, scale=1 / (nu * x))
        return likelihood * stats.gamma.pdf(nu, model.q, scale=1 / model.v)

    middle = (model.q + model.p * x) / (model.v + x * mean)
    points = {"points": [middle / 4, middle, 3 * middle]}
    total, _ = integrate.quad(weight, 0, 40 * middle, **points, epsabs=0, epsrel=1e-11, limit=400)
    value, _ = integrate.quad(
        lambda nu: weight(nu) * model.p / nu if nu > 0 else 0.0,
        0, 40 * middle, **points, epsabs=0, epsrel=1e-11, limit=400,
    )  # fmt: skip
    assert model.log_likelihood(x, mean) == pytest.approx(np.log(total), rel=1e-8)
    assert model.expected_spend(x, mean) == pytest.approx(value / total, rel=1e-8)


@every_spend_model
def test_the_density_of_mean_spend_integrates_to_one(model):
    for x in (1, 5):
        # In log m, where the density has two exponential tails.
        total, _ = integrate.quad(
            lambda s, x=x: np.exp(float(model.log_likelihood(x, np.exp(s))) + s), -60, 60,
            points=[0.0, 3.0, 6.0], limit=400,
        )  # fmt: skip
        assert total == pytest.approx(1.0, rel=1e-8)  # quad's own default


@every_spend_model
def test_a_customer_without_repeats_spends_what_everyone_does(model):
    expected = model.p * model.v / (model.q - 1)
    assert model.mean == pytest.approx(expected)
    assert model.expected_spend(0, 0.0) == pytest.approx(expected)
    assert model.expected_spend(0, 1e9) == pytest.approx(expected)
    assert model.expected_spend(0, np.nan) == pytest.approx(expected)


@every_spend_model
def test_expected_spend_lies_between_the_own_mean_and_everyones(model):
    x, mean = np.arange(1.0, 50.0), 200.0
    spend = model.expected_spend(x, mean)
    assert np.all((spend > model.mean) & (spend < mean))
    assert np.all(np.diff(spend) > 0)


@pytest.mark.parametrize("q", [0.2, 0.999, 1.0])
def test_an_infinite_mean_is_infinite_and_never_negative(q):
    model = pc.GammaGamma(p=0.1, q=q, v=15.0)
    assert model.mean == np.inf
    spend = model.expected_spend(np.arange(30.0), 40.0)
    assert np.all(spend > 0)
    assert np.all(np.isfinite(spend) == (0.1 * np.arange(30.0) + q > 1))


@every_spend_model
def test_parameters_of_spend_broadcast_over_draws(model):
    draws = {
        name: value * np.array([[0.9], [1.0], [1.2]]) for name, value in parameters(model).items()
    }
    x, mean = np.array([0.0, 1.0, 4.0, 9.0]), np.array([0.0, 30.0, 50.0, 10.0])
    many = type(model)(**draws)
    spend = many.expected_spend(x, mean)
    assert spend.shape == (3, 4)
    for i in range(3):
        one = type(model)(**{name: float(value[i, 0]) for name, value in draws.items()})
        np.testing.assert_allclose(spend[i], one.expected_spend(x, mean), rtol=1e-14)
        likelihood = one.log_likelihood(x[1:], mean[1:])
        np.testing.assert_allclose(many.log_likelihood(x[1:], mean[1:])[i], likelihood, rtol=1e-12)


# --- parameters ----------------------------------------------------------------------------------


@every_model
@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan, "1", None])
def test_a_parameter_that_is_not_positive_and_finite_is_refused_by_name(model, value):
    for name in model.names():
        with pytest.raises(pc.errors.OptionError, match=rf"parameter {name} must be positive"):
            dataclasses.replace(model, **{name: value})


@every_model
def test_a_model_cannot_be_changed(model):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(model, model.names()[0], 1.0)


def test_bgnbd_with_hardly_anyone_leaving_is_an_nbd():
    # The limit a -> 0; the NBD's pmf is SciPy's negative binomial.
    model = pc.BGNBD(r=0.6, alpha=4.0, a=1e-12, b=1.0)
    share = 4.0 / (4.0 + 20.0)
    assert model.pmf(np.arange(20), 20.0) == pytest.approx(
        stats.nbinom.pmf(np.arange(20), 0.6, share), rel=1e-9
    )
    nbd = (0.6 + X) / (4.0 + T) * HORIZON
    alive = model.p_alive(*HISTORY)
    assert alive[:4] == pytest.approx(np.ones(4), abs=1e-6)
    after = model.given_alive(X, T).expected_purchases(HORIZON)
    assert after == pytest.approx(nbd, rel=1e-9)


def test_beta_and_gamma_ratios_of_the_paper_are_those_of_the_likelihood():
    # Fader, Hardie & Lee 2005, eq. 6, in SciPy's log-gammas: ordinary numbers, ordinary precision.
    r, alpha, a, b = 0.243, 4.414, 0.793, 2.426
    common = gammaln(r + X) - gammaln(r) + r * np.log(alpha)
    here = betaln(a, b + X) - betaln(a, b) - (r + X) * np.log(alpha + T)
    gone = betaln(a + 1, b + np.maximum(X, 1) - 1) - betaln(a, b) - (r + X) * np.log(alpha + T_X)
    expected = common + np.where(X > 0, np.logaddexp(here, gone), here)
    ours = pc.BGNBD(r, alpha, a, b).log_likelihood(*HISTORY)
    assert ours == pytest.approx(expected, rel=1e-12)
