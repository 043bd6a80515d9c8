"""What a user has in hand, given to every picture: it draws, or says what it wants."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import predclv as pc
from predclv.errors import DataError, PredclvError

# What a picture needs besides its first argument to be asked at all.
MORE = {"customer_history": (None, 1516)}
# The first arguments that each picture draws as they are; of these, "split" stands for one that is
# passed second where the picture is held against what came.
DRAWS = {
    "calibration": {"validation"},
    "clv_distribution": {"forecast", "forecast frame"},
    "clv_to_cac": set(),
    "cohort_curves": {"cohorts"},
    "cohort_heatmap": {"cohorts"},
    "compare": {"validation"},
    "coverage_curve": {"validation"},
    "contract_calibration": set(),
    "customer_history": {"fitted"},
    "frequency_recency": {"fitted"},
    "gains": {"validation"},
    "holdout_by_frequency": {"validation"},
    "holdout_by_recency": {"validation"},
    "interpurchase_times": {"fitted", "rfm", "split"},
    "parameter_densities": {"fitted", "fit", "spend fit"},
    "pit_histogram": {"validation"},
    "regularity": {"fitted", "rfm", "split"},
    "repeat_histogram": {"fitted"},
    "retention_by_age": set(),
    "survival_by_cohort": set(),
    "tier_migration": set(),
    "tier_profile": {"tiers"},
    "timings": {"fitted", "rfm", "split"},
    "tracking": {"fitted", "validation"},
    "value_by_age": set(),
}


CLEAR = (" wants ", "pass both", "pass the split", "does not remember", "There is no fit")


@pytest.fixture(scope="module")
def in_hand(cdnow_split):
    """What somebody has after the first steps, by what they would call it."""
    fitted = pc.CLVModel().fit(cdnow_split.rfm)
    forecast = fitted.forecast("39 weeks", discount_rate=0.0, level=None)
    return {
        "fit": fitted.purchases,
        "spend fit": fitted.spend,
        "fitted": fitted,
        "forecast": forecast,
        "forecast frame": forecast.frame,
        "rfm": cdnow_split.rfm,
        "rfm frame": cdnow_split.rfm.frame,
        "split": cdnow_split,
        "validation": pc.validate({"BG/NBD": fitted}, cdnow_split, seed=1),
        "tiers": pc.segments.tiers(forecast),
        "cohorts": pc.historical.cohorts(cdnow_split.rfm),
        "a model that is not fitted": pc.CLVModel(),
        "nothing": None,
        "a path": "orders.csv",
        "numbers": np.arange(3.0),
    }


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_every_picture_is_asked():
    elsewhere = {  # what they want is nothing that somebody has after the first steps
        name
        for name in pc.plots.__all__
        if getattr(pc.plots, name).__module__.rpartition(".")[2]
        in ("campaigns", "drivers", "clock", "schedule", "effects")
    }
    assert set(DRAWS) - elsewhere == set(pc.plots.__all__) - elsewhere


@pytest.mark.parametrize("name", DRAWS)
def test_a_picture_draws_what_it_is_given_or_says_what_it_wants(in_hand, name):
    drew, unclear = set(), {}
    for called, what in in_hand.items():
        try:
            drawn = getattr(pc.plots, name)(what, *MORE.get(name, ()))
        except PredclvError as error:
            if not any(words in str(error) for words in CLEAR) or plt.get_fignums():
                unclear[called] = str(error)
        else:
            assert isinstance(drawn, (Axes, Figure, np.ndarray))
            drew.add(called)
            plt.close("all")
    assert not unclear
    assert drew == DRAWS[name]


@pytest.mark.parametrize("name", ["frequency_recency", "repeat_histogram", "tracking"])
@pytest.mark.parametrize("fit", ["fit", "fitted"])
@pytest.mark.parametrize("customers", ["rfm", "split"])
def test_a_fit_and_its_model_draw_the_same_with_customers_beside_them(
    in_hand, name, fit, customers
):
    drawn = getattr(pc.plots, name)(in_hand[fit], in_hand[customers])
    assert drawn.has_data()
    same = getattr(pc.plots, name)(in_hand["fit"], in_hand[customers])
    assert drawn.get_title(loc="left") == same.get_title(loc="left")


@pytest.mark.parametrize(
    "name",
    ["frequency_recency", "repeat_histogram", "tracking", "customer_history", "cohort_curves"],
)
def test_a_frame_where_customers_are_meant_is_told_how_to_become_them(in_hand, name):
    arguments = [in_hand["fitted"], in_hand["rfm frame"], *MORE.get(name, (None, 0))[1:2]]
    said = r"customers as an RFM or a HoldoutSplit; got DataFrame\. .*RFM\.from_frame"
    if name == "tracking":
        arguments, said = arguments[:2], "HoldoutSplit or an RFM; got DataFrame"
    if name in ("frequency_recency", "repeat_histogram"):
        arguments = arguments[:2]
    if name == "cohort_curves":
        arguments, said = arguments[:1], "wants Cohorts; got FittedCLV"
    with pytest.raises(DataError, match=said):
        getattr(pc.plots, name)(*arguments)


@pytest.mark.parametrize("name", ["holdout_by_frequency", "holdout_by_recency"])
def test_a_forecast_is_held_against_its_split_and_nothing_else(in_hand, name):
    picture = getattr(pc.plots, name)
    assert picture(in_hand["forecast"], in_hand["split"]).has_data()
    with pytest.raises(DataError, match="and its HoldoutSplit; got RFM"):
        picture(in_hand["forecast"], in_hand["rfm"])
    with pytest.raises(DataError, match=r"fitted\.forecast\(split\.duration\)"):
        picture(in_hand["fitted"], in_hand["split"])


def test_a_frame_of_another_kind_says_which_column_is_missing(in_hand):
    with pytest.raises(DataError, match="with a column clv or discounted_purchases; got the col"):
        pc.plots.clv_distribution(in_hand["rfm frame"])


def test_a_model_without_customers_asks_for_them(in_hand):
    fitted = in_hand["fitted"]
    alone = replace(fitted, rfm=pc.RFM.empty("week"))
    with pytest.raises(DataError, match="saved without its customers"):
        pc.plots.repeat_histogram(alone)


def test_a_backtest_is_asked_for_one_of_its_origins(cdnow_log):
    found = pc.backtest(pc.baselines.MeanRate(), cdnow_log, cutoffs=2, horizon="13 weeks")
    with pytest.raises(DataError, match=r"got Backtest\. Show one of its origins"):
        pc.plots.calibration(found)


def test_a_mapping_of_fitted_models_is_compared_by_name(in_hand):
    panels = pc.plots.parameter_densities({"first": in_hand["fitted"], "again": in_hand["fit"]})
    assert panels[0].get_legend_handles_labels()[1] == ["first", "again"]
