"""Channels without costs: what is a difference and what is chance, and what is advised."""

import warnings

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.decisions.channel_tables import NO_DIFFERENCE, NONE
from predclv.decisions.differences import differences
from predclv.errors import AssumptionWarning, DataError, DataWarning, OptionError

economics = pc.economics
SHARES = {"search": 0.55, "partner": 0.25, "email": 0.1, "fair": 0.1}


@pytest.fixture(scope="module")
def forecast(cdnow, bgnbd, gamma_gamma):
    fitted = pc.FittedCLV(bgnbd, gamma_gamma, cdnow)
    return fitted.forecast("1 year", margin=0.3, level=None)


@pytest.fixture(scope="module")
def worth(forecast):
    return forecast.frame["clv"].to_numpy()


def by_lot(forecast, seed, shares=SHARES):
    """Channels that mean nothing."""
    ids = forecast.frame["customer_id"]
    rng = np.random.default_rng(seed)
    return pd.Series(rng.choice(list(shares), len(ids), p=list(shares.values())), index=ids)


@pytest.fixture(scope="module")
def better(forecast):
    """Channels by lot, but repeat buyers came by email three times in four."""
    channel = by_lot(forecast, 1)
    rng = np.random.default_rng(2)
    bought = forecast.frame["expected_purchases"].to_numpy() > 0.5
    return channel.mask(bought & (rng.random(len(channel)) < 0.75), "email")


@pytest.fixture(scope="module")
def found(forecast, better):
    return economics.by_channel(forecast, better)


@pytest.mark.parametrize("shares", [[0.02, 0.98], [0.1] * 10])
def test_channels_by_lot_differ_as_seldom_as_said(worth, shares):
    """In 60 lots at 90%, 6 should show any difference; four standard errors are 9.

    Without allowing for their number, four or five of the 45 pairs of ten channels would each time.
    """
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng([7, seed])
        group = rng.choice(len(shares), worth.size, p=shares)
        pairs = differences(group, worth, 0.9, rng)
        alarms += bool(np.any(np.abs(pairs.difference) > pairs.reach))
    assert 1 <= alarms <= 15


def test_channels_by_lot_come_out_as_no_difference(forecast):
    """At the default of 99%: that four of 30 lots show something has a chance of 0.03%."""
    alarmed = 0
    for seed in range(30):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AssumptionWarning)
            found = economics.by_channel(forecast, by_lot(forecast, seed))
        alarmed += not found.frame["verdict"].eq(NO_DIFFERENCE).all()
        advised = economics.budget(found)
        if found.frame["verdict"].eq(NO_DIFFERENCE).all():
            assert advised["max_cac"].nunique() == 1
            assert "no difference between channels that chance would not make" in repr(found)
    assert alarmed < 4


def test_a_real_difference_is_found_and_named(forecast, better, found):
    clv = forecast.frame.set_index("customer_id")["clv"]
    mean = clv.groupby(better).mean()
    assert found.frame["channel"].tolist() == list(mean.sort_values(ascending=False).index)
    best = found.frame.iloc[0]
    assert best["channel"] == "email"
    assert best["verdict"].startswith("worth more than ")
    for name in ("search", "partner", "fair"):
        assert name in best["verdict"]
        assert found.frame.set_index("channel").loc[name, "verdict"] == "worth less than email"
    for row in found.differences.itertuples():
        assert row.difference == pytest.approx(mean[row.channel] - mean[row.other])
        assert row.difference >= 0  # from the best down
        is_real = row.difference_lower > 0 or row.difference_upper < 0
        assert (row.verdict == f"{row.channel} is worth more") == is_real
        assert (row.verdict == NO_DIFFERENCE) == (not is_real)
    assert len(found.differences) == 6
    assert "3 of 6 differences between channels real (at 99%" in found.headline()


def test_the_intervals_hold_all_true_differences_as_often_as_said():
    """Skewed values with means that really differ, and spreads with them: 100 samples at 90%.

    Four standard errors of a share of 0.9 are 0.12.
    """
    scale, sizes = np.array([6.0, 10.0, 11.0]), [400, 150, 60]
    group = np.repeat(np.arange(3), sizes)
    true = np.array([scale[0] - scale[1], scale[0] - scale[2], scale[1] - scale[2]])
    held = 0
    for seed in range(100):
        rng = np.random.default_rng([3, seed])
        pairs = differences(group, rng.gamma(0.7, scale[group] / 0.7), 0.9, rng)
        held += bool(np.all(np.abs(pairs.difference - true) <= pairs.reach))
    assert held / 100 == pytest.approx(0.9, abs=0.12)


