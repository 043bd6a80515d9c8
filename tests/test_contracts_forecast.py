"""Forecasts of contracts: columns, sums, intervals, schedules, files, pages, the command line."""

import json
import re
from contextlib import nullcontext

import matplotlib as mpl
import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from matplotlib import pyplot as plt
from typer.testing import CliRunner

import predclv as pc
from predclv.cli import app
from predclv.errors import DataError, OptionError, StoreError
from predclv.forecast.result import COLUMNS

mpl.use("Agg")

REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
PRICES = {"regular": 10.0, "high": 50.0}


def table_of(years=8):
    parts = [
        pd.DataFrame({"cohort": 2000, "plan": plan, "age": range(years), "customers": left[:years]})
        for plan, left in (("regular", REGULAR), ("high", HIGH_END))
    ]
    return pd.concat(parts)


@pytest.fixture(scope="module")
def renewals():
    return pc.Renewals.from_cohorts(table_of(), by="plan", observation_end="2007-12-31")


@pytest.fixture(scope="module")
def fitted(renewals):
    return pc.ContractModel("ShiftedBetaGeometric", price=PRICES, by="plan").fit(renewals)


@pytest.fixture(scope="module")
def forecast(fitted):
    return fitted.forecast("5 years", discount_rate=0.10, margin=0.8, seed=1)


def test_the_columns_everybody_knows(forecast):
    assert isinstance(forecast, pc.Forecast)
    assert [name for name in forecast.frame if name in COLUMNS] == list(COLUMNS)
    assert len(forecast) == 241 + 491


def test_expectations_are_the_model_s(fitted, forecast):
    row = forecast.frame.set_index("plan").loc["high"]
    model = fitted.fit_of("high").model
    stays = model.survival_after(np.arange(1, 6), 7)
    assert row["p_alive"] == 1.0
    assert row["p_active"] == pytest.approx(stays[0], rel=1e-12)
    assert row["p_retained"] == pytest.approx(stays[-1], rel=1e-12)
    assert row["expected_purchases"] == pytest.approx(stays.sum(), rel=1e-12)
    worth = (stays * 1.1 ** -np.arange(1, 6)).sum()
    assert row["discounted_purchases"] == pytest.approx(worth, rel=1e-12)
    assert row["expected_revenue"] == pytest.approx(50 * stays.sum(), rel=1e-12)
    assert row["clv"] == pytest.approx(0.8 * 50 * worth, rel=1e-12)


def test_totals_are_sums_and_their_intervals_hold_them(forecast):
    total, frame = forecast.total(), forecast.frame
    for name, column in (("purchases", "expected_purchases"), ("clv", "clv")):
        whole = frame["customers"] @ frame[column]
        assert total[name] == pytest.approx(whole, rel=1e-12)
        assert total[f"{name}_lower"] < whole < total[f"{name}_upper"]
    assert forecast.buyers()["buyers"] == pytest.approx(frame["customers"] @ frame["p_active"])


def test_bounds_of_a_customer_are_quantiles(fitted):
    drawn = fitted.forecast("5 years", level=0.5, seed=1).frame.set_index("plan")
    model = fitted.fit_of("regular").model
    made, _ = model.simulate(np.full(300_000, 12.0), np.random.default_rng(3))
    further = np.minimum(made[made >= 7] - 7, 5)
    ends = np.quantile(further, [0.25, 0.75], method="inverted_cdf")
    assert drawn.loc["regular", ["purchases_lower", "purchases_upper"]].tolist() == ends.tolist()


def test_the_interval_of_a_total_holds_what_comes_as_often_as_it_says():
    # Worlds drawn from known parameters: fitted on eight years, asked for five.
    model, rng, inside = pc.ShiftedBetaGeometric(0.8, 4.0), np.random.default_rng(11), 0
    for world in range(60):
        made, _ = model.simulate(np.full(400, 13.0), rng)
        left = [int((made >= age).sum()) for age in range(14)]
        seen = pd.DataFrame({"age": range(9), "customers": left[:9]})
        fit = pc.ContractModel().fit(pc.Renewals.from_cohorts(seen, cohort=None))
        total = fit.forecast("5 years", level=0.8, seed=world).total()
        inside += total["purchases_lower"] <= sum(left[9:]) <= total["purchases_upper"]
    # 48 of 60 are expected; 38 to 57 hold with 99.8%.
    assert 38 <= inside <= 57


