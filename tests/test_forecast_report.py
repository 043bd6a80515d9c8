"""A forecast as a page, and pages that fit: no fetching, all numbers, tables within the screen."""

import re
import shutil
import subprocess

import matplotlib as mpl
import pandas as pd
import pytest

mpl.use("Agg")

from matplotlib import pyplot as plt

import predclv as pc
from predclv.errors import OptionError, StoreError
from predclv.plots import style
from predclv.reports.forecast import report
from predclv.reports.validation_tables import crowned

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
KEY = "a secret of my own"
EIGHT = ("LastPeriod", "PastRate", "HiatusRate", "MeanRate")


@pytest.fixture(scope="module")
def forecast(cdnow):
    return pc.CLVModel().fit(cdnow).forecast("26 weeks", margin=0.3, seed=1)


@pytest.fixture(scope="module")
def page(forecast):
    return report(forecast)


@pytest.fixture(scope="module")
def eight(cdnow_split):
    fitted = pc.CLVModel().fit(cdnow_split.rfm)
    named = {name: getattr(pc.baselines, name)() for name in EIGHT}
    named |= {f"BG/NBD, the {n}th of all of these": fitted for n in (5, 6, 7, 8)}
    return pc.validate(named, cdnow_split, seed=1)


def test_nothing_is_fetched_and_the_totals_say_what_their_interval_holds(forecast, page):
    addresses = set(re.findall(r"https?://[^\s\"'<>]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "<script" not in page
    total = forecast.total()
    for name in ("purchases", "revenue", "clv"):
        assert f"<b>{total[name]:,.0f}</b>" in page
        assert (
            f"90% interval {total[f'{name}_lower']:,.0f} to {total[f'{name}_upper']:,.0f}" in page
        )
    assert "They do not hold what changes: a season" in page


def test_lists_tiers_and_values_are_on_the_page(forecast, page):
    for name in ("top", "due_soon", "at_risk", "win_back", "tiers", "values"):
        assert f'<section id="{name}">' in page
    assert "Not shown" not in page
    assert page.count("<svg") == 2
    best = forecast.top(1)["customer_id"].item()
    assert f'<th scope="row">{best}</th>' in page
    lost = pc.segments.win_back(forecast)
    assert f"{len(lost):,} customers in all" in page


def test_a_page_can_be_written_without_ids(forecast, tmp_path):
    forecast.to_html(tmp_path / "page.html", rows=3, pseudonymise=KEY)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    best = forecast.top(1)
    assert f'<th scope="row">{best["customer_id"].item()}</th>' not in text
    assert pc.pseudonymise(best, KEY)["customer_id"].item() in text
    with pytest.raises(OptionError, match="rows must be a whole number"):
        report(forecast, rows=0)
    with pytest.raises(StoreError, match="There is no folder"):
        forecast.to_html(tmp_path / "none" / "page.html")


def test_what_a_rule_cannot_show_says_why(cdnow):
    text = report(pc.baselines.PastRate().fit(cdnow).forecast("26 weeks"))
    assert text.count("Not shown.") >= 2
    assert "These are expectations, without an interval" in text


def test_a_lifetime_without_spend_is_a_page_too(cdnow):
    text = report(pc.CLVModel(spend=None).fit(cdnow).forecast(None, level=None))
    assert "the whole remaining lifetime" in text
    assert "purchases expected, discounted" in text


def test_eight_forecasters_keep_eight_colours_marks_and_lines():
    looks = style.looks("abcdefgh").values()
    for part in ("colour", "marker", "line"):
        assert len({str(getattr(look, part)) for look in looks}) == 8
    many = {(look.colour, look.marker) for look in style.looks(range(64)).values()}
    assert len(many) == 64


@pytest.mark.parametrize("name", ["calibration", "gains", "holdout_by_frequency", "pit_histogram"])
def test_a_legend_stands_beside_the_points_and_on_the_figure(eight, name):
    ax = getattr(pc.plots, name)(eight)
    ax.figure.canvas.draw()
    box = ax.get_legend().get_window_extent()
    assert box.x0 > ax.get_window_extent().x1
    assert box.x1 <= ax.figure.bbox.x1 + 1
    assert box.y0 >= ax.figure.bbox.y0
    plt.close("all")


def test_nobody_is_crowned_where_two_print_the_same():
    frame = pd.DataFrame(
        {"mae": [1.00004, 1.00001, 2.0], "bias": [-0.01, 0.0101, 0.5], "rmse": [1.0, 2.0, 3.0],
         "coverage": [0.91, 0.89, 0.5]},
        index=["a", "b", "c"],
    )  # fmt: skip
    assert [crowned(frame, name, 0.9) for name in frame] == [None, None, "a", None]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    profile = tmp_path_factory.mktemp("profile")

    def dumped(file, width):
        done = subprocess.run(
            [path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             f"--user-data-dir={profile}", f"--window-size={width},2000", "--dump-dom",
             file.as_uri()],
            capture_output=True, timeout=120, check=True,
        )  # fmt: skip
        return done.stdout.decode()

    return dumped


MEASURE = """<iframe id="page" style="width:{width}px;height:2000px;border:0"></iframe><pre
id="said"></pre><script>const f=document.getElementById("page");f.onload=()=>{{
const d=f.contentDocument;d.querySelectorAll("details").forEach(e=>e.open=true);
const wide=[...d.querySelectorAll(".scroll")].filter(e=>e.scrollWidth>e.clientWidth+1).length;
document.getElementById("said").textContent="wide="+wide+" page="+d.documentElement.scrollWidth
+" tables="+d.querySelectorAll(".scroll").length;}};f.srcdoc={page};</script>"""


@pytest.mark.parametrize("width", [1200, 390])
@pytest.mark.parametrize("which", ["forecast", "validation"])
def test_tables_fit_the_screen(browser, tmp_path, eight, page, width, which):
    from json import dumps

    from predclv.reports.validation import report as of_validation

    text = page if which == "forecast" else of_validation(eight)
    inside = dumps(text).replace("</", "<\\/")
    file = tmp_path / "measure.html"
    file.write_text(MEASURE.format(width=width, page=inside), encoding="utf-8")
    found = re.search(r"wide=(\d+) page=(\d+) tables=(\d+)", browser(file, max(width + 50, 600)))
    assert found is not None
    wide, page_width, tables = map(int, found.groups())
    assert tables > 5
    assert wide == 0
    assert page_width <= width
