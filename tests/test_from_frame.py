"""A summary made elsewhere: its unit is asked for, and any frame will do."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

import predclv as pc
from predclv.errors import DataError, OptionError


@pytest.fixture
def summary():
    return pd.DataFrame(
        {
            "customer_id": ["b", "a", "c"],
            "frequency": [2, 0, 1],
            "recency": [30.5, 0.0, 7.0],
            "T": [38.5, 27.0, 9.0],
            "monetary_value": [10.0, 0.0, 5.5],
        }
    )


def test_a_unit_is_asked_for_with_the_choices_and_what_the_times_look_like(summary):
    with pytest.raises(OptionError) as asked:
        pc.RFM.from_frame(summary)
    said = str(asked.value)
    for word in ("unit='day'", "'week'", "'month'", "'year'", "lifetimes", "days", "38.5"):
        assert word in said
    assert "hardly days" in said
    with pytest.raises(OptionError, match=r"whole numbers up to 39.*may well be days"):
        pc.RFM.from_frame(summary.assign(recency=[30, 0, 7], T=[39, 27, 9]))
    with pytest.raises(OptionError, match="Did you mean 'week'"):
        pc.RFM.from_frame(summary, unit="weeks")


def test_a_summary_of_lifetimes_in_its_default_of_days_gives_the_forecast_of_its_log(cdnow_log):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it sets options that pandas 3 deprecates
        from lifetimes.utils import summary_data_from_transaction_data
    theirs = summary_data_from_transaction_data(
        cdnow_log, "customer_id", "date", observation_period_end="1997-09-30"
    )
    with pytest.raises(OptionError, match="may well be days"):
        pc.RFM.from_frame(theirs)
    days = pc.RFM.from_frame(theirs, unit="day")
    kept = cdnow_log[cdnow_log["date"] <= "1997-09-30"]
    weeks = pc.rfm_summary(kept, observation_end="1997-09-30", amount=None)
    found, expected = (
        pc.CLVModel(spend=None)
        .fit(rfm)
        .forecast("52 weeks", level=None)
        .frame["expected_purchases"]
        for rfm in (days, weeks)
    )
    # two optimisers' ends on one likelihood in different units
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_polars_and_arrow_frames_are_welcome(summary):
    expected = pc.RFM.from_frame(summary, unit="week").frame
    table = pa.Table.from_pandas(summary)
    for frame in (
        pl.from_pandas(summary),
        pl.from_pandas(summary).lazy(),
        table,
        table.to_batches()[0],
        table.to_reader(),
    ):
        assert_frame_equal(pc.RFM.from_frame(frame, unit="week").frame, expected)


def test_their_ids_are_checked_like_others(summary):
    frame = pl.from_pandas(summary)
    with pytest.raises(DataError, match="1 customer has no id"):
        pc.RFM.from_frame(frame.with_columns(customer_id=pl.Series([1, None, 3])), unit="week")
    with pytest.raises(DataError, match="type BLOB"):
        pc.RFM.from_frame(
            frame.with_columns(customer_id=pl.Series([b"a", b"b", b"c"])), unit="week"
        )
    with pytest.raises(DataError, match="more than one row"):
        pc.RFM.from_frame(frame.with_columns(customer_id=pl.Series([1, 1, 3])), unit="week")


def test_anything_else_is_refused(summary):
    for other in ({"frequency": [1]}, [1, 2], summary["T"], pl.Series([1]), "summary.csv", None):
        with pytest.raises(DataError, match="must be a pandas DataFrame, a polars one or an Arrow"):
            pc.RFM.from_frame(other, unit="week")


def test_all_missing_columns_are_named_at_once(summary):
    renamed = summary.rename(columns={"frequency": "Frequency", "recency": "Recency_"})
    with pytest.raises(DataError) as refused:
        pc.RFM.from_frame(renamed.drop(columns="T"), unit="week")
    said = str(refused.value)
    for name in ("frequency", "recency", "T"):
        assert f"no column {name!r}" in said
    assert "frame.rename(columns={'Frequency': 'frequency', 'Recency_': 'recency'})" in said


THEIRS = {"frequency": "frequency_cal", "recency": "recency_cal", "T": "T_cal"}
OUTCOME = ["frequency_holdout", "duration_holdout"]


@pytest.fixture
def calibrated(cdnow_log):
    """A split of CDNOW in lifetimes' columns, in weeks."""
    split = pc.holdout_split(cdnow_log, calibration_end="1997-09-30")
    frame = split.frame.rename(columns=THEIRS)
    return frame[["customer_id", *THEIRS.values(), *OUTCOME]]


def test_a_split_made_elsewhere_is_asked_for_its_unit(calibrated):
    with pytest.raises(OptionError, match=r"Say unit='day', 'week'.*hardly days"):
        pc.HoldoutSplit.from_frame(calibrated)
    days = calibrated.assign(**{name: calibrated[name] * 7 for name in ("recency_cal", "T_cal")})
    with pytest.raises(OptionError, match=r"whole numbers up to 272.*may well be days"):
        pc.HoldoutSplit.from_frame(days.round())


def test_a_split_made_elsewhere_in_days_scores_as_its_log_does(cdnow_log, calibrated):
    times = ["recency_cal", "T_cal", "duration_holdout"]
    days = calibrated.assign(**{name: (calibrated[name] * 7).round() for name in times})
    models = {"mean rate": pc.baselines.MeanRate()}
    theirs = pc.validate(models, pc.HoldoutSplit.from_frame(days, unit="day"))
    ours = pc.validate(
        models, pc.holdout_split(cdnow_log, amount=None, calibration_end="1997-09-30")
    )
    assert_frame_equal(theirs.frame[["mae", "bias"]], ours.frame[["mae", "bias"]])


def test_a_split_is_welcome_as_a_polars_or_arrow_frame(calibrated):
    expected = pc.HoldoutSplit.from_frame(calibrated, unit="week").frame
    for frame in (pl.from_pandas(calibrated), pa.Table.from_pandas(calibrated)):
        assert_frame_equal(pc.HoldoutSplit.from_frame(frame, unit="week").frame, expected)
