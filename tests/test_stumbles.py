"""Where somebody new stumbled: what they typed, and that they are told."""

import datetime
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.decisions.channel_tables import check_channels
from predclv.engines.pymc_nuts import _round_up
from predclv.errors import (
    DataError,
    DataWarning,
    ObservationEndWarning,
    OptionError,
    OptionWarning,
    ScaleWarning,
    plainly,
)
from predclv.logs import twin_ids
from predclv.units import horizon_in
from predclv.validation.findings import _counts
from predclv.validation.losses import Difference


@pytest.fixture(scope="module")
def log():
    return pc.datasets.load_cdnow()


@pytest.fixture(scope="module")
def fitted(log):
    return pc.CLVModel().fit(pc.rfm_summary(log))


@pytest.fixture(scope="module")
def forecast(fitted):
    return fitted.forecast("26 weeks", seed=1)


def with_day(log, day):
    row = log.iloc[[5]].assign(date=day).astype({"date": log["date"].dtype})
    return pd.concat([log, row], ignore_index=True)


def test_a_last_day_in_the_future_is_warned_of(log):
    with pytest.warns(
        ObservationEndWarning,
        match=r"2099-01-01 \(customer_id 2\), is in the future.*observation_end=",
    ):
        pc.rfm_summary(with_day(log, "2099-01-01"))


def test_a_last_day_years_after_the_others_is_warned_of(log):
    with pytest.warns(
        ObservationEndWarning,
        match=r"2005-01-01 \(customer_id 2\), is 6\.5 years after .*1998-06-30",
    ):
        pc.rfm_summary(with_day(log, "2005-01-01"))


def test_a_first_day_years_before_the_others_is_warned_of(log):
    with pytest.warns(
        ObservationEndWarning,
        match=r"1970-01-01 \(customer_id 2\), is 27\.0 years before .*1997-01-01",
    ):
        pc.rfm_summary(with_day(log, "1970-01-01"))


def test_a_summary_that_ends_before_a_stray_day_names_nobody(log):
    with pytest.warns(ObservationEndWarning, match="2099-01-01, is in the future"):
        pc.holdout_split(with_day(log, "2099-01-01"), calibration_end="1997-12-31")


@pytest.mark.parametrize("spelling", [" {} ", "{}"])
def test_ids_that_differ_by_spaces_or_case_alone_are_counted(log, spelling):
    named = log.assign(customer_id="c" + log["customer_id"].astype(str))
    half = named.index % 2 == 0
    odd = named["customer_id"].map(spelling.format).str.upper()
    mixed = named.assign(customer_id=named["customer_id"].mask(half, odd))
    with pytest.warns(DataWarning, match=r"would be 2,357 if ids .*str\.strip\(\)") as told:
        rfm = pc.rfm_summary(mixed)
    (said,) = (str(w.message) for w in told if "would be" in str(w.message))
    assert said.startswith(f"{len(rfm):,} customers")
    assert f"{spelling.format('C1')!r} and 'c1'" in said


