"""The fit with covariates beside drivers and lookalikes: its own effects, its own newcomers."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataWarning


@pytest.fixture(scope="module")
def world():
    """2,000 customers; who is on the web buys 2.5 times as fast, the sign means nothing."""
    rng, n = np.random.default_rng(9), 2000
    people = pd.DataFrame(
        {
            "customer_id": range(n), "channel": rng.choice(["store", "web"], n),
            "sign": rng.choice(list("abc"), n),
        }
    )  # fmt: skip
    is_web = (people["channel"] == "web").to_numpy()
    T = rng.uniform(30, 60, n)
    model = pc.BGNBD(0.5, 6.0 / np.where(is_web, 2.5, 1.0), 0.8, 3.0)
    x, t_x = model.simulate(T, rng)
    spend = rng.gamma(6 * np.maximum(x, 1), 15.0 / rng.gamma(3.7, size=n)) / np.maximum(x, 1)
    frame = pd.DataFrame(
        {
            "customer_id": range(n), "frequency": x, "recency": t_x, "T": T,
            "monetary_value": np.where(x > 0, np.round(spend, 2), 0.0),
        }
    )  # fmt: skip
    rfm = pc.RFM.from_frame(frame, unit="week", static_covariates=people)
    known = pc.CLVModel(covariates={"rate": ["channel"]}).fit(rfm)
    return people, known.forecast("1 year", level=None), known


def test_drivers_show_the_effects_of_the_fit_beside(world):
    people, forecast, known = world
    found = pc.drivers(forecast, people)
    expected = known.effects(forecast.terms.horizon, level=0.9)
    pd.testing.assert_frame_equal(found.effects, expected)
    assert found.effects.loc[("channel", "web"), "rate"] > 1.3
    assert "what the fit with covariates says" in repr(found)
    plain = pc.drivers(forecast.frame, people)
    assert plain.effects is None
    assert "covariates says" not in plain._repr_html_()


def test_lookalikes_have_the_newcomers_of_the_fit_as_a_second_opinion(world):
    people, forecast, known = world
    alike = pc.lookalike(forecast, people)
    prospects = people.head(40).drop(columns="customer_id")
    scored = alike.score(prospects)
    for level in ("web", "store"):
        new = pc.economics.new_customer(
            known, "1 year", covariates={"channel": level},
            first_order=float(known.spend.model.mean),
        )  # fmt: skip
        own = scored.loc[(prospects["channel"] == level).to_numpy(), "model_first_year"]
        # A year of 12 months there, of 365.25 days here.
        assert own.to_numpy() == pytest.approx(new.value, rel=2e-3)
    assert (scored["model_lifetime"] > scored["model_first_year"]).all()
    means = scored.groupby(prospects["channel"].to_numpy())["model_lifetime"].mean()
    assert means["web"] > 1.2 * means["store"]


def test_who_the_fit_does_not_know_has_no_second_opinion(world):
    people, forecast, _ = world
    alike = pc.lookalike(forecast, people)
    prospects = people.head(10).drop(columns="customer_id")
    prospects.loc[:2, "channel"] = "television"
    with pytest.warns(DataWarning, match="no customer has"):
        scored = alike.score(prospects)
    assert scored["model_lifetime"].isna().tolist() == [True] * 3 + [False] * 7
    by_sign = pc.lookalike(forecast, people[["customer_id", "sign"]])
    assert "model_lifetime" not in by_sign.score(prospects[["sign"]])
    assert "model_lifetime" in by_sign.score(people.head(5))
