"""Campaigns: what was done is counted, what it changed is found, and nothing where nothing is."""

import warnings

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.decisions.adjusted import adjusted_difference, detectable, power_of
from predclv.decisions.campaign_parts import by_part
from predclv.decisions.campaign_remaining import Histories, remaining
from predclv.decisions.matching import balanced
from predclv.errors import AssumptionWarning, DataError, DataWarning, OptionError
from predclv.forecast.ahead import Ahead

TRUTH = pc.BGNBD(r=0.6, alpha=6.0, a=0.6, b=2.5)  # in weeks
ORIGIN = pd.Timestamp("2024-01-01")
START, LENGTH, AFTER = 30.0, 4.0, 8.0


def shop(n, seed, pace=1.0, pace_after=1.0):
    """A log, and who was treated by lot; purchase by purchase.

    The treated buy ``pace`` times as fast in the campaign, and ``pace_after`` times as fast until
    the log ends.
    """
    rng = np.random.default_rng(seed)
    born = rng.integers(0, 70, n) / 7
    rate = rng.gamma(TRUTH.r, 1 / TRUTH.alpha, n)
    leaves = rng.beta(TRUTH.a, TRUTH.b, n)
    treated = rng.random(n) < 0.5
    owner, clock, now, active = [np.arange(n)], [born], born.copy(), np.arange(n)
    while active.size:
        now[active] += rng.exponential(1 / np.maximum(rate[active], 1e-12))
        active = active[now[active] < 80]
        owner.append(active)
        clock.append(now[active].copy())
        active = active[rng.random(active.size) >= leaves[active]]
    owner, when = np.concatenate(owner), np.concatenate(clock)
    days = [0.0, START, START + LENGTH, START + LENGTH + AFTER, 1e4]
    steps = np.diff(days) * [1.0, pace, pace_after, 1.0]
    when = np.where(treated[owner], np.interp(when, np.r_[0.0, np.cumsum(steps)], days), when)
    seen = when < START + LENGTH + AFTER
    date = ORIGIN + pd.to_timedelta(np.floor(when[seen] * 7), unit="D")
    amount = np.round(rng.gamma(4.0, 5.0, owner.size)[seen] + 0.01, 2)
    log = pd.DataFrame({"customer_id": owner[seen], "date": date, "amount": amount})
    groups = pd.Series(np.where(treated, "treated", "control"), index=np.arange(n))
    return log, groups


def day(weeks, less=0):
    return ORIGIN + pd.Timedelta(days=round(7 * weeks) - less)


def effect(log, groups, **more):
    return pc.campaign_effect(
        log,
        groups,
        day(START),
        day(START + LENGTH, 1),
        observation_end=day(START + LENGTH + AFTER, 1),
        **more,
    )


@pytest.fixture(scope="module")
def quiet():
    log, groups = shop(1500, seed=1)
    return log, groups, effect(log, groups, measure="revenue", cost=1.0, by=by_parity())


def by_parity(n=1500):
    return pd.Series(np.where(np.arange(n) % 2, "odd", "even"), index=np.arange(n))


# The numbers -------------------------------------------------------------------------------------


def test_the_means_of_the_groups_are_those_counted_by_hand(quiet):
    log, groups, found = quiet
    known = log.loc[log["date"] < day(START), "customer_id"].unique()
    for mark in ("treated", "control"):
        ids = groups.index[groups.eq(mark) & groups.index.isin(known)]
        mine = log[log["customer_id"].isin(ids)]
        inside = mine[mine["date"].between(day(START), day(START + LENGTH, 1))]
        later = mine[mine["date"] > day(START + LENGTH, 1)]
        days = inside.drop_duplicates(["customer_id", "date"])
        assert found.counts[mark] == len(ids)
        assert found.row("purchases")[mark] == pytest.approx(len(days) / len(ids))
        assert found.row("revenue")[mark] == pytest.approx(inside["amount"].sum() / len(ids))
        assert found.row("active")[mark] == pytest.approx(
            inside["customer_id"].nunique() / len(ids)
        )
        assert found.row("revenue", "after")[mark] == pytest.approx(
            later["amount"].sum() / len(ids)
        )


