"""Drivers and lookalikes: true traits are found, noise is called noise, odd tables are refused."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.decisions.driver_lifts import NO_LIFT, lifts
from predclv.decisions.newcomers import newcomers_of
from predclv.decisions.traits import traits_of
from predclv.errors import AssumptionWarning, DataError, DataWarning, OptionError

N = 2500
TRUTH = pc.BGNBD(r=0.8, alpha=8.0, a=0.7, b=2.5)
WEEKS = 45.0


def people(n, seed):
    """Traits, and by how much the first of them multiplies the rate."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "channel": rng.choice(["friends", "search", "coupons"], n, p=[0.25, 0.5, 0.25]),
            "age": rng.integers(18, 80, n),
            "region": rng.choice([f"region {i}" for i in range(6)], n),
            "member": rng.random(n) < 0.5,
        }
    )
    times = table["channel"].map({"friends": 2.2, "search": 1.0, "coupons": 0.4}).to_numpy()
    return table, times


def lives(times, seed):
    """Histories of customers whose rate is so many times the truth's; purchase by purchase."""
    rng, n = np.random.default_rng(seed), times.size
    rate = times * rng.gamma(TRUTH.r, 1 / TRUTH.alpha, n)
    leaves = rng.beta(TRUTH.a, TRUTH.b, n)
    x, t_x, now, active = np.zeros(n), np.zeros(n), np.zeros(n), np.arange(n)
    while active.size:
        now[active] += rng.exponential(1 / np.maximum(rate[active], 1e-12))
        active = active[now[active] < WEEKS]
        x[active] += 1
        t_x[active] = now[active]
        active = active[rng.random(active.size) >= leaves[active]]
    mean = np.where(x > 0, rng.gamma(8.0, 4.0, n) + 0.01, 0.0)
    frame = pd.DataFrame({"customer_id": np.arange(n), "frequency": x, "recency": t_x, "T": WEEKS})
    return pc.RFM.from_frame(frame.assign(monetary_value=mean), unit="week")


@pytest.fixture(scope="module")
def world():
    traits, times = people(N, 1)
    forecast = pc.CLVModel().fit(lives(times, 2)).forecast("52 weeks", level=None, seed=0)
    return traits.assign(customer_id=np.arange(N)), forecast


@pytest.fixture(scope="module")
def drivers(world):
    return pc.drivers(world[1], world[0])


@pytest.fixture(scope="module")
def lookalike(world):
    return pc.lookalike(world[1], world[0])


# Drivers -----------------------------------------------------------------------------------------


def test_the_true_trait_comes_first_and_noise_is_called_noise(drivers):
    assert drivers.importance["trait"][0] == "channel"
    assert drivers.importance["lower"][0] > 0
    real = drivers.frame[drivers.frame["verdict"] != NO_LIFT]
    assert set(real["trait"]) == {"channel"}
    by_level = real.set_index("level")
    assert by_level.loc["friends", "lift_lower"] > 1
    assert by_level.loc["coupons", "lift_upper"] < 1
    noise = drivers.frame[drivers.frame["trait"] != "channel"]
    assert ((noise["lift_lower"] < 1) & (noise["lift_upper"] > 1)).all()


