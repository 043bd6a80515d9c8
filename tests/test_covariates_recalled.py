"""Covariates beside fading memory and a drift: what must be true whatever the data."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.clocks.base import Steady
from predclv.engines.covariates import with_covariates
from predclv.errors import OptionError
from predclv.forecast.draws import drawn
from predclv.forecast.patterns import at_free, estimate_of
from predclv.likelihoods.ageing import AgeingLikelihood
from predclv.likelihoods.covariates import CovariateLikelihood
from predclv.likelihoods.drifting import DriftingLikelihood
from predclv.likelihoods.effects import Effects
from predclv.likelihoods.fading import FadingLikelihood
from predclv.likelihoods.likelihood import Likelihood
from predclv.likelihoods.paths import PathLikelihood
from predclv.maths.differences import central_slope
from predclv.models import class_named
from predclv.models.personal import Personal
from predclv.summaries.memory import first_day_of, repeats_by_age, sequences_of

CUT = "1997-09-30"
MODELS = ["MBGNBD", "BGNBD", "MBGCNBD-2"]
COVARIATES = {"rate": ["channel"], "leaving": ["age"]}


def known_table(log):
    """A channel and an age of each customer that mean nothing."""
    ids = np.sort(log["customer_id"].unique())
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "channel": rng.choice(["shop", "web", "app"], ids.size, p=[0.5, 0.3, 0.2]),
            "age": rng.choice([-1.0, 0.0, 1.0], ids.size),
        }
    )


@pytest.fixture(scope="module")
def log():
    log = pc.datasets.load_cdnow()
    return log[(log["date"] <= CUT) & (log["customer_id"] % 3 == 0)]


@pytest.fixture(scope="module")
def table(log):
    return known_table(log)


@pytest.fixture(scope="module")
def rfm(log, table):
    return pc.rfm_summary(log, observation_end=CUT, static_covariates=table)


@pytest.fixture(scope="module")
def em(rfm):
    covariates = COVARIATES | {"spend": ["channel"]}
    return pc.CLVModel("MBGNBD", memory=True, drift=True, covariates=covariates).fit(rfm)


def fading(model, rfm, near, ageing=None):
    sequences = sequences_of(rfm, 10**6, by_pattern=rfm.patterns is not None)
    return FadingLikelihood.over(
        class_named(model), sequences, Steady("week"), first_day_of(rfm.cells()), near, ageing
    )


def with_effects(model, rfm, near, covariates=COVARIATES, ageing=None):
    base, cells = fading(model, rfm, near, ageing), rfm.cells()
    weight = np.bincount(cells.extra["pattern"], cells.weight, len(cells.patterns))
    effects = Effects.asked(covariates, class_named(model), cells.patterns, weight)
    return CovariateLikelihood.of_patterns(base, base.sequences.pattern, cells.patterns, effects)


NEAR = np.array([-0.5, 1.5, -0.3, 0.4, 0.7])
EFFECTS = np.array([0.3, -0.2, 0.15])


@pytest.mark.parametrize("model", MODELS)
def test_effects_of_nothing_change_nothing(model, rfm):
    plain, known = fading(model, rfm, NEAR), with_effects(model, rfm, NEAR)
    at = np.append(NEAR, -3.0)
    value, slope = known(np.append(at, np.zeros(3)))
    expected, expected_slope = plain(at)
    assert value == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(slope[:6], expected_slope, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("model", MODELS)
def test_without_forgetting_it_is_the_likelihood_with_covariates(model, rfm):
    cells = rfm.cells()
    plain = Likelihood.of(class_named(model), cells, "week")
    drifting = with_covariates(
        DriftingLikelihood.over(plain, cells), cells, cells, COVARIATES, "mle"
    )
    at = [np.concatenate([NEAR, rho, EFFECTS]) for rho in ([-30.0], [-31.0])]
    found = with_effects(model, rfm, NEAR)
    # Gaps of regular buyers are in the one and not in the other: a constant of the data.
    constant = found(np.concatenate([NEAR, [-30.0], np.zeros(3)]))[0]
    constant -= drifting(np.concatenate([NEAR, np.zeros(3)]))[0]
    expected = drifting(np.concatenate([NEAR, EFFECTS]))[0]
    for free in at:
        assert found(free)[0] - constant == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("model", ["MBGNBD", "MBGCNBD-2"])
def test_slopes_are_those_of_differences(model, rfm):
    cells = rfm.cells()
    plain = Likelihood.of(class_named(model), cells, "week")
    drifting = with_covariates(
        DriftingLikelihood.over(plain, cells), cells, cells, COVARIATES, "mle"
    )
    both = (
        (with_effects(model, rfm, NEAR), np.concatenate([NEAR, [-3.0], EFFECTS])),
        (drifting, np.concatenate([NEAR, EFFECTS])),
    )
    for of, free in both:
        assert_slopes(of, free)


def assert_slopes(of, free):
    """That they are those of differences."""
    for step, slope in zip(np.eye(free.size), of(free)[1], strict=True):
        found = central_slope(lambda t, step=step: of(free + t * step)[0], 0.02)
        assert found == pytest.approx(slope, rel=1e-7, abs=1e-5)


def test_a_group_of_its_own_is_a_log_of_its_own(log, table):
    """With an effect on each parameter, customers of both groups are as in logs of their own."""
    app = table.assign(channel=np.where(table["channel"] == "app", "app", "rest"))
    own = {name: ["channel"] for name in pc.MBGNBD.names()}
    begin = log.groupby("customer_id")["date"].transform("min").min()
    everyone = log[log["date"] == begin].head(1)  # all logs begin on one day, as drift asks for
    whole = pc.rfm_summary(log, observation_end=CUT, static_covariates=app)
    effects = np.array([0.3, -0.2, 0.15, 0.1])
    together = with_effects("MBGNBD", whole, NEAR, own)(np.concatenate([NEAR, [-3.0], effects]))[0]
    apart = 0.0
    for here, moved in ((app["channel"] == "app", effects), (app["channel"] != "app", 0.0)):
        some = log[log["customer_id"].isin(app.loc[here, "customer_id"])]
        assert some["date"].min() == everyone["date"].iloc[0]
        free = NEAR + np.append(moved * np.ones(4), 0.0)
        rfm = pc.rfm_summary(some, observation_end=CUT)
        apart += fading("MBGNBD", rfm, free)(np.append(free, -3.0))[0]
    assert together == pytest.approx(apart, rel=1e-12)


def test_a_drift_with_covariates_is_an_alpha_per_customer(rfm):
    fit = pc.fit("MBGNBD", rfm, drift=True, covariates=COVARIATES)
    assert list(fit.params)[4:6] == ["drift", "rate.channel[web]"]
    own, known = each_customers_own(fit, rfm)
    cells = rfm.cells()
    expected = cells.weight @ own.log_likelihood(cells.frequency, cells.recency, cells.T)
    assert fit.log_likelihood == pytest.approx(expected, rel=1e-10)
    assert known.all()


def test_simulated_customers_have_the_drift_and_what_is_known_of_them(rfm):
    """On CDNOW everybody comes within a quarter of the log's first day."""
    cells = rfm.cells()
    drifting = DriftingLikelihood.over(Likelihood.of(pc.MBGNBD, cells, "week"), cells)
    of = with_covariates(drifting, cells, cells, {"rate": ["age"]}, "mle")

    def bought(drift, effect):
        free = np.concatenate([NEAR[:4], [drift, effect]])
        drawn = of.simulated(free, np.random.default_rng(1))
        x, weight = drawn.columns[0], drawn.columns[-1]
        age = cells.patterns.frame["age"].to_numpy()[drawn.pattern]
        return weight @ x, (weight * x) @ (age > 0) / (weight @ x)

    assert bought(-1.5, 0.0)[0] > 1.5 * bought(0.0, 0.0)[0]
    assert bought(0.0, 1.5)[1] > 0.5 > 1.3 * bought(0.0, 0.0)[1]