def test_cuped_is_the_coefficient_of_a_regression_on_group_and_forecast():
    rng = np.random.default_rng(3)
    z = rng.gamma(0.5, size=(400, 2))
    is_treated = rng.random(400) < 0.3
    y = rng.poisson(z.sum(axis=1)).astype(float)
    found = adjusted_difference(y, is_treated, z)
    design = np.column_stack([np.ones(400), is_treated, z])
    coefficient = np.linalg.solve(design.T @ design, design.T @ y)
    assert found.difference == pytest.approx(coefficient[1], rel=1e-10)
    inverse = np.linalg.inv(design.T @ design)
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    squared = (y - design @ coefficient) ** 2 / (1.0 - leverage)  # HC2
    covariance = inverse @ (design.T * squared) @ design @ inverse
    assert found.error**2 == pytest.approx(covariance[1, 1], rel=1e-10)
    assert found.variance_ratio < 1


def test_without_a_covariate_it_is_welchs_test():
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(4)
    y, is_treated = rng.exponential(size=90), np.arange(90) < 30
    found = adjusted_difference(y, is_treated, np.zeros(90))
    reference = ttest_ind(y[is_treated], y[~is_treated], equal_var=False)
    assert found.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    np.testing.assert_allclose(found.bounds(0.9), reference.confidence_interval(0.9), rtol=1e-9)


def test_the_forecast_makes_differences_sharper(quiet):
    found = quiet[2]
    assert found.row("purchases")["variance_ratio"] < 0.85
    assert found.row("value")["variance_ratio"] < 0.5


def test_the_table_agrees_with_itself(quiet):
    frame = quiet[2].frame
    np.testing.assert_allclose(frame["plain_difference"], frame["treated"] - frame["control"])
    assert (frame["lower"] < frame["difference"]).all()
    assert (frame["difference"] < frame["upper"]).all()
    value = frame[frame["measure"].eq("value")].set_index("window")
    revenue = frame[frame["measure"].eq("revenue")].set_index("window")
    for mark in ("treated", "control"):
        in_all = value.loc["remaining", mark] + revenue.loc["to date", mark]
        assert value.loc["in all", mark] == pytest.approx(in_all)


def test_a_path_a_summary_and_a_frame_give_the_same(quiet, tmp_path):
    log, groups, found = quiet
    log.to_parquet(tmp_path / "log.parquet")
    again = effect(tmp_path / "log.parquet", groups.to_dict())
    rfm = pc.rfm_summary(log)
    by_summary = pc.campaign_effect(rfm, groups, day(START), day(START + LENGTH, 1))
    np.testing.assert_allclose(again.frame["difference"], found.frame["difference"])
    # The log ends with its last purchase here; the campaign itself is the same.
    assert by_summary.row("revenue")["difference"] == pytest.approx(
        found.row("revenue")["difference"]
    )


# What remains ------------------------------------------------------------------------------------


def histories(n=4000, seed=5, pace=1.0, after=1.0):
    """Customers of the truth at the start, and what they did on a clock of that pace."""
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(TRUTH.r, 1 / TRUTH.alpha, n), rng.beta(TRUTH.a, TRUTH.b, n)
    clock_end = START + pace * LENGTH + after * AFTER
    x, t_x, inside, later, last = (np.zeros(n) for _ in range(5))
    now, active = np.zeros(n), np.arange(n)
    while active.size:
        now[active] += rng.exponential(1 / rate[active])
        active = active[now[active] < clock_end]
        at = now[active]
        before = at < START
        x[active] += before
        t_x[active] = np.where(before, at, t_x[active])
        inside[active] += ~before & (at < START + pace * LENGTH)
        later[active] += ~before
        last[active] = np.where(before, 0.0, at)
        active = active[rng.random(active.size) >= leaves[active]]
    steps = [START, START + pace * LENGTH, clock_end]
    since = np.interp(last, steps, [0.0, LENGTH, LENGTH + AFTER])
    customers = Histories(x, t_x, np.full(n, START), inside, later, np.where(later > 0, since, 0.0))
    truth = TRUTH.discounted_purchases_after(
        52.0, 0.002, x + later, np.where(later > 0, last, t_x), np.full(n, clock_end)
    )
    return customers, truth


