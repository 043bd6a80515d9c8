"""The textbook side: formulas by hand, what a log shows, and the formula held against a model."""

import decimal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import (
    DataError,
    DataWarning,
    OptionError,
    OptionWarning,
    RefundWarning,
)

h = pc.historical


# Formulas, each on the example and two by hand -----------------------------------------


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        # 1,200 a year x 25% x 5 years - 300: annual spend x margin x years - acquisition cost
        ((1200, 1, 5, 0.25, 300), 1200.0),
        # a coffee of 4.50, 100 times a year, for 20 years
        ((4.5, 100, 20), 9000.0),
        # a bicycle of 800 every fourth year, for 12 years at 30%, won for 100: 720 - 100
        ((800, 0.25, 12, 0.3, 100), 620.0),
    ],
)
def test_simple_clv_by_hand(arguments, value):
    assert h.simple_clv(*arguments) == pytest.approx(value, rel=1e-14)
    assert isinstance(h.simple_clv(*arguments), float)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        ((1000, 0.02, 0.8), 40_000.0),  # the issue's: 1,000 a month at 80%, 2% churn
        ((50, 0.05), 1000.0),
        ((30, 1.0, 0.5), 15.0),  # everybody leaves after the first payment
        ((100, 0.2, 0.5, 0.05), 200.0),  # 50 / (0.2 + 0.05)
    ],
)
def test_subscription_clv_by_hand(arguments, value):
    assert h.subscription_clv(*arguments) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [((50, 3, 80), 230.0), ((12_000, 2.5), 30_000.0), ((0, 4, 500), 500.0)],
)
def test_project_clv_by_hand(arguments, value):
    assert h.project_clv(*arguments) == value


@pytest.mark.parametrize(
    ("profits", "rate", "first", "value"),
    [
        ([110, 121], 0.10, 1, 200.0),
        ([-50, 110], 0.10, 0, 50.0),
        ([100, 100, 100], 0.0, 1, 300.0),
        ([60, 144], 0.20, 1, 150.0),
    ],
)
def test_discounted_clv_by_hand(profits, rate, first, value):
    assert h.discounted_clv(profits, rate, first) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(("churn", "periods"), [(0.02, 50.0), (0.25, 4.0), (1.0, 1.0)])
def test_expected_lifespan_by_hand(churn, periods):
    assert h.expected_lifespan(churn) == periods


@pytest.mark.parametrize(
    ("arguments", "retention"),
    [
        ((10, 40), 0.75),  # stays 4 periods of 10
        ((100, 500, 0.5), 0.9),
        ((100, 250, 0.5, 0.05), 0.85),
        ((100, 40, 0.5), 0.0),  # the first payment earns it back
        ((100, 0), 0.0),
    ],
)
def test_break_even_retention_by_hand(arguments, retention):
    assert h.break_even_retention(*arguments) == pytest.approx(retention, rel=1e-14)


@pytest.mark.parametrize("discount", [0.0, 0.01, 0.2])
def test_at_the_break_even_retention_a_subscription_is_worth_its_cost(discount):
    revenue, cost, margin = np.array([10.0, 25.0, 3.0]), np.array([31.0, 48.0, 7.0]), 0.9
    retention = h.break_even_retention(revenue, cost, margin, discount)
    worth = h.subscription_clv(revenue, 1 - retention, margin, discount)
    np.testing.assert_allclose(worth, cost, rtol=1e-12)


def test_a_subscription_is_the_discounted_sum_of_what_those_who_stay_pay():
    periods = np.arange(5000)
    paid = 80.0 * 0.3 * (1 - 0.02) ** periods
    discounted = h.discounted_clv(paid, 0.01)
    # 5,000 periods leave (0.98/1.01)^5000 of the sum out, far below rounding.
    assert discounted == pytest.approx(h.subscription_clv(80, 0.02, 0.3, 0.01), rel=1e-12)


def test_the_mean_life_that_a_docstring_quotes_lies_that_far_above_the_median():
    assert h.expected_lifespan(0.02) == 50
    assert np.log(0.5) / np.log(0.98) == pytest.approx(34, abs=0.5)


