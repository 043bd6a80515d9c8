"""Scores, tiers and migration: everybody in one place, with a reason, and nothing lost."""

import warnings
from math import inf

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import predclv as pc
from predclv.decisions.inputs import per_customer
from predclv.decisions.migration import LEFT, NEW
from predclv.errors import AssumptionWarning, DataError, OptionError
from predclv.historical import observed as observed_from

Rule, RuleSet, FOUR_TIERS = pc.segments.Rule, pc.segments.RuleSet, pc.segments.FOUR_TIERS


@pytest.fixture(scope="module")
def fitted(cdnow, bgnbd, gamma_gamma):
    return pc.FittedCLV(bgnbd, gamma_gamma, cdnow)


@pytest.fixture(scope="module")
def forecast(fitted):
    return fitted.forecast("2 years", margin=0.3, level=None)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def quiet_tiers(*arguments, **options):
    """Tiers without the warning about small ones, which is another test's matter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        return pc.segments.tiers(*arguments, **options)


def observed(*rows):
    """Observed customers from (annual spend, purchases a year, average order)."""
    columns = ["annual_spend", "purchases_per_year", "average_order_value"]
    return pd.DataFrame(rows, columns=columns).assign(customer_id=range(len(rows)))


def placed(*rows, rules=FOUR_TIERS):
    """Tier and reason of observed customers."""
    frame = quiet_tiers(observed(*rows), rules=rules).frame
    return list(zip(frame["tier"].astype(str), frame["reason"].astype(str), strict=True))


def summary(frequency, spend=None):
    """An RFM in weeks of customers with these frequencies, last seen at 10 of 20 weeks."""
    frequency = np.asarray(frequency)
    frame = pd.DataFrame(
        {"frequency": frequency, "recency": np.where(frequency > 0, 10.0, 0.0), "T": 20.0}
    )
    if spend is not None:
        frame["monetary_value"] = spend
    return pc.RFM.from_frame(frame, unit="week")


# Scores ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [2, 3, 5, 10])
def test_a_score_says_how_many_customers_are_strictly_worse(cdnow, bins):
    scores = pc.segments.rfm_scores(cdnow, bins)
    n = len(scores)
    for letter, column, sign in (
        ("r", "days_since_last", -1), ("f", "frequency", 1), ("m", "monetary_value", 1),
    ):  # fmt: skip
        value, score = sign * scores[column].to_numpy(), scores[f"{letter}_score"].to_numpy()
        worse = np.array([(value < own).sum() for own in value])
        np.testing.assert_array_equal(score, 1 + np.floor(bins * worse / n).astype(int))
        assert score.min() == 1
        assert score.max() <= bins


def test_equal_customers_have_equal_scores(cdnow):
    scores = pc.segments.rfm_scores(cdnow)
    for letter, column in zip("rfm", ["days_since_last", "frequency", "monetary_value"], strict=1):
        assert (scores.groupby(column)[f"{letter}_score"].nunique() == 1).all()


def test_equal_silences_are_equal_in_weeks_as_in_days(cdnow_log):
    days, weeks = (
        pc.segments.rfm_scores(pc.rfm_summary(cdnow_log, unit=unit)) for unit in ("day", "week")
    )
    pd.testing.assert_frame_equal(days, weeks, check_exact=True)


def test_different_values_fill_the_bins_evenly():
    scores = pc.segments.rfm_scores(summary(np.arange(1, 101), np.arange(1.0, 101.0)))
    assert scores["f_score"].value_counts().eq(20).all()
    assert scores["m_score"].value_counts().eq(20).all()


def test_few_values_give_few_scores_and_no_customer_is_split_off():
    scores = pc.segments.rfm_scores(summary([0] * 6 + [1] * 2 + [2, 3]))
    assert scores["f_score"].tolist() == [1] * 6 + [4] * 2 + [5, 5]
    assert scores["r_score"].eq(pc.segments.rfm_scores(summary([2] * 10))["r_score"]).sum() == 6


def test_scores_read_as_text_and_as_a_sum(cdnow):
    scores = pc.segments.rfm_scores(cdnow)
    letters = scores[["r_score", "f_score", "m_score"]]
    assert (scores["rfm_score"] == letters.astype(str).agg("".join, axis=1)).all()
    assert (scores["rfm_sum"] == letters.sum(axis=1)).all()
    assert pc.segments.rfm_scores(cdnow, bins=12)["rfm_score"].str.count("-").eq(2).all()


def test_without_amounts_there_is_no_score_for_them():
    scores = pc.segments.rfm_scores(summary([0, 1, 2]))
    assert not {"m_score", "monetary_value"} & set(scores)
    assert scores["rfm_score"].str.len().eq(2).all()


@pytest.mark.parametrize("bins", [1, 0, -3, 2.5, True, "5", None])
def test_bins_that_mean_nothing_are_refused(cdnow, bins):
    with pytest.raises(OptionError, match="bins must be a whole number of at least 2"):
        pc.segments.rfm_scores(cdnow, bins)


def test_scores_want_a_summary(cdnow):
    with pytest.raises(DataError, match="wants an RFM"):
        pc.segments.rfm_scores(cdnow.frame)


# Tiers by quantiles ------------------------------------------------------------------------


def test_tiers_by_quantiles_part_customers_by_rank(forecast):
    found = quiet_tiers(forecast, quantiles=(0.5, 0.9), names=("low", "mid", "top"))
    frame = found.frame
    below = frame["clv"].rank(method="min") - 1
    expected = np.select([below >= 0.9 * len(frame), below >= 0.5 * len(frame)], ["top", "mid"],
                         "low")  # fmt: skip
    assert frame["tier"].astype(str).tolist() == expected.tolist()
    assert found.names == ("top", "mid", "low")
    assert frame["tier"].cat.ordered
    assert frame["customer_id"].tolist() == forecast.frame["customer_id"].tolist()


def test_equal_values_are_never_parted_and_a_tier_may_come_out_empty():
    frame = pd.DataFrame({"customer_id": range(10), "revenue": [1.0] * 9 + [2.0]})
    with pytest.warns(AssumptionWarning, match=r"top 5% \(0\).*an empty one are NaN"):
        profile = pc.segments.tiers(frame).profile()
    assert profile["customers"].tolist() == [0, 1, 0, 9]  # nine of ten are below the one
    assert profile.loc[profile["customers"] == 0, "revenue"].isna().all()
    assert profile["revenue_share"].sum() == pytest.approx(1.0)
    assert not profile[["customers", "share", "revenue_share"]].isna().any(axis=None)


def test_a_quantile_that_rounds_up_in_binary_still_parts_where_it_should():
    assert 0.55 * 100 > 55
    frame = pd.DataFrame({"customer_id": range(100), "revenue": np.arange(100.0)})
    found = quiet_tiers(frame, quantiles=[0.55], names=["low", "high"])
    assert found.profile()["customers"].tolist() == [45, 55]


def test_the_default_names_say_the_shares(forecast):
    assert quiet_tiers(forecast).names == ("top 5%", "80% to 95%", "50% to 80%", "bottom 50%")
    assert quiet_tiers(forecast, quantiles=[0.999]).names == ("top 0.1%", "bottom 99.9%")


def test_the_profile_adds_up_to_the_customer_base(forecast):
    found = quiet_tiers(forecast)
    profile = found.profile().set_index("tier")
    frame = forecast.frame
    assert profile["customers"].sum() == len(frame)
    assert profile["share"].sum() == pytest.approx(1.0)
    assert profile["equity_share"].sum() == pytest.approx(1.0)
    for name in ("expected_purchases", "expected_revenue", "clv", "p_alive"):
        assert (profile[name] * profile["customers"]).sum() == pytest.approx(frame[name].sum())
    top = frame.nlargest(profile.loc["top 5%", "customers"], "clv")["clv"]
    assert profile.loc["top 5%", "equity_share"] == pytest.approx(top.sum() / frame["clv"].sum())


def test_without_spend_tiers_go_by_discounted_purchases(cdnow, bgnbd):
    endless = pc.FittedCLV(bgnbd, None, cdnow).forecast(None, level=None)
    found = quiet_tiers(endless)
    assert found.by == "discounted_purchases"
    assert found.profile().columns[-1] == "discounted_purchases_share"
    assert "the whole remaining lifetime" in found.headline()


def test_equity_shares_are_zero_where_nobody_is_worth_anything(fitted):
    worthless = fitted.forecast(margin=0.0, level=None)
    assert quiet_tiers(worthless, by="p_active").profile()["equity_share"].eq(0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantiles": [0.9, 0.5]}, "must rise"),
        ({"quantiles": [0.5, 0.5]}, "must rise"),
        ({"quantiles": [50, 80]}, "write 0.5"),
        ({"quantiles": [0.0, 0.5]}, "between 0 and 1"),
        ({"quantiles": []}, "at least one"),
        ({"quantiles": [0.5], "names": ["a"]}, "1 quantiles make 2 tiers"),
        ({"quantiles": [0.5], "names": ["a", "a"]}, "names of their own"),
        ({"by": "cvl"}, "Did you mean 'clv'"),
        ({"by": "customer_id"}, "is no column"),
        ({"currency_scale": 2.0}, "belongs to rules"),
        ({"rules": "four tiers", "by": "clv"}, "choose one way"),
        ({"rules": "four tier"}, "Did you mean 'four tiers'"),
        ({"rules": "four tiers", "currency_scale": 0.0}, "positive and finite"),
        ({"rules": "four tiers", "currency_scale": np.nan}, "positive and finite"),
        ({"rules": "four tiers", "currency_scale": "2"}, "must be a number"),
    ],
)
def test_options_that_mean_nothing_are_refused(forecast, options, message):
    with pytest.raises(OptionError, match=message):
        pc.segments.tiers(forecast, **options)


# Tiers by rules ----------------------------------------------------------------------------


def test_a_customer_of_every_criterion_of_a_tier_is_in_it():
    assert placed((6000, 7, 850), (3000, 4, 750), (1500, 1.5, 300), (300, 0.5, 100)) == [
        ("high", "all criteria: annual spend 5,000 or more, purchases a year 6 or more, "
                 "average order 800 or more"),
        ("potential", "all criteria: annual spend 2,000 to 5,000, purchases a year 3 to 5, "
                      "average order 400 to 800"),
        ("regular", "all criteria: annual spend 1,000 to 2,000, purchases a year 1 to 2, "
                    "average order 200 to 400"),
        ("lapsing", "all criteria: annual spend 1,000 or less, purchases a year 1 or less, "
                    "average order 200 or less"),
    ]  # fmt: skip


def test_criteria_that_disagree_are_settled_by_annual_spend_and_the_reason_says_so():
    assert placed((2400, 7, 343), (9000, 1, 9000), (0, 0, 500)) == [
        ("potential", "annual spend decides (2,000 to 5,000): purchases a year as in high, "
                      "average order as in regular"),
        ("high", "annual spend decides (5,000 or more): purchases a year as in regular or lapsing"),
        ("lapsing", "annual spend decides (1,000 or less): average order as in potential"),
    ]  # fmt: skip


def test_gaps_between_the_rules_are_settled_by_annual_spend():
    assert placed((1500, 2.5, 300), (6000, 5.5, 900)) == [
        ("regular", "annual spend decides (1,000 to 2,000): purchases a year between regular and "
                    "potential"),
        ("high", "annual spend decides (5,000 or more): purchases a year between potential and "
                 "high"),
    ]  # fmt: skip


def test_boundaries_go_where_the_other_criteria_point_and_else_up():
    found = placed((2000, 1.5, 400), (2000, 4, 400), (1000, 1, 200), (5000, 2.5, 400))
    assert found[0][0] == "regular"  # regular alone admits all three
    assert found[1][0] == "potential"
    assert found[2] == (
        "regular",
        "on the boundary of regular and lapsing: annual spend decides",
    )
    assert found[3][0] == "high"  # nothing agrees: 5,000 reaches high


def test_everybody_is_in_exactly_one_tier_whatever_their_numbers():
    rng = np.random.default_rng(5)
    spend = np.concatenate([rng.gamma(0.5, 4000, 3000), [-50.0, 0.0, 1e12, 1000.0, 2000.0, 5000.0]])
    rows = np.column_stack([spend, rng.gamma(1, 3, spend.size), rng.gamma(1, 400, spend.size)])
    found = quiet_tiers(observed(*rows), rules=FOUR_TIERS)
    assert found.frame["tier"].notna().all()
    assert found.frame["reason"].notna().all()
    assert found.profile()["customers"].sum() == spend.size
    by_spend = found.frame[~found.frame["reason"].astype(str).str.startswith("all criteria")]
    floors = {"high": 5000, "potential": 2000, "regular": 1000, "lapsing": -inf}
    expected = [next(t for t, f in floors.items() if value >= f) for value in by_spend.annual_spend]
    assert by_spend["tier"].astype(str).tolist() == expected


def test_a_forecast_is_put_on_a_yearly_footing(fitted, forecast):
    found = quiet_tiers(forecast, rules="four tiers", currency_scale=0.02).frame
    np.testing.assert_allclose(found["annual_spend"], forecast.frame["expected_revenue"] / 2)
    np.testing.assert_allclose(
        found["purchases_per_year"], forecast.frame["expected_purchases"] / 2
    )
    np.testing.assert_allclose(found["average_order_value"], forecast.frame["expected_spend"])
    in_days = fitted.forecast("730.5 days", margin=0.3, level=None)  # the same two years
    again = quiet_tiers(in_days, rules="four tiers", currency_scale=0.02)
    assert again.frame["tier"].tolist() == found["tier"].tolist()


def test_another_currency_changes_no_tier():
    rows = [(6000, 7, 850), (2400, 7, 343), (1000, 1, 200), (1500, 2.5, 300)]
    yen = [(150.0 * spend, n, 150.0 * order) for spend, n, order in rows]
    there = quiet_tiers(observed(*yen), rules=FOUR_TIERS, currency_scale=150)
    here = quiet_tiers(observed(*rows), rules=FOUR_TIERS)
    assert there.frame["tier"].tolist() == here.frame["tier"].tolist()
    agree = [found.frame["reason"].astype(str).str.startswith("all") for found in (there, here)]
    assert agree[0].tolist() == agree[1].tolist() == [True, False, False, False]
    assert "750,000 or more" in there.frame["reason"].astype(str)[0]
    assert FOUR_TIERS.rules[0].annual_spend == (5000.0, inf)  # and the rules are as they were


def test_spend_is_orders_times_their_size_where_it_is_not_given():
    rows = observed((0, 4, 750)).drop(columns="annual_spend")
    found = quiet_tiers(rows, rules=FOUR_TIERS)
    assert found.frame["annual_spend"].tolist() == [3000]
    assert found.frame["tier"].tolist() == ["potential"]
    assert found.basis == "as observed"


def test_observed_customers_go_in_as_they_come(cdnow_log):
    """Spend a year is orders a year times their size; the textbook's own columns are kept."""
    past = observed_from(cdnow_log, margin=0.3)
    found = quiet_tiers(past, rules=FOUR_TIERS, currency_scale=0.05)
    spend = past["purchases_per_year"] * past["average_order_value"]
    np.testing.assert_allclose(found.frame["annual_spend"], spend)
    profile = found.profile()
    assert profile["customers"].sum() == len(past)
    assert list(profile)[-1] == "profit_share"
    assert (profile["orders"] * profile["customers"]).sum() == pytest.approx(past["orders"].sum())
    assert quiet_tiers(past).by == "profit"


