"""Forecasts told how covariates change on the days ahead, against models asked day by day."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_covariates_dynamic import CHANNELS, END, MAILINGS, summary

import predclv as pc
from predclv.errors import AssumptionWarning, DataError, DataWarning, OptionError
from predclv.forecast.draws import drawn
from predclv.models.drawn_clocks import OnDrawnClocks

DAY = pd.Timedelta("1D")
SHARED = pc.Clock(season=0, weekday=True)
# Every fifth customer is being mailed as observation ends.
LATELY = CHANNELS[["customer_id"]].iloc[::5].assign(date=END - 3 * DAY, mailed="yes")
KNOWN = pd.concat([LATELY, MAILINGS]).drop_duplicates(["customer_id", "date"])
COVARIATES = {"rate": ["channel", "mailed"], "leaving": ["channel"]}


@pytest.fixture(scope="module")
def mailed():
    return summary(dynamic_covariates=KNOWN, static_covariates=CHANNELS)


@pytest.fixture(scope="module")
def fits(mailed):
    return {
        clock: pc.CLVModel(
            "MBGNBD", spend=None, covariates=COVARIATES, clock=SHARED if clock else None
        ).fit(mailed)
        for clock in (False, True)
    }


def last_values():
    """What holds of each customer at the end of observation."""
    rows = KNOWN[KNOWN["date"] <= END].sort_values("date")
    return rows.groupby("customer_id")["mailed"].last().rename_axis("customer_id").reset_index()


def told(fitted, table, horizon=26, **asked):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # rows up to the end of observation
        warnings.simplefilter("error", AssumptionWarning)  # nothing is carried on unsaid
        return fitted.forecast(horizon, dynamic_covariates=table, **asked)


def untold(fitted, horizon=26, **asked):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        return fitted.forecast(horizon, **asked)


@pytest.mark.parametrize("clock", [False, True], ids=["steady", "clock"])
def test_a_table_that_repeats_the_last_value_changes_nothing(fits, clock):
    table = last_values().assign(date=END + 5 * DAY)
    level = None if clock else 0.9
    asked = {"level": level, "seed": 3}
    one, two = told(fits[clock], table, **asked), untold(fits[clock], **asked)
    pd.testing.assert_frame_equal(one.frame, two.frame, rtol=1e-10)
    pd.testing.assert_series_equal(one.total(), two.total(), rtol=1e-10)
    pd.testing.assert_frame_equal(one.schedule("month"), two.schedule("month"), rtol=1e-10)


@pytest.mark.parametrize("horizon", [26, None], ids=["26 weeks", "lifetime"])
def test_who_is_switched_on_the_first_day_runs_on_a_faster_clock(fits, mailed, horizon):
    fitted = fits[False]
    table = CHANNELS[["customer_id"]].assign(date=END + DAY, mailed="yes")
    found = told(fitted, table, horizon, level=None).frame.set_index("customer_id")
    was = last_values().set_index("customer_id")["mailed"]
    assert set(was) == {"yes", "no"}
    effect = fitted.purchases.params["rate.mailed[yes]"]
    times = np.where(was.loc[found.index] == "yes", 1.0, np.exp(effect))
    # Discounting is by days: it counts less where time runs faster.
    for factor in (1.0, float(np.exp(effect))):
        who = found.index[times == factor]
        rate = 1.1 ** (1 / factor) - 1
        faster = None if horizon is None else horizon * factor
        expected = untold(fitted, faster, discount_rate=rate, level=None).frame
        expected = expected.set_index("customer_id").loc[who]
        assert list(found) == list(expected)
        for name in expected:
            np.testing.assert_allclose(found.loc[who, name], expected[name], rtol=1e-9)


def day_by_day(fitted, table, weeks):
    """The time each customer's horizon comes to, by the rate of each of its days."""
    params, days = fitted.purchases.params, pd.date_range(END + DAY, END + 7 * weeks * DAY)
    rate = np.full(days.size, 1 / 7)
    if hasattr(fitted.clock, "rate"):
        rate = np.asarray(fitted.clock.rate(days), float) / 7
    both = pd.concat([KNOWN[KNOWN["date"] <= END], table]).sort_values("date")
    found = {}
    for who, rows in both.groupby("customer_id"):
        place = rows["date"].searchsorted(days, side="right") - 1
        on = (rows["mailed"].to_numpy()[place] == "yes").astype(float)
        was = float(rows["mailed"][rows["date"] <= END].iloc[-1] == "yes")
        found[who] = np.cumsum(rate * np.exp(params["rate.mailed[yes]"] * (on - was)))
    return pd.DataFrame(found).T


PLANS = pd.concat(
    [
        CHANNELS[["customer_id"]].iloc[::3].assign(date=END + 10 * DAY, mailed="yes"),
        CHANNELS[["customer_id"]].iloc[::3].assign(date=END + 31 * DAY, mailed="no"),
        CHANNELS[["customer_id"]].iloc[1::3].assign(date=END + 1 * DAY, mailed="yes"),
    ]
)


