"""Bands: as wide as chance and the parameters make them, and colours that one cohort leaves."""

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.collections import QuadMesh
from scipy.special import ndtri

import predclv as pc
from predclv.decisions import cohort_bands
from predclv.validation import tracking_bands
from predclv.validation.tracking import tracking


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def known_exactly(fit):
    return replace(fit, log_covariance=np.zeros_like(fit.log_covariance))


def test_the_band_of_chance_has_the_variance_of_the_models_own_distribution(bgnbd, cdnow_split):
    fit = known_exactly(bgnbd)
    found = tracking(
        {"m": fit}, cdnow_split.rfm, cdnow_split.holdout_end, level=0.9, period="39 weeks"
    )
    frame, n = cdnow_split.rfm.frame, np.arange(200)[:, None]
    ages, weight = np.unique(frame["T"].to_numpy() + 39.0, return_counts=True)
    pmf = fit.model.pmf(n, ages)
    variance = ((n**2 * pmf).sum(axis=0) - (n * pmf).sum(axis=0) ** 2) @ weight
    band = found.bands["m"].iloc[-1]
    width = band["cumulative_upper"] - band["cumulative_lower"]
    # 400 futures: the width of a 90% interval is known to some 6%.
    assert width == pytest.approx(2 * ndtri(0.95) * np.sqrt(variance), rel=0.2)
    middle = 0.5 * (band["cumulative_upper"] + band["cumulative_lower"])
    assert middle == pytest.approx(found.cumulative["m"].iloc[-1], abs=0.25 * width)


def test_what_is_not_known_of_the_parameters_widens_the_band(bgnbd, cdnow_split):
    fits = {"known": known_exactly(bgnbd), "fitted": bgnbd}
    bands = tracking(fits, cdnow_split.rfm, cdnow_split.holdout_end, level=0.9).bands
    widths = {n: (b["cumulative_upper"] - b["cumulative_lower"]).iloc[-1] for n, b in bands.items()}
    frame = cdnow_split.rfm.frame
    ages = frame["T"].to_numpy() + 39.0
    drawn = bgnbd.draws(200, seed=1)
    totals = [
        pc.BGNBD(*values).expected_purchases(ages).sum()
        for values in zip(*(drawn[name] for name in ("r", "alpha", "a", "b")), strict=True)
    ]
    parameters = 2 * ndtri(0.95) * np.std(totals)
    # 120 draws and 400 futures: the width is known to some 8%.
    assert widths["fitted"] == pytest.approx(np.hypot(widths["known"], parameters), rel=0.25)
    assert widths["fitted"] > 1.15 * widths["known"]


def test_a_sample_of_customers_gives_the_band_of_all(bgnbd, cdnow_split, monkeypatch):
    fit, until = known_exactly(bgnbd), cdnow_split.holdout_end
    whole = tracking({"m": fit}, cdnow_split.rfm, until, level=0.9).bands["m"].iloc[-1]
    monkeypatch.setattr(tracking_bands, "SAMPLE", 800)
    sampled = tracking({"m": fit}, cdnow_split.rfm, until, level=0.9).bands["m"].iloc[-1]
    for name in ("cumulative_lower", "cumulative_upper"):
        assert sampled[name] == pytest.approx(whole[name], rel=0.03)


def test_tracking_draws_its_band_and_says_what_it_holds(bgnbd, cdnow_split):
    ax = pc.plots.tracking(bgnbd, cdnow_split, cumulative=False)
    band = tracking({"m": bgnbd}, cdnow_split.rfm, cdnow_split.holdout_end, level=0.9).bands["m"]
    drawn = ax.collections[-1].get_paths()[0].vertices[:, 1]
    assert drawn.max() == pytest.approx(band["upper"].max())
    assert "90% if the model is right" in ax.get_xlabel()
    assert "Band" not in pc.plots.tracking(bgnbd, cdnow_split, level=None).get_xlabel()


@pytest.fixture(scope="module")
def carried(cdnow):
    cohorts = pc.historical.cohorts(cdnow)
    return cohorts, pc.CLVModel().fit(cdnow)


def test_bounds_of_cohorts_lie_around_what_is_expected(carried):
    frame = pc.cohort_forecast(*carried, periods=6).frame
    for name in ("revenue", "revenue_per_customer", "cumulative_revenue_per_customer"):
        assert (frame[f"{name}_lower"] < frame[name]).all()
        assert (frame[name] < frame[f"{name}_upper"]).all()


def test_a_sample_of_each_cohort_gives_the_bounds_of_all(carried, monkeypatch):
    whole = pc.cohort_forecast(*carried, periods=6).frame
    monkeypatch.setattr(cohort_bands, "_SAMPLE", 900)
    sampled = pc.cohort_forecast(*carried, periods=6).frame
    for side in ("lower", "upper"):
        name = f"revenue_{side}"
        # Other futures of other customers: ends of an interval from 400 of them.
        np.testing.assert_allclose(sampled[name], whole[name], rtol=0.2)


def test_a_rule_and_no_level_have_no_bounds(carried):
    cohorts, fitted = carried
    for found in (
        pc.cohort_forecast(cohorts, fitted, periods=2, level=None),
        pc.cohort_forecast(cohorts, pc.baselines.PastRate().fit(fitted.rfm), periods=2),
    ):
        assert found.level is None
        assert not [name for name in found.frame if name.endswith("_lower")]
        assert not pc.plots.cohort_curves(cohorts, forecast=found).collections


def test_a_cohort_curve_goes_on_in_its_band(carried):
    found = pc.cohort_forecast(*carried, periods=6)
    ax = pc.plots.cohort_curves(carried[0], forecast=found)
    assert len(ax.collections) == 3
    upper = found.wide("cumulative_revenue_per_customer_upper").to_numpy()
    highest = max(c.get_paths()[0].vertices[:, 1].max() for c in ax.collections)
    assert highest == pytest.approx(np.nanmax(upper))


def test_old_customers_in_the_first_cohort_leave_the_colours_to_the_others():
    rows = [("old", month, 5000.0) for month in range(1, 7)]
    rows += [(f"new {first}", month, 10.0) for first in (2, 3) for month in range(first, 7)]
    log = pd.DataFrame(rows, columns=["customer_id", "month", "amount"])
    log["date"] = pd.to_datetime(dict(year=2024, month=log["month"], day=28))
    cohorts = pc.historical.cohorts(log.drop(columns="month"), observation_end="2024-06-30")
    ax = pc.plots.cohort_heatmap(cohorts, "revenue_per_customer")
    (mesh,) = (c for c in ax.collections if isinstance(c, QuadMesh))
    assert mesh.get_clim() == (0.0, 10.0)
    assert "first cohort" in ax.get_xlabel()
    assert "5.0k" in [text.get_text() for text in ax.texts]
    alike = pc.plots.cohort_heatmap(cohorts, "active_share")
    assert "first cohort" not in alike.get_xlabel()
