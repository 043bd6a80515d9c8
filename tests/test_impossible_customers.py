"""A summary made elsewhere: its ids, its spend, and customers in it who cannot be."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from predclv.errors import DataError, DataWarning
from predclv.summaries.rfm import RFM


def summary_frame(**columns):
    usual = {"frequency": [2, 0, 1], "recency": [5.0, 0.0, 2.5], "T": [9.0, 8.0, 7.0]}
    return pd.DataFrame({"customer_id": [17, 90, 52]} | usual | columns)


def test_a_summary_may_have_its_ids_in_the_index():
    by_index = RFM.from_frame(summary_frame().set_index("customer_id"), unit="week")
    assert_frame_equal(by_index.frame, RFM.from_frame(summary_frame(), unit="week").frame)
    named = summary_frame().rename(columns={"customer_id": "who"})
    assert_frame_equal(RFM.from_frame(named, customer_id="who", unit="week").frame, by_index.frame)
    bare = RFM.from_frame(summary_frame().drop(columns="customer_id"), unit="week")
    assert bare.frame["customer_id"].tolist() == [0, 1, 2]
    assert by_index.frame["customer_id"].tolist() == [17, 52, 90]
    assert by_index.frame["frequency"].dtype == "int64"
    with pytest.raises(DataError, match="no column 'whom', nor is it the index"):
        RFM.from_frame(named.set_index("who"), customer_id="whom", unit="week")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"recency": [9.5, 0.0, 8.0]}, r"2 customers have recency > T \(ids 17, 52\)\. Was obs"),
        ({"frequency": [-1, 0, 1]}, r"1 customer has a negative frequency \(id 17\)"),
        ({"frequency": [1.5, 0, 1]}, "no whole number"),
        ({"recency": [5.0, 0.0, -1.0]}, r"negative recency \(id 52\)"),
        ({"T": [9.0, -1.0, 7.0]}, r"negative T \(id 90\)"),
        ({"recency": [5.0, 1.0, 2.5]}, r"recency > 0 without a repeat purchase \(id 90\)"),
        ({"recency": [0.0, 0.0, 2.5]}, r"repeat purchases but recency 0 \(id 17\)"),
        ({"T": [9.0, np.nan, 7.0]}, r"missing or infinite .*\(id 90\)"),
        ({"T": [np.inf, 8.0, 7.0]}, "missing or infinite"),
        ({"frequency": [2, 0, None]}, "missing or infinite"),
        ({"customer_id": [17, 17, 52]}, r"1 customer has more than one row \(ids 17\)"),
        ({"customer_id": [17, None, 52]}, "1 customer has no id"),
        ({"customer_id": [17, "17", 52]}, "mix numbers and text"),
        ({"T": ["a", "b", "c"]}, "is no number"),
        ({"monetary_value": [np.nan, 0.0, 3.0]}, r"infinite monetary_value \(id 17\)"),
    ],
)
def test_an_impossible_customer_is_named(columns, said):
    with pytest.raises(DataError, match=said):
        RFM.from_frame(summary_frame(**columns), unit="week")


def test_a_summary_without_its_columns_is_refused():
    with pytest.raises(DataError, match=r"no column 'T'.*use rfm_summary"):
        RFM.from_frame(summary_frame().drop(columns="T"), unit="week")
    with pytest.raises(DataError, match="Did you mean 'frequencey'"):
        RFM.from_frame(summary_frame().rename(columns={"frequency": "frequencey"}), unit="week")
    with pytest.raises(DataError, match="empty"):
        RFM.from_frame(summary_frame().iloc[:0], unit="week")
    with pytest.raises(DataError, match="must be a pandas DataFrame"):
        RFM.from_frame({"frequency": [1]}, unit="week")


def test_spend_counts_only_where_there_are_repeat_purchases():
    rfm = RFM.from_frame(summary_frame(monetary_value=[10.0, np.nan, 20.0]), unit="week")
    assert rfm.frame["monetary_value"].tolist() == [10.0, 20.0, 0.0]
    with pytest.warns(DataWarning, match=r"1 customer has a negative monetary_value \(ids 17\)"):
        refunded = RFM.from_frame(summary_frame(monetary_value=[-10.0, 5.0, 20.0]), unit="week")
    assert refunded.spend_cells().left_out == 1
    assert refunded.spend_cells().monetary_value.tolist() == [20.0]