@pytest.mark.parametrize("model", ["ShiftedBetaGeometric", "BetaDiscreteWeibull"])
def test_simulated_totals_have_the_expected_mean(model):
    # A million customers: parameters are known, and what is left is chance.
    many = pd.DataFrame({"age": range(8), "customers": [1000 * n for n in HIGH_END]})
    fitted = pc.ContractModel(model).fit(pc.Renewals.from_cohorts(many, cohort=None))
    forecast = fitted.forecast("5 years", seed=1)
    drawn = forecast._source.totals()
    for name in ("purchases", "discounted_purchases"):
        assert drawn[name].mean() == pytest.approx(forecast.total()[name], rel=1e-3)


def test_the_schedule_adds_up_to_the_total(forecast):
    schedule, total = forecast.schedule(), forecast.total()
    assert schedule["period"].tolist() == [1, 2, 3, 4, 5]
    assert schedule["start"].iloc[0] == pd.Timestamp("2008-01-01")
    assert schedule["end"].iloc[-1] == pd.Timestamp("2012-12-31")
    for name in ("purchases", "revenue", "clv"):
        assert schedule[name].sum() == pytest.approx(total[name], rel=1e-10)
        assert (schedule[f"{name}_lower"] < schedule[name]).all()
        assert (schedule[f"{name}_upper"] > schedule[name]).all()
    with pytest.raises(OptionError, match="schedule wants 'year'"):
        forecast.schedule("month")


def test_months_add_up_to_years():
    made, _ = pc.ShiftedBetaGeometric(1.0, 20.0).simulate(
        np.full(2000, 20.0), np.random.default_rng(1)
    )
    left = [int((made >= age).sum()) for age in range(21)]
    table = pd.DataFrame({"age": range(21), "customers": left})
    renewals = pc.Renewals.from_cohorts(table, cohort=None, period="month")
    forecast = pc.ContractModel(price=9.0).fit(renewals).forecast("2 years", seed=1)
    assert forecast.horizon == 24
    assert forecast.schedule("year")["clv"].sum() == pytest.approx(forecast.schedule()["clv"].sum())


def test_value_grows_with_age_and_ends_at_the_lifetime(fitted):
    whole = fitted.forecast(None, discount_rate=0.10, seed=1)
    table = whole.value_by_age(4)
    regular = table[table["plan"] == "regular"]
    # Worth a year before the renewal: DERL / 1.1.
    assert np.allclose(
        regular["residual_value"] * 1.1 / 10, [2.9644, 4.1031, 4.8698, 5.4421, 5.8941], atol=1e-4
    )
    assert (regular["residual_value_lower"] < regular["residual_value"]).all()
    new = whole.new_subscriber().set_index("plan")
    assert new.loc["regular", "lifetime"] == pytest.approx(3.6949, abs=1e-4)
    assert new.loc["high", "value"] == pytest.approx(50 * 5.9223, abs=5e-3)
    assert "expected_purchases" not in whole.frame


def test_customers_have_rows_where_they_are_known():
    rng = np.random.default_rng(5)
    made, _ = pc.ShiftedBetaGeometric(1.0, 6.0).simulate(np.full(500, 30.0), rng)
    start = pd.to_datetime("2022-01-01") + pd.to_timedelta(rng.integers(0, 400, 500), unit="D")
    end = pd.Series(
        [s + pd.DateOffset(months=int(m) + 1) for s, m in zip(start, made, strict=True)]
    )
    table = pd.DataFrame({"customer_id": range(500), "start": start, "end": end})
    table["end"] = table["end"].where(table["end"] <= "2023-06-30")
    renewals = pc.renewals(table, observation_end="2023-06-30")
    forecast = pc.ContractModel(price=5.0).fit(renewals).forecast("6 months", seed=1)
    running = table.loc[table["end"].isna(), "customer_id"]
    assert sorted(forecast.frame["customer_id"]) == sorted(running)
    assert forecast.frame["clv"].sum() == pytest.approx(forecast.total()["clv"], rel=1e-10)


