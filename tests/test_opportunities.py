"""Opportunities counted in the warehouse, by groups, held out, validated beside rules of thumb."""

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.contracts.opportunity_outlook import simulated_opportunities
from predclv.errors import DataError, OptionError

GIFTS = pc.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
SOUTH = 0.8  # of the log odds of giving


@pytest.fixture(scope="module")
def gifts():
    """Gifts of 1,500 people from their first year to 2019; those of the south give more readily."""
    rng, n = np.random.default_rng(5), 1500
    first = rng.integers(2008, 2012, n)
    south = rng.random(n) < 0.5
    p = rng.beta(1.2 * np.exp(SOUTH * south / 2), 0.75 * np.exp(-SOUTH * south / 2))
    theta = rng.beta(GIFTS.gamma, GIFTS.delta, n)
    rows, alive = [], np.zeros(n, bool)
    for year in range(2008, 2020):
        new = first == year
        alive &= rng.random(n) >= theta
        gives = alive & (rng.random(n) < p)
        alive |= new
        who = np.flatnonzero(gives | new)
        rows.append(pd.DataFrame({"customer_id": who, "date": f"{year}-06-01"}))
        twice = rng.choice(who, 5)  # two gifts of one year are one
        rows.append(pd.DataFrame({"customer_id": twice, "date": f"{year}-11-05"}))
    log = pd.concat(rows, ignore_index=True)
    return log.assign(region=np.where(south[log["customer_id"]], "south", "north"))


@pytest.fixture(scope="module")
def sample(gifts):
    return pc.opportunities(gifts, observation_end="2019-12-31", by="region")


def _by_hand(gifts, last):
    """The same in pandas."""
    year = pd.to_datetime(gifts["date"]).dt.year
    rows = gifts.assign(year=year)[year <= last].drop_duplicates(["customer_id", "year"])
    people = rows.groupby("customer_id").agg(
        region=("region", "first"), first=("year", "min"), latest=("year", "max"),
        taken=("year", "size"),
    )  # fmt: skip
    return people.assign(
        frequency=people["taken"] - 1, recency=people["latest"] - people["first"],
        opportunities=last - people["first"],
    )  # fmt: skip


def test_counts_are_those_of_pandas(gifts, sample):
    people = _by_hand(gifts, 2019)
    keys = ["region", "frequency", "recency", "opportunities"]
    counted = people.groupby(keys).size().rename("customers").reset_index()
    pd.testing.assert_frame_equal(
        sample.histories, counted, check_dtype=False, check_column_type=False
    )
    frame = sample.subscribers.frame().set_index("customer_id")
    assert (frame["frequency"] == people["frequency"].loc[frame.index]).all()
    assert (frame["region"] == people["region"].loc[frame.index]).all()
    assert sample.groups == ["north", "south"]
    whole = sample.together()
    assert whole.by is None
    assert whole.n_customers == sample.n_customers == len(people)


@pytest.mark.parametrize("period", ["year", "month", "week", "day"])
def test_every_period_is_numbered_as_the_calendar_has_it(gifts, period):
    found = pc.opportunities(gifts.head(400), period=period)
    days = pd.to_datetime(gifts.head(400)["date"])
    number = {
        "year": days.dt.year, "month": days.dt.year * 12 + days.dt.month,
        "week": (days - pd.Timestamp("1970-01-05")).dt.days // 7,
        "day": (days - pd.Timestamp("1970-01-05")).dt.days,
    }[period]  # fmt: skip
    first = number.groupby(gifts.head(400)["customer_id"]).min()
    assert found.n_opportunities == int((number.max() - first).sum())


def test_what_is_held_out_is_what_came(gifts, sample):
    split = sample.split(4)
    people = _by_hand(gifts, 2015)
    assert split.calibration.n_customers == len(people)
    year = pd.to_datetime(gifts["date"]).dt.year
    later = gifts[(year > 2015) & gifts["customer_id"].isin(people.index)]
    later = later.assign(year=year).drop_duplicates(["customer_id", "year"])
    assert split.by_period.tolist() == later.groupby("year").size().tolist()
    came = split.came
    assert int((came["later"] * came["customers"]).sum()) == len(later)
    taken = later.groupby("customer_id").size().reindex(people.index, fill_value=0)
    by_x = taken.groupby(people["frequency"]).sum()
    found = (came["later"] * came["customers"]).groupby(came["frequency"]).sum()
    assert found.tolist() == by_x.tolist()
    assert sample.as_of(4).histories.equals(split.calibration.histories)


