"""Refreshes of a base: what is kept, what moved, what came true, and what is alarming."""

import duckdb
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.base.change import PARTS
from predclv.errors import DataError, OptionError
from predclv.io.strict_json import to_json

pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.PredclvWarning")

DATES = ("1997-09-30", "1997-10-31", "1997-12-31")


@pytest.fixture(scope="module")
def cdnow():
    return pc.datasets.load_cdnow()


@pytest.fixture(scope="module")
def channels(cdnow):
    ids = cdnow["customer_id"].drop_duplicates()
    return pd.DataFrame({"customer_id": ids, "channel": np.where(ids % 3 == 0, "web", "shop")})


@pytest.fixture(scope="module")
def base(cdnow, channels, tmp_path_factory):
    base = pc.CustomerBase(tmp_path_factory.mktemp("base"))
    after = "1900-01-01"
    for date in DATES:
        base.add(cdnow[(cdnow["date"] > after) & (cdnow["date"] <= date)], batch=date)
        base.refresh(horizon="8 weeks", by=["cohort_month", channels], margin=0.5)
        after = date
    return base


def test_a_refresh_keeps_what_fit_and_forecast_of_the_log_say(base, cdnow):
    fitted = pc.CLVModel().fit(pc.rfm_summary(cdnow[cdnow["date"] <= DATES[-1]]))
    wanted = fitted.forecast("8 weeks", margin=0.5, seed=0).frame
    found = base.table()
    assert found["customer_id"].tolist() == wanted["customer_id"].tolist()
    # The search began at the last fit, so it ends within its own tolerance of the other.
    np.testing.assert_allclose(found["clv"], wanted["clv"], rtol=1e-4)
    np.testing.assert_allclose(found["p_alive"], wanted["p_alive"], rtol=1e-4)


def test_history_adds_up_over_groups_and_holds_the_sums_of_customers(base):
    history = base.history()
    assert sorted(history["date"].unique()) == [pd.Timestamp(date) for date in DATES]
    whole = history[history["grouping"] == "all"].set_index("date")
    for measure in ("customers", "alive", "active", "purchases", "revenue", "clv"):
        for grouping in ("tier", "cohort_month", "channel"):
            parts = history[history["grouping"] == grouping].groupby("date")[measure].sum()
            np.testing.assert_allclose(parts, whole[measure], rtol=1e-9)
    last = base.table()
    np.testing.assert_allclose(whole["clv"].iloc[-1], last["clv"].sum(), rtol=1e-9)
    assert (whole["clv_lower"] < whole["clv"]).all()
    assert (whole["clv"] < whole["clv_upper"]).all()


def test_the_interval_of_the_base_is_that_of_the_forecast(base, cdnow):
    fitted = pc.CLVModel().fit(pc.rfm_summary(cdnow[cdnow["date"] <= DATES[0]]))
    total = fitted.forecast("8 weeks", margin=0.5, seed=3).total()
    kept = base.history().query("grouping == 'all'").iloc[0]
    for bound in ("purchases_lower", "purchases_upper", "clv_lower", "clv_upper"):
        # Two simulations of 1,000 futures each: a 5% quantile is uncertain by some 2%.
        np.testing.assert_allclose(kept[bound], total[bound], rtol=0.08)


def test_the_parts_of_a_change_add_up_exactly(base):
    changes = base.changes()
    assert set(changes["grouping"]) == {"all", "cohort_month", "channel"}
    units = (changes[["equity_before", *PARTS, "equity_after"]] * 10_000).round().astype("int64")
    sums = units["equity_before"] + units[list(PARTS)].sum(axis=1)
    assert (sums == units["equity_after"]).all()
    whole = changes[changes["grouping"] == "all"]
    assert (whole["gone_quiet"] < 0).all()
    assert (whole["buying_more"] > 0).all()
    by_channel = changes[changes["grouping"] == "channel"].groupby("date")[list(PARTS)].sum()
    np.testing.assert_allclose(by_channel, whole.set_index("date")[list(PARTS)], atol=1e-6)


