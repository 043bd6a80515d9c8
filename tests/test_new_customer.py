"""A new customer: the first order of the log, and how well the expectation is known."""

import warnings

import numpy as np
import pandas as pd
import pytest
from conftest import SHARED

import predclv as pc
from predclv.errors import AssumptionWarning, DataWarning, OptionError

new_customer = pc.economics.new_customer


@pytest.fixture(scope="module")
def fitted(cdnow, bgnbd, gamma_gamma):
    return pc.FittedCLV(bgnbd, gamma_gamma, cdnow)


@pytest.fixture(scope="module")
def found(fitted):
    return new_customer(fitted, "2 years", margin=0.3)


def first_orders(log, end):
    """What each customer's first day brought, by plain pandas."""
    days = log[log["date"] <= end].groupby(["customer_id", "date"], as_index=False)["amount"].sum()
    return days.sort_values("date").groupby("customer_id")["amount"].first()


def test_the_first_order_is_the_mean_first_order_of_the_log(cdnow_log, found):
    first = first_orders(cdnow_log, "1997-09-30")
    assert found.first_order == pytest.approx(first.mean(), rel=1e-12)
    assert found.curve["profit"][0] == pytest.approx(0.3 * first.mean())
    error = 1.6449 * first.std(ddof=1) / np.sqrt(len(first))
    # Of 4,000 draws the ends of a 90% interval are known to 3% of its half.
    assert found.first_order_upper - first.mean() == pytest.approx(error, rel=0.1)
    assert first.mean() - found.first_order_lower == pytest.approx(error, rel=0.1)
    assert "the mean of 2,357 in the log" in repr(found)


@pytest.mark.parametrize("refunds", ["net", "drop"])
def test_first_orders_are_counted_with_refunds_as_the_summary_counts_them(refunds):
    """Of the first purchase day, net of that day's refunds; days of refunds alone are none."""
    rows = [
        (1, "2024-01-01", -5.0), (1, "2024-01-02", 20.0), (1, "2024-01-02", -4.0),
        (1, "2024-02-01", 70.0), (2, "2024-01-03", 10.0), (2, "2024-01-03", 5.0),
        (3, "2024-01-04", -9.0), (4, "2024-03-01", 100.0),
    ]  # fmt: skip
    log = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        rfm = pc.rfm_summary(log, observation_end="2024-02-28", refunds=refunds)
    orders = rfm.log.first_orders(rfm.observation_end)
    assert orders["amount"].tolist() == [15.0, 16.0 if refunds == "net" else 20.0]
    assert orders["customers"].tolist() == [1, 1]


def test_the_interval_is_that_of_the_exact_value_over_draws(fitted, found):
    """The value to first order in the parameters, against the model itself at 200 draws."""
    n, month = 200, 24 * 30.4375 / 7
    rng = np.random.default_rng(3)
    bought, spent = fitted.purchases.draws(n, seed=1), fitted.spend.draws(n, seed=2)
    delta = np.log(1.1) * 7 / 365.25
    repeats = np.array(
        [
            pc.BGNBD(**{name: float(bought[name][i]) for name in bought}).discounted_purchases(
                month, delta
            )
            for i in range(n)
        ]
    )
    later = spent["p"] * spent["v"] / (spent["q"] - 1)
    error = (found.first_order_upper - found.first_order_lower) / (2 * 1.6449)
    value = 0.3 * (found.first_order + error * rng.standard_normal(n) + later * repeats)
    lower, upper = np.quantile(value, [0.05, 0.95])
    assert found.lower < found.value < found.upper
    # The ends of the interval of 200 draws are known to some 10% of its width.
    width = upper - lower
    assert found.lower == pytest.approx(lower, abs=0.2 * width)
    assert found.upper == pytest.approx(upper, abs=0.2 * width)


