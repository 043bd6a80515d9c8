"""Cells: they add up, they travel without ids, and they can be made fewer at a known cost."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

import predclv as pc
from predclv.engines.mle import approached
from predclv.engines.search import estimate
from predclv.errors import BoundaryWarning, DataError, OptionError, StoreError
from predclv.likelihoods.likelihood import Likelihood

KINDS = ["cells", "spend_cells"]
END = "1997-09-30"


@pytest.fixture(scope="module")
def parts(cdnow_log):
    """CDNOW cut by a hash of the id into three logs, each summarised by itself."""
    log = cdnow_log[cdnow_log["date"] <= END]
    part = pd.util.hash_array(log["customer_id"].to_numpy()) % 3
    return [pc.rfm_summary(log[part == i], observation_end=END) for i in range(3)]


@pytest.mark.parametrize("kind", KINDS)
def test_cells_of_parts_add_up_to_those_of_the_whole(cdnow, parts, kind):
    whole = getattr(cdnow, kind)()
    found = [getattr(part, kind)() for part in parts]
    added = sum(found[1:], found[0])
    assert min(map(len, found)) > 100
    assert_frame_equal(added.frame, whole.frame, check_exact=True)
    assert_frame_equal(sum(found).frame, whole.frame, check_exact=True)
    assert added.n_customers == whole.n_customers
    assert not added.is_approximate


def test_a_fit_to_the_sum_of_parts_is_the_fit_to_the_whole(cdnow, parts):
    purchases = pc.fit(pc.BGNBD, sum(part.cells() for part in parts))
    assert purchases.params == pc.fit(pc.BGNBD, cdnow).params
    assert purchases.unit == "week"
    spend = pc.fit(pc.GammaGamma, sum(part.spend_cells() for part in parts))
    assert spend.params == pc.fit(pc.GammaGamma, cdnow).params


def test_spend_cells_add_up_whom_they_leave_out():
    one = pc.SpendCells(np.array([1.0]), np.array([2.0]), np.array([3]), left_out=4)
    both = one + one
    assert both.frame.to_numpy().tolist() == [[1.0, 2.0, 6.0]]
    assert both.left_out == 8


def test_cells_in_different_units_and_other_things_are_not_added(cdnow, cdnow_log):
    days = pc.rfm_summary(cdnow_log, unit="day").cells()
    with pytest.raises(DataError, match="in weeks and cells in days cannot be added"):
        cdnow.cells() + days
    with pytest.raises(TypeError):
        cdnow.cells() + cdnow.spend_cells()
    with pytest.raises(TypeError):
        1 + cdnow.cells()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_binned", [False, True])
def test_cells_are_read_from_a_file_as_they_were_written(cdnow, kind, is_binned, tmp_path):
    cells = getattr(cdnow, kind)()
    cells = cells.binned() if is_binned else cells
    cells.to_parquet(tmp_path / "cells.parquet")
    read = type(cells).read_parquet(tmp_path / "cells.parquet")
    assert repr(read) == repr(cells)
    assert_frame_equal(read.frame, cells.frame, check_exact=True)
    assert read.facts == cells.facts


def test_a_file_of_cells_has_no_id_and_is_all_a_fit_needs(cdnow, tmp_path):
    cdnow.cells().to_parquet(tmp_path / "cells.parquet")
    assert pq.read_schema(tmp_path / "cells.parquet").names == [
        "frequency", "recency", "T", "weight",
    ]  # fmt: skip
    read = pc.Cells.read_parquet(tmp_path / "cells.parquet")
    assert pc.fit(pc.BGNBD, read).params == pc.fit(pc.BGNBD, cdnow).params


def test_a_file_of_something_else_is_named(cdnow, tmp_path):
    file = tmp_path / "file.parquet"
    with pytest.raises(StoreError, match="no file"):
        pc.Cells.read_parquet(file)
    cdnow.spend_cells().to_parquet(file)
    with pytest.raises(StoreError, match="holds SpendCells, not Cells"):
        pc.Cells.read_parquet(file)
    cdnow.frame.to_parquet(file)
    with pytest.raises(StoreError, match="holds no cells"):
        pc.SpendCells.read_parquet(file)
    file.write_text("no Parquet")
    with pytest.raises(StoreError, match="could not be read as Parquet"):
        pc.Cells.read_parquet(file)


def test_binned_times_keep_counts_and_means_and_say_that_they_are_approximate(cdnow):
    cells = cdnow.cells()
    binned = cells.binned(36)
    assert len(binned) < 0.6 * len(cells)
    assert binned.is_approximate
    assert "approximate" in repr(binned)
    assert (binned + binned).is_approximate
    assert binned.n_customers == cells.n_customers
    for name in ("frequency", "recency", "T"):
        exact, kept = getattr(cells, name), getattr(binned, name)
        # Sums in another order: rounding alone.
        np.testing.assert_allclose(kept @ binned.weight, exact @ cells.weight, rtol=1e-13)
    assert np.all(binned.recency <= binned.T)
    assert np.array_equal(binned.recency == 0, binned.frequency == 0)


def test_binned_spend_keeps_counts_and_means_of_each_frequency(cdnow):
    cells = cdnow.spend_cells()
    binned = cells.binned(0.1)
    assert len(binned) < 0.4 * len(cells)
    assert binned.is_approximate
    for values in (cells, binned):
        total = values.frame.assign(total=values.monetary_value * values.weight)
        found = total.groupby("frequency")[["weight", "total"]].sum()
        if values is cells:
            expected = found
    assert_frame_equal(found, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("model", "kind", "width", "cells", "largest"),
    [
        (pc.BGNBD, "cells", 144, 907, 4e-6),
        (pc.BGNBD, "cells", 72, 784, 7e-5),
        (pc.BGNBD, "cells", 36, 518, 7e-4),
        (pc.GammaGamma, "spend_cells", 0.02, 450, 5e-5),
        (pc.GammaGamma, "spend_cells", 0.05, 298, 4e-4),
        (pc.GammaGamma, "spend_cells", 0.1, 201, 1.5e-3),
    ],
)
def test_fewer_cells_move_the_estimates_as_little_as_is_stated(
    cdnow, model, kind, width, cells, largest
):
    """The tables in the docstrings, for CDNOW."""
    exact = pc.fit(model, cdnow)
    binned = getattr(cdnow, kind)().binned(width)
    assert len(binned) == cells
    found = pc.fit(model, binned).params
    change = max(abs(found[name] / value - 1) for name, value in exact.params.items())
    assert 0 < change < largest


@pytest.mark.parametrize("bins", [0, -3, 2.5, True, "many"])
def test_bins_that_mean_nothing_are_an_error(cdnow, bins):
    with pytest.raises(OptionError, match="whole number from 1"):
        cdnow.cells().binned(bins)


@pytest.mark.parametrize("width", [0, -1, np.inf, np.nan, "wide", True])
def test_a_width_that_means_nothing_is_an_error(cdnow, width):
    with pytest.raises(OptionError, match="positive number"):
        cdnow.spend_cells().binned(width)


@pytest.mark.parametrize(("model", "kind"), [(pc.BGNBD, "cells"), (pc.GammaGamma, "spend_cells")])
def test_a_fit_that_starts_from_the_last_is_the_same_and_shorter(cdnow, cdnow_log, model, kind):
    before = cdnow_log[cdnow_log["date"] <= "1997-09-16"]
    earlier = pc.fit(model, pc.rfm_summary(before, observation_end="1997-09-16"))
    fresh, restarted = pc.fit(model, cdnow), pc.fit(model, cdnow, start=earlier)
    assert earlier.params != fresh.params
    for name, value in fresh.params.items():
        # Both are polished until the gradient is rounding noise.
        assert restarted.params[name] == pytest.approx(value, rel=1e-8)
    assert restarted.log_likelihood == pytest.approx(fresh.log_likelihood, rel=1e-13)
    calls = []

    class Counted(Likelihood):
        def __call__(self, free):
            calls.append(free)
            return super().__call__(free)

    likelihood = Counted.of(model, getattr(cdnow, kind)(), "week")
    estimate(likelihood)
    afresh = len(calls)
    estimate(likelihood, [approached(likelihood, earlier)])
    assert len(calls) - afresh < 0.9 * afresh


def test_a_start_at_a_limit_is_no_hindrance(cdnow):
    same = pc.Cells(np.array([2.0]), np.array([5.0]), np.array([9.0]), np.array([50]), "week")
    with pytest.warns(BoundaryWarning):
        at_limit = pc.fit(pc.BGNBD, same)
    restarted = pc.fit(pc.BGNBD, cdnow, start=at_limit)
    assert restarted.params == pc.fit(pc.BGNBD, cdnow).params
    with pytest.warns(BoundaryWarning):
        again = pc.fit(pc.BGNBD, same, start=pc.fit(pc.BGNBD, cdnow))
    assert again.params == at_limit.params


def test_a_start_of_another_kind_is_an_error(cdnow, bgnbd, gamma_gamma, cdnow_log):
    with pytest.raises(OptionError, match="earlier Fit of BG/NBD; got Gamma-Gamma"):
        pc.fit(pc.BGNBD, cdnow, start=gamma_gamma)
    with pytest.raises(OptionError, match="earlier Fit of BG/NBD; got dict"):
        pc.fit(pc.BGNBD, cdnow, start=bgnbd.params)
    with pytest.raises(OptionError, match="in weeks, and these data are in days"):
        pc.fit(pc.BGNBD, pc.rfm_summary(cdnow_log, unit="day"), start=bgnbd)


def test_a_recipe_hands_each_model_its_own_earlier_fit(cdnow, cdnow_log):
    before = cdnow_log[cdnow_log["date"] <= "1997-09-16"]
    earlier = pc.CLVModel().fit(pc.rfm_summary(before, observation_end="1997-09-16"))
    fresh, restarted = pc.CLVModel().fit(cdnow), pc.CLVModel(start=earlier).fit(cdnow)
    for ours, theirs in ((restarted.purchases, fresh.purchases), (restarted.spend, fresh.spend)):
        assert ours.params == pytest.approx(theirs.params, rel=1e-8)
    assert pc.CLVModel(spend=None, start=earlier).fit(cdnow).spend is None
    with pytest.raises(OptionError, match="earlier Fit of MBG/NBD; got BG/NBD"):
        pc.CLVModel(pc.MBGNBD, start=earlier).fit(cdnow)
    without = pc.CLVModel(start=pc.CLVModel(spend=None).fit(cdnow)).fit(cdnow)
    assert without.spend.params == fresh.spend.params