def test_the_headline_says_how_many_the_rules_left_open(forecast):
    found = quiet_tiers(observed((6000, 7, 850), (2400, 7, 343)), rules=FOUR_TIERS)
    assert "50% placed by annual spend" in found.headline()
    assert "placed by" not in quiet_tiers(forecast).headline()


def test_rules_of_ones_own_decide():
    own = RuleSet("own", (Rule("vip", annual_spend=(100.0, inf)), Rule("rest")))
    assert [tier for tier, _ in placed((99, 1, 1), (100, 1, 1), rules=own)] == ["rest", "vip"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RuleSet("x", (Rule("a"),)), "at least two rules"),
        (lambda: RuleSet("x", (Rule("a", (5.0, inf)), Rule("a"))), "a tier twice"),
        (lambda: RuleSet("x", (Rule("a"), Rule("b"))), "must fall strictly"),
        (lambda: RuleSet("x", (Rule("a", (5.0, inf)), Rule("b", (0.0, 5.0)))), "takes whoever"),
        (lambda: Rule("a", (5.0, 1.0)), "lowest, highest"),
        (lambda: Rule("a", 5.0), "lowest, highest"),
        (lambda: Rule("a", (np.nan, 5.0)), "lowest, highest"),
        (lambda: Rule(""), "must be a name"),
    ],
)
def test_rules_that_leave_somebody_without_a_tier_are_refused(make, message):
    with pytest.raises(OptionError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(purchases_per_year=[1.0, inf]), r"infinite purchases_per_year .*1"),
        (lambda f: f.assign(annual_spend=[np.nan, 1.0]), r"missing or infinite annual_spend .*0"),
        (lambda f: f.assign(customer_id=7), "an id and one row; not so with 7"),
        (lambda f: f.drop(columns="customer_id"), "no column 'customer_id'"),
        (lambda f: f.drop(columns="average_order_value"), "need average_order_value"),
        (lambda f: f.assign(annual_spend="much"), "no number"),
        (lambda f: f.head(0), "no customers"),
        (lambda f: f.to_numpy(), "wants a Forecast or a frame"),
    ],
)
def test_customers_who_cannot_be_placed_are_named(change, message):
    with pytest.raises(DataError, match=message):
        pc.segments.tiers(change(observed((1, 1, 1), (2, 2, 2))), rules=FOUR_TIERS)


