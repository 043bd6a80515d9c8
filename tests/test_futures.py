"""What is to come of customers: expectations, chances, silence and paths tell one story."""

from itertools import islice

import numpy as np
import pytest

import predclv as pc
from predclv.decisions.waiting import chance_of_silence

MODELS = [
    pytest.param(pc.BGNBD(0.8, 4.414, 0.793, 2.426), id="BG/NBD"),
    pytest.param(pc.MBGNBD(0.9, 6.183, 0.891, 1.614), id="MBG/NBD"),
    pytest.param(pc.ParetoNBD(0.9, 10.58, 0.606, 11.67), id="Pareto/NBD"),
]
every_model = pytest.mark.parametrize("model", MODELS)
HISTORY = (np.array([0.0, 2.0, 7.0]), np.array([0.0, 10.0, 36.0]), np.array([30.0, 30.0, 38.0]))
N = 40_000
HORIZON = 26.0


def many():
    return [np.repeat(column, N) for column in HISTORY]


def per_history(values):
    return values.reshape(len(HISTORY[0]), N)


@every_model
def test_a_future_says_what_the_model_says_of_a_history(model):
    future = model.future(*HISTORY)
    for asked, own in (
        (future.expected_purchases(HORIZON), model.expected_purchases_after(HORIZON, *HISTORY)),
        (
            future.discounted_purchases(np.inf, 0.01),
            model.discounted_purchases_after(np.inf, 0.01, *HISTORY),
        ),
        (future.p_active(HORIZON), model.p_active_after(HORIZON, *HISTORY)),
        (future.pmf(2, HORIZON), model.pmf_after(2, HORIZON, *HISTORY)),
    ):
        assert np.array_equal(asked, own)


@every_model
def test_tails_are_sums_of_the_pmf(model):
    future = model.future(*HISTORY)
    pmf = future.pmf(np.arange(2000)[:, None], HORIZON)
    for n, tail in enumerate(islice(future.p_at_least_each(HORIZON), 20), 1):
        np.testing.assert_allclose(tail, pmf[n:].sum(axis=0), atol=1e-11)
        np.testing.assert_allclose(tail, future.p_at_least(n, HORIZON), atol=1e-11)


@every_model
def test_a_newcomer_is_the_model_itself(model):
    newcomer = model.newcomer()
    assert newcomer.expected_purchases(5.0) == model.expected_purchases(5.0)
    rng = np.random.default_rng(1)
    path = newcomer.paths(np.full(N, HORIZON), rng)
    error = path.purchases.std() / np.sqrt(N)
    assert path.purchases.mean() == pytest.approx(
        float(model.expected_purchases(HORIZON)), abs=4 * error
    )


@every_model
def test_paths_have_the_expected_purchases_and_their_times(model):
    future, rng = model.future(*many()), np.random.default_rng(2)
    path = future.paths(HORIZON, rng)
    drawn = per_history(path.purchases)
    error = drawn.std(axis=1) / np.sqrt(N)
    expected = model.future(*HISTORY).expected_purchases(HORIZON)
    assert (np.abs(drawn.mean(axis=1) - expected) < 4 * error).all()
    active = model.future(*HISTORY).p_active(HORIZON)
    assert np.abs((drawn > 0).mean(axis=1) - active).max() < 4 * 0.5 / np.sqrt(N)
    owner, when = path.times(rng)
    assert np.array_equal(np.bincount(owner, minlength=path.purchases.size), path.purchases)
    assert (when > 0).all()
    assert (when <= HORIZON).all()
    discounted = np.bincount(owner, weights=np.exp(-0.05 * when), minlength=path.purchases.size)
    discounted = per_history(discounted)
    expected = model.future(*HISTORY).discounted_purchases(HORIZON, 0.05)
    error = discounted.std(axis=1) / np.sqrt(N)
    assert (np.abs(discounted.mean(axis=1) - expected) < 4 * error).all()
    half = per_history(np.bincount(owner, weights=when <= 8, minlength=path.purchases.size))
    expected = model.future(*HISTORY).expected_purchases(8.0)
    assert (np.abs(half.mean(axis=1) - expected) < 4 * half.std(axis=1) / np.sqrt(N)).all()


@every_model
def test_the_last_purchase_is_the_last_of_the_times(model):
    rng = np.random.default_rng(3)
    path = model.paths(np.full(N, 20.0), rng)
    last = path.last(rng)
    owner, when = path.times(rng)
    latest = np.zeros(N)
    np.maximum.at(latest, owner, when)
    assert np.array_equal(last > 0, path.purchases > 0)
    for n in (1, 2, 5):  # of the same distribution given the number of purchases
        who = path.purchases == n
        error = np.hypot(last[who].std(), latest[who].std()) / np.sqrt(who.sum())
        assert abs(last[who].mean() - latest[who].mean()) < 4 * error


@every_model
def test_a_history_is_a_path_and_its_last_purchase(model):
    x, t_x = model.simulate(np.full(50, 30.0), np.random.default_rng(4))
    rng = np.random.default_rng(4)
    path = model.paths(np.full(50, 30.0), rng)
    assert np.array_equal(path.purchases, x)
    assert np.array_equal(path.last(rng), t_x)


@every_model
def test_silence_right_after_a_purchase_is_what_due_lists_wait_for(model):
    x, t_x, _ = HISTORY
    s = np.array([1.0, 5.0, 20.0])
    np.testing.assert_allclose(
        model.future(x, t_x, t_x).silence(s), chance_of_silence(model, x, t_x)(s), rtol=1e-12
    )


@every_model
def test_silence_is_that_of_customers_who_stay(model):
    traits = model.given_alive(2.0, 30.0).traits((N,), np.random.default_rng(5))
    first = np.random.default_rng(6).exponential(1 / traits.rate)
    for s in (2.0, 15.0):
        share = (first > s).mean()
        expected = model.future(2.0, 10.0, 30.0).silence(s)
        assert share == pytest.approx(float(expected), abs=4 * 0.5 / np.sqrt(N))
