"""What is not known of a clock is in a customer's interval, as what is not known of the model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.forecast.distribution import HistoryCounts
from predclv.forecast.draws import drawn

EVENTS = pd.DataFrame(
    {
        "name": ["fair", "fair"],
        "start": ["1997-12-20", "1998-02-01"],
        "end": ["1997-12-23", "1998-06-20"],
    }
)
CLOCK = pc.Clock(season=1, trend="damped", events=EVENTS)


def fitted_to(model, **options):
    """A fit to little more than a year: of the fair ahead four days are known."""
    log = pc.datasets.load_cdnow()
    log = log[(log["customer_id"] % 6 == 1) & (log["date"] <= "1998-01-15")]
    with pytest.warns(pc.errors.AssumptionWarning, match="no season is seen twice"):
        return pc.CLVModel(model, clock=CLOCK, **options).fit(pc.rfm_summary(log))


@pytest.fixture(scope="module")
def fitted():
    return fitted_to(pc.MBGNBD)


@pytest.fixture(scope="module")
def regular():
    return fitted_to(pc.MBGCNBD, k=2)


def members_of(fitted, horizon):
    return fitted.forecast(horizon, seed=1).source._members


def free_draws(fit, n):
    values = fit.draws(n, seed=3)
    return fit.space.free_at(np.column_stack([values[name] for name in fit.space.names]))


@pytest.mark.parametrize("horizon", ["26 weeks", None])
@pytest.mark.parametrize("who", ["fitted", "regular"])
def test_each_draw_is_the_member_with_its_model_and_clock(who, horizon, request):
    fitted = request.getfixturevalue(who)
    draws = 5 if horizon else 1  # of a lifetime each takes seconds
    members, free = members_of(fitted, horizon), free_draws(fitted.purchases, draws)
    spans, effects = members._spans, free[:, 4:]
    faster = spans.faster(effects)
    model = type(fitted.purchases.model)(*np.exp(free[:, :4]).T[:, :, None])
    model = spans.over(replace(model, alpha=model.alpha * faster), effects, faster)
    own = members.distinct
    for draw, row in enumerate(free):
        member = members.at(row)
        for (chance, living), (expected, future) in zip(
            own.stages(model), member.histories.stages(member.model), strict=True
        ):
            np.testing.assert_allclose(chance[draw], expected[0], rtol=1e-9)
            if horizon is not None:
                found = living.p_at_least(3, members.ahead.t)[draw]
                np.testing.assert_allclose(found, future.p_at_least(3, member.ahead.t), rtol=1e-9)
            # When in the year purchases fall is as the estimate says.
            found = members.ahead.discounted_purchases(living)[draw]
            expected = member.ahead.discounted_purchases(future)
            np.testing.assert_allclose(found, expected, rtol=2e-2 if horizon is None else 2e-3)


def tails(histories, model, ahead):
    found = np.zeros((histories.n_cells, 20))
    for cells, _, part in HistoryCounts(histories, model, ahead).parts():
        found[cells, : part.counts.size] = part.tails[:, :20]
    return found


def test_counts_are_those_of_members_drawn_one_by_one(fitted):
    members = members_of(fitted, "26 weeks")
    own, ahead = members.distinct, members.ahead
    rng = np.random.default_rng(1)
    each = [tails(m.histories, m.model, m.ahead) for m in members.drawn(120, rng)]
    expected, error = np.mean(each, axis=0), np.std(each, axis=0) / np.sqrt(120)
    found = tails(own, members.models(200, rng), ahead)
    without = tails(own, drawn(fitted.purchases, 200, rng), ahead)
    assert np.all(np.abs(found - expected) < 4 * error + 0.012)
    # Beside it the clock at its estimate, of which the same 120 say that it is far off.
    assert np.abs(found - expected).sum() < 0.6 * np.abs(without - expected).sum()


def test_a_clock_that_is_known_exactly_changes_nothing(fitted):
    fit = fitted.purchases
    covariance = fit.log_covariance.copy()
    covariance[4:] = covariance[:, 4:] = 0.0
    known = replace(fitted, purchases=replace(fit, log_covariance=covariance))
    members = members_of(known, "26 weeks")
    rngs = [np.random.default_rng(2) for _ in range(2)]
    found = tails(members.distinct, members.models(200, rngs[0]), members.ahead)
    expected = tails(members.distinct, drawn(known.purchases, 200, rngs[1]), members.ahead)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_bounds_of_all_kinds_are_wider(fitted):
    fit = fitted.purchases
    covariance = fit.log_covariance.copy()
    covariance[4:] = covariance[:, 4:] = 0.0
    known = replace(fitted, purchases=replace(fit, log_covariance=covariance))
    for horizon in ("26 weeks", None):
        few, many = (f.forecast(horizon, seed=1).frame for f in (known, fitted))
        for name in ("purchases", "revenue", "clv"):
            if f"{name}_upper" in few:
                width = [(f[f"{name}_upper"] - f[f"{name}_lower"]).sum() for f in (few, many)]
                assert width[1] > 1.005 * width[0]
