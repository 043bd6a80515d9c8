"""Customers who slow down with age: the likelihood, and forecasts in a time of their own."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.clocks.ageing import time_at_ages
from predclv.errors import DataError, OptionError
from predclv.likelihoods.ageing import AgeingLikelihood
from predclv.likelihoods.drifting import DriftingLikelihood
from predclv.likelihoods.fading import FadingLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.differences import central_slope
from predclv.summaries.memory import repeats_by_age, sequences_of

AGEING = 0.4


@pytest.fixture(scope="module")
def rfm():
    return pc.rfm_summary(slowing_shop(), amount=None, observation_end="2023-06-27")


@pytest.fixture(scope="module")
def fit(rfm):
    return pc.fit(pc.MBGNBD, rfm, memory=True, drift=True, ageing=True)


def slowing_shop(customers=1500, days=540, seed=3):
    """MBG/NBD's customers in a time that runs ever more slowly, over the first year."""
    rng = np.random.default_rng(seed)
    until = time_at_ages(np.arange(days + 1), AGEING, "week")
    born = rng.integers(0, 365, customers)
    rate, p = rng.gamma(0.8, 1 / 4.0, customers), rng.beta(0.6, 2.5, customers)
    rows = [(i, born[i]) for i in range(customers)]
    for i in range(customers):
        at = 0.0
        while rng.random() >= p[i]:
            at += rng.exponential(1 / rate[i])
            age = int(np.ceil(np.interp(at, until, np.arange(days + 1))))
            if at >= until[-1] or born[i] + age > days:
                break
            rows.append((i, born[i] + age))
    frame = pd.DataFrame(rows, columns=["customer_id", "day"])
    frame["date"] = pd.Timestamp("2022-01-03") + pd.to_timedelta(frame.pop("day"), unit="D")
    return frame


def likelihood(rfm, drift=True):
    cells = rfm.cells()
    plain = Likelihood.of(pc.MBGNBD, cells, rfm.unit)
    return AgeingLikelihood.over(plain, cells, repeats_by_age(rfm), drift)


FREE = np.array([-0.3, 1.2, -0.4, 0.9, 0.3, -0.2])


@pytest.mark.parametrize("drift", [True, False])
def test_slopes_are_those_of_differences(rfm, drift):
    found, free = likelihood(rfm, drift), FREE[: 5 + drift]
    _, slope = found(free)
    for i in range(free.size):

        def along(away, i=i):
            return np.array(found(free + away * (np.arange(free.size) == i))[0])

        assert slope[i] == pytest.approx(float(central_slope(along, 0.02)), rel=1e-7)
    pull = found.shrinkage(free)[1]
    assert pull[4] == pytest.approx(-0.3)


def test_without_ageing_it_is_the_drifts(rfm):
    cells = rfm.cells()
    plain = DriftingLikelihood.over(Likelihood.of(pc.MBGNBD, cells, rfm.unit), cells)
    free = np.where(np.arange(6) == 4, 0.0, FREE)
    assert likelihood(rfm)(free)[0] == pytest.approx(plain(np.delete(free, 4))[0], rel=1e-12)


def test_it_is_the_sum_over_customers_one_by_one(rfm):
    r, alpha, a, b = np.exp(FREE[:4])
    ageing, drift = FREE[4:]
    frame, total = rfm.frame, 0.0
    days = np.rint(frame[["recency", "T"]].to_numpy() * {"day": 1, "week": 7}[rfm.unit])
    first = np.exp(-(days[:, 1].max() - days[:, 1]) / 91)
    t_x, T = time_at_ages(days.T, ageing, rfm.unit)
    for x, begin, end, new in zip(frame["frequency"], t_x, T, first, strict=True):
        own = pc.MBGNBD(r, alpha * np.exp(drift * new), a, b)
        total += float(own.log_likelihood(x, begin, end))
    ages = np.arange(repeats_by_age(rfm).size)
    total -= ageing * repeats_by_age(rfm) @ np.log1p(ages / 28)
    assert likelihood(rfm)(FREE)[0] == pytest.approx(total, rel=1e-12)


