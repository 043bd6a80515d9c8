"""What is known of subscribers: effects on leaving, as separate fits, simulation and counts say."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv import cli
from predclv.contracts.curves import retention_table, survival_table
from predclv.errors import DataError, OptionError

ALPHA, BETA = 0.9, 5.0
PARTNER, PRO = 0.8, -0.5


@pytest.fixture(scope="module")
def people():
    """6,000 contracts by month whose odds of leaving depend on channel and plan."""
    rng, n = np.random.default_rng(4), 6000
    channel = rng.choice(["web", "partner"], n, p=[0.7, 0.3])
    plan = rng.choice(["basic", "pro"], n)
    shift = PARTNER * (channel == "partner") + PRO * (plan == "pro")
    made, ended = pc.ShiftedBetaGeometric(
        ALPHA * np.exp(shift / 2), BETA * np.exp(-shift / 2)
    ).simulate(rng.integers(6, 24, n), rng)
    start = pd.Timestamp("2022-01-01") + pd.to_timedelta(7 * rng.integers(0, 50, n), unit="D")
    # Renewed by the week, all observed to one day.
    last = start + pd.to_timedelta(7 * (made + 1) - 1, unit="D")
    return pd.DataFrame(
        {
            "customer_id": np.arange(n), "start": start, "plan": plan, "channel": channel,
            "end": last.where(ended > 0),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def renewals(people):
    known = people[["customer_id", "channel"]]
    return pc.renewals(
        people, period="week", observation_end="2023-01-01", by="plan", static_covariates=known
    )


@pytest.fixture(scope="module")
def together(renewals):
    return pc.ContractModel(
        by="plan", groups="together", price={"basic": 9, "pro": 29},
        covariates={"leaving": ["channel", "plan"]},
    ).fit(renewals)  # fmt: skip


def test_effects_are_found_again(together):
    found = together.summary()
    assert {"multiplier", "estimate", "std_error"} <= set(found)
    base = "basic" if "leaving.plan[pro]" in found.index else "pro"
    sign = 1 if base == "basic" else -1
    plan = found.loc[f"leaving.plan[{'pro' if base == 'basic' else 'basic'}]"]
    channel = found.loc["leaving.channel[partner]"]
    assert abs(plan["estimate"] - sign * PRO) < 3 * plan["std_error"]
    assert abs(channel["estimate"] - PARTNER) < 3 * channel["std_error"]
    effects = together.effects()
    assert effects.loc[("channel", "partner"), "leaving"] > 1.3
    assert effects.loc[("plan", "pro"), "leaving"] < 0.9


def test_an_effect_on_every_parameter_is_a_fit_for_each_plan(renewals):
    apart = pc.ContractModel(by="plan").fit(renewals)
    one = pc.ContractModel(
        by="plan", groups="together", covariates={"alpha": ["plan"], "beta": ["plan"]}
    ).fit(renewals)
    parts = {part.plan: part for part in one.forecast("5 weeks", seed=1)._contracts.parts}
    for plan, fit in apart.fits.items():
        own = parts[plan].fit
        assert own.params == pytest.approx(fit.params, rel=2e-5)
        assert own.log_covariance == pytest.approx(fit.log_covariance, rel=0.15)  # of 2,000 draws
    total = sum(fit.log_likelihood for fit in apart.fits.values())
    assert one.fit_of().log_likelihood == pytest.approx(total, rel=1e-10)


def test_plans_apart_with_covariates_are_fits_of_each_plan_s_contracts(people, renewals):
    recipe = pc.ContractModel(by="plan", covariates={"leaving": ["channel"]})
    fitted = recipe.fit(renewals)
    rows = people[people["plan"] == "pro"]
    own = pc.renewals(
        rows, period="week", observation_end="2023-01-01",
        static_covariates=rows[["customer_id", "channel"]],
    )  # fmt: skip
    alone = pc.fit(pc.ShiftedBetaGeometric, own, covariates={"leaving": ["channel"]})
    assert fitted.fit_of("pro").params == pytest.approx(alone.params, rel=1e-9)
    assert list(fitted.effects().index.names) == ["plan", "covariate", "level"]


@pytest.mark.filterwarnings("ignore:.*one customer alone")
def test_a_table_of_cohorts_with_columns_gives_the_same_fit(people, renewals):
    table = renewals.histories.merge(
        renewals.patterns.frame.assign(pattern=range(len(renewals.patterns))), on="pattern"
    )
    rows = []
    for keys, part in table.groupby(["plan", "channel", "renewals"]):
        # A cohort of all who have the same window, so that ages are whole: those who left at an age
        # and those who were censored there are cohorts of their own.
        for ended, some in part.groupby("ended"):
            n = int(some["contracts"].sum())
            left = [n] * (keys[2] + 1) + ([0] if ended else [])
            rows += [(keys[0], keys[1], f"{keys[2]}{ended}", age, k) for age, k in enumerate(left)]
    cohorts = pd.DataFrame(rows, columns=["plan", "channel", "cohort", "age", "customers"])
    same = pc.Renewals.from_cohorts(
        cohorts, period="week", by="plan", static_covariates=["channel"]
    )
    recipe = pc.ContractModel(
        by="plan", groups="together", covariates={"leaving": ["channel", "plan"]}
    )
    one, two = recipe.fit(renewals).fit_of(), recipe.fit(same).fit_of()
    assert one.params == pytest.approx(two.params, rel=1e-9)


def test_covariates_change_no_count(people, renewals):
    plain = pc.renewals(people, period="week", observation_end="2023-01-01", by="plan")
    pd.testing.assert_frame_equal(plain.frame, renewals.frame)
    pd.testing.assert_frame_equal(plain.curve, renewals.curve)
    assert plain.n_running == renewals.n_running
    without = pc.ContractModel(by="plan").fit(plain)
    beside = pc.ContractModel(by="plan").fit(renewals)
    assert without.fit_of("pro").params == beside.fit_of("pro").params


def test_each_customer_is_forecast_by_own_covariates(people, together):
    forecast = together.forecast("8 weeks", discount_rate=0.1, seed=2)
    frame = forecast.frame
    assert frame["channel"].tolist() == (
        people.set_index("customer_id").loc[frame["customer_id"], "channel"].tolist()
    )
    params = together.fit_of().params
    is_pro = "leaving.plan[pro]" in params
    plan_effect = params["leaving.plan[pro]" if is_pro else "leaving.plan[basic]"]
    for row in frame.sample(5, random_state=1).itertuples():
        shift = params["leaving.channel[partner]"] * (row.channel == "partner")
        shift += plan_effect * (row.plan == ("pro" if is_pro else "basic"))
        own = pc.ShiftedBetaGeometric(
            params["alpha"] * np.exp(shift / 2), params["beta"] * np.exp(-shift / 2)
        )
        expected = own.survival_after(np.arange(1.0, 9.0), float(row.renewals)).sum()
        assert row.expected_purchases == pytest.approx(expected, rel=1e-10)
    total = forecast.total()
    assert total["purchases"] == pytest.approx(frame["expected_purchases"].sum())
    assert total["clv_lower"] < total["clv"] < total["clv_upper"]
    assert forecast.schedule()["purchases"].sum() == pytest.approx(total["purchases"])
    new = forecast.new_subscriber()
    assert len(new) == 4
    assert list(new)[:2] == ["plan", "channel"]
    assert forecast.value_by_age(2)["residual_value"].notna().all()
    ax = pc.plots.value_by_age(forecast, 2)
    assert len(ax.lines) == 4  # a line for each plan and channel
    assert all(list(line.get_xdata()) == [0, 1, 2] for line in ax.lines)
    assert len(pc.plots.value_by_age(forecast, 2, plan="pro").lines) == 2
    with pytest.raises(OptionError, match="There is no plan 'por'"):
        pc.plots.value_by_age(forecast, plan="por")


def test_retention_by_age_is_that_of_who_came_up(renewals, together):
    found = retention_table(together, "basic")
    h = renewals.histories[renewals.histories["plan"] == "basic"]
    forecast = together.forecast("4 weeks", level=None)
    models = {
        part.known["channel"]: part.fit.model
        for part in forecast._contracts.parts
        if part.plan == "basic"
    }
    names = renewals.patterns.frame["channel"]
    up = (h["renewals"] + h["ended"] >= 3).to_numpy() * h["contracts"].to_numpy()
    expected = sum(
        up[(h["pattern"].map(names) == channel).to_numpy()].sum() * model.retention(3.0)
        for channel, model in models.items()
    )
    assert found.set_index("age").loc[3, "model"] == pytest.approx(float(expected) / up.sum())
    ahead = survival_table(together, 4, "basic").dropna(subset="expected")
    assert ahead["expected"].between(ahead["lower"] - 0.01, ahead["upper"] + 0.01).all()


def test_later_weeks_are_forecast_better_by_who_knows_more(renewals):
    split = renewals.split(10)
    known = pc.ContractModel(
        by="plan", groups="together", covariates={"leaving": ["channel", "plan"]}
    )
    found = pc.validate({"known": known, "not": pc.ContractModel()}, split, seed=3)
    assert not found.failed
    frame = found.frame
    assert frame.loc["known", "actual"] == frame.loc["not", "actual"]
    assert 0.75 < frame.loc["known", "coverage"] <= 1.0
    assert frame.loc["known", "log_score"] >= frame.loc["not", "log_score"] - 1e-4


def test_what_is_saved_is_loaded(together, tmp_path):
    together.save(tmp_path / "kept")
    again = pc.load(tmp_path / "kept")
    assert list(again.recipe.covariates) == [("leaving",)]
    one, two = (f.forecast("6 weeks", seed=5).frame for f in (together, again))
    pd.testing.assert_frame_equal(one, two)
    assert again.summary().equals(together.summary())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"covariates": {"leaving": ["chanel"]}}, DataError, "Did you mean 'channel'"),
        ({"covariates": {"rate": ["channel"]}}, OptionError, "No covariate acts on sBG"),
        (
            {"by": "plan", "covariates": {"leaving": ["plan"]}},
            OptionError,
            "each plan has a fit of its own",
        ),
        (
            {"by": "plan", "groups": "pooled", "covariates": {"leaving": ["channel"]}},
            OptionError,
            "not both",
        ),
    ],
)
def test_what_makes_no_sense_says_why(renewals, options, error, message):
    with pytest.raises(error, match=message):
        pc.ContractModel(**options).fit(renewals)


def test_customers_without_covariates_are_named(people):
    known = people[["customer_id", "channel"]]
    with pytest.raises(DataError, match="no row in static_covariates"):
        pc.renewals(people, period="week", static_covariates=known.iloc[5:])
    with pytest.raises(DataError, match="cannot be called 'renewals'"):
        pc.renewals(
            people, period="week", static_covariates=known.rename(columns={"channel": "renewals"})
        )
    plain = pc.renewals(people, period="week", observation_end="2023-01-01")
    with pytest.raises(DataError, match=r"pc.renewals\(subscriptions, static_covariates"):
        pc.ContractModel(covariates={"leaving": ["channel"]}).fit(plain)


def test_the_verb_takes_what_is_known_of_subscribers(people, tmp_path, capsys):
    columns = ["customer_id", "start", "end", "plan"]
    people[columns].to_csv(tmp_path / "contracts.csv", index=False)
    people[["customer_id", "channel"]].to_csv(tmp_path / "people.csv", index=False)

    def run(*more):
        with pytest.raises(SystemExit) as stop:
            cli.main(
                [
                    "contracts", str(tmp_path / "contracts.csv"), "--period", "week",
                    "--observation-end", "2023-01-01", "--by", "plan", "--horizon", "8 weeks",
                    "--out", str(tmp_path / "forecast.csv"), *more,
                ]
            )  # fmt: skip
        return stop.value.code or 0, capsys.readouterr()

    known = ["--static-covariates", str(tmp_path / "people.csv")]
    code, told = run(*known, "--groups", "together", "--covariates", "leaving=channel+plan")
    assert code == 0
    assert "partner" in told.out
    written = pd.read_csv(tmp_path / "forecast.csv")
    assert set(written["channel"]) == {"web", "partner"}
    shares = written.groupby(["channel", "plan"])["p_retained"].mean()
    assert shares["web", "pro"] > shares["partner", "basic"] + 0.1
    code, told = run(*known, "--groups", "pooled", "--covariates", "leaving=channel")
    assert code == 2
    assert "say --groups together" in told.err
    code, told = run("--covariates", "leaving=channel")
    assert code == 2
    assert "static_covariates" in told.err


def test_the_verb_takes_columns_of_a_table_of_cohorts(tmp_path, capsys):
    left = {"web": [500, 400, 350, 320], "store": [400, 250, 180, 140]}
    table = pd.DataFrame(
        [(name, 0, age, n) for name, row in left.items() for age, n in enumerate(row)],
        columns=["channel", "cohort", "age", "customers"],
    )
    table.to_csv(tmp_path / "cohorts.csv", index=False)
    with pytest.raises(SystemExit) as stop:
        cli.main(
            [
                "contracts", str(tmp_path / "cohorts.csv"), "--cohorts", "--period", "year",
                "--static-covariates", "channel", "--covariates", "leaving=channel",
                "--horizon", "3 years", "--out", str(tmp_path / "f.csv"),
            ]
        )  # fmt: skip
    assert not stop.value.code
    assert "store" in capsys.readouterr().out
