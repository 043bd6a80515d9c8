"""From a log to a summary: the convention, against the papers' counts and a loop in pandas."""

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd
import pytest
from handmade_logs import log_of, simulated_log
from pandas.testing import assert_frame_equal

from predclv.errors import DataError, DataWarning, OptionError, RefundWarning
from predclv.logs.datasets import load_cdnow
from predclv.summaries.rfm import RFM
from predclv.summaries.splits import holdout_split
from predclv.summaries.summarise import rfm_summary, summary_of

CALIBRATION_END = "1997-09-30"


@pytest.fixture(scope="module")
def cdnow():
    return load_cdnow()


@pytest.fixture(scope="module")
def calibration(cdnow):
    return cdnow[cdnow["date"] <= CALIBRATION_END]


def recomputed(log, end, refunds):
    """The summary once more, in plain pandas and exact decimals of the cent."""
    log = log.assign(
        day=log["date"].dt.normalize(), cents=(log["amount"] * 100).round().astype(int)
    )
    log["bought"] = log["cents"] >= 0
    if refunds == "drop":
        log = log[log["bought"]]
    days = log.groupby(["customer_id", "day"]).agg(cents=("cents", "sum"), bought=("bought", "any"))
    days = days[days["bought"]].reset_index()
    rows = []
    for customer, own in days.groupby("customer_id"):
        first, repeat = own["day"].min(), own.sort_values("day")["cents"].iloc[1:]
        rows.append(
            {
                "customer_id": customer,
                "frequency": len(repeat),
                "recency": (own["day"].max() - first).days / 7,
                "T": (pd.Timestamp(end) - first).days / 7,
                "monetary_value": repeat.sum() / 100 / len(repeat) if len(repeat) else 0.0,
            }
        )
    return pd.DataFrame(rows)


# --- the convention ------------------------------------------------------------------------------


def test_cdnow_calibration_has_the_papers_counts(calibration):
    # Fader, Hardie and Lee (2005), Marketing Science 24(2), section 4.
    rfm = rfm_summary(calibration, observation_end=CALIBRATION_END)
    frame = rfm.frame
    assert len(rfm) == len(frame) == 2357
    assert frame["frequency"].sum() == rfm.counts["repeat_purchases"] == 2457
    assert (frame["frequency"] > 0).sum() == 946
    assert round(frame["T"].min(), 3) == 27.000
    assert round(frame["T"].max(), 3) == 38.857
    assert rfm.observation_end == dt.date(1997, 9, 30)


def test_rows_after_the_end_are_left_out_with_a_count(cdnow, calibration):
    with pytest.warns(DataWarning, match=r"1,959 rows are after observation_end 1997-09-30") as got:
        whole = rfm_summary(cdnow, observation_end=CALIBRATION_END)
    assert got[0].filename == __file__
    assert_frame_equal(whole.frame, rfm_summary(calibration, observation_end=CALIBRATION_END).frame)
    assert whole.counts["rows_after_end"] == len(cdnow) - len(calibration)
    assert whole.counts["customers_after_end"] == 0


def test_customers_whose_rows_are_all_after_the_end_are_counted(small):
    with pytest.warns(DataWarning, match="3 rows are after .* and with them 1 customer altogether"):
        rfm = rfm_summary(small.iloc[[0, 1, 2, 3]], observation_end="2024-01-07")
    assert rfm.counts["customers_after_end"] == 1
    assert rfm.frame["customer_id"].tolist() == [1]


def test_unmerged_same_day_rows_would_be_146_more_repeat_purchases(calibration):
    rfm = rfm_summary(calibration, observation_end=CALIBRATION_END)
    assert rfm.counts["same_day_rows_merged"] == 2603 - 2457
    assert len(calibration) - 2357 == 2603


def test_cdnow_over_78_weeks_has_4339_repeat_purchases(cdnow):
    assert rfm_summary(cdnow).frame["frequency"].sum() == 4339


def test_cdnow_holdout_has_1882_repeat_purchases(cdnow):
    split = holdout_split(cdnow, calibration_end=CALIBRATION_END)
    assert split.frame["frequency_holdout"].sum() == 1882
    assert split.duration == 39
    assert (split.frame["duration_holdout"] == 39).all()
    assert split.new_customers == 0
    assert len(split) == 2357