@pytest.mark.filterwarnings("ignore::predclv.errors.FirstPurchaseWarning")  # it is simulated
def test_the_interval_holds_the_true_value_as_often_as_it_says():
    """Customers simulated at known parameters, first orders unlike later ones: 40 shops.

    Four standard errors of a share of 0.9 are 0.19, and the interval is an approximation.
    """
    true, spend = pc.BGNBD(0.6, 6.0, 0.8, 2.5), pc.GammaGamma(5.0, 6.0, 40.0)
    first_mean = 25.0
    delta = np.log(1.1) * 7 / 365.25
    truth = first_mean + float(spend.mean) * float(true.discounted_purchases(365.25 / 7, delta))
    held = 0
    for seed in range(40):
        log = simulated(true, spend, first_mean, np.random.default_rng([9, seed]))
        fitted = pc.CLVModel().fit(pc.rfm_summary(log, observation_end="2024-09-29"))
        found = new_customer(fitted, "12 months")
        held += found.lower <= truth <= found.upper
    assert held >= 29


def simulated(model, spend, first_mean, rng, n=800, days=39 * 7):
    """The log of n customers of the last ``days``, a first order each and repeats as modelled."""
    born = rng.integers(0, days // 2, n)
    x, t_x = model.simulate((days - born) / 7, rng)
    rows = []
    amounts = np.split(spend.simulate(x, rng), np.cumsum(x)[:-1])
    for i in range(n):
        rows.append((i, born[i], rng.gamma(4.0, first_mean / 4)))
        last = max(round(t_x[i] * 7), 1)
        if x[i]:
            between = rng.integers(1, last + 1, x[i] - 1)
            rows += [(i, born[i] + day, amount)
                     for day, amount in zip([*between, last], amounts[i], strict=True)]  # fmt: skip
    log = pd.DataFrame(rows, columns=["customer_id", "day", "amount"]).round(2)
    log["day"] = log["day"].clip(upper=days)
    return log.assign(date=pd.Timestamp("2024-01-01") + pd.to_timedelta(log["day"] - 1, unit="D"))


def test_without_a_log_the_first_order_is_a_repeat_order_and_that_is_said(fitted, cdnow, found):
    elsewhere = pc.FittedCLV(fitted.purchases, fitted.spend, pc.RFM.from_frame(cdnow.frame, "week"))
    with pytest.warns(AssumptionWarning, match="no log to take the first order from"):
        without = new_customer(elsewhere, "2 years", margin=0.3)
    assert without.first_order == without.later_order == pytest.approx(fitted.spend.model.mean)
    assert without.first_order_lower < without.first_order < without.first_order_upper
    assert "for want of a log" in repr(without)
    np.testing.assert_allclose(without.curve["purchases"], found.curve["purchases"])


def test_a_loaded_model_has_no_log_either(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    loaded = pc.load(tmp_path / "model")
    with pytest.warns(AssumptionWarning, match="Say first_order="):
        new_customer(loaded)
    assert new_customer(loaded, first_order=33.0).first_order == 33.0


def test_a_first_order_that_is_given_is_known(fitted, found):
    given = new_customer(fitted, "2 years", margin=0.3, first_order=20.0)
    assert given.first_order_lower == given.first_order == given.first_order_upper == 20.0
    assert given.curve["profit_lower"][0] == given.curve["profit"][0] == 6.0
    assert given.upper - given.lower < found.upper - found.lower


def test_the_level_and_the_seed_are_the_callers(fitted, found):
    narrow = new_customer(fitted, "2 years", margin=0.3, level=0.5)
    assert narrow.value == found.value
    assert found.lower < narrow.lower < narrow.upper < found.upper
    assert "50% interval" in repr(narrow)
    assert new_customer(fitted, "2 years", margin=0.3).lower == found.lower
    assert new_customer(fitted, "2 years", margin=0.3, seed=1).lower != found.lower
    with pytest.raises(OptionError, match="level"):
        new_customer(fitted, level=90)


def test_online_retail_starts_with_443_and_not_with_the_402_of_a_repeat_order():
    path = SHARED / "online_retail_ii.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    log = pd.read_csv(path, parse_dates=["date"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (DataWarning, AssumptionWarning))
        found = new_customer(pc.CLVModel().fit(pc.rfm_summary(log)))
    assert found.first_order == pytest.approx(first_orders(log, "2011-12-09").mean())
    assert (round(found.first_order), round(found.later_order)) == (443, 402)
