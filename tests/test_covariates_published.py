"""Covariates on the apparel data that CLVTools prints, and the same story simulated."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import predclv as pc

DATA = Path(__file__).parents[2] / "shared" / "data"
APPAREL = DATA / "apparel.csv"
BOTH = {"rate": ["gender", "channel"], "leaving": ["gender", "channel"]}


@pytest.fixture(scope="module")
def apparel():
    if not APPAREL.exists():
        pytest.skip("../shared/data/apparel.csv is not here: CLVTools' data do not ship")
    log = pd.read_csv(APPAREL, parse_dates=["date"])
    log, end = log[log["date"] <= "2006-12-31"], "2006-12-31"
    return pc.rfm_summary(log, observation_end=end, static_covariates=DATA / "apparel_static.csv")


def test_pareto_nbd_is_what_clvtools_prints(apparel):
    # Signs as here: CLVTools too divides alpha and beta by exp(effects).
    fit = pc.fit(pc.ParetoNBD, apparel, covariates=BOTH)
    assert fit.log_likelihood == pytest.approx(-5821.0627, abs=1e-4)
    assert fit.aic == pytest.approx(11658.1254, abs=1e-3)
    assert fit.bic == pytest.approx(11693.3009, abs=1e-3)
    printed = {  # estimate and standard error; its search stops a little before the maximum
        "r": (1.8378433, 0.3455), "alpha": (92.91235, 16.967), "s": (0.5919985, 0.2609),
        "beta": (49.62272, 36.251), "leaving.gender": (-0.6429934, 0.2955),
        "leaving.channel": (0.7906790, 0.3059), "rate.gender": (0.2858740, 0.1041),
        "rate.channel": (0.6241241, 0.1050),
    }  # fmt: skip
    shown = fit.summary()
    for name, (estimate, error) in printed.items():
        assert shown.loc[name, "estimate"] == pytest.approx(estimate, abs=0.005 * error)
        assert shown.loc[name, "std_error"] == pytest.approx(error, rel=0.005)


def test_an_effect_on_rate_and_leaving_is_what_clvtools_prints(apparel):
    fit = pc.fit(
        pc.ParetoNBD,
        apparel,
        covariates={("rate", "leaving"): ["gender"], "rate": ["channel"], "leaving": ["channel"]},
    )
    assert fit.log_likelihood == pytest.approx(-5826.5342, abs=1e-4)
    assert fit.aic == pytest.approx(11667.0684, abs=1e-3)
    printed = {"r": 1.7939, "s": 0.4287, "rate+leaving.gender": 0.3283, "rate.channel": 0.6384}
    for name, estimate in printed.items():
        assert fit.params[name] == pytest.approx(estimate, abs=5e-4)


def test_bg_nbd_is_no_ridge(apparel):
    # CLVTools multiplies a and b alike, and runs to a = 4603 at a log-likelihood of -5839.8624.
    fit = pc.fit(pc.BGNBD, apparel, covariates=BOTH)
    assert fit.log_likelihood > -5839.8624
    assert fit.converged
    assert not fit.limits
    assert fit.params["a"] < 10


def test_an_effect_held_to_nothing_is_the_plain_fit(apparel):
    plain = pc.fit(pc.ParetoNBD, apparel)
    assert plain.log_likelihood == pytest.approx(-5848.0978, abs=1e-4)
    assert plain.covariates is None
    assert "multiplier" not in plain.summary()


@pytest.mark.parametrize("model", ["BGNBD", "MBGNBD", "ParetoNBD"])
def test_effects_are_found_again(model):
    rng = np.random.default_rng(16)
    n = 6000
    web, age = rng.random(n) < 0.4, rng.uniform(20, 60, n).round(-1)
    faster = 0.5 * web + 0.02 * (age - 40)
    readier = -0.7 * web
    third, fourth = {
        "BGNBD": (0.8 * np.exp(readier / 2), 2.5 * np.exp(-readier / 2)),
        "MBGNBD": (0.8 * np.exp(readier / 2), 2.5 * np.exp(-readier / 2)),
        "ParetoNBD": (np.full(n, 0.8), 20.0 * np.exp(-readier)),
    }[model]
    kind = getattr(pc, model)
    T = rng.integers(100, 700, n) / 7
    x, t_x = kind(np.full(n, 1.2), 8.0 * np.exp(-faster), third, fourth).simulate(T, rng)
    frame = pd.DataFrame({"customer_id": np.arange(n), "frequency": x, "recency": t_x, "T": T})
    frame = frame.assign(channel=np.where(web, "web", "shop"), age=age - 40)
    rfm = pc.RFM.from_frame(frame, unit="week", static_covariates=["channel", "age"])
    fit = pc.fit(model, rfm, covariates={"rate": ["channel", "age"], "leaving": ["channel"]})
    shown = fit.summary(0.999)
    truth = {"rate.channel[web]": 0.5, "rate.age": 0.02, "leaving.channel[web]": -0.7, "r": 1.2}
    for name, value in truth.items():
        assert shown.loc[name, "lower"] < value < shown.loc[name, "upper"]
        assert shown.loc[name, "std_error"] < 0.25
    plain = pc.fit(model, rfm)
    assert fit.log_likelihood - plain.log_likelihood > 100
