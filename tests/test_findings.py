"""Findings: differences with their uncertainty, no crown for ties, few sentences, season."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import OptionError
from predclv.validation.findings import SUBJECTS, findings_of
from predclv.validation.glossary import GLOSSARY
from predclv.validation.losses import apart, difference

BASELINES = {
    "last period": pc.baselines.LastPeriod(),
    "past rate": pc.baselines.PastRate(),
    "hiatus": pc.baselines.HiatusRate(),
    "mean rate": pc.baselines.MeanRate(),
}
TITLE = r"\(([a-z_]+)\)"


@pytest.fixture(scope="module")
def split(cdnow_log):
    return pc.holdout_split(cdnow_log, calibration_end="1997-09-30")


@pytest.fixture(scope="module")
def found(split):
    models = {"BG/NBD": pc.CLVModel(), "MBG/NBD": pc.CLVModel(pc.MBGNBD)}
    return pc.validate(models | BASELINES, split, seed=1)


# --- differences and their uncertainty -----------------------------------------------------------


@pytest.mark.parametrize("metric", ["rmse", "crps", "brier", "spend_rmse", "top_decile_capture"])
def test_the_standard_error_is_that_of_resampled_customers(found, metric):
    """The whole metric is calculated anew for every sample; losses are used for those of means."""
    rng = np.random.default_rng(4)
    one, other = "BG/NBD", "past rate"
    behind = apart(one, other, metric, [found])
    n = len(found.split)
    of = "spend" if metric.startswith("spend") else "purchases"
    came = found.split.frame["spend_holdout" if of == "spend" else "frequency_holdout"].to_numpy()
    column = "expected_revenue" if of == "spend" else "expected_purchases"
    expected = {
        name: found.fits[name].forecast(found.split.duration, level=None).frame[column].to_numpy()
        for name in (one, other)
    }

    def value(name, rows):
        if metric in ("rmse", "spend_rmse"):
            return np.sqrt(np.mean((expected[name][rows] - came[rows]) ** 2))
        return found.losses[name][metric][rows].mean()

    whole = np.arange(n)
    assert behind.mean == pytest.approx(value(one, whole) - value(other, whole), rel=1e-9)
    samples = (rng.integers(0, n, n) for _ in range(600))
    resampled = np.std([value(one, rows) - value(other, rows) for rows in samples])
    # 600 samples leave 3% of error, and the root mean square is linearised
    assert behind.error == pytest.approx(resampled, rel=0.15)


def test_differences_are_of_the_same_customers(found):
    """Two models err on the same customers: apart by far less than either is uncertain."""
    paired = apart("BG/NBD", "MBG/NBD", "rmse", [found])
    losses = [found.losses[name]["rmse"] for name in ("BG/NBD", "MBG/NBD")]
    unpaired = np.hypot(*(np.std(loss, ddof=1) / np.sqrt(loss.size) for loss in losses))
    assert paired.error < unpaired / 5


def test_a_customer_seen_from_two_origins_is_one_customer():
    rng = np.random.default_rng(0)
    loss, none = rng.normal(1.0, 1.0, 200), np.zeros(200)
    ids = np.arange(200)
    once = difference([ids], [loss], [none])
    again = difference([ids, ids], [loss, loss], [none, none])
    others = difference([ids, ids + 200], [loss, loss], [none, none])
    assert again.error == pytest.approx(once.error)  # the same news twice is no more news
    assert others.error == pytest.approx(once.error / np.sqrt(2), rel=0.01)
    assert again.mean == others.mean == pytest.approx(once.mean)


def test_a_difference_is_told_with_its_standard_error(found):
    (said,) = (f for f in found.findings if f.startswith("BG/NBD beats every baseline"))
    numbers = [f for f in found.findings if re.search(r"apart by|behind (is|are)", f)]
    assert all("standard error" in f for f in numbers)
    won = re.findall(TITLE, said.split(";")[0])
    assert won
    for metric in won:  # beyond two standard errors of the best baseline, whichever it is
        for rule in BASELINES:
            behind = apart("BG/NBD", rule, metric, [found])
            assert behind is None or behind.mean < -2 * behind.error


# --- ties ----------------------------------------------------------------------------------------


def within_chance(found, one, other):
    """The same validation where ``one`` errs as ``other`` does, but for half a standard error."""
    noise = np.random.default_rng(2).normal(0.0, 0.1, len(found.split))
    noise += 0.5 * noise.std() / np.sqrt(noise.size) - noise.mean()
    near = {metric: loss + noise for metric, loss in found.losses[other].items()}
    return replace(found, losses={**found.losses, one: near})


def test_ties_are_not_crowned(split):
    twins = pc.validate({"one": pc.CLVModel(), "two": pc.CLVModel()}, split, seed=1)
    for found in (twins, within_chance(twins, "two", "one")):
        (about,) = (f for f in findings_of([found]) if "best" in f or "lowest" in f)
        assert about.startswith("No model is best on CRPS (crps) beyond chance: one and two,")


def test_who_does_as_well_as_a_rule_does_not_beat_it_nor_is_beaten(split):
    forecasters = {"BG/NBD": pc.CLVModel(), "rule": pc.baselines.MeanRate()}
    found = pc.validate(forecasters, split, seed=1)
    assert "BG/NBD beats every baseline" in " ".join(found.findings)
    for one, other in (("rule", "BG/NBD"), ("BG/NBD", "rule")):
        said = " ".join(findings_of([within_chance(found, one, other)]))
        assert "beats" not in said
        assert "BG/NBD is no better beyond chance than rule on" in said


def test_a_model_beyond_chance_is_crowned(split):
    rng = np.random.default_rng(1)
    rfm = split.rfm
    shuffled = rfm.frame.assign(customer_id=rng.permutation(rfm.frame["customer_id"]))
    other = pc.CLVModel().fit(pc.RFM.from_frame(shuffled, "week"))
    forecasters = {
        "right": pc.CLVModel().fit(rfm),
        "of others": other.forecast(split.duration, seed=1),
    }
    said = " ".join(pc.validate(forecasters, split, seed=1).findings)
    assert re.search(r"right has the lowest CRPS \(crps\) of the models, [\d.]+; behind is", said)
    assert re.search(r"of others by [\d.]+ \(standard error [\d.]+\)", said)


# --- few, and in the tables' words ---------------------------------------------------------------


def test_there_is_one_sentence_at_most_per_forecaster_and_subject(found):
    for model in ("BG/NBD", "MBG/NBD"):
        about = [f for f in found.findings if re.search(rf"(?<!M){model} (beats|is no)", f)]
        assert len(about) == 1
        for metric in SUBJECTS:
            beaten = [f for f in found.findings if f" beats {model} on " in f and metric in f]
            assert len(beaten) <= 1
        named = re.findall(TITLE, " ".join([*about, *beaten]))
        assert len(named) == len(set(named))
    assert len(found.findings) <= 8


def test_metrics_are_named_as_the_tables_name_them(found):
    said = " ".join(found.findings)
    named = set(re.findall(TITLE, said))
    assert len(named) >= 3
    assert named <= set(found.frame.columns)
    for metric in named:
        label = GLOSSARY[metric].label
        assert re.search(rf"{label}( of spend)? \({metric}\)", said)


# --- season --------------------------------------------------------------------------------------


def shop(season, seed=5):
    """400 customers for four years, at rates that go up and down with the year."""
    rng = np.random.default_rng(seed)
    days = np.arange(4 * 365)
    rate = 1 / 30 * np.exp(season * np.sin(2 * np.pi * days / 365.25))
    own = rng.gamma(3.0, 1 / 3, (400, 1))
    bought = rng.random((400, days.size)) < own * rate
    stay = rng.geometric(rng.beta(1.0, 200.0, 400))  # purchases until they leave
    bought &= bought.cumsum(axis=1) <= stay[:, None]
    customer, day = np.nonzero(bought)
    date = pd.Timestamp("2019-01-01") + pd.to_timedelta(day, unit="D")
    return pd.DataFrame({"customer_id": customer, "date": date})


def seasons(log, **more):
    models = {"BG/NBD": pc.CLVModel(spend=None)} | more
    found = pc.backtest(
        models, log, amount=None, cutoffs=4, horizon="26 weeks", seed=1, progress=False
    )
    return [f for f in found.findings if "season" in f]


@pytest.mark.filterwarnings("ignore::predclv.errors.BoundaryWarning")  # hardly anybody leaves
def test_totals_that_go_up_and_down_are_told_as_a_season():
    log = shop(1.0)
    (said,) = seasons(log)
    signs = re.findall(r"([+-])\d+% from \d{4}-\d\d-\d\d", said)
    assert signs in (["+", "-", "+", "-"], ["-", "+", "-", "+"])
    assert "pc.baselines.SamePeriodLastYear would repeat last year's" in said
    (said,) = seasons(log, year=pc.baselines.SamePeriodLastYear())
    rule, model = map(int, re.search(r"is (\d+)% off on .*, BG/NBD (\d+)%", said).groups())
    assert "year, which repeats last year's" in said
    assert rule < 10 < 30 < model


@pytest.mark.filterwarnings("ignore::predclv.errors.BoundaryWarning")
def test_a_steady_shop_has_no_season():
    assert seasons(shop(0.0)) == []


# --- the same period last year -------------------------------------------------------------------


def by_hand(log, first, last):
    """Days with a purchase per customer, both days included."""
    within = log[(log["date"] >= first) & (log["date"] <= last)]
    days = within.assign(day=within["date"].dt.normalize()).drop_duplicates(["customer_id", "day"])
    return days.groupby("customer_id").size()


def expected(log, end, horizon):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[0-9,]+ rows? (is|are) after observation_end")
        rfm = pc.rfm_summary(log, amount=None, observation_end=end)
    frame = pc.baselines.SamePeriodLastYear().fit(rfm).forecast(horizon).frame
    found = frame.set_index("customer_id")["expected_purchases"]
    return found[found > 0].astype(int)


def test_it_is_what_was_bought_in_the_same_days_of_the_year_before(cdnow_log):
    counted = by_hand(cdnow_log, "1997-07-01", "1997-12-29")  # 182 days before 1998-12-29
    assert counted.sum() == 1443
    found = expected(cdnow_log, "1998-06-30", "26 weeks")
    pd.testing.assert_series_equal(found, counted, check_names=False)


def test_spend_is_of_the_same_days(cdnow_log):
    rfm = pc.rfm_summary(cdnow_log)
    frame = pc.baselines.SamePeriodLastYear().fit(rfm).forecast("26 weeks").frame
    then = cdnow_log[cdnow_log["date"].between("1997-07-01", "1997-12-29")]
    assert frame["expected_revenue"].sum() == pytest.approx(then["amount"].sum())
    assert frame["p_active"].sum() == then["customer_id"].nunique()


def test_a_log_too_short_is_a_row_that_says_why(cdnow_log):
    early = pc.holdout_split(cdnow_log, calibration_end="1997-09-30")
    models = {"mean rate": pc.baselines.MeanRate(), "year": pc.baselines.SamePeriodLastYear()}
    found = pc.validate(models, early)
    assert found.frame.loc["year"].isna().all()
    (said,) = (f for f in found.findings if f.startswith("year "))
    assert "needs the purchases from 1996-10-01 to 1997-06-30" in said
    assert "the log begins on 1997-01-01" in said
    with pytest.raises(OptionError, match="the log begins on 1997-01-01"):
        pc.validate(models, early, errors="raise")


def test_a_horizon_beyond_a_year_says_what_is_not_known(cdnow_log):
    rfm = pc.rfm_summary(cdnow_log)
    fitted = pc.baselines.SamePeriodLastYear().fit(rfm)
    assert fitted.forecast("365 days").total()["purchases"] > 0
    with pytest.raises(OptionError, match=r"nothing is known after 1998-06-30\. Shorten .* a year"):
        fitted.forecast("366 days")


@pytest.mark.parametrize(
    ("end", "horizon", "first", "last"),
    [
        ("2024-02-20", "20 days", "2023-02-21", "2023-03-11"),  # a leap day ahead: one day fewer
        ("2024-02-28", "1 day", "2023-03-01", "2023-02-28"),  # the leap day alone: nothing
        ("2024-02-29", "10 days", "2023-03-01", "2023-03-10"),
        ("2025-02-20", "20 days", "2024-02-21", "2024-03-12"),  # one behind: one day more
        ("2025-02-27", "1 day", "2024-02-28", "2024-02-28"),
        ("2025-02-28", "1 day", "2024-02-29", "2024-03-01"),
        ("2024-02-29", "365 days", "2023-03-01", "2024-02-28"),
    ],
)
def test_leap_days_neither_lose_nor_repeat_other_days(end, horizon, first, last):
    days = pd.date_range("2022-12-01", "2025-04-01")
    log = pd.DataFrame({"customer_id": 1 + (np.arange(days.size) % 3), "date": days})
    found = expected(log, end, horizon)
    pd.testing.assert_series_equal(found, by_hand(log, first, last), check_names=False)
