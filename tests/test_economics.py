"""Economics: equity, ratios, payback, channels and budgets, by hand and against the model."""

import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import predclv as pc
from predclv.decisions.channel_tables import NONE
from predclv.decisions.channels import Channels
from predclv.errors import AssumptionWarning, DataError, DataWarning, OptionError

economics = pc.economics
COSTS = {"search": 4.0, "partner": 8.0, "email": 1.0}


@pytest.fixture(scope="module")
def fitted(cdnow, bgnbd, gamma_gamma):
    return pc.FittedCLV(bgnbd, gamma_gamma, cdnow)


@pytest.fixture(scope="module")
def forecast(fitted):
    return fitted.forecast("1 year", margin=0.3, level=None)


@pytest.fixture(scope="module")
def channel(forecast):
    """Every customer's channel, as a Series by id."""
    ids = forecast.frame["customer_id"]
    rng = np.random.default_rng(4)
    return pd.Series(rng.choice(list(COSTS), len(ids), p=[0.5, 0.3, 0.2]), index=ids)


@pytest.fixture(scope="module")
def found(forecast, channel):
    return economics.by_channel(forecast, channel, COSTS)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


# Equity ------------------------------------------------------------------------------------


def test_equity_is_the_sum_of_clv_with_the_interval_of_the_total(fitted):
    forecast = fitted.forecast("1 year", margin=0.3, level=0.8, seed=2)
    equity, total = economics.customer_equity(forecast), forecast.total()
    assert equity.total == pytest.approx(forecast.frame["clv"].sum())
    assert (equity.lower, equity.upper) == (total["clv_lower"], total["clv_upper"])
    assert equity.lower < equity.total < equity.upper
    assert equity.level == 0.8
    assert "80% interval" in repr(equity)


