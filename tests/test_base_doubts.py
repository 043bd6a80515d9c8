"""A base says what looks broken in a batch, and lets go of a refresh that a typing error made."""

import datetime
import re
import warnings

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import (
    DataError,
    DuplicateWarning,
    LargeOrderWarning,
    ObservationEndWarning,
    SharedAccountWarning,
    StoreError,
)

pytestmark = pytest.mark.filterwarnings("ignore::predclv.errors.AssumptionWarning")

SUSPICIONS = (DuplicateWarning, LargeOrderWarning, ObservationEndWarning, SharedAccountWarning)
AHEAD = datetime.date.today() + datetime.timedelta(days=3650)


@pytest.fixture(scope="module")
def cdnow():
    return pc.datasets.load_cdnow()


@pytest.fixture(scope="module")
def parts(cdnow):
    """The log to the end of 1997, and the quarter after."""
    quarter = cdnow["date"].between("1998-01-01", "1998-03-31")
    return cdnow[cdnow["date"] < "1998-01-01"], cdnow[quarter].reset_index(drop=True)


def with_value(log, row, column, value):
    """The log with one cell another."""
    log = log.copy()
    log.loc[log.index[row], column] = value
    return log


def told(act):
    """The suspicions that a call raises, each with its words and the file that it points at."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    found = [it for it in caught if issubclass(it.category, SUSPICIONS)]
    assert all(it.filename == __file__ for it in found)
    return [(it.category, str(it.message)) for it in found]


def base_of(folder, *batches):
    base = pc.CustomerBase(folder)
    for number, rows in enumerate(batches):
        base.add(rows, batch=str(number))
    return base


# --- what looks broken in a batch ----------------------------------------------------------------


def test_sound_batches_are_not_suspected(cdnow, tmp_path):
    quarters = [rows for _, rows in cdnow.groupby(cdnow["date"].dt.to_period("Q"))]
    base = pc.CustomerBase(tmp_path / "base")
    for number, rows in enumerate([*quarters[3:], *quarters[:3], quarters[0].head(30)]):
        assert told(lambda rows=rows, number=number: base.add(rows, batch=str(number))) == []


def test_a_first_batch_is_judged_as_the_whole_log_is(cdnow, tmp_path):
    rng = np.random.default_rng(1)
    till = pd.DataFrame({"customer_id": 0, "date": pd.date_range("1997-01-01", "1998-06-30"),
                         "amount": rng.uniform(5, 50, 546).round(2)})  # fmt: skip
    broken = {
        SharedAccountWarning: pd.concat([cdnow, till]),
        DuplicateWarning: pd.concat([cdnow, cdnow]),
        LargeOrderWarning: with_value(cdnow, 1, "amount", 999_999.0),
    }
    for kind, log in broken.items():
        wanted = told(lambda log=log: pc.rfm_summary(log))
        base = pc.CustomerBase(tmp_path / kind.__name__)
        assert told(lambda log=log, base=base: base.add(log, batch="a")) == wanted
        assert [category for category, _ in wanted] == [kind]


def test_a_day_in_the_future_is_said_when_it_comes_in_and_when_it_ends_the_observation(
    parts, tmp_path
):
    base = base_of(tmp_path / "base", parts[0])
    wrong = with_value(parts[1], 0, "date", pd.Timestamp(AHEAD))
    ((category, said),) = told(lambda: base.add(wrong, batch="q1"))
    assert category is ObservationEndWarning
    assert said.startswith(f"The batch's last day, {AHEAD}, is in the future, and a refresh would")
    assert "replace=True" in said
    ((category, said),) = told(base.rfm)
    assert said.startswith(f"The base's last day, {AHEAD}, is in the future, and observation_end")
    assert told(lambda: base.rfm(observation_end="1998-03-31")) == []
    assert told(lambda: base.add(parts[1], batch="q1", replace=True)) == []


@pytest.mark.parametrize(("day", "which"), [("1980-01-07", "first"), ("2011-06-01", "last")])
def test_a_day_years_from_all_others_of_the_base_is_said(parts, tmp_path, day, which):
    base = base_of(tmp_path / "base", parts[0])
    for rows in (parts[1], parts[1].head(3)):  # a few rows too, for the base's days are known
        wrong = with_value(rows, 0, "date", pd.Timestamp(day))
        ((_, said),) = told(lambda rows=wrong: base.add(rows, batch="q1", replace=True))
        assert said.startswith(f"The {which} day with a purchase, {day}, is ")
    assert told(lambda: base.add(parts[1].tail(5), batch="later")) == []


def test_a_large_order_of_a_later_batch_is_said_once_and_is_an_alert(parts, tmp_path):
    base = base_of(tmp_path / "base", parts[0])
    base.refresh(horizon="4 weeks", level=None)
    first, second = parts[1].iloc[:300], parts[1].iloc[300:]
    at = int(np.argmax(first["customer_id"].isin(second["customer_id"])))
    customer = first["customer_id"].iloc[at]
    wrong = with_value(first, at, "amount", 999_999.0)
    ((category, said),) = told(lambda: base.add(wrong, batch="a"))
    assert category is LargeOrderWarning
    assert f"customer {customer} spent 999,999.00 on one day" in said
    assert told(lambda: base.add(second, batch="b")) == []
    base.refresh(horizon="4 weeks", level=None)
    (row,) = base.alerts().query("kind == 'an order far from all others'").itertuples()
    assert (row.group, row.number) == (str(customer), 999_999.0)
    assert f"{first['date'].iloc[at]:%Y-%m-%d}" in row.said


def test_a_first_order_is_no_repeat_spend_however_large(parts, tmp_path):
    base = base_of(tmp_path / "base", parts[0])
    new = with_value(parts[1], 0, "customer_id", 99_999)
    assert told(lambda: base.add(with_value(new, 0, "amount", 999_999.0), batch="a")) == []


def test_a_later_batch_with_every_row_twice_is_said_and_is_an_alert(parts, tmp_path):
    base = base_of(tmp_path / "base", parts[0])
    base.refresh(horizon="4 weeks", level=None)
    assert set(base.alerts()["measure"]) <= {"customers"}
    ((category, said),) = told(lambda: base.add(pd.concat([parts[1]] * 2), batch="q1"))
    assert category is DuplicateWarning
    assert said.startswith("On 100% of the days")
    base.refresh(horizon="4 weeks", level=None)
    (row,) = base.alerts().query("measure == 'rows_each'").itertuples()
    assert row.group == "1998-01-01 to 1998-03-31"
    assert row.number / row.expected == pytest.approx(2.0, abs=0.15)


# --- refreshes that go out again -----------------------------------------------------------------


def test_a_refresh_that_orders_no_longer_reach_is_said_until_it_is_taken_out(parts, tmp_path):
    base = base_of(tmp_path / "base", parts[0])
    asked = {"horizon": "4 weeks", "level": None}
    base.refresh(**asked)
    typed = pd.Timestamp("1998-12-07")
    base.add(with_value(parts[1], 0, "date", typed), batch="q1")
    base.refresh(**asked)
    acts = [
        lambda: base.remove("q1"),
        lambda: base.add(parts[1], batch="q1"),
        lambda: base.refresh(**asked),
    ]
    for act in acts:
        ((category, said),) = told(act)
        assert category is ObservationEndWarning
        assert said.startswith("The refresh of 1998-12-07 is later than the base's last order, of ")
        assert "base.remove_refresh('1998-12-07')" in said
    assert base.table()["refreshed_on"].iloc[0] == typed
    base.remove_refresh("1998-12-07")
    last = pd.Timestamp("1998-03-31")
    assert base.table()["refreshed_on"].iloc[0] == last
    assert base.changes()["date"].iloc[-1] == last
    assert len(list((tmp_path / "base" / "refreshes").iterdir())) == 2
    assert told(lambda: base.add(parts[1], batch="q1", replace=True)) == []


def test_a_refresh_asked_for_a_later_day_than_the_last_order_is_none_of_them(parts, tmp_path):
    base = base_of(tmp_path / "base", *parts)
    base.refresh(horizon="4 weeks", level=None, observation_end="1998-05-31")
    assert told(lambda: base.add(parts[1], batch="1", replace=True)) == []
    assert told(lambda: base.remove("1")) == []


def test_a_refresh_that_is_not_there_is_answered_with_those_that_are(parts, tmp_path):
    base = base_of(tmp_path / "base", parts[0])
    with pytest.raises(DataError, match="no refresh of 1998-01-01; it keeps none"):
        base.remove_refresh("1998-01-01")
    base.refresh(horizon="4 weeks", level=None)
    with pytest.raises(DataError, match="it keeps those of 1997-12-31"):
        base.remove_refresh("1998-01-01")
    base.remove_refresh(datetime.date(1997, 12, 31))
    assert base.history().empty


# --- what a base is, and what its table says -----------------------------------------------------


def test_a_folder_that_holds_something_else_is_no_base(cdnow, tmp_path):
    model = tmp_path / "model"
    pc.CLVModel().fit(pc.rfm_summary(cdnow)).save(model)
    inside = sorted(entry.name for entry in model.iterdir())
    with pytest.raises(StoreError, match=re.escape(f"holds {', '.join(inside)}, and no base")):
        pc.CustomerBase(model)
    assert sorted(entry.name for entry in model.iterdir()) == inside
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".gitkeep").touch()
    for name in ("empty", "new"):
        base = base_of(tmp_path / name, cdnow.head(100))
        assert len(pc.CustomerBase(base.folder).batches()) == 1


def test_the_table_of_a_base_has_what_a_purchase_brings(parts, tmp_path):
    base = base_of(tmp_path / "base", parts[0])
    base.refresh(horizon="4 weeks", level=None)
    found, wanted = base.table(), base.rfm().frame
    assert found["monetary_value"].tolist() == wanted["monetary_value"].tolist()
    base.table(tmp_path / "table.parquet")
    written = pd.read_parquet(tmp_path / "table.parquet").astype({"refreshed_on": "datetime64[us]"})
    pd.testing.assert_frame_equal(written, found, check_dtype=False)


def test_a_peak_is_one_hint_at_a_season_where_the_forecast_knows_of_none(cdnow, tmp_path):
    for clock, hints in ((None, 1), (pc.Clock(season=0, weekday=True), 0)):
        base = base_of(tmp_path / str(hints), cdnow[cdnow["date"] <= "1997-09-30"])
        base.refresh(pc.CLVModel(clock=clock), horizon="4 weeks", level=None)
        autumn = cdnow[cdnow["date"].between("1997-10-01", "1997-10-31")]
        again = autumn.assign(date=autumn["date"] + pd.Timedelta("3 days"))
        base.add(pd.concat([autumn, again]), batch="peak")
        base.refresh(pc.CLVModel(clock=clock), horizon="4 weeks", level=None)
        found = base.alerts().query("kind == 'outside what was expected'")["said"]
        assert len(found) > 2
        assert found.str.contains("CLVModel(clock=pc.Clock())", regex=False).sum() == hints
