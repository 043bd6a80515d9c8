"""Simulate, fit, find again: with many customers, with few, and where there is no maximum."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import predclv as pc
from predclv.errors import AssumptionWarning, BoundaryWarning, FitError, InfiniteMeanWarning
from predclv.models.purchases import PurchaseModel

# One row per model: what to simulate from (CDNOW's fits, and others as unlike as that).
PURCHASE_TRUTHS = [
    pytest.param(pc.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), id="BG/NBD, CDNOW"),
    pytest.param(pc.BGNBD(r=1.5, alpha=6.0, a=1.0, b=4.0), id="BG/NBD, busier"),
    pytest.param(pc.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614), id="MBG/NBD, CDNOW"),
    pytest.param(pc.ParetoNBD(r=0.553, alpha=10.58, s=0.606, beta=11.67), id="Pareto/NBD, CDNOW"),
]
SPEND_TRUTHS = [
    pytest.param(pc.GammaGamma(p=6.25, q=3.74, v=15.44), id="Gamma-Gamma, CDNOW"),
    pytest.param(pc.GammaGamma(p=1.2, q=6.0, v=40.0), id="Gamma-Gamma, uneven"),
]
CDNOW = pc.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
CDNOW_SPEND = pc.GammaGamma(p=6.25, q=3.74, v=15.44)


def rfm_of(x, t_x, T, mean=None) -> pc.RFM:
    columns = {"customer_id": np.arange(len(x)), "frequency": x, "recency": t_x, "T": T}
    if mean is not None:
        columns["monetary_value"] = mean
    return pc.RFM.from_frame(pd.DataFrame(columns), unit="week")


def customers(model, n: int, seed: int) -> pc.RFM:
    """As many customers as asked for, observed for as long as CDNOW's, in whole days."""
    rng = np.random.default_rng(seed)
    days = rng.integers(189, 273, n)
    x, t_x = model.simulate(days / 7, rng)
    # Every purchase has a day of its own, so that the last falls on the x-th or later.
    last = np.clip(np.ceil(7 * t_x), x, days)
    return rfm_of(np.minimum(x, days), np.where(x > 0, last, 0) / 7, days / 7)


def spenders(model, n: int, seed: int) -> pc.RFM:
    """Repeat buyers only, with the mean of 1 to 15 purchases each."""
    rng = np.random.default_rng(seed)
    x = 1 + np.minimum(rng.geometric(0.4, n) - 1, 14)
    rate = rng.gamma(model.q, 1.0, n) / model.v
    mean = rng.gamma(model.p * x) / rate / x
    return rfm_of(x, np.full(n, 20.0), np.full(n, 39.0), mean)