def test_one_churn_for_customers_who_differ_undervalues_them():
    churn = np.array([0.01, 0.5])
    assert h.subscription_clv(1, churn).mean() > 10 * h.subscription_clv(1, churn.mean())


def test_arrays_broadcast_and_agree_with_one_at_a_time():
    order, share = np.array([[10.0], [20.0]]), np.array([0.1, 0.5, 1.0])
    table = h.simple_clv(order, 2, 3, share)
    assert table.shape == (2, 3)
    assert table[1, 1] == h.simple_clv(20, 2, 3, 0.5)
    profits = np.arange(12.0).reshape(3, 4)
    rates = [0.0, 0.1, 0.3]
    each = [h.discounted_clv(row, rate) for row, rate in zip(profits, rates, strict=True)]
    np.testing.assert_allclose(h.discounted_clv(profits, rates), each, rtol=1e-14)
    series = pd.Series([0.1, 0.2], index=["a", "b"])
    np.testing.assert_allclose(h.subscription_clv(10, series), [100, 50])
    assert h.project_clv(decimal.Decimal("2.5"), 2) == 5.0


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: h.simple_clv(-5, 1, 1), DataError, "average_order_value must not be negative.*-5"),
        (lambda: h.simple_clv(5, [1, -2, 3], 1), DataError, "-2 at position 1"),
        (lambda: h.simple_clv(5, 1, np.inf), DataError, "lifespan_years must be finite; got inf"),
        (lambda: h.simple_clv(np.nan, 1, 1), DataError, "must be finite; got nan"),
        (lambda: h.simple_clv("5", 1, 1), DataError, "must be a number or an array"),
        (lambda: h.simple_clv(None, 1, 1), DataError, "must be finite"),
        (lambda: h.simple_clv(True, 1, 1), DataError, "must be a number or an array"),
        (lambda: h.simple_clv(5, 1, 1, margin=30), OptionError, "For 30% write 0.3"),
        (lambda: h.simple_clv(5, 1, 1, margin=[0.3, -0.1]), OptionError, "-0.1 at position 1"),
        (lambda: h.simple_clv([5, 6], [1, 2, 3], 1), DataError, "average_order_value 2, purch.* 3"),
        (lambda: h.subscription_clv(10, 0), OptionError, "above 0 and at most 1; got 0"),
        (lambda: h.subscription_clv(10, 2), OptionError, "For 2% write 0.02"),
        (lambda: h.subscription_clv(10, [0.1, 1.2]), OptionError, "1.2 at position 1"),
        (lambda: h.subscription_clv(10, -0.1), OptionError, "got -0.1"),
        (lambda: h.subscription_clv(10, 0.1, discount_rate=10), OptionError, "For 10% write 0.1"),
        (lambda: h.subscription_clv(10, 0.1, discount_rate=-0.1), OptionError, "at least 0"),
        (lambda: h.expected_lifespan([0.5, 0.0]), OptionError, "0 at position 1"),
        (lambda: h.project_clv(50, 3, -80), DataError, "future_value must not be negative"),
        (lambda: h.discounted_clv([1, np.nan], 0.1), DataError, "nan at position 1"),
        (lambda: h.discounted_clv([1, 2], 0.1, first_period=-1), OptionError, "at least 0"),
        (lambda: h.discounted_clv([1, 2], 0.1, first_period=0.5), OptionError, "whole number"),
        (lambda: h.discounted_clv(np.ones((2, 3)), [0.1] * 3), DataError, "unequal length"),
        (
            lambda: h.break_even_retention([5, 1], 100, discount_rate=0.02),
            OptionError,
            "No retention breaks even for 1 of 2.*1 a period against 100",
        ),
        (lambda: h.break_even_retention(0, 100), OptionError, "No retention breaks even"),
    ],
)
def test_a_formula_refuses_what_has_no_meaning_and_says_where(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_a_margin_above_one_is_doubted_and_taken():
    with pytest.warns(OptionWarning, match="margin of 1.2 is more than all") as caught:
        assert h.simple_clv(10, 1, 1, margin=1.2) == 12.0
    assert caught[0].filename == __file__


# Streams --------------------------------------------------------------------------------------


def test_hybrid_clv_of_four_streams_by_hand():
    found = h.hybrid_clv(
        {
            "device": h.Stream(200, margin=0.25),
            "subscription": h.Stream(100, per_year=1, churn=0.2, margin=0.5),
            "consumables": h.Stream(30, per_year=2),
            "service": h.Stream(44, per_year=1, start=1),
        },
        horizon_years=2,
        discount_rate=0.21,
    )
    assert found.parts["device"] == 50.0
    # 50 now; 80% of it after a year
    assert found.parts["subscription"] == pytest.approx(50 + 40 / 1.21, rel=1e-14)
    # 30 now and after 6, 12 and 18 months; the root of 1.21 is 1.1
    assert found.parts["consumables"] == pytest.approx(
        30 * (1 + 1 / 1.1 + 1 / 1.21 + 1 / 1.331), rel=1e-14
    )
    assert found.parts["service"] == pytest.approx(44 / 1.21, rel=1e-14)
    assert found.total == pytest.approx(found.parts.sum())
    assert "device 50.00" in repr(found)
    assert "<b>HybridCLV" in found._repr_html_()


def test_a_monthly_stream_has_twelve_payments_a_year_and_none_at_the_horizon():
    stream = h.Stream(10, per_year=12)
    assert len(stream.payments(3)) == 36
    assert len(stream.payments(0.5)) == 6
    assert h.hybrid_clv([stream], 3, discount_rate=0.0).total == pytest.approx(360)
    assert h.Stream(10, start=2).value(2.0, 0.0) == 0.0


def test_a_long_stream_is_a_subscription_paid_in_advance():
    found = h.hybrid_clv([h.Stream(100, per_year=1, churn=0.25, margin=0.8)], 400, 0.10)
    expected = 1.10 * h.subscription_clv(100, 0.25, 0.8, 0.10)
    assert found.total == pytest.approx(expected, rel=1e-12)
    assert list(found.parts.index) == ["stream 1"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: h.Stream(-1), "amount must not be negative"),
        (lambda: h.Stream(1, churn=1.5), "churn must be above 0 and at most 1; got 1.5"),
        (lambda: h.Stream(1, churn=20), "For 20% write 0.2"),
        (lambda: h.Stream(1, per_year=0), "per_year must be above 0"),
        (lambda: h.Stream(1, per_year=np.inf), "per_year must be finite"),
        (lambda: h.Stream(1, margin=40), "For 40% write 0.4"),
        (lambda: h.Stream([1, 2]), "must be a number"),
        (lambda: h.hybrid_clv([], 3), "There is no stream"),
        (lambda: h.hybrid_clv({"a": 5}, 3), "not: a"),
        (lambda: h.hybrid_clv([h.Stream(1)], 0), "must be positive"),
        (lambda: h.hybrid_clv([h.Stream(1)], [1, 2]), "horizon_years must be a number"),
        (lambda: h.hybrid_clv([h.Stream(1)], 3, 10), "For 10% a year write 0.1"),
        (lambda: h.hybrid_clv([h.Stream(1, per_year=1e9)], 3), "too many to add up"),
    ],
)
def test_a_stream_refuses_what_has_no_meaning(call, said):
    with pytest.raises((DataError, OptionError), match=said):
        call()


