"""Cohorts: against plain pandas, with what is incomplete left out, carried on by a model, drawn."""

import datetime
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt

import predclv as pc
from predclv.errors import DataError, DataWarning, OptionError, RefundWarning
from predclv.logs.cohort_statements import PERIODS, period_of

cohorts = pc.historical.cohorts
SHARED = Path(__file__).parents[2] / "shared" / "data"
FREQUENCY = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def monthly(cdnow_log):
    return cohorts(cdnow_log)


@pytest.fixture(scope="module")
def online_retail():
    """Online Retail II, with its returns; it ends on 9 December 2011, within a month."""
    path = SHARED / "online_retail_ii_with_returns.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return pd.read_csv(path, parse_dates=["date"])


def by_pandas(log, frequency):
    """Cohort, age, customers, active and revenue, as an analyst would compute them by hand."""
    log = log.assign(period=log["date"].dt.to_period(frequency))
    bought = log[log["amount"] >= 0]
    log = log[log["customer_id"].isin(bought["customer_id"])]
    born = bought.groupby("customer_id")["period"].min()
    of_row = log["customer_id"].map(born)
    log = log.assign(cohort=of_row, period=log["period"].where(log["period"] >= of_row, of_row))
    log["age"] = log["period"].map(lambda p: p.ordinal) - log["cohort"].map(lambda p: p.ordinal)
    revenue = log.groupby(["cohort", "age"])["amount"].sum()
    active = log[log["amount"] >= 0].groupby(["cohort", "age"])["customer_id"].nunique()
    sizes = born.value_counts()
    last = pd.Period(log["date"].max(), frequency).ordinal
    grid = pd.MultiIndex.from_tuples(
        [(c, a) for c in sorted(sizes.index) for a in range(last - c.ordinal + 1)],
        names=["cohort", "age"],
    )
    found = pd.DataFrame({"active": active, "revenue": revenue}).reindex(grid).fillna(0)
    found["customers"] = sizes.reindex(grid.get_level_values("cohort")).to_numpy()
    return found.reset_index()


def assert_as_by_pandas(found, expected):
    frame = found.frame
    assert len(frame) == len(expected)
    for name in ("cohort", "age", "customers", "active"):
        np.testing.assert_array_equal(frame[name], expected[name])
    # Rows are rounded to 1e-4 and summed as integers here, as doubles there.
    np.testing.assert_allclose(frame["revenue"], expected["revenue"], atol=1e-4)
    each = expected["revenue"] / expected["customers"]
    total = each.groupby(expected["cohort"]).cumsum()
    np.testing.assert_allclose(frame["cumulative_revenue_per_customer"], total, atol=1e-4)
    np.testing.assert_allclose(frame["active_share"], expected["active"] / expected["customers"])


@pytest.mark.parametrize("period", FREQUENCY)
def test_cohorts_of_cdnow_agree_with_plain_pandas(cdnow_log, period):
    assert_as_by_pandas(cohorts(cdnow_log, period), by_pandas(cdnow_log, FREQUENCY[period]))


@pytest.mark.parametrize("period", ["month", "quarter"])
def test_cohorts_of_online_retail_agree_with_plain_pandas(online_retail, period):
    with pytest.warns(RefundWarning, match="7,827 refund rows.*61 customers with refunds alone"):
        found = cohorts(online_retail, period)
    assert_as_by_pandas(found, by_pandas(online_retail, FREQUENCY[period]))
    assert found.counts["customers"] == 5878


def test_observed_and_cohorts_tell_of_the_same_money(online_retail):
    with pytest.warns(RefundWarning):
        found, each = cohorts(online_retail), pc.historical.observed(online_retail)
    assert found.frame["revenue"].sum() == pytest.approx(each["revenue"].sum(), rel=1e-12)
    assert found.counts["customers"] == len(each)


