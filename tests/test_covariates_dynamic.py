"""Covariates that change: what must be true of them, and what is found again."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.engines.clocks import on_clock
from predclv.engines.covariates import with_covariates
from predclv.errors import AssumptionWarning, DataWarning, OptionError
from predclv.likelihoods.likelihood import Likelihood
from predclv.likelihoods.paths import PathLikelihood
from predclv.maths.differences import central_slope
from predclv.models import class_named

START, END = pd.Timestamp("2021-01-01"), pd.Timestamp("2022-06-30")
EFFECT = 0.8


def mailings(n, rng, times=5, days=21):
    """Mailings of two to three weeks on random days, as a table of what holds from when."""
    who = np.repeat(np.arange(n), times)
    on = START + pd.to_timedelta(rng.integers(0, 520, who.size), "D")
    first = pd.DataFrame({"customer_id": np.arange(n), "date": START - pd.Timedelta("1D")})
    rows = [
        first.assign(mailed="no"),
        pd.DataFrame({"customer_id": who, "date": on, "mailed": "yes"}),
        pd.DataFrame({"customer_id": who, "date": on + pd.Timedelta(days, "D"), "mailed": "no"}),
    ]
    return pd.concat(rows).drop_duplicates(["customer_id", "date"]).reset_index(drop=True)


def shop(n=1500, seed=7):
    """Customers who buy exp(0.8) times as fast in the weeks of a mailing; some twice as fast."""
    rng = np.random.default_rng(seed)
    table = mailings(n, rng)
    web = rng.random(n) < 0.4
    days = (END - START).days
    state = np.zeros((n, days + 1))
    ordered = table.sort_values(["customer_id", "date"])
    for who, day, on in zip(
        ordered["customer_id"],
        (ordered["date"] - START).dt.days.clip(lower=0),
        ordered["mailed"] == "yes",
        strict=True,
    ):
        state[who, day:] = on
    rate = np.exp(EFFECT * state + np.log(2.0) * web[:, None])
    born = rng.integers(0, 250, n)
    until = np.cumsum(rate, axis=1)
    elapsed = until[:, -1] - until[np.arange(n), born]
    paths = pc.MBGNBD(1.5, 60.0, 0.6, 1.8).paths(elapsed, rng)
    owner, when = paths.times(rng)
    goal = until[owner, born[owner]] + when
    day = np.array([np.searchsorted(until[who], g) for who, g in zip(owner, goal, strict=True)])
    log = pd.DataFrame(
        {
            "customer_id": np.concatenate([np.arange(n), owner]),
            "date": START + pd.to_timedelta(np.concatenate([born, np.minimum(day, days)]), "D"),
        }
    )
    static = pd.DataFrame({"customer_id": np.arange(n), "channel": np.where(web, "web", "shop")})
    return log, table, static


LOG, MAILINGS, CHANNELS = shop()


def summary(**covariates):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # rows before a customer's first purchase
        return pc.rfm_summary(LOG, amount=None, observation_end=END.date(), **covariates)


@pytest.fixture(scope="module")
def mailed():
    return summary(dynamic_covariates=MAILINGS, static_covariates=CHANNELS)


def likelihood(rfm, model, covariates, clock=None):
    cells = rfm.cells()
    found = Likelihood.of(class_named(model), cells, cells.unit)
    if clock is not None:
        found = on_clock(found, rfm, clock)
    return with_covariates(found, rfm, cells, covariates, "mle")


@pytest.mark.parametrize("clock", [None, pc.Clock(season=0, weekday=True)], ids=["steady", "clock"])
@pytest.mark.parametrize("model", ["BGNBD", "MBGNBD"])
def test_slopes_are_those_of_differences(mailed, model, clock):
    covariates = {"rate": ["channel", "mailed"], "leaving": ["channel"]}
    of = likelihood(mailed, model, covariates, clock)
    assert isinstance(of, PathLikelihood)
    free = of.starts()[0] + 0.1 * np.random.default_rng(3).standard_normal(len(of.space.names))
    _, slope = of(free)
    for i in range(free.size):

        def value(step, i=i):
            moved = free.copy()
            moved[i] += step
            return of(moved)[0]

        assert central_slope(value, 0.02) == pytest.approx(slope[i], rel=1e-8, abs=1e-6)


@pytest.mark.parametrize("clock", [None, pc.Clock(season=0, weekday=True)], ids=["steady", "clock"])
def test_what_never_changes_is_static(clock):
    table = CHANNELS.assign(date=START - pd.Timedelta("9D"))
    static, dynamic = summary(static_covariates=CHANNELS), summary(dynamic_covariates=table)
    covariates = {"rate": ["channel"], "leaving": ["channel"]}
    one, two = (pc.fit("MBGNBD", rfm, clock=clock, covariates=covariates)
                for rfm in (static, dynamic))  # fmt: skip
    assert one.log_likelihood == pytest.approx(two.log_likelihood, rel=1e-10)
    for name, value in one.params.items():
        assert two.params[name] == pytest.approx(value, rel=1e-6, abs=1e-8)


def test_an_unchanging_covariate_on_paths_is_static_to_rounding(mailed):
    # The likelihood of paths, forced upon a covariate for which patterns would do.
    covariates = {"rate": ["channel"], "leaving": ["channel"]}
    of_patterns = likelihood(mailed, "MBGNBD", covariates)
    whole = likelihood(mailed, "MBGNBD", {"rate": ["channel", "mailed"], "leaving": ["channel"]})
    free = of_patterns.starts()[0] + 0.07
    on_paths = np.insert(free, list(whole.space.names).index("rate.mailed[yes]"), 0.0)
    one, two = of_patterns(free), whole(on_paths)
    assert two[0] == pytest.approx(one[0], rel=1e-12)
    kept = [i for i, name in enumerate(whole.space.names) if name != "rate.mailed[yes]"]
    np.testing.assert_allclose(two[1][kept], one[1], rtol=1e-8, atol=1e-7)


def test_what_is_the_same_for_all_is_a_clock():
    days = pd.date_range(START, END)
    busy = (days.month == 12).astype(float)
    table = pd.DataFrame({"date": days, "busy": busy})
    changes = table[table["busy"].diff().fillna(1.0) != 0]
    everybody = pd.MultiIndex.from_product([CHANNELS["customer_id"], changes.index])
    dynamic = pd.DataFrame(
        {
            "customer_id": everybody.get_level_values(0),
            "date": changes["date"].loc[everybody.get_level_values(1)].to_numpy(),
            "busy": changes["busy"].loc[everybody.get_level_values(1)].to_numpy(),
        }
    )
    rfm = summary(dynamic_covariates=dynamic)
    of = likelihood(rfm, "MBGNBD", {"rate": ["busy"]})
    own = likelihood(
        rfm,
        "MBGNBD",
        None,
        pc.Clock(season=0, regressors=table.set_index("date").assign(busy=busy)),
    )
    free, effect = of.starts()[0] + 0.05, 0.6
    on_paths = np.append(free[:4], effect)
    # The clock's columns are standardised, and its mean rate is 1: alpha is in other time.
    column = own.calendar.observed_basis[:, 0]
    scale = np.ptp(column)
    mean = np.mean(np.exp(effect * busy[days > rfm.log.first_day.isoformat()]))
    on_clock_ = np.append(free[:4], effect / scale)
    on_clock_[1] = free[1] - np.log(mean)
    assert of(on_paths)[0] == pytest.approx(own(on_clock_)[0], rel=1e-10)


def test_the_effect_of_mailings_is_found_again(mailed):
    fit = pc.fit("MBGNBD", mailed, covariates={"rate": ["channel", "mailed"]})
    shown = fit.summary(0.99)
    for name, value in {"rate.mailed[yes]": EFFECT, "rate.channel[web]": np.log(2.0)}.items():
        assert shown.loc[name, "lower"] < value < shown.loc[name, "upper"]
        assert shown.loc[name, "std_error"] < 0.12
    without = pc.fit("MBGNBD", mailed, covariates={"rate": ["channel"]})
    assert fit.log_likelihood - without.log_likelihood > 50


def test_a_forecast_goes_on_as_it_was_last_and_says_so(mailed):
    fitted = pc.CLVModel(
        "MBGNBD", spend=None, covariates={"rate": ["channel", "mailed"], "leaving": ["channel"]}
    ).fit(mailed)
    with pytest.warns(AssumptionWarning, match=r"mailed changed over time.*last value was carried"):
        frame = fitted.forecast(26, level=None).frame
    params, who = fitted.purchases.params, 5
    own = MAILINGS[MAILINGS["customer_id"] == who].sort_values("date")
    first = LOG.loc[LOG["customer_id"] == who, "date"].min()
    days = pd.date_range(first + pd.Timedelta("1D"), END)
    place = own["date"].searchsorted(days, side="right") - 1
    on = (own["mailed"].to_numpy()[place] == "yes").astype(float)
    is_web = float(CHANNELS.loc[who, "channel"] == "web")
    rate = np.exp(params["rate.mailed[yes]"] * on + params["rate.channel[web]"] * is_web) / 7
    row = mailed.frame.set_index("customer_id").loc[who]
    T, t_x = rate.sum(), rate[: round(row["recency"] * 7)].sum()
    leaving = params["leaving.channel[web]"] * is_web
    model = pc.MBGNBD(
        params["r"], params["alpha"], params["a"] * np.exp(leaving / 2),
        params["b"] * np.exp(-leaving / 2),
    )  # fmt: skip
    ahead = 26 * 7 * rate[-1]
    expected = model.expected_purchases_after(ahead, row["frequency"], t_x, T)
    told = frame.set_index("customer_id").loc[who]
    assert told["p_alive"] == pytest.approx(float(model.p_alive(row["frequency"], t_x, T)))
    assert told["expected_purchases"] == pytest.approx(float(expected), rel=1e-9)


def test_totals_periods_and_saved_fits_are_of_a_piece(mailed, tmp_path):
    fitted = pc.CLVModel("MBGNBD", spend=None, covariates={"rate": ["mailed"]}).fit(mailed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        forecast = fitted.forecast("26 weeks", seed=2)
        total = forecast.total()
        fitted.save(tmp_path / "fit")
        again = pc.load(tmp_path / "fit").forecast("26 weeks", seed=2)
    assert total["purchases"] == pytest.approx(forecast.frame["expected_purchases"].sum())
    assert total["purchases_lower"] < total["purchases"] < total["purchases_upper"]
    pd.testing.assert_frame_equal(again.frame, forecast.frame)


def test_what_changes_acts_on_the_rate_of_who_leaves_at_purchases(mailed):
    for model, covariates, told in (
        ("BGNBD", {"leaving": ["mailed"]}, "acts on 'rate' alone; got leaving"),
        ("ParetoNBD", {"rate": ["mailed"]}, "which Pareto/NBD does not know"),
    ):
        with pytest.raises(OptionError, match=told):
            pc.fit(model, mailed, covariates=covariates)
    with pytest.raises(pc.errors.DataError, match="need the days of purchases"):
        pc.fit("BGNBD", mailed.cells(), covariates={"rate": ["mailed"]})
    fit = pc.fit("MBGNBD", mailed, covariates={"rate": ["mailed"]})
    assert replace(fit).covariates.changing(mailed.cells()) == ("mailed",)