def test_the_deciles_are_tenths_of_the_customers_by_value(forecast):
    equity = economics.customer_equity(forecast)
    worth = forecast.frame["clv"].sort_values(ascending=False).to_numpy()
    deciles = equity.deciles
    assert deciles["customers"].sum() == len(worth)
    assert deciles["customers"].between(len(worth) // 10, len(worth) // 10 + 1).all()
    ends = deciles["customers"].cumsum().to_numpy()
    np.testing.assert_allclose(
        deciles["cumulative_share"], [worth[:end].sum() / worth.sum() for end in ends]
    )
    assert deciles["clv"].is_monotonic_decreasing
    assert equity.top_decile_share == pytest.approx(worth[: ends[0]].sum() / worth.sum())


def test_without_intervals_equity_has_none(forecast):
    equity = economics.customer_equity(forecast)
    assert (equity.lower, equity.upper, equity.level) == (None, None, None)
    assert "interval" not in repr(equity)
    assert "<table" in equity._repr_html_()


def test_equity_of_nothing_and_of_few_has_no_nan(fitted, cdnow_log):
    assert economics.customer_equity(fitted.forecast(margin=0.0, level=None)).top_decile_share == 0
    few = pc.rfm_summary(cdnow_log[cdnow_log["customer_id"] <= 3])
    deciles = economics.customer_equity(fitted.forecast(level=None, rfm=few)).deciles
    assert deciles["customers"].sum() == 3
    assert not deciles.isna().any(axis=None)


def test_equity_needs_spend(bgnbd, cdnow):
    with pytest.raises(DataError, match=r"needs clv.*amounts"):
        economics.customer_equity(pc.FittedCLV(bgnbd, None, cdnow).forecast(level=None))


# Ratios and payback ------------------------------------------------------------------------


def test_ratios_by_hand():
    assert economics.clv_to_cac(360, 120) == 3.0
    assert isinstance(economics.clv_to_cac(360, 120), float)
    np.testing.assert_array_equal(economics.clv_to_cac([360, 90, 0], 120), [3, 0.75, 0])
    np.testing.assert_array_equal(economics.clv_to_cac(pd.Series([360, 90]), [120, 30]), [3, 3])


def test_payback_by_hand():
    assert economics.payback(1200, 100) == 12.0
    assert economics.payback(1200, 0) == np.inf
    assert economics.payback(1200, -5) == np.inf
    np.testing.assert_array_equal(economics.payback([300, 600], [25, 25]), [12, 24])


@pytest.mark.parametrize("question", [economics.clv_to_cac, lambda a, b: economics.payback(b, a)])
def test_costs_and_values_that_mean_nothing_are_refused(question):
    with pytest.raises(OptionError, match=r"cac must be positive; got 0\.0 at positions 1"):
        question([1.0, 2.0], [1.0, 0.0])
    with pytest.raises(OptionError, match=r"cac must be positive; got -3\.0"):
        question(1.0, -3.0)
    for odd in (np.nan, np.inf, [1.0, np.nan], "much", None, [None, 1.0]):
        with pytest.raises(OptionError, match="must be"):
            question(odd, 1.0)
        with pytest.raises(OptionError, match="must be"):
            question(1.0, odd)
    with pytest.raises(OptionError, match="of one length"):
        question([1.0, 2.0, 3.0], [1.0, 2.0])


def test_a_new_customer_is_the_first_order_and_what_the_model_expects(fitted):
    found = economics.new_customer(fitted, "2 years", discount_rate=0.1, margin=0.3)
    month = np.arange(1, 25)
    repeats = fitted.purchases.model.discounted_purchases(
        month * 30.4375 / 7, np.log(1.1) * 7 / 365.25
    )
    spend = float(fitted.spend.model.mean)
    assert found.curve["month"].tolist() == list(range(25))
    first = found.first_order
    np.testing.assert_allclose(
        found.curve["profit"][1:], 0.3 * (first + spend * repeats), rtol=1e-12
    )
    assert found.curve["profit"][0] == pytest.approx(0.3 * first)
    assert found.value == found.curve["profit"].iloc[-1]
    other = economics.new_customer(fitted, "2 years", margin=0.3, first_order=20.0)
    assert other.value == pytest.approx(found.value - 0.3 * (first - 20.0))


def test_a_new_customer_is_worth_the_mean_of_simulated_ones(fitted):
    """Undiscounted: purchases of simulated customers, by the model's own simulation."""
    found = economics.new_customer(fitted, "1 year", discount_rate=0.0, first_order=0.0)
    n = 200_000
    x, _ = fitted.purchases.model.simulate(np.full(n, 365.25 / 7), np.random.default_rng(8))
    error = 4 * x.std() / np.sqrt(n)  # four standard errors of the mean
    assert found.value / found.later_order == pytest.approx(x.mean(), abs=error)


def test_payback_of_a_new_customer_is_the_first_month_that_reaches_the_cost(fitted):
    found = economics.new_customer(fitted, "3 years", margin=0.3)
    profit = found.curve["profit"]
    at_once, in_seven = profit[0], profit[7]
    costs = [at_once / 2, at_once, in_seven - 1e-9, in_seven + 1e-9, found.value, 1e6]
    np.testing.assert_array_equal(economics.payback(costs, found), [0, 0, 7, 8, 36, np.inf])
    assert isinstance(economics.payback(5.0, found), float)
    with pytest.raises(OptionError, match="cac must be positive"):
        economics.payback(0.0, found)


@pytest.mark.parametrize("horizon", ["1 year", "12 months", "365.25 days", 365.25 / 7])
def test_a_horizon_in_any_unit_is_months(fitted, horizon):
    assert len(economics.new_customer(fitted, horizon).curve) == 13


def test_new_customers_of_nothing_are_refused(fitted, bgnbd, cdnow):
    with pytest.raises(DataError, match="with spend"):
        economics.new_customer(pc.FittedCLV(bgnbd, None, cdnow))
    with pytest.raises(DataError, match="FittedCLV"):
        economics.new_customer(bgnbd)
    for options, message in (
        ({"first_order": -1}, "at least 0"),
        ({"first_order": np.nan}, "finite"),
        ({"first_order": "10"}, "must be a number"),
        ({"margin": 30}, "write 0.3"),
        ({"discount_rate": 10}, "write 0.1"),
        ({"horizon": "for ever"}, "could not be read"),
    ):
        with pytest.raises(OptionError, match=message):
            economics.new_customer(fitted, **options)


def test_the_benchmarks_are_marked_as_rules_of_thumb():
    table = economics.benchmarks().set_index("business")
    assert table["status"].eq("rule of thumb").all()
    assert table["told_by"].str.len().gt(0).all()
    bands = {name: (row["low"], row["high"], row["unit"]) for name, row in table.iterrows()}
    assert bands == {
        "any business": (3, np.inf, "ratio"),
        "software as a service": (3, 5, "ratio"),
        "retail": (2, 3, "ratio"),
        "B2B services": (5, 10, "ratio"),
        "subscription": (12, 18, "months"),
    }


# Channels ----------------------------------------------------------------------------------


def test_channels_by_a_plain_computation(forecast, channel, found):
    clv = forecast.frame.set_index("customer_id")["clv"]
    for row in found.frame.itertuples():
        own = clv[channel == row.channel]
        assert row.customers == len(own)
        assert row.mean_clv == pytest.approx(own.mean())
        lower, upper = stats.t.interval(0.9, len(own) - 1, own.mean(), stats.sem(own))
        assert (row.mean_clv_lower, row.mean_clv_upper) == pytest.approx((lower, upper))
        assert row.cac == COSTS[row.channel]
        assert row.ratio == pytest.approx(own.mean() / row.cac)
        assert row.ratio_upper == pytest.approx(upper / row.cac)
        assert row.payback_months == pytest.approx(row.cac / (own.mean() / 12))
    assert found.frame["ratio"].is_monotonic_decreasing
    assert found.frame["customers"].sum() == len(clv)


def test_the_interval_of_the_mean_holds_it_as_often_as_it_says():
    """Samples of customers from a known distribution of value: 90% of the intervals hold its mean.

    400 samples: four standard errors of a share of 0.9 are 0.06; gamma values are skewed, which
    costs Student's interval about a percent at 200 customers.
    """
    from predclv.decisions.channel_tables import means

    rng = np.random.default_rng(6)
    name = pd.Series(np.repeat(np.arange(400), 200))
    value = rng.gamma(0.7, 10.0, name.size)
    table = means(name, value, value, 0.9)
    held = table["mean_clv_lower"].le(7.0) & table["mean_clv_upper"].ge(7.0)
    assert held.mean() == pytest.approx(0.9, abs=0.06)


def test_channels_may_come_as_series_mapping_or_frame_in_any_order(forecast, channel, found):
    shuffled = channel.sample(frac=1, random_state=1)
    frame = pd.DataFrame({"customer_id": shuffled.index, "channel": shuffled.to_numpy()})
    for given in (shuffled, channel.to_dict(), frame, channel.astype("category")):
        again = economics.by_channel(forecast, given, pd.Series(COSTS))
        pd.testing.assert_frame_equal(
            again.frame.astype({"channel": object}), found.frame.astype({"channel": object})
        )


def test_total_spend_is_divided_by_the_channels_customers(forecast, channel, found):
    sizes = channel.value_counts()
    total = {name: cost * sizes[name] for name, cost in COSTS.items()}
    again = economics.by_channel(forecast, channel, total, cost_is="total")
    pd.testing.assert_frame_equal(again.frame, found.frame)


def test_what_was_earned_counts_into_the_value_but_not_into_the_payback(forecast, channel, found):
    ids = forecast.frame["customer_id"]
    earned = pd.DataFrame({"customer_id": ids[:-1], "profit": 10.0})
    again = economics.by_channel(forecast, channel, COSTS, earned=earned).frame
    table, before = again.set_index("channel"), found.frame.set_index("channel")
    last = channel.iloc[-1]
    for name in COSTS:
        size = before.loc[name, "customers"]
        gain = 10.0 * (size - (name == last)) / size  # the last customer has earned nothing
        assert table.loc[name, "mean_clv"] == pytest.approx(before.loc[name, "mean_clv"] + gain)
    pd.testing.assert_series_equal(
        table["payback_months"].sort_index(), before["payback_months"].sort_index()
    )
    with pytest.raises(DataError, match="missing or infinite earned"):
        economics.by_channel(forecast, channel, COSTS, earned={1: np.nan, 2: 3.0})


def test_customers_without_channel_are_counted_in_a_row_of_their_own(forecast, channel, found):
    holes = channel.drop(channel.index[:30]).copy()
    holes.iloc[:20] = None
    with pytest.warns(DataWarning, match=r"50 customers have no channel; .*'\(no channel\)'"):
        again = economics.by_channel(forecast, holes, COSTS)
    last = again.frame.iloc[-1]
    assert (last["channel"], last["customers"]) == (NONE, 50)
    assert last["mean_clv"] == pytest.approx(forecast.frame["clv"].iloc[:50].mean())
    assert np.isnan(last["ratio"])
    assert "no channel known" in last["verdict"]
    assert again.frame["customers"].sum() == len(forecast)
    known = again.frame.iloc[:-1]
    assert not known.isna().any(axis=None)
    assert NONE not in economics.budget(again)["channel"].tolist()
    assert list(again.frame) == list(found.frame)


def test_customers_who_are_not_in_the_forecast_are_counted(forecast, channel):
    more = pd.concat([channel, pd.Series({10_001: "search", 10_002: "elsewhere"})])
    with pytest.warns(DataWarning, match=r"2 customers in channels are not in .*10001"):
        economics.by_channel(forecast, more, COSTS)


@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ({"search": 4.0, "email": 1.0}, "1 channel has no cost: 'partner'"),
        ({**COSTS, "radio": 3.0}, "came by: radio"),
        ({"search": 4.0, "partners": 8.0, "email": 1.0}, "Did you mean 'partners'"),
        ({**COSTS, "email": 0.0}, r"not: email \(0\)"),
        ({**COSTS, "email": -2.0}, r"not: email \(-2\)"),
        ({**COSTS, "email": np.nan}, r"not: email \(nan\)"),
        ({**COSTS, "email": np.inf}, r"not: email \(inf\)"),
        ({**COSTS, "email": "free"}, "no number"),
        (
            pd.Series([4, 8, 1, 2], ["search", "partner", "email", "email"]),
            "one cost: em",
        ),
        ({}, "3 channels have no cost"),
        (4.0, "costs must be a mapping"),
    ],
)
def test_costs_that_do_not_fit_the_channels_are_refused(forecast, channel, costs, message):
    with pytest.raises(DataError, match=message):
        economics.by_channel(forecast, channel, costs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.rename(index=str), "None of the 2,357 customers in channels.*one type"),
        (lambda c: pd.concat([c, c.head(2)]), "several rows for 1, 2"),
        (
            lambda c: pd.Series([None] * len(c), c.index),
            "No customer .* has a channel",
        ),
        (lambda c: c.replace("search", NONE), "name it otherwise"),
        (
            lambda c: c.rename("channel").reset_index(drop=True).to_frame(),
            "no column 'customer_id'",
        ),
        (lambda c: c.rename("chanel").reset_index(), "Did you mean 'chanel'"),
        (lambda c: c.tolist(), "a Series indexed by customer_id"),
        (lambda c: c.rename(index={1: np.nan}), "a row without customer_id"),
    ],
)
def test_channels_that_cannot_be_matched_are_refused(forecast, channel, change, message):
    with pytest.raises(DataError, match=message):
        economics.by_channel(forecast, change(channel), COSTS)


