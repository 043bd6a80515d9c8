"""One summary of a log in Spark asked by many threads."""

import pickle
import warnings
from functools import partial

import pytest
from test_threads import QUESTIONS, assert_same, at_once, impatient_threads  # noqa: F401  (for every test)

import predclv as pc
from predclv.errors import DataError


def test_a_spark_summary_answers_many_threads_and_travels_without_its_cluster(spark, cdnow_log):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spark_log = spark.createDataFrame(cdnow_log.head(2000))
    asked = ("head", "frame", "cells", "keyed cells", "spend cells", "spend of cells")
    alone, rfm = (pc.rfm_summary(spark_log, timezone="Asia/Kolkata") for _ in range(2))
    expected = [QUESTIONS[name](alone) for name in asked]
    end = rfm.log.last_day
    answers = at_once(
        *(partial(QUESTIONS[name], rfm) for name in asked),
        lambda: rfm.log.purchases(),
        lambda: rfm.log.totals(end),
    )
    for answer, known in zip(
        answers, [*expected, alone.log.purchases(), alone.log.totals(end)], strict=True
    ):
        assert_same(answer, known)
    travelled = pickle.loads(pickle.dumps(rfm))
    for name, known in zip(asked, expected, strict=True):
        assert_same(QUESTIONS[name](travelled), known)
    with pytest.raises(DataError, match="did not come along"):
        travelled.log.purchases()
