"""ArviZ on a log with somebody who first bought on its last day: their likelihood says nothing."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc


@pytest.fixture(scope="module")
def rfm():
    """600 customers, of whom 40 first bought on the last day."""
    rng = np.random.default_rng(8)
    T = np.append(rng.integers(5, 50, 560).astype(float), np.zeros(40))
    x, t_x = pc.MBGNBD(0.9, 7.0, 0.8, 2.0).simulate(T, rng)
    return pc.RFM.from_frame(pd.DataFrame({"frequency": x, "recency": t_x, "T": T}), unit="week")


@pytest.fixture(scope="module", params=["BGNBD", "MBGNBD"])
def fit(request, rfm):
    model = getattr(pc, request.param)
    return pc.fit(model, rfm, engine="pymc", draws=150, tune=150, chains=2, seed=1)


@pytest.fixture(scope="module")
def other(rfm):
    return pc.fit(pc.ParetoNBD, rfm, engine="pymc", draws=150, tune=150, chains=2, seed=1)


@pytest.fixture(scope="module")
def az():
    """Imported where it is used: both processes of the tests read this file."""
    import arviz

    return arviz


pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.SamplingWarning")


def test_loo_counts_customers_without_history_as_nothing(fit):
    found = fit.loo()
    assert found.n_data_points == 600
    per_customer = found.elpd_i.to_numpy()
    assert np.isfinite(per_customer).all()
    unknown = np.abs(per_customer) < 1e-12
    assert unknown.sum() == 40
    assert (found.pareto_k.to_numpy()[unknown] == 0).all()
    assert found.elpd == pytest.approx(per_customer.sum())


def test_arviz_leaves_out_customers_one_at_a_time_too(az, fit):
    own, theirs = fit.loo(), az.loo(fit.idata, pointwise=True)
    assert theirs.elpd == pytest.approx(own.elpd, rel=1e-10)
    assert theirs.n_data_points == 560


def test_fits_are_compared_by_arviz(az, fit, other):
    table = az.compare({"one": fit.loo(), "other": other.loo()})
    assert set(table.index) == {"one", "other"}
    assert np.isfinite(table["elpd"].astype(float)).all()


def test_summaries_and_predictive_checks_work(az, fit):
    table = az.summary(fit.idata, round_to="none")
    assert list(table.index) == list(fit.params)
    predicted = fit.idata["posterior_predictive"]["frequency"]
    assert np.isfinite(predicted).all()
    assert predicted.sizes["customer"] > 0


def test_loo_says_where_it_compares_with_nobody_else(rfm):
    with pytest.warns(pc.errors.RegularityWarning, match="has no log"):
        regular = pc.fit("MBGCNBD-2", rfm, engine="pymc", draws=150, tune=150, chains=2, seed=1)
    with pytest.warns(pc.errors.RegularityWarning, match="models of the same k alone"):
        assert np.isfinite(regular.loo().elpd)
