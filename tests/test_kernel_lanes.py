"""Logarithm and exponential of kernels against the C library's."""

import numpy as np

from predclv.likelihoods.kernels_lanes import lane_exp, lane_log


def test_the_logarithm_is_right_to_the_last_digits():
    z = np.exp(np.random.default_rng(1).uniform(-300, 300, 20_000))
    found = np.array([lane_log(each) for each in z])
    np.testing.assert_allclose(found, np.log(z), rtol=3e-16, atol=3e-16)


def test_the_exponential_is_right_to_the_last_digits_and_has_an_end():
    y = np.random.default_rng(2).uniform(-699, 50, 20_000)
    found = np.array([lane_exp(each) for each in y])
    np.testing.assert_allclose(found, np.exp(y), rtol=5e-16)
    assert lane_exp(-1e9) == lane_exp(-700.0) > 0.0
