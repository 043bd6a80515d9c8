"""What is true of models of renewal whatever the data."""

from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import hyp2f1
from scipy.stats import beta as beta_distribution

import predclv as pc
from predclv.contracts.hierarchy import Hierarchy
from predclv.likelihoods.likelihood import Likelihood
from predclv.maths.series import discounted_sum
from predclv.models.retention import RetentionModel
from predclv.samples.renewals import RenewalCells

MODELS = [
    pc.ShiftedBetaGeometric(0.668, 3.806),
    pc.ShiftedBetaGeometric(2.5, 60.0),
    pc.BetaDiscreteWeibull(0.2593, 1.7226, 1.5844),
    pc.BetaDiscreteWeibull(3.0, 40.0, 0.7),
]
LEFT = [1000, 869, 743, 653, 593, 551, 517, 491]


def renewals_of(left=LEFT, **more):
    table = pd.DataFrame({"age": range(len(left)), "customers": left, **more})
    return pc.Renewals.from_cohorts(table, cohort=None, by="plan" if "plan" in more else None)


def test_weibull_with_c_of_one_is_the_geometric():
    t = np.arange(30)
    plain, wide = pc.ShiftedBetaGeometric(0.7, 2.5), pc.BetaDiscreteWeibull(0.7, 2.5, 1.0)
    assert np.allclose(plain.survival(t), wide.survival(t), rtol=1e-12)
    assert np.allclose(plain.log_churn(t + 1.0), wide.log_churn(t + 1.0), rtol=1e-10)
    ended = np.tile([0.0, 1.0], 15)
    assert np.allclose(plain.log_likelihood(t, ended), wide.log_likelihood(t, ended), rtol=1e-10)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_survival_is_that_of_customers_of_every_churn(model):
    c = getattr(model, "c", 1.0)
    own = beta_distribution(model.alpha, model.beta)
    for t in (1, 4, 15):
        share = quad(lambda p, t=t: (1 - p) ** (t**c) * own.pdf(p), 0, 1, limit=400)[0]
        assert float(model.survival(t)) == pytest.approx(share, rel=1e-6)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_the_chances_of_all_ends_sum_to_one(model):
    m = np.arange(40)
    ends = np.exp(model.log_likelihood(m, np.ones(40))).sum()
    assert ends + float(model.survival(40)) == pytest.approx(1.0, rel=1e-12)
    assert np.allclose(np.cumprod(model.retention(m[1:])), model.survival(m[1:]), rtol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_those_who_have_renewed_are_those_who_stay_seen_by_simulation(model):
    made, _ = model.simulate(np.full(400_000, 12.0), np.random.default_rng(4))
    for m in (0, 3, 6):
        here = made >= m
        stayed = (made[here] >= m + 4).mean()
        expected = float(model.survival_after(4, m))
        off = np.sqrt(expected * (1 - expected) / here.sum())
        assert abs(stayed - expected) < 4 * off
        if m:  # S(T + t), which was not asked for, is far from it
            assert abs(float(model.survival(m + 4)) - expected) > 20 * off


def test_the_geometric_given_renewals_is_the_geometric_again():
    model, t = MODELS[0], np.arange(1, 9)
    later = model.given_renewed(5.0)
    assert np.allclose(later.survival(t), model.survival_after(t, 5.0), rtol=1e-12)


@pytest.mark.parametrize("discount", [0.1, 0.1 / 12, 1e-4])
def test_residual_lifetimes_are_the_hypergeometric_of_fader_and_hardie(discount):
    m = np.arange(5.0)
    for model in MODELS[:2]:
        a, b = model.alpha, model.beta
        known = (b + m) / (a + b + m) * hyp2f1(1, b + m + 1, a + b + m + 1, 1 / (1 + discount))
        assert np.allclose(model.residual_lifetime(m, discount), known, rtol=1e-8)


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_endless_sums_are_the_sums(model):
    k = np.arange(1.0, 60_001.0)
    added = (model.survival_after(k, 2.0) * 1.01**-k).sum()
    assert float(model.discounted_renewals([2.0], 0.01)[0]) == pytest.approx(added, rel=1e-10)


def test_an_undiscounted_lifetime_is_the_mean_or_infinite():
    # E[1 / theta] = (alpha + beta - 1) / (alpha - 1)
    model = pc.ShiftedBetaGeometric(2.5, 60.0)
    assert float(model.expected_lifetime()) == pytest.approx(61.5 / 1.5, rel=1e-8)
    assert float(pc.ShiftedBetaGeometric(0.9, 60.0).expected_lifetime()) == np.inf
    assert discounted_sum(lambda k: k**-1.0, np.inf, 0.0, 1.0) == np.inf


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_draws_broadcast(model):
    names = model.names()
    drawn = type(model)(*(np.array([[1.0], [1.3]]) * getattr(model, name) for name in names))
    m = np.arange(6.0)
    for row, factor in enumerate((1.0, 1.3)):
        one = type(model)(*(factor * getattr(model, name) for name in names))
        assert np.allclose(drawn.survival(m)[row], one.survival(m))
        assert np.allclose(
            drawn.discounted_renewals(m, 0.02)[row], one.discounted_renewals(m, 0.02), rtol=1e-10
        )
    made, ended = drawn.simulate(np.full(20_000, 5.0), np.random.default_rng(1))
    assert made.shape == (2, 20_000)
    assert np.allclose(1 - ended.mean(axis=1), drawn.survival(5.0)[:, 0], atol=0.015)


@pytest.mark.parametrize("model", [*MODELS, pc.BetaDiscreteWeibull(0.5, 2e4, 1.2)], ids=repr)
def test_likelihoods_by_age_are_the_sums_over_contracts(model):
    cells = renewals_of().cells()
    found = model.slopes(cells.renewals, cells.ended, cells.weight)
    whole = cells.weight @ model.log_likelihood(cells.renewals, cells.ended)
    assert found.value == pytest.approx(whole, rel=1e-11)
    for i, name in enumerate(model.names()):
        step = 1e-5 * getattr(model, name)
        around = [
            cells.weight
            @ type(model)(
                *(getattr(model, n) + sign * step * (n == name) for n in model.names())
            ).log_likelihood(cells.renewals, cells.ended)
            for sign in (1, -1)
        ]
        slope = (around[0] - around[1]) / (2 * step)
        assert found.by_parameter[i] == pytest.approx(slope, rel=1e-5, abs=1e-5)


def test_a_model_with_survival_alone_can_be_fitted():
    @dataclass(frozen=True)
    class Odds(RetentionModel):
        odds: float
        title = "geometric"

        def log_survival(self, t):
            return -np.asarray(t, float) * np.log1p(self.odds)

    fit = pc.fit(Odds, renewals_of())
    table = renewals_of().curve[1:]
    churn = 1 - table["renewed"].sum() / table["at_risk"].sum()
    assert fit.model.odds / (1 + fit.model.odds) == pytest.approx(churn, rel=1e-6)


def test_a_table_and_its_customers_row_by_row_give_the_same_fit():
    table = renewals_of()
    rows = []
    for renewals, ended, n in table.histories[["renewals", "ended", "contracts"]].itertuples(
        index=False
    ):
        end = pd.Timestamp("2000-01-01") + pd.DateOffset(years=renewals + 1) if ended else pd.NaT
        rows += [(pd.Timestamp("2000-01-01"), end)] * n
    people = pd.DataFrame(rows, columns=["start", "end"])
    people["customer_id"] = range(len(people))
    counted = pc.renewals(people.sample(frac=1, random_state=1), period="year",
                          observation_end="2007-12-31")  # fmt: skip
    assert counted.curve.equals(table.curve)
    one, other = (pc.fit("BetaDiscreteWeibull", sample) for sample in (table, counted))
    assert one.params == other.params
    assert one.log_likelihood == other.log_likelihood


def test_kaplan_and_meier_are_the_survival_of_the_table():
    assert np.allclose(renewals_of().curve["survival"] * 1000, LEFT)


@pytest.fixture(scope="module")
def plans():
    rng = np.random.default_rng(3)
    parts = []
    for plan, (a, b, n) in {"a": (1, 5, 4000), "b": (0.8, 4, 900), "c": (1.0, 9, 30)}.items():
        made, _ = pc.ShiftedBetaGeometric(a, b).simulate(np.full(n, 8.0), rng)
        left = [int((made >= age).sum()) for age in range(9)]
        parts.append(pd.DataFrame({"plan": plan, "age": range(9), "customers": left}))
    return pc.Renewals.from_cohorts(pd.concat(parts), cohort=None, by="plan")


def test_pooling_with_a_wide_spread_is_fitting_apart(plans):
    apart = pc.ContractModel(by="plan").fit(plans)
    pooled = pc.ContractModel(by="plan", groups="pooled", spread=1e6).fit(plans)
    assert np.allclose(apart.summary(), pooled.summary(), rtol=1e-4)


def test_pooling_without_spread_is_one_fit(plans):
    pooled = pc.ContractModel(by="plan", groups="pooled", spread=1e-4).fit(plans)
    alike = pc.ContractModel(by="plan", groups="together").fit(plans)
    for plan in "abc":
        assert np.allclose(
            list(pooled.fit_of(plan).params.values()), list(alike.fit_of(plan).params.values()),
            rtol=2e-3,
        )  # fmt: skip


def test_small_plans_lean_on_large_ones(plans):
    apart = pc.ContractModel(by="plan").fit(plans).summary()
    pooled = pc.ContractModel(by="plan", groups="pooled").fit(plans)
    error = pooled.summary()["std_error"]
    assert (error.loc["c"] < 0.5 * apart["std_error"].loc["c"]).all()
    assert (error.loc["a"] > 0.7 * apart["std_error"].loc["a"]).all()
    assert ((pooled.pool["spread"] > 0.02) & (pooled.pool["spread"] < 1)).all()


def test_slopes_of_the_hierarchy_are_its_own():
    m = np.arange(9.0)
    cells = RenewalCells.of(np.r_[m, 8.0], np.r_[np.ones(9), 0.0], np.arange(10, 20), "year")
    parts = [Likelihood.of(pc.BetaDiscreteWeibull, cells, "year")] * 3
    own = np.array([[True] * 3, [False] * 3, [True] * 3])
    density = Hierarchy(parts, np.zeros(15), np.eye(15), own, "plan")
    at = 0.3 * np.random.default_rng(1).normal(size=15)
    step = 1e-5 * np.eye(15)
    slope = [(density(at + s)[0] - density(at - s)[0]) / 2e-5 for s in step]
    assert np.allclose(density(at)[1], slope, atol=1e-5)


# BG/BB


@pytest.fixture
def giver():
    return pc.BGBB(1.2, 0.75, 0.66, 2.8)


def test_histories_of_bgbb_sum_to_one(giver):
    # (x, t_x) of 5: comb(t_x - 1, x - 1) sequences are alike.
    total = 0.0
    for t_x in range(6):
        for x in [0] if t_x == 0 else range(1, t_x + 1):
            ways = 1 if x == 0 else comb(t_x - 1, x - 1)
            total += ways * float(np.exp(giver.log_likelihood([x], [t_x], [5])[0]))
    assert total == pytest.approx(1.0, rel=1e-12)


def test_the_pmf_of_bgbb_sums_to_one_with_the_stated_mean(giver):
    k = np.arange(9)
    assert giver.pmf(k, 8).sum() == pytest.approx(1.0, rel=1e-12)
    assert k @ giver.pmf(k, 8) == pytest.approx(float(giver.expected_purchases(8)), rel=1e-12)
    after = giver.pmf_after(k[:, None], 8, [0, 2, 5], [0, 4, 5], [5, 5, 5])
    assert np.allclose(after.sum(axis=0), 1.0, rtol=1e-12)
    mean = giver.expected_purchases_after(8, [0, 2, 5], [0, 4, 5], [5, 5, 5])
    assert np.allclose(k @ after, mean, rtol=1e-12)


def test_slopes_of_bgbb_are_differences_of_its_likelihood(giver):
    history = np.array([[0, 2, 5, 1], [0, 4, 5, 1], [5, 5, 5, 3.0]])
    weight = np.array([10.0, 3, 4, 7])
    found = giver.slopes(*history, weight)
    assert found.value == pytest.approx(weight @ giver.log_likelihood(*history), rel=1e-12)
    for i, name in enumerate(giver.names()):
        values = [
            weight
            @ pc.BGBB(
                **{n: getattr(giver, n) + s * 1e-5 * (n == name) for n in giver.names()}
            ).log_likelihood(*history)
            for s in (1, -1)
        ]
        assert found.by_parameter[i] == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-6)


def test_bgbb_is_what_its_simulation_does(giver):
    rng = np.random.default_rng(2)
    x, t_x, _ = giver.simulate(np.full(300_000, 6.0), rng)
    for history in ((0, 0), (2, 5), (6, 6)):
        share = ((x == history[0]) & (t_x == history[1])).mean()
        ways = comb(history[1] - 1, history[0] - 1) if history[0] else 1
        chance = ways * float(np.exp(giver.log_likelihood([history[0]], [history[1]], [6])[0]))
        assert abs(share - chance) < 4 * np.sqrt(chance / 300_000)