def test_large_channels_are_not_dealt_and_agree_with_dealing():
    """Beyond 5,000 customers a mean is taken as normal: the reach is that of dealing, within 5%."""
    from predclv.decisions import differences as module

    rng = np.random.default_rng(4)
    value, group = rng.gamma(0.5, 20.0, 20_000), np.repeat([0, 1, 1, 2], 5000)
    by_normal = differences(group, value, 0.9, np.random.default_rng(0)).reach
    before = module._LARGE
    try:
        module._LARGE = 10**9
        by_dealing = differences(group, value, 0.9, np.random.default_rng(0)).reach
    finally:
        module._LARGE = before
    assert not np.array_equal(by_normal, by_dealing)
    np.testing.assert_allclose(by_normal, by_dealing, rtol=0.05)


def test_the_same_seed_gives_the_same_channels(forecast, better, found):
    again = economics.by_channel(forecast, better)
    pd.testing.assert_frame_equal(again.differences, found.differences)
    other = economics.by_channel(forecast, better, seed=5).differences
    assert other["difference_upper"].ne(found.differences["difference_upper"]).all()


def test_without_costs_there_are_no_ratios_and_with_them_the_differences_stay(
    forecast, better, found
):
    assert list(found.frame) == [
        "channel", "customers", "mean_clv", "mean_clv_lower", "mean_clv_upper", "verdict",
    ]  # fmt: skip
    assert not found.has_costs
    priced = economics.by_channel(forecast, better, dict.fromkeys(SHARES, 2.0))
    assert priced.has_costs
    pd.testing.assert_frame_equal(priced.differences, found.differences)
    with pytest.raises(DataError, match="no costs"):
        pc.plots.clv_to_cac(found)
    with pytest.raises(OptionError, match="cost_is belongs to costs"):
        economics.by_channel(forecast, better, cost_is="total")


def test_without_costs_a_budget_differs_only_where_the_channels_do(forecast, better, found):
    table = economics.budget(found, target=2.0).set_index("channel")
    mean = found.frame.set_index("channel")["mean_clv"]
    np.testing.assert_allclose(table["max_cac"], mean / 2.0)  # here each differs from another
    np.testing.assert_allclose(table["budget"], table["max_cac"] * table["customers"])
    assert table.loc["fair", "advice"] == "worth less than email"
    same = economics.by_channel(forecast, better.where(better == "email", "other"))
    two = economics.by_channel(forecast, by_lot(forecast, 3, {"a": 0.5, "b": 0.5}))
    assert economics.budget(same)["max_cac"].nunique() == 2
    of_all = forecast.frame["clv"].mean() / 3
    np.testing.assert_allclose(economics.budget(two)["max_cac"], of_all)
    assert economics.budget(two)["advice"].str.startswith(NO_DIFFERENCE).all()


def test_with_costs_a_budget_advises_only_where_the_ratio_is_known(forecast, better, found):
    mean = found.frame.set_index("channel")["mean_clv"]
    ratio = {"search": 30.0, "partner": 0.1, "email": 3.0, "fair": 3.0}
    costs = {name: mean[name] / wanted for name, wanted in ratio.items()}
    priced = economics.by_channel(forecast, better, costs)
    advice = economics.budget(priced, target=3.0).set_index("channel")["advice"]
    assert advice["search"] == "may cost more"
    assert advice["partner"] == "costs too much"
    low, high = priced.frame.set_index("channel").loc["fair", ["ratio_lower", "ratio_upper"]]
    assert advice["fair"] == f"not known: the ratio may be {low:.1f} to {high:.1f}"


def test_customers_without_a_channel_are_beside_the_comparison(forecast, better, found):
    holes = better.copy()
    holes[:40] = None
    with pytest.warns(DataWarning, match="40 customers have no channel"):
        again = economics.by_channel(forecast, holes)
    last = again.frame.iloc[-1]
    assert (last["channel"], last["verdict"]) == (NONE, "no channel known")
    assert NONE not in {*again.differences["channel"], *again.differences["other"]}
    assert NONE not in economics.budget(again)["channel"].tolist()


def test_one_channel_and_one_customer_say_that_they_cannot_be_compared(forecast, better):
    alone = economics.by_channel(forecast, better.map(lambda _: "only"))
    assert alone.differences.empty
    assert alone.frame["verdict"].tolist() == ["no other channel to compare with"]
    assert "only" in repr(alone)
    single = better.where(better.index != better.index[0], "stand")
    with pytest.warns(AssumptionWarning, match=r"stand \(1\)"):
        found = economics.by_channel(forecast, single)
    of_it = found.differences[found.differences[["channel", "other"]].eq("stand").any(axis=1)]
    assert of_it["verdict"].eq("one customer: not known").all()
    assert of_it["difference_lower"].isna().all()


def test_channels_without_costs_show_their_differences(found):
    for text in (repr(found), found._repr_html_()):
        assert "email is worth more" in text
        assert "difference_lower" in text