@pytest.mark.parametrize(("pace", "after"), [(1.0, 1.0), (2.0, 0.5), (2.0, 1.0), (0.5, 1.2)])
def test_the_pace_of_a_group_is_found_and_so_is_what_remains(pace, after):
    customers, truth = histories(pace=pace, after=after)
    found = remaining(TRUTH, customers, (LENGTH, LENGTH + AFTER), Ahead(52.0, 0.002))
    # 4,000 customers with some 1,000 purchases: 0.12 is about three standard errors of a pace.
    assert found.pace.campaign == pytest.approx(pace, abs=0.12 * max(pace, 1))
    assert found.pace.after == pytest.approx(after, abs=0.12)
    error = found.value.std() / np.sqrt(truth.size)
    assert abs(found.value.mean() - truth.mean()) < 3 * error


def test_without_a_clock_a_group_that_bought_more_would_look_worth_more():
    """The reason for the clock: twice the purchases in the campaign are no new habit."""
    customers, truth = histories(pace=2.5, after=0.25)
    length = LENGTH + AFTER
    t_x = np.where(customers.in_all > 0, START + customers.since, customers.t_x)
    by_calendar = TRUTH.discounted_purchases_after(
        52.0, 0.002, customers.x + customers.in_all, t_x, customers.T + length
    )
    found = remaining(TRUTH, customers, (LENGTH, length), Ahead(52.0, 0.002))
    assert abs(found.value.mean() - truth.mean()) < abs(by_calendar.mean() - truth.mean())


@pytest.mark.parametrize("spread", [0.0, 0.5], ids=["purchases", "money"])
def test_a_customers_part_is_what_the_mean_loses_without_them(spread):
    """Jackknife: n times the mean, less n - 1 times the mean without the customer."""
    n, length = 300, (LENGTH, LENGTH + AFTER)
    customers, _ = histories(n=n, seed=77, pace=1.5)
    worth = np.exp(spread * np.random.default_rng(1).standard_normal(n))
    found = remaining(TRUTH, customers, length, Ahead(52.0, 0.002), worth).value
    drawn = np.argsort(-customers.in_all)[:40:2]  # who bought most moves the pace most
    parts = []
    for left_out in drawn:
        others = Histories(*(np.delete(each, left_out) for each in customers[:6]))
        rest = np.delete(worth, left_out)
        without = remaining(TRUTH, others, length, Ahead(52.0, 0.002), rest).value.mean()
        parts.append(n * found.mean() - (n - 1) * without)
    # To first order in 1/n; the next order is 0.6% of the parts' spread here.
    np.testing.assert_allclose(found[drawn], parts, rtol=0.0, atol=0.01 * np.std(parts))


def test_a_group_that_bought_nothing_has_stood_still():
    customers, _ = histories(n=200)
    nothing = customers._replace(
        in_campaign=np.zeros(200), in_all=np.zeros(200), since=np.zeros(200)
    )
    found = remaining(TRUTH, nothing, (LENGTH, LENGTH), Ahead(52.0, 0.002))
    still = TRUTH.discounted_purchases_after(52.0, 0.002, customers.x, customers.t_x, customers.T)
    assert found.pace.campaign == 0
    assert found.value.mean() == pytest.approx(still.mean())


# What campaigns change ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pace", "after"), [(1.0, 1.0), (1.8, 1.0), (1.8, 0.6)], ids=["nothing", "won", "forward"]
)
def test_nine_intervals_in_ten_hold_the_truth(pace, after):
    """25 campaigns; benchmarks/campaigns.py has 500. The truth is the mean of two large shops."""
    measures = [("purchases", "campaign"), ("purchases", "to date")]
    truth = dict.fromkeys(measures, 0.0)
    for seed in range(2):
        found = []
        for mark, quick in ((1.0, (pace, after)), (0.0, (1.0, 1.0))):
            log, groups = shop(40_000, 900 + seed, *quick)
            log = log[groups.reindex(log["customer_id"]).eq("treated").to_numpy()]
            log = log.drop_duplicates(["customer_id", "date"])
            inside = log["date"].between(day(START), day(START + LENGTH, 1))
            n = groups.eq("treated").sum()
            found.append((mark, inside.sum() / n, (log["date"] >= day(START)).sum() / n))
        for place, key in enumerate(measures, 1):
            truth[key] += (found[0][place] - found[1][place]) / 2
    held = dict.fromkeys(measures, 0)
    for seed in range(25):
        log, groups = shop(600, 5000 + seed, pace, after)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pc.errors.PredclvWarning)
            result = effect(log, groups, measure="purchases")
        for key in measures:
            row = result.row(*key)
            held[key] += row["lower"] <= truth[key] <= row["upper"]
    for key in measures:
        assert held[key] >= 18, (key, held)  # 22.5 expected; below 18 once in 400 times


