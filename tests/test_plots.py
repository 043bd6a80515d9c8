"""Pictures: drawn where they are told, with the numbers of the tables, and without a trace."""

import subprocess
import sys
from dataclasses import replace
from functools import cache

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
from predclv.plots import style
from predclv.validation import tables
from predclv.validation.calibration import coverage_curve
from predclv.validation.deciles import calibration_table, outcomes
from predclv.validation.gains import gains_curve
from predclv.validation.histories import customer_history
from predclv.validation.interpurchase import interpurchase_times
from predclv.validation.metrics import gini, top_decile_capture
from predclv.validation.spread import value_histogram
from predclv.validation.tracking import tracking


@pytest.fixture(scope="module")
def split():
    return pc.holdout_split(pc.datasets.load_cdnow(), calibration_end="1997-09-30")


@pytest.fixture(scope="module")
def fitted(split):
    return pc.CLVModel().fit(split.rfm)


@pytest.fixture(scope="module")
def forecast(split, fitted):
    return fitted.forecast(horizon=split.duration, level=None, discount_rate=0.0)


LONG = "everyone the same, <whoever> they are & $5 a head, all year round"


@pytest.fixture(scope="module")
def validation(split, fitted):
    """A model, a rule, and a rule of one number for all with an awkward name."""
    return pc.validate(
        {"BG/NBD": fitted, "past rate": pc.baselines.PastRate(), LONG: pc.baselines.MeanRate()},
        split,
        seed=1,
    )


@pytest.fixture(scope="module")
def rules(split):
    """Baselines alone: no distribution and no curve anywhere."""
    return pc.validate({"past rate": pc.baselines.PastRate()}, split)


@pytest.fixture(scope="module")
def pictures(split, fitted, forecast, validation):
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
        "calibration": lambda ax=None: pc.plots.calibration(validation, ax=ax),
        "clv_distribution": lambda ax=None: pc.plots.clv_distribution(forecast, ax=ax),
        "coverage_curve": lambda ax=None: pc.plots.coverage_curve(validation, ax=ax),
        "customer_history": lambda ax=None: pc.plots.customer_history(
            fitted, split, 1516, silent_for="26 weeks", ax=ax
        ),
        "gains": lambda ax=None: pc.plots.gains(validation, ax=ax),
        "holdout_by_recency": lambda ax=None: pc.plots.holdout_by_recency(validation, ax=ax),
        "interpurchase_times": lambda ax=None: pc.plots.interpurchase_times(
            split.rfm, fitted, ax=ax
        ),
        "pit_histogram": lambda ax=None: pc.plots.pit_histogram(validation, ax=ax),
        "regularity": lambda ax=None: pc.plots.regularity(split, ax=ax),
        "timings": lambda ax=None: pc.plots.timings(split, ax=ax),
        "tracking": lambda ax=None: pc.plots.tracking(validation, ax=ax),
        "tracking_incremental": lambda ax=None: pc.plots.tracking(
            validation, cumulative=False, ax=ax
        ),
        "holdout_of_several": lambda ax=None: pc.plots.holdout_by_frequency(validation, ax=ax),
    }


@pytest.fixture(scope="module")
def alone(pictures):
    """A function of a picture's name: its own Axes, and what else its drawing left, made once."""

    @cache
    def drawn(name):
        plt.close("all")
        before = mpl.rcParams.copy()
        ax = pictures[name]()
        left = len(plt.get_fignums()), mpl.rcParams == before
        ax.figure.canvas.draw()
        return ax, *left

    return drawn


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


NAMES = [
    "repeat_histogram", "frequency_recency", "holdout_by_frequency", "calibration",
    "clv_distribution", "coverage_curve", "customer_history", "gains", "holdout_by_recency",
    "interpurchase_times", "pit_histogram", "tracking", "tracking_incremental",
    "holdout_of_several", "regularity", "timings",
]  # fmt: skip


def heights(ax):
    """Heights of the bars by legend entry."""
    return {bars.get_label(): [bar.get_height() for bar in bars] for bars in ax.containers}


