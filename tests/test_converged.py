"""When a search has converged: at a limit, where its next step would gain nothing."""

import numpy as np
import pytest

import predclv as pc
from predclv.engines.search import assert_converged
from predclv.errors import FitError
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.newton import Maximum


@pytest.fixture(scope="module")
def likelihood(cdnow):
    return Likelihood.of(pc.MBGNBD, cdnow.cells(), cdnow.unit)


def ended(gradient, curvature, pinned):
    zeros = np.zeros(4)
    hessian = np.diag(-np.array(curvature, float))
    return Maximum(zeros, 0.0, np.array(gradient, float), hessian, np.array(pinned), 1)


# 1e-3 of log-likelihood in all is 4e-7 a customer, of 2,357: more than counts as converged.
SLOPED = (1e-3, 0.0, 1e-8, 0.0)


def test_a_slope_inside_has_not_converged(likelihood):
    with pytest.raises(FitError, match="did not converge"):
        assert_converged(likelihood, ended(SLOPED, (1e3, 1e3, 1e-9, 1.0), (0, 0, 0, 0)))


def test_beside_a_limit_a_flat_direction_to_go_is_nothing_to_gain(likelihood):
    # A step of ten in the third parameter, for 1e-7 of log-likelihood.
    assert_converged(likelihood, ended(SLOPED, (1e3, 1e3, 1e-9, 0.0), (0, 0, 0, -1)))


def test_beside_a_limit_what_can_be_gained_has_not_converged(likelihood):
    with pytest.raises(FitError, match="did not converge"):
        assert_converged(likelihood, ended(SLOPED, (0.1, 1e3, 1e-9, 0.0), (0, 0, 0, -1)))
