"""Free parameters: a positive one and a real one are two views of one thing."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from scipy.special import gammaln

import predclv as pc
from predclv.maths.differences import central_slope
from predclv.models.base import LogNormalPrior, Model, NormalPrior, Space
from predclv.models.purchases import PurchaseModel

MIXED = Space(("rate", "trend"), ("log", "identity"))


def test_free_parameters_and_parameters_are_inverse():
    free = np.random.default_rng(1).normal(0, 3, (5, 2))
    parameters = MIXED.parameters_at(free)
    assert (parameters[:, 0] > 0).all()
    assert np.array_equal(parameters[:, 1], free[:, 1])
    np.testing.assert_allclose(MIXED.free_at(parameters), free, rtol=1e-13)


def test_the_slope_is_that_of_the_map_and_moving_is_adding_to_the_free_ones():
    free = np.array([0.7, -2.0])
    for i in range(2):
        away = np.eye(2)[i]
        slope = central_slope(
            lambda h, away=away, i=i: MIXED.parameters_at(free + h * away)[i], 0.01
        )
        assert MIXED.slope_at(MIXED.parameters_at(free))[i] == pytest.approx(slope, rel=1e-12)
    by = np.array([0.3, -0.4])
    np.testing.assert_allclose(
        MIXED.moved(MIXED.parameters_at(free), by), MIXED.parameters_at(free + by), rtol=1e-14
    )


@pytest.mark.parametrize(
    ("prior", "scale"), [(LogNormalPrior(3.0, 0.5), "log"), (NormalPrior(-2.0, 0.5), "identity")]
)
def test_a_prior_is_normal_in_the_free_parameter(prior, scale):
    assert prior.scale == scale
    free = Space(("it",), (scale,)).free_at(prior.draws(20_000, np.random.default_rng(2)))
    assert free.mean() == pytest.approx(prior.centre, abs=4 * 0.5 / np.sqrt(20_000))
    assert free.std() == pytest.approx(prior.sigma, rel=0.02)


def test_every_model_of_the_package_is_positive_throughout():
    for model in (pc.BGNBD, pc.MBGNBD, pc.ParetoNBD, pc.GammaGamma):
        assert model.space() == Space(model.names(), ("log",) * len(model.names()))
        assert set(model.priors("week")) == set(model.names())


@dataclass(frozen=True, slots=True)
class Counted(PurchaseModel):
    """NBD of customers who never leave."""

    r: float
    alpha: float
    title: ClassVar[str] = "NBD"

    def log_likelihood(self, x, t_x, T):
        rising = gammaln(self.r + x) - gammaln(self.r)
        return rising - self.r * np.log1p(T / self.alpha) - x * np.log(self.alpha + T)


@dataclass(frozen=True, slots=True)
class CountedByLog(PurchaseModel):
    """The same, told by the logarithm of alpha, which may be any number."""

    r: float
    log_alpha: float
    title: ClassVar[str] = "NBD, by the log of alpha"
    scales: ClassVar = {"log_alpha": "identity"}

    def log_likelihood(self, x, t_x, T):
        return Counted(self.r, np.exp(self.log_alpha)).log_likelihood(x, t_x, T)


def test_a_positive_parameter_and_its_logarithm_give_one_fit(cdnow):
    one, other = pc.fit(Counted, cdnow), pc.fit(CountedByLog, cdnow)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
    assert other.params["log_alpha"] == pytest.approx(np.log(one.params["alpha"]), abs=1e-7)
    np.testing.assert_allclose(other.log_covariance, one.log_covariance, rtol=1e-5)
    low, high = other.summary().loc["log_alpha", ["lower", "upper"]]
    np.testing.assert_allclose(
        np.exp([low, high]), one.summary().loc["alpha", ["lower", "upper"]].astype(float), rtol=1e-6
    )
    ours, theirs = one.draws(5, seed=1), other.draws(5, seed=1)
    np.testing.assert_allclose(np.exp(theirs["log_alpha"]), ours["alpha"], rtol=1e-3)


def test_a_parameter_that_may_be_any_number_may_be_negative_but_not_infinite():
    assert CountedByLog(1.0, -3.0).log_alpha == -3.0
    with pytest.raises(pc.errors.OptionError, match="log_alpha must be finite"):
        CountedByLog(1.0, np.inf)
    with pytest.raises(pc.errors.OptionError, match="r must be positive and finite"):
        CountedByLog(-1.0, 2.0)


def test_a_class_that_states_its_own_likelihood_inherits_neither_slopes_nor_kernel():
    class Twice(pc.BGNBD):
        __slots__ = ()

        def log_likelihood(self, x, t_x, T):
            return 2 * pc.BGNBD(self.r, self.alpha, self.a, self.b).log_likelihood(x, t_x, T)

    assert Twice.kernel == ""
    assert Twice.slopes is Model.slopes
    at = (np.array([2.0]), np.array([3.0]), np.array([9.0]), np.array([1.0]))
    plain = pc.BGNBD(0.5, 4.0, 0.7, 2.0).slopes(*at)
    np.testing.assert_allclose(
        Twice(0.5, 4.0, 0.7, 2.0).slopes(*at).by_parameter, 2 * plain.by_parameter, rtol=1e-8
    )