# Observed -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def orders():
    return pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "c", "c"],
            "date": ["2022-01-01", "2022-07-01", "2022-07-01", "2022-12-31", "2022-03-01",
                     "2022-12-01"],
            "amount": [100.0, 30.0, 20.0, 80.0, 10.0, 40.0],
        }
    )  # fmt: skip


def test_observed_by_hand(orders):
    found = h.observed(orders, margin=0.5, lifespan_years=2).set_index("customer_id")
    assert list(found.columns) == [
        "orders", "revenue", "profit", "average_order_value", "purchases_per_year", "tenure_days",
        "days_since_last_order", "textbook_clv",
    ]  # fmt: skip
    assert found.loc["a", ["orders", "revenue", "profit", "average_order_value"]].tolist() == [
        2, 150.0, 75.0, 75.0,
    ]  # fmt: skip
    assert found["tenure_days"].tolist() == [364, 0, 305]
    assert found["days_since_last_order"].tolist() == [183, 0, 30]
    a_year = np.array([2 / 364, 1 / 90, 2 / 305]) * 365.25  # b came today: 90 days are counted
    np.testing.assert_allclose(found["purchases_per_year"], a_year, rtol=1e-14)
    by_formula = h.simple_clv(found["average_order_value"], a_year, 2, 0.5)
    np.testing.assert_allclose(found["textbook_clv"], by_formula, rtol=1e-14)
    assert found.attrs["customers_of_short_tenure"] == 1
    assert found.attrs["observation_end"] == "2022-12-31"


