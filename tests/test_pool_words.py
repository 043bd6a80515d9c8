"""What a pool and its forecast say of themselves: each thing once, and what to put in a budget."""

import pytest

import predclv as pc
from predclv.pools.doubts import Doubts


@pytest.fixture(scope="module")
def rfm(cdnow_log):
    return pc.rfm_summary(cdnow_log[cdnow_log["customer_id"] % 4 == 0])


@pytest.fixture(scope="module")
def fitted(rfm):
    members = {"BG/NBD": pc.CLVModel(), "last": pc.baselines.LastPeriodNB()}
    return pc.Pool(members, origins=1).fit(rfm)


@pytest.fixture(scope="module")
def forecast(fitted):
    return fitted.forecast("26 weeks", seed=1)


def test_a_forecast_tells_of_the_interval_for_a_budget(forecast):
    total = forecast.total()
    low, high = total["purchases_budget_lower"], total["purchases_budget_upper"]
    assert f"for a budget {low:,.0f} to {high:,.0f}" in repr(forecast)
    assert "only" not in repr(forecast)
    assert "which member is right, for a budget of a future unlike the past too" in repr(forecast)
    assert "those for a budget in total() hold too" in forecast.buyers().attrs["holds"]
    assert "which member is right" in forecast.schedule("month").attrs["holds"]


def test_equity_of_a_pool_says_what_its_interval_holds(fitted, forecast):
    pooled, alone = (
        repr(pc.economics.customer_equity(each))
        for each in (forecast, fitted.first.forecast("26 weeks", seed=1))
    )
    assert "chance, parameters and which member is right)" in pooled
    assert "chance and parameters only)" in alone


def test_a_page_tells_of_it_too(forecast, tmp_path):
    forecast.to_html(tmp_path / "forecast.html")
    page = (tmp_path / "forecast.html").read_text()
    assert f"for a budget {forecast.total()['purchases_budget_lower']:,.0f} to" in page
    assert "plan with these" in page


def test_a_single_fit_speaks_of_chance_and_parameters_only(fitted):
    alone = fitted.first.forecast("26 weeks", seed=1)
    assert "chance and parameters only" in repr(alone)
    assert "budget" not in repr(alone)


def test_who_is_left_out_is_named(fitted):
    fitted.forecast("2 years", level=None)
    assert "BG/NBD 100%; no other takes part" in repr(fitted)
    assert "Without last: choice.doubts says why" in repr(fitted)
    fitted.forecast("26 weeks", level=None)


def test_who_stands_alone_says_so_and_why(rfm):
    alone = pc.CLVModel("auto").fit(pc.RFM.from_frame(rfm.frame, unit="week"))
    assert repr(alone).startswith("FittedPool: MBG/NBD alone, for the summary has no log")


def test_what_holds_of_several_members_or_days_is_said_once():
    doubts = Doubts()
    doubts.warned("one", ["The log spans 545 days: short."])
    doubts.warned("two", ["The log spans 545 days: short."])
    doubts.warned("two", ["The log spans 363 days: short."])
    doubts.warned("one", ["Something else."], "1997-09-30")
    doubts.warned("two", ["Something else."], "1997-12-30")
    doubts.left_out("three", "too few.")
    assert doubts.told() == (
        "three takes no part: too few.",
        "one, two: The log spans 545 days: short.",
        "one, two at 1997-09-30, 1997-12-30: Something else.",
    )
