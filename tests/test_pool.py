"""A pool of forecasters: its mixture is exact, and its weights are those that would have scored."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError, OptionError, OptionWarning, StoreError
from predclv.pools.inner import evidence, inner_days
from predclv.pools.losses import loss_matrix
from predclv.pools.weights import cautious_weights, prior_weights
from predclv.validation.metrics import crps_of_each

GIVEN = {"BG/NBD": 0.5, "MBG/NBD": 0.3, "last period": 0.2}


@pytest.fixture(scope="module")
def rfm(cdnow_log):
    """CDNOW to the end of 1997, customers of the even ids."""
    log = cdnow_log[cdnow_log["customer_id"] % 2 == 0]
    return pc.holdout_split(log, calibration_end="1997-12-31").rfm


@pytest.fixture(scope="module")
def members():
    return {
        "BG/NBD": pc.CLVModel(),
        "MBG/NBD": pc.CLVModel(pc.MBGNBD),
        "last period": pc.baselines.LastPeriodNB(),
    }


@pytest.fixture(scope="module")
def fitted(rfm, members):
    return pc.Pool(members, weights=GIVEN, origins=0).fit(rfm)


@pytest.fixture(scope="module")
def forecast(fitted):
    return fitted.forecast("13 weeks", seed=3)


@pytest.fixture(scope="module")
def alone(rfm, fitted):
    """The members by themselves, with the pool's spend and seed."""
    found = {}
    for name, member in fitted.fits.items():
        if name != "last period":
            member = pc.FittedCLV(member.purchases, fitted.spend, rfm)
        found[name] = member.forecast("13 weeks", seed=3)
    return found


def test_expectations_are_the_weighted_sum_of_the_members(forecast, alone):
    for name in ("p_active", "expected_purchases", "discounted_purchases"):
        expected = sum(w * alone[m].frame[name] for m, w in GIVEN.items())
        np.testing.assert_allclose(forecast.frame[name], expected, rtol=1e-12)
    models = {m: w for m, w in GIVEN.items() if m != "last period"}
    alive = sum(w * alone[m].frame["p_alive"] for m, w in models.items()) / sum(models.values())
    np.testing.assert_allclose(forecast.frame["p_alive"], alive, rtol=1e-12)


def test_counts_are_the_weighted_sum_of_the_members(forecast, alone):
    counts, n = forecast.counts(), len(forecast)
    rng = np.random.default_rng(1)
    for k in (np.zeros(n), np.ones(n), rng.integers(0, 9, n), rng.integers(60, 200, n)):
        for what in ("mass", "below"):
            mixed = sum(w * getattr(alone[m].counts(), what)(k) for m, w in GIVEN.items())
            np.testing.assert_allclose(getattr(counts, what)(k), mixed, rtol=1e-9, atol=1e-12)


def test_parts_hold_the_whole_distribution_once(forecast, alone):
    seen = np.zeros(len(forecast), int)
    mean = np.zeros(len(forecast))
    for rows, values, table in forecast.counts().parts():
        seen[rows] += 1
        np.testing.assert_allclose(table.sum(axis=1), 1.0, atol=1e-12)
        mean[rows] = table @ values
    assert (seen == 1).all()
    expected = np.zeros(len(forecast))
    for name, weight in GIVEN.items():
        for rows, values, table in alone[name].counts().parts():
            expected[rows] += weight * (table @ values)
    # What is beyond a tail of 1e-5 is cut, where the mixture has it and where its members have.
    np.testing.assert_allclose(mean, expected, rtol=2e-3)


@pytest.mark.parametrize("probability", [0.05, 0.5, 0.95, 0.999])
def test_quantiles_are_those_of_the_mixture(forecast, probability):
    counts = forecast.counts()
    k = counts.quantile(probability)
    assert (counts.below(k + 1) >= probability - 1e-9).all()
    bought = k > 0
    assert (counts.below(k)[bought] < probability + 1e-9).all()


