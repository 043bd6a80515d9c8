"""A shop's clock found again from its log, by NumPy alone: season, trend, weekdays and events."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import predclv as pc
from predclv.clocks.recipe import Clock
from predclv.maths.differences import central_slope

PATH = Path(__file__).parents[1] / "benchmarks" / "clock_recovery.py"


@pytest.fixture(scope="module")
def recovery():
    if not PATH.exists():
        pytest.skip(f"{PATH.name} is not part of a source archive")
    spec = importlib.util.spec_from_file_location("clock_recovery", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def clock(recovery):
    return recovery.RECIPE.calendar("week", recovery.FIRST, recovery.LAST)


@pytest.fixture(scope="module")
def shop(recovery, clock):
    rng = np.random.default_rng(5)
    return recovery.shop(recovery.TRUTH, clock.at(recovery.EFFECTS), 10_000, False, rng)


def test_slopes_are_those_of_the_penalised_likelihood(recovery, clock, shop):
    function = recovery.objective(clock, shop)
    rng = np.random.default_rng(3)
    at = np.concatenate([np.log([0.8, 12.0, 0.6, 3.0]), rng.normal(0, 0.3, len(clock.names))])
    slope = function(at)[1]
    for i, step in enumerate(np.eye(at.size)):
        by = central_slope(lambda by, step=step: function(at + by * step)[0], 0.02)
        assert slope[i] == pytest.approx(by, abs=1e-8)


def test_a_clock_is_found_again_and_the_model_beneath_it(recovery, clock, shop):
    """Within four standard errors; on a steady clock leaving is ten of its own away."""
    truth = recovery.TRUTH
    true = np.r_[np.log([truth.r, truth.alpha, truth.a, truth.b]), recovery.EFFECTS]
    estimate, covariance, value, _ = recovery.fitted(clock, shop)
    z = (estimate - true) / np.sqrt(np.diag(covariance))
    assert np.max(np.abs(z)) < 4, dict(zip(clock.names, z[4:], strict=True))
    assert np.all(np.sqrt(np.diag(covariance))[4:] < 0.07)
    assert estimate[7:14].sum() == pytest.approx(0, abs=1e-9)
    steady = Clock(season=0).calendar("week", recovery.FIRST, recovery.LAST)
    plain, plain_covariance, plain_value, _ = recovery.fitted(steady, shop)
    assert value > plain_value + 1_000
    assert np.max(np.abs(plain - true[:4]) / np.sqrt(np.diag(plain_covariance))) > 4


def test_on_a_steady_clock_the_fit_is_that_of_the_plain_model(recovery, shop):
    steady = Clock(season=0).calendar("week", recovery.FIRST, recovery.LAST)
    plain, _, value, _ = recovery.fitted(steady, shop)
    cells = pc.Cells(
        shop.x, shop.recency / 7, shop.age / 7, shop.weight.astype(np.int64), unit="week"
    )
    fit = pc.fit(pc.MBGNBD, cells)
    np.testing.assert_allclose(
        plain, np.log([fit.params[n] for n in ("r", "alpha", "a", "b")]), atol=1e-5
    )
    assert value == pytest.approx(fit.log_likelihood, rel=1e-10)


@pytest.mark.slow
def test_intervals_of_effects_hold_the_truth_as_often_as_they_say(recovery):
    """60 shops, parameters and effects together: 86 to 94% of 960 intervals hold the truth."""
    table = recovery.recovered(60, 1_500, False, seed=11)
    assert 0.86 < table["covered"].mean() < 0.94
