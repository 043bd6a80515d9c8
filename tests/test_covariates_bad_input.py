"""What cannot be: covariates that say nothing, name customers, or are asked for impossibly."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import AssumptionWarning, DataError, DataWarning, OptionError
from predclv.samples.patterns import Patterns


def described(table):
    """CDNOW's customers as a table says."""
    return pc.rfm_summary(pc.datasets.load_cdnow(), static_covariates=table)


@pytest.fixture(scope="module")
def table():
    ids = np.unique(pc.datasets.load_cdnow()["customer_id"])
    rng, n = np.random.default_rng(5), ids.size
    channel = rng.choice(["shop", "web", "app"], n)
    return pd.DataFrame(
        {
            "customer_id": ids,
            "channel": channel,
            "online": np.where(channel == "shop", 0.0, 1.0),
            "same": 3.0,
            "country": "DE",
            "age": rng.normal(45.0, 12.0, n).round(2),
        }
    )


@pytest.fixture(scope="module")
def known(table):
    with pytest.warns(DataWarning, match="no effect of it can be found|follows from"):
        return described(table)


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


def test_a_level_that_the_fit_has_not_seen_is_named(table):
    own = table[["customer_id", "channel"]]
    recipe = pc.CLVModel("MBGNBD", spend=None, covariates={"rate": ["channel"]})
    fitted = recipe.fit(described(own))
    others = described(own.replace("app", "fax"))
    with pytest.raises(DataError, match=r"'channel' has 'fax', which the fit has not seen"):
        fitted.forecast("26 weeks", rfm=others)
    with pytest.raises(
        DataError, match=r"was fitted with covariates, and these customers have none"
    ):
        fitted.forecast("26 weeks", rfm=pc.rfm_summary(pc.datasets.load_cdnow()))


def test_a_number_with_a_value_for_everybody_is_fitted_all_the_same():
    log = pc.datasets.load_cdnow()
    log = log[log["customer_id"] <= 400]
    ids = np.unique(log["customer_id"])
    age = np.random.default_rng(6).normal(45.0, 12.0, ids.size)
    known = pc.rfm_summary(
        log,
        observation_end="1998-06-30",
        static_covariates=pd.DataFrame({"customer_id": ids, "age": age}),
    )
    assert len(known.cells().patterns) == len(known)
    fit = pc.fit("BGNBD", known, covariates={"rate": ["age"], "leaving": ["age"]})
    shown = fit.summary(0.999)
    assert shown.loc["rate.age", "lower"] < 0 < shown.loc["rate.age", "upper"]
    again = pc.fit("BGNBD", known, covariates={"rate": ["age"], "leaving": ["age"]}, start=fit)
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)


def test_a_level_of_whom_nobody_bought_again_is_none_of_spend():
    frame = pc.rfm_summary(pc.datasets.load_cdnow()).frame
    cards = np.where(np.arange(len(frame)) % 2 == 0, "gold", "blue")
    frame = frame.assign(card=np.where(frame["frequency"] == 0, "none", cards))
    rfm = described(frame[["customer_id", "card"]])
    with pytest.raises(DataError, match="Nobody whose 'card' is 'none' has bought again"):
        pc.fit("GammaGamma", rfm, covariates={"spend": ["card"]})


def test_numbers_far_from_those_the_fit_has_seen_are_told_of_or_refused(table):
    own = table[["customer_id", "age"]]
    fitted = pc.CLVModel("MBGNBD", covariates={"rate": ["age"]}).fit(described(own))
    ages = own["age"]
    assert fitted.purchases.covariates.seen["age"] == (ages.min(), ages.max())
    fitted.forecast(
        "26 weeks", rfm=described(own.assign(age=ages + 0.2 * np.ptp(ages))), level=None
    )
    with pytest.warns(AssumptionWarning, match=r"age comes to .* and the fit has seen .* go on"):
        fitted.forecast("26 weeks", rfm=described(own.assign(age=ages - np.ptp(ages))), level=None)
    with pytest.raises(DataError, match=r"age comes to .*: no effect holds that far.*another unit"):
        fitted.forecast("26 weeks", rfm=described(own.assign(age=365.25 * ages)), level=None)
    with pytest.raises(DataError, match=r"age comes to 14,600, and the fit has seen"):
        pc.economics.new_customer(fitted, "52 weeks", covariates={"age": 14_600})


def test_a_pool_takes_no_covariates_of_spend(table):
    member = pc.CLVModel(covariates={"rate": ["age"], "spend": ["channel"]})
    pool = pc.Pool({"a": member, "b": pc.CLVModel("MBGNBD", spend=None)}, weights="equal")
    with pytest.raises(OptionError, match=r"Member 'a' has covariates of spend.* a pool's"):
        pool.fit(described(table[["customer_id", "channel", "age"]]))