def test_these_are_all_the_pictures_there_are(pictures):
    assert set(NAMES) == set(pictures)
    variants = {"tracking_incremental", "holdout_of_several"}
    of_several_panels = {"compare", "parameter_densities"}
    elsewhere = {
        name for name in pc.plots.__all__
        if getattr(pc.plots, name).__module__.rpartition(".")[2]
        in ("segments", "cohorts", "campaigns", "drivers", "clock", "schedule", "contracts",
            "effects")
    }  # fmt: skip
    assert set(NAMES) - variants == set(pc.plots.__all__) - of_several_panels - elsewhere


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_drawn_on_the_axes_it_is_given(pictures, name):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert pictures[name](right) is right
    assert right.has_data()
    assert not left.has_data()
    assert not plt.get_fignums()  # and no figure of pyplot's was made beside it


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_makes_its_own_axes_where_none_are_given(alone, name):
    ax, figures, _ = alone(name)
    assert isinstance(ax, Axes)
    assert figures == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_has_a_title_and_labels(alone, name):
    ax, *_ = alone(name)
    assert ax.get_title(loc="left")
    assert ax.get_xlabel()
    assert ax.get_ylabel()


@pytest.mark.parametrize("name", NAMES)
def test_drawing_leaves_the_settings_of_matplotlib_as_they_are(alone, name):
    *_, as_before = alone(name)
    assert as_before


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
    with pytest.raises(DataError, match="wants a fit of purchases"):
        pc.plots.frequency_recency(fitted.spend, split.rfm)
    with pytest.raises(DataError, match="wants a fit of purchases"):
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


# Several forecasters in one picture ---------------------------------------------------------------


def lines(ax):
    """Lines by the beginning of their legend entry."""
    return {line.get_label().split(":")[0].split(" (")[0]: line for line in ax.lines}


def title(ax):
    return " ".join(ax.get_title(loc="left").split())


def test_points_and_intervals_of_calibration_are_the_numbers_of_its_table(validation):
    ax = pc.plots.calibration(validation, by="quintile")
    predicted, actual = outcomes(validation.forecasts, validation.split, "purchases")
    drawn = {bars.get_label().split(":")[0]: bars for bars in ax.containers}
    assert set(drawn) == {"BG/NBD", "past rate", style.short(LONG)}
    for name, said in predicted.items():
        table = calibration_table(said, actual, 5, 0.9)
        points, _, (bars,) = drawn[style.short(name)].lines
        np.testing.assert_allclose(points.get_xdata().astype(float), table["predicted"])
        np.testing.assert_allclose(points.get_ydata().astype(float), table["actual"])
        ends = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(ends, table[["lower", "upper"]])


def test_the_title_of_calibration_says_who_is_nearest(validation, split, fitted):
    assert "BG/NBD is nearest to the line" in title(pc.plots.calibration(validation))
    alone = pc.validate({"BG/NBD": fitted}, split, seed=1)
    predicted, actual = outcomes(alone.forecasts, split, "spend")
    last = calibration_table(predicted["BG/NBD"], actual).iloc[-1]
    said = title(pc.plots.calibration(alone, value="spend"))
    assert f"{last['predicted']:,.0f} of spend forecast per customer, {last['actual']:,.0f}" in said


def test_bars_and_markers_of_the_holdout_are_the_numbers_of_the_table(validation):
    ax = pc.plots.holdout_by_frequency(validation, most=4)
    table = tables.holdout_by_frequency(dict(validation.forecasts), validation.split, most=4)
    np.testing.assert_allclose(heights(ax)["actual"], table["actual"])
    for name in validation.forecasts:
        np.testing.assert_allclose(lines(ax)[style.short(name)].get_ydata(), table[name])
    assert "1,882 came; nearest, BG/NBD forecast 1,653 (-12%)" in title(ax)


def test_markers_by_recency_are_the_numbers_of_the_table(validation):
    for by in ("recency", "hiatus"):
        ax = pc.plots.holdout_by_recency(validation, by=by)
        table = tables.holdout_by_recency(dict(validation.forecasts), validation.split, by=by)
        np.testing.assert_allclose(heights(ax)["actual"], table["actual"])
        for name in validation.forecasts:
            np.testing.assert_allclose(lines(ax)[style.short(name)].get_ydata(), table[name])


