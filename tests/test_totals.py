"""Totals: what their intervals hold, said beside them; scored; and widened by earlier errors."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

import predclv as pc
from predclv.errors import OptionError
from predclv.forecast.total_interval import TotalErrors


@pytest.fixture(scope="module")
def forecast(cdnow):
    return pc.CLVModel(spend=None).fit(cdnow).forecast("39 weeks", seed=1)


def test_a_total_says_beside_the_number_what_its_interval_holds(forecast):
    total = forecast.total()
    assert "chance and parameters only" in repr(total)
    assert "unlike" in total.attrs["holds"]
    assert "a future unlike the past" in repr(forecast.total(unlike=0.2))


def test_a_wide_scale_gives_the_interval_of_students_t(forecast):
    # Far wider than chance: what is left is exp(sd T), T with 3 degrees of freedom.
    total = forecast.total(unlike=1.0)
    reach = t.ppf(0.95, 3)
    assert np.log(total["purchases_upper"] / total["purchases"]) == pytest.approx(reach, rel=0.02)
    assert np.log(total["purchases"] / total["purchases_lower"]) == pytest.approx(reach, rel=0.02)


def test_a_small_scale_leaves_the_interval_as_it_was(forecast):
    plain, widened = forecast.total(), forecast.total(unlike=1e-6)
    for name in ("purchases_lower", "purchases_upper"):
        assert widened[name] == pytest.approx(plain[name], rel=0.005)
    assert widened["purchases_lower"] <= plain["purchases_lower"]
    assert widened["purchases_upper"] >= plain["purchases_upper"]


def test_the_scale_of_earlier_errors_is_pulled_towards_a_fifth():
    errors = TotalErrors("BG/NBD", 91, pd.DataFrame({"purchases": [0.1, -0.3, np.nan]}))
    assert errors.sd() == pytest.approx(np.sqrt((2 * 0.2**2 + 0.1**2 + 0.3**2) / 4))


def test_a_backtest_widens_the_total_of_its_model(cdnow_log, forecast):
    found = pc.backtest(
        {"BG/NBD": pc.CLVModel(spend=None)}, cdnow_log, cutoffs=2, horizon="13 weeks", seed=1
    )
    sd = found.total_errors("BG/NBD").sd()
    fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(cdnow_log))
    ahead = fitted.forecast("13 weeks", seed=1)
    by_backtest, by_number = ahead.total(unlike=found), ahead.total(unlike=sd)
    assert by_backtest["purchases_upper"] == pytest.approx(by_number["purchases_upper"])
    assert by_backtest["purchases_upper"] > ahead.total()["purchases_upper"]


@pytest.mark.parametrize("unlike", [0, -0.2, np.inf, "much", True])
def test_what_widens_nothing_is_refused(forecast, unlike):
    with pytest.raises(OptionError):
        forecast.total(unlike=unlike)


def test_validate_scores_the_interval_of_the_total(cdnow_split):
    # 1,653 forecast, 1,882 came, above the upper bound: chance and parameters are not all.
    found = pc.validate({"BG/NBD": pc.CLVModel()}, cdnow_split, seed=1)
    assert found.frame.at["BG/NBD", "total_coverage"] == 0.0
    total = found.forecasts["BG/NBD"].total()
    assert total["purchases_upper"] < cdnow_split.frame["frequency_holdout"].sum() == 1882
    assert "outside its interval" in " ".join(found.findings)


def test_a_backtest_has_the_share_of_totals_covered(cdnow_log):
    found = pc.backtest(
        {"BG/NBD": pc.CLVModel(spend=None)}, cdnow_log, cutoffs=3, horizon="13 weeks", seed=1
    )
    covered = found.frame["total_coverage"]
    assert len(covered) == 3
    assert set(covered) <= {0.0, 1.0}
