"""What cannot be: covariates that say nothing, name customers, or are asked for impossibly."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from patterned import with_covariates

import predclv as pc
from predclv.errors import AssumptionWarning, DataError, OptionError
from predclv.samples.patterns import Patterns


@pytest.fixture(scope="module")
def known():
    rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    rng, n = np.random.default_rng(5), len(pc.datasets.load_cdnow()["customer_id"].unique())
    channel = rng.choice(["shop", "web", "app"], n)
    table = pd.DataFrame(
        {
            "customer_id": rfm.frame["customer_id"],
            "channel": channel,
            "online": np.where(channel == "shop", 0.0, 1.0),
            "same": 3.0,
            "country": "DE",
            "age": rng.normal(45.0, 12.0, n).round(2),
        }
    )
    return with_covariates(rfm, table)


@pytest.mark.parametrize(
    ("covariates", "error", "told"),
    [
        ({"rate": ["same"]}, DataError, "'same' is 3 for all customers"),
        ({"rate": ["country"]}, DataError, "'country' is 'DE' for all customers"),
        ({"rate": ["channel", "online"]}, DataError, r"'online' follows from 'channel\["),
        ({"rate": ["chanel"]}, DataError, "no covariate 'chanel'.*Did you mean 'channel'"),
        ({"rate": "channel"}, OptionError, "must be a list of columns"),
        ({"rate": []}, OptionError, "is empty"),
        ({"rate": ["age", "age"]}, OptionError, "twice"),
        ({"rate": [("age", "age")]}, OptionError, "multiplies a column with itself"),
        ({"rates": ["age"]}, OptionError, "no 'rates' for covariates.*Did you mean 'rate'"),
        ({}, OptionError, "must say which columns act on what"),
        (["age"], OptionError, "must say which columns act on what"),
        ({"spend": ["age"]}, OptionError, "No covariate acts on MBG/NBD"),
        ({"rate": ["age"], "leaving": "same", "a": ["age"]}, OptionError, "the one other target"),
    ],
)
def test_what_cannot_be_is_said(known, covariates, error, told):
    with pytest.raises(error, match=told):
        pc.fit("MBGNBD", known, covariates=covariates)


def test_covariates_that_are_not_there_are_asked_for():
    rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    with pytest.raises(DataError, match=r"no covariates.*static_covariates=table"):
        pc.fit("MBGNBD", rfm, covariates={"rate": ["channel"]})


def test_a_level_that_names_its_customer_is_refused(known):
    cells = known.cells()
    frame = pd.DataFrame({"who": [f"c{i}" for i in range(len(cells))]})
    each = replace(
        cells,
        weight=np.ones(len(cells), np.int64),
        extra={"pattern": np.arange(len(cells))},
        patterns=Patterns(frame, {"who": tuple(frame["who"])}),
    )
    with pytest.raises(DataError, match=r"'who' has as many levels as there are customers"):
        pc.fit("MBGNBD", each, covariates={"rate": ["who"]})


def test_a_level_that_the_fit_has_not_seen_is_named(known):
    fitted = pc.CLVModel("MBGNBD", spend=None, covariates={"rate": ["channel"]}).fit(known)
    patterns = known.cells().patterns.frame.iloc[known.frame["pattern"]]
    strange = patterns["channel"].replace("app", "fax").to_numpy()
    others = with_covariates(
        pc.rfm_summary(pc.datasets.load_cdnow()),
        pd.DataFrame({"customer_id": known.frame["customer_id"], "channel": strange}),
    )
    with pytest.raises(DataError, match=r"'channel' has 'fax', which the fit has not seen"):
        fitted.forecast("26 weeks", rfm=others)
    with pytest.raises(
        DataError, match=r"was fitted with covariates, and these customers have none"
    ):
        fitted.forecast("26 weeks", rfm=pc.rfm_summary(pc.datasets.load_cdnow()))


def test_a_number_with_a_value_for_everybody_is_fitted_all_the_same():
    log = pc.datasets.load_cdnow()
    rfm = pc.rfm_summary(log[log["customer_id"] <= 400], observation_end="1998-06-30")
    age = np.random.default_rng(6).normal(45.0, 12.0, len(rfm))
    known = with_covariates(
        rfm, pd.DataFrame({"customer_id": rfm.frame["customer_id"], "age": age})
    )
    assert len(known.cells().patterns) == len(rfm)
    fit = pc.fit("BGNBD", known, covariates={"rate": ["age"], "leaving": ["age"]})
    shown = fit.summary(0.999)
    assert shown.loc["rate.age", "lower"] < 0 < shown.loc["rate.age", "upper"]
    again = pc.fit("BGNBD", known, covariates={"rate": ["age"], "leaving": ["age"]}, start=fit)
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)


def test_a_level_of_whom_nobody_bought_again_is_none_of_spend():
    rfm = pc.rfm_summary(pc.datasets.load_cdnow())
    once = rfm.frame["frequency"].to_numpy() == 0
    card = np.where(once, "none", np.where(np.arange(len(rfm)) % 2 == 0, "gold", "blue"))
    table = pd.DataFrame({"customer_id": rfm.frame["customer_id"], "card": card})
    with pytest.raises(DataError, match="Nobody whose 'card' is 'none' has bought again"):
        pc.fit("GammaGamma", with_covariates(rfm, table), covariates={"spend": ["card"]})


def test_numbers_far_from_those_the_fit_has_seen_are_told_of_or_refused(known):
    fitted = pc.CLVModel("MBGNBD", covariates={"rate": ["age"]}).fit(known)
    ages = known.cells().patterns.frame["age"].to_numpy()[known.frame["pattern"]]
    assert fitted.purchases.covariates.seen["age"] == (ages.min(), ages.max())

    def at(ages):
        table = pd.DataFrame({"customer_id": known.frame["customer_id"], "age": ages})
        return with_covariates(pc.rfm_summary(pc.datasets.load_cdnow()), table)

    fitted.forecast("26 weeks", rfm=at(ages + 0.2 * np.ptp(ages)), level=None)
    with pytest.warns(AssumptionWarning, match=r"age comes to .* and the fit has seen .* go on"):
        fitted.forecast("26 weeks", rfm=at(ages - np.ptp(ages)), level=None)
    with pytest.raises(DataError, match=r"age comes to .*: no effect holds that far.*another unit"):
        fitted.forecast("26 weeks", rfm=at(365.25 * ages), level=None)
    with pytest.raises(DataError, match=r"age comes to 14,600, and the fit has seen"):
        pc.economics.new_customer(fitted, "52 weeks", covariates={"age": 14_600})