def test_files_hold_the_frame_and_the_terms(forecast, tmp_path):
    forecast.to_csv(tmp_path / "f.csv")
    assert np.allclose(pd.read_csv(tmp_path / "f.csv")["clv"], forecast.frame["clv"])
    forecast.to_parquet(tmp_path / "f.parquet")
    said = pyarrow.parquet.read_schema(tmp_path / "f.parquet").metadata
    assert said[b"predclv.horizon"] == b"5.0"
    forecast.to_html(tmp_path / "f.html")
    page = (tmp_path / "f.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 5
    assert "732" in page
    assert "plan" in page
    assert ">index<" not in page  # a count of rows is no column
    assert "732 customers" in forecast._repr_html_()
    assert "732 customers" in repr(forecast)


@pytest.mark.parametrize("how", ["mle", "pooled", "pymc", "log"])
def test_what_is_saved_is_loaded(renewals, how, tmp_path):
    if how == "pooled":
        model = pc.ContractModel(price=PRICES, by="plan", groups="pooled")
    elif how == "pymc":
        model = pc.ContractModel(price=9.0, engine="pymc", seed=1, draws=150, tune=200, chains=2)
    else:
        model = pc.ContractModel("BetaDiscreteWeibull", price=PRICES, by="plan")
    sample = renewals
    if how == "log":
        days = pd.date_range("2022-01-01", periods=40)
        ends = [d + pd.DateOffset(months=(1, 2, 41)[i % 3]) for i, d in enumerate(days)]
        sample = pc.renewals(
            pd.DataFrame({"customer_id": range(40), "start": days, "end": ends}),
            observation_end="2023-12-31",
        )
        model = pc.ContractModel(price=3.0)
    with pytest.warns(pc.errors.SamplingWarning) if how == "pymc" else nothing():
        first = model.fit(sample)
    first.save(tmp_path / "saved")
    again = pc.load(tmp_path / "saved")
    one, other = (each.forecast(5, seed=1) for each in (first, again))
    assert one.total().equals(other.total())
    assert one.frame.equals(other.frame)
    assert repr(again) == repr(first)


def nothing():
    return nullcontext()


def test_a_tampered_folder_is_refused(fitted, tmp_path):
    fitted.save(tmp_path / "saved")
    manifest = tmp_path / "saved" / "predclv.json"
    text = json.loads(manifest.read_text())
    text["content"]["plans"] = ["regular", "other"]
    manifest.write_text(json.dumps(text))
    with pytest.raises(StoreError):
        pc.load(tmp_path / "saved")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "BGNBD"}, OptionError, "ContractModel wants"),
        ({"groups": "pooled"}, OptionError, "say by='plan'"),
        ({"groups": "alike", "by": "plan"}, OptionError, "separate, pooled, together"),
        ({"by": ["plan", "country"]}, OptionError, "bring them as covariates"),
        ({"covariates": ["age"]}, OptionError, "covariates must say which columns act on what"),
        ({"price": -1}, OptionError, "from 0 on; got -1"),
        ({"price": {"regular": 1}, "by": "plan"}, DataError, "no price for plan 'high'"),
        ({"price": PRICES}, OptionError, "say which column tells plans apart"),
        ({"by": "country"}, DataError, "say by='country' there too"),
        ({"engine": "lifetimes"}, OptionError, "mle or pymc"),
        ({"spread": 1.0}, OptionError, "for groups='pooled'"),
    ],
)
def test_recipes_that_make_no_sense_say_why(renewals, options, error, message):
    with pytest.raises(error, match=message):
        pc.ContractModel(**options).fit(renewals)


def test_a_horizon_without_a_renewal_is_refused(fitted):
    with pytest.raises(OptionError, match="no contract comes up for renewal"):
        fitted.forecast("6 months")


def test_an_unfittable_plan_is_named():
    table = table_of()
    still = pd.DataFrame({"cohort": 2000, "plan": "new", "age": [0, 1], "customers": [5, 5]})
    renewals = pc.Renewals.from_cohorts(pd.concat([table, still]), by="plan")
    with pytest.raises(pc.errors.FitError, match=r"plan 'new' cannot be fitted.*groups='pooled'"):
        pc.ContractModel(by="plan").fit(renewals)
    pooled = pc.ContractModel(by="plan", groups="pooled").fit(renewals)
    assert 0 < float(pooled.fit_of("new").model.retention(1)) < 1


