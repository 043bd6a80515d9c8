"""Options that mean nothing are refused with a hint; what a fit says of itself."""

import numpy as np
import pandas as pd
import pytest
from forecasting import point, simulated, steady

import predclv as pc
from predclv.errors import (
    BoundaryWarning,
    DataError,
    OptionError,
    OptionWarning,
)


@pytest.fixture(scope="module")
def fitted(cdnow_split):
    return pc.CLVModel().fit(cdnow_split.rfm)


# Wrong options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"discount_rate": 10}, r"below 1; got 10\. For 10% a year write 0\.1"),
        ({"discount_rate": -0.1}, "discount_rate .* at least 0"),
        ({"discount_rate": float("nan")}, "discount_rate must be finite"),
        ({"discount_rate": "10%"}, "discount_rate must be a number; got '10%'"),
        ({"discount_rate": None}, "discount_rate must be a number"),
        ({"discount_rate": True}, "discount_rate must be a number"),
        ({"margin": 30}, r"margin is a share .* got 30\. For 30% write 0\.3"),
        ({"margin": -0.1}, "margin is a share"),
        ({"margin": "all"}, "margin must be a number"),
        ({"margin": float("inf")}, "margin must be finite"),
        ({"horizon": "fortnight"}, r"'fortnight' could not be read\. Try '52 weeks'"),
        ({"horizon": "1 fortnight"}, "could not be read"),
        ({"horizon": ""}, "could not be read"),
        ({"horizon": -3}, "must be positive and finite; got -3"),
        ({"horizon": "-3 weeks"}, "could not be read"),
        ({"horizon": 0}, "must be positive"),
        ({"horizon": "0 weeks"}, "must be positive"),
        ({"horizon": float("nan")}, "must be positive and finite; got nan"),
        ({"horizon": float("inf")}, "must be positive and finite; got inf"),
        ({"horizon": pd.Timedelta(days=-3)}, "must be positive"),
        ({"horizon": [52]}, "number of weeks; got list"),
        ({"horizon": True}, "got bool"),
        ({"horizon": pd.NaT}, "got NaTType"),
        ({"level": 90}, r"level must lie between 0 and 1; got 90\. For 90% write 0\.9"),
        ({"level": 0}, "level must lie between 0 and 1"),
        ({"level": "most"}, "level must be a number"),
    ],
)
def test_an_option_that_means_nothing_is_refused_with_a_hint(fitted, options, said):
    with pytest.raises(OptionError, match=said):
        fitted.forecast(**options)


def test_a_margin_above_one_is_doubted(fitted):
    with pytest.warns(OptionWarning, match="more than all of the spend"):
        assert point(fitted, margin=1.2).terms.margin == 1.2


def test_a_table_is_no_summary(cdnow_split, fitted):
    with pytest.raises(DataError, match=r"rfm must be an RFM .* got DataFrame"):
        point(fitted, rfm=cdnow_split.rfm.frame)
    with pytest.raises(DataError, match=r"wants an RFM .* got DataFrame"):
        pc.CLVModel().fit(cdnow_split.rfm.frame)
    with pytest.raises(DataError, match=r"RFM\.from_frame"):
        pc.fit(pc.BGNBD, cdnow_split.rfm.frame)


def test_an_unknown_engine_is_refused_and_the_near_one_named(cdnow_split):
    with pytest.raises(OptionError, match=r"engine must be one of .*'mel'.*Did you mean 'mle'"):
        pc.CLVModel(engine="mel").fit(cdnow_split.rfm)


def test_an_unknown_option_of_an_engine_is_refused(cdnow_split):
    with pytest.raises(OptionError, match="engine 'mle' has no option 'penalizer_coef'"):
        pc.CLVModel(penalizer_coef=0.1).fit(cdnow_split.rfm)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"purchases": "BGNB"}, "no model 'BGNB'.* Did you mean 'BGNBD'"),
        ({"purchases": None}, "purchases must be a class"),
        ({"purchases": pc.GammaGamma}, "purchases must be a class of PurchaseModel"),
        ({"spend": pc.BGNBD}, "spend must be a class of SpendModel"),
        ({"purchases": pc.BGNBD(0.2, 4.0, 0.8, 2.4)}, "purchases must be a class"),
    ],
)
def test_a_recipe_wants_classes_of_the_right_kind(arguments, said):
    with pytest.raises(OptionError, match=said):
        pc.CLVModel(**arguments)


@pytest.mark.parametrize("model", [pc.BGNBD(0.2, 4.0, 0.8, 2.4), dict, None])
def test_fit_wants_the_class_of_a_model(cdnow_split, model):
    with pytest.raises(OptionError, match="model's class"):
        pc.fit(model, cdnow_split.rfm)


def test_an_unknown_unit_is_refused_and_the_near_one_named():
    with pytest.raises(OptionError, match=r"unit must be one of .*Did you mean 'week'"):
        pc.rfm_summary(pc.datasets.load_cdnow(), unit="weeks")
    with pytest.raises(OptionError, match="unit must be one of"):
        pc.RFM.from_frame(simulated(), unit="fortnight")


# Fits ---------------------------------------------------------------------------------------


def test_the_summary_of_a_fit_has_the_columns_of_every_engine(fitted):
    table = fitted.summary()
    assert {"estimate", "std_error", "lower", "upper"} <= set(table)
    assert table.index.names == ["model", "parameter"]
    assert ((table["lower"] < table["estimate"]) & (table["estimate"] < table["upper"])).all()
    with pytest.raises(OptionError, match=r"For 90% write 0\.9"):
        fitted.summary(level=90)


def test_draws_repeat_with_a_seed_and_spread_as_the_summary_says(fitted):
    draws = fitted.purchases.draws(20_000, seed=4)
    assert list(draws) == ["r", "alpha", "a", "b"]
    again = fitted.purchases.draws(20_000, seed=4)
    table = fitted.purchases.summary(level=0.9)
    for name, values in draws.items():
        assert values.shape == (20_000,)
        np.testing.assert_array_equal(values, again[name])
        # 20,000 draws place a 5% quantile within some 2% of the log scale's spread.
        found = np.log(np.quantile(values, [0.05, 0.95]))
        said = np.log(table.loc[name, ["lower", "upper"]].to_numpy(float))
        np.testing.assert_allclose(found, said, atol=0.03 * (said[1] - said[0]))
    with pytest.raises(OptionError, match="positive whole number"):
        fitted.purchases.draws(0)


def test_what_a_limit_holds_fixed_has_no_standard_error_and_does_not_vary():
    with pytest.warns(BoundaryWarning):
        fit = pc.fit(pc.BGNBD, pc.RFM.from_frame(steady(), unit="week"))
    table = fit.summary()
    assert fit.undetermined
    assert table.loc[list(fit.undetermined), "std_error"].isna().all()
    assert np.isfinite(np.array(list(fit.draws(50, seed=1).values()))).all()
    assert "limit" in repr(fit)
    assert "limit" in fit._repr_html_()
