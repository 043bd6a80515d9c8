"""Fading memory and a drift of acquisition: likelihoods, fits, forecasts."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.clocks.base import Steady
from predclv.engines.recalling import with_memory
from predclv.engines.search import estimate
from predclv.errors import DataError, OptionError
from predclv.likelihoods.drifting import DriftingLikelihood
from predclv.likelihoods.fading import FadingLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.samples.sequences import Sequences
from predclv.summaries.gaps import gaps_of
from predclv.summaries.memory import first_day_of, sequences_of

MODELS = (pc.MBGNBD, pc.BGNBD, pc.MBGCNBD.of(2), pc.BGCNBD.of(3))
CUT = "1997-09-30"


@pytest.fixture(scope="module")
def split():
    return pc.holdout_split(pc.datasets.load_cdnow(), calibration_end=CUT)


@pytest.fixture(scope="module")
def rfm(split):
    return split.rfm


@pytest.fixture(scope="module")
def em(rfm):
    return pc.CLVModel(pc.MBGNBD, memory=True, drift=True).fit(rfm)


def fading(model, rfm, near, clock=None):
    sequences = sequences_of(rfm, 10**6)
    return FadingLikelihood.over(
        model, sequences, clock or Steady("week"), first_day_of(rfm.cells()), near
    )


def slope_error(function, at):
    _, slope = function(at)
    steps = 1e-5 * np.eye(at.size)
    by_differences = [(function(at + s)[0] - function(at - s)[0]) / 2e-5 for s in steps]
    return np.max(np.abs(slope - by_differences) / (1 + np.abs(slope)))


@pytest.mark.parametrize("model", MODELS)
def test_without_forgetting_it_is_the_likelihood_of_regular_buyers(model, rfm):
    at = np.array([-0.5, 1.5, -0.3, 0.4])
    constant = ((getattr(model, "order", None) or 1) - 1) * gaps_of(rfm).log_sum("week")
    plain = Likelihood.of(model, rfm.cells(), "week")(at)[0] + constant
    assert fading(model, rfm, at)(np.append(at, -30.0))[0] == pytest.approx(plain, rel=1e-10)


@pytest.mark.parametrize("model", MODELS)
def test_slopes_are_those_of_differences(model, rfm):
    at = np.array([-0.5, 1.5, -0.3, 0.4, 0.7])
    assert slope_error(fading(model, rfm, at), np.append(at, -3.0)) < 1e-7
    likelihood = DriftingLikelihood.over(Likelihood.of(model, rfm.cells(), "week"), rfm.cells())
    assert slope_error(likelihood, at) < 1e-7


def test_the_compiled_form_is_the_same(rfm):
    at = np.array([-0.5, 1.5, -0.3, 0.4, 0.7])
    for model in MODELS:
        plain = fading(model, rfm, at)
        for log_rho in (-12.0, -3.0):
            value, slope = plain(np.append(at, log_rho))
            other, other_slope = plain.compiled()(np.append(at, log_rho))
            assert other == pytest.approx(value, rel=1e-11)
            np.testing.assert_allclose(other_slope, slope, rtol=1e-9, atol=1e-7)


def test_a_drift_is_an_alpha_per_customer(rfm):
    cells = rfm.cells()
    drift = 0.8
    at = np.array([0.6, 5.0, 0.9, 1.7])
    found = DriftingLikelihood.over(Likelihood.of(pc.MBGNBD, cells, "week"), cells)(
        np.append(np.log(at), drift)
    )[0]
    since = cells.age_days.max() - cells.age_days
    alpha = at[1] * np.exp(drift * np.exp(-since / 91))
    model = pc.MBGNBD(at[0], alpha, at[2], at[3])
    expected = cells.weight @ model.log_likelihood(cells.frequency, cells.recency, cells.T)
    assert found == pytest.approx(expected, rel=1e-12)


def test_memory_and_drift_are_fitted_with_their_errors(em):
    summary = em.purchases.summary()
    assert list(summary.index) == ["r", "alpha", "a", "b", "drift", "rho"]
    assert np.all(summary["std_error"] > 0)
    assert 0.005 < summary.loc["rho", "estimate"] < 0.1
    assert em.purchases.recall.half_life == pytest.approx(np.log(2) / em.purchases.params["rho"])


def test_old_purchases_count_less(em, rfm):
    """Two buyers with one (x, t_x, T): who bought lately in a row is expected to buy more."""
    days = [0, 10, 20, 200], [0, 180, 190, 200]
    log = pd.concat(
        pd.DataFrame(
            {"customer_id": i, "date": pd.Timestamp("1997-01-01") + pd.to_timedelta(d, "D")}
        )
        for i, d in enumerate(days)
    )
    own = pc.rfm_summary(log, amount=None, observation_end=CUT)
    assert own.cells().weight.tolist() == [2]
    fit = pc.CLVModel(pc.MBGNBD, spend=None, memory=True).fit(rfm)
    early, late = fit.forecast("39 weeks", rfm=own).frame["expected_purchases"]
    assert late > 1.05 * early


def simulated_future(fit, T, days, weeks, n, rng):
    """Mean purchases after a history, by the sequential law itself, for k = 1 and no drift."""
    params = fit.params
    R, A, tau = params["r"], params["alpha"], 0.0
    for day in days:
        d = day / 7 - tau
        keep = np.exp(-params["rho"] * d)
        U = 1.0 + keep * (R - params["r"])
        tau = day / 7
        R, A = params["r"] + U, params["alpha"] - np.expm1(-params["rho"] * tau) / params["rho"]
    silent = T / 7 - tau
    x = len(days)
    here = (A / (A + silent)) ** R * (params["b"] + x)
    alive = here / (here + params["a"])
    rate = rng.gamma(R, 1 / (A + silent), n)
    p = rng.beta(params["a"], params["b"] + x + 1, n)
    bought = np.minimum(rng.poisson(rate * weeks), rng.geometric(np.clip(p, 1e-12, 1)))
    return alive, alive * bought


def test_the_forecast_is_that_of_the_law_itself(rfm):
    fit = pc.CLVModel(pc.MBGNBD, spend=None, memory=True).fit(rfm)
    days = [15, 40, 41, 150]
    dates = pd.Timestamp("1997-01-10") + pd.to_timedelta([0, *days], "D")
    own = pc.rfm_summary(
        pd.DataFrame({"customer_id": 1, "date": dates}), amount=None, observation_end=CUT
    )
    T = (pd.Timestamp(CUT) - dates[0]).days
    alive, bought = simulated_future(fit.purchases, T, days, 26, 400_000, np.random.default_rng(1))
    forecast = fit.forecast("26 weeks", rfm=own, seed=1)
    row = forecast.frame.iloc[0]
    assert row["p_alive"] == pytest.approx(alive, rel=1e-7)  # counts are kept to 2^-30
    spread = 5 * bought.std() / np.sqrt(bought.size)
    assert abs(row["expected_purchases"] - bought.mean()) < spread
    assert abs(row["p_active"] - np.mean(bought > 0) * alive) < 5e-3


def test_with_a_drift_each_customer_has_an_alpha(rfm):
    fitted = pc.CLVModel(pc.MBGNBD, spend=None, drift=True).fit(rfm)
    params = fitted.purchases.params
    frame = rfm.frame
    since = np.rint((frame["T"].max() - frame["T"]) * 7)
    alpha = params["alpha"] * np.exp(params["drift"] * np.exp(-since / 91))
    model = pc.MBGNBD(params["r"], alpha.to_numpy(), params["a"], params["b"])
    history = [frame[name].to_numpy() for name in ("frequency", "recency", "T")]
    found = fitted.forecast("26 weeks", level=None).frame
    np.testing.assert_allclose(found["p_alive"], model.p_alive(*history), rtol=1e-10)
    expected = model.expected_purchases_after(26.0, *history)
    np.testing.assert_allclose(found["expected_purchases"], expected, rtol=1e-10)


def test_memory_improves_the_forecast_of_cdnow(split):
    table = pc.validate(
        {
            "MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None),
            "em": pc.CLVModel(pc.MBGNBD, spend=None, memory=True, drift=True),
        },
        split,
        seed=1,
    ).frame
    assert table.loc["em", "crps"] / table.loc["MBG/NBD", "crps"] < 0.996


def test_a_saved_model_forecasts_its_customers(em, tmp_path):
    em.save(tmp_path / "em")
    read = pc.load(tmp_path / "em")
    assert read.purchases.params == em.purchases.params
    for ours, theirs in ((em.forecast("26 weeks", seed=3), read.forecast("26 weeks", seed=3)),):
        pd.testing.assert_frame_equal(ours.frame, theirs.frame)


def test_a_sample_says_that_it_is_one(rfm):
    first = pc.fit(pc.MBGNBD, rfm)
    likelihood = Likelihood.of(pc.MBGNBD, rfm.cells(), "week")
    some = with_memory(first, likelihood, rfm, most=1500)
    assert some.n_customers == 1500
    assert some.checks["customers_in_all"] == 2357


def test_equal_short_sequences_are_counted():
    bought = Sequences.of([1, 1, 2, 2, 3, 4, 4, 4], [0, 5, 0, 5, 2, 0, 5, 9], end=10)
    assert bought.frequency.tolist() == [2, 1, 0]
    assert bought.weight.tolist() == [1.0, 2.0, 1.0]
    assert bought.last.tolist() == [9, 5, 2]


def test_what_cannot_be_is_refused(rfm):
    made_elsewhere = pc.RFM.from_frame(rfm.frame, unit="week")
    with pytest.raises(DataError, match="memory needs the day of every purchase"):
        pc.fit(pc.MBGNBD, made_elsewhere, memory=True)
    with pytest.raises(DataError, match="needs to know the days"):
        pc.fit(pc.MBGNBD, made_elsewhere, drift=True)
    for engine in ("pymc", "lifetimes"):
        with pytest.raises(OptionError, match="maximum likelihood alone"):
            pc.fit(pc.MBGNBD, rfm, engine, memory=True)
    with pytest.raises(OptionError, match="leave in real time"):
        pc.fit(pc.ParetoNBD, rfm, drift=True)
    with pytest.raises(OptionError, match="no model of purchases"):
        pc.fit(pc.GammaGamma, rfm, memory=True)
    with pytest.raises(OptionError, match="bootstrap"):
        pc.fit(pc.MBGNBD, rfm, memory=True, bootstrap=10)


def test_nobody_forecasts_strangers_without_their_log(em, rfm):
    strangers = pc.RFM.from_frame(rfm.frame.drop(columns="monetary_value"), unit="week")
    fit = pc.CLVModel(pc.MBGNBD, spend=None, memory=True).fit(rfm)
    with pytest.raises(DataError, match="memory needs the day of every purchase"):
        fit.forecast("26 weeks", rfm=strangers)


def test_parameters_come_out_of_simulated_customers():
    rng = np.random.default_rng(5)
    log = forgetting_customers(3000, rng, rho=0.05)
    rfm = pc.rfm_summary(log, amount=None, observation_end="2024-12-31")
    fit = pc.fit(pc.MBGNBD, rfm, memory=True)
    truth = {"r": 0.6, "alpha": 4.0, "a": 0.8, "b": 2.4, "rho": 0.05}
    table = fit.summary()
    away = (np.log(table["estimate"]) - np.log(pd.Series(truth))) / (
        table["std_error"] / table["estimate"]
    )
    assert np.all(np.abs(away) < 3.0)


def forgetting_customers(n, rng, rho, days=730):
    """A log of customers who follow the law of fading memory, in whole days."""
    r, alpha, a, b = 0.6, 4.0, 0.8, 2.4
    first = pd.Timestamp("2023-01-01")
    rows = []
    for i, born in enumerate(rng.integers(0, days // 2, n)):
        rows.append((i, born))
        p, tau, U = rng.beta(a, b), 0.0, 0.0
        while rng.random() >= p:
            R, A = r + U, alpha - np.expm1(-rho * tau) / rho
            d = rng.exponential() / max(rng.gamma(R) / A, 1e-12)
            tau, U = tau + d, 1.0 + np.exp(-rho * d) * U
            day = born + int(np.ceil(7 * tau)) if tau < 1000 else 10**6
            if day >= days:
                break
            rows.append((i, day))
    frame = pd.DataFrame(rows, columns=["customer_id", "day"]).drop_duplicates()
    return frame.assign(date=first + pd.to_timedelta(frame.pop("day"), "D"))


def test_the_plain_estimate_is_where_it_was(rfm):
    assert estimate(Likelihood.of(pc.MBGNBD, rfm.cells(), "week")).best.value == pytest.approx(
        pc.fit(pc.MBGNBD, rfm).log_likelihood
    )