def each_customers_own(fit, rfm):
    """The model of each cell, with its covariates and its first day."""
    cells, params = rfm.cells(), fit.params
    known = cells.patterns.frame.iloc[cells.extra["pattern"]]
    log_rate = sum(
        params[f"rate.channel[{level}]"] * (known["channel"] == level).to_numpy()
        for level in cells.patterns.levels["channel"][1:]
    )
    leaving = params["leaving.age"] * known["age"].to_numpy() / 2
    since = cells.age_days.max() - cells.age_days
    haste = params.get("drift", 0.0) * np.exp(-since / 91)
    model = pc.MBGNBD(
        params["r"],
        params["alpha"] * np.exp(haste - log_rate),
        params["a"] * np.exp(leaving),
        params["b"] * np.exp(-leaving),
    )
    return model, np.isfinite(log_rate)


def test_a_forecast_is_each_customers_own_model(em, rfm, log):
    """Purchases that have faded, the first day, and what is known: all three at once."""
    fit = em.purchases
    days = log.drop_duplicates(["customer_id", "date"])
    end = pd.Timestamp(CUT)
    days = days.assign(day=(end - days["date"]).dt.days)
    last = days.groupby("customer_id")["day"].transform("min")
    first = days.groupby("customer_id")["day"].transform("max")
    counts = np.exp(-fit.params["rho"] * (days["day"] - last) / 7).where(days["day"] < first, 0.0)
    still = counts.groupby(days["customer_id"]).sum()
    model, _ = each_customers_own(fit, rfm)
    place = rfm.cells().places(rfm.frame)
    own = replace(model, **{n: np.asarray(getattr(model, n))[place] for n in ("alpha", "a", "b")})
    x, t_x, T = (rfm.frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    U = still.loc[rfm.frame["customer_id"]].to_numpy()
    faded = -np.expm1(-fit.params["rho"] * t_x) / fit.params["rho"]
    expected = Personal(own, x - U).p_alive(x, faded, faded + T - t_x)
    found = em.forecast("26 weeks", level=None).frame.set_index("customer_id")
    found = found.loc[rfm.frame["customer_id"]]
    np.testing.assert_allclose(found["p_alive"], expected, rtol=1e-7)


def test_draws_of_no_uncertainty_are_the_estimate(em, rfm):
    fit = replace(em.purchases, log_covariance=np.zeros_like(em.purchases.log_covariance))
    patterns, free = rfm.patterns, fit.space.free_at(np.array(list(fit.params.values())))
    expected = estimate_of(fit, patterns).model
    some = at_free(fit, free, patterns), drawn(fit, 20, np.random.default_rng(1), patterns)
    for found in some:
        for name in expected.names():
            value = np.atleast_2d(getattr(found.model, name))
            np.testing.assert_allclose(
                value, np.broadcast_to(getattr(expected, name), value.shape), rtol=1e-12
            )


def test_they_come_back_out_of_simulated_customers():
    rng = np.random.default_rng(3)
    n, days = 4000, 728
    web = rng.random(n) < 0.4
    born = np.where(rng.random(n) < 0.3, 0, rng.integers(0, days // 2, n))
    alpha = 6.0 * np.exp(0.6 * np.exp(-born / 91) - 0.5 * web)
    paths = pc.MBGNBD(0.9, alpha, 0.6, 1.8).paths((days - 1 - born) / 7, rng)
    owner, when = paths.times(rng)
    rows = np.concatenate([born, born[owner] + np.ceil(7 * when).astype(int)])
    log = pd.DataFrame({"customer_id": np.append(np.arange(n), owner), "day": rows})
    log = log[log["day"] < days]
    log = log.assign(date=pd.Timestamp("2022-01-01") + pd.to_timedelta(log.pop("day"), "D"))
    channel = np.where(web, "web", "shop")
    table = pd.DataFrame({"customer_id": np.arange(n), "channel": channel})
    rfm = pc.rfm_summary(log, amount=None, static_covariates=table)
    for memory in (False, True):
        fit = pc.fit("MBGNBD", rfm, drift=True, memory=memory, covariates={"rate": ["channel"]})
        shown = fit.summary()
        for name, true in (("drift", 0.6), ("rate.channel[web]", 0.5)):
            assert abs(shown.loc[name, "estimate"] - true) < 3.5 * shown.loc[name, "std_error"]
            assert shown.loc[name, "std_error"] < 0.12


def test_effects_files_bootstrap_and_newcomers_follow(em, rfm, tmp_path):
    assert {"rate", "leaving", "purchases"} <= set(em.purchases.effects())
    em.save(tmp_path / "em")
    ours, theirs = (f.forecast("9 weeks", seed=3) for f in (em, pc.load(tmp_path / "em")))
    pd.testing.assert_frame_equal(ours.frame, theirs.frame)
    drift = pc.fit("MBGNBD", rfm, drift=True, covariates=COVARIATES, bootstrap=4, seed=1)
    assert drift.replicates.shape == (1, 4, 8)
    assert (drift.replicates[0].std(axis=0) > 0).all()
    worth = pc.economics.new_customer(em, horizon="1 year", covariates={"channel": "web"})
    assert worth.lower < worth.value < worth.upper


def test_with_ageing_too(rfm):
    """Its likelihood, its slopes, and a forecast by draws of no uncertainty at the estimate."""
    cells = rfm.cells()
    plain = Likelihood.of(pc.MBGNBD, cells, "week")
    base = AgeingLikelihood.over(plain, cells, repeats_by_age(rfm), drift=True)
    of = with_covariates(base, rfm, cells, COVARIATES, "mle")
    free = np.concatenate([NEAR[:4], [0.3, 0.7], EFFECTS])
    still = np.concatenate([free[:6], np.zeros(3)])
    assert of(still)[0] == pytest.approx(base(free[:6])[0], rel=1e-10)
    assert_slopes(of, free)
    found = with_effects("MBGNBD", rfm, NEAR, ageing=0.3)
    without_memory = np.concatenate([NEAR, [-30.0], EFFECTS])
    assert found(without_memory)[0] == pytest.approx(of(free)[0], rel=1e-10)
    fitted = pc.CLVModel("MBGNBD", spend=None, memory=True, ageing=True, covariates=COVARIATES)
    fitted = fitted.fit(rfm)
    assert list(fitted.purchases.params)[4:7] == ["ageing", "rho", "rate.channel[web]"]
    with_interval, without = (
        fitted.forecast("26 weeks", level=level, seed=1).frame for level in (0.9, None)
    )
    expected = without["expected_purchases"]
    np.testing.assert_allclose(with_interval["expected_purchases"], expected, rtol=1e-9)
    assert (with_interval["purchases_upper"] > expected).mean() > 0.9


def test_on_a_clock_too(rfm):
    clock = pc.Clock(season=0, weekday=True)
    fit = pc.fit("MBGNBD", rfm, clock=clock, memory=True, drift=True, covariates=COVARIATES)
    names = list(fit.params)
    assert names[-5:-3] == ["drift", "rho"]
    assert names[-3] == "rate.channel[web]"
    assert (fit.summary()["std_error"] > 0).all()


def test_what_changes_over_time_has_a_drift_and_no_memory(log, table):
    covariates = {"rate": ["channel"]}
    since = log.groupby("customer_id")["date"].min().rename("date").reset_index()
    held = table.drop(columns="age").merge(since, on="customer_id")
    same = pc.rfm_summary(log, observation_end=CUT, dynamic_covariates=held)
    moved = held.assign(date=pd.Timestamp("1997-05-01"), channel="web").iloc[::7]
    moving = pc.rfm_summary(log, observation_end=CUT, dynamic_covariates=pd.concat([held, moved]))
    with pytest.raises(OptionError, match="change over time"):
        pc.fit("MBGNBD", moving, memory=True, covariates=covariates)
    cells = moving.cells()
    drifting = DriftingLikelihood.over(Likelihood.of(pc.MBGNBD, cells, "week"), cells)
    of = with_covariates(drifting, moving, cells, covariates, "mle")
    assert isinstance(of, PathLikelihood)
    still = np.zeros(2)
    assert of(np.append(NEAR, still))[0] == pytest.approx(drifting(NEAR)[0], rel=1e-12)
    free = np.append(NEAR, [0.3, -0.2])
    assert_slopes(of, free)
    fitted = pc.CLVModel("MBGNBD", spend=None, drift=True, covariates=covariates).fit(moving)
    with pytest.warns(pc.errors.AssumptionWarning, match="carried on"):
        frame = fitted.forecast("9 weeks", level=None).frame
    assert (frame["expected_purchases"] > 0).all()
    assert len(pc.fit("MBGNBD", same, drift=True, covariates=covariates).params) == 7


def test_auto_takes_covariates_of_purchases():
    """Its models have them, those of its earlier days too; of spend it has none, and says so."""
    log = pc.datasets.load_cdnow()
    some = log[log["customer_id"] % 5 == 0]
    rfm = pc.rfm_summary(some, static_covariates=known_table(some))
    with pytest.raises(OptionError, match="none of spend yet"):
        pc.CLVModel("auto", covariates={"spend": ["channel"]}).fit(rfm)
    fitted = pc.CLVModel("auto", spend=None, covariates={"rate": ["age"]}).fit(rfm)
    names = [each.purchases.covariates.names for each in fitted._models.values()]
    assert names == [("rate.age",)] * 5
    assert fitted.forecast("52 weeks", level=None).total()["purchases"] > 0
    assert len(next(iter(fitted._evidence.values())).origins) == 1
    assert not [doubt for doubt in fitted.doubts if "takes no part" in doubt]