def test_memory_that_forgets_nothing_is_the_likelihood_without(rfm):
    sequences = sequences_of(rfm, 10_000)
    near, clock = np.delete(FREE, 4), pc.fit(pc.MBGNBD, rfm).clock
    first_day = rfm.cells().known_last_day - sequences.end
    fading = FadingLikelihood.over(pc.MBGNBD, sequences, clock, first_day, near, FREE[4])
    found = fading(np.append(near, -25.0))[0]
    assert found == pytest.approx(likelihood(rfm)(FREE)[0], rel=1e-9)


def test_what_was_true_is_found(rfm):
    found = pc.fit(pc.MBGNBD, rfm, ageing=True)
    low, high = found.summary(0.99).loc["ageing", ["lower", "upper"]]
    assert low < AGEING < high
    assert low > 0.1


def test_purchases_ahead_are_those_of_customers_one_by_one(rfm, fit):
    fitted = pc.FittedCLV(fit, None, rfm)
    frame = fitted.forecast("26 weeks", level=None, seed=1).frame
    bought = slowing_shop()
    bought = bought[bought["date"] <= pd.Timestamp(rfm.observation_end)].drop_duplicates()
    end, recall = pd.Timestamp(rfm.observation_end), fit.recall
    n = 0
    for customer, dates in bought.groupby("customer_id")["date"]:
        if len(dates) < 3 or customer % 10:
            continue
        born = dates.min()
        ages = np.array([(date - born).days for date in sorted(dates)])
        age = (end - born).days
        *tau, T, ahead = time_at_ages([*ages, age, age + 182], recall.ageing, fit.unit)
        rho = recall.rho
        U = np.exp(-rho * (tau[-1] - np.array(tau[1:]))).sum()
        V = -np.expm1(-rho * tau[-1]) / rho
        first = (born - pd.Timestamp("1970-01-01")).days
        own = fit.model
        alpha = own.alpha * np.exp(float(recall.haste_of(first)))
        lost = len(tau) - 1 - U
        model = pc.MBGNBD(own.r, alpha, own.a, own.b + lost)
        silent = T - tau[-1]
        expected = model.expected_purchases_after(ahead - T, U, V, V + silent)
        row = frame.loc[frame["customer_id"] == customer]
        assert row["expected_purchases"].iloc[0] == pytest.approx(float(expected), rel=1e-6)
        n += 1
    assert n > 20


def test_it_is_saved_and_loaded(rfm, fit, tmp_path):
    fitted = pc.FittedCLV(fit, None, rfm)
    fitted.save(tmp_path / "fit")
    again = pc.load(tmp_path / "fit")
    assert again.purchases.params == fit.params
    pd.testing.assert_frame_equal(
        again.forecast("26 weeks", seed=1).frame, fitted.forecast("26 weeks", seed=1).frame
    )


def test_totals_hold_what_is_not_known_of_it(rfm, fit):
    total = pc.FittedCLV(fit, None, rfm).forecast("26 weeks", seed=1).total()
    assert total["purchases_lower"] < total["purchases"] < total["purchases_upper"]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (pc.MBGCNBD, {"k": 2}, "without a clock"),
        (pc.MBGNBD, {"clock": pc.Clock(season=0, weekday=True)}, "without a clock"),
        (pc.MBGNBD, {"bootstrap": 5}, "no bootstrap"),
        (pc.MBGNBD, {"engine": "lifetimes"}, "knows no ageing"),
        (pc.ParetoNBD, {}, "has no ageing"),
        (pc.MBGNBD, {"ageing": 0.5}, "must be True or False"),
    ],
)
def test_what_does_not_go_with_it_is_refused(rfm, model, options, message):
    with pytest.raises(OptionError, match=message):
        pc.fit(model, rfm, **{"ageing": True, **options})


def test_it_needs_a_log_and_an_end(rfm, fit):
    with pytest.raises(DataError, match="no log"):
        pc.fit(pc.MBGNBD, pc.RFM.from_frame(rfm.frame, unit=rfm.unit), ageing=True)
    fitted = pc.FittedCLV(fit, None, rfm)
    with pytest.raises(OptionError, match="horizon with an end"):
        fitted.forecast(None).frame  # noqa: B018
