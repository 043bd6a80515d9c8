"""lifetimes and the bootstrap beside our own maximum: they agree where they must, or say so."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from drawn import FAMILY, simulated
from numpy.testing import assert_allclose

import predclv as pc
from predclv.errors import FitError, OptionError

# lifetimes ---------------------------------------------------------------------------------------


def assert_engines_agree(one, other):
    for name, value in one.params.items():
        assert other.params[name] == pytest.approx(value, rel=1e-4)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-6)


@pytest.mark.parametrize("model", [pc.BGNBD, pc.MBGNBD, pc.ParetoNBD, pc.GammaGamma])
def test_lifetimes_agrees_with_mle_on_cdnow(cdnow, model):
    ours, theirs = pc.fit(model, cdnow), pc.fit(model, cdnow, engine="lifetimes")
    assert_engines_agree(ours, theirs)
    assert list(theirs.summary().columns) == list(ours.summary().columns)
    assert_allclose(theirs.summary()["std_error"], ours.summary()["std_error"], rtol=1e-4)
    assert_allclose(theirs.log_covariance, theirs.log_covariance.T, rtol=1e-12)


@pytest.mark.parametrize(
    ("seed", "parameters"),
    [
        (1, {}),
        (2, {"r": 0.8, "alpha": 10.0, "a": 1.5, "b": 4.0}),
        (3, {"r": 1.5, "alpha": 6.0, "a": 0.4, "b": 1.0}),
    ],
)
def test_lifetimes_agrees_with_mle_on_simulated_customers(seed, parameters):
    rfm = simulated(3000, seed, **parameters)
    # On the second, Pareto/NBD has no maximum inside: the next test but one.
    for model in FAMILY if seed != 2 else FAMILY[:2]:
        assert_engines_agree(pc.fit(model, rfm), pc.fit(model, rfm, engine="lifetimes"))


@pytest.mark.filterwarnings("ignore:T reaches")  # 3,000 weeks, as is meant here
def test_paretonbd_of_lifetimes_is_not_believed_where_it_returns_its_start():
    # With a very busy customer its likelihood is not a number, wherever it looks.
    frame = simulated(300, 9).frame
    busy = {"customer_id": [300], "frequency": 20_000, "recency": 2990.0, "T": 3000.0}
    rfm = pc.RFM.from_frame(pd.concat([frame, pd.DataFrame(busy)], ignore_index=True), unit="week")
    with pytest.raises(FitError, match="engine='mle'"):
        pc.fit(pc.ParetoNBD, rfm, engine="lifetimes")
    assert pc.fit(pc.ParetoNBD, rfm).converged


def test_paretonbd_of_lifetimes_stops_on_the_way_to_a_limit_that_mle_names():
    rfm = simulated(600, 4, r=0.8, alpha=10.0, a=1.5, b=4.0)
    with pytest.warns(pc.errors.BoundaryWarning, match="all customers leave at the same rate"):
        ours = pc.fit(pc.ParetoNBD, rfm)
    theirs = pc.fit(pc.ParetoNBD, rfm, engine="lifetimes")
    assert theirs.log_likelihood < ours.log_likelihood - 0.03


def test_a_failure_of_lifetimes_is_a_fit_error_that_names_mle(capsys):
    rfm = simulated(20, 7)
    filters = list(warnings.filters)
    with pytest.raises(FitError, match="engine='mle'"):
        pc.fit(pc.BGNBD, rfm, engine="lifetimes")
    assert capsys.readouterr().out == ""
    assert warnings.filters == filters


def test_the_penalizer_of_lifetimes_reaches_it_and_moves_the_answer(cdnow):
    with pytest.warns(pc.errors.InfiniteMeanWarning):
        penalised = pc.fit(pc.GammaGamma, cdnow, engine="lifetimes", penalizer_coef=0.01)
    assert penalised.params["q"] < 1
    assert penalised.log_likelihood < pc.fit(pc.GammaGamma, cdnow).log_likelihood
    with pytest.raises(OptionError, match="penalizer_coef"):
        pc.fit(pc.GammaGamma, cdnow, engine="lifetimes", penalizer_coef=-1.0)


# bootstrap ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [pc.BGNBD, pc.GammaGamma])
def test_the_bootstrap_agrees_with_the_curvature_where_the_likelihood_is_sharp(cdnow, model):
    fit = pc.fit(model, cdnow, bootstrap=100, seed=1)
    assert fit.method == "bootstrap"
    assert fit.replicates.shape == (1, 100, len(fit.params))
    spread = np.log(fit.replicates[0]).std(axis=0)
    # A standard deviation of 100 draws is known to 7%; three times that, and skewness.
    assert_allclose(spread, np.sqrt(np.diag(fit.log_covariance)), rtol=0.3)
    again = pc.fit(model, cdnow, bootstrap=100, seed=1)
    assert np.array_equal(fit.replicates, again.replicates)
    assert fit.params == pc.fit(model, cdnow).params


def test_bootstrap_intervals_reach_the_limit_where_the_likelihood_is_flat():
    rfm = simulated(300, 3, a=0.02, b=2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pc.errors.BoundaryWarning)
        fit = pc.fit(pc.BGNBD, rfm, bootstrap=20, seed=1)
    low, high = fit.summary().loc["b", ["lower", "upper"]]
    assert high / low > 1e3
    assert np.isfinite(fit.replicates).all()
    with pytest.raises(OptionError, match="bootstrap"):
        pc.fit(pc.BGNBD, rfm, bootstrap=1)


# what a posterior is good for --------------------------------------------------------------------


def test_a_maximum_survives_json_without_a_table(cdnow):
    fit = pc.fit(pc.BGNBD, cdnow)
    assert fit.tables() == {}
    loaded = pc.Fit.from_document(json.loads(json.dumps(fit.document())))
    pd.testing.assert_frame_equal(loaded.summary(), fit.summary())
    with pytest.raises(FitError, match="engine='pymc'"):
        fit.loo()