def test_a_strong_campaign_is_found_and_purchases_brought_forward_are_not_won():
    log, groups = shop(4000, 21, pace=3.0, pace_after=0.0)
    found = effect(log, groups, measure="purchases")
    assert found.verdict == "more"
    assert found.row("purchases", "after")["upper"] < 0
    to_date = found.row("purchases", "to date")
    assert to_date["lower"] < 0 < to_date["upper"]
    assert found.pace["treated"].campaign > 2
    assert found.pace["treated"].after < 0.3


def test_part_by_part_intervals_know_how_many_were_looked_at():
    rng = np.random.default_rng(8)
    ids = pd.Series(np.arange(1200))
    parts = pd.Series(np.arange(1200) % 8, index=ids)
    false = 0
    for _ in range(100):
        y, lot = rng.poisson(0.5, 1200).astype(float), rng.random(1200) < 0.5

        def difference(mask, y=y, lot=lot):
            return adjusted_difference(y[mask], lot[mask], np.zeros(mask.sum()))

        found = by_part(parts, ids, (lot, ~lot), difference, 0.9)
        assert set(found["part"]) == set(range(8))
        false += found["verdict"].ne("not known").any()
    # At 90% ten of 100 are expected; were each interval for itself at 90%, 57.
    assert 2 <= false <= 22


def test_groups_that_were_chosen_are_matched():
    log, _ = shop(3000, 31)
    known = log[log["date"] < day(START)].groupby("customer_id").size()
    chance = np.clip(0.1 + 0.15 * known, 0.0, 0.8)  # who bought more was treated more often
    lot = np.random.default_rng(1).random(known.size)
    groups = pd.Series(np.where(lot < chance, "treated", "control"), index=known.index)
    with pytest.warns(AssumptionWarning, match="differed already before"):
        naive = effect(log, groups, measure="purchases")
    found = effect(log, groups, measure="purchases", assigned="chosen")
    plain = naive.row()["plain_difference"]
    assert plain > 0.05  # who buys much was chosen
    assert abs(found.row()["difference"]) < 0.3 * plain
    assert "weaker" in found.headline()


def test_balanced_weights_give_the_treated_means():
    rng = np.random.default_rng(9)
    z = rng.normal(size=(500, 3))
    target = np.array([0.3, -0.2, 0.1])
    weight = balanced(z, target)
    np.testing.assert_allclose(weight @ z, target, atol=1e-4)
    assert weight.sum() == pytest.approx(1)
    with pytest.raises(DataError, match="hardly overlap"):
        balanced(z, np.array([9.0, 0.0, 0.0]))


def test_traits_are_matched_on():
    log, groups = shop(1500, 1)
    kind = pd.DataFrame({"customer_id": range(1500)})
    kind["kind"] = np.where(groups.eq("treated"), "a", "b")
    with pytest.raises(DataError, match="hardly overlap"):
        effect(log, groups, assigned="chosen", traits=kind)


def test_payback_says_what_is_known(quiet):
    found = quiet[2]
    paid = found.payback()
    row = found.row("value")
    assert paid["net"] == pytest.approx(row["difference"] - 1.0)
    assert (paid["net_lower"], paid["net_upper"]) == (row["lower"] - 1.0, row["upper"] - 1.0)
    assert paid["verdict"].startswith("not known")
    assert "cost" in found.headline()


# Bad input ---------------------------------------------------------------------------------------


