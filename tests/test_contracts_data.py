"""Contracts taken in: what is counted, and what is refused by name."""

import warnings

import duckdb
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import DataError, DataWarning, FitError, OptionError

TABLE = pd.DataFrame(
    {
        "customer_id": [1, 2, 3, 4],
        "start": ["2024-01-01", "2024-01-10", "2024-02-01", "2024-02-29"],
        "end": ["2024-03-31", None, None, "2024-04-29"],
    }
)
END = "2024-04-30"


def cohorts(**changed):
    table = pd.DataFrame(
        {"cohort": [2020] * 4 + [2021] * 3, "age": [0, 1, 2, 3, 0, 1, 2],
         "customers": [100, 80, 70, 65, 90, 75, 64]}
    )  # fmt: skip
    return table.assign(**changed)


# Tables of contracts


def test_renewals_are_the_boundaries_before_the_end():
    found = pc.renewals(TABLE, observation_end=END).histories
    rows = set(found[["renewals", "ended", "contracts"]].itertuples(index=False, name=None))
    # 1 renewed in February and March and left; 2 on the 10th of February to April; 3 on the 1st of
    # March and April; 4 on the 29th of March, and left a month later.
    assert rows == {(2, True, 1), (3, False, 1), (2, False, 1), (1, True, 1)}


@pytest.mark.parametrize("end", ["2024-03-31", "2024-04-01"])
def test_the_last_day_and_the_first_day_without_are_one_end(end):
    table = TABLE.assign(end=[end, None, None, None])
    found = pc.renewals(table, observation_end=END).histories
    assert found.loc[found["ended"], "renewals"].tolist() == [2]


def test_an_end_after_the_observation_is_no_end():
    table = TABLE.assign(end=["2024-06-30", None, None, None])
    found = pc.renewals(table, observation_end=END)
    assert not found.histories["ended"].any()
    assert found.n_running == 4


@pytest.mark.filterwarnings("ignore:.*one customer alone")
@pytest.mark.parametrize(
    "how", ["pandas", "polars", "arrow", "csv", "parquet", "relation", "dates"]
)
def test_wherever_the_table_lies_the_counts_are_the_same(how, tmp_path):
    table = TABLE.assign(plan=["a", "b", "a", "a"])
    known = pc.renewals(table, observation_end=END, by="plan")
    if how == "dates":
        given = table.assign(start=pd.to_datetime(table["start"]), end=pd.to_datetime(table["end"]))
    elif how == "polars":
        given = pytest.importorskip("polars").from_pandas(table)
    elif how == "arrow":
        given = pytest.importorskip("pyarrow").Table.from_pandas(table)
    elif how == "csv":
        given = tmp_path / "contracts.csv"
        table.to_csv(given, index=False)
    elif how == "parquet":
        given = tmp_path / "contracts.parquet"
        table.to_parquet(given)
    else:
        given = duckdb.connect().from_df(table)
    found = pc.renewals(given, observation_end=END, by="plan")
    assert found.histories.equals(known.histories)
    assert found.subscribers.frame()["customer_id"].tolist() == [2, 3]
    assert found.groups == ["a", "b"]


@pytest.mark.filterwarnings("ignore:.*one customer alone")
def test_somebody_who_comes_back_is_a_new_contract():
    back = pd.DataFrame({"customer_id": [4], "start": ["2024-04-15"], "end": [None]})
    table = pd.concat([TABLE.assign(end=["2024-03-31", None, None, "2024-03-28"]), back])
    found = pc.renewals(table, observation_end=END)
    assert found.n_returned == 1
    assert found.n_contracts == 5
    assert "1 of returning customers" in repr(found)


def test_a_cohort_of_one_is_doubted_as_in_a_table_of_cohorts():
    more = pd.DataFrame({"customer_id": [5], "start": ["2024-04-01"], "end": [None]})
    table = pd.concat([TABLE, more]).assign(plan=["a", "a", "b", "b", "b"])
    with pytest.warns(DataWarning, match=r"1 cohort has one customer alone: 2024-04-01\. They"):
        pc.renewals(table, observation_end=END)
    with pytest.warns(DataWarning, match="alone: b 2024-04-01"):
        pc.renewals(table, observation_end=END, by="plan")


def test_contracts_that_end_before_they_start_are_named():
    table = TABLE.assign(end=["2023-12-31", None, None, "2024-04-29"])
    with pytest.raises(DataError, match=r"1 contract ends before it starts: customer 1 from 2024"):
        pc.renewals(table, observation_end=END)


@pytest.mark.parametrize("first_end", ["2024-03-15", None])
def test_overlapping_contracts_are_named(first_end):
    table = pd.DataFrame(
        {"customer_id": [7, 7, 8], "start": ["2024-01-01", "2024-03-01", "2024-01-01"],
         "end": [first_end, None, None]}
    )  # fmt: skip
    with pytest.raises(DataError, match=r"1 contract overlaps .*customer 7\)"):
        pc.renewals(table, observation_end=END)