def test_rules_need_a_finite_horizon_and_spend(fitted, cdnow, bgnbd):
    with pytest.raises(DataError, match=r"forecast has none.*finite horizon"):
        pc.segments.tiers(fitted.forecast(None, level=None), rules=FOUR_TIERS)
    with pytest.raises(DataError, match="Summarise a log with amounts"):
        pc.segments.tiers(pc.FittedCLV(bgnbd, None, cdnow).forecast(level=None), rules=FOUR_TIERS)


def test_small_tiers_are_warned_about_by_name(forecast):
    with pytest.warns(AssumptionWarning, match=r"fewer than 100 customers: top 1% \(23\)"):
        pc.segments.tiers(forecast, quantiles=[0.99])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pc.segments.tiers(forecast, quantiles=[0.5])


def test_tiers_show_themselves(forecast):
    html = quiet_tiers(forecast, quantiles=[0.5], names=["<low>", "high"])._repr_html_()
    assert "&lt;low&gt;" in html
    assert "2,357 customers in 2 tiers by clv" in html


# Migration ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moves(cdnow_log, fitted, forecast):
    early = pc.rfm_summary(cdnow_log[cdnow_log["date"] <= "1997-03-01"])
    before = fitted.forecast("2 years", margin=0.3, level=None, rfm=early)
    options = {"rules": FOUR_TIERS, "currency_scale": 0.01}
    return quiet_tiers(before, **options), quiet_tiers(forecast, **options)


