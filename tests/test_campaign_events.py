"""Campaigns that everybody got: what the clock says without them, and how well it is known."""

import datetime

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv import cli
from predclv.errors import AssumptionWarning, DataError, OptionError

TRUTH = pc.BGNBD(r=0.6, alpha=6.0, a=0.6, b=2.5)  # in weeks
ORIGIN = pd.Timestamp("2022-01-03")
START, LENGTH, AFTER = 60.0, 4.0, 4.0
A_DAY = pd.Timedelta(days=1)


def shop(n, seed, pace=1.0, pace_after=1.0):
    """A log of customers who bought by the truth, all of them faster in the campaign."""
    rng = np.random.default_rng(seed)
    born = rng.integers(0, 7 * 40, n) / 7
    rate, leaves = rng.gamma(TRUTH.r, 1 / TRUTH.alpha, n), rng.beta(TRUTH.a, TRUTH.b, n)
    owner, clock, now, active = [np.arange(n)], [born], born.copy(), np.arange(n)
    while active.size:
        now[active] += rng.exponential(1 / np.maximum(rate[active], 1e-12))
        active = active[now[active] < 90]
        owner.append(active)
        clock.append(now[active].copy())
        active = active[rng.random(active.size) >= leaves[active]]
    owner, when = np.concatenate(owner), np.concatenate(clock)
    ends = [0.0, START, START + LENGTH, START + LENGTH + AFTER, 1e4]
    when = np.interp(when, np.cumsum([0, *(np.diff(ends) * [1, pace, pace_after, 1])]), ends)
    seen = when < START + LENGTH + AFTER
    date = ORIGIN + pd.to_timedelta(np.floor(when[seen] * 7), unit="D")
    amount = rng.gamma(4.0, (15.0 / rng.gamma(4.0, size=n))[owner])[seen]
    return pd.DataFrame(
        {"customer_id": owner[seen], "date": date, "amount": amount.round(2) + 0.01}
    )


def day(weeks):
    return ORIGIN + pd.Timedelta(days=round(7 * weeks))


DAYS = {
    "start": day(START), "end": day(START + LENGTH) - A_DAY,
    "observation_end": day(START + LENGTH + AFTER) - A_DAY,
}  # fmt: skip
STEADY = pc.CLVModel(clock=pc.Clock(season=0))


def effect(log, **more):
    return pc.campaign_effect(log, None, assigned="everybody", **(DAYS | {"model": STEADY} | more))


@pytest.fixture(scope="module")
def log():
    return shop(1500, 1, pace=2.0, pace_after=0.5)


@pytest.fixture(scope="module")
def found(log):
    parts = pd.Series(np.arange(1500) % 2, index=range(1500))
    return effect(log, measure="purchases", by=parts)


@pytest.fixture(scope="module")
def by_hand(log):
    """The fit with its two events, and what it expects of each customer without them."""
    events = pd.DataFrame(
        {
            "name": ["campaign", "after"],
            "start": [DAYS["start"], DAYS["end"] + A_DAY],
            "end": [DAYS["end"], DAYS["observation_end"]],
        }
    )
    rfm = pc.rfm_summary(log, observation_end=DAYS["observation_end"])
    fit = pc.fit(pc.BGNBD, rfm, clock=pc.Clock(season=0, events=events))
    before = pc.rfm_summary(
        log[log["date"] < DAYS["start"]], observation_end=DAYS["start"] - A_DAY
    ).frame
    last = int((DAYS["start"] - A_DAY - pd.Timestamp(0)).days)
    born = last - (before["T"] * 7).round().astype(int)

    def expected(model, clock, effects):
        until = np.append(0.0, np.cumsum(clock.rate(np.arange(clock.first_day + 1, last + 61))))

        def at(day):
            return until[day - clock.first_day] / 7

        t_x = at(born + (before["recency"] * 7).round().astype(int)) - at(born)
        usual = clock.rate([last + 1])[0] * np.exp(-effects[0]) * 4.0  # of a campaign's day, 28 of
        return model.expected_purchases_after(
            usual, before["frequency"].to_numpy(float), t_x, at(last) - at(born)
        )

    return fit, expected


def test_what_was_expected_is_the_fit_with_the_campaign_taken_off_its_days(found, by_hand):
    fit, expected = by_hand
    control = expected(fit.model, fit.clock, fit.clock.effects)
    assert found.row("purchases")["control"] == pytest.approx(control.mean(), rel=1e-6)
    multiplier = np.exp(fit.clock.effects)
    assert found.pace["treated"].campaign == pytest.approx(multiplier[0], rel=1e-6)
    assert found.pace["treated"].after == pytest.approx(multiplier[1], rel=1e-6)


