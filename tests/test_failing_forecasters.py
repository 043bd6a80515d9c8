"""A forecaster that cannot forecast is a row that says why, not the end of the table."""

import pytest

import predclv as pc
from predclv.errors import PredclvError


@pytest.fixture(scope="module")
def split(cdnow_log):
    """Three months known, and more than that to forecast: the last period is not known."""
    return pc.holdout_split(cdnow_log, calibration_end="1997-03-31", holdout_end="1997-09-30")


def test_a_forecaster_that_cannot_is_a_row_that_says_why(split):
    found = pc.validate(
        {"BG/NBD": pc.CLVModel(spend=None), "last": pc.baselines.LastPeriod()}, split, seed=1
    )
    assert list(found.frame.index) == ["BG/NBD", "last"]
    assert found.frame.loc["last"].isna().all()
    assert found.frame.at["BG/NBD", "mae"] > 0
    assert set(found.failed) == {"last"}
    assert "could not" in found.failed["last"]
    assert any("last" in finding for finding in found.findings)
    assert "last" not in found.forecasts


def test_whoever_wants_the_error_gets_it(split):
    forecasters = {"BG/NBD": pc.CLVModel(spend=None), "last": pc.baselines.LastPeriod()}
    with pytest.raises(PredclvError, match="last"):
        pc.validate(forecasters, split, errors="raise", seed=1)


def test_nobody_who_can_forecast_is_an_error(split):
    with pytest.raises(PredclvError):
        pc.validate(
            {"last": pc.baselines.LastPeriod(), "year": pc.baselines.SamePeriodLastYear()}, split
        )


def test_a_backtest_goes_on_too(cdnow_log):
    forecasters = {"mean": pc.baselines.MeanRate(), "year": pc.baselines.SamePeriodLastYear()}
    found = pc.backtest(forecasters, cdnow_log, cutoffs=2, horizon="13 weeks")
    assert {name for _, name in found.failed} == {"year"}
    rows = found.frame.xs("mean", level="forecaster")
    assert rows["mae"].notna().all()
