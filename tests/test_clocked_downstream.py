"""What follows a fit on a clock: lists, curves, files, backtests; and what is said to bad input."""

import copy
import datetime
import pickle

import duckdb
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.validation.histories import customer_history
from predclv.validation.tracking import tracking

pytestmark = pytest.mark.filterwarnings("ignore:The log spans")

EPOCH = datetime.date(1970, 1, 1)
END = "1998-03-31"
SALE = pd.DataFrame(
    {"name": "sale", "start": ["1997-06-02", "1998-06-01"], "end": ["1997-06-15", "1998-06-14"]}
)


@pytest.fixture(scope="module")
def log():
    log = pc.datasets.load_cdnow()
    return log[log["customer_id"] % 4 == 1]


@pytest.fixture(scope="module")
def rfm(log):
    return pc.rfm_summary(log[log["date"] <= END], observation_end=END)


@pytest.fixture(scope="module")
def fitted(rfm):
    clock = pc.Clock(season=1, trend="damped", weekday=True, events=SALE)
    return pc.CLVModel(clock=clock).fit(rfm)


@pytest.fixture(scope="module")
def born(rfm):
    return rfm.cells().last_day - rfm.cells().age_days[rfm.cells().places(rfm.frame)]


def test_the_median_date_is_that_until_which_half_buy(fitted):
    due = pc.segments.due_soon(fitted, within="30 days")
    soon = due[np.isfinite(due["median_days"])].head(4)
    assert len(soon) == 4
    for row in soon.itertuples():
        until = f"{row.median_days!r} days"
        frame = fitted.forecast(until, level=None).frame.set_index("customer_id")
        assert frame.loc[row.customer_id, "p_active"] == pytest.approx(0.5, abs=1e-8)


def test_silence_is_in_real_days_and_judged_by_the_clock(fitted, rfm):
    listed = pc.segments.at_risk(fitted, overdue=0.6)
    frame = rfm.frame.set_index("customer_id").loc[listed["customer_id"]]
    real = 7 * (frame["T"] - frame["recency"])
    np.testing.assert_allclose(listed["silent_days"], real, atol=1e-9)
    clock, model = fitted.clock, fitted.purchases.model
    end = rfm.cells().last_day
    last = end - listed["silent_days"].to_numpy()
    first = end - 7 * frame["T"].to_numpy()
    after = clock.elapsed(last, last + listed["overdue_after_days"])
    t_x = clock.elapsed(first, last)
    silent = (1 + after / (model.alpha + t_x)) ** -(model.r + frame["frequency"].to_numpy())
    np.testing.assert_allclose(silent, 0.4, atol=1e-8)
    assert (listed["silent_days"] > listed["overdue_after_days"]).all()


def test_tracking_adds_up_customers_day_by_day(fitted, rfm, born, log):
    until = datetime.date(1998, 3, 31)
    found = tracking({"m": fitted.purchases}, rfm, until, period="4 weeks").cumulative["m"]
    for end in found.index[[2, -1]]:
        day = (end.date() - EPOCH).days
        here = born[born < day]
        expected = fitted.purchases.model.expected_purchases(fitted.clock.elapsed(here, day)).sum()
        assert found[end] == pytest.approx(expected, rel=1e-9)


def test_tracking_goes_on_after_the_end_and_its_bands_hold_the_curve(fitted, log):
    split = pc.holdout_split(log, calibration_end=END)
    found = tracking(
        {"m": fitted.purchases}, split.rfm, split.holdout_end, period="4 weeks", level=0.9
    )
    band, curve = found.bands["m"], found.cumulative["m"]
    inside = (curve >= band["cumulative_lower"]) & (curve <= band["cumulative_upper"])
    assert inside.iloc[1:].all()
    assert found.is_holdout.sum() == 3


def test_a_history_is_judged_by_the_clock_of_every_day(fitted, rfm):
    customer = int(rfm.frame.sort_values("frequency")["customer_id"].iloc[-1])
    found = customer_history(fitted.purchases, rfm, customer, silent_for="10 weeks")
    end = pd.Timestamp(END)
    now = fitted.forecast(level=None).frame.set_index("customer_id").loc[customer, "p_alive"]
    assert found.frame.loc[end, "p_alive"] == pytest.approx(now, rel=1e-12)
    assert len(found.frame.loc[end:]) == 71


