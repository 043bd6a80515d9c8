"""The horizon period by period: what adds up, what the calendar says, what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError, OptionError
from predclv.forecast import outlook
from predclv.forecast.schedule import Periods

NAMES = ("purchases", "discounted_purchases", "revenue", "clv")


@pytest.fixture(scope="module")
def rfm():
    log = pc.datasets.load_cdnow()
    return pc.rfm_summary(log[log["customer_id"].isin(log["customer_id"].unique()[:600])],
                          observation_end="1998-06-30")  # fmt: skip


@pytest.fixture(scope="module")
def fitted(rfm):
    return pc.CLVModel().fit(rfm)


@pytest.fixture(scope="module")
def clocked(rfm):
    clock = pc.Clock(season=1, trend="damped")
    with pytest.warns(pc.errors.AssumptionWarning, match="no season is seen twice"):
        return pc.CLVModel(pc.MBGNBD, clock=clock).fit(rfm)


@pytest.fixture(params=["steady", "clocked"])
def either(request, fitted, clocked):
    return fitted if request.param == "steady" else clocked


@pytest.mark.parametrize("period", ["week", "month", "quarter", "year"])
def test_periods_add_up_to_the_total(either, period):
    forecast = either.forecast("12 months", margin=0.3, level=None)
    found, total = forecast.schedule(period), forecast.total()
    for name in NAMES:
        assert found[name].sum() == pytest.approx(total[name], rel=1e-13)
        assert (found[name] > 0).all()


def test_the_periods_of_every_future_add_up_to_its_total(either):
    source = either.forecast("26 weeks", seed=3)._source
    whole, parts = source.totals(), source.totals_by(np.array([0.2, 0.75, 1.0]))
    assert set(parts) == set(whole) == set(NAMES)
    for name in NAMES:
        assert parts[name].shape == (1000, 3)
        np.testing.assert_allclose(parts[name].sum(axis=1), whole[name], rtol=1e-12)


def test_a_period_is_what_a_shorter_forecast_adds(either):
    forecasts = [either.forecast(f"{days} days", level=None) for days in (31, 62)]
    found = forecasts[1].schedule("month")
    short, long = (each.total() for each in forecasts)
    for name in NAMES:
        # On a clock discounts are integrated over the days of the horizon, to 1e-6.
        assert found[name][0] == pytest.approx(short[name], rel=2e-6)
        assert found[name][1] == pytest.approx(long[name] - short[name], rel=2e-6)


def test_simulated_periods_have_the_stated_means(either):
    forecast = either.forecast("26 weeks", seed=5)
    found = forecast.schedule("month")
    for name in ("purchases", "clv"):
        width = found[f"{name}_upper"] - found[f"{name}_lower"]
        middle = (found[f"{name}_upper"] + found[f"{name}_lower"]) / 2
        # A mean of 1000 futures is known to 1/100 of the 90% interval; skewness moves the middle.
        assert (np.abs(middle - found[name]) < 0.15 * width).all()
        assert (width > 0.1 * found[name]).all()


def test_rows_of_customers_add_up_to_their_row_in_the_frame(either, rfm):
    forecast = either.forecast("26 weeks", level=None)
    ids = rfm.frame["customer_id"].iloc[[100, 3, 42]].tolist()
    found = forecast.schedule("month", customers=ids)
    assert found["customer_id"].drop_duplicates().tolist() == ids
    assert found["customer_id"].dtype == rfm.frame["customer_id"].dtype
    assert len(found) == 3 * 6
    sums = found.groupby("customer_id")[list(NAMES)].sum()
    frame = forecast.frame.set_index("customer_id").loc[sums.index]
    columns = ["expected_purchases", "discounted_purchases", "expected_revenue", "clv"]
    np.testing.assert_allclose(sums, frame[columns], rtol=1e-12)


def test_everybody_named_is_the_base(fitted, rfm):
    forecast = fitted.forecast("26 weeks", level=None)
    each = forecast.schedule("quarter", customers=rfm.frame["customer_id"])
    base = forecast.schedule("quarter")
    assert each.groupby("start")["clv"].sum().to_numpy() == pytest.approx(base["clv"].to_numpy())


def test_months_are_those_of_the_calendar_and_the_ends_may_be_partial(fitted):
    found = fitted.forecast("1998-09-15", level=None).schedule("month")
    assert found["start"].dt.strftime("%F").tolist() == ["1998-07-01", "1998-08-01", "1998-09-01"]
    assert found["end"].dt.strftime("%F").tolist() == ["1998-07-31", "1998-08-31", "1998-09-15"]
    assert found.dtypes.astype(str).tolist()[:3] == ["datetime64[us]", "datetime64[us]", "float64"]


def test_weeks_begin_on_monday(fitted):
    found = fitted.forecast("4 weeks", level=None).schedule("week")
    assert found["start"].dt.day_of_week.tolist() == [2, 0, 0, 0, 0]  # July 1998 began on Wednesday
    assert found["end"].dt.day_of_week.tolist() == [6, 6, 6, 6, 1]


def test_part_of_a_day_is_no_period_of_its_own(fitted):
    terms = fitted.forecast("12 months", level=None).terms
    found = Periods.of(terms, "month")
    assert len(found.shares) == 12
    assert found.shares[0] == pytest.approx(31 / 365.25)
    assert found.shares[-1] == 1.0
    assert f"{found.frame['end'].iloc[-1]:%F}" == "1999-07-01"


def test_a_horizon_within_one_period_is_one_row(fitted):
    forecast = fitted.forecast("10 days", level=None)
    found = forecast.schedule("year")
    assert len(found) == 1
    assert found.at[0, "clv"] == forecast.total()["clv"]


def test_without_a_last_day_periods_are_lengths(rfm):
    plain = pc.RFM.from_frame(rfm.frame, unit="week")
    forecast = pc.CLVModel().fit(plain).forecast("52 weeks", level=None)
    found = forecast.schedule("quarter")
    length = 3 * 30.4375 / 7
    assert found["end"].tolist() == pytest.approx([length, 2 * length, 3 * length, 52.0])
    assert found["start"].tolist() == [0.0, *found["end"][:-1]]
    assert found["clv"].sum() == pytest.approx(forecast.total()["clv"], rel=1e-13)


def test_a_clock_moves_purchases_between_months(rfm):
    rush = pd.DataFrame({"name": "rush", "start": ["1997-02-15", "1998-09-01"],
                         "end": ["1997-03-31", "1998-09-30"]})  # fmt: skip
    clock = pc.Clock(season=0, events=rush)
    fitted = pc.CLVModel(spend=None, clock=clock).fit(rfm)
    found = fitted.forecast("6 months", level=None).schedule("month")
    rate = fitted.clock.rate(["1998-08-15", "1998-09-15"])
    factor = rate[1] / rate[0]
    assert abs(factor - 1) > 0.1
    # Between neighbours that shrink by a few percent a month, as customers leave.
    beside = (found["purchases"][1] / 31 + found["purchases"][3] / 31) / 2
    assert found["purchases"][2] / 30 / beside == pytest.approx(factor, rel=0.03)


def test_rules_spread_purchases_evenly(rfm):
    forecast = pc.baselines.LastPeriod().fit(rfm).forecast("26 weeks")
    found, total = forecast.schedule("month"), forecast.total()
    days = (found["end"] - found["start"]).dt.days + 1
    assert (found["purchases"] / days).to_numpy() == pytest.approx(total["purchases"] / 182)
    for name in NAMES:
        assert found[name].sum() == pytest.approx(total[name], rel=1e-13)
    # A purchase in the middle of July is discounted by 15.5 days.
    worth = found["discounted_purchases"][0] / found["purchases"][0]
    assert worth == pytest.approx(1.1 ** (-15.5 / 365.25), rel=1e-5)
    assert not [name for name in found if name.endswith("_lower")]


def test_a_posterior_gives_the_periods_of_its_own_total(rfm):
    fit = pc.CLVModel(spend=None).fit(rfm)
    posterior = replace(fit, purchases=replace(fit.purchases, method="advi"))
    forecast = posterior.forecast("26 weeks", seed=4)
    found = forecast.schedule("month")
    assert found["purchases"].sum() == pytest.approx(forecast.total()["purchases"], rel=1e-13)
    other = fit.forecast("26 weeks", seed=4).total()["purchases"]
    assert found["purchases"].sum() != pytest.approx(other, rel=1e-6)


def test_a_large_base_has_intervals_like_a_simulated_one(either, monkeypatch):
    forecast = either.forecast("26 weeks", seed=6)
    simulated = forecast.schedule("quarter")
    monkeypatch.setattr(outlook, "SIMULATED", 500)
    normal = either.forecast("26 weeks", seed=6).schedule("quarter")
    for name in NAMES:
        assert normal[name].to_numpy() == pytest.approx(simulated[name].to_numpy(), rel=1e-12)
        widths = [each[f"{name}_upper"] - each[f"{name}_lower"] for each in (normal, simulated)]
        # Widths of 1000 futures are known to some 5%, those of a sample of 500 to some more.
        assert (widths[0] / widths[1]).to_numpy() == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("period", "says"),
    [("day", "one of week, month"), ("monthly", "month"), (None, "got None"), (3, "got 3")],
)
def test_a_period_that_is_none_is_refused(fitted, period, says):
    with pytest.raises(OptionError, match=says):
        fitted.forecast("26 weeks", level=None).schedule(period)


def test_a_lifetime_has_no_schedule(fitted):
    with pytest.raises(OptionError, match="horizon with an end"):
        fitted.forecast(None, level=None).schedule("month")


@pytest.mark.parametrize(
    ("customers", "error", "says"),
    [
        ("abc", OptionError, r"list of ids, such as \['abc'\]"),
        (7, OptionError, "list of ids"),
        ([], OptionError, "names nobody"),
        (["nobody", 1], DataError, "not in this forecast: 'nobody'"),
        ([1, 2, 1], DataError, "more than once"),
    ],
)
def test_customers_that_cannot_be_found_are_refused(fitted, customers, error, says):
    with pytest.raises(error, match=says):
        fitted.forecast("26 weeks", level=None).schedule("month", customers=customers)
