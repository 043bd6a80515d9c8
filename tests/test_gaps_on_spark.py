"""Times between purchases of a log that lies in Spark: the integers that DuckDB counts."""

import warnings

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import predclv as pc
from predclv.logs.gap_statements import gap_days, last_two_gaps


@pytest.mark.slow
def test_spark_and_duckdb_count_the_same_gaps(spark, cdnow_log):
    # A refund on a day of its own is no purchase, one on a day with a purchase is.
    refunds = cdnow_log.head(400).assign(amount=-1.0)
    refunds["date"] = pd.to_datetime(refunds["date"]) + pd.Timedelta(days=1)
    dated = cdnow_log.assign(date=pd.to_datetime(cdnow_log["date"]))
    log = pd.concat([dated, refunds], ignore_index=True)
    log["date"] = log["date"].dt.date  # whatever the zone of a session that others made
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        here = pc.rfm_summary(log, observation_end="1998-03-31")
        there = pc.rfm_summary(spark.createDataFrame(log), observation_end="1998-03-31")
    end = here.observation_end
    for statement, order in ((gap_days, "gap_days"), (last_two_gaps, "last, before")):
        found, wanted = (rfm.log.table_of(statement, end, order) for rfm in (there, here))
        assert len(wanted) > 100
        assert_frame_equal(found, wanted, check_dtype=False)
    assert repr(pc.regularity(there)) == repr(pc.regularity(here))
    assert pc.fit("MBGCNBD-2", there).log_likelihood == pytest.approx(
        pc.fit("MBGCNBD-2", here).log_likelihood, rel=1e-14
    )