def test_all_of_cdnow_has_23570_customers():
    master = load_cdnow("master")
    assert master["customer_id"].nunique() == 23_570
    assert (rfm_summary(master).frame["frequency"] == 0).sum() == 12_054
    with pytest.raises(OptionError, match="Did you mean 'master'"):
        load_cdnow("mastre")


@pytest.mark.parametrize("refunds", ["net", "drop"])
def test_a_plain_pandas_loop_gives_the_same_summary(refunds):
    log = simulated_log()
    with pytest.warns(RefundWarning):
        rfm = rfm_summary(log, observation_end="2023-12-31", refunds=refunds)
    expected = recomputed(log, "2023-12-31", refunds)
    # the loop divides cents, ours 1e-4 units: one rounding apart
    assert_frame_equal(rfm.frame, expected, check_dtype=False, rtol=1e-15)
    assert rfm.counts["refund_rows"] == (log["amount"] < 0).sum()


def test_a_plain_pandas_loop_gives_the_same_holdout():
    log = simulated_log(refunds=False)
    split = holdout_split(log, calibration_end="2023-04-30", holdout_end="2023-08-31", unit="day")
    assert_frame_equal(
        split.frame[["customer_id", "frequency", "recency", "T", "monetary_value"]],
        recomputed(log[log["date"] < "2023-05-01"], "2023-04-30", "net").assign(
            recency=lambda f: (f["recency"] * 7).round(), T=lambda f: (f["T"] * 7).round()
        ),
        check_dtype=False,
    )
    later = log[(log["date"] >= "2023-05-01") & (log["date"] < "2023-09-01")]
    spent = later.groupby("customer_id")["amount"].sum().round(2)
    bought = later.assign(day=later["date"].dt.normalize()).groupby("customer_id")["day"].nunique()
    known = split.frame.set_index("customer_id")
    wanted = bought.reindex(known.index, fill_value=0)
    assert (known["frequency_holdout"] == wanted).all()
    assert known["spend_holdout"].to_numpy() == pytest.approx(
        spent.reindex(known.index, fill_value=0).to_numpy(), abs=1e-9
    )
    assert split.new_customers == len(set(later["customer_id"]) - set(known.index))
    assert (known["duration_holdout"] == 123).all()


def test_days_are_seven_times_weeks(small):
    weeks, days = rfm_summary(small).frame, rfm_summary(small, unit="day").frame
    assert (weeks["T"] == days["T"] / 7).all()
    assert (weeks["recency"] == days["recency"] / 7).all()
    assert (rfm_summary(small, unit="month").frame["T"] == days["T"] / 30.4375).all()
    assert days["T"].tolist() == [29.0, 22.0, 28.0]


@pytest.mark.parametrize("last", ["2010-06-30", "2023-06-30"], ids=["packed", "not packed"])
@pytest.mark.parametrize("first", [0.0, 9.99, 3.7e11, 7e11])
def test_the_first_days_spend_is_left_out_to_the_unit_however_large_it_is(first, last):
    rows = [
        (1, last, 0.0001),
        (1, "2010-01-01", first),
        (1, "2010-03-01", 12.34),
        (1, "2010-01-01", 0.01),
        (2, last, 1.0),
        (3, "2010-03-01", 2.5),
        (3, last, 3.25),
        (3, last, 0.5),
    ]
    spend = rfm_summary(log_of(rows)).frame["monetary_value"]
    assert spend.tolist() == [123401 / 10_000 / 2, 0.0, 3.75]


def test_shuffled_rows_give_bit_identical_answers():
    log = simulated_log(refunds=False)
    shuffled = log.sample(frac=1, random_state=3)
    first, second = rfm_summary(log), rfm_summary(shuffled)
    assert_frame_equal(first.frame, second.frame, check_exact=True)
    for one, other in (
        (first.cells(), second.cells()),
        (first.spend_cells(), second.spend_cells()),
    ):
        assert_frame_equal(one.frame, other.frame, check_exact=True)


def test_cells_hold_every_customer_once():
    rfm = rfm_summary(simulated_log(refunds=False))
    cells, spend = rfm.cells(), rfm.spend_cells()
    history = rfm.frame.groupby(["frequency", "recency", "T"]).size()
    assert cells.n_customers == len(rfm)
    assert len(cells) == len(history) < len(rfm)
    assert cells.weight.dtype == np.int64
    assert cells.frame["recency"].tolist() == history.index.get_level_values(1).tolist()
    repeaters = rfm.frame[rfm.frame["frequency"] > 0]
    assert spend.n_customers + spend.left_out == len(repeaters)
    assert (spend.weight * spend.monetary_value * spend.frequency).sum() == pytest.approx(
        (repeaters["monetary_value"] * repeaters["frequency"]).sum()
    )