def test_streams_take_forecasts(forecast):
    streams = {"device": pc.historical.Stream(200, margin=0.25), "subscription": forecast}
    value = pc.historical.hybrid_clv(streams, horizon_years=5, discount_rate=0.10)
    total = forecast.total()
    assert value.parts["subscription"] == pytest.approx(total["clv"] / 732)
    assert value.total == pytest.approx(50 + total["clv"] / 732)
    assert value.lower == pytest.approx(50 + total["clv_lower"] / 732)
    assert value.upper == pytest.approx(50 + total["clv_upper"] / 732)
    with pytest.raises(OptionError, match="forecast both over the same time"):
        pc.historical.hybrid_clv(streams, horizon_years=3)
    with pytest.raises(OptionError, match="discounted at 10"):
        pc.historical.hybrid_clv(streams, horizon_years=5, discount_rate=0.05)


# Validation


@pytest.fixture(scope="module")
def validation():
    rng, parts = np.random.default_rng(2), []
    for start in range(4):
        made, _ = pc.ShiftedBetaGeometric(0.7, 3.5).simulate(np.full(800, 14.0 - start), rng)
        left = [int((made >= age).sum()) for age in range(15 - start)]
        part = {"cohort": 2000 + start, "age": range(15 - start), "customers": left}
        parts.append(pd.DataFrame(part))
    renewals = pc.Renewals.from_cohorts(pd.concat(parts))
    forecasters = {
        "sBG": pc.ContractModel(),
        "constant churn": pc.contracts.ConstantChurn(),
        "last cohort": pc.contracts.LastCohort(),
        "Kaplan-Meier": pc.contracts.KaplanMeier(),
    }
    return pc.validate(forecasters, renewals.split(5), seed=1), renewals, forecasters


def test_the_model_is_closer_than_constant_churn(validation):
    frame = validation[0].frame
    assert frame["mae_survival"].idxmin() != "constant churn"
    assert frame.loc["sBG", "mae_survival"] < 0.3 * frame.loc["constant churn", "mae_survival"]
    assert frame.loc["constant churn", "horizon_error"] < -0.2
    assert frame.loc["sBG", "log_score"] == frame["log_score"].max()
    assert frame.loc["sBG", "coverage"] > 0.7
    assert "would have been" in "".join(validation[0].findings())


def test_what_came_is_the_table_s(validation):
    found, renewals, _ = validation
    rows = found.by_age[found.by_age["forecaster"] == "sBG"]
    table = renewals.frame.set_index(["cohort", "age"])["renewed"]
    for row in rows.itertuples():
        assert row.survivors == pytest.approx(table[row.cohort, row.renewals + row.ahead])


def test_the_formula_would_have_done_where_churn_is_constant():
    rng = np.random.default_rng(8)
    made = np.minimum(rng.geometric(0.15, 1000) - 1, 12)
    table = pd.DataFrame({"age": range(13), "customers": [(made >= a).sum() for a in range(13)]})
    renewals = pc.Renewals.from_cohorts(table, cohort=None)
    with pytest.warns(pc.errors.BoundaryWarning, match="all subscribers are alike"):
        found = pc.validate(
            {"sBG": pc.ContractModel(), "constant churn": pc.contracts.ConstantChurn()},
            renewals.split(4), seed=1,
        )  # fmt: skip
    assert "would have done" in "".join(found.findings())


def test_several_origins(validation):
    _, renewals, forecasters = validation
    found = pc.backtest(forecasters, renewals, cutoffs=[7, 5], horizon="3 years", seed=1)
    assert list(found.frame.index.unique("periods_ago")) == [7, 5]
    assert found.validations[7].by_age["ahead"].max() == 3
    with pytest.raises(OptionError, match="fewer than 3 periods"):
        pc.backtest(forecasters, renewals, cutoffs=[2], horizon=3)
    with pytest.raises(OptionError, match="Hold out fewer"):
        renewals.split(14)