@pytest.mark.parametrize("clock", [False, True], ids=["steady", "clock"])
def test_expectations_are_those_of_the_days_ahead(fits, mailed, clock):
    fitted, params = fits[clock], fits[clock].purchases.params
    found = told(fitted, PLANS, 10, level=None, discount_rate=0.2).frame.set_index("customer_id")
    until = day_by_day(fitted, PLANS, 10)
    base = untold(fitted, 10, level=None)
    members = base.source._members
    cell = base.source._cell_of_customer
    own = members.distinct
    place = dict(zip(base.frame["customer_id"], own.cell_of_customer[cell], strict=True))
    was = last_values().set_index("customer_id")["mailed"]
    for who in range(0, 1200, 97):
        i, web = place[who], float(CHANNELS.loc[who, "channel"] == "web")
        rate = params["rate.channel[web]"] * web + params["rate.mailed[yes]"] * (was[who] == "yes")
        leaving = params["leaving.channel[web]"] * web
        model = pc.MBGNBD(
            params["r"], params["alpha"] / np.exp(rate), params["a"] * np.exp(leaving / 2),
            params["b"] * np.exp(-leaving / 2),
        )  # fmt: skip
        by_day = model.expected_purchases_after(
            until.loc[who].to_numpy(), own.x[i], own.t_x[i], own.T[i]
        )
        assert found.loc[who, "expected_purchases"] == pytest.approx(by_day[-1], rel=1e-9)
        middle = 1.2 ** (-(np.arange(70) + 0.5) / 365.25)
        discounted = np.diff(by_day, prepend=0.0) @ middle
        assert found.loc[who, "discounted_purchases"] == pytest.approx(discounted, rel=1e-4)


def test_totals_and_periods_add_up_and_hold_the_expectation(fits):
    forecast = told(fits[False], PLANS, 13, seed=1)
    forecast = replace(forecast, _source=replace(forecast.source, futures=300))
    assert forecast.source._members.ways.first.size > 3
    total, frame = forecast.total(), forecast.frame
    assert total["purchases"] == pytest.approx(frame["expected_purchases"].sum())
    simulated = forecast.source.totals()
    for name in ("purchases", "discounted_purchases"):
        error = simulated[name].std() / np.sqrt(simulated[name].size)
        assert abs(simulated[name].mean() - total[name]) < 4 * error
    months = forecast.schedule("month")
    assert months["purchases"].sum() == pytest.approx(total["purchases"])
    assert months["discounted_purchases"].sum() == pytest.approx(total["discounted_purchases"])
    ends = months["end"].to_numpy()
    by_month = forecast.source.totals_by(np.append(np.arange(1, ends.size) / ends.size, 1.0))
    np.testing.assert_allclose(by_month["purchases"].sum(axis=1), simulated["purchases"])
    buyers = forecast.buyers()
    assert buyers["buyers_lower"] < buyers["buyers"] < buyers["buyers_upper"]
    # Of each customer: intervals and the distribution behind them.
    counts = forecast.counts()
    assert (counts.quantile(0.95) == frame["purchases_upper"]).all()
    assert (frame["purchases_lower"] <= frame["expected_purchases"] + 1).all()
    chance = counts.mass(np.zeros(len(frame)))
    np.testing.assert_allclose(1 - chance, frame["p_active"], atol=0.05)
    np.testing.assert_allclose(counts.below(np.ones(len(frame))), chance, rtol=1e-9)
    rows = np.concatenate([rows for rows, _, _ in counts.parts()])
    assert (np.sort(rows) == np.arange(len(frame))).all()


def test_single_intervals_take_a_clock_at_its_estimate(fits):
    """Ways ahead differ in length as the clock's effects do; one way for all has them drawn."""
    found = told(fits[True], PLANS, seed=3)
    assert (found.frame["purchases_lower"] <= found.frame["purchases_upper"]).all()
    one_way, ways = (f._source._members for f in (untold(fits[True], seed=3), found))
    model = ways.models(40, np.random.default_rng(1))
    expected = drawn(fits[True].purchases, 40, np.random.default_rng(1), ways.patterns)
    np.testing.assert_array_equal(model.model.alpha, expected.model.alpha)
    assert isinstance(one_way.models(40, np.random.default_rng(1)), OnDrawnClocks)


def test_tables_and_files_carry_it(fits, tmp_path):
    forecast = told(fits[False], PLANS, 26, level=None)
    forecast.to_parquet(tmp_path / "forecast.parquet")
    written = pd.read_parquet(tmp_path / "forecast.parquet").sort_values("customer_id")
    expected = forecast.frame.sort_values("customer_id")
    np.testing.assert_allclose(written["expected_purchases"], expected["expected_purchases"])
    fits[False].save(tmp_path / "fit")
    again = told(pc.load(tmp_path / "fit"), PLANS, 26, level=None)
    pd.testing.assert_frame_equal(again.frame, forecast.frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        table = fits[False].table(26, level=None, dynamic_covariates=PLANS)
    assert "ahead" in table.frame
    assert table.frame["weight"].sum() == len(expected)


def test_what_cannot_be_meant_is_refused(fits, mailed):
    static = summary(static_covariates=CHANNELS)
    switched = CHANNELS.assign(date=END + DAY, channel="web")
    pareto = pc.CLVModel("ParetoNBD", spend=None, covariates={"rate": ["channel"]}).fit(static)
    with pytest.raises(OptionError, match=r"'channel'.* Pareto/NBD does not know"):
        pareto.forecast(26, dynamic_covariates=switched)
    with pytest.raises(OptionError, match="acts on 'rate' alone; got leaving"):
        fits[False].forecast(26, dynamic_covariates=switched)
    plain = pc.CLVModel("MBGNBD", spend=None).fit(mailed)
    with pytest.raises(OptionError, match="was fitted without covariates"):
        plain.forecast(26, dynamic_covariates=PLANS)
    with pytest.raises(DataError, match="which these customers do not have"):
        fits[False].forecast(26, dynamic_covariates=PLANS.assign(colour="red"))


def test_only_what_the_table_leaves_out_is_carried_on_with_a_warning(fits, mailed):
    channel = CHANNELS[["customer_id"]].assign(date=END + DAY, channel=CHANNELS["channel"])
    with pytest.warns(AssumptionWarning, match="mailed changed over time and the table ahead"):
        one = fits[False].forecast(26, dynamic_covariates=channel, level=None)
    pd.testing.assert_frame_equal(one.frame, untold(fits[False], 26, level=None).frame)