@pytest.mark.parametrize("cumulative", [True, False])
def test_curves_of_tracking_are_the_numbers_of_its_table(validation, split, fitted, cumulative):
    ax = pc.plots.tracking(validation, cumulative=cumulative)
    found = tracking({"BG/NBD": fitted.purchases}, split.rfm, split.holdout_end)
    table = found.cumulative if cumulative else found.frame
    np.testing.assert_allclose(lines(ax)["actual"].get_ydata(), table["actual"])
    np.testing.assert_allclose(lines(ax)["BG/NBD"].get_ydata(), table["BG/NBD"])
    (label,) = (line.get_label() for line in ax.lines if "BG/NBD" in line.get_label())
    # The two errors stand side by side, named apart.
    assert label == (
        "BG/NBD: 2.6% off (its forecast of the holdout: -12%)" if cumulative else "BG/NBD: 19% off"
    )


def test_tracking_takes_fits_as_they_come(split, fitted):
    drawn = [
        lines(pc.plots.tracking(*args))["BG/NBD"].get_ydata()
        for args in (
            (fitted, split), (fitted.purchases, split), ({"BG/NBD": fitted}, split),
            ({"BG/NBD": fitted.purchases}, split),
        )
    ]  # fmt: skip
    for others in drawn[1:]:
        np.testing.assert_array_equal(drawn[0], others)
    within = pc.plots.tracking(fitted)
    assert len(lines(within)["actual"].get_ydata()) == 39
    assert "expects 2,494 repeat purchases of 2,357 customers; 2,457 were made" in title(within)


def test_bars_of_the_pit_are_shares_of_the_pit(validation):
    ax = pc.plots.pit_histogram(validation, bins=5, seed=3)
    expected = np.histogram(validation.pit("BG/NBD", 3), 5, (0, 1))[0] * 5 / 2357
    np.testing.assert_allclose(lines(ax)["BG/NBD"].get_ydata(), expected)


def test_the_coverage_curve_is_that_of_its_table(validation, split):
    ax = pc.plots.coverage_curve(validation)
    counts = validation.forecasts["BG/NBD"].counts()
    table = coverage_curve(counts, split.frame["frequency_holdout"].to_numpy())
    np.testing.assert_allclose(lines(ax)["BG/NBD"].get_ydata(), table["randomised"])
    held = validation.frame.at["BG/NBD", "coverage"]
    (label,) = (line.get_label() for line in ax.lines if "BG/NBD" in line.get_label())
    assert f"90% interval holds {held:.1%}" in label


@pytest.mark.parametrize("value", ["purchases", "spend"])
def test_gains_are_the_numbers_of_their_curve(validation, split, value):
    ax = pc.plots.gains(validation, value=value)
    predicted, actual = outcomes(validation.forecasts, split, value)
    for name, said in predicted.items():
        line = lines(ax)[style.short(name)]
        np.testing.assert_allclose(line.get_ydata(), gains_curve(said, actual)["captured"])
        assert line.get_label().endswith(f"Gini {gini(said, actual):.2f}")
    best = max(top_decile_capture(said, actual) for said in predicted.values())
    perfect = top_decile_capture(actual, actual)
    assert f"{best:.0%} of {value}, perfect would be {perfect:.0%}" in title(ax)


def test_baselines_have_no_place_in_pictures_of_chances_and_are_named_there(validation, rules):
    for picture in (pc.plots.pit_histogram, pc.plots.coverage_curve, pc.plots.tracking):
        said = " ".join(picture(validation).get_xlabel().split())
        assert "not shown: past rate and everyone the same" in said
        with pytest.raises(DataError, match="baseline"):
            picture(rules)
    for picture in (pc.plots.calibration, pc.plots.gains, pc.plots.holdout_by_frequency):
        picture(rules).figure.canvas.draw()


def test_without_spend_forecasters_are_named_and_left_out(split, fitted):
    counts = pc.CLVModel(spend=None).fit(split.rfm)
    both = pc.validate({"with": fitted, "without": counts}, split, seed=1)
    for picture in (pc.plots.calibration, pc.plots.gains):
        ax = picture(both, value="spend")
        assert "not shown: without" in ax.get_xlabel()
        with pytest.raises(OptionError, match="purchases or spend"):
            picture(both, value="money")


