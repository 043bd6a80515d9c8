"""Models side by side: what the comparison says, and what it refuses."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

import predclv as pc
from predclv.errors import FitError, OptionError

FAMILY = [pc.BGNBD, pc.MBGNBD, pc.ParetoNBD]


@pytest.fixture(scope="module")
def compared(cdnow):
    return pc.compare_fits(cdnow, FAMILY)


def test_cdnow_is_described_best_by_mbgnbd_and_worst_by_paretonbd(compared):
    assert compared.frame.index.tolist() == ["MBG/NBD", "BG/NBD", "Pareto/NBD"]
    assert compared.best == "MBG/NBD"
    likelihoods = compared.frame["log_likelihood"]
    # Fader, Hardie & Lee 2005, table 2; CLVTools; lifetimes' test of MBG/NBD.
    assert likelihoods.to_dict() == pytest.approx(
        {"BG/NBD": -9582.429, "MBG/NBD": -9582.136, "Pareto/NBD": -9594.976}, abs=5e-4
    )
    assert list(compared.fits) == compared.frame.index.tolist()


def test_the_criteria_are_those_of_the_fits(compared):
    for title, row in compared.frame.iterrows():
        fit = compared.fits[title]
        assert (row["aic"], row["bic"]) == (fit.aic, fit.bic)
        assert row["aic_above_best"] == pytest.approx(fit.aic - compared.fits["MBG/NBD"].aic)
        values = [float(part.split()[1]) for part in row["parameters"].split(", ")]
        assert values == pytest.approx(list(fit.params.values()), rel=1e-3)


def test_the_histograms_fit_as_the_paper_says(compared):
    # Fader, Hardie & Lee 2005, p. 281: chi-square 4.82, p = .19; Pareto/NBD 11.99, p = .007.
    frame = compared.frame
    assert frame.loc["BG/NBD", "chi_square"] == pytest.approx(4.82, abs=0.005)
    assert frame.loc["BG/NBD", "p_value"] == pytest.approx(0.19, abs=0.005)
    assert frame.loc["Pareto/NBD", "chi_square"] == pytest.approx(11.99, abs=0.005)
    assert frame.loc["Pareto/NBD", "p_value"] == pytest.approx(0.007, abs=0.0005)
    table = compared.histogram
    assert table.columns.tolist() == ["actual", *frame.index]
    off = (table[frame.index].sub(table["actual"], axis=0) ** 2 / table[frame.index]).sum()
    assert off.to_numpy() == pytest.approx(frame["chi_square"].to_numpy())
    assert frame["p_value"].to_numpy() == pytest.approx(chi2.sf(off, 3))


def test_the_note_says_what_is_no_difference_and_what_fit_does_not_tell(compared):
    assert "MBG/NBD has the smallest AIC; BG/NBD within 2" in compared.note
    assert "Pareto/NBD" not in compared.note
    assert "rejects" not in compared.note
    assert "pc.backtest" in compared.note


def test_many_customers_reject_every_model_and_the_note_says_so():
    # 50,000 customers of two kinds, which no member of the family is.
    rng = np.random.default_rng(1)
    T = np.full(50_000, 39.0)
    slow, fast = pc.BGNBD(2.0, 60.0, 0.5, 9.0), pc.BGNBD(20.0, 60.0, 2.0, 3.0)
    parts = [model.simulate(T[:25_000], rng) for model in (slow, fast)]
    x, t_x = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    t_x = np.where(x > 0, np.clip(t_x.round(1), 0.1, T), 0.0)
    frame = pd.DataFrame({"customer_id": np.arange(x.size), "frequency": x, "recency": t_x, "T": T})
    found = pc.compare_fits(pc.RFM.from_frame(frame, unit="week"), FAMILY)
    assert (found.frame["p_value"] < 1e-6).all()
    assert "rejects every model" in found.note
    assert "50,000" in found.note


def test_a_notebook_sees_the_best_marked(compared):
    html = compared._repr_html_()
    assert re.search(r"<th>MBG/NBD \*</th>", html)
    assert "smallest AIC" in html
    assert "-9,582.14" in html
    assert "smallest AIC" in repr(compared)


def test_one_model_and_another_engine_can_be_asked_for(cdnow):
    found = pc.compare_fits(cdnow, [pc.MBGNBD], engine="pymc", method="map")
    assert found.frame.index.tolist() == ["MBG/NBD"]
    assert found.fits["MBG/NBD"].engine == "pymc"


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ([], "got none"),
        ([pc.GammaGamma], "models of purchases"),
        (["GammaGamma"], "models of purchases"),
        ([pc.BGNBD, pc.MBGNBD, pc.BGNBD], "BG/NBD twice"),
    ],
)
def test_what_cannot_be_compared_is_refused(cdnow, models, words):
    with pytest.raises(OptionError, match=words):
        pc.compare_fits(cdnow, models)


def test_customers_who_never_come_back_cannot_be_compared():
    frame = pd.DataFrame({"customer_id": [1, 2], "frequency": 0, "recency": 0.0, "T": 39.0})
    with pytest.raises(FitError, match="second time"):
        pc.compare_fits(pc.RFM.from_frame(frame, unit="week"), FAMILY)