def test_options_that_mean_nothing_are_refused(forecast, channel, found):
    with pytest.raises(OptionError, match="Did you mean 'total'"):
        economics.by_channel(forecast, channel, COSTS, cost_is="totals")
    with pytest.raises(OptionError, match="level"):
        economics.by_channel(forecast, channel, COSTS, level=90)
    with pytest.raises(DataError, match="wants a Forecast"):
        economics.by_channel(forecast.frame.to_numpy(), channel, COSTS)
    for target in (0, -3, np.nan, np.inf, "3", True):
        with pytest.raises(OptionError, match="target must be"):
            economics.budget(found, target)
    with pytest.raises(DataError, match="by_channel"):
        economics.budget(found.frame)


def test_small_channels_are_warned_about_and_one_customer_has_no_bounds(forecast, channel):
    single = channel.copy()
    single.iloc[0] = "stand"
    with pytest.warns(AssumptionWarning, match=r"Channels with fewer than 100 .*stand \(1\)"):
        again = economics.by_channel(forecast, single, {**COSTS, "stand": 5.0})
    row = again.frame.set_index("channel").loc["stand"]
    assert (row["mean_clv_lower"], row["mean_clv_upper"]) == (-np.inf, np.inf)
    assert "uncertain" in row["verdict"]


def test_payback_divides_by_the_months_of_the_horizon_in_whatever_unit(fitted, channel):
    for horizon, months in (("2 years", 24), ("26 weeks", 26 * 7 / 30.4375)):
        forecast = fitted.forecast(horizon, margin=0.3, level=None)
        table = economics.by_channel(forecast, channel, COSTS).frame
        monthly = table["mean_clv"] / months
        np.testing.assert_allclose(table["payback_months"], table["cac"] / monthly)


