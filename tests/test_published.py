"""Parameters and likelihoods printed in papers and other packages' documents, found again."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from printed import WEEKLY, agrees

import predclv as pc

# --- the data ------------------------------------------------------------------------------------


def test_the_cdnow_sample_is_the_papers_sample(cdnow, cdnow_split, cdnow_log):
    # Fader, Hardie & Lee 2005, section 4: 2,357 customers, T from 27.000 to 38.857 weeks.
    frame = cdnow.frame
    assert len(frame) == 2357
    assert frame["frequency"].sum() == 2457
    assert (frame["frequency"] == 0).sum() == 1411
    assert frame["T"].min() == 27.0
    assert agrees(frame["T"].max(), "38.857")
    assert cdnow_split.frame["frequency_holdout"].sum() == 1882
    days = cdnow_log.drop_duplicates(["customer_id", "date"])
    assert len(days) - 2357 == 4339  # the cumulative repeat purchases of week 78


def test_observing_and_splitting_see_the_same_calibration_period(cdnow, cdnow_split):
    pd.testing.assert_frame_equal(cdnow.frame, cdnow_split.rfm.frame)


# --- parameters and likelihoods ------------------------------------------------------------------


# Digits of every kind of fit: model, parameters as printed, log-likelihood as printed, source.
PRINTED_FITS = [
    pytest.param(
        pc.BGNBD,
        {"r": ".243", "alpha": "4.414", "a": ".793", "b": "2.426"},
        "-9582.4",
        id="BG/NBD, Fader, Hardie & Lee 2005, table 2",
    ),
    pytest.param(
        pc.BGNBD,
        {"r": ".2425945", "alpha": "4.413602", "a": ".792922", "b": "2.425907"},
        "-9582.429",
        id="BG/NBD, R package CLVTools, within its optimiser's tolerance",
    ),
    pytest.param(
        pc.MBGNBD,
        {"r": ".525", "alpha": "6.183", "a": ".891", "b": "1.614"},
        "-9582.136",
        id="MBG/NBD, tests of the Python package lifetimes",
    ),
    pytest.param(
        pc.ParetoNBD,
        {"r": ".553", "alpha": "10.578", "s": ".606", "beta": "11.669"},
        "-9595.0",
        id="Pareto/NBD, Fader, Hardie & Lee 2005, table 2",
    ),
    pytest.param(
        pc.GammaGamma,
        {"p": "6.25", "q": "3.74", "v": "15.44"},
        "-4055.9177",
        id="Gamma-Gamma, note 025; log-likelihood of R package CLVTools",
    ),
]
# Maxima found in 40 to 50 digits, standard errors from the Hessian there; CLVTools agrees with
# what it prints. (estimate, standard error) per parameter, then the log-likelihood.
MANY_DIGITS = [
    pytest.param(
        pc.BGNBD,
        {
            "r": (0.2425945224301571, ".01255738"),
            "alpha": (4.413602019013504, ".3782241"),
            "a": (0.7929220172255976, ".1857338"),
            "b": (2.425906776826332, ".7054143"),
        },
        "-9582.4292066739",
        id="BG/NBD",
    ),
    pytest.param(
        pc.ParetoNBD,
        {
            "r": (0.5532770468531796, ".04762793"),
            "alpha": (10.57768346330231, ".8427225"),
            "s": (0.6062399891278263, ".1872813"),
            "beta": (11.66873528885501, "6.211114"),
        },
        "-9594.9761789395",
        id="Pareto/NBD",
    ),
    pytest.param(
        pc.GammaGamma,
        {
            "p": (6.249572271323756, "1.190055"),
            "q": (3.744224667132025, ".2901331"),
            "v": (15.44352096258924, "4.159423"),
        },
        "-4055.9176948019",
        id="Gamma-Gamma",
    ),
]


@pytest.fixture
def fits(bgnbd, mbgnbd, pareto, gamma_gamma):
    return {
        pc.BGNBD: bgnbd, pc.MBGNBD: mbgnbd, pc.ParetoNBD: pareto, pc.GammaGamma: gamma_gamma
    }  # fmt: skip


@pytest.mark.parametrize(("model", "parameters", "log_likelihood"), PRINTED_FITS)
def test_cdnow_is_fitted_with_the_printed_parameters(fits, model, parameters, log_likelihood):
    fit = fits[model]
    assert all(agrees(fit.params[name], printed) for name, printed in parameters.items())
    assert agrees(fit.log_likelihood, log_likelihood)


@pytest.mark.parametrize(("model", "parameters", "log_likelihood"), MANY_DIGITS)
def test_cdnow_is_fitted_to_many_digits(fits, model, parameters, log_likelihood):
    fit = fits[model]
    summary = fit.summary()
    for name, (estimate, std_error) in parameters.items():
        # A gradient at rounding noise leaves about ten digits of the place of a maximum.
        assert fit.params[name] == pytest.approx(estimate, rel=1e-9)
        assert agrees(summary.loc[name, "std_error"], std_error)
    # A sum of 2,357 terms of size 5 in double precision: eleven digits after the first.
    assert fit.log_likelihood == pytest.approx(float(log_likelihood), abs=1e-9)


# (x, t_x in days, T in days) of customers in the spreadsheet of the BG/NBD note, and the natural
# logarithm of the likelihood that it shows for them at the paper's optimum.
SPREADSHEET = {
    1: ((2, 30.43, 38.86), "-9.4596"),
    2: ((1, 1.71, 38.86), "-4.4711"),
    3: ((0, 0.00, 38.86), "-.5538"),
    6: ((7, 29.43, 38.86), "-21.8644"),
    7: ((1, 5.00, 38.86), "-4.8651"),
    9: ((2, 35.71, 38.86), "-9.5367"),
    2355: ((0, 0.00, 27.00), "-.4761"),
    2356: ((4, 26.57, 27.00), "-14.1284"),
    2357: ((0, 0.00, 27.00), "-.4761"),
}


@pytest.mark.parametrize("customer", SPREADSHEET)
def test_customers_have_the_likelihood_shown_in_the_spreadsheet(cdnow, bgnbd, customer):
    # Fader & Hardie 2005, "Implementing the BG/NBD model for customer base analysis in Excel".
    shown, printed = SPREADSHEET[customer]
    row = cdnow.frame.set_index("customer_id").loc[customer]
    history = tuple(row[["frequency", "recency", "T"]])
    assert tuple(round(value, 2) for value in history) == shown
    assert agrees(bgnbd.model.log_likelihood(*history), printed)


def test_the_whole_cdnow_master_file_is_fitted_as_published_for_the_sample(cdnow_master_split):
    # An independent likelihood in plain NumPy, which reproduces the papers' figures on the sample.
    fit = pc.fit(pc.BGNBD, cdnow_master_split.rfm)
    assert fit.n_customers == 23_570
    printed = {"r": ".2516", "alpha": "4.7889", "a": ".7234", "b": "2.1611"}
    assert all(agrees(fit.params[name], value) for name, value in printed.items())
    assert agrees(fit.log_likelihood, "-95368.44")
    history = [cdnow_master_split.rfm.frame[name] for name in ("frequency", "recency", "T")]
    expected = fit.model.expected_purchases_after(39.0, *history)
    actual = cdnow_master_split.frame["frequency_holdout"]
    assert actual.sum() == 19_684
    # 16,873.751 comes from a fit that stops within 1e-6 of the maximum.
    assert expected.sum() == pytest.approx(16_873.751, rel=2e-6)
    assert agrees(np.mean(np.abs(expected - actual)), ".818742")
    assert agrees(np.sqrt(np.mean((expected - actual) ** 2)), "1.732911")


# --- what goes wrong with another convention: the same independent likelihood --------------------


@pytest.mark.parametrize(
    ("days", "printed"),
    [
        pytest.param(1.0, "-9589.89", id="T measured to 1997-10-01"),
        pytest.param(0.5, "-9586.17", id="T half a day too long"),
    ],
)
def test_a_longer_observation_loses_the_published_likelihood(cdnow, days, printed):
    frame = cdnow.frame.assign(T=cdnow.frame["T"] + days / 7)
    assert agrees(pc.fit(pc.BGNBD, pc.RFM.from_frame(frame, unit="week")).log_likelihood, printed)


def test_purchases_not_merged_by_day_lose_the_published_likelihood(cdnow, cdnow_log):
    calibration = cdnow_log[cdnow_log["date"] <= "1997-09-30"]
    rows = calibration.groupby("customer_id").size().to_numpy() - 1
    frame = cdnow.frame.assign(frequency=rows)
    assert frame["frequency"].sum() == 2603
    model_cells = pc.Cells(
        *(frame[name].to_numpy(float) for name in ("frequency", "recency", "T")),
        weight=np.ones(len(frame), dtype=np.int64),
        unit="week",
    )
    assert agrees(pc.fit(pc.BGNBD, model_cells).log_likelihood, "-9743.89")


def lifetimes_file(name: str) -> Path:
    folder = importlib.util.find_spec("lifetimes").submodule_search_locations[0]
    return Path(folder) / "datasets" / name


def test_the_rounded_summary_inside_lifetimes_has_other_likelihoods():
    # Its times have two decimals: maxima found in 40 digits on that file.
    frame = pd.read_csv(lifetimes_file("cdnow_customers_summary.csv"))
    rfm = pc.RFM.from_frame(frame, customer_id="ID", unit="week")
    assert agrees(pc.fit(pc.BGNBD, rfm).log_likelihood, "-9582.42556")
    frame = pd.read_csv(lifetimes_file("cdnow_customers_summary_with_transactions.csv"))
    frame.columns = ["customer_id", "frequency", "recency", "T", "monetary_value"]
    spend = pc.fit(pc.GammaGamma, pc.RFM.from_frame(frame, unit="week"))
    assert agrees(spend.log_likelihood, "-4055.92324")


# --- MBG/NBD and Pareto/NBD ----------------------------------------------------------------------


def test_the_whole_cdnow_master_file_is_fitted_by_the_family(cdnow_master_split):
    # An independent likelihood in plain NumPy; holdout and DERT from maxima in many digits.
    rfm = cdnow_master_split.rfm
    mbg, pareto = pc.fit(pc.MBGNBD, rfm), pc.fit(pc.ParetoNBD, rfm)
    printed = {"r": 0.6371, "alpha": 7.3103, "a": 0.8075, "b": 1.2284}
    assert mbg.params == pytest.approx(printed, abs=1e-4)
    assert agrees(mbg.log_likelihood, "-95336.96")
    printed = {"r": 0.5974, "alpha": 11.5857, "s": 0.5222, "beta": 8.8278}
    assert pareto.params == pytest.approx(printed, abs=2e-4)
    assert agrees(pareto.log_likelihood, "-95415.12")
    columns = [rfm.frame[name] for name in ("frequency", "recency", "T")]
    expected = pareto.model.expected_purchases_after(39.0, *columns)
    actual = cdnow_master_split.frame["frequency_holdout"]
    # Printed at an optimum on the ridge of s and beta that is 1e-5 off in the sum; here the
    # gradient vanishes.
    assert expected.sum() == pytest.approx(17_152.9997, rel=2e-5)
    assert np.mean(np.abs(expected - actual)) == pytest.approx(0.793761, rel=2e-5)
    assert np.sqrt(np.mean((expected - actual) ** 2)) == pytest.approx(1.726155, rel=2e-5)
    worth = pareto.model.discounted_purchases_after(np.inf, WEEKLY, *columns)
    assert worth.sum() == pytest.approx(80_364.146, rel=2e-5)