def test_a_migration_counts_every_customer_once(moves):
    before, after = moves
    found = pc.segments.migration(before, after)
    counts = found.counts
    ids_before, ids_after = set(before.frame["customer_id"]), set(after.frame["customer_id"])
    assert counts.to_numpy().sum() == len(ids_before | ids_after)
    assert counts.loc[NEW].sum() == len(ids_after - ids_before) > 0
    assert counts[LEFT].sum() == len(ids_before - ids_after) == 0
    rows = before.profile().set_index("tier")["customers"]
    assert counts.drop(index=NEW).sum(axis=1).tolist() == rows[list(before.names)].tolist()
    np.testing.assert_allclose(found.shares.sum(axis=1), counts.any(axis=1))  # 1, and 0 of none
    assert sum(found.summary()) == counts.to_numpy().sum()


def test_a_migration_looks_up_each_customer(moves):
    before, after = moves
    found = pc.segments.migration(before, after)
    was = before.frame.set_index("customer_id")["tier"]
    now = after.frame.set_index("customer_id")["tier"]
    both = was.index.intersection(now.index)
    for high in before.names:
        for low in after.names:
            number = ((was[both] == high) & (now[both] == low)).sum()
            assert found.counts.loc[high, low] == number
    rank = {name: place for place, name in enumerate(before.names)}
    step = now[both].astype(str).map(rank) - was[both].astype(str).map(rank)
    assert found.summary()["rose"] == (step < 0).sum()
    assert found.summary()["fell"] == (step > 0).sum()


