"""A pool whose log lies in Spark: earlier days are counted there, to the numbers of DuckDB's."""

import numpy as np
import pyarrow as pa
import pytest

import predclv as pc
from predclv.warehouse.spark import SparkWarehouse


@pytest.mark.slow
def test_earlier_days_are_counted_in_spark_as_in_duckdb(spark, cdnow_log, monkeypatch):
    log = cdnow_log[cdnow_log["customer_id"] % 6 == 0]
    log = log.assign(date=log["date"].dt.date)
    there = spark.createDataFrame(pa.Table.from_pandas(log, preserve_index=False))
    members = {
        "memory": pc.CLVModel(pc.MBGNBD, memory=True, drift=True, first_purchase=True),
        "last period": pc.baselines.LastPeriodNB(),
    }
    fetched: list[pa.Table] = []
    table = SparkWarehouse.table

    def recorded(self, sql):
        found = table(self, sql)
        fetched.append(found)
        return found

    monkeypatch.setattr(SparkWarehouse, "table", recorded)
    ours, theirs = (pc.Pool(members, origins=1).fit(pc.rfm_summary(each)) for each in (log, there))
    known, found = ours._learned(91), theirs._learned(91)
    assert len(fetched) > 5
    assert not any("customer_id" in table.column_names and len(table) for table in fetched)
    assert found.names == known.names == tuple(members)
    for one, other in zip(known.origins, found.origins, strict=True):
        np.testing.assert_array_equal(one.losses, other.losses)
        np.testing.assert_array_equal(one.expected, other.expected)
        np.testing.assert_array_equal(one.expected_revenue, other.expected_revenue)
        assert (one.purchases, one.revenue) == (other.purchases, other.revenue)
    assert dict(theirs.weights) == dict(ours.weights)