def test_cells_of_a_frame_are_those_of_the_log():
    rfm = rfm_summary(simulated_log(refunds=False))
    again = RFM.from_frame(rfm.frame, unit="week")
    assert_frame_equal(again.frame, rfm.frame)
    assert_frame_equal(again.cells().frame, rfm.cells().frame, check_exact=True)
    assert_frame_equal(again.spend_cells().frame, rfm.spend_cells().frame, check_exact=True)
    assert again.log is None


def test_a_summary_cannot_be_changed(small):
    rfm = rfm_summary(small)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rfm.unit = "day"
    with pytest.raises(TypeError):
        rfm.counts["rows"] = 0
    frame = rfm.frame
    frame.loc[0, "T"] = -1.0
    assert rfm.frame.loc[0, "T"] > 0


def test_the_log_stays_as_it_was_when_its_frame_changes(small):
    rfm = rfm_summary(small)
    small.loc[:, "amount"] = -1.0
    assert rfm.log.purchases()["spend"].tolist() == [35.5, 12.25, 15.0]


def test_the_log_answers_for_a_window_and_for_days(small):
    log = rfm_summary(small).log
    late = log.purchases(after=dt.date(2024, 1, 8))
    assert late["customer_id"].tolist() == [1, 3]
    assert late["purchases"].tolist() == [1, 1]
    assert late["spend"].tolist() == [25.5, 8.0]
    days = log.purchase_days(until=dt.date(2024, 1, 15))
    assert days["day"].dt.strftime("%d").tolist() == ["01", "15", "08", "02"]
    assert days["spend"].tolist() == [10.0, 25.5, 12.25, 7.0]


def test_summaries_of_one_log_leave_each_other_alone(small):
    first = rfm_summary(small)
    second, _ = summary_of(first.log, dt.date(2024, 1, 10), "day")
    assert second.frame["T"].tolist() == [9.0, 2.0, 8.0]
    assert first.frame["T"].tolist() == [29 / 7, 22 / 7, 4.0]


def test_a_summary_shows_itself(small):
    rfm = rfm_summary(small)
    assert repr(rfm) == "RFM: 3 customers, 2 repeat purchases, in weeks, observed to 2024-01-30"
    assert "<table" in rfm._repr_html_()
    assert "same day rows merged 1" in rfm._repr_html_()
    assert "3 customers" in repr(rfm.cells())
    assert "6 rows" in repr(rfm.log)


def test_one_customer_is_a_summary_of_one():
    rfm = rfm_summary(log_of([("a", "2024-01-01", 1.0)]))
    assert len(rfm) == 1
    assert rfm.frame.loc[0, ["frequency", "recency", "T", "monetary_value"]].tolist() == [
        0,
        0,
        0,
        0,
    ]


# --- other errors --------------------------------------------------------------------------------


def test_an_empty_log_is_refused(small):
    with pytest.raises(DataError, match="log is empty"):
        rfm_summary(small.iloc[:0])
    with pytest.raises(DataError, match="log is empty"):
        rfm_summary(pd.DataFrame(columns=["customer_id", "date", "amount"]))


def test_an_unknown_unit_is_refused(small):
    for summarise in (
        lambda: rfm_summary(small, unit="weeks"),
        lambda: RFM.from_frame(pd.DataFrame(), unit="weeks"),
        lambda: holdout_split(small, calibration_end="2024-01-08", unit="weeks"),
    ):
        with pytest.raises(OptionError, match="Did you mean 'week'"):
            summarise()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"calibration_end": "2024-01-30"}, "within the log"),
        ({"calibration_end": "2023-12-31"}, "within the log"),
        ({"calibration_end": "2024-01-08", "holdout_end": "2024-01-08"}, "must be before"),
        ({"calibration_end": "soon"}, "calibration_end must be a date"),
    ],
)
def test_a_holdout_needs_two_periods(small, options, said):
    with pytest.raises(OptionError, match=said):
        holdout_split(small, **options)


def test_rows_after_the_holdout_are_none_of_it(small):
    split = holdout_split(small, calibration_end="2024-01-05", holdout_end="2024-01-15")
    assert split.frame["frequency_holdout"].tolist() == [1, 0]
    assert split.new_customers == 1
    assert "1 purchase until 2024-01-15" in repr(split)