def test_quantiles_beyond_the_classes_are_exact(rfm):
    # A rule that expects hundreds: between classes 4% wide the quantile is searched.
    from predclv.baselines.negative_binomial import NegativeBinomialCounts
    from predclv.pools.mixture import MixtureCounts, joined

    rng = np.random.default_rng(0)
    one, other = (
        NegativeBinomialCounts(rng.uniform(50, 400, 30), rng.uniform(1, 30, 30)) for _ in range(2)
    )
    joint, _, place = joined(np.array([0.4, 0.6]), [one, other], np.arange(30.0))
    counts = MixtureCounts(joint, place)
    for probability in (0.05, 0.5, 0.95):
        k = counts.quantile(probability)
        n = np.arange(3000)
        for i in range(30):
            pair = (one.of(np.full(3000, i)), 0.4), (other.of(np.full(3000, i)), 0.6)
            cdf = sum(w * c.below(n + 1) for c, w in pair)
            assert k[i] == np.argmax(cdf >= probability)


def test_bounds_in_the_frame_are_quantiles(forecast):
    for side, probability in (("lower", 0.05), ("upper", 0.95)):
        np.testing.assert_array_equal(
            forecast.frame[f"purchases_{side}"], forecast.counts().quantile(probability)
        )


def test_revenue_bounds_hold_their_share_of_simulated_futures(fitted, alone, forecast):
    """A future: which member is right, how often each buys by it, what each purchase costs."""
    rng = np.random.default_rng(7)
    frame = fitted.rfm.frame
    who = np.flatnonzero(frame["frequency"] >= 3)[:8]
    spend = fitted.spend.model
    draws = 20_000
    for i in who:
        revenue = []
        for name, weight in GIVEN.items():
            counts = alone[name].counts()
            rows, values, table = next(p for p in counts.parts() if i in p[0])
            p = table[np.flatnonzero(rows == i)[0]]
            n = rng.choice(values.astype(int), int(weight * draws), p=p / p.sum())
            x, mean = float(frame["frequency"][i]), float(frame["monetary_value"][i])
            each = spend.given(np.full(n.size, x), np.full(n.size, mean)).simulate(n, rng)
            revenue.append(np.bincount(np.repeat(np.arange(n.size), n), each, n.size))
        revenue = np.concatenate(revenue)
        upper = forecast.frame["revenue_upper"][i]
        # Four standard errors of a share of 20,000, and what a fit's spend draws add.
        assert np.mean(revenue > upper) == pytest.approx(0.05, abs=0.012)


def test_a_pool_of_one_is_that_one(rfm, alone):
    pool = pc.Pool({"BG/NBD": pc.CLVModel()}, origins=0).fit(rfm)
    one = pool.forecast("13 weeks", seed=3)
    pd.testing.assert_frame_equal(one.frame, alone["BG/NBD"].frame, rtol=1e-6)
    total, own = one.total(), alone["BG/NBD"].total()
    pd.testing.assert_series_equal(pd.Series(total), pd.Series(own), rtol=1e-9)


def test_totals_are_sums_of_the_frame_and_periods_add_up(forecast):
    total = forecast.total()
    for name, column in (("purchases", "expected_purchases"), ("clv", "clv")):
        assert total[name] == pytest.approx(forecast.frame[column].sum(), rel=1e-12)
        assert total[f"{name}_lower"] < total[name] < total[f"{name}_upper"]
    months = forecast.schedule("month")
    for name in ("purchases", "discounted_purchases", "revenue", "clv"):
        assert months[name].sum() == pytest.approx(total[name], rel=1e-9)
    of_one = forecast.schedule("month", customers=[2, 4])
    by = forecast.frame.set_index("customer_id")["expected_purchases"]
    sums = of_one.groupby("customer_id")["purchases"].sum()
    np.testing.assert_allclose(sums, by.loc[[2, 4]], rtol=1e-9)


def test_the_interval_of_a_total_is_that_of_the_members_futures(forecast, alone):
    total = forecast.total()
    futures = [alone[m].source.totals() for m in ("BG/NBD", "MBG/NBD")]
    # 80% of the weight is theirs: the middle of the pooled futures lies within their range.
    lowest = min(np.quantile(f["purchases"], 0.001) for f in futures)
    by_rule = alone["last period"].total()["purchases"]
    assert min(lowest, by_rule * 0.9) < total["purchases_lower"]
    assert forecast.buyers()["buyers_lower"] < forecast.frame["p_active"].sum()


