"""Backtest: several origins, each a validation of its own, and the log read once."""

import datetime

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import BoundaryWarning, DataError, OptionError, PredclvError

FORECASTERS = {"BG/NBD": pc.CLVModel(spend=None), "mean rate": pc.baselines.MeanRate()}
CUTOFFS = ["1997-02-28", "1997-06-30"]


@pytest.fixture(scope="module")
def found(cdnow_log):
    # Two months are too few for BG/NBD, and its warning says whose and when.
    whose = r"At cutoff 1997-02-28: Forecaster 'BG/NBD': BG/NBD has no maximum"
    with pytest.warns(BoundaryWarning, match=whose):
        return pc.backtest(FORECASTERS, cdnow_log, cutoffs=CUTOFFS, horizon="13 weeks", seed=1)


def test_each_origin_is_the_validation_of_the_log_cut_there(found, cdnow_log):
    assert list(found.validations) == [datetime.date(1997, 2, 28), datetime.date(1997, 6, 30)]
    end = pd.Timestamp("1997-06-30") + pd.Timedelta(days=91)
    split = pc.holdout_split(cdnow_log, calibration_end="1997-06-30", holdout_end=end)
    alone = pc.validate(FORECASTERS, split, seed=1)
    at = found.frame.loc[datetime.date(1997, 6, 30)]
    pd.testing.assert_frame_equal(at[alone.frame.columns], alone.frame)
    pd.testing.assert_frame_equal(found.validations[split.calibration_end].split.frame, split.frame)


def test_customers_who_join_later_are_counted_and_not_scored(found, cdnow_log):
    first = cdnow_log.groupby("customer_id")["date"].min()
    at = found.frame.xs("BG/NBD", level="forecaster")
    cutoff = pd.Timestamp("1997-02-28")
    known = int((first <= cutoff).sum())
    joined = int(((first > cutoff) & (first <= cutoff + pd.Timedelta(days=91))).sum())
    assert 0 < known < 2357
    assert joined > 0
    assert at["customers"].tolist() == [known, 2357]
    assert at["new_customers"].tolist() == [joined, 0]
    assert len(found.validations[cutoff.date()].forecasts["BG/NBD"]) == known


def test_the_summary_is_the_mean_and_spread_over_origins(found):
    summary = found.summary()
    mae = found.frame.xs("BG/NBD", level="forecaster")["mae"]
    row = summary.loc["BG/NBD"]["mae"]
    assert row["mean"] == pytest.approx(mae.mean())
    assert row["std"] == pytest.approx(mae.std(ddof=1))
    assert (row["lowest"], row["highest"]) == (mae.min(), mae.max())
    assert summary.index.unique("forecaster").tolist() == list(FORECASTERS)
    assert "customers" not in summary


def test_a_number_of_cutoffs_is_that_many_holdouts_end_to_end(cdnow_log):
    found = pc.backtest(pc.baselines.PastRate(), cdnow_log, cutoffs=4, horizon="91 days")
    end = cdnow_log["date"].max().date()
    expected = [end - datetime.timedelta(days=91 * back) for back in (4, 3, 2, 1)]
    assert list(found.validations) == expected
    assert [v.split.holdout_end for v in found.validations.values()] == [*expected[1:], end]
    total = sum(v.split.frame["frequency_holdout"].sum() for v in found.validations.values())
    days = cdnow_log[cdnow_log["date"].dt.date > expected[0]].drop_duplicates(
        ["customer_id", "date"]
    )
    new = sum(v.split.new_customers for v in found.validations.values())
    assert new == 0
    assert total == len(days)


def test_nothing_after_until_is_looked_at(cdnow_log):
    options = {"cutoffs": 2, "horizon": "8 weeks"}
    whole = pc.backtest(
        pc.baselines.PastRate(), cdnow_log, **options, until="1997-12-31", amount="amount"
    )
    cut = cdnow_log[cdnow_log["date"] <= "1997-12-30"]
    alone = pc.backtest(pc.baselines.PastRate(), cut, **options, until="1997-12-30")
    assert max(v.split.holdout_end for v in whole.validations.values()) == datetime.date(
        1997, 12, 31
    )
    again = pc.backtest(pc.baselines.PastRate(), cdnow_log, **options, until="1997-12-30")
    pd.testing.assert_frame_equal(again.frame, alone.frame)