def test_shares_and_lifts_are_those_counted_by_hand(world, drivers):
    traits, forecast = world
    value = forecast.frame.set_index("customer_id")["clv"]
    best = value.nlargest(N // 10).index
    row = drivers.frame.set_index(["trait", "level"]).loc[("channel", "friends")]
    has = traits.set_index("customer_id")["channel"].eq("friends")
    assert row["share_of_top"] == pytest.approx(has[best].mean())
    assert row["share_of_all"] == pytest.approx(has.mean())
    assert row["lift"] == pytest.approx(has[best].mean() / has.mean())
    assert row["mean_value"] == pytest.approx(value[has].mean())


def test_it_says_how_little_traits_explain(drivers):
    assert 0 < drivers.explained_lower < drivers.explained < 0.3
    assert "the rest is in what they bought" in drivers.headline()


def test_dependence_rises_from_the_worst_to_the_best_level(drivers):
    found = drivers.dependence("channel").set_index("level")["expected"]
    assert found["coupons"] < found["search"] < found["friends"]
    with pytest.raises(OptionError, match="Did you mean 'channel'"):
        drivers.dependence("chanel")


def test_traits_that_mean_nothing_are_said_to_mean_nothing(world):
    traits, forecast = world
    dealt = traits.assign(customer_id=np.random.default_rng(5).permutation(N))
    found = pc.drivers(forecast, dealt)
    assert found.frame["verdict"].eq(NO_LIFT).all()
    assert found.explained_lower <= 0
    assert "explain nothing" in found.headline()
    assert not pc.lookalike(forecast, dealt).ranks


def test_lifts_of_noise_are_called_real_in_one_shop_of_ten():
    rng = np.random.default_rng(6)
    ids, wrong = pd.Series(np.arange(800)), 0
    for _ in range(100):
        table = pd.DataFrame({"customer_id": ids, "a": rng.choice(list("abcd"), 800)})
        table["b"] = rng.normal(size=800)
        found = lifts(traits_of(table, ids), rng.gamma(0.5, size=800), 0.1, 0.9)
        wrong += found["verdict"].ne(NO_LIFT).any()
    assert 2 <= wrong <= 20  # ten expected; outside once in 300 times


def test_a_trait_made_from_purchases_is_named(world):
    traits, forecast = world
    bought = forecast.frame["expected_purchases"]
    with pytest.warns(AssumptionWarning, match="orders_2023, quiet_name"):
        found = pc.drivers(
            forecast,
            traits.assign(
                orders_2023=np.random.default_rng(1).integers(0, 9, N), quiet_name=bought**2
            ),
        )
    assert found.leakage == ["orders_2023", "quiet_name"]
    pc.drivers(forecast, traits.assign(orders_2023=1.0 * (bought > 1)), leakage="ignore")


def test_a_frame_will_do_and_the_answer_is_the_same_again(world, drivers):
    again = pc.drivers(world[1].frame, world[0])
    pd.testing.assert_frame_equal(again.frame, drivers.frame)
    assert again.explained == drivers.explained


# Odd tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Series(pd.date_range("2024-01-01", periods=N)), "holds dates"),
        (pd.Series(pd.date_range("2024-01-01", periods=N).astype(str)), "holds dates"),
        (pd.Series([f"user{i}@shop.example" for i in range(N)]), "2,500 levels for 2,500"),
        (pd.Series(np.where(np.arange(N) == 3, np.inf, np.arange(N))), "infinite for 1 customer"),
    ],
)
def test_traits_that_cannot_be_compared_are_refused(world, column, message):
    traits, forecast = world
    for ask in (pc.drivers, pc.lookalike):
        with pytest.raises(DataError, match=message):
            ask(forecast, traits.assign(odd=column))


def test_missing_values_are_a_level_and_absent_customers_are_counted(world):
    traits, forecast = world
    holed = traits.assign(channel=traits["channel"].where(traits["age"] > 30)).iloc[100:]
    with pytest.warns(DataWarning, match="100 customers have no row"):
        found = pc.drivers(forecast, holed)
    assert found.counts["without_traits"] == 100
    row = found.frame.set_index(["trait", "level"]).loc[("channel", "(missing)")]
    assert row["customers"] == 100 + (holed["age"] <= 30).sum()


def test_rows_of_strangers_are_counted(world):
    traits, forecast = world
    more = pd.concat([traits, traits.head(3).assign(customer_id=[90_001, 90_002, 90_003])])
    with pytest.warns(DataWarning, match="3 rows of traits of nobody"):
        pc.drivers(forecast, more)


def test_a_trait_that_is_the_same_for_all_is_named(world):
    with pytest.warns(DataWarning, match="same for all customers: planet"):
        pc.drivers(world[1], world[0].assign(planet="earth"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.rename(columns={"customer_id": "customer"}), "no column 'customer_id'"),
        (lambda t: t[["customer_id"]], "no column but customer_id"),
        (lambda t: pd.concat([t, t.head(1)]), "several for 0"),
        (lambda t: t.assign(customer_id=t["customer_id"].astype(str)), "of one type"),
        (lambda t: t.assign(customer_id=t["customer_id"].where(t.index != 4)), "1 row of traits"),
        (lambda t: 7, "must be a pandas DataFrame"),
    ],
)
def test_tables_that_cannot_be_read(world, change, message):
    with pytest.raises(DataError, match=message):
        pc.drivers(world[1], change(world[0]))