def fit_quietly(model, rfm) -> pc.Fit:
    """The fit, with its warnings of a limit or of an infinite mean allowed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BoundaryWarning)
        warnings.simplefilter("ignore", InfiniteMeanWarning)
        warnings.simplefilter("ignore", AssumptionWarning)
        return pc.fit(model, rfm)


def slope_per_customer(fit: pc.Fit, columns) -> np.ndarray:
    """Gradient of the likelihood in log parameters, per customer, at the fit."""
    _, gradient = type(fit.model).objective(columns)(np.log(list(fit.params.values())))
    return gradient / fit.n_customers


def history_of(rfm: pc.RFM):
    return tuple(rfm.frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))


def columns_of(rfm: pc.RFM, model):
    names = (
        ("frequency", "recency", "T")
        if isinstance(model, PurchaseModel)
        else ("frequency", "monetary_value")
    )
    frame = rfm.frame if isinstance(model, PurchaseModel) else rfm.frame.query("frequency > 0")
    return *(frame[name].to_numpy(float) for name in names), np.ones(len(frame))


# --- many customers ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("truth", [*PURCHASE_TRUTHS, *SPEND_TRUTHS])
def test_the_parameters_that_data_were_simulated_from_are_found_again(truth, seed):
    data = customers if isinstance(truth, PurchaseModel) else spenders
    rfm = data(truth, 6000, seed)
    fit = pc.fit(type(truth), rfm)
    off = np.log(list(fit.params.values())) - np.log([getattr(truth, n) for n in truth.names()])
    # The squared distance in standard errors is chi-square: beyond .9999 once in 10,000 fits.
    distance = off @ np.linalg.solve(fit.log_covariance, off)
    assert distance < stats.chi2.ppf(0.9999, off.size)
    assert fit.converged
    assert not fit.limits
    assert np.abs(slope_per_customer(fit, columns_of(rfm, truth))).max() < 1e-7


@pytest.mark.parametrize("truth", [*PURCHASE_TRUTHS, *SPEND_TRUTHS])
def test_standard_errors_cover_the_truth_as_often_as_they_say(truth):
    data = customers if isinstance(truth, PurchaseModel) else spenders
    true = {name: getattr(truth, name) for name in truth.names()}
    inside = []
    for seed in range(100, 120):
        summary = pc.fit(type(truth), data(truth, 2000, seed)).summary(level=0.9)
        inside += [
            summary.loc[n, "lower"] < value < summary.loc[n, "upper"] for n, value in true.items()
        ]
    # 20 fits, whose parameters go together: a share of .9 has a standard error of at most .067.
    assert np.mean(inside) > 0.9 - 4 * 0.067


@pytest.mark.parametrize("truth", [*PURCHASE_TRUTHS, *SPEND_TRUTHS])
def test_no_other_parameters_near_the_fit_have_a_higher_likelihood(truth):
    data = customers if isinstance(truth, PurchaseModel) else spenders
    rfm = data(truth, 1000, 11)
    fit = pc.fit(type(truth), rfm)
    columns = columns_of(rfm, truth)
    objective = type(truth).objective(columns)
    rng = np.random.default_rng(12)
    at = np.log(list(fit.params.values()))
    for scale in (1e-3, 0.03, 0.3, 1.0):
        for _ in range(25):
            assert objective(at + scale * rng.normal(size=at.size))[0] < fit.log_likelihood


# --- what a fit says of itself -------------------------------------------------------------------


def test_draws_have_the_stated_mean_and_covariance_and_repeat_with_their_seed(bgnbd):
    draws = bgnbd.draws(100_000, seed=13)
    logs = np.log(np.array(list(draws.values())))
    # 100,000 draws: a relative standard error of .45% for variances, of .3% of a sigma for means.
    spread = np.sqrt(np.diag(bgnbd.log_covariance))
    correlations = np.cov(logs) / np.outer(spread, spread)
    assert correlations == pytest.approx(
        bgnbd.log_covariance / np.outer(spread, spread), abs=5 * 0.0045
    )
    off = (logs.mean(axis=1) - np.log(list(bgnbd.params.values()))) / spread
    assert np.abs(off).max() < 5 / np.sqrt(100_000)
    again = bgnbd.draws(100_000, seed=13)
    assert all(np.array_equal(draws[name], again[name]) for name in draws)
    other = bgnbd.draws(100_000, seed=14)
    assert not any(np.array_equal(draws[name], other[name]) for name in draws)


def test_a_fit_knows_its_information_criteria(bgnbd):
    assert bgnbd.aic == pytest.approx(2 * 4 - 2 * bgnbd.log_likelihood)
    assert bgnbd.bic == pytest.approx(4 * np.log(2357) - 2 * bgnbd.log_likelihood)


def test_the_summary_is_symmetric_on_the_log_scale(bgnbd):
    summary = bgnbd.summary(level=0.95)
    assert list(summary.columns) == ["estimate", "std_error", "lower", "upper"]
    middle = np.sqrt(summary["lower"] * summary["upper"])
    assert middle.to_numpy() == pytest.approx(summary["estimate"].to_numpy())
    reach = stats.norm.ppf(0.975) * summary["std_error"] / summary["estimate"]
    assert np.log(summary["upper"] / summary["estimate"]).to_numpy() == pytest.approx(
        reach.to_numpy()
    )


@pytest.mark.parametrize("fixture", ["bgnbd", "gamma_gamma"])
def test_the_gradient_per_customer_vanishes_on_cdnow(request, cdnow, fixture):
    fit = request.getfixturevalue(fixture)
    slope = slope_per_customer(fit, columns_of(cdnow, fit.model))
    assert np.abs(slope).max() < 1e-10  # issue: 1e-7; a polished maximum does far better


# --- few customers -------------------------------------------------------------------------------


def assert_forecasts_are_sound(fit: pc.Fit, history) -> None:
    """Finite, within their bounds, in their order."""
    model = fit.model
    # A spread of at most 60: whole lifetimes of thousands take seconds.
    history = [column[:: max(1, column.size // 60)] for column in history]
    alive = model.p_alive(*history)
    year = model.expected_purchases_after(52.0, *history)
    worth = model.discounted_purchases_after(np.inf, np.log(1.15) / 52, *history)
    active = model.p_active_after(52.0, *history)
    for values in (alive, year, worth, active, model.log_likelihood(*history)):
        assert np.all(np.isfinite(values))
    assert np.all((alive >= 0) & (alive <= 1) & (active >= 0) & (active <= alive + 1e-12))
    assert np.all(active <= year + 1e-9)
    assert np.all((year >= 0) & (worth >= 0))


@pytest.mark.parametrize("n", [20, 50, 100])
def test_no_small_sample_of_cdnow_customers_fails(n):
    # lifetimes fails on 57%, 26% and 12% of such samples.
    for seed in range(6):
        rfm = customers(CDNOW, n, n + 1000 * seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = pc.fit(pc.BGNBD, rfm)
        assert [type(w.message) for w in caught] in ([], [BoundaryWarning])
        assert bool(fit.limits) == bool(caught)
        assert all(limit in str(caught[0].message) for limit in fit.limits)
        assert_forecasts_are_sound(fit, history_of(rfm))


@pytest.mark.parametrize("seed", [20_000, 20_002, 20_003])
def test_a_small_sample_has_no_better_parameters_anywhere_on_a_grid(seed):
    rfm = customers(CDNOW, 20, seed)
    fit = fit_quietly(pc.BGNBD, rfm)
    objective = pc.BGNBD.objective(columns_of(rfm, CDNOW))
    rates = np.exp([-6.0, -4.0, -3.0, -2.0, -1.0])
    for r, rate, odds, b in itertools.product(
        (0.01, 0.1, 0.4, 1.5, 30.0, 1e4), rates, (1e-6, 0.03, 0.3, 3.0), (1e-4, 0.1, 1.0, 20.0, 1e5)
    ):
        # 1e-8: where the likelihood rises towards a bound at which the fit stops.
        assert objective(np.log([r, r / rate, odds * b, b]))[0] <= fit.log_likelihood + 1e-8


@pytest.mark.parametrize("n", [1, 2, 5, 20, 50])
def test_gamma_gamma_never_fails_on_few_repeat_buyers(n):
    # lifetimes fails on 35 to 56% of samples of up to 100.
    for seed in range(6):
        rfm = spenders(CDNOW_SPEND, n, 100 * n + seed)
        fit = fit_quietly(pc.GammaGamma, rfm)
        frame = rfm.frame
        spend = fit.model.expected_spend(frame["frequency"], frame["monetary_value"])
        assert np.all(spend > 0)
        assert not np.any(np.isnan(spend))
        assert fit.model.mean > 0
        if fit.params["q"] > 1:
            assert np.all(np.isfinite(spend))
        # No better parameters nearby that the box allows: the fit is a maximum or a limit.
        objective = pc.GammaGamma.objective(columns_of(rfm, CDNOW_SPEND))
        for p, q in itertools.product((0.5, 5.0, 50.0, 500.0), (0.5, 1.5, 4.0, 40.0)):
            v = frame["monetary_value"].median() * q / p
            assert objective(np.log([p, q, v]))[0] <= fit.log_likelihood + 1e-6


@pytest.mark.parametrize("model", [pc.MBGNBD, pc.ParetoNBD])
@pytest.mark.parametrize("n", [20, 50])
def test_no_small_sample_fails_with_the_other_models(model, n):
    for seed in range(4):
        rfm = customers(CDNOW, n, n + 1000 * seed)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit = pc.fit(model, rfm)
        assert [type(w.message) for w in caught] in ([], [BoundaryWarning])
        assert bool(fit.limits) == bool(caught)
        assert_forecasts_are_sound(fit, history_of(rfm))


# --- no maximum inside ---------------------------------------------------------------------------


def test_a_base_that_nobody_leaves_is_fitted_and_forecast_as_an_nbd():
    # Everyone bought on their last day: the likelihood rises towards a / b -> 0.
    rng = np.random.default_rng(15)
    T = rng.integers(200, 270, 400) / 7
    x = rng.poisson(rng.gamma(1.5, 1.0, 400) / 8.0 * T)
    rfm = rfm_of(x, np.where(x > 0, T, 0.0), T)
    with pytest.warns(BoundaryWarning, match="nobody leaves"):
        fit = pc.fit(pc.BGNBD, rfm)
    assert any("nobody leaves" in limit for limit in fit.limits)
    r, alpha = fit.params["r"], fit.params["alpha"]
    expected = fit.model.expected_purchases_after(26.0, x, np.where(x > 0, T, 0.0), T)
    # The limit is taken at odds of leaving of 1e-10, times up to 100 purchases.
    assert expected == pytest.approx((r + x) / (alpha + T) * 26.0, rel=1e-7)
    # r and alpha are those of the NBD: its own likelihood, from SciPy, is flat there.
    share = alpha / (alpha + T)

    def nbd(log_r, log_alpha):
        r_, a_ = np.exp([log_r, log_alpha])
        return stats.nbinom.logpmf(x, r_, a_ / (a_ + T)).sum()

    assert np.all((share > 0) & (share < 1))
    at = np.log([r, alpha])
    for step in ([1e-3, 0.0], [0.0, 1e-3], [1e-3, 1e-3], [1e-3, -1e-3]):
        assert nbd(*(at + step)) < nbd(*at)
        assert nbd(*(at - np.array(step))) < nbd(*at)


def test_where_nobody_leaves_nothing_is_said_of_how_they_differ_in_leaving():
    rfm = customers(pc.BGNBD(r=1.2, alpha=6.0, a=1e-12, b=1.0), 100, 1)
    with pytest.warns(BoundaryWarning, match="nobody leaves") as told:
        fit = pc.fit(pc.BGNBD, rfm)
    assert {"a", "b"} <= set(fit.undetermined)
    assert fit.limits == ("nobody leaves (a / b -> 0): purchases follow an NBD",)
    assert "at once or never" not in str(told[0].message)


@pytest.mark.parametrize("model", [pc.MBGNBD, pc.ParetoNBD])
def test_a_base_that_nobody_leaves_is_an_nbd_for_every_model(model):
    rng = np.random.default_rng(15)
    T = rng.integers(200, 270, 400) / 7
    x = rng.poisson(rng.gamma(3.0, 1.0, 400) / 8.0 * T) + 1
    rfm = rfm_of(x, T, T)
    with pytest.warns(BoundaryWarning, match=r"nobody leaves|hardly anyone leaves"):
        fit = pc.fit(model, rfm)
    r, alpha = fit.params["r"], fit.params["alpha"]
    expected = fit.model.expected_purchases_after(26.0, x, T, T)
    assert expected == pytest.approx((r + x) / (alpha + T) * 26.0, rel=1e-6)


@pytest.mark.parametrize(
    ("truth", "seed", "likelier"),
    [
        (pc.ParetoNBD(2.0, 8.0, 1.0, 1e9), 20, pc.ParetoNBD(2.639, 12.55, 9.694e-4, 4.4e-13)),
        (pc.ParetoNBD(1e6, 1e7, 1.0, 1e4), 23, pc.ParetoNBD(1.035e4, 9.873e4, 8.33e-4, 3.7e-13)),
    ],
    ids=["nobody leaves", "one rate of buying"],
)
def test_a_limit_far_from_where_the_search_wandered_is_found(truth, seed, likelier):
    """On its flat ridge the first search ends far from where these limits are high."""
    rfm = customers(truth, 60, seed)
    cells = rfm.cells()
    with pytest.warns(BoundaryWarning, match="at once or never"):
        fit = pc.fit(pc.ParetoNBD, rfm)
    there = likelier.log_likelihood(cells.frequency, cells.recency, cells.T) @ cells.weight
    assert fit.log_likelihood > there


def test_one_rate_of_leaving_for_all_is_found_again_as_a_limit_or_near_it():
    truth = pc.ParetoNBD(r=0.8, alpha=3.0, s=2e9, beta=5e10)
    rfm = customers(truth, 3000, 172)
    fit = fit_quietly(pc.ParetoNBD, rfm)
    # A twenty-fifth leave every week: a thousand and more of them, known to some 5%.
    assert fit.params["s"] / fit.params["beta"] == pytest.approx(0.04, rel=0.25)
    assert fit.params["s"] > 3
    history = history_of(rfm)
    assert_forecasts_are_sound(fit, history)
    right = truth.expected_purchases_after(52.0, *history).sum()
    assert fit.model.expected_purchases_after(52.0, *history).sum() == pytest.approx(
        right, rel=0.15
    )


def test_data_simulated_without_leaving_are_found_again_as_an_nbd():
    rfm = customers(pc.BGNBD(r=1.2, alpha=6.0, a=1e-12, b=1.0), 3000, 16)
    fit = fit_quietly(pc.BGNBD, rfm)
    # Two or three in a thousand who happen to stay silent may look as if they had left.
    assert fit.params["a"] / (fit.params["a"] + fit.params["b"]) < 5e-3
    x, t_x, T = history_of(rfm)
    expected = fit.model.expected_purchases_after(26.0, x, t_x, T)
    # A sum over 3,000 customers has a standard error of about 1%.
    assert expected.sum() == pytest.approx(((1.2 + x) / (6.0 + T) * 26.0).sum(), rel=0.05)
    assert_forecasts_are_sound(fit, (x, t_x, T))


@pytest.mark.parametrize("seed", range(2))
def test_one_chance_of_leaving_for_all_is_found_again_as_a_limit_or_near_it(seed):
    truth = pc.BGNBD(r=0.8, alpha=3.0, a=0.2e9, b=0.8e9)
    rfm = customers(truth, 3000, 170 + seed)
    fit = fit_quietly(pc.BGNBD, rfm)
    # About 10,000 purchases, after each a fifth leave: a standard error of about .01.
    assert fit.params["a"] / (fit.params["a"] + fit.params["b"]) == pytest.approx(0.2, abs=0.05)
    assert fit.params["a"] + fit.params["b"] > 5
    history = history_of(rfm)
    assert_forecasts_are_sound(fit, history)
    right = truth.expected_purchases_after(52.0, *history).sum()
    assert fit.model.expected_purchases_after(52.0, *history).sum() == pytest.approx(
        right, rel=0.15
    )


def test_some_samples_with_one_chance_of_leaving_say_so():
    truth = pc.BGNBD(r=0.8, alpha=3.0, a=0.2e9, b=0.8e9)
    told = [fit_quietly(pc.BGNBD, customers(truth, 500, 180 + seed)).limits for seed in range(3)]
    assert any("same chance" in limit for limits in told for limit in limits)


def test_customers_who_all_repeat_are_fitted():
    x, t_x, T = history_of(customers(CDNOW, 2000, 19))
    back = x > 0
    rfm = rfm_of(x[back], t_x[back], T[back])
    assert_forecasts_are_sound(fit_quietly(pc.BGNBD, rfm), history_of(rfm))


def test_customers_who_all_buy_alike_are_fitted():
    T = np.full(50, 39.0)
    rfm = rfm_of(np.full(50, 5), np.full(50, 30.0), T)
    with pytest.warns(BoundaryWarning):
        fit = pc.fit(pc.BGNBD, rfm)
    assert_forecasts_are_sound(fit, history_of(rfm))


@pytest.mark.parametrize("n", [1, 30])
def test_one_repeat_purchase_among_all_customers_is_enough_for_a_fit(n):
    x = np.zeros(n, dtype=int)
    x[0] = 1
    rfm = rfm_of(x, 10.0 * x, np.full(n, 39.0))
    fit = fit_quietly(pc.BGNBD, rfm)
    assert_forecasts_are_sound(fit, history_of(rfm))


@pytest.mark.parametrize("n", [1, 200])
def test_customers_who_never_come_back_cannot_be_fitted_and_the_error_says_why(n):
    rfm = rfm_of(np.zeros(n, dtype=int), np.zeros(n), np.full(n, 39.0))
    with pytest.raises(FitError, match="second time"):
        pc.fit(pc.BGNBD, rfm)


FAMILY = [pc.BGNBD, pc.MBGNBD, pc.ParetoNBD]


@pytest.mark.filterwarnings("ignore:T reaches")  # centuries in weeks, as is meant here
@pytest.mark.parametrize("model", FAMILY)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4], ids=["dense", "weekly", "sparse"])
def test_the_unit_of_time_does_not_decide_whether_a_fit_converges(scale, model):
    x, t_x, T = history_of(customers(CDNOW, 500, 21))
    plain = fit_quietly(model, rfm_of(x, t_x, T))
    scaled = fit_quietly(model, rfm_of(x, scale * t_x, scale * T))
    times = {name: scale * plain.params[name] for name in ("alpha", "beta") if name in plain.params}
    # 500 customers leave a flat ridge, along which rounding moves the maximum.
    assert scaled.params == pytest.approx(plain.params | times, rel=1e-5)


@pytest.mark.filterwarnings("ignore:T reaches")
@pytest.mark.parametrize("model", FAMILY)
def test_a_customer_with_twenty_thousand_purchases_does_not_break_a_fit(model):
    x, t_x, T = history_of(customers(CDNOW, 1000, 22))
    T, t_x = 100 * T, 100 * t_x
    rfm = rfm_of(np.append(x, 20_000), np.append(t_x, 2999.0), np.append(T, 3000.0))
    fit = fit_quietly(model, rfm)
    assert_forecasts_are_sound(fit, history_of(rfm))
    assert np.abs(slope_per_customer(fit, columns_of(rfm, CDNOW))).max() < 1e-7


# --- limits and doubts of Gamma-Gamma ------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 40])
def test_identical_spends_are_fitted_and_expected_again(n):
    rfm = rfm_of(np.full(n, 3), np.full(n, 20.0), np.full(n, 39.0), np.full(n, 19.99))
    with pytest.warns(BoundaryWarning):
        fit = pc.fit(pc.GammaGamma, rfm)
    # Limits stand at 1e6 and not at infinity: spends differ by a thousandth of themselves.
    assert fit.model.expected_spend(3, 19.99) == pytest.approx(19.99, rel=1e-3)
    assert fit.model.mean == pytest.approx(19.99, rel=1e-3)


def test_spend_without_a_finite_mean_is_told_and_never_negative():
    rfm = spenders(pc.GammaGamma(p=3.0, q=0.7, v=15.0), 2000, 23)
    with pytest.warns(InfiniteMeanWarning, match="q = 0"):
        fit = pc.fit(pc.GammaGamma, rfm)
    assert fit.params["q"] < 1
    assert fit.model.mean == np.inf
    frame = rfm.frame
    assert np.all(fit.model.expected_spend(frame["frequency"], frame["monetary_value"]) > 0)


@pytest.mark.parametrize("sign", [1, -1], ids=["frequent buyers spend more", "less"])
def test_a_strong_correlation_of_frequency_and_spend_is_told(sign):
    frame = spenders(CDNOW_SPEND, 500, 24).frame
    mean = frame["monetary_value"] * frame["frequency"] ** (0.9 * sign)
    rfm = rfm_of(frame["frequency"], frame["recency"], frame["T"], mean)
    with warnings.catch_warnings(record=True) as caught:
        # "always": the spends of frequent buyers, made too alike, may also send p to its limit.
        warnings.simplefilter("always")
        fit = pc.fit(pc.GammaGamma, rfm)
    told = [str(w.message) for w in caught if w.category is AssumptionWarning]
    assert len(told) == 1
    assert "correlated" in told[0]
    correlation = np.corrcoef(frame["frequency"], mean)[0, 1]
    assert fit.checks["correlation"] == pytest.approx(correlation)
    assert np.sign(fit.checks["correlation"]) == sign


def test_independent_spend_is_not_doubted(gamma_gamma):
    # Warnings are errors here: that the fixture exists is the evidence.
    assert abs(gamma_gamma.checks["correlation"]) < 0.3


def test_buyers_who_never_come_back_leave_nothing_to_learn_spend_from():
    rfm = rfm_of(np.zeros(9, dtype=int), np.zeros(9), np.full(9, 39.0), np.zeros(9))
    with pytest.raises(FitError, match="repeat purchase"):
        pc.fit(pc.GammaGamma, rfm)
