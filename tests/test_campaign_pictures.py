"""Pictures and verbs of why and what if: they show the numbers of their results."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv import cli
from predclv.errors import DataError, OptionError

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    from matplotlib import pyplot as plt

    yield
    plt.close("all")


@pytest.fixture(scope="module")
def groups():
    lot = np.random.default_rng(2).random(2357) < 0.5
    table = pd.DataFrame({"customer_id": range(1, 2358)})
    return table.assign(group=np.where(lot, "treated", "control"))


@pytest.fixture(scope="module")
def effect(cdnow_log, groups):
    by = pd.Series(np.arange(2357) % 3, index=range(1, 2358))
    return pc.campaign_effect(cdnow_log, groups, "1997-10-01", "1997-12-31", by=by)


@pytest.fixture(scope="module")
def traits():
    rng = np.random.default_rng(3)
    return pd.DataFrame({"customer_id": range(1, 2358), "sign": rng.choice(list("abc"), 2357)})


@pytest.fixture(scope="module")
def forecast(cdnow_log):
    return pc.CLVModel().fit(pc.rfm_summary(cdnow_log)).forecast("1 year", level=None, seed=0)


def points(ax):
    """What is drawn as points, as (x, y)."""
    lines = [line.get_xydata() for line in ax.lines if line.get_marker() == "o"]
    return np.vstack(lines or [np.asarray(c.get_offsets()) for c in ax.collections[-1:]])


def test_the_picture_of_a_campaign_shows_each_difference_over_the_control(effect):
    ax = pc.plots.campaign_effect(effect)
    drawn = np.sort(points(ax)[:, 0])
    frame = effect.frame
    shares = np.r_[frame["plain_difference"], frame["difference"]] / np.tile(frame["control"], 2)
    np.testing.assert_allclose(drawn, np.sort(100 * shares))
    assert effect.verdict in " ".join(ax.get_title(loc="left").split())


def test_the_picture_of_parts_shows_every_part(effect):
    ax = pc.plots.campaign_parts(effect)
    np.testing.assert_allclose(np.sort(points(ax)[:, 0]), np.sort(effect.parts["difference"]))
    assert len(ax.get_yticklabels()) == 3


def test_the_picture_of_sizes_falls(cdnow_log):
    size = pc.campaign_size(cdnow_log, "13 weeks")
    drawn = points(pc.plots.campaign_size(size))
    assert set(np.round(drawn[:, 1], 9)) == {
        round(v, 9) for v in [*size.frame["detectable"], *size.frame["plain"]]
    }


def test_the_pictures_of_drivers_and_lookalikes_show_their_tables(forecast, traits):
    drivers = pc.drivers(forecast, traits)
    ax = pc.plots.driver_lifts(drivers)
    np.testing.assert_allclose(np.sort(points(ax)[:, 0]), np.sort(drivers.frame["lift"]))
    assert "explain nothing" in " ".join(ax.get_title(loc="left").split())
    ax = pc.plots.driver_dependence(drivers, "sign")
    np.testing.assert_allclose(points(ax)[:, 1], drivers.dependence("sign")["expected"])
    like = pc.lookalike(forecast, traits)
    ax = pc.plots.lookalike_gains(like)
    np.testing.assert_allclose(points(ax)[:, 1], like.gains["gain"])
    assert "no better than chance" in ax.get_title(loc="left")
    with pytest.raises(OptionError, match="most must be"):
        pc.plots.driver_lifts(drivers, most=0)


def test_the_pictures_of_lists_and_budgets_show_their_tables(forecast):
    stake = pc.segments.at_stake(forecast, pc.segments.win_back(forecast))
    drawn = points(pc.plots.at_stake(stake))
    known = stake[stake["value_if_back"] > 0]
    np.testing.assert_allclose(drawn, known[["p_back", "value_if_back"]] * [100, 1])
    fitted = pc.CLVModel().fit(forecast._source.rfm)
    new = pc.economics.new_customer(fitted, "2 years")
    budget = pc.economics.budget({"a": new, "b": new}, 3.0, {"a": 10.0, "b": 40.0})
    ax = pc.plots.newcomer_budget(budget)
    np.testing.assert_allclose(np.sort(points(ax)[:, 0]), np.sort(budget["ratio"]))


def test_pictures_refuse_what_they_are_not_of(effect, forecast):
    for picture, wrong in (
        (pc.plots.campaign_effect, forecast),
        (pc.plots.campaign_parts, forecast),
        (pc.plots.campaign_size, effect),
        (pc.plots.driver_lifts, effect),
        (pc.plots.lookalike_gains, effect),
        (pc.plots.newcomer_budget, effect),
        (pc.plots.at_stake, forecast.frame),
    ):
        with pytest.raises(DataError, match=r"pc\."):
            picture(wrong)


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main([str(each) for each in arguments])
    return stop.value.code or 0


@pytest.fixture
def files(tmp_path, cdnow_log, groups, traits):
    for name, table in (("log", cdnow_log), ("groups", groups), ("traits", traits)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def test_the_verb_campaign_writes_what_campaign_effect_returns(files, effect, capsys):
    out = files / "effect.csv"
    code = run(
        "campaign", files / "log.csv", files / "groups.csv", "1997-10-01", "--end", "1997-12-31",
        "--cost", "1.5", "--out", out, "--pictures", files / "pictures",
    )  # fmt: skip
    assert code == 0
    written = pd.read_csv(out)
    np.testing.assert_allclose(written["difference"], effect.frame["difference"])
    told = capsys.readouterr().out
    assert effect.verdict in told
    assert "verdict" in told
    assert (files / "pictures" / "campaign_effect.png").stat().st_size > 10_000


def test_the_verb_campaign_says_what_is_wrong(files, capsys):
    assert run("campaign", files / "log.csv", files / "groups.csv", "1990-01-01") == 2
    assert "error: The campaign starts on 1990-01-01" in capsys.readouterr().err
    assert run("campaign", files / "log.csv", files / "log.csv", "1997-10-01") == 2
    assert "no column 'group'" in capsys.readouterr().err


def test_the_verb_drivers_writes_the_lifts(files, forecast, traits, capsys):
    out = files / "lifts.parquet"
    code = run(
        "drivers", files / "log.csv", files / "traits.csv", "--horizon", "1 year", "--out", out,
        "--pictures", files / "pictures",
    )  # fmt: skip
    assert code == 0
    pd.testing.assert_frame_equal(
        pd.read_parquet(out), pc.drivers(forecast, traits).frame, check_dtype=False
    )
    assert "explain nothing" in capsys.readouterr().out
    assert run("drivers", files / "log.csv", files / "traits.txt") == 2
    assert "must end in .parquet or .csv" in capsys.readouterr().err
