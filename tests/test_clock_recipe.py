"""The clock a user asks for: options and tables that are taken, refused or doubted."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from predclv.clocks.days import day_numbers
from predclv.clocks.recipe import Clock
from predclv.errors import AssumptionWarning, DataError, DataWarning, OptionError
from predclv.io.strict_json import from_json, to_json

FIRST, LAST = day_numbers(["2024-01-01", "2025-12-31"]).tolist()
SALE = pd.DataFrame(
    {"name": ["sale", "fair", "sale"], "date": ["2024-06-01", "2025-03-01", "2026-06-01"]}
)
FAIR = pd.DataFrame({"name": ["fair"], "start": ["2024-05-01"], "end": ["2024-05-03"]})


def spend(start="2024-01-01", end="2026-06-30", **columns):
    index = pd.date_range(start, end, name="date")
    columns = columns or {
        "ads": np.arange(len(index)) % 11.0,
        "price": np.arange(len(index)) % 7 + 20.0,
    }
    return pd.DataFrame(columns, index=index)


def calendar(clock, last=LAST):
    return clock.calendar("week", FIRST, last)


def test_all_terms_are_there_in_their_order():
    clock = Clock(season=1, trend="damped", weekday=True, events=SALE, regressors=spend())
    assert repr(clock) == (
        "Clock(season=1, trend='damped', weekday=True, events=['sale', 'fair'], "
        "regressors=['ads', 'price'])"
    )
    found = calendar(clock)
    assert found.names == (
        "season[sin 1]", "season[cos 1]", "trend",
        "weekday[Monday]", "weekday[Tuesday]", "weekday[Wednesday]", "weekday[Thursday]",
        "weekday[Friday]", "weekday[Saturday]", "weekday[Sunday]",
        "event[sale]", "event[fair]", "regressor[ads]", "regressor[price]",
    )  # fmt: skip
    assert not found.effects.any()
    np.testing.assert_array_equal(found.rate(["2024-06-01", "2026-01-01"]), 1.0)
    columns = found.observed_basis
    np.testing.assert_allclose(columns[:, -2:].mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(columns[:, -2:].std(0), 1)
    moved = found.at([0] * 10 + [np.log(2), 0, 0, 0])
    np.testing.assert_allclose(
        moved.rate(["2024-06-01", "2026-06-01"]) / moved.rate("2024-06-02"), 2
    )


def as_polars(frame):
    return pl.from_pandas(frame)


TABLES = {
    "pandas": lambda f: f,
    "polars": as_polars,
    "lazy": lambda f: as_polars(f).lazy(),
    "arrow": pa.table,
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_every_kind_are_read_alike(kind):
    dated = pd.DataFrame({"name": SALE["name"], "date": pd.to_datetime(SALE["date"])})
    expected = Clock(events=SALE, regressors=spend())
    assert (
        Clock(events=TABLES[kind](dated), regressors=TABLES[kind](spend().reset_index()))
        == expected
    )


@pytest.mark.parametrize(
    "dates",
    [
        pytest.param(["2024-05-01T23:30"], id="text with a time"),
        pytest.param([datetime.date(2024, 5, 1)], id="dates"),
        pytest.param(pd.to_datetime(["2024-05-01 23:30"]).tz_localize("Asia/Tokyo"), id="a zone"),
        pytest.param(["2024-05-01T23:30-07:00"], id="text with an offset"),
        pytest.param(pd.period_range("2024-05-01", periods=1, freq="D"), id="days as periods"),
        pytest.param(pd.Series(["2024-05-01"], dtype="category"), id="categories"),
        pytest.param(
            pd.Series([datetime.date(2024, 5, 1)], dtype=pd.ArrowDtype(pa.date32())),
            id="Arrow dates",
        ),
    ],
)
def test_a_date_is_the_civil_day_it_says(dates):
    clock = Clock(events=pd.DataFrame({"name": ["fair"], "date": dates}))
    assert clock == Clock(events=pd.DataFrame({"name": ["fair"], "date": ["2024-05-01"]}))


def test_order_of_rows_and_a_column_or_an_index_make_no_difference():
    table = spend()
    assert Clock(regressors=table.sample(frac=1, random_state=0)) == Clock(regressors=table)
    assert Clock(regressors=table.reset_index()) == Clock(regressors=table)
    assert Clock(regressors=table["ads"]) == Clock(regressors=table[["ads"]])
    assert Clock(regressors=table.astype(int)) == Clock(regressors=table)
    assert Clock(regressors=table) != Clock(regressors=table + 1)
    assert Clock(events=SALE) != Clock(events=FAIR)


def test_a_recipe_leaves_what_it_was_given_as_it_was_and_does_not_follow_it():
    table, events = spend(), SALE.copy()
    before, kept = table.copy(), Clock(events=events, regressors=table)
    table.iloc[:] = 0.0
    events["name"] = "other"
    assert kept == Clock(events=SALE, regressors=before)


@pytest.mark.parametrize(
    "clock",
    [
        Clock(),
        Clock(season=np.int64(3), trend="damped", weekday=np.True_),
        Clock(0, events=FAIR, regressors=spend()),
    ],
)
def test_a_recipe_comes_back_from_strict_json(clock):
    assert Clock.from_document(from_json(to_json(clock.as_document()))) == clock


@pytest.mark.parametrize(
    "change",
    [
        {"season": 40}, {"trend": "wild"}, {"events": 3}, {"more": 1},
        {"events": {"a": [["2024-01-02", "2024-01-01"]]}},
        {"regressors": {"first_day": "2024-01-01", "columns": {"ads": [1.0, float("nan")]}}},
    ],
)  # fmt: skip
def test_a_damaged_document_is_refused(change):
    with pytest.raises(ValueError):  # noqa: PT011  OptionError and DataError are such too
        Clock.from_document(Clock().as_document() | change)


def test_auto_looks_for_a_season_from_a_year_on_and_says_so():
    clock = Clock()
    assert [clock.most_harmonics(0, days) for days in (363, 364, 1_000)] == [0, 4, 4]
    assert "no season, for the log spans 363 days" in clock.note(0, 363)
    assert "no season is seen twice" in clock.note(0, 364)
    assert "no season is seen twice" in Clock(season=2).note(0, 200)
    assert clock.note(0, 728) == "" == Clock(season=0).note(0, 10)
    assert Clock(season=2).most_harmonics(0, 100) == 2
    assert clock.calendar("day", 0, 200).names == ()
    assert len(Clock(season=2).calendar("day", 0, 800).names) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"season": 40}, "at most 12 harmonics.*got 40.*event"),
        ({"season": -1}, "at least 0; got -1"),
        ({"season": "yearly"}, "'auto' or a number.*'yearly'"),
        ({"season": 1.5}, "got 1.5"),
        ({"season": True}, "got True"),
        ({"trend": "dampd"}, "None or 'damped'.*Did you mean 'damped'"),
        ({"trend": True}, "None or 'damped'"),
        ({"weekday": "yes"}, "True or False; got 'yes'"),
    ],
)
def test_an_option_that_means_nothing_says_what_it_may_be(options, message):
    with pytest.raises(OptionError, match=message):
        Clock(**options)


MAY = "2024-05-01"


def events(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (events(name=["a"], day=[MAY]), "name, start and end; got name, day"),
        (events(name=["a"], dates=[MAY]), "Did you mean 'date'"),
        (events(name=["a"], date=[MAY], start=[MAY]), "name and date, or"),
        (events(name=["a"], start=[MAY]), "name and date, or"),
        (events(name=["a"], date=[MAY], ads=[3.0]), "Numbers per day are regressors"),
        (events(name=[], date=[]), "no rows"),
        (events(name=["a", None, " "], date=[MAY] * 3), "no name in rows 1, 2"),
        (events(name=["a", "b"], date=[MAY, None]), "no date in row 1"),
        (events(name=["a"], date=["01.05.2024"]), "'01.05.2024'.*pd.to_datetime"),
        (events(name=["a"], date=["2024-05-32"]), "'2024-05-32'"),
        (events(name=["a"], date=[20240501]), "numbers.*20240501"),
        (events(name=["a"], date=np.array([7], object)), "could not be read as ISO dates: 7"),
        (events(name=["a"], date=pd.PeriodIndex(["2024-05"], freq="M")), "longer than a day"),
        (
            events(name=["a", "b"], start=[MAY] * 2, end=["2024-05-02", "2024-04-30"]),
            "row 1 'b' lasts from 2024-05-01 to 2024-04-30",
        ),
        (events(name=["a"], start=[MAY], end=["2204-05-01"]), "within ten years"),
        (events(name=["a", "a"], date=[MAY] * 2), "'a' has 2024-05-01 twice"),
        (
            events(name=["a", "a"], start=[MAY, "2024-05-03"], end=["2024-05-03", "2024-05-09"]),
            "'a' has 2024-05-03 twice",
        ),
        ([("a", MAY)], "must be a pandas DataFrame.*got list"),
        (pl.Series(["a"]), "column alone"),
    ],
)  # fmt: skip
def test_events_that_cannot_be_used_are_named(table, message):
    with pytest.raises(DataError, match=message):
        Clock(events=table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (spend().drop(pd.to_datetime(["2024-03-05", "2025-01-01"])), "2024-03-05, 2025-01-01"),
        (pd.concat([spend(), spend().head(1)]), "days twice: 2024-01-01"),
        (spend().assign(price="cheap"), "'price' holds text.*'cheap'"),
        (spend().assign(price=pd.Timestamp("2024-01-01")), "'price' holds text or other"),
        (
            spend().assign(ads=lambda f: f["ads"].where(f.index != "2024-02-02")),
            "'ads' has no finite value on 2024-02-02",
        ),
        (spend().assign(ads=np.inf), "'ads' has no finite value on 2024-01-01, .* 909 more"),
        (spend().reset_index(drop=True), "indexed by date"),
        (spend().set_axis(range(5, 917)), "indexed by date"),
        (spend().set_axis(np.arange(912) * 2), "numbers"),
        (spend()[[]], "no values"),
        (spend().head(0), "no values"),
        (spend().set_axis(["ads", "ads"], axis=1), "two columns of one name"),
        (spend().set_axis(spend().index.where(spend().index != "2024-01-02")), "no date in row 1"),
        ({"ads": [1.0]}, "must be a pandas DataFrame.*got dict"),
    ],
)  # fmt: skip
def test_regressors_that_cannot_be_used_are_named(table, message):
    with pytest.raises(DataError, match=message):
        Clock(regressors=table)


def test_numbers_that_are_objects_or_nullable_are_numbers():
    for dtype in (object, "Float64", "float32"):
        assert Clock(regressors=spend().astype(dtype)) == Clock(regressors=spend())
    with pytest.raises(DataError, match="'ads' has no finite value"):
        Clock(
            regressors=spend().astype("Float64").assign(ads=lambda f: f["ads"].mask(f["ads"] > 9))
        )


def test_regressors_must_cover_the_days_observed():
    with pytest.raises(
        DataError, match="no value on 2024-01-02; the log is observed from 2024-01-02"
    ):
        calendar(Clock(regressors=spend("2024-01-03")))
    with pytest.raises(DataError, match=r"no value on 2025-12-31.*regressors from"):
        calendar(Clock(regressors=spend(end="2025-12-30")))
    clock = calendar(Clock(regressors=spend("2024-01-02", "2025-12-31")))
    with pytest.raises(DataError, match="no value on 2026-01-01"):
        clock.elapsed(LAST, LAST + 30)


def test_a_regressor_that_never_changes_while_observed_is_named():
    late = spend().assign(ads=lambda f: (f.index > "2025-12-31") * 1.0)
    with pytest.raises(DataError, match="Regressors ads have one value"):
        calendar(Clock(regressors=late))


def test_an_event_before_the_log_is_an_error():
    early = events(name=["fair", "old"], date=[MAY, "2023-05-01"])
    with pytest.raises(DataError, match=r"'old' ended on 2023-05-01.*log begins on 2024-01-01"):
        calendar(Clock(events=early))
    with pytest.raises(DataError, match="'first' ended on 2024-01-01"):
        calendar(Clock(events=events(name=["first"], date=["2024-01-01"])))


def test_an_event_in_the_future_alone_has_no_effect_and_says_so():
    future = events(name=["sale", "fair", "fair"], date=["2026-05-01", "2025-05-01", "2026-05-01"])
    with pytest.warns(
        DataWarning, match="no past day shows have no effect: 'sale'. Obs.*2025-12-31"
    ):
        found = calendar(Clock(season=0, events=future))
    assert found.names == ("event[fair]",)
    around = events(name=["old"] * 2, date=["2023-05-01", "2026-05-01"])
    with pytest.warns(DataWarning, match="have no effect: 'old'"):
        assert calendar(Clock(season=0, events=around)).names == ()
    with pytest.warns(DataWarning, match="'sale', 'fair'"):
        assert calendar(Clock(season=0, events=future), LAST - 300).names == ()


def test_events_that_always_coincide_are_named_and_those_that_differ_once_are_not():
    same = events(name=["sale", "tv", "sale", "tv"], date=[MAY] * 2 + ["2026-01-01", "2026-01-02"])
    with pytest.warns(AssumptionWarning, match="'sale' and 'tv' were always on the same days"):
        calendar(Clock(events=same))
    once = events(name=["sale", "tv", "tv"], date=[MAY, MAY, "2024-05-02"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert calendar(Clock(season=0, events=once)).names == ("event[sale]", "event[tv]")