def test_a_holdout_may_not_go_on_after_until(cdnow_log):
    options = {"cutoffs": ["1997-10-01"], "horizon": "13 weeks"}
    assert len(pc.backtest(pc.baselines.PastRate(), cdnow_log, **options)) == 1
    with pytest.raises(OptionError, match=r"may lie from 1997-01-01 to 1997-09-30.*to 1997-12-30"):
        pc.backtest(pc.baselines.PastRate(), cdnow_log, **options, until="1997-12-30")


def test_a_summary_is_backtested_inside_its_own_calibration(cdnow_split, cdnow_log):
    inside = pc.backtest(pc.baselines.LastPeriod(), cdnow_split.rfm, cutoffs=2, horizon=8)
    known = cdnow_log[cdnow_log["date"] <= "1997-09-30"]
    expected = pc.backtest(
        pc.baselines.LastPeriod(), known, cutoffs=2, horizon=8, until="1997-09-30"
    )
    pd.testing.assert_frame_equal(inside.frame, expected.frame)
    assert max(inside.validations) == datetime.date(1997, 8, 5)


def test_a_summary_made_elsewhere_cannot_be_cut(cdnow):
    bare = pc.RFM.from_frame(cdnow.frame, unit="week")
    with pytest.raises(DataError, match="without a log"):
        pc.backtest(pc.baselines.MeanRate(), bare, cutoffs=2, horizon=8)


@pytest.mark.parametrize(
    ("cutoffs", "said"),
    [
        (["1998-06-01"], r"Cutoff 1998-06-01 is less than 91 days from the end.*1998-03-31"),
        (["1996-12-01"], r"Cutoff 1996-12-01 is before the first purchase.*from 1997-01-01"),
        (9, r"before the first purchase.*room for 5: try cutoffs=5"),
        (["1997-09-30", "1997-09-30"], "1997-09-30 is there more often"),
        ([], "cutoffs is empty"),
        (0, "at least 1"),
        ("1997-09-30", r"list of dates such as \['1997-09-30'\]"),
        (["30 September"], "date such as '1997-09-30'"),
    ],
)
def test_cutoffs_without_room_or_sense_are_refused(cdnow_log, cutoffs, said):
    with pytest.raises(OptionError, match=said):
        pc.backtest(pc.baselines.MeanRate(), cdnow_log, cutoffs=cutoffs, horizon="13 weeks")


def test_what_has_seen_the_future_already_is_refused(cdnow_log, cdnow):
    fitted = pc.baselines.MeanRate().fit(cdnow)
    with pytest.raises(OptionError, match="fitted already"):
        pc.backtest({"mean": fitted}, cdnow_log, cutoffs=2, horizon="13 weeks")


def test_an_error_names_the_origin_and_the_forecaster(cdnow_log):
    with pytest.raises(
        PredclvError, match=r"At cutoff 1997-03-31: Forecaster 'last' could not forecast: Last"
    ):
        pc.backtest(
            {"last": pc.baselines.LastPeriod()},
            cdnow_log,
            cutoffs=["1997-03-31"],
            horizon="26 weeks",
        )


def test_what_is_no_error_of_the_package_keeps_its_kind_and_gets_a_note(cdnow_log):
    class Careless:
        title = "careless"

        def fit(self, rfm):
            return 1 / 0

    with pytest.raises(ZeroDivisionError) as raised:
        pc.backtest(Careless(), cdnow_log, cutoffs=1, horizon="13 weeks")
    notes = " ".join(raised.value.__notes__)
    assert "Forecaster 'careless' could not be fitted." in notes
    assert "At cutoff 1998-03-31." in notes


def test_it_shows_means_with_their_spread(found):
    text, page = repr(found), found._repr_html_()
    assert "from 2 origins, 1997-02-28 to 1997-06-30, each over 13 weeks" in text
    mae = found.frame.xs("BG/NBD", level="forecaster")["mae"]
    assert f"{mae.mean():.3f} ± {mae.std():.3f}" in text
    assert f"{mae.mean():.3f} ± {mae.std():.3f}" in page
    for finding in found.findings:
        assert finding in text


def test_one_origin_has_no_spread(cdnow_log):
    found = pc.backtest(pc.baselines.MeanRate(), cdnow_log, cutoffs=1, horizon="13 weeks")
    assert np.isnan(found.summary().loc[("mean rate", "std"), "mae"])
    assert "±" not in repr(found)
    assert len(found) == 1