def test_backwards_those_who_came_are_those_who_left(moves):
    before, after = moves
    there, back = pc.segments.migration(before, after), pc.segments.migration(after, before)
    assert there.summary()["came"] == back.summary()["left"]
    assert there.summary()["rose"] == back.summary()["fell"]
    assert back.shares.loc[NEW].eq(0).all()  # nobody: shares of 0, not NaN


def test_between_different_tiers_nobody_rises_or_falls(moves, forecast):
    found = pc.segments.migration(moves[0], quiet_tiers(forecast))
    assert list(found.summary().index) == ["moved", "came", "left"]


def test_a_migration_of_strangers_is_refused(moves, forecast):
    before, _ = moves
    text = forecast.frame.assign(customer_id=forecast.frame["customer_id"].astype(str))
    with pytest.raises(DataError, match="No customer is in both"):
        pc.segments.migration(before, quiet_tiers(text, by="clv"))
    with pytest.raises(DataError, match="after must be Tiers"):
        pc.segments.migration(before, forecast)


# Pictures ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures(moves, forecast):
    tiers, moved = quiet_tiers(forecast), pc.segments.migration(*moves)
    return {
        "tier_profile": lambda ax=None: pc.plots.tier_profile(tiers, ax=ax),
        "tier_migration": lambda ax=None: pc.plots.tier_migration(moved, ax=ax),
    }


