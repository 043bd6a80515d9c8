"""Pictures as they are seen: no word is cut off, and colours are left to the many."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.collections import QuadMesh

import predclv as pc
from predclv.errors import AssumptionWarning
from predclv.plots import style
from predclv.reports.forecast import _table
from predclv.reports.page import STYLE

RULES = ("LastPeriod", "PastRate", "HiatusRate", "MeanRate")
LONG = "BG/NBD with a very long name that goes on and on for a while"


@pytest.fixture(scope="module")
def fitted(cdnow_split):
    return pc.CLVModel().fit(cdnow_split.rfm)


@pytest.fixture(scope="module")
def eight(cdnow_split, fitted):
    """Eight forecasters, of which four are one and the same."""
    named = {"BG/NBD": fitted, "the same": fitted, LONG: fitted,
             "again": fitted} | {name: getattr(pc.baselines, name)() for name in RULES}  # fmt: skip
    return pc.validate(named, cdnow_split, seed=1)


@pytest.fixture(scope="module")
def pictures(eight, fitted, cdnow_split):
    cohorts = pc.historical.cohorts(cdnow_split.rfm)
    return {
        "calibration": lambda ax: pc.plots.calibration(eight, ax=ax),
        "gains": lambda ax: pc.plots.gains(eight, ax=ax),
        "holdout_by_frequency": lambda ax: pc.plots.holdout_by_frequency(eight, ax=ax),
        "holdout_by_recency": lambda ax: pc.plots.holdout_by_recency(eight, ax=ax),
        "coverage_curve": lambda ax: pc.plots.coverage_curve(eight, ax=ax),
        "pit_histogram": lambda ax: pc.plots.pit_histogram(eight, ax=ax),
        "tracking": lambda ax: pc.plots.tracking(eight, level=None, ax=ax),
        "frequency_recency": lambda ax: pc.plots.frequency_recency(fitted, ax=ax),
        "cohort_heatmap": lambda ax: pc.plots.cohort_heatmap(cohorts, ax=ax),
        "cohort_curves": lambda ax: pc.plots.cohort_curves(cohorts, ax=ax),
    }


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


NAMES = [
    "calibration", "gains", "holdout_by_frequency", "holdout_by_recency", "coverage_curve",
    "pit_histogram", "tracking", "frequency_recency", "cohort_heatmap", "cohort_curves",
]  # fmt: skip
SIZES = {"small": ((4.5, 3.2), "constrained"), "without a layout": ((6.4, 4.8), None)}


def words(ax):
    """Title and labels that hold anything."""
    return [t for t in (ax._left_title, ax.xaxis.label, ax.yaxis.label) if t.get_text()]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_no_word_is_cut_off_at_the_edge_of_the_figure(pictures, name, size):
    inches, layout = SIZES[size]
    figure, ax = plt.subplots(figsize=inches, layout=layout)
    pictures[name](ax)
    figure.canvas.draw()
    whole = figure.bbox
    for text in words(ax):
        box = text.get_window_extent()
        assert box.x0 >= whole.x0 - 2, text
        assert box.x1 <= whole.x1 + 2, text
        assert box.y0 >= whole.y0 - 2, text
        assert box.y1 <= whole.y1 + 2, text


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["holdout_by_frequency", "holdout_by_recency", "calibration"])
def test_no_tick_is_written_over_another(pictures, name, size):
    inches, layout = SIZES[size]
    figure, ax = plt.subplots(figsize=inches, layout=layout)
    pictures[name](ax)
    figure.canvas.draw()
    boxes = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_text()]
    for one, other in itertools.pairwise(boxes):
        assert one.x1 <= other.x0 + 1


@pytest.mark.parametrize("name", ["calibration", "gains", "holdout_by_frequency"])
def test_a_legend_stands_beside_the_points_of_a_figure_of_subplots(pictures, name):
    figure, ax = plt.subplots()
    pictures[name](ax)
    figure.canvas.draw()
    assert ax.get_legend().get_window_extent().x0 >= ax.bbox.x1
    assert ax.get_legend().get_window_extent().x1 <= figure.bbox.x1 + 2


def test_a_legend_of_eight_is_no_taller_than_a_small_figure(pictures):
    figure, ax = plt.subplots(figsize=(4.5, 3.2), layout="constrained")
    pictures["calibration"](ax)
    figure.canvas.draw()
    assert ax.get_legend().get_window_extent().y0 >= figure.bbox.y0


def test_a_figure_that_somebody_arranged_stays_as_it_is(pictures):
    arranged, ax = plt.subplots(gridspec_kw={"right": 0.6})
    pictures["gains"](ax)
    assert arranged.get_layout_engine() is None
    by_hand = plt.figure()
    pictures["gains"](by_hand.add_axes((0.1, 0.1, 0.8, 0.8)))
    assert by_hand.get_layout_engine() is None
    adjusted, ax = plt.subplots()
    adjusted.subplots_adjust(left=0.3)
    pictures["gains"](ax)
    assert adjusted.get_layout_engine() is None


def test_nobody_is_crowned_in_a_title_where_others_read_the_same(eight):
    said = {
        name: " ".join(getattr(pc.plots, name)(eight).get_title(loc="left").split())
        for name in ("calibration", "pit_histogram", "coverage_curve")
    }
    assert "BG/NBD and 3 others are nearest to the line" in said["calibration"]
    assert said["pit_histogram"].startswith("BG/NBD and 3 others, the flattest")
    assert said["coverage_curve"].startswith("Intervals of BG/NBD and 3 others, the best")
    assert style.leaders({"A": 1.0, "B": 0.5}, "{:.1f}".format) == "B"


def test_the_bars_of_the_pit_end_where_they_end(eight):
    ax = pc.plots.pit_histogram(eight)
    assert all(patch.get_data().baseline is None for patch in ax.patches
               if hasattr(patch, "get_data"))  # fmt: skip


def test_a_heat_map_names_its_horizon_as_it_was_asked_and_its_model(fitted):
    title = pc.plots.frequency_recency(fitted, horizon="12 months").get_title(loc="left")
    assert title == "Expected purchases in the next 12 months, by BG/NBD"


def test_a_span_is_written_in_whole_units():
    assert style.span_in_words(39.0, "week") == "39 weeks"
    assert style.span_in_words(365 / 7, "week") == "365 days"
    assert style.span_in_words(1.0, "year") == "1 year"


def mesh_of(ax):
    (mesh,) = (c for c in ax.collections if isinstance(c, QuadMesh))
    return mesh


def test_a_first_cohort_like_the_others_is_not_called_beyond_the_colours(cdnow_log):
    cohorts = pc.historical.cohorts(cdnow_log)
    ax = pc.plots.cohort_heatmap(cohorts)
    shares = cohorts.wide("active_share").to_numpy()[:, 1:]
    assert mesh_of(ax).get_clim() == pytest.approx((0.0, np.nanmax(shares)))
    assert "beyond" not in ax.get_xlabel()


def test_first_purchases_leave_the_colours_to_the_months_after(cdnow_log):
    cohorts = pc.historical.cohorts(cdnow_log)
    ax = pc.plots.cohort_heatmap(cohorts, "revenue_per_customer")
    later = cohorts.wide("revenue_per_customer").to_numpy()[:, 1:]
    assert mesh_of(ax).get_clim() == pytest.approx((0.0, np.nanmax(later)))
    assert "age 0, with all first purchases, is beyond" in " ".join(ax.get_xlabel().split())


def test_numbers_that_do_not_fit_into_their_cells_are_left_out(cdnow_log):
    cohorts = pc.historical.cohorts(cdnow_log)
    assert pc.plots.cohort_heatmap(cohorts, "revenue").texts
    ax = plt.subplots(figsize=(4.0, 3.0))[1]
    assert not pc.plots.cohort_heatmap(cohorts, "revenue", ax=ax).texts


def test_cohorts_have_whole_ages(cdnow_log):
    ticks = pc.plots.cohort_curves(pc.historical.cohorts(cdnow_log)).get_xticks()
    assert (ticks == ticks.round()).all()


def test_a_tier_without_customers_is_not_the_one_that_is_told_of(fitted):
    forecast = fitted.forecast("52 weeks", level=None)
    with pytest.warns(AssumptionWarning, match=r"high \(0\)"):
        found = pc.segments.tiers(forecast, rules="four tiers")
    profile = found.profile()
    assert profile["customers"].iloc[0] == 0  # or this test shows nothing
    told = profile[profile["customers"] > 0].iloc[0]
    assert pc.plots.tier_profile(found).get_title(loc="left").startswith(f"Tier '{told['tier']}'")


def test_two_bands_have_edges_that_tell_them_apart(cdnow_split, fitted):
    ax = pc.plots.tracking({"one": fitted, "two": fitted}, cdnow_split)
    thin = [line for line in ax.lines if line.get_linewidth() == 0.7]
    assert len(thin) == 4
    assert len({line.get_color() for line in thin}) == 2


def test_numbers_of_a_column_stand_in_line():
    frame = pd.DataFrame({"customer_id": [1, 2], "value_at_stake": [131.4, 96.45]})
    html = _table(frame, "list")
    assert "131.40" in html
    assert "96.45" in html
    large = _table(frame.assign(value_at_stake=[1310.4, 96.45]), "list")
    assert "1,310<" in large
    assert ">96<" in large


def test_heads_of_tables_are_not_broken_within_words():
    (rule,) = [line for line in STYLE.split("}") if line.strip().startswith("thead th {")]
    assert "overflow-wrap: break-word" in " ".join(rule.split())
    assert "anywhere" not in rule