@pytest.mark.parametrize("period", PERIODS)
def test_the_engine_counts_periods_as_pandas_does(period):
    duckdb = pytest.importorskip("duckdb")
    first, last = datetime.date(1899, 12, 25), datetime.date(2101, 1, 10)
    epoch = datetime.date(1970, 1, 1)
    days = np.arange((first - epoch).days, (last - epoch).days)
    sql = f"SELECT {period_of('day', period)} FROM range({days[0]}, {days[-1] + 1}) AS t(big)"
    sql = sql.replace("FROM", "AS n FROM (SELECT CAST(big AS INTEGER) AS day FROM") + ")"
    with duckdb.connect() as connection:
        found = connection.sql(sql).fetchnumpy()["n"]
    dates = pd.DatetimeIndex(np.datetime64("1970-01-01") + days)
    expected = [one.ordinal for one in dates.to_period(PERIODS[period])]
    np.testing.assert_array_equal(found, expected)


# Incomplete ages ------------------------------------------------------------------------------


def test_a_period_that_is_not_over_is_marked_and_shown_nowhere(cdnow_log):
    # 20 June: the last month has 20 of its 30 days.
    with pytest.warns(DataWarning, match="after observation_end 1998-06-20"):
        found = cohorts(cdnow_log, observation_end="1998-06-20")
    still_open = found.frame[~found.frame["is_complete"]]
    last = still_open["cohort"].map(lambda p: p.ordinal) + still_open["age"]
    assert set(last) == {pd.Period("1998-06", "M").ordinal}
    assert found.counts["incomplete_cells"] == len(still_open) == 3
    whole = cohorts(cdnow_log[cdnow_log["date"] < "1998-06-01"], observation_end="1998-05-31")
    assert whole.counts["incomplete_cells"] == 0
    for value in ("active_share", "cumulative_revenue_per_customer"):
        wide = found.wide(value).dropna(axis=1, how="all")
        pd.testing.assert_frame_equal(wide, whole.wide(value))
        pooled = found.pooled(value)
        pd.testing.assert_frame_equal(pooled, whole.pooled(value))


def test_a_month_with_no_purchase_at_all_is_a_zero_and_not_a_gap(cdnow_log):
    month = cdnow_log["date"].dt.to_period("M")
    found = cohorts(cdnow_log[month != "1997-08"])
    quiet = found.frame[found.frame["cohort"].map(lambda p: p.ordinal) + found.frame["age"]
                        == pd.Period("1997-08", "M").ordinal]  # fmt: skip
    assert len(quiet) == 3
    assert (quiet["active"] == 0).all()
    assert (quiet["revenue"] == 0.0).all()
    assert quiet["is_complete"].all()


def test_the_last_day_of_a_month_makes_it_complete():
    log = pd.DataFrame({"customer_id": [1, 2], "date": ["2024-01-01", "2024-02-28"],
                        "amount": [1.0, 1.0]})  # fmt: skip
    assert not cohorts(log).frame["is_complete"].all()
    assert cohorts(log, observation_end="2024-02-29").frame["is_complete"].all()


def test_pooled_rates_weigh_customers_alike_and_a_cumulated_curve_does_not_fall(monthly):
    age = 5
    cells = monthly.frame[monthly.frame["age"] == age]
    share = cells["active"].sum() / cells["customers"].sum()
    assert monthly.pooled().loc[age, "all"] == pytest.approx(share, rel=1e-14)
    curve = monthly.pooled("cumulative_revenue_per_customer")["all"]
    assert (curve.diff().dropna() >= 0).all()
    assert len(curve) == 18


# Segments -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_channel(cdnow_log):
    names = np.array(["mail", "search", "shop"])
    return cdnow_log.assign(channel=names[cdnow_log["customer_id"] % 3])


def test_cohorts_by_channel_are_those_of_each_channel_alone(by_channel):
    found = cohorts(by_channel, by="channel")
    assert found.segments == ["mail", "search", "shop"]
    assert found.counts["without_value"] == found.counts["several_values"] == 0
    for name in found.segments:
        alone = cohorts(by_channel[by_channel["channel"] == name], observation_end="1998-06-30")
        pd.testing.assert_frame_equal(found.segment(name).frame, alone.frame)
        np.testing.assert_allclose(found.pooled()[name], alone.pooled()["all"])
    assert found.wide().index.names == ["channel", "cohort"]


