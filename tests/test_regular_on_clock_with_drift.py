"""Regular buyers on a clock, with a drift: gaps between purchases are in the likelihood once."""

import numpy as np
import pytest

import predclv as pc
from predclv.engines.clocks import on_clock
from predclv.engines.orders import with_gaps
from predclv.likelihoods.drifting import DriftingLikelihood
from predclv.likelihoods.likelihood import Likelihood

pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.AssumptionWarning")

FREE = np.array([0.2, 0.8, -0.9, -0.2, 0.1, 0.05, -0.1, 0.02, 0.4])  # of model, season, drift


@pytest.fixture(scope="module")
def on_a_clock(cdnow_log):
    rfm = pc.rfm_summary(cdnow_log)
    steady = with_gaps(Likelihood.of(pc.MBGCNBD.of(2), rfm.cells(), "week"), rfm)
    return steady, on_clock(steady, rfm, pc.Clock(season=2)), rfm.cells()


def test_on_a_clock_of_equal_days_the_likelihood_is_the_steady_one(on_a_clock):
    steady, clocked, _ = on_a_clock
    still = np.append(FREE[:4], np.zeros(4))
    assert clocked(still)[0] == pytest.approx(steady(FREE[:4])[0], rel=1e-12)


def test_a_drift_of_nothing_is_none(on_a_clock):
    _, clocked, cells = on_a_clock
    drifting = DriftingLikelihood.over(clocked, cells)
    none = np.append(FREE[:-1], 0.0)
    assert drifting(none)[0] == pytest.approx(clocked(FREE[:-1])[0], rel=1e-12)


def test_slopes_are_those_of_differences(on_a_clock):
    _, clocked, cells = on_a_clock
    drifting = DriftingLikelihood.over(clocked, cells)
    slope = drifting(FREE)[1]
    steps = 1e-5 * np.eye(FREE.size)
    found = [(drifting(FREE + s)[0] - drifting(FREE - s)[0]) / 2e-5 for s in steps]
    np.testing.assert_allclose(slope, found, rtol=1e-6)
