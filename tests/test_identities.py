"""What is true of every model of purchases whatever the data; parameters that no model takes."""

import dataclasses

import numpy as np
import pytest
from every_model import (
    HISTORY,
    HORIZON,
    PURCHASE_MODELS,
    T_X,
    T,
    X,
    every_model,
    every_purchase_model,
    parameters,
)
from scipy import integrate, stats
from scipy.special import betaln, exprel, gammaln

import predclv as pc

TIMES = ("alpha", "beta")  # parameters that are times
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