def test_observed_agrees_with_a_plain_pandas_computation_on_cdnow(cdnow_log):
    found = h.observed(cdnow_log).set_index("customer_id")
    end = cdnow_log["date"].max()
    groups = cdnow_log.groupby("customer_id")
    first, last = groups["date"].min(), groups["date"].max()
    np.testing.assert_array_equal(found["orders"], groups["date"].nunique())
    np.testing.assert_allclose(found["revenue"], groups["amount"].sum(), atol=1e-9)
    np.testing.assert_array_equal(found["tenure_days"], (end - first).dt.days)
    np.testing.assert_array_equal(found["days_since_last_order"], (end - last).dt.days)


def test_observed_agrees_with_the_summary_of_the_same_log(cdnow_log):
    rfm = pc.rfm_summary(cdnow_log, unit="day")
    found, summary = h.observed(rfm), rfm.frame
    np.testing.assert_array_equal(found["customer_id"], summary["customer_id"])
    np.testing.assert_array_equal(found["orders"], summary["frequency"] + 1)
    np.testing.assert_array_equal(found["tenure_days"], summary["T"])
    since = found["tenure_days"] - summary["recency"]
    np.testing.assert_array_equal(found["days_since_last_order"], since)
    pd.testing.assert_frame_equal(found, h.observed(cdnow_log))


def test_observed_counts_refunds_whenever_they_came(orders):
    refunds = pd.DataFrame(
        {
            "customer_id": ["a", "d"],
            "date": ["2022-10-01", "2022-05-05"],
            "amount": [-50.0, -7.0],
        }
    )
    log = pd.concat([orders, refunds], ignore_index=True)
    said = r"2 refund rows \(-57.00 in all\) were netted.*1 customer with refunds alone \(-7.00\)"
    with pytest.warns(RefundWarning, match=said):
        found = h.observed(log).set_index("customer_id")
    assert found.loc["a", "orders"] == 2
    assert found.loc["a", "revenue"] == 100.0
    assert "d" not in found.index
    with pytest.warns(RefundWarning, match="were left out"):
        assert h.observed(log, refunds="drop")["revenue"].sum() == orders["amount"].sum()
    with pytest.raises(DataError, match="negative"):
        h.observed(log, refunds="error")
    with pytest.raises(DataError, match="refunds alone make no customers"):
        h.observed(refunds)


def test_observed_keeps_to_its_end_and_says_what_it_left_out(orders):
    with pytest.warns(DataWarning, match="2 rows are after observation_end 2022-11-01"):
        found = h.observed(orders, observation_end="2022-11-01")
    assert found["customer_id"].tolist() == ["a", "c"]
    assert found["orders"].tolist() == [2, 1]
    with pytest.raises(DataError, match="before every purchase"):
        h.observed(orders, observation_end="2020-01-01")


def test_observed_without_amounts_has_no_money(orders):
    found = h.observed(orders, amount=None)
    assert list(found.columns) == [
        "customer_id", "orders", "purchases_per_year", "tenure_days", "days_since_last_order",
    ]  # fmt: skip


