"""A base has its orders at hand: splits, covariates, clocks and memory as of the whole log."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.base.by_group import EVERYBODY
from predclv.base.kept import Kept
from predclv.base.totals import _sampled, _simulated
from predclv.errors import DataError, OptionError
from predclv.warehouse.duckdb import DuckDBWarehouse

pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.PredclvWarning")

DATES = ("1997-09-30", "1997-10-31")


@pytest.fixture(scope="module")
def log():
    """CDNOW with returns, orders of nothing and days with several rows."""
    found = pc.datasets.load_cdnow()
    returned = found.iloc[::23].assign(amount=lambda t: -t["amount"] - 1.0)
    returned["date"] = returned["date"] + pd.to_timedelta(np.arange(len(returned)) % 3, "D")
    again = found.iloc[::31].assign(amount=0.0)
    return pd.concat([found, returned, again], ignore_index=True).query("date <= '1998-06-30'")


@pytest.fixture(scope="module", params=["net", "drop"])
def base(request, log, tmp_path_factory):
    base = pc.CustomerBase(tmp_path_factory.mktemp("base"), refunds=request.param)
    part = np.arange(len(log)) % 3
    for number in (2, 0, 1):  # days are split over batches
        base.add(log[part == number], batch=str(number))
    base.merge_ids({1: 2, 2: 3}, batch="one person")
    return base, log.assign(customer_id=log["customer_id"].replace({1: 3, 2: 3})), request.param


def test_the_log_of_a_base_counts_as_the_whole_log_does(base):
    base, log, refunds = base
    found, wanted = base.rfm(), pc.rfm_summary(log, refunds=refunds)
    assert dict(found.counts) == dict(wanted.counts)
    assert repr(found.log) == repr(wanted.log)
    pd.testing.assert_frame_equal(found.log.purchase_days(), wanted.log.purchase_days())
    pd.testing.assert_frame_equal(found._summary.gap_days(), wanted._summary.gap_days())
    np.testing.assert_array_equal(found.repeats_by_day()[1], wanted.repeats_by_day()[1])
    end = wanted.observation_end
    pd.testing.assert_frame_equal(found.log.totals(end), wanted.log.totals(end))
    for cohorts in (found, wanted):
        assert cohorts.log.cohort_cells(end, "quarter")["seen"].sum() > 0
    pd.testing.assert_frame_equal(
        found.log.cohort_cells(end, "quarter"), wanted.log.cohort_cells(end, "quarter")
    )


def test_a_split_of_a_base_is_that_of_the_whole_log(base):
    base, log, refunds = base
    found = base.holdout_split("1997-09-30", "1998-03-31", unit="day")
    wanted = pc.holdout_split(
        log, calibration_end="1997-09-30", holdout_end="1998-03-31", unit="day", refunds=refunds
    )
    pd.testing.assert_frame_equal(found.frame, wanted.frame)
    assert dict(found.rfm.counts) == dict(wanted.rfm.counts)
    assert found.new_customers == wanted.new_customers
    with pytest.raises(OptionError, match="within the log"):
        base.holdout_split("1999-09-30")
    with pytest.raises(OptionError, match="before holdout_end"):
        base.holdout_split("1997-09-30", "1997-09-30")


@pytest.fixture(scope="module")
def known(log):
    ids = np.sort(log["customer_id"].unique())
    static = pd.DataFrame({"customer_id": ids, "channel": np.where(ids % 3 == 0, "web", "shop")})
    days = np.tile(["1996-01-01", "1997-08-01"], len(ids))
    mailed = np.tile([0, 1], len(ids)) * (np.repeat(ids, 2) % 2)
    dynamic = pd.DataFrame({"customer_id": np.repeat(ids, 2), "date": days, "mailed": mailed})
    return {"static_covariates": static, "dynamic_covariates": dynamic}


@pytest.mark.parametrize("end", [None, "1998-01-31"])
def test_covariates_of_a_base_are_those_of_the_whole_log(base, known, end):
    base, log, refunds = base
    for given in (known, {"static_covariates": known["static_covariates"]}):
        found = base.rfm(observation_end=end, **given)
        wanted = pc.rfm_summary(log, observation_end=end, refunds=refunds, **given)
        pd.testing.assert_frame_equal(found.frame, wanted.frame)
        assert dict(found.counts) == dict(wanted.counts)
        pd.testing.assert_frame_equal(
            found.repeats_by_day_and_pattern(), wanted.repeats_by_day_and_pattern()
        )


def test_a_base_that_has_changed_since_says_so(log, tmp_path):
    base = pc.CustomerBase(tmp_path / "base")
    base.add(log[log["date"] <= "1998-03-31"], batch="a")
    before = base.rfm()
    base.add(log[log["date"] > "1998-03-31"], batch="b")
    assert len(before.frame) == len(before)
    with pytest.raises(DataError, match=r"has changed since this summary was made.*base\.rfm\(\)"):
        before.repeats_by_day()
    base.remove("b")
    assert before.repeats_by_day()[1].sum() == before.counts["repeat_purchases"]


RECIPES = {
    "memory": (pc.CLVModel(pc.MBGNBD, memory=True), ()),
    "a clock": (pc.CLVModel(clock=pc.Clock(season=1)), ()),
    "static": (
        pc.CLVModel(covariates={"rate": ["channel"], "spend": ["channel"]}),
        ("static_covariates",),
    ),
    "dynamic": (
        pc.CLVModel(covariates={"rate": ["channel", "mailed"]}),
        ("static_covariates", "dynamic_covariates"),
    ),
}


@pytest.mark.parametrize("what", RECIPES)
def test_a_refresh_forecasts_as_the_whole_log_does(what, known, tmp_path):
    log = pc.datasets.load_cdnow()
    recipe, wanted = RECIPES[what]
    given, after = {name: known[name] for name in wanted}, "1900-01-01"
    base = pc.CustomerBase(tmp_path / "base")
    for date in DATES:
        base.add(log[(log["date"] > after) & (log["date"] <= date)], batch=date)
        base.refresh(recipe, "8 weeks", by="cohort_year", level=None, **given)
        after = date
    fitted = recipe.fit(pc.rfm_summary(log[log["date"] <= after], **given))
    forecast = fitted.forecast("8 weeks", level=None).frame
    # The search began at the last fit, so it ends within its own tolerance of the other.
    np.testing.assert_allclose(base.table()["clv"], forecast["clv"], rtol=1e-4)
    base.add(log[log["date"] > after], batch="rest")
    since = base.changes().query("grouping == 'all'").iloc[0]
    assert since["equity_after"] == pytest.approx(forecast["clv"].sum(), rel=1e-4)


def test_a_level_that_the_last_fit_did_not_know_leaves_the_change_untold(log, known, tmp_path):
    base, recipe = pc.CustomerBase(tmp_path / "base"), pc.CLVModel(covariates={"rate": ["channel"]})
    static = known["static_covariates"]
    base.add(log[log["date"] <= DATES[0]], batch="a")
    base.refresh(recipe, "8 weeks", level=None, static_covariates=static)
    base.add(log[(log["date"] > DATES[0]) & (log["date"] <= DATES[1])], batch="b")
    third = static.assign(
        channel=np.where(static["customer_id"] % 5 == 0, "fax", static["channel"])
    )
    with pytest.warns(pc.errors.DataWarning, match=r"cannot be told.*'fax'"):
        base.refresh(recipe, "8 weeks", level=None, static_covariates=third)
    assert base.changes().empty
    assert len(base.history().query("grouping == 'all'")) == 2


def test_totals_of_a_sample_are_those_of_everybody(tmp_path):
    log = pc.datasets.load_cdnow()
    base = pc.CustomerBase(tmp_path / "base")
    base.add(log, batch="all")
    base.refresh(horizon="26 weeks", level=None)
    kept: Kept = base._last()
    engine, fitted = DuckDBWarehouse(), kept.fitted()
    asked = kept.document["asked"]
    whole = _simulated(engine, kept.of(engine), fitted, asked, kept.groupings, 1)
    rows = {(r["grouping"], r["group"]): r for r in kept.document["measures"]}
    sizes = {group: int(row["customers"]) for group, row in rows.items()}
    sums = {
        group: {n: row[n] for n in ("purchases", "discounted_purchases", "revenue", "clv")}
        for group, row in rows.items()
    }
    sampled = _sampled(engine, kept, fitted, asked, sizes, sums, 2)
    assert list(sampled) == list(rows)
    assert list(rows)[:2] == [EVERYBODY, ("tier", "top 5%")]
    for group in rows:
        for measure in ("purchases", "clv"):
            one, other = (np.quantile(f[group][measure], [0.1, 0.9]) for f in (whole, sampled))
            # The lowest tier's total is small and skewed; a sum of many is normal.
            close = 0.25 if group == ("tier", "bottom 50%") else 0.06
            np.testing.assert_allclose(one, other, rtol=close)
