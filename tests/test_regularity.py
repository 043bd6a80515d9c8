"""How regular purchases are, its picture, and the raster of timings."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import predclv as pc
from predclv.errors import DataError, OptionError
from predclv.logs.gap_statements import gap_days, gap_pairs

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def shop(k, seed=1):
    """300 customers for 2,000 days; their purchases, about 60 days apart, are each k-th event."""
    rng = np.random.default_rng(seed)
    gaps = np.maximum(np.rint(rng.gamma(k, 1.0 / k, (300, 60)) * rng.gamma(20.0, 3.0, (300, 1))), 1)
    days = np.column_stack([np.zeros(300), np.cumsum(gaps, axis=1)])
    customer, place = np.nonzero(days <= 2000)
    log = pd.DataFrame({"customer_id": customer, "day": days[customer, place]})
    log["date"] = pd.Timestamp("2015-01-01") + pd.to_timedelta(log["day"], unit="D")
    return log


@pytest.mark.parametrize(("k", "said"), [(1, "at random"), (2, "k = 2"), (5, "k = 5")])
def test_k_is_found_by_both_ways(k, said):
    found = pc.regularity(shop(k), level=0.99)
    assert found.lower < k < found.upper
    assert found.wheat_morrison == pytest.approx(k, abs=4 * found.wheat_morrison_error)
    assert said in found.verdict()
    assert said in repr(found)
    assert found.frame.loc["likelihood", "customers"] == found.customers
    assert "Wheat" in found._repr_html_()


def test_three_gaps_tell_nothing():
    found = pc.regularity(shop(1).query("customer_id == 0").head(4))
    assert found.lower < 1 < 1.5 < found.upper
    assert found.verdict().startswith("too few to tell")
    assert "nan" not in repr(found)
    assert repr(found).endswith("(3 times between purchases of 1 customer)")
    ax = pc.plots.regularity(found)
    assert "nan" not in ax.get_legend().get_title().get_text()


def test_bursts_are_told_from_regular_purchases():
    assert "bursts" in pc.regularity(shop(0.4)).verdict()


def test_the_interval_covers_as_often_as_it_says():
    held = 0
    for seed in range(40):
        found = pc.regularity(shop(3, seed), level=0.8)
        held += found.lower < 3.0 < found.upper
    assert 24 <= held <= 39  # 32 expected; whole days change little at gaps of 60


def test_who_has_left_does_not_change_it():
    log = shop(3)
    leaves = np.random.default_rng(2).integers(100, 2000, 300)
    left = log[log["day"] <= leaves[log["customer_id"]]]
    found = pc.regularity(left, level=0.99)
    assert found.customers < 300
    assert found.lower < 3.0 < found.upper


def test_it_takes_a_log_or_its_summary_up_to_a_day(cdnow_log, cdnow):
    known = cdnow_log[cdnow_log["date"] <= "1997-09-30"]
    assert repr(pc.regularity(known, observation_end="1997-09-30")) == repr(pc.regularity(cdnow))


def test_what_has_no_two_gaps_is_refused(cdnow):
    once = pd.DataFrame(
        {"customer_id": [1, 1, 2], "date": ["2020-01-01", "2020-02-01", "2020-01-05"]}
    )
    with pytest.raises(DataError, match="Nobody has bought on three days"):
        pc.regularity(once)
    with pytest.raises(DataError, match="has no log"):
        pc.regularity(pc.RFM.from_frame(cdnow.frame, unit="week"))
    with pytest.raises(DataError, match="observation_end already"):
        pc.regularity(cdnow, observation_end="1997-06-30")


def test_pairs_of_days_have_the_gaps_as_their_difference(cdnow):
    end = cdnow.observation_end
    pairs = cdnow.log.table_of(gap_pairs, end, "from_day, to_day")
    apart = pairs.groupby(pairs["to_day"] - pairs["from_day"])["gaps"].sum()
    found = cdnow.log.table_of(gap_days, end, "gap_days").set_index("gap_days")["gaps"]
    assert apart.to_dict() == found.to_dict()


def test_the_picture_shows_the_shares_and_what_each_k_expects(cdnow):
    found = pc.regularity(cdnow)
    ax = pc.plots.regularity(found, bins=10)
    heights = [bar.get_height() for bar in ax.patches[:10]]
    assert sum(heights) == pytest.approx(1.0)
    assert "at random" in ax.get_title(loc="left")
    assert len(pc.plots.regularity(cdnow).patches) > 10
    assert "Wheat" in ax.get_legend().get_title().get_text()


def test_the_raster_has_a_dot_for_each_purchase(cdnow_split):
    ids = [1, 2, 6, 157]
    ax = pc.plots.timings(cdnow_split, ids)
    dots = sum(len(dots.get_offsets()) for dots in ax.collections[1:])
    log = cdnow_split.rfm.log.purchase_days()
    assert dots == log["customer_id"].isin(ids).sum()
    known = len(ax.collections[1].get_offsets())
    assert known == cdnow_split.rfm.frame.query("customer_id in @ids")["frequency"].sum() + 4
    alone = pc.plots.timings(cdnow_split.rfm, ids)
    assert len(alone.collections[1].get_offsets()) == known
    assert len(alone.collections) == 2


def test_a_number_of_customers_draws_the_same_ones_who_came_again(cdnow):
    first, second = (pc.plots.timings(cdnow, 12).collections[1].get_offsets() for _ in range(2))
    assert np.array_equal(first, second)
    lines, dots = np.unique(first[:, 1], return_counts=True)
    assert lines.tolist() == list(range(12))
    assert dots.min() >= 2


def test_customers_that_are_not_there_are_named(cdnow):
    with pytest.raises(DataError, match="no purchases of 999999"):
        pc.plots.timings(cdnow, [1, 999999])
    with pytest.raises(OptionError, match="customers must be at least 1"):
        pc.plots.timings(cdnow, 0)
    with pytest.raises(DataError, match="has no log"):
        pc.plots.timings(pc.RFM.from_frame(cdnow.frame, unit="week"))
