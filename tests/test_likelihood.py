"""What engines see, and the slopes it is made of, in parameters and in the two times."""

from importlib import import_module

import numpy as np
import pytest

import predclv as pc
from predclv.engines.bootstrap import replicates
from predclv.errors import FitError
from predclv.likelihoods.kernels import Kernel, kernel_of
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.differences import central_slope, one_sided_slope
from predclv.maths.levels import Levels
from predclv.models.base import Model

MODELS = [
    pytest.param(pc.BGNBD(0.243, 4.414, 0.793, 2.426), id="BG/NBD"),
    pytest.param(pc.BGNBD(5.0, 40.0, 3.0, 30.0), id="BG/NBD, few leave"),
    pytest.param(pc.MBGNBD(0.525, 6.183, 0.891, 1.614), id="MBG/NBD"),
    pytest.param(pc.ParetoNBD(0.553, 10.58, 0.606, 11.67), id="Pareto/NBD"),
    pytest.param(pc.ParetoNBD(0.7, 60.0, 0.2, 1.5), id="Pareto/NBD, small beta"),
]
X = np.array([0.0, 1.0, 2.0, 7.0, 3.0, 25.0])
T_X = np.array([0.0, 5.0, 30.43, 29.43, 37.0, 20.0])
T = np.array([38.86, 38.86, 38.86, 38.86, 38.0, 39.0])
WEIGHT = np.array([3.0, 1.0, 2.0, 1.0, 5.0, 1.0])
every_model = pytest.mark.parametrize("model", MODELS)


def around(f, at):
    """Slopes of elementwise f around each of `at`, by differences."""
    step = 1e-3 * (1.0 + at)
    weights = zip((1, 2, 3), (3 / 4, -3 / 20, 1 / 60), strict=True)
    return sum(w * (f(at + k * step) - f(at - k * step)) for k, w in weights) / step


@every_model
def test_the_slopes_are_those_of_the_likelihood(model):
    found = model.slopes(X, T_X, T, WEIGHT)
    assert found.value == pytest.approx(float(WEIGHT @ model.log_likelihood(X, T_X, T)), rel=1e-13)
    for i, name in enumerate(model.names()):
        at = getattr(model, name)

        def moved(step, name=name, at=at):
            values = {n: getattr(model, n) for n in model.names()} | {name: at * np.exp(step)}
            return float(WEIGHT @ type(model)(**values).log_likelihood(X, T_X, T))

        assert found.by_parameter[i] * at == pytest.approx(central_slope(moved, 0.01), abs=1e-8)
    bought = X > 0
    by_t_x = around(lambda t_x: model.log_likelihood(X[bought], t_x, T[bought]), T_X[bought])
    np.testing.assert_allclose(found.by_t_x[bought], WEIGHT[bought] * by_t_x, rtol=1e-8, atol=1e-10)
    by_T = around(lambda t: model.log_likelihood(X, T_X, t), T)
    np.testing.assert_allclose(found.by_T, WEIGHT * by_T, rtol=1e-8, atol=1e-10)


@every_model
def test_the_slopes_by_differences_are_those_by_formula(model):
    formulas, differences = model.slopes(X, T_X, T, WEIGHT), Model.slopes(model, X, T_X, T, WEIGHT)
    assert differences.value == pytest.approx(formulas.value, rel=1e-13)
    np.testing.assert_allclose(
        differences.by_parameter, formulas.by_parameter, rtol=1e-7, atol=1e-9
    )
    bought = X > 0
    # Rounding of a log-likelihood of some 100, over a hundredth of the time: 1e-8, where the slopes
    # that a fit adds up are of the size of 0.1.
    np.testing.assert_allclose(
        differences.by_t_x[bought], formulas.by_t_x[bought], rtol=1e-7, atol=1e-8
    )
    np.testing.assert_allclose(differences.by_T, formulas.by_T, rtol=1e-7, atol=1e-8)


def test_the_slopes_in_time_of_bgnbd_are_shares_of_being_alive():
    model = pc.BGNBD(0.243, 4.414, 0.793, 2.426)
    found, alive = model.slopes(X, T_X, T, WEIGHT), model.p_alive(X, T_X, T)
    rate = WEIGHT * (model.r + X)
    expected = -rate / (model.alpha + T) * alive  # some have left almost surely: 1e-16 of 1 is left
    np.testing.assert_allclose(found.by_T, expected, rtol=1e-12, atol=1e-15)
    expected = -rate / (model.alpha + T_X) * (1 - alive)
    np.testing.assert_allclose(found.by_t_x, expected, rtol=1e-12, atol=1e-15)