def test_few_customers_have_nothing_in_common(world):
    frame = world[1].frame.head(50)
    with pytest.raises(DataError, match="50 customers"):
        pc.drivers(frame, world[0].head(50))
    with pytest.raises(DataError, match="wants a Forecast"):
        pc.drivers(3, world[0])


# Lookalikes --------------------------------------------------------------------------------------


def test_the_score_ranks_strangers_nearly_as_well_as_the_truth(lookalike):
    assert lookalike.ranks
    prospects, times = people(8000, 77)
    scored = lookalike.score(prospects)
    best = scored["score"].nlargest(1600).index
    ceiling = np.sort(times)[::-1][:1600].mean() / times.mean()
    gain = times[best].mean() / times.mean()
    assert gain > 1 + 0.9 * (ceiling - 1)


def test_values_rise_with_scores_and_bands_have_a_mean_of_one(lookalike):
    scored = lookalike.score(people(2000, 3)[0]).sort_values("score")
    assert scored["first_year_value"].is_monotonic_increasing
    assert (scored["lifetime_value"] > scored["first_year_value"]).all()
    assert (scored["lifetime_lower"] < scored["lifetime_value"]).all()
    assert (scored["lifetime_value"] < scored["lifetime_upper"]).all()
    bands = lookalike.bands
    assert bands["customers"].sum() == N
    assert np.average(bands["multiple"], weights=bands["customers"]) == pytest.approx(1, abs=1e-6)


def test_an_average_newcomer_is_worth_what_customers_brought(world):
    found = newcomers_of(world[1])
    frame = world[1]._source.rfm.frame
    spend = pc.CLVModel().fit(world[1]._source.rfm).spend.model.mean
    brought = (frame["frequency"] * frame["monetary_value"]).sum() + N * spend
    assert found.brought.sum() == pytest.approx(brought)
    assert found.expected.sum() == pytest.approx(brought)


def test_categories_never_seen_are_counted(lookalike):
    prospects = people(50, 4)[0]
    prospects.loc[:9, "channel"] = "television"
    with pytest.warns(DataWarning, match=r"channel \(10\)"):
        scored = lookalike.score(prospects)
    assert scored["unseen"].sum() == 10
    assert scored[["score", "lifetime_value"]].notna().all(axis=None)


def test_people_without_a_value_are_counted(lookalike):
    prospects = people(50, 4)[0]
    prospects["channel"] = prospects["channel"].astype(object)
    prospects.loc[:2, "channel"] = None
    with pytest.warns(DataWarning, match=r"without a value that every customer has.*channel \(3\)"):
        scored = lookalike.score(prospects)
    assert scored["unseen"].tolist() == [1] * 3 + [0] * 47
    assert scored[["score", "lifetime_value"]].notna().all(axis=None)


def test_lists_by_size_and_by_cut(lookalike):
    prospects = people(500, 5)[0].assign(prospect_id=[f"p{i}" for i in range(500)])
    listed = lookalike.list(prospects, size=20)
    assert len(listed) == 20
    assert listed["score"].is_monotonic_decreasing
    assert listed["prospect_id"].str.startswith("p").all()
    cut = float(listed["lifetime_lower"].iloc[0])
    by_cut = lookalike.list(prospects, cut=cut)
    assert (by_cut["lifetime_lower"] >= cut).all()
    assert 0 < len(by_cut) < 500
    for options in ({}, {"size": 3, "cut": 1.0}, {"size": 0}, {"cut": "high"}):
        with pytest.raises(OptionError):
            lookalike.list(prospects, **options)


def test_prospects_that_cannot_be_scored(lookalike, world):
    with pytest.raises(DataError, match="no column 'channel'"):
        lookalike.score(people(5, 1)[0].drop(columns="channel"))
    with pytest.raises(DataError, match="nobody in prospects"):
        lookalike.score(people(5, 1)[0].head(0))
    with pytest.raises(DataError, match="by a fitted model"):
        pc.lookalike(world[1].frame, world[0])
