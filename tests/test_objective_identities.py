"""What is true of every model's objective, its fits, and the customers that it simulates."""

import dataclasses

import numpy as np
import pytest
from every_model import (
    cells,
    every_model,
    every_purchase_model,
    parameters,
)

import predclv as pc

# --- cells and the objective ---------------------------------------------------------------------


@every_model
def test_the_objective_is_the_sum_of_the_log_likelihoods(model):
    *history, weight = cells(model, 200, 4)
    weight = weight * np.random.default_rng(4).integers(1, 9, weight.size)
    value, _ = type(model).objective((*history, weight))(np.log(list(parameters(model).values())))
    assert value == pytest.approx(float(weight @ model.log_likelihood(*history)), rel=1e-12)


@every_model
@pytest.mark.parametrize("shift", [0.0, -6.0, 6.0, "mixed", "limit"])
def test_the_gradient_is_what_finite_differences_give(model, shift):
    arrays = cells(model, 60, 5)
    objective = type(model).objective(arrays)
    point = np.log(list(parameters(model).values()))
    moves = {"mixed": np.resize([5.0, -5.0], point.size), "limit": np.zeros(point.size)}
    point = point + moves.get(shift, shift)
    if shift == "limit":
        point[-2:] += 16.0  # a, b -> infinity; s, beta -> infinity; q, v -> infinity
    _, gradient = objective(point)
    numeric = np.empty(point.size)
    for i in range(point.size):
        step = np.zeros(point.size)
        step[i] = 2e-3
        # Fourth order: the error is h^4 = 2e-11 of the fifth derivative.
        far, near = (
            objective(point + k * step)[0] - objective(point - k * step)[0] for k in (2, 1)
        )
        numeric[i] = (8 * near - far) / (12 * 2e-3)
    # The value is a sum of up to 1e6 in double precision; divided by the step that is 1e-7.
    size = abs(objective(point)[0])
    np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-6 + 2e-12 * size)


@every_model
def test_a_weight_of_three_is_three_equal_rows(model):
    *history, weight = cells(model, 40, 6)
    at = np.log(list(parameters(model).values())) + 0.3
    weighted = type(model).objective((*history, 3 * weight))(at)
    repeated = *(np.repeat(column, 3) for column in history), np.ones(3 * weight.size)
    rows = type(model).objective(repeated)(at)
    assert weighted[0] == pytest.approx(rows[0], rel=1e-13)
    assert weighted[1] == pytest.approx(rows[1], rel=1e-12)


def test_a_fit_to_weights_is_the_fit_to_repeated_rows(cdnow):
    grouped = cdnow.cells()
    assert len(grouped) < grouped.n_customers == 2357
    heavier = dataclasses.replace(grouped, weight=3 * grouped.weight)
    repeated = pc.Cells(
        *(
            np.repeat(getattr(grouped, name), heavier.weight)
            for name in ("frequency", "recency", "T")
        ),
        weight=np.ones(3 * 2357, dtype=np.int64),
        unit="week",
    )
    once, weighted, rows = (pc.fit(pc.BGNBD, c) for c in (grouped, heavier, repeated))
    # Both are at a gradient of rounding noise; a ridge of condition 1e4 lies between.
    assert weighted.params == pytest.approx(rows.params, rel=1e-9)
    assert weighted.log_likelihood == pytest.approx(3 * once.log_likelihood, rel=1e-12)
    assert weighted.log_covariance == pytest.approx(once.log_covariance / 3, rel=1e-5)


def test_the_order_of_rows_does_not_matter_to_a_fit(cdnow, bgnbd, gamma_gamma):
    shuffled = pc.RFM.from_frame(cdnow.frame.sample(frac=1.0, random_state=7), unit="week")
    assert pc.fit(pc.BGNBD, shuffled).params == pytest.approx(bgnbd.params, rel=1e-9)
    assert pc.fit(pc.GammaGamma, shuffled).params == pytest.approx(gamma_gamma.params, rel=1e-9)


def test_a_fit_in_days_is_the_fit_in_weeks(cdnow, bgnbd):
    frame = cdnow.frame.assign(recency=7 * cdnow.frame["recency"], T=7 * cdnow.frame["T"])
    days = pc.fit(pc.BGNBD, pc.RFM.from_frame(frame, unit="day"))
    weeks = bgnbd.params | {"alpha": 7 * bgnbd.params["alpha"]}
    assert days.params == pytest.approx(weeks, rel=1e-8)  # the searches take different ways
    shift = cdnow.frame["frequency"].sum() * np.log(7)
    assert days.log_likelihood == pytest.approx(bgnbd.log_likelihood - shift, rel=1e-12)
    assert days.unit == "day"


# --- simulation ----------------------------------------------------------------------------------


SIMULATED = 200_000
# Standard errors that a Monte Carlo average may be off: 5 happens once in two million.
Z = 5.0


@every_purchase_model
def test_simulated_customers_are_distributed_as_the_pmf(model):
    x, t_x = model.simulate(np.full(SIMULATED, 20.0), np.random.default_rng(8))
    assert x.dtype == np.int64
    assert np.all((t_x > 0) == (x > 0))
    assert np.all(t_x <= 20.0)
    n = np.arange(12)
    pmf = model.pmf(n, 20.0)
    share = np.bincount(np.minimum(x, 12), minlength=13)[:12] / SIMULATED
    assert np.all(np.abs(share - pmf) < Z * np.sqrt(pmf * (1 - pmf) / SIMULATED))
    off = x.mean() - float(model.expected_purchases(20.0))
    assert abs(off) < Z * x.std() / np.sqrt(SIMULATED)


@every_purchase_model
def test_the_likelihood_of_simulated_histories_is_highest_at_the_truth(model):
    # The score has mean zero: each component of the gradient, in standard errors.
    *history, weight = cells(model, 20_000, 9)
    rounded = history[1] != 0
    history[1] = np.where(rounded, np.clip(history[1], 1 / 14, history[2]), 0.0)
    at = np.log(list(parameters(model).values()))
    _, gradient = type(model).objective((*history, weight))(at)
    each = np.array(
        [
            (
                dataclasses.replace(model, **{name: value * np.exp(1e-4)}).log_likelihood(*history)
                - dataclasses.replace(model, **{name: value * np.exp(-1e-4)}).log_likelihood(
                    *history
                )
            )
            / 2e-4
            for name, value in parameters(model).items()
        ]
    )
    assert np.all(np.abs(gradient) < Z * np.sqrt((each**2).sum(axis=1)))


@every_purchase_model
def test_simulation_takes_one_customer_length_each_and_repeats_with_its_seed(model):
    lengths = np.array([1.0, 10.0, 100.0])
    x, t_x = model.simulate(lengths, np.random.default_rng(10))
    again, t_again = model.simulate(lengths, np.random.default_rng(10))
    assert x.shape == t_x.shape == (3,)
    np.testing.assert_array_equal(x, again)
    np.testing.assert_array_equal(t_x, t_again)
    assert np.all(t_x <= lengths)