def test_models_are_closer_than_rules_of_thumb(sample):
    baselines = pc.contracts
    found = pc.validate(
        {
            "BG/BB": pc.ContractModel(pc.BGBB),
            "by region": pc.ContractModel(pc.BGBB, by="region"),
            "alike": baselines.EverybodyAlike(),
            "own": baselines.OwnShare(),
            "last": baselines.AsLastPeriod(),
        },
        sample.split(4),
        seed=2,
    )
    frame = found.frame
    assert not found.failed
    assert frame["rmse"].idxmin() in ("BG/BB", "by region")
    assert frame.loc["BG/BB", "brier"] < frame.loc[["alike", "own", "last"], "brier"].min()
    assert abs(frame.loc["by region", "error"]) < 0.1
    assert frame.loc["by region", "coverage"] > 0.85
    assert frame.loc["by region", "lower"] < frame.loc["by region", "expected"]
    assert found.by_period["BG/BB"].sum() == pytest.approx(frame.loc["BG/BB", "expected"])
    of_all = (found.by_frequency["own"] * found.by_frequency["customers"]).sum()
    assert of_all == pytest.approx(frame.loc["own", "expected"])
    assert "beats the best rule of thumb" in repr(found)
    again = pc.backtest(
        [pc.ContractModel(pc.BGBB), baselines.OwnShare()], sample, cutoffs=[5, 4], horizon=3
    )
    assert list(again.validations) == [5, 4]
    assert again.frame.loc[4, "actual"].nunique() == 1


def test_groups_are_fitted_apart_pooled_or_by_an_effect(sample):
    apart = pc.ContractModel(pc.BGBB, by="region").fit(sample)
    alone = pc.fit(pc.BGBB, sample.group("south"))
    assert apart.fit_of("south").params == pytest.approx(alone.params, rel=1e-9)
    every = {name: ["region"] for name in ("alpha", "beta", "gamma", "delta")}
    one = pc.ContractModel(pc.BGBB, by="region", groups="together", covariates=every).fit(sample)
    total = sum(fit.log_likelihood for fit in apart.fits.values())
    assert one.fit_of().log_likelihood == pytest.approx(total, rel=1e-9)
    wide = pc.ContractModel(pc.BGBB, by="region", groups="pooled", spread=1e6).fit(sample)
    assert wide.fit_of("south").params == pytest.approx(alone.params, rel=1e-4)
    effect = pc.ContractModel(
        pc.BGBB, by="region", groups="together", covariates={"rate": ["region"]}
    ).fit(sample)
    row = effect.summary().filter(like="rate.region", axis="index").iloc[0]
    assert abs(abs(row["estimate"]) - SOUTH) < 3 * row["std_error"]
    forecast = effect.forecast("3 years", seed=1)
    assert set(forecast.frame["region"]) == {"north", "south"}
    total = forecast.total()
    assert total["purchases_lower"] < total["purchases"] < total["purchases_upper"]


def test_covariates_come_with_a_table(gifts):
    people = gifts.drop_duplicates("customer_id")[["customer_id", "region"]]
    people = people.assign(age=40.0 + people["customer_id"] % 3)
    found = pc.opportunities(gifts, by="region", static_covariates=people)
    assert found.patterns.names == ("region", "age")
    fitted = pc.ContractModel(pc.BGBB, covariates={"rate": ["region", "age"]}).fit(found)
    assert len(fitted.summary()) == 6
    assert {"region", "age"} <= set(fitted.forecast("2 years", level=None).frame)


def test_few_customers_are_followed_one_by_one(sample):
    # A total's interval must hold its mean: where each of a few counts, nothing is cut off at 0.
    table = pd.DataFrame({"x": [0, 1, 3], "last": [0, 1, 4], "n": [6, 6, 4], "k": [3, 2, 2]})
    few = pc.Opportunities.from_frame(table, "x", "last", "n", "k")
    fit = pc.fit(pc.BGBB, sample)
    h = few.histories
    state = {name: h[name].to_numpy() for name in few.state}
    drawn = simulated_opportunities(
        fit, state, h["customers"].to_numpy(float), 5, 2000, 1, np.random.default_rng(1)
    ).sum(axis=(1, 2))
    model = fit.model
    expected = h["customers"] @ model.expected_purchases_after(5, *state.values())
    assert drawn.mean() == pytest.approx(expected, abs=5 * drawn.std() / np.sqrt(2000))
    assert (drawn == np.rint(drawn)).all()


def test_what_cannot_be_says_why(gifts, sample):
    counts = pc.Opportunities.from_frame(
        sample.histories, "frequency", "recency", "opportunities", "customers", by="region"
    )
    assert counts.groups == ["north", "south"]
    with pytest.raises(OptionError, match="split wants the log"):
        counts.split(2)
    with pytest.raises(OptionError, match="whole number from 1 on"):
        sample.split(0)
    with pytest.raises(OptionError, match="nobody had had an opportunity"):
        sample.split(11)
    moved = gifts.assign(region=np.where(np.arange(len(gifts)) % 2, "north", "south"))
    with pytest.raises(DataError, match="say different things"):
        pc.opportunities(moved, by="region")
    with pytest.raises(DataError, match="no column 'regoin'"):
        pc.opportunities(gifts, by="regoin")
    with pytest.raises(DataError, match="OwnShare learns from"):
        pc.contracts.OwnShare().fit(gifts)
    with pytest.raises(OptionError, match="There is no region 'west'"):
        sample.group("west")