def test_pictures_show_the_numbers(fitted, forecast, validation):
    ax = pc.plots.survival_by_cohort(fitted, plan="high", ahead=4)
    assert np.allclose(ax.lines[0].get_ydata() * 1000, HIGH_END)
    assert len(ax.lines[1].get_xdata()) == 5
    ax = pc.plots.retention_by_age(fitted, plan="regular")
    model = fitted.fit_of("regular").model
    drawn = [line for line in ax.lines if line.get_label() == "sBG"]
    assert np.allclose(drawn[0].get_ydata(), model.retention(np.arange(1, 8)))
    ax = pc.plots.value_by_age(forecast, 6)
    assert len(ax.lines) == 2
    ax = pc.plots.contract_calibration(validation[0])
    actual = validation[0].calibration()["actual"]
    assert np.allclose(ax.lines[-1].get_ydata()[1:], actual)
    off = {line.get_label(): abs(line.get_ydata()[1:] - actual).mean() for line in ax.lines[:-1]}
    best = min(off, key=off.get)
    assert ax.get_title(loc="left") == f"{best} came closest: {off[best]:.1%} off on average"
    with pytest.raises(OptionError, match="Which plan"):
        pc.plots.retention_by_age(fitted)
    with pytest.raises(DataError):
        pc.plots.value_by_age(fitted)
    plt.close("all")


def test_the_verb_writes_a_forecast(tmp_path, monkeypatch):
    table_of().to_csv(tmp_path / "cohorts.csv", index=False)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        app,
        [
            "contracts", "cohorts.csv", "--cohorts", "--by", "plan", "--price",
            "regular=10,high=50", "--period", "year", "--horizon", "5 years", "--seed", "1",
            "--out", "forecast.csv", "--report", "page.html",
        ],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "732 of them running" in done.output
    frame = pd.read_csv(tmp_path / "forecast.csv")
    assert frame["customers"].tolist() == [491, 241]
    assert (tmp_path / "page.html").stat().st_size > 10_000


def test_givers_have_forecasts_too():
    rng = np.random.default_rng(6)
    x, t_x, n = pc.BGBB(1.2, 0.75, 0.66, 2.8).simulate(np.full(3000, 6.0), rng)
    table = pd.DataFrame({"frequency": x, "recency": t_x, "opportunities": n})
    fitted = pc.ContractModel(pc.BGBB, price=50.0).fit(pc.Opportunities.from_frame(table))
    forecast = fitted.forecast("5 years", seed=1)
    frame, m = forecast.table(), fitted.fit_of().model
    history = [frame[name] for name in ("frequency", "recency", "opportunities")]
    assert np.allclose(frame["expected_purchases"], m.expected_purchases_after(5, *history))
    assert np.allclose(frame["p_active"], m.p_active_after(5, *history))
    assert np.allclose(frame["p_alive"], m.p_alive(*history))
    total = forecast.total()
    assert total["purchases_lower"] < total["purchases"] < total["purchases_upper"]
    assert forecast.schedule()["purchases"].sum() == pytest.approx(total["purchases"])
    with pytest.raises(OptionError, match="is for contracts"):
        forecast.value_by_age()


def test_renewals_are_called_so(forecast):
    assert re.search(r"[\d,]+ renewals", repr(forecast))
    assert "purchases" not in forecast.headline()


def test_a_base_that_everybody_left_is_told_so_and_its_report_is_written(tmp_path):
    ends = [f"2023-{2 + i % 9:02d}-01" for i in range(300)]
    gone = pd.DataFrame({"customer_id": range(300), "start": "2023-01-01", "end": ends})
    renewals = pc.renewals(gone, observation_end="2024-01-01")
    with pytest.warns(pc.errors.BoundaryWarning):
        fitted = pc.ContractModel(price=10.0).fit(renewals)
    forecast = fitted.forecast("12 months", seed=1)
    assert repr(forecast).startswith("Nobody is subscribed any more at the end of observation, 20")
    assert (forecast.schedule()[["purchases", "clv", "clv_upper"]] == 0).all(axis=None)
    forecast.to_html(tmp_path / "gone.html")
    assert "Nobody is subscribed" in (tmp_path / "gone.html").read_text(encoding="utf-8")