def test_the_error_holds_customers_and_parameters(log, found, by_hand):
    fit, expected = by_hand
    draws = fit.draws(400, seed=1)
    means = []
    for i in range(400):
        model = pc.BGNBD(**{name: draws[name][i] for name in ("r", "alpha", "a", "b")})
        effects = np.array([draws[name][i] for name in fit.clock.names])
        means.append(expected(model, fit.clock.at(effects), effects).mean())
    row, n = found.row("purchases"), found.counts["treated"]
    inside = log[log["date"].between(DAYS["start"], DAYS["end"])]
    ids = log.loc[log["date"] < DAYS["start"], "customer_id"].unique()
    came = inside.drop_duplicates(["customer_id", "date"]).groupby("customer_id").size()
    left = came.reindex(np.sort(ids), fill_value=0).to_numpy() - expected(
        fit.model, fit.clock, fit.clock.effects
    )
    assert row["treated"] == pytest.approx(left.mean() + row["control"], rel=1e-6)
    error = np.sqrt(left.var(ddof=1) / n + np.var(means))
    # 400 draws leave 7% of a variance to chance, of which parameters are a fortieth.
    assert (row["upper"] - row["lower"]) / 2 == pytest.approx(1.6449 * error, rel=0.005)
    assert np.var(means) > 0.01 * error**2


def test_a_campaign_that_worked_is_found_and_nothing_where_nothing_was(found):
    assert found.verdict == "more"
    assert found.row("purchases", "after")["upper"] < 0  # brought forward
    assert found.row("purchases", "to date")["difference"] < found.row()["difference"]
    # The truth: 8,000 customers who live twice.
    log, twin = (shop(8000, 2, *paces) for paces in ((2.0, 0.5), (1.0, 1.0)))
    known = log.loc[log["date"] < DAYS["start"], "customer_id"].nunique()
    won = [
        each[each["date"].between(DAYS["start"], DAYS["end"])]
        .drop_duplicates(["customer_id", "date"])
        .shape[0] / known
        for each in (log, twin)
    ]  # fmt: skip
    row = found.row("purchases")
    assert row["lower"] < won[0] - won[1] < row["upper"]
    assert effect(log, measure="purchases").row()["lower"] > 0.8 * (won[0] - won[1])
    quiet = effect(twin, measure="purchases", level=0.99)
    assert quiet.verdict == "no effect that chance would not make"
    assert quiet.before["p_value"] > 0.01


def test_the_table_agrees_with_itself(found):
    frame = found.frame
    np.testing.assert_allclose(frame["difference"], frame["treated"] - frame["control"])
    assert ((frame["lower"] < frame["difference"]) & (frame["difference"] < frame["upper"])).all()
    for name in ("purchases", "revenue"):
        both = found.row(name)["control"] + found.row(name, "after")["control"]
        assert found.row(name, "to date")["control"] == pytest.approx(both)
    parts = found.parts
    total = parts["difference"] @ parts["customers"] / parts["customers"].sum()
    assert total == pytest.approx(found.row("purchases", "to date")["difference"])


def test_it_says_that_it_is_weaker_and_leaves_out_what_there_is_not(found):
    told = found.headline()
    assert "1,500 customers, all treated" in told
    assert "weaker than a control group" in told
    assert "where the clock expected" in told
    for shown in (repr(found), found._repr_html_()):
        assert "plain_difference" not in shown
        assert "nan" not in shown.casefold()
    ax = pc.plots.campaign_effect(found)
    assert ax.get_legend() is None
    assert "what the clock expected" in ax.get_xlabel()
    points = [line.get_xydata() for line in ax.lines if line.get_marker() == "o"]
    frame = found.frame.iloc[::-1]
    np.testing.assert_allclose(points[0][:, 0], 100 * frame["difference"] / frame["control"])
    assert "what the clock expected" in pc.plots.campaign_parts(found).get_xlabel()


def test_a_campaign_until_the_log_s_end_has_no_days_after(log):
    until = log[log["date"] <= DAYS["end"]]
    found = effect(until, observation_end=DAYS["end"], measure="revenue")
    assert set(found.frame["window"]) == {"campaign"}
    assert "brought forward still count as won" in found.headline()
    assert np.isnan(found.pace["treated"].after)


def test_after_a_short_campaign_four_weeks_are_counted(log):
    found = effect(log, end=DAYS["start"] + 2 * A_DAY)
    assert found.days.observed == (DAYS["start"] + 30 * A_DAY).date()
    assert found.days.end - found.days.start == datetime.timedelta(days=2)