def test_a_lifetime_has_no_monthly_profit(fitted, channel):
    endless = fitted.forecast(None, margin=0.3, level=None)
    table = economics.by_channel(endless, channel, COSTS).frame
    assert "payback_months" not in table
    assert table["ratio"].notna().all()


def test_verdicts_follow_the_ratio(forecast, channel):
    mean = economics.by_channel(forecast, channel, COSTS).frame.set_index("channel")["mean_clv"]
    wanted = {"search": 0.5, "partner": 2.0, "email": 20.0}
    costs = {name: mean[name] / ratio for name, ratio in wanted.items()}
    found = economics.by_channel(forecast, channel, costs).frame.set_index("channel")
    np.testing.assert_allclose(found["ratio"][list(wanted)], list(wanted.values()))
    assert found.loc["search", "verdict"].startswith("costs more than it earns")
    assert "below the 3:1" in found.loc["partner", "verdict"]
    assert "room to spend more" in found.loc["email", "verdict"]


def test_a_budget_reaches_the_target_and_no_further(found):
    for target in (1.0, 3.0, 4.5):
        table = economics.budget(found, target)
        known = found.frame
        np.testing.assert_allclose(known["mean_clv"] / table["max_cac"], target)
        np.testing.assert_allclose(table["budget"], table["max_cac"] * table["customers"])
        np.testing.assert_allclose(table["spent"], table["cac"] * table["customers"])
        np.testing.assert_allclose(table["room"], table["budget"] - table["spent"])
        assert ((table["room"] > 0) == (known["ratio"] > target)).all()