def test_the_channel_of_the_first_purchase_counts_and_doubts_are_counted():
    log = pd.DataFrame(
        {
            "customer_id": [1, 1, 2, 2, 3, 4, 4],
            "date": ["2024-01-05", "2024-02-05", "2024-01-06", "2024-01-06", "2024-01-07",
                     "2024-01-08", "2024-02-09"],
            "amount": 10.0,
            "channel": ["b", "a", "c", "b", None, None, "a"],
        }
    )  # fmt: skip
    said = r"2 customers have no channel.*'\(none\)'.*1 customer has several"
    with pytest.warns(DataWarning, match=said):
        found = cohorts(log, by="channel", observation_end="2024-02-29")
    sizes = found.frame[found.frame["age"] == 0].set_index("channel")["customers"]
    assert sizes.to_dict() == {"(none)": 2, "b": 2}
    assert found.counts["without_value"] == 2
    assert found.counts["several_values"] == 1
    shuffled = log.sample(frac=1, random_state=3)
    with pytest.warns(DataWarning):
        again = cohorts(shuffled, by="channel", observation_end="2024-02-29")
    pd.testing.assert_frame_equal(again.frame, found.frame)


def test_a_refund_does_not_say_by_which_channel_a_customer_came():
    log = pd.DataFrame(
        {
            "customer_id": [1, 1, 1],
            "date": ["2024-01-05", "2024-02-05", "2024-02-05"],
            "amount": [-5.0, 10.0, -1.0],
            "channel": ["a", "c", "b"],
        }
    )
    with pytest.warns(RefundWarning):
        found = cohorts(log, by="channel", observation_end="2024-02-29")
    assert found.segments == ["c"]
    assert found.frame["revenue"].tolist() == [4.0]  # the refund from before counts at age 0


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"period": "months"}, OptionError, "Did you mean 'month'"),
        ({"by": "chanel"}, DataError, "Did you mean 'channel'"),
        ({"by": "customer_id"}, OptionError, "Each column can have one role"),
        ({"by": "age"}, OptionError, "the name of a column of the result"),
        ({"by": "empty"}, DataError, "'empty' is empty on the day of every customer's first"),
    ],
)
def test_cohorts_refuse_what_has_no_meaning(by_channel, options, error, said):
    log = by_channel.head(50).assign(empty=None)
    with pytest.raises(error, match=said):
        cohorts(log, **options)


@pytest.mark.filterwarnings("ignore:The first day with a purchase")
def test_a_date_of_long_ago_is_no_reason_for_a_million_cells(cdnow_log):
    log = cdnow_log[["customer_id", "date", "amount"]].astype({"date": "datetime64[s]"})
    log.loc[log.index[:3], "date"] = pd.Timestamp("0200-01-01").as_unit("s")
    ordinary = cohorts(log, "year")
    assert ordinary.counts["customers"] == 2357
    every_week = pd.DataFrame(
        {"customer_id": range(1500), "date": pd.date_range("1990-01-01", periods=1500, freq="W")}
    )
    every_week.loc[0, "date"] = pd.Timestamp("1900-01-01")
    with pytest.raises(OptionError, match=r"Is the first day of the log, 1900-01-01"):
        cohorts(every_week, "week", amount=None)


def test_what_a_result_is_asked_wrongly_it_says_so(monthly, by_channel):
    with pytest.raises(OptionError, match="Did you mean 'active_share'"):
        monthly.wide("active_shares")
    with pytest.raises(OptionError, match="pooled takes"):
        monthly.pooled("active")
    with pytest.raises(OptionError, match="cohorts were made without by"):
        monthly.segment("mail")
    with pytest.raises(OptionError, match="Did you mean 'mail'"):
        cohorts(by_channel, by="channel").segment("mial")
    without = cohorts(by_channel, amount=None)
    with pytest.raises(OptionError, match="Their log has no amounts"):
        without.wide("revenue")
    assert not without.has_spend
    assert "revenue" not in without.frame


def test_cohorts_read_files_as_frames(by_channel, tmp_path):
    expected = cohorts(by_channel, by="channel")
    by_channel.to_parquet(tmp_path / "log.parquet")
    by_channel.to_csv(tmp_path / "log.csv", index=False)
    for kind in ("parquet", "csv"):
        found = cohorts(tmp_path / f"log.{kind}", by="channel")
        pd.testing.assert_frame_equal(found.frame, expected.frame)
    assert "<b>Cohorts: 2,357 customers in 3 months by channel" in expected._repr_html_()


