"""What is true of every model of spend whatever the data."""

import numpy as np
import pytest
from every_model import (
    every_spend_model,
    parameters,
)
from scipy import integrate, stats

import predclv as pc


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