def test_the_table_stands_for_members_that_look_at_histories_alone(rfm):
    import duckdb

    models = {"BG/NBD": pc.CLVModel(), "MBG/NBD": pc.CLVModel(pc.MBGNBD)}
    pool = pc.Pool(models, weights="equal", origins=0).fit(rfm)
    forecast = pool.forecast("13 weeks", seed=3)
    table = pool.table("13 weeks", seed=3)
    own = table.frame
    customers = rfm.frame.assign(
        recency_days=(rfm.frame["recency"] * 7).round().astype(int),
        age_days=(rfm.frame["T"] * 7).round().astype(int),
    )
    with duckdb.connect() as engine:
        engine.register("customers", customers)
        engine.register("scores", own)
        found = engine.sql(table.sql()).df().sort_values("customer_id", ignore_index=True)
    for column in ("expected_purchases", "clv", "revenue_upper", "purchases_upper"):
        np.testing.assert_allclose(found[column], forecast.frame[column], rtol=1e-9)


def test_a_rule_in_the_pool_leaves_no_table(fitted):
    with pytest.raises(OptionError, match="looks at each customer's own days"):
        fitted.table("13 weeks", level=None)


# Weights ---------------------------------------------------------------------------------


def test_origins_keep_their_distance_and_are_three_at_most():
    assert inner_days(2000, 364, 3) == [(1636, 364), (1454, 364), (1272, 364)]
    assert inner_days(500, 182, 3) == [(318, 182), (227, 182), (136, 182)]
    assert inner_days(300, 182, 3) == [(118, 182)]
    assert inner_days(120, 182, 3) == [(60, 60)]
    assert inner_days(2000, 364, 0) == []


def objective(w, losses, prior):
    v = np.einsum("oab,a,b->o", losses, w, w)
    spread = np.sqrt(np.mean((v - v.mean()) ** 2) + 1e-8) if len(v) > 1 else 0.0
    return v.mean() + spread + 0.1 * np.sum((w - prior) ** 2)


@pytest.mark.parametrize("origins", [1, 2, 3])
def test_weights_are_the_best_on_the_simplex(origins):
    rng = np.random.default_rng(origins)
    root = rng.normal(size=(origins, 3, 4))
    losses = root @ root.transpose(0, 2, 1)
    losses /= losses[:, :1, :1]
    prior = prior_weights(3)
    found = cautious_weights(losses, prior)
    assert found.min() >= 0
    assert found.sum() == pytest.approx(1.0, abs=1e-12)
    grid = np.linspace(0, 1, 101)
    best = min(
        objective(np.array([a, b, 1 - a - b]), losses, prior)
        for a in grid
        for b in grid
        if a + b <= 1 + 1e-12
    )
    assert objective(found, losses, prior) <= best + 1e-9


def test_without_an_origin_weights_are_what_was_believed():
    np.testing.assert_allclose(
        cautious_weights(np.empty((0, 3, 3)), prior_weights(3)), [5 / 7, 1 / 7, 1 / 7]
    )


def test_gains_that_do_not_recur_get_no_weight():
    better = np.array([[1.0, 0.9], [0.9, 0.8]])
    worse = np.array([[1.0, 1.05], [1.05, 1.1]])
    prior = prior_weights(2)
    always = cautious_weights(np.array([better, better]), prior)[1]
    once = cautious_weights(np.array([better, worse]), prior)[1]
    assert always > 0.5
    assert once < 0.05


