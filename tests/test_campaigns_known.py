"""Campaigns by fits that know more: covariates of customers, and a clock with a season."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.decisions.campaign_remaining import Histories, remaining
from predclv.errors import OptionError
from predclv.forecast.ahead import Ahead
from predclv.forecast.patterns import ByPattern
from predclv.likelihoods.effects import Effects

ORIGIN = pd.Timestamp("2021-01-04")


def shop(customers=2000, seed=3, season=0.0, web=0.0, weeks=150):
    """A log whose buyers are faster on the web and around the new year, and who is on the web."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, 7 * 80, customers)
    is_web = rng.random(customers) < 0.4
    rate = rng.gamma(0.8, 1 / 8.0, customers) * np.exp(web * is_web)  # a week
    leaves = rng.beta(0.8, 4.0, customers)
    alive, rows = np.ones(customers, bool), []
    for day in range(7 * weeks):
        new = born == day
        pace = np.exp(season * np.cos(2 * np.pi * day / 365.25))
        buys = (born < day) & alive & (rng.random(customers) < 1 - np.exp(-rate * pace / 7))
        alive &= ~(buys & (rng.random(customers) < leaves))
        who = np.flatnonzero(buys | new)
        rows.append(pd.DataFrame({"customer_id": who, "day": day}))
    log = pd.concat(rows, ignore_index=True)
    log["date"] = ORIGIN + pd.to_timedelta(log["day"], unit="D")
    scale = 15.0 / rng.gamma(3.7, size=customers)
    log["amount"] = np.round(rng.gamma(6.0, scale[log["customer_id"]]) + 0.01, 2)
    people = pd.DataFrame(
        {"customer_id": range(customers), "channel": np.where(is_web, "web", "store")}
    )
    return log.drop(columns="day"), people


def by_lot(people, seed=1):
    lot = np.random.default_rng(seed).random(len(people)) < 0.5
    return pd.Series(np.where(lot, "treated", "control"), index=people["customer_id"])


def test_patterns_that_say_nothing_change_nothing():
    rng, n = np.random.default_rng(2), 400
    x = rng.poisson(1.0, n).astype(float)
    t_x = np.where(x > 0, rng.uniform(0, 30, n), 0.0)
    inside = rng.poisson(0.2, n).astype(float)
    plain = Histories(x, t_x, np.full(n, 39.0), inside, inside, np.where(inside > 0, 2.0, 0.0))
    model = pc.BGNBD(0.24, 4.4, 0.79, 2.4)
    of_each = pc.BGNBD(*(np.full(3, value) for value in (0.24, 4.4, 0.79, 2.4)))
    same = ByPattern(of_each, Effects((), np.empty(0)))
    horizon = Ahead(52.0, 0.002)
    one = remaining(model, plain, (4.0, 10.0), horizon)
    pattern = rng.integers(0, 3, n)
    two = remaining(same, plain._replace(pattern=pattern), (4.0, 10.0), horizon)
    np.testing.assert_allclose(two.value, one.value, rtol=1e-10)
    assert two.pace.campaign == pytest.approx(one.pace.campaign, rel=1e-10)
    some = rng.random(n) < 0.5
    assert plain.of(some).pattern is None
    assert plain._replace(pattern=pattern).of(some).pattern.tolist() == pattern[some].tolist()


def test_a_fit_that_knows_the_season_does_not_take_it_for_the_campaign():
    log, people = shop(season=0.9, weeks=160)
    start, end = "2023-12-11", "2024-01-14"  # the high season, of the third winter
    asked = {"groups": by_lot(people), "start": start, "end": end, "measure": "purchases"}
    plain = pc.campaign_effect(log, **asked)
    clocked = pc.campaign_effect(log, **asked, model=pc.CLVModel(clock=pc.Clock(season=1)))
    for group in ("treated", "control"):
        # Who knows no season sees both groups buy far faster than they are.
        assert plain.pace[group].campaign > 1.4
        assert clocked.pace[group].campaign == pytest.approx(1.0, abs=0.2)
    # It was drawn by lot and nothing happened: both say so.
    for found in (plain, clocked):
        row = found.row("value", "in all")
        assert row["lower"] < 0 < row["upper"]


def test_a_fit_with_covariates_forecasts_each_customer_by_own_ones():
    log, people = shop(web=1.2, seed=5)
    rfm = pc.rfm_summary(log, static_covariates=people)
    asked = {"groups": by_lot(people), "start": "2022-08-01", "end": "2022-10-30"}
    recipe = pc.CLVModel(covariates={"rate": ["channel"]})
    known = pc.campaign_effect(rfm, **asked, model=recipe)
    plain = pc.campaign_effect(rfm, **asked)
    for name in ("purchases", "revenue", "active"):
        assert known.row(name)["treated"] == plain.row(name)["treated"]
        assert known.row(name)["variance_ratio"] < plain.row(name)["variance_ratio"] + 0.02
    assert known.pace["control"].campaign == pytest.approx(1.0, abs=0.2)
    assert np.isfinite(known.frame["difference"]).all()
    with pytest.raises(OptionError, match="it knows more of them"):
        pc.campaign_effect(rfm, **asked, model=pc.CLVModel(pc.BGNBD, drift=True))
