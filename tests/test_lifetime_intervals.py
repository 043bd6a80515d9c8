"""Intervals of the whole remaining lifetime, held against long simulations of every purchase."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.engines.result import Fit
from predclv.forecast.ahead import Ahead
from predclv.forecast.draws import drawn
from predclv.forecast.histories import Histories
from predclv.forecast.intervals import lifetime_intervals
from predclv.forecast.simulation import discounted_counts, futures, purchases

DELTA = float(np.log(1.1) / (365.25 / 7))  # 10% a year, per week
LEVEL = 0.9
# From hardly known to heavy buyers: repeat purchases, recency, T in weeks.
HISTORIES = ((0, 0, 1), (0, 0, 60), (1, 20, 60), (3, 50, 60), (10, 90, 100), (40, 98, 100))
MODELS = (
    pc.BGNBD(0.66, 9.03, 0.109, 2.416),
    pc.MBGNBD(0.66, 9.03, 0.3, 2.416),
    pc.ParetoNBD(0.66, 9.03, 0.6, 30.0),
)
SPENDS = (pc.GammaGamma(2.162, 3.505, 466.2), pc.GammaGamma(60.0, 3.505, 16.2))
MEAN = 350.0


def certain(model):
    """A fit whose parameters are known."""
    size = len(model.names())
    return Fit(model, "mle", "week", 1000, 0.0, True, np.zeros((size, size)))


def simulated_worth(model, spend, history, customers, rng):
    """Discounted revenue of customers of one history: purchase after purchase for 150 years."""
    x, t_x, T = history
    alive = int((rng.random(customers) < model.p_alive(x, t_x, T)).sum())
    traits = model.given_alive(np.full(alive, x), np.full(alive, T)).traits((alive,), rng)
    future = spend.given(x, MEAN)
    nu = rng.gamma(future.q, 1.0, alive) / future.v
    worth, when, left = np.zeros(alive), np.zeros(alive), traits.leaves_after.copy()
    here = np.arange(alive)
    while here.size:
        when[here] += rng.exponential(1.0, here.size) / traits.rate[here]
        here = here[(when[here] < np.minimum(traits.leaves_at[here], 7800)) & (left[here] > 0)]
        left[here] -= 1
        spent = rng.gamma(future.p, 1.0, here.size) / nu[here]
        worth[here] += np.exp(-DELTA * when[here]) * spent
    return np.concatenate([worth, np.zeros(customers - alive)])


def crowd():
    """The histories, and around them others of every frequency and age: what is read off between.

    Returns Histories, of which the first customers are HISTORIES.
    """
    rows = [HISTORIES]
    for x in sorted({history[0] for history in HISTORIES}):
        ages = np.linspace(max(0.2 * x, 0.1), 105.0, 60)
        rows.append([(x, age * (x > 0), age) for age in ages])
    return Histories.of(*np.concatenate(rows).astype(float).T)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.title)
@pytest.mark.parametrize("spend", SPENDS, ids=("uneven spend", "even spend"))
def test_bounds_hold_their_level_of_a_long_simulation(model, spend):
    histories, ahead = crowd(), Ahead(np.inf, DELTA)
    rng = np.random.default_rng(1)
    known = drawn(certain(model), 10, rng)
    found = lifetime_intervals(histories, known, certain(spend), ahead, LEVEL, rng)
    customers = 40_000
    for i, history in enumerate(HISTORIES):
        cell = histories.cell_of_customer[i]
        worth = simulated_worth(model, spend, history, customers, np.random.default_rng(5))
        spent = history[0] * MEAN
        share = spent / (float(found["scale"]) + spent)
        bounds = [
            (float(found["scale"]) + spent) * np.exp(np.polyval(found[side][::-1, cell], share))
            for side in ("revenue_lower", "revenue_upper")
        ]
        # One percentage point: a third of it is what 40,000 simulated customers may be off by.
        assert np.mean(worth > bounds[1]) == pytest.approx(0.05, abs=0.01)
        if np.mean(worth == 0) > 0.06:
            assert bounds[0] == 0
        elif np.mean(worth == 0) < 0.04:
            assert np.mean(worth < bounds[0]) == pytest.approx(0.05, abs=0.01)
        assert bounds[1] == pytest.approx(np.quantile(worth, 0.95), rel=0.04)


@pytest.mark.parametrize("rate", [0.02, 0.3, 3.0])
def test_what_many_purchases_are_worth_has_the_mean_and_spread_of_each_one_by_one(rate):
    rng = np.random.default_rng(3)
    model = pc.BGNBD(1.0, 1.0 / rate, 0.05, 5.0)
    bought = purchases(model.traits((20_000,), rng), Ahead(np.inf, DELTA).until_worthless, rng)
    worth, alike = discounted_counts(bought, Ahead(np.inf, DELTA), rng)
    owner, when = bought.times(rng)
    one_by_one = np.bincount(owner, np.exp(-DELTA * when), 20_000)
    squares = np.bincount(owner, np.exp(-2 * DELTA * when), 20_000)
    some = bought.purchases > 0
    for probability in (0.05, 0.5, 0.95):
        # Of 20,000: the quantiles of two samples differ by some percent.
        assert np.quantile(worth[some], probability) == pytest.approx(
            np.quantile(one_by_one[some], probability), rel=0.06
        )
    assert worth.mean() == pytest.approx(one_by_one.mean(), rel=0.02)
    assert alike[some].mean() == pytest.approx(
        (one_by_one[some] ** 2 / squares[some]).mean(), rel=0.02
    )


def test_a_simulated_total_has_the_expected_mean():
    model, spend = MODELS[0], SPENDS[0]
    histories = Histories.of(*(np.repeat(c, 500) for c in np.array(HISTORIES, float).T))
    mean = np.full(histories.cell_of_customer.size, MEAN)
    runs = [
        futures(histories, model, spend, mean, Ahead(np.inf, DELTA), np.random.default_rng(seed))
        for seed in range(40)
    ]
    assert set(runs[0]) == {"discounted_purchases", "worth"}
    x = histories.x[histories.cell_of_customer]
    expected = histories.expectations(model, Ahead(np.inf, DELTA), undiscounted=False)
    purchased = expected["discounted_purchases"][histories.cell_of_customer]
    worth = purchased * spend.expected_spend(x, mean)
    for name, values in (("discounted_purchases", purchased), ("worth", worth)):
        totals = [run[name].sum() for run in runs]
        error = np.std(totals) / np.sqrt(len(totals))
        assert np.mean(totals) == pytest.approx(values.sum(), abs=4 * error)


def test_a_lifetime_is_the_limit_of_long_horizons():
    rfm = pc.rfm_summary(pc.datasets.load_cdnow()).sample(300)
    rfm = pc.RFM.from_frame(rfm, unit="week")
    fitted = pc.CLVModel().fit(rfm)
    endless = fitted.forecast("lifetime", seed=1)
    pd.testing.assert_frame_equal(endless.frame, fitted.forecast(None, seed=1).frame)
    long = fitted.forecast("100 years", seed=1, level=None)
    assert endless.frame["clv"].to_numpy() == pytest.approx(long.frame["clv"].to_numpy(), rel=1e-3)
    total = endless.total()
    assert total["clv_lower"] < total["clv"] < total["clv_upper"]
    assert np.isfinite(endless.frame.drop(columns="customer_id").to_numpy()).all()