def test_the_loss_matrix_is_the_sum_over_counts(fitted, alone, rfm):
    rng = np.random.default_rng(4)
    came = rng.poisson(rng.gamma(0.3, 3.0, len(rfm)))
    members = [found.counts() for found in alone.values()]
    found = loss_matrix(members, came)
    n = np.arange(160)
    errors = [
        np.column_stack([m.below(np.full(len(rfm), k + 1)) for k in n]) - (came[:, None] <= n)
        for m in members
    ]
    brute = [[np.mean(np.sum(a * b, axis=1)) for b in errors] for a in errors]
    np.testing.assert_allclose(found, brute, rtol=1e-4)
    # Its diagonal is each one's CRPS, and that of the mixture is w'Qw.
    for i, member in enumerate(members):
        assert found[i, i] == pytest.approx(float(crps_of_each(member, came).mean()), rel=1e-4)
    w = np.array(list(GIVEN.values()))
    pooled = fitted.forecast("13 weeks", seed=3).counts()
    assert w @ found @ w == pytest.approx(float(crps_of_each(pooled, came).mean()), rel=1e-4)


def test_the_loss_matrix_holds_where_customers_buy_hundreds_of_times():
    from predclv.baselines.negative_binomial import NegativeBinomialCounts

    rng = np.random.default_rng(2)
    members = [
        NegativeBinomialCounts(rng.uniform(40, 200, 25), rng.uniform(2, 30, 25)) for _ in range(2)
    ]
    came = rng.integers(0, 400, 25)
    n = np.arange(2500)
    errors = [
        np.column_stack([m.below(np.full(25, k + 1)) for k in n]) - (came[:, None] <= n)
        for m in members
    ]
    brute = [[np.mean(np.sum(a * b, axis=1)) for b in errors] for a in errors]
    # Tails are lines between classes 4% apart, and cut at 1e-5.
    np.testing.assert_allclose(loss_matrix(members, came), brute, rtol=1e-3)


