"""Fits with covariates in everything that comes after a fit."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.forecast.fitted import FittedCLV
from predclv.forecast.patterns import Known
from predclv.likelihoods.effects import Effects
from predclv.samples.patterns import Patterns
from predclv.validation.histories import customer_history
from predclv.validation.interpurchase import interpurchase_times
from predclv.validation.tables import repeat_histogram
from predclv.validation.tracking import tracking

COVARIATES = {"rate": ["channel"], "leaving": ["channel"], "spend": ["channel"]}


def shop(n=1200, seed=4):
    """A log of a shop whose web customers buy twice as often and leave sooner, and who they are."""
    rng = np.random.default_rng(seed)
    web = rng.random(n) < 0.4
    model = pc.MBGNBD(
        1.2, 60.0 / np.where(web, 2.0, 1.0), np.where(web, 0.9, 0.5), np.where(web, 1.2, 2.2)
    )
    born = rng.integers(0, 400, n)
    paths = model.paths((728.0 - born).astype(float), rng)
    owner, when = paths.times(rng)
    day = np.concatenate([born, born[owner] + np.ceil(when).astype(int)])
    who = np.concatenate([np.arange(n), owner])
    scale = np.where(web, 45.0, 30.0) / rng.gamma(4.0, 1.0, n)
    value = rng.gamma(4.0, scale[who])
    log = pd.DataFrame(
        {
            "customer_id": who,
            "date": pd.Timestamp("2020-01-01") + pd.to_timedelta(day, "D"),
            "amount": value.round(2) + 0.01,
        }
    )
    table = pd.DataFrame({"customer_id": np.arange(n), "channel": np.where(web, "web", "shop")})
    return log, table


LOG, TABLE = shop()
END = "2021-06-30"


@pytest.fixture(scope="module")
def split():
    return pc.holdout_split(LOG, calibration_end=END, static_covariates=TABLE)


@pytest.fixture(scope="module")
def known(split):
    return split.rfm


@pytest.fixture(scope="module")
def fitted(known):
    return pc.CLVModel(pc.MBGNBD, covariates=COVARIATES).fit(known)


@pytest.fixture(scope="module")
def apart(known):
    """One plain fit per channel."""
    found = {}
    for channel in ("shop", "web"):
        ids = TABLE.loc[TABLE["channel"] == channel, "customer_id"]
        log = LOG[LOG["customer_id"].isin(ids)]
        found[channel] = pc.CLVModel(pc.MBGNBD).fit(
            pc.rfm_summary(log[log["date"] <= END], observation_end=END)
        )
    return found


def test_the_story_is_found_again(fitted):
    shown = fitted.summary(0.99)["estimate"]
    assert shown["MBG/NBD", "rate.channel[web]"] == pytest.approx(np.log(2), abs=0.25)
    assert shown["Gamma-Gamma", "spend.channel[web]"] == pytest.approx(np.log(1.5), abs=0.1)
    assert shown["MBG/NBD", "leaving.channel[web]"] > 0.4


def test_totals_buyers_and_periods_agree_with_expectations(fitted):
    forecast = fitted.forecast("26 weeks", seed=3)
    frame, total = forecast.frame, forecast.total()
    assert total["purchases"] == pytest.approx(frame["expected_purchases"].sum(), rel=1e-9)
    assert total["clv"] == pytest.approx(frame["clv"].sum(), rel=1e-9)
    assert total["purchases_lower"] < total["purchases"] < total["purchases_upper"]
    assert total["revenue_lower"] < total["revenue"] < total["revenue_upper"]
    buyers = forecast.buyers()
    assert buyers["buyers"] == pytest.approx(frame["p_active"].sum())
    assert buyers["buyers_lower"] < buyers["buyers"] < buyers["buyers_upper"]
    months = forecast.schedule("month")
    assert months["revenue"].sum() == pytest.approx(total["revenue"], rel=1e-6)


def test_intervals_are_those_of_each_channels_own_parameters(fitted, known):
    # With parameters known exactly, each channel is a plain model with parameters of its own.
    sure = {
        role: replace(fit, log_covariance=np.zeros_like(fit.log_covariance))
        for role, fit in (("purchases", fitted.purchases), ("spend", fitted.spend))
    }
    ours = FittedCLV(**sure, rfm=known)
    for pattern, channel in enumerate(known.cells().patterns.frame["channel"]):
        ids = TABLE.loc[TABLE["channel"] == channel, "customer_id"]
        alone = {
            role: replace(
                fit,
                model=Known.of(fit, known.cells()).alone(pattern),
                covariates=None,
                log_covariance=np.zeros((len(fit.model.names()),) * 2),
            )
            for role, fit in sure.items()
        }
        log = LOG[LOG["customer_id"].isin(ids)]
        of_channel = pc.rfm_summary(log[log["date"] <= END], observation_end=END)
        # Lifetimes are simulated: of one channel, which takes long enough.
        for horizon, near in [("26 weeks", 2e-3), (None, 0.06)][: 1 + pattern]:
            one = FittedCLV(**alone, rfm=of_channel).forecast(horizon, seed=1).frame
            found = ours.forecast(horizon, seed=1).frame
            found = found[found["customer_id"].isin(ids)].reset_index(drop=True)
            for name in one.columns.drop("customer_id"):
                simulated = name in ("clv_lower", "clv_upper") or name.startswith("revenue_")
                tolerance = near if simulated else 1e-9
                away = np.abs(found[name] - one[name]) / (np.abs(one[name]) + 1.0)
                assert away.mean() < tolerance, (channel, horizon, name)


def test_the_distribution_of_counts_has_the_frames_mean(fitted):
    forecast = fitted.forecast("26 weeks", seed=3)
    counts, mean = forecast.counts(), np.zeros(len(forecast))
    for rows, values, probabilities in counts.parts():
        mean[rows] = probabilities @ values
    expected = forecast.frame["expected_purchases"]
    assert mean.sum() == pytest.approx(expected.sum(), rel=0.02)
    assert np.corrcoef(mean, expected)[0, 1] > 0.999
    zero = counts.mass(np.zeros(len(forecast), int))
    assert (1 - zero).sum() == pytest.approx(forecast.frame["p_active"].sum(), rel=0.02)
    ten = counts.mass(np.full(len(forecast), 40))
    assert np.all((ten >= 0) & (ten < 0.05))


def test_scores_of_histories_are_by_pattern_and_give_the_frame(fitted, tmp_path):
    forecast = fitted.forecast("26 weeks", seed=3)
    table = forecast.table()
    assert table.keys[-1] == "pattern"
    assert "s.pattern = c.pattern" in table.sql()
    duckdb = pytest.importorskip("duckdb")
    scores = table.frame
    customers = fitted.rfm.frame.assign(
        **{n: v for n, v in fitted.rfm.cells().keyed_as(fitted.rfm.frame).items()}
    )
    connection = duckdb.connect()
    connection.register("customers", customers)
    connection.register("scores", scores)
    found = connection.sql(table.sql()).df().sort_values("customer_id", ignore_index=True)
    for name in ("p_alive", "expected_purchases", "clv", "clv_lower", "clv_upper"):
        np.testing.assert_allclose(found[name], forecast.frame[name], rtol=1e-10)


def test_a_saved_fit_says_and_forecasts_the_same(fitted, known):
    for fit in (fitted.purchases, fitted.spend):
        again = type(fit).from_document(fit.document(), fit.tables())
        assert again.params == fit.params
        pd.testing.assert_frame_equal(again.summary(), fit.summary())
        assert again.covariates.names == fit.covariates.names


def test_tracking_is_that_of_the_channels_together(fitted, apart, split, known):
    found = tracking({"ours": fitted.purchases}, known, split.holdout_end, level=0.9, seed=1)
    sums = 0.0
    for one in apart.values():
        each = tracking({"ours": one.purchases}, one.rfm, one.rfm.observation_end, level=None)
        sums = sums + each.frame["ours"].sum()
    until = found.frame.index <= pd.Timestamp(END)
    assert found.frame.loc[until, "ours"].sum() == pytest.approx(sums, rel=0.03)
    band = found.bands["ours"]
    later = slice(3, None)  # in the first weeks rounding and simulation are all there is
    assert (band["lower"] <= found.frame["ours"])[later].all()
    assert (found.frame["ours"] <= band["upper"])[later].all()


def test_pictures_of_customers_ask_each_pattern(fitted, known):
    table = repeat_histogram(fitted.purchases, known)
    assert table["expected"].sum() == pytest.approx(len(known))
    np.testing.assert_allclose(table["expected"], table["actual"], rtol=0.35)
    one = known.frame["customer_id"].iloc[3]
    history = customer_history(fitted.purchases, known, one)
    now = fitted.forecast("26 weeks", level=None).frame.iloc[3]["p_alive"]
    assert history.frame["p_alive"].iloc[-1] == pytest.approx(now, rel=1e-10)
    gaps = interpurchase_times(known, fitted.purchases, seed=1)
    assert np.median(gaps.simulated) == pytest.approx(np.median(gaps.times), rel=0.15)


def test_who_is_due_and_at_risk_goes_by_their_own_model(fitted, known):
    due = pc.segments.due_soon(fitted, within="30 days")
    frame = fitted.forecast(30 / 7, level=None, discount_rate=0.0).frame
    both = due.merge(frame, on="customer_id")
    np.testing.assert_allclose(both["p_active_x"], both["p_active_y"], rtol=1e-10)
    own = due[np.isfinite(due["median_days"])].iloc[0]
    at = fitted.forecast(own["median_days"] / 7, level=None).frame.set_index("customer_id")
    assert at.loc[own["customer_id"], "p_active"] == pytest.approx(0.5, abs=1e-6)
    late = pc.segments.at_risk(fitted)
    assert len(late)


def test_newcomers_are_worth_what_their_channel_makes_of_them(fitted, apart):
    web, store, anybody = (
        pc.economics.new_customer(fitted, covariates=covariates, discount_rate=0.1)
        for covariates in ({"channel": "web"}, {"channel": "shop"}, None)
    )
    share = (TABLE["channel"] == "web").mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = pc.economics.new_customer(apart["web"], discount_rate=0.1)
    assert web.first_order == pytest.approx(alone.first_order, rel=1e-9)
    assert web.value == pytest.approx(alone.value, rel=0.1)
    assert web.lower < web.value < web.upper
    assert web.first_order > 1.3 * store.first_order
    mixed = share * web.later_order + (1 - share) * store.later_order
    assert anybody.later_order == pytest.approx(mixed, rel=1e-2)
    with pytest.raises(pc.errors.DataError, match=r"'mail'.*knows 'shop', 'web'"):
        pc.economics.new_customer(fitted, covariates={"channel": "mail"})
    with pytest.raises(pc.errors.OptionError, match=r"no covariate 'chanel'.*channel"):
        pc.economics.new_customer(fitted, covariates={"chanel": "web"})


def test_newcomers_and_stakes_by_pattern(fitted):
    forecast = fitted.forecast("52 weeks", level=None)
    stakes = pc.segments.at_stake(forecast, within="30 days")
    assert stakes["at_stake"].ge(0).all()


def test_what_knows_no_covariates_says_so(fitted, known):
    with pytest.raises(pc.errors.OptionError, match=r"no covariate 'chanel'.*channel"):
        pc.plots.frequency_recency(fitted, covariates={"chanel": "web"})
    with pytest.raises(pc.errors.OptionError, match="lifetimes' knows no covariates"):
        pc.fit("BGNBD", known, engine="lifetimes", covariates={"rate": ["channel"]})


def test_effects_say_what_each_level_comes_to(fitted):
    table = fitted.effects("3 years", discount_rate=0.1)
    assert table.index.tolist() == [("channel", "shop"), ("channel", "web")]
    params = fitted.purchases.params
    ratio = table.loc[("channel", "web"), "rate"] / table.loc[("channel", "shop"), "rate"]
    assert ratio == pytest.approx(np.exp(params["rate.channel[web]"]))
    for level in ("shop", "web"):
        row = table.loc[("channel", level)]
        own = pc.economics.new_customer(
            fitted, covariates={"channel": level}, first_order=0.0, discount_rate=0.1
        )
        first = own.later_order
        assert row["clv"] == pytest.approx(own.value + first, rel=0.01)  # months end on days
        assert row["clv_lower"] < row["clv"] < row["clv_upper"]
    of_purchases = fitted.purchases.effects("1 year")
    model = fitted.purchases.model
    assert of_purchases.loc[("channel", "shop"), "purchases"] == pytest.approx(
        float(model.expected_purchases(365.25 / 7))
    )
    with pytest.raises(pc.errors.OptionError, match="wants a fit with covariates"):
        replace(fitted.purchases, covariates=None, log_covariance=np.eye(4)).effects()


def test_the_picture_of_effects_shows_them(fitted):
    ax = pc.plots.effects(fitted)
    table = fitted.effects()
    drawn = {line.get_label(): line.get_xdata() for line in ax.get_lines() if len(line.get_xdata())}
    np.testing.assert_allclose(drawn["buys faster"], table["rate"])
    np.testing.assert_allclose(drawn["leaves more readily"], table["leaving"])
    said = [label.get_text() for label in ax.get_yticklabels()]
    assert f"{table['clv'].iloc[0]:,.0f}" in said[0]
    typical = f"times a typical customer's ({table.attrs['typical']:,.0f})"
    assert ax.get_xlabel().splitlines()[0] == typical


def test_a_number_that_few_have_is_shown_with_and_without():
    weight = np.array([960, 30, 10])
    known = Patterns(pd.DataFrame({"calls": [0.0, 1.0, 9.0]}), {})
    for customers, ends in ((weight, (0.0, 1.0)), (weight * [1, 0, 0.5], (0.0, 9.0))):
        effects = Effects.asked({"rate": ["calls"]}, pc.MBGNBD, known, customers)
        assert effects.levels == [("calls", end) for end in ends]
