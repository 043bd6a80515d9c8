"""What is not known of the effects on spend is in one customer's interval of revenue."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.forecast.spend_draws import SpendDraws, _classes

RARE = 12  # customers of the rare channel, some of whom never buy again


@pytest.fixture(scope="module")
def rfm():
    """A small shop of two channels, one of them rare, whose customers spend twice as much."""
    rng, n = np.random.default_rng(3), 300
    rare = np.arange(n) < RARE
    T = rng.integers(200, 400, n) / 7
    x, t_x = pc.MBGNBD(0.9, 8.0, 0.6, 2.5).simulate(T, rng)
    spend = pc.GammaGamma(2.0, 3.0, 15.0)
    total = rng.gamma(spend.p * np.maximum(x, 1)) / rng.gamma(spend.q, size=n) * spend.v
    frame = pd.DataFrame({"customer_id": np.arange(n), "frequency": x, "recency": t_x, "T": T})
    frame["monetary_value"] = np.where(x > 0, total * np.where(rare, 2.0, 1.0), 0.0) / x.clip(1)
    frame["channel"] = np.where(rare, "fair", "shop")
    return pc.RFM.from_frame(frame, unit="week", static_covariates=["channel"])


@pytest.fixture(scope="module")
def fitted(rfm):
    return pc.CLVModel(pc.MBGNBD, covariates={"spend": ["channel"]}).fit(rfm)


def as_if_known(fitted):
    """The same with the effect taken for known."""
    covariance = fitted.spend.log_covariance.copy()
    covariance[3:] = covariance[:, 3:] = 0.0
    return replace(fitted, spend=replace(fitted.spend, log_covariance=covariance))


def beyond(forecast, fit, rfm, draws=2000):
    """The chance of revenue beyond both bounds, by draws one by one, (n, 2); NaN at bounds of 0."""
    drawn = fit.draws(draws, seed=9)
    is_rare = rfm.frame["channel"].to_numpy() == "fair"
    found, table, counts = np.full((len(rfm), 2), np.nan), forecast.frame, forecast.counts()
    frequency, mean = (rfm.frame[name].to_numpy() for name in ("frequency", "monetary_value"))
    bounds = table[["revenue_lower", "revenue_upper"]].to_numpy()
    for rows, values, probabilities in counts.parts():
        for row, chances in zip(rows, probabilities, strict=True):
            if row >= RARE + 6:
                continue
            v = drawn["v"] * np.exp(drawn["spend.channel[fair]"] * is_rare[row])
            model = pc.GammaGamma(drawn["p"][:, None], drawn["q"][:, None], v[:, None])
            own = model.given(frequency[row], mean[row])
            likely = np.flatnonzero(chances[1:] > 1e-6) + 1
            for side, bound in enumerate(bounds[row]):
                if bound > 0:
                    above = own.p_total_above(bound, values[likely]).mean(axis=0)
                    found[row, side] = above @ chances[likely]
    return found[: RARE + 6]


# At the first level nobody's lower bound is above 0; at the second a quantile's place is flatter.
@pytest.mark.parametrize(("level", "near"), [(0.9, 0.0015), (0.3, 0.004)])
def test_bounds_are_those_of_members_drawn_one_by_one(fitted, rfm, level, near):
    assert 0.25 < fitted.spend.log_covariance[3, 3] ** 0.5 < 0.6  # or nothing is shown here
    found = beyond(fitted.forecast("52 weeks", level=level, seed=1), fitted.spend, rfm)
    expected = np.broadcast_to([0.5 + level / 2, 0.5 - level / 2], found.shape)
    is_there = np.isfinite(found)
    assert is_there[:, 1].sum() > 6
    assert is_there[:, 0].any() == (level < 0.5)
    np.testing.assert_allclose(found[is_there], expected[is_there], atol=near)


def test_taken_for_known_too_much_lies_beyond_the_bounds_of_the_few(fitted, rfm):
    forecast = as_if_known(fitted).forecast("52 weeks", seed=1)
    assert np.nanmean(beyond(forecast, fitted.spend, rfm)[:RARE, 1]) > 0.052


def test_intervals_of_the_few_are_wider(fitted, rfm):
    frames = [each.forecast("52 weeks", seed=1).frame for each in (as_if_known(fitted), fitted)]
    rare = rfm.frame["channel"].to_numpy() == "fair"
    known, found = (frame["clv_upper"].to_numpy() for frame in frames)
    with np.errstate(invalid="ignore"):
        wider = found / known
    assert 1.02 < np.nanmean(wider[rare]) < 1.1
    assert np.nanmean(wider[~rare]) == pytest.approx(1.0, abs=0.005)


def test_whose_ratio_is_known_are_one_class():
    effects = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    first, of_pattern = _classes(effects, np.diag([0.3**2, 0.05**2]), np.array([5, 1, 2, 9]))
    assert first.tolist() == [3, 0]
    assert of_pattern.tolist() == [1, 0, 1, 0]
    # Of a number with a value for everybody there are no more than 50 classes.
    values = np.linspace(0.0, 100.0, 1000)[:, None]
    first, of_pattern = _classes(values, np.eye(1), np.ones(1000, int))
    assert 10 < first.size <= 50
    assert np.all(np.bincount(of_pattern) > 0)
    assert np.ptp(values[of_pattern == 0]) < 15


def test_an_effect_that_is_known_is_a_matter_of_scale(fitted, rfm):
    cells, known = rfm.cells(), as_if_known(fitted).spend
    found = SpendDraws.of(
        known, np.random.default_rng(1), cells.patterns, cells.extra["pattern"]
    )  # fmt: skip
    (only,), rare = found.models, cells.extra["pattern"] == 0
    assert cells.patterns.frame["channel"].tolist()[0] == "fair"
    ratio = np.exp(known.params["spend.channel[fair]"])
    np.testing.assert_allclose(found.scale[rare], ratio * found.scale[~rare][0], rtol=1e-9)
    assert np.ptp(np.log(only.scale)) > 0.0