def test_forecasters_look_different_and_alike_in_all_pictures(validation):
    six = style.looks("abcdef").values()
    assert len({look.colour for look in six}) == 6
    assert len({look.marker for look in six}) == 6
    assert len({str(look.line) for look in six}) == 6
    expected = style.looks(validation.forecasts)["past rate"]
    for picture in (pc.plots.gains, pc.plots.holdout_by_frequency):
        line = lines(picture(validation))["past rate"]
        assert (line.get_color(), line.get_marker()) == (expected.colour, expected.marker)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_runs_out_of_the_picture_or_over_another(alone, name):
    ax, *_ = alone(name)
    figure = ax.figure
    texts = [ax._left_title, ax.xaxis.label, ax.yaxis.label]
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        texts += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    boxes = [text.get_window_extent() for text in texts if text.get_text().strip()]
    assert len(boxes) > 6
    for box in boxes:
        assert -1 <= box.x0 <= box.x1 <= figure.bbox.x1 + 1
        assert -1 <= box.y0 <= box.y1 <= figure.bbox.y1 + 1
    for i, one in enumerate(boxes):
        for other in boxes[i + 1 :]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            up = min(one.y1, other.y1) - max(one.y0, other.y0)
            assert min(across, up) <= 1.0  # a pixel of antialiasing


def test_long_names_are_cut_and_dollars_stay_dollars():
    assert style.short(LONG) == "everyone the same, <whoev\N{HORIZONTAL ELLIPSIS}"
    assert style.short("$5 or $10") == r"\$5 or \$10"
    assert "x" * 200 in style.fitting(f"a {'x' * 200} b", 400.0)
    assert max(map(len, style.fitting("word " * 40, 180.0).split("\n"))) < 45
    assert style.fitting("\u4e00", 180.0) == "\u4e00"  # no glyph of Matplotlib's own


def test_numbers_in_titles_have_no_powers_of_ten():
    assert [style.amount(v) for v in (0, 0.0123, 8.126, 1119.4, 2.02e6)] == [
        "0", "0.012", "8.13", "1,119", "2,020,000",
    ]  # fmt: skip
    assert [style.chance(p) for p in (0, 0.001, 0.5, 0.9999, 1)] == [
        "0%", "below 1%", "50%", "over 99%", "100%",
    ]  # fmt: skip


# One customer, value, gaps, parameters ------------------------------------------------------------


def test_the_curve_of_a_history_and_its_ticks_are_its_numbers(split, fitted):
    ax = pc.plots.customer_history(fitted, split.rfm, 1516, silent_for="26 weeks")
    found = customer_history(fitted.purchases, split.rfm, 1516, silent_for="26 weeks")
    seen = found.frame["is_observed"]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), found.frame.loc[seen, "p_alive"])
    beyond = found.frame["p_alive"].iloc[seen.sum() - 1 :]  # from the last observed day on
    np.testing.assert_allclose(ax.lines[1].get_ydata(), beyond)
    (ticks,) = (c for c in ax.collections if c.get_label() == "purchases")
    assert len(ticks.get_segments()) == len(found.purchases) == 27
    assert "27 purchases; P(alive) is 97% on 1997-09-30, below 50% from 1997-11" in title(ax)


def test_bars_of_value_are_the_numbers_of_their_table(forecast):
    ax = pc.plots.clv_distribution(forecast, bins=12)
    values = forecast.frame["clv"].to_numpy()
    np.testing.assert_allclose(
        [bar.get_height() for bar in ax.containers[0]], value_histogram(values, 12)["customers"]
    )
    assert f"The top decile holds {top_decile_capture(values, values):.0%} of CLV" in title(ax)


def test_bars_of_gaps_are_shares_of_the_gaps(split, fitted):
    ax = pc.plots.interpurchase_times(split.rfm, fitted, bins=10)
    found = interpurchase_times(split.rfm)
    drawn = heights(ax)["observed, 2,457 times"]
    assert sum(drawn) == pytest.approx(1.0)
    width = ax.containers[0][0].get_width()
    assert drawn[0] == pytest.approx((found.times <= width + 0.01).mean())
    assert "at random" in title(ax)
    pc.plots.interpurchase_times(split.rfm).figure.canvas.draw()