@pytest.mark.filterwarnings("ignore:.*one customer alone")
def test_a_renewal_as_a_row_is_doubted():
    table = pd.DataFrame(
        {"customer_id": [7, 7, 8], "start": ["2024-01-01", "2024-03-01", "2024-01-01"],
         "end": ["2024-02-29", None, None]}
    )  # fmt: skip
    with pytest.warns(DataWarning, match="1 contract begins just where an earlier one"):
        pc.renewals(table, observation_end=END)


def test_a_period_that_is_too_short_is_refused():
    start = pd.Timestamp("2015-03-01")
    ends = [start + pd.DateOffset(years=1 + i % 4) for i in range(40)]
    table = pd.DataFrame({"customer_id": range(40), "start": start, "end": ends})
    with pytest.raises(OptionError, match=r"lasted a multiple of 12 months.*period='year'"):
        pc.renewals(table, observation_end="2024-01-01")
    assert pc.renewals(table, period="year", observation_end="2024-01-01").n_contracts == 40


def test_a_period_in_whose_middle_contracts_end_is_doubted():
    start = pd.Timestamp("2020-01-01")
    ends = [start + pd.DateOffset(months=5 + i) for i in range(30)]
    table = pd.DataFrame({"customer_id": range(30), "start": start, "end": ends})
    with pytest.warns(DataWarning, match=r"2\d of 30 contracts that ended did so in the middle"):
        pc.renewals(table, period="year", observation_end="2024-01-01")


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"customer_id": [1, None, 3, 4]}, DataError, "1 contract has no customer"),
        ({"start": [None, "2024-01-10", "2024-02-01", "2024-02-29"]}, DataError, "has no start"),
        ({"end": ["soon", None, None, None]}, DataError, "'end' could not be read"),
        ({"start": [1, 2, 3, 4]}, DataError, "holds numbers"),
    ],
)
def test_columns_that_cannot_be_used_are_named(changed, error, message):
    with pytest.raises(error, match=message):
        pc.renewals(TABLE.assign(**changed), observation_end=END)


def test_missing_columns_and_empty_tables_are_named():
    with pytest.raises(DataError, match="no column 'end'"):
        pc.renewals(TABLE.rename(columns={"end": "until"}))
    with pytest.raises(DataError, match="no contract"):
        pc.renewals(TABLE.head(0).astype({"customer_id": "int64"}))
    with pytest.raises(OptionError, match="period must be one of"):
        pc.renewals(TABLE, period="fortnight")
    with pytest.raises(DataError, match="before every contract"):
        pc.renewals(TABLE, observation_end="2020-01-01")


def test_later_contracts_are_left_out_and_counted():
    with pytest.warns(DataWarning, match="2 contracts start after observation_end 2024-01-31"):
        found = pc.renewals(TABLE, observation_end="2024-01-31")
    assert found.n_contracts == 2


# Tables of cohorts


def test_cohorts_of_different_length():
    found = pc.Renewals.from_cohorts(cohorts())
    assert found.frame["renewed"].tolist() == [100, 80, 70, 65, 90, 75, 64]
    assert found.frame["at_risk"].tolist() == [100, 100, 80, 70, 90, 90, 75]
    assert found.n_running == 65 + 64
    gone = pc.Renewals.from_cohorts(cohorts(customers=[100, 80, 70, np.nan, 90, 75, 64]))
    assert gone.n_running == 70 + 64
    assert found.as_of(1).frame["renewed"].tolist() == [100, 80, 70, 90, 75]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"customers": [100, 80, 85, 65, 90, 75, 64]}, "Cohorts grow: 2020 from 80 to 85 at age 2"),
        ({"age": [1, 2, 3, 4, 0, 1, 2]}, "1 cohort has survivors but no size: 2020"),
        ({"age": [0, 1, 3, 4, 0, 1, 2]}, "Ages skip: 2020 from 1 to 3"),
        ({"age": [0, 1, 1, 2, 0, 1, 2]}, "several rows of one age: 2020 at age 1"),
        ({"customers": [1, 0.8, 0.7, 0.65, 1, 0.8, 0.7]}, "Are these shares"),
        ({"customers": [100, -80, 70, 65, 90, 75, 64]}, "whole numbers from 0 on; got -80"),
        ({"customers": [0, 0, 0, 0, 90, 75, 64]}, "Cohorts of nobody: 2020"),
        ({"cohort": [None] * 4 + [2021] * 3}, "have no cohort"),
        ({"customers": [100, np.nan, 70, 65, 90, 75, 64]}, "Ages skip: 2020 from 0 to 2"),
    ],
)
def test_tables_of_cohorts_that_cannot_be_are_named(changed, message):
    with pytest.raises(DataError, match=message):
        pc.Renewals.from_cohorts(cohorts(**changed))