def test_observed_reads_files_and_relations_alike(orders, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    expected = h.observed(orders)
    orders.to_parquet(tmp_path / "orders.parquet")
    orders.to_csv(tmp_path / "orders.csv", index=False)
    with duckdb.connect() as connection:
        relation = connection.from_parquet(str(tmp_path / "orders.parquet"))
        found = [h.observed(tmp_path / f"orders.{kind}") for kind in ("parquet", "csv")]
        for one in [*found, h.observed(relation)]:
            pd.testing.assert_frame_equal(one, expected, check_dtype=False)


def test_what_observed_says_can_be_saved(orders, tmp_path):
    found = h.observed(orders)
    found.to_parquet(tmp_path / "observed.parquet")
    again = pd.read_parquet(tmp_path / "observed.parquet")
    pd.testing.assert_frame_equal(again, found)
    assert again.attrs == found.attrs


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"margin": 30}, "For 30% write 0.3"),
        ({"lifespan_years": -1}, "lifespan_years must not be negative"),
        ({"lifespan_years": [1, 2]}, "lifespan_years must be a number"),
        ({"shortest_tenure": "soon"}, "shortest_tenure 'soon' could not be read"),
        ({"shortest_tenure": 0}, "shortest_tenure must be positive"),
        ({"refunds": "nett"}, "Did you mean 'net'"),
    ],
)
def test_observed_refuses_options_without_a_meaning(orders, options, said):
    with pytest.raises((DataError, OptionError), match=said):
        h.observed(orders, **options)


def test_a_summary_stands_for_its_log_only_as_it_is(cdnow):
    with pytest.raises(OptionError, match="has settled refunds already"):
        h.observed(cdnow, refunds="drop")
    with pytest.raises(OptionError, match="knows no column to group by"):
        h.cohorts(cdnow, by="channel")
    with pytest.raises(DataError, match="made without a log"):
        h.observed(pc.RFM.from_frame(cdnow.frame, unit="week"))


# The formula as a forecaster ------------------------------------------------------------------


def test_the_textbook_forecaster_is_the_textbook_column(cdnow):
    forecast = pc.baselines.Textbook().fit(cdnow).forecast("1 year", discount_rate=0.0, margin=0.3)
    found = h.observed(cdnow, margin=0.3, lifespan_years=1)
    np.testing.assert_array_equal(forecast.frame["customer_id"], found["customer_id"])
    np.testing.assert_allclose(
        forecast.frame["expected_purchases"], found["purchases_per_year"], rtol=1e-12
    )
    np.testing.assert_allclose(forecast.frame["clv"], found["textbook_clv"], rtol=1e-12)


def test_the_textbook_forecasts_far_too_much_where_most_bought_once(cdnow_split):
    found = pc.validate(
        {"model": pc.CLVModel(), "textbook": pc.baselines.Textbook()}, cdnow_split, seed=1
    ).frame
    assert found.loc["textbook", "bias"] > 1.5  # three times what came
    assert abs(found.loc["model", "bias"]) < 0.2
    assert found.loc["textbook", "rmse"] > 1.5 * found.loc["model", "rmse"]


def test_the_textbook_forecaster_is_the_same_in_any_unit(cdnow_log):
    totals = [
        pc.baselines.Textbook("8 weeks")
        .fit(pc.rfm_summary(cdnow_log, unit=unit))
        .forecast("1 year")
        .total()
        for unit in ("day", "month")
    ]
    np.testing.assert_allclose(*totals, rtol=1e-12)


def test_the_textbook_forecaster_says_what_it_lacks(cdnow):
    bare = pc.RFM.from_frame(cdnow.frame, unit="week")
    with pytest.raises(DataError, match="Textbook needs the day of every purchase"):
        pc.baselines.Textbook().fit(bare)
    without_spend = pc.RFM.from_frame(cdnow.frame.drop(columns="monetary_value"), unit="week")
    forecast = pc.baselines.Textbook().fit(without_spend).forecast(39)
    assert "clv" not in forecast.frame
    with pytest.raises(OptionError, match="could not be read"):
        pc.baselines.Textbook("soon").fit(cdnow)


def test_the_formulas_need_no_database():
    script = (
        "import predclv as pc, sys; pc.historical.simple_clv(1, 2, 3), dir(pc.historical);"
        "print('predclv.logs.log' in sys.modules, 'matplotlib' in sys.modules)"
    )
    said = subprocess.check_output([sys.executable, "-c", script], text=True, timeout=60)
    assert said.split() == ["False", "False"]
    with pytest.raises(AttributeError, match="no attribute 'simple_vlc'"):
        h.simple_vlc  # noqa: B018
    assert all(getattr(h, name).__doc__ for name in h.__all__)
