"""Money is shown in the currency that the summary names; totals without pennies, with intervals."""

import re

import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.errors import OptionError
from predclv.money import money


@pytest.fixture(scope="module")
def fitted(cdnow_log):
    return pc.CLVModel().fit(pc.rfm_summary(cdnow_log, currency="GBP"))


@pytest.fixture(scope="module")
def forecast(fitted):
    return fitted.forecast("26 weeks", seed=1)


@pytest.fixture(scope="module")
def plain(cdnow_log):
    return pc.CLVModel().fit(pc.rfm_summary(cdnow_log)).forecast("26 weeks", seed=1)


def test_the_headline_has_totals_without_pennies_and_with_their_interval(plain):
    total = plain.total()
    for said in (plain.headline(), repr(plain).splitlines()[0], plain._repr_html_()):
        for name in ("purchases", "revenue", "clv"):
            value, low, high = (f"{total[name + part]:,.0f}" for part in ("", "_lower", "_upper"))
            assert f"{value} {name} ({low} to {high})" in said
        assert "90% intervals of chance and parameters only" in said
        assert not re.search(r"\d\.\d\d (purchases|revenue|clv)", said)


def test_without_intervals_the_headline_promises_none(fitted):
    said = fitted.forecast("26 weeks", level=None).headline()
    assert re.search(r"margin 1: 1,043 purchases, GBP [\d,]+ revenue, GBP [\d,]+ clv$", said)


def test_a_total_prints_a_line_for_each_number(plain):
    lines = repr(plain.total()).splitlines()
    assert len(lines) == 5
    assert re.fullmatch(r"purchases +1,043 \([\d,]+ to [\d,]+\)", lines[0])
    assert lines[-1].startswith("The 90% intervals hold chance and parameters only")
    assert re.match(r"buyers  464 \(\d+ to \d+\)\n", repr(plain.buyers()))


def test_what_is_calculated_with_a_total_prints_as_any_series(plain):
    total = plain.total()
    assert "True" in repr(total > 0)
    assert repr(total.rename({"clv": "worth"})).count("\n") == 13  # one line each, and two more
    assert "1042.5" in repr(total.iloc[:1].rename({"purchases": "x"}))


def test_no_number_depends_on_the_currency(forecast, plain):
    pd.testing.assert_frame_equal(forecast.frame, plain.frame)
    pd.testing.assert_series_equal(forecast.total(), plain.total())


def test_the_currency_is_shown_wherever_money_is(fitted, forecast, plain, tmp_path):
    ids = forecast.frame["customer_id"]
    channel = pd.Series(np.where(ids % 3, "post", "web"), index=ids)

    def shown(of, model):
        of.to_html(tmp_path / "page.html", rows=1)
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        return {
            "headline": of.headline(),
            "total": repr(of.total()),
            "equity": repr(pc.economics.customer_equity(of)),
            "equity html": pc.economics.customer_equity(of)._repr_html_(),
            "tiers": repr(pc.segments.tiers(of)),
            "tiers html": pc.segments.tiers(of)._repr_html_(),
            "channels": repr(pc.economics.by_channel(of, channel)),
            "new customer": repr(pc.economics.new_customer(model, "6 months")),
            "axis": pc.plots.clv_distribution(of).get_xlabel(),
            "page": page,
        }

    pounds = shown(forecast, fitted)
    bare = shown(plain, pc.CLVModel().fit(pc.rfm_summary(pc.datasets.load_cdnow())))
    assert [name for name, text in pounds.items() if "GBP" not in text] == []
    assert [name for name, text in bare.items() if "GBP" in text] == []
    assert "CLV (GBP) per customer" in pounds["axis"]
    assert re.search(r"Customer equity GBP [\d,]+ \(90% interval GBP [\d,]+ to", pounds["equity"])
    assert pounds["page"].count("amounts in GBP") == 1


def test_a_validation_and_a_backtest_show_it_too(cdnow_log):
    split = pc.holdout_split(cdnow_log, calibration_end="1997-09-30", currency="£")
    rule = {"mean rate": pc.baselines.MeanRate()}
    assert re.search(r"purchases came worth £[\d,]+$", pc.validate(rule, split).headline())
    models = {"BG/NBD": pc.CLVModel(), "mean rate": pc.baselines.MeanRate()}
    dearer = cdnow_log["amount"].where(cdnow_log["date"] <= "1997-09-30", cdnow_log["amount"] * 3)
    late = pc.holdout_split(
        cdnow_log.assign(amount=dearer), calibration_end="1997-09-30", currency="£"
    )
    found = pc.validate(models, late, seed=1)
    (said,) = (f for f in found.findings if f.startswith("The total of BG/NBD"))
    assert re.search(r"spend of £[\d,]+ forecast, £[\d,]+ came", said)
    found = pc.backtest(rule, cdnow_log, cutoffs=1, horizon="8 weeks", currency="£")
    assert [v.split.rfm.currency for v in found.validations.values()] == ["£"]


def test_it_comes_back_from_files_and_from_other_processes(fitted, cdnow_log, tmp_path):
    import pickle

    from predclv.summaries.files import read_rfm, write_rfm

    fitted.save(tmp_path / "model")
    write_rfm(fitted.rfm, tmp_path / "rfm.parquet")
    for rfm in (
        pc.load(tmp_path / "model").rfm,
        read_rfm(tmp_path / "rfm.parquet"),
        pickle.loads(pickle.dumps(fitted.rfm)),
        pc.RFM.from_frame(fitted.rfm.frame, "week", currency="GBP"),
    ):
        assert rfm.currency == "GBP"
    assert "GBP" in pc.load(tmp_path / "model").forecast("26 weeks", level=None).headline()
    assert pc.rfm_summary(cdnow_log).currency is None


def test_what_is_no_currency_is_refused(cdnow_log):
    summary = pd.DataFrame({"frequency": [1], "recency": [2.0], "T": [3.0]})
    for odd in ("", " ", 1.25, "1.25 USD", "pounds of sterling"):
        with pytest.raises(OptionError, match=r"code or a symbol.*Nothing is converted"):
            pc.rfm_summary(cdnow_log, currency=odd)
        with pytest.raises(OptionError, match="code or a symbol"):
            pc.RFM.from_frame(summary, "week", currency=odd)


def test_codes_stand_apart_and_symbols_do_not():
    assert [money(-1234.5, name) for name in (None, "GBP", "£", "kr")] == [
        "-1,234",
        "-GBP 1,234",
        "-£1,234",
        "-kr 1,234",
    ]
    assert (money(99.99), money(99.996), money(0.0)) == ("99.99", "100", "0.00")


@pytest.mark.parametrize("word", ["currency", "Currency", "cur_code", "ccy"])
def test_the_name_of_a_column_is_no_currency(cdnow_log, word):
    with pytest.raises(OptionError, match="looks like the name of a column"):
        pc.rfm_summary(cdnow_log.assign(currency="GBP"), currency=word)