def test_a_cohort_of_one_is_counted():
    with pytest.warns(DataWarning, match="1 cohort has one customer alone: 2021"):
        pc.Renewals.from_cohorts(cohorts(customers=[100, 80, 70, 65, 1, 1, 0]))


def test_columns_of_cohorts_are_named():
    with pytest.raises(DataError, match=r"no column 'cohort' .*cohort=None"):
        pc.Renewals.from_cohorts(cohorts().drop(columns="cohort"))
    with pytest.raises(DataError, match="wants a DataFrame"):
        pc.Renewals.from_cohorts([1, 2])


def test_the_period_is_what_lies_between_cohorts():
    months = ["2024-01"] * 4 + ["2024-02"] * 3
    assert pc.Renewals.from_cohorts(cohorts(cohort=months)).period == "month"
    assert pc.Renewals.from_cohorts(cohorts()).period == "year"
    with pytest.raises(OptionError, match=r"cohorts lie a month apart, but period='year'"):
        pc.Renewals.from_cohorts(cohorts(cohort=months), period="year")


def test_samples_from_which_nothing_can_be_learnt():
    nobody_left = pd.DataFrame({"age": [0, 1], "customers": [10, 10]})
    with pytest.raises(FitError, match="None of the 10 contracts has ended"):
        pc.fit("ShiftedBetaGeometric", pc.Renewals.from_cohorts(nobody_left, cohort=None))
    young = pd.DataFrame({"age": [0], "customers": [10]})
    with pytest.raises(FitError, match="has come up for renewal yet"):
        pc.fit("ShiftedBetaGeometric", pc.Renewals.from_cohorts(young, cohort=None))
    with pytest.raises(DataError, match="sBG is fitted to renewals"):
        pc.fit("ShiftedBetaGeometric", cohorts())
    with pytest.raises(DataError, match="fit wants an RFM"):
        pc.fit("BGNBD", pc.Renewals.from_cohorts(cohorts()))


# Opportunities

GIFTS = pd.DataFrame(
    {
        "customer_id": [1, 1, 1, 2, 3, 3],
        "date": [
            "2020-05-01",
            "2020-07-01",
            "2022-12-24",
            "2021-12-24",
            "2022-01-01",
            "2022-06-01",
        ],
    }
)


def test_opportunities_of_a_log():
    found = pc.opportunities(GIFTS)
    rows = set(found.subscribers.frame().itertuples(index=False, name=None))
    # Customer 1 gave two years after the first; 2 not again; 3 has had no opportunity yet.
    assert rows == {(1, 1, 2, 2), (2, 0, 0, 1), (3, 0, 0, 0)}
    assert str(found.observation_end) == "2022-12-31"


def test_a_year_that_is_not_over_is_left_out():
    with pytest.warns(DataWarning, match="year of observation_end 2022-07-01 is not over"):
        found = pc.opportunities(GIFTS, observation_end="2022-07-01")
    assert found.histories["opportunities"].max() == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        whole = pc.opportunities(GIFTS, observation_end="2022-12-31")
    assert whole.histories.equals(pc.opportunities(GIFTS).histories)


def test_nobody_with_an_opportunity_is_an_error():
    with pytest.raises(DataError, match="No year follows"):
        pc.opportunities(GIFTS[GIFTS["customer_id"] == 2])


@pytest.mark.parametrize(
    ("row", "message"),
    [((2, 1, 5), "more taken"), ((1, 6, 5), "recency > opp"), ((0.5, 1, 5), "no whole numbers")],
)
def test_histories_that_cannot_be_are_named(row, message):
    table = pd.DataFrame([(1, 1, 5), row], columns=["frequency", "recency", "opportunities"])
    with pytest.raises(DataError, match=message):
        pc.Opportunities.from_frame(table)


def test_an_end_that_is_still_to_come_asks_until_when_was_observed():
    table = TABLE.assign(end="2999-12-31")
    with pytest.raises(OptionError, match="Say observation_end"):
        pc.renewals(table)
    assert pc.renewals(table, observation_end="2024-06-30").n_running == len(table)


def test_messages_call_columns_as_the_function_does():
    with pytest.raises(DataError, match=r"no column 'plan' \(by\).*Say by="):
        pc.renewals(TABLE, by="plan")
    with pytest.raises(DataError, match=r"no column 'began' \(start\).*Say start="):
        pc.renewals(TABLE, start="began")


def test_covariates_of_people_without_a_contract_are_counted():
    known = pd.DataFrame({"customer_id": [*TABLE["customer_id"].unique(), 999], "channel": "a"})
    known.loc[0, "channel"] = "b"
    with pytest.warns(pc.errors.DataWarning, match="1 row of static_covariates is of people"):
        pc.renewals(TABLE, static_covariates=known)