# Carried on by a model ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def carried(cdnow_split):
    """CDNOW at 39 weeks, its cohorts carried on for 9 months by BG/NBD and Gamma-Gamma."""
    seen = cohorts(cdnow_split.rfm)
    fitted = pc.CLVModel().fit(cdnow_split.rfm)
    return seen, fitted, pc.cohort_forecast(seen, fitted, periods=9)


def test_the_cohorts_together_are_expected_to_bring_what_the_customers_are(carried):
    seen, fitted, found = carried
    customers = fitted.forecast("273 days", discount_rate=0.0, level=None)
    assert found.frame["end"].max() == pd.Timestamp("1998-06-30")
    assert found.frame["revenue"].sum() == pytest.approx(customers.total()["revenue"], rel=1e-9)
    end = found.frame[found.frame["end"] == found.frame["end"].max()]
    seen_so_far, to_come = (one.frame.groupby("cohort")["revenue"].sum() for one in (seen, found))
    per_head = (seen_so_far + to_come) / seen.wide("customers")[0]
    np.testing.assert_allclose(end["cumulative_revenue_per_customer"], per_head, rtol=1e-12)


def test_the_forecast_of_each_cohort_comes_near_what_came(carried, cdnow_log):
    _, _, found = carried
    came = cohorts(cdnow_log).wide("cumulative_revenue_per_customer")
    expected = found.wide()
    assert expected.shape[0] == 3
    for cohort in expected.index:
        age = expected.loc[cohort].last_valid_index()
        # The model is 12% too low in purchases of the holdout, which is a third of all there is.
        assert expected.loc[cohort, age] == pytest.approx(came.loc[cohort, age], rel=0.10)


def test_a_month_that_has_begun_is_finished_by_the_forecast(cdnow_log):
    with pytest.warns(DataWarning):
        rfm = pc.rfm_summary(cdnow_log, observation_end="1997-09-20", unit="day")
    seen = cohorts(rfm)
    found = pc.cohort_forecast(seen, pc.CLVModel().fit(rfm), periods=2)
    september = found.frame[found.frame["end"] == "1997-09-30"].set_index("cohort")
    begun = seen.frame[~seen.frame["is_complete"]].set_index("cohort")
    assert list(september["age"]) == list(begun["age"])
    assert (september["revenue"] > begun["revenue"]).all()
    before = seen.frame[seen.frame["is_complete"]].groupby("cohort")["revenue"].sum()
    total = (before + september["revenue"]) / september["customers"]
    np.testing.assert_allclose(september["cumulative_revenue_per_customer"], total, rtol=1e-12)


def test_cohorts_can_be_carried_on_by_a_formula_and_by_segment(by_channel):
    one = by_channel[by_channel["channel"] == "mail"]
    rfm = pc.rfm_summary(one, observation_end="1998-06-30")
    split = cohorts(by_channel, by="channel")
    textbook = pc.baselines.Textbook().fit(rfm)
    found = pc.cohort_forecast(split.segment("mail"), textbook, periods=1)
    assert found.forecaster == "textbook formula"
    with pytest.raises(OptionError, match="split by channel: forecast them one by one"):
        pc.cohort_forecast(split, textbook)
    with pytest.raises(DataError, match="hold 2,357 customers and the summary 785"):
        pc.cohort_forecast(cohorts(by_channel), textbook)


def test_a_forecast_of_other_cohorts_is_refused(carried, monthly, cdnow_log):
    seen, fitted, found = carried
    with pytest.raises(DataError, match="observed to 1998-06-30, the customers to 1997-09-30"):
        pc.cohort_forecast(monthly, fitted)
    with pytest.raises(DataError, match=r"wants what pc\.historical\.cohorts returned"):
        pc.cohort_forecast(seen.frame, fitted)
    with pytest.raises(DataError, match="wants a fitted model"):
        pc.cohort_forecast(seen, pc.CLVModel())
    with pytest.raises(OptionError, match="whole number from 1 on"):
        pc.cohort_forecast(seen, fitted, periods=0)
    with pytest.raises(OptionError, match="A forecast of cohorts is of revenue"):
        found.wide("active_share")
    purchases = pc.CLVModel(spend=None).fit(fitted.rfm)
    with pytest.raises(DataError, match="this model has none of spend"):
        pc.cohort_forecast(seen, purchases)