@pytest.mark.parametrize("name", ["tier_profile", "tier_migration"])
def test_a_picture_is_drawn_on_the_axes_it_is_given(pictures, name):
    before = mpl.rcParams.copy()
    left, right = Figure().subplots(1, 2)
    assert pictures[name](right) is right
    assert not left.has_data()
    assert not plt.get_fignums()
    ax = pictures[name]()
    ax.figure.canvas.draw()
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    assert mpl.rcParams == before


def test_the_bars_are_the_shares_of_the_profile(forecast):
    tiers = quiet_tiers(forecast)
    drawn = [[bar.get_height() for bar in bars] for bars in pc.plots.tier_profile(tiers).containers]
    profile = tiers.profile()
    np.testing.assert_allclose(drawn, 100 * profile[["share", "equity_share"]].T)


def test_the_cells_of_the_migration_are_its_counts_and_shares(moves):
    found = pc.segments.migration(*moves)
    ax = pc.plots.tier_migration(found)
    shown = found.counts.drop(columns=LEFT)  # nobody left, so there is no column for it
    texts = [text.get_text().split("\n")[0] for text in ax.texts]
    assert texts == [f"{n:,}" if n else "-" for n in shown.to_numpy().ravel()]
    np.testing.assert_allclose(
        ax.collections[0].get_array(), found.shares.drop(columns=LEFT).to_numpy()
    )
    words = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert words == list(found.counts.index)


def test_a_picture_of_something_else_is_refused(forecast):
    with pytest.raises(DataError, match="wants Tiers"):
        pc.plots.tier_profile(forecast)
    with pytest.raises(DataError, match="wants a Migration"):
        pc.plots.tier_migration(forecast)
    assert not plt.get_fignums()


def test_a_log_is_no_forecast_and_is_told_so(cdnow_log):
    with pytest.raises(DataError, match=r"tiers wants a forecast, .*columns are customer_id, date"):
        pc.segments.tiers(cdnow_log)


def test_customers_with_several_rows_are_named(cdnow):
    forecast = pc.CLVModel().fit(cdnow).forecast(level=None)
    costs = pd.DataFrame({"customer_id": [1, 1, 2], "cost": 1.0})
    with pytest.raises(DataError, match="once; there are several rows for 1"):
        per_customer(costs, forecast.frame["customer_id"], "costs", "cost")