def test_a_customer_with_both_marks_is_named(quiet):
    log, groups, _ = quiet
    frame = groups.rename_axis("customer_id").rename("group").reset_index()
    twice = pd.concat([frame, pd.DataFrame({"customer_id": [7], "group": ["treated"]})])
    twice.loc[twice["customer_id"].eq(7), "group"] = ["control", "treated"]
    with pytest.raises(DataError, match=r"both marks.*customer_id 7\)"):
        effect(log, twice)


def test_a_repeated_row_with_the_same_mark_is_one_customer(quiet):
    log, groups, found = quiet
    frame = groups.rename_axis("customer_id").rename("group").reset_index()
    again = effect(log, pd.concat([frame, frame.head(3)]))
    assert dict(again.counts) == dict(found.counts)


def test_customers_without_history_are_counted(quiet):
    log, groups, found = quiet
    more = pd.concat([groups, pd.Series({90_001: "treated", 90_002: "control"})])
    with pytest.warns(DataWarning, match=r"2 customers in groups \(1 treated, 1 control"):
        again = effect(log, more)
    assert again.counts["without_history"] == 2
    assert again.row("revenue")["difference"] == pytest.approx(found.row("revenue")["difference"])


def test_missing_marks_are_counted(quiet):
    log, groups, _ = quiet
    with pytest.warns(DataWarning, match="1 row of groups"):
        found = effect(log, groups.astype(object).where(groups.index != 3))
    assert found.counts["without_group"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.iloc[:0], "names no customer"),
        (lambda g: g.where(g.eq("treated"), "treated"), "group control has 0 customers"),
        (lambda g: g.set_axis(g.index.astype(str) + "x"), "of one type"),
        (lambda g: g.replace({"treated": "red", "control": "blue"}), "which of them is treated"),
        (lambda g: g.rename("mark").to_frame(), "no column 'customer_id'"),
    ],
)
def test_groups_that_cannot_be_used(quiet, change, message):
    log, groups, _ = quiet
    with pytest.raises(DataError, match=message):
        effect(log, change(groups))


def test_marks_can_be_named(quiet):
    log, groups, found = quiet
    colours = groups.replace({"treated": "red", "control": "blue"})
    again = effect(log, colours, treated="red", control="blue")
    assert again.row()["difference"] == pytest.approx(found.row()["difference"])
    with pytest.raises(DataError, match="Did you mean 'red'"):
        effect(log, colours, treated="rad")
    third = colours.where(colours.index % 10 != 0, "green")
    with pytest.warns(DataWarning, match=r"other marks \(green\)"):
        effect(log, third, treated="red", control="blue")


def test_one_letter_is_not_taken_for_a_mark_beside_one_that_means_nothing(quiet):
    log, groups, _ = quiet
    with pytest.raises(DataError, match="which of them is treated"):
        effect(log, groups.map({"treated": "X", "control": "A"}))
    with pytest.raises(DataError, match="which of them is treated"):
        effect(log, groups.map({"treated": "A", "control": "C"}))


@pytest.mark.parametrize("marks", ["AB", "BA", "ab"])
def test_a_and_b_are_not_guessed(quiet, marks):
    log, groups, found = quiet
    marked = groups.map(dict(zip(("treated", "control"), marks, strict=True)))
    with pytest.raises(DataError, match="which of them is treated"):
        effect(log, marked)
    again = effect(log, marked, control=marks[1])
    assert again.row()["difference"] == pytest.approx(found.row()["difference"])


def test_parts_say_of_what_time_they_are(quiet):
    _, _, found = quiet
    assert set(found.parts["window"]) == {"to date"}
    both = found.parts["difference"] @ found.parts["customers"] / found.parts["customers"].sum()
    assert both == pytest.approx(found.row("revenue", "to date")["difference"], abs=0.1)
    assert "to date" in repr(found).splitlines()[-1]


