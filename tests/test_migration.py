"""Migration: ordered tiers, and a word for what became of each customer."""

import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED

import predclv as pc
from predclv.decisions.migration import LEFT, NEW
from predclv.errors import AssumptionWarning, DataError, DataWarning


def quiet_tiers(forecast, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        return pc.segments.tiers(forecast, **options)


def at(log, end, fitted=None):
    """Tiers by quantiles of what is expected after a day, of the customers known then."""
    rfm = pc.rfm_summary(log[log["date"] <= end], observation_end=end)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AssumptionWarning)
        fitted = fitted or pc.CLVModel().fit(rfm)
    return quiet_tiers(fitted.forecast("1 year", level=None, rfm=rfm))


@pytest.fixture(scope="module")
def moves(cdnow_log, cdnow, bgnbd, gamma_gamma):
    """CDNOW while customers still join, and at its end without a few of them."""
    fitted = pc.FittedCLV(bgnbd, gamma_gamma, cdnow)
    later = cdnow_log[cdnow_log["customer_id"] > 20]
    return at(cdnow_log, "1997-03-01", fitted), at(later, "1998-06-30", fitted)


@pytest.fixture(scope="module")
def found(moves):
    return pc.segments.migration(*moves)


def test_a_tier_below_the_earlier_one_is_a_fall_and_nothing_else_is(moves, found):
    """Counted by the customers' places in the ranking of tiers, without a category."""
    place = {name: number for number, name in enumerate(moves[0].names)}  # 0 is the highest
    was, now = (
        tiers.frame.set_index("customer_id")["tier"].astype(str).map(place) for tiers in moves
    )
    frame = found.frame
    fell, rose = (frame["after"] < frame["before"]), (frame["after"] > frame["before"])
    both = was.index.intersection(now.index)
    assert fell.sum() == (now[both] > was[both]).sum() > 0
    assert rose.sum() == (now[both] < was[both]).sum() > 0
    ids = frame["customer_id"]
    assert set(ids[frame["change"] == "new"]) == set(now.index) - set(was.index) != set()
    assert set(ids[frame["change"] == "gone"]) == set(was.index) - set(now.index) != set()
    assert frame["change"].eq("fallen").equals(fell)
    assert frame["change"].eq("risen").equals(rose)
    assert not frame["change"].isna().any()


def test_the_tiers_are_ordered_categories_and_missing_where_there_is_none(moves, found):
    frame = found.frame
    for when in ("before", "after"):
        assert frame[when].cat.ordered
        assert frame[when].cat.categories.tolist() == [*reversed(moves[0].names)]
    assert frame["before"].isna().equals(frame["change"].eq("new"))
    assert frame["after"].isna().equals(frame["change"].eq("gone"))


def test_the_words_the_summary_and_the_table_agree(found):
    number = found.frame["change"].value_counts()
    assert found.summary().to_dict() == {
        "stayed": number["stayed"],
        "rose": number["risen"],
        "fell": number["fallen"],
        "came": number["new"],
        "left": number["gone"],
    }
    counts = found.counts
    assert np.trace(counts.drop(index=NEW, columns=LEFT)) == number["stayed"]
    assert counts.loc[NEW].sum() == number["new"]
    assert counts[LEFT].sum() == number["gone"]


def test_the_text_shows_every_tier_however_many_there_are(moves):
    cuts = np.linspace(0.05, 0.95, 19)
    names = [f"a tier with quite a long name, the {place}th" for place in range(20)]
    rows = pd.DataFrame({"customer_id": range(200), "revenue": np.arange(200.0)})
    tiers = quiet_tiers(rows, quantiles=cuts, names=names)
    text = repr(pc.segments.migration(tiers, tiers))
    assert "..." not in text
    assert all(text.count(name) == 2 for name in names)  # once as a row, once as a column


def test_between_different_tiers_one_moves_and_neither_rises_nor_falls(moves):
    before, after = moves
    other = quiet_tiers(after.frame, by="clv", quantiles=[0.5], names=["less", "more"])
    frame = pc.segments.migration(before, other).frame
    assert set(frame["change"]) == {"moved", "new", "gone"}
    assert frame["after"].cat.categories.tolist() == ["less", "more"]


def test_a_year_of_online_retail_counts_those_who_fell():
    """667 fell from September 2011 on; compared as text, 945 tiers stood before the earlier one."""
    path = SHARED / "online_retail_ii.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    log = pd.read_csv(path, parse_dates=["date"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = pc.segments.migration(at(log, "2011-09-09"), at(log, "2011-12-09"))
    frame = found.frame
    assert (frame["after"] < frame["before"]).sum() == found.summary()["fell"] == 667


def test_the_frame_of_a_forecast_makes_the_tiers_of_the_forecast(cdnow, bgnbd, gamma_gamma):
    forecast = pc.FittedCLV(bgnbd, gamma_gamma, cdnow).forecast("1 year", level=None)
    whole, alone = quiet_tiers(forecast), quiet_tiers(forecast.frame)
    pd.testing.assert_frame_equal(alone.frame, whole.frame)
    pd.testing.assert_frame_equal(alone.profile(), whole.profile())
    pd.testing.assert_frame_equal(
        pc.segments.win_back(forecast.frame), pc.segments.win_back(forecast)
    )
    equity = pc.economics.customer_equity(forecast.frame)
    assert equity.total == pytest.approx(forecast.total()["clv"])
    with pytest.raises(DataError, match="does not say how long its horizon is"):
        quiet_tiers(forecast.frame, rules="four tiers")


def test_rules_say_so_where_they_call_a_customer_lapsing_who_is_likely_still_one(
    cdnow, bgnbd, gamma_gamma
):
    forecast = pc.FittedCLV(bgnbd, gamma_gamma, cdnow).forecast("1 year", level=None)
    found = quiet_tiers(forecast, rules="four tiers", currency_scale=0.05)
    frame = found.frame
    staying = frame["tier"].eq("lapsing") & frame["p_alive"].ge(0.5)
    assert frame["reason"].astype(str).str.contains("likely still a customer").equals(staying)
    assert staying.sum() > 0
    assert f"{staying.sum():,} of 'lapsing' are more likely customers still" in found.headline()
