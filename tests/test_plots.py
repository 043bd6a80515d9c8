"""Pictures: drawn where they are told, with the numbers of the tables, and without a trace."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

import predclv as pc
from predclv.errors import DataError, OptionError
from predclv.validation import tables


@pytest.fixture(scope="module")
def split():
    return pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")


@pytest.fixture(scope="module")
def fitted(split):
    return pc.CLVModel().fit(split.rfm)


@pytest.fixture(scope="module")
def forecast(split, fitted):
    return fitted.forecast(horizon=split.duration, level=None, discount_rate=0.0)


@pytest.fixture(scope="module")
def pictures(split, fitted, forecast):
    """Every public picture, by name, as a function of the Axes alone."""
    return {
        "repeat_histogram": lambda ax=None: pc.plots.repeat_histogram(
            fitted.purchases, split.rfm, ax=ax
        ),
        "frequency_recency": lambda ax=None: pc.plots.frequency_recency(
            fitted.purchases, split.rfm, ax=ax
        ),
        "holdout_by_frequency": lambda ax=None: pc.plots.holdout_by_frequency(
            forecast, split, ax=ax
        ),
    }


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


NAMES = ["repeat_histogram", "frequency_recency", "holdout_by_frequency"]


def heights(ax):
    """Heights of the bars by legend entry."""
    return {bars.get_label(): [bar.get_height() for bar in bars] for bars in ax.containers}


def test_these_are_all_the_pictures_there_are(pictures):
    assert set(NAMES) == set(pictures)
    assert set(NAMES) <= set(pc.plots.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_drawn_on_the_axes_it_is_given(pictures, name):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert pictures[name](right) is right
    assert right.has_data()
    assert not left.has_data()
    assert not plt.get_fignums()  # and no figure of pyplot's was made beside it


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_makes_its_own_axes_where_none_are_given(pictures, name):
    ax = pictures[name]()
    assert isinstance(ax, Axes)
    assert len(plt.get_fignums()) == 1
    ax.figure.canvas.draw()


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_has_a_title_and_labels(pictures, name):
    ax = pictures[name]()
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()


@pytest.mark.parametrize("name", NAMES)
def test_drawing_leaves_the_settings_of_matplotlib_as_they_are(pictures, name):
    before = mpl.rcParams.copy()
    pictures[name]()
    assert mpl.rcParams == before


def test_importing_the_pictures_leaves_the_settings_of_matplotlib_as_they_are():
    script = (
        "import matplotlib as m; m.use('Agg'); import matplotlib.pyplot; b = m.rcParams.copy();"
        "import predclv as pc; pc.plots.repeat_histogram; assert m.rcParams == b"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_bars_of_the_histogram_are_the_numbers_of_its_table(split, fitted):
    ax = pc.plots.repeat_histogram(fitted.purchases, split.rfm, most=5)
    table = tables.repeat_histogram(fitted.purchases, split.rfm, most=5)
    drawn = heights(ax)
    np.testing.assert_allclose(drawn["observed"], table["actual"])
    np.testing.assert_allclose(drawn["BG/NBD"], table["expected"])
    assert [label.get_text() for label in ax.get_xticklabels()] == table.index.tolist()


def test_the_title_of_the_histogram_has_the_test_that_its_table_has(split, fitted):
    title = pc.plots.repeat_histogram(fitted.purchases, split.rfm).get_title(loc="left")
    assert "chi-square 4.8, p = 0.19" in title


def test_the_bars_of_the_holdout_are_the_numbers_of_its_table(split, forecast):
    ax = pc.plots.holdout_by_frequency(forecast, split, most=4)
    table = tables.holdout_by_frequency(forecast, split, most=4)
    drawn = heights(ax)
    np.testing.assert_allclose(drawn["actual"], table["actual"])
    np.testing.assert_allclose(drawn["forecast"], table["forecast"])
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == [f"{i}\n({n:,})" for i, n in table["customers"].items()]
    assert "1,653 forecast, 1,882 came (-12%)" in ax.get_title(loc="left")


@pytest.mark.parametrize("value", ["expected_purchases", "p_active", "p_alive"])
def test_the_heat_map_shows_what_the_model_says(split, fitted, value):
    ax = pc.plots.frequency_recency(fitted.purchases, split.rfm, value=value, horizon="39 weeks")
    (mesh,) = (found for found in ax.collections if isinstance(found, QuadMesh))
    shown = np.asarray(mesh.get_array())
    age = split.rfm.frame["T"].max()
    x = np.arange(1, shown.shape[1] + 1)
    t_x = np.linspace(age / shown.shape[0], age, shown.shape[0])[:, None]
    model = fitted.purchases.model
    expected = {
        "expected_purchases": lambda: model.expected_purchases_after(39, x, t_x, age),
        "p_active": lambda: model.p_active_after(39, x, t_x, age),
        "p_alive": lambda: model.p_alive(x, t_x, age),
    }[value]()
    np.testing.assert_allclose(shown, expected)
    low, high = ax.get_ylim()
    assert (low, high) == pytest.approx((0, age), abs=0.5)
    if value != "expected_purchases":
        assert mesh.get_clim() == (0, 1)
    assert len(ax.figure.axes) == 2  # the second is the bar of colours, which says what is shown
    label = ax.figure.axes[1].get_ylabel()
    assert label == ("purchases" if value == "expected_purchases" else "probability")


def test_a_horizon_in_another_unit_is_converted(split, fitted):
    drawn = [
        pc.plots.frequency_recency(fitted.purchases, split.rfm, horizon=horizon).collections[0]
        for horizon in ("273 days", 39)
    ]
    np.testing.assert_allclose(*(mesh.get_array() for mesh in drawn))


def test_what_cannot_be_shown_is_refused(split, fitted, forecast):
    with pytest.raises(OptionError, match="value must be expected_purchases, p_active or p_alive"):
        pc.plots.frequency_recency(fitted.purchases, split.rfm, value="clv")
    with pytest.raises(DataError, match="pass the fit of purchases"):
        pc.plots.frequency_recency(fitted.spend, split.rfm)
    with pytest.raises(DataError, match="pass the fit of purchases"):
        pc.plots.repeat_histogram(fitted.spend, split.rfm)
    log = pc.datasets.load_cdnow()
    days = pc.rfm_summary(log[log["date"] <= "1997-09-30"], unit="day")
    with pytest.raises(DataError, match="use one unit"):
        pc.plots.frequency_recency(fitted.purchases, days)
    with pytest.raises(OptionError, match="could not be read"):
        pc.plots.frequency_recency(fitted.purchases, split.rfm, horizon="soon")
    assert not plt.get_fignums()  # an error leaves no empty figure behind


def test_a_holdout_in_which_nothing_came_can_still_be_drawn():
    log = pc.datasets.load_cdnow()
    newcomer = log.tail(1).assign(customer_id=9999, date=pd.Timestamp("1998-06-30"))
    log = pd.concat([log[log["date"] <= "1997-09-30"], newcomer], ignore_index=True)
    split = pc.holdout_split(log, calibration_end="1997-09-30")
    forecast = pc.CLVModel().fit(split.rfm).forecast(horizon=39, level=None)
    ax = pc.plots.holdout_by_frequency(forecast, split)
    assert "none came" in ax.get_title(loc="left")
    ax.figure.canvas.draw()