def test_a_sample_of_many_ids_finds_twins_and_all_are_counted(log, monkeypatch):
    named = log.assign(customer_id="c" + log["customer_id"].astype(str))
    mixed = named.assign(
        customer_id=named["customer_id"].mask(log.index % 2 == 0, named["customer_id"].str.upper())
    )
    with pytest.warns(DataWarning, match="would be 2,357 if") as whole:
        rfm = pc.rfm_summary(mixed)
    monkeypatch.setattr(twin_ids, "SAMPLED_IDS", len(rfm) // 3)
    with pytest.warns(DataWarning, match="would be 2,357 if") as sampled:
        pc.rfm_summary(mixed)
    assert [str(w.message) for w in sampled] == [str(w.message) for w in whole]


@pytest.mark.parametrize("of_case", [str.lower, str.upper, str.title])
def test_ids_of_one_spelling_are_no_twins(log, of_case):
    named = log.assign(customer_id=("ab" + log["customer_id"].astype(str)).map(of_case))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pc.rfm_summary(named)


def test_a_few_short_codes_that_meet_by_chance_are_no_twins_but_one_space_is(log):
    ids = "Ab" + log["customer_id"].astype(str)
    codes = ids.replace({"Ab7": "Ab9x", "Ab8": "aB9x"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pc.rfm_summary(log.assign(customer_id=codes))
    with pytest.warns(DataWarning, match=r"differ by spaces around them alone: 'Ab7' and 'Ab7 '"):
        pc.rfm_summary(log.assign(customer_id=codes.replace({"Ab9x": "Ab7", "aB9x": "Ab7 "})))


def test_a_stray_day_left_out_by_observation_end_is_not_warned_of_again(log):
    with pytest.warns(DataWarning) as told:
        pc.rfm_summary(with_day(log, "2099-01-01"), observation_end="1998-06-30")
    assert [w.category for w in told] == [DataWarning]


def test_a_stray_day_within_one_customers_long_silence_is_none(log):
    days = pd.date_range("2001-01-01", periods=60, freq="30D")
    mine = pd.DataFrame({"customer_id": 1, "date": days, "amount": 5.0})
    others = mine.head(12).assign(customer_id=2)
    assert len(pc.rfm_summary(pd.concat([mine, others]))) == 2


@pytest.mark.parametrize(("unit", "T"), [("year", 2177.0), ("week", 2191.0)])
def test_an_impossible_unit_is_doubted(unit, T):
    frame = pd.DataFrame({"frequency": [2], "recency": [300.0], "T": [T]})
    with pytest.warns(OptionWarning, match=f"Is unit='{unit}' right.*In days it is 6.0 years"):
        pc.RFM.from_frame(frame, unit=unit)


@pytest.mark.parametrize("name", ["monetary", "MonetaryValue", "spend"])
def test_spend_under_another_name_is_not_dropped_in_silence(name):
    frame = pd.DataFrame({"frequency": [2], "recency": [3.0], "T": [9.0], name: [4.0]})
    with pytest.warns(DataWarning, match=f"Did you mean '{name}'"):
        pc.RFM.from_frame(frame, unit="week")


def test_unlike_in_percent_is_refused_with_the_share(forecast):
    with pytest.raises(OptionError, match=r"For 20% write 0\.2"):
        forecast.total(unlike=20)
    with pytest.raises(OptionError, match="says nothing at all"):
        forecast.total(unlike=3)


def test_a_bad_unlike_is_refused_before_anything_is_simulated(fitted):
    unsimulated = fitted.forecast("26 weeks", seed=2)
    with pytest.raises(OptionError):
        unsimulated.total(unlike="much")
    assert "_totals" not in vars(unsimulated._source)
    unsimulated.total(unlike=0.2)
    assert "_totals" in vars(unsimulated._source)


def test_a_year_is_no_horizon():
    with pytest.raises(OptionError, match=r"looks like a year.*'2012 weeks'.*'2012-12-31'"):
        horizon_in("2012", "week", start=datetime.date(2010, 1, 1))
    assert horizon_in("2012 weeks", "week") == horizon_in(2012, "week") == 2012.0


@pytest.mark.parametrize(
    ("horizon", "message"),
    [("lifetime", "whole remaining lifetime, is not allowed"), ("2012-12-31", "is a last day")],
)
def test_horizons_that_are_not_allowed_somewhere_are_said_to_be(fitted, log, horizon, message):
    for ask in (
        lambda: pc.economics.new_customer(fitted, horizon=horizon),
        lambda: pc.segments.due_soon(fitted, within=horizon),
        lambda: pc.backtest(pc.baselines.MeanRate(), log, cutoffs=1, horizon=horizon),
    ):
        with pytest.raises(OptionError, match=message):
            ask()


def test_costs_in_another_type_are_told_apart_from_channels(forecast):
    channel = {i: np.int64(i % 2) for i in range(1, 2358)}
    with pytest.raises(DataError, match=r"no cost: .*'0', '1'.*of type int64.*of type str") as told:
        pc.economics.by_channel(forecast, channel, {"0": 3.0, "1": 9.0})
    assert "np.int64" not in str(told.value)


def test_a_column_of_ids_as_channels_is_refused_or_warned_of_at_once():
    with pytest.raises(DataError, match="There are 2,357 channels"):
        check_channels(pd.Series(range(2357)))
    with pytest.warns(ScaleWarning, match="all 7,140 pairs"):
        check_channels(pd.Series(range(120)))


def test_values_are_shown_plainly():
    assert [plainly(value) for value in (np.int64(1), "1", 2.5)] == ["1", "'1'", "2.5"]


def test_models_are_validated_by_name_or_class(log):
    split = pc.holdout_split(log, calibration_end="1997-09-30")
    found = pc.validate({"a": "MBGNBD", "b": pc.MBGNBD, "c": pc.CLVModel("MBGNBD")}, split, seed=1)
    assert found.frame.loc["a"].equals(found.frame.loc["c"])
    assert found.frame.loc["b"].equals(found.frame.loc["c"])
    with pytest.raises(OptionError, match="Did you mean"):
        pc.validate("MBGNB", split)


def test_an_unknown_engine_is_refused_at_once():
    with pytest.raises(OptionError, match="got 'stan'"):
        pc.CLVModel(engine="stan")


def test_draws_asked_for_are_enough_rounded_up():
    assert [_round_up(n) for n in (7.2, 42.1, 1234.5, 2000)] == [8, 43, 1300, 2000]


def test_saying_the_version_loads_no_scipy():
    code = (
        "import sys, predclv.cli; print(sorted({'pandas', 'scipy', 'duckdb'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_raw_type_errors_and_whole_tables_are_not_shown(forecast):
    with pytest.raises(OptionError, match=r"Say quantiles=\[0\.5\]"):
        pc.segments.tiers(forecast, quantiles=0.5)
    with pytest.raises(OptionError, match="0 or more; got -1"):
        forecast.top(-1)
    for ask in (pc.economics.clv_to_cac, pc.economics.payback):
        with pytest.raises(OptionError, match="Forecast: take a column of its frame") as told:
            ask(forecast, 30)
        assert len(str(told.value)) < 200


def test_a_difference_that_prints_as_equal_numbers_is_none():
    assert not _counts(Difference(3.6e-5, 1e-6, 0), 154.0)
    assert _counts(Difference(-1.0, 0.1, 1), 154.0)