def test_cohorts_are_carried_on_to_the_sum_of_forecasts(fitted, rfm):
    cohorts = pc.historical.cohorts(rfm)
    found = pc.cohort_forecast(cohorts, fitted, periods=3, seed=1)
    revenue = found.frame.groupby("end")["revenue"].sum().cumsum()
    for end, total in revenue.items():
        horizon = f"{(end - pd.Timestamp(END)).days} days"
        frame = fitted.forecast(horizon, discount_rate=0.0, level=None).frame
        assert total == pytest.approx(frame["expected_revenue"].sum(), rel=1e-9)
    middle = found.frame["revenue"].between(
        found.frame["revenue_lower"], found.frame["revenue_upper"]
    )
    assert middle.mean() > 0.95


def test_a_newcomer_is_worth_what_the_days_after_their_own_bring(fitted):
    delta = np.log(1.1) / 365.25
    for comes_on in ("1998-04-01", "1998-06-01"):
        found = pc.economics.new_customer(fitted, horizon="3 months", comes_on=comes_on)
        day = (datetime.date.fromisoformat(comes_on) - EPOCH).days
        ends = np.append(np.arange(0, 3 * 30.4375, 0.25), 3 * 365.25 / 12)
        until = fitted.purchases.model.expected_purchases(fitted.clock.elapsed(day, day + ends))
        discount = np.exp(-delta * 0.5 * (ends[1:] + ends[:-1]))
        expected = 1 + discount @ np.diff(until)
        assert found.curve["purchases"].iloc[-1] == pytest.approx(expected, rel=1e-5)
        assert found.lower < found.value < found.upper
    by_default = pc.economics.new_customer(fitted, horizon="3 months")
    on_day = pc.economics.new_customer(fitted, horizon="3 months", comes_on="1998-04-01")
    pd.testing.assert_frame_equal(by_default.curve, on_day.curve)
    with pytest.raises(pc.errors.OptionError, match="1997-01-01"):
        pc.economics.new_customer(fitted, comes_on="1996-12-31")


def test_saved_and_loaded_it_forecasts_to_the_last_bit(fitted, rfm, tmp_path):
    fitted.save(tmp_path / "whole")
    loaded = pc.load(tmp_path / "whole")
    fitted.save(tmp_path / "alone", customers=False)
    alone = pc.load(tmp_path / "alone")
    assert loaded.purchases.params == fitted.purchases.params
    pd.testing.assert_frame_equal(loaded.clock.summary(), fitted.clock.summary())
    expected = fitted.forecast("20 weeks", seed=3).frame
    for found in (
        loaded.forecast("20 weeks", seed=3),
        alone.forecast("20 weeks", seed=3, rfm=rfm),
        copy.deepcopy(fitted).forecast("20 weeks", seed=3),
        pickle.loads(pickle.dumps(fitted)).forecast("20 weeks", seed=3),
    ):
        pd.testing.assert_frame_equal(found.frame, expected, check_exact=True)
    one, other = (f.forecast("20 weeks", seed=3).total() for f in (fitted, loaded))
    pd.testing.assert_series_equal(one, other, check_exact=True)


def test_sql_and_files_give_what_the_frame_does(fitted, rfm, tmp_path):
    forecast = fitted.forecast("20 weeks", seed=3)
    forecast.to_parquet(tmp_path / "scores.parquet")
    written = pd.read_parquet(tmp_path / "scores.parquet").sort_values("customer_id")
    expected = forecast.frame.sort_values("customer_id")
    for name in expected:
        np.testing.assert_allclose(written[name], expected[name], rtol=1e-12, err_msg=name)
    table = fitted.table("20 weeks", seed=3)
    rows = rfm.frame.assign(
        recency_days=(7 * rfm.frame["recency"]).round().astype(int),
        age_days=(7 * rfm.frame["T"]).round().astype(int),
    )
    with duckdb.connect() as shop:
        shop.register("customers", rows)
        shop.register("scores", table.frame)
        scored = shop.sql(table.sql()).df().sort_values("customer_id")
    assert len(scored) == len(rfm)
    for name in scored:
        np.testing.assert_allclose(scored[name], expected[name], rtol=1e-12, err_msg=name)


def test_customers_observed_later_are_forecast_from_their_own_day(fitted, log):
    later = pc.rfm_summary(log, observation_end="1998-06-30")
    frame = fitted.forecast("10 weeks", level=None, rfm=later).frame
    cells, clock = later.cells(), fitted.clock
    first = cells.last_day - cells.age_days
    future = fitted.purchases.model.future(
        cells.frequency,
        clock.elapsed(first, first + cells.recency_days),
        clock.elapsed(first, cells.last_day),
    )
    expected = future.expected_purchases(clock.elapsed(cells.last_day, cells.last_day + 70))
    np.testing.assert_allclose(
        frame["expected_purchases"], expected[cells.places(later.frame)], rtol=1e-12
    )