# Pictures -------------------------------------------------------------------------------------


def test_the_heat_map_shows_the_wide_table_and_hatches_what_is_open(cdnow_log):
    with pytest.warns(DataWarning):
        found = cohorts(cdnow_log, observation_end="1998-06-20")
    ax = pc.plots.cohort_heatmap(found)
    shown = ax.collections[0].get_array()
    wide = found.wide().dropna(axis=1, how="all").loc[:, 1:]
    np.testing.assert_allclose(np.ma.filled(shown, np.nan), wide)
    assert len(ax.patches) == 2  # that of January would stand in a column of its own
    assert "hatched: not over on 1998-06-20" in ax.get_xlabel()
    assert ax.get_yticklabels()[0].get_text() == "1997-01 (781)"
    ax.figure.canvas.draw()


def test_curves_end_where_observation_does_and_the_forecast_goes_on(carried):
    seen, _, found = carried
    ax = pc.plots.cohort_curves(seen, forecast=found)
    solid = [line for line in ax.lines if line.get_linestyle() == "-"]
    dashed = [line for line in ax.lines if line.get_linestyle() == "--" and len(line.get_xdata())]
    assert len(solid) == len(dashed) == 3
    for line, ahead, (_, row) in zip(solid, dashed, found.wide().iterrows(), strict=True):
        assert ahead.get_xdata()[0] == line.get_xdata()[-1]
        assert ahead.get_ydata()[0] == line.get_ydata()[-1]
        np.testing.assert_allclose(ahead.get_ydata()[1:], row.dropna())
    assert "forecast, BG/NBD, 90% band" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_many_cohorts_are_thinned_and_the_picture_says_so(cdnow_log):
    weekly = cohorts(cdnow_log, "week")
    ax = pc.plots.cohort_curves(weekly, "active_share", most=4)
    assert len(ax.lines) == 4
    assert "4 of 13 shown, evenly spaced" in ax.get_xlabel()
    assert min(line.get_xdata()[0] for line in ax.lines) == 1
    assert ax.get_legend().get_texts()[0].get_text() == "1996-12-30 (100)"


def test_channels_have_a_pooled_curve_each(by_channel):
    found = cohorts(by_channel, by="channel")
    given = plt.figure().subplots()
    ax = pc.plots.cohort_curves(found, ax=given)
    assert ax is given
    pooled = found.pooled("cumulative_revenue_per_customer")
    for line, name in zip(ax.lines, pooled, strict=True):
        np.testing.assert_allclose(line.get_ydata(), pooled[name])


def test_what_cannot_be_drawn_is_refused_and_leaves_no_figure(carried, by_channel, monthly):
    seen, _, found = carried
    with pytest.raises(DataError, match="split by channel"):
        pc.plots.cohort_heatmap(cohorts(by_channel, by="channel"))
    with pytest.raises(OptionError, match="value must be one of"):
        pc.plots.cohort_heatmap(seen, "clv")
    with pytest.raises(DataError, match="of other cohorts"):
        pc.plots.cohort_curves(monthly, forecast=found)
    with pytest.raises(
        DataError, match=r"wants Cohorts; got DataFrame\. .*pc\.historical\.cohorts"
    ):
        pc.plots.cohort_curves(seen.frame)
    with pytest.raises(OptionError, match="most must be at least 1"):
        pc.plots.cohort_curves(seen, most=0)
    one_day = pd.DataFrame({"customer_id": [1], "date": ["2024-01-05"], "amount": [5.0]})
    for draw in (pc.plots.cohort_heatmap, pc.plots.cohort_curves):
        with pytest.raises(DataError, match="No month of these cohorts was wholly observed"):
            draw(cohorts(one_day))
    assert not plt.get_fignums()
