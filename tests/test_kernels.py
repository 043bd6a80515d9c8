"""The compiled likelihoods are the models' own, for extreme customers and parameters too."""

import warnings

import numpy as np
import pytest
from drawn import FAMILY, simulated
from numpy.testing import assert_allclose

import predclv as pc
from predclv.engines.search import estimate
from predclv.errors import SamplingWarning
from predclv.likelihoods.kernels import kernel_of
from predclv.likelihoods.likelihood import Likelihood
from predclv.models.purchases import PurchaseModel

EXTREMES = {
    pc.BGNBD: [
        (0.25, 4.4, 0.8, 1e10),
        (0.25, 4.4, 0.8, 1e-8),
        (0.25, 4.4, 1e10, 1e10),
        (1e-6, 1e-3, 1e-8, 1e3),
        (1e6, 1e6, 1e-10, 1.0),
        (1e8, 1e9, 1.0, 15.999999),
    ],
    pc.MBGNBD: [
        (0.5, 6.2, 0.9, 1e10),
        (0.5, 6.2, 0.9, 1e-8),
        (0.5, 6.2, 1e10, 1e10),
        (0.5, 6.2, 1e10, 1e-3),
        (1e-6, 1e-3, 1e-8, 1e3),
        (1e6, 1e6, 1e-10, 1.0),
    ],
    pc.ParetoNBD: [
        (0.55, 10.6, 1e8, 1e9),
        (0.55, 10.6, 1e-8, 1e-8),
        (0.55, 1e-6, 0.6, 1e6),
        (0.55, 1e6, 0.6, 1e-6),
        (1e-6, 1e-3, 1e-8, 1e3),
        (1e6, 1e6, 0.6, 11.0),
        (1e8, 1e9, 1.0, 11.0),
    ],
    pc.GammaGamma: [(1e-4, 1e-4, 1e-3), (1e6, 3.0, 1e-4), (3.0, 1e6, 1e7), (16.0, 16.0, 1.0)],
}


def extreme_cells():
    rng = np.random.default_rng(5)
    x = np.array([0, 0, 1, 1, 2, 15, 16, 17, 500, 20_000], float)
    T = rng.uniform(1, 3000, x.size)
    return x, np.where(x > 0, T * rng.uniform(0, 1, x.size), 0.0), T, np.arange(1.0, 11.0)


def assert_kernel_is_objective(model, arrays, points):
    objective = model.objective(arrays)
    kernel = kernel_of(model)
    data = kernel.layout(arrays).values()
    for point in points:
        value, gradient = objective(point)
        both = kernel.function(point, *data)
        assert both[0] == pytest.approx(value, rel=1e-10)
        # The absolute part is for components whose terms cancel: both lose the same digits there.
        assert_allclose(both[1:], gradient, rtol=1e-10, atol=1e-10 * np.max(np.abs(gradient)))


@pytest.mark.parametrize("model", [*FAMILY, pc.GammaGamma])
def test_the_compiled_likelihood_is_the_models_own(cdnow, model):
    cells = cdnow.cells() if issubclass(model, PurchaseModel) else cdnow.spend_cells()
    rng = np.random.default_rng(1)
    size = len(model.names())
    near = rng.normal(0.0, 2.0, (100, size))
    far = rng.uniform(-18.0, 23.0, (100, size))
    points = [*near, *far, *np.log(EXTREMES[model])]
    assert_kernel_is_objective(model, Likelihood.of(model, cells, "week").columns, points)


@pytest.mark.parametrize("model", FAMILY)
def test_the_compiled_likelihood_is_the_models_own_for_extreme_customers(model):
    points = [*np.random.default_rng(2).normal(0, 2, (50, 4)), *np.log(EXTREMES[model])]
    assert_kernel_is_objective(model, extreme_cells(), points)


@pytest.mark.parametrize("model", FAMILY)
def test_the_compiled_likelihood_is_the_models_own_for_many_customers(model):
    cells = simulated(50_000, 1).cells()
    points = [*np.random.default_rng(3).normal(0, 2, (10, 4)), *np.log(EXTREMES[model])]
    assert_kernel_is_objective(model, Likelihood.of(model, cells, "week").columns, points)


def test_many_cells_are_fitted_with_the_compiled_likelihood_to_the_same_maximum():
    rfm = simulated(20_000, 6)
    assert len(rfm.cells()) > pc.ParetoNBD.compile_from
    compiled = pc.fit(pc.ParetoNBD, rfm)
    cells = Likelihood.of(pc.ParetoNBD, rfm.cells(), "week")
    plain = estimate(cells, objective=pc.ParetoNBD.objective(cells.columns))
    assert_allclose(np.exp(plain.free), list(compiled.params.values()), rtol=1e-8)
    assert compiled.log_likelihood == pytest.approx(plain.best.value, rel=1e-12)


class Uncompiled(pc.BGNBD):
    """A model that no kernel was written for."""

    __slots__ = ()
    title = "BG/NBD without a kernel"
    kernel = ""


@pytest.mark.parametrize("method", ["map", "nuts"])
def test_a_model_without_a_kernel_has_a_posterior_all_the_same(method):
    rfm = simulated(300, 12, a=1.5, b=4.0)
    options = {"method": method, "seed": 1, "draws": 200, "tune": 200, "chains": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)  # so few draws are doubted
        own = pc.fit(Uncompiled, rfm, "pymc", **options)
        compiled = pc.fit(pc.BGNBD, rfm, "pymc", **options)
    assert isinstance(own.model, Uncompiled)
    if method == "map":
        assert own.params == pytest.approx(compiled.params, rel=1e-6)
    for name in own.params:  # 400 draws: rounding parts the chains, Monte Carlo errors remain
        assert abs(np.log(own.params[name] / compiled.params[name])) < 0.3
    built = own.pymc_model
    place = {built.rvs_to_values[built[name]].name: np.asarray(0.3) for name in own.params}
    expected, _ = own.source.density(np.full(4, 0.3))
    assert float(built.compile_logp(mode="FAST_COMPILE")(place)) == pytest.approx(expected)