def test_an_earlier_clocked_fit_starts_the_search(fitted, rfm, log):
    week_on = pc.rfm_summary(log[log["date"] <= "1998-04-07"], observation_end="1998-04-07")
    clock = pc.Clock(season=2, trend="damped", weekday=True, events=SALE)
    anew = pc.CLVModel(clock=clock).fit(week_on).purchases
    for start in (fitted, pc.CLVModel().fit(rfm)):
        found = pc.CLVModel(clock=clock, start=start).fit(week_on).purchases
        assert found.log_likelihood == pytest.approx(anew.log_likelihood, abs=1e-6)
    steady = pc.CLVModel(start=fitted).fit(week_on).purchases
    plain = pc.CLVModel().fit(week_on).purchases
    assert steady.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-6)


@pytest.mark.filterwarnings("ignore::predclv.errors.PredclvWarning")
def test_each_origin_of_a_backtest_has_the_clock_of_what_was_known_there(log):
    clock = pc.Clock(season=0, weekday=True, events=SALE)
    found = pc.backtest(
        {"clocked": pc.CLVModel(spend=None, clock=clock), "plain": pc.CLVModel(spend=None)},
        log, cutoffs=["1997-12-31", "1998-02-28"], horizon="60 days", seed=1,
    )  # fmt: skip
    assert not found.failed
    for cutoff, validation in found.validations.items():
        clocked = validation.fits["clocked"].clock
        assert clocked.last_day == (cutoff - EPOCH).days
        assert clocked.rate(["1998-06-05"]) > 0  # a future sale, known when it was not yet
        tracked = tracking(
            {"m": validation.fits["clocked"].purchases}, validation.split.rfm,
            validation.split.holdout_end,
        )  # fmt: skip
        assert np.isfinite(tracked.frame["m"]).all()
    frame = found.frame
    assert frame.notna()[["mae", "rmse", "bias", "crps", "coverage"]].all(axis=None)


def test_who_came_before_the_clock_began_is_an_error(fitted, log):
    early = log.assign(date=pd.to_datetime(log["date"]) - pd.Timedelta(days=30))
    rfm = pc.rfm_summary(early[early["date"] <= END], observation_end=END)
    with pytest.raises(pc.errors.DataError, match=r"1997-01-01.*earliest on 1996-12-02"):
        fitted.forecast(rfm=rfm, level=None).frame  # noqa: B018


def test_customers_without_days_are_an_error(fitted, rfm):
    elsewhere = pc.RFM.from_frame(rfm.frame, unit="week")
    for ask in (
        lambda: fitted.forecast(rfm=elsewhere, level=None).frame,
        lambda: pc.segments.due_soon(fitted, elsewhere),
        lambda: pc.segments.at_risk(fitted, elsewhere),
        lambda: pc.fit(pc.BGNBD, elsewhere, clock=pc.Clock()),
    ):
        with pytest.raises(pc.errors.DataError, match="rfm_summary"):
            ask()


def test_days_that_regressors_do_not_reach_are_named_or_left_open(rfm):
    days = pd.date_range("1997-01-01", "1998-06-30")
    spend = pd.DataFrame({"spend": 10 + 5 * np.sin(np.arange(len(days)))}, index=days)
    fitted = pc.CLVModel(clock=pc.Clock(season=0, regressors=spend)).fit(rfm)
    assert len(fitted.forecast("13 weeks", level=None).frame)
    for ask in (
        lambda: fitted.forecast("14 weeks", level=None).frame,
        lambda: fitted.forecast(None, level=None).frame,
        lambda: pc.economics.new_customer(fitted, horizon="6 months"),
    ):
        with pytest.raises(pc.errors.DataError, match="1998-07-01"):
            ask()
    due = pc.segments.due_soon(fitted, within="30 days")["median_days"]
    assert (due[np.isfinite(due)] <= 91).all()
    assert due.isna().any()
    assert np.isinf(due).any()


def test_models_whose_customers_leave_in_real_time_have_no_clock(rfm):
    with pytest.raises(pc.errors.OptionError, match="BGNBD or MBGNBD"):
        pc.CLVModel(pc.ParetoNBD, clock=pc.Clock()).fit(rfm)