def test_densities_of_parameters_are_of_the_draws(fitted):
    fit = fitted.purchases
    drawn = np.column_stack(list(fit.draws(3000, seed=5).values()))
    posterior = replace(fit, engine="pymc", method="nuts", replicates=drawn[None])
    panels = pc.plots.parameter_densities({"mle": fit, "posterior": posterior}, seed=5)
    assert [panel.get_xlabel().split(",")[0] for panel in panels] == list(fit.params)
    for k, (panel, estimate) in enumerate(zip(panels, fit.params.values(), strict=True)):
        curves = {line.get_label(): line for line in panel.lines}
        for label in ("mle", "posterior"):
            x, y = curves[label].get_data()
            assert np.trapezoid(y, x) == pytest.approx(1.0, abs=0.01)
            # A kernel density has the mean of its draws, but for the tails that it adds.
            assert np.trapezoid(x * y, x) == pytest.approx(drawn[:, k].mean(), rel=0.02)
        dots = [line.get_xdata()[0] for line in panel.lines if line.get_marker() != "None"]
        assert dots == pytest.approx([estimate, estimate])
    assert len(plt.get_fignums()) == 1
    given = Figure().subplots(2, 2)
    assert pc.plots.parameter_densities(fit, ax=given)[3] is given[1, 1]


def test_fits_that_cannot_be_compared_are_refused(fitted):
    fit = fitted.purchases
    with pytest.raises(DataError, match="one model in one unit"):
        pc.plots.parameter_densities([fit, fitted.spend])
    with pytest.raises(DataError, match="one model in one unit"):
        pc.plots.parameter_densities([fit, replace(fit, unit="day")])
    with pytest.raises(OptionError, match="4 Axes are needed; got 2"):
        pc.plots.parameter_densities(fit, ax=Figure().subplots(1, 2))
    with pytest.raises(DataError, match="wants a Fit, a FittedCLV"):
        pc.plots.parameter_densities([fit, fitted.rfm])
    with pytest.raises(OptionError, match="no fit to show"):
        pc.plots.parameter_densities([])


def test_what_a_limit_holds_fixed_is_a_line(fitted):
    fit = replace(fitted.purchases, log_covariance=np.zeros((4, 4)))
    for panel in pc.plots.parameter_densities(fit):
        assert panel.lines[0].get_xdata()[0] == panel.lines[1].get_xdata()[0]


# A page of pictures -------------------------------------------------------------------------------


def test_a_page_holds_the_chosen_pictures(validation):
    figure = pc.plots.compare(validation, which=("gains", "calibration", "tracking"))
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 3
    assert "Top decile" in figure.axes[0].get_title(loc="left")
    assert "3 forecasters of 2,357 customers over 39 weeks" in figure.get_suptitle()
    figure.canvas.draw()
    assert len(pc.plots.compare(validation).axes) == 4


def test_a_page_says_what_it_cannot_show(rules):
    figure = pc.plots.compare(rules, which=("coverage_curve", "gains"))
    assert "No forecaster here states a distribution" in figure.axes[0].texts[0].get_text()
    assert figure.axes[1].has_data()


def test_unknown_pictures_and_groups_are_refused(validation, forecast):
    with pytest.raises(OptionError, match="Did you mean 'gains'"):
        pc.plots.compare(validation, which=["gain"])
    with pytest.raises(OptionError, match="at least one picture"):
        pc.plots.compare(validation, which=[])
    with pytest.raises(OptionError, match="Did you mean 'decile'"):
        pc.plots.calibration(validation, by="deciles")
    with pytest.raises(OptionError, match="pass both"):
        pc.plots.holdout_by_frequency(forecast)
    with pytest.raises(OptionError, match="bins must be at least 2"):
        pc.plots.pit_histogram(validation, bins=1)
    with pytest.raises(OptionError, match="pass the split or the RFM"):
        pc.plots.tracking(validation.fits["BG/NBD"].purchases)
    with pytest.raises(OptionError, match="got Forecast"):
        pc.plots.tracking(forecast, validation.split)
    assert not plt.get_fignums()