@every_model
def test_slopes_in_time_are_calculated_only_where_asked_for(model):
    found = model.slopes(X, T_X, T, WEIGHT, in_time=False)
    assert found.by_t_x is None
    assert found.by_T is None
    whole = model.slopes(X, T_X, T, WEIGHT)
    assert np.array_equal(found.by_parameter, whole.by_parameter)


@every_model
def test_a_purchase_at_the_very_end_has_slopes(model):
    found = model.slopes(X[1:], T[1:], T[1:], WEIGHT[1:])
    assert all(np.isfinite(part).all() for part in found)


def test_differences_on_one_side_are_slopes():
    at = np.array([0.5, 1.0, 3.0])
    for step in (0.01, -0.01):
        found = one_sided_slope(lambda away: np.log(at + away), step * at)
        # step^6 / 7 times the seventh derivative, 720 / at^7: 1.03e-10 of the slope, and a little.
        np.testing.assert_allclose(found, 1 / at, rtol=1.5e-10)
    assert one_sided_slope(np.exp, np.zeros(2)).tolist() == [0.0, 0.0]


def test_levels_are_an_array_that_knows_its_values():
    rng = np.random.default_rng(1)
    plain = rng.integers(0, 5, 50).astype(float)
    for array in (plain, np.sort(plain)):
        levels = Levels(array)
        assert Levels(levels) is levels
        assert np.array_equal(levels, array)
        assert np.array_equal(levels.each(np.exp), np.exp(array))
        assert Levels(levels[3:]).values.tolist() == np.unique(array[3:]).tolist()
        for weights in (np.ones(50), np.arange(50.0)):  # the second is not taken for the first
            sums = [weights[array == value].sum() for value in levels.values]
            np.testing.assert_allclose(levels.counted(weights), sums, rtol=1e-12)


@pytest.mark.parametrize("model", [pc.BGNBD, pc.MBGNBD, pc.ParetoNBD, pc.GammaGamma])
def test_a_likelihood_is_the_models_compiled_or_not(cdnow, model):
    cells = cdnow.spend_cells() if model is pc.GammaGamma else cdnow.cells()
    likelihood = Likelihood.of(model, cells, "week")
    assert isinstance(import_module(model.kernel).KERNEL, Kernel)
    assert likelihood.n_customers == cells.n_customers
    for start in likelihood.starts():
        value, slope = likelihood(start)
        compiled, compiled_slope = likelihood.compiled()(start)
        history = likelihood.columns[:-1]
        by_cell = model.at(start).log_likelihood(*history)
        assert value == pytest.approx(float(cells.weight @ by_cell), rel=1e-11)
        assert compiled == pytest.approx(value, rel=1e-11)
        np.testing.assert_allclose(compiled_slope, slope, rtol=1e-9, atol=1e-8)
    named = {name for part in likelihood.coordinates() for name in part.weights}
    assert named == set(likelihood.space.names) == set(likelihood.priors())


def test_parameters_out_of_reach_have_no_likelihood_and_no_error(cdnow):
    value, slope = Likelihood.of(pc.BGNBD, cdnow.cells(), "week")(np.full(4, -800.0))
    assert not np.isfinite(value)
    assert slope.shape == (4,)


def test_a_likelihood_simulates_another_of_as_many_customers(cdnow):
    rng = np.random.default_rng(1)
    for model, cells in ((pc.BGNBD, cdnow.cells()), (pc.GammaGamma, cdnow.spend_cells())):
        likelihood = Likelihood.of(model, cells, "week")
        other = likelihood.simulated(likelihood.starts()[0], rng)
        assert other.n_customers == likelihood.n_customers
        assert other.unit == "week"


def test_a_bootstrap_in_which_nobody_ever_comes_back_says_so(cdnow):
    likelihood = Likelihood.of(pc.BGNBD, cdnow.cells(), "week")
    nobody = np.log([1e-9, 1e6, 1.0, 1.0])
    with pytest.raises(FitError, match=r"nobody of 2,357 customers buys again.*bootstrap=None"):
        replicates(likelihood, nobody, 2, seed=1)


def test_a_model_without_a_kernel_does_with_its_objective(cdnow):
    class Plain(pc.BGNBD):
        __slots__ = ()
        kernel = ""

    likelihood = Likelihood.of(Plain, cdnow.cells(), "week")
    at = np.array([-1.4, 1.5, -0.2, 0.9])
    both = kernel_of(Plain).function(at, *likelihood.laid_out().values())
    value, slope = likelihood.compiled()(at)
    assert both[0] == value
    assert np.array_equal(both[1:], slope)
