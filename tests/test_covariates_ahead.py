"""What customers will be like on the days of a forecast, against a count day by day."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from test_covariates_dynamic_in import EPOCH, START, day_by_day, mailings, summary
from test_covariates_in import END, shop

import predclv as pc
from predclv.errors import DataError, DataWarning, OptionError
from predclv.summaries.looking_ahead import looking_ahead


@pytest.mark.parametrize("with_static", [False, True])
def test_what_is_to_come_is_that_of_a_count_day_by_day(with_static, tmp_path):
    log, known = shop(150)
    rows, cut, days = mailings(known), "2024-08-31", 70
    static = known[["customer_id", "channel"]] if with_static else None
    table = pc.CovariateTable(rows, fill=START)
    log = log[log["date"] <= cut]
    rfm = summary(log, table, end=cut, static_covariates=static)
    model = pc.CLVModel(spend=None).fit(rfm)
    model.save(tmp_path / "model")
    end = str((pd.Timestamp(cut) + pd.Timedelta(days=days)).date())
    later, names = day_by_day(log, rows, START, static, end)
    later = later[later["date"] > cut].sort_values(["customer_id", "date"], ignore_index=True)
    changed = later[names].ne(later.groupby("customer_id")[names].shift()).any(axis=1)
    steps = (
        later[changed]
        .groupby("customer_id")[["date", *names]]
        .apply(lambda part: tuple(map(tuple, part.to_numpy(object))))
    )
    for customers in (rfm, pc.load(tmp_path / "model").rfm):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            found = looking_ahead(customers, pc.CovariateTable(rows, fill=START), days)
        old = len(rfm.patterns)
        assert_frame_equal(found.patterns.frame.head(old), rfm.patterns.frame)
        assert found.patterns.levels == rfm.patterns.levels
        assert not found.patterns.frame.duplicated().any()
        own = rfm.frame.columns
        assert_frame_equal(found.frame[own], rfm.frame)
        cells = found.cells()
        assert cells.keys[-1] == "ahead"
        assert len(cells.ahead) == steps.nunique()
        people = found.frame[["customer_id", "ahead"]]
        laid_out = people.merge(cells.ahead.frame, left_on="ahead", right_on="path")
        laid_out["date"] = EPOCH + pd.to_timedelta(laid_out["from_day"], "D")
        laid_out = laid_out.join(found.patterns.frame, on="pattern")
        of_customer = laid_out.groupby("customer_id")[["date", *names]].apply(
            lambda part: tuple(map(tuple, part.to_numpy(object)))
        )
        assert of_customer.to_dict() == steps.to_dict()
        assert_frame_equal(pickle.loads(pickle.dumps(found)).cells().frame, cells.frame)
        forecast = pc.CLVModel(spend=None).fit(rfm).forecast("10 weeks", level=None, rfm=found)
        assert len(forecast.frame) == len(rfm)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.assign(tier="iron"), "'iron'"),
        (lambda rows: rows.assign(colour="red"), "'colour', which these customers do not have"),
        (lambda rows: rows.assign(tier=1.0), "'tier' .* holds numbers, and levels"),
        (lambda rows: rows.assign(mailed=np.nan), "missing value in column 'mailed'"),
        (lambda rows: rows.assign(mailed="yes"), "'mailed' .* holds text"),
    ],
)
def test_what_is_to_come_is_refused_where_it_means_nothing(change, message):
    log, known = shop(100)
    rows = mailings(known)
    rfm = summary(log, pc.CovariateTable(rows, fill=START))
    assert looking_ahead(rfm, rows[["customer_id", "date", "mailed"]], 30).patterns.names == (
        "mailed",
        "tier",
    )
    later = rows.assign(date=pd.Timestamp(END) + pd.Timedelta(days=3))
    later = later.drop_duplicates("customer_id")
    with pytest.raises(DataError, match=message):
        looking_ahead(rfm, change(later), 30)
    with pytest.warns(DataWarning, match="begins on the days ahead, 20.*last value was carried on"):
        looking_ahead(rfm, later, 2)
    with pytest.raises(DataError, match="no covariates"):
        looking_ahead(pc.rfm_summary(log), later, 30)
    with pytest.raises(OptionError, match="days"):
        looking_ahead(rfm, later, 0)
