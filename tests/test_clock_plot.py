"""A clock's curve and its picture, and a schedule's: what is drawn is what was fitted."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import predclv as pc
from predclv.clocks.calendar import Calendar
from predclv.clocks.curves import curve
from predclv.clocks.terms import Events, Season, Trend, Weekday

mpl.use("Agg")

FIRST, LAST = 18_262, 19_357  # 2020-01-01 to 2022-12-31
SALE = Events(("sale",), (((18_500, 18_509), (19_400, 19_409)),))


def calendar(*terms, effects, error=0.05):
    covariance = np.diag(np.full(len(effects), error**2))
    return Calendar("week", FIRST, LAST, terms, np.array(effects), covariance)


@pytest.fixture(scope="module")
def fitted():
    log = pc.datasets.load_cdnow()
    log = log[log["customer_id"].isin(log["customer_id"].unique()[:500])]
    sale = pd.DataFrame({"name": "$ale", "start": ["1997-03-01"], "end": ["1997-03-31"]})
    clock = pc.Clock(season=1, trend="damped", weekday=True, events=sale)
    with pytest.warns(pc.errors.AssumptionWarning):
        return pc.CLVModel(clock=clock).fit(pc.rfm_summary(log))


def test_the_curve_of_all_terms_is_the_clocks_rate():
    clock = calendar(Season(1), Trend(LAST), effects=[0.3, -0.2, 0.1])
    days = np.arange(FIRST + 1, LAST + 400)
    found = curve(clock, days, (Season, Trend))
    np.testing.assert_allclose(found["rate"], clock.rate(days), rtol=1e-12)


def test_the_mean_of_a_part_over_observed_days_is_one():
    clock = calendar(Season(1), Weekday(), SALE, effects=[0.3, -0.2, *np.linspace(-1, 1, 7), 0.9])
    found = curve(clock, np.arange(FIRST + 1, LAST + 1), (Season,))
    assert found["rate"].mean() == pytest.approx(1.0, rel=1e-12)


def test_the_band_is_that_of_drawn_effects():
    clock = calendar(SALE, Season(2), effects=[0.5, 0.3, -0.2, 0.1, 0.1])
    days = np.arange(LAST, LAST + 365, 30)
    found = curve(clock, days, (Season,), level=0.9)
    draws = np.random.default_rng(1).normal(clock.effects[1:], 0.05, (4000, 4))
    rates = [
        curve(calendar(Season(2), effects=draw), days, (Season,))["rate"] for draw in draws[:1000]
    ]
    # Quantiles of 1000 draws are known to some 4% of the band's half width.
    half = (found["upper"] - found["lower"]) / 2
    for bound, share in (("lower", 0.05), ("upper", 0.95)):
        off = np.abs(np.quantile(rates, share, axis=0) - found[bound])
        assert (off < 0.15 * half).all()


def test_the_picture_shows_the_rate_trend_events_and_weekdays(fitted):
    ax = pc.plots.clock(fitted)
    lines = {line.get_label(): line for line in ax.get_lines()}
    clock = fitted.clock
    days = np.arange(clock.first_day + 1, clock.last_day + 367)
    drawn = lines["season and trend"].get_ydata()
    np.testing.assert_allclose(drawn, curve(clock, days, (Season, Trend))["rate"])
    assert "trend alone" in lines
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    times = clock.summary().at["event[$ale]", "multiplier"]
    assert any(f"times {times:.2f}" in " ".join(text.split()) for text in texts)
    assert "Mon" in ax.get_xlabel()
    ax.figure.canvas.draw()


def test_the_axes_given_are_drawn_on_and_a_fit_will_do(fitted):
    figure = mpl.figure.Figure(layout="constrained")
    ax = figure.subplots()
    assert pc.plots.clock(fitted.purchases, ax=ax) is ax
    assert ax.get_title(loc="left").startswith("In the year to come")


def test_a_fit_without_a_clock_says_how_to_get_one():
    fitted = pc.CLVModel(spend=None).fit(pc.rfm_summary(pc.datasets.load_cdnow()))
    with pytest.raises(pc.errors.DataError, match="without a clock"):
        pc.plots.clock(fitted)


def test_bars_of_a_schedule_are_its_numbers(fitted):
    forecast = fitted.forecast("26 weeks", seed=1)
    ax = pc.plots.schedule(forecast, "quarter", of="clv")
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == forecast.schedule("quarter")["clv"].tolist()
    with pytest.raises(pc.errors.OptionError, match="of must be one of"):
        pc.plots.schedule(forecast, of="profit")