def test_customers_of_whom_more_is_known_are_expected_by_it(log):
    people = pd.DataFrame({"customer_id": range(1500)})
    people["channel"] = np.where(people["customer_id"] % 3, "web", "store")
    rfm = pc.rfm_summary(log, static_covariates=people, observation_end=DAYS["observation_end"])
    recipe = pc.CLVModel(clock=pc.Clock(season=0), covariates={"rate": ["channel"]})
    known, plain = effect(rfm, model=recipe, observation_end=None), effect(log)
    for name in ("purchases", "revenue", "active"):
        assert known.row(name)["treated"] == pytest.approx(plain.row(name)["treated"])
        # The channel means nothing here, so it changes little.
        assert known.row(name)["control"] == pytest.approx(plain.row(name)["control"], rel=0.02)


@pytest.mark.filterwarnings("ignore:.*no maximum inside")
def test_less_than_a_year_before_and_a_clock_that_was_wrong_are_warned_of(log):
    later = log[log["date"] >= ORIGIN + 30 * 7 * A_DAY]
    with pytest.warns(AssumptionWarning, match="a season cannot be told from the campaign"):
        effect(later)
    # The weeks before the campaign were the campaign.
    shifted = DAYS | {"start": DAYS["end"] + A_DAY, "end": DAYS["observation_end"]}
    with pytest.warns(AssumptionWarning, match="The clock was wrong already in the 28 days"):
        effect(log, **shifted)
    early = effect_of_few_days(log)
    assert np.isnan(early.before["p_value"])
    assert "before the start they bought" not in early.headline()


def effect_of_few_days(log):
    until = ORIGIN + 60 * A_DAY
    few = log[log["date"] <= until]
    with pytest.warns(AssumptionWarning, match="has 40 days before the start"):
        return effect(few, start=ORIGIN + 40 * A_DAY, end=until, observation_end=until)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"groups": {1: "treated"}}, "there are no groups"),
        ({"control": "c"}, "there are no groups"),
        ({"cost": 2.0}, "no value to hold a cost against"),
        ({"measure": "value"}, "no value to hold a cost against"),
        ({"traits": pd.DataFrame({"customer_id": [1]})}, "traits are matched on where"),
        ({"start": "2031-01-01", "end": None}, "nothing is known of it"),
        ({"start": ORIGIN, "end": None}, "without purchases before the start"),
        ({"end": "2031-01-01"}, "ends on 2031-01-01, and the log runs"),
        ({"model": "BGNBD"}, "wants a recipe of one model"),
        ({"model": pc.CLVModel("auto")}, "wants a recipe of one model"),
        (
            {"model": pc.CLVModel(pc.MBGNBD, memory=True, clock=pc.Clock(season=0))},
            "it knows more of them",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(log, more, message):
    asked = {"groups": None, "assigned": "everybody", "model": STEADY} | DAYS | more
    with pytest.raises(OptionError, match=message):
        pc.campaign_effect(log, **asked)


def test_nobody_said_to_be_treated_is_no_campaign(log):
    with pytest.raises(DataError, match="assigned='everybody'"):
        pc.campaign_effect(log, None, **DAYS)


def test_the_verb_campaign_takes_everybody(log, found, tmp_path, capsys):
    log.to_csv(tmp_path / "log.csv", index=False)
    parts = pd.DataFrame({"customer_id": range(1500), "kind": np.arange(1500) % 2})
    parts.to_csv(tmp_path / "parts.csv", index=False)
    asked = [
        "campaign", tmp_path / "log.csv", "everybody", DAYS["start"].date(),
        "--end", DAYS["end"].date(), "--observation-end", DAYS["observation_end"].date(),
        "--season", "0", "--measure", "purchases",
    ]  # fmt: skip
    out, pictures = tmp_path / "effect.csv", tmp_path / "pictures"

    def run(*more):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(each) for each in (*asked, *more)])
        return stop.value.code or 0

    by = ("--by", tmp_path / "parts.csv", "--out", out, "--pictures", pictures)
    assert run(*by) == 0
    np.testing.assert_allclose(pd.read_csv(out)["difference"], found.frame["difference"])
    assert "weaker than a control group" in capsys.readouterr().out
    assert {path.name for path in pictures.iterdir()} == {
        "campaign_effect.png", "campaign_parts.png",
    }  # fmt: skip
    assert run("--assigned", "chosen") == 2
    assert "leave --assigned out" in capsys.readouterr().err
    asked[2] = "all"
    assert run() == 2
    assert "is the word everybody, or a table" in capsys.readouterr().err