def test_new_customers_are_a_part_of_their_own(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    early = cdnow["customer_id"] <= 1500
    base.add(cdnow[early & (cdnow["date"] <= "1997-09-30")], batch="a")
    base.refresh(level=None)
    base.add(cdnow[~early & (cdnow["date"] <= "1997-10-31")], batch="b")
    base.refresh(level=None)
    change = base.changes().iloc[0]
    new = base.table().query("customer_id > 1500")
    assert change["new_customers"] == pytest.approx(new["clv"].sum(), abs=0.1)
    assert base.movement().query("tier_before == '(new)'")["customers"].sum() == len(new)


def test_tiers_stand_by_value_and_other_groups_by_name(base):
    last = base.history().query("date == @pd.Timestamp('1997-12-31')")
    tiers = last[last["grouping"] == "tier"]
    assert tiers["group"].tolist() == ["top 5%", "80% to 95%", "50% to 80%", "bottom 50%"]
    assert (tiers["clv"] / tiers["customers"]).is_monotonic_decreasing
    cohorts = last.loc[last["grouping"] == "cohort_month", "group"]
    assert cohorts.is_monotonic_increasing
    whole = base.movement().query("date == @pd.Timestamp('1997-12-31')")
    assert whole["tier_before"].unique().tolist() == tiers["group"].tolist()


def test_movement_counts_everybody_once(base, cdnow):
    moved = base.movement()
    assert moved.groupby("date")["customers"].sum().tolist() == [2357, 2357]


def test_kept_forecasts_are_held_against_what_came(base, cdnow):
    kept = base.forecasts_kept()
    assert kept.groupby("date")["is_over"].first().tolist() == [True, True]
    row = kept.query("grouping == 'all' and measure == 'purchases'").iloc[0]
    window = cdnow[(cdnow["date"] > DATES[0]) & (cdnow["date"] <= "1997-11-25")]
    assert row["until"] == pd.Timestamp("1997-11-25")
    assert row["came"] == len(window.drop_duplicates(["customer_id", "date"]))
    said = base.history().query("grouping == 'all'").iloc[0]
    assert row["forecast"] == said["purchases"]
    revenue = kept.query("grouping == 'all' and measure == 'revenue'").iloc[0]
    assert revenue["came"] == pytest.approx(window["amount"].sum())
    shop = kept.query("grouping == 'channel' and measure == 'purchases' and date == @row.date")
    assert shop["came"].sum() == row["came"]
    assert row["customers_covered"] > 0.9


def test_a_second_refresh_of_a_day_replaces_the_first(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow[cdnow["date"] <= "1997-09-30"], batch="a")
    base.refresh(horizon="4 weeks", level=None)
    base.refresh(horizon="8 weeks", level=None)
    assert len(base.history().query("grouping == 'all'")) == 1
    assert len(list((tmp_path / "base" / "refreshes").iterdir())) == 1


def daily_shop(days, seed=1, customers=600):
    """A shop with some 60 orders a day at about 20 each."""
    rng = np.random.default_rng(seed)
    n = 60 * days
    return pd.DataFrame(
        {
            "customer_id": rng.integers(0, customers, n),
            "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n) // 60, "D"),
            "amount": np.round(20 * np.exp(0.3 * rng.standard_normal(n)), 2),
        }
    )


@pytest.mark.parametrize("what", ["nothing", "a day lost", "amounts doubled", "rows doubled"])
def test_data_that_look_broken_are_an_alert_and_others_are_none(what, tmp_path):
    log = daily_shop(120)
    base = pc.CustomerBase(tmp_path / "base")
    base.add(log[log["date"] < "2024-04-01"], batch="a")
    base.refresh(horizon="4 weeks", level=None)
    month = log[log["date"] >= "2024-04-01"]
    bad = month["date"] == "2024-04-10"
    if what == "a day lost":
        month = month[~bad]
    elif what == "amounts doubled":
        month = month.assign(amount=month["amount"].where(~bad, 2 * month["amount"]))
    elif what == "rows doubled":
        month = pd.concat([month, month[bad]])
    base.add(month, batch="b")
    base.refresh(horizon="4 weeks", level=None)
    found = base.alerts().query("grouping == 'day'")
    if what == "nothing":
        assert found.empty
        return
    kinds = {
        "a day lost": "a day without orders",
        "amounts doubled": "amounts look wrong",
        "rows doubled": "rows per purchase look wrong",
    }
    assert kinds[what] in set(found["kind"])
    assert set(found["group"]) == {"2024-04-10"}


def test_a_group_that_stops_buying_is_an_alert(cdnow, channels, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow[cdnow["date"] <= "1997-09-30"], batch="a")
    base.refresh(by=channels)
    month = cdnow[(cdnow["date"] > "1997-09-30") & (cdnow["date"] <= "1997-10-31")]
    base.add(month[month["customer_id"] % 3 != 0], batch="b")
    base.refresh(by=channels)
    found = base.alerts().query("kind == 'outside what was expected' and group == 'web'")
    assert set(found["measure"]) == {"purchases", "revenue"}
    assert (found["number"] == 0).all()


def test_a_base_without_amounts_is_refreshed_by_purchases(cdnow, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    for number, (after, until) in enumerate([("1900-01-01", DATES[0]), DATES[:2]]):
        rows = cdnow[(cdnow["date"] > after) & (cdnow["date"] <= until)]
        base.add(rows, amount=None, batch=str(number))
        base.refresh(model="MBGNBD", horizon="8 weeks", by="cohort_year")
    assert "clv" not in base.history()
    changes = base.changes()
    assert (changes["spend"] == 0).all()
    assert len(base.forecasts_kept()) > 0


def test_what_cannot_be_is_told(cdnow, channels, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow[cdnow["date"] <= DATES[0]], batch="a")
    with pytest.raises(DataError, match="no refresh yet"):
        base.alerts()
    with pytest.raises(OptionError, match="by must name"):
        base.refresh(by="kohort")
    with pytest.raises(DataError, match="twice"):
        base.refresh(by=pd.concat([channels, channels]))
    with pytest.raises(OptionError, match="model must be"):
        base.refresh(model=3)
    assert base.history().empty


def test_refreshes_of_format_version_1_are_read_and_compared_with(cdnow, tmp_path):
    """In that format the file of customers had the forecast too."""
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow[cdnow["date"] <= DATES[0]], batch="a")
    base.refresh(horizon="8 weeks")
    before = base.table()
    kept = base._last()
    document = {**kept.document, "quiet": []}
    for key in ("scores", "batches", "all_quiet"):
        document.pop(key, None)
    before.drop(columns="refreshed_on").to_parquet(kept.folder / "customers.parquet")
    (kept.folder / "cells.parquet").unlink()
    with duckdb.connect(str(tmp_path / "base" / "states.duckdb")) as file:
        file.execute("UPDATE about SET value = '1' WHERE name = 'format_version'")
        file.execute("UPDATE refreshes SET document = ?", [to_json(document)])
    pd.testing.assert_frame_equal(base.table(), before)
    base.add(cdnow[cdnow["date"] > DATES[0]], batch="b")
    base.refresh(horizon="8 weeks")
    change = base.changes().query("grouping == 'all'").iloc[0]
    assert change["equity_before"] == pytest.approx(before["clv"].sum(), abs=0.1)
    with duckdb.connect(str(tmp_path / "base" / "states.duckdb")) as file:
        found = file.execute("SELECT value FROM about WHERE name = 'format_version'").fetchone()
    assert found == ("2",)


def test_everybody_gone_quiet_is_counted_and_those_worth_most_are_listed(
    cdnow, tmp_path, monkeypatch
):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(cdnow, batch="a")
    base.refresh(horizon="8 weeks", level=None)
    whole = base.quiet()
    fitted = base._last().fitted()
    rfm = base.rfm()
    forecast = fitted.forecast("8 weeks", rfm=rfm, level=None)
    wanted = pc.segments.at_risk(fitted, rfm, 0.95, forecast=forecast)
    tiers = base.table().set_index("customer_id")["tier"]
    wanted = wanted[wanted["customer_id"].map(tiers).eq("top 5%")].reset_index(drop=True)
    assert len(wanted) == 3
    pd.testing.assert_frame_equal(
        whole, wanted.astype({"customer_id": str}), check_dtype=False, rtol=1e-9
    )
    monkeypatch.setattr("predclv.base.refreshes.MOST_LISTED", 2)
    base.refresh(horizon="8 weeks", level=None)
    pd.testing.assert_frame_equal(base.quiet(), whole.head(2))
    alert = base.alerts().query("kind == 'valuable customers gone quiet'").iloc[0]
    assert alert["number"] == len(whole)
    assert alert["said"].endswith("base.quiet() lists the first 2")


@pytest.mark.parametrize("spend", ["amount", None])
def test_customers_without_news_need_no_join_to_tell_what_changed(
    cdnow, tmp_path, monkeypatch, spend
):
    """With late orders, a second log and other groups; the parts are equal to the last digit."""
    found = []
    news = cdnow[(cdnow["date"] > DATES[0]) & (cdnow["date"] <= DATES[1])]
    is_late = news["customer_id"] % 7 == 0
    for name in ("moved", "all joined"):
        base = pc.CustomerBase(tmp_path / name)
        base.add(cdnow[cdnow["date"] <= DATES[0]], batch="a", amount=spend)
        base.refresh(horizon="8 weeks", by="cohort_month", level=None)
        if name == "all joined":
            monkeypatch.setattr("predclv.base.compared.moved_since", lambda *_: None)
        base.add(news[~is_late], batch="b", amount=spend)
        base.refresh(horizon="8 weeks", by="cohort_month", level=None)
        base.add(cdnow[cdnow["date"] > DATES[1]], batch="c", amount=spend)
        base.add(news[is_late], batch="late", log="web", amount=spend)
        base.refresh(horizon="8 weeks", by="cohort_month", level=None, observation_end=DATES[2])
        base.refresh(horizon="8 weeks", by="cohort_month", level=None)
        found.append(base.changes())
    assert len(found[0].query("grouping == 'all'")) == 3
    pd.testing.assert_frame_equal(*found, check_exact=True)


def test_a_batch_taken_out_and_another_in_its_place_are_news(cdnow, tmp_path, monkeypatch):
    """The other gets the number of the one that went."""
    found = []
    news = cdnow[(cdnow["date"] > DATES[0]) & (cdnow["date"] <= DATES[1])]
    for name in ("moved", "all joined"):
        base = pc.CustomerBase(tmp_path / name)
        base.add(cdnow[cdnow["date"] <= DATES[0]], batch="a")
        base.add(news, batch="b")
        base.refresh(horizon="8 weeks", level=None)
        base.remove("b")
        base.add(news[news["customer_id"] % 3 == 0], batch="c")
        base.add(cdnow[cdnow["date"] == DATES[2]], batch="d")
        if name == "all joined":
            monkeypatch.setattr("predclv.base.compared.moved_since", lambda *_: None)
        base.refresh(horizon="8 weeks", level=None)
        found.append(base.changes())
    pd.testing.assert_frame_equal(*found, check_exact=True)