def test_channels_show_themselves(found):
    html = found._repr_html_()
    assert "what they will still" in html
    assert "3 channels, 2,357 customers, clv over 1 year after 1997-09-30" in html


# Picture -----------------------------------------------------------------------------------


def test_the_picture_shows_the_ratios(found):
    before = mpl.rcParams.copy()
    left, right = Figure().subplots(1, 2)
    assert pc.plots.clv_to_cac(found, ax=right) is right
    assert not left.has_data()
    assert not plt.get_fignums()
    points = next(line for line in right.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_xdata(), found.frame["ratio"][::-1])
    assert right.get_xscale() == "linear"
    assert right.get_title(loc="left")
    assert right.get_xlabel()
    assert right.get_ylabel()
    assert mpl.rcParams == before


def test_the_picture_goes_logarithmic_where_ratios_are_far_apart(found):
    frame = found.frame.copy()
    frame.loc[0, ["ratio", "ratio_lower", "ratio_upper"]] = [400.0, 300.0, 500.0]
    ax = pc.plots.clv_to_cac(Channels(frame, 0.9, "1 year"))
    assert ax.get_xscale() == "log"
    ax.figure.canvas.draw()


def test_a_channel_without_bounds_can_be_drawn(found):
    frame = found.frame.copy()
    frame.loc[0, ["ratio_lower", "ratio_upper"]] = [-np.inf, np.inf]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pc.plots.clv_to_cac(Channels(frame, 0.9, "1 year")).figure.canvas.draw()
    with pytest.raises(DataError, match="by_channel"):
        pc.plots.clv_to_cac(found.frame)
