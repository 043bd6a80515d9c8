"""Covariates: what they do to parameters, and what must be true of that whatever the data."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.engines.covariates import with_covariates as likelihood_with
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.differences import central_slope
from predclv.maths.newton import hessian_at
from predclv.models import class_named
from predclv.samples.patterns import Patterns

MODELS = ["BGNBD", "MBGNBD", "ParetoNBD", "MBGCNBD-2"]


@pytest.fixture(scope="module")
def table():
    """Of CDNOW's customers a channel and an age that mean nothing."""
    ids = np.unique(pc.datasets.load_cdnow()["customer_id"])
    rng, n = np.random.default_rng(1), ids.size
    return pd.DataFrame(
        {
            "customer_id": ids,
            "channel": rng.choice(["shop", "web", "app"], n, p=[0.5, 0.3, 0.2]),
            "age": rng.choice([20.0, 35.0, 50.0], n),
        }
    )


@pytest.fixture(scope="module")
def known(table):
    return pc.rfm_summary(pc.datasets.load_cdnow(), static_covariates=table)


def likelihood(rfm, model, covariates):
    cells = rfm.cells()
    plain = Likelihood.of(class_named(model), cells, cells.unit)
    return likelihood_with(plain, cells, cells, covariates, "mle")


def test_columns_are_numbers_indicators_and_their_products():
    frame = pd.DataFrame(
        {"channel": ["shop", "web", "app", "web"], "age": [30.0, 30.0, 50.0, 50.0]}
    )
    patterns = Patterns(frame, {"channel": ("shop", "web", "app")})
    coding = patterns.coding((("channel",), ("age",), ("channel", "age")), np.ones(4))
    assert coding.names == (
        "channel[web]", "channel[app]", "age", "channel[web]:age", "channel[app]:age",
    )  # fmt: skip
    assert coding.matrix(patterns).tolist() == [
        [0, 0, 30, 0, 0], [1, 0, 30, 30, 0], [0, 1, 50, 0, 50], [1, 0, 50, 50, 0],
    ]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_slopes_are_those_of_differences(known, model):
    of = likelihood(known, model, {"rate": ["channel"], ("leaving", "rate"): ["age"]})
    rng = np.random.default_rng(2)
    free = of.starts()[0] + 0.1 * rng.standard_normal(len(of.space.names))
    free[-1] = 0.01
    _, slope = of(free)
    for i, name in enumerate(of.space.names):

        def value(step, i=i, width=30.0 if "age" in name else 1.0):
            moved = free.copy()
            moved[i] += step / width
            return of(moved)[0] * width

        assert central_slope(value, 0.02) == pytest.approx(slope[i], rel=1e-8, abs=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_without_effects_the_likelihood_is_the_plain_one(known, model):
    of = likelihood(known, model, {"rate": ["channel", "age"], "leaving": ["age"]})
    free = of.starts()[0]
    plain = of.base(free[: of.size])
    value, slope = of(free)
    assert value == pytest.approx(plain[0], rel=1e-12)
    np.testing.assert_allclose(slope[: of.size], plain[1], rtol=1e-9, atol=1e-8)


def test_the_compiled_form_is_the_same(known):
    of = likelihood(known, "BGNBD", {"rate": ["channel", "age"], "leaving": ["age"]})
    free = of.starts()[1] + 0.01
    for plain, compiled in zip(of(free), of.compiled()(free), strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-10, atol=1e-8)


@pytest.mark.parametrize("model", ["BGNBD", "ParetoNBD"])
def test_an_effect_on_every_parameter_is_a_fit_of_each_group(known, model):
    names = class_named(model).names()
    cells = known.cells()
    age = cells.patterns.frame["age"].to_numpy()[cells.extra["pattern"]]
    both = replace(
        cells,
        patterns=Patterns(
            cells.patterns.frame.assign(old=np.where(cells.patterns.frame["age"] > 30, "y", "n")),
            {**cells.patterns.levels, "old": ("y", "n")},
        ),
    )
    together = pc.fit(model, both, covariates={name: ["old"] for name in names})
    apart = 0.0
    for old in (True, False):
        rows = (age > 30) == old
        own = {name: getattr(cells, name)[rows] for name in ("frequency", "recency", "T", "weight")}
        one = pc.fit(model, pc.Cells(**own, unit=cells.unit))
        apart += one.log_likelihood
        for name in names:
            value = together.params[name] * (
                1.0 if old else np.exp(together.params[f"{name}.old[n]"])
            )
            assert value == pytest.approx(one.params[name], rel=2e-4)
    assert together.log_likelihood == pytest.approx(apart, abs=1e-6)


def test_which_level_comes_first_changes_no_forecast(known, table):
    covariates = {"rate": ["channel"], "leaving": ["channel"], "spend": ["channel"]}
    first = pc.CLVModel(covariates=covariates).fit(known)
    web_first = pc.CovariateTable(table, levels={"channel": ["web", "app", "shop"]})
    other = pc.rfm_summary(pc.datasets.load_cdnow(), static_covariates=web_first)
    again = pc.CLVModel(covariates=covariates).fit(other)
    assert "rate.channel[shop]" in again.purchases.params
    assert "rate.channel[shop]" not in first.purchases.params
    assert again.purchases.log_likelihood == pytest.approx(first.purchases.log_likelihood, abs=1e-8)
    one, two = (f.forecast("26 weeks", level=None).frame for f in (first, again))
    pd.testing.assert_frame_equal(one, two, rtol=1e-5)


def test_effects_shared_by_two_targets_are_one(known):
    same = pc.fit("MBGNBD", known, covariates={"rate": ["channel"], "leaving": "same"})
    named = pc.fit("MBGNBD", known, covariates={("rate", "leaving"): ["channel"]})
    assert same.params == named.params
    assert list(same.params)[4:] == ["rate+leaving.channel[web]", "rate+leaving.channel[app]"]


def test_a_covariate_that_means_nothing_is_found_to(known):
    fit = pc.fit("MBGNBD", known, covariates={"rate": ["channel", "age"]})
    shown = fit.summary(0.99)
    assert (shown.loc[["rate.age"], "lower"] < 0).all()
    assert (shown.loc[["rate.age"], "upper"] > 0).all()
    assert shown["multiplier"].isna().tolist() == [True] * 4 + [False] * 3
    assert shown.loc["rate.age", "multiplier"] == np.exp(fit.params["rate.age"])
    curvature = hessian_at(
        likelihood(known, "MBGNBD", {"rate": ["channel", "age"]}),
        fit.space.free_at(np.array(list(fit.params.values()))),
    )
    np.testing.assert_allclose(-np.linalg.inv(curvature), fit.log_covariance, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("model", ["BGNBD", "MBGNBD", "ParetoNBD"])
def test_a_forecast_is_each_customers_own_model(known, model):
    covariates = {"rate": ["channel"], "leaving": ["age"], "spend": ["channel"]}
    fitted = pc.CLVModel(model, covariates=covariates).fit(known)
    frame, params = known.frame, fitted.purchases.params
    known_of = known.cells().patterns.frame.iloc[frame["pattern"]]
    channel, age = known_of["channel"].to_numpy(), known_of["age"].to_numpy()
    rate = np.exp(
        sum(params[f"rate.channel[{level}]"] * (channel == level) for level in ("web", "app"))
    )
    leaving = params["leaving.age"] * age
    r, alpha, third, fourth = (float(v) for v in list(params.values())[:4])
    moved = (
        (third, fourth * np.exp(-leaving))
        if model == "ParetoNBD"
        else (third * np.exp(leaving / 2), fourth * np.exp(-leaving / 2))
    )
    own = type(fitted.purchases.model)(r, alpha / rate, *moved)
    history = (frame["frequency"], frame["recency"], frame["T"])
    found = fitted.forecast(26, level=None, discount_rate=0.1).frame
    np.testing.assert_allclose(found["p_alive"], own.p_alive(*history), rtol=1e-12)
    expected = own.expected_purchases_after(26, *history)
    np.testing.assert_allclose(found["expected_purchases"], expected, rtol=1e-9)
    spend = fitted.spend.params
    v = spend["v"] * np.exp(
        sum(spend[f"spend.channel[{level}]"] * (channel == level) for level in ("web", "app"))
    )
    of_spend = pc.GammaGamma(spend["p"], spend["q"], v)
    np.testing.assert_allclose(
        found["expected_spend"],
        of_spend.expected_spend(frame["frequency"], frame["monetary_value"]),
        rtol=1e-9,
    )