def test_evidence_is_that_of_a_backtest(rfm):
    members = {"BG/NBD": pc.CLVModel(spend=None), "MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None)}
    pool = pc.Pool(members, origins=2).fit(rfm)
    origins = pool._learned(91).origins
    cutoffs = [origin.cutoff for origin in origins]
    rounds = pc.backtest(members, rfm, cutoffs=cutoffs, horizon="13 weeks", seed=1).frame
    for origin in origins:
        at = rounds.loc[origin.cutoff]
        # The backtest averages over draws of the parameters, little known from 1,178 customers;
        # the pool takes the estimate.
        np.testing.assert_allclose(np.diag(origin.losses), at["crps"], rtol=0.02)
        errors = np.log(origin.purchases / origin.expected)
        np.testing.assert_allclose(errors, -np.log1p(at["bias"]), rtol=1e-9)


@pytest.fixture(scope="module")
def learned(rfm, members):
    return pc.Pool(members).fit(rfm)


def test_it_is_the_same_each_time_and_looks_at_nothing_after_the_end(learned, members, cdnow_log):
    log = cdnow_log[(cdnow_log["customer_id"] % 2 == 0) & (cdnow_log["date"] <= "1997-12-31")]
    early = pc.Pool(members).fit(pc.rfm_summary(log, observation_end="1997-12-31"))
    pd.testing.assert_frame_equal(
        early.forecast("13 weeks", seed=1).frame, learned.forecast("13 weeks", seed=1).frame
    )
    assert dict(early.weights) == dict(learned.weights)
    assert sum(early.weights.values()) == pytest.approx(1.0, abs=1e-12)


def test_a_member_costs_one_line(rfm, members):
    wider = pc.Pool(members | {"Boosting": pc.baselines.Boosting()}, weights="equal", origins=1)
    fitted = wider.fit(rfm)
    forecast = fitted.forecast("13 weeks", seed=1)
    assert fitted.weights["Boosting"] == 0.25
    assert forecast.total()["purchases_budget_upper"] > forecast.total()["purchases_upper"]
    assert "Boosting 25%" in repr(fitted)


def test_choice_says_what_and_why(learned, fitted, members):
    assert "learnt for a horizon" in repr(
        pc.FittedPool(fitted.recipe, fitted.fits, None, fitted.rfm)
    )
    learned.forecast("13 weeks", level=None)
    assert "91 days ahead" in repr(learned)
    assert "weights by the CRPS at 3 earlier days" in learned.choice.reason
    assert set(learned.choice.frame.index) == set(members)


# The interval for a budget ---------------------------------------------------------------


@pytest.fixture(scope="module")
def one_member(rfm):
    return pc.Pool({"MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None)}).fit(rfm)


def test_the_interval_for_a_budget_follows_from_earlier_errors(one_member):
    pool = one_member
    total = pool.forecast("13 weeks", seed=1).total()
    errors = pool._learned(91).errors(np.ones(1))["purchases"].to_numpy()
    sd = np.sqrt((2 * 0.2**2 + errors @ errors) / (2 + errors.size))
    # Student's t with 3 degrees of freedom; chance lies within and adds a little.
    for side, sign in (("lower", -1), ("upper", 1)):
        bound = total["purchases"] * np.exp(sign * 2.353 * sd)
        assert total[f"purchases_budget_{side}"] == pytest.approx(bound, rel=0.03)
    assert "for a budget" in repr(total)
    assert "which member is right" in total.attrs["holds"]


def test_members_that_lie_apart_widen_the_interval_for_a_budget(rfm):
    class Double:
        """Twice as many as last period's rule."""

        def fit(self, rfm):
            import dataclasses

            found = pc.baselines.LastPeriodNB().fit(rfm)
            learned = found.learned(91)
            b0, b1, *size = learned.at
            return dataclasses.replace(
                found, _learned={91: learned._replace(at=(2 * b0, 2 * b1, *size))}
            )

    models = {"MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None)}
    wide = pc.Pool(models | {"double": Double()}, weights="equal").fit(rfm)
    budget = wide.forecast("13 weeks", seed=1).source.budget()
    totals = [
        wide.fits["MBG/NBD"].forecast("13 weeks").total()["purchases"],
        wide.fits["double"].forecast("13 weeks").total()["purchases"],
    ]
    assert budget.errors.spread["purchases"] == pytest.approx(np.std(np.log(totals)), rel=1e-9)


def test_another_interval_may_be_asked_for(one_member):
    total = one_member.forecast("13 weeks", seed=1).total(unlike=0.3)
    assert "purchases_budget_lower" not in total


# Ways out, and what cannot be -----------------------------------------------------------


def test_a_pool_is_saved_and_loaded(rfm, learned, tmp_path):
    fitted = learned
    forecast = fitted.forecast("13 weeks", seed=1)
    fitted.save(tmp_path / "pool")
    again = pc.load(tmp_path / "pool")
    assert dict(again.weights_for("13 weeks")) == dict(fitted.weights_for("13 weeks"))
    same = again.forecast("13 weeks", seed=1, rfm=rfm)
    pd.testing.assert_frame_equal(same.frame, forecast.frame)
    assert same.total().to_dict() == forecast.total().to_dict()
    assert again.choice.reason == fitted.choice.reason
    with pytest.warns(OptionWarning, match="those for 91 days are taken"):
        again.weights_for("26 weeks")
    if again.weights_for("13 weeks")["last period"]:
        with pytest.warns(OptionWarning, match="last period .* looks into the log"):
            again.forecast("13 weeks", level=None)


def test_boosting_cannot_be_saved(rfm, members, tmp_path):
    few = {"MBG/NBD": members["MBG/NBD"], "Boosting": pc.baselines.Boosting()}
    pool = pc.Pool(few, origins=0).fit(rfm)
    with pytest.raises(StoreError, match="'Boosting' cannot be written"):
        pool.save(tmp_path / "pool")


def test_the_remaining_lifetime_is_the_first_models(fitted, rfm):
    with pytest.warns(OptionWarning, match="BG/NBD alone"):
        forecast = fitted.forecast(None, seed=1)
    own = fitted.first.forecast(None, seed=1)
    pd.testing.assert_frame_equal(forecast.frame, own.frame)


def test_members_that_fail_are_left_out_with_a_note(rfm):
    no_log = pc.RFM.from_frame(rfm.frame, unit="week")
    pool = pc.Pool({"MBG/NBD": pc.CLVModel(pc.MBGNBD), "last": pc.baselines.LastPeriodNB()})
    fitted = pool.fit(no_log)
    assert fitted.weights == {"MBG/NBD": 1.0, "last": 0.0}
    assert any("last takes no part" in doubt for doubt in fitted.choice.doubts)
    assert "purchases_budget_lower" not in fitted.forecast("13 weeks", seed=1).total()
    with pytest.raises(DataError, match="No model in this pool"):
        pc.Pool({"last": pc.baselines.LastPeriodNB()}).fit(no_log)


def test_a_rule_with_too_little_to_learn_from_is_left_out_with_a_note(cdnow_log):
    log = cdnow_log[(cdnow_log["customer_id"] % 2 == 0) & (cdnow_log["date"] <= "1997-12-31")]
    still = log[(log["date"] <= "1997-11-30") | (log["customer_id"] < 600)]
    rfm = pc.rfm_summary(still, amount=None, observation_end="1997-12-31")
    members = {"BG/NBD": pc.CLVModel(), "last period": pc.baselines.LastPeriodNB()}
    fitted = pc.Pool(members).fit(rfm)
    assert fitted.forecast("4 weeks", level=None).total()["purchases"] > 0
    assert fitted.weights["last period"] == 0.0
    assert any("last period takes no part: LastPeriodNB learns" in d for d in fitted.choice.doubts)


def test_a_rule_without_chance_cannot_be_pooled(rfm):
    pool = pc.Pool({"MBG/NBD": pc.CLVModel(pc.MBGNBD), "last": pc.baselines.LastPeriod()})
    with pytest.raises(OptionError, match="LastPeriodNB"):
        pool.fit(rfm).forecast("13 weeks")


@pytest.mark.parametrize(
    ("members", "options", "match"),
    [
        ({}, {}, "wants a mapping"),
        ([pc.CLVModel()], {}, "wants a mapping"),
        ({"a": pc.CLVModel}, {}, "not yet fitted"),
        ({"a": pc.CLVModel()}, {"weights": "best"}, "'crps', 'equal'"),
        ({"a": pc.CLVModel()}, {"weights": {"b": 1.0}}, "no member"),
        ({"a": pc.CLVModel()}, {"weights": {"a": -1.0}}, "at least 0"),
        ({"a": pc.CLVModel()}, {"origins": -1}, "origins"),
        ({"a": pc.Pool({"b": pc.CLVModel()})}, {}, "is a pool itself"),
        ({"a": pc.CLVModel("auto")}, {}, "is a pool itself"),
    ],
)
def test_what_is_no_pool_is_refused(members, options, match):
    with pytest.raises(OptionError, match=match):
        pc.Pool(members, **options)


def test_a_pool_is_validated_and_backtested(rfm, members):
    pool = pc.Pool(members, origins=1)
    found = pc.backtest({"pool": pool}, rfm, cutoffs=1, horizon="13 weeks", seed=1)
    assert np.isfinite(found.frame[["crps", "log_score", "coverage", "spend_rmse"]]).all(axis=None)


def test_counts_travel_to_another_process(forecast):
    import pickle

    again = pickle.loads(pickle.dumps(forecast))
    pd.testing.assert_frame_equal(again.frame, forecast.frame)


def test_evidence_leaves_out_days_with_few_purchases(rfm):
    recipes = {"MBG/NBD": pc.CLVModel(pc.MBGNBD, spend=None)}
    found = evidence(recipes, rfm.log, rfm.observation_end, 1, "week", 3, None)
    assert len(found.origins) + sum("purchases came" in d for d in found.doubts) == 3


def test_without_its_log_a_pool_leaves_its_rules_out(rfm, tmp_path):
    members = {"MBG/NBD": pc.CLVModel(pc.MBGNBD), "last period": pc.baselines.LastPeriodNB()}
    fitted = pc.Pool(members, "equal", 0).fit(rfm)
    fitted.save(tmp_path / "pool")
    again = pc.load(tmp_path / "pool")
    with pytest.warns(OptionWarning, match=r"last period \(50% of the weight\) looks into the log"):
        found = again.forecast("26 weeks", level=None, seed=1).frame["expected_purchases"]
    alone = fitted.fits["MBG/NBD"].forecast("26 weeks", level=None).frame["expected_purchases"]
    np.testing.assert_allclose(found, alone, rtol=1e-9)