@pytest.mark.parametrize("marks", [(True, False), (1, 0), ("Test", "Control"), ("T", "C")])
def test_the_usual_marks_are_understood(quiet, marks):
    log, groups, found = quiet
    again = effect(log, groups.map(dict(zip(("treated", "control"), marks, strict=True))))
    assert again.row()["difference"] == pytest.approx(found.row()["difference"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "2023-12-01"}, "without purchases before the start"),
        ({"start": "2030-01-01"}, "nothing is known of it"),
        ({"start": "2024-08-01", "end": "2024-07-01"}, "before it starts"),
        ({"start": "2024-08-01", "end": "2030-07-01"}, "complete to a later day"),
        ({"start": "2024-08-01", "measure": "revenu"}, "Did you mean 'revenue'"),
        ({"start": "2024-08-01", "assigned": "lot"}, "assigned must be"),
        ({"start": "2024-08-01", "cost": -1.0}, "cost must be"),
        ({"start": "2024-08-01", "level": 90}, "write 0.9"),
        ({"start": "2024-08-01", "traits": pd.DataFrame()}, "assigned='chosen'"),
    ],
)
def test_options_that_make_no_sense(quiet, options, message):
    log, groups, _ = quiet
    with pytest.raises(OptionError, match=message):
        pc.campaign_effect(log, groups, **options)


def test_a_log_without_amounts_has_purchases_alone(quiet):
    log, groups, found = quiet
    plain = log[["customer_id", "date"]]
    with pytest.raises(DataError, match="measure='purchases'"):
        effect(plain, groups, amount=None)
    again = effect(plain, groups, amount=None, measure="purchases")
    assert again.row()["treated"] == found.row("purchases")["treated"]
    assert "revenue" not in set(again.frame["measure"])


def test_a_model_that_saw_the_campaign_is_refused(quiet):
    log, groups, _ = quiet
    fitted = pc.CLVModel().fit(pc.rfm_summary(log))
    with pytest.raises(OptionError, match="it has seen the campaign"):
        effect(log, groups, model=fitted)


def test_small_groups_are_doubted(quiet):
    log, groups, _ = quiet
    known = log.loc[log["date"] < day(START), "customer_id"].unique()
    few = groups[groups.eq("treated") & groups.index.isin(known)].head(10)
    with pytest.warns(AssumptionWarning, match="The group treated has 10 customers"):
        effect(log, pd.concat([few, groups[groups.eq("control")]]))


# How large a campaign must be --------------------------------------------------------------------


def test_the_detectable_effect_is_found_with_the_power_asked_for():
    rng = np.random.default_rng(12)
    error = np.sqrt(2 / 400)
    true = detectable(error, 0.9, 0.8)
    found = 0
    for _ in range(2000):
        first, second = rng.normal(true, 1, 400), rng.normal(0, 1, 400)
        left_out = first.mean() - second.mean() - 1.6449 * error
        found += left_out > 0
    assert found / 2000 == pytest.approx(0.8, abs=0.03)  # three standard errors
    assert power_of(true, error, 0.9) == pytest.approx(0.8)


def test_size_effect_and_power_are_one_equation(cdnow_log):
    size = pc.campaign_size(cdnow_log, "13 weeks", measure="purchases")
    needed = size.needed(0.1)
    assert size.detectable(needed) == pytest.approx(0.1, rel=1e-3)
    assert size.power_for(0.1, needed) == pytest.approx(0.8, abs=1e-3)
    assert size.sd_left < size.sd
    assert (size.frame["detectable"] < size.frame["plain"]).all()
    assert size.frame["detectable"].is_monotonic_decreasing
    last = cdnow_log[cdnow_log["date"] > cdnow_log["date"].max() - pd.Timedelta(days=91)]
    bought = last.drop_duplicates(["customer_id", "date"]).groupby("customer_id").size()
    by_hand = bought.reindex(range(1, 2358), fill_value=0)
    assert size.mean == pytest.approx(by_hand.mean())
    assert size.sd == pytest.approx(by_hand.std())


def test_sizes_that_make_no_sense(cdnow_log):
    with pytest.raises(OptionError, match="Try a length of"):
        pc.campaign_size(cdnow_log, "60 weeks")
    with pytest.raises(OptionError, match="sizes must be"):
        pc.campaign_size(cdnow_log, "4 weeks", sizes=[0])
    with pytest.raises(OptionError, match="measure must be"):
        pc.campaign_size(cdnow_log, "4 weeks", measure="value")
    size = pc.campaign_size(cdnow_log, "4 weeks", sizes=[100, 200])
    assert list(size.frame["customers"]) == [100, 200]
    with pytest.raises(OptionError, match="not 0"):
        size.needed(0.0)
