"""Horizons in every form a user writes them, and printed as they were asked."""

import datetime
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

import predclv as pc
from predclv.cli import app
from predclv.errors import OptionError
from predclv.units import horizon_in


@pytest.fixture(scope="module")
def fitted(cdnow):
    return pc.CLVModel(spend=None).fit(cdnow)


@pytest.mark.parametrize("horizon", ["1997-12-30", datetime.date(1997, 12, 30),
                                     pd.Timestamp("1997-12-30 18:00")])  # fmt: skip
def test_a_day_is_a_horizon_up_to_and_including_it(fitted, horizon):
    found = fitted.forecast(horizon, level=None)
    assert found.horizon == 13  # weeks from 1997-09-30
    plain = fitted.forecast("13 weeks", level=None)
    pd.testing.assert_frame_equal(found.frame, plain.frame)
    assert "over the days to 1997-12-30 after 1997-09-30" in found.headline()


def test_a_rule_takes_a_day_too(cdnow):
    rule = pc.baselines.PastRate().fit(cdnow)
    pd.testing.assert_frame_equal(
        rule.forecast("1997-12-30").frame, rule.forecast("13 weeks").frame
    )


def test_lifetime_in_words_is_none(fitted):
    words, none = (fitted.forecast(t, level=None) for t in ("lifetime", None))
    assert words.horizon is None
    pd.testing.assert_frame_equal(words.frame, none.frame)
    assert "the whole remaining lifetime" in words.headline()
    assert fitted.table("Lifetime", level=None).terms.horizon is None


def test_a_rule_knows_no_lifetime(cdnow):
    with pytest.raises(OptionError, match="finite horizon"):
        pc.baselines.PastRate().fit(cdnow).forecast("lifetime")


@pytest.mark.parametrize(
    ("horizon", "said"),
    [
        ("1997-09-30", "not after the end of observation, 1997-09-30"),
        ("1990-01-01", "not after the end of observation"),
        ("1997-02-30", "no day of the calendar"),
    ],
)
def test_a_day_that_is_no_horizon_is_refused(fitted, horizon, said):
    with pytest.raises(OptionError, match=said):
        fitted.forecast(horizon)


def test_a_day_needs_the_end_of_observation(fitted, cdnow):
    elsewhere = pc.RFM.from_frame(cdnow.frame, unit="week")
    with pytest.raises(OptionError, match="end of observation from which to count is not known"):
        fitted.forecast("1997-12-30", rfm=elsewhere)
    with pytest.raises(OptionError, match="not allowed here"):
        horizon_in("1997-12-30", "week")


@pytest.mark.parametrize(
    ("horizon", "printed"),
    [
        ("12 months", "over 12 months after"),
        ("90  days", "over 90 days after"),
        (datetime.timedelta(days=90), "over 90 days after"),
        (26, "over 26 weeks after"),
        ("1", "over 1 week after"),
    ],
)
def test_a_horizon_prints_as_it_was_asked(fitted, horizon, printed):
    forecast = fitted.forecast(horizon, level=None)
    assert printed in repr(forecast)
    assert printed in forecast._repr_html_()
    assert "52.1786" not in repr(forecast)


def test_a_file_keeps_the_number_and_the_words(fitted, tmp_path):
    import pyarrow.parquet as pq

    fitted.forecast("12 months", level=None).to_parquet(tmp_path / "f.parquet")
    said = pq.read_schema(tmp_path / "f.parquet").metadata
    assert float(said[b"predclv.horizon"]) == pytest.approx(365.25 / 7)
    assert said[b"predclv.asked"] == b"12 months"


def test_the_command_line_takes_days_and_lifetimes(fitted, cdnow, tmp_path):
    fitted.save(tmp_path / "model")
    for horizon in ("lifetime", "1998-06-30"):
        out = str(tmp_path / "f.csv")
        run = CliRunner().invoke(
            app, ["forecast", str(tmp_path / "model"), "--horizon", horizon, "--out", out]
        )
        assert run.exit_code == 0, run.output
        assert re.search("whole remaining lifetime|the days to 1998-06-30", run.output)
