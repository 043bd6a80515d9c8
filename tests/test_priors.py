"""Priors: in any unit and currency, a user's own, the mode they give, and ranks under them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from drawn import simulated
from numpy.testing import assert_allclose
from scipy.stats import chi2, norm

import predclv as pc
from predclv.errors import OptionError
from predclv.models.base import LogNormalPrior

# posterior ---------------------------------------------------------------------------------------


def test_the_default_priors_do_not_depend_on_the_unit_of_time():
    weeks, days = (
        pc.fit(pc.BGNBD, simulated(200, 8, unit), engine="pymc", seed=1) for unit in ("week", "day")
    )
    assert pc.BGNBD.priors("week")["alpha"].median * 7 == pytest.approx(
        pc.BGNBD.priors("day")["alpha"].median
    )
    scale = np.array([1.0, 7.0, 1.0, 1.0])
    one, other = weeks.summary(), days.summary()
    error = np.hypot(
        one["std_error"] * scale / np.sqrt(one["ess_bulk"]),
        other["std_error"] / np.sqrt(other["ess_bulk"]),
    )
    assert (np.abs(one["estimate"] * scale - other["estimate"]) < 4 * error).all()


def test_the_default_priors_do_not_depend_on_the_currency(cdnow):
    frame = cdnow.frame.assign(monetary_value=cdnow.frame["monetary_value"] * 1000)
    large = pc.fit(pc.GammaGamma, pc.RFM.from_frame(frame, unit="week"), "pymc", method="map")
    small = pc.fit(pc.GammaGamma, cdnow, "pymc", method="map")
    assert_allclose(
        list(large.params.values()), np.array(list(small.params.values())) * [1, 1, 1000], rtol=1e-6
    )


def test_a_users_prior_matters_with_100_customers_and_not_with_100_000(prior_class):
    strong = {"a": prior_class("Gamma", alpha=20, beta=5), "b": LogNormalPrior(20.0, 0.3)}
    shifts = []
    for n in (100, 100_000):
        rfm = simulated(n, 4)
        own = pc.fit(pc.BGNBD, rfm, "pymc", seed=1, draws=500, tune=300)
        told = pc.fit(pc.BGNBD, rfm, "pymc", seed=1, draws=500, tune=300, priors=strong)
        shifts.append(abs(np.log(told.params["b"] / own.params["b"])))
    assert shifts[0] > 1.0
    assert shifts[1] < 0.1


def test_a_prior_that_makes_no_sense_is_refused_by_name(cdnow, prior_class):
    for priors, words in (
        ({"alhpa": prior_class("Gamma", alpha=2, beta=1)}, "Did you mean 'alpha'"),
        ({"a": prior_class("Normal", mu=0, sigma=1)}, "all positive numbers"),
        ({"a": 3.0}, "pymc_extras Prior"),
        ({"a": prior_class("Gamma", alpha=prior_class("HalfNormal"), beta=1)}, "fixed parameters"),
    ):
        with pytest.raises(OptionError, match=words):
            pc.fit(pc.BGNBD, cdnow, "pymc", priors=priors)


def test_the_posterior_mode_is_near_the_maximum_of_much_data():
    rfm = simulated(50_000, 5)
    mode = pc.fit(pc.BGNBD, rfm, "pymc", method="map")
    best = pc.fit(pc.BGNBD, rfm)
    for name, value in best.params.items():
        assert mode.params[name] == pytest.approx(value, rel=0.005)
    assert_allclose(mode.summary()["std_error"], best.summary()["std_error"], rtol=0.02)
    assert mode.replicates is None
    assert mode.idata is None
    assert list(mode.summary().columns) == list(best.summary().columns)


def test_the_posterior_mode_is_where_the_density_of_the_logs_is_highest(cdnow):
    fit = pc.fit(pc.BGNBD, cdnow, "pymc", method="map")
    mode = np.log(list(fit.params.values()))
    _, gradient = fit.source.density(mode)
    # 1e-7 per customer is the fit's own criterion.
    assert np.max(np.abs(gradient)) < 1e-7 * fit.n_customers


def test_the_posterior_mode_exists_where_the_likelihood_has_no_maximum():
    rfm = simulated(300, 2, a=0.001, b=2.0)
    with pytest.warns(pc.errors.BoundaryWarning, match="nobody leaves"):
        pc.fit(pc.BGNBD, rfm)
    summary = pc.fit(pc.BGNBD, rfm, "pymc", method="map").summary()
    assert np.isfinite(summary.to_numpy()).all()
    assert summary.loc["b", "estimate"] < 100


# calibration -------------------------------------------------------------------------------------


def test_true_parameters_rank_uniformly_among_posterior_draws():
    path = Path(__file__).parents[1] / "benchmarks" / "sbc.py"
    spec = importlib.util.spec_from_file_location("sbc", path)
    sbc = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sbc)
    rng = np.random.default_rng(7)
    ranks, _ = sbc.ranks(pc.BGNBD, pc.BGNBD.priors("week"), sbc.purchases, 20, 100, 99, rng)
    counts = np.stack([np.histogram(column, 4, range=(0, 100))[0] for column in ranks.T])
    p_values = chi2.sf(np.sum((counts - 5.0) ** 2 / 5.0, axis=1), 3)
    assert np.all(p_values > 0.001)
    # The mean rank of 20 uniform ones.
    assert np.all(np.abs(ranks.mean(axis=0) - 49.5) < norm.ppf(0.9995) * 28.9 / np.sqrt(20))


def test_a_recipe_takes_the_priors_of_both_models_in_one_mapping(prior_class):
    log = pc.datasets.load_cdnow()
    rfm = pc.rfm_summary(log[log["date"] <= "1997-09-30"], observation_end="1997-09-30")
    priors = {
        "a": prior_class("LogNormal", mu=0.0, sigma=0.01),
        "q": prior_class("LogNormal", mu=1.5, sigma=0.01),
    }
    fitted = pc.CLVModel(engine="pymc", method="map", priors=priors).fit(rfm)
    assert fitted.purchases.params["a"] == pytest.approx(1.0, abs=0.02)
    assert fitted.spend.params["q"] == pytest.approx(np.exp(1.5), rel=0.02)
    with pytest.raises(pc.errors.OptionError, match="beta"):
        pc.CLVModel(engine="pymc", method="map", priors={"beta": priors["a"]}).fit(rfm)
